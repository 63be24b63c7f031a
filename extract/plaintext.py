"""A text file as blocks: a line is a block, and one of the first is the title."""

from __future__ import annotations

import re
from collections.abc import Sequence

from extract.model import Block, BlockKind
from extract.text import folded, letters

_BULLET = re.compile(r"[-*]\s+|[•‣]\s*(?=\S)|(?=\d{1,2}[.)]\s)")  # a number stays with its text
_TITLE_LINES = 10  # a title stands among the first; menus and reading times may stand before it
_TITLE_CHARS = 200
_LEAST_TITLE_LETTERS = 6
_NO_TITLE_END = (".", ",", ";", ":", "…")


def read_lines(text: str, announced: str | None = None) -> tuple[Block, ...]:
    """The lines of a text as blocks, its title as heading.

    announced: its title, where that is known; no other line is taken for it
    """
    lines = list(filter(None, map(folded, text.splitlines())))
    title = _line_saying(announced, lines) if announced else _title_line(lines)
    return tuple(_line_block(line, title) for line in lines)


def _line_saying(title: str, lines: Sequence[str]) -> str | None:
    """The line among the first that says the same, whatever the case and the signs."""
    return next((line for line in lines[:_TITLE_LINES] if letters(line) == letters(title)), None)


def _title_line(lines: Sequence[str]) -> str | None:
    """The first line that can be a title; better, one that another line repeats, or ends with, as a breadcrumb does."""
    first = lines[:_TITLE_LINES]
    fit = [line for line in first if len(line) <= _TITLE_CHARS and not line.endswith(_NO_TITLE_END)]
    fit = [line for line in fit if len(letters(line)) >= _LEAST_TITLE_LETTERS and not _BULLET.match(line)]
    repeated = (line for line in fit if sum(other.endswith(line) for other in first) > 1)
    return next(repeated, fit[0] if fit else None)


def _line_block(line: str, title: str | None) -> Block:
    if line == title:
        return Block(text=line, kind=BlockKind.HEADING)
    if bullet := _BULLET.match(line):
        return Block(text=line[bullet.end() :], kind=BlockKind.ITEM)
    return Block(text=line)
