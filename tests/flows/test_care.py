"""Held sources and replayed pages on the way of real bytes: archive, worker processes, settling. Without a flow run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, a_source, announce
from sqlalchemy import Engine, text

from extract.model import Bound, Expectations, OnBreach, Page
from extract.warc import write_pages
from flows.collect import archive_pages
from flows.ingest import begin_reading, read_batch, settle_batch
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store
from load import expectations, pages, quarantine, sources
from load.engine import worker
from load.pages import FetchedPage
from load.quarantine import Wanted
from transform.read import ReadSpec

PAGE = """<!doctype html><html lang="en"><head><title>Notes of the harbour, number {0}</title>{1}</head>
<body><article><h1>Notes of the harbour, number {0}</h1>{2}</article></body></html>"""
DATE = '<meta property="article:published_time" content="2026-03-02T09:00:00Z">'


@pytest.fixture(scope="module")
def readers() -> Iterator[Workers]:
    with workers(1, 30.0, start=be_quiet) as pool:
        yield pool


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    """With a source that is expected to date its articles."""
    expect = Expectations(dated_share=Bound(min=0.9), on_breach=OnBreach.STOP)
    with engine.begin() as connection:
        sources.sync(connection, [replace(a_source("northline"), expect=expect), a_source("harbour-courier")])
    return Store(engine=engine, settings=Settings(home=tmp_path, archive=str(tmp_path / "warc")))


def fetch(store: Store, name: str, count: int, *, dated: bool) -> None:
    """Pages of this source in the archive, each with an article of its own."""
    now = datetime.now(UTC)
    urls = [f"https://{name}.example/{number}" for number in range(count)]
    ids = announce(store.engine, name, *urls, now=now)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.entry SET published_at = NULL"))  # the feed's word would date them
        source = connection.scalar(text("SELECT id FROM storyfold.source WHERE name = :name"), {"name": name})
    got = [
        FetchedPage(entry_id=entry_id, source_id=source, page=page(url, number, now, dated=dated))
        for number, (entry_id, url) in enumerate(zip(ids, urls, strict=True))
    ]
    archive_pages(store, got, now)


def page(url: str, number: int, now: datetime, *, dated: bool, told: int = 3) -> Page:
    texts = [*HARBOUR_FIRE, *BRIDGE_TOLL]
    body = "".join(f"<p>{texts[(number + place) % len(texts)]} Number {number}.</p>" for place in range(told))
    html = PAGE.format(number, DATE if dated else "", body)
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Page(url=url, final_url=url, status=200, headers=headers, body=html.encode(), fetched_at=now)


def ingest(store: Store, readers: Workers, limit: int = 100) -> list[dict[str, int]]:
    """What each batch of readings came to; all is settled in between."""
    counts = []
    with worker(store.engine) as me:
        while True:
            with store.engine.begin() as connection:
                batch = pages.claim_unread(connection, me, datetime.now(UTC), limit)
            if not batch:
                return counts
            counts.append(read_batch.fn(store, readers, begin_reading(store, readers, batch)))
            settle_batch.fn(store)


def ledger(store: Store) -> dict[str | None, tuple[int, int, int]]:
    query = "SELECT source, pending, loaded, quarantined, adds_up FROM news.outcome_ledger"
    with store.engine.connect() as connection:
        rows = connection.execute(text(query)).all()
    assert all(row.adds_up for row in rows)
    return {row.source: (row.pending, row.loaded, row.quarantined) for row in rows}


def test_a_source_that_stops_dating_its_articles_is_stopped_before_any_is_settled(
    store: Store, readers: Workers
) -> None:
    fetch(store, "northline", 45, dated=False)
    fetch(store, "harbour-courier", 5, dated=True)
    counts = ingest(store, readers, limit=25)
    assert counts == [{"read": 25, "breaches begun": 1}, {"read": 5}]
    assert ledger(store) == {"northline": (45, 0, 0), "harbour-courier": (0, 5, 0), None: (45, 5, 0)}
    with store.engine.begin() as connection:
        assert expectations.release(connection, "northline", datetime.now(UTC)) == 45
    assert ingest(store, readers) == [{"read": 20}]
    assert ledger(store)[None] == (0, 50, 0)


def test_a_page_whose_bytes_were_missing_is_read_when_they_are_back(store: Store, readers: Workers) -> None:
    fetch(store, "harbour-courier", 2, dated=True)
    (file,) = Path(store.archive).rglob("*.warc.gz")
    away = file.rename(file.with_suffix(".away"))
    ingest(store, readers)
    assert ledger(store)[None] == (0, 0, 2)
    away.rename(file)
    with store.engine.begin() as connection:
        items = quarantine.quarantined(connection, Wanted(stage="read"))
        assert {item.payload.file for item in items if item.payload} == {str(file.relative_to(store.archive))}
        assert quarantine.replay(connection, Wanted(), datetime.now(UTC)) == {"read": 2}
    ingest(store, readers)
    assert ledger(store)[None] == (0, 2, 0)


def test_a_page_that_can_no_longer_be_read_leaves_its_article_as_it_was(
    store: Store, readers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """Read again, one page has become too short, the bytes of another are gone."""
    fetch(store, "harbour-courier", 3, dated=True)
    ingest(store, readers)
    before = articles(store), ledger(store)
    now = datetime.now(UTC)
    [place] = write_pages(store.archive, "short.warc.gz", [page("https://harbour-courier.example/0", 0, now, dated=True, told=0)])  # fmt: skip
    with store.engine.begin() as connection:
        short = text("UPDATE storyfold.page SET warc_file = :file, warc_offset = :offset, warc_length = :length WHERE id = 1")  # fmt: skip
        connection.execute(short, {"file": place.file, "offset": place.offset, "length": place.length})
        connection.execute(text("UPDATE storyfold.page SET warc_file = 'gone.warc.gz', read_spec = 'old' WHERE id = 2"))
        assert pages.reopen(connection, [1, 2, 3]) == 3
    counts = sum(map(Counter, ingest(store, readers)), Counter())
    assert counts["read again in vain"] == 2
    assert (articles(store), ledger(store)) == before
    assert "harbour-courier.example/0 read again is no article: too-short; it stays as it was" in caplog.text
    assert "harbour-courier.example/1 cannot be read again: ArchiveDamaged" in caplog.text
    with store.engine.connect() as connection:
        query = text("SELECT read_at IS NOT NULL AND read_spec = :spec FROM storyfold.page")
        assert set(connection.scalars(query, {"spec": ReadSpec().digest})) == {True}


def articles(store: Store) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        query = text("SELECT id, url, title, text, story_id FROM news.article ORDER BY id")
        return [tuple(row) for row in connection.execute(query)]
