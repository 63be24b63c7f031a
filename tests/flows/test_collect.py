"""collect as a stream: real hosts on loopback, a real Postgres, a real archive; only Prefect is left out."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from planted import sentences
from sqlalchemy import Engine, func, select, text

from extract.model import FeedEntry, FetchPolicy, Page, Reason, Rejection
from extract.warc import WarcPlace
from extract.warc import read_page as read_bytes
from flows import collect as lines
from flows import web as webs
from flows.collect import Queue, answers, keep_feed_texts, store_batch
from flows.settings import Settings
from flows.store import Store
from flows.web import BatchSize, Web
from load import entries, revisions, runs, sources
from load.engine import worker
from load.entries import ClaimedEntry
from load.report import items
from load.revisions import Reading
from load.settle import settle
from load.tables import article, article_revision, entry, page, pause, revision
from transform.read import ReadPage, ReadSpec, read_page
from transform.verify import MatchPolicy

HTML = (
    "<!DOCTYPE html><html lang=en><head><title>{0}</title></head><body><article><h1>{0}</h1>{1}</article></body></html>"
)
ONE = BatchSize(answers=1, bytes=1, age_s=0)


class Hosts:
    """Made-up hosts on one loopback port: each answers as told, or with a page."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.says: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        hosts = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = self.headers["Host"]
                if self.path in ("/robots.txt", "/.well-known/tdmrep.json"):
                    return say(self, 404)
                hosts.asked[host] += 1
                return hosts.says.get(host, lambda to: say(to, 200, f"<p>{host}{to.path}</p>".encode()))(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


def say(to: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    to.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    to.wfile.write(body)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    made = Hosts()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def store(engine: Engine, tmp_path: Path, hosts: Hosts) -> Store:
    connect_to = f"*.example=127.0.0.1:{hosts.server.server_port}"
    return Store(engine=engine, settings=Settings(home=tmp_path, sources=tmp_path / "none", connect_to=connect_to))


def policy(store: Store, **changes: Any) -> FetchPolicy:
    connect_to = store.settings.fetch_policy.connect_to
    return FetchPolicy(connect_to=connect_to, allow_networks=frozenset({"loopback"}), gap_s=0.0, **changes)


def announce(store: Store, *urls: str, **fields: Any) -> None:
    now = datetime.now(UTC)
    with store.engine.begin() as connection:
        run = runs.begin(connection, "discover", now)
        source = sources.ensure(connection, "daily", "Daily")
        entries.record(connection, source, [FeedEntry(url=url, **fields) for url in urls], run, now)


def collect(store: Store, **changes: Any) -> Counter[str]:
    """What `flows.collect.collect` does, without Prefect."""
    return sum(stream(store, **changes), Counter())


def stream(store: Store, **changes: Any) -> Iterator[Counter[str]]:
    """The counts of each batch, once it is stored."""
    with worker(store.engine) as me, Web(store.settings.fetches) as web:
        for batch in answers(store, web, Queue(store, me, ()), {"daily": policy(store, **changes)}):
            yield Counter(store_batch.fn(store, batch))


def rows(store: Store, query: Any) -> list[tuple[Any, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


# --- The stream ---


def test_everything_due_is_fetched_archived_and_on_record(store: Store) -> None:
    announce(store, *(f"http://h{host}.example/{number}" for host in range(5) for number in range(20)))
    assert collect(store) == {"fetched": 100}
    places = rows(store, select(page.c.url, page.c.warc_file, page.c.warc_offset, page.c.warc_length))
    for url, *place in places:
        kept = read_bytes(store.archive, WarcPlace(**dict(zip(("file", "offset", "length"), place, strict=True))))
        assert kept.url == url
    assert rows(store, select(entry.c.claimed_by).distinct()) == [(None,)]


def test_a_slow_host_holds_nobody_up(store: Store, hosts: Hosts) -> None:
    """It answers only once all others are stored."""
    others_are_stored = threading.Event()
    hosts.says["slow.example"] = lambda to: (others_are_stored.wait(20), say(to, 200, b"<p>at last</p>"))[1]
    announce(store, "http://slow.example/", *(f"http://h{host}.example/{n}" for host in range(3) for n in range(20)))
    fetched = 0
    for counts in stream(store):
        fetched += counts["fetched"]
        if fetched == 60:
            others_are_stored.set()
    assert others_are_stored.is_set()
    assert fetched == 61


def test_one_fast_host_fills_one_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a few of its entries are claimed at a time."""
    monkeypatch.setattr(lines, "BATCH_AGE_S", (60.0, 60.0))
    announce(store, *(f"http://a.example/{number}" for number in range(60)))
    assert sum(1 for _ in stream(store)) == 1


def test_no_file_has_more_pages_than_the_setting_says(store: Store) -> None:
    announce(store, *(f"http://h{number}.example/" for number in range(25)))
    few = Store(engine=store.engine, settings=store.settings.model_copy(update={"warc_pages": 10}))
    collect(few)
    files = rows(store, select(func.count()).group_by(page.c.warc_file).select_from(page))
    assert sorted(files) == [(5,), (10,), (10,)]


def test_pages_that_wait_to_be_stored_hold_back_the_next(
    store: Store, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webs, "MAX_WAITING_BYTES", 1)
    items = [(claimed(f"http://h{host}.example/", host), policy(store)) for host in range(6)]
    with Web(1) as web:
        web.ask(items)
        for taken in range(len(items)):
            assert len(web.take(ONE, 20, last=taken == len(items) - 1)) == 1
            assert hosts.asked.total() <= taken + 1


def test_fetches_in_flight_end_with_the_web_and_their_claims_with_the_worker(store: Store, hosts: Hosts) -> None:
    asked = threading.Event()
    hosts.says["slow.example"] = lambda to: (asked.set(), threading.Event().wait(20), to.close_connection)[2]
    announce(store, "http://slow.example/")
    with worker(store.engine) as me, Web(4) as web:
        web.ask([(item, policy(store)) for item in Queue(store, me, ()).claim(web.load)])
        assert asked.wait(20)
    hosts.says.clear()
    assert collect(store) == {"fetched": 1}


def test_a_fault_of_ours_ends_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> Page:
        raise ZeroDivisionError

    monkeypatch.setattr(webs.Fetcher, "get", broken)
    announce(store, "http://a.example/")
    with pytest.raises(ZeroDivisionError):
        collect(store)


# --- Answers other than a page ---


def test_answers_of_all_kinds_are_stored_together(store: Store, hosts: Hosts) -> None:
    hosts.says["gone.example"] = lambda to: say(to, 410)
    hosts.says["broken.example"] = lambda to: say(to, 500)
    announce(store, "http://a.example/", "http://gone.example/1", "http://gone.example/2", "http://broken.example/")
    assert collect(store) == {"fetched": 1, "rejected: gone": 2, "to be tried again": 1}
    assert rows(store, select(entry.c.outcome, entry.c.reason, entry.c.attempts).order_by(entry.c.url)) == [
        ("pending", None, 0), ("pending", None, 1), ("rejected", "gone", 0), ("rejected", "gone", 0),
    ]  # fmt: skip


def test_the_same_bytes_again_are_unchanged(store: Store) -> None:
    announce(store, "http://a.example/")
    collect(store)
    with store.engine.begin() as connection:
        connection.execute(entry.update().values(fetch_due_at=datetime.now(UTC)))
    assert collect(store) == {"unchanged": 1}


def test_a_host_that_asks_to_wait_is_left_alone_also_after_a_restart(store: Store, hosts: Hosts) -> None:
    """One entry is asked for and counted; the others wait with it, as they were, and what is announced meanwhile."""
    hosts.says["busy.example"] = lambda to: say(to, 429, Retry_After="3600")
    announce(store, *(f"http://busy.example/{number}" for number in range(5)), "http://a.example/")
    assert collect(store) == {"fetched": 1, "to be tried again": 5}
    assert sorted(rows(store, select(entry.c.attempts).where(entry.c.host == "busy.example"))) == [(0,)] * 4 + [(1,)]
    assert rows(store, select(pause.c.scope, pause.c.name)) == [("domain", "busy.example")]
    announce(store, "http://busy.example/new")
    assert collect(store) == {}
    assert hosts.asked["busy.example"] == 1


# --- What the feed carried ---

OPENED = "The mayor of Westhaven, Anna Kowal, opened the Lindqvist bridge on 14 May, 412 metres long and 3 years late."
LINES = [OPENED, *sentences(random.Random(5), 24)]
CARRIED = " ".join(LINES[:4])
URL = "http://walled.example/story"


@pytest.mark.parametrize("status", [401, 402, 403])
def test_what_the_feed_carried_stands_for_a_refused_page(store: Store, hosts: Hosts, status: int) -> None:
    hosts.says["walled.example"] = lambda to: say(to, status)
    announce(store, URL, title="Bridge opens", summary=CARRIED)
    assert collect(store) == {"kept from the feed": 1}
    read_and_settle(store)
    assert says_now(store) == [("Bridge opens", CARRIED, ["feed-text"], "first")]
    with store.engine.connect() as connection:
        [told] = items.why(connection, URL).entries
    assert [kept.refusal.partition(" ")[0] for kept in told.pages if kept.refusal] == ["refused:"]
    assert rows(store, select(entry.c.outcome)) == [("loaded",)]


@pytest.mark.parametrize("status", [404, 451])
@pytest.mark.parametrize("summary", [CARRIED, "Too short to be an article."])
def test_what_is_gone_taken_down_or_too_short_is_not_brought_back(
    store: Store, hosts: Hosts, status: int, summary: str
) -> None:
    hosts.says["walled.example"] = lambda to: say(to, status)
    announce(store, URL, summary=summary)
    assert set(collect(store)) == {"rejected: gone" if status == 404 else "rejected: refused"}


def test_the_page_replaces_what_the_feed_carried_and_never_the_reverse(store: Store, hosts: Hosts) -> None:
    hosts.says["walled.example"] = lambda to: say(to, 403)
    announce(store, URL, title="Bridge opens", summary=CARRIED)
    body = HTML.format("Bridge opens", "".join(f"<p>{line}</p>" for line in LINES)).encode()
    for grant in (False, True, False):
        if grant:
            hosts.says["walled.example"] = lambda to: say(to, 200, body, Content_Type="text/html; charset=utf-8")
        else:
            hosts.says["walled.example"] = lambda to: say(to, 403)
        with store.engine.begin() as connection:
            connection.execute(entry.update().values(fetch_due_at=datetime.now(UTC)))
        collect(store)
        read_and_settle(store)
    assert [(flags, kind) for *_, flags, kind in says_now(store)] == [([], "update")]
    assert rows(store, select(entry.c.outcome, entry.c.reason)) == [("unchanged", "refused")]


def test_what_the_feed_carried_joins_the_story_of_the_full_text_and_does_not_stand_for_it(
    store: Store, hosts: Hosts
) -> None:
    body = HTML.format("Bridge opens", "".join(f"<p>{line}</p>" for line in LINES)).encode()
    hosts.says["walled.example"] = lambda to: say(to, 403)
    hosts.says["open.example"] = lambda to: say(to, 200, body, Content_Type="text/html; charset=utf-8")
    announce(store, URL, "http://open.example/story", title="Bridge opens", summary=CARRIED)
    collect(store)
    with store.engine.begin() as connection:  # a store that knows one day trusts no furniture of a single source
        other = sources.ensure(connection, "herald", "Herald")
        connection.execute(page.update().where(page.c.url != URL).values(source_id=other))
    read_and_settle(store)
    [(articles, canonical, rule)] = rows(store, text(
        """SELECT story.articles, article.url, canonical_rule FROM storyfold.story
           JOIN storyfold.article ON article.id = canonical_id"""
    ))  # fmt: skip
    assert (articles, canonical, rule) == (2, "http://open.example/story", "full-text")


def test_a_page_that_shows_less_than_the_feed_gives_way_to_it(store: Store) -> None:
    """The reading finds that out; robots.txt and an opt-out speak of the feed's text, too."""
    announce(store, URL, summary=CARRIED)
    collect(store)
    [(id_,)] = rows(store, select(entry.c.id))
    now = datetime.now(UTC)
    for reason, kept in (("robots", False), ("opt-out", False), ("paywall-teaser", True), ("paywall-teaser", False)):
        refused = {id_: Rejection(url=URL, reason=Reason(reason))}
        assert (keep_feed_texts(store, refused, now) == {id_}) is kept


def claimed(url: str, number: int) -> ClaimedEntry:
    host = url.split("/")[2]
    return ClaimedEntry(id=number, source_id=1, source="daily", url=url, host=host, domain=host)  # type: ignore[arg-type]


def says_now(store: Store) -> list[tuple[Any, ...]]:
    query = select(revision.c.title, revision.c.text, revision.c.flags, article_revision.c.kind)
    query = query.join(article_revision, article_revision.c.revision_id == revision.c.id)
    return rows(store, query.join(article, article.c.revision_id == revision.c.id))


def read_and_settle(store: Store) -> None:
    now = datetime.now(UTC)
    query = select(page).where(page.c.read_at.is_(None)).order_by(page.c.id)
    with store.engine.connect() as connection:
        unread = connection.execute(query).all()
        announced = entries.announcements(connection, [row.entry_id for row in unread])
    for row in unread:
        place = WarcPlace(file=row.warc_file, offset=row.warc_offset, length=row.warc_length)
        read = read_page(read_bytes(store.archive, place), announced[row.entry_id], ReadSpec())
        assert isinstance(read, ReadPage), read
        kept = Reading(page_id=row.id, clean=read.clean, print=read.print, read_spec=b"tests")
        assert revisions.keep_all(store.engine, [kept], now) == {}
    while settle(store.engine, MatchPolicy(), now, 100).pages:
        pass
