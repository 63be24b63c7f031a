"""How many pages a second the real collect brings home, beside Scrapy and beside a bare aiohttp loop; run by `make bench`.

200 hosts on loopback, one request at a time to each: at two requests a second to a host, the rate that politeness
allows is 400 pages a second. Everything else is as in use: the program itself, Prefect, Postgres, the WARC archive.
The machine's two cores do for server, client and database together.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from programs import STORYFOLD
from sqlalchemy import Engine, text

from extract.model import FeedEntry
from load import entries, runs, sources

HERE = Path(__file__).parent
HOSTS = 200
POLITE = pytest.param(0.5, 20_000, id="two a second to a host")
UNLIMITED = pytest.param(0.0, 20_000, id="no gap")
LIMITS = pytest.mark.parametrize(("gap_s", "pages"), [POLITE, UNLIMITED])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = subprocess.Popen([sys.executable, HERE / "many_hosts.py"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield int(server.stdout.readline())
    server.terminate()
    server.wait()


@LIMITS
@pytest.mark.benchmark(group="pages of 200 hosts")
def test_collect(
    benchmark: Any, engine: Engine, database_url: str, tmp_path: Path, port: int, gap_s: float, pages: int
) -> None:
    """Ours: claimed from Postgres, fetched, archived as WARC, on record."""
    _announce(engine, pages)
    _write_sources(tmp_path / "sources", gap_s)
    environment = {
        "STORYFOLD_HOME": str(tmp_path / "home"),
        "STORYFOLD_DATABASE_URL": database_url,
        "STORYFOLD_SOURCES": str(tmp_path / "sources"),
        "STORYFOLD_CONNECT_TO": f"*.example=127.0.0.1:{port}",
    }
    memory: list[tuple[int, float]] = []

    def collect() -> None:
        program = subprocess.Popen([STORYFOLD, "collect"], env=os.environ | environment, stdout=subprocess.DEVNULL)
        watch = threading.Thread(target=_watch_memory, args=(program, engine, memory))
        watch.start()
        assert program.wait() == 0
        watch.join()

    benchmark.pedantic(collect, rounds=1)
    with engine.connect() as connection:
        fetched = connection.scalar(text("SELECT count(*) FROM storyfold.page"))
        seconds = connection.scalar(
            text("SELECT extract(epoch FROM finished_at - started_at) FROM storyfold.run WHERE line = 'collect'")
        )
    assert fetched == pages
    benchmark.extra_info.update(
        pages_per_s=round(pages / float(seconds)),
        megabytes_after_5000=max(megabytes for stored, megabytes in memory if stored <= pages // 4),
        megabytes_after_all=max(megabytes for _, megabytes in memory),
    )


@LIMITS
@pytest.mark.benchmark(group="pages of 200 hosts")
def test_scrapy(benchmark: Any, tmp_path: Path, port: int, gap_s: float, pages: int) -> None:
    """The peer: the same pages under the same limits, robots.txt obeyed, bodies written gzipped."""
    command = [HERE / "scrapy_peer.py", port, HOSTS, pages // HOSTS, gap_s, tmp_path]
    benchmark.extra_info["pages_per_s"] = round(pages / _seconds(benchmark, command))


@LIMITS
@pytest.mark.benchmark(group="pages of 200 hosts")
def test_bare_loop(benchmark: Any, port: int, gap_s: float, pages: int) -> None:
    """The floor: fetched by aiohttp and thrown away."""
    command = [HERE / "bare_loop.py", port, HOSTS, pages // HOSTS, gap_s]
    benchmark.extra_info["pages_per_s"] = round(pages / _seconds(benchmark, command))


def _seconds(benchmark: Any, command: list[object]) -> float:
    """What the program says it took, without its start."""
    printed = benchmark.pedantic(
        lambda: subprocess.check_output([sys.executable, *map(str, command)], text=True), rounds=1
    )
    return float(printed)


def _announce(engine: Engine, pages: int) -> None:
    now = datetime.now(UTC)
    with engine.begin() as connection:
        run_id = runs.begin(connection, "discover", now)
        for host in range(HOSTS):
            source_id = sources.ensure(connection, f"host{host:03}", f"Host {host}")
            urls = (f"http://host{host:03}.example/{page}" for page in range(pages // HOSTS))
            entries.record(connection, source_id, [FeedEntry(url=url) for url in urls], run_id, now)
        runs.finish(connection, run_id, {}, now)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE storyfold.entry"))


def _write_sources(folder: Path, gap_s: float) -> None:
    folder.mkdir()
    for host in range(HOSTS):
        limits = f"[fetch]\ngap_s = {gap_s}\nallow_networks = ['loopback']\n"
        (folder / f"host{host:03}.toml").write_text(f"title = 'Host {host}'\n{limits}", encoding="utf-8")


def _watch_memory(program: subprocess.Popen[bytes], engine: Engine, seen: list[tuple[int, float]]) -> None:
    """How many pages are stored, and what the program takes of the memory, time and again."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while program.poll() is None:
            stored = connection.scalar(text("SELECT count(*) FROM storyfold.page"))
            seen.append((stored or 0, _megabytes(program.pid)))
            time.sleep(0.5)


def _megabytes(pid: int) -> float:
    """Resident memory of a process; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)
