"""backfill: what was published before, from sitemaps, lists of URLs and WARC files → entries and pages, which then go
the usual way, behind what is fresh.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from prefect import flow

from extract.model import Source
from extract.urls import domain_of
from extract.warc_choice import Choice, hosts_named
from extract.warc_files import find_warcs
from flows.asked import Asked, BadRequest, check, listings, moment
from flows.bookkeeping import on_record, show_summary
from flows.collect import collect
from flows.ingest import ingest
from flows.lists import Wanted, announce, choose
from flows.past import Found, Plan, gaps_in, plan_for, record, search, slowest_s, spans_of
from flows.run import Summary, as_markdown, figures_of, summarise
from flows.sample import FilesPlan, sample
from flows.store import Store, follow_catalogue, open_store
from flows.upkeep import upkeep
from flows.warcs import WarcJob, by_domain, index_and_read
from load import backfills, entries, sources
from load.runs import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlan:
    """What lists of URLs name, and what fetching it takes."""

    listed: int
    new: int
    left_out: dict[str, int]
    at_least_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What former backfills have found and nobody has fetched yet."""

    entries: int
    of: int  # that they have found
    at_least_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What there is to be done."""

    plans: tuple[Plan, ...] = ()
    lists: ListPlan | None = None
    files: FilesPlan | None = None
    left: Left | None = None
    at_least_s: float = 0.0  # all of it: the slowest domain, and the reading of the files


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    outlook: Outlook
    summary: Summary | None  # None where only the plan was asked for
    matched: bool = True  # false where files or lists hold nothing of the hosts and the time that were asked for


Approve = Callable[[Outlook], bool]


@flow(name="backfill", validate_parameters=False)
def backfill(
    sources: list[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    gaps: bool = False,
    warc: list[str] | None = None,
    base: str | None = None,
    urls: list[str] | None = None,
    hosts: list[str] | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> Backfilled:
    """Bring what these sources, or all, published in a span of time, or what WARC files or lists of URLs hold of it.

    since, until: as '2026-03-01' or '2026-03-01T10:00+01:00', UTC where no zone is named; until ends the span, without
    itself. gaps: the coverage gaps on record instead, which then count as looked into.
    warc: files, folders, patterns, URLs, lists of paths; base: what such a list's paths are relative to.
    urls: addresses, and files that list some. hosts: of files and lists, only these and what is below them.
    limit: new entries of WARC files. dry_run: only tell the plan.
    """
    asked = Asked(
        sources=tuple(sources or ()),
        since=moment(since),
        until=moment(until),
        gaps=gaps,
        warcs=tuple(file for name in warc or () for file in find_warcs(name, base)),
        lists=tuple(listings(urls or ())),
        hosts=hosts_named(hosts or ()),
        limit=limit,
    )
    return carry_out(asked, (lambda _: False) if dry_run else None)


def backfill_asking(asked: Asked, approve: Approve) -> Backfilled:
    """The same flow, of values that are read already, once the plan is approved."""
    return flow(name="backfill", validate_parameters=False)(lambda: carry_out(asked, approve))()


def carry_out(asked: Asked, approve: Approve | None) -> Backfilled:
    """Look at what there is, and unless the plan is disapproved of, bring it.

    approve: None goes on without a plan: what one source's archive has is announced before the next is searched.
    """
    check(asked)
    with open_store() as store:
        started = datetime.now(UTC)
        given = given_for(store, asked)
        outlook = Outlook(plans=())
        if approve:
            given, outlook = looked_at(store, asked, given)
            if not approve(outlook):
                return Backfilled(outlook=outlook, summary=None)
        before = figures_of(store.engine)
        with on_record(store, "backfill") as (run_id, counts):
            names = _bring(store, run_id, asked, given, counts)
        if names:
            collect(sorted(names))
        ingest()
        if counts["new"]:
            upkeep()
        summary = summarise(store.engine, store.settings, counts, before, started)
    show_summary(as_markdown(summary))
    matched = bool(counts["announced"]) or not (asked.warcs or asked.lists)
    return Backfilled(outlook=outlook, summary=summary, matched=matched)


# --- What is given --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where it comes from."""

    catalogue: Mapping[str, Source]
    found: Iterable[Found]  # of the sources' archives: searched while it is gone through
    wanted: Wanted | None  # of the lists
    jobs: tuple[WarcJob, ...]


def given_for(store: Store, asked: Asked) -> Given:
    """Where it comes from; archives are searched later, when they are gone through. Raises BadRequest."""
    if asked.is_of_archives or store.settings.sources.is_dir():
        catalogue = follow_catalogue(store, asked.sources if asked.is_of_archives else ())
    else:
        catalogue = {}
    found: Iterable[Found] = ()
    if asked.is_of_archives:
        spans = spans_of(store, catalogue, asked.sources, asked.span)
        found = search(spans, catalogue)
    choice = _choice(store, asked)
    with store.engine.connect() as connection:
        describe = by_domain(None, sources.names_by_domain(connection))
    return Given(
        catalogue=catalogue,
        found=found,
        wanted=choose(store, asked.lists, None, choice, asked.span) if asked.lists else None,
        jobs=tuple(WarcJob(file=file, choice=choice, describe=describe) for file in asked.warcs),
    )


def _choice(store: Store, asked: Asked) -> Choice:
    """The hosts named, and those of the sources named. Raises BadRequest where such a source has none."""
    hosts = set(asked.hosts)
    with store.engine.connect() as connection:
        known = sources.domains_of(connection, asked.sources)
    for name in asked.sources:
        if not known.get(name) and not asked.is_of_archives:
            raise BadRequest(f"Nobody knows on which hosts '{name}' publishes: name them by --host.")
        hosts |= set(known.get(name, ()))
    return Choice(hosts=tuple(sorted(hosts)), since=asked.since, until=asked.until)


def looked_at(store: Store, asked: Asked, given: Given) -> tuple[Given, Outlook]:
    """What is given, with the archives searched, and what that makes to be done."""
    found = tuple(given.found)
    plans = tuple(plan_for(store, one) for one in found)
    fetched = [plan.seconds_by_domain for plan in plans]
    lists = None
    if given.wanted:
        fresh = _unknown(store, given.wanted)
        fetched.append(_pace(given.catalogue, store, fresh))
        lists = ListPlan(
            listed=sum(map(len, given.wanted.entries.values())),
            new=sum(fresh.values()),
            left_out=dict(given.wanted.left_out),
            at_least_s=slowest_s(fetched[-1:]),
        )
    left, pace_of_left = _left(store, given.catalogue)
    files = sample(store, given.jobs, asked.limit) if given.jobs else None
    at_least_s = slowest_s([*fetched, pace_of_left]) + (files.seconds if files else 0.0)
    outlook = Outlook(plans=plans, lists=lists, files=files, left=left, at_least_s=at_least_s)
    return replace(given, found=found), outlook


def _unknown(store: Store, wanted: Wanted) -> Counter[tuple[str, str]]:
    """Of source and domain, how many of the listed entries the ledger has not."""
    fresh: Counter[tuple[str, str]] = Counter()
    with store.engine.connect() as connection:
        for (name, _), listed in wanted.entries.items():
            urls = dict.fromkeys(entry.url for entry in listed)
            known = entries.ids(connection, urls)
            fresh.update((name, domain_of(url)) for url in urls if url not in known)
    return fresh


def _left(store: Store, catalogue: Mapping[str, Source]) -> tuple[Left | None, dict[str, float]]:
    """What former backfills have left to be fetched, and how long each domain of it takes."""
    with store.engine.connect() as connection:
        waiting = backfills.waiting(connection)
        found = backfills.found(connection)
    pace = _pace(catalogue, store, waiting)
    left = Left(entries=waiting.total(), of=found, at_least_s=slowest_s([pace]))
    return (left if waiting else None), pace


def _pace(catalogue: Mapping[str, Source], store: Store, waiting: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """Seconds that each domain takes, at the gap of its source.

    waiting: entries by source and domain
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    for (name, domain), number in waiting.items():
        policy = catalogue[name].fetch if name in catalogue else store.settings.fetch_policy
        seconds[domain] += number * policy.gap_s
    return dict(seconds)


def _bring(store: Store, run_id: RunId, asked: Asked, given: Given, counts: Counter[str]) -> set[str]:
    """Announce and index what is given; answers the sources to fetch from."""
    names = set(asked.sources)
    with store.engine.connect() as connection:
        held = gaps_in(connection, asked.sources, asked.span) if asked.is_of_archives else {}
    for found in given.found:
        names.add(found.source.name)
        counts.update(record(store, run_id, found, held.get(found.source.name, ())))
    if given.wanted:
        names |= given.wanted.names
        counts.update(announce(store, run_id, given.wanted))
    if given.jobs:
        index_and_read(store, run_id, given.jobs, counts, asked.limit)
    return names if given.wanted or asked.is_of_archives else set()
