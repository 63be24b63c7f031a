from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transform.normalize import letters, normalize, words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  The Mayor:\tNO comment! ", "the mayor no comment"),
        ("Don't, don’t, don´t, donʼt", "dont dont dont dont"),
        ("L’été à l'Hôtel", "lété à lhôtel"),
        ("Fish &amp; Chips &#8211; 3&nbsp;&euro;", "fish chips 3"),
        ("STRASSE Straße", "strasse strasse"),
        ("ﬁne ﬂour ½ m²", "fine flour 1 2 m2"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ　１２", "full width 12"),
        ("cafe\u0301 caf\u00e9", "café café"),
        ("snake_case—and-dashes", "snake case and dashes"),
        ("Nairobi-\u00adDekla\u00adration", "nairobi deklaration"),
        ("a\u200bb \ufeffc", "ab c"),
        ("❤️ 1️⃣ 👩🏽‍🚒 🏴\U000e0067\U000e007f *** …", "1\u20e3"),
        ("हिन्दी का पाठ।", "हिन्दी का पाठ"),
        ("ΌΣΟΣ όσος", "όσοσ όσοσ"),
        ("العَرَبِيَّة، ٢٠٢٤", "العَرَبِيَّة 2024"),
        ("۱۴۰۳ १२ ๑๒", "1403 12 12"),
        ("الســـلام", "السلام"),
        ("\u200fשלום\u200f ‎\u2066abc\u2069", "שלום abc"),
        ("İSTANBUL Iğdır ısı", "istanbul iğdır ısı"),
        ("ﾊﾟﾘ ガ", "パリ ガ"),
        ("ﷺ ㎏ ㈱", "صلى الله عليه وسلم kg 株"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국"),
        ("\ud800 lone \x00 nul", "lone nul"),
        ("", ""),
        ("!?", ""),
    ],
)
def test_text_is_reduced_to_its_words(text: str, normal: str) -> None:
    assert normalize(text) == normal


@given(st.text())
@settings(deadline=None)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


def test_every_character_has_a_stable_normal_form_wherever_it_stands() -> None:
    for start in (*range(0, 0x3400, 0x400), *range(0xF800, 0x20000, 0x400)):  # between and above: Han, Hangul
        normal = normalize(" ".join(f"{char} a{char}\u0301b" for char in map(chr, range(start, start + 0x400))))
        assert normalize(normal) == normal, hex(start)


@given(st.text())
@settings(deadline=None)
def test_normal_form_holds_no_stray_white_space(text: str) -> None:
    assert " ".join(normalize(text).split()) == normalize(text)


@given(st.text(), st.text())
@settings(deadline=None)
def test_words_of_two_texts_side_by_side_are_the_words_of_each(left: str, right: str) -> None:
    assert words(f"{left}\n\n{right}") == words(left) + words(right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Der Bürgermeister sagt: 'Nein'", ["der", "bürgermeister", "sagt", "nein"]),
        ("東京タワー2024年", ["東", "京", "タ", "ワ", "ー", "2024", "年"]),
        ("ラーメンとbeer", ["ラ", "ー", "メ", "ン", "と", "beer"]),
        ("กำลัง abc", ["กํ", "า", "ลั", "ง", "abc"]),
        ("ພາສາ", ["ພ", "າ", "ສ", "າ"]),
        ("ភាសា", ["ភា", "សា"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("한국어 뉴스", ["한국어", "뉴스"]),
        ("", []),
    ],
)
def test_scripts_without_spaces_give_a_word_a_character(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Erdoğan Wałęsa Tromsø", "Erdogan Walesa Tromso"),
        ("ёлка ещё", "елка еще"),
        ("Ο ΠΡΩΘΥΠΟΥΡΓΟΣ ΜΙΛΗΣΕ", "ο πρωθυπουργός μίλησε"),
        ("ISPARTA ısparta", "ısparta Isparta"),
        ("العَرَبِيَّةُ أحمد إلى", "العربية احمد الى"),
        ("می‌کند یک", "ميكند يك"),
        ("שָׁלוֹם", "שלום"),
        ("Việt Nam đổi mới", "Viet Nam doi moi"),
    ],
)
def test_what_publishers_leave_out_tells_no_words_apart(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)
    assert letters(normalize(one)).tolist() == letters(normalize(other)).tolist()


@pytest.mark.parametrize(("one", "other"), [("かき", "がき"), ("कमल", "कमला"), ("ป่า", "ปา"), ("한국", "하국")])
def test_marks_that_make_another_word_are_kept(one: str, other: str) -> None:
    assert letters(normalize(one)).tolist() != letters(normalize(other)).tolist()


@given(st.text())
@settings(deadline=None)
def test_bare_letters_part_words_where_the_normal_form_does(text: str) -> None:
    normal = normalize(text)
    bare = letters(normal).tobytes().decode("utf-32-le")
    assert len(bare.split(" ")) == len(normal.split(" "))
