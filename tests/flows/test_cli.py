"""The command line against a real store, without running Prefect: what is printed, what goes wrong, exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, NOON, Told, announce, copies, fetch, keep_sources, publish
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from extract.model import Certainty, Credit, FetchPolicy, Reason, Rejection
from flows import progress
from flows.cli import app
from flows.show import common, runs
from flows.store import read_sources
from infra.newsroom.serve import Newsroom
from load import engine as store
from load import entries
from load.summary import Copy

COMMANDS = [
    ["run"],
    ["discover"],
    ["collect"],
    ["ingest"],
    ["load"],
    ["backfill"],
    ["extract"],
    ["eval"],
    ["eval", "extraction"],
    ["eval", "lines"],
    ["stories"],
    ["story"],
    ["why"],
    ["changes"],
    ["status"],
    ["source"],
    ["source", "list"],
    ["source", "check"],
    ["source", "release"],
    ["judge"],
    ["judge", "same"],
    ["judge", "different"],
    ["judge", "split"],
    ["judge", "pin"],
    ["judge", "undo"],
    ["judge", "list"],
    ["rules"],
    ["rules", "list"],
    ["rules", "test"],
    ["rules", "suggest"],
    ["rules", "undo"],
    ["rules", "redo"],
    ["quarantine"],
    ["quarantine", "list"],
    ["quarantine", "replay"],
    ["source", "add"],
    ["source", "import"],
    ["source", "disable"],
    ["source", "enable"],
    ["db"],
    ["db", "url"],
    ["db", "stop"],
    ["db", "shell"],
    ["db", "upgrade"],
    ["db", "check"],
]
TOLL = Told(
    url="https://northline.example/a/very/long/path/that/no/terminal/of/eighty/columns/could/show/on/one/line/toll.html",
    title="Toll on Orrin bridge rises",
    paragraphs=BRIDGE_TOLL,
    source="northline",
    cuts=["Read also: Ferries"],
)
PAGE = """<!doctype html><html lang="en"><head><title>Rope store burns</title>
<meta property="article:published_time" content="2026-03-02T10:00:00+01:00"></head><body><article><h1>Rope store burns</h1>
{}<p>Sign up for our newsletter and never miss a story.</p></article></body></html>"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Run:
    """Runs a command in this test's store; `env` adds to the environment."""
    base = {
        "STORYFOLD_DATABASE_URL": database_url,
        "STORYFOLD_HOME": str(tmp_path / "home"),
        "STORYFOLD_SOURCES": str(tmp_path / "sources"),
    }

    def run(*args: object, env: dict[str, str | None] | None = None) -> subprocess.CompletedProcess[str]:
        result = CliRunner().invoke(app, [str(arg) for arg in args], env=base | (env or {}))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def stored(engine: Engine) -> Engine:
    """Two copies of one story, and another story, of a source with a feed."""
    keep_sources(engine, "harbour-courier", "northline")
    publish(engine, *copies("northline", "harbour-courier"), TOLL)
    return engine


def a_source_file(folder: Path, name: str = "northline", text: str = "") -> None:
    folder.mkdir(exist_ok=True)
    feeds = f'feeds = ["https://{name}.example/feed.xml"]'
    (folder / f"{name}.toml").write_text(text or f'title = "{name.title()}"\n{feeds}\n', encoding="utf-8")


# --- Help -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(cli, command):
    result = cli(*command, "--help")
    assert result.returncode == 0
    words = re.sub(r"\W+", " ", result.stdout)
    assert f"Usage storyfold {' '.join(command)}".replace("storyfold", "root") in words.replace("storyfold", "root")


def test_help_names_the_exit_codes_and_every_command(cli):
    told = cli("--help").stdout
    assert "Exit codes: 0 done;" in told and "STORYFOLD_DATABASE_URL" in told
    assert all(f" {command[0]} " in told for command in COMMANDS)


def test_help_and_listings_do_not_wait_for_prefect():
    script = (
        "import sys, typer\n"
        "from flows.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'prefect', 'sqlalchemy', 'trafilatura', 'pydantic'} & set(sys.modules)\n"
        "import flows.show.items, flows.show.runs, flows.store, load.report.comparison\n"
        "assert not {'prefect', 'trafilatura'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


def test_the_version_is_told(cli):
    assert re.fullmatch(r"storyfold \d+\.\d+\S*\n", cli("--version").stdout)


# --- Look -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("stored")
def test_stories_are_listed_and_found(cli):
    listed = cli("stories")
    assert listed.returncode == 0
    assert "2 articles from 2 sources" in listed.stdout and TOLL.title in listed.stdout
    found = cli("stories", "--language", "en", "--since", "2026-03-01", "--", "ambulances", "-fire")
    assert TOLL.title in found.stdout and "Kestrel" not in found.stdout
    assert cli("stories", "nothing-like-it").stdout == "No stories.\n"


@pytest.mark.usefixtures("stored")
def test_a_judgement_is_given_told_and_taken_back(cli):
    given = cli("judge", "same", 1, TOLL.url, "--reason", "one press release")
    assert given.returncode == 0
    assert "story 2 merged into story 1, by judgement 1" in given.stdout
    assert "Judgement 1: 1 change to stories.\n" in given.stdout
    assert re.search(r"1  same  1 \| 3  .* by \w+\n +one press release\n", cli("judge", "list").stdout)
    word = r"\nJudged\n  1  same  1 \| 3  .* by \w+\n +one press release\n"
    assert re.search(word, cli("story", 1).stdout) and re.search(word, cli("why", 1).stdout)
    assert "\nJudged same, which outranks what is measured\n  1  same  1 | 3" in cli("why", 3, 1).stdout
    overruling = cli("judge", "split", 1, 3)
    assert "Judgement 1 says otherwise: the later one counts." in overruling.stdout
    assert "article 3 left for story 3, by judgement 2" in overruling.stdout
    pinned = json.loads(cli("judge", "pin", 1, 2, "--json").stdout)
    assert (pinned["judgement"], [one["detail"] for one in pinned["changes"]]) == (3, ["pinned"])
    for number in (3, 2, 1):
        assert cli("judge", "undo", number).returncode == 0
    assert cli("judge", "list").stdout == "No judgements.\n"
    assert "\nJudged, and taken back\n  1  same  1 | 3" in cli("why", 1, 3).stdout
    assert "taken back" in cli("judge", "list", "--undone").stdout
    refused = cli("judge", "same", 1, "https://nowhere.example/")
    assert refused.returncode == 1
    assert refused.stderr == "storyfold: Nothing in the store is called 'https://nowhere.example/'.\n"
    assert cli("judge", "undo", 1).stderr.startswith("storyfold: Judgement 1 was taken back at ")


@pytest.mark.usefixtures("stored")
def test_changes_are_followed_from_a_cursor(cli):
    lines = [json.loads(line) for line in cli("changes", "--json").stdout.splitlines()]
    assert [one["change"] for one in lines][:2] == ["founded", "joined"]
    some = cli("changes", "--since", lines[0]["id"], "--limit", 1).stdout
    assert some.count("\n") == 1 and "story 1: article 2 joined: the same text as article 1" in some
    assert cli("changes", "--since", lines[-1]["id"], "--json").stdout == ""


@pytest.mark.usefixtures("stored")
def test_a_url_is_never_broken_and_nothing_is_coloured_without_a_terminal(cli):
    for command in (["stories"], ["story", 2], ["why", TOLL.url]):
        result = cli(*command)
        assert TOLL.url in result.stdout
        assert "\x1b" not in result.stdout


def test_a_title_does_not_steer_the_terminal(cli, engine):
    title = "Harbour \x1b[31mred\x1b[0m\x07 [bold]and[/bold] \u202ebackwards"
    publish(engine, replace(TOLL, title=title))
    assert "Harbour [31mred[0m [bold]and[/bold] backwards" in cli("stories").stdout


@pytest.mark.usefixtures("stored")
def test_a_story_shows_its_copies_and_what_happened(cli):
    told = cli("story", 1).stdout
    assert "2 articles from 2 sources, in order of publication" in told
    assert "northline  article 1, 104 words  canonical: published first" in told
    assert "2026-03-02 12:30 (+0:30 h)  harbour-courier" in told
    assert "article 2 joined: the same text as article 1" in told


def test_copies_can_be_compared(cli, engine):
    other = (HARBOUR_FIRE[0].replace("three stations", "four stations"), *HARBOUR_FIRE[1:])
    publish(engine, *copies("northline"), Told(url="https://b.example/1", source="b", paragraphs=other))
    told = cli("story", 1, "--diff").stdout
    assert "+ " + other[0] in told and "2 paragraphs the same" in told
    swapped = json.loads(cli("story", 1, 2, 1, "--diff", "--json").stdout)
    assert [side["article_id"] for side in (swapped[0]["left"], swapped[0]["right"])] == [2, 1]


@pytest.mark.usefixtures("stored")
def test_a_story_of_one_article_has_nothing_to_compare(cli):
    assert cli("story", 2, "--diff").stdout == "Story 2 has only one article.\n"


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("wrong", [["story", 1, 1], ["story", 1, 1, 2], ["story", 1, 1, "--diff"], ["story", "x"]])
def test_wrong_usage_is_exit_code_2(cli, wrong):
    assert cli(*wrong).returncode == 2


@pytest.mark.usefixtures("stored")
def test_why_tells_the_way_of_an_article(cli):
    told = cli("why", TOLL.url).stdout
    assert "by northline" in told and "2026/03/day.warc.gz" in told
    assert "en.related.see-also: Read also: Ferries" in told
    assert "canonical is this article: the only article" in told


def test_why_shows_what_a_copy_changed_and_whose_text_it_is(cli, engine):
    other = (HARBOUR_FIRE[0].replace("three stations", "four stations"), HARBOUR_FIRE[1])
    credit = Credit(agency="PAP", certainty=Certainty.LIKELY, evidence="dateline 'KESTREL (PAP) -'")
    publish(engine, *copies("northline"), Told(url="https://b.example/1", source="b", paragraphs=other, credit=credit))
    told = cli("why", "https://b.example/1").stdout
    assert "text of PAP, likely: dateline 'KESTREL (PAP) -'" in told
    assert "article 1, northline" in told and "2026-03-02 12:00, story 1, this one's" in told
    assert "    - four\n    + three\n    = stations brought it under control" in told
    assert "1 only here" in told
    whole = cli("why", "https://b.example/1", "--full").stdout
    assert "+ three" in whole and f"+ {HARBOUR_FIRE[2]}" in whole and "…" not in whole.partition("shared,")[2]
    copy = cli("story", 1).stdout
    assert re.search(r"\d\d% of the canonical text kept, \d\d words cut, 1 added", copy)


def test_why_two_articles_are_no_copies_is_told_though_they_were_never_compared(cli, engine):
    publish(engine, *copies("northline"), TOLL)
    told = cli("why", 1, TOLL.url).stdout
    assert "never compared: they share no key of the index; measured now" in told
    assert "failed 'jaccard': too little of their wording is the same" in told
    assert re.search(r"only the first has: .*Ines, Tolland, 14", told)
    values = json.loads(cli("why", 1, TOLL.url, "--json").stdout)
    assert {passage["kind"] for passage in values["passages"]} >= {"left", "right"}
    assert cli("why", 1, 1).returncode == 1


def test_why_tells_why_there_is_no_article(cli, engine):
    (entry,) = announce(engine, "northline", "https://n.example/1")
    with engine.begin() as connection:
        entries.reject(connection, entry, Rejection(url="", reason=Reason.TOO_SHORT, detail="12 words"), NOON)
    assert "outcome     rejected (too-short: 12 words), 2026-03-02 12:00" in cli("why", "https://n.example/1").stdout


@pytest.mark.usefixtures("stored")
def test_status_adds_up(cli):
    told = cli("status").stdout
    assert "3 entries = 3 loaded" in told and "3 articles in 2 stories" in told
    assert "2 with 2 feeds, 2 due, 0 failing" in told


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "command",
    [
        ["stories"],
        ["stories", "ferry"],
        ["story", 1],
        ["story", 1, "--diff"],
        ["why", 1],
        ["status"],
        ["source", "list"],
    ],
    ids=str,
)
def test_listings_can_be_json(cli, command):
    result = cli(*command, "--json")
    assert result.returncode == 0 and json.loads(result.stdout)


@pytest.mark.usefixtures("stored")
def test_times_in_json_are_iso(cli):
    (story, _) = json.loads(cli("stories", "--json").stdout)
    assert story["published_at"] == "2026-03-02T12:00:00+00:00"


# --- Care -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("stored")
def test_sources_are_listed_with_what_they_brought(cli, tmp_path):
    a_source_file(tmp_path / "sources", "northline")
    a_source_file(tmp_path / "sources", "fresh")
    told = cli("source", "list").stdout
    assert re.search(r"^northline .*\n  2 entries = 2 loaded$", told, re.MULTILINE)
    assert re.search(r"^fresh .*\n  0 entries\n  feed new; last polled never", told, re.MULTILINE)


@pytest.fixture
def troubled(stored: Engine) -> Engine:
    """A held source with three breaches that wait, twelve silent sources, a gap, and quarantined entries."""
    names = [f"silent-{n}" for n in range(12)]
    keep_sources(stored, "harbour-courier", "northline", *names)
    ids = announce(stored, "northline", *(f"https://northline.example/{n}" for n in range(13)))
    with stored.begin() as connection:
        entries.close(connection, ids[:12], entries.Outcome.QUARANTINED, NOON, reason="fetch", detail="503")
    fetch(stored, ids[12])
    fetch(stored, announce(stored, "harbour-courier", "https://harbour-courier.example/9")[0])
    statements = (
        """UPDATE storyfold.source SET held_at = '2026-03-02 12:00Z' WHERE name = 'northline'""",
        """INSERT INTO storyfold.breach (source_id, expectation, expected, observed, on_breach, begun_at, seen_at)
           SELECT id, 'dated_share', 'at least 90%', '12% of 100', 'stop', held_at, held_at
           FROM storyfold.source WHERE held_at IS NOT NULL""",
        """INSERT INTO storyfold.source_hour
           SELECT source.id, date_trunc('hour', at), at, CASE WHEN at < now() - interval '30 hours' THEN 9 ELSE 0 END
           FROM storyfold.source, generate_series(now() - interval '20 days', now(), '6 hours') AS at
           WHERE name LIKE 'silent-%'""",
        """INSERT INTO storyfold.coverage_gap (feed_id, since, until, found_at)
           SELECT id, '2026-03-02 10:00Z', '2026-03-02 12:00Z', now() FROM storyfold.feed
           WHERE url LIKE '%northline%'""",
        "UPDATE storyfold.feed SET retired_at = now() WHERE url LIKE '%harbour%'",
    )
    with stored.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    return stored


@pytest.mark.usefixtures("troubled")
def test_status_tells_what_needs_a_look_and_no_more_than_a_screen_of_it(cli):
    told = cli("status").stdout
    assert "13 feeds, 13 due, 0 failing, 1 retired" in told
    assert "2 to read (1 of them held)" in told
    assert "Held sources, whose pages wait: 1\n  northline since 2026-03-02 12:00, 1 page\n" in told
    assert "northline: articles with a date 12% of 100, expected at least 90%; since 2026-03-02 12:00, stops it" in told
    assert "Out of their usual volume: 12\n  silent-0: silent, 0 entries a day, usually 36; the last never\n" in told
    assert "… and 2 more: 'storyfold status --json' has all." in told
    assert "Gaps in coverage: 1\n  northline: 2026-03-02 10:00 to 2026-03-02 12:00\n" in told
    assert "Quarantined: fetch 12 (0 in 24 h)\n" in told
    assert "… and 2 more: 'storyfold quarantine list' has them." in told
    values = json.loads(cli("status", "--json").stdout)
    assert (len(values["volumes"]), len(values["breaches"]), len(values["gaps"])) == (12, 1, 1)


@pytest.mark.usefixtures("troubled")
def test_sources_bear_their_marks(cli):
    told = cli("source", "list").stdout
    assert "  held since 2026-03-02 12:00: its pages wait\n" in told
    assert "  articles with a date 12% of 100, expected at least 90%\n" in told
    assert "  silent: not its usual volume\n" in told


@pytest.mark.usefixtures("troubled")
def test_a_held_source_is_released(cli):
    assert "held        2026-03-02 12:00: pages of northline wait" in cli("why", "https://northline.example/12").stdout
    assert cli("source", "release", "northline").stdout.startswith("'northline' is released: 1 page ")
    assert "'northline' is not held" in complaint(cli("source", "release", "northline"))
    assert "did you mean 'northline'?" in complaint(cli("source", "release", "northlin"))
    assert "Held" not in cli("status").stdout


@pytest.mark.usefixtures("troubled")
def test_the_quarantine_is_listed_and_replayed(cli):
    listed = cli("quarantine", "list", "--source", "northline", "--stage", "fetch", "--limit", 3, "--json")
    ids = [item["id"] for item in json.loads(listed.stdout)]
    assert len(ids) == 3
    assert "northline, fetch, 0 attempts: 503\n    https://northline.example/11\n" in cli("quarantine", "list").stdout
    assert cli("quarantine", "list", "--stage", "read").stdout == "Nothing is quarantined.\n"
    dry = cli("quarantine", "replay", "--all", "--dry-run").stdout
    assert dry == "To be replayed: fetch 12. Nothing was changed.\n"
    assert cli("quarantine", "replay", *ids).stdout == "Replayed: fetch 3. The next run tries them again.\n"
    assert json.loads(cli("quarantine", "replay", "--source", "northline", "--json").stdout) == {"fetch": 9}
    assert cli("quarantine", "replay", "--all").stdout == "Nothing of the kind is quarantined.\n"
    history = cli("why", "https://northline.example/11").stdout
    assert "quarantined 2026-03-02 12:00 at fetch, 0 attempts: 503\n  replayed" in history


@pytest.mark.usefixtures("troubled")
def test_what_is_to_be_replayed_must_be_said_and_be_there(cli):
    assert cli("quarantine", "replay").returncode == 2
    assert cli("quarantine", "replay", 1, "--all").returncode == 2
    assert "entry 1. Nothing was replayed" in complaint(cli("quarantine", "replay", 1))
    assert "No source is called 'nobody'" in complaint(cli("quarantine", "list", "--source", "nobody"))


@pytest.mark.usefixtures("stored")
def test_psql_runs_on_the_views(cli, capfd):
    assert cli("db", "shell", "-c", "SELECT title FROM story ORDER BY id").returncode == 0
    assert TOLL.title in capfd.readouterr().out
    assert cli("db", "shell", "-c", "SELECT nonsense").returncode != 0


def test_the_url_is_one_that_psql_takes(cli, database_url):
    told = cli("db", "url").stdout.strip()
    assert told.startswith("postgresql://")
    assert told.partition("://")[2] == database_url.partition("://")[2]


def test_a_server_of_ones_own_is_not_stopped(cli):
    result = cli("db", "stop")
    assert result.returncode == 1 and "STORYFOLD_DATABASE_URL" in result.stderr


def test_upgrade_makes_a_store_of_an_empty_database(cli, bare_database_url):
    env = {"STORYFOLD_DATABASE_URL": bare_database_url}
    assert cli("db", "upgrade", env=env).returncode == 0
    assert cli("stories", env=env).stdout == "No stories.\n"


def test_the_database_is_checked_without_changing_it(cli, database_url, bare_database_url):
    assert cli("db", "check").stdout.startswith("Up to date: postgresql")
    empty = {"STORYFOLD_DATABASE_URL": bare_database_url}
    for _ in range(2):
        result = cli("db", "check", env=empty)
        assert result.returncode == 3 and "upgrade from revision None" in result.stdout
    away = {"STORYFOLD_DATABASE_URL": f"{database_url.replace('storyfold_test', 'no_such')}"}
    assert "cannot be used" in complaint(cli("db", "check", env=away))


def test_sources_can_be_checked_before_they_are_relied_on(cli, tmp_path):
    folder = tmp_path / "sources"
    with Newsroom() as room:
        env = dict(room.environment) | {"STORYFOLD_SOURCES": str(folder)}
        good = (Path(room.environment["STORYFOLD_SOURCES"]) / "northline.toml").read_text(encoding="utf-8")
        a_source_file(folder, "northline", good)
        a_source_file(folder, "moved", re.sub(r"feeds = .*", 'feeds = ["http://northline.example/no-feed"]', good))
        well = cli("source", "check", "northline", env=env | {"STORYFOLD_DATABASE_URL": None})
        ill = cli("source", "check", "moved", "--json", env=env | {"STORYFOLD_DATABASE_URL": None})
    assert well.stdout.count("article: ") == 5
    assert re.search(r"Nothing new since 2025-03-\d\d, \d+ days ago", well.stdout)  # so old is the newsroom's Tuesday
    (check,) = json.loads(ill.stdout)
    assert ill.returncode == well.returncode == 3
    (trouble,) = check["feeds"][0]["troubles"]
    assert trouble["what"].startswith("gone") and trouble["advice"]


# --- Extract --------------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE.format("".join(f"<p>{paragraph}</p>" for paragraph in HARBOUR_FIRE)), encoding="utf-8")
    return path


def test_extract_shows_what_is_kept_and_what_is_cut(cli, page):
    result = cli("extract", page, env={"STORYFOLD_DATABASE_URL": "postgresql://nowhere/none"})
    assert result.returncode == 0
    assert re.search(r"kept  A fire broke out early on Monday .* shortly after nine\.$", result.stdout, re.MULTILINE)
    assert re.search(r"CUT en\.newsletter\.\S+ \(tail\)  Sign up for our newsletter", result.stdout)


def test_extract_side_by_side_on_a_terminal(page):
    result = CliRunner().invoke(app, ["extract", str(page)], env={"FORCE_COLOR": "1", "COLUMNS": "100"})
    assert re.search(r"Kept\S* .*Cut", result.stdout)


def test_extract_on_a_narrow_terminal_is_one_block_a_line(page):
    result = CliRunner().invoke(app, ["extract", str(page)], env={"FORCE_COLOR": "1", "COLUMNS": "70"})
    assert re.search(r"CUT en\.newsletter\.\S+ \(tail\)", result.stdout) and "Kept" not in result.stdout


def test_extract_as_json(cli, page):
    value = json.loads(cli("extract", page, "--json").stdout)
    assert value["text"] == "\n\n".join(HARBOUR_FIRE)
    assert (value["published_at"], value["utc_offset"]) == ("2026-03-02T09:00:00+00:00", 60)
    assert (value["extractor"], value["agreement"]) == ("trafilatura", 1.0)
    assert {(cut["kind"], cut["zone"]) for cut in value["cuts"]} >= {("newsletter", "tail")}


def test_extract_by_one_extractor_or_by_several(cli, page):
    assert "text by trafilatura, 100% alike to what another extractor found" in cli("extract", page).stdout
    assert re.search(r"text by trafilatura$", cli("extract", page, "--profile", "quick").stdout, re.MULTILINE)
    by_setting = cli("extract", page, "--json", env={"STORYFOLD_PROFILE": "quick"})
    assert json.loads(by_setting.stdout)["agreement"] is None


def test_extract_reads_plain_text(cli, tmp_path):
    (tmp_path / "told.txt").write_text("Rope store burns\n\n" + "\n\n".join(HARBOUR_FIRE), encoding="utf-8")
    assert HARBOUR_FIRE[2] in json.loads(cli("extract", tmp_path / "told.txt", "--json").stdout)["text"]


def test_extract_of_what_is_no_article_says_why(cli, tmp_path):
    (tmp_path / "image.html").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    result = cli("extract", tmp_path / "image.html")
    assert result.returncode == 3 and "No article: wrong-type" in result.stdout


def test_extract_fetches_an_address_with_the_manners_of_its_source(cli):
    with Newsroom() as room:
        env = dict(room.environment) | {"STORYFOLD_DATABASE_URL": None}
        known = cli("extract", "http://northline.example/article/ferry-kestrel-adrift-20250311", "--json", env=env)
        strange = cli("extract", "http://127.0.0.1:9/", env=env)
    assert "Kestrel" in json.loads(known.stdout)["text"]
    assert strange.returncode == 3 and "private-address" in strange.stdout


# --- What goes wrong ------------------------------------------------------------------------------------------


def complaint(result):
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("storyfold: ")
    return line


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["story", 99], "There is no story 99."),
        (["story", 10**30], f"There is no story {10**30}."),
        (["why", "https://nowhere.example/"], "'https://nowhere.example/'"),
        (["why", "x y"], "neither an id nor a URL"),
        (["extract", "missing.html"], "missing.html cannot be read: No such file"),
        (["extract", "http://a b/"], "is no address"),
        (["load", "missing"], "There is no file or folder missing."),
        (["run"], "There are no source files in the folder"),
        (["discover"], "There are no source files in the folder"),
        (["source", "check", "x"], "There are no source files in the folder"),
        (["collect", "nobody"], "No source is called 'nobody'; known are none."),
    ],
    ids=str,
)
def test_an_error_is_one_sentence(cli, command, told):
    assert told in complaint(cli(*command))


def test_a_misspelt_source_is_recognised(cli, tmp_path):
    a_source_file(tmp_path / "sources", "northline")
    assert "did you mean 'northline'?" in complaint(cli("run", "nothline"))
    assert "known are northline." in complaint(cli("source", "check", "somebody"))


def test_a_source_file_that_cannot_be_read_is_named(cli, tmp_path):
    a_source_file(tmp_path / "sources", "northline", 'title = "Northline"\nfeed = "https://northline.example/"\n')
    assert "northline.toml" in complaint(cli("run"))


def test_sources_of_the_store_may_be_named_where_no_file_is_needed(cli, engine):
    announce(engine, "by-hand", "https://n.example/1")
    assert "known are by-hand." in complaint(cli("collect", "nobody"))


def test_a_database_that_cannot_be_reached_is_told_without_its_password(cli):
    env = {"STORYFOLD_DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/none"}
    told = complaint(cli("status", env=env))
    assert "127.0.0.1" in told and "secret" not in told


def test_a_setting_that_cannot_be_is_named(cli):
    assert "STORYFOLD_BATCH" in complaint(cli("status", env={"STORYFOLD_BATCH": "0"}))


def test_debug_shows_the_whole_error(cli):
    with pytest.raises(Exception, match="There is no story 99"):
        cli("--debug", "story", 99)


# --- Runs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def summary():
    from flows.run import Summary

    return Summary(
        announced=60,
        new=20,
        known=40,
        updated=0,
        feeds_failed=0,
        breaches_begun=0,
        outcomes={"loaded": 15, "rejected: gone": 2, "rejected: too-short": 3},
        articles=55,
        stories=41,
        largest=(3, 2, "Fire destroys rope store"),
        largest_copies=(Copy(source="Northline", title="Rope store burns", url="https://northline.example/?a=1&b=2"),),
        cut=340,
        new_cuts=70,
        elapsed_s=8.25,
        store="the data home",
    )


def shown(capsys, value):
    runs.run_summary(common.console(), value)
    return capsys.readouterr().out


def test_a_run_ends_with_what_was_new_and_what_to_try_next(summary, capsys):
    told = shown(capsys, summary)
    assert "20 new entries, 40 known, 0 updated in 8.2 s." in told
    assert re.search(r"rejected +5 +too-short 3, gone 2", told)
    assert "55 articles in 41 stories; 340 blocks cut from their texts, 70 of them now." in told
    assert "#3 with 2 articles: Fire destroys rope store" in told
    assert "Store: the data home" in told
    assert "storyfold story 3 --diff" in told and "why 'https://northline.example/?a=1&b=2'" in told
    assert len(re.findall(r"^  storyfold ", told, re.MULTILINE)) == 3


def test_a_run_tells_that_a_source_is_no_longer_as_expected(summary, capsys):
    told = shown(capsys, replace(summary, breaches_begun=2))
    assert "2 expectations are newly broken: 'storyfold status' says which." in told


def test_a_run_without_anything_new_says_so(summary, capsys):
    nothing = replace(summary, new=0, known=60, outcomes={"unchanged": 1}, new_cuts=0)
    assert shown(capsys, nothing).startswith("Nothing new: 60 entries known, nothing changed.\n")
    retried = replace(nothing, outcomes={"loaded": 1})
    assert "Nothing new" not in shown(capsys, retried)


def test_the_first_run_of_an_empty_store_can_be_shown(summary, capsys):
    empty = replace(summary, new=0, known=0, outcomes={}, largest=None, largest_copies=(), feeds_failed=1)
    assert "1 feed failed" in shown(capsys, empty)


def test_trouble_is_a_failed_feed_or_a_quarantined_entry():
    assert runs.has_trouble({"quarantined: read": 1}) and runs.has_trouble({"feeds failed": 1})
    assert not runs.has_trouble({"quarantined: read": 0, "rejected: gone": 3, "feeds ok": 1})


# --- Progress -------------------------------------------------------------------------------------------------


def test_progress_is_a_line_now_and_then_without_a_terminal(stored, monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_INTERVAL_S", 0.02)
    with progress.watch(stored):
        announce(stored, "northline", "https://n.example/1", now=NOON + timedelta(days=1))
        wait(0.3)
    assert capsys.readouterr().err.splitlines() == ["pages fetched 0/1"]


def test_progress_that_cannot_be_shown_fails_nothing(database_url, server, capsys):
    engine = store.connect(database_url)
    with server.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{engine.url.database}" WITH (FORCE)')
    with progress.watch(engine):
        wait(0.1)
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{engine.url.database}"')  # for the fixture to drop
    assert capsys.readouterr().err == ""


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'title = "Caf\xe9"', "latin.toml: it is not written in UTF-8 (at byte 12)"),
        (None, "latin.toml: it cannot be read: Is a directory"),
    ],
)
def test_a_source_file_that_is_no_text_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, told: str
) -> None:
    file = tmp_path / "latin.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    monkeypatch.setenv("STORYFOLD_SOURCES", str(tmp_path))
    result = CliRunner().invoke(app, ["source", "check"])
    assert (result.exit_code, result.stderr.strip()) == (1, f"storyfold: {told}")


def test_an_editors_mark_before_a_source_file_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "daily.toml").write_bytes(b'\xef\xbb\xbftitle = "The Daily"')
    assert [source.title for source in read_sources(tmp_path, FetchPolicy())] == ["The Daily"]


def test_storage_whose_package_is_missing_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORYFOLD_HOME", str(tmp_path))
    monkeypatch.setenv("STORYFOLD_ARCHIVE", "nowhere://bucket/warc")
    result = CliRunner().invoke(app, ["ingest"])
    assert result.exit_code == 1 and "The archive nowhere://bucket/warc cannot be used:" in result.stderr
