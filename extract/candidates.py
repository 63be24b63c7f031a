"""Which of a site's feeds and sitemaps to poll: those that bring what no better one brings. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from extract.discovery import Candidate, Found, is_dated, is_of_comments
from extract.mirrors import MIRROR, entry_keys, likeness
from extract.model import FeedDocument, FeedEntry, FeedKind, UrlKey
from extract.rhythm import Rhythm, read_rhythm
from extract.source_file import title_of

PART = 0.9  # share of a feed's entries that others carry, from which it brings nothing of its own

_SECTION_PATH = re.compile(r"/(?:tags?|categor(?:y|ies|ie)|kategori[ae]|authors?|autor|topics?|thema)/", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A candidate that could be read."""

    candidate: Candidate
    url: str  # where it was found to be, after redirects
    kind: FeedKind
    document: FeedDocument
    rhythm: Rhythm
    keys: frozenset[UrlKey] = field(repr=False)

    @property
    def is_news_sitemap(self) -> bool:
        """By the news extension: only that has titles."""
        return self.kind is FeedKind.SITEMAP and any(entry.title for entry in self.document.entries)

    @property
    def is_archive(self) -> bool:
        return self.kind is FeedKind.SITEMAP and not self.is_news_sitemap


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One candidate, whether to poll it, and why."""

    url: str
    found: Found
    chosen: bool
    why: str
    kind: FeedKind | None = None  # None for what could not be read
    title: str | None = None
    language: str | None = None
    entries: int = 0
    sitemaps: int = 0
    newest: datetime | None = None
    per_day: float | None = None


def tried_out(candidate: Candidate, url: str, kind: FeedKind, document: FeedDocument, now: datetime) -> Tried:
    """The candidate with what was read there."""
    return Tried(
        candidate=candidate,
        url=url,
        kind=kind,
        document=document,
        rhythm=read_rhythm(document.entries, now),
        keys=entry_keys(document.entries),
    )


def choose(readable: Sequence[Tried], now: datetime, *, is_polled: bool = False) -> tuple[Choice, ...]:
    """A verdict on each, the best first.

    is_polled: other feeds of the site are polled already, so an archive is not better than nothing
    """
    chosen: list[Tried] = []
    verdicts = []
    for one in sorted(readable, key=lambda one: _rank(one, now)):
        against = _against(one, chosen, now, is_polled)
        verdicts.append(_choice(one, against is None, against or _in_favour(one)))
        if against is None:
            chosen.append(one)
    return tuple(verdicts)


def _rank(one: Tried, now: datetime) -> tuple[object, ...]:
    """Feeds before sitemaps, as they carry summaries and authors; living before silent ones; the fuller first."""
    form = 0 if one.kind is FeedKind.FEED else 1 if one.is_news_sitemap else 3 if one.document.sitemaps else 2
    return (
        one.candidate.found is not Found.GIVEN,
        not (one.document.entries or one.document.sitemaps),
        one.rhythm.has_fallen_silent(now),
        form,
        _is_section(one),
        -(one.rhythm.per_day or 0.0),
        not one.url.startswith("https:"),
        list(Found).index(one.candidate.found),
        len(one.url),
        one.url,
    )


def _against(one: Tried, chosen: Sequence[Tried], now: datetime, is_polled: bool) -> str | None:
    """Why not to poll it; None where nothing speaks against it."""
    if not one.document.entries and not one.document.sitemaps:
        return "it is valid, but announces nothing"
    if is_of_comments(one.url, one.document.title or one.candidate.title) or _leads_to_comments(one):
        return "it carries readers' comments"
    if not chosen:
        return _belongs_to_the_archive(one) if is_polled else None
    return _repeats(one, chosen) or _belongs_to_the_archive(one) or _is_of_the_past(one, now)


def _leads_to_comments(one: Tried) -> bool:
    return bool(one.document.entries) and all("#comment" in entry.url for entry in one.document.entries)


def _repeats(one: Tried, chosen: Sequence[Tried]) -> str | None:
    for better in chosen:
        if likeness(one.keys, better.keys) >= MIRROR:
            return f"the same entries as {better.url}"
    if one.kind is FeedKind.SITEMAP and not one.keys:
        return None
    for better in chosen:
        if _is_part(one, [better]):
            return f"{better.url} carries its entries, too"
    if _is_part(one, chosen):
        return "the feeds above carry its entries, too"
    return "a tag's or section's feed, beside one of the whole site" if _is_section(one) else None


def _is_part(one: Tried, chosen: Sequence[Tried]) -> bool:
    """Whether the others carry its entries, as far back as they reach."""
    begin = min((other.rhythm.oldest for other in chosen if other.rhythm.oldest), default=None)
    theirs = frozenset[UrlKey]().union(*(other.keys for other in chosen))
    recent = entry_keys([entry for entry in one.document.entries if _is_since(entry, begin)])
    return bool(recent) and len(recent & theirs) >= PART * len(recent)


def _is_since(entry: FeedEntry, begin: datetime | None) -> bool:
    at = entry.published_at or entry.updated_at
    return begin is None or at is None or at >= begin


def _is_of_the_past(one: Tried, now: datetime) -> str | None:
    return f"nothing new since {one.rhythm.newest:%Y-%m-%d}" if one.rhythm.has_fallen_silent(now) else None


def _belongs_to_the_archive(one: Tried) -> str | None:
    """Why a sitemap that is not of the news is left out, once something better is there."""
    if not one.is_archive:
        return None
    if children := one.document.sitemaps:
        dated = sum(is_dated(child.url) for child in children)
        told = f", {dated} of them by date" if dated else ""
        return f"an index of {len(children)} sitemaps{told}: an archive, for going back in time and not for polling"
    return "a sitemap of the whole site, without the times of publication: for going back in time and not for polling"


def _in_favour(one: Tried) -> str:
    if one.candidate.found is Found.GIVEN:
        return "you named it"
    if one.kind is FeedKind.FEED:
        return "a feed with entries that no other one has"
    if one.is_news_sitemap:
        return "a news sitemap with entries that no other one has"
    if one.document.sitemaps:
        return "an index of sitemaps, whose newest are read; nothing better was found"
    return "a sitemap; nothing better was found"


def _is_section(one: Tried) -> bool:
    return bool(_SECTION_PATH.search(f"{urlsplit(one.url).path}/"))


def _choice(one: Tried, chosen: bool, why: str) -> Choice:
    return Choice(
        url=one.url,
        found=one.candidate.found,
        chosen=chosen,
        why=why,
        kind=one.kind,
        title=title_of(one.document.title or one.candidate.title),
        language=one.candidate.language,
        entries=len(one.document.entries),
        sitemaps=len(one.document.sitemaps),
        newest=one.rhythm.newest,
        per_day=one.rhythm.per_day,
    )
