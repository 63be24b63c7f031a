"""Pages read on a Dask cluster of this machine, of which a worker is killed: the same texts, stories and outcomes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from factories import announce
from newsstream import Item, stream
from prefect.context import refresh_global_settings_context
from programs import Program, rows, wait_until
from sqlalchemy import Engine, text

from extract.model import Page, Profile
from flows.cluster import cluster
from flows.collect import archive_pages
from flows.ingest import read_pages, read_waiting, settle_ready
from flows.isolation import Broken, Done, workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store
from load.engine import connect, worker
from load.pages import FetchedPage

ITEMS = tuple(stream(4, 480))
PAGE = """<!doctype html><html lang="en"><head><title>{title}</title>
<meta property="article:published_time" content="{day}"></head>
<body><article><h1>{title}</h1>{body}</article></body></html>"""
STORIES = """SELECT canonical.url, array_agg(member.url ORDER BY member.url)
             FROM storyfold.story JOIN storyfold.article AS canonical ON canonical.id = canonical_id
             JOIN storyfold.story_member ON story_id = story.id JOIN storyfold.article AS member ON member.id = article_id
             GROUP BY story.id, canonical.url ORDER BY 1"""
TEXTS = "SELECT url, kind, title, text FROM news.revision ORDER BY url, text"
OUTCOMES = "SELECT url, outcome, reason FROM storyfold.entry ORDER BY url"
READ = "SELECT count(*) FROM storyfold.page WHERE read_at IS NOT NULL"


@pytest.fixture
def new_store(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Store]:
    """Stores in which all pages wait to be read."""

    def make() -> Store:
        home = tmp_path_factory.mktemp("home")
        settings = Settings(home=home, database_url=new_database(), processes=2, batch=60, profile=Profile.QUICK)
        store = Store(engine=connect(str(settings.database_url)), settings=settings)
        put_pages(store, ITEMS)
        return store

    return make


def put_pages(store: Store, items: Sequence[Item]) -> None:
    """What a crawl would have left: announced, fetched, in the archive."""
    sources: dict[str, int] = {}
    got = []
    for item in items:
        [entry_id] = announce(store.engine, item.outlet, item.url, now=item.fetched_at)
        if item.outlet not in sources:
            sources[item.outlet] = _source_id(store.engine, item.outlet)
        got.append(FetchedPage(entry_id=entry_id, source_id=sources[item.outlet], page=page(item)))
    archive_pages(store, got, items[-1].fetched_at)


def _source_id(engine: Engine, name: str) -> int:
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT id FROM storyfold.source WHERE name = :name"), {"name": name}
        ).scalar_one()


def page(item: Item) -> Page:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in item.text.split("\n\n"))
    html = PAGE.format(title=item.title, day=item.published_at.isoformat(), body=body).encode()
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Page(url=item.url, final_url=item.url, status=200, headers=headers, body=html, fetched_at=item.fetched_at)


def found(store: Store) -> list[list[tuple[object, ...]]]:
    with store.engine.connect() as connection:
        return [rows(connection, query) for query in (STORIES, TEXTS, OUTCOMES)]


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_leaves_the_same_stories(
    new_store: Callable[[], Store], prefect_server: str
) -> None:
    alone, spread = new_store(), new_store()
    with worker(alone.engine) as me, workers(2, 30.0, start=be_quiet) as readers:
        read_waiting(alone, me, readers, read=read_pages, settle=settle_ready)
    process = program_on(spread, prefect_server).start("ingest", "--task-runner", "dask")
    assert wait_until(lambda: read_so_far(spread) >= 60, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 0, printed
    assert found(spread) == found(alone)


def program_on(store: Store, prefect_server: str) -> Program:
    settings = store.settings
    environment = {
        "PREFECT_API_URL": prefect_server,
        "STORYFOLD_HOME": str(settings.home),
        "STORYFOLD_DATABASE_URL": str(settings.database_url),
        "STORYFOLD_BATCH": str(settings.batch),
        "STORYFOLD_PROCESSES": str(settings.processes),
        "STORYFOLD_PROFILE": settings.profile,
    }
    return Program(environment=environment)


def read_so_far(store: Store) -> int:
    with store.engine.connect() as connection:
        return connection.execute(text(READ)).scalar_one()


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes of the cluster's workers: those that the program has spawned and that have children themselves."""
    children = psutil.Process(process.pid).children()
    return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline()) and child.children()]


def test_an_address_alone_is_no_cluster(tmp_path: Path) -> None:
    process = Program(environment={"STORYFOLD_HOME": str(tmp_path)}).start("ingest", "--address", "tcp://127.0.0.1:1")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--address needs --task-runner dask" in " ".join(printed.split())


def test_a_call_beyond_its_deadline_breaks_alone(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    refresh_global_settings_context()
    with cluster(Settings(processes=1, read_timeout_s=2)) as found:
        results = found.map(time.sleep, [(0,), (60,), (0,)])
    assert results == [Done(None), Broken("took longer than 2 seconds"), Done(None)]
