"""Menus, forms and toolbars of texts without markup, seen by where they stand and how they look."""

from __future__ import annotations

from collections.abc import Sequence

from extract.model import Block, BlockKind
from transform.frame import frame_of
from transform.lines import line_of

PROSE = (
    "The council voted on Tuesday to close the old market hall, ending a debate that had divided the neighbourhood.",
    "Traders, who have sold fish and flowers there since the seventies, said that they learnt of it from a note.",
    "A petition to save the hall has gathered nine thousand signatures, and its organisers want to hand it over.",
)
MENU = ("Weather", "Tides and ferries", "The harbour", "Letters to the editor", "Births and deaths", "Small ads")


def framed(*lines: str | Block) -> list[str]:
    blocks = [line if isinstance(line, Block) else Block(text=line) for line in lines]
    found = frame_of([line_of(index, block, ()) for index, block in enumerate(blocks)])
    return [blocks[index].text for index in sorted(found)]


def items(texts: Sequence[str]) -> list[Block]:
    return [Block(text=text, kind=BlockKind.ITEM) for text in texts]


def test_run_of_labels_over_or_under_the_text_is_a_menu() -> None:
    assert framed(*PROSE, *MENU) == list(MENU)
    assert framed(*MENU, *PROSE) == list(MENU)


def test_line_of_many_parts_is_a_menu() -> None:
    assert framed("Weather | Tides | Letters | Small ads", *PROSE) == ["Weather | Tides | Letters | Small ads"]
    assert framed(*PROSE, "Weather · Tides · Letters · Small ads") == ["Weather · Tides · Letters · Small ads"]


def test_labels_amid_the_text_stay() -> None:
    assert framed(*PROSE[:2], *MENU, PROSE[2]) == []


def test_few_labels_stay() -> None:
    assert framed(*PROSE, *MENU[:4]) == []
    assert framed(*MENU[:3], *PROSE) == []


def test_list_that_the_text_announces_stays() -> None:
    assert framed(*PROSE, "These will move to the arcade:", *MENU) == []


def test_list_of_items_of_figures_or_of_broken_sentences_stays() -> None:
    assert framed(*PROSE, *items(MENU)) == []
    assert framed(*PROSE, *(f"{label} {number}" for number, label in enumerate(MENU))) == []
    assert framed(*PROSE, *(label.lower() for label in MENU)) == []
    assert framed(*PROSE, *(f"{label}." for label in MENU)) == []


def test_line_over_the_text_and_under_it_again_is_of_the_page() -> None:
    assert framed("Gull Bay", *PROSE, "Gull Bay") == ["Gull Bay", "Gull Bay"]
    assert framed(PROSE[0], "Gull Bay", PROSE[1], "Gull Bay") == []


def test_message_that_stands_twice_under_the_text_is_of_a_form() -> None:
    message = "The number is not valid."
    assert framed(*PROSE, message, "So it goes.", message) == [message, message]
    assert framed(*PROSE, message) == []
    assert framed(*PROSE, *items([message, "Press the button", message])) == []


def test_labels_of_fields_are_a_form() -> None:
    assert framed(*PROSE, "Name:", "Telephone:") == ["Name:", "Telephone:"]
    assert framed(*PROSE, "Changed on:") == ["Changed on:"]
    assert framed(*PROSE, "In short:", "Nobody pays.") == []


def test_text_of_short_lines_throughout_has_no_frame() -> None:
    assert framed(*MENU, *MENU) == []
    assert framed(PROSE[0], *MENU) == []
