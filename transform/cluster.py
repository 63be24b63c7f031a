"""Verified matches → stories.

The grouping is a function of the articles, their matches and what people judged: it does not know in which order, in
how many batches or by how many workers they came. Only the ids of stories remember history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

from transform.model import ArticleId, Judgement, JudgementKind, Match, MatchKind

Group = frozenset[ArticleId]


class Attachment(NamedTuple):
    """By what a family hangs on a longer text; the larger of two is the better."""

    share: float  # of the shorter text in the longer one
    outer: int  # the longer text's id, below zero: of two that hold as much, the older one is the better

    @property
    def article(self) -> ArticleId:
        return ArticleId(-self.outer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Which articles belong together, and by what."""

    groups: frozenset[Group]
    families: Mapping[ArticleId, ArticleId]  # article → the smallest id of its family
    attached: Mapping[ArticleId, Attachment]  # family → the best text that it is the beginning of
    containers: frozenset[ArticleId]


def containers(matches: Iterable[Match]) -> frozenset[ArticleId]:
    """Articles that hold two other texts side by side: digests, live blogs.

    Two texts stand side by side when neither's span overlaps half of the other's.
    """
    spans: dict[ArticleId, list[tuple[float, float]]] = defaultdict(list)
    for match in matches:
        if match.kind in (MatchKind.CONTAINED, MatchKind.LIFTED):
            spans[outer_of(match)].append((match.start, match.end))
    return frozenset(article for article, held in spans.items() if _side_by_side(held))


def group(
    articles: Collection[ArticleId], matches: Collection[Match], judgements: Iterable[Judgement] = ()
) -> Grouping:
    """The stories that the matches make of the articles, and how; matches with others are left out.

    1. What is judged the same is a family. The same text makes a family too, containers apart from the rest.
    2. A family whose texts are the beginning of a longer one attaches to the family of the one that holds most of it.
    3. Containers stay by themselves.

    The strongest join first: of two joins that would bring together what is judged different, the weaker is refused.
    Where two judgements contradict each other, the later one counts.
    """
    inside = [match for match in matches if match.left in articles and match.right in articles]
    apart = containers(matches)
    joined = _Joined(articles)
    _obey(joined, judgements)
    for left, right in _same_pairs(inside, apart, in_order=joined.holds_back):
        joined.join(left, right)
    families = joined.roots()
    attached = _attach(joined, families, _beginnings(inside, families, apart))
    return Grouping(groups=joined.groups(), families=families, attached=attached, containers=apart & set(articles))


def partition(
    articles: Collection[ArticleId], matches: Collection[Match], judgements: Iterable[Judgement] = ()
) -> frozenset[Group]:
    """The stories that the matches and judgements make of the articles."""
    return group(articles, matches, judgements).groups


def joinable(matches: Iterable[Match]) -> set[ArticleId]:
    """The articles that others may come to join when one of them turns out a container, or is no longer held back.

    Those are the same texts, and the longer ones of those that begin alike.
    """
    joined: set[ArticleId] = set()
    for match in matches:
        if match.kind is MatchKind.SAME:
            joined |= {match.left, match.right}
        elif match.kind is MatchKind.CONTAINED:
            joined.add(outer_of(match))
    return joined


def outer_of(match: Match) -> ArticleId:
    return match.right if match.inner == match.left else match.left


def _side_by_side(spans: list[tuple[float, float]]) -> bool:
    return any(
        min(a[1], b[1]) - max(a[0], b[0]) < 0.5 * min(a[1] - a[0], b[1] - b[0]) for a, b in combinations(spans, 2)
    )


def _obey(joined: _Joined, judgements: Iterable[Judgement]) -> None:
    """Join what is judged the same and hold apart what is judged different, the latest first: it outranks the rest."""
    for judgement in sorted(judgements, key=lambda one: -one.id):
        if judgement.kind is JudgementKind.SAME:
            for left, right in product(judgement.articles, judgement.others):
                joined.join(left, right)
        elif judgement.kind is JudgementKind.DIFFERENT:
            joined.hold_apart(judgement)


def _same_pairs(
    matches: Iterable[Match], apart: Collection[ArticleId], *, in_order: bool
) -> Iterable[tuple[ArticleId, ArticleId]]:
    """The pairs of the same text; where the order counts, the most alike first."""
    same = [
        match for match in matches if match.kind is MatchKind.SAME and (match.left in apart) == (match.right in apart)
    ]
    if in_order:
        same.sort(key=lambda match: (-match.jaccard, match.left, match.right))
    return ((match.left, match.right) for match in same)


def _beginnings(
    matches: Iterable[Match], families: Mapping[ArticleId, ArticleId], apart: Collection[ArticleId]
) -> list[Match]:
    """The matches by which families may attach to others, the largest share first."""
    found = [
        match
        for match in matches
        if match.kind is MatchKind.CONTAINED
        and match.left not in apart
        and match.right not in apart
        and families[match.left] != families[match.right]
    ]
    return sorted(found, key=lambda match: (-match.containment, outer_of(match), match.inner))


def _attach(
    joined: _Joined, families: Mapping[ArticleId, ArticleId], beginnings: Iterable[Match]
) -> dict[ArticleId, Attachment]:
    """Each family joined to the first that it may be joined to."""
    attached: dict[ArticleId, Attachment] = {}
    for match in beginnings:
        family = families[match.inner]
        if family not in attached and joined.join(family, outer_of(match)):
            attached[family] = Attachment(match.containment, -outer_of(match))
    return attached


class _Joined:
    """Articles in groups that grow; of two groups that are held apart, neither grows into the other."""

    def __init__(self, articles: Iterable[ArticleId]) -> None:
        self._parent = {article: article for article in articles}
        self._sides: dict[ArticleId, set[tuple[int, bool]]] = {}  # root → sides of judgements that its group is on

    @property
    def holds_back(self) -> bool:
        return bool(self._sides)

    def join(self, left: ArticleId, right: ArticleId) -> bool:
        """Whether the two are together now; the root of a group is its smallest id."""
        if left not in self._parent or right not in self._parent:
            return False
        low, high = sorted((self._find(left), self._find(right)))
        if low == high:
            return True
        if self._sides and self._are_apart(low, high):
            return False
        self._parent[high] = low
        if high in self._sides:
            self._sides.setdefault(low, set()).update(self._sides.pop(high))
        return True

    def hold_apart(self, judgement: Judgement) -> None:
        """Keep these articles from those others, but for what is together already."""
        others = {self._find(article) for article in judgement.others if article in self._parent}
        roots = {self._find(article) for article in judgement.articles if article in self._parent} - others
        for side, held in ((False, roots), (True, others)):
            for root in held:
                self._sides.setdefault(root, set()).add((judgement.id, side))

    def roots(self) -> dict[ArticleId, ArticleId]:
        return {article: self._find(article) for article in self._parent}

    def groups(self) -> frozenset[Group]:
        members: dict[ArticleId, set[ArticleId]] = defaultdict(set)
        for article, root in self.roots().items():
            members[root].add(article)
        return frozenset(frozenset(held) for held in members.values())

    def _find(self, article: ArticleId) -> ArticleId:
        parent = self._parent
        while parent[article] != article:
            parent[article] = parent[parent[article]]
            article = parent[article]
        return article

    def _are_apart(self, left: ArticleId, right: ArticleId) -> bool:
        opposite = {(judgement, not side) for judgement, side in self._sides.get(left, ())}
        return not opposite.isdisjoint(self._sides.get(right, ()))
