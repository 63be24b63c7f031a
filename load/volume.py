"""How much each source announces, hour by hour: what `news.source_volume` judges silence and floods by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from load.tables import feed, source_hour


def count(connection: Connection, feed_id: int, new: int, now: datetime) -> None:
    """Add a poll to its source's hour; one that failed, or proves nothing after a failure, is none.

    Called once the feed's state is written.
    """
    hour = func.date_trunc("hour", literal(now))
    answered = select(feed.c.source_id, hour, literal(now), literal(new)).where(
        feed.c.id == feed_id, feed.c.failures == 0
    )
    columns = [column.name for column in source_hour.columns]
    statement = insert(source_hour).from_select(columns, answered)
    added = {
        "polled_at": func.greatest(source_hour.c.polled_at, statement.excluded.polled_at),
        "entries": source_hour.c.entries + statement.excluded.entries,
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=[source_hour.c.source_id, source_hour.c.hour], set_=added)
    )
