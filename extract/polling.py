"""How often a feed is asked: what it showed so far and what this poll showed → when the next one is. Pure.

A request costs us and the publisher something, a delay costs its readers something, an entry that came and went
between two polls is lost. docs/decisions/0011 has the reasons and the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from extract.model import PollPolicy

REQUEST_COST = 1.5  # entry-hours of delay that we bear to save one request
RATE_HALF_LIFE_H = 12.0  # a night and a day: the rate follows the day's rhythm, and one quiet hour changes little
PEAK_HALF_LIFE_H = 14 * 24.0  # what happens every week is still remembered well when it comes again
DEVIATIONS = 4.0  # by which what comes between two polls may exceed what came in the busiest hours: news is bunched
SUDDEN_PER_HOUR = 1.0  # any feed may begin to write so much without warning
FEWEST_LISTED = 10  # a shorter listing is that of a young feed: it would grow
BUSIEST_HOURS = 6.0  # a daily's morning by its mean rate: what the dates of a first document, of a Sunday, do not tell
UNKNOWN_TURNOVER_H = 2.0  # of a listing without dates, until its polls tell: at first as careful as hourly polling
PATIENCE_S = 3600.0  # back-off from what passes goes up to this
PATIENT_FOR_S = 7 * 86_400.0  # after the last document; then it may be gone for good
CHANGED_SITEMAP = 4.0  # entries that one stands for: its index tells that it changed, not how often
BURST_S = 3600.0  # entries of a shorter time are counted as of this: ten at one second are no rate
SLOWER = 1.5  # one poll is at most this much later than the one before: faster at once, slower by and by
MAX_TTL_S = 86_400.0  # <ttl> is a word about this very feed; longer ones are slips
MAX_FRESH_S = 3600.0  # Cache-Control is mostly a host's setting for everything, up to a year on some networks
TRUST_S = 6 * 3600.0  # a 304 is believed for so long at most: some servers say it for ever
RETIRE_AFTER = timedelta(days=30)  # a sitemap without a change, and without a newer link, for so long is an archive
RETIRED_PAUSE = timedelta(days=28)  # feeds slow down and never die


class Weight(float, Enum):
    """How much one failure tells of those to come: back-off doubles with each whole weight."""

    HARD = 1.0  # gone, refused, no feed: somebody must do something
    SOFT = 0.5  # an error of the server, a document that was readable before
    PASSING = 0.25  # busy, slow, no connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What is remembered of a feed from poll to poll, as far as it decides when the next one is."""

    interval_s: float
    entries_per_hour: float | None = None  # as of `read_at`; None before the first document
    peak_per_hour: float = 0.0  # most between two documents, as of `read_at`
    failures: int = 0
    failure_weight: float = 0.0
    polls_since_full: int = 0
    listed: frozenset[bytes] = frozenset()  # keys of the last document that listed any
    read_at: datetime | None = None  # last answer that could be read
    newest_at: datetime | None = None
    changed_at: datetime | None = None
    retired_at: datetime | None = None
    retires: bool = False  # a sitemap; a feed is asked for ever
    announced: bool = False  # its index tells when it changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A document that differs from the last one."""

    keys: frozenset[bytes] = frozenset()  # of what it lists
    published: Sequence[datetime] = ()  # times of publication that it names
    newest_at: datetime | None = None  # latest time of any kind that it names
    moved: int = 0  # sitemaps that it, an index, announces as new or changed


@dataclass(frozen=True, slots=True)
class Same:
    """The bytes of the last document once more."""


@dataclass(frozen=True, slots=True)
class NotChanged:
    """A 304: the server says so, which proves little and clears no failure."""


@dataclass(frozen=True, slots=True)
class Failed:
    weight: Weight


Answer = Read | Same | NotChanged | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """When the other side would like to be asked again, in seconds from now."""

    ttl_s: float = 0.0  # the document's own
    fresh_for_s: float = 0.0  # by Cache-Control or Expires
    retry_after_s: float = 0.0  # a demand; longer ones than a day were cut by who read it


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a poll came to."""

    pace: Pace
    pause_s: float  # until the next poll
    gap: bool = False  # nothing of what was listed before is listed now: entries may have come and gone


def after_poll(pace: Pace, answer: Answer, wishes: Wishes, policy: PollPolicy, now: datetime) -> Step:
    """The pace after an answer, and the pause that it asks for.

    The pause lies between the policy's bounds; two may be longer: a server's Retry-After and a retired sitemap's.
    """
    since_full = _since_full(pace, answer, policy, now)
    if isinstance(answer, Failed):
        after = replace(
            pace,
            failures=pace.failures + 1,
            failure_weight=pace.failure_weight + answer.weight,
            polls_since_full=since_full,
        )
        return Step(pace=after, pause_s=_pause_s(after, answer, wishes, policy, now))
    told = _told(pace, answer, now)
    interval_s = max(_adaptive_s(pace, told, answer, now), _wish_s(told, wishes, now))
    after = replace(
        told,
        interval_s=_within(interval_s, policy),
        polls_since_full=since_full,
        retired_at=_retired_at(told, answer, now),
    )
    gap = isinstance(answer, Read) and _is_gap(pace, answer)
    return Step(pace=after, pause_s=_pause_s(after, answer, wishes, policy, now), gap=gap)


def wants_all(pace: Pace, policy: PollPolicy, now: datetime) -> bool:
    """The next poll sends no validators, so that a 304 cannot answer it.

    A 304 is not believed after a failure, nor too often, nor for longer than the listing may take to turn over.
    """
    if pace.read_at is None or pace.failures or pace.polls_since_full + 1 >= policy.full_get_every:
        return True
    until_next_s = 3600.0 * _hours_since(pace.read_at, now) + pace.interval_s
    return until_next_s >= min(_lasting_s(pace, now) / 2.0, TRUST_S)


def rate_at(pace: Pace, now: datetime) -> float:
    """Entries in an hour, if nothing has come since the last document."""
    return (pace.entries_per_hour or 0.0) * _faded(pace, now, RATE_HALF_LIFE_H)


def peak_at(pace: Pace, now: datetime) -> float:
    return pace.peak_per_hour * _faded(pace, now, PEAK_HALF_LIFE_H)


# --- What an answer tells of the feed -------------------------------------------------------------------------


def _since_full(pace: Pace, answer: Answer, policy: PollPolicy, now: datetime) -> int:
    asked_for_all = wants_all(pace, policy, now) and not isinstance(answer, Failed | NotChanged)
    return 0 if asked_for_all else pace.polls_since_full + 1


def _told(pace: Pace, answer: Read | Same | NotChanged, now: datetime) -> Pace:
    """What is known of the feed after an answer; a 304 tells nothing."""
    match answer:
        case NotChanged():
            return pace
        case Same():
            rate, peak = rate_at(pace, now), peak_at(pace, now)
            return replace(pace, entries_per_hour=rate, peak_per_hour=peak, read_at=now, failures=0, failure_weight=0.0)
    rate, peak = _measured(pace, answer, now) if pace.read_at else _seeded(answer, now)
    return replace(
        pace,
        entries_per_hour=rate,
        peak_per_hour=peak,
        failures=0,
        failure_weight=0.0,
        listed=answer.keys or pace.listed,
        read_at=now,
        newest_at=answer.newest_at,
        changed_at=now,
    )


def _measured(pace: Pace, shown: Read, now: datetime) -> tuple[float, float]:
    """Rate and peak with what has come since the last document."""
    hours = _hours_since(pace.read_at, now)
    came = _came(pace, shown)
    faded = _faded(pace, now, RATE_HALF_LIFE_H)
    kernel = (1.0 - faded) / hours if hours else math.log(2) / RATE_HALF_LIFE_H
    seen = max(came - 1.0, 0.0) / max(hours, BURST_S / 3600.0)  # one entry is no rate
    return rate_at(pace, now) + came * kernel, max(peak_at(pace, now), 2.0 * seen if _is_gap(pace, shown) else seen)


def _came(before: Pace, shown: Read) -> float:
    """How many entries the document before did not list."""
    return len(shown.keys - before.listed) + CHANGED_SITEMAP * shown.moved


def _seeded(shown: Read, now: datetime) -> tuple[float, float]:
    """Rate and peak by a first document's dates: of its newer half, since an old entry may be pinned among them."""
    newest = sorted((at for at in shown.published if at <= now), reverse=True)
    if len(newest) < 2:
        return 0.0, max(len(shown.keys), FEWEST_LISTED) / UNKNOWN_TURNOVER_H if shown.keys else 0.0
    half = math.ceil(len(newest) / 2)
    oldest = newest[half - 1]
    while_it_wrote = half / max(_hours_since(oldest, newest[0]), BURST_S / 3600.0)
    return half / max(_hours_since(oldest, now), BURST_S / 3600.0), BUSIEST_HOURS * while_it_wrote


def _is_gap(pace: Pace, shown: Read) -> bool:
    return bool(shown.keys) and bool(pace.listed) and shown.keys.isdisjoint(pace.listed)


def _retired_at(pace: Pace, answer: Answer, now: datetime) -> datetime | None:
    """Since when a sitemap rests: it does once it has long said the same, and lives again with any change."""
    if isinstance(answer, Read) or not pace.retires:
        return None
    said = [at for at in (pace.changed_at, pace.newest_at) if at is not None]
    long_ago = bool(said) and max(said) <= now - RETIRE_AFTER
    return pace.retired_at or (now if long_ago else None)


# --- When to ask again ----------------------------------------------------------------------------------------


def _adaptive_s(before: Pace, pace: Pace, answer: Answer, now: datetime) -> float:
    """The interval by the feed's own rhythm.

    With requests at `REQUEST_COST` and a mean delay of half an interval for each entry, the cost in an hour,
    cost / T + rate * T / 2, is least at T = sqrt(2 * cost / rate).
    """
    if pace.announced:
        return math.inf  # its index tells when; this is for the case that it forgets to
    safe_s = _safe_s(pace, now)
    steady_s = _cheapest_s(rate_at(pace, now))
    came = _came(before, answer) if isinstance(answer, Read) else 0
    if before.read_at is None:
        return min(steady_s if pace.entries_per_hour else before.interval_s, safe_s)
    slower_s = min(steady_s, safe_s, SLOWER * before.interval_s)
    if not came:
        return max(slower_s, min(before.interval_s, safe_s))  # no news is no reason to ask sooner
    return min(slower_s, _cheapest_s((came - 1) / max(_hours_since(before.read_at, now), 1e-3)))


def _cheapest_s(rate: float) -> float:
    return 3600.0 * math.sqrt(2.0 * REQUEST_COST / rate) if rate > 0 else math.inf


def _safe_s(pace: Pace, now: datetime) -> float:
    """How long nothing is lost, though its busiest hours come again or a quiet feed awakes."""
    if not pace.listed:
        return math.inf
    sudden_s = 3600.0 * _expected(len(pace.listed)) / SUDDEN_PER_HOUR
    return min(sudden_s, _lasting_s(pace, now))


def _lasting_s(pace: Pace, now: datetime) -> float:
    """How long the listing keeps what it lists, should its busiest hours come again."""
    peak = peak_at(pace, now)
    return 3600.0 * _expected(len(pace.listed)) / peak if pace.listed and peak > 0 else math.inf


def _expected(listed: int) -> float:
    """How many entries to expect at most between two polls, so that chance seldom brings more than are listed.

    It solves c + DEVIATIONS * sqrt(c) = listed, as Poisson's law has sqrt(c) for its standard deviation.
    """
    room = max(listed, FEWEST_LISTED)
    return ((math.sqrt(DEVIATIONS**2 + 4.0 * room) - DEVIATIONS) / 2.0) ** 2


def _wish_s(pace: Pace, wishes: Wishes, now: datetime) -> float:
    """What the publisher would like, as far as it is meant, and as far as nothing is lost by it."""
    ttl_s = wishes.ttl_s if wishes.ttl_s <= MAX_TTL_S else 0.0
    return min(max(ttl_s, min(wishes.fresh_for_s, MAX_FRESH_S)), _lasting_s(pace, now) / 2.0)


def _pause_s(pace: Pace, answer: Answer, wishes: Wishes, policy: PollPolicy, now: datetime) -> float:
    pause_s = _within(_backed_off_s(pace, answer, now), policy)
    if pace.retired_at is not None:
        pause_s = max(pause_s, RETIRED_PAUSE.total_seconds())
    return max(pause_s, wishes.retry_after_s)


def _backed_off_s(pace: Pace, answer: Answer, now: datetime) -> float:
    """The interval, doubled with each whole weight of failures.

    What passes may be over at any moment: then we stay near, so that little is lost when it is.
    """
    doubled_s = pace.interval_s * 2.0 ** min(math.floor(pace.failure_weight), 30)
    long_gone = pace.read_at is None or 3600.0 * _hours_since(pace.read_at, now) > PATIENT_FOR_S
    if answer == Failed(Weight.HARD) or long_gone:
        return doubled_s
    return min(doubled_s, max(pace.interval_s, PATIENCE_S))


def _within(interval_s: float, policy: PollPolicy) -> float:
    return min(max(interval_s, policy.min_interval_s), policy.max_interval_s)


def _faded(pace: Pace, now: datetime, half_life_h: float) -> float:
    return math.exp2(-_hours_since(pace.read_at, now) / half_life_h)


def _hours_since(then: datetime | None, now: datetime) -> float:
    return max((now - then).total_seconds(), 0.0) / 3600.0 if then is not None else 0.0
