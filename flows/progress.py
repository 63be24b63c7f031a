"""How far a run has come, shown while it goes on.

The database is asked, not the flow: it knows what is done, also by other workers. Showing progress never fails a run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flows.show import common
from load.engine import Engine
from load.report import progress
from load.report.progress import Stage

INTERVAL_S = 0.5
LINE_INTERVAL_S = 30.0  # without a terminal: a line in the log now and then

_log = logging.getLogger(__name__)


Ask = Callable[[], tuple[Stage, ...]]
Show = Callable[[threading.Event, Ask], None]
"""Shows what it is told whenever it asks, until the event is set."""


@contextmanager
def watch(engine: Engine) -> Iterator[None]:
    """Bars on a terminal, or else a line now and then, for as long as the block lasts."""
    out = common.console(stderr=True)
    with shown(engine, partial(_bars if out.is_terminal else _lines, out)):
        yield


@contextmanager
def shown(engine: Engine, show: Show) -> Iterator[None]:
    """Progress from now on, shown so, for as long as the block lasts."""
    over = threading.Event()
    here = copy_context()  # Prefect keeps in it which run this is
    thread = threading.Thread(target=here.run, args=(_watch, engine, over, show), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5)


def _watch(engine: Engine, over: threading.Event, show: Show) -> None:
    try:
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")  # else the clock and the counts stand still
            since = progress.mark(connection)
            show(over, lambda: progress.progress(connection, since))
    except Exception as error:  # noqa: BLE001  the display may break, the run goes on
        _log.debug("progress is no longer shown: %s", error)


def _bars(out: Console, over: threading.Event, ask: Ask) -> None:
    """A bar a stage, from its first step on."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<15}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bars:
        starting = bars.add_task("starting", total=None)
        tasks = {stage.name: bars.add_task(stage.name, start=False, visible=False) for stage in ask()}
        while not over.wait(INTERVAL_S):
            for stage in (stage for stage in ask() if stage.done):
                bars.update(starting, visible=False)
                bars.start_task(tasks[stage.name])
                bars.update(tasks[stage.name], completed=stage.done, total=stage.total, visible=True)


def _lines(out: Console, over: threading.Event, ask: Ask) -> None:
    said = ""
    while not over.wait(LINE_INTERVAL_S):
        told = ", ".join(f"{stage.name} {stage.done}/{stage.total}" for stage in ask() if stage.total)
        if told and told != said:
            out.print(told)
            said = told
