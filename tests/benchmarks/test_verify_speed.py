"""How long judging a pair takes, beside the same overlap counted with Python sets in the same run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
from planted import paragraphs, print_of, sentences
from pytest_benchmark.fixture import BenchmarkFixture

from transform.model import ArticleId
from transform.verify import History, MatchPolicy, Side, counted_shingles, verify_all

POLICY = MatchPolicy()
PAIRS = 2000


@pytest.fixture(scope="module")
def batch() -> tuple[list[tuple[Side, Side]], History]:
    """Texts of about 250 shingles, each compared with four others, as an ordinary batch has them."""
    rng = random.Random(7)
    known = sentences(rng, 200)
    sides = [
        Side(id=ArticleId(n), day=100, source=n % 9, print=print_of(paragraphs(rng.sample(known, 26))))
        for n in range(PAIRS // 4)
    ]
    pairs = [(rng.choice(sides), side) for side in sides for _ in range(4)]
    return pairs, History(stop=counted_shingles(print_of(paragraphs(known[:40])), POLICY), days=POLICY.stop_days)


def test_judging_a_batch(benchmark: BenchmarkFixture, batch: tuple[list[tuple[Side, Side]], History]) -> None:
    pairs, history = batch

    def fresh() -> tuple[tuple[object, ...], dict[str, object]]:
        """Sides of which nothing is computed yet."""
        anew = {side.id: replace(side) for pair in pairs for side in pair}
        return ([(anew[left.id], anew[right.id]) for left, right in pairs], history, POLICY), {}

    matches = benchmark.pedantic(verify_all, setup=fresh, rounds=7)
    assert len(matches) == PAIRS
    sets = _median_time(lambda: _with_sets(pairs))
    benchmark.extra_info["of the time of Python sets"] = round(benchmark.stats["median"] / sets, 2)
    benchmark.extra_info["microseconds a pair"] = round(benchmark.stats["median"] / PAIRS * 1e6, 1)


def _with_sets(pairs: list[tuple[Side, Side]]) -> list[float]:
    """Resemblance alone, the least that any verification has to do."""
    held = {side.id: set(side.print.shingles.tolist()) for pair in pairs for side in pair}
    return [len(held[a.id] & held[b.id]) / len(held[a.id] | held[b.id]) for a, b in pairs]


def _median_time(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return median(times)
