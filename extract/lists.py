"""Lists of URLs as entries: one a line, or a table with a column of them (CSV and its cousins). Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice

from extract.dates import instant
from extract.model import FeedEntry
from extract.text import folded, without_controls

MAX_ROW_LINES = 50  # a row that runs on for longer has lost its closing quote

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_LINE = re.compile(rf"({_ADDRESS.pattern})(?:\s+#.*)?", re.IGNORECASE)
_DELIMITERS = (",", ";", "\t", "|")
_EXCEL_HINT = re.compile(r"sep=.", re.IGNORECASE)  # first line of some tables that Excel wrote
_COLUMNS = {  # a column's name in small letters, with '_' for blanks and hyphens
    **dict.fromkeys(("url", "link", "loc"), "url"),
    **dict.fromkeys(("title", "headline"), "title"),
    **dict.fromkeys(("published_at", "published", "publish_date", "date_published", "date"), "published_at"),
    **dict.fromkeys(("updated_at", "updated", "lastmod"), "updated_at"),
    **dict.fromkeys(("authors", "author", "byline"), "authors"),
    **dict.fromkeys(("summary", "description"), "summary"),
    **dict.fromkeys(("source", "media_name"), "source"),
}


class NotAList(ValueError):
    """A table without a column of URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line or row: what it announces, and whose it says that it is."""

    entry: FeedEntry
    source: str | None = None  # the publisher's name, as written


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a list says."""

    items: tuple[Listed, ...]
    left_out: int = 0  # lines and rows without a URL


def is_url_list(text: str) -> bool:
    """Whether every line of a text is a URL; blank lines and comments ('# …') aside."""
    listing = read_url_list(text)
    return bool(listing.items) and not listing.left_out


def read_any(text: str) -> Listing:
    """What a text without a name lists: a table where its first line names a column of URLs, else one URL a line."""
    try:
        return read_table(text)
    except NotAList:
        return read_url_list(text)


def read_url_list(text: str) -> Listing:
    """The URLs of a text, one a line. Blank lines, and lines or ends of lines that begin with '#', say nothing."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    found = [_LINE.fullmatch(line) for line in lines if line and not line.startswith("#")]
    items = tuple(Listed(entry=FeedEntry(url=match[1])) for match in found if match)
    return Listing(items=items, left_out=len(found) - len(items))


def read_table(text: str) -> Listing:
    """The rows of a table whose first row names the columns; the delimiter is the one that yields a column 'url'.

    Raises NotAList. A row with a lost quote costs no other row.
    """
    lines = [line for line in StringIO(text.removeprefix("\ufeff"), newline="") if line.strip()]
    if lines and _EXCEL_HINT.fullmatch(lines[0].strip()):
        lines = lines[1:]
    delimiter, columns = _head(lines)
    rows = [dict(zip(columns, row, strict=False)) for row in islice(_rows(lines, delimiter), 1, None)]
    items = tuple(_listed(row) for row in rows if _ADDRESS.fullmatch(row.get("url", "").strip()))
    return Listing(items=items, left_out=len(rows) - len(items))


def _head(lines: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter, and what each column means; an unknown one keeps its name. Raises NotAList."""
    for delimiter in _DELIMITERS:
        names = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in next(_rows(lines, delimiter), [])]
        meant = [_COLUMNS.get(name, name) for name in names]
        if "url" in meant:
            return delimiter, _once(meant)
    raise NotAList("no column is called 'url' or 'link'")


def _once(columns: Sequence[str]) -> list[str]:
    """The columns, where several mean the same only the first with a meaning."""
    return [name if name not in columns[:place] else "" for place, name in enumerate(columns)]


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """The rows of a table, most on one line, some over several; one that is badly quoted is read by its first line."""
    start = 0
    while start < len(lines):
        strict = csv.reader(lines[start : start + MAX_ROW_LINES], delimiter=delimiter, strict=True)
        try:
            row, taken = next(strict), strict.line_num
        except csv.Error:
            row, taken = _loosely(lines[start], delimiter), 1
        yield row
        start += taken


def _loosely(line: str, delimiter: str) -> list[str]:
    """The cells of one line, its quotes as they come."""
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # a cell of more than 128 kB, the csv module's limit
        return []


def _listed(row: Mapping[str, str]) -> Listed:
    cells = {name: folded(without_controls(cell)) for name, cell in row.items()}
    entry = FeedEntry(
        url=cells["url"],
        title=cells.get("title") or None,
        summary=cells.get("summary") or None,
        authors=tuple(filter(None, map(folded, cells.get("authors", "").split(";")))),
        published_at=instant(cells.get("published_at")),
        updated_at=instant(cells.get("updated_at")),
    )
    return Listed(entry=entry, source=cells.get("source") or None)
