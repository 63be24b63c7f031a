"""How fast WARC files become stories beside bare trafilatura on the same pages, and what that takes of the memory.

Bare trafilatura and the whole line (indexed in place, read in worker processes, stored, settled in Postgres; profile
`quick`) take the files in turn. Their ratio is of pages by second of a processor: ours counts the program, its readers
and the server. Run by `make bench`, or with -s to see the figures as they come. In the environment:

    BACKFILL_PAGES=50000      a real backfill, of which bare trafilatura reads every fourth page
    BACKFILL_KILLS=2,5,8      while these of the ten files are worked on, the line is killed, and started anew
    BACKFILL_FIGURES=FILE     the figures are written there, after every file those so far
    BACKFILL_PROCESSES=2, BACKFILL_BATCH=100
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from news_pages import write_files
from processes import cpu_s, family, megabytes, own_cpu_s
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
KILLS = [int(file) for file in os.environ.get("BACKFILL_KILLS", "").split(",") if file]
FIGURES = os.environ.get("BACKFILL_FIGURES")
BARE_EVERY = 1 if PAGES < 20_000 else 4  # page of a file that bare trafilatura reads, as it would take half the time
LINE = "import backfill_line; backfill_line.main()"  # as a script, each reader would import it again with all it needs


@dataclass
class Line:
    """The line, running; what it took is known while it runs."""

    url: str
    home: Path
    taken_s: float = 0.0  # of processes that were killed
    program_taken_s: float = 0.0
    main_mb: list[float] = field(default_factory=list)
    reader_mb: list[float] = field(default_factory=list)

    def start(self) -> None:
        command = [sys.executable, "-c", LINE, self.url, str(self.home), str(PROCESSES), str(BATCH)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=Path(__file__).parent)

    @property
    def cpu_s(self) -> float:
        return self.taken_s + cpu_s(self.process.pid)

    @property
    def program_s(self) -> float:
        """What the program took without its readers."""
        return self.program_taken_s + own_cpu_s(self.process.pid)

    def ask(self, file: Path) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{file}\n")
        self.process.stdin.flush()

    def wait(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline(), "the line has died"

    def kill(self) -> None:
        self.taken_s += cpu_s(self.process.pid)
        self.program_taken_s += own_cpu_s(self.process.pid)
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.communicate()

    def look(self) -> None:
        """Note what main process and largest reader take of the memory now."""
        main, *others = family(self.process.pid)
        self.main_mb.append(megabytes(main))
        self.reader_mb.append(max(map(megabytes, others), default=0.0))


@dataclass(frozen=True, kw_only=True)
class _File:
    """Seconds that a file took: of a processor, and by the clock."""

    program: float
    readers: float
    server: float
    wall: float
    bare: float = 0.0

    @property
    def ours(self) -> float:
        return self.program + self.readers + self.server


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
    taken: list[_File] = []
    line.start()
    with _watched(line):
        for number, file in enumerate(files):
            bare = _bare(file) if number % 2 else 0.0
            ours = _ours(line, engine, file, killed=number in KILLS)
            taken.append(replace(ours, bare=bare or _bare(file)))
            _tell(_figures(taken, line))
    line.end()
    counts = _counts(engine)
    assert counts["pages"] == PAGES and not counts["unsettled"], counts
    return counts | _figures(taken, line)


def _ours(line: Line, engine: Engine, file: Path, *, killed: bool) -> _File:
    server = int(next(line.home.rglob("postmaster.pid")).read_text().split()[0])
    before, program_before, served_before, began = line.cpu_s, line.program_s, cpu_s(server), time.monotonic()
    _load(line, engine, file, killed=killed)
    program = line.program_s - program_before
    return _File(
        program=program,
        readers=line.cpu_s - before - program,
        server=cpu_s(server) - served_before,
        wall=time.monotonic() - began,
    )


def _figures(taken: list[_File], line: Line) -> dict[str, float]:
    """Of the files so far."""
    pages = PAGES / FILES * len(taken)
    sums = {name: sum(getattr(one, name) for one in taken) for name in ("bare", "program", "readers", "server")}
    return {
        "files": len(taken),
        "ratio": sum(one.bare for one in taken) / sum(one.ours for one in taken),
        "ratio without the first file": sum(o.bare for o in taken[1:]) / (sum(o.ours for o in taken[1:]) or 1.0),
        "ratio, median of files": median(one.bare / one.ours for one in taken),
        **{f"ms a page, {name}": 1e3 * seconds / pages for name, seconds in sums.items()},
        "pages a second of wall time": PAGES / FILES / median(one.wall for one in taken),
        "load of the machine": os.getloadavg()[0],
        **_quarters("main", line.main_mb),
        **_quarters("largest reader", line.reader_mb),
    }


def _quarters(name: str, megabytes: list[float]) -> dict[str, float]:
    """The median of each quarter of the time."""
    size = len(megabytes) // 4 + 1
    parts = [megabytes[start : start + size] for start in range(0, len(megabytes), size)]
    return {f"MB, {name}, quarter {number}": median(part) for number, part in enumerate(parts, 1)}


def _tell(figures: dict[str, float]) -> None:
    print(f"{figures['files']} of {FILES} files, {figures['ratio']:.3f} of bare trafilatura", flush=True)  # noqa: T201
    if FIGURES:
        Path(FIGURES).write_text(json.dumps(figures, indent=2), encoding="utf-8")


def _bare(file: Path) -> float:
    """Seconds of a processor that bare trafilatura takes for the pages of a file, from their bytes on."""
    taken = 0.0
    for one, _ in islice(iter_pages(str(file)), 0, None, BARE_EVERY):
        began = time.process_time()
        by_trafilatura(one)
        taken += time.process_time() - began
    return taken * BARE_EVERY


def _load(line: Line, engine: Engine, file: Path, *, killed: bool) -> None:
    line.ask(file)
    if killed:
        half = _read(engine) + PAGES / FILES / 2
        while _read(engine) < half:
            time.sleep(0.5)
        line.kill()
        line.start()
        line.ask(file)
    line.wait()


def _read(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).where(page.c.read_at.is_not(None))) or 0


def _counts(engine: Engine) -> dict[str, float]:
    asked = {
        "pages": select(func.count()).select_from(page),
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
