"""The command line. What only some commands need is imported inside them: help and listings must not wait for Prefect,
whose import alone takes seconds.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from extract.model import Profile
from flows.commands.alerts import alerts
from flows.commands.backfill import backfill
from flows.commands.db import db_app
from flows.commands.evaluate import eval_app
from flows.commands.judge import judge_app
from flows.commands.quarantine import quarantine_app
from flows.commands.rebuild import rebuild
from flows.commands.reopen import reopen
from flows.commands.rules import rules_app
from flows.commands.serve import serve
from flows.commands.shared import (
    FAILED,
    TROUBLED,
    AsJson,
    Complaint,
    OnAddress,
    OnTaskRunner,
    at_work,
    open_store,
    read_by,
    read_settings,
    reading_spec,
    refuse_disabled,
    refuse_unknown,
    source_files,
    tell,
)
from flows.commands.source import source_app

if TYPE_CHECKING:
    from extract.model import FetchPolicy, Page, Rejection
    from flows.run import Summary
    from flows.settings import Settings

EPILOG = """\
Times are UTC. Exit codes: 0 done; 1 not done, and the error output says why; 2 wrong usage; 3 done, but a feed failed,
something was quarantined, a source broke what its file expects, or what was looked at needs a look; 130 stopped.

Settings are environment variables: STORYFOLD_HOME (where the store is), STORYFOLD_DATABASE_URL (a Postgres of your own
instead of the embedded one), STORYFOLD_SOURCES (the folder of source files, './sources' by default) and others."""


Names = Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help="Only these sources; all by default.")]


class Program(TyperGroup):
    """The commands; a complaint ends any of them."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Complaint as complaint:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"storyfold: {complaint}", err=True)
            raise typer.Exit(FAILED) from complaint


app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=EPILOG,
)
app.add_typer(eval_app, name="eval", rich_help_panel="Look")
app.add_typer(source_app, name="source", rich_help_panel="Care")
app.add_typer(rules_app, name="rules", rich_help_panel="Care")
app.add_typer(judge_app, name="judge", rich_help_panel="Care")
app.add_typer(quarantine_app, name="quarantine", rich_help_panel="Care")
app.add_typer(db_app, name="db", rich_help_panel="Care")
app.command(rich_help_panel="Care")(rebuild)


def main() -> None:
    """The program. Characters that the terminal's encoding lacks are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="storyfold")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"storyfold {metadata.version('storyfold')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Turn the news as it is published into one clean, de-duplicated, queryable store of stories."""


# --- Work -----------------------------------------------------------------------------------------------------


@app.command(rich_help_panel="Work")
def run(
    names: Names = None,
    passes: Annotated[int, typer.Option(min=1, help="How many times.")] = 1,
    pause: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Rest between two passes.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Poll the feeds, fetch what is new, and place it in its stories.

    It can be stopped at any time and run by several processes at once: nothing is lost, and nothing is done twice.
    """
    with _lines(names, only_files=True):
        from flows.run import run_lines

        result = run_lines(names or [], passes=passes, pause_s=pause)
    _show_summary(result, as_json)


app.command(rich_help_panel="Work")(serve)


@app.command(rich_help_panel="Work")
def discover(names: Names = None, as_json: AsJson = False) -> None:
    """Poll the feeds, due or not, and note what they announce."""
    with _lines(names, only_files=True):
        from flows import discover as line

        counts = line.discover(names or [], early=True)
    _show_counts("discover", counts, as_json)


@app.command(rich_help_panel="Work")
def collect(names: Names = None, as_json: AsJson = False) -> None:
    """Fetch the announced pages that are due, and keep them in the archive."""
    with _lines(names):
        from flows import collect as line

        counts = line.collect(names or [])
    _show_counts("collect", counts, as_json)


@app.command(rich_help_panel="Work")
def ingest(task_runner: OnTaskRunner = None, address: OnAddress = None, as_json: AsJson = False) -> None:
    """Read the fetched pages, and place their articles in stories. Asks nothing of the web."""
    read_by(task_runner, address)
    with at_work():
        from flows import ingest as line

        counts = line.ingest()
    _show_counts("ingest", counts, as_json)


@app.command(rich_help_panel="Work")
def upkeep(as_json: AsJson = False) -> None:
    """Learn what each source repeats from story to story, and read again the pages that this concerns.

    It asks nothing of the web. A run ends with it.
    """
    with at_work():
        from flows import upkeep as line

        counts = line.upkeep()
    _show_counts("upkeep", counts, as_json)


@app.command(rich_help_panel="Work")
def load(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders, see above.")],
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="The source they are from; by default folder or domain say it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load what lies at hand, and fetch what lists of URLs name.

    HTML and text files, WARC files (.warc, .warc.gz), and folders of these; lists of URLs (.urls, or .txt with nothing
    else in it) and tables with a column 'url' (.csv, .tsv).
    """
    for path in paths:
        if not path.exists():
            raise Complaint(f"There is no file or folder {path}.")
    with at_work():
        from extract.files import NothingToLoad
        from flows.at_hand import load_paths

        try:
            result = load_paths(paths, source)
        except NothingToLoad as error:
            raise Complaint(str(error)) from error
    _show_summary(result, as_json)


app.command(rich_help_panel="Work")(backfill)


app.command(rich_help_panel="Work")(reopen)


@app.command(rich_help_panel="Work")
def extract(
    target: Annotated[str, typer.Argument(metavar="FILE|URL", help="An HTML or text file, or an address.")],
    profile: Annotated[
        Profile | None, typer.Option(help="By several extractors or by one; STORYFOLD_PROFILE unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what one page gives: the blocks that are kept, and those that are cut, each with its rule.

    Nothing is stored.
    """
    from extract.model import Announcement, Rejection, SourceName
    from flows.reading import be_quiet
    from flows.show import extraction as show
    from flows.show.common import console, to_json
    from transform.read import read_page

    be_quiet()
    spec = reading_spec(profile)
    page = _page_at(target)
    announced = Announcement(source=SourceName("extract"))
    read = page if isinstance(page, Rejection) else read_page(page, announced, spec)
    typer.echo(to_json(show.extraction_values(read))) if as_json else show.extraction(console(), read)
    if isinstance(read, Rejection):
        raise typer.Exit(TROUBLED)


# --- Look -----------------------------------------------------------------------------------------------------


@app.command(rich_help_panel="Look")
def stories(
    query: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help='Words to find; "a phrase", -without, this or that.')
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Only in this language, such as pl.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], metavar="DATE", help="Only published since, as 2026-03-01."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest stories, or those in which the words are found.

    Case and accents do not matter. Put `--` before words that begin with '-'.
    """
    from flows.show import stories as show
    from load.report import stories

    aware = None if since is None else since.replace(tzinfo=UTC)
    with open_store() as store, store.engine.connect() as connection:
        found = stories.list_stories(connection, " ".join(query or []) or None, limit, language, aware)
    tell(found, as_json, show.stories)


@app.command(rich_help_panel="Look")
def story(
    story_id: Annotated[int, typer.Argument(metavar="ID", help="The story's number.")],
    articles: Annotated[list[int] | None, typer.Argument(metavar="A B", help="Two articles, for --diff.")] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="How the copies differ from the canonical article, or B from A.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a story: its text, its copies in order of publication, what happened to it and what people judged."""
    from flows.show.differences import differences as show_differences
    from flows.show.stories import story as show_story
    from load.report.differences import difference
    from load.report.stories import story as read_story

    if articles and (len(articles) != 2 or not diff):
        raise typer.BadParameter("Give two articles, and --diff.", param_hint="A B")
    with open_store() as store, store.engine.connect() as connection:
        value = read_story(connection, story_id)
        canonical = value.canonical_article_id
        copies = [member.article_id for member in value.members if member.article_id != canonical]
        pairs = [(articles[0], articles[1])] if articles else [(canonical, copy) for copy in copies]
        found = [difference(connection, a, b) for a, b in pairs] if diff else []
    if not diff:
        tell(value, as_json, show_story)
    elif found or as_json:
        tell(found, as_json, show_differences)
    else:
        typer.echo(f"Story {value.id} has only one article.")


@app.command(rich_help_panel="Look")
def why(
    item: Annotated[str, typer.Argument(metavar="URL|ID", help="A URL, the number of an article, or entry:NUMBER.")],
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="A second article: why they are, or are not, one text.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="All passages, each whole.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell the whole history of one item, or what two articles have in common.

    Where it was announced, when it was fetched, what was cut from it and by which rule, what it was compared with,
    with which scores and which words in common, whose text it is, which story it belongs to, and what people judged.
    Of two articles: the judgements on them, the verdict on record, or what would be measured now, the facts that only
    one has, and the passages.
    """
    from flows.show import items as show
    from load.report.comparison import compare
    from load.report.items import why
    from transform.verify import MatchPolicy

    with open_store() as store, store.engine.connect() as connection:
        if other is None:
            tell(why(connection, item), as_json, show.history, full=full)
        else:
            tell(compare(connection, item, other, MatchPolicy()), as_json, show.comparison, full=full)


@app.command(rich_help_panel="Look")
def changes(
    since: Annotated[
        int, typer.Option(metavar="CURSOR", help="Only changes after this one: the number of the last one you have.")
    ] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one change a line.")] = False,
) -> None:
    """List what happened to stories, in order: founded, joined, left, merged, split, canonical.

    Keep the number of the last change and give it next time: nothing is missed, and nothing comes late.
    """
    from flows.show import changes as show
    from flows.show.common import console, to_json_line
    from load.report import stories

    out = console()
    with open_store() as store, store.engine.connect() as connection:
        for change in stories.changes(connection, since, limit):
            typer.echo(to_json_line(change)) if as_json else show.change(out, change)


@app.command(rich_help_panel="Look")
def status(as_json: AsJson = False) -> None:
    """Tell how the store stands: what waits, what came of everything announced, what fails."""
    from flows.show import state as show
    from load.report import state

    with open_store() as store, store.engine.connect() as connection:
        value = state.status(connection)
    tell(value, as_json, show.status)


app.command(rich_help_panel="Look")(alerts)


# --- What the commands share ----------------------------------------------------------------------------------


@contextmanager
def _lines(names: Sequence[str] | None, *, only_files: bool = False) -> Iterator[None]:
    """As `at_work`, once all names are known, from the sources folder or, unless `only_files`, from the store."""
    from load import sources

    settings = read_settings()
    files = source_files(settings) if only_files or settings.sources.is_dir() else ()
    refuse_disabled(names or (), files)
    known = [str(file.name) for file in files]
    if only_files:
        refuse_unknown(names or (), known)
    with at_work() as store:
        if not set(names or ()) <= set(known):
            with store.engine.connect() as connection:
                known += sources.names(connection)
            refuse_unknown(names or (), known)
        yield


def _show_summary(result: Summary, as_json: bool) -> None:
    from flows.show import runs as show

    tell(result, as_json, show.run_summary)
    troubled = show.has_trouble(result.outcomes) or show.has_trouble(result.left_out)
    if result.feeds_failed or result.breaches_begun or result.alerts_begun or troubled:
        raise typer.Exit(TROUBLED)


def _show_counts(line: str, counts: dict[str, int], as_json: bool) -> None:
    from flows.show import runs as show

    tell(counts, as_json, show.counts, line)
    if show.has_trouble(counts):
        raise typer.Exit(TROUBLED)


def _page_at(target: str) -> Page | Rejection:
    """The file's or the address's bytes."""
    if re.match(r"https?://", target, re.IGNORECASE):
        return asyncio.run(_fetch(target, read_settings()))
    from extract.files import read_file

    try:
        return read_file(Path(target))
    except OSError as error:
        raise Complaint(f"{target} cannot be read: {error.strerror}.") from error


async def _fetch(target: str, settings: Settings) -> Page | Rejection:
    from extract.fetch import Fetcher, FetchFault
    from extract.model import NotModified

    async with Fetcher() as web:
        try:
            got = await web.get(target, _policy_for(target, settings))
        except FetchFault as fault:
            raise Complaint(f"{target} cannot be fetched now: {fault.cause}.") from fault
    assert not isinstance(got, NotModified)  # no validators were sent
    return got


def _policy_for(target: str, settings: Settings) -> FetchPolicy:
    """The manners of the source that the address belongs to, else the general ones."""
    from extract.urls import BadUrl, registrable_domain

    try:
        domain = registrable_domain(target)
    except BadUrl as error:
        raise Complaint(f"{target} is no address: {error.why}.") from error
    files = source_files(settings) if settings.sources.is_dir() else ()
    owners = (file.fetch for file in files if domain in {registrable_domain(feed.url) for feed in file.feeds})
    return next(owners, settings.fetch_policy)
