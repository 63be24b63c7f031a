"""Where each block of a text stands on its page, which the extractor's answer has lost: in links, captions, comments.

The page is laid out as one line of text without white space, in which every element is a stretch. A block is looked for
in that line; the elements around it tell the rest.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from lxml import etree
from lxml.html import HtmlElement

from extract.model import Place

# Around the name of an element, before its text, and behind the text: characters that stand in none (noncharacters,
# Unicode 23.7).
_OPENS, _NAMED, _CLOSES = "\ufdd0", "\ufdd2", "\ufdd1"
# Not `*[@class]`: libxslt tries a pattern with a predicate in time that grows with the number of siblings.
_TELLING = (
    "a | address | article | aside | blockquote | body | button | center | dd | details | dialog | div | dl | dt"
    " | figcaption | figure | footer | form | h1 | h2 | h3 | h4 | header | label | li | main | nav | ol | p | section"
    " | small | span | table | td | tr | ul"
)
_PART = re.compile(f"{_OPENS}[^{_NAMED}]*{_NAMED}|{_CLOSES}|[^{_OPENS}{_CLOSES}]+")

# What an element is, by the words of its class and id, which are English nearly everywhere.
_WORDS: Mapping[Place, str] = {
    Place.CAPTION: "caption captions figcaption",
    Place.BYLINE: "byline author authors bio",
    Place.COMMENT: "comment comments commentlist disqus komentar komentarz komentarze kommentar kommentare opinie",
    Place.NEWSLETTER: "newsletter newsletters subscribe signup optin mailchimp",
    Place.ADVERT: "advert advertisement advertising sponsor sponsored sponsors banner cta ctas",
    Place.NOTICE: "disclaimer disclosure",
    Place.ASIDE: "modal popup dialog lightbox tooltip footer poll rating vote votes",
}
_PLACES = {word: place for place, words in _WORDS.items() for word in words.split()}
_TAGS = {"figcaption": Place.CAPTION, "form": Place.ASIDE, "footer": Place.ASIDE, "dialog": Place.ASIDE}
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+")

_ASIDE_SHARE = 0.25  # of the text; an element that holds more is no aside, whatever its name
_TEXT_SHARE = 0.8  # of the text; the smallest element that holds so much is where the text is
_LONG = 60  # characters without white space and links; such a block is a paragraph


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    link_share: float = 0.0
    place: Place = Place.TEXT


class _Stretch(NamedTuple):  # thousands a page, for which a dataclass is slow
    """What an element holds of the page's line, from one place in it up to another."""

    tag: str
    names: str  # classes and id: 'story wide.top'
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Where in the line a block is, and how many of its characters are no link."""

    start: int
    end: int
    own: int


@dataclass(frozen=True, slots=True)
class PageLine:
    """A page's text as one line without white space, and the stretch of each element in it, inner before outer ones."""

    text: str = ""
    stretches: tuple[_Stretch, ...] = ()
    words: int = 0  # between white space or the edges of elements

    def chars_in(self, tag: str) -> int:
        """How much of the line stands in elements of one name, which do not hold each other."""
        return sum(stretch.end - stretch.start for stretch in self.stretches if stretch.tag == tag)

    def has_named(self, pattern: re.Pattern[str]) -> bool:
        """Whether an element that holds text has the pattern in its classes or its id."""
        return pattern.search("\n".join({stretch.names for stretch in self.stretches})) is not None


def read_spots(page: PageLine, texts: Sequence[str]) -> list[Spot]:
    """Where each text stands on the page, in the order of the texts; of one that is not found, nothing is known."""
    found = list(_find(texts, page))
    place_of = _places(_Layout(filter(None, found)), page.stretches)
    return [
        Spot(link_share=1 - block.own / (block.end - block.start), place=place_of[block]) if block else Spot()
        for block in found
    ]


def page_line(page: HtmlElement) -> PageLine:
    """The page laid out on one line, for all the bodies that are taken from it."""
    pieces: list[str] = []
    stretches: list[_Stretch] = []
    opened: list[tuple[str, int]] = []
    at = words = 0
    for part in _PART.findall(str(_marking_elements()(page))):
        if part[0] == _OPENS:
            opened.append((part[1:-1], at))
        elif part != _CLOSES:
            spaced = part.split()
            words += len(spaced)
            pieces.append("".join(spaced))
            at += len(pieces[-1])
        elif opened:  # always, unless the page has such marks of its own
            name, start = opened.pop()
            if start < at:
                tag, _, names = name.partition(".")
                stretches.append(_Stretch(tag, names, start, at))
    return PageLine("".join(pieces), tuple(stretches), words)


@lru_cache(maxsize=1)
def _marking_elements() -> etree.XSLT:
    """What writes a page's text with a mark before and behind each element that tells; faster than a walk in Python."""
    return etree.XSLT(
        etree.XML(f"""
        <xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
            <xsl:output method="text"/>
            <xsl:template match="/"><xsl:apply-templates select="*[1]"/></xsl:template>
            <xsl:template match="script | style | svg | comment() | processing-instruction()"/>
            <xsl:template match="{_TELLING}">{_OPENS}<xsl:value-of select="name()"/>.<xsl:value-of
                select="@class"/>.<xsl:value-of select="@id"/>{_NAMED}<xsl:apply-templates/>{_CLOSES}</xsl:template>
        </xsl:stylesheet>
        """)
    )


def _find(texts: Iterable[str], page: PageLine) -> Iterator[_Found | None]:
    """Each text in the line, looked for onwards from the last one, then from the beginning."""
    line, linked = page.text, bytearray(len(page.text))
    for stretch in page.stretches:
        if stretch.tag == "a":
            linked[stretch.start : stretch.end] = b"\1" * (stretch.end - stretch.start)
    cursor = 0
    for text in texts:
        wanted = "".join(text.split())
        start = line.find(wanted, cursor)
        start = line.find(wanted) if start < 0 else start
        if start < 0:
            yield None
        else:
            cursor = start + len(wanted)
            yield _Found(start=start, end=cursor, own=len(wanted) - linked.count(1, start, cursor))


class _Layout:
    """The blocks that were found, in the order of the page."""

    def __init__(self, found: Iterable[_Found]) -> None:
        self.blocks = sorted(set(found), key=lambda block: (block.start, block.end))
        self._starts = [block.start for block in self.blocks]
        self._sums = [0, *accumulate(block.own for block in self.blocks)]

    @property
    def first(self) -> _Found | None:
        """The first paragraph."""
        return next((block for block in self.blocks if block.own >= _LONG), None)

    def within(self, stretch: _Stretch) -> list[_Found]:
        held = self.blocks[slice(*self._range(stretch))]
        return [block for block in held if block.end <= stretch.end]

    def share(self, stretch: _Stretch) -> float:
        """How much of all text stands in the stretch; links weigh nothing."""
        first, last = self._range(stretch)
        return (self._sums[last] - self._sums[first]) / (self._sums[-1] or 1)

    def _range(self, stretch: _Stretch) -> tuple[int, int]:
        return bisect_left(self._starts, stretch.start), bisect_left(self._starts, stretch.end)


def _places(layout: _Layout, stretches: Sequence[_Stretch]) -> dict[_Found, Place]:
    """The place of each block."""
    places = dict.fromkeys(layout.blocks, Place.TEXT)
    if main := _main_stretch(layout, stretches):
        places |= {block: Place.BELOW for block in layout.blocks if block.start >= main.end}
    for article in _other_articles(layout, stretches):
        places |= dict.fromkeys(layout.within(article), Place.OTHER_ARTICLE)
    return places | _asides(layout, stretches)


def _main_stretch(layout: _Layout, stretches: Iterable[_Stretch]) -> _Stretch | None:
    """The smallest element that holds most of the text, and more than one paragraph."""
    return next(
        (
            stretch
            for stretch in stretches
            if layout.share(stretch) >= _TEXT_SHARE and sum(b.own >= _LONG for b in layout.within(stretch)) > 1
        ),
        None,
    )


def _other_articles(layout: _Layout, stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """The article elements after the one that the text begins in, when each has a title of its own.

    The entries of a list or of a live blog may be articles too; there the page's title stands outside them.
    """
    titles = [stretch.start for stretch in stretches if stretch.tag == "h1"]
    articles = [
        stretch
        for stretch in stretches
        if stretch.tag == "article" and any(stretch.start <= title < stretch.end for title in titles)
    ]
    own = next((article for article in articles if layout.first in layout.within(article)), None)
    return [article for article in articles if own and article.start >= own.end]


def _asides(layout: _Layout, stretches: Sequence[_Stretch]) -> dict[_Found, Place]:
    """The blocks in elements that are called something else than text.

    What holds much of the text is no aside, nor are several that do together: there the name means something else.
    Only comments may be longer than the article; they never hold its first paragraph.
    """
    asides: dict[_Found, Place] = {}
    for stretch in reversed(stretches):  # the innermost name is the last word
        place = _TAGS.get(stretch.tag) or _place_named(stretch.names)
        if place and (place is Place.COMMENT or layout.share(stretch) <= _ASIDE_SHARE):
            held = layout.within(stretch)
            asides |= {} if layout.first in held else dict.fromkeys(held, place)
    own = Counter[Place]()
    for block, place in asides.items():
        own[place] += block.own
    most = _ASIDE_SHARE * sum(block.own for block in layout.blocks)
    return {block: place for block, place in asides.items() if place is Place.COMMENT or own[place] <= most}


@lru_cache(maxsize=4096)
def _place_named(names: str) -> Place | None:
    """The place that classes and id tell of, in words apart or run together: 'wp-caption', 'ArticleByline'."""
    return next(filter(None, (_PLACES.get(word.lower()) for word in _WORD.findall(names))), None)
