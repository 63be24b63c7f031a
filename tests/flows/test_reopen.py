"""`storyfold reopen`: what the report says is what the switch does, and nothing else is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rereading import EMPTIED, HOUSE, MEMBERS, NEWER, PERIOD, TWICE, state, store_of, with_pack
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from flows.cli import app
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.reopen import switch
from flows.second_reading import agree, look_over
from flows.store import Store
from load import reopening
from load.engine import connect, worker
from load.locks import try_lock
from load.pages import MAX_ATTEMPTS
from transform.revision import RevisionKind

CHANGED = {*HOUSE, *(number for pair in TWICE for number in pair)}
STORIES = """SELECT article.url, story_member.story_id FROM storyfold.story_member
             JOIN storyfold.article ON article.id = story_member.article_id"""
SAID = """SELECT article.url, revision.title, revision.text, revision.language, revision.published_at
          FROM storyfold.article JOIN storyfold.revision ON revision.id = article.revision_id ORDER BY article.url"""

Database = Callable[[], str]


@pytest.fixture(scope="module")
def readers() -> Iterator[Workers]:
    with workers(1, 30.0, start=be_quiet) as pool:
        yield pool


@pytest.fixture(scope="module")
def read_once(new_database: Database, tmp_path_factory: pytest.TempPathFactory, readers: Workers) -> tuple[str, Path]:
    """The database and the home of a store read by the former pack; nobody writes to it."""
    url, home = new_database(), tmp_path_factory.mktemp("reopen")
    engine = connect(url)
    store_of(engine, home, PERIOD, readers)
    engine.dispose()
    return url, home


@pytest.fixture
def store(read_once: tuple[str, Path], server: Engine) -> Iterator[Store]:
    """A copy of it, from now on with the newer pack."""
    url, home = read_once
    name = url.rpartition("/")[2].partition("?")[0]
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"'))
    engine = connect(url.replace(name, f"{name}_copy"))
    yield with_pack(engine, home, NEWER)
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}_copy" WITH (FORCE)'))


def ask(store: Store, query: str, **values: object) -> list[tuple[Any, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def do_switch(store: Store, readers: Workers, number: int) -> dict[str, int]:
    with worker(store.engine) as me:
        return dict(switch(store, me, readers, number))


def numbers(urls: Iterator[str]) -> set[int]:
    return {int(url.rpartition("/")[2]) for url in urls}


def test_the_report_says_what_the_switch_does(store: Store, readers: Workers) -> None:
    before, said, stories = (
        state(store.engine),
        {row[0]: row for row in ask(store, SAID)},
        dict(ask(store, STORIES)),
    )
    report, looks = look_over(store, readers, "NOT is_current")
    assert state(store.engine) == before, "the report writes nothing"
    assert (report.pages, report.looked_at, report.lots) == (PERIOD, PERIOD, 1)
    assert (report.changed, report.found, report.lost) == (len(CHANGED), len(MEMBERS), {"too-short": len(EMPTIED)})
    assert report.same == PERIOD - len(CHANGED) - len(MEMBERS) - len(EMPTIED)
    assert (report.joins, report.leaves, report.new) == (1, 0, len(MEMBERS))
    assert {change.cuts for change in report.changes if change.kind == RevisionKind.REREAD} == {
        ("house.related.house",)
    }

    number = agree(store, "NOT is_current", looks, report, "the desk")
    counts = do_switch(store, readers, number)
    assert counts == {
        "the same": report.same,
        "changed": report.changed,
        "loaded": report.found,
        "no article any more, stayed": 1,
    }
    said_now, stories_now = {row[0]: row for row in ask(store, SAID)}, dict(ask(store, STORIES))
    differ = {url for url, row in said_now.items() if said.get(url) != row}
    assert differ == {change.url for change in report.changes}
    assert numbers(iter(differ)) == CHANGED | set(MEMBERS)
    languages = {row[3] for url, row in said_now.items() if url in differ}
    assert len(languages) > 2
    moved = {(url, stories.get(url)) for url, story in stories_now.items() if stories.get(url) != story}
    assert moved == {(move.url, move.from_story) for move in report.moves}
    assert {stories_now[move.url] for move in report.moves if move.to_story} == {
        move.to_story for move in report.moves if move.to_story
    }
    changes = ask(
        store,
        "SELECT change, count(*) FROM storyfold.story_change WHERE id > :known GROUP BY change",
        known=before["change"][-1][0],
    )
    assert {change: count for change, count in changes if change != "canonical"} == {
        name: count for name, count in report.story_changes.items() if name != "canonical"
    }

    assert ask(store, "SELECT count(*) FROM storyfold.revision") == [
        (len(before["revision"]) + len(CHANGED) + len(MEMBERS),)
    ]
    assert ask(store, "SELECT DISTINCT is_current, memory_version FROM news.page") == [(True, 0)]
    assert ask(store, "SELECT bool_and(adds_up) FROM news.outcome_ledger") == [(True,)]
    again, _ = look_over(store, readers, "true")
    assert (again.same, again.lost) == (PERIOD - len(EMPTIED), report.lost)


def test_what_reads_the_same_keeps_its_rows(store: Store, readers: Workers) -> None:
    rows = "SELECT xmin::text, id FROM storyfold.{} WHERE id <= :most ORDER BY id"
    tables = ("revision", "article", "entry")
    most = {table: ask(store, f"SELECT max(id) FROM storyfold.{table}")[0][0] for table in tables}
    before = {table: ask(store, rows.format(table), most=most[table]) for table in tables}
    report, looks = look_over(store, readers, "true")
    do_switch(store, readers, agree(store, "true", looks, report, "the desk"))
    after = {table: ask(store, rows.format(table), most=most[table]) for table in tables}
    assert after["revision"] == before["revision"]
    written = {table: len(set(after[table]) - set(before[table])) for table in ("article", "entry")}
    assert written == {"article": len(CHANGED), "entry": len(MEMBERS)}


def test_an_interrupted_switch_goes_on(store: Store, readers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies in the middle: once when pages are reopened and not read, once when they are read and not counted."""
    small = Store(engine=store.engine, settings=store.settings.model_copy(update={"batch": 4}))
    report, looks = look_over(small, readers, "true", sample=PERIOD // 2, seed=3)
    assert (report.looked_at, report.seed) == (PERIOD // 2, 3)
    number = agree(small, "true", looks, report, "the desk")
    for function in ("flows.reopen.read_waiting", "load.reopening.close"):
        with monkeypatch.context() as patched:
            patched.setattr(function, _die)
            with pytest.raises(KeyboardInterrupt):
                do_switch(small, readers, number)
    with store.engine.connect() as connection, connection.begin():
        assert reopening.open_ones(connection) == [number]
        assert try_lock(connection, f"reopen {number}")
        assert do_switch(small, readers, number) == {}  # another works on it
    counts = do_switch(small, readers, number)
    same = PERIOD - len(CHANGED) - len(MEMBERS) - len(EMPTIED)
    assert counts == {
        "the same": same,
        "changed": len(CHANGED),
        "loaded": len(MEMBERS),
        "no article any more, stayed": 1,
    }
    assert ask(store, "SELECT counts, ended_at IS NOT NULL FROM storyfold.reopening") == [(counts, True)]
    assert ask(store, "SELECT FROM storyfold.reopening_page") == []


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_pages_that_are_not_in_the_archive_stay_as_they_are(store: Store, readers: Workers) -> None:
    url = "https://northline.example/1"
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.page SET warc_file = 'gone.warc.gz' WHERE url = :url"), {"url": url})
    said = ask(store, SAID)
    report, looks = look_over(store, readers, f"url = '{url}'")
    assert (report.broken, [one.url for one in report.not_read]) == (1, [url])
    counts = do_switch(store, readers, agree(store, "one", looks, report, "the desk"))
    assert counts == {"came to nothing": 1}
    assert ask(store, SAID) == said
    assert ask(store, "SELECT attempts FROM storyfold.page WHERE url = :url", url=url) == [(MAX_ATTEMPTS,)]


def test_the_rules_of_a_page_are_dated_from_their_first_use(store: Store, readers: Workers) -> None:
    """Also where all that was read by them says the same."""
    [(since, packages)] = ask(store, "SELECT DISTINCT rules_since, packages FROM news.page")
    assert set(packages) == {"trafilatura", "htmldate", "py3langid"}
    where = "url = 'https://northline.example/1'"
    report, looks = look_over(store, readers, where)
    do_switch(store, readers, agree(store, where, looks, report, "the desk"))
    later = "SELECT url FROM news.page WHERE rules_since > :since AND is_current"
    assert ask(store, later, since=since) == [("https://northline.example/1",)]
    assert ask(store, "SELECT count(DISTINCT rules) FROM news.page") == [(2,)]


# --- The command ----------------------------------------------------------------------------------------------


@pytest.fixture
def cli(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command on the copy, in this process, without a terminal."""
    settings = store.settings
    for name, value in {
        "DATABASE_URL": store.engine.url.render_as_string(hide_password=False),
        "HOME": settings.home,
        "ARCHIVE": settings.archive,
        "RULES": settings.rules,
        "PROFILE": settings.profile,
        "PROCESSES": 1,
    }.items():
        monkeypatch.setenv(f"STORYFOLD_{name}", str(value))
    return lambda *words: CliRunner().invoke(app, ["reopen", *words])


def test_the_command_reports_and_changes_nothing_unasked(store: Store, cli: Callable[..., Any]) -> None:
    where = f"url = 'https://northline.example/{TWICE[0][1]}' OR url = 'https://harbour-courier.example/{HOUSE[0]}'"
    before = state(store.engine)
    told = json.loads(cli("--where", where, "--dry-run", "--json").stdout)
    assert (told["pages"], told["changed"], told["joins"]) == (2, 2, 0)
    assert any("House notice" in block for block in told["changes"][0]["parts"][0]["left"])
    refused = cli("--where", where)
    assert refused.exit_code == 1
    assert "--yes" in refused.output
    assert "cut now by house.related.house" in refused.output
    assert state(store.engine) == before


def test_what_was_begun_is_listed_and_can_be_stopped(store: Store, cli: Callable[..., Any], readers: Workers) -> None:
    assert "No pages were chosen" in cli().output
    assert cli("--stop").exit_code == 1
    report, looks = look_over(store, readers, f"url LIKE '%/{HOUSE[0]}'")
    agree(store, "one page", looks, report, "the desk")
    assert "one page\n   1 page" in cli("--stop").output
    assert "ended" in cli().output
    assert ask(store, "SELECT count(*) FROM storyfold.page WHERE read_at IS NULL") == [(0,)]
    assert cli("--stop", "--where", "true").exit_code == 2
