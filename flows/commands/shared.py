"""What the commands share: settings, the open store, and complaints in place of tracebacks."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Concatenate, ParamSpec, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from extract.model import Profile, Source
    from flows.settings import Settings
    from flows.store import Store
    from load.engine import Connection
    from transform.read import ReadSpec

FAILED = 1
TROUBLED = 3
STOPPED = 130  # as a shell says of what Ctrl-C ended
ROOM_BYTES = 20_000_000  # less free space than one WARC file or WAL segment wants is no room


class TaskRunner(StrEnum):
    """What reads pages beside processes of this machine."""

    DASK = "dask"


_T = TypeVar("_T")
_How = ParamSpec("_How")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OnTaskRunner = Annotated[
    TaskRunner | None, typer.Option("--task-runner", help="Read the pages on a cluster; needs the extra 'dask'.")
]
OnAddress = Annotated[
    str | None,
    typer.Option(metavar="TCP://HOST:PORT", help="The cluster's scheduler; by default one of this machine's own."),
]


class Complaint(Exception):
    """What the user is told instead of a traceback: one sentence."""


def read_settings() -> Settings:
    from pydantic import ValidationError

    from flows.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(["storyfold", *map(str, first["loc"])]).upper()
        raise Complaint(f"{name} is set wrongly: {first['msg']}.") from error


def home_of(settings: Settings) -> Path:
    return settings.home.expanduser().absolute()


def reading_spec(profile: Profile | None = None) -> ReadSpec:
    """By what pages are read here, unless in this profile; own packs that cannot be used are a complaint."""
    from flows.own_packs import own_rules
    from transform.read import ReadSpec

    settings = read_settings()
    with plainly():
        return ReadSpec(profile=profile or settings.profile, rules=own_rules(settings))


@contextmanager
def plainly() -> Iterator[None]:
    """Errors that the user can do something about, as complaints."""
    from extract.catalogue import BadSource
    from extract.source_file import FileExists
    from extract.warc import ArchiveUnavailable
    from flows.isolation import NoProcesses
    from flows.own_packs import NoPacks
    from flows.prefect_server import PrefectUnavailable
    from flows.settings import BadSchedule
    from load.engine import StoreUnavailable
    from load.expectations import NotHeld
    from load.judgements import BadJudgement
    from load.memory import NotRemembered
    from load.own_rules import NotUndone, UnknownRule
    from load.postgres import PostgresUnavailable
    from load.quarantine import NotQuarantined
    from load.reopening import NothingOpen
    from load.report.common import UnknownItem
    from load.specs import ForeignSpec
    from transform.own_rules import BadPack

    try:
        yield
    except (
        ArchiveUnavailable,
        BadJudgement,
        BadPack,
        BadSchedule,
        BadSource,
        FileExists,
        ForeignSpec,
        NotHeld,
        NoPacks,
        NoProcesses,
        NotQuarantined,
        NotRemembered,
        NotUndone,
        NothingOpen,
        PostgresUnavailable,
        PrefectUnavailable,
        StoreUnavailable,
        UnknownItem,
        UnknownRule,
    ) as error:
        raise Complaint(str(error)) from error


@contextmanager
def open_store(settings: Settings | None = None) -> Iterator[Store]:
    from flows.store import open_store

    with plainly(), open_store(settings or read_settings()) as store:
        yield store


@contextmanager
def while_there_is_room(settings: Settings) -> Iterator[None]:
    """A full disk fails in many ways, Prefect's, the archive's and the database's: told as what it is."""
    try:
        yield
    except Exception as error:
        full = next((folder for folder in (home_of(settings), Path(settings.archive_url)) if _is_full(folder)), None)
        if isinstance(error, Complaint) or full is None:
            raise
        raise Complaint(f"The disk that holds {full} is full: make room and run again, nothing is lost.") from error


def _is_full(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free < ROOM_BYTES


@contextmanager
def at_work() -> Iterator[Store]:
    """The open store, with progress shown; Prefect may be imported in the block, and no earlier."""
    from extract.warc import check_archive
    from flows.own_packs import own_rules
    from flows.prefect_env import at_hand
    from flows.progress import watch

    settings = read_settings()
    with plainly():
        check_archive(settings.archive_url)
        own_rules(settings)
    with (
        stopped_by_signals("stopped; the next run goes on from here."),
        open_store(settings) as store,
        watch(store.engine),
        while_there_is_room(settings),
        at_hand(settings),
    ):
        yield store


@contextmanager
def stopped_by_signals(said: str) -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: everything is closed, and this is said."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"storyfold: {said}", err=True)
        raise typer.Exit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, former)


def read_by(task_runner: TaskRunner | None, address: str | None) -> None:
    """Let the options stand for their settings, in this process and those that it starts."""
    if address is not None and task_runner is None:
        raise typer.BadParameter("--address needs --task-runner dask.")
    if task_runner is not None:
        os.environ["STORYFOLD_TASK_RUNNER"] = task_runner
        os.environ["STORYFOLD_DASK_ADDRESS"] = address or os.environ.get("STORYFOLD_DASK_ADDRESS", "")
    if read_settings().task_runner and find_spec("prefect_dask") is None:
        raise Complaint("Dask is not installed: storyfold's extra 'dask' brings it.")


def source_files(settings: Settings, *, may_be_none: bool = False) -> tuple[Source, ...]:
    """The sources that have a file, those that rest too; at least one, unless there may be none."""
    from flows.store import read_sources

    with plainly():
        files = read_sources(settings.sources, settings.fetch_policy)
    if not files and not may_be_none:
        raise Complaint(
            f"There are no source files in the folder '{settings.sources}': "
            "go where it is, or name another in STORYFOLD_SOURCES."
        )
    return files


def tell(
    value: _T,
    as_json: bool,
    show: Callable[Concatenate[Console, _T, _How], None],
    *args: _How.args,
    **how: _How.kwargs,
) -> None:
    """Print a value: as JSON, or for people by a function of `flows.show`."""
    from flows.show.common import console, to_json

    typer.echo(to_json(value)) if as_json else show(console(), value, *args, **how)


def refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(sorted(set(known))) or 'none'}."
            raise Complaint(f"No source is called '{name}'; {hint}")


def refuse_disabled(names: Sequence[str], files: Sequence[Source]) -> None:
    """A complaint about the first that rests."""
    for file in files:
        if file.name in names and not file.enabled:
            raise Complaint(f"The source '{file.name}' is disabled: 'storyfold source enable {file.name}' wakes it.")


def refuse_unstored(connection: Connection, names: Sequence[str]) -> None:
    """As `refuse_unknown`, among the sources of the store."""
    from load import sources

    if names:
        refuse_unknown(names, sources.names(connection))


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[object], None]]:
    """How many of how many are done, on the error output: a bar on a terminal, or else a line now and then."""
    if sys.stderr.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from flows.show.common import console

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda _: bar.advance(task)
        return
    count = 0
    step = max(20, total // 20)

    def done(_: object) -> None:
        nonlocal count
        count += 1
        if count % step == 0:
            typer.echo(f"{count} of {total} {what} …", err=True)

    yield done
