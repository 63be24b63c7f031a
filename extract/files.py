"""I/O: local HTML and text files as pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from extract.model import Page

CONTENT_TYPES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/plain",
}


class NothingToLoad(Exception):
    """A path does not exist, or holds no HTML or text file."""


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
    """The file itself, or all HTML and text files below the folder.

    Raises NothingToLoad when there are none.
    """
    if not path.exists():
        raise NothingToLoad(f"there is no file or folder {path}")
    if path.is_file():
        found = [path] if _is_known(path) else []
    else:
        found = [file for file in sorted(path.rglob("*")) if file.is_file() and _is_known(file)]
    if not found:
        verb, endings = "is" if path.is_file() else "holds", ", ".join(CONTENT_TYPES)
        raise NothingToLoad(f"{path} {verb} no HTML or text file ({endings})")
    yield from found


def _is_known(file: Path) -> bool:
    return file.suffix.lower() in CONTENT_TYPES
