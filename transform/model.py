"""The nouns of this folder: a cleaned text, its fingerprint, a verified pair, a decision about stories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

import numpy as np
import numpy.typing as npt

from extract.model import Article, Block

Hashes = npt.NDArray[np.uint64]
ArticleId = NewType("ArticleId", int)
StoryId = NewType("StoryId", int)

ROUNDED = ("jaccard", "containment", "start", "end")
DIGITS = 6
"""Of a match, what grouping compares is rounded to so many: as many as the store keeps."""

_DAY = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


class CutKind(StrEnum):
    """What a removed block was: a closed list that analysts count by."""

    ADVERT = "advert"
    ADBLOCK = "adblock"
    AUTHOR_BIO = "author-bio"
    BREADCRUMB = "breadcrumb"
    BYLINE = "byline"
    CAPTION = "caption"
    COMMENT = "comment"
    """By a reader."""
    COMMENT_PROMPT = "comment-prompt"
    COOKIE = "cookie"
    COPYRIGHT = "copyright"
    DOUBTFUL = "doubtful"
    """Short, at the edge of the text, and seen by no other extractor."""
    NEWSLETTER = "newsletter"
    OTHER_ARTICLE = "other-article"
    """Of a second article on the page, or all of it."""
    PAYWALL = "paywall"
    READING_TIME = "reading-time"
    RELATED = "related"
    REPEATED = "repeated"
    """Stands in several stories of its source."""
    SECTION_LABEL = "section-label"
    SOCIAL = "social"
    SOURCE_CREDIT = "source-credit"
    TAG_LIST = "tag-list"
    TEXT_AGAIN = "text-again"
    """What the page has said already."""
    TITLE_AGAIN = "title-again"


class Zone(StrEnum):
    """Where on the page a block stands; zones overlap, in a short article all but the body. The most telling first."""

    TOP = "top"
    """Before the first paragraph."""
    TAIL = "tail"
    """At most three paragraphs follow, and a third of the text has passed."""
    HEAD = "head"
    """Up to the second paragraph: the first may be the standfirst, with the byline under it."""
    BODY = "body"
    """Neither head nor tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One block that cleaning removed, and by which rule."""

    position: int  # index of the block in the article as extracted, from 0
    text: str
    kind: CutKind
    rule: str  # "<pack>.<kind>.<number or name>", as the rule pack gives it
    zone: Zone  # where it stood when it fell, by what was left of the page; of several the first in order


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanArticle:
    """An article and the blocks of it that are its text; together with the cuts it loses nothing."""

    article: Article
    blocks: tuple[Block, ...]
    cuts: tuple[Cut, ...]

    @property
    def text(self) -> str:
        """Paragraphs for people, a blank line between; list items bear a dash."""
        return "\n\n".join(("- " + b.text) if b.kind == "item" else b.text for b in self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """A text as the index compares it."""

    spec: bytes  # SketchSpec.digest: fingerprints of different specs never meet
    words: int
    text_digest: bytes  # of the normalised text: equal digests are the same text
    shingles: Hashes  # in text order, repeats kept; one for each word that enough words follow
    facts: Hashes  # sorted, unique: numbers, which are odd, and names
    bands: Hashes  # shape (bands + lead_bands,); (1,) for a text too short to compare, (0,) for one without words


class MatchKind(StrEnum):
    """How two texts relate."""

    SAME = "same"
    """The same text, edited: joins two stories into one."""
    CONTAINED = "contained"
    """One text is the beginning of the other: attaches the shorter to the longer."""
    LIFTED = "lifted"
    """One text stands somewhere inside the other: marks digests and live blogs, joins nothing."""
    DIFFERENT = "different"
    """A candidate that failed a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A candidate pair with everything measured about it."""

    left: ArticleId  # settled earlier
    right: ArticleId
    kind: MatchKind
    failed: str | None  # the first test that failed, for DIFFERENT
    jaccard: float
    jaccard_filtered: float  # without stop-shingles
    containment: float  # of the shorter in the longer, without stop-shingles unless numbers and names agree
    facts: float  # overlap of the fact sets
    numbers: float | None = None  # of the numbers among them; None where that was not measured
    run: float  # mean length of the shared runs, in words
    inner: ArticleId  # the shorter text
    inner_start: float | None = None  # where the shared part begins in it, as a share of its shingles
    start: float  # where the shared part begins and ends in the longer text, as shares of its shingles
    end: float

    def __post_init__(self) -> None:
        """What grouping compares has as many digits as the store keeps: it weighs the same on both sides of it."""
        for name in ROUNDED:
            object.__setattr__(self, name, round(getattr(self, name), DIGITS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What deciding about stories needs to know of one article."""

    id: ArticleId
    published_at: datetime | None
    order_key: bytes  # url key: breaks ties the same way wherever and whenever it is asked
    words: int
    tier: int
    partial: bool  # a teaser, or what the feed carried: not the text that the publisher shows its readers
    day_only: bool = False  # of published_at only the day is known, and it is its beginning
    agency: str | None = None  # whose text it says it is, when that is a news agency's
    source_agency: str | None = None  # the agency that its source is

    @property
    def out_by(self) -> datetime:
        """The latest moment at which it can have come out: the end of a day without a time, never for no date."""
        if self.published_at is None:
            return _NEVER
        return self.published_at + _DAY if self.day_only else self.published_at

    @property
    def is_agencys_own(self) -> bool:
        """Published by the agency whose text it is."""
        return self.source_agency is not None and self.agency in (None, self.source_agency)

    @property
    def is_wire_copy(self) -> bool:
        """Marked as the text of an agency that has not published it here."""
        return self.agency is not None and self.agency != self.source_agency


class JudgementKind(StrEnum):
    """What a person says of articles, whatever was measured."""

    SAME = "same"
    """They belong to one story."""
    DIFFERENT = "different"
    """The ones and the others belong to different stories."""
    PIN = "pin"
    """It stands for its story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A person's word on articles. It outranks what is measured, and a later one outranks an earlier one."""

    id: int  # in the order in which they were given
    kind: JudgementKind
    articles: frozenset[ArticleId]
    others: frozenset[ArticleId] = frozenset()  # each of the articles is the same as, or different from, each of these
