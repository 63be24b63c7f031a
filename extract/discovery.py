"""Where a site's feeds and sitemaps may be: what its pages and robots.txt name, and where they commonly are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from lxml import etree, html
from lxml.html import HtmlElement

from extract.charset import decode
from extract.headers import first_value
from extract.mirrors import feed_form
from extract.model import Page, Source, SourceName
from extract.source_file import title_of
from extract.text import folded
from extract.urls import registrable_domain, resolve_link

COMMON_FEEDS = (
    "/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feeds", "/index.rss", "/rss/index.xml",
    "/feeds/posts/default", "/feed/json", "/feed.json",
)  # fmt: skip
"""Where content systems put their feed, the commonest first: WordPress, news systems, Hugo, Blogger, JSON Feed."""
COMMON_SITEMAPS = (
    "/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml", "/sitemap/news.xml", "/sitemap_index.xml",
    "/sitemap.xml", "/sitemap-index.xml", "/wp-sitemap.xml",
)  # fmt: skip
"""Likewise of sitemaps, those that list only the news first."""
FEED_SERVICES = frozenset([
    "feedburner.com", "feedblitz.com", "feedpress.me", "feedpress.it", "rss.app", "feed43.com", "fetchrss.com",
    "politepol.com",
])  # fmt: skip
"""Domains that serve feeds for many publishers and little else."""
SHARED_HOSTS = FEED_SERVICES | {"youtube.com", "medium.com", "reddit.com", "telegram.me", "t.me"}
"""Domains that many publish on: two feeds there are not of one owner."""

MAX_LINKS = 200  # of one page; a directory of feeds may name every town

_FEED_TYPES = frozenset([
    "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "application/xml",
    "text/xml", "text/rss", "application/rss", "application/x-rss+xml", "application/x.atom+xml",
])  # fmt: skip
_FEED_PATH = re.compile(
    r"""/(?:rss|feeds?|atom|rdf|xmlrss|newsfeed)(?:[-_.]?\d)?(?:/|$)     # /rss, /feed/, /rss2
    | \.(?:rss|atom|rdf)$
    | (?:rss|feed|atom)[\w-]*\.(?:xml|json|php|aspx?|jsp)$
    | [/_-](?:rss|feed|atom)$""",
    re.VERBOSE | re.IGNORECASE,
)
_FEED_QUERY = re.compile(
    r"(?:^|&)(?:feed=(?:rss2?|atom|rdf|json)|(?:format|type|output|view)=(?:rss|atom|feed)\b)", re.I
)
_FEED_TEXT = re.compile(r"\b(?:rss|atom|newsfeed)\b", re.I)
_COMMENTS = re.compile(r"/comments?/(?:feed|default|rss|atom)|feeds/\w+/comments|[?&]feed=comments", re.I)
_COMMENT_TITLES = re.compile(
    r"\b(?:comments?|coment[aá]rios|commentaires|commenti|kommentare?n?|komentarz\w*|koment[aá][rř]\w*|reacties?|комментари\w*)\b",
    re.I,
)
_NEWS_SITEMAP = re.compile(r"(?:^|[/_.-])(?:google-?)?news(?:[/_.-]|$)|sitemap-?_?news|news-?_?sitemap", re.I)
_DATED = re.compile(r"(?:19|20)\d\d(?:[-_/]?(?:0[1-9]|1[0-2]))?")


class Found(StrEnum):
    """How an address was come by; earlier members are a publisher's own word."""

    GIVEN = "given"
    LINK = "link"
    ROBOTS = "robots"
    INDEX = "index"
    ANCHOR = "anchor"
    COMMON = "common"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address that may be a feed or sitemap."""

    url: str
    found: Found
    title: str | None = None
    language: str | None = None  # as its link says


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePage:
    """What a page says of its site."""

    title: str | None
    language: str | None  # ISO 639-1
    candidates: tuple[Candidate, ...]


def read_site_page(page: Page) -> SitePage:
    """What an HTML page says of its site; nothing for what is no HTML."""
    tree = _tree(page)
    if tree is None:
        return SitePage(title=None, language=None, candidates=())
    base = resolve_link(page.final_url, tree.xpath("string(//base/@href)")) or page.final_url
    return SitePage(
        title=_site_title(tree),
        language=language_code(tree.xpath("string(/html/@lang)")),
        candidates=distinct([*_linked(tree, base), *_anchored(tree, base)]),
    )


def robots_candidates(sitemaps: Iterable[str], url: str) -> tuple[Candidate, ...]:
    """The Sitemap lines of a robots.txt, those of news first."""
    links = filter(None, (resolve_link(url, sitemap) for sitemap in sitemaps))
    return distinct(
        Candidate(url=link, found=Found.ROBOTS) for link in sorted(links, key=lambda link: not names_news(link))
    )


def common_candidates(url: str, places: Iterable[str]) -> tuple[Candidate, ...]:
    """The common places on the host of this address."""
    links = (resolve_link(url, place) for place in places)
    return tuple(Candidate(url=link, found=Found.COMMON) for link in links if link)


def distinct(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates without those whose address is another's in a different form."""
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(feed_form(candidate.url), candidate)
    return tuple(first.values())


def site_of(url: str) -> str:
    """Whose site this is: its registrable domain, or the whole address on hosts that carry many publishers' feeds."""
    return feed_form(url) if is_hosted(url) else registrable_domain(url).removeprefix("www.")


def is_hosted(url: str) -> bool:
    """Whether this address is on a host that carries many publishers' feeds."""
    return registrable_domain(url) in SHARED_HOSTS


def sites_of(sources: Iterable[Source]) -> dict[str, SourceName]:
    """The sites of these sources, each with its source."""
    return {site_of(url): source.name for source in sources for url in _addresses(source)}


def is_of_comments(url: str, title: str | None = None) -> bool:
    """Whether a feed carries what readers write."""
    return bool(_COMMENTS.search(url) or _COMMENT_TITLES.search(title or ""))


def names_news(url: str) -> bool:
    """Whether a sitemap's address says that it lists the news."""
    return bool(_NEWS_SITEMAP.search(urlsplit(url).path))


def is_dated(url: str) -> bool:
    """Whether an address bears a year, as the parts of archives do."""
    return bool(_DATED.search(urlsplit(url).path))


def language_code(tag: str | None) -> str | None:
    """ISO 639-1 of a language tag such as 'pl-PL'."""
    match = re.match(r"([A-Za-z]{2})(?![A-Za-z])", (tag or "").strip())
    return match[1].lower() if match else None


def _addresses(source: Source) -> tuple[str, ...]:
    return (*(feed.url for feed in source.feeds), *((source.homepage,) if source.homepage else ()))


def _tree(page: Page) -> HtmlElement | None:
    text = decode(page.body, first_value(page.headers, "content-type"), None).replace("\0", "")
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def _site_title(tree: HtmlElement) -> str | None:
    """The site's name as it gives it to others; else its title up to what adorns it."""
    named = tree.xpath("string(//meta[@property='og:site_name' or @name='application-name']/@content)")
    return title_of(named or re.split(r"\s+[|–—·:-]\s+", tree.xpath("string(//head/title)"))[0])


def _linked(tree: HtmlElement, base: str) -> Iterable[Candidate]:
    """What <link> names; oEmbed, translations and style sheets are links too."""
    for link in tree.iter("link"):
        rel = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        if "feed" in rel or "sitemap" in rel or ("alternate" in rel and kind in _FEED_TYPES):
            yield from _candidate(base, link, Found.LINK, link.get("title"))


def _anchored(tree: HtmlElement, base: str) -> Iterable[Candidate]:
    """What a reader could click on, on this site or at a host of feeds."""
    found = 0
    for anchor in tree.iter("a"):
        if found < MAX_LINKS and _leads_to_feed(base, anchor):
            found += 1
            yield from _candidate(base, anchor, Found.ANCHOR, anchor.text_content())


def _leads_to_feed(base: str, anchor: HtmlElement) -> bool:
    link = resolve_link(base, anchor.get("href") or "")
    if link is None:
        return False
    owner = registrable_domain(link)
    if owner in FEED_SERVICES:
        return True
    if owner != registrable_domain(base):
        return False
    parts = urlsplit(link)
    if _FEED_PATH.search(parts.path) or _FEED_QUERY.search(parts.query):
        return True
    return len(anchor.text_content()) < 40 and bool(_FEED_TEXT.search(anchor.text_content()))


def _candidate(base: str, element: HtmlElement, found: Found, title: str | None) -> Iterable[Candidate]:
    link = resolve_link(base, element.get("href") or "")
    if link:
        yield Candidate(
            url=link,
            found=found,
            title=folded(title or "")[:200] or None,
            language=language_code(element.get("hreflang")),
        )
