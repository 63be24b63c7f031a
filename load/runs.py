"""The runs: one row a pass of a line, with what came of it and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from sqlalchemy import Connection, insert, select, update

from load.tables import entry, run

RunId = NewType("RunId", int)


class Ended(StrEnum):
    """How a run ended that could say so; one that could not was killed."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedEntry:
    """An entry that ended otherwise than as an article."""

    id: int
    url: str
    outcome: str
    reason: str | None
    detail: str | None


def begin(connection: Connection, line: str, now: datetime, worker: int | None = None) -> RunId:
    """The new run's id.

    worker: lives as long as the run does (`engine.worker`)
    """
    values = {"line": line, "started_at": now, "worker": worker}
    return RunId(connection.execute(insert(run).values(values).returning(run.c.id)).scalar_one())


def finish(
    connection: Connection,
    run_id: RunId,
    counts: Mapping[str, int],
    now: datetime,
    *,
    ended: Ended = Ended.DONE,
    error: str | None = None,
) -> None:
    values = {"finished_at": now, "counts": dict(counts), "ended": ended, "error": error}
    connection.execute(update(run).where(run.c.id == run_id).values(values))


def refused_since(connection: Connection, since: datetime, limit: int) -> tuple[ClosedEntry, ...]:
    """The entries rejected or quarantined since then, the newest first."""
    query = (
        select(entry.c.id, entry.c.url, entry.c.outcome, entry.c.reason, entry.c.detail)
        .where(entry.c.outcome.in_(("rejected", "quarantined")), entry.c.outcome_at >= since)
        .order_by(entry.c.outcome_at.desc(), entry.c.id.desc())
        .limit(limit)
    )
    return tuple(ClosedEntry(**row._mapping) for row in connection.execute(query))
