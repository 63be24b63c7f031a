"""What has to do with each other stays together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transform.packing import lots

MARKS = st.dictionaries(st.integers(0, 60), st.frozensets(st.integers(0, 25), max_size=3), max_size=40)


def test_keys_that_share_a_mark_by_way_of_others_are_in_one_lot() -> None:
    marks = {1: ["a"], 2: ["b"], 3: ["a", "c"], 4: ["c"], 5: []}
    assert lots(marks, size=1, most=10) == [[1, 3, 4], [2], [5]]
    assert lots(marks, size=4, most=10) == [[1, 2, 3, 4], [5]]


def test_what_is_too_much_is_parted_in_order() -> None:
    assert lots(dict.fromkeys(range(5), "x"), size=1, most=2) == [[0, 1], [2, 3], [4]]


@given(MARKS, st.integers(1, 10))
def test_each_key_is_in_one_lot_and_no_mark_in_two(marks: dict[int, frozenset[int]], size: int) -> None:
    packed = lots(marks, size, most=100)
    assert sorted(key for lot in packed for key in lot) == sorted(marks)
    told = [{mark for key in lot for mark in marks[key]} for lot in packed]
    assert sum(map(len, told)) == len(set().union(*told))
    assert all(lot == sorted(lot) for lot in packed)
