"""The runs: one row a pass of a line, with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NewType

from sqlalchemy import Connection, insert, update

from load.tables import run

RunId = NewType("RunId", int)


def begin(connection: Connection, line: str, now: datetime) -> RunId:
    """The new run's id."""
    return RunId(connection.execute(insert(run).values(line=line, started_at=now).returning(run.c.id)).scalar_one())


def finish(connection: Connection, run_id: RunId, counts: Mapping[str, int], now: datetime) -> None:
    connection.execute(update(run).where(run.c.id == run_id).values(finished_at=now, counts=dict(counts)))
