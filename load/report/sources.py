"""The catalogue of sources, what each brought and how it fares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, text

from extract.model import Source
from load.report.common import read
from load.sources import Mirror, mirrors

_OfSource = TypeVar("_OfSource", "FeedLine", "BreachLine", Mirror)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What became of all that was announced, by one source or by all."""

    source: str | None  # None for all
    discovered: int = 0
    pending: int = 0
    loaded: int = 0
    unchanged: int = 0
    revised: int = 0
    rejected: int = 0
    quarantined: int = 0
    adds_up: bool = True
    rejected_reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """One feed and how it fares."""

    source: str
    url: str
    kind: str
    state: str = "new"
    state_text: str | None = None
    failures: int = 0
    last_polled_at: datetime | None = None
    last_new_at: datetime | None = None
    next_due_at: datetime | None = None
    entries_24h: int = 0
    entries_7d: int = 0
    volume_state: str | None = None  # of its source


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A source, what it brought, and its feeds."""

    name: str
    title: str
    language: str | None
    country: str | None
    tier: int
    active: bool  # its file is there, or it was loaded by hand
    ledger: Ledger
    feeds: tuple[FeedLine, ...]
    volume_state: str | None = None  # None without feeds
    held_at: datetime | None = None
    breaches: tuple[BreachLine, ...] = ()
    mirrors: tuple[Mirror, ...] = ()  # other feeds that list what its own do
    enabled: bool = True  # its file does not switch it off


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachLine:
    """Something that a source is not, though its file expects it."""

    source: str
    expectation: str
    expected: str
    observed: str
    on_breach: str
    begun_at: datetime
    seen_at: datetime


LEDGER = "SELECT * FROM news.outcome_ledger"
_FEEDS = """
    SELECT source, feed_url AS url, feed_kind AS kind, state, state_text, failures, last_polled_at, last_new_at,
           next_due_at, entries_24h, entries_7d, volume_state
    FROM news.source_health WHERE feed_url IS NOT NULL AND is_active AND retired_at IS NULL ORDER BY source, url"""
BREACHES = """
    SELECT source, expectation, expected, observed, on_breach, begun_at, seen_at
    FROM news.expectation_breach WHERE ended_at IS NULL ORDER BY begun_at DESC, id DESC"""


def sources(connection: Connection, files: Sequence[Source] = ()) -> tuple[SourceLine, ...]:
    """The catalogue by name, as the store knows it, and with it the source files that it has not seen yet."""
    ledgers = {line.source: line for line in read(connection, Ledger, LEDGER)}
    feeds = _by_source(read(connection, FeedLine, _FEEDS))
    breaches = _by_source(read(connection, BreachLine, BREACHES))
    pairs = mirrors(connection)
    alike = _by_source([*pairs, *(pair.turned() for pair in pairs if pair.source != pair.other_source)])
    query = "SELECT name, title, language, country, tier, active, held_at FROM storyfold.source"
    stored = {
        row["name"]: SourceLine(
            **row,
            ledger=ledgers[row["name"]],
            feeds=feeds[row["name"]],
            volume_state=next((feed.volume_state for feed in feeds[row["name"]]), None),
            breaches=breaches[row["name"]],
            mirrors=alike[row["name"]],
        )
        for row in connection.execute(text(query)).mappings()
    }
    unseen = {file.name: _unseen(file) for file in files}
    switched_off = {file.name for file in files if not file.enabled}
    lines = (unseen | stored).values()
    return tuple(
        replace(line, enabled=line.name not in switched_off) for line in sorted(lines, key=lambda each: each.name)
    )


def _by_source(lines: Iterable[_OfSource]) -> Mapping[str, tuple[_OfSource, ...]]:
    found: defaultdict[str, tuple[_OfSource, ...]] = defaultdict(tuple)
    for line in lines:
        found[line.source] += (line,)
    return found


def _unseen(file: Source) -> SourceLine:
    return SourceLine(
        name=file.name,
        title=file.title,
        language=file.language,
        country=file.country,
        tier=file.tier,
        active=True,
        ledger=Ledger(source=file.name),
        feeds=tuple(FeedLine(source=file.name, url=feed.url, kind=feed.kind) for feed in file.feeds),
    )
