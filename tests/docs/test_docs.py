"""What the documents say is so: commands run, queries answer, and names are those of the product."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deploying import check_started
from factories import BRIDGE_TOLL, HARBOUR_FIRE, Told, copies, publish
from programs import STORYFOLD, Program
from sqlalchemy import Engine, text
from typer.main import get_command
from typer.testing import CliRunner

from extract.catalogue import KEYS, read_source
from extract.model import DateOrigin, Flag, Reason
from flows.cli import app
from flows.settings import Settings
from load import engine as store
from load import postgres
from load.entries import Outcome
from transform.alerts import AlertKind
from transform.assign import Change
from transform.model import CutKind, JudgementKind, MatchKind, Zone
from transform.own_rules import PACK_KEYS, RULE_KEYS
from transform.revision import RevisionKind

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {path.relative_to(ROOT): path.read_text("utf-8") for path in DOCUMENTS}
STORE = TEXT[Path("docs/store.md")]

ASKS_OTHERS = (
    "run", "serve", "discover", "collect", "ingest", "upkeep", "backfill", "load", "source check", "source add", "source import feeds.csv --check",
    "source release", "extract https:", "rules redo", "judge same", "judge different", "judge split", "judge pin",
    "judge undo", "rebuild", "reopen --where rules_since",
)  # fmt: skip
"""What starts Prefect, asks the web, or needs a held source, an undone rule or articles that are one story by then: only its words are checked here; `load` and `upkeep` have a test below."""
OTHER_PROGRAMS = {"cd", "cp", "docker", "git", "journalctl", "kubectl", "sudo"}
KNOWN_VARIABLES = {"PATH", "PREFECT_API_URL", "PREFECT_DEFAULT_WORK_POOL_NAME"}
KNOWN_HOSTS = {"keepachangelog.com", "semver.org", "127.0.0.1"}
FOLDERS_OF_THE_SYSTEM = {  # where the product itself may put something, what its units and containers have, system's own
    "/var/cache/storyfold", "/opt/storyfold", "/opt/storyfold/.venv/bin/storyfold", "/opt/storyfold/infra/systemd",
    "/var/lib/storyfold", "/etc/storyfold/settings", "/etc/storyfold/sources", "/etc/systemd/system",
    "/opt/storyfold/infra/systemd/storyfold.service", "/opt/storyfold/infra/systemd/storyfold-run.service",
    "/opt/storyfold/infra/systemd/storyfold-run.timer", "/data", "/data/warc", "/backup", "/backup/archive.tgz",
    "/tmp", "/dev/null", "/usr/sbin/nologin",
}  # fmt: skip

ARTICLE = """<!doctype html><html lang="en"><head><title>Rope store burns</title>
<meta property="article:published_time" content="2026-03-02T09:00:00Z"></head><body><article><h1>Rope store burns</h1>
{}<p>Sign up for our newsletter and never miss a story.</p></article></body></html>"""

OPML = """<opml version="2.0"><body><outline text="Papers">
<outline text="The Evening Herald" xmlUrl="https://evening-herald.example/rss.xml"/></outline></body></opml>"""


# --- What the documents hold ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A block of code, or a line of one, and where it stands."""

    place: str
    text: str


def blocks(language: str) -> Iterator[Shown]:
    """The code blocks of a language, in the order of the documents."""
    for path, content in TEXT.items():
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", content, re.MULTILINE | re.DOTALL):
            yield Shown(f"{path}:{content.count(chr(10), 0, match.start()) + 2}", match[1])


def commands() -> Iterator[Shown]:
    """The lines of all shell blocks."""
    for block in blocks("sh"):
        yield from (Shown(block.place, line) for line in block.text.splitlines() if line.strip())


def is_pack(toml: str) -> bool:
    return "[[rules]]" in toml


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


def spans() -> Iterator[Shown]:
    """Code within sentences."""
    for path, content in TEXT.items():
        prose = re.sub(r"^```.*?^```$", "", content, flags=re.MULTILINE | re.DOTALL)
        yield from (Shown(str(path), " ".join(span.split())) for span in re.findall(r"`([^`]+)`", prose))


def table(content: str, heading: str) -> dict[str, str]:
    """First cell → last cell of the first table under a heading; cells' code marks are taken off."""
    rest = content.partition(f"\n{heading}\n")[2]
    assert rest, f"no heading '{heading}'"
    lines = re.search(r"(?:^\|.*\n)+", re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0], re.MULTILINE)
    assert lines, f"no table under '{heading}'"
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[0].splitlines()[2:]]
    return {row[0].strip().strip("`"): row[-1].strip().replace("\\|", "|") for row in rows}


def parametrize(shown: Iterator[Shown]) -> pytest.MarkDecorator:
    """One test for each text, named by where it stands first."""
    first = {one.text: one for one in reversed(list(shown))}
    return pytest.mark.parametrize("shown", [pytest.param(one.text, id=one.place) for one in reversed(first.values())])


def is_ours(line: str) -> bool:
    return words(line)[0] == "storyfold"


def asks_others(line: str) -> bool:
    return " ".join(words(line)[1:]).startswith(ASKS_OTHERS)


def commands_of_the_program() -> set[str]:
    """All commands by their names: 'run', 'db shell', …"""
    named = set()
    for name, command in get_command(app).commands.items():
        named |= {f"{name} {inner}" for inner in command.commands} if hasattr(command, "commands") else {name}
    return named


# --- Commands -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder as the reader has it: a store with three stories, some files, and the environment."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "archive").mkdir()
    article = ARTICLE.format("".join(f"<p>{paragraph}</p>" for paragraph in HARBOUR_FIRE))
    (folder / "archive" / "fire.html").write_text(article, encoding="utf-8")
    (folder / "notes.txt").write_text("The toll on the bridge\n\n" + "\n\n".join(BRIDGE_TOLL), encoding="utf-8")
    (folder / "feeds.opml").write_text(OPML, encoding="utf-8")
    (folder / "labelled").mkdir()
    (folder / "labelled" / "fire.html").write_text(article, encoding="utf-8")
    truth = {"file": "fire.html", "text": "\n".join(HARBOUR_FIRE), "title": "Rope store burns"}
    (folder / "labelled" / "truth.jsonl").write_text(json.dumps(truth), encoding="utf-8")
    (folder / "documents.jsonl").write_text(json.dumps({"id": "fire", "lines": HARBOUR_FIRE}), encoding="utf-8")
    streamed = {"id": "fire", "url": "https://daily.example/fire", "text": "\n\n".join(HARBOUR_FIRE)}
    (folder / "articles.jsonl").write_text(json.dumps(streamed), encoding="utf-8")
    (folder / "truth.csv").write_text("id,cluster\nfire,1\n", encoding="utf-8")
    (folder / "sources").mkdir()
    (folder / "sources" / "morning-herald.toml").write_text(next(blocks("toml")).text, encoding="utf-8")
    (folder / "rules").mkdir()
    pack = next(one.text for one in blocks("toml") if is_pack(one.text))
    (folder / "rules" / "house.toml").write_text(pack, encoding="utf-8")
    with postgres.session(folder / "home") as url:
        fill(url)
        yield folder


def fill(url: str) -> None:
    """Three stories: the article that the documents name is a copy in the third."""
    engine = store.connect(url)
    store.upgrade(engine)
    alone = [Told(url=f"https://dailyloop.example/{n}", paragraphs=[f"{n} {BRIDGE_TOLL[n]}"]) for n in range(2)]
    copy = Told(url="http://harbour-courier.example/2025/03/11/kestrel-towed-home.html", source="harbour-courier")
    publish(engine, *alone, *copies("northline"), copy)
    engine.dispose()


@pytest.fixture
def program(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program on the reader's desk."""
    monkeypatch.chdir(desk)
    monkeypatch.delenv("STORYFOLD_DATABASE_URL", raising=False)
    path = f"{STORYFOLD.parent}{os.pathsep}{os.environ['PATH']}"
    return Program(environment={"STORYFOLD_HOME": str(desk / "home"), "PATH": path})


@pytest.fixture
def cli(program: Program) -> Callable[..., tuple[int, str]]:
    """Runs a command: exit code, and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, arguments, env=dict(program.environment))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


@parametrize(one for one in commands() if is_ours(one.text))
def test_a_command_works_as_shown(cli: Callable[..., tuple[int, str]], shown: str) -> None:
    arguments = words(shown)[1:]
    code, printed = cli(*arguments, "--help") if asks_others(shown) else cli(*arguments)
    assert code == 0, printed


def test_files_at_hand_are_loaded_as_shown(program: Program, prefect_server: str) -> None:
    first = next(words(one.text) for one in commands() if words(one.text)[:2] == ["storyfold", "load"])
    served = Program(environment={**program.environment, "PREFECT_API_URL": prefect_server})
    printed = served.run(*first[1:])
    assert "2 new entries" in printed and "loaded           2" in printed
    served.run("upkeep")


def test_a_backup_can_be_restored_as_shown(program: Program) -> None:
    """Into a second, empty data home, as the documents say."""
    backup, restore = (block.text for block in blocks("sh") if "$PG/" in block.text)
    moved = "export STORYFOLD_HOME=$STORYFOLD_HOME-restored\n"
    done = subprocess.run(
        ["sh", "-eu", "-c", f"storyfold status\n{backup}{moved}{restore}"],
        env={**os.environ, **program.environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    states = [line for line in done.stdout.splitlines() if line.startswith("Store ")]
    assert len(states) == 2 and states[0] == states[1]


def test_other_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for one in commands():
        match words(one.text):
            case ["storyfold", *_]:
                pass
            case ["make", target]:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), one
            case ["export", *assignments]:
                names = {assignment.partition("=")[0] for assignment in assignments}
                assert names <= KNOWN_VARIABLES | variables(), one
            case ["prefect", *arguments]:
                check_started(["prefect", *arguments])
            case [name, *_]:
                assert name in OTHER_PROGRAMS or "$PG" in one.text or name.startswith("PG="), one


def test_every_command_of_the_program_is_shown() -> None:
    told = [" ".join(words(one.text)[1:]) for one in commands() if is_ours(one.text)]
    assert [name for name in commands_of_the_program() if not any(re.match(rf"{name}\b", line) for line in told)] == []


def test_no_command_is_named_that_does_not_exist() -> None:
    named = [span for span in spans() if re.match(r"storyfold (?:-\S+ )*[a-z]", span.text)]
    known = commands_of_the_program()
    assert named
    for span in named:
        told = re.sub(r"^storyfold (?:-\S+ )*", "", span.text)
        assert any(re.match(rf"{name}\b", told) for name in known), span


# --- Queries and the store ------------------------------------------------------------------------------------


@parametrize(blocks("sql"))
def test_a_query_answers(engine: Engine, shown: str) -> None:
    with engine.connect() as connection:  # rolled back: some make a role, or drop a schema
        for statement in filter(str.strip, shown.split(";\n")):
            connection.exec_driver_sql(statement)


def described(schema: str) -> dict[str, dict[str, str]]:
    """Table or view → column → meaning, as docs/store.md has them."""
    names = re.findall(rf"^(#+ `{schema}\.\w+`)$", STORE, re.MULTILINE)
    return {heading.split("`")[1]: table(STORE, heading) for heading in names}


def stored(engine: Engine, schema: str) -> dict[str, dict[str, str | None]]:
    """The same as the database has them, without the tables of one spec that inherit theirs."""
    query = """SELECT table_schema || '.' || table_name, column_name,
                      col_description((table_schema || '.' || table_name)::regclass, ordinal_position::int)
               FROM information_schema.columns
               WHERE table_schema = :schema
                 AND (table_schema || '.' || table_name)::regclass NOT IN (SELECT inhrelid FROM pg_inherits)
               ORDER BY 1, ordinal_position"""
    found: dict[str, dict[str, str | None]] = {}
    with engine.connect() as connection:
        for name, column, comment in connection.execute(text(query), {"schema": schema}):
            found.setdefault(name, {})[column] = comment
    return found


@pytest.mark.parametrize("schema", ["news", "storyfold"])
def test_every_table_view_and_column_is_described_in_the_words_of_its_comment(engine: Engine, schema: str) -> None:
    in_database, in_document = stored(engine, schema), described(schema)
    assert {name: list(columns) for name, columns in in_document.items()} == {
        name: list(columns) for name, columns in in_database.items()
    }
    for name, columns in in_database.items():
        commented = {column: comment for column, comment in columns.items() if comment is not None}
        assert {column: in_document[name][column] for column in commented} == commented, name


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("### Outcomes", Outcome),
        ("### Reasons of a rejection", Reason),
        ("### Kinds of a revision", set(RevisionKind) - {RevisionKind.UNCHANGED}),  # which leaves none
        ("### Kinds of a match", MatchKind),
        ("### Changes of a story", Change),
        ("### Kinds of a judgement", JudgementKind),
        ("### Kinds of an alert", AlertKind),
        ("### Flags of an article", Flag),
        ("### Kinds of a cut", CutKind),
        ("### Zones of a cut", Zone),
        ("### Where a publication time was found", DateOrigin),
    ],
)
def test_closed_lists_are_complete(heading: str, values: set[str]) -> None:
    section = STORE.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    listed = table(STORE, heading) if "|---|" in section else re.findall(r"`([a-z-]+)`", section)
    assert set(listed) == {str(value) for value in values}


def test_the_rules_for_the_canonical_article_are_those_of_the_view() -> None:
    listed = ", ".join(table(STORE, "### Rules for the canonical article"))
    assert described("news")["news.story"]["canonical_rule"].endswith(f"{listed}.")


def test_relations_named_in_sentences_exist(engine: Engine) -> None:
    known = {*stored(engine, "news"), *stored(engine, "storyfold"), "news.search"}
    named = [span for span in spans() if re.fullmatch(r"(?:news|storyfold)\.\w+", span.text)]
    assert named and [span for span in named if span.text not in known] == []


# --- Settings and sources -------------------------------------------------------------------------------------


def variables() -> set[str]:
    return {f"STORYFOLD_{name.upper()}" for name in Settings.model_fields}


def test_the_settings_are_those_of_the_readme() -> None:
    assert set(table(TEXT[Path("README.md")], "## Settings")) == variables()
    named = set(re.findall(r"STORYFOLD_[A-Z_]*[A-Z]", "".join(TEXT.values())))
    assert named <= variables()


@parametrize(one for one in blocks("toml") if not is_pack(one.text))
def test_a_source_file_can_be_read(shown: str) -> None:
    source = read_source(shown, "morning-herald")
    assert source.feeds


def test_every_key_of_a_source_file_is_described() -> None:
    sections = {"": "### Of the source", "fetch.": "### In fetch", "expect.": "### In expect", "urls.": "### In urls"}
    sources = TEXT[Path("docs/sources.md")]
    assert {prefix: set(table(sources, heading)) for prefix, heading in sections.items()} == {
        prefix: set(keys) for prefix, keys in KEYS.items()
    }


def test_every_key_of_a_rule_pack_is_described() -> None:
    rules = TEXT[Path("docs/rules.md")]
    assert set(table(rules, "### Of a pack")) == set(PACK_KEYS)
    assert set(table(rules, "### Of a rule")) == set(RULE_KEYS)


# --- Names, links, places -------------------------------------------------------------------------------------


def test_links_lead_somewhere() -> None:
    for path, content in TEXT.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", content):
            target, _, anchor = link.partition("#")
            if "://" in target:
                continue
            file = (ROOT / path.parent / target).resolve() if target else ROOT / path
            assert file.exists(), (path, link)
            assert not anchor or anchor in anchors(file.read_text("utf-8")), (path, link)


def anchors(content: str) -> set[str]:
    """The headings as GitHub links them."""
    headings = re.findall(r"^#+ (.+)$", content, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_files_and_folders_named_in_sentences_exist() -> None:
    named = [span for span in spans() if re.match(r"(?:flows|load|transform|extract|infra|tests|docs)/", span.text)]
    assert named and [span for span in named if not (ROOT / span.text).exists()] == []


def test_modules_and_functions_named_in_sentences_exist() -> None:
    named = [span for span in spans() if re.fullmatch(r"(?:flows|load|transform|extract)(?:\.\w+)+", span.text)]
    assert named
    for span in named:
        folder, module, *names = span.text.split(".")
        assert set(names) <= top_level(ROOT / folder / f"{module}.py"), span


def top_level(module: Path) -> set[str]:
    """The functions and classes of a module."""
    body = ast.parse(module.read_text("utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def test_every_decision_is_listed_and_says_situation_choice_and_price() -> None:
    for file in sorted((ROOT / "docs/decisions").iterdir()):
        content = file.read_text("utf-8")
        assert f"(decisions/{file.name})" in TEXT[Path("docs/architecture.md")], file.name
        assert content.startswith(f"# {file.name[:4]} · ")
        assert [part for part in ("Situation", "Choice", "Price") if f"**{part}.**" not in content] == [], file.name


def test_no_place_of_one_machine_or_unknown_host_is_named() -> None:
    for path, content in TEXT.items():
        absolute = set(re.findall(r"(?<![\w.:/<>$~*…’'\])-])/(?:[\w.-]+/)*[\w.-]+", content))
        assert absolute <= FOLDERS_OF_THE_SYSTEM, path
        hosts = set(re.findall(r"https?://([\w.-]+)", content))
        assert {host for host in hosts if not host.endswith(".example")} <= KNOWN_HOSTS, path


def test_tables_of_markdown_are_whole() -> None:
    """Every row of a table has as many cells as its head."""
    for path, content in TEXT.items():
        for lines in re.findall(r"(?:^\|.*\n)+", content, re.MULTILINE):
            cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines.splitlines()]
            assert len(set(cells)) == 1, (path, lines.splitlines()[0])


def test_a_folder_says_what_comes_in_what_goes_out_and_what_it_never_does() -> None:
    for folder in ("flows", "load", "transform", "extract"):
        told = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text("utf-8"))) or ""
        assert all(part in told for part in ("In come", "out go", "never")), folder
