"""`storyfold rules` on a real store with archived pages: what repeats is suggested, tried, cut, undone and cut again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from factories import announce, keep_sources
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from extract.model import Page
from flows.cli import app
from flows.collect import archive_pages
from flows.ingest import begin_reading, read_batch, settle_batch
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store
from flows.upkeep import learn_due
from load import pages
from load.engine import worker
from load.pages import FetchedPage
from transform.trial import PROSE

HEADLINES = ("Ferry stays in port", "Brede votes", "A winter of storms", "Pier reopens at last", "Fuel bill doubles")
PAGE = """<!doctype html><html lang="en"><head><title>Notes of the harbour, number {0}</title>
<meta property="article:published_time" content="2026-03-02T09:00:00Z"></head>
<body><article><h1>Notes of the harbour, number {0}</h1>{1}<p>Elsewhere on the quay: {2}</p>
<p>Sign up for our newsletter and never miss a story.</p></article></body></html>"""
PACK = """
[[rules]]
name = "elsewhere"
kind = "related"
patterns = ['elsewhere on the quay: .{1,80}']

[[must_cut]]
kind = "related"
lines = ["Elsewhere on the quay: Brede votes"]
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def readers() -> Iterator[Workers]:
    with workers(1, 30.0, start=be_quiet) as pool:
        yield pool


@pytest.fixture
def store(engine: Engine, tmp_path: Path, readers: Workers) -> Store:
    """With five articles of one source, all different but for what stands below them."""
    keep_sources(engine, "northline", "harbour-courier")
    store = Store(engine=engine, settings=Settings(home=tmp_path, archive=str(tmp_path / "warc")))
    fetch(store, "northline")
    ingest(store, readers)
    return store


def fetch(store: Store, name: str, closing: str = "") -> None:
    """Five pages of a source in the archive, with a line that closes each."""
    urls = [f"https://{name}.example/{number}" for number in range(len(HEADLINES))]
    now = datetime.now(UTC)
    ids = announce(store.engine, name, *urls, now=now)
    with store.engine.connect() as connection:
        source = connection.scalar(text("SELECT id FROM storyfold.source WHERE name = :name"), {"name": name})
    got = [
        FetchedPage(entry_id=entry_id, source_id=source, page=page(number, urls[number], now, closing))
        for number, entry_id in enumerate(ids)
    ]
    archive_pages(store, got, now)


def page(number: int, url: str, now: datetime, closing: str = "") -> Page:
    random = Random(number)
    words = "".join(PROSE).lower().replace(",", "").split()
    paragraphs = (" ".join(random.sample(words, 16)) for _ in range(8))
    body = "".join(f"<p>{number} {paragraph} and so on until the evening of that day.</p>" for paragraph in paragraphs)
    html = PAGE.format(number, body, HEADLINES[number]).replace("</article>", f"{closing}</article>").encode()
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Page(url=url, final_url=url, status=200, headers=headers, body=html, fetched_at=now)


def ingest(store: Store, readers: Workers) -> None:
    with worker(store.engine) as me, store.engine.connect() as connection:
        while batch := pages.claim_unread(connection, me, datetime.now(UTC), 100):
            connection.commit()
            read_batch.fn(store, readers, begin_reading(store, readers, batch))
            settle_batch.fn(store)


def rules_that_cut(store: Store) -> dict[tuple[str, str], int]:
    """(rule, zone) → blocks, of what the articles say now, but for the repeated titles."""
    query = "SELECT rule, zone, count(*) FROM news.cut WHERE is_current AND kind <> 'title-again' GROUP BY rule, zone"
    with store.engine.connect() as connection:
        return {(rule, zone): count for rule, zone, count in connection.execute(text(query))}


def texts_with(store: Store, words: str) -> int:
    with store.engine.connect() as connection:
        query = text("SELECT count(*) FROM news.article WHERE text LIKE :words")
        return int(connection.scalar(query, {"words": f"%{words}%"}) or 0)


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Run:
    base = {
        "STORYFOLD_DATABASE_URL": database_url,
        "STORYFOLD_HOME": str(tmp_path),
        "STORYFOLD_ARCHIVE": str(tmp_path / "warc"),
        "STORYFOLD_PROCESSES": "1",
    }

    def run(*args: object, rules: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = base | ({"STORYFOLD_RULES": str(rules)} if rules else {})
        result = CliRunner().invoke(app, ["rules", *map(str, args)], env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Own packs, one so far."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "northline-own.toml").write_text(f'sources = ["northline"]\n{PACK}', encoding="utf-8")
    return folder


SIGN_UP = ("en.newsletter.signup", "tail")
ELSEWHERE = ("northline-own.related.elsewhere", "tail")


# --- The whole way --------------------------------------------------------------------------------------------


def test_what_repeats_is_suggested_tried_and_cut(cli: Run, store: Store, readers: Workers, tmp_path: Path) -> None:
    assert rules_that_cut(store) == {SIGN_UP: 5} and texts_with(store, "Elsewhere") == 5
    folder = tmp_path / "suggested"
    folder.mkdir()
    pack = folder / "northline-own.toml"
    written = cli("suggest", "northline", "--out", pack)
    assert written.returncode == 0 and f"rules test {pack} --source northline" in written.stderr
    tried = json.loads(cli("test", pack, "--source", "northline", "--json").stdout)
    assert (tried["examples"], tried["failures"], tried["read"]) == (3, [], 5)
    (rule,) = tried["rules_that_cut"]
    assert (rule["blocks"], rule["texts"], rule["paragraphs"]) == (5, 5, [])
    assert {cut["text"] for cut in rule["examples"]} == {f"Elsewhere on the quay: {line}" for line in HEADLINES}
    assert (
        cli("suggest", "northline", "--out", pack).stderr
        == f"storyfold: {pack} is there already: give another --out.\n"
    )

    reopen_all(store)
    ingest(replace(store, settings=Settings(home=tmp_path, archive=store.archive, rules=folder)), readers)
    assert texts_with(store, "Elsewhere") == 0 and texts_with(store, "Sign up") == 0
    assert rules_that_cut(store) == {SIGN_UP: 5, (rule["rule"], "tail"): 5}


def reopen_all(store: Store) -> None:
    with store.engine.begin() as connection:
        assert pages.reopen(connection, list(connection.scalars(text("SELECT id FROM storyfold.page")))) == 5


def test_rule_is_undone_and_redone(cli: Run, store: Store, readers: Workers) -> None:
    rule = "en.newsletter.signup"
    assert "5 pages to be read again by the next ingest. Nothing was changed." in cli("undo", rule, "--dry-run").stdout
    undone = cli("undo", rule, "--source", "northline", "--why", "the sign-up is the story")
    assert undone.stdout == (
        f"{rule} cuts nothing any more on pages of northline.\n5 pages to be read again by the next ingest.\n"
    )
    assert cli("undo", rule, "--source", "northline").stdout == f"{rule} is off on pages of northline already.\n"
    listed = cli("list", "--undone").stdout
    assert f"{rule}  northline, since 20" in listed and "the sign-up is the story" in listed
    ingest(store, readers)
    assert rules_that_cut(store) == {} and texts_with(store, "Sign up") == 5

    elsewhere = cli("redo", rule)
    assert (elsewhere.returncode, elsewhere.stderr) == (1, f"storyfold: {rule} is not off there, but for northline.\n")
    assert "5 pages to be read again" in cli("redo", rule, "--source", "northline").stdout
    ingest(store, readers)
    assert rules_that_cut(store) == {SIGN_UP: 5} and texts_with(store, "Sign up") == 0
    assert cli("list", "--undone").stdout == "No rule is off.\n"
    assert cli("redo", rule).stderr == f"storyfold: {rule} is not off.\n"


def test_block_that_the_memory_cuts_is_undone_for_its_source(cli: Run, engine: Engine, tmp_path: Path) -> None:
    keep_sources(engine, "northline", "harbour-courier")
    store = Store(engine=engine, settings=Settings(home=tmp_path, archive=str(tmp_path / "warc")))
    fetch(store, "harbour-courier", closing="<p>The quay sleeps never</p>")
    with workers(1, 30.0, start=be_quiet) as readers:
        ingest(store, readers)
        learn_due(store)
        ingest(store, readers)
        (rule,) = (rule for rule, _ in rules_that_cut(store) if rule.startswith("memory.repeated."))
        assert texts_with(store, "The quay sleeps") == 0
        assert cli("undo", rule).stderr == (
            f"storyfold: {rule} is of the memory of one source: name that with --source.\n"
        )
        undone = cli("undo", rule, "--source", "harbour-courier", "--why", "their motto")
        assert "5 pages to be read again by the next ingest." in undone.stdout
        assert "their motto" in cli("list", "--undone").stdout
        ingest(store, readers)
        assert texts_with(store, "The quay sleeps") == 5
        assert cli("redo", rule, "--source", "harbour-courier").returncode == 0
        ingest(store, readers)
        assert texts_with(store, "The quay sleeps") == 0


# --- Command by command ---------------------------------------------------------------------------------------


def test_packs_are_listed_with_their_rules_by_kind(cli: Run, folder: Path) -> None:
    (folder / "en.toml").write_text(PACK, encoding="utf-8")
    printed = cli("list", rules=folder).stdout
    assert "northline-own  1 rule (1 of them yours, only for northline), for all languages\n  related 1\n" in printed
    packs = {pack["name"]: pack for pack in json.loads(cli("list", "--language", "de", "--json", rules=folder).stdout)}
    assert set(packs) == {"de", "en", "neutral", "northline-own"}
    assert packs["de"]["own_rules"] == 0 < packs["en"]["rules"] < packs["de"]["rules"]


def test_pack_is_tried_on_its_examples_and_on_files(cli: Run, folder: Path, tmp_path: Path) -> None:
    pack = folder / "northline-own.toml"
    assert cli("test", pack).stdout == "northline-own: 1 rule, 1 example, 0 of them not as they must be.\n"
    (tmp_path / "page.html").write_bytes(page(1, "https://northline.example/1", datetime.now(UTC)).body)
    (tmp_path / "stub.txt").write_text("Nothing here.", encoding="utf-8")
    tried = cli("test", pack, tmp_path / "page.html", tmp_path / "stub.txt", rules=folder)
    assert tried.returncode == 0
    assert "1 article read; no article: too-short 1.\nThe pack would cut 1 more block, of 1 article.\n" in tried.stdout
    assert "    tail   Elsewhere on the quay: Brede votes\n           Sign up for our newsletter" in tried.stdout


def test_folder_without_pages_is_told(cli: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    tried = cli("test", folder / "northline-own.toml", tmp_path / "empty")
    assert tried.returncode == 1 and f"{tmp_path / 'empty'} holds nothing that can be loaded" in tried.stderr


def test_pack_that_cuts_paragraphs_or_fails_its_examples_needs_a_look(cli: Run, tmp_path: Path) -> None:
    pack = tmp_path / "wide.toml"
    rule = "name = 'all'\nkind = 'advert'\nmax_length = 420\npatterns = ['.{1,300} until the evening of that day']"
    pack.write_text(f"[[rules]]\n{rule}\n[[must_cut]]\nkind = 'advert'\nlines = ['Tides']", encoding="utf-8")
    (tmp_path / "page.html").write_bytes(page(1, "https://northline.example/1", datetime.now(UTC)).body)
    tried = cli("test", pack, tmp_path / "page.html")
    assert tried.returncode == 3
    assert "  must fall as advert, at the tail: Tides\n    nothing was cut\n" in tried.stdout
    assert "  Perhaps text: " in tried.stdout


@pytest.mark.usefixtures("store")
def test_nothing_is_suggested_where_nothing_repeats(cli: Run) -> None:
    assert cli("suggest", "harbour-courier").stdout == "Nothing repeats in 4 stories or more of harbour-courier.\n"
    assert 'sources = ["northline"]' in cli("suggest", "northline").stdout
    assert json.loads(cli("suggest", "northline", "--json").stdout)["stories"] == 5
    away = cli("suggest", "northline", "--out", "no/such/folder.toml")
    assert away.stderr == "storyfold: no/such/folder.toml cannot be written: No such file or directory.\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["undo", "en.newsletter.singup"], "No rule is called 'en.newsletter.singup', and nothing was cut by one"),
        (["undo", "en.newsletter.signup", "--source", "nobody"], "No source is called 'nobody'"),
        (["suggest", "nobody"], "No source is called 'nobody'"),
        (["test", "missing.toml"], "There is no file or folder missing.toml."),
    ],
)
def test_what_does_not_exist_is_told(cli: Run, command: list[str], told: str) -> None:
    result = cli(*command)
    assert result.returncode == 1 and told in result.stderr


def test_bad_pack_stops_a_command_before_anything_is_read(cli: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "house.toml").write_text("[[rules]]\nname = 'a'\nkind = 'advert'\npatterns = ['(a)']", encoding="utf-8")
    told = "storyfold: house.toml, rule 'a': the pattern '(a)' cannot be used: it has a group that captures"
    assert cli("list", rules=folder).stderr.startswith(told)
    environment = {"STORYFOLD_RULES": str(folder), "STORYFOLD_HOME": str(tmp_path)}
    for command in (["extract", "page.html"], ["ingest"]):
        result = CliRunner().invoke(app, command, env=environment)
        assert (result.exit_code, result.stderr.startswith(told)) == (1, True), command
    assert cli("list", rules=tmp_path / "none").stderr == (
        f"storyfold: There is no folder '{tmp_path / 'none'}', which STORYFOLD_RULES names.\n"
    )
