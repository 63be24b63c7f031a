"""What lies in a span of time: entries by the times they bear, sitemaps by their index's word and their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from extract.dates import url_day
from extract.model import FeedEntry, SitemapRef

_DAY = timedelta(days=1)
# '2024-03', '202403', '2024_03_07' in the name of an archive's part; a number of more digits is no date
_NAMED = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<gap>[-_/.]?)(?P<month>0[1-9]|1[0-2])(?:(?P=gap)(?P<day>[0-3]\d))?(?!\d)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` up to, but without, `until`; both aware."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def overlaps(self, since: datetime, until: datetime) -> bool:
        return self.since < until and since < self.until


def is_in(entry: FeedEntry, span: Span, document: str = "") -> bool | None:
    """Whether the entry was published in the span; None where nothing tells when.

    By its time of publication, else the day in its URL, else its last change, else the name of the document that lists
    it: of a part of an archive the month or day is often all that is said.
    document: URL
    """
    if entry.published_at:
        return entry.published_at in span
    if day := _day_of(entry.url):
        return span.overlaps(day, day + _DAY)
    if entry.updated_at:
        return entry.updated_at in span
    named = _named_span(document)
    return None if named is None else span.overlaps(named.since, named.until)


def may_hold(sitemap: SitemapRef, span: Span) -> bool:
    """Whether a sitemap can list something of the span.

    Not when it has not changed since before the span, and not when it is named for another month or day. A day is
    allowed on both sides, since names are in the publisher's own time.
    """
    if sitemap.modified_at and sitemap.modified_at < span.since:
        return False
    named = _named_span(sitemap.url)
    return named is None or span.overlaps(named.since - _DAY, named.until + _DAY)


def _named_span(url: str) -> Span | None:
    """The month or day that a document is named for."""
    parts = urlsplit(url)
    named = _NAMED.search(f"{parts.path}?{parts.query}")
    if named is None:
        return None
    first = datetime(int(named["year"]), int(named["month"]), 1, tzinfo=UTC)
    if day := _with_day(first, named["day"]):
        return Span(day, day + _DAY)
    return Span(first, (first + 31 * _DAY).replace(day=1))


def _with_day(month: datetime, day: str | None) -> datetime | None:
    try:
        return None if day is None else month.replace(day=int(day))
    except ValueError:  # '2024-03-47' is not a day: the month holds
        return None


def _day_of(url: str) -> datetime | None:
    day = url_day(url)
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None
    except ValueError:  # /2023/02/30/
        return None
