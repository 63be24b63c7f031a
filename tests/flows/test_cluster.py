"""Pages read on a Dask cluster of this machine, of which a worker is killed: the same texts, stories and outcomes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from factories import announce
from newsstream import Item, stream
from programs import Program, rows, wait_until
from sqlalchemy import Engine, text

from extract.model import Page
from flows.collect import archive_pages
from flows.settings import Settings
from flows.store import Store
from load.engine import connect
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


@pytest.fixture(scope="module")
def new_program(
    new_database: Callable[[], str], prefect_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Program]:
    """Programs on stores of their own, in which all pages wait to be read."""

    def make() -> Program:
        home, url = tmp_path_factory.mktemp("home"), new_database()
        engine = connect(url)
        put_pages(Store(engine=engine, settings=Settings(home=home)), ITEMS)
        engine.dispose()
        environment = {
            "PREFECT_API_URL": prefect_server,
            "STORYFOLD_HOME": str(home),
            "STORYFOLD_DATABASE_URL": url,
            "STORYFOLD_BATCH": "20",
            "STORYFOLD_PROCESSES": "2",
            "STORYFOLD_PROFILE": "quick",
        }
        return Program(environment=environment)

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


def found(program: Program) -> list[list[tuple[object, ...]]]:
    engine = connect(program.environment["STORYFOLD_DATABASE_URL"])
    with engine.connect() as connection:
        state = [rows(connection, query) for query in (STORIES, TEXTS, OUTCOMES)]
    engine.dispose()
    return state


def test_a_cluster_that_loses_a_worker_leaves_the_same_stories(new_program: Callable[[], Program]) -> None:
    alone, spread = new_program(), new_program()
    alone.run("ingest")
    process = spread.start("ingest", "--task-runner", "dask")
    assert wait_until(lambda: read_so_far(spread) >= 40, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 0, printed
    assert found(spread) == found(alone)


def read_so_far(program: Program) -> int:
    engine = connect(program.environment["STORYFOLD_DATABASE_URL"])
    with engine.connect() as connection:
        number: int = connection.execute(text(READ)).scalar_one()
    engine.dispose()
    return number


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes of the cluster's workers: those that the program has spawned and that have children themselves."""
    children = psutil.Process(process.pid).children()
    return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline()) and child.children()]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--task-runner", "dask", "--address", "tcp://127.0.0.1:1"], "cannot reach the embedded Postgres"),
        (["--address", "tcp://127.0.0.1:1"], "needs --task-runner dask"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(
    arguments: list[str], told: str, tmp_path: Path, prefect_server: str
) -> None:
    program = Program(environment={"PREFECT_API_URL": prefect_server, "STORYFOLD_HOME": str(tmp_path)})
    process = program.start("ingest", *arguments)
    printed, _ = process.communicate(timeout=240)
    assert (process.returncode != 0, told in " ".join(printed.split())) == (True, True), printed
