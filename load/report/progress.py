"""How far the lines have come, for those who watch a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from load.report.common import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment from which progress is counted."""

    at: datetime
    page_id: int  # the newest page then
    unread: int
    unsettled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the lines: what is done of it since a mark, by whatever worker, and what there is to do in all."""

    name: str
    done: int
    total: int


_MOVES = "source_id NOT IN (SELECT id FROM storyfold.source WHERE held_at IS NOT NULL)"
_MARK = f"""
    SELECT now() AS at, coalesce((SELECT max(id) FROM storyfold.page), 0) AS page_id,
           (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL AND {_MOVES}) AS unread,
           (SELECT count(*) FROM storyfold.unsettled WHERE {_MOVES}) AS unsettled"""
_PROGRESS = f"""
    SELECT (SELECT count(*) FROM storyfold.feed WHERE active AND last_polled_at >= :at) AS polled,
           (SELECT count(*) FROM storyfold.feed WHERE active AND claimed_until > now()) AS polling,
           (SELECT count(*) FROM storyfold.page WHERE id > :page_id AND {_MOVES}) AS fetched,
           (SELECT count(*) FROM storyfold.entry WHERE fetch_due_at <= now()) AS due,
           (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL AND {_MOVES}) AS unread,
           (SELECT count(*) FROM storyfold.unsettled WHERE {_MOVES}) AS unsettled"""


def mark(connection: Connection) -> Mark:
    """This moment."""
    return read(connection, Mark, _MARK)[0]


def progress(connection: Connection, since: Mark) -> tuple[Stage, ...]:
    """The stages of the lines, in their order."""
    now = connection.execute(text(_PROGRESS), {"at": since.at, "page_id": since.page_id}).one()
    to_read = since.unread + now.fetched
    to_settle = to_read + since.unsettled
    return (
        Stage(name="feeds polled", done=now.polled, total=now.polled + now.polling),
        Stage(name="pages fetched", done=now.fetched, total=now.fetched + now.due),
        Stage(name="pages read", done=to_read - now.unread, total=to_read),
        Stage(name="pages settled", done=to_settle - now.unread - now.unsettled, total=to_settle),
    )
