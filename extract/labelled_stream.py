"""I/O: articles in order of arrival, one JSON object a line, and a table that says which of them are one story.

Both may be packed by gzip. What is wrong with them is told before anything is done with them, by the first fault.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from extract.labelled import BadLabels, Unusable, json_object

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedArticle:
    """One article as it arrived."""

    id: str
    url: str
    outlet: str | None
    title: str | None
    byline: str | None
    published_at: datetime | None  # aware, UTC
    fetched_at: datetime | None
    text: str  # paragraphs, a blank line between


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLabel:
    """Which story an article is of, and how hard that is to tell."""

    story: str
    family: str | None = None  # such as template or digest
    edit: str | None = None  # what was done to the text of the story, such as trim


def stream_ids(file: Path) -> list[str]:
    """The ids of all articles of the file, in its order. Raises BadLabels for the first line that is of no use."""
    ids: dict[str, None] = {}
    for number, article in _numbered(file):
        if article.id in ids:
            raise BadLabels(f"{file}, line {number}: the id '{article.id}' came before.")
        ids[article.id] = None
    if not ids:
        raise BadLabels(f"{file} has no articles.")
    return list(ids)


def streamed(file: Path, limit: int | None = None) -> Iterator[StreamedArticle]:
    """The articles, one by one, at most so many. Raises BadLabels."""
    return (article for _, article in islice(_numbered(file), limit))


def story_labels(file: Path, known: Collection[str]) -> dict[str, StoryLabel]:
    """Article id → its story, by a CSV file with the columns id and cluster, and perhaps family and edits (or edit).

    known: the articles that there are. Raises BadLabels.
    """
    labels: dict[str, StoryLabel] = {}
    with _open(file) as lines, _told_of(file):
        rows = csv.DictReader(lines)
        if missing := [name for name in ("id", "cluster") if name not in (rows.fieldnames or ())]:
            raise BadLabels(f"{file} has no column '{missing[0]}'; its first line must name id and cluster.")
        for row in rows:
            where = f"{file}, line {rows.line_num}"
            if not row["id"] or not row["cluster"]:
                raise BadLabels(f"{where}: it has no '{'cluster' if row['id'] else 'id'}'.")
            if row["id"] not in known:
                raise BadLabels(f"{where}: there is no article '{row['id']}'.")
            if row["id"] in labels:
                raise BadLabels(f"{where}: the id '{row['id']}' came before.")
            edit = row.get("edits") or row.get("edit") or None
            labels[row["id"]] = StoryLabel(story=row["cluster"], family=row.get("family") or None, edit=edit)
    if not labels:
        raise BadLabels(f"{file} has no rows.")
    return labels


def write_groups(out: TextIO, groups: Mapping[str, str]) -> None:
    """Write a row an article: its id, and what it was grouped under. Raises OSError."""
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["id", "cluster"])
    rows.writerows(groups.items())


@contextmanager
def open_for_groups(file: Path) -> Iterator[TextIO]:
    """The file to write to, packed where its name says so. Raises OSError."""
    if file.name.lower().endswith(".gz"):
        with gzip.open(file, "wt", encoding="utf-8", newline="") as packed:
            yield packed
    else:
        with file.open("w", encoding="utf-8", newline="") as plain:
            yield plain


def _numbered(file: Path) -> Iterator[tuple[int, StreamedArticle]]:
    """The articles with the numbers of their lines, from 1."""
    with _open_bytes(file) as lines, _told_of(file):
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield number, _article(json_object(line))
            except Unusable as fault:
                raise BadLabels(f"{file}, line {number}: {fault}.") from fault


def _article(told: Mapping[str, Any]) -> StreamedArticle:
    return StreamedArticle(
        id=_needed(told, "id"),
        url=_needed(told, "url"),
        outlet=_text(told, "outlet"),
        title=_text(told, "title"),
        byline=_text(told, "byline"),
        published_at=_time(told, "published_at"),
        fetched_at=_time(told, "fetched_at"),
        text=_needed(told, "text", may_be_empty=True),
    )


def _needed(told: Mapping[str, Any], key: str, *, may_be_empty: bool = False) -> str:
    value = told.get(key)
    if not isinstance(value, str):
        raise Unusable(f"it has no '{key}'" if value is None else f"its '{key}' is no text")
    if not value and not may_be_empty:
        raise Unusable(f"its '{key}' is empty")
    return value


def _text(told: Mapping[str, Any], key: str) -> str | None:
    value = told.get(key)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"its '{key}' is no text")
    return value or None


def _time(told: Mapping[str, Any], key: str) -> datetime | None:
    """Unix seconds, or ISO 8601, which is UTC where it names no offset."""
    value = told.get(key)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unusable(f"its '{key}' is no time: {json.dumps(value)}") from error
    raise Unusable(f"its '{key}' is no time: {json.dumps(value)}")


@contextmanager
def _open_bytes(file: Path) -> Iterator[Iterator[bytes]]:
    """The file, unpacked where it is packed, whatever its name."""
    with _told_of(file), file.open("rb") as raw:
        is_packed = raw.read(2) == _GZIP
        raw.seek(0)
        if not is_packed:
            yield raw
            return
        with gzip.open(raw) as unpacked:
            yield unpacked


@contextmanager
def _open(file: Path) -> Iterator[Iterator[str]]:
    with _open_bytes(file) as raw:
        yield (line.decode("utf-8-sig" if number == 0 else "utf-8") for number, line in enumerate(raw))


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """What keeps a file from being read, as one sentence."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadLabels(f"{file} cannot be unpacked: it is damaged ({error}).") from error
    except UnicodeDecodeError as error:
        raise BadLabels(f"{file} is not written in UTF-8.") from error
    except csv.Error as error:
        raise BadLabels(f"{file} is no table: {error}.") from error
    except OSError as error:
        raise BadLabels(f"{file} cannot be read: {error.strerror or error}.") from error
