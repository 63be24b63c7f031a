from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.shingles import fact_hashes, is_number, shingle_hashes

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


def test_numbers_are_told_from_names() -> None:
    facts = fact_hashes("The mayor, Anna Kowal, said 1,250 homes lost power at 6:30 on the A7.")
    assert np.count_nonzero(is_number(facts)) == 3
    assert np.count_nonzero(~is_number(facts)) == 2


@pytest.mark.parametrize(
    ("text", "numbers", "names"),
    [
        ("市长周二表示,共有1250户居民在6:30停电。", 2, 0),
        ("世界卫生组织(WHO)周二发布《全球疫情报告》。", 0, 2),
        ("市長は火曜日、リチャード氏と「港の再生計画」を発表した。", 0, 2),
        ("โรงพยาบาลรับผู้ป่วย 48 คนและส่งต่อ12คน", 2, 0),
        ("قال مدير الميناء إن 214 راكبا نقلوا على متن 3 سفن.", 2, 0),
    ],
)
def test_scripts_without_capitals_state_numbers_and_marked_names(text: str, numbers: int, names: int) -> None:
    facts = fact_hashes(text)
    assert (np.count_nonzero(is_number(facts)), np.count_nonzero(~is_number(facts))) == (numbers, names)


def test_a_number_is_the_same_in_the_figures_of_any_script() -> None:
    assert np.array_equal(fact_hashes("共有1250户停电"), fact_hashes("共有１２５０户停电"))
    assert np.array_equal(fact_hashes("نقل 214 راكبا"), fact_hashes("نقل ٢١٤ راكبا"))
