"""`storyfold eval dedup`: a labelled stream through a store of its own, what is printed, and what bad input costs."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from newsstream import Item, stream, write_stream
from typer.testing import CliRunner

from extract.labelled_stream import StoryLabel, open_for_groups, story_labels, stream_ids, streamed, write_groups
from flows.cli import app
from flows.evaluate_dedup import Grouping, evaluate, group
from flows.settings import Settings

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]

STREAM = tuple(stream(8, 90, per_day=90, families={"story": 1}))
LABELS = {"id": "a", "url": "https://herald.example/a", "text": "The ferry was late."}


@pytest.fixture
def cli(tmp_path: Path) -> Run:
    """Runs the command in an environment whose store it must leave alone."""
    environment = {
        "STORYFOLD_HOME": str(tmp_path / "home"),
        "STORYFOLD_DATABASE_URL": "postgresql://nobody@nowhere.example/",
        "STORYFOLD_PROCESSES": "1",
    }

    def run(*args: object) -> Ran:
        result = CliRunner().invoke(app, ["eval", "dedup", *map(str, args)], env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="module")
def grouping(tmp_path_factory: pytest.TempPathFactory) -> Grouping:
    """A stream, with an article that is too short, one whose URL is none, and a text that comes again."""
    last = STREAM[-1]
    odd = [
        replace(last, id="short", url="https://herald.example/short", text="The ferry was late.", cluster=9_001),
        replace(last, id="nowhere", url="https://[no.address", cluster=9_002),
        replace(last, id="again", edit="revision"),
    ]
    articles, _ = write_stream(tmp_path_factory.mktemp("stream"), [*STREAM, *odd])
    return group(streamed(articles), Settings(processes=1), learn=True, done=lambda _: None)


def test_every_article_has_a_story_and_copies_have_one(grouping: Grouping) -> None:
    labels = {item.id: label(item) for item in STREAM}
    found = evaluate(grouping, labels)
    assert set(grouping.groups) == {*labels, "short", "nowhere", "again"}
    assert (found.articles, found.labelled) == (93, 90)
    assert found.scores is not None
    assert found.scores.figures.precision > 0.98
    assert found.scores.figures.recall > 0.75
    assert found.scores.edits["exact"].share > 0.8


def test_what_is_no_article_is_named_and_has_a_story_of_its_own(grouping: Grouping) -> None:
    found = evaluate(grouping, {})
    assert {refused.id: refused.reason for refused in found.refused} == {"short": "too-short", "nowhere": "bad-url"}
    shared = [id_ for id_, story in grouping.groups.items() if story in ("alone-short", "alone-nowhere")]
    assert shared == ["short", "nowhere"]
    assert found.stories == len(set(grouping.groups.values())) - 2
    assert found.scores is None


def test_texts_of_one_url_are_one_article(grouping: Grouping) -> None:
    assert grouping.groups["again"] == grouping.groups[STREAM[-1].id]
    assert grouping.articles["again"] == grouping.articles[STREAM[-1].id]


def test_the_curve_goes_through_what_the_store_holds(grouping: Grouping) -> None:
    found = evaluate(grouping, {item.id: label(item) for item in STREAM}).scores
    assert found is not None
    here = [point for point in found.curve if point.is_policy]
    assert [point.threshold for point in here] == ["same_jaccard", "contained"]
    assert all(point.f1 == pytest.approx(found.figures.f1) for point in here)
    strict = [point.recall for point in found.curve if point.threshold == "same_jaccard"]
    assert strict == sorted(strict, reverse=True)
    assert strict[-1] < strict[0]


def label(item: Item) -> StoryLabel:
    return StoryLabel(story=str(item.cluster), family=item.family, edit=item.edit)


# --- The command ----------------------------------------------------------------------------------------------


def test_figures_are_told_and_a_hyphen_prints_the_stories(cli: Run, tmp_path: Path) -> None:
    """With the stories on the output, the figures go to the error output."""
    articles, truth = write_stream(tmp_path, STREAM)
    ran = cli(articles, "--truth", truth, "--out", "-", "--limit", 12, "--no-memory")
    assert ran.returncode == 0
    assert [row["id"] for row in csv.DictReader(ran.stdout.splitlines())] == [item.id for item in STREAM[:12]]
    assert all(told in ran.stderr for told in ("12 articles in ", "B-cubed", "With same_jaccard at"))


def test_stories_are_written_and_packed_where_the_name_says_so(tmp_path: Path) -> None:
    for name, unpack in (
        ("stories.csv", Path.read_bytes),
        ("stories.csv.gz", lambda file: gzip.decompress(file.read_bytes())),
    ):
        with open_for_groups(tmp_path / name) as out:
            write_groups(out, {"a": "1", "b, c": "alone-b"})
        assert unpack(tmp_path / name) == b'id,cluster\na,1\n"b, c",alone-b\n'


def test_the_output_takes_one_of_the_two(cli: Run, tmp_path: Path) -> None:
    ran = cli(tmp_path / "a.jsonl", "--out", "-", "--json")
    assert ran.returncode == 2
    assert "choose one" in ran.stderr


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "has no articles"),
        (["{"], "line 1: it is no JSON"),
        (["[1]"], "line 1: it is no JSON object"),
        ([{"id": "a", "text": "b"}], "line 1: it has no 'url'"),
        ([{**LABELS, "id": ""}], "line 1: its 'id' is empty"),
        ([{**LABELS, "id": 7}], "line 1: its 'id' is no text"),
        ([LABELS, "", LABELS], "line 3: the id 'a' came before"),
        ([{**LABELS, "published_at": "tomorrow"}], "line 1: its 'published_at' is no time: \"tomorrow\""),
        ([{**LABELS, "fetched_at": 1e99}], "line 1: its 'fetched_at' is no time: 1e+99"),
        ([{**LABELS, "fetched_at": True}], "line 1: its 'fetched_at' is no time: true"),
        ([{**LABELS, "outlet": ["Herald"]}], "line 1: its 'outlet' is no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_article_that_is_none_is_told_by_its_line(
    cli: Run, tmp_path: Path, lines: list[object], complaint: str
) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    ran = cli(file)
    assert ran.returncode == 1
    assert complaint in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("", "has no column 'id'"),
        ("id;cluster\na;1\n", "has no column 'id'"),
        ("id,story\na,1\n", "has no column 'cluster'"),
        ("id,cluster\n", "has no rows"),
        ("id,cluster\na,1\nb,2\n", "line 3: there is no article 'b'"),
        ("id,cluster\na,1\na,1\n", "line 3: the id 'a' came before"),
        ("id,cluster\na,\n", "line 2: it has no 'cluster'"),
        ("id,cluster\na\n", "line 2: it has no 'cluster'"),
    ],
)
def test_a_truth_that_is_none_is_told_by_its_line(cli: Run, tmp_path: Path, table: str, complaint: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(LABELS))
    (tmp_path / "truth.csv").write_text(table)
    ran = cli(tmp_path / "a.jsonl", "--truth", tmp_path / "truth.csv")
    assert ran.returncode == 1
    assert complaint in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_files_that_cannot_be_read_are_told(cli: Run, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in cli(tmp_path / "none.jsonl").stderr
    whole = gzip.compress(json.dumps(LABELS).encode() * 50)
    (tmp_path / "half.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert "it is damaged" in cli(tmp_path / "half.jsonl.gz").stderr
    (tmp_path / "latin.csv").write_bytes("id,cluster\na,Fähre\n".encode("latin-1"))
    (tmp_path / "a.jsonl").write_text(json.dumps(LABELS))
    assert "is not written in UTF-8" in cli(tmp_path / "a.jsonl", "--truth", tmp_path / "latin.csv").stderr


def test_times_are_read_from_seconds_and_from_words(tmp_path: Path) -> None:
    times = [1772438400, "2026-03-02T08:00:00Z", "2026-03-02T09:00:00+01:00", "2026-03-02T08:00:00", None]
    lines = [{**LABELS, "id": str(place), "published_at": at} for place, at in enumerate(times)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    read = [article.published_at for article in streamed(tmp_path / "a.jsonl")]
    assert read[0] == read[1] == read[2] == read[3]
    assert read[4] is None
    assert stream_ids(tmp_path / "a.jsonl") == ["0", "1", "2", "3", "4"]


def test_the_first_column_of_a_truth_from_a_spreadsheet_is_known(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,cluster,family,edit\r\na,1,story,trim\r\n", encoding="utf-8-sig")
    labels = story_labels(tmp_path / "truth.csv", {"a"})
    assert (labels["a"].story, labels["a"].family, labels["a"].edit) == ("1", "story", "trim")
