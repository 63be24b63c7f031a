"""A Prefect server of our own: a child process that is started again when it dies, and ends with its parent.

It reads a pipe that only its parent holds open. When the parent is gone, however it went, the pipe is at its end, and
so is the server. It has a session of its own: Ctrl-C reaches the parent alone, which still has to tell it how a run
ended.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
PATIENCE_S = 180  # it takes 10 s on an idle machine
FAREWELL_S = 10  # for what it still has to write down
AGAIN_AFTER_S = 1.0
LONGEST_LOG = 5_000_000  # bytes; a longer one starts anew with the server
LAST_LINES = 5


class PrefectUnavailable(Exception):
    """No Prefect server can be used: why, in one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """What to start."""

    port: int
    log: Path
    page: bool  # with its page and its schedules; a single run needs neither
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.address}/api"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: a former one's port is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def is_healthy(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running(server: OwnServer) -> Iterator[None]:
    """The server, for as long as the block lasts; it accepts requests from the beginning.

    Raises PrefectUnavailable when it does not start.
    """
    if not is_free(server.port):
        raise PrefectUnavailable(f"Port {server.port} is taken: choose another with --port, or name the server there.")
    over = threading.Event()
    process = _launch(server)
    keeper = threading.Thread(target=_keep, args=(server, process, over), name="prefect server")
    keeper.start()
    try:
        import prefect.flow_engine  # noqa: F401 - whoever wants a server wants to run flows: both take seconds

        _wait_until_healthy(server, process)
        yield
    finally:
        over.set()
        keeper.join()


def _launch(server: OwnServer) -> subprocess.Popen[bytes]:
    server.log.parent.mkdir(parents=True, exist_ok=True)
    longest = server.log.exists() and server.log.stat().st_size > LONGEST_LOG
    with server.log.open("wb" if longest else "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(server.port), "page" if server.page else "bare"],
            env={**os.environ, **server.environment},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _keep(server: OwnServer, process: subprocess.Popen[bytes], over: threading.Event) -> None:
    """Start it again whenever it has ended, until it is to end."""
    while not over.wait(AGAIN_AFTER_S):
        if process.poll() is not None:
            process = _launch(server)
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(FAREWELL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_healthy(server: OwnServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_healthy(server.api):
        if process.poll() is not None or time.monotonic() > deadline:
            said = server.log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
            raise PrefectUnavailable("\n    ".join(["Prefect's server did not start; it said last:", *said]))
        time.sleep(0.1)


# --- In the child ---------------------------------------------------------------------------------------------


def _serve(port: int, *, page: bool) -> None:
    import uvicorn
    from prefect.server.api.server import create_app

    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = create_app(final=True, ephemeral=not page)
    uvicorn.run(app, host=HOST, port=port, log_level="error", timeout_graceful_shutdown=FAREWELL_S // 2)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(FAREWELL_S)
    os._exit(1)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), page=sys.argv[2] == "page")
