"""Stories on a real Postgres: the same whatever the batches, the workers, the crashes and the repeats."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from planted import Planted, paragraphs, planted_stream, sentences
from sqlalchemy import Engine, select, text
from stored import NOW, keep_readings, partition, put_pages, settle_all, store_stream, stories

from load.engine import connect
from load.settle import settle
from load.tables import article, article_revision, entry, revision
from transform.verify import MatchPolicy

STREAM = planted_stream(seed=21, stories=40)


@pytest.fixture(scope="module")
def undisturbed(new_database: Callable[[], str]) -> list[tuple[int, str, tuple[str, ...]]]:
    engine = connect(new_database())
    store_stream(engine, STREAM)
    found = stories(engine)
    engine.dispose()
    return found


def test_planted_copies_find_each_other(engine: Engine) -> None:
    store_stream(engine, STREAM)
    told = {item.url: item.story for item in STREAM}
    found = partition(engine)
    assert all(len({told[url] for url in members}) == 1 for members in found)  # nothing is joined that is not the same
    assert len(found) <= 1.1 * len({item.story for item in STREAM})


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_stories_do_not_depend_on_the_size_of_batches(engine: Engine, undisturbed: object, batch: int) -> None:
    store_stream(engine, STREAM, batch)
    assert stories(engine) == undisturbed


@pytest.mark.parametrize("seed", [1, 2])
def test_stories_do_not_depend_on_who_reads_first(engine: Engine, undisturbed: object, seed: int) -> None:
    """Four workers read in any order and settle whenever they like: pages are settled in their own order."""
    read = list(zip(put_pages(engine, STREAM), STREAM, strict=True))
    random.Random(seed).shuffle(read)
    threads = [threading.Thread(target=_work, args=(engine, read[worker::4])) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle_all(engine)
    assert stories(engine) == undisturbed


def test_a_page_waits_until_all_before_it_are_read(engine: Engine) -> None:
    read = list(zip(put_pages(engine, STREAM[:3]), STREAM[:3], strict=True))
    keep_readings(engine, read[1:])
    settle_all(engine)
    assert stories(engine) == []
    keep_readings(engine, read[:1])
    settle_all(engine)
    assert sum(len(members) for _, _, members in stories(engine)) == 3


def test_a_crash_before_the_commit_leaves_nothing_half_written(
    engine: Engine, undisturbed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_readings(engine, zip(put_pages(engine, STREAM), STREAM, strict=True))
    with monkeypatch.context() as patched:
        patched.setattr("load.settle._close", _crash)
        with pytest.raises(KeyboardInterrupt):
            settle(engine, MatchPolicy(), NOW, 25)
    assert stories(engine) == []
    settle_all(engine, 25)
    assert _shapes(stories(engine)) == _shapes(undisturbed)


def test_settling_again_changes_nothing(engine: Engine) -> None:
    store_stream(engine, STREAM)
    with engine.connect() as connection:
        before = _checksum(connection)
    settle_all(engine)
    with engine.connect() as connection:
        assert _checksum(connection) == before


def test_settling_leaves_alone_what_the_pages_said(engine: Engine) -> None:
    """Wide rows are written once: what settling says stands in narrow ones."""
    keep_readings(engine, zip(put_pages(engine, STREAM), STREAM, strict=True))
    versions = "SELECT ctid, xmin FROM storyfold.revision UNION ALL SELECT ctid, xmin FROM storyfold.page"
    with engine.connect() as connection:
        before = connection.execute(text(versions)).all()
    settle_all(engine)
    with engine.connect() as connection:
        assert connection.execute(text(versions)).all() == before
        assert connection.scalar(text("SELECT count(*) FROM storyfold.unsettled")) == 0


@pytest.mark.parametrize("seed", [3, 4])
def test_another_order_of_arrival_ends_with_the_same_stories(engine: Engine, undisturbed: object, seed: int) -> None:
    shuffled = list(STREAM)
    random.Random(seed).shuffle(shuffled)
    store_stream(engine, shuffled, 9)
    assert _shapes(stories(engine)) == _shapes(undisturbed)


def test_a_changed_text_keeps_its_article_and_its_story(engine: Engine) -> None:
    lines = sentences(random.Random(1), 24)
    first = Planted(story=1, url="https://a.example/1", text=paragraphs(lines), published_at=NOW)
    copy = replace(first, url="https://b.example/1")
    store_stream(engine, [first, copy])
    grown = replace(first, text=paragraphs(lines + sentences(random.Random(2), 6)))
    _store_again(engine, grown)
    assert _kinds(engine, first.url) == ["first", "update"]
    assert partition(engine) == {("https://a.example/1", "https://b.example/1")}
    assert _text_of(engine, first.url) == grown.text
    assert _outcomes(engine)[first.url] == "revised"


def test_stale_copy_does_not_replace_newer_text(engine: Engine) -> None:
    whole = Planted(
        story=1, url="https://a.example/1", text=paragraphs(sentences(random.Random(1), 24)), published_at=NOW
    )
    store_stream(engine, [whole])
    _store_again(engine, replace(whole, text=whole.text.split("\n\n")[0]))
    assert _kinds(engine, whole.url) == ["first", "stale"]
    assert _text_of(engine, whole.url) == whole.text
    assert _outcomes(engine)[whole.url] == "unchanged"


def test_the_same_text_again_leaves_no_revision(engine: Engine) -> None:
    whole = STREAM[0]
    store_stream(engine, [whole])
    _store_again(engine, whole)
    assert _kinds(engine, whole.url) == ["first"]
    assert _outcomes(engine)[whole.url] == "unchanged"


def test_a_text_that_became_another_keeps_its_story_and_is_marked(engine: Engine) -> None:
    first = Planted(
        story=1, url="https://a.example/1", text=paragraphs(sentences(random.Random(1), 24)), published_at=NOW
    )
    store_stream(engine, [first, replace(first, url="https://b.example/1")])
    _store_again(engine, replace(first, text=paragraphs(sentences(random.Random(9), 24))))
    assert partition(engine) == {("https://a.example/1", "https://b.example/1")}
    with engine.connect() as connection:
        assert connection.scalar(select(article.c.drifted).where(article.c.url == first.url)) is True


def test_changes_among_newcomers_do_not_depend_on_batches_either(new_database: Callable[[], str]) -> None:
    """A stream in which articles change while their copies come in."""
    stream = STREAM[:30]
    changed = [replace(item, text=item.text + "\n\n" + paragraphs(sentences(random.Random(n), 6)))
               for n, item in enumerate(stream[:30:3])]  # fmt: skip
    results = []
    for batch in (1, 4, 100):
        engine = connect(new_database())
        keep_readings(engine, zip(put_pages(engine, stream), stream, strict=True))
        keep_readings(engine, zip(put_pages(engine, changed), changed, strict=True))
        settle_all(engine, batch)
        results.append(stories(engine))
        engine.dispose()
    assert results[0] == results[1] == results[2]


def _work(engine: Engine, read: list[tuple[int, Planted]]) -> None:
    for start in range(0, len(read), 5):
        keep_readings(engine, read[start : start + 5])
        settle_all(engine, 3)


def _store_again(engine: Engine, item: Planted) -> None:
    later = [item]
    ids = put_pages(engine, later)
    keep_readings(engine, zip(ids, later, strict=True))
    settle_all(engine)


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def _shapes(found: object) -> list[tuple[str, tuple[str, ...]]]:
    """Stories without their ids: sequence numbers may be skipped by a crash."""
    assert isinstance(found, list)
    return sorted((canonical, members) for _, canonical, members in found)


def _checksum(connection: object) -> list[object]:
    names = (
        "story",
        "story_member",
        "story_change",
        "match",
        "band",
        "article",
        "revision",
        "entry",
        "shingle_run",
        "stop_list",
        "article_revision",
        "unsettled",
    )
    return [connection.scalar(text(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM storyfold.{name} AS t"))  # type: ignore[attr-defined]
            for name in names]  # fmt: skip


def _kinds(engine: Engine, url: str) -> list[str]:
    kinds = select(article_revision.c.kind).join(revision, revision.c.id == article_revision.c.revision_id)
    with engine.connect() as connection:
        return list(connection.scalars(kinds.where(revision.c.url == url).order_by(revision.c.id)))


def _text_of(engine: Engine, url: str) -> str | None:
    current = select(revision.c.text).join(article, article.c.revision_id == revision.c.id).where(article.c.url == url)
    with engine.connect() as connection:
        return connection.scalar(current)


def _outcomes(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {url: outcome for url, outcome in connection.execute(select(entry.c.url, entry.c.outcome))}
