"""The line of a backfill without Prefect, in a process that can be killed: each WARC file named on a line of its input is
indexed in place, read and settled, which it tells by printing how many pages its process has read.

    python tests/benchmarks/backfill_line.py DATABASE_URL HOME PROCESSES BATCH
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from extract.model import Profile
from flows.at_hand import index_warc
from flows.ingest import read_pages, read_waiting, settle_ready
from flows.isolation import workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store
from load import runs
from load.engine import connect, worker


def main() -> None:
    url, home, processes, batch = sys.argv[1:]
    settings = Settings(home=Path(home), profile=Profile.QUICK, processes=int(processes), batch=int(batch))
    store = Store(engine=connect(url), settings=settings)
    with worker(store.engine) as me, workers(int(processes), 30.0, start=be_quiet) as readers:
        for line in sys.stdin:
            with store.engine.begin() as connection:
                run_id = runs.begin(connection, "load", datetime.now(UTC))
            index_warc(store, run_id, Path(line.strip()), None)
            counts = read_waiting(store, me, readers, read=read_pages, settle=settle_ready)
            print(counts["read"], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
