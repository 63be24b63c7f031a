"""How fast WARC files become stories beside bare trafilatura on the same pages, and what that takes of the memory.

Bare trafilatura and the whole line (indexed in place, read in worker processes, stored, settled in Postgres; profile
`quick`) take the files in turn. Their ratio is of pages by second of a processor: ours counts the program, its readers
and the server. BACKFILL_PAGES=50000 makes it a real backfill, in which the line is killed three times on its way and
started anew; run by `make bench`, or with -s to see the figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from news_pages import write_files
from processes import cpu_s, family, megabytes
from sqlalchemy import func, select

from extract.peers import by_trafilatura
from extract.warc import iter_pages
from flows.reading import be_quiet
from load import postgres
from load.engine import Engine, connect, upgrade
from load.tables import article, page, story, unsettled

PAGES = int(os.environ.get("BACKFILL_PAGES", "3000"))
PROCESSES = int(os.environ.get("BACKFILL_PROCESSES", "2"))
BATCH = int(os.environ.get("BACKFILL_BATCH", "100"))
FILES = 10
KILLS = (2, 5, 8) if PAGES >= 50_000 else ()  # while this file is worked on
LINE = Path(__file__).with_name("backfill_line.py")


@dataclass
class Line:
    """The line, running; what it took is known while it runs."""

    url: str
    home: Path
    taken_s: float = 0.0  # of processes that were killed
    main_mb: list[float] = field(default_factory=list)
    reader_mb: list[float] = field(default_factory=list)

    def start(self) -> None:
        command = [sys.executable, str(LINE), self.url, str(self.home), str(PROCESSES), str(BATCH)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def cpu_s(self) -> float:
        return self.taken_s + cpu_s(self.process.pid)

    def ask(self, file: Path) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{file}\n")
        self.process.stdin.flush()

    def wait(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline(), "the line has died"

    def kill(self) -> None:
        self.taken_s += cpu_s(self.process.pid)
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.communicate()

    def look(self) -> None:
        """Note what main process and largest reader take of the memory now."""
        main, *others = family(self.process.pid)
        self.main_mb.append(megabytes(main))
        self.reader_mb.append(max(map(megabytes, others), default=0.0))


@pytest.mark.timeout(14_400)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are measured by /proc")
@pytest.mark.benchmark(group="backfill")
def test_backfill_beside_trafilatura(benchmark: Any, tmp_path: Path) -> None:
    be_quiet()
    files = write_files(tmp_path, 1, PAGES, PAGES // FILES)
    home = tmp_path / "home"
    with postgres.session(home) as url:
        engine = connect(url)
        upgrade(engine)
        figures = benchmark.pedantic(lambda: _in_turn(files, engine, Line(url, home)), rounds=1)
        engine.dispose()
    benchmark.extra_info.update(figures)
    print(*(f"{name}: {value:.3f}" for name, value in figures.items()), sep="\n")  # noqa: T201


def _in_turn(files: list[Path], engine: Engine, line: Line) -> dict[str, float]:
    """Both take each file, now one first, now the other."""
    server = int(next(line.home.rglob("postmaster.pid")).read_text().split()[0])
    bare, ours, served, walls = [], [], [], []
    line.start()
    with _watched(line):
        for number, file in enumerate(files):
            if number % 2:
                bare.append(_bare(file))
            before, served_before, began = line.cpu_s, cpu_s(server), time.monotonic()
            _load(line, engine, file, killed=number in KILLS)
            walls.append(time.monotonic() - began)
            ours.append(line.cpu_s - before)
            served.append(cpu_s(server) - served_before)
            if not number % 2:
                bare.append(_bare(file))
    line.end()
    counts = _counts(engine)
    assert counts["pages"] == PAGES and not counts["unsettled"], counts
    per_file = PAGES / len(files)
    quarter = len(line.main_mb) // 4
    return counts | {
        "bare pages a cpu second": PAGES / sum(bare),
        "ours": PAGES / (sum(ours) + sum(served)),
        "ratio": sum(bare) / (sum(ours) + sum(served)),
        "ratio, median of files": median(b / (o + s) for b, o, s in zip(bare, ours, served, strict=True)),
        "ms a page, bare": 1e3 * sum(bare) / PAGES,
        "ms a page, program and readers": 1e3 * sum(ours) / PAGES,
        "ms a page, server": 1e3 * sum(served) / PAGES,
        "pages a second of wall time": per_file / median(walls),
        "main MB, first quarter": median(line.main_mb[: quarter + 1]),
        "main MB, last quarter": median(line.main_mb[-quarter:]),
        "reader MB, first quarter": median(line.reader_mb[: quarter + 1]),
        "reader MB, last quarter": median(line.reader_mb[-quarter:]),
    }


def _bare(file: Path) -> float:
    """Seconds of a processor that bare trafilatura takes for the pages of a file, from their bytes on."""
    taken = 0.0
    for one, _ in iter_pages(str(file)):
        began = time.process_time()
        by_trafilatura(one)
        taken += time.process_time() - began
    return taken


def _load(line: Line, engine: Engine, file: Path, *, killed: bool) -> None:
    line.ask(file)
    if killed:
        half = _counts(engine)["read"] + PAGES / FILES / 2
        while _counts(engine)["read"] < half:
            time.sleep(0.5)
        line.kill()
        line.start()
        line.ask(file)
    line.wait()


def _counts(engine: Engine) -> dict[str, float]:
    asked = {
        "pages": select(func.count()).select_from(page),
        "read": select(func.count()).where(page.c.read_at.is_not(None)),
        "unsettled": select(func.count()).select_from(unsettled),
        "articles": select(func.count()).select_from(article),
        "stories": select(func.count()).select_from(story),
    }
    with engine.connect() as connection:
        return {name: connection.scalar(query) or 0 for name, query in asked.items()}


@contextmanager
def _watched(line: Line) -> Iterator[None]:
    """Memory is noted every second as long as the block lasts."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            line.look()

    watching = threading.Thread(target=watch)
    watching.start()
    yield
    over.set()
    watching.join()
