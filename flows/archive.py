"""What a source published in a span of time, as its own archive tells: sitemaps, robots.txt's sitemaps, feeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

from extract.documents import read_as
from extract.feeds import NotAFeed
from extract.fetch import Fetcher, FetchFault
from extract.model import Feed, FeedDocument, FeedEntry, FeedKind, Page, Rejection, SitemapRef, Source
from extract.robots import read_robots
from extract.sitemaps import MAX_LISTED
from extract.spans import Span, is_in, may_hold

MAX_DOCUMENTS = 2_000  # of one source: twenty years of weekly sitemaps, and room


@dataclass(slots=True)
class Archive:
    """What was found of one source."""

    entries: dict[str, FeedEntry] = field(default_factory=dict)  # by URL, each once
    documents: int = 0  # that could be read
    failed: int = 0  # and those that could not
    undated: int = 0  # entries of which nothing tells when they were published
    trouble: list[str] = field(default_factory=list)


async def search_archive(web: Fetcher, source: Source, spans: Sequence[Span]) -> Archive:
    """All that the source's sitemaps and feeds list of these spans.

    Sitemaps that its robots.txt names are read beside those of its file; of an index, those that can hold something.
    """
    found = Archive()
    waiting = deque([*source.feeds, *await _named_by_robots(web, source)])
    asked: set[str] = set()
    while waiting and len(asked) < MAX_DOCUMENTS:
        feed = waiting.popleft()
        if feed.url in asked:
            continue
        asked.add(feed.url)
        document = await _read(web, source, feed, found)
        if document is not None:
            _take(found, feed.url, document.entries, spans)
            waiting.extend(_parts(document.sitemaps, spans))
    if waiting:
        found.trouble.append(f"{len(waiting)} sitemaps beyond the first {MAX_DOCUMENTS} were not read")
    return found


async def _named_by_robots(web: Fetcher, source: Source) -> list[Feed]:
    sites = dict.fromkeys(urljoin(url, "/robots.txt") for url in _urls(source))
    named: list[str] = []
    for url in sites:
        try:
            got = await web.get(url, source.fetch, obey_robots=False)
        except FetchFault:  # its feeds will tell the same trouble
            continue
        if isinstance(got, Page):
            named.extend(read_robots(got.status, got.body).sitemaps)
    return [Feed(url=url, kind=FeedKind.SITEMAP) for url in dict.fromkeys(named)]


def _urls(source: Source) -> Iterator[str]:
    if source.homepage:
        yield source.homepage
    yield from (feed.url for feed in source.feeds)


async def _read(web: Fetcher, source: Source, feed: Feed, found: Archive) -> FeedDocument | None:
    """The document, or None with what is wrong noted."""
    try:
        got = await web.get(feed.url, source.fetch)
        if isinstance(got, Rejection):
            found.trouble.append(f"{feed.url}: {got.reason} {got.detail}".rstrip())
            found.failed += 1
            return None
        assert isinstance(got, Page)  # no validators were sent, so nothing can be 'not modified'
        document = read_as(feed.kind, got, MAX_LISTED)
    except (FetchFault, NotAFeed) as error:
        found.trouble.append(str(error))
        found.failed += 1
        return None
    found.documents += 1
    if document.left_out:
        found.trouble.append(f"{feed.url}: {document.left_out} items left out")
    return document


def _take(found: Archive, document: str, listed: Iterable[FeedEntry], spans: Sequence[Span]) -> None:
    for entry in listed:
        said = [is_in(entry, span, document) for span in spans]
        if any(said):
            found.entries.setdefault(entry.url, entry)
        elif None in said:
            found.undated += 1


def _parts(sitemaps: Iterable[SitemapRef], spans: Sequence[Span]) -> list[Feed]:
    wanted = (part for part in sitemaps if any(may_hold(part, span) for span in spans))
    return [Feed(url=part.url, kind=FeedKind.SITEMAP) for part in wanted]
