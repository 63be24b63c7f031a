"""A publisher of small pages on the loopback interface, in a process of its own, that costs its readers no time."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

_WORDS = "the ferry left the northern pier at six with two hundred people and a crew of nine on board "
PAGE = f"<!doctype html><title>Ferry</title><body>{f'<p>{_WORDS * 4}</p>' * 27}".encode()
"""About 10 kB."""

_ROBOTS = b"User-agent: *\nDisallow: /search\nDisallow: /*?print=\nCrawl-delay: 0\n\nUser-agent: GPTBot\nDisallow: /\n"
_HEADERS = (
    "Server: nginx", "Date: Sat, 21 Nov 2026 10:15:00 GMT", "Cache-Control: max-age=60", "Vary: Accept-Encoding",
    "X-Frame-Options: SAMEORIGIN", "X-Content-Type-Options: nosniff", "Strict-Transport-Security: max-age=31536000",
    "Last-Modified: Sat, 21 Nov 2026 09:00:00 GMT", 'ETag: "5f3-9a1b"', "Content-Security-Policy: upgrade-insecure-requests",
)  # fmt: skip


@contextmanager
def publishing() -> Iterator[int]:
    """The port it listens on, while it runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _answer(status: str, content_type: str, body: bytes) -> bytes:
    head = [f"HTTP/1.1 {status}", *_HEADERS, f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


_ANSWERS = {
    b"/robots.txt": _answer("200 OK", "text/plain", _ROBOTS),
    b"/.well-known/tdmrep.json": _answer("404 Not Found", "text/html", b"<p>Not here."),
}
_PAGE = _answer("200 OK", "text/html; charset=utf-8", PAGE)


class _Protocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A GET fits into one segment here."""
        self._transport.write(_ANSWERS.get(data.split(b" ", 2)[1], _PAGE))


def _run(port: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0, backlog=1000)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
