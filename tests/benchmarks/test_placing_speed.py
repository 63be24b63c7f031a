"""Placing newcomers: what one costs must not grow with the story that it joins."""

from __future__ import annotations

import pytest
from graphs import Shelf, member, same, shelf_of
from pytest_benchmark.fixture import BenchmarkFixture

from transform.assign import Assignments, Newcomer, assign

NEWCOMERS = 1000


def newcomers(known: int) -> list[Newcomer]:
    """Each is the same as the five articles before it."""
    numbers = range(known + 1, known + 1 + NEWCOMERS)
    return [Newcomer(member=member(n), matches=tuple(same(n - back, n) for back in range(5, 0, -1))) for n in numbers]


@pytest.mark.parametrize("copies", [10, 3000])
def test_joining_a_story(benchmark: BenchmarkFixture, copies: int) -> None:
    batch = newcomers(copies)
    around = shelf_of({1: list(range(1, copies + 1))}).around(batch)
    assert isinstance(benchmark(assign, batch, around), Assignments)


def test_founding_stories(benchmark: BenchmarkFixture) -> None:
    batch = [Newcomer(member=member(n), matches=()) for n in range(1, NEWCOMERS + 1)]
    assert isinstance(benchmark(assign, batch, Shelf().around(batch)), Assignments)
