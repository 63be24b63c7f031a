"""Pages read again: the article says what the new reading says, and everything else stays where it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from planted import Planted, paragraphs, planted_stream, sentences
from sqlalchemy import Engine, text
from stored import NOW, fetched, keep_readings, partition, put_pages, reading, settle_all, store_stream, stories

from extract.model import Reason, Rejection
from extract.warc import WarcPlace
from load import entries, pages, revisions
from load.engine import connect
from load.settle import settle
from transform.model import CleanArticle, Cut, CutKind, Zone
from transform.verify import MatchPolicy

LINES = sentences(random.Random(1), 24)
FOOTER = "Call our newsroom on any day of the week."
LEAKY = Planted(story=1, url="https://a.example/1", text=f"{paragraphs(LINES)}\n\n{FOOTER}", published_at=NOW)
CLEANED = replace(LEAKY, text=paragraphs(LINES))
ARTICLES = "SELECT id, url, revision_id FROM storyfold.article ORDER BY id"
REVISIONS = "SELECT page_id, kind, text FROM storyfold.revision JOIN storyfold.article_revision ON revision_id = id ORDER BY id"  # fmt: skip
OUTCOMES = "SELECT outcome, reason, outcome_at, article_id, fetch_due_at FROM storyfold.entry ORDER BY id"


def ask(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def reopen(engine: Engine, *page_ids: int) -> int:
    with engine.begin() as connection:
        return pages.reopen(connection, page_ids)


def read_again(engine: Engine, *read: tuple[int, Planted], spec: bytes = b"newer", batch: int = 100) -> None:
    """Reopen these pages, and store what they say by newer rules."""
    assert reopen(engine, *(page_id for page_id, _ in read)) == len(read)
    keep_newer(engine, read, spec)
    settle_all(engine, batch)


def keep_newer(engine: Engine, read: Sequence[tuple[int, Planted]], spec: bytes = b"newer") -> None:
    readings = [replace(reading(page_id, item), read_spec=spec) for page_id, item in read]
    assert revisions.keep_all(engine, readings, NOW) == {}


def cut_footer(page_id: int) -> revisions.Reading:
    """The leaky page as newer rules read it."""
    one = reading(page_id, CLEANED)
    cut = Cut(position=8, text=FOOTER, kind=CutKind.RELATED, rule="en.related.see-also", zone=Zone.TAIL)
    clean = CleanArticle(article=one.clean.article, blocks=one.clean.blocks, cuts=(cut,))
    return replace(one, clean=clean, read_spec=b"newer")


def test_the_new_reading_replaces_the_old_one_which_stays_on_record(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    before = ask(engine, OUTCOMES)
    assert reopen(engine, 1) == 1
    assert revisions.keep_all(engine, [cut_footer(1)], NOW) == {}
    settle_all(engine)
    assert ask(engine, REVISIONS) == [(1, "first", LEAKY.text), (1, "reread", CLEANED.text)]
    assert ask(engine, ARTICLES) == [(1, LEAKY.url, 2)]
    assert ask(engine, "SELECT revision_id, text, is_current FROM news.cut") == [(2, FOOTER, True)]
    assert ask(engine, OUTCOMES) == before
    assert ask(engine, "SELECT read_spec FROM storyfold.page") == [(b"newer",)]
    assert ask(engine, "SELECT FROM storyfold.unsettled") == []


def test_a_reading_that_finds_the_same_leaves_nothing_but_what_read_it(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    before = ask(engine, OUTCOMES), ask(engine, REVISIONS), ask(engine, ARTICLES)
    read_again(engine, (1, LEAKY))
    assert (ask(engine, OUTCOMES), ask(engine, REVISIONS), ask(engine, ARTICLES)) == before
    assert ask(engine, "SELECT read_spec FROM storyfold.page") == [(b"newer",)]


@pytest.mark.parametrize("change", [{"authors": ("Mara Quill",)}, {"summary": "Six hours adrift."}, {"url": "https://a.example/one"}])  # fmt: skip
def test_a_change_beside_the_text_counts_as_one(engine: Engine, change: dict[str, object]) -> None:
    store_stream(engine, [LEAKY])
    reopen(engine, 1)
    one = reading(1, LEAKY)
    clean = replace(one.clean, article=replace(one.clean.article, **change))
    assert revisions.keep_all(engine, [replace(one, clean=clean)], NOW) == {}
    settle_all(engine)
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first", "reread"]
    assert ask(engine, ARTICLES) == [(1, LEAKY.url, 2)]  # the page that it is of says who it is, not its URL


def test_rules_may_go_back_to_what_they_were(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    read_again(engine, (1, CLEANED))
    read_again(engine, (1, LEAKY), spec=b"test")
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first", "reread", "reread"]
    assert ask(engine, ARTICLES) == [(1, LEAKY.url, 3)]


def test_a_former_page_read_again_stays_history(engine: Engine) -> None:
    grown = replace(LEAKY, text=paragraphs(LINES + sentences(random.Random(2), 9)))
    store_stream(engine, [LEAKY])
    store_stream(engine, [grown])
    before = ask(engine, OUTCOMES)
    assert before[0][0] == "revised"
    read_again(engine, (1, CLEANED))
    read_again(engine, (1, CLEANED), spec=b"newest")
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first", "update", "stale"]
    assert ask(engine, ARTICLES) == [(1, LEAKY.url, 2)]
    assert ask(engine, OUTCOMES) == before


def test_a_page_that_said_nothing_new_says_nothing_new_again(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    store_stream(engine, [LEAKY])
    before = ask(engine, OUTCOMES)
    assert before[0][0] == "unchanged"
    read_again(engine, (1, LEAKY), (2, LEAKY))
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first"]
    assert ask(engine, OUTCOMES) == before


def test_an_entry_that_waits_to_be_fetched_goes_on_waiting(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.entry SET outcome = 'pending', outcome_at = NULL, fetch_due_at = now()"))  # fmt: skip
    before = ask(engine, OUTCOMES)
    read_again(engine, (1, CLEANED))
    assert ask(engine, OUTCOMES) == before
    assert ask(engine, ARTICLES) == [(1, LEAKY.url, 2)]


def test_a_rejected_page_that_newer_rules_can_read_is_loaded(engine: Engine) -> None:
    [page_id] = put_pages(engine, [LEAKY])
    with engine.begin() as connection:
        entries.reject(connection, 1, Rejection(url=LEAKY.url, reason=Reason.TOO_SHORT), NOW)
        pages.mark_read(connection, {page_id: pages.ReadBy(b"test")}, NOW)
    read_again(engine, (page_id, LEAKY))
    assert ask(engine, "SELECT outcome, reason, article_id FROM storyfold.entry") == [("loaded", None, 1)]
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first"]
    assert ask(engine, "SELECT bool_and(adds_up) FROM news.outcome_ledger") == [(True,)]


def test_what_was_not_rejected_keeps_its_outcome_when_it_is_rejected_now(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    before = ask(engine, OUTCOMES)
    with engine.begin() as connection:
        rejection = Rejection(url=LEAKY.url, reason=Reason.TOO_SHORT)
        assert entries.reject_all(connection, {1: rejection}, NOW, again=True) == {}
    assert ask(engine, OUTCOMES) == before


def test_only_settled_pages_can_be_reopened(engine: Engine) -> None:
    ids = put_pages(engine, [LEAKY, replace(LEAKY, url="https://b.example/1")])
    keep_readings(engine, [(ids[0], LEAKY)])
    assert reopen(engine, *ids) == 0


def test_a_reading_that_comes_too_late_is_dropped(engine: Engine) -> None:
    """As of a worker that was thought dead: another has read the page meanwhile, and it is settled."""
    store_stream(engine, [LEAKY])
    keep_newer(engine, [(1, CLEANED)])
    settle_all(engine)
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first"]


def test_later_pages_wait_until_a_reopened_one_is_read(engine: Engine) -> None:
    store_stream(engine, [LEAKY])
    later = replace(LEAKY, url="https://b.example/1")
    assert reopen(engine, 1) == 1
    put_pages(engine, [later])
    keep_readings(engine, [(2, later)])
    settle_all(engine)
    assert len(ask(engine, ARTICLES)) == 1
    keep_newer(engine, [(1, CLEANED)])
    settle_all(engine)
    assert ask(engine, ARTICLES) == [(1, LEAKY.url, 3), (2, later.url, 2)]
    assert partition(engine) == {(LEAKY.url, later.url)}


@pytest.mark.parametrize(("clutter", "found"), [(6, [1]), (72, [1, 2])], ids=["one story", "two stories"])
def test_matches_index_and_stories_follow_the_new_text(engine: Engine, clutter: int, found: list[int]) -> None:
    """One text on two sites, each of which puts lines of its own before it until newer rules cut them."""
    own = sentences(random.Random(7), 24)
    told = [
        Planted(story=1, url=f"https://{name}.example/1", text=paragraphs(left + own), published_at=NOW)
        for name, left in (("a", sentences(random.Random(5), clutter)), ("b", sentences(random.Random(6), clutter)))
    ]
    store_stream(engine, told)
    assert [story for story, _, _ in stories(engine)] == found
    read_again(engine, *((n, replace(item, text=paragraphs(own))) for n, item in enumerate(told, start=1)))
    assert stories(engine) == [(1, told[0].url, (told[0].url, told[1].url))]
    assert ask(engine, "SELECT jaccard FROM storyfold.match") == [(1.0,)]
    bands = "SELECT count(*) FROM storyfold.band AS one JOIN storyfold.band AS other ON one.entry >> 22 = other.entry >> 22 WHERE one.entry < other.entry"  # fmt: skip
    assert ask(engine, bands) == [(30,)]


@pytest.fixture(scope="module")
def stream() -> list[Planted]:
    return planted_stream(seed=41, stories=15)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_outcome_does_not_depend_on_batches_or_crashes(
    new_database: Callable[[], str], stream: list[Planted], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third page is read again; the settling of one batch dies before it is written."""
    changed = [(n, replace(item, text=item.text.rpartition("\n\n")[0])) for n, item in enumerate(stream, start=1)][::3]
    results = []
    for size, dies in ((100, False), (batch, True)):
        engine = connect(new_database())
        store_stream(engine, stream)
        reopen(engine, *(page_id for page_id, _ in changed))
        keep_newer(engine, changed)
        if dies:
            with monkeypatch.context() as patched:
                patched.setattr("load.settle._close", _crash)
                with pytest.raises(KeyboardInterrupt):
                    settle(engine, MatchPolicy(), NOW, size)
        settle_all(engine, size)
        results.append((partition(engine), ask(engine, REVISIONS), ask(engine, "SELECT outcome FROM storyfold.entry")))
        engine.dispose()
    assert results[0] == results[1]


def test_a_newer_page_is_taken_though_a_former_one_waits_to_be_read_again(engine: Engine) -> None:
    """Both of one article, in one batch."""
    store_stream(engine, [LEAKY])
    grown = replace(LEAKY, text=paragraphs(LINES + sentences(random.Random(2), 9)))
    with engine.begin() as connection:
        item = fetched(grown, 1, 1)
        later = replace(item.page, fetched_at=NOW + timedelta(hours=1))
        pages.keep(connection, [replace(item, page=later)], [WarcPlace(file="none", offset=0, length=1)])
    reopen(engine, 1)
    keep_newer(engine, [(1, CLEANED), (2, grown)])
    settle_all(engine)
    assert [kind for _, kind, _ in ask(engine, REVISIONS)] == ["first", "reread", "update"]
    assert ask(engine, "SELECT outcome FROM storyfold.entry") == [("revised",)]


def _crash(*_: object) -> None:
    raise KeyboardInterrupt
