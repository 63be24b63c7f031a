"""backfill: a span of time → what the sources' own archives list of it → entries, which then go the usual way."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from prefect import flow

from extract.fetch import Fetcher
from extract.model import FeedEntry, Source
from extract.spans import Span, is_in
from extract.urls import domain_of
from flows.archive import Archive, search_archive
from flows.bookkeeping import on_record, show_summary
from flows.collect import collect
from flows.ingest import ingest
from flows.run import Summary, as_markdown, figures_of, summarise
from flows.store import Store, follow_catalogue, open_store
from load import entries, gaps, sources
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
    at_least_s: float  # for fetching the new ones at the pace that the source's file allows
    trouble: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    plans: tuple[Plan, ...]
    summary: Summary | None  # None where only the plan was asked for


@flow(name="backfill", validate_parameters=False)
def backfill(names: Sequence[str] = (), span: Span | None = None, *, dry_run: bool = False) -> Backfilled:
    """Look for what these sources, or all, published in the span; fetch what is new and place it in its stories.

    span: none for the coverage gaps on record, which then count as looked into. dry_run: only tell the plan.
    """
    with open_store() as store:
        catalogue = follow_catalogue(store, names)
        started = datetime.now(UTC)
        wanted = wanted_of(store, catalogue, names, span)
        before = figures_of(store.engine)
        if dry_run:
            return Backfilled(plans=tuple(plan_for(store, found) for found in search(wanted, catalogue)), summary=None)
        plans: list[Plan] = []
        with on_record(store, "backfill") as (run_id, counts):
            for found in search(wanted, catalogue):
                plans.append(plan_for(store, found))
                counts.update(record(store, run_id, found, wanted.gaps.get(found.source.name, ())))
        if any(plan.new for plan in plans):
            collect([plan.source for plan in plans])
            ingest()
        summary = summarise(store.engine, store.settings, counts, before, started)
    show_summary(as_markdown(summary))
    return Backfilled(plans=tuple(plans), summary=summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for, source by source, and the gaps that this would fill."""

    spans: Mapping[str, tuple[Span, ...]]
    gaps: Mapping[str, tuple[Gap, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """What one source's archive has of the spans."""

    source: Source
    spans: tuple[Span, ...]
    archive: Archive


def wanted_of(store: Store, catalogue: Mapping[str, Source], names: Sequence[str], span: Span | None) -> Wanted:
    """The span for every source, and the gaps inside it; or, without a span, all gaps."""
    with store.engine.connect() as connection:
        found = [gap for gap in gaps.open_gaps(connection, names) if gap.source in catalogue]
    by_source: defaultdict[str, tuple[Gap, ...]] = defaultdict(tuple)
    for gap in found:
        if span is None or (span.since <= gap.since and gap.until <= span.until):
            by_source[gap.source] += (gap,)
    if span is not None:
        return Wanted(spans=dict.fromkeys(names or sorted(catalogue), (span,)), gaps=by_source)
    spans = {name: tuple(Span(gap.since, gap.until) for gap in held) for name, held in by_source.items()}
    return Wanted(spans=spans, gaps=by_source)


def search(wanted: Wanted, catalogue: Mapping[str, Source]) -> Iterator[Found]:
    """The sources' archives, a few sources at once: each is asked at its own pace."""
    asked = iter(wanted.spans.items())
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
    return Plan(
        source=found.source.name,
        spans=found.spans,
        documents=archive.documents,
        listed=len(archive.entries),
        new=len(fresh),
        undated=archive.undated,
        at_least_s=max(by_domain.values(), default=0) * found.source.fetch.gap_s,
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
        recorded = entries.record(connection, source_id, listed, run_id, now)
        if archive.documents:
            gaps.close(connection, {gap.id: _number_in(fresh, Span(gap.since, gap.until)) for gap in held}, now)
    return {"announced": len(listed), "new": recorded.new, "known": recorded.known, "undated": archive.undated}


def _number_in(found: Sequence[FeedEntry], span: Span) -> int:
    return sum(bool(is_in(entry, span)) for entry in found)
