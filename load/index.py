"""The near-duplicate index: which stored articles are candidates for a newcomer, and which shingles are template text.

Both answers are as if the newcomers had come one by one in the order given, so they do not depend on batches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from load.rows import copy_rows, from_bigints, to_bigints
from load.tables import SCHEMA, band, published_day
from transform.model import ArticleId
from transform.verify import History, MatchPolicy, Side, counted_shingles

_EPOCH = date(1970, 1, 1)


def candidates(
    connection: Connection, sides: Sequence[Side], changed: Collection[ArticleId], newest: int
) -> list[set[ArticleId]]:
    """For each newcomer the articles settled before it that share a band key: the newest of each key.

    sides: in order of settling. changed: those of them that are in the index with a former text, which is forgotten at
    their turn. newest: how many a key.
    """
    buckets = _read_buckets(connection, sides, newest + len(changed))
    found: list[set[ArticleId]] = []
    for side in sides:
        if side.id in changed:
            for bucket in buckets.values():
                bucket.discard(side.id)
        keys = to_bigints(side.print.bands)
        found.append({article for key in keys for article in sorted(buckets[key], reverse=True)[:newest]})
        for key in keys:
            buckets[key].add(side.id)
    return found


def replace_keys(connection: Connection, sides: Sequence[Side], changed: Collection[ArticleId]) -> None:
    """Enter the newcomers into the index, in place of what it had of them."""
    if changed:
        connection.execute(delete(band).where(band.c.article_id.in_(changed)))
    rows = sorted({(key, side.id) for side in sides for key in to_bigints(side.print.bands)})
    copy_rows(connection, f"{SCHEMA}.band (key, article_id)", rows)  # sorted: seven times cheaper


def histories(connection: Connection, sides: Sequence[Side], policy: MatchPolicy) -> list[History]:
    """What was known before each newcomer's day; the newcomers themselves are counted in."""
    counted = [to_bigints(counted_shingles(side.print, policy)) for side in sides]
    seen = _read_days(connection, {value for values in counted for value in values})
    known_days = {day for (day,) in connection.execute(select(published_day.c.day))}
    found = []
    for side, values in zip(sides, counted, strict=True):
        day = _date(side.day)
        stop = [value for value in values if _earlier_days(seen.get(value), day) >= policy.stop_days]
        days = min(sum(known < day for known in known_days), policy.stop_days)
        found.append(History(stop=np.sort(from_bigints(stop)), days=days))
        seen.update({value: _counted(seen.get(value), day) for value in values})
        known_days.add(day)
    _write_days(connection, seen)
    _write_published_days(connection, known_days)
    return found


def _read_buckets(connection: Connection, sides: Sequence[Side], newest: int) -> defaultdict[int, set[ArticleId]]:
    keys = sorted({key for side in sides for key in to_bigints(side.print.bands)})
    connection.execute(text("CREATE TEMP TABLE probe (key bigint PRIMARY KEY) ON COMMIT DROP"))
    copy_rows(connection, "probe (key)", [(key,) for key in keys])
    connection.execute(text("ANALYZE probe"))  # without it the planner reads the whole index
    rows = connection.execute(
        text(
            f"""SELECT probe.key, newest.article_id FROM probe CROSS JOIN LATERAL (
                  SELECT article_id FROM {SCHEMA}.band WHERE band.key = probe.key
                  ORDER BY article_id DESC LIMIT :newest) AS newest"""
        ),
        {"newest": newest},
    ).all()
    connection.execute(text("DROP TABLE probe"))
    buckets: defaultdict[int, set[ArticleId]] = defaultdict(set)
    for key, article in rows:
        buckets[key].add(ArticleId(article))
    return buckets


def _read_days(connection: Connection, hashes: Collection[int]) -> dict[int, tuple[int, date]]:
    connection.execute(text("CREATE TEMP TABLE counted (hash bigint PRIMARY KEY) ON COMMIT DROP"))
    copy_rows(connection, "counted (hash)", [(value,) for value in sorted(hashes)])
    connection.execute(text("ANALYZE counted"))
    rows = connection.execute(
        text(f"SELECT hash, days, last_day FROM counted JOIN {SCHEMA}.shingle_day USING (hash)")
    ).all()
    connection.execute(text("DROP TABLE counted"))
    return {value: (days, last_day) for value, days, last_day in rows}


def _write_days(connection: Connection, seen: Mapping[int, tuple[int, date]]) -> None:
    connection.execute(text(f"CREATE TEMP TABLE seen (LIKE {SCHEMA}.shingle_day) ON COMMIT DROP"))
    copy_rows(connection, "seen (hash, days, last_day)", sorted((value, *state) for value, state in seen.items()))
    connection.execute(
        text(
            f"""INSERT INTO {SCHEMA}.shingle_day SELECT * FROM seen ORDER BY hash
                ON CONFLICT (hash) DO UPDATE SET days = excluded.days, last_day = excluded.last_day
                WHERE shingle_day.last_day <> excluded.last_day"""
        )
    )
    connection.execute(text("DROP TABLE seen"))


def _write_published_days(connection: Connection, days: Iterable[date]) -> None:
    rows = [{"day": day} for day in sorted(days)]
    if rows:
        connection.execute(insert(published_day).on_conflict_do_nothing(), rows)


def _earlier_days(state: tuple[int, date] | None, day: date) -> int:
    if state is None:
        return 0
    days, last_day = state
    return days - (last_day >= day)


def _counted(state: tuple[int, date] | None, day: date) -> tuple[int, date]:
    if state is None:
        return 1, day
    days, last_day = state
    return (days + 1, day) if last_day < day else state


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)
