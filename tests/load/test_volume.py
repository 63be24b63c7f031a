"""Silence and floods: `news.source_volume` on planted histories, and beside the same rules written in Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sqrt
from typing import Any

import pytest
from factories import a_source, keep_sources
from sqlalchemy import Engine, text

from extract.model import Bound, Expectations, OnBreach, PollPolicy
from extract.polling import Failed, NotChanged, Read, Weight
from load import expectations, sources, volume
from load.engine import worker
from load.report.state import status
from load.sources import Poll

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(hours=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

History = Mapping[int, int]  # hours before the last poll → new entries of that hour's polls


def every_hour(days: int, entries: Callable[[int], int], *, off: Sequence[range] = ()) -> dict[int, int]:
    """A poll an hour; what each day of 24 hours brought comes at its end, days counted back from 0."""
    hours = {ago: entries(ago // 24) if ago % 24 == 0 else 0 for ago in range(24 * days + 1)}
    return {ago: new for ago, new in hours.items() if not any(ago in gone for gone in off)}


def plant(engine: Engine, histories: Mapping[str, History], last: datetime = NOW) -> None:
    """Sources that were polled so."""
    with engine.begin() as connection:
        sources.sync(connection, [a_source(name) for name in histories])
        ids = {row.name: row.id for row in connection.execute(text("SELECT id, name FROM storyfold.source"))}
        rows = [
            {"id": ids[name], "at": last - ago * HOUR, "new": new}
            for name, history in histories.items()
            for ago, new in history.items()
        ]
        insert = (
            "INSERT INTO storyfold.source_hour VALUES (:id, date_trunc('hour', CAST(:at AS timestamptz)), :at, :new)"
        )
        connection.execute(text(insert), rows)
        connection.execute(
            text(
                """UPDATE storyfold.feed SET last_polled_at = :last, last_new_at =
                     (SELECT max(polled_at) FROM storyfold.source_hour AS brought
                      WHERE brought.source_id = feed.source_id AND entries > 0)"""
            ),
            {"last": last},
        )


def states(engine: Engine) -> dict[str, str]:
    return {row["source"]: row["volume_state"] for row in volumes(engine).values()}


def volumes(engine: Engine) -> dict[str, dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM news.source_volume")).mappings()
        return {row["source"]: dict(row) for row in found}


def state(engine: Engine, history: History, last: datetime = NOW) -> str:
    plant(engine, {"northline": history}, last)
    return states(engine)["northline"]


# --- The states -----------------------------------------------------------------------------------------------


def test_a_source_that_goes_on_as_ever_is_usual(engine):
    assert state(engine, every_hour(30, lambda day: 40 + day % 5)) == "usual"
    found = volumes(engine)["northline"]
    assert (found["entries_per_day"], found["usual_per_day"], found["last_entry_at"]) == (40.0, 42.5, NOW)


def test_a_source_falls_silent(engine):
    assert state(engine, every_hour(30, lambda day: 40 if day else 0)) == "silent"


def test_a_source_brings_less_or_more_than_it_ever_did(engine):
    plant(
        engine,
        {
            "less": every_hour(30, lambda day: 40 if day else 6),
            "more": every_hour(30, lambda day: 40 if day else 200),
            "somewhat-less": every_hour(30, lambda day: 40 if day else 25),
            "somewhat-more": every_hour(30, lambda day: 40 if day else 75),
        },
    )
    assert states(engine) == {"less": "low", "more": "high", "somewhat-less": "usual", "somewhat-more": "usual"}


def test_a_quiet_day_is_held_beside_the_same_weekday(engine):
    weekend = {0, 1, 7, 8, 14, 15, 21, 22, 28}
    plant(
        engine,
        {
            "always-so": every_hour(30, lambda day: 2 if day in weekend else 60),
            "never-so": every_hour(30, lambda day: 2 if day in weekend - {7, 14, 21, 28} else 60),
        },
    )
    assert states(engine) == {"always-so": "usual", "never-so": "low"}


def test_a_slow_source_is_silent_when_it_pauses_twice_as_long_as_ever(engine):
    plant(
        engine,
        {
            "thinking": every_hour(30, lambda day: int(day % 3 == 2)),
            "pausing": every_hour(31, lambda day: int(day >= 6 and day % 3 == 0)),
            "gone": every_hour(31, lambda day: int(day >= 7 and day % 3 == 1)),
        },
    )
    assert states(engine) == {"thinking": "usual", "pausing": "usual", "gone": "silent"}


def test_who_said_nothing_in_four_weeks_is_silent(engine):
    assert state(engine, every_hour(31, lambda day: 50 if day > 29 else 0)) == "silent"


def test_a_new_source_is_not_judged(engine):
    history = every_hour(6, lambda day: 40 if day else 0)
    assert state(engine, history) == "new"


# --- Our own downtime -----------------------------------------------------------------------------------------


def test_a_source_that_we_do_not_poll_is_unknown_and_not_silent(engine):
    assert state(engine, every_hour(30, lambda _: 40), last=NOW - 3 * DAY) == "unknown"


def test_the_first_polls_after_a_long_downtime_say_nothing(engine):
    assert state(engine, every_hour(30, lambda day: 40 if day else 0, off=[range(1, 72)])) == "unknown"


def test_what_a_downtime_heaps_up_is_no_flood(engine):
    """Off for 40 hours: what was announced meanwhile is found at once, and counts for the time it took."""
    history = every_hour(30, lambda day: 40 if day else 70, off=[range(1, 40)])
    assert state(engine, history) == "usual"
    assert volumes(engine)["northline"]["entries_per_day"] == pytest.approx(70 / 40 * 24, rel=0.1)


def test_days_that_were_not_polled_are_no_history(engine):
    history = every_hour(30, lambda day: 0 if 8 <= day <= 20 else 40, off=[range(8 * 24 + 1, 21 * 24 + 1)])
    assert state(engine, history) == "usual"
    assert volumes(engine)["northline"]["usual_per_day"] == 40


def test_a_coverage_gap_is_not_held_against_the_source(engine):
    plant(engine, {"northline": every_hour(30, lambda day: 40 if day else 0)})
    with engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO storyfold.coverage_gap (feed_id, since, until, found_at)
                   SELECT id, :since, :until, :until FROM storyfold.feed"""
            ),
            {"since": NOW - 9 * HOUR, "until": NOW - 8 * HOUR},
        )
    assert states(engine) == {"northline": "unknown"}


# --- The same rules in Python, on random histories ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    entries: int
    polled: bool


def judged(history: History) -> str:
    """What the view is to say of a source whose last poll was a moment ago."""
    days = [
        Day(sum(new for ago, new in history.items() if ago // 24 == day), any(ago // 24 == day for ago in history))
        for day in range(31)
    ]
    whole = {n: days[n].entries for n in range(1, 29) if days[n].polled and days[n + 1].polled}
    if len(whole) < 7:
        return "new"
    span = min(ago for ago in history if ago >= 24)
    if span > 50:
        return "unknown"
    now = days[0].entries * 24 / span
    alike = [whole[n] for n in (7, 14, 21, 28) if n in whole]
    least = min(alike if len(alike) >= 3 else whole.values())
    brought = sorted(ago for ago, new in history.items() if new)
    pauses = [b - a for a, b in pairwise(brought)]
    if sum(day.entries for day in days[:29]) == 0:
        return "silent"
    if not days[0].entries and (far(0, least) or (len(pauses) >= 8 and brought[0] > 2 * max(pauses))):
        return "silent"
    if 2 * now < least and far(now, least):
        return "low"
    return "high" if now > 2 * max(whole.values()) and far(max(whole.values()), now) else "usual"


def far(less: float, more: float) -> bool:
    return 2 * (sqrt(more + 0.375) - sqrt(less + 0.375)) > 4


def random_history(rng: random.Random) -> dict[int, int]:
    """Any rhythm, any downtime, any end."""
    rate = rng.choice([0.02, 0.1, 0.5, 3.0])
    weekly = rng.choice([1.0, 0.1])
    length = rng.choice([5 * 24, 20 * 24, 31 * 24 - 1])
    every = rng.choice([1, 1, 7, 23])
    off = [
        range(start, start + rng.choice([5, 30, 90])) for start in rng.choices(range(1, 700), k=rng.choice([0, 0, 2]))
    ]
    today = rng.choice([1.0, 1.0, 0.0, 0.1, 5.0])
    silent = rng.choice([0, 0, 0, 100, 400])
    history: dict[int, int] = {}
    for ago in range(0, length, every):
        factor = (today if ago < 24 else 1.0) * (weekly if ago // 24 % 7 in (0, 1) else 1.0) * (ago >= silent)
        if not any(ago in gone for gone in off):
            history[ago] = sum(rng.random() < rate * factor / 4 for _ in range(4 * every))
    return history


def test_the_view_says_what_the_rules_say(engine):
    rng = random.Random(11)
    histories = {f"source-{n}": random_history(rng) for n in range(400)}
    plant(engine, histories)
    expected = {name: judged(history) for name, history in histories.items()}
    assert states(engine) == expected
    assert set(expected.values()) == {"new", "unknown", "usual", "silent", "low", "high"}
    with engine.connect() as connection:
        told = {line.source: line.state for line in status(connection).volumes}
        health = connection.execute(text("SELECT source, volume_state FROM news.source_health")).all()
    assert told == {name: said for name, said in expected.items() if said in ("silent", "low", "high")}
    assert dict(health) == expected


# --- Polls are counted ----------------------------------------------------------------------------------------


def test_only_polls_that_answered_are_counted(engine):
    keep_sources(engine, "northline")
    polls = [
        Poll(answer=Read(), new=5),
        Poll(answer=Failed(Weight.SOFT), text="503"),
        Poll(answer=NotChanged()),  # proves nothing after a failure
        Poll(answer=Read(), new=2),
        Poll(answer=NotChanged()),
    ]
    with worker(engine) as me, engine.begin() as connection:
        for minute, poll in enumerate(polls):
            at = NOW.replace(minute=minute)
            [due] = sources.claim_due(connection, me, at, early=True)
            sources.record_poll(connection, due, poll, PollPolicy(), at)
        rows = connection.execute(text("SELECT hour, polled_at, entries FROM storyfold.source_hour")).all()
    assert rows == [(NOW.replace(minute=0), NOW.replace(minute=4), 7)]


# --- Expected volumes -----------------------------------------------------------------------------------------


BUSY = Expectations(entries_per_day=Bound(min=20), on_breach=OnBreach.STOP)


def check(engine: Engine, history: History, last: datetime = NOW) -> expectations.Checked:
    """What the check says of a source with this history, of which 20 entries a day are expected."""
    plant(engine, {"northline": history}, last)
    return check_again(engine)


def check_again(engine: Engine, now: datetime = NOW) -> expectations.Checked:
    with engine.begin() as connection:
        sources.sync(connection, [replace(a_source("northline"), expect=BUSY)])
        return expectations.check_volumes(connection, now)


def test_too_few_entries_in_a_whole_day_hold_a_source_and_enough_free_it(engine):
    assert len(check(engine, every_hour(3, lambda day: 40 if day else 10)).held) == 1
    with engine.begin() as connection:
        (feed_id,) = connection.scalars(text("SELECT id FROM storyfold.feed"))
        volume.count(connection, feed_id, 15, NOW)
    checked = check_again(engine)
    assert (len(checked.freed), checked.breaches) == (1, 0)


@pytest.mark.parametrize(
    ("history", "last"),
    [
        (every_hour(0, lambda _: 3), NOW),  # new: not a day yet
        (dict.fromkeys(range(24), 0), NOW),
        (every_hour(3, lambda day: 40 if day else 10, off=[range(1, 60)]), NOW),  # we were off
        (every_hour(3, lambda day: 40 if day else 10), NOW - 3 * DAY),  # we are
    ],
)
def test_time_that_no_poll_covers_breaks_no_expectation(engine, history, last):
    assert check(engine, history, last).breaches == 0


def test_a_day_after_its_release_a_source_is_judged_again(engine):
    check(engine, every_hour(3, lambda day: 40 if day else 10))
    with engine.begin() as connection:
        expectations.release(connection, "northline", NOW)
    assert check_again(engine).breaches == 0
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.source SET released_at = released_at - interval '2 days'"))
        connection.execute(text("UPDATE storyfold.breach SET ended_at = ended_at - interval '2 days'"))
    assert check_again(engine).breaches == 1


def test_a_figure_that_hovers_about_its_bound_is_one_breach(engine):
    check(engine, every_hour(3, lambda day: 40 if day else 19))
    with engine.begin() as connection:
        (feed_id,) = connection.scalars(text("SELECT id FROM storyfold.feed"))
    for more in (3, -3, 3):
        with engine.begin() as connection:
            volume.count(connection, feed_id, more, NOW)
        check_again(engine, NOW + HOUR)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT begun_at, ended_at FROM storyfold.breach")).all()
    assert rows == [(NOW, NOW + HOUR)]


def test_polls_that_no_judgement_needs_are_forgotten(engine):
    check(engine, every_hour(40, lambda _: 30))
    with engine.connect() as connection:
        (oldest,) = connection.scalars(text("SELECT min(hour) FROM storyfold.source_hour"))
    assert oldest >= NOW - expectations.HISTORY
