"""The memory of a source: blocks that stand in several distinct stories of it are its boilerplate.

Copies of one text share their paragraphs, so they count once: the stories say which are copies. Background paragraphs
come back in the news on purpose, so a paragraph takes one story more than a short line. A lone number is no segment: it
is as often the head of a section as a counter.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from extract.model import Block
from transform.lines import reads_as_prose
from transform.model import CleanArticle, CutKind
from transform.normalize import normalize

STORIES = 2  # distinct ones, in which a line has to stand
PROSE_STORIES = 3  # for a paragraph: news repeats its background, so two lose half as many good ones again
BYTES = 8  # of a segment; the last bit says whether it is a paragraph

_OTHER = re.compile(r"\W+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMemory:
    """What cleaning knows of a source from its other articles."""

    version: int = 0  # counted up when it changes
    segments: frozenset[bytes] = frozenset()

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever what is remembered does; none for a memory of nothing."""
        return blake2b(b"".join(sorted(self.segments)), digest_size=8).digest() if self.segments else b""


BLANK = SiteMemory()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An article as learning sees it."""

    story: int
    segments: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What the articles of a source say about its segments."""

    repeated: Mapping[bytes, int]  # with the number of distinct stories
    copied: frozenset[bytes]  # in as many articles, but those are copies: no boilerplate


def segment(text: str) -> bytes:
    """The block as it is compared, in 8 bytes; none of one that is nothing but a number or signs.

    Case, punctuation and white space do not count, in short lines the digits neither: '3 comments', '17:05 | 2 May'.
    """
    prose = is_prose(text)
    words = _OTHER.sub(" ", text.casefold()).strip()
    form = words if prose else _DIGITS.sub("0", words)
    if form in ("", "0"):
        return b""
    digest = blake2b(form.encode("utf-8", "replace"), digest_size=BYTES).digest()
    return digest[:-1] + bytes([(digest[-1] & 0xFE) | prose])


def is_prose(text: str) -> bool:
    """Whether it reads as a paragraph; a list item's dash is no part of it."""
    return reads_as_prose(Block(text=text.removeprefix("- ")))


def segments_of(clean: CleanArticle) -> tuple[bytes, ...]:
    """Those of the article, in their order: of its text, and of what memory has cut from it; its title is none."""
    repeated = {cut.position for cut in clean.cuts if cut.kind is CutKind.REPEATED}
    gone = {cut.position for cut in clean.cuts} - repeated
    title = normalize(clean.article.title)
    texts = (block.text for position, block in enumerate(clean.article.blocks) if position not in gone)
    found = (segment(text) for text in texts if normalize(text) != title)
    return tuple(dict.fromkeys(filter(None, found)))


def learn(told: Iterable[Told]) -> Lesson:
    """Which segments repeat over distinct stories; the order of the articles does not matter."""
    articles: Counter[bytes] = Counter()
    stories: defaultdict[bytes, set[int]] = defaultdict(set)
    for one in told:
        articles.update(one.segments)
        for part in one.segments:
            stories[part].add(one.story)
    often = [part for part, number in articles.items() if number >= _needed(part)]
    repeated = {part: len(stories[part]) for part in often if len(stories[part]) >= _needed(part)}
    return Lesson(repeated=repeated, copied=frozenset(often) - frozenset(repeated))


def _needed(part: bytes) -> int:
    return PROSE_STORIES if part[-1] & 1 else STORIES
