"""The body that an extractor found, in HTML or trafilatura's TEI dialect, as blocks with their shares of links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from lxml import etree

from extract.model import Block, BlockKind
from extract.spots import PageLine, read_spots
from extract.text import folded

# Elements that begin and end a block, and what kind of block they make.
_TEI = ("body", "p", "head", "item", "quote", "list", "table", "row", "cell", "lb", "code", "div")
_HTML = (
    *("h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "br", "hr", "ul", "ol", "li", "dl", "dt", "dd"),
    *("tr", "td", "th", "section", "main", "article", "header", "footer", "aside", "figure", "figcaption"),
    *("address", "center", "form"),
)
_BREAKS = frozenset((*_TEI, *_HTML))
_KINDS = {
    "head": BlockKind.HEADING,
    "item": BlockKind.ITEM,
    "quote": BlockKind.QUOTE,
    "li": BlockKind.ITEM,
    "blockquote": BlockKind.QUOTE,
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), BlockKind.HEADING),
}
_ROWS = frozenset(["row", "tr"])
MIN_WORDS = 25  # a shorter text is a caption or a stub
_MAX_CELL_CHARS = 300  # a longer cell holds prose: its table is the page's layout
_Piece = tuple[BlockKind, str | None]  # None ends a block
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")


def read_blocks(body: etree._Element, page: PageLine) -> tuple[Block, ...]:
    """The blocks of a body, in reading order.

    page: that the body was taken from; it knows the links and the markup, which the body has lost
    """
    texts = list(_joined(_pieces(body, BlockKind.PARAGRAPH, [])))
    spots = read_spots(page, [text.replace(" | ", "") if kind is BlockKind.ROW else text for kind, text in texts])
    return tuple(
        Block(text=text, kind=kind, link_share=spot.link_share, place=spot.place)
        for (kind, text), spot in zip(texts, spots, strict=True)
    )


def running_text(blocks: Iterable[Block]) -> str:
    """The text of all blocks on one line."""
    return " ".join(block.text for block in blocks)


def count_words(blocks: Iterable[Block]) -> float:
    """Number of words; where a script does not part them, two characters are one."""
    return _words_in(running_text(blocks))


@lru_cache(maxsize=4)  # of one text it is asked several times
def _words_in(text: str) -> float:
    return len(_WORD.findall(text)) + (0 if text.isascii() else len(_UNSPACED.findall(text)) / 2)


def linked_share(blocks: Iterable[Block]) -> float:
    """The share of a text's characters that are link text."""
    chars = sum(len(block.text) for block in blocks)
    return sum(len(block.text) * block.link_share for block in blocks) / chars if chars else 0.0


def heading(blocks: Iterable[Block]) -> str:
    """The text of the first heading, empty without one."""
    return next((block.text for block in blocks if block.kind is BlockKind.HEADING), "")


def _pieces(element: etree._Element, kind: BlockKind, found: list[_Piece]) -> Sequence[_Piece]:
    """What was found before, and the text below an element in reading order, with the ends of blocks between."""
    tag = element.tag
    if tag in _ROWS and (cells := _data_cells(element)):
        found += ((kind, None), (BlockKind.ROW, " | ".join(cells)), (kind, None))
        return found
    kind = _KINDS.get(tag, kind)
    if tag in _BREAKS:
        found.append((kind, None))
    if text := element.text:
        found.append((kind, text))
    for child in element:
        _pieces(child, kind, found)
        if tail := child.tail:
            found.append((kind, tail))
    if tag in _BREAKS:
        found.append((kind, None))
    return found


def _data_cells(row: etree._Element) -> list[str]:
    """The texts of a row of data; none for a row that only lays out the page."""
    cells = [[text for _, text in _joined(_pieces(cell, BlockKind.ROW, []))] for cell in row]
    texts = [" ".join(cell) for cell in cells if cell]
    layout = len(texts) < 2 or any(len(text) > _MAX_CELL_CHARS for text in texts)
    return [] if layout else texts


def _joined(pieces: Iterable[_Piece]) -> Iterator[tuple[BlockKind, str]]:
    """Kind and text of each block, white space folded, empty ones left out."""
    for ended, group in groupby(pieces, key=lambda piece: piece[1] is None):
        parts = [] if ended else list(group)
        text = folded("".join([part or "" for _, part in parts]))
        if text:
            yield next(kind for kind, part in parts if part and not part.isspace()), text
