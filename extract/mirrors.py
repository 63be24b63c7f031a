"""When two feeds are one: by the form of their addresses, and by their entries. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar
from urllib.parse import urlsplit

from extract.model import FeedEntry, Source, SourceName, UrlKey
from extract.urls import BadUrl, normalize_url, url_key

MIRROR = 0.8  # share of common entries (Jaccard) from which two feeds are one

_FEED_QUERY = re.compile(r"feed=(?:rss2?|rdf|feed)")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A feed of a source that is also another source's."""

    url: str
    other: SourceName
    other_url: str


def feed_form(url: str) -> str:
    """The address in the form that its common variants share: two feeds of one form are taken for one.

    http is https, `www.` is nothing, `/feed/` is `/feed`, `/?feed=rss2` is `/feed`. For comparing only: never asked.
    """
    try:
        parts = urlsplit(normalize_url(url))
    except BadUrl:
        return url
    path, query = parts.path.rstrip("/"), parts.query
    if _FEED_QUERY.fullmatch(query):  # WordPress without pretty addresses
        path, query = f"{path.removesuffix('/index.php')}/feed", ""
    return f"{parts.netloc.removeprefix('www.')}{path}{'?' if query else ''}{query}"


def mirrors(sources: Iterable[Source]) -> dict[SourceName, tuple[Mirror, ...]]:
    """The sources that share a feed with another one, each with what it shares."""
    owners = defaultdict(list)
    for source in sources:
        for feed in source.feeds:
            owners[feed_form(feed.url)].append((source.name, feed.url))
    found: dict[SourceName, list[Mirror]] = defaultdict(list)
    for owning in owners.values():
        for name, url in owning:
            found[name] += [Mirror(url=url, other=o, other_url=u) for o, u in owning if o != name]
    return {name: tuple(shared) for name, shared in sorted(found.items()) if shared}


def entry_keys(entries: Iterable[FeedEntry]) -> frozenset[UrlKey]:
    """The identities of these entries; those without one are passed over."""
    return frozenset(key for entry in entries if (key := _key(entry.url)))


def likeness(left: Set[UrlKey], right: Set[UrlKey]) -> float:
    """Share of common entries (Jaccard)."""
    common = len(left & right)
    return common / (len(left) + len(right) - common) if common else 0.0


def alike(keys: Mapping[_T, Set[UrlKey]]) -> list[tuple[_T, _T]]:
    """The pairs with the same entries; only those that share one are compared."""
    holders: dict[UrlKey, list[_T]] = defaultdict(list)
    for one, held in keys.items():
        for key in held:
            holders[key].append(one)
    pairs = dict.fromkeys(pair for holding in holders.values() for pair in combinations(holding, 2))
    return [pair for pair in pairs if likeness(keys[pair[0]], keys[pair[1]]) >= MIRROR]


def _key(url: str) -> UrlKey | None:
    try:
        return url_key(url)
    except BadUrl:
        return None
