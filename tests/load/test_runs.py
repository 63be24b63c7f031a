from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from load import runs
from load.engine import worker
from load.report.state import status
from load.runs import Ended

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def told(engine: Engine) -> list[tuple[str, str | None, str | None]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT line, ended, error FROM news.run ORDER BY id"))]


def test_a_run_whose_worker_lives_is_at_work_and_one_whose_worker_is_gone_was_killed(engine: Engine) -> None:
    with worker(engine) as me:
        with engine.begin() as connection:
            runs.begin(connection, "ingest", NOON, me)
        assert told(engine) == [("ingest", None, None)]
    assert told(engine) == [("ingest", "killed", None)]


@pytest.mark.parametrize("ended", list(Ended))
def test_a_run_says_how_it_ended(engine: Engine, ended: Ended) -> None:
    error = "The disk is full." if ended is Ended.FAILED else None
    with engine.begin() as connection:
        run_id = runs.begin(connection, "collect", NOON, 1)
        runs.finish(connection, run_id, {"fetched": 3}, NOON + timedelta(minutes=1), ended=ended, error=error)
    assert told(engine) == [("collect", ended, error)]
    with engine.connect() as connection:
        [line] = status(connection).runs
    assert (line.ended, line.error, line.counts) == (ended, error, {"fetched": 3})
