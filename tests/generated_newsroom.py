"""A newsroom of any size on one loopback port: outlets with templates of their own, whose articles a stream made up.

What it answers is a function of address and edition alone, so two stores may be sent to it one after the other. Some
pages are gone, some fail for ever, some hosts are slow, the feeds of an outlet overlap; later editions revise articles.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import urllib.request
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html import escape
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from newsstream import Item, stream

EDITIONS = (0.6, 1.0)  # shares of the stream that each of them has seen
GONE, FAILING, SLOW = 23, 41, 7  # every so manyth page or host
SLOW_S = 0.05
_PATH = "/__edition/"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedNewsroom:
    """Where it is, and what storyfold must be told to read it."""

    port: int
    sources: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "STORYFOLD_SOURCES": str(self.sources),
            "STORYFOLD_CONNECT_TO": f"*.example=127.0.0.1:{self.port}",
        }

    def publish(self, edition: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{_PATH}{edition}", timeout=10):
            pass


@contextmanager
def generated_newsroom(folder: Path, *, seed: int, articles: int, outlets: int) -> Iterator[GeneratedNewsroom]:
    """Serves the first of that many outlets with the most articles, from a process of its own.

    articles: of the stream, before the other outlets are left out. folder: for the source files
    """
    items = _items(seed, articles, outlets)
    for host, outlet in sorted({_host(item): item.outlet for item in items}.items()):
        (folder / f"{host.removesuffix('.example')}.toml").write_text(_SOURCE.format(host=host, outlet=outlet))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, seed, articles, outlets), daemon=True)
    process.start()
    try:
        yield GeneratedNewsroom(port=ours.recv(), sources=folder)
    finally:
        process.terminate()
        process.join()


_SOURCE = """title = "{outlet}"
homepage = "http://{host}/"
feeds = ["http://{host}/feed.xml", "http://{host}/latest.xml"]
[fetch]
gap_s = 0
concurrency = 4
allow_networks = ["loopback"]
"""


def _items(seed: int, articles: int, outlets: int) -> list[Item]:
    made = list(stream(seed, articles, boilerplate=0.0))
    largest = {host for host, _ in Counter(map(_host, made)).most_common(outlets)}
    return [item for item in made if _host(item) in largest]


def _host(item: Item) -> str:
    return urlsplit(item.url).netloc


# --- What is answered -----------------------------------------------------------------------------------------


def _answers(items: Sequence[Item]) -> dict[tuple[str, str], bytes]:
    """Host and path → answer, of one edition."""
    newest: dict[tuple[str, str], Item] = {(_host(item), urlsplit(item.url).path): item for item in items}
    first = {(_host(item), urlsplit(item.url).path): item for item in reversed(items)}
    found = {at: _page_of(item) for at, item in newest.items()}
    by_host: defaultdict[str, list[tuple[Item, datetime]]] = defaultdict(list)
    for at, item in newest.items():
        by_host[at[0]].append((item, first[at].published_at))
    for host, told in by_host.items():
        found[host, "/feed.xml"] = _feed(host, told)
        found[host, "/latest.xml"] = _feed(host, told[-20:])
    return found


def _page_of(item: Item) -> bytes:
    sign = zlib.crc32(item.url.encode())
    if sign % GONE == 0:
        return _answer("404 Not Found", "text/html", "<h1>Not here</h1>")
    if sign % FAILING == 0:
        return _answer("503 Service Unavailable", "text/html", "<h1>Later</h1>")
    menu = "".join(f"<li><a href='/s/{n}'>Section {n} of {escape(item.outlet)}</a></li>" for n in range(sign % 5 + 4))
    text = "".join(f"<p>{escape(part)}</p>" for part in item.text.split("\n\n"))
    standing = f"<p>More of what {escape(item.outlet)} has found out stands in its Saturday edition.</p>"
    return _answer(
        "200 OK",
        "text/html; charset=utf-8",
        f"<!doctype html><html lang='en'><head><title>{escape(item.title)} | {escape(item.outlet)}</title>"
        f"<meta property='article:published_time' content='{item.published_at.isoformat()}'></head>"
        f"<body><nav><ul>{menu}</ul></nav><article><h1>{escape(item.title)}</h1><p class='by'>{escape(item.byline)}</p>"
        f"{text}{standing if sign % 3 else ''}</article>"
        f"<footer><p>&copy; {escape(item.outlet)}. All rights reserved.</p></footer></body></html>",
    )


def _feed(host: str, told: Sequence[tuple[Item, datetime]]) -> bytes:
    entries = "".join(
        f"<entry><title>{escape(item.title)}</title><link href='http://{host}{urlsplit(item.url).path}'/>"
        f"<id>{escape(item.url)}</id><published>{first.isoformat()}</published>"
        f"<updated>{item.fetched_at.isoformat()}</updated><summary>{escape(item.text[:120])}</summary></entry>"
        for item, first in told
    )
    return _answer(
        "200 OK",
        "application/atom+xml",
        f"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><title>{host}</title>{entries}</feed>",
    )


def _answer(status: str, kind: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- Serving --------------------------------------------------------------------------------------------------


class _Newsroom:
    """The editions, and which of them is out."""

    def __init__(self, editions: Sequence[Mapping[tuple[str, str], bytes]]) -> None:
        self._editions = editions
        self._now = 0

    def answer(self, host: str, path: str) -> bytes:
        if path.startswith(_PATH):
            self._now = int(path.removeprefix(_PATH))
            return _answer("200 OK", "text/plain", "out")
        if path == "/robots.txt":
            return _answer("200 OK", "text/plain", "User-agent: *\nDisallow:\n")
        return self._editions[self._now].get((host, path)) or _answer("404 Not Found", "text/html", "<h1>Not here</h1>")


class _Protocol(asyncio.Protocol):
    def __init__(self, room: _Newsroom) -> None:
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A GET fits into one segment here, and nobody sends the next before the answer to the last."""
        head = data.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        host = fields.get("host", "").partition(":")[0]
        wait_s = SLOW_S if zlib.crc32(host.encode()) % SLOW == 0 else 0.0
        answer = self._room.answer(host, head[0].split(" ")[1])
        asyncio.get_running_loop().call_later(wait_s, self._transport.write, answer)


def _serve(port: Connection, seed: int, articles: int, outlets: int) -> None:
    items = _items(seed, articles, outlets)
    room = _Newsroom([_answers(items[: round(len(items) * share)]) for share in EDITIONS])

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Protocol(room), "127.0.0.1", 0, backlog=1000)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
