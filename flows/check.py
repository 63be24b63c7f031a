"""A look at sources before they are relied on: robots.txt, feeds, a few articles; what is wrong, and what to do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from urllib.parse import urljoin

from extract.discovery import is_of_comments, read_site_page
from extract.documents import read_document
from extract.feeds import NotAFeed
from extract.headers import first_value
from extract.mirrors import alike, entry_keys, feed_form, mirrors
from extract.model import (
    Bound,
    Feed,
    FeedDocument,
    FeedEntry,
    FeedKind,
    FetchPolicy,
    Page,
    Reason,
    Rejection,
    Source,
    SourceName,
    UrlKey,
)
from extract.rhythm import Rhythm, read_rhythm, suggested_minutes
from extract.robots import read_robots
from flows.looking import Look, Sample, Trouble, looking, trouble_of
from flows.settings import Settings

SAMPLES = 5  # articles read of a source
CHILD_SITEMAPS = 2  # of an index, the newest; a run reads more
AT_ONCE = 50  # sources; each host is asked one thing at a time anyway
TROUBLED_SHARE = 1 / 3  # of the samples: more of them in one trouble is the source's trouble

_HTML_TYPES = re.compile(r"text/html|application/xhtml\+xml", re.I)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,8})", re.I)
_DAY_S = 86_400.0
_MOVED = "See whether the publisher has moved its feed; 'storyfold source add' looks for it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsCheck:
    """What one host's robots.txt asks of us."""

    url: str
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()  # that its file does not list
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCheck:
    url: str
    kind: FeedKind
    entries: int = 0
    sitemaps: int = 0  # that an index names
    newest: datetime | None = None
    per_day: float | None = None
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    name: str
    title: str
    enabled: bool
    robots: tuple[RobotsCheck, ...]
    feeds: tuple[FeedCheck, ...]
    samples: tuple[Sample, ...]
    opt_outs: tuple[str, ...]  # what its samples are reserved by
    troubles: tuple[Trouble, ...]  # of the source as a whole

    @property
    def is_well(self) -> bool:
        of_robots = chain.from_iterable(robots.troubles for robots in self.robots)
        of_feeds = chain.from_iterable(feed.troubles for feed in self.feeds)
        return all(trouble.is_note for trouble in chain(self.troubles, of_robots, of_feeds))


@dataclass(frozen=True, slots=True, kw_only=True)
class _LookedFeed:
    """One feed's check with what it announced."""

    feed: Feed
    check: FeedCheck
    entries: tuple[FeedEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """One source's check, and what its feeds announce, for comparing them with others'."""

    check: SourceCheck
    keys: Mapping[str, frozenset[UrlKey]] = field(repr=False)  # by the feed's address


def check_sources(
    sources: Sequence[Source],
    catalogue: Sequence[Source],
    settings: Settings,
    done: Callable[[SourceCheck], None] = lambda _: None,
) -> tuple[SourceCheck, ...]:
    """What was found, in the order of the sources; AT_ONCE of them are asked at once, each host politely.

    catalogue: all there are, to tell which of them poll the same. done: is told of each source as it is finished.
    """
    looked = asyncio.run(_check_all(sources, settings, done))
    return _compared(looked, catalogue)


async def _check_all(
    sources: Sequence[Source], settings: Settings, done: Callable[[SourceCheck], None]
) -> list[_Looked]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def check_one(look: Look, source: Source) -> _Looked:
        async with turns:
            looked = await _check(look, source)
        done(looked.check)
        return looked

    async with looking(settings) as look:
        return await asyncio.gather(*(check_one(look, source) for source in sources))


async def _check(look: Look, source: Source) -> _Looked:
    now = datetime.now(UTC)
    rules = dict.fromkeys(urljoin(feed.url, "/robots.txt") for feed in source.feeds)
    robots = [await _check_robots(look, source, url) for url in rules]
    feeds = tuple([await _check_feed(look, source, feed, now) for feed in source.feeds])
    picked = pick_samples([(looked.feed.kind, entry) for entry in looked.entries] for looked in feeds)
    samples = tuple([await look.sample(source, kind, entry) for kind, entry in picked])
    check = SourceCheck(
        name=source.name,
        title=source.title,
        enabled=source.enabled,
        robots=tuple(_with_pace(check, source, feeds, now) for check in robots),
        feeds=tuple(looked.check for looked in feeds),
        samples=samples,
        opt_outs=opt_outs_of(samples),
        troubles=(*_no_feeds(source), *sample_troubles(samples), *_breaches(source, feeds, samples, now)),
    )
    return _Looked(check=check, keys={one.feed.url: entry_keys(one.entries) for one in feeds})


def pick_samples(of_feeds: Iterable[Sequence[tuple[FeedKind, FeedEntry]]]) -> list[tuple[FeedKind, FeedEntry]]:
    """SAMPLES of the entries that feeds announce, of each feed in turn, each address once."""
    in_turn = (one for round_ in zip_longest(*of_feeds) for one in round_ if one is not None)
    distinct: dict[str, tuple[FeedKind, FeedEntry]] = {}
    for kind, entry in in_turn:
        distinct.setdefault(entry.url, (kind, entry))
        if len(distinct) == SAMPLES:
            break
    return list(distinct.values())


# --- robots.txt -----------------------------------------------------------------------------------------------


async def _check_robots(look: Look, source: Source, url: str) -> RobotsCheck:
    got = await look.get(url, source.fetch, obey_robots=False)
    if isinstance(got, Trouble):
        return RobotsCheck(url=url, troubles=(replace(got, what=f"robots.txt cannot be read: {got.what}"),))
    if isinstance(got, Rejection):  # none there: everything is allowed
        return RobotsCheck(url=url)
    rules = read_robots(got.status, got.body)
    listed = {feed_form(feed.url) for feed in source.feeds}
    return RobotsCheck(
        url=url,
        crawl_delay_s=rules.crawl_delay_s(source.fetch.user_agent),
        sitemaps=tuple(sitemap for sitemap in rules.sitemaps if feed_form(sitemap) not in listed),
    )


def _with_pace(check: RobotsCheck, source: Source, feeds: Sequence[_LookedFeed], now: datetime) -> RobotsCheck:
    """The check, with trouble where the Crawl-delay leaves no time for all that the source has."""
    polls = len(feeds) * _DAY_S / source.polling.first_interval_s
    trouble = pace_trouble(check.crawl_delay_s or 0.0, polls + (_common_rhythm(feeds, now).per_day or 0.0))
    return replace(check, troubles=(*check.troubles, trouble)) if trouble else check


def pace_trouble(crawl_delay_s: float, needed: float) -> Trouble | None:
    """The trouble, where so many requests a day cannot be made with such a delay between them."""
    if needed * crawl_delay_s <= _DAY_S:
        return None
    return Trouble(
        what=f"It asks for {crawl_delay_s:g} s between requests, which is {_DAY_S / crawl_delay_s:.0f} a day; its feeds"
        f" and articles need {needed:.0f}.",
        advice="Poll it less often with interval_minutes, or list fewer feeds; else its queue grows.",
    )


def _common_rhythm(feeds: Iterable[_LookedFeed], now: datetime) -> Rhythm:
    """The rhythm of all entries together, those that several feeds announce counted once."""
    entries = {entry.url: entry for looked in feeds for entry in looked.entries}
    return read_rhythm(entries.values(), now)


# --- Feeds ----------------------------------------------------------------------------------------------------


async def _check_feed(look: Look, source: Source, feed: Feed, now: datetime) -> _LookedFeed:
    opened = _opened(feed, await look.get(feed.url, source.fetch))
    if isinstance(opened, Trouble):
        return _LookedFeed(feed=feed, check=FeedCheck(url=feed.url, kind=feed.kind, troubles=(opened,)))
    page, document = opened
    children, child_troubles = await newest_children(look, source.fetch, document)
    entries = (*document.entries, *children)
    rhythm = read_rhythm(entries, now)
    check = FeedCheck(
        url=feed.url,
        kind=feed.kind,
        entries=len(entries),
        sitemaps=len(document.sitemaps),
        newest=rhythm.newest,
        per_day=rhythm.per_day,
        troubles=(
            *child_troubles,
            *_content_troubles(feed, document, entries),
            *silence(rhythm, now, _MOVED),
            *_delivery_troubles(source, feed, page, document, rhythm),
            *await _https_trouble(look, source, feed),
        ),
    )
    return _LookedFeed(feed=feed, check=check, entries=entries)


def _opened(feed: Feed, got: Page | Rejection | Trouble) -> tuple[Page, FeedDocument] | Trouble:
    """The feed as it is served and as it reads, where it is one."""
    if not isinstance(got, Page):
        return trouble_of(got)
    try:
        kind, document = read_document(got)
    except NotAFeed as error:
        return _no_feed(got, error)
    if kind is FeedKind.SITEMAP and feed.kind is FeedKind.FEED:
        advice = "List its address under 'sitemaps' in the file, not under 'feeds'."
        return Trouble(what="It is a sitemap.", advice=advice)
    return got, document


def _no_feed(page: Page, error: NotAFeed) -> Trouble:
    named = [c.url for c in read_site_page(page).candidates if not is_of_comments(c.url, c.title)]
    if named:
        return Trouble(what=f"It is a page that names feeds ({error.detail}).", advice=f"Try {', '.join(named[:3])}.")
    return Trouble(
        what=f"It is no feed: {error.detail}.",
        advice=f"See what it is in a browser; 'storyfold source add {urljoin(page.final_url, '/')}' looks for feeds.",
    )


async def newest_children(
    look: Look, policy: FetchPolicy, index: FeedDocument
) -> tuple[tuple[FeedEntry, ...], list[Trouble]]:
    """What the newest sitemaps of an index announce, and what is wrong with them."""
    entries: list[FeedEntry] = []
    troubles: list[Trouble] = []
    for url in (child.url for child in index.sitemaps[:CHILD_SITEMAPS]):
        got = await look.get(url, policy)
        if not isinstance(got, Page):
            trouble = trouble_of(got)
            troubles.append(replace(trouble, what=f"{url}: {trouble.what}"))
            continue
        try:
            entries += read_document(got)[1].entries
        except NotAFeed as error:
            advice = "The index names what is no sitemap: list the good ones by themselves."
            troubles.append(Trouble(what=f"{url}: {error.detail}.", advice=advice))
    return tuple(entries), troubles


def _content_troubles(feed: Feed, document: FeedDocument, entries: Sequence[FeedEntry]) -> Iterable[Trouble]:
    if not entries:
        yield Trouble(what="It is valid, but announces nothing.", advice="Look again in a day; else find another feed.")
    if is_of_comments(feed.url, document.title):
        yield Trouble(what="It carries readers' comments.", advice="Take it out of the file.")
    if 10 * document.left_out > len(document.entries):
        yield Trouble(
            what=f"{document.left_out} of its items have no usable link, or stand beyond the number that is read.",
            advice="Look at its items in a browser; what has no link cannot be fetched.",
            is_note=len(entries) > document.left_out,
        )


def silence(rhythm: Rhythm, now: datetime, advice: str) -> Iterable[Trouble]:
    """The trouble of a feed, or of several, that has been silent for longer than is its habit."""
    if rhythm.has_fallen_silent(now) and rhythm.newest:
        usual = f"; it used to bring {_a_day(rhythm.per_day)}" if rhythm.per_day else ""
        days = (now - rhythm.newest) // timedelta(days=1)
        yield Trouble(what=f"Nothing new since {rhythm.newest:%Y-%m-%d}, {days} days ago{usual}.", advice=advice)


def _delivery_troubles(
    source: Source, feed: Feed, page: Page, document: FeedDocument, rhythm: Rhythm
) -> Iterable[Trouble]:
    """How the feed is served."""
    secured = feed.url.startswith("http:") and page.final_url.startswith("https:")
    if secured or feed_form(page.final_url) != feed_form(feed.url):
        yield Trouble(what=f"It leads to {page.final_url}", advice="Put that address into its file.", is_note=True)
    content_type = first_value(page.headers, "content-type")
    if _HTML_TYPES.match(content_type):
        advice = "It can be read nevertheless; nothing needs to be done."
        yield Trouble(what=f"It is served as {content_type}.", advice=advice, is_note=True)
    yield from _too_often(source, page, document, rhythm)


def _too_often(source: Source, page: Page, document: FeedDocument, rhythm: Rhythm) -> Iterable[Trouble]:
    """Where the feed asks, by its TTL or by Cache-Control, to be polled less often than its file has it."""
    max_age = _MAX_AGE.search(first_value(page.headers, "cache-control"))
    asked_s = max(document.ttl_s or 0.0, min(float(max_age[1]), _DAY_S) if max_age else 0.0)
    if asked_s <= source.polling.first_interval_s:
        return
    minutes = suggested_minutes(rhythm, asked_s) or round(asked_s / 60)
    yield Trouble(
        what=f"It asks to be polled every {asked_s / 60:g} minutes at most; its file says"
        f" {source.polling.first_interval_s / 60:g}.",
        advice=f"Set interval_minutes = {minutes}.",
        is_note=True,
    )


async def _https_trouble(look: Look, source: Source, feed: Feed) -> tuple[Trouble, ...]:
    """A note, where a feed that is asked for by http also answers on https."""
    if not feed.url.startswith("http:"):
        return ()
    secure = f"https:{feed.url.removeprefix('http:')}"
    got = await look.get(secure, source.fetch)
    if not isinstance(got, Page):
        return ()
    try:
        read_document(got)
    except NotAFeed:
        return ()
    return (Trouble(what="It also answers on https.", advice=f"Put {secure} into its file.", is_note=True),)


# --- The source as a whole ------------------------------------------------------------------------------------


def _no_feeds(source: Source) -> Iterable[Trouble]:
    if not source.feeds:
        where = source.homepage or "its home page"
        advice = f"'storyfold source add {where} --dry-run' looks for some; put them into its file."
        yield Trouble(what="It has neither feeds nor sitemaps.", advice=advice)


def opt_outs_of(samples: Iterable[Sample]) -> tuple[str, ...]:
    """By what any of the samples is reserved."""
    return tuple(dict.fromkeys(mark for sample in samples for mark in sample.opt_outs))


def sample_troubles(samples: Sequence[Sample]) -> Iterable[Trouble]:
    """What is wrong with so many of the samples that it is the source's way."""
    read = [sample for sample in samples if sample.is_read]
    counts = {
        "cannot be fetched": (_UNFETCHED, [s for s in samples if not s.is_read and s.rejected not in _READ_AS]),
        "are too short, or no articles": (_UNREAD, [s for s in samples if s.rejected in _READ_AS]),
        "are only the beginning, before a paywall": (
            _PAYWALLED,
            [s for s in samples if s.is_teaser or s.rejected is Reason.PAYWALL_TEASER],
        ),
        "have no date that can be trusted": (_UNDATED, [s for s in read if s.published_at is None]),
    }
    for what, (advice, concerned) in counts.items():
        if len(concerned) > TROUBLED_SHARE * len(samples):
            yield Trouble(what=f"{len(concerned)} of {len(samples)} sample articles {what}.", advice=advice)
    if marks := opt_outs_of(samples):
        yield Trouble(
            what=f"The publisher reserves its pages from mining or training: {', '.join(marks)}.",
            advice='Mind what you use them for; opt_out = "obey" in [fetch] of its file keeps them out.',
            is_note=True,
        )


_READ_AS = frozenset({Reason.TOO_SHORT, Reason.NOT_ARTICLE, Reason.EMPTY, Reason.WRONG_TYPE})
_UNFETCHED = "See what each of them says above."
_UNREAD = "See them in a browser: perhaps they need JavaScript, or the feed announces films and galleries."
_PAYWALLED = "Expect teasers: they never stand for a story when a full text is there."
_UNDATED = "Look for a feed or news sitemap that has dates; without one, articles bear the time of finding them."


def _breaches(
    source: Source, feeds: Sequence[_LookedFeed], samples: Sequence[Sample], now: datetime
) -> Iterable[Trouble]:
    """Which of the file's expectations today's feeds and samples break; one odd sample breaks none."""
    expect, read = source.expect, [sample for sample in samples if sample.is_read]
    advice = "Find out what has changed there; if it is to stay so, change [expect] in its file."
    per_day = _common_rhythm(feeds, now).per_day
    if per_day is not None and not _within(per_day, expect.entries_per_day):
        told = _limits(expect.entries_per_day)
        yield Trouble(what=f"Its feeds bring {_a_day(per_day)}; expected are {told}.", advice=advice)
    short = [sample for sample in samples if sample.rejected is Reason.TOO_SHORT]
    undated = [sample for sample in read if sample.published_at is None]
    foreign = [s for s in read if expect.languages and s.language and s.language not in expect.languages]
    shares = [
        ("have no date", undated, read, _floor(expect.dated_share)),
        ("are too short", short, samples, _ceiling(expect.short_share)),
        (f"are not in {', '.join(expect.languages)}", foreign, read, 0.0 if expect.languages else None),
    ]
    for what, concerned, of, allowed in shares:
        if allowed is not None and len(concerned) > max(1, allowed * len(of)):
            yield Trouble(
                what=f"{len(concerned)} of {len(of)} sample articles {what}, more than expected.", advice=advice
            )


def _within(value: float, bound: Bound | None) -> bool:
    if bound is None:
        return True
    return (bound.min is None or value >= bound.min) and (bound.max is None or value <= bound.max)


def _floor(bound: Bound | None) -> float | None:
    """The share that may fail where at least `min` must hold."""
    return None if bound is None or bound.min is None else 1.0 - bound.min


def _ceiling(bound: Bound | None) -> float | None:
    return None if bound is None else bound.max


def _limits(bound: Bound | None) -> str:
    named = {} if bound is None else {"at least": bound.min, "at most": bound.max}
    return ", ".join(f"{name} {limit:g}" for name, limit in named.items() if limit is not None)


def _a_day(per_day: float) -> str:
    return f"{per_day:.0f} entries a day" if per_day >= 1 else f"an entry in {1 / per_day:.0f} days"


# --- Against the others ---------------------------------------------------------------------------------------


def _compared(looked: Sequence[_Looked], catalogue: Sequence[Source]) -> tuple[SourceCheck, ...]:
    """The checks, with the feeds that are also other sources' or one another's."""
    shared = mirrors(source for source in catalogue if source.enabled)
    same = _same_entries(looked)
    return tuple(
        replace(
            one.check,
            troubles=(
                *one.check.troubles,
                *(_shared(m.url, m.other, m.other_url) for m in shared.get(SourceName(one.check.name), ())),
                *same.get(one.check.name, ()),
            ),
        )
        for one in looked
    )


def _shared(url: str, other: str, other_url: str) -> Trouble:
    return Trouble(
        what=f"{url} is polled by the source '{other}', too, as {other_url}.",
        advice="Keep it in one of the two files: its articles belong to whichever source is polled first.",
    )


def _same_entries(looked: Sequence[_Looked]) -> Mapping[str, list[Trouble]]:
    """Source → its feeds that announce what another feed announces, under another address."""
    keys = {(one.check.name, url): announced for one in looked for url, announced in one.keys.items()}
    found: dict[str, list[Trouble]] = {}
    for (name, url), (other, other_url) in alike(keys):
        if feed_form(url) == feed_form(other_url):
            continue
        whose = "" if name == other else f" of the source '{other}'"
        told = Trouble(what=f"{url} has the same entries as {other_url}{whose}.", advice="Keep one of the two.")
        found.setdefault(name, []).append(told)
        if name != other:
            back = f"{other_url} has the same entries as {url} of the source '{name}'."
            found.setdefault(other, []).append(replace(told, what=back))
    return found
