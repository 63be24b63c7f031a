"""When a feed is asked again: the laws of the pure function, and the cases that they were made for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.model import PollPolicy
from extract.polling import (
    MAX_FRESH_S,
    RETIRE_AFTER,
    RETIRED_PAUSE,
    Answer,
    Failed,
    NotChanged,
    Pace,
    Read,
    Same,
    Step,
    Weight,
    Wishes,
    after_poll,
    wants_all,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = PollPolicy()
NEW = Pace(interval_s=POLICY.first_interval_s)
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0


def keys(first: int, last: int) -> frozenset[bytes]:
    return frozenset(number.to_bytes(16, "big") for number in range(first, last))


def poll(pace: Pace, answer: Answer, now: datetime = NOW, *, policy: PollPolicy = POLICY, **wishes: float) -> Step:
    return after_poll(pace, answer, Wishes(**wishes), policy, now)


LISTS_20 = poll(NEW, Read(keys=keys(0, 20))).pace

# --- Laws -----------------------------------------------------------------------------------------------------

seconds = st.floats(0, 10 * DAY_S)
moments = st.integers(0, 360 * 86_400).map(lambda offset: NOW + timedelta(seconds=offset))
paces = st.builds(
    Pace,
    interval_s=st.floats(1, 30 * DAY_S),
    entries_per_hour=st.none() | st.floats(0, 1000),
    peak_per_hour=st.floats(0, 1000),
    failures=st.integers(0, 10_000),
    failure_weight=st.floats(0, 10_000),
    polls_since_full=st.integers(0, 100),
    listed=st.integers(0, 60).map(lambda length: keys(0, length)),
    read_at=st.none() | moments,
    changed_at=st.none() | moments,
    newest_at=st.none() | moments,
    retires=st.booleans(),
    announced=st.booleans(),
)
reads = st.builds(
    Read,
    keys=st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda span: keys(span[0], sum(span))),
    published=st.lists(moments, max_size=20),
    moved=st.integers(0, 20),
)
answers = reads | st.just(Same()) | st.just(NotChanged()) | st.sampled_from(Weight).map(Failed)
wishes = st.builds(Wishes, ttl_s=st.floats(0, 1e9), fresh_for_s=st.floats(0, 1e9))
policies = st.tuples(st.floats(1, 1e4), st.floats(1, 100), st.floats(1, 100)).map(
    lambda t: PollPolicy(min_interval_s=t[0], first_interval_s=t[0] * t[1], max_interval_s=t[0] * t[1] * t[2])
)


@given(paces, answers, wishes, policies, moments)
def test_the_pause_lies_within_the_bounds_unless_a_sitemap_is_retired(
    pace: Pace, answer: Answer, wish: Wishes, policy: PollPolicy, now: datetime
) -> None:
    step = after_poll(pace, answer, wish, policy, now)
    if step.pace.retired_at is None:
        assert policy.min_interval_s <= step.pause_s <= policy.max_interval_s
    else:
        assert step.pause_s >= RETIRED_PAUSE.total_seconds()


@given(paces, answers, wishes, policies, moments, st.floats(0, DAY_S))
def test_no_feed_is_asked_before_its_server_wants_it(
    pace: Pace, answer: Answer, wish: Wishes, policy: PollPolicy, now: datetime, wait_s: float
) -> None:
    assert after_poll(pace, answer, replace(wish, retry_after_s=wait_s), policy, now).pause_s >= wait_s


@given(paces, st.integers(1, 60), st.integers(0, 59), st.integers(1, 59), moments)
def test_more_news_never_makes_the_interval_longer(
    pace: Pace, length: int, fewer: int, more: int, now: datetime
) -> None:
    pace = replace(pace, listed=keys(0, length), read_at=pace.read_at or now - HOUR)
    few, many = sorted((min(fewer, length), min(fewer + more, length)))
    with_few, with_many = (poll(pace, Read(keys=keys(new, new + length)), now) for new in (few, many))
    assert with_many.pace.interval_s <= with_few.pace.interval_s


@given(paces, st.sampled_from(Weight), wishes, policies, moments)
def test_a_failure_never_makes_the_pause_shorter(
    pace: Pace, weight: Weight, wish: Wishes, policy: PollPolicy, now: datetime
) -> None:
    interval_s = min(max(pace.interval_s, policy.min_interval_s), policy.max_interval_s)
    step = after_poll(pace, Failed(weight), wish, policy, now)
    assert step.pause_s >= interval_s
    assert step.pace.failures == pace.failures + 1


@given(paces, answers, wishes, policies, moments)
def test_the_same_poll_of_the_same_feed_gives_the_same(
    pace: Pace, answer: Answer, wish: Wishes, policy: PollPolicy, now: datetime
) -> None:
    assert after_poll(pace, answer, wish, policy, now) == after_poll(pace, answer, wish, policy, now)


@given(paces, wishes, policies, moments)
def test_only_what_could_be_read_clears_failures(pace: Pace, wish: Wishes, policy: PollPolicy, now: datetime) -> None:
    assert after_poll(pace, Same(), wish, policy, now).pace.failures == 0
    assert after_poll(pace, Read(), wish, policy, now).pace.failures == 0
    assert after_poll(pace, NotChanged(), wish, policy, now).pace.failures == pace.failures


@given(paces, policies, moments)
def test_no_news_is_no_reason_to_ask_sooner(pace: Pace, policy: PollPolicy, now: datetime) -> None:
    before = replace(pace, read_at=now - HOUR, peak_per_hour=0.0, interval_s=min(pace.interval_s, HOUR_S))
    before = replace(before, interval_s=min(max(before.interval_s, policy.min_interval_s), policy.max_interval_s))
    for answer in (Same(), NotChanged()):
        assert after_poll(before, answer, Wishes(), policy, now).pace.interval_s >= min(before.interval_s, HOUR_S)


# --- Rhythm ---------------------------------------------------------------------------------------------------


def test_a_new_feed_is_paced_by_the_dates_of_its_first_document() -> None:
    busy = Read(keys=keys(0, 50), published=[NOW - n * timedelta(minutes=4) for n in range(50)])
    idle = Read(keys=keys(0, 50), published=[NOW - n * timedelta(days=9) for n in range(50)])
    assert poll(NEW, busy).pause_s < 25 * MINUTE_S
    assert poll(NEW, idle).pause_s > 12 * HOUR_S


def test_an_entry_pinned_for_years_does_not_make_a_busy_feed_idle() -> None:
    dates = [NOW - n * timedelta(minutes=4) for n in range(20)]
    pinned = poll(NEW, Read(keys=keys(0, 21), published=[*dates, NOW - timedelta(days=3000)]))
    assert pinned.pause_s < 1.2 * poll(NEW, Read(keys=keys(0, 20), published=dates)).pause_s


def test_a_feed_without_dates_begins_at_the_interval_of_its_file() -> None:
    assert poll(NEW, Read(keys=keys(0, 20))).pause_s == POLICY.first_interval_s


def test_a_burst_speeds_a_feed_up_at_once_and_silence_slows_it_down_by_and_by() -> None:
    calm = replace(LISTS_20, interval_s=4 * HOUR_S, entries_per_hour=0.1, peak_per_hour=0.5)
    burst = poll(calm, Read(keys=keys(8, 28)), NOW + HOUR)
    assert burst.pause_s < HOUR_S
    after = poll(burst.pace, NotChanged(), NOW + 2 * HOUR)
    assert burst.pause_s < after.pause_s <= 1.5 * burst.pause_s


def test_a_feed_is_never_left_for_longer_than_its_listing_lasts() -> None:
    """Eight of ten were new within four hours: so many may come again, and then some."""
    short = replace(poll(NEW, Read(keys=keys(0, 10))).pace, interval_s=4 * HOUR_S, peak_per_hour=0.0)
    step = poll(short, Read(keys=keys(8, 18)), NOW + 4 * HOUR)
    assert step.pause_s <= 3 * HOUR_S


def test_a_silent_feed_is_asked_a_few_times_a_day_for_ever() -> None:
    pace, now = LISTS_20, NOW
    while now < NOW + timedelta(days=180):
        step = poll(pace, Same(), now)
        pace, now = step.pace, now + timedelta(seconds=step.pause_s)
    assert 6 * HOUR_S <= step.pause_s <= DAY_S
    assert pace.retired_at is None


def test_nothing_in_common_with_the_last_document_is_a_gap() -> None:
    assert poll(LISTS_20, Read(keys=keys(20, 40)), NOW + HOUR).gap
    assert not poll(LISTS_20, Read(keys=keys(19, 39)), NOW + HOUR).gap
    assert not poll(NEW, Read(keys=keys(20, 40))).gap


def test_an_empty_document_is_no_gap_and_forgets_no_listing() -> None:
    empty = poll(LISTS_20, Read(), NOW + HOUR)
    assert not empty.gap
    again = poll(empty.pace, Read(keys=keys(0, 20)), NOW + 2 * HOUR)
    assert not again.gap and again.pace.peak_per_hour <= LISTS_20.peak_per_hour


# --- What the other side wishes -------------------------------------------------------------------------------


def test_the_longest_of_the_wishes_counts() -> None:
    shown = Read(keys=keys(1, 21))
    assert poll(LISTS_20, shown, NOW + HOUR, ttl_s=1500).pause_s >= 1500
    assert poll(LISTS_20, shown, NOW + HOUR, fresh_for_s=1500).pause_s >= 1500


@pytest.mark.parametrize("fresh_for_s", [31_536_000, 1e12])
def test_a_networks_setting_for_pictures_does_not_stop_a_feed(fresh_for_s: float) -> None:
    assert poll(LISTS_20, Read(keys=keys(1, 21)), NOW + HOUR, fresh_for_s=fresh_for_s).pause_s <= MAX_FRESH_S


def test_a_ttl_longer_than_a_day_is_a_slip() -> None:
    shown = Read(keys=keys(1, 21))
    assert poll(LISTS_20, shown, NOW + HOUR, ttl_s=60e6) == poll(LISTS_20, shown, NOW + HOUR)


def test_a_wish_is_not_obeyed_at_the_price_of_entries() -> None:
    busy = replace(LISTS_20, peak_per_hour=20.0)
    assert poll(busy, Read(keys=keys(1, 21)), NOW + timedelta(minutes=10), ttl_s=DAY_S).pause_s < 0.6 * HOUR_S


def test_a_retry_after_may_exceed_the_longest_interval() -> None:
    policy = replace(POLICY, max_interval_s=HOUR_S)
    step = poll(LISTS_20, Failed(Weight.PASSING), policy=policy, retry_after_s=5 * HOUR_S)
    assert step.pause_s == 5 * HOUR_S


# --- Failures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "failures"), [(Weight.HARD, 1), (Weight.SOFT, 2), (Weight.PASSING, 4)])
def test_back_off_doubles_with_each_whole_weight(weight: Weight, failures: int) -> None:
    pace = LISTS_20
    for _ in range(failures - 1):
        step = poll(pace, Failed(weight))
        assert step.pause_s == LISTS_20.interval_s
        pace = step.pace
    assert poll(pace, Failed(weight)).pause_s == 2 * LISTS_20.interval_s


def test_a_dead_feed_is_asked_at_the_longest_interval() -> None:
    pace = LISTS_20
    for _ in range(1100):
        pace = (step := poll(pace, Failed(Weight.HARD))).pace
    assert step.pause_s == POLICY.max_interval_s


def test_what_passes_may_be_over_at_any_moment() -> None:
    """A feed that is away for days is looked after every hour; one that is away for weeks, once a day."""
    pace = LISTS_20
    for _ in range(400):
        pace = (step := poll(pace, Failed(Weight.PASSING), NOW + timedelta(days=2))).pace
    assert step.pause_s == HOUR_S
    assert poll(pace, Failed(Weight.PASSING), NOW + timedelta(days=9)).pause_s == DAY_S


# --- Validators -----------------------------------------------------------------------------------------------


def test_validators_are_kept_back_at_first_and_after_a_failure() -> None:
    assert wants_all(NEW, POLICY, NOW)
    assert not wants_all(LISTS_20, POLICY, NOW + timedelta(minutes=10))
    assert wants_all(poll(LISTS_20, Failed(Weight.PASSING)).pace, POLICY, NOW + timedelta(minutes=10))


def test_every_so_many_polls_the_whole_document_is_asked_for() -> None:
    pace, full, now = replace(LISTS_20, peak_per_hour=0.0, interval_s=MINUTE_S), [], NOW
    policy = replace(POLICY, min_interval_s=MINUTE_S, max_interval_s=MINUTE_S)
    for _ in range(3 * policy.full_get_every):
        now += timedelta(minutes=1)
        full.append(wants_all(pace, policy, now))
        pace = poll(pace, Same() if full[-1] else NotChanged(), now, policy=policy).pace
    assert full.count(True) == 3


def test_a_304_is_believed_no_longer_than_the_listing_lasts() -> None:
    busy = replace(LISTS_20, peak_per_hour=10.0)
    assert not wants_all(busy, POLICY, NOW + timedelta(minutes=9))
    assert wants_all(busy, POLICY, NOW + timedelta(minutes=40))


# --- Sitemaps -------------------------------------------------------------------------------------------------

ARCHIVE = replace(LISTS_20, retires=True, newest_at=NOW - RETIRE_AFTER, changed_at=NOW - RETIRE_AFTER)


def test_a_sitemap_that_stays_the_same_and_is_old_is_retired_and_revived_by_any_change() -> None:
    step = poll(ARCHIVE, Same())
    assert (step.pace.retired_at, step.pause_s) == (NOW, RETIRED_PAUSE.total_seconds())
    revived = poll(step.pace, Read(keys=keys(0, 20)), NOW + RETIRED_PAUSE)
    assert revived.pace.retired_at is None and revived.pause_s <= DAY_S


def test_a_sitemap_lives_while_it_changes_or_has_newer_links() -> None:
    assert poll(replace(ARCHIVE, changed_at=NOW - RETIRE_AFTER + HOUR), Same()).pace.retired_at is None
    assert poll(replace(ARCHIVE, newest_at=NOW - RETIRE_AFTER + HOUR), Same()).pace.retired_at is None


def test_a_feed_is_never_retired() -> None:
    assert poll(replace(ARCHIVE, retires=False), Same()).pace.retired_at is None


def test_a_sitemap_whose_index_tells_of_its_changes_is_looked_at_once_a_day() -> None:
    assert poll(replace(NEW, announced=True), Read(keys=keys(0, 20))).pause_s == POLICY.max_interval_s


def test_an_index_whose_sitemaps_change_is_asked_about_hourly() -> None:
    pace, now = replace(NEW, retires=True), NOW
    for number in range(200):
        step = poll(pace, Read(moved=1 if number else 3), now)
        pace, now = step.pace, now + timedelta(seconds=step.pause_s)
    assert 0.5 * HOUR_S <= step.pause_s <= 1.5 * HOUR_S
