"""What times of entries tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from extract.model import FeedEntry
from extract.rhythm import INTERVALS_MINUTES, MAX_OWN_MINUTES, Rhythm, read_rhythm, suggested_minutes

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def every(gap: timedelta, count: int, newest: datetime = NOW) -> list[FeedEntry]:
    return [FeedEntry(url=f"https://a.example/{n}", published_at=newest - n * gap) for n in range(count)]


def test_the_rate_is_that_of_the_last_week() -> None:
    old = every(HOUR, 50, NOW - timedelta(days=300))
    rhythm = read_rhythm([*every(6 * HOUR, 40), *old], NOW)
    assert rhythm.per_day == pytest.approx(4)
    assert (rhythm.dated, rhythm.newest) == (90, NOW)


def test_a_busy_feed_shows_only_hours_and_a_slow_one_years() -> None:
    assert read_rhythm(every(HOUR / 4, 20), NOW).per_day == pytest.approx(96)
    assert read_rhythm(every(timedelta(days=10), 30), NOW).per_day == pytest.approx(0.1)


@pytest.mark.parametrize(
    "entries", [[], every(HOUR, 2), every(timedelta(0), 50), [FeedEntry(url="https://a.example/")]]
)
def test_too_little_tells_nothing(entries: list[FeedEntry]) -> None:
    rhythm = read_rhythm(entries, NOW)
    assert rhythm.per_day is None and suggested_minutes(rhythm) is None


def test_times_in_the_future_are_passed_over() -> None:
    assert read_rhythm(every(HOUR, 3, NOW + timedelta(days=30)), NOW) == Rhythm()


def test_an_interval_brings_about_one_entry_and_is_no_longer_than_a_quarter_of_the_window() -> None:
    assert suggested_minutes(read_rhythm(every(HOUR / 2, 50), NOW)) == 30
    assert suggested_minutes(read_rhythm(every(timedelta(minutes=1), 60), NOW)) == INTERVALS_MINUTES[0]
    assert suggested_minutes(read_rhythm(every(HOUR, 4), NOW)) == 45  # its window is three hours
    assert suggested_minutes(read_rhythm(every(timedelta(days=2), 20), NOW)) == MAX_OWN_MINUTES


def test_an_interval_is_not_shorter_than_the_feed_asks_for_unless_entries_would_be_missed() -> None:
    assert suggested_minutes(read_rhythm(every(HOUR / 4, 100), NOW), 3600.0) == 60
    assert suggested_minutes(read_rhythm(every(timedelta(minutes=1), 60), NOW), 3600.0) == 10


def test_silence_is_measured_by_the_feeds_own_habit() -> None:
    daily, monthly = every(timedelta(days=1), 20), every(timedelta(days=30), 20)
    assert not read_rhythm(daily, NOW).has_fallen_silent(NOW + timedelta(days=19))
    assert read_rhythm(daily, NOW).has_fallen_silent(NOW + timedelta(days=21))
    assert not read_rhythm(monthly, NOW).has_fallen_silent(NOW + timedelta(days=200))
    assert not read_rhythm(every(HOUR / 10, 20), NOW).has_fallen_silent(NOW + timedelta(days=2))
    assert not Rhythm().has_fallen_silent(NOW)
