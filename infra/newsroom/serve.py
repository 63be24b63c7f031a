"""Serves the sample newsroom on loopback, alone or around one command.

python infra/newsroom/serve.py                       until Ctrl-C; prints the environment to export
python infra/newsroom/serve.py -- COMMAND [ARG…]     runs the command in that environment, gives its exit code
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

CHECKOUT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a script, Python looks for modules in this folder alone
    sys.path.insert(0, str(CHECKOUT))

from infra.newsroom.outlet import SOURCES, Answer, Edition, Outlet, answers, read_outlets  # noqa: E402

NOT_FOUND = Answer(status=404, body=b"<h1>Not found</h1>")


class Newsroom:
    """All outlets on one loopback port, told apart by the Host header; a context manager that serves while it is open.

    edition: "morning", "evening", or "auto": an outlet turns to its evening edition at the second poll of its feed.
    """

    def __init__(self, port: int = 0, edition: Literal["auto", "morning", "evening"] = "auto") -> None:
        self.edition = edition
        self._outlets = {outlet.host: outlet for outlet in read_outlets()}
        self._answers = {(o.host, e): answers(o, e) for o in self._outlets.values() for e in Edition}
        self._polls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.newsroom = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="newsroom")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def environment(self) -> dict[str, str]:
        """What storyfold must be told to read these outlets."""
        return {
            "STORYFOLD_SOURCES": str(SOURCES),
            "STORYFOLD_CONNECT_TO": f"*.example=127.0.0.1:{self.port}",
            "STORYFOLD_HOME": os.environ.get("STORYFOLD_HOME") or str(CHECKOUT / ".storyfold"),
        }

    def answer(self, host: str, target: str) -> Answer:
        """What the outlet of that name says to a GET of that path and query."""
        outlet = self._outlets.get(host.partition(":")[0].lower())
        if outlet is None:
            return NOT_FOUND
        edition = self._edition_of(outlet, polled=urlsplit(target).path == outlet.feed_path)
        return self._answers[outlet.host, edition].get(_without_tracking(target), NOT_FOUND)

    def _edition_of(self, outlet: Outlet, *, polled: bool) -> Edition:
        with self._lock:
            self._polls[outlet.host] += polled
            polls = self._polls[outlet.host]
        if self.edition == "auto":
            return Edition.EVENING if polls > 1 else Edition.MORNING
        return Edition(self.edition)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    newsroom: Newsroom

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing for a client that hung up early, as clients may; a trace for a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that an idle connection is kept

    def do_GET(self) -> None:
        answer = self.server.newsroom.answer(self.headers.get("Host", ""), self.path)
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        if answer.status == HTTPStatus.OK and etag in self.headers.get("If-None-Match", ""):
            self._send(HTTPStatus.NOT_MODIFIED, {"ETag": etag}, b"")
        else:
            self._send(answer.status, _headers(answer, etag), answer.body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Nothing: the pipeline's own output is what is to be read."""


def _headers(answer: Answer, etag: str) -> dict[str, str]:
    headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
    if answer.status == HTTPStatus.OK:
        headers["ETag"] = etag
    if answer.location:
        headers["Location"] = answer.location
    return headers


def _without_tracking(target: str) -> str:
    """The request target as the outlets know it: without utm parameters."""
    parts = urlsplit(target)
    query = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("utm_")]
    return parts.path + (f"?{urlencode(query)}" if query else "")


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command, or 0 when there was none to run."""
    own, command = _split(arguments)
    with Newsroom(port=own.port, edition=own.edition) as room:
        return _run(command, room.environment) if command else _wait(room.environment)


def _split(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and the command behind '--'."""
    parser = argparse.ArgumentParser(
        description="Serve the sample newsroom on loopback.",
        epilog="-- COMMAND [ARG…]: run it while serving, then stop",
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--edition", choices=["auto", "morning", "evening"], default="auto")
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return parser.parse_args(arguments[:at]), list(arguments[at + 1 :])


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command's exit code, as a shell gives it; SIGINT and SIGTERM go on to the command."""
    try:
        child = subprocess.Popen(command, env=os.environ | environment)
    except (FileNotFoundError, PermissionError) as error:
        sys.stderr.write(f"{error.strerror}: {command[0]}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126

    def forward(number: int, _frame: FrameType | None) -> None:
        if not (number == signal.SIGINT and _typed_at_terminal()):
            child.send_signal(number)

    signal.signal(signal.SIGINT, forward)
    signal.signal(signal.SIGTERM, forward)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _typed_at_terminal() -> bool:
    """Whether Ctrl-C reaches the command without us: a terminal sends it to the whole foreground group."""
    return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


def _wait(environment: Mapping[str, str]) -> int:
    """0, after SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.writelines(f"export {name}='{value}'\n" for name, value in environment.items())
    sys.stdout.flush()
    stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
