"""What a rebuild makes of an archive: files of today and of before, broken ones, and its way back after a kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from extract.model import Feed, FeedEntry, FeedKind, Page, SourceName
from extract.provenance import Provenance, Publisher, SampleOf
from extract.warc import write_pages
from flows import rebuild
from flows.rebuild import CannotRebuild, check_rebuild, record_archive
from flows.settings import Settings
from flows.store import Store, warc_name
from load import provenance, runs
from load.engine import Engine

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
KNOWN = Provenance(
    source=Publisher(
        name=SourceName("daily"), title="The Daily", tier=1, language="en", domains=("daily.example",), drop=("ref",)
    ),
    entry=FeedEntry(url="", title="As announced", authors=("Ines Tolland",), published_at=NOW - timedelta(hours=2)),
    first_seen_at=NOW - timedelta(hours=1),
    feed=Feed(url="https://daily.example/feed.xml", kind=FeedKind.FEED),
    opt_outs=("tdmrep",),
)


def a_page(url: str, *, body: str = "<!doctype html><p>Text</p>", kind: str = "text/html", minutes: int = 0) -> Page:
    headers = (("Content-Type", kind),)
    moment = NOW + timedelta(minutes=minutes)
    return Page(url=url, final_url=url, status=200, headers=headers, body=f"{body}{url}".encode(), fetched_at=moment)


def told(url: str, **changes: object) -> Provenance:
    return replace(KNOWN, entry=replace(KNOWN.entry, url=url, **changes))


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    return Store(engine=engine, settings=Settings(home=tmp_path, sources=tmp_path / "none", warc_pages=2))


def rebuilt(store: Store) -> dict[str, int]:
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "rebuild", NOW)
    return dict(record_archive(store, run_id))


def ask(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_was_announced_comes_back_with_its_page(store: Store) -> None:
    url = "https://daily.example/a?ref=1"
    later = told(url, updated_at=NOW)
    write_pages(store.archive, "1.warc.gz", [a_page(url)], [told(url)])
    write_pages(store.archive, "2.warc.gz", [a_page(url, body="changed", minutes=5)], [later])
    assert rebuilt(store) == {"announced": 2, "new": 2}
    assert ask(store, "SELECT name, title, tier, language, domains, drop_params FROM storyfold.source") == [
        ("daily", "The Daily", 1, "en", ["daily.example"], ["ref"])
    ]
    assert ask(
        store,
        """SELECT entry.url, entry.title, authors, published_at, updated_at, first_seen_at, outcome, feed.url, fetch_due_at
           FROM storyfold.entry JOIN storyfold.feed ON feed.id = feed_id""",
    ) == [
        (url, "As announced", ["Ines Tolland"], NOW - timedelta(hours=2), NOW, NOW - timedelta(hours=1), "pending",
         "https://daily.example/feed.xml", None)
    ]  # fmt: skip
    assert ask(store, "SELECT warc_file, opt_outs FROM storyfold.page ORDER BY id") == [
        ("1.warc.gz", ["tdmrep"]),
        ("2.warc.gz", ["tdmrep"]),
    ]


def test_files_of_before_are_taken_by_their_addresses(store: Store) -> None:
    """Also beside files of today, whose feeds and sources they may be of; what is no page stays out."""
    write_pages(store.archive, "1.warc.gz", [a_page("https://daily.example/a")], [told("https://daily.example/a")])
    old = [
        a_page("https://daily.example/b"),
        a_page("https://other.example/c"),
        a_page("https://daily.example/feed.xml"),
        a_page("https://daily.example/d", body="GIF89a", kind="image/gif"),
    ]
    write_pages(store.archive, "2.warc.gz", old)
    feed = a_page("https://daily.example/page")
    write_pages(store.archive, "3.warc.gz", [feed], [SampleOf(url="https://daily.example/feed.xml")])
    counts = rebuilt(store)
    assert {name: n for name, n in counts.items() if name.startswith("left out")} == {
        "left out: answer of a feed": 2,
        "left out: image/gif": 1,
    }
    assert ask(
        store,
        """SELECT entry.url, source.name, first_seen_at FROM storyfold.entry
           JOIN storyfold.source ON source.id = source_id ORDER BY 1""",
    ) == [
        ("https://daily.example/a", "daily", NOW - timedelta(hours=1)),
        ("https://daily.example/b", "daily", NOW),
        ("https://other.example/c", "other-example", NOW),
    ]
    assert ask(store, "SELECT tier FROM storyfold.source WHERE name = 'daily'") == [(1,)]


def test_a_killed_rebuild_goes_on_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [f"https://daily.example/{n}" for n in range(7)]
    write_pages(store.archive, "1.warc.gz", [a_page(url) for url in urls], [told(url) for url in urls])
    restore, calls = provenance.restore, []

    def killed(*arguments: object) -> int:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(arguments)
        return restore(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as now:
        now.setattr(rebuild.provenance, "restore", killed)
        with pytest.raises(KeyboardInterrupt):
            rebuilt(store)
    assert rebuilt(store) == {"announced": 7, "known": 4, "new": 3}
    assert ask(store, "SELECT url FROM storyfold.page ORDER BY id") == [(url,) for url in urls]
    assert rebuilt(store) == {"announced": 7, "known": 7}


def test_a_broken_stretch_costs_itself_alone(store: Store, tmp_path: Path) -> None:
    urls = [f"https://daily.example/{n}" for n in range(3)]
    places = write_pages(store.archive, "1.warc.gz", [a_page(url) for url in urls], [told(url) for url in urls])
    file = tmp_path / "warc/1.warc.gz"
    damaged = bytearray(file.read_bytes())
    damaged[places[1].offset + 40 : places[1].offset + 60] = bytes(20)
    file.write_bytes(damaged)
    assert rebuilt(store) == {"announced": 2, "new": 2, "left out: damaged": 1}


def test_later_files_are_named_behind_those_of_the_archive(store: Store) -> None:
    future = "2031/01/20310101T000000000000Z-0123456789ab.warc.gz"
    write_pages(store.archive, future, [a_page("https://daily.example/a")], [told("https://daily.example/a")])
    rebuilt(store)
    assert warc_name(store, NOW) > future


def test_only_an_empty_store_or_one_begun_so_is_filled(store: Store) -> None:
    with pytest.raises(CannotRebuild, match="There are no WARC files in the archive"):
        check_rebuild(store)
    write_pages(store.archive, "1.warc.gz", [a_page("https://daily.example/a")])
    check_rebuild(store)
    rebuilt(store)
    with store.engine.begin() as connection:
        runs.begin(connection, "discover", NOW)
    check_rebuild(store)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.run SET line = 'load' WHERE line = 'rebuild'"))
    with pytest.raises(CannotRebuild, match="This store is in use"):
        check_rebuild(store)
