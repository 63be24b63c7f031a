"""Quarantine: what was given up after repeated errors, and how it is tried once more.

Nothing quarantined is ever deleted: its row says the stage and the error, its page, if it had one, lies in the archive.
A replay puts it back where it failed, as if it came there for the first time; what had happened stays on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, null, select, true, update

from load.entries import Outcome
from load.tables import entry, page, source
from load.tables import replay as replays

FETCH = "fetch"  # the stage before there is a page; any other is taken up at its page


class NotQuarantined(LookupError):
    """Entries were named that are not quarantined: which, in one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of the quarantined entries; all where nothing is said."""

    ids: Collection[int] = ()
    source: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Where the bytes of a page lie in the archive."""

    file: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One entry that was given up."""

    id: int
    url: str
    source: str
    stage: str
    error: str | None
    attempts: int  # that failed at this stage
    since: datetime
    replays: int  # that came before
    payload: Payload | None  # None when it was never fetched


def quarantined(connection: Connection, wanted: Wanted, limit: int | None = None) -> tuple[Quarantined, ...]:
    """The newest first."""
    before = select(func.count()).where(replays.c.entry_id == entry.c.id).correlate(entry).scalar_subquery()
    query = _items(wanted).add_columns(before.label("replays"))
    query = query.order_by(entry.c.outcome_at.desc(), entry.c.id.desc()).limit(limit)
    return tuple(_quarantined(row) for row in connection.execute(query))


def replay(connection: Connection, wanted: Wanted, now: datetime) -> dict[str, int]:
    """Put them back into the queues where they failed: to be fetched now, or read. Answers how many by stage.

    Raises NotQuarantined when one of the named entries is not.
    """
    rows = connection.execute(_items(wanted).order_by(entry.c.id).with_for_update(of=entry)).all()
    _refuse_others(wanted, rows)
    if not rows:
        return {}
    _remember(connection, rows, now)
    _reopen(connection, [row.id for row in rows if row.page_id is None], fetch_due_at=now)
    _reopen(connection, [row.id for row in rows if row.page_id is not None], fetch_due_at=None)
    unread = update(page).where(page.c.id.in_([row.page_id for row in rows if row.page_id is not None]))
    connection.execute(unread.values(read_at=null(), read_spec=null(), attempts=0))
    return dict(Counter(row.stage for row in rows))


def _items(wanted: Wanted) -> Select[Any]:
    """Each wanted entry, with the page at which it failed: its newest, unless fetching failed."""
    at = (
        select(page.c.id, page.c.attempts, page.c.warc_file, page.c.warc_offset, page.c.warc_length)
        .where(page.c.entry_id == entry.c.id, entry.c.reason != FETCH)
        .order_by(page.c.id.desc())
        .limit(1)
        .lateral("at")
    )
    return (
        select(
            entry.c.id,
            entry.c.url,
            source.c.name.label("source"),
            entry.c.reason.label("stage"),
            entry.c.detail.label("error"),
            func.coalesce(at.c.attempts, entry.c.attempts).label("attempts"),
            entry.c.outcome_at.label("since"),
            at.c.id.label("page_id"),
            at.c.warc_file,
            at.c.warc_offset,
            at.c.warc_length,
        )
        .select_from(entry.join(source).outerjoin(at, true()))
        .where(entry.c.outcome == Outcome.QUARANTINED, *_conditions(wanted))
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.ids:
        conditions.append(entry.c.id.in_(wanted.ids))
    if wanted.source is not None:
        conditions.append(source.c.name == wanted.source)
    if wanted.stage is not None:
        conditions.append(entry.c.reason == wanted.stage)
    return conditions


def _quarantined(row: Row[Any]) -> Quarantined:
    place = Payload(file=row.warc_file, offset=row.warc_offset, length=row.warc_length) if row.page_id else None
    return Quarantined(
        id=row.id,
        url=row.url,
        source=row.source,
        stage=row.stage,
        error=row.error,
        attempts=row.attempts,
        since=row.since,
        replays=row.replays,
        payload=place,
    )


def _refuse_others(wanted: Wanted, rows: Collection[Row[Any]]) -> None:
    others = sorted(set(wanted.ids) - {row.id for row in rows})
    if others:
        told = ", ".join(map(str, others))
        raise NotQuarantined(f"Not quarantined, or not of that source and stage: entry {told}. Nothing was replayed.")


def _remember(connection: Connection, rows: Collection[Row[Any]], now: datetime) -> None:
    told = [
        {
            "entry_id": row.id,
            "stage": row.stage,
            "error": row.error,
            "attempts": row.attempts,
            "quarantined_at": row.since,
            "replayed_at": now,
        }
        for row in rows
    ]
    connection.execute(insert(replays), told)


def _reopen(connection: Connection, entry_ids: Collection[int], fetch_due_at: datetime | None) -> None:
    values = {
        "outcome": Outcome.PENDING,
        "outcome_at": None,
        "reason": None,
        "detail": None,
        "attempts": 0,
        "fetch_due_at": fetch_due_at,
    }
    connection.execute(update(entry).where(entry.c.id.in_(entry_ids)).values(values))
