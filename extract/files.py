"""I/O: what lies at hand: HTML and text files as pages, lists of URLs as entries, and which files are WARC files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from extract.charset import decode
from extract.lists import Listing, NotAList, is_url_list, read_table, read_url_list
from extract.model import Page

CONTENT_TYPES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/plain",
}
WARC_ENDINGS = (".warc", ".warc.gz")
TABLE_ENDINGS = (".csv", ".tsv")
LIST_ENDING = ".urls"


class NothingToLoad(Exception):
    """A path does not exist, or holds nothing that can be loaded."""


class FileKind(StrEnum):
    PAGE = "page"
    WARC = "warc"
    LIST = "list"


def kind_of(file: Path) -> FileKind | None:
    """What a file is by its name, and a text by its lines too: a list of URLs is no article. None for another kind.

    Raises OSError.
    """
    name = file.name.lower()
    if name.endswith(WARC_ENDINGS):
        return FileKind.WARC
    if name.endswith((*TABLE_ENDINGS, LIST_ENDING)):
        return FileKind.LIST
    if name.endswith((".txt", ".text")) and is_url_list(_text_of(file)):
        return FileKind.LIST
    return FileKind.PAGE if file.suffix.lower() in CONTENT_TYPES else None


def read_list(file: Path) -> Listing:
    """The entries that a list or table announces. Raises NothingToLoad."""
    try:
        text = _text_of(file)
        return read_table(text) if file.name.lower().endswith(TABLE_ENDINGS) else read_url_list(text)
    except NotAList as fault:
        raise NothingToLoad(f"{file} is no list of URLs: {fault}") from fault
    except OSError as error:
        raise NothingToLoad(f"{file} cannot be read: {error.strerror}") from error


def _text_of(file: Path) -> str:
    return decode(file.read_bytes(), "text/plain", None)


def read_file(file: Path) -> Page:
    """The file as if it had been fetched when it was last written; a name without a known ending is taken for HTML."""
    return Page(
        url=file.absolute().as_uri(),
        final_url=file.absolute().as_uri(),
        status=200,
        headers=(("Content-Type", CONTENT_TYPES.get(file.suffix.lower(), "text/html")),),
        body=file.read_bytes(),
        fetched_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
    )


def find_files(path: Path) -> Iterator[Path]:
    """The file itself, or all pages and WARC files below the folder.

    Lists are read only where they are named: what lies in a folder sends nobody to the web.
    Raises NothingToLoad when there are none.
    """
    if not path.exists():
        raise NothingToLoad(f"there is no file or folder {path}")
    endings = (*CONTENT_TYPES, *WARC_ENDINGS)
    if path.is_file():
        endings = (*endings, *TABLE_ENDINGS, LIST_ENDING)
    candidates = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    found = [file for file in candidates if file.name.lower().endswith(endings)]
    if not found:
        verb = "is" if path.is_file() else "holds"
        raise NothingToLoad(f"{path} {verb} nothing that can be loaded ({', '.join(endings)})")
    yield from found
