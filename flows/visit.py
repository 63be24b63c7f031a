"""One polite visit of a site that may become a source: what it names, what can be read of it, what is to be polled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urljoin

from extract.candidates import Choice, Tried, choose, tried_out
from extract.discovery import (
    COMMON_FEEDS,
    COMMON_SITEMAPS,
    Candidate,
    Found,
    common_candidates,
    distinct,
    is_of_comments,
    names_news,
    read_site_page,
    robots_candidates,
)
from extract.documents import read_document
from extract.feeds import NotAFeed
from extract.mirrors import feed_form
from extract.model import (
    Feed,
    FeedEntry,
    FeedKind,
    FetchPolicy,
    Page,
    PollPolicy,
    Reason,
    Rejection,
    Source,
    SourceName,
)
from extract.robots import Robots, read_robots
from extract.urls import is_home_page
from flows.check import CHILD_SITEMAPS, SAMPLES, newest_children, pick_samples
from flows.looking import Look, Sample, Trouble, trouble_of

MAX_REQUESTS = 40  # of one site: pages, robots.txt, candidates and samples together
MAX_CHILDREN = 3  # of an index, tried by themselves

_FOR_CANDIDATES = MAX_REQUESTS - SAMPLES - CHILD_SITEMAPS - 1  # the fetcher asks for robots.txt, too
_FINAL = frozenset({Reason.BAD_URL, Reason.ROBOTS, Reason.PRIVATE_ADDRESS})  # of the first answer: no use to go on
_NOT_ASKED = "not asked for: the limit of requests was reached"


class Visit:
    """One polite visit of a site: bounded, and remembering what it has read."""

    def __init__(self, look: Look, policy: FetchPolicy, known: Mapping[str, str] | None = None) -> None:
        """known: form of an address → the source that polls it already."""
        self._look = look
        self._policy = policy
        self._known = known or {}
        self._now = datetime.now(UTC)
        self._read: dict[str, Tried] = {}  # by the form of the address
        self._of_children: dict[str, tuple[FeedEntry, ...]] = {}  # by the address of their index
        self._failed: list[Choice] = []
        self._robots: Robots | None = None
        self._is_polled = False  # in part, by another source
        self.requests = 0
        self.troubles: list[Trouble] = []
        self.homepage = ""
        self.title: str | None = None
        self.language: str | None = None

    async def choices(self, url: str) -> tuple[Choice, ...]:
        """All candidates for the site at this address, with a verdict each."""
        first = await self._get(url)
        self.homepage = urljoin(first.final_url if isinstance(first, Page) else url, "/")
        if not isinstance(first, Page):
            self.troubles.append(trouble_of(first))
            if not isinstance(first, Rejection) or first.reason in _FINAL:
                return ()
        if isinstance(first, Page) and self._try_as_feed(Candidate(url=url, found=Found.GIVEN), first):
            self.homepage = next(map(_home_of, self._read.values()), self.homepage)
            await self._look_home(first)
        else:
            named = await self._named_by_pages(first) if isinstance(first, Page) else ()
            await self._try_all([*named, *await self._named_by_robots()])
            await self._try_children()
            await self._try_common_places()
        choices = choose(list(self._read.values()), self._now, is_polled=self._is_polled)
        await self._follow_indexes({choice.url for choice in choices if choice.chosen})
        return (*choices, *self._failed)

    def source(self, name: SourceName, chosen: Sequence[Choice]) -> Source:
        """The source as far as its feeds tell; its language may yet be told by its articles."""
        return Source(
            name=name,
            title=self.title or next((c.title for c in chosen if c.title), None) or name,
            homepage=self.homepage,
            language=self.language,
            country=None,
            tier=2,
            feeds=tuple(Feed(url=choice.url, kind=choice.kind) for choice in chosen if choice.kind),
            polling=PollPolicy(),
            fetch=self._policy,
        )

    async def samples(self, source: Source, chosen: Sequence[Choice]) -> tuple[Sample, ...]:
        """Some articles that the chosen feeds announce."""
        announced = [[(one.kind, entry) for entry in self._announced(one)] for one in self._chosen(chosen)]
        picked = pick_samples(announced)
        self.requests += len(picked)
        return tuple([await self._look.sample(source, kind, entry) for kind, entry in picked])

    def entries(self, chosen: Sequence[Choice]) -> dict[str, FeedEntry]:
        """What the chosen feeds announce, by address."""
        return {entry.url: entry for one in self._chosen(chosen) for entry in self._announced(one)}

    def ttl_s(self, chosen: Sequence[Choice]) -> float | None:
        """The longest pause that one of the chosen feeds asks for."""
        return max((one.document.ttl_s for one in self._chosen(chosen) if one.document.ttl_s), default=None)

    @property
    def crawl_delay_s(self) -> float | None:
        return self._robots.crawl_delay_s(self._policy.user_agent) if self._robots else None

    def _announced(self, one: Tried) -> tuple[FeedEntry, ...]:
        return (*one.document.entries, *self._of_children.get(one.url, ()))

    def _chosen(self, chosen: Sequence[Choice]) -> list[Tried]:
        urls = {choice.url for choice in chosen}
        return [one for one in self._read.values() if one.url in urls]

    async def _get(self, url: str, *, obey_robots: bool = True) -> Page | Rejection | Trouble:
        self.requests += 1
        return await self._look.get(url, self._policy, obey_robots=obey_robots)

    async def _named_by_pages(self, page: Page) -> tuple[Candidate, ...]:
        """What the page and the home page name."""
        linked = read_site_page(page)
        self.title, self.language = linked.title, linked.language
        return (*linked.candidates, *await self._look_home(page))

    async def _named_by_robots(self) -> tuple[Candidate, ...]:
        """The sitemaps that robots.txt names."""
        got = await self._get(urljoin(self.homepage, "/robots.txt"), obey_robots=False)
        if not isinstance(got, Page):
            return ()
        self._robots = read_robots(got.status, got.body)
        return robots_candidates(self._robots.sitemaps, self.homepage)

    async def _look_home(self, page: Page) -> tuple[Candidate, ...]:
        """What the home page names, where the page is another one; title and language are the home page's."""
        if is_home_page(page.final_url):
            return ()
        got = await self._get(self.homepage)
        if not isinstance(got, Page):
            return ()
        home = read_site_page(got)
        self.title = home.title or self.title
        self.language = home.language or self.language
        return home.candidates

    async def _try_all(self, candidates: Iterable[Candidate]) -> None:
        """Read each candidate; a page among them, such as a list of all feeds, gives further ones."""
        ordered = sorted(distinct(candidates), key=lambda candidate: list(Found).index(candidate.found))
        further: list[Candidate] = []
        for candidate in ordered:
            page = await self._try(candidate)
            if page and candidate.found is Found.ANCHOR:
                further += read_site_page(page).candidates
        tried = {feed_form(candidate.url) for candidate in ordered}
        for candidate in distinct(further):
            if feed_form(candidate.url) not in tried:
                await self._try(candidate)

    async def _try(self, candidate: Candidate) -> Page | None:
        """The page, where the candidate is an ordinary page; else its reading or its failure is remembered."""
        if self._is_known(candidate, candidate.url):
            return None
        if is_of_comments(candidate.url, candidate.title):
            self._fail(candidate, "it carries readers' comments")
        elif self.requests >= _FOR_CANDIDATES:
            self._fail(candidate, _NOT_ASKED)
        elif feed_form(candidate.url) not in self._read:
            got = await self._get(candidate.url)
            if isinstance(got, Page) and not self._try_as_feed(candidate, got):
                return got
            if not isinstance(got, Page):
                self._fail_by(candidate, got)
        return None

    def _try_as_feed(self, candidate: Candidate, page: Page) -> bool:
        """Whether the page is a feed or sitemap; it is remembered then, under the address that it redirects to."""
        try:
            kind, document = read_document(page)
        except NotAFeed as error:
            if candidate.found not in (Found.GIVEN, Found.COMMON):
                self._fail(candidate, f"no feed: {error.detail}")
            return False
        form = feed_form(page.final_url)
        if form in self._read:
            self._fail(candidate, f"leads to {page.final_url}")
        elif not self._is_known(candidate, page.final_url):
            self._read[form] = tried_out(candidate, page.final_url, kind, document, self._now)
        return True

    def _is_known(self, candidate: Candidate, url: str) -> bool:
        """Whether a source polls what stands at this address already; it is told then."""
        owner = self._known.get(feed_form(url))
        if owner is None:
            return False
        self._is_polled = True
        what = f"the source '{owner}' polls it already"
        self._fail(candidate, what)
        advice = f"'storyfold source check {owner}' looks at that one."
        self.troubles.append(Trouble(what=f"{url}: {what}.", advice=advice, is_note=True))
        return True

    def _fail_by(self, candidate: Candidate, got: Rejection | Trouble) -> None:
        """A common place where nothing is says nothing; all else is told."""
        gone = isinstance(got, Rejection) and got.reason in (Reason.GONE, Reason.WRONG_TYPE)
        if candidate.found is Found.COMMON and gone:
            return
        trouble = trouble_of(got)
        self._fail(candidate, trouble.what)
        if isinstance(got, Rejection) and got.reason in (Reason.ROBOTS, Reason.BOT_WALL, Reason.REFUSED):
            self.troubles.append(replace(trouble, what=f"{candidate.url}: {trouble.what}"))

    def _fail(self, candidate: Candidate, why: str) -> None:
        self._failed.append(
            Choice(
                url=candidate.url,
                found=candidate.found,
                chosen=False,
                why=why,
                title=candidate.title,
                language=candidate.language,
            )
        )

    async def _try_children(self) -> None:
        """Read the sitemaps of news that indexes name."""
        children = [child.url for one in self._read.values() for child in one.document.sitemaps]
        for url in [child for child in children if names_news(child)][:MAX_CHILDREN]:
            await self._try(Candidate(url=url, found=Found.INDEX))

    async def _follow_indexes(self, chosen: Collection[str]) -> None:
        """Read the newest sitemaps of the indexes that are chosen: they themselves announce nothing."""
        for one in self._read.values():
            if one.url in chosen and one.document.sitemaps:
                self.requests += min(CHILD_SITEMAPS, len(one.document.sitemaps))
                self._of_children[one.url], _ = await newest_children(self._look, self._policy, one.document)

    async def _try_common_places(self) -> None:
        """Ask where feeds and sitemaps commonly are, each as long as none is known."""
        has_feed = any(one.kind is FeedKind.FEED for one in self._read.values())
        has_sitemap = any(one.kind is FeedKind.SITEMAP for one in self._read.values())
        for found, places in ((has_feed, COMMON_FEEDS), (has_sitemap, COMMON_SITEMAPS)):
            for candidate in () if found else common_candidates(self.homepage, places):
                before = len(self._read)
                await self._try(candidate)
                if len(self._read) > before:
                    break
        await self._try_children()


def _home_of(feed: Tried) -> str:
    """The home page of most of its entries, as a feed may stand elsewhere; else of the feed itself."""
    homes = Counter(urljoin(entry.url, "/") for entry in feed.document.entries)
    return homes.most_common(1)[0][0] if homes else urljoin(feed.url, "/")
