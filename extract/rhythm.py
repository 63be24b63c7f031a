"""What the times of a feed's entries tell: how many come in a day, how often to ask, whether it still lives. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from extract.model import FeedEntry

WEEK = timedelta(days=7)
SILENCE = timedelta(days=3)  # shorter silence is a long weekend
SILENT_GAPS = 20  # so many times its usual gap a feed may be silent
UNKNOWN_SILENCE = timedelta(days=30)  # of a feed whose usual gap cannot be told
INTERVALS_MINUTES = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 720, 1440)
MAX_OWN_MINUTES = 120  # what is found later is no news; a feed may ask for more

_CLOCKS_DIFFER = timedelta(hours=14)  # local times without a zone; what lies further ahead is announced, not published
_MIN_TIMES = 3
_MIN_SPAN = timedelta(minutes=30)  # less is one batch, or the time at which the document was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When a feed's entries were published, as far as it says."""

    dated: int = 0  # entries with a time
    newest: datetime | None = None
    oldest: datetime | None = None
    per_day: float | None = None  # over its last week, or over all it shows where that is less; None if it cannot tell

    def has_fallen_silent(self, now: datetime) -> bool:
        """Whether the newest entry is older than this feed's habit allows; False where no entry has a time."""
        if self.newest is None:
            return False
        return now - self.newest > self.patience()

    def patience(self) -> timedelta:
        """The silence that is still its habit."""
        if self.per_day is None:
            return UNKNOWN_SILENCE
        return max(SILENCE, SILENT_GAPS * timedelta(days=1) / self.per_day)


def read_rhythm(entries: Iterable[FeedEntry], now: datetime) -> Rhythm:
    """The rhythm of these entries; times in the future are passed over."""
    times = [entry.published_at or entry.updated_at for entry in entries]
    known = sorted(time for time in times if time is not None and time <= now + _CLOCKS_DIFFER)
    if not known:
        return Rhythm()
    return Rhythm(dated=len(known), newest=known[-1], oldest=known[0], per_day=_per_day(known))


def suggested_minutes(rhythm: Rhythm, ttl_s: float | None = None) -> int | None:
    """An interval that misses nothing and seldom asks in vain; None where the entries' times do not tell.

    One new entry a poll is aimed at, not more often than the feed itself asks for (ttl_s), and four polls in the time
    that its window covers: what falls out of it unseen is lost.
    """
    if rhythm.per_day is None or rhythm.newest is None or rhythm.oldest is None:
        return None
    between = min(24 * 60 / rhythm.per_day, MAX_OWN_MINUTES)
    window = (rhythm.newest - rhythm.oldest) / timedelta(minutes=1)
    wanted = min(max(between, (ttl_s or 0) / 60), window / 4)
    return max((step for step in INTERVALS_MINUTES if step <= wanted), default=INTERVALS_MINUTES[0])


def _per_day(times: list[datetime]) -> float | None:
    """Entries a day; a feed's window may be hours long, or years."""
    last_week = [time for time in times if times[-1] - time <= WEEK]
    counted = last_week if len(last_week) >= _MIN_TIMES else times
    span = counted[-1] - counted[0]
    if len(counted) < _MIN_TIMES or span < _MIN_SPAN:
        return None
    return (len(counted) - 1) / (span / timedelta(days=1))
