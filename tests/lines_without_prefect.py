"""The lines without Prefect, as processes to be killed, forked from one that has imported everything: that takes seconds.

Reads commands, a line each: `start FILE HOME LINE …` forks a worker that writes to the file, and answers its process id;
`poll PID` answers its exit code, or `None` while it runs. The functions are those that the flows call; what is left out
is Prefect's own record of the run.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flows.collect import Queue, answers, store_batch
from flows.discover import Asked, Polling, poll_feeds
from flows.ingest import read_pages, read_waiting, settle_ready
from flows.isolation import workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store, follow_catalogue, open_store
from flows.upkeep import keep_up
from flows.web import Web
from load import runs
from load.engine import StoreUnavailable, worker
from load.runs import RunId


def main() -> None:
    """Obey until the end of input."""
    for command in sys.stdin:
        what, *words = command.split()
        answer = _start(*words) if what == "start" else _poll(int(words[0]))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _poll(process: int) -> int | None:
    ended, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _start(said: str, home: str, *lines: str) -> int:
    process = os.fork()
    if process:
        return process
    with Path(said).open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ["STORYFOLD_HOME"] = home
    try:
        work(*lines)
    except StoreUnavailable as error:
        sys.exit(str(error))
    sys.exit()


def work(*lines: str) -> None:
    with open_store(Settings()) as store, worker(store.engine) as me:
        for line in lines:
            _LINES[line](store, me)


@contextmanager
def _on_record(store: Store, line: str) -> Iterator[tuple[RunId, Counter[str]]]:
    counts: Counter[str] = Counter()
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, line, datetime.now(UTC))
    yield run_id, counts
    with store.engine.begin() as connection:
        runs.finish(connection, run_id, counts, datetime.now(UTC))


def _discover(store: Store, me: int) -> None:
    catalogue = follow_catalogue(store, ())
    asked = Asked(names=tuple(catalogue), early=True, began_at=datetime.now(UTC))
    with _on_record(store, "discover") as (run_id, counts):
        polling = Polling(store=store, worker=me, run_id=run_id, asked=asked, catalogue=catalogue)
        counts.update(poll_feeds.fn(polling))


def _collect(store: Store, me: int) -> None:
    policies = {name: source.fetch for name, source in follow_catalogue(store, ()).items()}
    with _on_record(store, "collect") as (_, counts), Web(store.settings.fetches) as web:
        for batch in answers(store, web, Queue(store, me, ()), policies):
            counts.update(store_batch.fn(store, batch))


def _ingest(store: Store, me: int) -> None:
    settings = store.settings
    with (
        _on_record(store, "ingest") as (_, counts),
        workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers,
    ):
        counts.update(read_waiting(store, me, readers, read=read_pages, settle=settle_ready))


def _upkeep(store: Store, me: int) -> None:
    settings = store.settings
    with (
        _on_record(store, "upkeep") as (_, counts),
        workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers,
    ):
        counts.update(keep_up(store, me, readers))


_LINES = {"discover": _discover, "collect": _collect, "ingest": _ingest, "upkeep": _upkeep}


if __name__ == "__main__":
    main()
