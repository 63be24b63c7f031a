"""Serves as many made-up hosts as anybody names, on one loopback port; prints the port, and serves until it is ended.

Light, so that it is never what is measured: pages are built once, a request is looked at for its path alone.
"""

from __future__ import annotations

import asyncio
import random

PAGES = 50
SYLLABLES = ["ka", "ro", "mi", "te", "lu", "san", "dor", "vel", "ist", "an", "be", "qua", "fen", "mor", "il", "os"]


class Answering(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, pages: list[bytes]) -> None:
        self._pages = pages
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while b"\r\n\r\n" in self._asked:
            head, _, self._asked = self._asked.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head.split(b" ", 2)[1]))  # type: ignore[attr-defined]

    def _answer(self, path: bytes) -> bytes:
        if path in (b"/robots.txt", b"/.well-known/tdmrep.json"):
            return _answer(b"User-agent: *\nDisallow: /private/\n", b"text/plain")
        return self._pages[int(path.strip(b"/")) % PAGES]


def _answer(body: bytes, kind: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


def _page(number: int) -> bytes:
    """15 kB that compress as pages do: a third of it text that stands nowhere else."""
    draw = random.Random(number)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 4))) for _ in range(700)]
    paragraphs = "".join(f"<p>{' '.join(words[start : start + 70])}.</p>\n" for start in range(0, 700, 70))
    menu = "".join(f'<li class="menu-item"><a href="/section/{item}">Section {item}</a></li>\n' for item in range(140))
    return f"<!DOCTYPE html><html><head><title>Page {number}</title></head><body><ul>{menu}</ul>{paragraphs}</body></html>".encode()


async def serve() -> None:
    pages = [_answer(_page(number), b"text/html; charset=utf-8") for number in range(PAGES)]
    server = await asyncio.get_running_loop().create_server(lambda: Answering(pages), "0.0.0.0", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
