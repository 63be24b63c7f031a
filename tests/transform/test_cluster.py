"""Grouping by matches and judgements, by hand; as laws over random ones in test_assign."""

from __future__ import annotations

from collections.abc import Iterable

from graphs import begins, lifted, same

from transform.cluster import containers, partition
from transform.model import ArticleId, Match


def groups(articles: Iterable[int], *matches: Match) -> list[list[int]]:
    return sorted(sorted(group) for group in partition({ArticleId(a) for a in articles}, matches))


def test_same_texts_join_through_each_other() -> None:
    assert groups(range(1, 5), same(1, 2), same(2, 3)) == [[1, 2, 3], [4]]


def test_a_trimmed_copy_attaches_to_the_longer_text() -> None:
    assert groups(range(1, 4), begins(2, 1)) == [[1, 2], [3]]


def test_a_trimmed_copy_attaches_to_one_story_and_joins_no_two() -> None:
    assert groups(range(1, 4), begins(3, 1, 0.7), begins(3, 2, 0.9)) == [[1], [2, 3]]


def test_a_digest_stays_alone() -> None:
    digest = [begins(1, 9, span=(0.0, 0.3)), lifted(2, 9, (0.3, 0.6)), lifted(3, 9, (0.6, 0.9))]
    assert groups([1, 2, 3, 9], *digest) == [[1], [2], [3], [9]]
    assert containers(digest) == {9}


def test_two_trims_of_one_text_make_no_digest_of_it() -> None:
    assert groups(range(1, 4), begins(2, 1, span=(0.0, 0.5)), begins(3, 1, span=(0.0, 0.4))) == [[1, 2, 3]]


def test_copies_of_a_digest_are_one_story_apart_from_what_they_hold() -> None:
    held = [lifted(inner, outer, span) for outer in (8, 9) for inner, span in ((1, (0.0, 0.4)), (2, (0.5, 0.9)))]
    assert groups([1, 2, 8, 9], same(8, 9), *held) == [[1], [2], [8, 9]]


def test_a_lifted_text_joins_nothing() -> None:
    assert groups([1, 2], lifted(1, 2, (0.4, 0.8))) == [[1], [2]]
