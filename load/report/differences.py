"""Two articles' texts side by side, paragraph by paragraph."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from sqlalchemy import Connection, text

from load.report.common import UnknownItem
from transform.normalize import words

SAME_PARAGRAPH = 0.4  # share of the words of two paragraphs that both have


class PartKind(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    """Versions of the same paragraphs, as many on the left as on the right."""
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A run of paragraphs that the two texts share, or in which they differ."""

    kind: PartKind
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    article_id: int
    source: str
    title: str
    url: str
    published_at: datetime | None
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two articles and their texts, paragraph by paragraph."""

    left: Side
    right: Side
    parts: tuple[Part, ...]


def difference(connection: Connection, article_a: int, article_b: int) -> Difference:
    """What the second article says otherwise than the first. Raises UnknownItem."""
    (left, left_text), (right, right_text) = _side(connection, article_a), _side(connection, article_b)
    return Difference(left=left, right=right, parts=tuple(parts_of(left_text.split("\n\n"), right_text.split("\n\n"))))


def _side(connection: Connection, article_id: int) -> tuple[Side, str]:
    query = (
        "SELECT id AS article_id, source, title, url, published_at, words, text FROM news.article"
        " WHERE id = :article_id"
    )
    row = connection.execute(text(query), {"article_id": article_id}).mappings().one_or_none()
    if row is None:
        raise UnknownItem(f"There is no article {article_id}.")
    values = dict(row)
    shown = values.pop("text")
    return Side(**values), shown


def parts_of(left: Sequence[str], right: Sequence[str]) -> Iterator[Part]:
    """The paragraphs in order; two that share most of their words are versions of one."""
    kept = _versions(left, right)
    matcher = difflib.SequenceMatcher(a=range(len(left)), b=kept, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(left[a:b], right[c:d], strict=True)
            for same, run in groupby(pairs, lambda pair: pair[0] == pair[1]):
                olds, news = zip(*run, strict=True)
                yield Part(kind=PartKind.SAME if same else PartKind.CHANGED, left=olds, right=news)
        else:
            if a < b:
                yield Part(kind=PartKind.REMOVED, left=tuple(left[a:b]))
            if c < d:
                yield Part(kind=PartKind.ADDED, right=tuple(right[c:d]))


def _versions(left: Sequence[str], right: Sequence[str]) -> list[int]:
    """For each paragraph on the right, the index of the one on the left that it is a version of, or -1."""
    bags = [_bag(paragraph) for paragraph in left]
    found = []
    for bag in map(_bag, right):
        likeness = [len(bag & other) / len(bag | other) for other in bags]
        best = max(range(len(bags)), key=likeness.__getitem__)
        found.append(best if likeness[best] >= SAME_PARAGRAPH else -1)
    return found


def _bag(paragraph: str) -> frozenset[str]:
    """Its words; never empty."""
    return frozenset(words(paragraph)) or frozenset([paragraph])
