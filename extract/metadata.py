"""What a page says of itself beside its text: <meta>, JSON-LD, links; and its summary, address, languages, flags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from extract.jsonld import Node, article_node, is_a, linked_data, names_of, strings
from extract.model import Flag, Page
from extract.text import folded, letters
from extract.urls import is_home_page, registrable_domain, resolve_link

_FALSE = re.compile(r"(?:https?://schema\.org/)?false", re.I)
_LIVE_ENTRY = re.compile(r"\blive-?blog\w*[-_]+(?:entry|post|update|item|event|block)\b", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A page's words about itself, beside its text."""

    page: Page
    tree: HtmlElement
    meta: Mapping[str, Sequence[str]]  # <meta> contents by name, property or itemprop, in small letters
    graph: Sequence[Node]  # every JSON-LD node
    node: Node  # the JSON-LD node of the article itself, empty without one
    byline: str | None  # by trafilatura, names apart by '; '
    day: str | None  # by htmldate, YYYY-MM-DD

    def meta_values(self, name: str) -> Sequence[str]:
        """The contents of the <meta> elements of one name, in their order."""
        return self.meta.get(name, ())


def read_about(page: Page, tree: HtmlElement, *, byline: str | None, day: str | None) -> About:
    """The page's words about itself; byline and day as trafilatura finds them."""
    graph = tuple(linked_data(tree))
    node = article_node(graph, page.final_url)
    return About(page=page, tree=tree, meta=_meta(tree), graph=graph, node=node, byline=byline, day=day)


def _meta(tree: HtmlElement) -> dict[str, list[str]]:
    meta: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = folded(unescape(element.get("content") or ""))  # templates escape twice
        if content:
            meta.setdefault(name.lower(), []).append(content)
    return meta


def site_names(about: About) -> frozenset[str]:
    """The publisher's names, folded to letters: as the page gives them, and its domain."""
    sites = [node for node in about.graph if is_a(node, "WebSite")]
    domain = registrable_domain(about.page.final_url)
    names = (
        *names_of(about.node.get("publisher"), about.graph),
        *names_of(sites, about.graph),
        *about.meta_values("og:site_name"),
        *about.meta_values("application-name"),
        domain,
        domain.partition(".")[0],
    )
    return frozenset(filter(None, map(letters, names)))


def read_summary(about: About) -> str | None:
    """The standfirst, as the page gives it to those who link to it."""
    described = (*about.meta_values("og:description"), *about.meta_values("description"))
    return next(iter((*described, *strings(about.node.get("description")))), None)


def canonical_url(about: About) -> str | None:
    """The address that the page gives itself, when it can be one: the same owner, and no home or section page.

    Pages with several different canonical links are known; they say nothing.
    """
    url = about.page.final_url
    links = {
        link.get("href", "").strip() for link in about.tree.iter("link") if link.get("rel", "").lower() == "canonical"
    }
    named = links or set(about.meta_values("og:url")[:1])
    absolute = resolve_link(url, named.pop()) if len(named) == 1 else None
    if not absolute or is_home_page(absolute) or registrable_domain(absolute) != registrable_domain(url):
        return None
    section = urlsplit(absolute).path.rstrip("/") + "/"
    above = urlsplit(url).path.startswith(section) and urlsplit(url).path != section
    return None if above and not urlsplit(absolute).query else absolute


def named_languages(about: About) -> list[str]:
    """The languages that the page's markup names, ISO 639-1."""
    tags = (about.tree.get("lang"), *about.meta_values("og:locale"), *strings(about.node.get("inLanguage")))
    return [re.split("[-_]", tag.strip().lower())[0] for tag in tags if tag]


def page_nodes(about: About) -> list[Node]:
    """The JSON-LD nodes that speak of this article, then of the page that it stands on."""
    return [about.node, *(node for node in about.graph if is_a(node, "WebPage"))]


def read_flags(about: About) -> frozenset[Flag]:
    """What a reader should know of the page beside its text."""
    flags = set()
    if is_paywalled(about):
        flags.add(Flag.TEASER)
    if _is_live_blog(about):
        flags.add(Flag.LIVE_BLOG)
    return frozenset(flags)


def is_paywalled(about: About) -> bool:
    """Whether the page declares that the rest is for subscribers (schema.org isAccessibleForFree, Facebook's tiers)."""
    free = [str(node.get("isAccessibleForFree")) for node in page_nodes(about)]
    closed = any(_FALSE.fullmatch(text) for text in (*free, *about.meta_values("isaccessibleforfree")))
    return closed or "locked" in about.meta_values("article:content_tier")


def _is_live_blog(about: About) -> bool:
    """Whether JSON-LD or microdata says so, or at least three entries are marked up as a live blog's."""
    if is_a(about.node, "LiveBlogPosting"):
        return True
    if about.tree.xpath("//*[contains(@itemtype, 'schema.org/LiveBlogPosting')]"):
        return True
    entries = [e for e in about.tree.iter("div", "article", "li", "section") if _LIVE_ENTRY.search(e.get("class", ""))]
    return len(entries) >= 3
