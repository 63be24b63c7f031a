"""One publisher's TOML file as a Source, with every fault named in one sentence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Generic, TypeVar

from extract.model import (
    Bound,
    Expectations,
    Feed,
    FeedKind,
    FetchPolicy,
    OnBreach,
    OptOutPolicy,
    PauseScope,
    PollPolicy,
    Source,
    SourceName,
    UrlParams,
)
from extract.urls import BadUrl, normalize_url

NETWORKS = frozenset({"loopback", "private"})

_DEFAULTS = FetchPolicy()
_NAME = re.compile(r"[a-z0-9-]+")
_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


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
        agency=table.optional("agency", _TEXT),
        feeds=_feeds(table),
        polling=_poll_policy(table),
        fetch=_fetch_policy(table.below("fetch"), defaults),
        expect=_expectations(table.below("expect")),
        urls=_url_params(table.below("urls")),
        enabled=table.optional("enabled", _SWITCH) is not False,
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


def _poll_policy(table: _Table) -> PollPolicy:
    """The interval to begin with, and the bounds; a bound that is not set makes room for the interval."""
    usual = PollPolicy()
    first_s = _seconds(table, "interval_minutes") or usual.first_interval_s
    min_s = _seconds(table, "min_interval_minutes") or min(usual.min_interval_s, first_s)
    max_s = _seconds(table, "max_interval_minutes") or max(usual.max_interval_s, first_s)
    if not min_s <= first_s <= max_s:
        raise BadSource(
            table.name, "'interval_minutes' must lie between 'min_interval_minutes' and 'max_interval_minutes'"
        )
    return replace(usual, first_interval_s=first_s, min_interval_s=min_s, max_interval_s=max_s)


def _seconds(table: _Table, key: str) -> float | None:
    minutes = table.optional(key, _MINUTES)
    return None if minutes is None else 60.0 * minutes


def _expectations(table: _Table) -> Expectations:
    table.refuse_others()
    return Expectations(
        entries_per_day=table.optional("entries_per_day", _BOUND),
        dated_share=table.optional("dated_share", _SHARE),
        short_share=table.optional("short_share", _SHARE),
        languages=table.optional("languages", _LANGUAGES) or (),
        on_breach=table.optional("on_breach", _ON_BREACH) or OnBreach.WARN,
    )


def _url_params(table: _Table) -> UrlParams:
    table.refuse_others()
    keep, drop = table.optional("keep", _PARAMS) or (), table.optional("drop", _PARAMS) or ()
    if both := set(keep) & set(drop):
        raise BadSource(table.name, f"'{min(both)}' stands both in 'urls.keep' and in 'urls.drop'")
    return UrlParams(keep=tuple(sorted(keep)), drop=tuple(sorted(drop)))


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

    def below(self, key: str) -> _Table:
        """The table under this key; an empty one where there is none."""
        return _Table(self.name, f"{key}.", self.optional(key, _TABLE) or {})

    def refuse_others(self) -> None:
        """Raise BadSource for the first key without a meaning."""
        known = KEYS[self.prefix]
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


def _bound(most: float) -> Callable[[Any], Bound | None]:
    """Reads a table of 'min' and 'max', either or both, none above `most`."""
    read_limit = _number(0)

    def read(value: Any) -> Bound | None:
        if not isinstance(value, dict) or not value or not {"min", "max"}.issuperset(value):
            return None
        limits = {key: read_limit(limit) for key, limit in value.items()}
        least, greatest = limits.get("min", 0.0), limits.get("max", most)
        if None in limits.values() or least is None or greatest is None or not least <= greatest <= most:
            return None
        return Bound(**limits)

    return read


def _member(names: type[_E]) -> Callable[[Any], _E | None]:
    return lambda value: names(value) if isinstance(value, str) and value in [*names] else None


_TEXT = _Kind("a line of text", _text)
_URL = _Kind("an absolute http or https URL", _url)
_URLS = _Kind("a list of absolute http or https URLs", lambda value: _each(value, _url))
_LANGUAGE = _Kind("an ISO 639-1 code in small letters, such as 'pl'", _matching("[a-z]{2}"))
_COUNTRY = _Kind("an ISO 3166-1 alpha-2 code in capitals, such as 'PL'", _matching("[A-Z]{2}"))
_TIER = _Kind("1, 2 or 3", _whole((1, 2, 3)))
_SWITCH = _Kind("true or false", lambda value: value if isinstance(value, bool) else None)
_MINUTES = _Kind("a number of minutes, at least 1", _number(1))
_SECONDS = _Kind("a number of seconds above 0", _number(0.001))
_TABLE: _Kind[Mapping[str, Any]] = _Kind("a table", lambda value: value if isinstance(value, dict) else None)
_BOUND = _Kind("a table of 'min' and 'max', such as { min = 20 }", _bound(float("inf")))
_SHARE = _Kind("a table of 'min' and 'max' from 0 to 1, such as { min = 0.9 }", _bound(1))
_LANGUAGES = _Kind(
    "a list of ISO 639-1 codes in small letters, such as ['pl']", lambda value: _each(value, _matching("[a-z]{2}"))
)
_ON_BREACH = _Kind("'warn' or 'stop'", _member(OnBreach))
_PARAMS = _Kind("a list of names of query parameters", lambda value: _each(value, _matching(r"[^\s&=?#]{1,100}")))
_SOURCE = (
    "title", "homepage", "language", "country", "tier", "agency", "feeds", "sitemaps",
    "interval_minutes", "min_interval_minutes", "max_interval_minutes", "enabled", "fetch", "expect", "urls",
)  # fmt: skip
_FETCH: Mapping[str, _Kind[Any]] = {
    "gap_s": _Kind("a number of seconds, 0 or more", _number(0)),
    "concurrency": _Kind("a whole number from 1 to 16", _whole(range(1, 17))),
    "retry_after_scope": _Kind("'url', 'host' or 'domain'", _member(PauseScope)),
    "timeout_s": _SECONDS,
    "read_timeout_s": _SECONDS,
    "max_bytes": _Kind("a whole number of bytes, at least 1000", _whole(range(1000, 2**40))),
    "max_header_bytes": _Kind("a whole number of bytes, at least 1000", _whole(range(1000, 2**30))),
    "max_redirects": _Kind("a whole number from 0 to 20", _whole(range(21))),
    "user_agent": _Kind("a line of text", _text),
    "opt_out": _Kind("'ignore', 'record' or 'obey'", _member(OptOutPolicy)),
    "allow_networks": _Kind("a list of 'loopback' and 'private'", _networks),
}
KEYS: Mapping[str, Collection[str]] = {
    "": _SOURCE,
    "fetch.": _FETCH,
    "expect.": ("entries_per_day", "dated_share", "short_share", "languages", "on_breach"),
    "urls.": ("keep", "drop"),
}
"""Prefix of a table → the keys that have a meaning in it."""
