"""The byline that a page shows under its title, or right-aligned at the foot of its text, where no markup names it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from lxml.etree import XPath
from lxml.html import HtmlElement

from extract.authors import names_in, reads_as_name, without_by
from extract.text import folded

_LOOKED_AT = 30  # elements behind a title: byline, date, place, buttons
_MAX_CHARS = 120
_AUTHOR_CLASS = re.compile(
    r"(?:^|[\s_-])(?:byline|firma|firmas|signature|signatur|auteur|autor|autore|autorka|forfatter|författare|skribent"
    r"|redacteur|redaktor|yazar|muhabir|penulis|avtor|kisha|zuozhe|jizhe|gija)(?:$|[\s_-])",
    re.I,
)
# What parts a byline from the rest of its line: '06/09/2025 | Γράφει: …', 'Filed 11:02 by …'.
_BETWEEN = re.compile(r"\s*[|｜•]\s*|(?<=:\d\d)\s+")
_HAN = r"[\u3400-\u9fff·]{2,4}"
_HAN_BYLINE = re.compile(
    rf"(?:作者|撰文|记者|記者)\s*[:：]\s*(?P<names>{_HAN}(?:[ 、,，](?!\w+[:：]){_HAN}(?!\w))*)(?!\w)"  # not '字号：'
)
_RIGHT = XPath(
    "//*[@align or @style][@align='right' or contains(translate(@style, ' ', ''), 'text-align:right')]"
    "[not(self::table or self::tr or self::td or self::th)]"  # figures stand at the right, too
)
_TITLED = ("h1", "h2", "a", "b", "div", "font", "p", "span", "td")


def shown_byline(tree: HtmlElement, title: str) -> str | None:
    """The names that the byline bears, apart by ';'; None where there is none."""
    under_title = (names for element in _behind_title(tree, title) if (names := _names_of(element)))
    at_foot = (names for element in reversed(_RIGHT(tree)) if (names := _all_names(_line(element))))
    return ";".join(next(chain(under_title, at_foot), ())) or None


def _behind_title(tree: HtmlElement, title: str) -> Sequence[HtmlElement]:
    """The elements behind the first one whose own text is the title, or else behind the first great heading."""
    titled = (element for element in tree.iter(*_TITLED) if folded(element.text or "") == title)
    found = next(chain(titled, tree.iter("h1")), None)
    behind = f"following::*[not(self::script or self::style)][position() <= {_LOOKED_AT}]"
    return () if found is None else found.xpath(behind)


def _names_of(element: HtmlElement) -> Sequence[str]:
    """The names in an element that is a byline, by its class or by what stands before the names."""
    line = _line(element)
    if _AUTHOR_CLASS.search(element.get("class") or "") and (names := _all_names(line)):
        return names
    if han := _HAN_BYLINE.search(line):
        return re.split("[ 、,，]", han["names"])
    bylines = (piece for piece in _BETWEEN.split(line) if without_by(piece) != piece)
    return next(filter(None, map(_all_names, bylines)), ())


def _line(element: HtmlElement) -> str:
    """Its text in one line; nothing of an element that holds more than a byline."""
    words: list[str] = []
    length = -1
    for text in element.itertext():
        own = text.split()
        length += sum(map(len, own)) + len(own)
        if length > _MAX_CHARS:
            return ""
        words += own
    return " ".join(words)


def _all_names(line: str) -> Sequence[str]:
    """The names in a line that is nothing but names."""
    names = list(names_in(line))
    return names if all(map(reads_as_name, names)) else ()
