"""One look at an address, a feed, an article: what is there, or the trouble with it and what to do. Stores nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from extract.fetch import Fetcher, FetchFault
from extract.model import (
    Announcement,
    DateOrigin,
    FeedEntry,
    FeedKind,
    FetchPolicy,
    Flag,
    Page,
    Reason,
    Rejection,
    Source,
)
from flows.isolation import Broken, Workers, workers
from flows.own_packs import own_rules
from flows.reading import be_quiet
from flows.settings import Settings
from transform.normalize import words
from transform.read import ReadPage, ReadSpec, read_page

MAX_SENTENCE_CHARS = 240

_ADVICE = {
    Reason.BAD_URL: "Correct the address in its file.",
    Reason.ROBOTS: "The publisher does not want it fetched: leave it out, or ask for permission.",
    Reason.GONE: "Look for the new address on the publisher's home page: 'storyfold source add' finds feeds.",
    Reason.REFUSED: "The server turns us away: name yourself with a contact in STORYFOLD_USER_AGENT, or ask it to let"
    " you in.",
    Reason.BOT_WALL: "A bot wall stands before it: ask the publisher, or find another feed.",
    Reason.PRIVATE_ADDRESS: "If it is meant to be on your own network, set allow_networks in [fetch] of its file"
    " (with 'source add', --allow-network).",
    Reason.TOO_LARGE: "Raise max_bytes in [fetch] of its file.",
    Reason.TOO_MANY_REDIRECTS: "Put the address that a browser ends at into its file.",
    Reason.WRONG_TYPE: "It is no page: nothing needs to be done about a single one.",
    Reason.EMPTY: "The server sent nothing: see whether a browser gets more, and look again later.",
    Reason.NOT_ARTICLE: "Nothing needs to be done about single ones; if all are, the feed announces no articles.",
    Reason.TOO_SHORT: "Nothing needs to be done about single ones; if most are, the pages need JavaScript or a log-in.",
    Reason.PAYWALL_TEASER: "Only the beginning of its articles can be read: they are kept out or marked as teasers.",
    Reason.OPT_OUT: "The publisher reserves its pages from mining: leave it out, or ask for permission.",
}
_LATER = "It may pass: try again in a while."
_SENTENCE = re.compile(r".+?[.!?…。！？](?=\s|[”»\"']|$)", re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is not as it should be, and what to do."""

    what: str
    advice: str
    is_note: bool = False  # worth knowing, but the source works


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
    first_sentence: str | None = None
    is_teaser: bool = False
    opt_outs: tuple[str, ...] = ()  # what reserves it from mining or training
    rejected: Reason | None = None
    trouble: Trouble | None = None

    @property
    def is_read(self) -> bool:
        return self.trouble is None or self.trouble.is_note


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Who looks: asks the web politely, and reads pages where they can do no harm."""

    web: Fetcher
    readers: Workers = field(repr=False)
    spec: ReadSpec

    async def get(self, url: str, policy: FetchPolicy, *, obey_robots: bool = True) -> Page | Rejection | Trouble:
        """What the web answers now."""
        try:
            got = await self.web.get(url, policy, obey_robots=obey_robots)
        except FetchFault as fault:
            return Trouble(what=f"{fault.cause}.", advice=_LATER)
        assert isinstance(got, Page | Rejection)  # no validators were sent, so nothing can be 'not modified'
        return got

    async def sample(self, source: Source, kind: FeedKind, entry: FeedEntry) -> Sample:
        """The article that a feed of this source announces."""
        got = await self.get(entry.url, source.fetch)
        if not isinstance(got, Page):
            return _no_sample(entry, got)
        announced = _announcement(source, kind, entry)
        (read,) = await asyncio.to_thread(self.readers.map, read_page, [(got, announced, self.spec)])
        if isinstance(read, Broken):
            advice = "A run quarantines such a page; if many are so, leave the source out and report it."
            return _no_sample(entry, Trouble(what=f"The page cannot be read: {read.error}.", advice=advice))
        return _sample(entry, got, read.value)


@asynccontextmanager
async def looking(settings: Settings) -> AsyncIterator[Look]:
    """Eyes for as long as the block lasts."""
    with workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers:
        async with Fetcher() as web:
            yield Look(web=web, readers=readers, spec=ReadSpec(profile=settings.profile, rules=own_rules(settings)))


def trouble_of(got: Rejection | Trouble) -> Trouble:
    """The trouble that a verdict is."""
    if isinstance(got, Trouble):
        return got
    what = f"{got.reason}: {got.detail}" if got.detail else str(got.reason)
    return Trouble(what=what, advice=_ADVICE[got.reason])


def _announcement(source: Source, kind: FeedKind, entry: FeedEntry) -> Announcement:
    origin = DateOrigin.SITEMAP if kind is FeedKind.SITEMAP else DateOrigin.FEED
    return Announcement(
        source=source.name,
        title=entry.title,
        summary=entry.summary,
        authors=entry.authors,
        published_at=entry.published_at,
        origin=origin if entry.published_at else None,
        language=source.language,
    )


def _sample(entry: FeedEntry, page: Page, read: ReadPage | Rejection) -> Sample:
    if isinstance(read, Rejection):
        return _no_sample(entry, read, page.opt_outs)
    article = read.clean.article
    undated = "The time of finding it is what a run keeps; if most are so, look for a feed that has dates."
    return Sample(
        url=entry.url,
        title=article.title,
        words=len(words(read.clean.text)),
        cuts=len(read.clean.cuts),
        language=article.language,
        published_at=article.published_at,
        found_in=article.date_found_in,
        first_sentence=_first_sentence(read.clean.text),
        is_teaser=Flag.TEASER in article.flags,
        opt_outs=page.opt_outs,
        trouble=None
        if article.published_at
        else Trouble(what="No date on the page is trusted.", advice=undated, is_note=True),
    )


def _no_sample(entry: FeedEntry, got: Rejection | Trouble, opt_outs: tuple[str, ...] = ()) -> Sample:
    reason = got.reason if isinstance(got, Rejection) else None
    return Sample(url=entry.url, title=entry.title, rejected=reason, opt_outs=opt_outs, trouble=trouble_of(got))


def _first_sentence(text: str) -> str | None:
    paragraph = text.partition("\n\n")[0]
    match = _SENTENCE.match(paragraph)
    sentence = match[0] if match else paragraph
    return f"{sentence[:MAX_SENTENCE_CHARS]}…" if len(sentence) > MAX_SENTENCE_CHARS else sentence or None
