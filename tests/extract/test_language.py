"""The language of a text."""

from __future__ import annotations

import pytest

from extract.language import detect_language

ENGLISH = (
    "The ferry left the harbour at seven in the morning with all its lamps lit and the band playing on the upper deck. "
    "By noon the wind had turned, and the captain asked the passengers to come down and to leave their hats behind."
)


@pytest.mark.parametrize("lang", ["en", "de", "xx", "", None])
def test_language_of_a_long_text_is_its_own(lang: str | None) -> None:
    assert detect_language(ENGLISH, (lang, "fr")) == "en"


def test_language_of_a_source_decides_between_near_relatives() -> None:
    text = (
        "Vlada je danas donijela odluku o novom mostu i o proračunu za iduću godinu, a o tome će glasati u petak. " * 2
    )
    assert {named: detect_language(text, (named,)) for named in ("hr", "bs")} == {"hr": "hr", "bs": "bs"}


@pytest.mark.parametrize("named", ["no", "nb", "nn"])
def test_norwegian_has_one_code(named: str) -> None:
    text = "Fergen forlot havnen klokken sju om morgenen, og orkesteret spilte på øverste dekk."
    assert detect_language(text, (named,)) == "no"


def test_text_without_words_has_no_language() -> None:
    assert detect_language("") is None
