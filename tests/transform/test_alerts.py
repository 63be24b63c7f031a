"""What is an alert and what is none, on streams of figures; and that each begins once and ends with its cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.alerts import (
    AlertKind,
    AlertPolicy,
    Broken,
    FailingFeeds,
    Finding,
    GivenUp,
    Judged,
    Key,
    Line,
    Measured,
    Merger,
    Placed,
    Queue,
    Volume,
    judge,
)
from transform.episodes import Episode, follow
from transform.expect import Share

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = AlertPolicy()


def found(measured: Measured, *is_open: Key) -> list[Finding]:
    return list(judge(measured, is_open, NOW, POLICY).findings)


def kinds(measured: Measured, *is_open: Key) -> list[AlertKind]:
    return [finding.kind for finding in found(measured, *is_open)]


@dataclass
class Desk:
    """The alerts of a store, check after check."""

    now: datetime = NOW
    open: list[Episode] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    messages: dict[int, str] = field(default_factory=dict)
    ids: Iterable[int] = field(default_factory=lambda: count(1))

    def check(self, measured: Measured, after: timedelta = HOUR / 4) -> None:
        self.now += after
        is_open = {Key(one.kind, member) for one in self.open for member in one.members}
        self.follow(judge(measured, is_open, self.now, POLICY))

    def follow(self, judged: Judged) -> None:
        changes = follow(judged, self.open, self.now, POLICY)
        self.told += changes.begun
        self.ended += changes.ended
        kept = [self._refreshed(one, changes.refreshed) for one in self.open if one.id not in changes.ended]
        self.open = [*kept, *map(self._begun, changes.begun)]

    def _begun(self, finding: Finding) -> Episode:
        id_ = next(iter(self.ids))
        self.messages[id_] = finding.message
        members = frozenset(finding.figures.get("members", [finding.subject]))
        shared = "members" in finding.figures
        return Episode(id=id_, kind=finding.kind, members=members, shared=shared, begun_at=self.now)

    def _refreshed(self, one: Episode, refreshed: dict[int, Finding]) -> Episode:
        if one.id not in refreshed:
            return one
        self.messages[one.id] = refreshed[one.id].message
        return replace(one, members=frozenset(refreshed[one.id].figures.get("members", one.members)))


def failing(*names: str, failures: int = 9, ok: timedelta | None = 2 * DAY) -> Measured:
    last = None if ok is None else NOW - ok
    return Measured(
        failing=[
            FailingFeeds(source=name, feeds=2, failures=failures, last_ok_at=last, last_polled_at=NOW, error="answered 503")
            for name in names
        ]
    )  # fmt: skip


def silent(*names: str, state: str = "silent") -> Measured:
    return Measured(
        volumes=[Volume(source=name, state=state, usual_per_day=40, last_entry_at=NOW - DAY) for name in names]
    )


def given_up(lately: int, past: Sequence[int]) -> Measured:
    return Measured(
        given_up=[GivenUp(source="harbour", stage="fetch", lately=lately, past=tuple(past), error="Timeout")]
    )


def placed(part: int, of: int, past: Sequence[Share]) -> Measured:
    one = Placed(
        source="harbour", newest=Share(part=part, of=of), past=tuple(past), story_id=7, in_story=part, other="northline", by_other=part
    )  # fmt: skip
    return Measured(placed=[one])


def waiting(since: timedelta, moved: timedelta | None, pause_s: float | None = 900) -> Measured:
    at = None if moved is None else NOW - moved
    queue = Queue(name="fetch", line="collect", waiting=5, first="entry 3", since=NOW - since, moved_at=at)
    return Measured(queues=[queue], lines=[line(pause_s=pause_s)])


def line(
    begun: int = 0, hours: int = 0, alive: int = 0, ended: timedelta | None = DAY, pause_s: float | None = 900
) -> Line:
    at = None if ended is None else NOW - ended
    return Line(name="collect", pause_s=pause_s, finished_at=at, begun=begun, begun_hours=hours, alive=alive)


def days(share: float, number: int = 14, of: int = 20) -> list[Share]:
    return [Share(part=round(share * of), of=of)] * number


# --- What is found --------------------------------------------------------------------------------------------


def test_a_store_in_which_all_is_well_has_nothing() -> None:
    assert found(Measured(lines=[line()])) == []


def test_a_silent_source_is_told_with_its_numbers() -> None:
    (finding,) = found(silent("harbour"))
    assert (finding.kind, finding.source) == (AlertKind.SILENT_SOURCE, "harbour")
    assert finding.message == "harbour has announced nothing since 2026-03-09 12:00, usually 40 entries a day."


def test_silence_that_breaks_an_expectation_is_told_once() -> None:
    broken = Broken(source="harbour", expectation="entries_per_day", expected="at least 20", observed="0", stops=True)
    measured = replace(silent("harbour", "northline"), broken=[broken])
    assert [(one.kind, one.source) for one in found(measured)] == [
        (AlertKind.SILENT_SOURCE, "northline"),
        (AlertKind.FAILED_EXPECTATION, "harbour"),
    ]


@pytest.mark.parametrize(
    ("failures", "ok", "is_told"),
    [(9, 2 * DAY, True), (9, 23 * HOUR, False), (2, 3 * DAY, False), (5, None, True), (4, None, False)],
)
def test_feeds_must_fail_for_a_day(failures: int, ok: timedelta | None, is_told: bool) -> None:
    assert bool(found(failing("harbour", failures=failures, ok=ok))) == is_told


def test_feeds_that_were_not_asked_have_not_failed() -> None:
    (one,) = failing("harbour", ok=9 * DAY).failing
    assert found(Measured(failing=[replace(one, last_polled_at=NOW - 8.5 * DAY)])) == []


@pytest.mark.parametrize(
    ("lately", "past", "is_told"),
    [
        (40, [0] * 28, True),
        (19, [0] * 28, False),  # status lists fewer
        (40, [30, 45, 20, 38, 33, 40, 41], False),  # as ever
        (200, [30, 45, 20, 38, 33, 40, 41], True),
        (500, [], False),  # a first day
        (500, [0] * 6, False),  # a young source
        (120, [0] * 20 + [110] * 8, True),  # a bad week is not the usual
    ],
)
def test_quarantine_grows_beside_its_own_past(lately: int, past: Sequence[int], is_told: bool) -> None:
    assert bool(found(given_up(lately, past))) == is_told


@given(st.lists(st.integers(0, 60), min_size=7, max_size=28), st.integers(0, 400))
def test_what_is_told_of_quarantine_stays_until_it_is_well_below(past: list[int], lately: int) -> None:
    key = Key(AlertKind.GROWING_QUARANTINE, "harbour, fetch")
    if found(given_up(lately, past)):
        assert found(given_up(round(0.6 * lately) + 1, past), key) or lately < 2
    assert not found(given_up(10, past), key)


@pytest.mark.parametrize(
    ("since", "moved", "pause_s", "is_told"),
    [
        (7 * HOUR, 7 * HOUR, 900, True),
        (7 * HOUR, None, 900, True),
        (7 * HOUR, HOUR, 900, False),  # a long queue that moves
        (5 * HOUR, 5 * HOUR, 900, False),
        (30 * HOUR, 30 * HOUR, 86400, False),  # it runs once a day
        (5 * DAY, 5 * DAY, 86400, True),
        (3 * DAY, 3 * DAY, 86400, False),  # a weekend of one that runs on working days
        (20 * HOUR, 20 * HOUR, None, False),  # nobody knows its rhythm yet
        (25 * HOUR, 25 * HOUR, None, True),
    ],
)
def test_a_queue_is_stuck_by_the_rhythm_of_its_line(
    since: timedelta, moved: timedelta | None, pause_s: float | None, is_told: bool
) -> None:
    assert bool(found(waiting(since, moved, pause_s))) == is_told


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        (line(begun=20, hours=6), True),
        (line(begun=20, hours=6, ended=None), True),
        (line(begun=20, hours=6, ended=HOUR), False),
        (line(begun=4, hours=4, alive=4), False),  # four workers on a long backfill
        (line(begun=9, hours=1), False),  # somebody tries it again and again
    ],
)
def test_a_line_that_only_begins_is_unfinished(value: Line, is_told: bool) -> None:
    assert bool(found(Measured(lines=[value]))) == is_told


@pytest.mark.parametrize(
    ("part", "of", "past", "is_told"),
    [
        (45, 50, days(0.15), True),
        (45, 50, days(0.95), False),  # an agency's mirror always was
        (45, 50, days(0.15, number=4), False),  # a young store
        (18, 19, days(0.15), False),  # too few
        (20, 50, days(0.15), False),
        (45, 50, [*days(0.15), Share(part=19, of=20)], False),  # it has had such days
        (45, 50, days(0.15, of=4), False),  # days of too few articles
    ],
)
def test_a_source_is_wiped_out_beside_its_own_past(part: int, of: int, past: Sequence[Share], is_told: bool) -> None:
    assert bool(found(placed(part, of, past))) == is_told


def test_a_wiped_out_source_names_what_swallows_it() -> None:
    (finding,) = found(placed(45, 50, days(0.15)))
    assert finding.message == (
        "harbour: 90% of 50 newest articles stand in stories of other articles, usually 15%; 45 of them in story 7."
    )
    (one,) = placed(45, 50, days(0.15)).placed
    (finding,) = found(Measured(placed=[replace(one, in_story=3, by_other=40)]))
    assert finding.message.endswith("40 of them in stories of northline.")


def test_a_wiped_out_source_flutters_as_one() -> None:
    desk = Desk()
    for part in (45, 24, 26, 20, 45, 24):
        desk.check(placed(part, 50, days(0.15)))
    assert len(desk.told) == 1 and not desk.ended
    desk.check(placed(14, 50, days(0.15)))
    assert not desk.open and len(desk.told) == 1


def test_a_large_merger_is_told_with_its_match() -> None:
    (finding,) = found(Measured(mergers=[Merger(story_id=9, into=4, moved=31, match="same 12 15")]))
    assert finding.message == "Story 9 with 31 articles was merged into story 4: same 12 15."


# --- How alerts go on -----------------------------------------------------------------------------------------


def test_an_alert_begins_once_and_ends_with_its_cause() -> None:
    desk = Desk()
    for _ in range(100):
        desk.check(silent("harbour"))
    assert len(desk.told) == len(desk.open) == 1
    desk.check(Measured())
    assert not desk.open and desk.ended == [1]
    desk.check(silent("harbour"))
    assert len(desk.told) == 2


def test_what_nothing_is_known_of_stays_as_it_is() -> None:
    desk = Desk()
    desk.check(silent("harbour"))
    desk.check(silent("harbour", state="unknown"))
    assert desk.open
    desk.check(Measured())
    assert not desk.open


def test_two_hundred_sources_at_once_are_one_alert_with_names() -> None:
    desk = Desk()
    names = [f"paper-{number:03}" for number in range(200)]
    desk.check(failing(*names))
    (finding,) = desk.told
    assert finding.source is None and finding.figures["members"] == names
    assert finding.message.startswith("The feeds of 200 sources cannot be read: paper-000; paper-001; ")
    assert "and 190 more" in finding.message
    desk.check(failing(*names[:2]))
    assert "2 sources" in desk.messages[1] and len(desk.open) == 1
    desk.check(failing(*names))
    assert len(desk.told) == 1
    desk.check(Measured())
    assert desk.ended == [1]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_a_server_that_dies_feed_by_feed_is_a_handful_of_alerts(steps: list[int]) -> None:
    """As its feeds are polled one after the other, each check finds some more."""
    desk, dead = Desk(), 0
    for step in steps:
        dead += step
        desk.check(failing(*(f"paper-{number}" for number in range(dead))))
    assert len(desk.told) <= POLICY.many
    covered = [member for one in desk.open for member in one.members]
    assert len(covered) == len(set(covered)) == dead


def test_what_begins_days_later_is_told_by_itself() -> None:
    desk = Desk()
    names = [f"paper-{number}" for number in range(9)]
    desk.check(failing(*names))
    desk.check(failing(*names, "harbour"), after=2 * DAY)
    assert [finding.subject for finding in desk.told] == ["paper-0 and others", "harbour"]


@given(
    st.lists(st.sets(st.sampled_from("abcdefgh")), max_size=30), st.lists(st.integers(1, 60), min_size=30, max_size=30)
)
def test_everything_found_is_in_exactly_one_open_alert(stream: list[set[str]], hours: list[int]) -> None:
    desk = Desk()
    for names, pause in zip(stream, hours, strict=False):
        desk.check(silent(*sorted(names)), after=pause * HOUR)
        covered = [member for one in desk.open for member in one.members]
        assert len(covered) == len(set(covered)) and names <= set(covered)
        assert all(one.members & names for one in desk.open)
        assert len({finding.subject for finding in desk.told if finding.figures.get("members")}) <= len(desk.told)


def test_a_shared_alert_of_one_says_what_that_one_is() -> None:
    desk = Desk()
    desk.check(silent("a", "b", "c", "d"))
    desk.check(silent("a", "b", "c", "d", "e"))
    assert len(desk.told) == 5 and desk.told[4].message.startswith("e has announced nothing")
    desk.check(silent("a", "b", "c", "d", "e", "f"))
    assert len(desk.told) == 5 and desk.messages[5].startswith("2 sources have fallen silent: e; f.")
