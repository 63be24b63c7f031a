"""Stop-shingles: shingles of template text and leftovers, told by the number of days on which they were seen.

Days, not articles: a hot story is no boilerplate. Settling appends what it saw, one row a batch. At fixed points of the
order of settling the rows are merged into the counts and the list is renewed: whenever a fifth as many texts were
settled as are still counted. Which points those are is said by the stored rows alone, and no batch goes beyond the next
(`room`); so batches, workers, kills and repeats change no list.

A count is a set of sightings, each of one shingle on one day, packed into a number. Once the days of a shingle are
enough it leaves the counts for the list; and it is forgotten if it was seen on d days and then not for d weeks. So the
counts hold what a few weeks brought, however old the store is. The list forgets nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from load.binary import distinct
from load.rows import from_bytes, to_bytes
from load.tables import published_day, shingle_count, shingle_run, stop_list
from transform.model import Hashes
from transform.verify import History, MatchPolicy, Side, counted_shingles

FIRST_DUE = 100  # texts: a young store learns its templates fast
SHARE_DUE = 5  # on a labelled stream F1 is .935 renewing at a twentieth, .936 at a tenth, .935 at a quarter
REST_DAYS = 7  # for each day on which a shingle was seen; forgetting so costs nothing on that stream
EARLY_SHARE = 10  # texts older than nine in ten do not hold up forgetting: many feeds list something ancient
GROUP_BYTES = 64 * 2**20  # of counts in memory at once

_FIRST_DAY = (date(1900, 1, 1) - date(1970, 1, 1)).days
_LAST_DAY = 0xFFFF  # in the year 2079
_DAY_BITS = np.uint64(16)
_CHUNK_SHIFT = np.uint64(58)
_CHUNKS = 64

_Days = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What was settled since the last renewal."""

    text_days: _Days  # of each text
    hashes: Hashes  # sampled shingles of all texts
    days: _Days  # of the text that each is of


def history(connection: Connection, policy: MatchPolicy) -> History:
    """What was known when the stop list was renewed last: one value for all that is settled until the next time."""
    stop = connection.scalar(select(stop_list.c.hashes))
    some = select(published_day.c.day).limit(policy.stop_days + 1).subquery()
    days = connection.scalar(select(func.count()).select_from(some)) or 0
    return History(stop=from_bytes(stop or b""), days=max(days - 1, 0))  # the latest day is not over


def room(connection: Connection) -> int:
    """How many texts may be settled until the stop list is renewed, at least one; no batch may be larger."""
    due = connection.scalar(select(stop_list.c.due))
    return (due or FIRST_DUE) - _waiting(connection)


def count(connection: Connection, sides: Sequence[Side], policy: MatchPolicy) -> None:
    """Take note of what these texts say; the last before a renewal bring it about."""
    if not sides:
        return
    counted = [counted_shingles(side.print, policy) for side in sides]
    row = {
        "texts": len(sides),
        "days": _to_days([side.day for side in sides]).astype("<u2").tobytes(),
        "lengths": np.array([len(hashes) for hashes in counted], dtype="<u4").tobytes(),
        "hashes": to_bytes(np.concatenate(counted)),
    }
    connection.execute(insert(shingle_run), row)
    if not room(connection):
        _renew(connection, policy)


def _waiting(connection: Connection) -> int:
    return connection.scalar(select(func.coalesce(func.sum(shingle_run.c.texts), 0))) or 0


def _renew(connection: Connection, policy: MatchPolicy) -> None:
    """Merge what was settled into the counts, and enter into the list whose days are enough."""
    before = connection.execute(select(stop_list.c.version, stop_list.c.hashes)).one_or_none()
    known = from_bytes(before.hashes) if before else np.empty(0, dtype=np.uint64)
    seen = _read_seen(connection)
    today = _today(seen.text_days)
    fresh = ~_is_among(seen.hashes, known)
    sightings = distinct(_packed(seen.hashes[fresh], seen.days[fresh]))
    enough = _merge(connection, sightings, today, policy.stop_days)
    stop = seen.hashes[_is_among(seen.hashes >> _DAY_BITS, enough)]  # the last sighting is among those just merged
    _count_texts(connection, seen.text_days)
    connection.execute(delete(shingle_run))
    connection.execute(delete(stop_list))
    row = {
        "version": before.version + 1 if before else 1,
        "due": max(FIRST_DUE, _counted_texts(connection, today) // SHARE_DUE),
        "hashes": to_bytes(distinct(np.concatenate([known, stop]))),
    }
    connection.execute(insert(stop_list), row)


def _read_seen(connection: Connection) -> _Seen:
    rows = connection.execute(select(shingle_run).order_by(shingle_run.c.id)).all()
    text_days = np.concatenate([np.frombuffer(row.days, dtype="<u2") for row in rows])
    lengths = np.concatenate([np.frombuffer(row.lengths, dtype="<u4") for row in rows])
    hashes = np.concatenate([from_bytes(row.hashes) for row in rows])
    return _Seen(text_days=text_days, hashes=hashes, days=np.repeat(text_days, lengths))


def _today(text_days: _Days) -> int:
    """The day that new texts have reached, nearly all of them; told by themselves, not by a clock."""
    place = len(text_days) // EARLY_SHARE
    return int(np.partition(text_days, place)[place])


def _merge(connection: Connection, sightings: Hashes, today: int, stop_days: int) -> Hashes:
    """Add the sightings to the counts; the shingles, by their upper 48 bits, that now have days enough."""
    enough = [np.empty(0, dtype=np.uint64)]
    bounds = np.searchsorted(sightings >> _CHUNK_SHIFT, np.arange(_CHUNKS + 1, dtype=np.uint64))
    for group in _groups(connection):
        kept = {}
        for chunk, stored in _chunks(connection, group).items():
            new = sightings[bounds[chunk] : bounds[chunk + 1]]
            kept[chunk], found = _sorted_out(distinct(np.concatenate([stored, new])), today, stop_days)
            enough.append(found)
        _write_chunks(connection, kept)
    return np.concatenate(enough)


def _sorted_out(sightings: Hashes, today: int, stop_days: int) -> tuple[Hashes, Hashes]:
    """The sightings that are counted on, and the shingles whose days are enough."""
    shingles = sightings >> _DAY_BITS
    first = np.flatnonzero(np.append(True, shingles[1:] != shingles[:-1])[: len(shingles)])
    days = np.diff(np.append(first, len(shingles)))
    newest = (sightings[first + days - 1] & np.uint64(_LAST_DAY)).astype(np.int64)
    enough = days >= stop_days
    remembered = newest + REST_DAYS * days >= today
    return sightings[np.repeat(remembered & ~enough, days)], shingles[first[enough]]


def _groups(connection: Connection) -> Iterator[range]:
    """All chunks, in groups that fit into memory."""
    query = select(shingle_count.c.chunk, func.octet_length(shingle_count.c.sightings))
    sizes = {chunk: size for chunk, size in connection.execute(query)}
    begin, total = 0, 0
    for chunk in range(_CHUNKS):
        total += sizes.get(chunk, 0)
        if total > GROUP_BYTES:
            yield range(begin, chunk + 1)
            begin, total = chunk + 1, 0
    yield range(begin, _CHUNKS)


def _chunks(connection: Connection, group: range) -> dict[int, Hashes]:
    """Chunk → its sightings; none for those that have no row yet."""
    query = select(shingle_count).where(shingle_count.c.chunk.between(group.start, group.stop - 1))
    stored = {row.chunk: from_bytes(row.sightings) for row in connection.execute(query)}
    return {chunk: stored.get(chunk, np.empty(0, dtype=np.uint64)) for chunk in group}


def _write_chunks(connection: Connection, kept: dict[int, Hashes]) -> None:
    rows = [{"chunk": chunk, "sightings": to_bytes(sightings)} for chunk, sightings in kept.items()]
    if rows:
        new = postgresql.insert(shingle_count)
        values = {"sightings": new.excluded.sightings}
        connection.execute(new.on_conflict_do_update(index_elements=[shingle_count.c.chunk], set_=values), rows)


def _count_texts(connection: Connection, text_days: _Days) -> None:
    days, numbers = np.unique(text_days, return_counts=True)
    rows = [{"day": _date(day), "texts": n} for day, n in zip(days.tolist(), numbers.tolist(), strict=True)]
    new = postgresql.insert(published_day)
    more = {"texts": published_day.c.texts + new.excluded.texts}
    connection.execute(new.on_conflict_do_update(index_elements=[published_day.c.day], set_=more), rows)


def _counted_texts(connection: Connection, today: int) -> int:
    """How many of the settled texts are recent enough that a shingle seen in one of them only is still counted."""
    recent = published_day.c.day >= _date(max(today - REST_DAYS, 0))
    return int(connection.scalar(select(func.coalesce(func.sum(published_day.c.texts), 0)).where(recent)) or 0)


def _packed(hashes: Hashes, days: _Days) -> Hashes:
    """48 bits of a hash and 16 of a day: among 100 million shingles one in three million is taken for another."""
    return hashes >> _DAY_BITS << _DAY_BITS | days


def _is_among(hashes: Hashes, known: Hashes) -> npt.NDArray[np.bool_]:
    """For each hash whether it is one of the known ones, which are sorted."""
    if not len(known):
        return np.zeros(len(hashes), dtype=np.bool_)
    found: npt.NDArray[np.bool_] = known.take(known.searchsorted(hashes), mode="clip") == hashes
    return found


def _to_days(days: Sequence[int]) -> _Days:
    """Days since 1970 as they are stored; those beyond what that holds, as the first or last of it."""
    return np.clip(np.array(days, dtype=np.int64) - _FIRST_DAY, 0, _LAST_DAY).astype(np.uint16)


def _date(day: int) -> date:
    return date(1900, 1, 1) + timedelta(days=day)
