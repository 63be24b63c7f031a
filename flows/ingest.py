"""ingest: unread pages → articles, cleaned and fingerprinted → settled in their stories. No web here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from extract.model import Rejection
from flows.bookkeeping import on_record
from flows.collect import keep_feed_texts
from flows.isolation import Broken, Done, Workers, workers
from flows.reading import be_quiet, read_archived_page
from flows.store import Store, open_store
from load import entries, expectations, pages, revisions
from load.engine import worker
from load.entries import Outcome
from load.pages import UnreadPage
from load.revisions import Reading
from load.settle import settle
from transform.read import ReadPage, ReadSpec
from transform.verify import MatchPolicy


@flow(name="ingest", validate_parameters=False)
def ingest() -> dict[str, int]:
    """Read every unread page and place what is read in its story. Answers counts.

    Of all sources: pages are settled in the order of their ids, so unread ones of one source would hold up the others.
    """
    with open_store() as store, worker(store.engine) as me:
        settings = store.settings
        with (
            on_record(store, "ingest") as (_, counts),
            workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers,
        ):
            while batch := _claim(store, me):
                counts.update(read_batch(store, readers, batch))
                counts.update(settle_batch(store))
            counts.update(settle_batch(store))  # what another worker's pages held up until now
    return dict(counts)


@task(name="read batch", cache_policy=NO_CACHE)
def read_batch(store: Store, readers: Workers, batch: Sequence[UnreadPage]) -> dict[str, int]:
    """Read these pages, each alone in a worker process, and store what they gave."""
    spec = ReadSpec(profile=store.settings.profile)
    with store.engine.connect() as connection:
        announced = entries.announcements(connection, [unread.entry_id for unread in batch])
    calls = [(store.archive, unread.place, announced[unread.entry_id], spec) for unread in batch]
    results = readers.map(read_archived_page, calls)
    counts = _store_results(store, batch, results, spec.digest)
    with store.engine.begin() as connection:
        sources = {unread.source_id for unread in batch}
        counts["breaches begun"] = expectations.check_shares(connection, datetime.now(UTC), sources).breaches
    return dict(+counts)


@task(name="settle", cache_policy=NO_CACHE)
def settle_batch(store: Store) -> dict[str, int]:
    """Settle all that is ready, in transactions of one batch each."""
    counts: Counter[str] = Counter()
    while (done := settle(store.engine, MatchPolicy(), datetime.now(UTC), store.settings.batch)).pages:
        counts.update(done.outcomes)
    return dict(counts)


def _claim(store: Store, me: int) -> list[UnreadPage]:
    with store.engine.begin() as connection:
        return pages.claim_unread(connection, me, datetime.now(UTC), store.settings.batch)


def _store_results(
    store: Store, batch: Sequence[UnreadPage], results: Sequence[Done[ReadPage | Rejection] | Broken], digest: bytes
) -> Counter[str]:
    """Keep what could be read, end what could not; a page that broke stays in the queue for another try."""
    now = datetime.now(UTC)
    readings: list[Reading] = []
    counts: Counter[str] = Counter()
    rejected: list[tuple[UnreadPage, Rejection]] = []
    for unread, result in zip(batch, results, strict=True):
        match result:
            case Done(value=ReadPage() as read):
                readings.append(
                    Reading(
                        page_id=unread.id,
                        clean=read.clean,
                        print=read.print,
                        read_spec=digest,
                    )
                )
            case Done(value=Rejection() as rejection):
                rejected.append((unread, rejection))
            case Broken():
                counts[_fail(store, unread, result.error, now)] += 1
    counts.update(_reject(store, rejected, now))
    refused = revisions.keep_all(store.engine, readings, now)
    by_page = {unread.id: unread for unread in batch}
    counts.update(_quarantine(store, by_page[page_id], error, now) for page_id, error in refused.items())
    counts.update({"read": len(readings) - len(refused)})
    return +counts


def _reject(store: Store, rejected: Sequence[tuple[UnreadPage, Rejection]], now: datetime) -> Counter[str]:
    """Close the entries of pages that are no articles; where the feed carried more than the page, that is read next."""
    by_entry = {unread.entry_id: rejection for unread, rejection in rejected}
    kept = keep_feed_texts(store, by_entry, now)
    left = {entry_id: rejection for entry_id, rejection in by_entry.items() if entry_id not in kept}
    with store.engine.begin() as connection:
        outcomes = entries.reject_all(connection, left, now)
        pages.mark_read(connection, [unread.id for unread, _ in rejected], now, settled=True)
    counts = Counter(f"{outcome}: {left[entry_id].reason}" for entry_id, outcome in outcomes.items())
    return counts + Counter({"kept from the feed": len(kept)})


def _fail(store: Store, unread: UnreadPage, error: str, now: datetime) -> str:
    """Reading broke: another try, or quarantine when it has broken too often."""
    if unread.attempts + 1 >= pages.MAX_ATTEMPTS:
        return _quarantine(store, unread, error, now)
    with store.engine.begin() as connection:
        pages.release(connection, unread.id)
    return "to be tried again"


def _quarantine(store: Store, unread: UnreadPage, error: str, now: datetime) -> str:
    """The page stays in the archive, its entry says what broke; the line goes on without it."""
    with store.engine.begin() as connection:
        entries.close(connection, [unread.entry_id], Outcome.QUARANTINED, now, reason="read", detail=error)
        pages.mark_read(connection, [unread.id], now, settled=True)
    return f"{Outcome.QUARANTINED}: read"
