"""What was known of a page when it was archived, as the JSON of the WARC record beside it. Pure.

With it the archive tells all that reading and the ledger need, and a store can be made from the archive alone. The
shape, version 1; what is empty is left out:

    {"storyfold": 1,
     "source": {"name": "harbour-courier", "title": "Harbour Courier", "homepage": "…", "language": "en",
                "country": "GB", "tier": 2, "agency": "…", "domains": ["…"], "keep": ["…"], "drop": ["…"]},
     "feed": {"url": "…", "kind": "feed"},
     "entry": {"url": "…", "title": "…", "summary": "…", "text": "…", "authors": ["…"],
               "published_at": "2026-03-02T06:40:00+00:00", "updated_at": "…", "first_seen_at": "…"},
     "opt_outs": ["…"]}

A page that is none for an article, the answer of a feed that could not be read, has {"storyfold": 1, "sample_of": URL}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from extract.model import Feed, FeedEntry, FeedKind, SourceName

VERSION = 1


class NotOurs(Exception):
    """The JSON of a record is not what this module writes: why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """What the store knows of a source that reading and grouping need."""

    name: SourceName
    title: str
    tier: int = 2
    homepage: str | None = None
    language: str | None = None
    country: str | None = None
    agency: str | None = None
    domains: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()  # query parameters, as its file says
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who published a page, and what had been announced of it when it was archived."""

    source: Publisher
    entry: FeedEntry
    first_seen_at: datetime
    feed: Feed | None = None
    opt_outs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOf:
    """Says that a page is no article's, but what a feed of this URL answered."""

    url: str


def to_json(known: Provenance | SampleOf) -> bytes:
    """The JSON that goes beside the page."""
    if isinstance(known, SampleOf):
        return _dumped({"sample_of": known.url})
    return _dumped(
        {
            "source": _filled(known.source),
            "feed": known.feed and _filled(known.feed),
            "entry": {**_filled(known.entry), "first_seen_at": known.first_seen_at},
            "opt_outs": known.opt_outs,
        }
    )


def _dumped(told: Mapping[str, Any]) -> bytes:
    said = {"storyfold": VERSION} | {name: value for name, value in told.items() if value}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)
    return text.encode(errors="replace")


def _filled(told: Publisher | Feed | FeedEntry) -> dict[str, Any]:
    """The fields by name, without those that say nothing."""
    return {field.name: value for field in fields(told) if (value := getattr(told, field.name)) not in (None, "", ())}


def from_json(block: bytes) -> Provenance | SampleOf:
    """What `to_json` was given. Raises NotOurs for any other JSON, and for that of a newer version."""
    try:
        told = json.loads(block)
        version = told["storyfold"]
    except (ValueError, TypeError, KeyError) as fault:
        raise NotOurs("it is no JSON of storyfold") from fault
    if version != VERSION:
        raise NotOurs(f"it is of version {version}, and this program reads {VERSION}")
    try:
        return SampleOf(url=told["sample_of"]) if "sample_of" in told else _provenance(told)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise NotOurs(f"something in it is missing or wrong ({fault!r})") from fault


def _provenance(told: Mapping[str, Any]) -> Provenance:
    entry = dict(told["entry"])
    first_seen_at = _time(entry.pop("first_seen_at"))
    return Provenance(
        source=Publisher(**_with_tuples(told["source"], "domains", "keep", "drop")),
        entry=FeedEntry(**_with_times(_with_tuples(entry, "authors"), "published_at", "updated_at")),
        first_seen_at=first_seen_at,
        feed=Feed(url=told["feed"]["url"], kind=FeedKind(told["feed"]["kind"])) if "feed" in told else None,
        opt_outs=tuple(told.get("opt_outs", ())),
    )


def _with_tuples(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: tuple(value) if name in names else value for name, value in told.items()}


def _with_times(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: _time(value) if name in names else value for name, value in told.items()}


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return time
