"""The order in which articles come changes little: measured on a stream of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from newsstream import Item, stream
from purestore import PureStore, sides

from transform.cluster_scores import cluster_figures
from transform.model import ArticleId
from transform.verify import MatchPolicy, Side

HOUR = 3600
ITEMS = [item for item in stream(6, 700, per_day=70) if item.edit != "revision"]


@pytest.fixture(scope="module")
def texts() -> list[Side]:
    return sides(ITEMS)


def test_stories_hardly_depend_on_the_order_of_arrival(texts: Sequence[Side]) -> None:
    as_it_came = stories_in(texts, range(len(texts)))
    for order in (_later_and_sooner(ITEMS), _shuffled(len(texts))):
        assert cluster_figures(as_it_came, stories_in(texts, order)).ari >= 0.99


def stories_in(texts: Sequence[Side], order: Sequence[int]) -> list[int]:
    """The story of each text when they come in this order."""
    store = PureStore(MatchPolicy())
    for rank, place in enumerate(order):
        store.add(replace(texts[place], id=ArticleId(rank)))
    found = dict(zip(order, store.stories(), strict=True))
    return [found[place] for place in range(len(texts))]


def _later_and_sooner(items: Sequence[Item]) -> list[int]:
    """Each up to six hours sooner or later than it came, one in twenty up to two days later."""
    rng = Random(1)
    late = [rng.uniform(0, 48) if rng.random() < 0.05 else rng.uniform(-6, 6) for _ in items]
    return sorted(range(len(items)), key=lambda place: items[place].fetched_at.timestamp() + late[place] * HOUR)


def _shuffled(count: int) -> list[int]:
    order = list(range(count))
    Random(1).shuffle(order)
    return order
