"""Scores of groupings, beside their definitions written out pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.cluster_scores import Share, cluster_figures, largest_wrong, misplaced, reunited

GROUPINGS = st.integers(2, 24).flatmap(
    lambda count: st.tuples(*[st.lists(st.integers(0, 6), min_size=count, max_size=count)] * 2)
)


def together(groups: Sequence[int]) -> set[tuple[int, int]]:
    return {(a, b) for a, b in combinations(range(len(groups)), 2) if groups[a] == groups[b]}


def mates(groups: Sequence[int], article: int) -> set[int]:
    return {other for other, group in enumerate(groups) if group == groups[article]}


@given(GROUPINGS)
def test_figures_are_what_their_definitions_say(groupings: tuple[list[int], list[int]]) -> None:
    right, found = groupings
    true, put = together(right), together(found)
    figures = cluster_figures(right, found)
    assert figures.precision == pytest.approx(len(true & put) / len(put) if put else 1)
    assert figures.recall == pytest.approx(len(true & put) / len(true) if true else 1)
    pairs = [(mates(right, one), mates(found, one)) for one in range(len(right))]
    assert figures.bcubed_precision == pytest.approx(sum(len(r & f) / len(f) for r, f in pairs) / len(right))
    assert figures.bcubed_recall == pytest.approx(sum(len(r & f) / len(r) for r, f in pairs) / len(right))
    chance = len(true) * len(put) / (len(right) * (len(right) - 1) / 2)
    room = (len(true) + len(put)) / 2 - chance
    assert figures.ari == pytest.approx((len(true & put) - chance) / room if room else 1)


@given(GROUPINGS)
def test_what_groups_are_called_changes_nothing(groupings: tuple[list[int], list[int]]) -> None:
    right, found = groupings
    assert cluster_figures(right, found) == cluster_figures([f"r{one}" for one in right], [-one for one in found])


def test_the_right_grouping_is_perfect_and_none_at_all_loses_all_pairs() -> None:
    right = [1, 1, 2, 2, 2, 3]
    perfect = cluster_figures(right, "aabbbc")
    assert (perfect.f1, perfect.bcubed_f1, perfect.ari) == (1, 1, 1)
    alone = cluster_figures(right, range(6))
    assert (alone.precision, alone.recall, alone.bcubed_precision, alone.ari) == (1, 0, 1, 0)


def test_an_empty_stream_has_nothing_wrong() -> None:
    assert cluster_figures([], []).f1 == 1


def test_one_giant_story_shows_in_pairwise_precision() -> None:
    right = list(range(100))
    giant = cluster_figures(right, [0] * 30 + right[30:])
    assert giant.precision == 0
    assert giant.bcubed_precision > 0.7


def test_misplaced_articles_are_counted_by_kind() -> None:
    right, found = [1, 1, 2, 3, 3], ["a", "a", "a", "b", "c"]
    kinds = ["story", "story", "template", "story", "story"]
    assert misplaced(right, found, kinds) == {"story": Share(hit=0, of=4), "template": Share(hit=1, of=1)}
    assert largest_wrong(right, found) == ("a", 1, 3)
    assert largest_wrong(right, right) is None


def test_a_copy_is_found_when_it_is_with_another_of_its_story() -> None:
    right, found = [1, 1, 1, 2], ["a", "a", "b", "b"]
    assert reunited(right, found, [None, "light", "trim", "exact"]) == {
        "light": Share(hit=1, of=1),
        "trim": Share(hit=0, of=1),
    }
