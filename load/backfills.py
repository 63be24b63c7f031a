"""What backfills have found: how much of it is left."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, func, select

from load.tables import entry, source

_WAITS = (entry.c.backfill, entry.c.fetch_due_at.is_not(None))


def waiting(connection: Connection) -> Counter[tuple[str, str]]:
    """By source and domain, how many backfilled entries are to be fetched, now or later."""
    query = (
        select(source.c.name, entry.c.domain, func.count())
        .join(source, source.c.id == entry.c.source_id)
        .where(*_WAITS)
        .group_by(source.c.name, entry.c.domain)
    )
    return Counter({(name, domain): number for name, domain, number in connection.execute(query)})


def found(connection: Connection) -> int:
    """How many entries were found by the runs of which some are still to be fetched."""
    unfinished = select(entry.c.found_by).where(*_WAITS).distinct()
    query = select(func.count()).select_from(entry).where(entry.c.found_by.in_(unfinished))
    return connection.execute(query).scalar_one()
