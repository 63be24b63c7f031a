"""Small sites on loopback for every *.example host, which say what a test wants them to say."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

NOW = datetime.now(UTC).replace(microsecond=0)
PARAGRAPHS = (
    "The ferry across the sound will sail twice an hour from the first of the month, the harbour office said after a"
    " meeting with the shipping company, which had asked for a longer pause at night than it was given in the end.",
    "A second boat will be hired for the summer. It carries 180 passengers and no cars, and was used until last year on"
    " the northern route, where a bridge has taken its place since the spring.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer."""

    body: str = ""
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Sites:
    """Serves while it is open; `says` is by host and path with query, `asked` every path that was asked for."""

    def __init__(self, says: Mapping[str, Mapping[str, Said | str]]) -> None:
        self.says = {host: dict(paths) for host, paths in says.items()}
        self.asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sites = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="sites")

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
    def connect_to(self) -> str:
        """For STORYFOLD_CONNECT_TO."""
        return f"*.example=127.0.0.1:{self._server.server_port}"

    def answer(self, host: str, target: str) -> Said:
        self.asked.append(f"{host}{target}")
        said = self.says.get(host, {}).get(target)
        return Said(status=404, body="none") if said is None else Said(body=said) if isinstance(said, str) else said


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sites: Sites

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients hang up, and some try TLS."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        said = self.server.sites.answer(self.headers.get("Host", "").partition(":")[0], self.path)
        body = said.body.encode()
        self.send_response(said.status)
        for name, value in {"Content-Type": said.type, "Content-Length": str(len(body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Nothing."""


# --- What publishers say --------------------------------------------------------------------------------------


def articles(numbers: Iterable[int], *, paragraphs: Iterable[str] = PARAGRAPHS) -> dict[str, str]:
    """Pages, hourly ones, the smallest number the newest."""
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return {f"/news/{n}.html": _article(n, text) for n in numbers}


def rss(host: str, numbers: Iterable[int], *, title: str = "A", ttl: int | None = None, ends: datetime = NOW) -> Said:
    items = "".join(
        f"<item><title>Ferries, part {n}</title><link>http://{host}/news/{n}.html</link>"
        f"<pubDate>{format_datetime(ends - n * timedelta(hours=1))}</pubDate></item>"
        for n in numbers
    )
    asked = f"<ttl>{ttl}</ttl>" if ttl else ""
    body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{asked}{items}</channel></rss>'
    return Said(body=body, type="application/rss+xml")


def news_sitemap(host: str, numbers: Iterable[int]) -> Said:
    urls = "".join(
        f"<url><loc>http://{host}/news/{n}.html</loc><news:news><news:publication_date>"
        f"{(NOW - n * timedelta(hours=1)).isoformat()}</news:publication_date><news:title>Ferries {n}</news:title>"
        "</news:news></url>"
        for n in numbers
    )
    names = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    return Said(body=f"<urlset {names}>{urls}</urlset>", type="application/xml")


def sitemap_index(host: str, paths: Iterable[str]) -> Said:
    children = "".join(f"<sitemap><loc>http://{host}{path}</loc></sitemap>" for path in paths)
    body = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{children}</sitemapindex>'
    return Said(body=body, type="application/xml")


def home(*head: str, title: str = "The Sound Post", body: str = "") -> str:
    return f'<!doctype html><html lang="en"><head><title>{title} | News</title>{"".join(head)}</head><body>{body}</body></html>'


def feed_link(href: str, title: str = "", kind: str = "application/rss+xml") -> str:
    return f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'


def robots(*lines: str) -> Said:
    return Said(body="\n".join(["User-agent: *", *lines]), type="text/plain")


def _article(number: int, text: str) -> str:
    at = (NOW - number * timedelta(hours=1)).isoformat()
    return (
        f'<!doctype html><html lang="en"><head><title>Ferries, part {number}</title>'
        f'<meta property="article:published_time" content="{at}"></head>'
        f"<body><article><h1>Ferries, part {number}</h1>{text}</article></body></html>"
    )
