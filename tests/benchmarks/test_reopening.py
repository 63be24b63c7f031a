"""What reading again costs when three pages of a hundred read otherwise; run by `make bench`.

BENCH_REOPENED pages, 2,000 unless it says otherwise, read in the profile `quick`. The report reads all of them; the
switch reads those that differ. Rows and bytes of the write-ahead log are counted by Postgres, and do not depend on the
machine. Beside it, what the same pages cost when they are simply reopened.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rereading import NEWER, ingest, store_of, with_pack
from sqlalchemy import Engine, text

from flows.isolation import workers
from flows.reading import be_quiet
from flows.reopen import switch
from flows.second_reading import agree, look_over
from load import pages
from load.engine import worker

PAGES = int(os.environ.get("BENCH_REOPENED", "2000"))
PERIOD = 250  # eight of so many change
ROWS = """SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS rows FROM pg_stat_user_tables
          WHERE schemaname = 'storyfold' AND n_tup_ins + n_tup_upd + n_tup_del > 0"""


@pytest.mark.timeout(3600)
@pytest.mark.benchmark(group="read again, 3 % otherwise")
def test_reopening(benchmark: Any, engine: Engine, tmp_path: Path) -> None:
    with workers(1, 60.0, start=be_quiet) as readers:
        store_of(engine, tmp_path, PAGES, readers, period=PERIOD)
        store = with_pack(engine, tmp_path, NEWER)
        began, before = time.monotonic(), written(engine)
        report, looks = look_over(store, readers, "NOT is_current")
        told = {"report s": round(time.monotonic() - began, 1)} | spent("report", before, written(engine))
        before = written(engine)

        def change() -> None:
            number = agree(store, "NOT is_current", looks, report, "the bench")
            with worker(engine) as me:
                switch(store, me, readers, number)

        benchmark.pedantic(change, rounds=1)
        told |= spent("switch", before, written(engine))
        told |= {"pages": report.looked_at, "same": report.same, "changed": report.changed, "found": report.found}
        benchmark.extra_info.update(told | {"joins": report.joins, "lots": report.lots})
        with engine.begin() as connection:
            connection.execute(text("UPDATE storyfold.page SET read_spec = 'before'"))
        before = written(engine)
        with engine.begin() as connection:
            pages.reopen(connection, looks.chosen.pages)
        ingest(store, readers)
        benchmark.extra_info.update(spent("reopened all", before, written(engine)))


def written(engine: Engine) -> Counter[str]:
    """So far: bytes of the log, and rows by table, those that were taken back too."""
    engine.dispose()  # a session tells what it has written when it ends
    time.sleep(1)
    with engine.connect() as connection:
        wal = connection.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'"))
        return Counter({"WAL bytes": int(wal or 0)} | {row.relname: row.rows for row in connection.execute(text(ROWS))})


def spent(what: str, before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {f"{what}: {name}": number - before[name] for name, number in after.items() if number != before[name]}
