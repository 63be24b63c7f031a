"""What happens to `storyfold serve` in months, within two minutes: `make chaos`, or `pytest tests/chaos/serve_faults.py`.

A run is held up, Postgres and Prefect's server die while it is at work, and a server that others keep goes away and
comes back. After each the ledger adds up and the lines go on.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from programs import rows
from serving import LEDGER, RUNS, Served, a_run_is_done_after, newest, serving

from flows.prefect_server import OwnServer, free_port, is_healthy, running

EVERY_S = "20"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lines = {f"STORYFOLD_{line}_EVERY": EVERY_S for line in ("COLLECT", "INGEST")}
    with serving(tmp_path_factory.mktemp("served"), STORYFOLD_DISCOVER_EVERY="never", **lines) as it:
        assert it.wait(lambda: is_healthy(it.api) and bool(it.ask("deployments/filter")))
        yield it


@contextmanager
def at_work(served: Served, thing: str) -> Iterator[str]:
    """A run of collect that waits for the page about this thing, until the block ends."""
    served.gate.clear()
    served.publish(thing, behind_the_gate=True)
    told = served.begin("discover", early=True)
    assert served.wait(lambda: served.state(told) == "COMPLETED")
    assert served.wait(lambda: served.is_asked(thing))
    [run] = served.runs("collect", "RUNNING")
    try:
        yield run
    finally:
        served.gate.set()


def lease_of(served: Served, run: str) -> Path:
    [found] = served.ask("flow_runs/filter", flow_runs={"id": {"any_": [run]}})
    lease = found["state"]["state_details"]["deployment_concurrency_lease_id"]
    return served.program.home / "prefect" / "concurrency_leases" / f"{lease}.json"


def let_expire(lease: Path) -> None:
    """As if its five minutes had passed."""
    past = "2024-01-01T00:00:00+00:00"
    index = lease.with_name("expirations.json")
    lease.write_text(json.dumps(json.loads(lease.read_text()) | {"expiration": past}))
    index.write_text(json.dumps(json.loads(index.read_text()) | {lease.stem: past}))


def test_a_run_that_is_stopped_holds_up_its_line_for_a_lease_and_two_at_once_do_no_harm(served: Served) -> None:
    with served.program.database() as connection:
        with at_work(served, "pier") as run:
            before = newest(connection)
            pid = served.pid_of(run)
            os.kill(pid, signal.SIGSTOP)
            try:
                let_expire(lease_of(served, run))
                assert served.wait(lambda: a_run_is_done_after(connection, before, "collect"))
            finally:
                os.kill(pid, signal.SIGCONT)
        assert served.wait(lambda: rows(connection, LEDGER) == [(2, 0, 2, True)])


def test_prefects_server_killed_while_a_line_is_at_work_costs_no_work(served: Served) -> None:
    with served.program.database() as connection:
        with at_work(served, "quay"):
            [pid] = served.server_pids()
            os.kill(pid, signal.SIGKILL)
        assert served.wait(lambda: served.server_pids() not in ([], [pid]) and is_healthy(served.api))
        assert served.wait(lambda: rows(connection, LEDGER) == [(3, 0, 3, True)])
        before = newest(connection)
        assert served.wait(lambda: a_run_is_done_after(connection, before, "collect", "ingest"))


def test_postgres_killed_while_a_line_is_at_work_is_started_again_and_the_lines_go_on(served: Served) -> None:
    """Prefect's server keeps its data there, too, so all is started again."""
    with at_work(served, "mole"):
        os.kill(int((served.program.home / "postgres/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    with served.program.database() as connection:
        assert served.wait(lambda: rows(connection, LEDGER) == [(4, 0, 4, True)])
        before = newest(connection)
        assert served.wait(lambda: a_run_is_done_after(connection, before, "collect", "ingest"))
        assert not [row for row in rows(connection, RUNS) if row[1] is None and row[2] <= before]


def test_a_server_of_others_may_go_away_and_come_back(tmp_path: Path, database_url: str) -> None:
    """The runner gives up after a few minutes; here, without second tries, after seconds."""
    (tmp_path / "prefect").mkdir()
    environment = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": ""}
    theirs = OwnServer(port=free_port(), log=tmp_path / "server.log", page=True, environment=environment)
    never = {f"STORYFOLD_{line}_EVERY": "never" for line in ("DISCOVER", "COLLECT", "INGEST")}
    named = {"STORYFOLD_DATABASE_URL": database_url, "PREFECT_API_URL": theirs.api, "PREFECT_CLIENT_MAX_RETRIES": "0"}
    with ExitStack() as server:
        server.enter_context(running(theirs))
        with serving(tmp_path, port=theirs.port, **never, **named) as served:
            assert served.wait(lambda: begin_and_end(served, "ingest"))
            server.close()
            assert any("all is started again" in line for line in served.says())
            server.enter_context(running(theirs))
            assert served.wait(lambda: begin_and_end(served, "ingest"))
            assert served.stop().count("Serving.") == 1
            assert served.process.returncode == 0


def begin_and_end(served: Served, line: str) -> bool:
    """Whether a run of the line that is begun now comes to its end."""
    if not served.ask("deployments/filter", deployments={"name": {"any_": [line]}}):
        return False
    run = served.begin(line)
    return served.wait(lambda: served.state(run) == "COMPLETED")
