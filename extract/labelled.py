"""I/O: pages and lines that people have labelled with what is right, one JSON object a line.

A line that cannot be used is told with its number, and costs only itself.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from extract.files import CONTENT_TYPES
from extract.model import Page, Said

TRUTH = "truth.jsonl"  # beside the pages that it is about
_PACKED = ".gz"

_T = TypeVar("_T")


class BadLabels(Exception):
    """There are no labels in that place: why, in one sentence for the user."""


class Unusable(Exception):
    """What is wrong with one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPage:
    """One page of a folder, and what is right about it."""

    path: Path
    file: str  # its name in the labels
    url: str | None
    language: str | None  # ISO 639-1, of the truth; a reader is not told
    truth: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledLines:
    """A document as lines of text, as other extractors leave it."""

    id: str
    language: str | None  # a prior for the reader
    url: str | None
    lines: tuple[str, ...]
    keep: tuple[bool | None, ...]  # which lines are its text; None where nobody has said


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What could not be used of some labels, and why."""

    place: str  # 'line 3', from 1, or the name of a page
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled(Generic[_T]):
    """What a file of labels holds, in its order."""

    items: tuple[_T, ...]
    faults: tuple[Fault, ...]


def labelled_pages(folder: Path) -> Labelled[LabelledPage]:
    """The pages that `truth.jsonl` in the folder is about. Raises BadLabels without that file."""
    return _unrepeated(folder / TRUTH, lambda told: _page(folder, told), lambda page: page.file)


def labelled_lines(file: Path) -> Labelled[LabelledLines]:
    """The documents of a file. Raises BadLabels when it cannot be read."""
    return _unrepeated(file, _document, lambda document: document.id)


def read_labelled(labelled: LabelledPage, now: datetime) -> Page:
    """The page as if it had been fetched now: when that was nobody has noted.

    Raises OSError, also for a packed file that is damaged.
    """
    packed = labelled.path.read_bytes()
    name = labelled.path.name.lower()
    ending = Path(name.removesuffix(_PACKED)).suffix
    url = labelled.url or labelled.path.absolute().as_uri()
    return Page(
        url=url,
        final_url=url,
        status=200,
        headers=(("Content-Type", CONTENT_TYPES.get(ending, "text/html")),),
        body=_unpacked(packed) if name.endswith(_PACKED) else packed,
        fetched_at=now,
    )


def write_objects(file: Path, objects: Iterable[Any]) -> None:
    """Write dataclasses as JSON, one a line. Raises OSError."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in objects)


def _unpacked(packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed)
    except (EOFError, zlib.error) as error:
        raise OSError(0, f"damaged: {error}") from error


def _unrepeated(file: Path, read: Callable[[Mapping[str, Any]], _T], name: Callable[[_T], str]) -> Labelled[_T]:
    """What each line of the file says, read by `read`; names come once."""
    items: dict[str, _T] = {}
    faults: list[Fault] = []
    for number, line in _lines_of(file):
        try:
            item = read(json_object(line))
            if name(item) in items:
                raise Unusable(f"'{name(item)}' came before")
        except Unusable as fault:
            faults.append(Fault(place=f"line {number}", why=str(fault)))
        else:
            items[name(item)] = item
    return Labelled(items=tuple(items.values()), faults=tuple(faults))


def _lines_of(file: Path) -> Iterable[tuple[int, bytes]]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadLabels(f"{file} cannot be read: {error.strerror}.") from error
    return ((number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip())


def json_object(line: bytes) -> Mapping[str, Any]:
    """What one line says. Raises Unusable."""
    try:
        told = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unusable(f"it is not written in UTF-8 (at byte {error.start})") from error
    except ValueError as error:
        raise Unusable(f"it is no JSON: {error}") from error
    except RecursionError as error:
        raise Unusable("it is no JSON that can be read: nested too deeply") from error
    if not isinstance(told, dict):
        raise Unusable("it is no JSON object")
    return told


def _page(folder: Path, told: Mapping[str, Any]) -> LabelledPage:
    file = _needed(told, "file")
    path = folder / file
    if not path.is_file():
        raise Unusable(f"there is no file {path}")
    truth = Said(
        text=_needed(told, "text"),
        title=_text(told, "title"),
        authors=_names(told.get("authors") or ()),
        date=_text(told, "date"),
    )
    return LabelledPage(path=path, file=file, url=_text(told, "url"), language=_text(told, "lang"), truth=truth)


def _document(told: Mapping[str, Any]) -> LabelledLines:
    lines, paired = _read_lines(told)
    return LabelledLines(
        id=_needed(told, "id"),
        language=_text(told, "lang"),
        url=_text(told, "url"),
        lines=lines,
        keep=paired or _labels(told, len(lines)),
    )


def _read_lines(told: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[bool, ...] | None]:
    """The lines, and their labels where each line bears its own: `["a line", true]`."""
    lines = told.get("lines")
    if not isinstance(lines, list):
        raise Unusable("it has no list 'lines'")
    if lines and all(isinstance(line, list) and [type(part) for part in line] == [str, bool] for line in lines):
        return tuple(text for text, _ in lines), tuple(keep for _, keep in lines)
    if not all(isinstance(line, str) for line in lines):
        raise Unusable("its 'lines' are not all text")
    return tuple(lines), None


def _labels(told: Mapping[str, Any], count: int) -> tuple[bool | None, ...]:
    labels = told.get("keep", told.get("labels"))
    if labels is None:
        return (None,) * count
    if not isinstance(labels, list) or not all(label is None or isinstance(label, bool) for label in labels):
        raise Unusable("its labels are no list of true and false")
    if len(labels) != count:
        raise Unusable(f"it has {count} lines and {len(labels)} labels")
    return tuple(labels)


def _needed(told: Mapping[str, Any], key: str) -> str:
    value = _text(told, key)
    if value is None:
        raise Unusable(f"it has no '{key}'")
    return value


def _text(told: Mapping[str, Any], key: str) -> str | None:
    value = told.get(key)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"its '{key}' is no text")
    return value


def _names(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise Unusable("its 'authors' are no list of names")
    return tuple(names)
