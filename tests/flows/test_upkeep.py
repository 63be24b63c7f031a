"""Upkeep on the way of real bytes: archive, worker processes, stories, memory, and the pages read again. Without a flow."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import announce
from planted import paragraphs, print_of, sentences
from pydantic import ValidationError
from sqlalchemy import Engine, text

from extract.model import Page
from flows.collect import archive_pages
from flows.fingerprints import fingerprint_all, fingerprint_anew
from flows.ingest import read_pages, read_waiting, settle_ready
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.show.state import told_progress
from flows.store import Store
from flows.upkeep import keep_up, learn_due
from load import index
from load.engine import connect, worker
from load.pages import FetchedPage
from load.report.state import status
from transform.minhash import SketchSpec
from transform.model import ArticleId
from transform.verify import MatchPolicy, Side

STRAPLINE = "Kestrel Harbour, its boats and its people, in seven minutes"
COPY = 8  # of the articles below the last two are copies of the first
ARTICLE = """<!doctype html><html lang="en"><head><title>Number {0}</title>
<meta property="article:published_time" content="2026-03-0{1}T09:00:00Z"></head>
<body><article><h1>Number {0}</h1>{2}<p>{3}</p></article></body></html>"""
TEXTS = """SELECT article.url, article.text, array_agg(cut.text ORDER BY position) FROM news.article
           LEFT JOIN news.cut ON cut.article_id = article.id AND is_current AND cut.kind = 'repeated' GROUP BY 1, 2 ORDER BY 1"""
SEGMENTS = "SELECT text, stories, is_remembered FROM news.source_memory ORDER BY text"
OUTCOMES = "SELECT url, outcome FROM storyfold.entry ORDER BY url"


@pytest.fixture(scope="module")
def readers() -> Iterator[Workers]:
    with workers(1, 30.0, start=be_quiet) as pool:
        yield pool


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    return store_on(engine, tmp_path)


def store_on(engine: Engine, home: Path, batch: int = 100) -> Store:
    return Store(engine=engine, settings=Settings(home=home, archive=str(home / "warc"), batch=batch))


def fetch(store: Store, numbers: Sequence[int], source: str = "harbour-courier") -> None:
    """Pages of this source in the archive; those from COPY on tell the text of number 0."""
    now = datetime(2026, 3, 10, tzinfo=UTC)
    urls = [f"https://{source}.example/{number}" for number in numbers]
    ids = announce(store.engine, source, *urls, now=now)
    with store.engine.connect() as connection:
        source_id = connection.scalar(text("SELECT id FROM storyfold.source WHERE name = :name"), {"name": source})
    got = [
        FetchedPage(entry_id=entry_id, source_id=source_id, page=page(url, number, now + timedelta(minutes=number)))
        for entry_id, url, number in zip(ids, urls, numbers, strict=True)
    ]
    archive_pages(store, got, now)


def page(url: str, number: int, now: datetime) -> Page:
    lines = sentences(random.Random(number if number < COPY else 0), 12)
    body = "".join(f"<p>{part}</p>" for part in paragraphs(lines).split("\n\n"))
    html = ARTICLE.format(number, 1 + number % 9, body, STRAPLINE)
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Page(url=url, final_url=url, status=200, headers=headers, body=html.encode(), fetched_at=now)


def ingest(store: Store, readers: Workers) -> None:
    with worker(store.engine) as me:
        read_waiting(store, me, readers, read=read_pages, settle=settle_ready)


def test_slices_of_the_index_are_retired_by_their_age(store: Store, readers: Workers) -> None:
    print_ = replace(print_of(""), bands=np.arange(3, dtype=np.uint64))
    sides = [Side(id=ArticleId(number), day=1, print=print_) for number in (1, 2**22)]
    with store.engine.begin() as connection:
        index.replace_keys(connection, 1, sides, {}, datetime.now(UTC))
    assert upkeep(store, readers) == {}
    old = timedelta(days=store.settings.index_days, minutes=1)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.band_slice SET written_at = written_at - :old"), {"old": old})
    assert upkeep(store, readers) == {"slices retired": 1}
    assert ask(store, "SELECT number FROM storyfold.band_slice") == [(1,)]


def test_the_index_is_kept_as_long_as_its_articles_may_match(tmp_path: Path) -> None:
    window = MatchPolicy().window_days
    assert Settings(home=tmp_path, index_days=window).index_days == window
    with pytest.raises(ValidationError):
        Settings(home=tmp_path, index_days=window - 1)


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INDEX_DAYS", "HOME", "DATABASE_URL", "SOURCES"):
        monkeypatch.setenv(f"STORYFOLD_{name}", "")
    settings = Settings()
    assert (settings.index_days, settings.database_url, settings.sources) == (400, None, Path("sources"))
    assert settings.home.is_absolute()


def upkeep(store: Store, readers: Workers) -> dict[str, int]:
    with worker(store.engine) as me:
        return dict(+keep_up(store, me, readers))


def ask(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_new_source_is_known_from_its_second_story_on(store: Store, readers: Workers) -> None:
    fetch(store, [0])
    ingest(store, readers)
    assert upkeep(store, readers) == {}
    fetch(store, [1])
    ingest(store, readers)
    assert upkeep(store, readers) == {"learned": 1, "reopened": 2, "read": 2, "read again": 2}
    assert [cuts for *_, cuts in ask(store, TEXTS)] == [[STRAPLINE]] * 2
    fetch(store, [2])
    ingest(store, readers)
    assert [cuts for *_, cuts in ask(store, TEXTS)] == [[STRAPLINE]] * 3
    assert upkeep(store, readers) == {}
    assert ask(store, SEGMENTS) == [(STRAPLINE, 3, True)]
    assert ask(store, "SELECT kind, count(*) FROM news.revision GROUP BY 1 ORDER BY 1") == [("first", 3), ("reread", 2)]  # fmt: skip
    assert set(ask(store, "SELECT outcome FROM storyfold.entry")) == {("loaded",)}
    assert set(ask(store, "SELECT adds_up FROM news.outcome_ledger")) == {(True,)}


def test_copies_teach_nothing(store: Store, readers: Workers) -> None:
    fetch(store, [0, COPY, COPY + 1])
    ingest(store, readers)
    assert ask(store, "SELECT articles FROM news.story") == [(3,)]
    assert upkeep(store, readers) == {}
    assert all(STRAPLINE in told for _, told, _ in ask(store, TEXTS))


def test_upkeep_makes_the_fingerprints_of_an_upgrade_a_portion_each_time(
    store: Store, readers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(store, [0, 1])
    ingest(store, readers)
    upkeep(store, readers)
    digests = "SELECT read_spec FROM storyfold.page ORDER BY id"
    before = ask(store, digests)
    monkeypatch.setattr("flows.fingerprints.SketchSpec", partial(SketchSpec, seed=2))
    assert fingerprint_anew(store, portion_s=0) == {}
    with store.engine.connect() as connection:
        told = status(connection).fingerprints
    assert told is not None
    assert told_progress(told) == "of the new spec: 0 of 2"
    fetch(store, [COPY])
    ingest(store, readers)
    assert ask(store, "SELECT max(articles) FROM news.story") == [(2,)]
    assert upkeep(store, readers) == {"fingerprints made anew": 3, "compared by new fingerprints": 1}
    assert upkeep(store, readers) == {"former fingerprints dropped": 1}
    assert upkeep(store, readers) == {}
    fetch(store, [COPY + 1])
    ingest(store, readers)
    assert ask(store, "SELECT max(articles) FROM news.story") == [(3,)]
    after = ask(store, digests)
    assert after[: len(before)] == before
    assert {spec for (spec,) in after} == {spec for (spec,) in before}


def test_all_fingerprints_are_made_at_once_and_back_again(
    store: Store, readers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(store, [0, 1])
    ingest(store, readers)
    told: list[int] = []
    done = {"fingerprints made anew": 2, "compared by new fingerprints": 1, "former fingerprints dropped": 1}
    assert fingerprint_all(store, lambda progress: told.append(progress.of)) == {}
    for seed in (2, 1):
        monkeypatch.setattr("flows.fingerprints.SketchSpec", partial(SketchSpec, seed=seed))
        assert fingerprint_all(store, lambda progress: told.append(progress.of)) == done
    assert set(told) == {2}


@pytest.mark.parametrize("size", [1, 3])
def test_the_store_after_upkeep_does_not_depend_on_batches_passes_or_crashes(
    new_database: Callable[[], str], readers: Workers, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once; in passes of a few pages, with a death amid the reading and one right after learning."""
    whole = store_on(connect(new_database()), tmp_path / "whole")
    fetch(whole, range(COPY + 2))
    ingest(whole, readers)
    upkeep(whole, readers)
    parts = store_on(connect(new_database()), tmp_path / "parts", batch=size)
    for number, start in enumerate(range(0, COPY + 2, size)):
        fetch(parts, range(start, min(start + size, COPY + 2)))
        ingest(parts, readers)
        if number == 1:
            learn_due(parts)
            with monkeypatch.context() as patched:
                patched.setattr("load.settle._close", _crash)
                with pytest.raises(KeyboardInterrupt):
                    ingest(parts, readers)
        elif number == 2:
            learn_due(parts)
    upkeep(parts, readers)
    for query in (TEXTS, SEGMENTS, OUTCOMES):
        assert ask(parts, query) == ask(whole, query)
    assert all(STRAPLINE not in told for _, told, _ in ask(whole, TEXTS))
    for store in (whole, parts):
        store.engine.dispose()


def _crash(*_: object) -> None:
    raise KeyboardInterrupt
