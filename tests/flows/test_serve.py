"""`storyfold serve` as users start it: its own Prefect server, the embedded Postgres, a publisher on loopback.

Those that take a minute each are run by `make chaos`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.flows import Flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Running
from programs import Program, rows, wait_until
from serving import LEDGER, RUNS, Served, a_run_is_done_after, newest, serving
from sqlalchemy import create_engine, text

from flows.prefect_server import is_free, is_healthy
from flows.serve import PREFECT_DATABASE, end_overdue
from flows.settings import Settings, parse_schedule

HELD = "SELECT count(*) FROM storyfold.entry WHERE claimed_by IN (SELECT objid::int FROM pg_locks WHERE locktype = 'advisory')"
AGED = "UPDATE flow_run SET end_time = end_time - interval '15 days' WHERE id = :id"
EVERY_S = "18"  # the lines are a minute apart, so here six seconds


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lines = {f"STORYFOLD_{line}_EVERY": EVERY_S for line in ("DISCOVER", "COLLECT", "INGEST")}
    with serving(tmp_path_factory.mktemp("served"), **lines) as it:
        yield it


def test_schedules_alone_turn_a_feed_into_stories(served: Served) -> None:
    assert served.wait(lambda: served.is_asked("bridge"))
    with served.program.database() as connection:
        assert served.wait(lambda: rows(connection, LEDGER) == [(1, 0, 1, True)])
        done = {line for line, ended, _ in rows(connection, RUNS) if ended == "done"}
        assert {"discover", "collect", "ingest"} <= done


@pytest.mark.slow
def test_a_backfill_is_started_with_parameters_cancelled_and_made_up_for(served: Served) -> None:
    served.publish("pier", behind_the_gate=True)
    with served.program.database() as connection:
        run = served.begin("backfill", sources=["herald"], urls=[f"{served.site.base}/pier"])
        assert served.wait(lambda: served.is_asked("pier"))
        served.cancel(run)
        assert served.wait(lambda: ("collect", "cancelled") in {row[:2] for row in rows(connection, RUNS)})
        served.gate.set()
        assert served.wait(lambda: rows(connection, LEDGER) == [(2, 0, 2, True)])
    assert served.wait(lambda: served.state(run) == "CANCELLED")


@pytest.mark.slow
def test_prefects_server_killed_is_started_again_drops_what_is_old_and_takes_a_rehearsed_reopenings_report(
    served: Served,
) -> None:
    old = served.runs("discover", "COMPLETED")[0]
    with served.program.database() as connection:
        engine = create_engine(connection.engine.url.set(database=PREFECT_DATABASE))
        with engine.begin() as prefect:
            prefect.execute(text(AGED), {"id": old})
        engine.dispose()
    [pid] = served.server_pids()
    os.kill(pid, signal.SIGKILL)
    assert served.wait(lambda: served.server_pids() not in ([], [pid]) and is_healthy(served.api))
    run = served.begin("reopen", where="source = 'herald'")
    assert served.wait(lambda: served.state(run) == "COMPLETED")
    [report] = served.ask("artifacts/filter", artifacts={"key": {"any_": ["reopen-report"]}})
    assert "source = 'herald'" in report["data"]
    assert served.wait(lambda: old not in served.runs("discover", "COMPLETED"))


@pytest.mark.slow
def test_serve_killed_takes_its_server_along_and_started_again_it_goes_on_until_it_is_stopped(served: Served) -> None:
    with served.program.database() as connection:
        served.process.kill()
        served.process.wait()
        assert _soon(lambda: is_free(served.port))
        before = newest(connection)
        served.start()
        assert served.wait(lambda: a_run_is_done_after(connection, before))
        printed = served.stop()
        assert served.process.returncode == 0
        assert "Traceback" not in printed
        assert "stopped" in printed
        assert _soon(lambda: is_free(served.port))
        assert rows(connection, HELD) == [(0,)]


def _soon(reached: Any) -> bool:
    sleeper = subprocess.Popen(["sleep", "60"], text=True)
    try:
        return wait_until(reached, sleeper)
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize(("began_ago_s", "state"), [(3600, "CANCELLING"), (0, "RUNNING")])
def test_a_run_that_takes_longer_than_it_may_is_ended(prefect_server: str, began_ago_s: int, state: str) -> None:
    with temporary_settings({PREFECT_API_URL: prefect_server}), get_client(sync_client=True) as client:
        flow_id = client.create_flow(Flow(lambda: None, name="hanging"))
        deployment = client.create_deployment(flow_id, f"hanging-{state}")
        run = client.create_flow_run_from_deployment(deployment)
        client.set_flow_run_state(run.id, Running(), force=True)
        before = datetime.now(UTC) + timedelta(seconds=began_ago_s - 1800)
        ended = asyncio.run(end_overdue([f"hanging-{state}"], before))
        assert (ended, client.read_flow_run(run.id).state_type) == (int(state == "CANCELLING"), state)


@pytest.mark.parametrize(
    ("value", "schedule"),
    [("300", timedelta(minutes=5)), ("*/5 * * * *", "*/5 * * * *"), ("never", None)],
)
def test_a_schedule_is_seconds_or_cron_or_never(value: str, schedule: object) -> None:
    assert parse_schedule(value) == schedule
    assert Settings(discover_every=value).discover_every == value


@pytest.mark.parametrize("value", ["0", "-5", "often", "* * * *", "1.5"])
def test_what_is_no_schedule_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="neither a number of seconds"):
        parse_schedule(value)


def test_fields_that_are_not_cron_and_a_port_that_is_taken_are_told_in_a_sentence(
    tmp_path: Path, served: Served
) -> None:
    environment = {**served.program.environment, "STORYFOLD_HOME": str(tmp_path)}
    program = Program(environment={**environment, "STORYFOLD_DISCOVER_EVERY": "61 * * * *"})
    printed, _ = program.start("serve").communicate(timeout=120)
    assert printed == "storyfold: STORYFOLD_DISCOVER_EVERY is set wrongly: '61 * * * *' is not cron.\n"
    port = served.site.base.rpartition(":")[2]
    printed, _ = Program(environment=environment).start("serve", "--port", port).communicate(timeout=120)
    assert printed.startswith(f"storyfold: Port {port} is taken")
