"""The standfirst of an article: what it says of itself in a sentence or two, beside its text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from extract.blocks import running_text
from extract.jsonld import is_a, strings
from extract.metadata import About
from extract.model import Announcement, Block
from extract.text import folded, letters, plain_text

_MIN_CHARS, _MAX_CHARS = 25, 1000  # a shorter one is a label, a longer one the text
_HEAD = 4  # blocks: title, standfirst and byline may stand over the first paragraph
_META = "og:description description twitter:description"
_STANDFIRST = re.compile(
    r"(?:^|[\s_-])(?:stand-?first|sub-?head(?:line)?|sub-?title|dek|deck|chapeau|chapo|vorspann|teaser-?text|sommario"
    r"|occhiello|entradilla|bajada|intro(?:duction|text)?|lead(?:-?text|-?paragraph)?|ingress|manchet|perex|excerpt"
    r"|summary)(?:$|[\s_-])",
    re.I,
)
_CUT_OFF = re.compile(r"\s*(?:…|\.\.\.|\[…\]|\[\.\.\.\]|\(…\))\s*$")
_WORD = re.compile(r"[^\W\d_]{4,}")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2}")


def read_summary(about: About, announced: Announcement, title: str, blocks: Sequence[Block]) -> str | None:
    """The standfirst, as the page gives it to machines or shows it, or as it was announced.

    What speaks of the site and not of this article is none. A beginning of the text, cut off, stands for it only where
    there is nothing better.
    """
    words = _words(f"{title} {running_text(blocks)}")
    beginnings = tuple(letters(running_text(blocks[n : n + 3])[:_MAX_CHARS]) for n in range(_HEAD))
    site = {letters(said) for node in about.graph if is_a(node, "WebSite") for said in strings(node.get("description"))}
    other = {letters(title), *site}
    written = [text for text in _written(about, announced) if _is_standfirst(text, other, words)]
    own = (text for text in written if not _opens(beginnings, letters(_CUT_OFF.sub("", text))))
    shown = (text for text in _shown(about) if _is_standfirst(text, other, words))
    whole = (text for text in written if not _CUT_OFF.search(text))
    return next(chain(own, shown, whole, written), None)


def _opens(beginnings: Sequence[str], form: str) -> bool:
    return any(beginning.startswith(form) for beginning in beginnings)


def _is_standfirst(candidate: str, other: Collection[str], words: frozenset[str]) -> bool:
    """Whether it is as long as one, is not the title or the site's slogan, and speaks of what the article speaks of.

    That is, a fifth of its longer words stand in the article: a standfirst may well choose other ones.
    """
    if len(candidate) > _MAX_CHARS or (len(candidate) < _MIN_CHARS and not _UNSPACED.search(candidate)):
        return False
    own = _words(candidate)
    return letters(candidate) not in other and 5 * len(own & words) >= len(own)


def _written(about: About, announced: Announcement) -> Iterator[str]:
    """What the page says to machines and the feed to its readers, better sources first, each once."""
    meta = (text for name in _META.split() for text in about.meta_values(name))
    yield from map(_plain, dict.fromkeys((*strings(about.node.get("description")), *meta, announced.summary or "")))


def _plain(text: str) -> str:
    return folded(plain_text(text) if "<" in text else text)


def _shown(about: About) -> Iterator[str]:
    """The texts that stand under a class named for a standfirst, after the headline."""
    headline = next(about.tree.iter("h1"), None)
    if headline is None:
        return
    for element in headline.xpath(
        "following::*[self::p or self::div or self::h2 or self::h3][@class][position() < 40]"
    ):
        if _STANDFIRST.search(element.get("class")):
            yield folded(element.text_content())


def _words(text: str) -> frozenset[str]:
    """Its longer words by their first letters, which inflection leaves alone; pairs of letters in unspaced scripts."""
    lower = text.lower()
    if not _UNSPACED.search(lower):
        return frozenset(word[:5] for word in _WORD.findall(lower))
    return frozenset(lower[i : i + 2] for i in range(len(lower) - 1) if _UNSPACED.match(lower, i))
