from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from flows import bookkeeping
from flows.bookkeeping import as_markdown, on_record
from flows.settings import Settings
from flows.store import Store
from load.engine import StoreUnavailable
from load.report.progress import Stage
from load.runs import ClosedEntry


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    return Store(engine=engine, settings=Settings(home=tmp_path))


def told(engine: Engine) -> tuple[str, str | None, dict[str, int]]:
    with engine.connect() as connection:
        [row] = connection.execute(text("SELECT ended, error, counts FROM news.run"))
    return tuple(row)


def fail(store: Store, error: BaseException) -> None:
    with pytest.raises(type(error)), on_record(store, "collect") as (_, counts):
        counts["fetched"] += 7
        raise error


def test_a_run_that_fails_keeps_its_counts_and_its_error(store: Store) -> None:
    fail(store, RuntimeError("The archive cannot be used."))
    assert told(store.engine) == ("failed", "The archive cannot be used.", {"fetched": 7})


def test_a_run_that_is_interrupted_counts_as_cancelled(store: Store) -> None:
    fail(store, KeyboardInterrupt())
    assert told(store.engine) == ("cancelled", None, {"fetched": 7})


def test_a_signal_counts_though_cleaning_up_after_it_failed(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), on_record(store, "collect") as (_, counts):
        counts["fetched"] += 7
        try:
            raise KeyboardInterrupt
        finally:
            raise StoreUnavailable("the statement was broken off")
    assert told(store.engine) == ("cancelled", None, {"fetched": 7})


def test_an_interrupted_database_ends_the_run_by_its_own_error(store: Store) -> None:
    """How it ended is put on record by a new connection, as soon as there is one."""
    kill = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(StoreUnavailable), on_record(store, "ingest"), store.engine.connect() as connection:
        connection.execute(kill)
    ended, error, _ = told(store.engine)
    assert (ended, "cannot be used" in (error or "")) == ("failed", True)


def test_a_run_whose_database_is_started_again_says_why_it_failed(store: Store, server: Engine) -> None:
    database = store.engine.url.database
    with (
        pytest.raises(StoreUnavailable),
        on_record(store, "ingest"),
        closed(server, str(database), for_s=1.0),
        store.engine.connect(),
    ):
        pytest.fail("the database is closed")
    ended, error, _ = told(store.engine)
    assert (ended, "cannot be used" in (error or "")) == ("failed", True)


@contextmanager
def closed(server: Engine, database: str, for_s: float) -> Iterator[None]:
    """All sessions of the database are ended, and none is taken for a while."""

    def allow(whether: bool) -> None:
        with server.connect() as connection:
            connection.execute(text(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS {whether}'))

    allow(False)
    with server.connect() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(ended), {"name": database})
    later = threading.Timer(for_s, allow, (True,))
    later.start()
    yield


def test_a_summary_names_the_commands_that_tell_more() -> None:
    refused = [
        ClosedEntry(id=7, url="http://herald.example/a|b", outcome="rejected", reason="gone", detail="404 <Not Found>"),
    ]
    markdown = as_markdown("collect", {"fetched": 3, "rejected: gone": 1, "quarantined: fetch": 1}, refused)
    assert "**collect**: fetched 3, rejected: gone 1, quarantined: fetch 1." in markdown
    assert "`storyfold quarantine list`" in markdown
    assert (
        "| http://herald.example/a&#124;b | rejected: gone 404 &lt;Not Found> | `storyfold why entry:7` |" in markdown
    )


def test_a_summary_of_nothing_says_so() -> None:
    assert as_markdown("ingest", {}, []) == "**ingest**: nothing to do.\n"


@pytest.mark.parametrize(
    ("line", "share"), [("discover", 50.0), ("collect", 25.0), ("ingest", 100.0), ("backfill", 37.5)]
)
def test_progress_is_that_of_the_lines_own_stages(line: str, share: float) -> None:
    stages = (Stage(name="feeds polled", done=2, total=4), Stage(name="pages fetched", done=1, total=4))
    assert bookkeeping._share(line, lambda: stages) == share


def test_progress_that_prefect_does_not_take_fails_no_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = threading.Event()

    def refuse(*_: object, **__: object) -> None:
        broken.set()
        raise ConnectionError

    monkeypatch.setattr(bookkeeping, "PROGRESS_INTERVAL_S", 0.01)
    for name in ("create_progress_artifact", "create_table_artifact"):
        monkeypatch.setattr(bookkeeping, name, refuse)
    _run_until(store, broken.is_set)
    assert told(store.engine)[0] == "done"


def _run_until(store: Store, reached: Callable[[], bool]) -> None:
    with on_record(store, "collect"):
        while not reached():
            threading.Event().wait(0.01)
