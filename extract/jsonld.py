"""A page's JSON-LD: its nodes, which of them is the article's, and the strings that a value stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from extract.text import folded, without_controls
from extract.urls import resolve_link

Node = Mapping[str, Any]

_ARTICLE_TYPE = re.compile(r"\w*Article|(?:Live)?BlogPosting|SocialMediaPosting|Report")
_OTHER_PAGES = frozenset([  # keys under which a node speaks of something else
    "citation", "comment", "hasPart", "image", "isPartOf", "itemListElement", "liveBlogUpdate", "mentions",
    "relatedLink", "subjectOf", "video",
])  # fmt: skip
_JSON_WRAPPING = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>|;\s*$")


def linked_data(tree: HtmlElement) -> Iterator[Node]:
    """Every JSON-LD node of the page, outer before inner."""
    for script in tree.iter("script"):
        if "ld+json" not in script.get("type", "").lower():
            continue
        text = _JSON_WRAPPING.sub("", script.text or "")
        try:
            yield from _nodes(json.loads(text, strict=False))  # line breaks inside strings are common
        except (ValueError, RecursionError):  # no JSON, or numbers of more digits than Python reads
            continue


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key not in _OTHER_PAGES:
                yield from _nodes(inner)


def article_node(graph: Sequence[Node], url: str) -> Node:
    """The node of the page's own article: the one that names the page's URL, or the first; empty without any."""
    articles = [node for node in graph if any(map(_ARTICLE_TYPE.fullmatch, strings(node.get("@type"))))]
    named = (node for node in articles if any(_same_path(url, link) for link in _node_links(node)))
    return next(named, articles[0] if articles else {})


def _node_links(node: Node) -> list[str]:
    return [link for key in ("url", "@id", "mainEntityOfPage") for link in strings(node.get(key), "@id")]


def _same_path(url: str, link: str) -> bool:
    absolute = resolve_link(url, link)
    return absolute is not None and urlsplit(absolute).path.rstrip("/") == urlsplit(url).path.rstrip("/")


def is_a(node: Node, kind: str) -> bool:
    """Whether the node says that it is of this schema.org type."""
    return kind in strings(node.get("@type"))


def strings(value: Any, key: str = "name") -> list[str]:
    """The strings that a JSON-LD value stands for; of a node, its `key`."""
    match value:
        case str():
            return [text] if (text := folded(without_controls(unescape(value)))) else []
        case list():
            return [text for item in value for text in strings(item, key)]
        case dict():
            return strings(value.get(key) or value.get("@value"), key)
    return []


def names_of(value: Any, graph: Sequence[Node]) -> list[str]:
    """The names of what a JSON-LD value lists, references within the graph followed."""
    return [name for item in listed(value, graph) for name in strings(item) or _name_in_parts(item)]


def _name_in_parts(item: Any) -> list[str]:
    """A person's name that is given as first and last name only."""
    parts = strings([item.get("givenName"), item.get("familyName")]) if isinstance(item, dict) else []
    return [" ".join(parts)] if parts else []


def nodes_of(value: Any, graph: Sequence[Node]) -> list[Node]:
    """The nodes that a JSON-LD value lists, references within the graph followed."""
    return [item for item in listed(value, graph) if isinstance(item, dict)]


def listed(value: Any, graph: Sequence[Node]) -> list[Any]:
    """What a JSON-LD value lists, each reference ({"@id": …} alone) as the node of the graph that it means."""
    return [_meant(item, graph) for item in (value if isinstance(value, list) else [value])]


def _meant(item: Any, graph: Sequence[Node]) -> Any:
    reference = item.get("@id") if isinstance(item, dict) and "name" not in item else None
    there = (node for node in graph if reference and node.get("@id") == reference and "name" in node)
    return next(there, item)
