from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.normalize import normalize, words


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
        ("❤️ 1️⃣ *** …", "1\u20e3"),
        ("हिन्दी का पाठ।", "हिन्दी का पाठ"),
        ("ΌΣΟΣ όσος", "όσοσ όσοσ"),
        ("العَرَبِيَّة، ٢٠٢٤", "العَرَبِيَّة ٢٠٢٤"),
        ("\ud800 lone \x00 nul", "lone nul"),
        ("", ""),
        ("!?", ""),
    ],
)
def test_text_is_reduced_to_its_words(text: str, normal: str) -> None:
    assert normalize(text) == normal


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


def test_every_character_has_a_stable_normal_form_wherever_it_stands() -> None:
    for start in (*range(0, 0x3400, 0x400), *range(0xF800, 0x20000, 0x400)):  # between and above: Han, Hangul
        normal = normalize(" ".join(f"{char} a{char}\u0301b" for char in map(chr, range(start, start + 0x400))))
        assert normalize(normal) == normal, hex(start)


@given(st.text())
def test_normal_form_holds_no_stray_white_space(text: str) -> None:
    assert " ".join(normalize(text).split()) == normalize(text)


@given(st.text(), st.text())
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
