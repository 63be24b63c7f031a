"""A publisher on the loopback interface whose answers a test writes, and a desk that polls it into a real store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from flows.discover import Asked, Polling, poll_feeds
from flows.settings import Settings
from flows.store import Store, read_catalogue
from load import runs, sources
from load.engine import worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    path: str
    headers: Mapping[str, str]


class Publisher:
    """Answers by path; what is not there is 404. A reply may be a function of the request."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.replies: dict[str, Reply | Callable[[Asking], Reply]] = {}
        self.asked: list[Asking] = []

    def says(self, path: str, body: str | bytes = b"", status: int = 200, **headers: str) -> None:
        raw = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies[path] = Reply(body=raw, status=status, headers=named)

    def reply(self, asking: Asking) -> Reply:
        self.asked.append(asking)
        found = self.replies.get(asking.path, Reply(status=404))
        return found if isinstance(found, Reply) else found(asking)

    def asked_for(self, path: str) -> list[Asking]:
        return [asking for asking in self.asked if asking.path == path]


@contextmanager
def publisher() -> Iterator[Publisher]:
    """A publisher for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = here.reply(Asking(self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/xml", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Publisher(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsdesk:
    """A store, a folder of source files, and the line under test."""

    engine: Engine
    home: Path

    @property
    def store(self) -> Store:
        settings = Settings(home=self.home, sources=self.home / "sources", processes=1, read_timeout_s=20)
        return Store(engine=self.engine, settings=settings)

    def lists(self, name: str, *feeds: str, sitemaps: tuple[str, ...] = (), lines: str = "") -> None:
        """Write a source's file."""
        (self.home / "sources").mkdir(exist_ok=True)
        text_ = f'title = "{name}"\nfeeds = {list(feeds)}\nsitemaps = {list(sitemaps)}\n{lines}\n'
        fetching = '[fetch]\ngap_s = 0\nallow_networks = ["loopback"]\n'
        (self.home / "sources" / f"{name}.toml").write_text(text_.replace("'", '"') + fetching)

    def poll(self, *, early: bool = True) -> dict[str, int]:
        """One pass over all sources; what it counted."""
        store = self.store
        catalogue = read_catalogue(store.settings.sources, store.settings.fetch_policy)
        now = datetime.now(UTC)
        with self.engine.begin() as connection:
            sources.sync(connection, catalogue)
            run_id = runs.begin(connection, "discover", now)
        by_name = {source.name: source for source in catalogue}
        asked = Asked(names=tuple(by_name), early=early, began_at=now)
        with worker(self.engine) as me:
            return poll_feeds.fn(Polling(store=store, worker=me, run_id=run_id, asked=asked, catalogue=by_name))

    def rows(self, query: str, /, **values: object) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def feed(self, columns: str, path: str) -> tuple[Any, ...]:
        [row] = self.rows(f"SELECT {columns} FROM storyfold.feed WHERE url LIKE '%' || :path", path=path)
        return row


def rss(*links: str, published: datetime | None = None) -> str:
    """A feed with one item a link."""
    date = f"<pubDate>{published:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if published else ""
    items = "".join(f"<item><title>On {link}</title><link>{link}</link>{date}</item>" for link in links)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'


def urlset(**modified: str) -> str:
    """A sitemap: page → lastmod, empty for none; '__' in a page's name stands for '/'."""
    return _sitemap("urlset", "url", modified)


def sitemap_index(**modified: str) -> str:
    return _sitemap("sitemapindex", "sitemap", modified)


def _sitemap(root: str, element: str, modified: Mapping[str, str]) -> str:
    items = "".join(
        f"<{element}><loc>/{name.replace('__', '/')}</loc>{f'<lastmod>{at}</lastmod>' if at else ''}</{element}>"
        for name, at in modified.items()
    )
    return f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{items}</{root}>'
