"""A made-up year of feeds on a simulated clock: what a poller asks, sees and misses. No web, no store."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from extract.model import PollPolicy
from extract.polling import Failed, NotChanged, Pace, Read, Same, Weight, Wishes, after_poll, wants_all

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
BEGIN_S = 7 * DAY_S  # the first poll: by then most feeds list something
ASKABLE_S = HOUR_S  # an entry that could be seen for so long and was not is missed

# Share of a day's entries in each hour: an agency at work around the clock, a daily with its morning, office hours.
AROUND_THE_CLOCK = np.array([2, 2, 2, 2, 3, 4, 5, 6, 6, 6, 5, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 3, 2], float)
MORNING = np.array([1, 0, 0, 0, 2, 16, 14, 9, 6, 5, 5, 5, 5, 4, 4, 4, 5, 4, 3, 3, 2, 2, 1, 1], float)
OFFICE = np.array([0, 0, 0, 0, 0, 0, 0, 1, 4, 8, 9, 8, 5, 6, 8, 8, 6, 3, 1, 1, 1, 0, 0, 0], float)
EVERY_DAY = np.ones(7)
WEEKDAYS = np.array([1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5])
NO_WEEKEND = np.array([1.4, 1.4, 1.4, 1.4, 1.4, 0, 0])
SUNDAYS = np.array([0.0, 0, 0, 0, 0, 0, 7])

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedModel:
    """How one publisher's feed behaves; times in seconds from the start."""

    name: str
    times: Sequence[float]  # of publication, sorted
    length: int  # entries that it lists, the newest
    ttl_s: float = 0.0
    fresh_for_s: float = 0.0
    validators: str = "honest"  # or "none", or "lie": once it has given some, it answers 304 for ever
    dated: bool = True
    outages: Sequence[Span] = ()


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a poller made of one feed."""

    requests: int = 0
    delays: list[float] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)  # numbers of entries that no poll saw
    gaps: list[Span] = field(default_factory=list)  # that the poller noticed


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What polling by the product came to for all feeds, beside an hourly poll."""

    entries: int
    requests: int
    hourly_requests: int
    missed: int
    hourly_missed: int
    unseen: int
    hourly_unseen: int
    unseen_in_silence: int  # by the product: outside of all gaps that it noticed
    median_minutes: float
    p95_minutes: float
    hourly_median_minutes: float
    hourly_p95_minutes: float

    def as_dict(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__slots__}


def live_through(seed: int, feeds: int, days: int) -> Year:
    """So many days of so many feeds, with outages of theirs and of ours."""
    until = days * DAY_S
    ours = outages(np.random.default_rng(seed + 1000), days, yearly=5)
    models = newsstand(seed, feeds, days)
    own = [simulate(model, PollPolicy(), until, ours) for model in models]
    hourly = [poll_every(model, HOUR_S, until, ours) for model in models]
    delays, hourly_delays = (np.concatenate([o.delays for o in outcomes]) / 60 for outcomes in (own, hourly))
    return Year(
        entries=sum(len(model.times) for model in models),
        requests=sum(o.requests for o in own),
        hourly_requests=sum(o.requests for o in hourly),
        missed=sum(len(missed(model, o, ours, until)) for model, o in zip(models, own, strict=True)),
        hourly_missed=sum(len(missed(model, o, ours, until)) for model, o in zip(models, hourly, strict=True)),
        unseen=sum(len(o.unseen) for o in own),
        hourly_unseen=sum(len(o.unseen) for o in hourly),
        unseen_in_silence=sum(in_silence(model, o) for model, o in zip(models, own, strict=True)),
        median_minutes=round(float(np.median(delays)), 1),
        p95_minutes=round(float(np.percentile(delays, 95)), 1),
        hourly_median_minutes=round(float(np.median(hourly_delays)), 1),
        hourly_p95_minutes=round(float(np.percentile(hourly_delays, 95)), 1),
    )


def in_silence(model: FeedModel, outcome: Outcome) -> int:
    return sum(not any(a <= model.times[n] <= b for a, b in outcome.gaps) for n in outcome.unseen)


def simulate(model: FeedModel, policy: PollPolicy, until: float, ours: Sequence[Span] = ()) -> Outcome:
    """The product's own polling of this feed. ours: when we ourselves were down."""
    outcome, pace = Outcome(), Pace(interval_s=policy.first_interval_s)
    at = BEGIN_S
    seen = read = bisect_right(model.times, at)  # what was there before is no news
    while at < until:
        outcome.requests += 1
        now = START + timedelta(seconds=at)
        there = bisect_right(model.times, at)
        wishes = Wishes(ttl_s=model.ttl_s, fresh_for_s=model.fresh_for_s)
        if covers(model.outages, at):
            answer = Failed(Weight.PASSING)
        elif not wants_all(pace, policy, now) and (model.validators == "lie" or there == read != 0):
            answer = Same() if model.validators == "none" else NotChanged()
        elif pace.read_at and there == read:
            answer = Same()
        else:
            first = max(there - model.length, 0)
            dates = (
                ()
                if pace.read_at or not model.dated
                else [START + timedelta(seconds=t) for t in model.times[first:there]]
            )
            answer = Read(keys=frozenset(range(first, there)), published=dates)  # type: ignore[arg-type]
            outcome.unseen.extend(range(seen, first))
            outcome.delays.extend(at - model.times[number] for number in range(max(seen, first), there))
            seen = read = there
        since = pace.read_at
        step = after_poll(pace, answer, wishes if isinstance(answer, Read) else replace(wishes, ttl_s=0.0), policy, now)
        if step.gap and since:
            outcome.gaps.append(((since - START).total_seconds(), at))
        pace = step.pace
        at = next_after(at + step.pause_s, ours)
    return outcome


def poll_every(model: FeedModel, interval_s: float, until: float, ours: Sequence[Span] = ()) -> Outcome:
    """A fixed interval, for comparison."""
    outcome = Outcome()
    at = BEGIN_S
    seen = bisect_right(model.times, at)
    while at < until:
        outcome.requests += 1
        if not covers(model.outages, at):
            there = bisect_right(model.times, at)
            first = max(there - model.length, 0)
            outcome.unseen.extend(range(seen, first))
            outcome.delays.extend(at - model.times[number] for number in range(max(seen, first), there))
            seen = there
        at = next_after(at + interval_s, ours)
    return outcome


def missed(model: FeedModel, outcome: Outcome, ours: Sequence[Span], until: float) -> list[int]:
    """The unseen entries that a poller could have seen.

    Those which stood in the listing for an hour on end, or more, while the publisher answered and we were up, and were
    so for at least half of the time that they stood there: what an outage longer than the listing swallows is not
    missed.
    """
    found = []
    for number in outcome.unseen:
        begin = model.times[number]
        end = model.times[number + model.length] if number + model.length < len(model.times) else until
        stretches = _up(begin, end, [*model.outages, *ours])
        if max(stretches, default=0.0) >= ASKABLE_S and sum(stretches) >= (end - begin) / 2:
            found.append(number)
    return found


def _up(begin: float, end: float, down: Sequence[Span]) -> list[float]:
    """The lengths of what is left of a time without these spans."""
    stretches = []
    for a, b in sorted(down):
        stretches.append(min(a, end) - begin)
        begin = max(begin, min(b, end))
    return [stretch for stretch in (*stretches, end - begin) if stretch > 0]


def covers(spans: Sequence[Span], at: float) -> bool:
    return any(begin <= at < end for begin, end in spans)


def next_after(at: float, spans: Sequence[Span]) -> float:
    """The moment, or the end of the span that it lies in."""
    return next((end for begin, end in spans if begin <= at < end), at)


# --- Publishers -----------------------------------------------------------------------------------------------


def published(
    rng: np.random.Generator, days: int, per_day: float, hours: np.ndarray = OFFICE, week: np.ndarray = WEEKDAYS
) -> list[float]:
    """Times of publication: chance, about so many a day, by hour of day and day of week."""
    by_hour = np.concatenate([per_day * week[day % 7] * hours / hours.sum() for day in range(days)])
    counts = rng.poisson(by_hour)
    starts = np.repeat(np.arange(days * 24) * HOUR_S, counts)
    return sorted((starts + rng.uniform(0, HOUR_S, counts.sum())).tolist())


def editions(rng: np.random.Generator, days: int, size: int, minutes: float = 10.0) -> list[float]:
    """A whole edition within minutes, once a day at five."""
    return sorted(
        day * DAY_S + 5 * HOUR_S + float(offset) * 60
        for day in range(days)
        for offset in rng.uniform(0, minutes, rng.poisson(size))
    )


def newsstand(seed: int, feeds: int, days: int) -> list[FeedModel]:
    """Feeds of all kinds in the shares of an ordinary catalogue, each with its own habits and outages."""
    rng = np.random.default_rng(seed)
    return [_habits(rng, days, _model(rng, number, feeds, days)) for number in range(feeds)]


def _model(rng: np.random.Generator, number: int, feeds: int, days: int) -> FeedModel:
    share = number / feeds
    if share < 0.10:
        times = published(rng, days, rng.uniform(300, 600), AROUND_THE_CLOCK, WEEKDAYS)
        return FeedModel(name="agency", times=times, length=int(rng.choice([20, 50, 100])))
    if share < 0.35:
        times = published(rng, days, rng.uniform(40, 150), MORNING, WEEKDAYS)
        return FeedModel(name="daily", times=times, length=int(rng.choice([20, 50, 100])))
    if share < 0.42:
        times = sorted(editions(rng, days, int(rng.integers(8, 25))) + published(rng, days, 10))
        return FeedModel(name="edition", times=times, length=int(rng.choice([50, 100])))
    if share < 0.60:
        times = published(rng, days, rng.uniform(5, 25), OFFICE, NO_WEEKEND)
        return FeedModel(name="regional", times=times, length=int(rng.choice([10, 20, 50])))
    if share < 0.68:
        return FeedModel(name="sunday paper", times=published(rng, days, 2, OFFICE, SUNDAYS), length=20)
    if share < 0.80:
        return FeedModel(
            name="niche", times=published(rng, days, rng.uniform(0.5, 3)), length=int(rng.choice([10, 20]))
        )
    if share < 0.90:
        return FeedModel(name="weekly", times=published(rng, days, rng.uniform(0.3, 1)), length=10)
    if share < 0.98:
        return FeedModel(name="sleeper", times=published(rng, days, rng.uniform(0.01, 0.06)), length=10)
    return FeedModel(name="awakes", times=awakes(rng, days), length=50)


def awakes(rng: np.random.Generator, days: int) -> list[float]:
    """One entry in ten days until half-time, then six an hour around the clock."""
    quiet = published(rng, days // 2, 0.1)
    busy = published(rng, days - days // 2, 144, AROUND_THE_CLOCK, EVERY_DAY)
    return quiet + [days // 2 * DAY_S + at for at in busy]


def _habits(rng: np.random.Generator, days: int, model: FeedModel) -> FeedModel:
    return replace(
        model,
        ttl_s=float(rng.choice([0, 0, 0, 0, 0, 0, 0, 900, 3600, 14400])),
        fresh_for_s=float(rng.choice([0, 0, 0, 0, 300, 600, 3600, 31_536_000])),
        validators=str(rng.choice(["honest"] * 14 + ["none"] * 5 + ["lie"])),
        dated=bool(rng.random() < 0.9),
        outages=outages(rng, days, yearly=4),
    )


def outages(rng: np.random.Generator, days: int, yearly: float) -> list[Span]:
    """Mostly of hours, some of days; none before the first poll."""
    spans = []
    for begin in sorted(rng.uniform(BEGIN_S + HOUR_S, days * DAY_S, rng.poisson(yearly * days / 365)).tolist()):
        length = rng.uniform(0.2, 5) * HOUR_S if rng.random() < 0.8 else rng.uniform(1, 3) * DAY_S
        spans.append((begin, begin + length))
    return spans
