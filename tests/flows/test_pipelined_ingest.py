"""While one batch is stored and settled the next is read: what comes of it is what would come of one batch after the
other, also when the program is killed with two batches in its hands.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from factories import NOON
from news_pages import write_files
from sqlalchemy import Engine, text

from extract.model import Profile
from extract.warc_choice import Choice
from flows.ingest import begin_reading, read_pages, read_waiting, settle_ready
from flows.isolation import Workers, workers
from flows.settings import Settings
from flows.store import Store
from flows.warcs import WarcJob, by_domain, index_slices
from load import pages, runs
from load.engine import connect, worker

PAGES, BATCH = 46, 10
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
LINE = "import backfill_line; backfill_line.main()"
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def readers() -> Iterator[Workers]:
    with workers(2, 120.0) as pool:
        yield pool


@pytest.fixture(scope="module")
def warc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    [file] = write_files(tmp_path_factory.mktemp("warc"), 7, PAGES)
    return file


@pytest.fixture(scope="module")
def new_engine(new_database: Callable[[], str]) -> Iterator[Callable[[], Engine]]:
    engines: list[Engine] = []

    def make() -> Engine:
        engines.append(connect(new_database()))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="module")
def serial(new_engine: Callable[[], Engine], readers: Workers, warc: Path) -> Rows:
    """What is stored where every batch is claimed only when the one before it is settled."""
    store = store_of(new_engine(), warc)
    with worker(store.engine) as me:
        while batch := claimed(store, me, BATCH):
            read_pages(store, readers, begin_reading(store, readers, batch))
            settle_ready(store)
    return rows(store.engine)


def store_of(engine: Engine, warc: Path) -> Store:
    """A store in which the file's pages wait to be read."""
    store = Store(engine=engine, settings=Settings(home=warc.parent, batch=BATCH, profile=Profile.QUICK))
    with engine.begin() as connection:
        run_id = runs.begin(connection, "load", NOON)
    job = WarcJob(file=str(warc), choice=Choice(), describe=by_domain(None, {}))
    assert sum(told["new"] for told in index_slices(store, run_id, job)) > 0
    return store


def claimed(store: Store, me: int, limit: int) -> list[pages.UnreadPage]:
    with store.engine.begin() as connection:
        return pages.claim_unread(connection, me, NOON, limit)


def rows(engine: Engine) -> Rows:
    """Every article with its story, that story's canonical article, its texts and their entry's outcome."""
    query = """
        SELECT a.url, s.id, s.canonical_id, r.kind, v.title, v.text_digest, e.outcome
        FROM storyfold.article a
        JOIN storyfold.story_member m ON m.article_id = a.id JOIN storyfold.story s ON s.id = m.story_id
        JOIN storyfold.article_revision r ON r.article_id = a.id JOIN storyfold.revision v ON v.id = r.revision_id
        JOIN storyfold.page p ON p.id = v.page_id JOIN storyfold.entry e ON e.id = p.entry_id
        ORDER BY p.id
    """
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def count(engine: Engine, what: str) -> int:
    with engine.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM storyfold.{what}")) or 0


@pytest.mark.parametrize("size", [7, BATCH, 2 * PAGES], ids=["uneven", "even", "all at once"])
def test_batches_read_ahead_give_what_batches_in_turn_give(
    new_engine: Callable[[], Engine], readers: Workers, warc: Path, serial: Rows, size: int
) -> None:
    waiting = store_of(new_engine(), warc)
    store = Store(engine=waiting.engine, settings=waiting.settings.model_copy(update={"batch": size}))
    with worker(store.engine) as me:
        counts = read_waiting(store, me, readers, read=read_pages, settle=settle_ready)
    assert counts["read"] == PAGES
    assert rows(store.engine) == serial


def test_at_most_two_batches_are_held(new_engine: Callable[[], Engine], readers: Workers, warc: Path) -> None:
    store = store_of(new_engine(), warc)
    held: list[int] = []

    def settle(store: Store) -> dict[str, int]:
        held.append(count(store.engine, "page WHERE claimed_by IS NOT NULL"))
        return settle_ready(store)

    with worker(store.engine) as me:
        read_waiting(store, me, readers, read=read_pages, settle=settle)
    assert held == [BATCH, BATCH, BATCH, PAGES % BATCH, 0, 0]  # while one is settled the next is read


def test_a_page_that_breaks_is_tried_again_after_the_last_batch(
    new_engine: Callable[[], Engine], readers: Workers, warc: Path
) -> None:
    """Its bytes are not where they should be: three times, then its entry says so, and nothing else is held up."""
    store = store_of(new_engine(), warc)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.page SET warc_offset = warc_offset + 1 WHERE id = 44"))
    with worker(store.engine) as me:
        counts = read_waiting(store, me, readers, read=read_pages, settle=settle_ready)
    assert counts["to be tried again"] == 2
    assert counts["quarantined: read"] == 1
    assert counts["read"] == PAGES - 1
    assert count(store.engine, "unsettled") == 0


def test_killed_with_two_batches_in_hand_it_leaves_nothing_undone(
    new_engine: Callable[[], Engine], readers: Workers, warc: Path, serial: Rows
) -> None:
    store = store_of(new_engine(), warc)
    url = store.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", LINE, url, str(warc.parent), "2", str(BATCH)]
    line = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BENCHMARKS)
    assert line.stdin
    line.stdin.write(f"{warc}\n")
    line.stdin.flush()
    while not count(store.engine, "page WHERE read_at IS NOT NULL") and line.poll() is None:
        time.sleep(0.02)
    line.kill()
    line.communicate()
    assert 0 < count(store.engine, "page WHERE read_at IS NOT NULL") < PAGES
    with worker(store.engine) as me:
        read_waiting(store, me, readers, read=read_pages, settle=settle_ready)
    assert count(store.engine, "page WHERE read_at IS NULL") == count(store.engine, "unsettled") == 0
    assert [row[3:] for row in rows(store.engine)] == [row[3:] for row in serial]  # ids of what was undone are not used
    assert named(rows(store.engine)) == named(serial)


def named(found: Rows) -> set[frozenset[object]]:
    """The stories, as sets of their articles' addresses."""
    by_story: dict[object, set[object]] = {}
    for url, story_id, *_ in found:
        by_story.setdefault(story_id, set()).add(url)
    return {frozenset(urls) for urls in by_story.values()}
