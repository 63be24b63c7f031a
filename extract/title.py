"""The headline of a page, without the site's name."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from extract.jsonld import strings
from extract.metadata import About, site_names
from extract.model import Announcement
from extract.text import folded, letters

_SEPARATOR = re.compile(r"\s+[-–—|·•:»«/]+\s+|\s*\|\s*")
_PART = 8  # letters; a shorter part of a headline is a kicker
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")  # where a line may or may not break
_INLINE = frozenset(["a", "abbr", "b", "em", "font", "i", "mark", "small", "strong", "sub", "sup", "u", "wbr"])


def read_title(about: About, announced: Announcement) -> str:
    """The headline: h1 where og:title agrees, else JSON-LD's, og:title, the only h1, <title>, the announced one."""
    sites = site_names(about)
    headings = [text for h1 in about.tree.iter("h1") if letters(text := _spaced_text(h1)) not in sites]
    shared = [_without_site(text, sites) for name in ("og:title", "twitter:title") for text in about.meta_values(name)]
    agreed = (heading for heading in headings if any(_agree(heading, title) for title in shared))
    stated = strings(about.node.get("headline"))
    only = headings if len(headings) == 1 else []
    page_title = _without_site(folded(about.tree.findtext(".//head/title") or ""), sites)
    title = next(filter(None, (*agreed, *stated, *shared, *only, page_title, *headings, announced.title)), "")
    return folded(_INVISIBLE.sub("", title))


def _agree(heading: str, title: str) -> bool:
    """Whether two headlines are one: equal, or one is the beginning, the end or a part of the other."""
    short, long = sorted((heading, title), key=lambda text: len(letters(text)))
    one, other = letters(short), letters(long)
    if len(one) > len(other) / 2 and (other.startswith(one) or other.endswith(one)):
        return True
    return len(one) >= _PART and one in map(letters, _SEPARATOR.split(long))


def _spaced_text(element: HtmlElement) -> str:
    """An element's text, with a space between its parts: 'Kicker' and 'Headline' stand in elements of their own."""
    parts = [(element.text or "")]
    for child in element.iterdescendants():
        space = "" if child.tag in _INLINE else " "
        parts += [space, (child.text or "") if isinstance(child.tag, str) else "", space, child.tail or ""]
    return folded("".join(parts))


def _without_site(title: str, sites: frozenset[str]) -> str:
    """A page's title without the site's name before or after it."""
    gaps = list(_SEPARATOR.finditer(title))
    for gap in reversed(gaps):
        if letters(title[gap.end() :]) in sites:
            return _without_site(title[: gap.start()], sites)
    if gaps and letters(title[: gaps[0].start()]) in sites:
        return title[gaps[0].end() :]
    return title
