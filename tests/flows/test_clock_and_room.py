"""What a clock that is set back, and a disk that is full, do to the lines: nothing that outlives them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from newsdesk import Newsdesk, publisher, rss
from sqlalchemy import Engine, text

from extract.model import FeedEntry, Page
from extract.warc import archive_files, iter_captures, read_page
from flows.collect import archive_pages
from flows.commands.shared import Complaint, while_there_is_room
from flows.discover import Asked, Polling, poll_feeds
from flows.settings import Settings
from flows.store import Store, read_catalogue, warc_name
from load import entries, pages, runs, sources
from load.engine import worker
from load.pages import FetchedPage

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_page(number: int = 0, fetched_at: datetime = NOW, size: int = 100) -> Page:
    url = f"https://daily.example/{number}"
    body = f"<p>{number} at {fetched_at}</p>".encode() + os.urandom(size)
    return Page(url=url, final_url=url, status=200, headers=(), body=body, fetched_at=fetched_at)


def fetched(engine: Engine, *told: Page) -> list[FetchedPage]:
    """These pages with their entries, announced as far as they are not."""
    with engine.begin() as connection:
        run_id = runs.begin(connection, "collect", NOW)
        source_id = sources.ensure(connection, "daily", "Daily")
        entries.record(connection, source_id, [FeedEntry(url=page.url) for page in told], run_id, NOW)
        ids = entries.ids(connection, {page.url for page in told})
    return [FetchedPage(entry_id=ids[page.url], source_id=source_id, page=page) for page in told]


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM storyfold.{table}")) or 0)


# --- The clock ------------------------------------------------------------------------------------------------


def test_a_page_fetched_after_another_is_never_dated_before_it(engine: Engine, tmp_path: Path) -> None:
    """Else its text would be taken for an older copy of the page, and not be shown."""
    store = Store(engine=engine, settings=Settings(home=tmp_path))
    first = fetched(engine, a_page(0), a_page(1))
    archive_pages(store, first, NOW)
    later = fetched(engine, a_page(0, NOW - HOUR), a_page(1, NOW + HOUR), a_page(2, NOW - HOUR))
    with engine.connect() as connection:
        dated = [item.page.fetched_at for item in pages.dated(connection, later)]
    assert dated == [NOW + timedelta(microseconds=1), NOW + HOUR, NOW - HOUR]


def test_the_files_of_the_archive_are_named_in_their_order_whatever_the_clock_says(
    engine: Engine, tmp_path: Path
) -> None:
    store = Store(engine=engine, settings=Settings(home=tmp_path))
    names = [warc_name(store, now) for now in (NOW, NOW, NOW - HOUR, NOW + timedelta(days=40), NOW)]
    assert names == sorted(set(names))
    assert names[0].startswith("2026/03/20260310T120000000000Z-")


def test_a_pass_polls_a_feed_once_though_the_clock_was_set_back_meanwhile(engine: Engine, tmp_path: Path) -> None:
    desk = Newsdesk(engine=engine, home=tmp_path)
    with publisher() as paper:
        paper.says("/feed", rss("/a"))
        desk.lists("daily", f"{paper.base}/feed")
        catalogue = {source.name: source for source in read_catalogue(tmp_path / "sources", Settings().fetch_policy)}
        with engine.begin() as connection:
            sources.sync(connection, list(catalogue.values()))
            run_id = runs.begin(connection, "discover", NOW)
        asked = Asked(names=("daily",), early=True, began_at=datetime.now(UTC) + HOUR)
        with worker(engine) as me:
            poll_feeds.fn(Polling(store=desk.store, worker=me, run_id=run_id, asked=asked, catalogue=catalogue))
        assert len(paper.asked_for("/feed")) == 1


# --- The disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of that size, or gives it another; only root can."""
    point = tmp_path / "disk"
    point.mkdir()

    def mount(size: str) -> Path:
        how = f"remount,size={size}" if point.is_mount() else f"size={size}"
        command = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(point)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not permitted here")
        return point

    yield mount
    subprocess.run(["umount", "--lazy", str(point)], capture_output=True, check=False)


def test_a_full_archive_leaves_no_half_file_and_no_row_and_the_next_try_ends_well(
    engine: Engine, tmp_path: Path, small_disk: Callable[[str], Path]
) -> None:
    archive = small_disk("200k")
    store = Store(engine=engine, settings=Settings(home=tmp_path, archive=str(archive)))
    got = fetched(engine, *(a_page(n, size=30_000) for n in range(20)))
    archive_pages(store, got[:2], NOW)
    before = count(engine, "page")
    with pytest.raises(OSError, match="No space left"):
        archive_pages(store, got[2:], NOW)
    assert count(engine, "page") == before == 2
    assert [file.name for file in archive.rglob("*") if file.is_file()] == [Path(archive_files(str(archive))[0]).name]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT bool_and(adds_up) FROM news.outcome_ledger"))
    small_disk("10m")
    archive_pages(store, got[2:], NOW)
    found = [capture for name in archive_files(str(archive)) for capture in iter_captures(str(archive), name)]
    assert sorted(capture.page.url for capture in found) == sorted(item.page.url for item in got)
    assert all(read_page(str(archive), one.place) == one.page for one in found)


@pytest.mark.parametrize("full", ["home", "archive"])
def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path, small_disk: Callable[[str], Path], full: str) -> None:
    roomy = tmp_path / "roomy"
    roomy.mkdir()
    disk = small_disk("1m")
    settings = Settings(**{"home": roomy, "archive": str(roomy), full: str(disk)})
    sentence = f"^The disk that holds {disk} is full: make room and run again"
    with pytest.raises(Complaint, match=sentence), while_there_is_room(settings):
        raise OSError(28, "No space left on device")
