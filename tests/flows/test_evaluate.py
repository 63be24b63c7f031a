"""Labelled pages and lines, read by the command: what is printed, what is written, what bad input costs."""

from __future__ import annotations

import gzip
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE
from typer.testing import CliRunner

from flows.cli import app

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title>
<meta property="article:published_time" content="2026-03-02T08:30:00+09:00"><meta name="author" content="Ida Roe"></head>
<body><nav><a href="/">Home</a></nav><article><h1>{title}</h1>{paragraphs}
<p>The Herald is set by hand on Orrin quay</p>
<p>Sign up for our newsletter and never miss a story.</p></article><footer>The Morning Herald</footer></body></html>"""
FIRE = PAGE.format(title="Rope store burns", paragraphs="".join(f"<p>{text}</p>" for text in HARBOUR_FIRE))
RECURS = "The Herald is set by hand on Orrin quay"
TOLL = PAGE.format(title="Toll to rise", paragraphs="".join(f"<p>{text}</p>" for text in BRIDGE_TOLL))
SHORT = PAGE.format(title="In short", paragraphs="<p>The ferry was late.</p>")


@pytest.fixture
def cli(tmp_path: Path) -> Run:
    return runner(tmp_path / "home")


def runner(home: Path) -> Run:
    """Runs a command in an environment whose store it must leave alone."""
    environment = {
        "STORYFOLD_HOME": str(home),
        "STORYFOLD_DATABASE_URL": "postgresql://nobody@nowhere.example/",
        "STORYFOLD_PROCESSES": "1",
    }

    def run(*args: object) -> Ran:
        result = CliRunner().invoke(app, [str(arg) for arg in args], env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)

    return run


def answers(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


# --- Pages ----------------------------------------------------------------------------------------------------


def fill(folder: Path) -> None:
    """Labelled pages: packed and plain, with a URL, without, and with one that is none; articles, and others."""
    fire = {"text": "\n".join(HARBOUR_FIRE), "title": "Rope store burns", "authors": ["Ida Roe"], "date": "2026-03-02"}
    toll = {"text": "\n".join(BRIDGE_TOLL), "title": "Another title", "lang": "en"}
    labels = [
        {"file": "0.html.gz", "url": "https://herald.example/2026/fire", "lang": "en", **fire},
        {"file": "1.html", "url": "https://herald.example/2026/toll", **toll},
        {"file": "2.html", "url": "https://herald.example/", "text": ""},
        {"file": "3.html", "url": "https://[no.address", "text": "The toll will rise again soon."},
        {"file": "4.html", "text": "The ferry was late.", "lang": "de"},
        {"file": "5.html.gz", "text": "A text on a page that is no gzip."},
        {"file": "6.html", "text": "A text on a page that is not there."},
    ]
    (folder / "0.html.gz").write_bytes(gzip.compress(FIRE.encode(), mtime=0))
    for number, page in enumerate((TOLL, FIRE, TOLL, SHORT), 1):
        (folder / f"{number}.html").write_text(page, encoding="utf-8")
    (folder / "5.html.gz").write_bytes(b"no gzip")
    lines = [*map(json.dumps, labels), "no json"]
    (folder / "truth.jsonl").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where temporary folders are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("scratch")))
        yield Path(tempfile.gettempdir())


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Callable[..., tuple[Ran, list[dict[str, Any]]]]:
    """What the command prints of these pages and what it writes, with some options; each run is made once."""
    folder = tmp_path_factory.mktemp("pages")
    fill(folder)
    run = runner(scratch / "home")

    @cache
    def made(*options: str) -> tuple[Ran, list[dict[str, Any]]]:
        out = folder / "answers"
        ran = run("eval", "extraction", folder, "--out", out, *options)
        return ran, answers(out)

    return made


def test_labelled_pages_are_read_and_judged(run_of) -> None:
    ran, _ = run_of("--no-memory", "--peers", "--json")
    told = json.loads(ran.stdout)
    assert [row["reader"] for row in told["rows"]] == ["storyfold", "trafilatura", "readability-lxml"]
    ours, bare, readability = (row["figures"] for row in told["rows"])
    assert ours["pages"] == 4 and 0.8 < ours["precision"] < 1.0 and ours["recall"] == 2 / 4
    assert (ours["leaked_lines"], ours["dirty_pages"]) == (1 / 2, 1 / 2)
    assert (ours["title"], ours["authors"], ours["date"]) == (1 / 2, 1.0, 1.0)
    assert bare["leaked_lines"] > 1 / 2 and bare["authors"] == 1.0
    assert readability["f1"] > 0 and readability["authors"] is None
    assert told["rejected"] == {"bad-url": 1, "too-short": 1}
    assert (told["no_articles"], told["taken_for_articles"]) == (1, 0)
    assert {language: rows[0]["figures"]["pages"] for language, rows in told["languages"].items()} == {"de": 1, "en": 2}
    assert all(row["pages_per_cpu_s"] > 0 for row in told["rows"])


def test_answers_say_what_the_store_holds(run_of) -> None:
    _, (fire, toll, home, bad, short) = run_of("--no-memory", "--peers", "--json")
    assert fire["file"] == "0.html.gz"
    assert fire["text"] == "\n\n".join((*HARBOUR_FIRE, RECURS))
    assert (fire["title"], fire["authors"], fire["language"]) == ("Rope store burns", ["Ida Roe"], "en")
    assert fire["date"] == "2026-03-02T08:30:00+09:00"  # in UTC it is the day before
    assert (fire["extractor"], fire["flags"], fire["rejection"]) == ("trafilatura", [], None)
    assert {"kind": "newsletter", "rule": "en.newsletter.signup"}.items() <= fire["cuts"][-1].items()
    assert (toll["file"], toll["text"]) == ("1.html", "\n\n".join((*BRIDGE_TOLL, RECURS)))
    assert [(page["text"], page["rejection"]) for page in (home, bad, short)] == [
        ("", "not-article"),
        ("", "bad-url"),
        ("", "too-short"),
    ]
    assert (home["detail"], short["cuts"]) == ("a home page", [])


def test_pages_are_read_again_with_what_was_learned_from_later_ones(run_of) -> None:
    ran, (fire, toll, *_) = run_of("--json")
    first, last = (row["figures"] for row in json.loads(ran.stdout)["rows"][:2])
    assert (first["leaked_lines"], last["leaked_lines"]) == (1 / 2, 0)
    assert (fire["text"], toll["text"]) == ("\n\n".join(HARBOUR_FIRE), "\n\n".join(BRIDGE_TOLL))
    assert [cut["text"] for cut in fire["cuts"] if cut["kind"] == "repeated"] == [RECURS]


def test_the_first_reading_can_be_written_instead(run_of) -> None:
    _, (fire, *_) = run_of("--as-first-read")
    assert fire["text"].endswith(RECURS)


def test_what_cannot_be_used_is_told_and_the_rest_is_judged(run_of) -> None:
    ran, written = run_of("--no-memory", "--peers", "--json")
    assert (ran.returncode, len(written)) == (3, 5)
    no_file, no_json, no_gzip = ran.stderr.splitlines()
    assert no_file.startswith("storyfold: line 7 was left out: there is no file ")
    assert no_json.startswith("storyfold: line 8 was left out: it is no JSON: ")
    assert no_gzip.startswith("storyfold: 5.html.gz was left out: it cannot be read: Not a gzipped file")


def test_the_table_has_a_line_a_reader_and_a_part_a_language(run_of) -> None:
    ran, _ = run_of("--as-first-read")
    lines = ran.stdout.splitlines()
    assert lines[0].split() == [
        "4", "pages", "F1", "precision", "recall", "leaked", "dirty", "lost", "title", "authors", "date", "pages/s", "speed",
    ]  # fmt: skip
    assert [line.split("   ")[0] for line in lines[1:4]] == ["storyfold, as first read", "storyfold", "trafilatura"]
    assert lines[3].endswith(" 1.00")
    assert [line.split("  ")[0] for line in lines if "F1" in line] == ["4 pages", "de: 1 page", "en: 2 pages"]
    assert "Articles that are not in the store: bad-url 1, too-short 1" in ran.stdout
    assert "Pages without an article: 1, 0 of them in the store." in ran.stdout


def test_the_store_is_its_own_and_gone_afterwards(run_of, scratch: Path) -> None:
    """The user's database is not asked, which has no server here, and the user's home stays untouched."""
    assert run_of("--json")[0].returncode == 3
    assert not (scratch / "home").exists()
    assert not list(scratch.glob("storyfold-*"))


def test_without_any_page_there_is_nothing_to_judge(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "truth.jsonl").write_text("no json", encoding="utf-8")
    result = cli("eval", "extraction", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[0].startswith("storyfold: line 1 was left out: it is no JSON: ")
    assert result.stderr.splitlines()[1] == f"storyfold: {tmp_path} has no labelled pages that can be read."


def test_a_folder_without_labels_is_told(cli: Run, tmp_path: Path) -> None:
    result = cli("eval", "extraction", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"storyfold: {tmp_path / 'truth.jsonl'} cannot be read: No such file or directory.\n"


@pytest.mark.parametrize("out", ["", "nowhere/out.jsonl"])
def test_where_answers_cannot_be_written_nothing_is_begun(cli: Run, tmp_path: Path, out: str) -> None:
    fill(tmp_path)
    result = cli("eval", "extraction", tmp_path, "--out", tmp_path / out)
    assert result.returncode == 1
    assert "cannot be written: " in result.stderr


# --- Lines ----------------------------------------------------------------------------------------------------

DOCUMENT = {
    "id": "fire",
    "lang": "en",
    "lines": ["Rope store burns", "", *HARBOUR_FIRE, "Sign up for our newsletter and never miss a story."],
}


def documents(folder: Path, *items: object) -> Path:
    file = folder / "documents.jsonl"
    file.write_text("".join(f"{item if isinstance(item, str) else json.dumps(item)}\n" for item in items), "utf-8")
    return file


def test_lines_are_kept_or_dropped(cli: Run, tmp_path: Path) -> None:
    file = documents(tmp_path, DOCUMENT, {"id": "one", "lines": ["Read also: Ferries"]}, {"id": "none", "lines": []})
    result = cli("eval", "lines", file, "--out", tmp_path / "keep.jsonl")
    assert (result.returncode, result.stderr) == (0, "")
    assert answers(tmp_path / "keep.jsonl") == [
        {"id": "fire", "keep": {"1": True, "2": True, "3": True, "4": True, "5": True, "6": False}},
        {"id": "one", "keep": {"1": False}},
        {"id": "none", "keep": {}},
    ]
    assert result.stdout.startswith("3 documents, 7 lines, 2 of them dropped, ")
    assert "labelled" not in result.stdout


def test_labelled_lines_are_judged(cli: Run, tmp_path: Path) -> None:
    labels = [True, None, True, True, False, False]
    pairs = [["The ferry was late again this morning, and nobody knows why it was.", True]]
    file = documents(tmp_path, DOCUMENT | {"keep": labels}, {"id": "ferry", "lines": pairs})
    told = json.loads(cli("eval", "lines", file, "--json").stdout)
    assert (told["documents"], told["lines"], told["dropped"]) == (2, 7, 1)
    assert told["figures"] == {
        "lines": 6,
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "good_lines_lost": 0.0,
    }
    assert "Of 6 labelled lines: dropped with F1 0.667" in cli("eval", "lines", file).stdout


def test_what_repeats_on_a_site_is_dropped_where_urls_tell_sites(cli: Run, tmp_path: Path) -> None:
    told = [("fire", "herald", HARBOUR_FIRE), ("toll", "herald", BRIDGE_TOLL), ("copy", "mail", HARBOUR_FIRE)]
    items = [
        {"id": id_, "url": f"https://{site}.example/{id_}", "lines": [f"The {id_}: a report", *lines, RECURS]}
        for id_, site, lines in told
    ]
    file = documents(tmp_path, *items, {"id": "nowhere", "lines": ["The toll: a report", *BRIDGE_TOLL, RECURS]})
    cli("eval", "lines", file, "--out", tmp_path / "keep.jsonl")
    assert [list(answer["keep"].values())[-1] for answer in answers(tmp_path / "keep.jsonl")] == [
        False,
        False,
        True,
        True,
    ]
    cli("eval", "lines", file, "--out", tmp_path / "keep.jsonl", "--no-memory")
    assert all(all(answer["keep"].values()) for answer in answers(tmp_path / "keep.jsonl"))


def test_a_broken_document_costs_only_itself(cli: Run, tmp_path: Path) -> None:
    file = documents(tmp_path, "no json", {"id": "two"}, DOCUMENT)
    result = cli("eval", "lines", file, "--out", tmp_path / "keep.jsonl")
    assert result.returncode == 3
    told = result.stderr.splitlines()
    assert told[0].startswith("storyfold: line 1 was left out: it is no JSON: ")
    assert told[1] == "storyfold: line 2 was left out: it has no list 'lines'."
    assert [answer["id"] for answer in answers(tmp_path / "keep.jsonl")] == ["fire"]


def test_a_file_that_is_not_there_is_told(cli: Run, tmp_path: Path) -> None:
    result = cli("eval", "lines", tmp_path / "documents.jsonl")
    assert result.returncode == 1
    assert result.stderr == f"storyfold: {tmp_path / 'documents.jsonl'} cannot be read: No such file or directory.\n"
