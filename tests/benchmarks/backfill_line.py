"""The line of a backfill without Prefect, in a process that can be killed: each WARC file named on a line of its input is
indexed in place, read and settled, as `storyfold load` does it; how many pages were read by then is printed.

    python -c "import backfill_line; backfill_line.main()" DATABASE_URL HOME PROCESSES BATCH
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from extract.model import Profile
from extract.warc_choice import Choice
from flows.ingest import read_pages, settle_ready
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store
from flows.warcs import Inflow, WarcJob, all_slices, by_domain, read_as_they_come
from load import runs
from load.engine import connect, worker


def main() -> None:
    url, home, processes, batch = sys.argv[1:]
    settings = Settings(home=Path(home), profile=Profile.QUICK, processes=int(processes), batch=int(batch))
    store = Store(engine=connect(url), settings=settings)
    with worker(store.engine) as me, workers(int(processes), 30.0, start=be_quiet, ready="flows.ready") as readers:
        for line in sys.stdin:
            print(load_file(store, me, readers, line.strip()), flush=True)  # noqa: T201


def load_file(store: Store, me: int, readers: Workers, file: str) -> int:
    """How many pages were read, of this file and of what else waited."""
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "load", datetime.now(UTC))
    job = WarcJob(file=file, choice=Choice(), describe=by_domain(None, {}))
    inflow = Inflow(store, all_slices(store, run_id, [job]), Counter())
    return read_as_they_come(store, me, readers, inflow, read=read_pages, settle=settle_ready)["read"]
