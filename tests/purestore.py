"""The store's grouping in memory: candidates, recurring phrases, verdicts and stories by the product's pure functions.

For measurements over thousands of articles, where a Postgres would take most of the time. What it finds equals what the
store finds where texts do not change; tests/quality measures one stream both ways.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from newsstream import START, Item

from transform.cluster import partition
from transform.minhash import SketchSpec, fingerprint
from transform.model import ArticleId, Match
from transform.verify import History, MatchPolicy, Side, counted_shingles, verify_all

RENEW_EVERY = 200  # articles, then the recurring phrases are those of the days until then


class PureStore:
    """Articles in order of arrival, and the verdicts about them."""

    def __init__(self, policy: MatchPolicy) -> None:
        self._policy = policy
        self._sides: list[Side] = []
        self._newest: defaultdict[int, list[int]] = defaultdict(list)  # key → articles that have it, the newest last
        self._days: Counter[int] = Counter()  # shingle → days on which it was seen
        self._last_day: dict[int, int] = {}  # the last of them
        self._published: set[int] = set()
        self._history = History()
        self._waiting: list[tuple[Side, Side]] = []  # to be compared by this history
        self._matches: list[Match] = []

    def add(self, side: Side) -> None:
        """Find those before the article that it is to be compared with, and remember it."""
        if len(self._sides) % RENEW_EVERY == 0:
            self._compare()
            self._renew()
        self._waiting += [(self._sides[other], side) for other in sorted(self._candidates(side))]
        for key in side.print.bands.tolist():
            self._newest[key].append(side.id)
        self._sides.append(side)
        self._count(side)

    def stories(self) -> list[int]:
        """The story of each article, in their order, named by its first."""
        self._compare()
        groups = partition([side.id for side in self._sides], self._matches)
        first = {article: min(group) for group in groups for article in group}
        return [first[side.id] for side in self._sides]

    def _candidates(self, side: Side) -> set[int]:
        return {other for key in side.print.bands.tolist() for other in self._newest[key][-self._policy.newest :]}

    def _compare(self) -> None:
        self._matches += verify_all(self._waiting, self._history, self._policy)
        self._waiting = []

    def _count(self, side: Side) -> None:
        self._published.add(side.day)
        for shingle in counted_shingles(side.print, self._policy).tolist():
            if self._last_day.get(shingle, -1) < side.day:
                self._last_day[shingle] = side.day
                self._days[shingle] += 1

    def _renew(self) -> None:
        stop = sorted(shingle for shingle, days in self._days.items() if days >= self._policy.stop_days)
        days = min(len(self._published), self._policy.stop_days)
        self._history = History(stop=np.array(stop, dtype=np.uint64), days=days)


def sides(items: Iterable[Item], spec: SketchSpec | None = None) -> list[Side]:
    """The articles as the store compares them, numbered in their order."""
    spec = spec or SketchSpec()
    outlets: dict[str, int] = {}
    return [
        Side(
            id=ArticleId(number),
            day=(item.published_at - START).days,
            print=fingerprint(item.text, spec),
            title=item.title,
            source=outlets.setdefault(item.outlet, len(outlets)),
        )
        for number, item in enumerate(items)
    ]


def stories_of(items: Sequence[Item], policy: MatchPolicy | None = None) -> list[int]:
    """The story of each of these articles."""
    store = PureStore(policy or MatchPolicy())
    for side in sides(items):
        store.add(side)
    return store.stories()
