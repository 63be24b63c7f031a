"""Verified matches → stories.

The grouping is a function of the articles and their matches alone: it does not know in which order, in how many batches
or by how many workers they came. Only the ids of stories remember history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

from transform.model import ArticleId, Match, MatchKind

Group = frozenset[ArticleId]


def containers(matches: Iterable[Match]) -> frozenset[ArticleId]:
    """Articles that hold two other texts side by side: digests, live blogs.

    Two texts stand side by side when neither's span overlaps half of the other's.
    """
    spans: dict[ArticleId, list[tuple[float, float]]] = defaultdict(list)
    for match in matches:
        if match.kind in (MatchKind.CONTAINED, MatchKind.LIFTED):
            spans[outer_of(match)].append((match.start, match.end))
    return frozenset(article for article, held in spans.items() if _side_by_side(held))


def partition(articles: Collection[ArticleId], matches: Collection[Match]) -> frozenset[Group]:
    """The stories that the matches make of the articles; matches with others are left out.

    1. The same text makes a family, containers apart from the rest.
    2. A family whose texts are the beginning of a longer one attaches to the family of the one that holds most of it.
    3. Containers stay by themselves.
    """
    inside = [match for match in matches if match.left in articles and match.right in articles]
    apart = containers(matches)
    families = _join({article: article for article in articles}, _same_pairs(inside, apart))
    return _groups(_join(families, _attachments(inside, families, apart)))


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


def _same_pairs(matches: Iterable[Match], apart: Collection[ArticleId]) -> Iterable[tuple[ArticleId, ArticleId]]:
    for match in matches:
        if match.kind is MatchKind.SAME and (match.left in apart) == (match.right in apart):
            yield match.left, match.right


def _attachments(
    matches: Iterable[Match], families: Mapping[ArticleId, ArticleId], apart: Collection[ArticleId]
) -> Iterable[tuple[ArticleId, ArticleId]]:
    """For each family that is the beginning of longer texts: itself and the best of them."""
    best: dict[ArticleId, tuple[float, int]] = {}
    for match in matches:
        inner, outer = match.inner, outer_of(match)
        if match.kind is not MatchKind.CONTAINED or inner in apart or outer in apart:
            continue
        if families[inner] != families[outer]:
            best[families[inner]] = max(best.get(families[inner], (0.0, inner)), (match.containment, -outer))
    return [(family, ArticleId(-outer)) for family, (_, outer) in best.items()]


def _join(
    roots: Mapping[ArticleId, ArticleId], pairs: Iterable[tuple[ArticleId, ArticleId]]
) -> dict[ArticleId, ArticleId]:
    """The roots after joining the pairs: every article's root is the smallest id of its group."""
    parent = dict(roots)

    def find(article: ArticleId) -> ArticleId:
        while parent[article] != article:
            parent[article] = parent[parent[article]]
            article = parent[article]
        return article

    for left, right in pairs:
        low, high = sorted((find(left), find(right)))
        parent[high] = low
    return {article: find(article) for article in parent}


def _groups(roots: Mapping[ArticleId, ArticleId]) -> frozenset[Group]:
    members: dict[ArticleId, set[ArticleId]] = defaultdict(set)
    for article, root in roots.items():
        members[root].add(article)
    return frozenset(frozenset(group) for group in members.values())
