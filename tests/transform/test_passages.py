"""Passages: what two texts share, word by word, whatever the script; and that nothing of either is lost."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import paragraphs, sentences

from transform.normalize import words
from transform.passages import PassageKind, extent, passages

FERRY = (
    "The ferry was towed into Port Ellery on Tuesday morning after six hours adrift. "
    "Nobody was hurt, said the harbour master, Ines Tolland. “We were lucky,” she added.\n\n"
    "The company will refund all 214 tickets and has ordered an inquiry into the failure of both engines."
)


def kinds(left: str, right: str) -> list[tuple[str, str]]:
    return [(str(found.kind), found.text) for found in passages(left, right)]


def told_by(side: str, left: str, right: str) -> list[str]:
    """The words of one text, put together from the passages that stand in it."""
    found = [one for one in passages(left, right) if getattr(one, side)]
    own = sorted(found, key=lambda one: getattr(one, side).first)
    return [word for one in own for word in words(one.text)]


def test_the_same_words_are_one_passage_whatever_their_case_and_punctuation() -> None:
    other = FERRY.replace("“We were lucky,”", '"WE WERE LUCKY" -').replace("\n\n", " ")
    (whole,) = passages(FERRY, other)
    assert whole.kind is PassageKind.SHARED and whole.text == FERRY
    assert whole.left == whole.right and whole.left and whole.left.words == len(words(FERRY))


def test_a_changed_figure_stands_between_two_shared_passages() -> None:
    assert kinds(FERRY, FERRY.replace("all 214 tickets", "nearly 190 tickets")) == [
        ("shared", FERRY[: FERRY.index("all 214")].strip()),
        ("left", "all 214"),
        ("right", "nearly 190"),
        ("shared", FERRY[FERRY.index("tickets") :]),
    ]


def test_a_paragraph_that_was_added_or_cut_is_told_as_one() -> None:
    note = "The band aboard lost a tuba."
    longer = FERRY.replace("\n\n", f"\n\n{note}\n\n")
    first, second = FERRY.split("\n\n")
    assert kinds(FERRY, longer) == [("shared", first), ("right", note), ("shared", second)]
    assert kinds(longer, FERRY) == [("shared", first), ("left", note), ("shared", second)]


def test_paragraphs_in_another_order_are_shared_and_not_lost() -> None:
    first, second = FERRY.split("\n\n")
    found = kinds(FERRY, f"{second}\n\n{first}")
    assert {kind for kind, _ in found} == {"shared", "moved"}
    assert extent(passages(FERRY, f"{second}\n\n{first}")).kept == 1.0


def test_texts_that_have_nothing_in_common_are_told_one_after_the_other() -> None:
    assert kinds("Rain fell on Brede.", "Snow lies over Orrin!") == [
        ("left", "Rain fell on Brede."),
        ("right", "Snow lies over Orrin!"),
    ]
    assert passages("", "") == ()
    assert extent(()).kept == 1.0


def test_a_word_that_two_rewritten_stretches_happen_to_share_is_no_passage() -> None:
    left = "one two three four five and six seven eight nine ten"
    right = "alpha beta gamma delta epsilon and zeta eta theta iota kappa"
    assert [kind for kind, _ in kinds(left, right)] == ["left", "right"]


@pytest.mark.parametrize(
    ("left", "right", "alone"),
    [
        ("渡轮周二清晨被拖入港口，船上214名乘客全部安全。", "渡轮周二清晨被拖入港口，船上190名乘客全部安全。", ["214", "190"]),
        ("フェリーは火曜日の朝、港に曳航された。", "フェリーは水曜日の朝、港に曳航された。", ["火", "水"]),
        ("เรือข้ามฟากถูกลากเข้าท่าเรือ", "เรือข้ามฟากถูกลากออกท่าเรือ", ["เข้า", "ออก"]),
        ("Паром отбуксировали в порт во вторник.", "Паром отбуксировали в порт в среду.", ["во вторник.", "в среду."]),
        ("عادت العبّارة إلى الميناء يوم الثلاثاء", "عادت العبّارة إلى الميناء يوم الأربعاء", ["الثلاثاء", "الأربعاء"]),
        ("Prom „Pustułka” wrócił do portu o 6:50.", "Prom „Pustułka” wrócił do portu o 7:10.", ["6:50.", "7:10."]),
    ],
)  # fmt: skip
def test_every_script_is_aligned_word_by_word(left: str, right: str, alone: list[str]) -> None:
    found = [(str(one.kind), one.text) for one in passages(left, right) if one.kind is not PassageKind.SHARED]
    assert found == [("left", alone[0]), ("right", alone[1])]


WORDS = st.lists(
    st.sampled_from(
        [
            "the",
            "ferry",
            "Kestrel",
            "was",
            "towed,",
            "3,000",
            "well-known",
            "“port”",
            "港に。",
            "don’t",
            "&amp;",
            "ﬁn",
            "½",
        ]
    )
)


@given(WORDS, WORDS)
def test_nothing_is_lost_and_nothing_told_twice(left: list[str], right: list[str]) -> None:
    a, b = " ".join(left), " ".join(right)
    assert told_by("left", a, b) == words(a)
    found = passages(a, b)
    assert sum(one.right.words for one in found if one.right) == len(words(b))
    told = extent(found)
    assert (told.shared + told.left, told.shared + told.right) == (len(words(a)), len(words(b)))


@given(st.integers(0, 1000))
def test_what_both_have_stands_in_both(seed: int) -> None:
    random_ = random.Random(seed)
    lines = sentences(random_, 12)
    other = [line for line in lines if random_.random() < 0.8]
    random_.shuffle(other)
    a, b = paragraphs(lines), paragraphs([*other, *sentences(random_, 2)])
    for one in passages(a, b):
        if one.left and one.right:
            assert words(one.text) == words(a)[one.left.first :][: one.left.words]
            assert words(one.text) == words(b)[one.right.first :][: one.right.words]
    assert told_by("right", a, b) == words(b)
