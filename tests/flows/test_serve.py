"""`storyfold serve` as users start it: its own Prefect server, the embedded Postgres, a publisher on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from newsdesk import Asking, Publisher, Reply, publisher, rss
from programs import Program, rows, wait_until
from sqlalchemy import Connection

from flows.prefect_server import free_port, is_free, is_healthy
from flows.settings import Settings, parse_schedule

PAGE = """<!doctype html><html lang="en"><head><title>{0}</title></head><body><article><h1>{0}</h1><p>{1}</p><p>{1}</p>
</article></body></html>"""
WORDS = "The council voted on Monday to rebuild the {} before the winter, after a survey found its timbers rotten. "
RUNS = "SELECT line, ended, id FROM news.run ORDER BY id"
LEDGER = "SELECT discovered, pending, loaded, adds_up FROM news.outcome_ledger WHERE source IS NULL"
HELD = "SELECT count(*) FROM storyfold.entry WHERE claimed_by IN (SELECT objid::int FROM pg_locks WHERE locktype = 'advisory')"


@dataclass
class Served:
    """The program that serves, what it reads, and its Prefect server."""

    program: Program
    site: Publisher
    port: int
    gate: threading.Event  # closed, one of the two pages does not answer
    process: subprocess.Popen[str] = field(init=False)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        self.process = self.program.start("serve", "--port", str(self.port))

    def ask(self, path: str, **body: object) -> Any:
        request = urllib.request.Request(f"{self.api}/{path}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def flow_runs(self, flow: str, state: str) -> list[dict[str, Any]]:
        chosen = {"state": {"type": {"any_": [state]}}}
        return list(self.ask("flow_runs/filter", flows={"name": {"any_": [flow]}}, flow_runs=chosen))

    def server_pids(self) -> list[int]:
        told = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "prefect_server"], capture_output=True, text=True
        )
        return [int(pid) for pid in told.stdout.split()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A source whose feed names two pages, of which one waits for the gate."""
    home, gate = tmp_path_factory.mktemp("served"), threading.Event()

    def slow(_asking: Asking) -> Reply:
        gate.wait(60)
        return Reply(body=PAGE.format("Pier", WORDS.format("pier") * 5).encode(), headers={"Content-Type": "text/html"})

    with publisher() as site:
        site.says("/feed.xml", rss(f"{site.base}/bridge", f"{site.base}/pier"))
        site.says("/bridge", PAGE.format("Bridge", WORDS.format("bridge") * 5), Content_Type="text/html")
        site.replies["/pier"] = slow
        (home / "sources").mkdir()
        (home / "sources" / "herald.toml").write_text(
            f'title = "Herald"\nfeeds = ["{site.base}/feed.xml"]\n'
            '[fetch]\ngap_s = 0\nconcurrency = 2\nallow_networks = ["loopback"]\n'
        )
        environment = {
            "STORYFOLD_HOME": str(home),
            "STORYFOLD_SOURCES": str(home / "sources"),
            "STORYFOLD_PROCESSES": "1",
            "STORYFOLD_DISCOVER_EVERY": "25",  # the lines are a minute apart, so here ten seconds
            "STORYFOLD_COLLECT_EVERY": "25",
            "STORYFOLD_INGEST_EVERY": "25",
            "STORYFOLD_UPKEEP_EVERY": "never",
            "PREFECT_API_URL": "",
        }
        it = Served(program=Program(environment=environment), site=site, port=free_port(), gate=gate)
        it.start()
        yield it
        gate.set()
        if it.process.poll() is None:
            it.process.terminate()
            it.process.wait(60)


def newest(connection: Connection) -> int:
    return max((number for _, _, number in rows(connection, RUNS)), default=0)


def a_run_is_done_after(connection: Connection, number: int) -> bool:
    return any(ended == "done" and id_ > number for _, ended, id_ in rows(connection, RUNS))


def test_schedules_alone_turn_a_feed_into_stories_and_a_cancelled_run_is_made_up_for(served: Served) -> None:
    with served.program.database() as connection:
        assert wait_until(lambda: any(asked.path == "/pier" for asked in served.site.asked), served.process)
        [run] = served.flow_runs("collect", "RUNNING")
        served.ask(f"flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"}, force=True)
        assert wait_until(
            lambda: ("collect", "cancelled") in {row[:2] for row in rows(connection, RUNS)}, served.process
        )
        served.gate.set()
        assert wait_until(lambda: rows(connection, LEDGER) == [(2, 0, 2, True)], served.process)
        assert {"discover", "collect", "ingest"} <= {
            line for line, ended, _ in rows(connection, RUNS) if ended == "done"
        }


def test_prefects_server_killed_is_started_again_and_the_schedules_go_on(served: Served) -> None:
    with served.program.database() as connection:
        assert wait_until(lambda: is_healthy(served.api), served.process)
        [pid] = served.server_pids()
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: served.server_pids() not in ([], [pid]) and is_healthy(served.api), served.process)
        before = newest(connection)
        assert wait_until(lambda: a_run_is_done_after(connection, before), served.process)


def test_serve_killed_takes_its_server_along_and_started_again_it_goes_on_until_it_is_stopped(served: Served) -> None:
    with served.program.database() as connection:
        served.process.kill()
        served.process.wait()
        waiting = served.program.start("db", "url")  # any program to wait beside
        waiting.wait()
        assert _soon(lambda: is_free(served.port))
        before = newest(connection)
        served.start()
        assert wait_until(lambda: a_run_is_done_after(connection, before), served.process)
        served.process.terminate()
        printed, _ = served.process.communicate(timeout=120)
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
