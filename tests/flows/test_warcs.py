"""WARC files come on record slice by slice: stopped anywhere, gone on with, nothing twice, and the fresh beside them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories import HARBOUR_FIRE
from range_server import file_server
from sqlalchemy import Engine, text
from warc_files import HTML, foreign, http

from extract.model import FeedEntry, Page
from extract.urls import registrable_domain
from extract.warc_choice import OTHER_HOST, OTHER_TIME, Choice
from flows import warcs
from flows.collect import archive_pages
from flows.ingest import read_pages, settle_ready
from flows.isolation import workers
from flows.settings import Settings
from flows.store import Store
from flows.warcs import WarcJob, by_domain, index_slices
from load import entries, runs, sources
from load.engine import worker
from load.pages import FetchedPage

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROOT = Path(warcs.__file__).parents[1]


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    return Store(engine=engine, settings=Settings(home=tmp_path / "home", batch=3, processes=1))


def crawl(numbers: range, host: str = "daily.example", **fields: str) -> bytes:
    told = [("response", f"https://{host}/{n}", http(HTML + b"%d" % n, "Content-Type: text/html")) for n in numbers]
    return foreign(told, gzipped=True, **fields)


def slices(store: Store, file: str | Path, most: int | None = None, **choice: object) -> Iterator[Counter[str]]:
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "backfill", NOW)
    job = WarcJob(file=str(file), choice=Choice(**choice), describe=by_domain(None, {}))  # type: ignore[arg-type]
    return index_slices(store, run_id, job, most)


def index(store: Store, file: str | Path, **choice: object) -> dict[str, int]:
    return dict(sum(slices(store, file, **choice), Counter()))  # type: ignore[arg-type]


def ask(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def numbers(store: Store) -> list[int]:
    """Of the pages, in the order in which they came."""
    return [int(url.rpartition("/")[2]) for (url,) in ask(store, "SELECT url FROM storyfold.page ORDER BY id")]  # type: ignore[attr-defined]


# --- Stopped and gone on with ---


def test_stopped_after_any_slice_it_goes_on_there_and_nothing_comes_twice(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(crawl(range(10)))
    for stop_after in (1, 2):
        with closing(slices(store, file)) as going:
            told = [next(going) for _ in range(stop_after)]
    assert told[0] == {"announced": 3, "known": 3}
    assert numbers(store) == [0, 1, 2, 3, 4, 5]
    assert index(store, file) == {"announced": 10, "known": 6, "new": 4}
    assert numbers(store) == list(range(10))
    assert ask(store, "SELECT pages, damaged, ended_at IS NOT NULL, trouble FROM storyfold.warc_file") == [
        (10, 0, True, None)
    ]


def test_killed_within_a_slice_it_goes_on_at_the_last_checkpoint(store: Store, tmp_path: Path) -> None:
    """By kill -9, between the pages and the checkpoint of one transaction."""
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(crawl(range(8)))
    program = """
import os, sys
from pathlib import Path
from extract.warc_choice import Choice
from flows.settings import Settings
from flows.store import Store
from flows.warcs import WarcJob, by_domain, index_slices
from load import engine, warc_files
store = Store(engine=engine.connect(sys.argv[1]), settings=Settings(home=Path(sys.argv[3]), batch=3))
kept, whole = [], warc_files.keep
def keep(*arguments, **how):
    if len(kept) == 2:
        os.kill(os.getpid(), 9)
    kept.append(whole(*arguments, **how))
warc_files.keep = keep
for _ in index_slices(store, None, WarcJob(file=sys.argv[2], choice=Choice(), describe=by_domain(None, {}))):
    pass
"""
    url = store.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", program, url, str(file), str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9
    assert numbers(store) == [0, 1, 2, 3, 4, 5]
    assert index(store, file)["new"] == 2
    assert numbers(store) == list(range(8))


def test_a_second_time_reads_nothing(store: Store) -> None:
    with file_server({"/crawl.warc.gz": crawl(range(5))}) as server:
        file = f"{server.base}/crawl.warc.gz"
        index(store, file)
        before = server.sent_bytes
        assert index(store, file) == {"announced": 5, "known": 5}
        assert server.sent_bytes - before <= 256  # to see that it is the same
    assert ask(store, "SELECT DISTINCT warc_file FROM storyfold.page") == [(file,)]


def test_a_server_that_fails_in_the_middle_costs_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.warc_files.FIRST_PAUSE_S", 0.0)
    with file_server({"/crawl.warc.gz": crawl(range(5))}) as server:
        file = f"{server.base}/crawl.warc.gz"
        going = slices(store, file)
        server.breaks = 4
        assert sum(going, Counter())["new"] == 5
        server.files["/crawl.warc.gz"] += crawl(range(5, 9))
        server.breaks = 1000
        assert index(store, file)["left out: unreadable file"] == 1
        server.breaks = 0
        assert index(store, file)["new"] == 4


def test_of_two_at_once_one_is_told_to_leave_it(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(crawl(range(8)))
    with closing(slices(store, file)) as going:
        next(going)
        assert index(store, file) == {"left out: a file that another load works on": 1}
        sum(going, Counter())
    assert numbers(store) == list(range(8))


# --- Which pages ---


def test_another_choice_adds_only_what_is_new(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    old = crawl(range(6, 8), WARC_Date="2019-01-01T00:00:00Z")
    new = crawl(range(8, 10), WARC_Date="2026-01-01T00:00:00Z")
    file.write_bytes(crawl(range(3), "weekly.example") + crawl(range(3, 6), "www.daily.example") + old + new)
    assert index(store, file, hosts=("daily.example",), since=datetime(2026, 1, 1, tzinfo=UTC)) == {
        "announced": 2,
        "new": 2,
        f"left out: {OTHER_HOST}": 3,
        f"left out: {OTHER_TIME}": 5,
    }
    assert index(store, file, hosts=("daily.example",)) == {
        "announced": 7,
        "known": 2,
        "new": 5,
        f"left out: {OTHER_HOST}": 3,
    }
    assert index(store, file) == {"announced": 10, "known": 7, "new": 3}
    assert sorted(numbers(store)) == list(range(10))
    assert ask(store, "SELECT filter FROM storyfold.warc_file ORDER BY 1") == [
        ("",),
        ("hosts daily.example",),
        ("hosts daily.example, since 2026-01-01T00:00:00+00:00",),
    ]


def test_a_limit_rests_and_the_next_run_goes_on(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(crawl(range(9)))
    assert sum(slices(store, file, 4), Counter())["new"] == 4
    assert ask(store, "SELECT pages, ended_at FROM storyfold.warc_file") == [(4, None)]
    assert index(store, file)["new"] == 5


# --- Files that are not as they should be ---


def test_damage_is_on_record_and_costs_only_itself(store: Store, tmp_path: Path) -> None:
    one, wrong = crawl(range(1)), crawl(range(1, 2))
    short = foreign([("response", "https://daily.example/2", http(HTML))], gzipped=True, Content_Length="9999")
    file = tmp_path / "crawl.warc.gz"
    content = one + wrong[: len(wrong) // 2] + crawl(range(3, 5)) + short + crawl(range(3, 6))
    file.write_bytes(content + foreign([("revisit", "https://daily.example/7", b"")], gzipped=True))
    assert index(store, file) == {"announced": 6, "new": 4, "known": 2, "left out: damaged": 2, "left out: revisit": 1}
    assert numbers(store) == [0, 3, 4, 5]
    assert ask(store, "SELECT damaged, left_out FROM storyfold.warc_file") == [(2, {"revisit": 1})]
    assert index(store, file) == {"announced": 6, "known": 6}


@pytest.mark.parametrize(
    ("content", "trouble"), [(b"", "it is empty"), (b"<html>no WARC</html>", "it holds no WARC record")]
)
def test_what_is_no_warc_file_is_told(store: Store, tmp_path: Path, content: bytes, trouble: str) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(content)
    assert index(store, file)["left out: unreadable file"] == 1
    assert ask(store, "SELECT trouble, pages FROM storyfold.warc_file") == [(trouble, 0)]


def test_a_file_that_has_changed_or_gone_is_told_and_its_pages_stay(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(crawl(range(4)))
    with closing(slices(store, file)) as going:
        next(going)
    for content, why in (
        (crawl(range(10, 20)), "something else"),
        (crawl(range(1)), "shorter now"),
        (None, "no such file"),
    ):
        file.write_bytes(content) if content else file.unlink()
        assert index(store, file)["left out: unreadable file"] == 1
        [(trouble,)] = ask(store, "SELECT trouble FROM storyfold.warc_file")
        assert why in str(trouble)
    assert numbers(store) == [0, 1, 2]


def test_a_file_that_grows_is_read_on(store: Store, tmp_path: Path) -> None:
    file, whole = tmp_path / "crawl.warc.gz", crawl(range(8))
    for part in (len(whole) // 3, len(whole) // 2, len(whole)):
        file.write_bytes(whole[:part])
        index(store, file)
    assert numbers(store) == list(range(8))


# --- The fresh beside it ---


def test_a_fresh_page_is_settled_before_a_long_backfill_ends(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is fetched while the third slice enters, and settled soon after; the pages of the file wait in slices."""
    monkeypatch.setattr(warcs, "BATCHES_WAITING", 2)
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(crawl(range(30)))
    job = WarcJob(file=str(file), choice=Choice(), describe=by_domain(None, {}))
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "backfill", NOW)
    seen: list[tuple[int, int]] = []

    def watched() -> Iterator[Counter[str]]:
        for told in warcs.all_slices(store, run_id, [job]):
            if len(seen) == 2:
                fetch_fresh(store)
            seen.append(tuple(ask(store, STATE)[0]))  # type: ignore[arg-type]
            yield told

    inflow = warcs.Inflow(store, watched(), Counter())
    with worker(store.engine) as me, workers(1, 60) as readers:
        warcs.read_as_they_come(store, me, readers, inflow, read=read_pages, settle=settle_ready)
    assert max(waiting for waiting, _ in seen) <= 10
    assert [fresh for _, fresh in seen[:2]] == [0, 0]
    assert next(place for place, (_, fresh) in enumerate(seen) if fresh) <= 6


STATE = """SELECT (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL),
                  (SELECT count(*) FROM storyfold.entry WHERE url LIKE '%/fresh' AND outcome = 'loaded')"""


def fetch_fresh(store: Store) -> None:
    """As collect would."""
    url = "https://fresh.example/fresh"
    body = (
        "<html><body><article><h1>Fire</h1>"
        + "".join(f"<p>{part}</p>" for part in HARBOUR_FIRE)
        + "</article></body></html>"
    )
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "discover", NOW)
        source_id = sources.ensure(connection, "fresh", registrable_domain(url))
        entries.record(connection, source_id, [FeedEntry(url=url)], run_id, NOW)
        [entry_id] = entries.ids(connection, [url]).values()
    at = datetime.now(UTC) - timedelta(seconds=1)
    page = Page(url=url, final_url=url, status=200, headers=(), body=body.encode(), fetched_at=at)
    archive_pages(store, [FetchedPage(entry_id=entry_id, source_id=source_id, page=page)], at)
