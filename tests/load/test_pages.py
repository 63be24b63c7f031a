"""Pages in the queue of the readers, and readings that Postgres refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from planted import planted_stream
from sqlalchemy import Engine, select, text
from stored import NOW, fetched, put_pages, reading, settle_all, stories

from extract.warc import WarcPlace
from load import pages, revisions
from load.engine import worker
from load.tables import page, revision

STREAM = planted_stream(seed=31, stories=6)


def test_pages_are_claimed_oldest_first_and_once(engine: Engine) -> None:
    ids = put_pages(engine, STREAM[:5])
    with worker(engine) as one, worker(engine) as other:
        assert claim(engine, one, 3) == ids[:3]
        assert claim(engine, other, 3) == ids[3:]
        assert claim(engine, one, 3) == []


def test_pages_of_a_dead_worker_are_read_again_and_only_what_failed_is_an_attempt(engine: Engine) -> None:
    ids = put_pages(engine, STREAM[:2])
    for _ in range(3):
        with worker(engine) as doomed:
            assert claim(engine, doomed, 9) == ids
    with engine.begin() as connection:
        pages.release(connection, ids[0])
        assert list(connection.scalars(select(page.c.attempts).order_by(page.c.id))) == [1, 0]


def test_the_same_bytes_again_are_no_new_page(engine: Engine) -> None:
    assert len(put_pages(engine, STREAM[:1])) == 1
    with engine.connect() as connection:
        known = connection.execute(select(page)).one()
        assert pages.changed(connection, [fetched(STREAM[0], known.entry_id, known.source_id)]) == []


def test_what_reserves_a_page_is_shown_with_its_article(engine: Engine) -> None:
    [page_id] = put_pages(engine, STREAM[:1])
    with engine.begin() as connection:
        known = connection.execute(select(page)).one()
        changed = fetched(STREAM[0], known.entry_id, known.source_id)
        reserved = replace(changed, page=replace(changed.page, body=b"changed", opt_outs=("robots:GPTBot", "tdmrep")))
        pages.keep(connection, [reserved], [WarcPlace(file="none", offset=0, length=1)])
        [fresh_id] = set(connection.scalars(select(page.c.id))) - {page_id}
        pages.mark_read(connection, {page_id: pages.ReadBy(b"tests")}, NOW)
    assert revisions.keep_all(engine, [reading(fresh_id, STREAM[0])], NOW) == {}
    settle_all(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT opt_outs FROM news.article")) == ["robots:GPTBot", "tdmrep"]


def test_a_value_that_postgres_refuses_costs_its_own_page_only(engine: Engine) -> None:
    ids = put_pages(engine, STREAM[:4])
    readings = [reading(page_id, item) for page_id, item in zip(ids, STREAM[:4], strict=True)]
    bad = readings[1]
    object.__setattr__(bad.clean.article, "title", " ".join(f"w{n}" for n in range(200_000)))  # too long a tsvector
    assert set(revisions.keep_all(engine, readings, NOW)) == {ids[1]}
    with engine.connect() as connection:
        kept = set(connection.scalars(select(revision.c.page_id)))
    assert kept == {ids[0], ids[2], ids[3]}


def test_reading_a_page_twice_keeps_one_revision(engine: Engine) -> None:
    ids = put_pages(engine, STREAM[:1])
    for _ in range(2):
        assert revisions.keep_all(engine, [reading(ids[0], STREAM[0])], NOW) == {}
    settle_all(engine)
    assert len(stories(engine)) == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM storyfold.revision")) == 1


def claim(engine: Engine, me: int, limit: int) -> list[int]:
    with engine.begin() as connection:
        return [one.id for one in pages.claim_unread(connection, me, datetime.now(UTC), limit)]
