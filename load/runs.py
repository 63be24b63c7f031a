"""The runs: one row a pass of a line, with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NewType

from sqlalchemy import Connection, func, insert, select, update

from load.tables import entry, run

RunId = NewType("RunId", int)


def begin(connection: Connection, line: str, now: datetime) -> RunId:
    """The new run's id."""
    return RunId(connection.execute(insert(run).values(line=line, started_at=now).returning(run.c.id)).scalar_one())


def finish(connection: Connection, run_id: RunId, counts: Mapping[str, int], now: datetime) -> None:
    connection.execute(update(run).where(run.c.id == run_id).values(finished_at=now, counts=dict(counts)))


def outcomes_since(connection: Connection, first_run: RunId) -> dict[str, int]:
    """How the entries that these runs announced stand now: outcome (and reason) → number."""
    label = entry.c.outcome + func.coalesce(": " + entry.c.reason, "")
    rows = connection.execute(
        select(label, func.count()).where(entry.c.found_by >= first_run).group_by(label).order_by(label)
    )
    return {name: count for name, count in rows}
