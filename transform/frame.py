"""What frames a text and no word tells: menus, forms, and lines that stand both over it and under it.

For texts without markup, where a menu is nothing but short lines: on a page the extractor has seen the links already.
Only what stands before the first paragraph or after the last is looked at, and only of texts that have two at least:
others may be poems, lists or tables throughout.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from extract.model import BlockKind
from transform.lines import Line
from transform.model import CutKind

MENU = 5  # lines; fewer may be a name and an office, a date and a place, a subheading and its kicker
MENU_HEAD = 4  # lines over the text, where less can be meant
LABEL = 100  # characters of a line of a menu that may be of headlines
LABEL_HEAD = 40
_SEPARATED = re.compile(r"[^|•·]{1,40}(?: [|•·] [^|•·]{1,40}){3,}")

Finding = tuple[CutKind, str]  # with the rule's id


def frame_of(lines: Sequence[Line]) -> dict[int, Finding]:
    """The lines of menus, forms and the like, by index."""
    prose = [index for index, line in enumerate(lines) if line.is_prose]
    if len(prose) < 2:
        return {}
    head, tail = range(prose[0]), range(prose[-1] + 1, len(lines))
    framed: dict[int, str] = dict.fromkeys(_on_both_sides(lines, head, tail), "framed")
    framed |= dict.fromkeys(_said_again(lines, tail), "again")
    framed |= dict.fromkeys(_form(lines, tail), "form")
    framed |= dict.fromkeys(_menus(lines, head, MENU_HEAD, LABEL_HEAD), "menu")
    framed |= dict.fromkeys(_menus(lines, tail, MENU, LABEL), "menu")
    return {index: (CutKind.SECTION_LABEL, f"structure.section-label.{name}") for index, name in framed.items()}


def _on_both_sides(lines: Sequence[Line], head: range, tail: range) -> Iterator[int]:
    """Lines that stand over the text and under it again: a toolbar, the name of a section."""
    above, below = ({lines[index].plain for index in side} for side in (head, tail))
    return (index for side in (head, tail) for index in side if lines[index].plain in above & below - {""})


def _said_again(lines: Sequence[Line], tail: range) -> Iterator[int]:
    """Sentences that stand twice under the text: what a form shows when something is wrong. Steps may repeat."""
    said = [index for index in tail if lines[index].is_sentence and lines[index].block.kind is BlockKind.PARAGRAPH]
    times = Counter(lines[index].plain for index in said)
    return (index for index in said if times[lines[index].plain] > 1 and " " in lines[index].plain)


def _form(lines: Sequence[Line], tail: range) -> Iterator[int]:
    """Labels of fields: lines that end in a colon, with nothing after them or the next label."""
    labels = {
        index for index in tail if lines[index].block.text.endswith(":") and len(lines[index].block.text) <= LABEL
    }
    return (index for index in labels if index == len(lines) - 1 or {index - 1, index + 1} & labels)


def _menus(lines: Sequence[Line], side: range, at_least: int, longest: int) -> Iterator[int]:
    """Lines of many parts, and runs of labels: a colon before them makes them a list of the text."""
    yield from (index for index in side if _SEPARATED.fullmatch(lines[index].block.text))
    for is_label, run in groupby(side, key=lambda index: _is_label(lines[index], longest)):
        indices = list(run)
        introduced = indices[0] > 0 and lines[indices[0] - 1].block.text.endswith(":")
        numbers = sum(any(map(str.isdigit, lines[index].block.text)) for index in indices)
        if is_label and len(indices) >= at_least and not introduced and 3 * numbers <= len(indices):
            yield from indices


def _is_label(line: Line, longest: int) -> bool:
    """Whether it says a name, not a sentence or a piece of one."""
    text = line.block.text
    return (
        line.block.kind is BlockKind.PARAGRAPH
        and len(text) <= longest
        and not line.is_sentence
        and not text.endswith((":", ",", ";"))
        and not text[:1].islower()
    )
