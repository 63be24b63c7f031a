"""A run on record: its row in the store, and what Prefect's own page shows of it.

The row is what counts. What goes to Prefect may fail, and the run goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import TerminationSignal

from flows.progress import Ask, shown
from flows.store import Store
from load import runs
from load.engine import StoreUnavailable, worker
from load.runs import ClosedEntry, Ended, RunId

PROGRESS_INTERVAL_S = 10.0  # an update costs Prefect's server 12-60 ms; a shorter run shows its end alone
STAGES = {
    "discover": ("feeds polled",),
    "collect": ("pages fetched",),
    "ingest": ("pages read", "pages settled"),
    "upkeep": ("pages read", "pages settled"),
}
"""Whose progress is a line's own; of any other, that of all stages."""
RESTART_S = 10.0  # that a Postgres may take which is started again while a run is at work
NEWEST_REFUSED = 10  # of the summary

_log = logging.getLogger(__name__)


@contextmanager
def on_record(store: Store, line: str) -> Iterator[tuple[RunId, Counter[str]]]:
    """A run of this line, with the counts to fill; they are stored when it ends, and how it ended."""
    counts: Counter[str] = Counter()
    began = datetime.now(UTC)
    with worker(store.engine) as me:
        with store.engine.begin() as connection:
            run_id = runs.begin(connection, line, began, me)
        try:
            with shown(store.engine, lambda over, ask: _progress(line, over, ask)):
                yield run_id, counts
        except BaseException as error:
            cause = _behind(error)
            _end(store, run_id, counts, _how(cause), str(cause) or type(cause).__name__)
            if cause is error:
                raise
            raise cause from error
        with store.engine.begin() as connection:
            runs.finish(connection, run_id, counts, datetime.now(UTC))
    _show(store, line, counts, began)


def show_summary(markdown: str, key: str = "run-summary") -> None:
    """The summary of a whole run."""
    with _in_spite_of_prefect():
        create_markdown_artifact(markdown, key=key, description="What this run found and made of it")


def _behind(error: BaseException) -> BaseException:
    """The signal that the error came of, else the error: what is broken off may fail otherwise while it cleans up."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt | TerminationSignal):
        seen = seen.__context__
    return seen or error


def _how(error: BaseException) -> Ended:
    """Signals, and Prefect's own, are no exceptions of a program's."""
    return Ended.FAILED if isinstance(error, Exception) else Ended.CANCELLED


def _end(store: Store, run_id: RunId, counts: Counter[str], ended: Ended, error: str) -> None:
    """Put on record how the run ended; where the database is away for longer than a restart, it counts as killed."""
    told = error if ended is Ended.FAILED else None
    latest = time.monotonic() + RESTART_S
    while True:
        try:
            with store.engine.begin() as connection:
                runs.finish(connection, run_id, counts, datetime.now(UTC), ended=ended, error=told)
            return
        except StoreUnavailable as lost:
            _log.debug("how the run ended is not on record: %s", lost)
        if time.monotonic() > latest:
            return
        time.sleep(0.5)


# --- On Prefect's page ----------------------------------------------------------------------------------------


@contextmanager
def _in_spite_of_prefect() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  the work is done and on record, whatever the page shows of it
        _log.debug("Prefect's page does not show it: %s", error)


def _progress(line: str, over: threading.Event, ask: Ask) -> None:
    """A bar on the run's page, from the first interval on."""
    if over.wait(PROGRESS_INTERVAL_S):
        return
    key, what = f"{line}-progress", f"How far {line} has come"
    bar = cast(UUID, create_progress_artifact(_share(line, ask), key=key, description=what))
    while not over.wait(PROGRESS_INTERVAL_S):
        update_progress_artifact(bar, progress=_share(line, ask))
    update_progress_artifact(bar, progress=_share(line, ask))


def _share(line: str, ask: Ask) -> float:
    """Percent of what there is to do now."""
    stages = [stage for stage in ask() if stage.name in STAGES.get(line, (stage.name,))]
    total = sum(stage.total for stage in stages)
    return 100.0 * sum(stage.done for stage in stages) / total if total else 100.0


def _show(store: Store, line: str, counts: Mapping[str, int], began: datetime) -> None:
    """A table of the outcomes, and a summary with what needs a look."""
    with _in_spite_of_prefect():
        rows = [{"outcome": name, "number": number} for name, number in counts.items()]
        create_table_artifact(rows, key=f"{line}-outcomes", description=f"What this pass of {line} came to")
        create_markdown_artifact(
            as_markdown(line, counts, _refused(store, counts, began)),
            key=f"{line}-summary",
            description=f"What this pass of {line} came to, and what needs a look",
        )


def _refused(store: Store, counts: Mapping[str, int], began: datetime) -> Sequence[ClosedEntry]:
    if not any(name.startswith(("rejected", "quarantined")) for name in counts):
        return ()
    with store.engine.connect() as connection:
        return runs.refused_since(connection, began, NEWEST_REFUSED)


def as_markdown(line: str, counts: Mapping[str, int], refused: Sequence[ClosedEntry]) -> str:
    """What a pass of a line came to, in a sentence, and the newest of what was turned away, with what tells of it."""
    told = ", ".join(f"{name} {number}" for name, number in counts.items() if number)
    parts = [f"**{line}**: {told or 'nothing to do'}."]
    if counts.get("feeds failed") or counts.get("breaches begun"):
        parts.append("`storyfold status` tells which feeds failed and which sources are not what their files expect.")
    if any(name.startswith("quarantined") and number for name, number in counts.items()):
        parts.append("Something was quarantined: `storyfold quarantine list` has it, with its errors.")
    if refused:
        parts.append(
            "| turned away last | outcome | what tells of it |\n|---|---|---|\n" + "\n".join(map(_row, refused))
        )
    return "\n\n".join(parts) + "\n"


def _row(item: ClosedEntry) -> str:
    why = " ".join(filter(None, (f"{item.outcome}: {item.reason}", item.detail)))
    return f"| {_cell(item.url)} | {_cell(why)} | `storyfold why entry:{item.id}` |"


def _cell(text: str) -> str:
    """On one line, and nothing in it ends a cell or begins a tag."""
    return " ".join(text.replace("|", "&#124;").replace("<", "&lt;").split())
