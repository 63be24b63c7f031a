"""Sixty days of forty made-up feeds: what polling by `extract.polling` asks, finds and misses, beside an hourly poll.

The whole year of two hundred feeds is in tests/benchmarks.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from polling_year import Year, live_through

CEILING = tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))["polling_60_days"]


@pytest.fixture(scope="module")
def year() -> Year:
    return live_through(seed=11, feeds=40, days=67)


def test_no_entry_is_missed_that_an_hourly_poll_could_have_seen(year: Year) -> None:
    assert year.missed <= CEILING["missed"], year


def test_what_no_poll_could_see_lies_in_a_gap_on_record(year: Year) -> None:
    assert year.unseen > 0
    assert year.unseen_in_silence == 0


def test_it_asks_no_more_than_an_hourly_poll(year: Year) -> None:
    assert year.requests / year.hourly_requests <= CEILING["requests"], year


def test_it_finds_entries_sooner_than_an_hourly_poll(year: Year) -> None:
    assert year.median_minutes <= CEILING["median_minutes"], year
    assert year.median_minutes < 0.6 * year.hourly_median_minutes
    assert year.p95_minutes <= CEILING["p95_minutes"], year
