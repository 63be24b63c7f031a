"""Times as publishers write them, and which of several witnesses to believe about when a page was published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from extract.model import Announcement, DateOrigin, DatePrecision

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # before the first news site; older dates are template defaults
CLOCK_ALLOWANCE = timedelta(hours=1)  # publishers' clocks run fast and scheduled pages come out early
ZONE_ALLOWANCE = timedelta(hours=14)  # the easternmost zone is UTC+14: there tomorrow has begun
WESTERNMOST = timedelta(hours=12)  # UTC-12
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A point in time as somebody wrote it."""

    at: datetime  # aware, UTC; for DAY precision the midnight that begins the day as written, whatever the zone
    precision: DatePrecision
    zone_known: bool = False  # without a zone the figures are read as UTC
    utc_offset: int | None = None  # minutes east of UTC, as written; None for a day, and where none is written

    @property
    def exact(self) -> bool:
        return self.zone_known and self.precision is not DatePrecision.DAY

    @property
    def written(self) -> datetime:
        """Day and hour as they were written, in spite of its tzinfo."""
        return self.at + timedelta(minutes=self.utc_offset or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What one place says about the time of publication."""

    stamp: Stamp
    origin: DateOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """When a page was published and last changed, as far as it can be trusted."""

    published_at: datetime | None = None
    utc_offset: int | None = None  # minutes east of UTC, as the publisher wrote it
    precision: DatePrecision | None = None
    origin: DateOrigin | None = None
    modified_at: datetime | None = None


def publication(
    said: Mapping[DateOrigin, Sequence[str]],
    modified: Sequence[str],
    announced: Announcement,
    fetched_at: datetime,
) -> Publication:
    """The publication time of the most trusted witness, made exact by a witness of the same day.

    said: what the page and its URL say, as written, by place; within one place the better sources first
    modified: what the page says of its last change, better sources first
    """
    witnesses = [w for w in _witnesses(said, announced) if is_plausible(w.stamp, fetched_at)]
    changed = [s for s in map(read_time, modified) if s and is_plausible(s, fetched_at)]
    if not witnesses:
        return Publication(modified_at=changed[0].at if changed else None)
    chosen = _made_exact(_unswapped(witnesses[0], witnesses[1:]), witnesses[1:])
    stamp = _without_impossible_time(chosen.stamp, fetched_at)
    return Publication(
        published_at=stamp.at,
        utc_offset=stamp.utc_offset,
        precision=stamp.precision,
        origin=chosen.origin,
        modified_at=next((s.at for s in changed if s.at >= stamp.at), None),
    )


def _witnesses(said: Mapping[DateOrigin, Sequence[str]], announced: Announcement) -> Iterator[Witness]:
    """Everything readable, in the order of DateOrigin."""
    for origin in DateOrigin:
        if announced.published_at and announced.origin is origin:
            yield Witness(stamp=announced_stamp(announced.published_at), origin=origin)
        for text in said.get(origin, ()):
            if stamp := read_time(text):
                yield Witness(stamp=stamp, origin=origin)


def announced_stamp(at: datetime) -> Stamp:
    """A feed's instant; midnight exactly is what day-only dates become on their way through feeds."""
    utc = at.astimezone(UTC)
    if utc.time().replace(microsecond=0) == datetime.min.time():
        return Stamp(at=utc, precision=DatePrecision.DAY)
    return Stamp(at=utc, precision=DatePrecision.SECOND, zone_known=True)


def is_plausible(stamp: Stamp, fetched_at: datetime) -> bool:
    """Whether a page fetched then can be of that time."""
    return EARLIEST <= stamp.at <= fetched_at + ZONE_ALLOWANCE


def _without_impossible_time(stamp: Stamp, fetched_at: datetime) -> Stamp:
    """The stamp, or its day alone when the hour lies ahead of the fetch: local time was written as UTC."""
    if stamp.precision is DatePrecision.DAY or stamp.at <= fetched_at + CLOCK_ALLOWANCE:
        return stamp
    return Stamp(at=_midnight(stamp.written), precision=DatePrecision.DAY)


def _unswapped(first: Witness, others: Sequence[Witness]) -> Witness:
    """The witness, with day and month changed over when only that makes another witness agree with it."""
    swapped = _swapped(first.stamp)
    if not swapped or any(_same_day(first.stamp, w.stamp) for w in others):
        return first
    confirmed = any(_same_day(swapped, w.stamp) for w in others)
    return replace(first, stamp=swapped) if confirmed else first


def _swapped(stamp: Stamp) -> Stamp | None:
    written = stamp.written
    if written.day > 12 or written.day == written.month:
        return None
    meant = written.replace(day=written.month, month=written.day)
    return replace(stamp, at=stamp.at + (meant - written))


def _made_exact(first: Witness, others: Sequence[Witness]) -> Witness:
    """The first exact witness of the same day, when the chosen one lacks hour or zone."""
    if first.stamp.exact:
        return first
    return next((w for w in others if w.stamp.exact and _same_day(first.stamp, w.stamp)), first)


def _same_day(one: Stamp, other: Stamp) -> bool:
    """Whether two stamps can mean the same day, given what each leaves open."""
    if one.exact and other.exact:
        return abs(one.at - other.at) < DAY
    if not one.exact and not other.exact:  # both as the publisher's own calendar has it
        return _midnight(one.at) == _midnight(other.at)
    vague, exact = (other, one) if one.exact else (one, other)
    length = DAY if vague.precision is DatePrecision.DAY else timedelta(0)
    return vague.at - ZONE_ALLOWANCE <= exact.at <= vague.at + length + WESTERNMOST


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


# --- Reading one written time ---------------------------------------------------------------------------------

# RFC 822 §5 names only the American zones; the others stand in feeds all the same. Where a name has two meanings
# (IST, BST, CST) the one with more news sites is taken. Minutes east of UTC.
ZONES = {
    **dict.fromkeys(("z", "utc", "ut", "gmt", "wet"), 0),
    **dict.fromkeys(("cet", "met", "mez", "bst", "west", "wat"), 60),
    **dict.fromkeys(("cest", "mest", "mesz", "eet", "sast", "cat"), 120),
    **dict.fromkeys(("eest", "msk", "eat", "trt"), 180),
    "gst": 240,
    "pkt": 300,
    "ist": 330,
    "wib": 420,
    **dict.fromkeys(("hkt", "sgt", "pht", "awst"), 480),
    **dict.fromkeys(("jst", "kst"), 540),
    "aest": 600,
    "aedt": 660,
    "nzst": 720,
    "nzdt": 780,
    **dict.fromkeys(("brt", "art", "adt"), -180),
    **dict.fromkeys(("ast", "edt"), -240),
    **dict.fromkeys(("est", "cdt"), -300),
    **dict.fromkeys(("cst", "mdt"), -360),
    **dict.fromkeys(("mst", "pdt"), -420),
    "pst": -480,
}
_FURTHEST = ZONE_ALLOWANCE // timedelta(minutes=1)
MONTHS = {
    name: n
    for n, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}

_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)",  # ISO 8601 and its cousins
        r"(?P<year>\d{4})\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日일]",
        r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?![\d])",  # ISO 8601, basic format
        r"(?:[a-z]+\.?,?\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-]+" + _MONTH + r",?[\s-]+(?P<year>\d{4}|\d\d)(?!\d)",
        r"(?:[a-z]+\.?,?\s+)??" + _MONTH + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})(?!\d)",
        # Day first, as most of the world writes; a second witness finds out the others.
        r"(?P<day>\d{1,2})([./-])(?P<month>\d{1,2})\2(?P<year>\d{4})(?!\d)",
        r"[a-z]{3},?\s+" + _MONTH + r"\s+(?P<day>\d{1,2})\s+(?P<clock>\d\d:\d\d:\d\d)\s+(?P<year>\d{4})(?!\d)",  # ctime
    )
)
_CLOCK = re.compile(
    r"[,\s]*(?:(?P<iso>T)|at\b|um\b|-|–|\|)?\s*(?P<hour>\d{1,2})(?(iso)[:.h]?|[:：.h])(?P<minute>\d\d)"
    r"(?:[:.]?(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?\s*(?:uhr\b)?\s*"
    r"(?P<zone>[+\-−](?:\d{2}:?\d{2}|\d{1,2})|(?:gmt|utc)\s*[+-]\d{1,2}(?::?\d{2})?|[a-z]{1,5}\b)?",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"(?P<seconds>1\d{9})(?:\d{3})?")


def read_time(text: str) -> Stamp | None:
    """The time a text begins with: ISO 8601, RFC 822 with any zone, epoch seconds, or an English or numeric date."""
    text = text.strip()
    if epoch := _EPOCH.fullmatch(text):
        at = datetime.fromtimestamp(int(epoch["seconds"]), tz=UTC)
        return Stamp(at=at, precision=DatePrecision.SECOND, zone_known=True)
    for form in _DATE_FORMS:
        if match := form.match(text):
            return _stamp(match.groupdict(), text[match.end() :])
    return None


def instant(text: str | None) -> datetime | None:
    """The instant that a text begins with, UTC; None where it begins with none."""
    stamp = read_time(text) if text else None
    return stamp.at if stamp else None


def _stamp(date: Mapping[str, str | None], rest: str) -> Stamp | None:
    clock = _CLOCK.match(f"{date.get('clock') or ''}{rest}")
    try:
        day = datetime(_year(date["year"] or ""), _month(date), int(date["day"] or 0), tzinfo=UTC)
        return _with_clock(day, clock.groupdict()) if clock else Stamp(at=day, precision=DatePrecision.DAY)
    except (ValueError, OverflowError):  # 31 February; the last evening of the year 9999
        return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= 90 else 2000)


def _month(date: Mapping[str, str | None]) -> int:
    name = date.get("name")
    return MONTHS[name.lower()] if name else int(date["month"] or 0)


def _with_clock(day: datetime, clock: Mapping[str, str | None]) -> Stamp:
    hour, minute, second = (int(clock[unit] or 0) for unit in ("hour", "minute", "second"))
    if half := clock["half"]:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    written = timedelta(hours=hour, minutes=minute, seconds=min(second, 59))  # 60 is a leap second
    if hour > 23 or minute > 59 or not written:  # midnight exactly is how systems write 'that day'
        return Stamp(at=day, precision=DatePrecision.DAY)
    offset = _offset(clock["zone"] or "")
    return Stamp(
        at=day + written - timedelta(minutes=offset or 0),
        precision=DatePrecision.SECOND if clock["second"] else DatePrecision.MINUTE,
        zone_known=offset is not None,
        utc_offset=offset,
    )


def _offset(zone: str) -> int | None:
    """Minutes east of UTC, None for no zone or one nobody knows."""
    named = zone.lower().removeprefix("gmt").removeprefix("utc").strip().replace("−", "-")
    if named[:1] not in ("+", "-"):
        return ZONES.get(zone.lower())
    digits = named[1:].replace(":", "")
    hours, past = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    minutes = 60 * int(hours) + int(past)
    if minutes > _FURTHEST:
        return None
    return -minutes if named[0] == "-" else minutes


# --- The date in a URL ----------------------------------------------------------------------------------------

_URL_DAY = re.compile(
    r"[/_-](?P<year>(?:19|20)\d\d)(?P<gap>[/_-]?)(?P<month>0?[1-9]|1[0-2]|[a-z]{3})(?P=gap)(?P<day>0?[1-9]|[12]\d|3[01])"
    r"(?=[/_.-]|$)",
    re.IGNORECASE,
)


def url_day(url: str) -> str | None:
    """The day a URL's path names, as YYYY-MM-DD: /2024/05/03/, /2024/may/03/, -20240503."""
    for match in _URL_DAY.finditer(url.partition("?")[0]):
        month = match["month"].lower()
        number = int(month) if month.isdigit() else MONTHS.get(month)
        if number and (match["gap"] or len(match["month"] + match["day"]) == 4):
            return f"{match['year']}-{number:02}-{int(match['day']):02}"
    return None
