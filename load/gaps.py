"""Coverage gaps: times in which a feed may have announced what nobody read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from extract.model import FeedEntry
from load.tables import coverage_gap


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
