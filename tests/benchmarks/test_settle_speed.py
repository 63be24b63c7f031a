"""How fast articles find their stories, and how the cost grows with the store; run by `make bench`.

Stores of made-up news are built first, which takes some minutes for the larger. A store of a million is built by
`build_store.py` and named in BENCH_STORE; without it that size is left out. Medians of batches of a thousand, wall time,
one writer; the ratio of two sizes in one run means more than the figures of one machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from build_store import BATCH, PER_DAY, announce, build, keep
from newsstream import Item, stream
from sqlalchemy import Engine, func, select

from load.engine import connect
from load.settle import settle
from load.tables import page
from transform.verify import MatchPolicy

ROUNDS = 5
LARGE = os.environ.get("BENCH_STORE")


@pytest.mark.timeout(3600)
@pytest.mark.benchmark(group="settle 1,000 articles")
@pytest.mark.parametrize("stored", [10_000, 100_000])
def test_settle(benchmark: Any, engine: Engine, stored: int) -> None:
    build(engine, stored)
    _settle_more(benchmark, engine)


@pytest.mark.timeout(3600)
@pytest.mark.benchmark(group="settle 1,000 articles")
@pytest.mark.skipif(LARGE is None, reason="BENCH_STORE names no store built by build_store.py")
def test_settle_in_a_large_store(benchmark: Any) -> None:
    with _connected(str(LARGE)) as engine:
        _settle_more(benchmark, engine)


def _settle_more(benchmark: Any, engine: Engine) -> None:
    """Time batches of what comes next in the store's stream."""
    news = _news_after(engine)

    def read_a_batch() -> None:
        items = list(islice(news, BATCH))
        keep(_address(engine), list(zip(announce(engine, items), items, strict=True)))

    benchmark.pedantic(lambda: _settle_all(engine), setup=read_a_batch, rounds=ROUNDS)
    benchmark.extra_info["articles a second"] = round(BATCH / benchmark.stats["median"])


def _settle_all(engine: Engine) -> None:
    """All that waits: a batch ends before the second text of one article, so these are several."""
    while settle(engine, MatchPolicy(), datetime.now(UTC), BATCH).pages:
        pass


def _news_after(engine: Engine) -> Iterator[Item]:
    with engine.connect() as connection:
        stored = connection.scalar(select(func.count()).select_from(page)) or 0
    return islice(stream(1, stored + 2 * ROUNDS * BATCH, per_day=PER_DAY), stored, None)


def _address(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


@contextmanager
def _connected(address: str) -> Iterator[Engine]:
    engine = connect(address)
    yield engine
    engine.dispose()
