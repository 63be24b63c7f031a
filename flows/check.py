"""A look at sources before they are relied on: robots.txt, feeds, a few articles; what is wrong, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from urllib.parse import urljoin

from extract.article import read_article
from extract.feeds import NotAFeed, read_feed
from extract.fetch import Fetcher, FetchFault
from extract.model import (
    Announcement,
    DateOrigin,
    Feed,
    FeedDocument,
    FeedEntry,
    FeedKind,
    Page,
    Reason,
    Rejection,
    Source,
)
from extract.robots import read_robots
from extract.sitemaps import read_sitemap
from transform.boilerplate import read_packs, strip_boilerplate
from transform.normalize import words

SAMPLES = 3  # articles read of a source

_ADVICE = {
    Reason.ROBOTS: "The publisher does not want it fetched: leave it out, or ask for permission.",
    Reason.GONE: "Look for the new address on the publisher's home page.",
    Reason.REFUSED: "The server turns us away: name yourself with a contact in STORYFOLD_USER_AGENT, or ask it to let"
    " you in.",
    Reason.BOT_WALL: "A bot wall stands before it: ask the publisher, or find another feed.",
    Reason.PRIVATE_ADDRESS: "If it is meant to be on your own network, set allow_networks in [fetch] of its file.",
    Reason.TOO_LARGE: "Raise max_bytes in [fetch] of its file.",
    Reason.TOO_MANY_REDIRECTS: "Put the address that a browser ends at into its file.",
    Reason.PAYWALL_TEASER: "Only the beginning of its articles can be read: they are kept out or marked as teasers.",
}
_LATER = "It may pass: try again in a while."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    what: str
    advice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsCheck:
    """What one host's robots.txt asks of us."""

    url: str
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()  # that its file does not list
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCheck:
    url: str
    kind: FeedKind
    entries: int = 0
    sitemaps: int = 0  # that an index names; a run reads them, this check does not
    newest: datetime | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One announced article and how it reads."""

    url: str
    title: str | None = None
    words: int = 0
    cuts: int = 0
    language: str | None = None
    published_at: datetime | None = None
    found_in: DateOrigin | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    name: str
    title: str
    robots: tuple[RobotsCheck, ...]
    feeds: tuple[FeedCheck, ...]
    samples: tuple[Sample, ...]

    @property
    def is_well(self) -> bool:
        troubles = chain(
            (r.trouble for r in self.robots), (f.trouble for f in self.feeds), (s.trouble for s in self.samples)
        )
        return not any(troubles)


def check_sources(sources: Sequence[Source]) -> tuple[SourceCheck, ...]:
    """What was found, in the order of the sources; all are asked at once, each host politely."""
    return asyncio.run(_check_all(sources))


async def _check_all(sources: Sequence[Source]) -> tuple[SourceCheck, ...]:
    async with Fetcher() as web:
        return tuple(await asyncio.gather(*(_check(web, source) for source in sources)))


async def _check(web: Fetcher, source: Source) -> SourceCheck:
    rules = dict.fromkeys(urljoin(feed.url, "/robots.txt") for feed in source.feeds)
    robots = [await _check_robots(web, source, url) for url in rules]
    looked = [await _check_feed(web, source, feed) for feed in source.feeds]
    announced = {
        entry.url: (feed, entry) for feed, (_, entries) in zip(source.feeds, looked, strict=True) for entry in entries
    }
    samples = [await _check_article(web, source, feed, entry) for feed, entry in list(announced.values())[:SAMPLES]]
    return SourceCheck(
        name=source.name,
        title=source.title,
        robots=tuple(robots),
        feeds=tuple(check for check, _ in looked),
        samples=tuple(samples),
    )


async def _check_robots(web: Fetcher, source: Source, url: str) -> RobotsCheck:
    got = await _get(web, source, url, obey_robots=False)
    if isinstance(got, Trouble):
        return RobotsCheck(url=url, trouble=got)
    if isinstance(got, Rejection):  # none there: everything is allowed
        return RobotsCheck(url=url)
    rules = read_robots(got.status, got.body)
    listed = {feed.url for feed in source.feeds}
    return RobotsCheck(
        url=url,
        crawl_delay_s=rules.crawl_delay_s(source.fetch.user_agent),
        sitemaps=tuple(sitemap for sitemap in rules.sitemaps if sitemap not in listed),
    )


async def _check_feed(web: Fetcher, source: Source, feed: Feed) -> tuple[FeedCheck, tuple[FeedEntry, ...]]:
    got = await _get(web, source, feed.url)
    if not isinstance(got, Page):
        return FeedCheck(url=feed.url, kind=feed.kind, trouble=_trouble(got)), ()
    try:
        document = _read_feed(feed, got)
    except NotAFeed as error:
        return FeedCheck(url=feed.url, kind=feed.kind, trouble=_no_feed(feed, error)), ()
    times = [at for entry in document.entries if (at := entry.updated_at or entry.published_at) is not None]
    check = FeedCheck(
        url=feed.url,
        kind=feed.kind,
        entries=len(document.entries),
        sitemaps=len(document.sitemaps),
        newest=max(times, default=None),
        trouble=None if document.entries or document.sitemaps else Trouble(what="It is valid, but announces nothing."),
    )
    return check, document.entries


def _read_feed(feed: Feed, page: Page) -> FeedDocument:
    if feed.kind is FeedKind.SITEMAP:
        return read_sitemap(page.body, page.final_url)
    return read_feed(page.body, page.final_url, dict(page.headers).get("Content-Type"))


def _no_feed(feed: Feed, error: NotAFeed) -> Trouble:
    other = "sitemaps" if feed.kind is FeedKind.FEED else "feeds"
    return Trouble(what=error.detail, advice=f"See what it is in a browser; it may belong under '{other}'.")


async def _check_article(web: Fetcher, source: Source, feed: Feed, entry: FeedEntry) -> Sample:
    got = await _get(web, source, entry.url)
    article = read_article(got, _announcement(source, feed, entry)) if isinstance(got, Page) else got
    if isinstance(article, Trouble | Rejection):
        return Sample(url=entry.url, title=entry.title, trouble=_trouble(article))
    clean = strip_boilerplate(article, read_packs())
    return Sample(
        url=entry.url,
        title=article.title,
        words=len(words(clean.text)),
        cuts=len(clean.cuts),
        language=article.language,
        published_at=article.published_at,
        found_in=article.date_found_in,
        trouble=None if article.published_at else Trouble(what="No date on the page is trusted."),
    )


def _announcement(source: Source, feed: Feed, entry: FeedEntry) -> Announcement:
    origin = DateOrigin.SITEMAP if feed.kind is FeedKind.SITEMAP else DateOrigin.FEED
    return Announcement(
        source=source.name,
        title=entry.title,
        summary=entry.summary,
        authors=entry.authors,
        published_at=entry.published_at,
        origin=origin if entry.published_at else None,
        language=source.language,
    )


async def _get(web: Fetcher, source: Source, url: str, *, obey_robots: bool = True) -> Page | Rejection | Trouble:
    try:
        got = await web.get(url, source.fetch, obey_robots=obey_robots)
    except FetchFault as fault:
        return Trouble(what=fault.cause, advice=_LATER)
    assert isinstance(got, Page | Rejection)  # no validators were sent, so nothing can be 'not modified'
    return got


def _trouble(got: Rejection | Trouble) -> Trouble:
    if isinstance(got, Trouble):
        return got
    what = f"{got.reason}: {got.detail}" if got.detail else str(got.reason)
    return Trouble(what=what, advice=_ADVICE.get(got.reason))
