"""Strings as they are compared and shown: white space folded, letters alone, markup taken away."""

from __future__ import annotations

import re
from unicodedata import normalize

from lxml import etree, html

_PLAIN_LETTERS = str.maketrans("łøđı", "lodi")  # accents that NFKD leaves on
_BLOCKS = frozenset([
    "p", "div", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre",
    "table", "tr", "section", "article",
])  # fmt: skip
_UNREAD = frozenset(["script", "style", "noscript", "iframe", "object", "svg", "template"])
_WHOLE_PAGE = re.compile(r"</?(?:html|body)\b[^<>]*>", re.IGNORECASE)
_NO_LETTERS = re.compile(r"[\W_]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def folded(text: str) -> str:
    """The text on one line, each stretch of white space one blank."""
    return " ".join(text.split())


def without_controls(text: str) -> str:
    """The text without what XML takes no text to have: control characters, lone surrogates, U+FFFE and U+FFFF."""
    return _CONTROL.sub(lambda control: " " if control[0].isspace() else "", text)


def letters(text: str) -> str:
    """The text's letters and digits alone, without case and accents: 'Głos Doliny' is glosdoliny."""
    plain = normalize("NFKD", text.casefold().translate(_PLAIN_LETTERS))
    return _NO_LETTERS.sub("", plain)


def plain_text(markup: str) -> str:
    """The text of an HTML fragment: tags away, entities undone, paragraphs apart by a blank line."""
    inner = _WHOLE_PAGE.sub(" ", without_controls(markup))  # libxml2 reads nothing behind '</html>'
    document = html.document_fromstring(f"<html><body>{inner}</body></html>")
    pieces: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(document, events=("start", "end", "comment", "pi")):
        if event == "start":
            silent += element.tag in _UNREAD
            text = element.text
        else:
            silent -= event == "end" and element.tag in _UNREAD
            text = element.tail
        pieces.append("\0" if element.tag in _BLOCKS else "")
        pieces.append("" if silent else text or "")
    paragraphs = (folded(without_controls(text)) for text in "".join(pieces).split("\0"))  # '&#1;' is one only now
    return "\n\n".join(filter(None, paragraphs))
