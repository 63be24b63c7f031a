"""`storyfold eval`: how well pages, lines and stories come out that someone has labelled."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extract.model import Profile
from flows.commands.shared import TROUBLED, AsJson, Complaint, counting, plainly, read_settings, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extract.labelled import Fault

eval_app = typer.Typer(no_args_is_help=True, help="How well pages, lines and stories come out that you have labelled.")

NoMemory = Annotated[bool, typer.Option("--no-memory", help="Learn nothing of what repeats on a site.")]
Answers = Annotated[Path | None, typer.Option(metavar="FILE", help="Write what was made of each, one JSON a line.")]


@eval_app.command("extraction")
def evaluate_extraction(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of pages with 'truth.jsonl'.")],
    out: Answers = None,
    profile: Annotated[Profile | None, typer.Option(help="How to read, instead of STORYFOLD_PROFILE.")] = None,
    no_memory: NoMemory = False,
    as_first_read: Annotated[
        bool, typer.Option("--as-first-read", help="Write each page as it was first read, not as the store ends up.")
    ] = False,
    peers: Annotated[bool, typer.Option("--peers", help="Have readability-lxml read the pages, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read labelled pages as a run does, and tell how well, beside bare trafilatura.

    Each line of 'truth.jsonl' is an object with 'file' (such as 17.html or 17.html.gz) and 'text' (its lines), and
    perhaps 'url', 'lang', 'title', 'authors' and 'date'. The pages go through a store of their own, in the order of
    the lines, and what repeats on a site is learned on the way. So there are two results: each page as it was first
    read, and as the store holds it in the end, when early pages have been read again with what was learned later.
    """
    from extract.labelled import BadLabels, labelled_pages

    settings = read_settings()
    try:
        labels = labelled_pages(folder)
    except BadLabels as error:
        raise Complaint(str(error)) from error
    _check_place(out)
    if not labels.items:
        _tell(labels.faults)
        raise Complaint(f"{folder} has no labelled pages that can be read.")
    with counting(len(labels.items), "pages read") as done, plainly():
        from flows import evaluate
        from flows.show import evaluation as show

        beside = [evaluate.Peer.TRAFILATURA, *([evaluate.Peer.READABILITY] if peers else [])]
        settings = settings.model_copy(update={"profile": profile or settings.profile})
        reading = evaluate.read_labels(labels, settings, beside, learn=not no_memory, done=done)
    _write_answers(out, (page.first if as_first_read else page.last for page in reading.pages))
    result = evaluate.evaluate(reading)
    tell(result, as_json, show.evaluation)
    _tell(result.left_out)
    if result.left_out:
        raise typer.Exit(TROUBLED)


@eval_app.command("lines")
def evaluate_lines(
    file: Annotated[Path, typer.Argument(metavar="DOCS", help="Documents, one JSON object a line.")],
    out: Answers = None,
    no_memory: NoMemory = False,
    as_json: AsJson = False,
) -> None:
    """Say which lines of already extracted texts are to be kept, and tell how well where they are labelled.

    Each document is an object with 'id' and 'lines' (a list of texts), and perhaps 'lang', 'url', and 'keep' or
    'labels' (a list of true and false, one a line); a line may also be a pair of its text and its label. What repeats
    on a site is learned first, of the documents with a URL. Written are 'id' and 'keep'.
    """
    from extract.labelled import BadLabels, labelled_lines

    settings = read_settings()
    try:
        labels = labelled_lines(file)
    except BadLabels as error:
        raise Complaint(str(error)) from error
    _check_place(out)
    with counting(len(labels.items), "documents read") as done, plainly():
        from flows import evaluate_lines
        from flows.show import evaluation as show

        reading = evaluate_lines.read_lines(labels, settings, learn=not no_memory, done=done)
    _write_answers(out, reading.answers)
    result = evaluate_lines.evaluate(reading)
    tell(result, as_json, show.lines_evaluation)
    _tell(result.left_out)
    if result.left_out:
        raise typer.Exit(TROUBLED)


@eval_app.command("dedup")
def evaluate_dedup(
    file: Annotated[Path, typer.Argument(metavar="ARTICLES", help="Articles in order of arrival, one JSON a line.")],
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which are one story: a CSV table with id and cluster.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write id and story of every article as CSV; '-' to print it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many articles.")] = None,
    no_memory: NoMemory = False,
    as_json: AsJson = False,
) -> None:
    """Find the stories of a stream of articles, and tell how rightly where they are labelled.

    Each article is an object with 'id', 'url' and 'text', and perhaps 'outlet', 'title', 'byline', 'published_at' and
    'fetched_at' (Unix seconds or ISO 8601). They go through a store of their own in the order of the lines. The truth
    may also have the columns 'family' and 'edits', by which errors are told apart. Files may be packed by gzip.
    """
    from extract.labelled import BadLabels
    from extract.labelled_stream import story_labels, stream_ids, streamed

    if str(out) == "-" and as_json:
        raise typer.BadParameter("Both '--json' and '--out -' print to the output: choose one, or write to a file.")
    settings = read_settings()
    try:
        ids = stream_ids(file)
        labels = story_labels(truth, frozenset(ids)) if truth else {}
    except BadLabels as error:
        raise Complaint(str(error)) from error
    _check_place(out)
    with counting(min(limit or len(ids), len(ids)), "articles placed") as done, plainly():
        from flows import evaluate_dedup
        from flows.show import evaluation as show
        from flows.show.common import console, to_json

        grouping = evaluate_dedup.group(streamed(file, limit), settings, learn=not no_memory, done=done)
    _write_groups(out, grouping.groups)
    result = evaluate_dedup.evaluate(grouping, labels)
    typer.echo(to_json(result)) if as_json else show.dedup_evaluation(console(stderr=str(out) == "-"), result)


def _write_groups(out: Path | None, groups: Mapping[str, str]) -> None:
    from extract.labelled_stream import open_for_groups, write_groups

    if out is None:
        return
    if str(out) == "-":
        write_groups(sys.stdout, groups)
        return
    try:
        with open_for_groups(out) as place:
            write_groups(place, groups)
    except OSError as error:
        raise Complaint(f"{out} cannot be written: {error.strerror}.") from error


def _check_place(out: Path | None) -> None:
    """Complain before the work is done where its result could not be written."""
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise Complaint(f"{out} cannot be written: {'it is a folder' if out.is_dir() else 'there is no such folder'}.")


def _write_answers(out: Path | None, answers: Iterable[object]) -> None:
    from extract.labelled import write_objects

    if out is None:
        return
    try:
        write_objects(out, answers)
    except OSError as error:
        raise Complaint(f"{out} cannot be written: {error.strerror}.") from error


def _tell(faults: Sequence[Fault]) -> None:
    """Name what was left out of some labels."""
    for fault in faults:
        typer.echo(f"storyfold: {fault.place} was left out: {fault.why}.", err=True)
