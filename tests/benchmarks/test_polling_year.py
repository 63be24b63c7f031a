"""A year of two hundred made-up feeds, polled as the product does; run by `make bench`. The cut for every day is in
tests/quality."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from polling_year import live_through

CEILING = tomllib.loads((Path(__file__).parents[1] / "quality/floors.toml").read_text("utf-8"))["polling_year"]


@pytest.mark.benchmark(group="a year of 200 feeds")
def test_a_year_of_feeds(benchmark: Any) -> None:
    year = benchmark.pedantic(live_through, kwargs={"seed": 1, "feeds": 200, "days": 372}, rounds=1)
    benchmark.extra_info.update(year.as_dict())
    assert (year.missed, year.unseen_in_silence) == (CEILING["missed"], 0), year
    assert year.requests / year.hourly_requests <= CEILING["requests"], year
    assert year.median_minutes <= CEILING["median_minutes"], year
    assert year.p95_minutes <= CEILING["p95_minutes"], year
