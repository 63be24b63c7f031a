"""The near-duplicate index: which stored articles are candidates for a newcomer.

An entry is one number: a band key by its upper 42 bits, and below them the last 22 of the article's id. So an index on
the entries alone answers which articles have a key, the newest first, and a row takes 66 bytes where one of key and
article takes 85. What the lost bits cost: beside four million others an article meets a stranger by chance once in
1,200 times, and is told from it like from any other candidate.

The upper bits of the id name the slice. Each slice is a table of its own for each spec of fingerprints, by the spec's
number. Slices are only ever added to at their newest end, but for articles whose text changes; one that nothing was
entered into for long is dropped whole (`retire`), and so is all that a spec has when another has taken its place
(`drop`).
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from load.binary import Bigints, copy_columns, distinct, read_array
from load.tables import SCHEMA, band_slice, sketch_spec
from transform.model import ArticleId, Hashes
from transform.verify import Side

PLACE_BITS = 22
_PLACES = (1 << PLACE_BITS) - 1

Changed = Mapping[ArticleId, Hashes]
"""Articles that are in the index with a former text, and the band keys of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSize:
    """What the near-duplicate index takes."""

    slices: int
    entries: int  # by the server's statistics, a moment old
    size_bytes: int  # the tables and the indexes on them


def candidates(
    connection: Connection, spec: int, sides: Sequence[Side], changed: Changed, newest: int
) -> list[set[ArticleId]]:
    """For each newcomer the articles before it that share a band key, the newest of each key, as if they came singly.

    spec: number of the one by which all of these are fingerprinted.
    sides: in order of settling. changed: those of them that have a former text, which is forgotten at their turn.
    newest: how many a key; the newest are those with the highest ids.
    """
    former = {article: _short_keys(keys).tolist() for article, keys in changed.items()}
    forgotten = max(Counter(key for keys in former.values() for key in keys).values(), default=0)
    buckets = _buckets(connection, spec, sides, newest + forgotten)
    found: list[set[ArticleId]] = []
    for side in sides:
        for key in former.get(side.id, ()):
            if side.id in buckets[key]:
                buckets[key].remove(side.id)
        keys = _short_keys(side.print.bands).tolist()
        found.append({article for key in keys for article in buckets[key][-newest:]})
        for key in keys:
            insort(buckets[key], side.id)
    return found


def replace_keys(connection: Connection, spec: int, sides: Sequence[Side], changed: Changed, now: datetime) -> None:
    """Enter the newcomers into the index, in place of what it had of them."""
    slices = _slices(connection)
    _remove(connection, spec, changed, slices)
    for number, entries in _by_slice({side.id: side.print.bands for side in sides}):
        if number not in slices:
            _create_slice(connection, spec, number)
        _mark_written(connection, number, now)
        copy_columns(connection, f"{SCHEMA}.{_table(spec, number)}", {"entry": entries})


def prepare(connection: Connection, spec: int) -> None:
    """Make the tables of this spec for all slices that there are; nothing when it has them."""
    missing = func.to_regclass(func.concat(f"{SCHEMA}.band_{spec}_", band_slice.c.number)).is_(None)
    for number in connection.scalars(select(band_slice.c.number).where(missing)).all():
        _create_slice(connection, spec, number)


def build_keys(connection: Connection, spec: int, keys: Mapping[ArticleId, Hashes], former: Changed) -> None:
    """Enter articles into what a spec has of the index, in place of their former keys, if any.

    What was dropped stays dropped, and no slice is younger by this.
    """
    prepare(connection, spec)
    slices = _slices(connection)
    _remove(connection, spec, former, slices)
    for number, entries in _by_slice(keys):
        if number in slices:
            copy_columns(connection, f"{SCHEMA}.{_table(spec, number)}", {"entry": entries})


def retire(connection: Connection, before: datetime) -> int:
    """Drop the slices that nothing was entered into since then, but never the newest; how many.

    Articles of a dropped slice are no candidates any more. One whose text changes is entered anew.
    """
    newest = select(func.max(band_slice.c.number)).scalar_subquery()
    old = (band_slice.c.written_at < before) & (band_slice.c.number < newest)
    dropped = connection.scalars(delete(band_slice).where(old).returning(band_slice.c.number)).all()
    specs = connection.scalars(select(sketch_spec.c.number).where(sketch_spec.c.dropped_at.is_(None))).all()
    for number in dropped:
        for spec in specs:
            _drop_table(connection, spec, number)
    return len(dropped)


def drop(connection: Connection, spec: int) -> None:
    """Drop what this spec has of all slices."""
    for number in _slices(connection):
        _drop_table(connection, spec, number)


def size(connection: Connection) -> IndexSize:
    """How large the index is, with all specs that it has keys of, without counting."""
    query = text(
        f"""SELECT count(DISTINCT number) AS slices,
                   coalesce(sum(n_live_tup), 0)::bigint AS entries,
                   coalesce(sum(pg_total_relation_size(relid)), 0)::bigint AS size_bytes
            FROM {SCHEMA}.band_slice
            JOIN pg_stat_user_tables ON schemaname = '{SCHEMA}' AND relname ~ ('^band_[0-9]+_' || number || '$')"""
    )
    return IndexSize(**connection.execute(query).mappings().one())


def _buckets(connection: Connection, spec: int, sides: Sequence[Side], limit: int) -> defaultdict[int, list[ArticleId]]:
    """Short key → the stored articles that have it, in the order of their ids: the newest, as many as are asked for.

    Every slice is asked for so many, as most keys are in none or a few and there is nothing to stop early for.
    """
    keys = distinct(_short_keys(_joined(side.print.bands for side in sides)))
    buckets: defaultdict[int, list[ArticleId]] = defaultdict(list)
    for number in sorted(_slices(connection)):
        entries = _newest_entries(connection, _table(spec, number), keys, limit)
        articles = entries & _PLACES | number << PLACE_BITS
        for key, article in zip((entries & ~_PLACES).tolist(), articles.tolist(), strict=True):
            buckets[key].append(ArticleId(article))
    return buckets


def _newest_entries(connection: Connection, table: str, keys: Bigints, limit: int) -> Bigints:
    """The entries of a slice that have one of the short keys, sorted; up to `limit` a key, those of the highest ids."""
    query = f"""SELECT array_agg(entry) FROM unnest(%(keys)s) AS probe (key) CROSS JOIN LATERAL (
                  SELECT entry FROM {SCHEMA}.{table} WHERE entry BETWEEN probe.key AND probe.key + {_PLACES}
                  ORDER BY entry DESC LIMIT %(limit)s) AS newest"""
    return np.sort(read_array(connection, query, keys=keys, limit=limit))


def _remove(connection: Connection, spec: int, former: Changed, slices: Collection[int]) -> None:
    """Take these keys of articles out of the slices that are there."""
    for number, entries in _by_slice(former):
        if number in slices:
            gone = text(f"DELETE FROM {SCHEMA}.{_table(spec, number)} WHERE entry = ANY(CAST(:entries AS bigint[]))")
            connection.execute(gone, {"entries": entries.tolist()})


def _by_slice(keys: Mapping[ArticleId, Hashes]) -> list[tuple[int, Bigints]]:
    """The entries of the articles, slice by slice; sorted, as writing them so is seven times cheaper."""
    lengths = np.fromiter((len(hashes) for hashes in keys.values()), np.int64, len(keys))
    ids = np.repeat(np.fromiter(keys, np.int64, len(keys)), lengths)
    entries = _short_keys(_joined(keys.values())) | ids & _PLACES
    numbers = ids >> PLACE_BITS
    return [(number, distinct(entries[numbers == number])) for number in distinct(numbers).tolist()]


def _short_keys(hashes: Hashes) -> Bigints:
    """The band keys without the bits that an entry has no room for."""
    return hashes.view(np.int64) & ~_PLACES


def _joined(hashes: Iterable[Hashes]) -> Hashes:
    return np.concatenate([np.empty(0, dtype=np.uint64), *hashes])


def _slices(connection: Connection) -> set[int]:
    return set(connection.scalars(select(band_slice.c.number)))


def _create_slice(connection: Connection, spec: int, number: int) -> None:
    """Rows are never changed, so the vacuum that follows many inserts may freeze them once and for all."""
    connection.execute(
        text(
            f"""CREATE TABLE {SCHEMA}.{_table(spec, number)} (PRIMARY KEY (entry)) INHERITS ({SCHEMA}.band)
                WITH (autovacuum_freeze_min_age = 0)"""
        )
    )


def _drop_table(connection: Connection, spec: int, number: int) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {SCHEMA}.{_table(spec, number)}"))


def _mark_written(connection: Connection, number: int, now: datetime) -> None:
    row = insert(band_slice).values(number=number, written_at=now)
    latest = func.greatest(band_slice.c.written_at, row.excluded.written_at)
    connection.execute(row.on_conflict_do_update(index_elements=[band_slice.c.number], set_={"written_at": latest}))


def _table(spec: int, number: int) -> str:
    return f"band_{spec}_{number}"
