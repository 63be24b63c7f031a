from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transform.shingles import fact_hashes, shingle_hashes

WORDS = st.lists(st.text(alphabet="abcdef", min_size=1, max_size=4), max_size=40)


@given(WORDS)
def test_one_hash_for_every_run_of_words(words: list[str]) -> None:
    assert len(shingle_hashes(words, 5)) == max(len(words) - 4, 0)


@given(WORDS, WORDS, WORDS)
def test_a_run_hashes_alike_wherever_it_stands(before: list[str], run: list[str], after: list[str]) -> None:
    alone = shingle_hashes(run, 3)
    inside = shingle_hashes([*before, *run, *after], 3)
    assert np.array_equal(alone, inside[len(before) : len(before) + len(alone)])


def test_order_of_words_matters() -> None:
    assert shingle_hashes(["one", "two", "three"], 3)[0] != shingle_hashes(["three", "two", "one"], 3)[0]


def test_hashes_are_the_same_in_every_process() -> None:
    """Stored hashes must mean the same for ever: this value changes only with SketchSpec.version."""
    assert int(shingle_hashes(["the", "mayor", "of", "the", "town"], 5)[0]) == 18123780016395487671


def test_facts_are_numbers_and_names_but_no_sentence_beginnings() -> None:
    told = fact_hashes("Rain fell on Tuesday. The mayor, Anna Kowal, said 1,250 homes lost power at 6:30.")
    same_facts = fact_hashes("At 6:30 on Tuesday power was lost in 1,250 homes, said Anna Kowal.")
    assert np.array_equal(told, same_facts)


def test_template_reports_differ_in_their_facts() -> None:
    north = fact_hashes("Rain and 11 degrees are expected in Northport, with wind of 30 km/h.")
    south = fact_hashes("Rain and 17 degrees are expected in Southaven, with wind of 45 km/h.")
    assert len(np.intersect1d(north, south)) == 0


def test_a_text_of_a_script_without_capitals_still_states_its_numbers() -> None:
    assert len(fact_hashes("市长周二表示,共有1250户居民停电。")) == 1
