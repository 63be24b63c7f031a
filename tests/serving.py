"""`storyfold serve` as users start it, with its Prefect server and the publisher that it reads."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newsdesk import Asking, Publisher, Reply, publisher, rss
from programs import Program, rows, wait_until
from sqlalchemy import Connection

from flows.prefect_server import free_port

PAGE = """<!doctype html><html lang="en"><head><title>{0}</title></head><body><article><h1>{0}</h1><p>{1}</p><p>{1}</p>
</article></body></html>"""
WORDS = "The council voted on Monday to rebuild the {} before the winter, after a survey found its timbers rotten. "
RUNS = "SELECT line, ended, id FROM news.run ORDER BY id"
LEDGER = "SELECT discovered, pending, loaded, adds_up FROM news.outcome_ledger WHERE source IS NULL"
SOON = {
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",  # no test waits for what it does not test
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
}


@dataclass
class Served:
    """The program that serves, what it reads, and its Prefect server."""

    program: Program
    site: Publisher
    port: int
    gate: threading.Event  # closed, pages behind it do not answer
    process: subprocess.Popen[str] = field(init=False)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        self.process = self.program.start("serve", "--port", str(self.port))

    def says(self) -> Iterator[str]:
        """What it prints, line by line, until it ends."""
        assert self.process.stdout is not None
        return iter(self.process.stdout)

    def stop(self) -> str:
        """What it printed, and nobody has read."""
        self.process.terminate()
        printed, _ = self.process.communicate(timeout=120)
        return printed

    def wait(self, reached: Callable[[], bool]) -> bool:
        return wait_until(reached, self.process)

    # --- What it reads

    def publish(self, *things: str, behind_the_gate: bool = False) -> None:
        """Pages about these things, all of which the feed lists with those before."""
        for thing in things:
            text = PAGE.format(thing.title(), WORDS.format(thing) * 5)
            self.site.says(f"/{thing}", text, Content_Type="text/html")
            if behind_the_gate:
                self.site.replies[f"/{thing}"] = self._slow(text)
        pages = [path for path in self.site.replies if path != "/feed.xml"]
        self.site.says("/feed.xml", rss(*(f"{self.site.base}{path}" for path in pages)))

    def _slow(self, text: str) -> Callable[[Asking], Reply]:
        def answer(_asking: Asking) -> Reply:
            self.gate.wait(60)
            return Reply(body=text.encode(), headers={"Content-Type": "text/html"})

        return answer

    def is_asked(self, thing: str, times: int = 1) -> bool:
        return len(self.site.asked_for(f"/{thing}")) >= times

    # --- Prefect's API

    def ask(self, path: str, **body: object) -> Any:
        request = urllib.request.Request(f"{self.api}/{path}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def begin(self, line: str, **parameters: object) -> str:
        """The id of a run of the line, which is due at once."""
        [deployment] = self.ask("deployments/filter", deployments={"name": {"any_": [line]}})
        return str(self.ask(f"deployments/{deployment['id']}/create_flow_run", parameters=parameters)["id"])

    def state(self, run_id: str) -> str:
        [run] = self.ask("flow_runs/filter", flow_runs={"id": {"any_": [run_id]}})
        return str(run["state_type"])

    def runs(self, line: str, state: str) -> list[str]:
        """Ids of the line's runs in that state."""
        chosen = {"state": {"type": {"any_": [state]}}}
        found = self.ask("flow_runs/filter", flows={"name": {"any_": [line]}}, flow_runs=chosen)
        return [run["id"] for run in found]

    def cancel(self, run_id: str) -> None:
        self.ask(f"flow_runs/{run_id}/set_state", state={"type": "CANCELLING"}, force=True)

    # --- Its processes

    def server_pids(self) -> list[int]:
        return self._children("prefect_server")

    def pid_of(self, run_id: str) -> int:
        told = f"PREFECT__FLOW_RUN_ID={run_id}".encode()
        [pid] = [one for one in self._children("prefect.engine") if told in _environment(one)]
        return pid

    def _children(self, name: str) -> list[int]:
        told = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", name], capture_output=True, text=True)
        return [int(pid) for pid in told.stdout.split()]


def _environment(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


@contextmanager
def serving(home: Path, port: int | None = None, **environment: str) -> Iterator[Served]:
    """It has a source whose feed lists one page, and ends with the block.

    port: of the Prefect server that the environment names
    """
    with publisher() as site:
        (home / "sources").mkdir()
        (home / "sources" / "herald.toml").write_text(
            f'title = "Herald"\nfeeds = ["{site.base}/feed.xml"]\n'
            '[fetch]\ngap_s = 0\nconcurrency = 2\nallow_networks = ["loopback"]\n'
        )
        ours: Mapping[str, str] = {
            "STORYFOLD_HOME": str(home),
            "STORYFOLD_SOURCES": str(home / "sources"),
            "STORYFOLD_PROCESSES": "1",
            "STORYFOLD_PROFILE": "quick",
            "STORYFOLD_UPKEEP_EVERY": "never",
            "PREFECT_API_URL": "",
            **SOON,
        }
        program = Program(environment={**ours, **environment})
        it = Served(program=program, site=site, port=port or free_port(), gate=threading.Event())
        it.publish("bridge")
        it.start()
        try:
            yield it
        finally:
            it.gate.set()
            if it.process.poll() is None:
                it.stop()


def newest(connection: Connection) -> int:
    return max((number for _, _, number in rows(connection, RUNS)), default=0)


def a_run_is_done_after(connection: Connection, number: int, *lines: str) -> bool:
    """Whether one of the line, or of any, has ended well that began after that one."""
    done = {line for line, ended, id_ in rows(connection, RUNS) if ended == "done" and id_ > number}
    return bool(done) and done >= set(lines)
