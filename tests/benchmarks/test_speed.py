"""How fast articles are settled; run by `make bench`.

Medians, one core. Ratios within one run mean more than the figures of one machine.
"""

from __future__ import annotations

from typing import Any

import pytest
from planted import planted_stream
from sqlalchemy import Engine
from stored import NOW, keep_readings, put_pages, settle_all

from load.settle import settle
from transform.verify import MatchPolicy


@pytest.mark.benchmark(group="settle 200 articles")
@pytest.mark.parametrize("stored", [0, 1_000, 4_000])
def test_settle(benchmark: Any, engine: Engine, stored: int) -> None:
    """How the cost grows with the store: one batch of 200, beside what is there already."""
    for seed in range(100, 100 + stored // 1_000):
        fill = planted_stream(seed=seed, stories=400)[:1_000]
        keep_readings(engine, zip(put_pages(engine, fill), fill, strict=True))
        settle_all(engine, 500)
    seeds = iter(range(10_000))

    def fresh_batch() -> None:
        stream = planted_stream(seed=next(seeds), stories=100)[:200]
        keep_readings(engine, zip(put_pages(engine, stream), stream, strict=True))

    benchmark.pedantic(lambda: settle(engine, MatchPolicy(), NOW, 200), setup=fresh_batch, rounds=5)
