"""Text files as blocks."""

from __future__ import annotations

import pytest

from extract.blocks import heading
from extract.plaintext import read_lines

SENTENCES = "The ferry left the harbour at seven.\nNobody was hurt, but the tuba is still being looked for.\n"


def test_a_line_is_a_block_and_bullets_make_items() -> None:
    text = f"The ferry and the tuba\n\n- lamps,  all lit\n• the band\n1. the captain\n{SENTENCES}"
    assert [(block.kind, block.text) for block in read_lines(text)] == [
        ("heading", "The ferry and the tuba"),
        ("item", "lamps, all lit"),
        ("item", "the band"),
        ("item", "1. the captain"),
        ("paragraph", "The ferry left the harbour at seven."),
        ("paragraph", "Nobody was hurt, but the tuba is still being looked for."),
    ]


def test_section_label_is_not_taken_for_a_title_that_is_repeated() -> None:
    text = f"News Feed\nThe ferry and the tuba\n3 min read\nThe ferry and the tuba\n{SENTENCES}"
    assert heading(read_lines(text)) == "The ferry and the tuba"


def test_no_other_line_is_taken_for_a_title_that_was_announced() -> None:
    text = f"The harbour\nTHE FERRY, and the tuba\n{SENTENCES}"
    assert heading(read_lines(text, "The ferry and the tuba!")) == "THE FERRY, and the tuba"
    assert heading(read_lines(text, "A tuba overboard")) == ""


@pytest.mark.parametrize("text", ["", SENTENCES, "A day:\n- The first of the ferries\n24/7\n"])
def test_text_without_a_heading_like_line_has_no_title(text: str) -> None:
    assert heading(read_lines(text)) == ""
