"""Strings folded, laid bare, freed of markup."""

from __future__ import annotations

import pytest

from extract.text import folded, letters, plain_text


def test_white_space_is_folded_to_one_line() -> None:
    assert folded("\tThe ferry\n  and\u00a0the tuba ") == "The ferry and the tuba"


@pytest.mark.parametrize(("text", "bare"), [("Głos Doliny", "glosdoliny"), ("L’Été 24!", "lete24"), ("–", "")])
def test_letters_have_neither_case_nor_accents(text: str, bare: str) -> None:
    assert letters(text) == bare


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a &amp; b &lt; c", "a & b < c"),
        ("<p>One</p> <p>two<br/>three</p>", "One\n\ntwo\n\nthree"),
        ("<div>One <b>bold</b>er<style>p {}</style> word</div><!-- gone -->", "One bolder word"),
        ("<ul><li>a<li>b</ul>", "a\n\nb"),
        ("", ""),
        ("<p>\x00\x0bcontrol</p>", "control"),
    ],
)
def test_markup_becomes_plain_text(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_a_whole_page_inside_a_fragment_is_read_to_its_end() -> None:
    assert plain_text("<html><body><p>At seven.</p></body></html><p>At eight.</p>") == "At seven.\n\nAt eight."
