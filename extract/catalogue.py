"""One publisher's TOML file as a Source, with every fault named in one sentence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from extract.model import Feed, FeedKind, FetchPolicy, Source, SourceName
from extract.urls import BadUrl, normalize_url

NETWORKS = frozenset({"loopback", "private"})

_DEFAULTS = FetchPolicy()
_NAME = re.compile(r"[a-z0-9-]+")
_T = TypeVar("_T")


class BadSource(ValueError):
    """A source file that cannot be used as it stands."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(name, fault)
        self.name = name
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.name}.toml: {self.fault}"


def read_source(text: str, name: str, defaults: FetchPolicy = _DEFAULTS) -> Source:
    """The publisher that a TOML text describes.

    name: the file's name without `.toml`; it is the source's name everywhere
    defaults: what holds where the file's [fetch] table says nothing
    Raises BadSource.
    """
    if not _NAME.fullmatch(name):
        raise BadSource(name, "a file name must be made of small letters, digits and '-'")
    table = _Table(name, "", _toml(text, name))
    table.refuse_others()
    return Source(
        name=SourceName(name),
        title=table.required("title", _TEXT),
        homepage=table.optional("homepage", _URL),
        language=table.optional("language", _LANGUAGE),
        country=table.optional("country", _COUNTRY),
        tier=table.optional("tier", _TIER) or 2,
        feeds=_feeds(table),
        interval_s=60.0 * (table.optional("interval_minutes", _MINUTES) or 15),
        fetch=_fetch_policy(_Table(name, "fetch.", table.optional("fetch", _TABLE) or {}), defaults),
    )


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadSource(name, f"no valid TOML: {fault}") from fault


def _feeds(table: _Table) -> tuple[Feed, ...]:
    kinds = (("feeds", FeedKind.FEED), ("sitemaps", FeedKind.SITEMAP))
    feeds = tuple(Feed(url=url, kind=kind) for key, kind in kinds for url in table.optional(key, _URLS) or ())
    seen: set[str] = set()
    for feed in feeds:
        normal = normalize_url(feed.url)
        if normal in seen:
            raise BadSource(table.name, f"{feed.url} stands twice among 'feeds' and 'sitemaps'")
        seen.add(normal)
    return feeds


def _fetch_policy(table: _Table, defaults: FetchPolicy) -> FetchPolicy:
    """The defaults with what the file sets; `connect_to` is for whoever starts the program, never for a file."""
    said = {key: table.optional(key, kind) for key, kind in _FETCH.items()}
    table.refuse_others()
    return replace(defaults, **{key: value for key, value in said.items() if value is not None})


# --- Values and what is expected of them ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind(Generic[_T]):
    expected: str  # follows 'must be'
    read: Callable[[Any], _T | None]  # None for a value of another kind


@dataclass(frozen=True, slots=True)
class _Table:
    """One TOML table, and which of its keys have a meaning."""

    name: str
    prefix: str
    values: Mapping[str, Any]

    def required(self, key: str, kind: _Kind[_T]) -> _T:
        value = self.optional(key, kind)
        if value is None:
            raise BadSource(self.name, f"'{self.prefix}{key}' is missing; it must be {kind.expected}")
        return value

    def optional(self, key: str, kind: _Kind[_T]) -> _T | None:
        if key not in self.values:
            return None
        value = kind.read(self.values[key])
        if value is None:
            raise BadSource(self.name, f"'{self.prefix}{key}' must be {kind.expected}, not {self.values[key]!r}")
        return value

    def refuse_others(self) -> None:
        """Raise BadSource for the first key without a meaning."""
        known = _FETCH if self.prefix else _SOURCE
        for key in self.values:
            if key not in known:
                close = get_close_matches(key, known, n=1)
                hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
                raise BadSource(self.name, f"unknown key '{self.prefix}{key}'; {hint}")


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() and value.isprintable() else None


def _url(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return value if normalize_url(value).startswith("http") else None
    except BadUrl:
        return None


def _each(value: Any, read: Callable[[Any], _T | None]) -> tuple[_T, ...] | None:
    """All items of a list, None when it is no list or one of them is of another kind."""
    if not isinstance(value, list):
        return None
    items = tuple(item for item in map(read, value) if item is not None)
    return items if len(items) == len(value) else None


def _number(least: float) -> Callable[[Any], float | None]:
    def read(value: Any) -> float | None:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if right and least <= value < float("inf") else None

    return read


def _whole(values: Iterable[int]) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) and value in values else None

    return read


def _matching(pattern: str) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        return value if isinstance(value, str) and re.fullmatch(pattern, value) else None

    return read


def _networks(value: Any) -> frozenset[str] | None:
    named = _each(value, _text)
    return None if named is None or not NETWORKS.issuperset(named) else frozenset(named)


_TEXT = _Kind("a line of text", _text)
_URL = _Kind("an absolute http or https URL", _url)
_URLS = _Kind("a list of absolute http or https URLs", lambda value: _each(value, _url))
_LANGUAGE = _Kind("an ISO 639-1 code in small letters, such as 'pl'", _matching("[a-z]{2}"))
_COUNTRY = _Kind("an ISO 3166-1 alpha-2 code in capitals, such as 'PL'", _matching("[A-Z]{2}"))
_TIER = _Kind("1, 2 or 3", _whole((1, 2, 3)))
_MINUTES = _Kind("a number of minutes, at least 1", _number(1))
_SECONDS = _Kind("a number of seconds above 0", _number(0.001))
_TABLE: _Kind[Mapping[str, Any]] = _Kind("a table", lambda value: value if isinstance(value, dict) else None)
_SOURCE = ("title", "homepage", "language", "country", "tier", "feeds", "sitemaps", "interval_minutes", "fetch")
_FETCH: Mapping[str, _Kind[Any]] = {
    "gap_s": _Kind("a number of seconds, 0 or more", _number(0)),
    "timeout_s": _SECONDS,
    "read_timeout_s": _SECONDS,
    "max_bytes": _Kind("a whole number of bytes, at least 1000", _whole(range(1000, 2**40))),
    "max_redirects": _Kind("a whole number from 0 to 20", _whole(range(21))),
    "user_agent": _Kind("a line of text", _text),
    "allow_networks": _Kind("a list of 'loopback' and 'private'", _networks),
}
