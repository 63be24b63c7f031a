"""A Source as the text of its TOML file, small edits of that text, and names for new files. Pure.

What is written is read back as the same Source by extract.catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any
from unicodedata import normalize

import tomlkit
from tomlkit.items import InlineTable, Item, Table

from extract.catalogue import KEYS
from extract.model import Bound, FeedKind, FetchPolicy, OnBreach, PollPolicy, Source, SourceName
from extract.text import folded
from extract.urls import registrable_domain

MAX_NAME_CHARS = 60
MAX_TITLE_CHARS = 200

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"})


class FileExists(Exception):
    """A new source's file is there already."""


def source_text(
    source: Source, notes: Mapping[str, str] | None = None, defaults: FetchPolicy | None = None, *, opening: str = ""
) -> str:
    """The TOML that says what this source is, without what holds anyway.

    notes: key, such as 'interval_minutes' or 'expect.languages', → comment behind it
    defaults: the manners that need no word
    opening: a comment above all
    """
    tables = {
        "": _identity(source) | _rhythm(source.polling, bool(notes and "interval_minutes" in notes)),
        "fetch": _manners(source.fetch, defaults or FetchPolicy()),
        "expect": _expectations(source),
        "urls": {"keep": list(source.urls.keep), "drop": list(source.urls.drop)},
    }
    document = tomlkit.document()
    for line in opening.splitlines():
        document.add(tomlkit.comment(line))
    for name, values in tables.items():
        said = {key: value for key, value in values.items() if value not in (None, [], "")}
        if said:
            _write(document, name, said, notes or {})
    return tomlkit.dumps(document)


def with_enabled(text: str, enabled: bool) -> str:
    """The file's text with the source switched on or off; comments and all else stay as they are."""
    document = tomlkit.parse(text)
    document.pop("enabled", None)
    kept = tomlkit.dumps(document)
    return kept if enabled else f"enabled = false\n{kept}"  # above all tables, wherever the first one begins


def name_for(url: str, taken: Collection[str] = ()) -> SourceName:
    """A name for the source at this address that none of `taken` has: the domain without its suffix."""
    domain = registrable_domain(url).removeprefix("www.")
    return free_name(domain.partition(".")[0] if re.search("[a-z]", domain) else domain, taken)


def free_name(text: str, taken: Collection[str] = ()) -> SourceName:
    """The text in the letters of a source's name, with a number behind it where the name is taken."""
    stem = slug(text)
    number = 1
    name = stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return SourceName(name)


def title_of(text: str | None) -> str | None:
    """The text as a source's title: one line of what can be printed; None where nothing is left."""
    return folded("".join(filter(str.isprintable, folded(text or ""))))[:MAX_TITLE_CHARS].strip() or None


def slug(text: str) -> str:
    """The text in small letters, digits and '-'; 'source' where none of it can be written so."""
    plain = normalize("NFKD", text.casefold().translate(_PLAIN_LETTERS))
    ascii_only = plain.encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", ascii_only)[:MAX_NAME_CHARS].strip("-") or "source"


def _identity(source: Source) -> dict[str, Any]:
    of_kind = {kind: [feed.url for feed in source.feeds if feed.kind is kind] for kind in FeedKind}
    return {
        "title": source.title,
        "homepage": source.homepage,
        "language": source.language,
        "country": source.country,
        "tier": source.tier if source.tier != 2 else None,
        "agency": source.agency,
        "enabled": None if source.enabled else False,
        "feeds": of_kind[FeedKind.FEED],
        "sitemaps": of_kind[FeedKind.SITEMAP],
    }


def _rhythm(polling: PollPolicy, is_noted: bool) -> dict[str, Any]:
    """Intervals in minutes; a bound that the interval implies is left out, as extract.catalogue puts it in again."""
    usual, first_s = PollPolicy(), polling.first_interval_s
    return {
        "interval_minutes": _minutes(first_s) if is_noted or first_s != usual.first_interval_s else None,
        "min_interval_minutes": _bound_minutes(polling.min_interval_s, min(usual.min_interval_s, first_s)),
        "max_interval_minutes": _bound_minutes(polling.max_interval_s, max(usual.max_interval_s, first_s)),
    }


def _bound_minutes(bound_s: float, implied_s: float) -> float | None:
    return _minutes(bound_s) if bound_s != implied_s else None


def _minutes(seconds: float) -> float:
    return _short(seconds / 60)


def _short(number: float) -> float:
    return int(number) if number == int(number) else number


def _manners(policy: FetchPolicy, defaults: FetchPolicy) -> dict[str, Any]:
    values = {key: getattr(policy, key) for key in KEYS["fetch."]}
    return {key: _plain(value) for key, value in values.items() if value != getattr(defaults, key)}


def _expectations(source: Source) -> dict[str, Any]:
    expect = source.expect
    return {
        "entries_per_day": _limits(expect.entries_per_day),
        "dated_share": _limits(expect.dated_share),
        "short_share": _limits(expect.short_share),
        "languages": list(expect.languages),
        "on_breach": str(expect.on_breach) if expect.on_breach is not OnBreach.WARN else None,
    }


def _limits(bound: Bound | None) -> InlineTable | None:
    if bound is None:
        return None
    table = tomlkit.inline_table()
    table.update({key: _short(value) for key in ("min", "max") if (value := getattr(bound, key)) is not None})
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, StrEnum):
        return str(value)
    return _short(value) if isinstance(value, float) else value


def _write(document: tomlkit.TOMLDocument, name: str, values: Mapping[str, Any], notes: Mapping[str, str]) -> None:
    """The values into the table of that name, or above all tables."""
    target: tomlkit.TOMLDocument | Table = tomlkit.table() if name else document
    for key, value in values.items():
        item = _as_lines(value) if isinstance(value, list) and key in ("feeds", "sitemaps") else tomlkit.item(value)
        if note := notes.get(f"{name}.{key}" if name else key):
            item.comment(note)
            item.trivia.comment_ws = "  "
        target.add(key, item)
    if name:
        document.add(tomlkit.nl())
        document.add(name, target)


def _as_lines(urls: list[str]) -> Item:
    """An array with a line for each URL, once there are several."""
    array = tomlkit.array()
    array.extend(urls)
    return array.multiline(len(urls) > 1)
