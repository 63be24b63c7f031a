"""What sources published in a span of time, as their own archives tell: searched, planned, announced."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from extract.fetch import Fetcher
from extract.model import FeedEntry, Source
from extract.spans import Span, is_in
from extract.urls import domain_of
from flows.archive import Archive, search_archive
from flows.store import Store
from load import entries, gaps, sources
from load.engine import Connection
from load.gaps import Gap
from load.runs import RunId

SOURCES_AT_ONCE = 20  # whose archives are in memory together


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the archive of one source has of the span, and what fetching it takes."""

    source: str
    spans: tuple[Span, ...]
    documents: int  # sitemaps and feeds that could be read
    listed: int  # entries of the span
    new: int  # of them, not in the ledger yet
    undated: int  # entries left out, since nothing tells when they were published
    seconds_by_domain: dict[str, float]  # for fetching the new ones at the pace that the source's file allows
    at_least_s: float  # all of them: the domains are asked side by side
    trouble: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What one source's archive has of the spans."""

    source: Source
    spans: tuple[Span, ...]
    archive: Archive


def slowest_s(paces: Iterable[Mapping[str, float]]) -> float:
    """Domains are asked side by side: the one that takes longest decides.

    paces: seconds by domain
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    for pace in paces:
        for domain, taken in pace.items():
            seconds[domain] += taken
    return max(seconds.values(), default=0.0)


def gaps_in(connection: Connection, names: Sequence[str], span: Span | None) -> dict[str, tuple[Gap, ...]]:
    """The open gaps of these sources, or of all, that lie in the span, or anywhere; by source."""
    held: defaultdict[str, tuple[Gap, ...]] = defaultdict(tuple)
    for gap in gaps.open_gaps(connection, names):
        if span is None or (span.since <= gap.since and gap.until <= span.until):
            held[gap.source] += (gap,)
    return dict(held)


def spans_of(
    store: Store, catalogue: Mapping[str, Source], names: Sequence[str], span: Span | None
) -> dict[str, tuple[Span, ...]]:
    """What to look for, source by source: the span; or without one, all gaps."""
    if span is not None:
        return dict.fromkeys(names or sorted(catalogue), (span,))
    with store.engine.connect() as connection:
        held = gaps_in(connection, names, None)
    return {
        name: tuple(Span(gap.since, gap.until) for gap in found) for name, found in held.items() if name in catalogue
    }


def search(spans_of: Mapping[str, tuple[Span, ...]], catalogue: Mapping[str, Source]) -> Iterator[Found]:
    """The sources' archives, a few sources at once: each is asked at its own pace."""
    asked = iter(spans_of.items())
    while some := list(islice(asked, SOURCES_AT_ONCE)):
        yield from asyncio.run(_search_some([(catalogue[name], spans) for name, spans in some]))


async def _search_some(asked: Sequence[tuple[Source, tuple[Span, ...]]]) -> list[Found]:
    async with Fetcher() as web:
        archives = await asyncio.gather(*(search_archive(web, source, spans) for source, spans in asked))
    return [Found(source, spans, archive) for (source, spans), archive in zip(asked, archives, strict=True)]


def plan_for(store: Store, found: Found) -> Plan:
    archive = found.archive
    fresh = _unknown(store, archive)
    by_domain = Counter(domain_of(entry.url) for entry in fresh)
    pace = {domain: number * found.source.fetch.gap_s for domain, number in by_domain.items()}
    return Plan(
        source=found.source.name,
        spans=found.spans,
        documents=archive.documents,
        listed=len(archive.entries),
        new=len(fresh),
        undated=archive.undated,
        seconds_by_domain=pace,
        at_least_s=slowest_s([pace]),
        trouble=tuple(archive.trouble),
    )


def _unknown(store: Store, found: Archive) -> list[FeedEntry]:
    """What the archive lists and the ledger has not."""
    with store.engine.connect() as connection:
        known = entries.ids(connection, found.entries)
    return [entry for url, entry in found.entries.items() if url not in known]


def record(store: Store, run_id: RunId, found: Found, held: Sequence[Gap]) -> dict[str, int]:
    """Announce what was found, and put on record what it fills of the gaps; nothing that could be read fills none."""
    now, archive = datetime.now(UTC), found.archive
    fresh = _unknown(store, archive)
    listed = [replace(entry, updated_at=None) for entry in archive.entries.values()]  # a known one is not fetched anew
    with store.engine.begin() as connection:
        source_id = sources.ensure(connection, found.source.name, found.source.title)
        recorded = entries.record(connection, source_id, listed, run_id, now, backfill=True)
        if archive.documents:
            gaps.close(connection, {gap.id: _number_in(fresh, Span(gap.since, gap.until)) for gap in held}, now)
    counts = {"announced": len(listed), "new": recorded.new, "known": recorded.known, "undated": archive.undated}
    return counts | ({"documents failed": archive.failed} if archive.failed else {})


def _number_in(found: Sequence[FeedEntry], span: Span) -> int:
    return sum(bool(is_in(entry, span)) for entry in found)
