"""reopen: archived pages that a predicate chooses are read again by today's rules. No web here.

First all of them are read beside the store, and what that would change is told; then, if it is wanted, the pages that
read otherwise go once more the way of all pages, a batch at a time. What is to be done is in the store: a killed
reopening goes on where it was.
"""

from __future__ import annotations

import getpass
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.bookkeeping import on_record
from flows.ingest import Read, Settle, read_batch, read_pages, read_waiting, settle_batch, settle_ready
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.second_reading import agree, done_with, look_at, look_over, reading_spec
from flows.show import reopening as show
from flows.store import Store, open_store
from load import reading_specs, reopening
from load.engine import worker
from load.reopening import NothingOpen
from load.report.reopening import Report
from load.second_look import STAYS
from transform.revision import RevisionKind

CHANGED = "changed"
_CAME_TO = {
    RevisionKind.FIRST: "loaded",
    RevisionKind.STALE: "kept as history",
    reopening.NOTHING: "came to nothing",
    reopening.WAITS: "waits",
}
"""What a text is to its article → what that is called here; any other kind has changed the article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """What a reopening would change, and what came of it."""

    number: int | None  # None when nothing was reopened
    report: Report | None  # None of one that only went on
    counts: dict[str, int]


@flow(name="reopen", validate_parameters=False)
def reopen(
    where: str = "",
    dry_run: bool = True,
    sample: int | None = None,
    seed: int = 0,
    number: int | None = None,
) -> Reopened:
    """Report what reading the pages of a predicate again would change; unless it is a dry run, read them again.

    where: SQL on the columns of news.page. sample: only so many pages, drawn by the seed, are looked at for the report.
    number: instead of a predicate, go on with this reopening, or with all that have pages left when neither is given.
    Raises BadPredicate; NothingOpen for a number of which nothing is left.
    """
    with open_store() as store, ExitStack() as stack:
        _, counts = stack.enter_context(on_record(store, "reopen"))
        readers = stack.enter_context(
            workers(store.settings.processes, store.settings.read_timeout_s, start=be_quiet, ready="flows.ready")
        )
        told, numbers = None, [] if dry_run else _open_ones(store, number)
        if where:
            told, looks = look_over(store, readers, where, sample=sample, seed=seed)
            create_markdown_artifact(show.as_markdown(told), key="reopen-report", description="What would change")
            counts.update({"looked at": told.looked_at, "read otherwise": told.looked_at - told.same})
            if not dry_run:
                numbers = [agree(store, where, looks, told, getpass.getuser())]
        me = stack.enter_context(worker(store.engine))
        for one in numbers:
            counts.update(switch(store, me, readers, one, read=read_batch, settle=settle_batch))
    return Reopened(number=numbers[0] if numbers else None, report=told, counts=dict(counts))


def _open_ones(store: Store, number: int | None) -> list[int]:
    with store.engine.connect() as connection:
        found = reopening.open_ones(connection)
    if number is None:
        return found
    if number not in found:
        raise NothingOpen(f"No reopening {number} has pages left.")
    return [number]


def switch(
    store: Store,
    me: int,
    readers: Workers,
    number: int,
    *,
    read: Read = read_pages,
    settle: Settle = settle_ready,
) -> Counter[str]:
    """Read again what is left of a reopening, and settle it; counts of what came of it.

    A batch at a time: what is fresh waits for one at most, though pages are read in the order of their ids.
    """
    spec = reading_spec(store)
    reading_specs.note(store.engine, spec, datetime.now(UTC))
    _read_through(store, me, readers, number, read, settle)  # what was reopened before it was interrupted
    while True:
        since = datetime.now(UTC)
        with store.engine.connect() as connection:
            part = reopening.next_slice(connection, number, store.settings.batch)
        if not (part.known_to_differ or part.unknown):
            break
        looks = look_at(store, readers, part.unknown, spec)
        done_with(store, number, looks, part.unknown, since)
        again = [*part.known_to_differ, *(one.page.id for one in looks if one.verdict not in STAYS)]
        with store.engine.begin() as connection:
            reopening.reopen(connection, number, again)
        _read_through(store, me, readers, number, read, settle)
    with store.engine.begin() as connection:
        reopening.end(connection, [number], datetime.now(UTC))
        return reopening.counts_of(connection, number)


def _read_through(store: Store, me: int, readers: Workers, number: int, read: Read, settle: Settle) -> None:
    """Read and settle what was reopened, with all that waits; what came of it is counted, once."""
    with store.engine.connect() as connection:
        if not reopening.is_under_way(connection, number):
            return
    read_waiting(store, me, readers, read=read, settle=settle)
    with store.engine.begin() as connection:
        became = reopening.close(connection, number)
        reopening.count(connection, number, Counter(_CAME_TO.get(kind, CHANGED) for kind in became.elements()))
