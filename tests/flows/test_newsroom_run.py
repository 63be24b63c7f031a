"""The main job end to end: the sample newsroom, through the real command line and flows, into a real store."""

from __future__ import annotations

import signal
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from programs import Program, rows, wait_until

from extract.urls import normalize_url
from infra.newsroom.serve import Newsroom

ROOT = Path(__file__).parents[2]
EXPECTED: dict[str, list[dict[str, Any]]] = tomllib.loads((ROOT / "infra/newsroom/expected.toml").read_text("utf-8"))
PAGES = {page["url"]: page for page in EXPECTED["page"]}
STORIES = """SELECT canonical.url, array_agg(article.url ORDER BY article.url)
             FROM storyfold.story JOIN storyfold.article AS canonical ON canonical.id = story.canonical_id
             JOIN storyfold.story_member ON story_id = story.id JOIN storyfold.article ON article.id = article_id
             GROUP BY story.id, canonical.url ORDER BY 1"""
CUTS = """SELECT revision.url, revision.kind, cut.position, cut.rule, cut.text
          FROM storyfold.cut JOIN news.revision ON revision.id = revision_id ORDER BY 1, 2, 3"""
OUTCOMES = "SELECT url, outcome, reason FROM storyfold.entry ORDER BY url"
TEXTS = "SELECT url, kind, title, language, text FROM news.revision ORDER BY url, text"
SAID = """SELECT url, kind, is_current, source, title, authors, summary, language, flags, agency, published_at, fetched_at, text
          FROM news.revision ORDER BY url, fetched_at, kind, text"""
ANNOUNCED = """SELECT entry.url, source.name, source.title, source.language, source.country, source.tier, source.agency,
                      feed.url, feed.kind, entry.title, entry.summary, entry.text, entry.authors, entry.published_at,
                      entry.updated_at, entry.first_seen_at
               FROM storyfold.entry JOIN storyfold.source ON source.id = entry.source_id
               LEFT JOIN storyfold.feed ON feed.id = feed_id
               WHERE EXISTS (SELECT FROM storyfold.page WHERE entry_id = entry.id) ORDER BY 1"""
PLACES = """SELECT url, final_url, status, fetched_at, opt_outs, body_digest, warc_file, warc_offset, warc_length
            FROM storyfold.page ORDER BY id"""
LEDGER = "SELECT adds_up FROM news.outcome_ledger"


@pytest.fixture(scope="module")
def newsroom() -> Iterator[Newsroom]:
    with Newsroom(edition="morning") as room:
        yield room


@pytest.fixture(scope="module")
def new_program(
    newsroom: Newsroom, prefect_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Program]:
    """Programs on stores of their own, all reading the newsroom."""

    def make(**environment: str) -> Program:
        home = str(tmp_path_factory.mktemp("home"))
        return Program(
            environment={
                **newsroom.environment,
                "PREFECT_API_URL": prefect_server,
                "STORYFOLD_HOME": home,
                **environment,
            }
        )

    return make


@pytest.fixture(scope="module")
def morning(new_program: Callable[..., Program]) -> Program:
    """A store that has seen the morning edition, undisturbed."""
    program = new_program()
    program.run("run")
    return program


@pytest.fixture(scope="module")
def evening(newsroom: Newsroom, new_program: Callable[..., Program]) -> Program:
    """A store that has seen both editions."""
    program = new_program()
    program.run("run")
    newsroom.edition = "evening"
    try:
        program.run("run")
    finally:
        newsroom.edition = "morning"
    return program


def test_the_stories_are_those_expected(morning: Program) -> None:
    with morning.database() as connection:
        found = {tuple(members) for _, members in rows(connection, STORIES)}
    alone = {(url,) for url, page in PAGES.items() if "edition" not in page}
    together = {tuple(sorted(story["members"])) for story in EXPECTED["story"]}
    assert found == together | {one for one in alone if not any(one[0] in group for group in together)}


def test_the_canonical_members_are_those_expected(morning: Program) -> None:
    with morning.database() as connection:
        canonical = {url for url, _ in rows(connection, STORIES)}
    assert {story["canonical"] for story in EXPECTED["story"]} <= canonical


def test_every_announced_address_has_its_outcome(morning: Program) -> None:
    with morning.database() as connection:
        outcomes = {normalize_url(url): (outcome, reason) for url, outcome, reason in rows(connection, OUTCOMES)}
        assert all(adds_up for (adds_up,) in rows(connection, LEDGER))
    for odd in EXPECTED["outcome"]:
        if "reasons" in odd and odd.get("edition") is None:
            outcome, reason = outcomes[odd["url"]]
            assert (outcome, reason in odd["reasons"]) == ("rejected", True), odd["url"]
    assert "pending" not in {outcome for outcome, _ in outcomes.values()}


@pytest.mark.parametrize("url", sorted(url for url, page in PAGES.items() if "edition" not in page))
def test_an_article_reads_as_expected(morning: Program, url: str) -> None:
    expected = PAGES[url]
    source = url.split("/")[2].removesuffix(".example")
    clutter = next(one for one in EXPECTED["clutter"] if one["source"] == source)
    with morning.database() as connection:
        [(revision, title, language, text, published_at)] = rows(
            connection,
            "SELECT id, title, language, text, published_at FROM storyfold.revision WHERE url = :url",
            url=url,
        )
        cuts = rows(connection, "SELECT kind, text FROM storyfold.cut WHERE revision_id = :id", id=revision)
    assert title == expected["title"]
    assert language == expected["language"]
    assert [line for line in expected.get("stay", []) if _plain(line) not in _plain(text)] == []
    assert [line for line in expected.get("lost", []) if _plain(line) in _plain(text)] == []
    unwanted = [*expected.get("cut", []), *clutter["lines"]]
    blocks = {_plain(block.removeprefix("- ")) for block in text.split("\n\n")}
    assert [line["text"] for line in unwanted if _plain(line["text"]) in blocks] == []
    assert [piece for piece in clutter["chrome"] if _plain(piece) in _plain(text)] == []
    kinds = {_plain(cut): kind for kind, cut in cuts}
    assert [line for line in unwanted if kinds.get(_plain(line["text"]), line["kind"]) != line["kind"]] == []
    if "published_at" in expected:
        stated = expected["published_at"]
        assert stated == (published_at if isinstance(stated, datetime) else published_at.date())
    else:
        assert published_at is None


def test_the_evening_edition_revises_what_changed(evening: Program) -> None:
    with evening.database() as connection:
        for change in EXPECTED["evening"]:
            [(kind, title, text)] = rows(
                connection,
                """SELECT revision.kind, title, text FROM storyfold.article JOIN news.revision
                   ON revision.id = revision_id WHERE article.url = :url""",
                url=change["url"],
            )
            assert (kind, title) == (change["kind"], change["title"])
            assert [line for line in change["gains"] if line not in text] == []
            assert [line for line in change.get("loses", []) if line in text] == []
        found = {tuple(members) for _, members in rows(connection, STORIES)}
        assert {tuple(sorted(s["members"] + s.get("evening", []))) for s in EXPECTED["story"]} <= found
        assert all(adds_up for (adds_up,) in rows(connection, LEDGER))


def test_a_store_is_rebuilt_from_its_archive_alone(
    evening: Program, new_program: Callable[..., Program], tmp_path: Path
) -> None:
    """Without source files and without the web, down to the order of the pages."""
    files = _files(evening.home / "warc")
    program = new_program(
        STORYFOLD_ARCHIVE=str(evening.home / "warc"),
        STORYFOLD_SOURCES=str(tmp_path / "none"),
        STORYFOLD_CONNECT_TO="*.example=127.0.0.1:9",
        STORYFOLD_WARC_PAGES="7",
    )
    program.run("rebuild")
    told = (STORIES, SAID, CUTS, ANNOUNCED, PLACES)
    with evening.database() as before, program.database() as after:
        for query in told:
            assert rows(after, query) == rows(before, query)
        assert all(adds_up for (adds_up,) in rows(after, LEDGER))
    once = _content(program)
    program.run("rebuild")
    assert _content(program) == once
    assert _files(evening.home / "warc") == files


def test_a_second_run_reports_that_everything_is_known_and_changes_nothing(morning: Program) -> None:
    before = _content(morning)
    printed = morning.run("run")
    assert "Nothing new" in printed
    assert _content(morning) == before


def test_batches_and_processes_do_not_change_the_stories(morning: Program, new_program: Callable[..., Program]) -> None:
    program = new_program(STORYFOLD_BATCH="7", STORYFOLD_WARC_PAGES="7", STORYFOLD_PROCESSES="1")
    program.run("run")
    assert _content(program) == _content(morning)


def test_a_run_killed_at_any_moment_and_run_again_ends_with_the_same_stories(
    morning: Program, new_program: Callable[..., Program]
) -> None:
    """Killed with -9 after the first entries, the first pages, the first readings and the first stories."""
    program = new_program(STORYFOLD_BATCH="9", STORYFOLD_WARC_PAGES="9")
    program.run("db", "upgrade")
    moments = (
        "SELECT EXISTS (SELECT FROM storyfold.entry)",
        "SELECT EXISTS (SELECT FROM storyfold.page)",
        "SELECT count(*) > 40 FROM storyfold.page",
        "SELECT EXISTS (SELECT FROM storyfold.revision)",
        "SELECT EXISTS (SELECT FROM storyfold.story)",
        "SELECT count(*) > 30 FROM storyfold.article",
    )
    with program.database() as connection:
        for moment in moments:
            process = program.start("run")
            reached = wait_until(lambda moment=moment: rows(connection, moment) == [(True,)], process)  # type: ignore[misc]
            process.kill()
            process.wait()
            assert reached, moment
            assert all(adds_up for (adds_up,) in rows(connection, LEDGER)), moment
    program.run("run")
    assert _content(program) == _content(morning)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_run_that_is_stopped_says_so_and_gives_everything_back(
    new_program: Callable[..., Program], number: signal.Signals
) -> None:
    program = new_program(STORYFOLD_BATCH="9", STORYFOLD_WARC_PAGES="9")
    program.run("db", "upgrade")
    with program.database() as connection:
        process = program.start("run")
        begun = "SELECT EXISTS (SELECT FROM storyfold.revision)"
        assert wait_until(lambda: rows(connection, begun) == [(True,)], process)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == 130, printed
        assert "Traceback" not in printed
        assert printed.endswith("storyfold: stopped; the next run goes on from here.\n")
        assert rows(connection, "SELECT line, ended, error FROM news.run ORDER BY id DESC LIMIT 1") == [
            ("ingest", "cancelled", None)
        ]
        workers = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
        assert rows(connection, workers) == [(0,)]


def test_two_runs_at_once_end_with_the_same_stories_as_one(
    morning: Program, new_program: Callable[..., Program]
) -> None:
    program = new_program(STORYFOLD_BATCH="5", STORYFOLD_WARC_PAGES="5")
    both = [program.start("run"), program.start("run")]
    printed = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert _content(program) == _content(morning)


def test_without_a_prefect_server_prefects_own_starts_for_the_run(
    morning: Program, newsroom: Newsroom, tmp_path: Path
) -> None:
    environment = {**newsroom.environment, "STORYFOLD_HOME": str(tmp_path / "new" / "home"), "PREFECT_API_URL": ""}
    program = Program(environment=environment)
    printed = program.run("run")
    assert "stories" in printed
    assert _content(program) == _content(morning)


@pytest.mark.usefixtures("morning")
def test_a_run_leaves_its_outcomes_and_a_summary_on_prefects_page(prefect_server: str) -> None:
    request = urllib.request.Request(f"{prefect_server}/artifacts/filter", data=b"{}", method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        found = answer.read().decode()
    assert all(key in found for key in ("discover-outcomes", "collect-outcomes", "ingest-outcomes", "run-summary"))


def _content(program: Program) -> dict[str, list[tuple[Any, ...]]]:
    """All that a run is to end with: stories, cuts, outcomes and texts."""
    with program.database() as connection:
        return {query: rows(connection, query) for query in (STORIES, CUTS, OUTCOMES, TEXTS)}


def _files(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def _plain(line: str) -> str:
    return " ".join(line.split())
