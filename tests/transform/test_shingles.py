from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transform.model import Hashes
from transform.normalize import normalize
from transform.shingles import FactReader, Words, fact_hashes, hashed_words, is_number, shingle_hashes

WORDS = st.lists(st.text(alphabet="abcdef", min_size=1, max_size=4), max_size=40)
WEIGHTS = np.array([120, 40, 75])  # of a word, a letter, a character: 5, 15 and 8 weigh 600


@given(WORDS)
@settings(deadline=None)
def test_one_hash_for_every_run_of_words(words: list[str]) -> None:
    assert len(_shingles(" ".join(words))) == max(len(words) - 4, 0)


@given(WORDS, WORDS, WORDS)
@settings(deadline=None)
def test_a_run_hashes_alike_wherever_it_stands(before: list[str], run: list[str], after: list[str]) -> None:
    alone, inside = _shingles(" ".join(run)), _shingles(" ".join([*before, *run, *after]))
    assert np.array_equal(alone, inside[len(before) : len(before) + len(alone)])


@given(st.lists(st.text(), max_size=5))
@settings(deadline=None)
def test_no_shingle_spans_two_texts(texts: list[str]) -> None:
    words = _words(texts)
    shingles, bounds = shingle_hashes(words, 600)
    for place, text in enumerate(texts):
        assert np.array_equal(shingles[bounds[place] : bounds[place + 1]], _shingles(text))


def test_order_of_words_matters() -> None:
    assert _shingles("one two three four five")[0] != _shingles("five four three two one")[0]


def test_hashes_are_the_same_in_every_process() -> None:
    """Stored hashes must mean the same for ever: this value changes only with SketchSpec.version."""
    assert _shingles("the mayor of the town").tolist() == [3457208811323455410]


@pytest.mark.parametrize(
    ("text", "shingles"),
    [
        ("one two three four five six", 2),
        ("市政府宣布重建大桥", 2),  # nine characters, eight a shingle
        ("市长Anna Kowal说大桥", 1),  # two words and five characters weigh 615
        ("한국어 뉴스 기사 는 단어 사이", 2),
        ("น้ำท่วมกรุงเทพมหานค", 2),  # sixteen letters, some with marks
    ],
)
def test_a_shingle_is_as_long_as_its_script_needs(text: str, shingles: int) -> None:
    assert len(_shingles(text)) == shingles


@given(st.lists(st.text(alphabet="aB Éé1².,:/-'\"“«”!?…。\n_𝐀𝟗Åǅ市「」カ", max_size=30)))
@settings(deadline=None)
def test_facts_are_the_same_whatever_was_read_before(texts: list[str]) -> None:
    reader = FactReader()
    assert [reader.hashes(text).tolist() for text in texts] == [fact_hashes(text).tolist() for text in texts]


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


def _words(texts: list[str]) -> Words:
    return hashed_words([normalize(text) for text in texts], WEIGHTS)


def _shingles(text: str) -> Hashes:
    return shingle_hashes(_words([text]), 600)[0]
