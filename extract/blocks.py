"""The body that an extractor found, in HTML or trafilatura's TEI dialect, as blocks with their shares of links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from lxml import etree
from lxml.html import HtmlElement

from extract.model import Block, BlockKind

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

# Before and behind a link: characters that stand in no text (noncharacters, Unicode 23.7).
_OPENS, _CLOSES = "\ufdd0", "\ufdd1"
_LINK_MARK = re.compile(f"([{_OPENS}{_CLOSES}])")


@dataclass(frozen=True, slots=True)
class PageLine:
    """A page's text as one line without white space, and which of its characters are link text."""

    text: str = ""
    linked: bytes = b""  # as many: 1 where the character is link text


def read_blocks(body: etree._Element, page: PageLine) -> tuple[Block, ...]:
    """The blocks of a body, in reading order.

    page: that the body was taken from; it knows the links, which the body has lost
    """
    texts = list(_joined(_pieces(body, BlockKind.PARAGRAPH)))
    shares = _link_shares(page, [text.replace(" | ", "") if kind is BlockKind.ROW else text for kind, text in texts])
    return tuple(Block(text=t, kind=kind, link_share=share) for (kind, t), share in zip(texts, shares, strict=True))


def running_text(blocks: Iterable[Block]) -> str:
    """The text of all blocks on one line."""
    return " ".join(block.text for block in blocks)


def count_words(blocks: Iterable[Block]) -> float:
    """Number of words; where a script does not part them, two characters are one."""
    text = running_text(blocks)
    return len(_WORD.findall(text)) + len(_UNSPACED.findall(text)) / 2


def linked_share(blocks: Iterable[Block]) -> float:
    """The share of a text's characters that are link text."""
    chars = sum(len(block.text) for block in blocks)
    return sum(len(block.text) * block.link_share for block in blocks) / chars if chars else 0.0


def heading(blocks: Iterable[Block]) -> str:
    """The text of the first heading, empty without one."""
    return next((block.text for block in blocks if block.kind is BlockKind.HEADING), "")


def _pieces(element: etree._Element, kind: BlockKind) -> Iterator[_Piece]:
    """The text below an element in reading order, every part once, with the ends of blocks between."""
    if element.tag in _ROWS and (cells := _data_cells(element)):
        yield from ((kind, None), (BlockKind.ROW, " | ".join(cells)), (kind, None))
        return
    kind = _KINDS.get(element.tag, kind)
    if element.tag in _BREAKS:
        yield kind, None
    yield kind, element.text or ""
    for child in element:
        yield from _pieces(child, kind)
        yield kind, child.tail or ""
    if element.tag in _BREAKS:
        yield kind, None


def _data_cells(row: etree._Element) -> list[str]:
    """The texts of a row of data; none for a row that only lays out the page."""
    cells = [[text for _, text in _joined(_pieces(cell, BlockKind.ROW))] for cell in row]
    texts = [" ".join(cell) for cell in cells if cell]
    layout = len(texts) < 2 or any(len(text) > _MAX_CELL_CHARS for text in texts)
    return [] if layout else texts


def _joined(pieces: Iterable[_Piece]) -> Iterator[tuple[BlockKind, str]]:
    """Kind and text of each block, white space folded, empty ones left out."""
    for ended, group in groupby(pieces, key=lambda piece: piece[1] is None):
        parts = [] if ended else list(group)
        text = " ".join("".join(part or "" for _, part in parts).split())
        if text:
            yield next(kind for kind, part in parts if part and not part.isspace()), text


def _link_shares(page: PageLine, texts: Iterable[str]) -> list[float]:
    """The share of each text's characters that are link text on the page: each is looked for onwards from the last."""
    shares, cursor = [], 0
    for text in texts:
        wanted = _squeezed(text)
        start = page.text.find(wanted, cursor)
        start = page.text.find(wanted) if start < 0 else start
        cursor = start + len(wanted) if start >= 0 else cursor
        shares.append(page.linked.count(1, start, cursor) / len(wanted) if start >= 0 else 0.0)
    return shares


def page_line(tree: HtmlElement) -> PageLine:
    """The page's text on one line, for all bodies that are taken from it."""
    pieces: list[str] = []
    marks: list[bytes] = []
    depth = 0
    for part in _LINK_MARK.split(_squeezed(str(_marking_links()(tree)))):
        if part in (_OPENS, _CLOSES):
            depth += 1 if part == _OPENS else -1
        else:
            pieces.append(part)
            marks.append((b"\1" if depth else b"\0") * len(part))
    return PageLine("".join(pieces), b"".join(marks))


@lru_cache(maxsize=1)
def _marking_links() -> etree.XSLT:
    """What writes a page's text with a mark before and behind each link; a quarter of the time of a walk in Python."""
    return etree.XSLT(
        etree.XML(f"""
        <xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
            <xsl:output method="text"/>
            <xsl:template match="script | style | comment() | processing-instruction()"/>
            <xsl:template match="a">{_OPENS}<xsl:apply-templates/>{_CLOSES}</xsl:template>
        </xsl:stylesheet>
        """)
    )


def _squeezed(text: str) -> str:
    return "".join(text.split())
