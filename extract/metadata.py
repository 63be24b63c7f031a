"""What a page says of itself beside its text, as its head and markup give it: <meta>, JSON-LD, links."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from extract.jsonld import Node, article_node, is_a, linked_data, names_of, strings
from extract.model import Page
from extract.text import folded, letters
from extract.urls import is_home_page, registrable_domain, resolve_link


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A page's words about itself, beside its text."""

    page: Page
    tree: HtmlElement
    meta: Mapping[str, Sequence[str]]  # <meta> contents by name, property or itemprop, in small letters
    graph: Sequence[Node]  # every JSON-LD node
    node: Node  # the JSON-LD node of the article itself, empty without one

    def meta_values(self, name: str) -> Sequence[str]:
        """The contents of the <meta> elements of one name, in their order."""
        return self.meta.get(name, ())


def read_about(page: Page, tree: HtmlElement) -> About:
    """The page's words about itself."""
    graph = tuple(linked_data(tree))
    return About(page=page, tree=tree, meta=_meta(tree), graph=graph, node=article_node(graph, page.final_url))


def _meta(tree: HtmlElement) -> dict[str, list[str]]:
    meta: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = folded(unescape(element.get("content") or ""))  # templates escape twice
        if content:
            meta.setdefault(name.lower(), []).append(content)
    return meta


def named_sites(about: About) -> frozenset[str]:
    """The publisher's names, as the page gives them, folded to letters."""
    sites = [node for node in about.graph if is_a(node, "WebSite")]
    names = (
        *names_of(about.node.get("publisher"), about.graph),
        *names_of(sites, about.graph),
        *about.meta_values("og:site_name"),
        *about.meta_values("application-name"),
    )
    return frozenset(filter(None, map(letters, names)))


def site_names(about: About) -> frozenset[str]:
    """The publisher's names, folded to letters: as the page gives them, and its domain."""
    domain = registrable_domain(about.page.final_url)
    return named_sites(about) | frozenset(filter(None, map(letters, (domain, domain.partition(".")[0]))))


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
