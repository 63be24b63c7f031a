"""Stop-shingles: shingles of template text and leftovers, told by the number of days on which they were seen.

Days, not articles: a hot story is no boilerplate. Settling appends what it saw, one run a batch. At fixed points of the
order of settling the counts and the runs since are put together, and the list gains the shingles whose days are enough.
That happens to each shingle whenever a fifth as many texts were settled as are still counted; in a large store not to
all at once, but to one stretch of the hashes after the other, so no batch waits long for it. Which points those are is
said by the stored rows alone, and no batch goes beyond the next (`room`); so batches, workers, kills and repeats change
no list.

A count is a set of sightings, each of one shingle on one day, packed into a number. It is written anew only once a week
of the texts' own time, and then what was seen on d days and not for d weeks since is forgotten; until the next time the
runs stand beside it. So both hold what a few weeks brought, however old the store is. The list forgets nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql

from load.binary import distinct
from load.rows import IN_BINARY, from_bytes, to_bytes
from load.tables import SCHEMA, published_day, shingle_count, shingle_run, sketch_spec, stop_list
from transform.model import Hashes
from transform.verify import History, MatchPolicy, Side, is_counted

FIRST_DUE = 100  # texts: a young store learns its templates fast
SHARE_DUE = 5  # on a labelled stream F1 is .935 renewing at a twentieth, .936 at a tenth, .935 at a quarter
REST_DAYS = 7  # for each day on which a shingle was seen; forgetting so costs nothing on that stream
EARLY_SHARE = 10  # texts older than nine in ten do not hold up forgetting: many feeds list something ancient
STRETCH_TEXTS = 1_500  # at least, from one stretch to the next: a renewal cuts short the batch that it ends
ROUND_TEXTS = 1_000  # so many texts, and a multiple of it, are whole batches

_FIRST_DAY = (date(1900, 1, 1) - date(1970, 1, 1)).days
_LAST_DAY = 0xFFFF  # in the year 2079
_DAY_BITS = np.uint64(16)
_CHUNK_SHIFT = np.uint64(58)
_CHUNKS = 64

_Days = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Runs:
    """What was settled since the counts of a stretch were written: sightings, in no order, some of them repeated."""

    hashes: Hashes
    days: _Days


def history(connection: Connection, spec: int, policy: MatchPolicy) -> History:
    """What was known when the stop list was renewed last: one value for all that is settled until the next time.

    spec: number of the one whose shingles are counted, here and below.
    """
    stop = connection.scalar(select(stop_list.c.hashes).where(stop_list.c.spec == spec), execution_options=IN_BINARY)
    some = select(published_day.c.day).where(published_day.c.spec == spec).limit(policy.stop_days + 1).subquery()
    days = connection.scalar(select(func.count()).select_from(some)) or 0
    return History(stop=from_bytes(stop or b""), days=max(days - 1, 0))  # the latest day is not over


def room(connection: Connection, spec: int) -> int:
    """How many texts may be settled until the stop list is renewed, at least one; no batch may be larger."""
    due = connection.scalar(select(stop_list.c.position + stop_list.c.due).where(stop_list.c.spec == spec))
    return (due or FIRST_DUE) - _position(connection, spec)


def count(connection: Connection, spec: int, sides: Sequence[Side], policy: MatchPolicy) -> None:
    """Take note of what these texts say; the last before a renewal bring it about."""
    if not sides:
        return
    position = _position(connection, spec) + len(sides)
    connection.execute(insert(shingle_run), {"spec": spec, "position": position, **_run(sides, policy)})
    if not room(connection, spec):
        _renew(connection, spec, position, policy)


def drop_unused(connection: Connection) -> None:
    """Forget what was counted by the shingles of specs whose fingerprints are gone."""
    used = select(sketch_spec.c.counts).where(sketch_spec.c.dropped_at.is_(None))
    for table in (shingle_run, shingle_count, published_day, stop_list):
        connection.execute(delete(table).where(table.c.spec.not_in(used)))


def _position(connection: Connection, spec: int) -> int:
    """How many texts were counted."""
    latest = select(func.max(shingle_run.c.position)).where(shingle_run.c.spec == spec).scalar_subquery()
    renewed = select(stop_list.c.position).where(stop_list.c.spec == spec).scalar_subquery()
    return connection.scalar(select(func.coalesce(latest, renewed, 0))) or 0


def _run(sides: Sequence[Side], policy: MatchPolicy) -> dict[str, object]:
    text_days = _to_days([side.day for side in sides])
    hashes = np.concatenate([side.print.shingles for side in sides])
    days = np.repeat(text_days, [len(side.print.shingles) for side in sides])
    counted = np.flatnonzero(is_counted(hashes, policy))
    counted = counted[np.argsort(hashes[counted])]
    hashes, days = hashes[counted], days[counted]
    new = np.flatnonzero(np.append(True, (hashes[1:] != hashes[:-1]) | (days[1:] != days[:-1]))[: len(hashes)])
    hashes, days = hashes[new], days[new]
    return {
        "text_days": text_days.astype("<u2").tobytes(),
        "bounds": _chunk_bounds(hashes).tolist(),
        "hashes": to_bytes(hashes),
        "days": days.astype("<u2").tobytes(),
    }


def _chunk_bounds(hashes: Hashes) -> npt.NDArray[np.int64]:
    """Where in the sorted hashes each chunk begins, and where the last one ends."""
    return np.searchsorted(hashes >> _CHUNK_SHIFT, np.arange(_CHUNKS + 1, dtype=np.uint64))


def _renew(connection: Connection, spec: int, position: int, policy: MatchPolicy) -> None:
    """Enter into the list the shingles of the stretch that is due whose days are enough."""
    listed = select(stop_list).where(stop_list.c.spec == spec)
    before = connection.execute(listed, execution_options=IN_BINARY).one_or_none()
    stretch = range(before.first_chunk, before.end_chunk) if before else range(_CHUNKS)
    text_days = _text_days(connection, spec, before.position if before else 0)
    today = _today(text_days)
    counts = _counts(connection, spec, stretch)
    runs = _runs(connection, spec, stretch, min((row.position for row in counts), default=0))
    sightings = np.sort(np.concatenate([_packed(runs.hashes, runs.days), *(from_bytes(c.sightings) for c in counts)]))
    stop = _completed(_often_seen(sightings, policy.stop_days), runs.hashes)
    if len(counts) < len(stretch) or today >= min(row.as_of for row in counts) + REST_DAYS:
        kept = _remembered(sightings, today, policy.stop_days)
        _write_counts(connection, spec, stretch, kept, position, today)
        _drop_runs(connection, spec)
    _count_texts(connection, spec, text_days)
    known = from_bytes(before.hashes) if before else np.empty(0, dtype=np.uint64)
    connection.execute(delete(stop_list).where(stop_list.c.spec == spec))
    row = {
        "spec": spec,
        "version": before.version + 1 if before else 1,
        "position": position,
        **_next(stretch.stop % _CHUNKS, _counted_texts(connection, spec, today)),
        "hashes": to_bytes(distinct(np.concatenate([known, stop]))),
    }
    connection.execute(insert(stop_list), row)


def _next(first: int, counted: int) -> dict[str, int]:
    """Which stretch is renewed next, and after how many texts."""
    whole = max(FIRST_DUE, counted // SHARE_DUE)
    stretches = min(max(whole // STRETCH_TEXTS, 1), _CHUNKS)
    width = _CHUNKS >> (stretches.bit_length() - 1)  # a power of two, so that none is left over at the end
    end = min(first + width, _CHUNKS)
    due = whole * (end - first) // _CHUNKS
    if due >= ROUND_TEXTS:
        due = round(due / ROUND_TEXTS) * ROUND_TEXTS
    return {"due": max(due, FIRST_DUE), "first_chunk": first, "end_chunk": end}


def _text_days(connection: Connection, spec: int, since: int) -> _Days:
    """The day of each text after the first so many."""
    later = (shingle_run.c.spec == spec) & (shingle_run.c.position > since)
    query = select(shingle_run.c.text_days).where(later).order_by(shingle_run.c.position)
    return np.frombuffer(b"".join(connection.scalars(query, execution_options=IN_BINARY)), dtype="<u2")


def _today(text_days: _Days) -> int:
    """The day that new texts have reached, nearly all of them; told by themselves, not by a clock."""
    place = len(text_days) // EARLY_SHARE
    return int(np.partition(text_days, place)[place])


def _counts(connection: Connection, spec: int, stretch: range) -> Sequence[Row[Any]]:
    """The counts of these chunks; none of those that have never been written."""
    chunks = shingle_count.c.chunk.between(stretch.start, stretch.stop - 1)
    query = select(shingle_count).where(shingle_count.c.spec == spec, chunks)
    return connection.execute(query, execution_options=IN_BINARY).all()


def _runs(connection: Connection, spec: int, stretch: range, since: int) -> _Runs:
    """What the texts after the first so many have of these chunks; the server reads no other part of the runs."""
    query = text(
        f"""SELECT string_agg(substring(hashes FROM 8 * low + 1 FOR 8 * (high - low)), ''),
                   string_agg(substring(days FROM 2 * low + 1 FOR 2 * (high - low)), '')
            FROM (SELECT hashes, days, bounds[:first] AS low, bounds[:end] AS high FROM {SCHEMA}.shingle_run
                  WHERE spec = :spec AND position > :since) AS run"""
    )
    bounds = {"first": stretch.start + 1, "end": stretch.stop + 1, "spec": spec, "since": since}
    hashes, days = connection.execute(query, bounds, execution_options=IN_BINARY).one()
    return _Runs(hashes=from_bytes(hashes), days=np.frombuffer(days, dtype="<u2"))


def _often_seen(sightings: Hashes, stop_days: int) -> Hashes:
    """The shingles, by their upper 48 bits, that were seen on so many days or more. sightings: sorted"""
    shingles = sightings >> _DAY_BITS
    same = shingles[1:] == shingles[:-1]
    repeated = distinct(sightings[np.append(False, same) | np.append(same, False)[: len(sightings)]])
    shingles = repeated >> _DAY_BITS
    later = shingles[stop_days - 1 :]
    often: Hashes = distinct(later[later == shingles[: len(later)]])
    return often


def _completed(shingles: Hashes, hashes: Hashes) -> Hashes:
    """The hashes of which these are the upper 48 bits; none for those that are in the list by former runs."""
    hashes = np.sort(hashes)
    found = hashes.take(hashes.searchsorted(shingles << _DAY_BITS), mode="clip") if len(hashes) else hashes
    completed: Hashes = found[found >> _DAY_BITS == shingles[: len(found)]]
    return completed


def _remembered(sightings: Hashes, today: int, stop_days: int) -> Hashes:
    """The sightings that are counted on, each once: of shingles that may come again and are not in the list yet."""
    sightings = distinct(sightings)
    shingles = sightings >> _DAY_BITS
    first = np.flatnonzero(np.append(True, shingles[1:] != shingles[:-1])[: len(shingles)])
    days = np.diff(np.append(first, len(shingles)))
    newest = (sightings[first + days - 1] & np.uint64(_LAST_DAY)).astype(np.int64)
    kept = (newest + REST_DAYS * days >= today) & (days < stop_days)
    remembered: Hashes = sightings[np.repeat(kept, days)]
    return remembered


def _write_counts(
    connection: Connection, spec: int, stretch: range, sightings: Hashes, position: int, today: int
) -> None:
    bounds = _chunk_bounds(sightings)
    rows = [
        {
            "spec": spec,
            "chunk": chunk,
            "position": position,
            "as_of": today,
            "sightings": to_bytes(sightings[bounds[chunk] : bounds[chunk + 1]]),
        }
        for chunk in stretch
    ]
    new = postgresql.insert(shingle_count)
    values = {name: new.excluded[name] for name in ("position", "as_of", "sightings")}
    connection.execute(
        new.on_conflict_do_update(index_elements=[shingle_count.c.spec, shingle_count.c.chunk], set_=values), rows
    )


def _drop_runs(connection: Connection, spec: int) -> None:
    """Those that all counts contain."""
    query = select(func.count(), func.min(shingle_count.c.position)).where(shingle_count.c.spec == spec)
    chunks, position = connection.execute(query).one()
    if chunks == _CHUNKS:
        counted = (shingle_run.c.spec == spec) & (shingle_run.c.position <= position)
        connection.execute(delete(shingle_run).where(counted))


def _count_texts(connection: Connection, spec: int, text_days: _Days) -> None:
    days, numbers = np.unique(text_days, return_counts=True)
    told = zip(days.tolist(), numbers.tolist(), strict=True)
    rows = [{"spec": spec, "day": _date(day), "texts": n} for day, n in told]
    new = postgresql.insert(published_day)
    more = {"texts": published_day.c.texts + new.excluded.texts}
    connection.execute(
        new.on_conflict_do_update(index_elements=[published_day.c.spec, published_day.c.day], set_=more), rows
    )


def _counted_texts(connection: Connection, spec: int, today: int) -> int:
    """How many of the settled texts are recent enough that a shingle seen in one of them only is still counted."""
    recent = (published_day.c.spec == spec) & (published_day.c.day >= _date(max(today - REST_DAYS, 0)))
    return int(connection.scalar(select(func.coalesce(func.sum(published_day.c.texts), 0)).where(recent)) or 0)


def _packed(hashes: Hashes, days: _Days) -> Hashes:
    """48 bits of a hash and 16 of a day: among 100 million shingles one in three million is taken for another."""
    return hashes >> _DAY_BITS << _DAY_BITS | days


def _to_days(days: Sequence[int]) -> _Days:
    """Days since 1970 as they are stored; those beyond what that holds, as the first or last of it."""
    return np.clip(np.array(days, dtype=np.int64) - _FIRST_DAY, 0, _LAST_DAY).astype(np.uint16)


def _date(day: int) -> date:
    return date(1900, 1, 1) + timedelta(days=day)
