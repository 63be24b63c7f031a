"""What a person should look at, judged from figures of the store: values in, findings out.

Most figures are held beside the source's own past: what was always so is no alert. Where a figure may hover about its
bound, what is open stays so until it is well below it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt
from statistics import median
from typing import Any, NamedTuple

from transform.expect import Expectation, Share


class AlertKind(StrEnum):
    SILENT_SOURCE = "silent-source"
    FAILING_SOURCE = "failing-source"
    FAILED_EXPECTATION = "failed-expectation"
    GROWING_QUARANTINE = "growing-quarantine"
    STUCK_QUEUE = "stuck-queue"
    UNFINISHED_LINE = "unfinished-line"
    WIPED_OUT_SOURCE = "wiped-out-source"
    LARGE_MERGE = "large-merge"


class Severity(StrEnum):
    WARNING = "warning"
    ERROR = "error"
    """Nothing goes on there until somebody does something."""


class Key(NamedTuple):
    """What an alert is about; one of each is open at a time."""

    kind: AlertKind
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that should be looked at, as it stands now."""

    kind: AlertKind
    subject: str
    message: str  # one sentence with its numbers
    severity: Severity = Severity.WARNING
    source: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)  # as JSON

    @property
    def key(self) -> Key:
        return Key(self.kind, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """From where on a figure is an alert."""

    stuck_after: timedelta = timedelta(hours=6)  # a batch of the slowest pages takes less than one
    pauses: int = 4  # times the usual pause of its line: one that runs on working days pauses for three at weekends
    unknown_rhythm: timedelta = timedelta(days=1)  # in place of these, while a line has hardly run
    unfinished: int = 3  # runs that began, in as many different hours, and whose workers are gone
    failing_after: timedelta = timedelta(days=1)  # a server that is mended overnight is nobody's business
    failures: int = 3  # of each feed in a row, at least
    failures_of_new: int = 5  # of feeds that never could be read: there is no time to count from
    quarantined: int = 20  # in a day, of one source and stage; status lists fewer
    times_usual: float = 3.0
    known_days: int = 7  # of a source's past, before its quarantine is held beside it
    articles: int = 20  # the newest of a source, at least
    wiped_out: float = 0.5  # of them stand in stories of other articles
    risen: float = 0.3  # above the median day
    past_days: int = 5  # each with enough articles to have a share
    past_articles: int = 5  # are enough for that
    over: float = 0.5  # what is open is over when its figure is so much nearer to the usual
    many: int = 5  # of one kind that begin together become one alert
    together: timedelta = timedelta(days=1)  # that long others of their kind join them


# --- What is measured -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How much a source announces, as `news.source_volume` judges it."""

    source: str
    state: str  # silent or unknown
    usual_per_day: float | None
    last_entry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingFeeds:
    """A source none of whose feeds could be read when last asked."""

    source: str
    feeds: int
    failures: int  # in a row, of the feed with the fewest
    last_ok_at: datetime | None  # of any; None when none ever could be read
    last_polled_at: datetime
    error: str | None  # of the last poll, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An expectation of a source's file that is broken."""

    source: str
    expectation: str
    expected: str
    observed: str
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """What one stage quarantined of a source."""

    source: str
    stage: str
    lately: int  # in the last 24 hours
    past: tuple[int, ...]  # in each 24 hours before, as far back as the source is known, at most four weeks
    error: str | None  # of the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for one step, and since when what stands first has waited."""

    name: str
    line: str  # whose work it is
    waiting: int
    first: str  # what stands first, in words
    since: datetime
    moved_at: datetime | None  # when something of it was done last; None for never
    source: str | None = None  # of what stands first


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How one line has run lately."""

    name: str
    pause_s: float | None  # the usual time between two ends; None when it has hardly run
    finished_at: datetime | None  # the last run that ended
    begun: int  # runs since then
    begun_hours: int  # different hours of the clock in which they began
    alive: int  # workers now at work, at whatever line


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """In whose stories a source's articles stand: how many stand for no story themselves."""

    source: str
    newest: Share
    past: tuple[Share, ...]  # of each day before
    story_id: int  # the one with most of the newest
    in_story: int
    other: str  # the source whose articles stand for most of them
    by_other: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merger:
    """Two large stories that measurement has made one."""

    story_id: int
    into: int
    moved: int  # articles
    match: str | None  # behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures of one moment."""

    volumes: Collection[Volume] = ()
    failing: Collection[FailingFeeds] = ()
    broken: Collection[Broken] = ()
    given_up: Collection[GivenUp] = ()
    queues: Collection[Queue] = ()
    lines: Collection[Line] = ()
    placed: Collection[Placed] = ()
    mergers: Collection[Merger] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is to be looked at, and of what nothing can be said now."""

    findings: tuple[Finding, ...]
    undecided: frozenset[Key]


# --- The judgement --------------------------------------------------------------------------------------------


def judge(measured: Measured, is_open: Collection[Key], now: datetime, policy: AlertPolicy) -> Judged:
    """Everything in these figures that a person should look at.

    is_open: what was found before and is not over
    """
    findings = (
        *_silent(measured),
        *_failing(measured, policy),
        *map(_failed_expectation, measured.broken),
        *_growing(measured, is_open, policy),
        *_stuck(measured, now, policy),
        *_unfinished(measured, now, policy),
        *_wiped_out(measured, is_open, policy),
        *map(_large_merge, measured.mergers),
    )
    unknown = (volume.source for volume in measured.volumes if volume.state == "unknown")
    return Judged(findings=findings, undecided=frozenset(Key(AlertKind.SILENT_SOURCE, name) for name in unknown))


def _silent(measured: Measured) -> Iterator[Finding]:
    """A source whose file says how much it announces is judged by that, and not told twice."""
    told = {one.source for one in measured.broken if one.expectation == Expectation.ENTRIES_PER_DAY}
    for volume in measured.volumes:
        if volume.state == "silent" and volume.source not in told:
            usual = f", usually {volume.usual_per_day:.3g} entries a day" if volume.usual_per_day else ""
            yield Finding(
                kind=AlertKind.SILENT_SOURCE,
                subject=volume.source,
                source=volume.source,
                message=f"{volume.source} has announced nothing since {_when(volume.last_entry_at)}{usual}.",
                figures={"usual_per_day": volume.usual_per_day, "last_entry_at": _iso(volume.last_entry_at)},
            )


def _failing(measured: Measured, policy: AlertPolicy) -> Iterator[Finding]:
    for one in measured.failing:
        if one.last_ok_at is None:
            fails = one.failures >= policy.failures_of_new
        else:  # to the last poll, not to now: what was not asked has not failed
            fails = one.failures >= policy.failures and one.last_polled_at - one.last_ok_at >= policy.failing_after
        if fails:
            feeds = "Its feed" if one.feeds == 1 else f"None of its {one.feeds} feeds"
            could = "could not be read" if one.feeds == 1 else "could be read"
            yield Finding(
                kind=AlertKind.FAILING_SOURCE,
                subject=one.source,
                source=one.source,
                message=f"{one.source}: {feeds} {could} since {_when(one.last_ok_at)}, {one.failures} polls in a row"
                f"{_because(one.error)}.",
                figures={"feeds": one.feeds, "failures": one.failures, "last_ok_at": _iso(one.last_ok_at)},
            )


def _failed_expectation(one: Broken) -> Finding:
    waits = "; its pages wait" if one.stops else ""
    return Finding(
        kind=AlertKind.FAILED_EXPECTATION,
        subject=f"{one.source}, {one.expectation}",
        source=one.source,
        severity=Severity.ERROR if one.stops else Severity.WARNING,
        message=f"{one.source}: {one.expectation} is {one.observed}, expected is {one.expected}{waits}.",
        figures={"expectation": one.expectation, "expected": one.expected, "observed": one.observed},
    )


def _growing(measured: Measured, is_open: Collection[Key], policy: AlertPolicy) -> Iterator[Finding]:
    for one in measured.given_up:
        key = Key(AlertKind.GROWING_QUARANTINE, f"{one.source}, {one.stage}")
        if len(one.past) < policy.known_days:
            continue
        usual = median(one.past)
        if key in is_open:
            grows = one.lately > policy.over * max(policy.quarantined, policy.times_usual * usual)
        else:
            is_many = one.lately >= max(policy.quarantined, policy.times_usual * usual)
            grows = is_many and _exceeds(one.lately, usual)
        if grows:
            yield Finding(
                kind=key.kind,
                subject=key.subject,
                source=one.source,
                message=f"{one.source}: {one.lately} entries were given up at stage {one.stage} in 24 hours, "
                f"usually {usual:g}{_because(one.error)}.",
                figures={"stage": one.stage, "entries_24h": one.lately, "usual_per_day": usual},
            )


def _stuck(measured: Measured, now: datetime, policy: AlertPolicy) -> Iterator[Finding]:
    pauses = {line.name: line.pause_s for line in measured.lines}
    for queue in measured.queues:
        latest = now - patience(pauses.get(queue.line), policy)
        if queue.since <= latest and (queue.moved_at is None or queue.moved_at <= latest):
            yield Finding(
                kind=AlertKind.STUCK_QUEUE,
                subject=queue.name,
                source=queue.source,
                severity=Severity.ERROR,
                message=f"Nothing moves in the queue '{queue.name}': {queue.first}, which stands first, has waited "
                f"since {_when(queue.since)}, and with it {queue.waiting} in all.",
                figures={"waiting": queue.waiting, "waits_since": _iso(queue.since), "moved_at": _iso(queue.moved_at)},
            )


def _unfinished(measured: Measured, now: datetime, policy: AlertPolicy) -> Iterator[Finding]:
    """A line that is begun again and again; one that takes days has workers that live."""
    for line in measured.lines:
        latest = now - patience(line.pause_s, policy)
        gone = min(line.begun - line.alive, line.begun_hours)
        if gone >= policy.unfinished and (line.finished_at is None or line.finished_at <= latest):
            yield Finding(
                kind=AlertKind.UNFINISHED_LINE,
                subject=line.name,
                severity=Severity.ERROR,
                message=f"{line.name} has not run to its end since {_when(line.finished_at)}, though it began "
                f"{line.begun} times.",
                figures={"begun": line.begun, "finished_at": _iso(line.finished_at)},
            )


def patience(pause_s: float | None, policy: AlertPolicy) -> timedelta:
    """How long nothing may happen in a line that usually pauses for so long between two runs."""
    usual = policy.unknown_rhythm if pause_s is None else policy.pauses * timedelta(seconds=pause_s)
    return max(policy.stuck_after, usual)


def _wiped_out(measured: Measured, is_open: Collection[Key], policy: AlertPolicy) -> Iterator[Finding]:
    for one in measured.placed:
        key = Key(AlertKind.WIPED_OUT_SOURCE, one.source)
        days = [_value(day) for day in one.past if day.of >= policy.past_articles]
        if one.newest.of < policy.articles or len(days) < policy.past_days:
            continue
        usual, share = median(days), _value(one.newest)
        if key in is_open:
            is_wiped_out = share > usual + policy.over * policy.risen
        else:
            is_wiped_out = share >= policy.wiped_out and share > max(usual + policy.risen, *days)
        if is_wiped_out:
            yield Finding(
                kind=key.kind,
                subject=key.subject,
                source=one.source,
                message=f"{one.source}: {one.newest} newest articles stand in stories of other articles, usually "
                f"{100 * usual:.0f}%; {_swallower(one)}.",
                figures={
                    "articles": one.newest.of,
                    "swallowed": one.newest.part,
                    "usual_share": round(usual, 3),
                    "story": one.story_id,
                    "in_story": one.in_story,
                    "other_source": one.other,
                    "by_other_source": one.by_other,
                },
            )


def _swallower(one: Placed) -> str:
    """What most of them became copies of: one story, or what one source prints."""
    if 2 * one.in_story >= one.newest.part:
        return f"{one.in_story} of them in story {one.story_id}"
    return f"{one.by_other} of them in stories of {'its own' if one.other == one.source else one.other}"


def _large_merge(one: Merger) -> Finding:
    return Finding(
        kind=AlertKind.LARGE_MERGE,
        subject=f"story {one.story_id}",
        message=f"Story {one.story_id} with {one.moved} articles was merged into story {one.into}"
        f"{_because(one.match)}.",
        figures={"story": one.story_id, "into": one.into, "articles": one.moved, "match": one.match},
    )


def _exceeds(count: float, usual: float) -> bool:
    """By more than four standard deviations of a count (Anscombe's root makes them alike)."""
    return 2 * (sqrt(count + 0.375) - sqrt(usual + 0.375)) > 4


def _value(share: Share) -> float:
    return share.part / share.of


def _because(error: str | None) -> str:
    return f": {' '.join(error.split())[:200].rstrip('.')}" if error else ""


def _when(at: datetime | None) -> str:
    return "the beginning" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
