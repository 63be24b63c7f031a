"""Coverage gaps: times in which a feed may have announced what nobody read, until a backfill has looked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from extract.model import FeedEntry, SourceName
from load.tables import coverage_gap, feed, source


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap that no backfill has looked into."""

    id: int
    source: SourceName
    since: datetime
    until: datetime


def record(
    connection: Connection, feed_id: int, since: datetime, listed: Sequence[FeedEntry], found_at: datetime
) -> None:
    """Put on record, once, that nothing which the feed listed at its reading `since` is listed any more.

    What it lists now begins with its oldest dated item: the gap ends there, or where none is dated, now.
    """
    dates = [at for item in listed if (at := item.published_at or item.updated_at) is not None and at > since]
    until = min([*dates, found_at])
    statement = insert(coverage_gap).values(feed_id=feed_id, since=since, until=until, found_at=found_at)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["feed_id", "until"]))


def open_gaps(connection: Connection, names: Collection[str] = ()) -> tuple[Gap, ...]:
    """The gaps of these sources, or of all, that no backfill has looked into."""
    query = (
        select(coverage_gap.c.id, source.c.name.label("source"), coverage_gap.c.since, coverage_gap.c.until)
        .join(feed, feed.c.id == coverage_gap.c.feed_id)
        .join(source, source.c.id == feed.c.source_id)
        .where(coverage_gap.c.backfilled_at.is_(None))
        .order_by(source.c.name, coverage_gap.c.since)
    )
    if names:
        query = query.where(source.c.name.in_(names))
    return tuple(Gap(**row) for row in connection.execute(query).mappings())


def close(connection: Connection, found: Mapping[int, int], now: datetime) -> None:
    """Put on record that a backfill looked into these gaps: gap → entries that it found and nobody knew."""
    if found:
        closed = update(coverage_gap).where(coverage_gap.c.id == bindparam("gap"))
        values = {"backfilled_at": now, "entries_found": bindparam("found")}
        connection.execute(closed.values(values), [{"gap": gap, "found": number} for gap, number in found.items()])
