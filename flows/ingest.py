"""ingest: unread pages → articles, cleaned and fingerprinted → settled in their stories. No web here."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from extract.model import Rejection
from flows.bookkeeping import on_record
from flows.collect import keep_feed_texts
from flows.fingerprints import RENEWED
from flows.isolation import Begun, Broken, Done, Workers, workers
from flows.own_packs import own_rules
from flows.reading import be_quiet, read_archived_page
from flows.store import Store, open_store
from load import entries, expectations, memory, pages, reading_specs, revisions, specs
from load.engine import worker
from load.entries import Outcome
from load.own_rules import undone
from load.pages import ReadBy, UnreadPage
from load.resketch import make_first
from load.revisions import Reading
from load.settle import settle
from transform.minhash import SketchSpec
from transform.read import ReadPage, ReadSpec
from transform.verify import MatchPolicy

_log = logging.getLogger(__name__)

Read = Callable[[Store, Workers, "Underway"], dict[str, int]]
Settle = Callable[[Store], dict[str, int]]

STAYED = "read again in vain"
"""Pages that former rules could read and those of today cannot: what was stored of them stays."""


@flow(name="ingest", validate_parameters=False)
def ingest() -> dict[str, int]:
    """Read every unread page and place what is read in its story. Answers counts.

    Of all sources: pages are settled in the order of their ids, so unread ones of one source would hold up the others.
    """
    with open_store() as store, worker(store.engine) as me:
        settings = store.settings
        with (
            on_record(store, "ingest") as (_, counts),
            workers(settings.processes, settings.read_timeout_s, start=be_quiet, ready="flows.ready") as readers,
        ):
            counts.update(read_waiting(store, me, readers, read=read_batch, settle=settle_batch))
    return dict(counts)


def read_waiting(store: Store, me: int, readers: Workers, *, read: Read, settle: Settle) -> Counter[str]:
    """Read and settle in batches, until nothing waits that this worker may have.

    While one batch is stored and settled, the next is read: two are held, and the processes that read never wait.
    """
    counts: Counter[str] = Counter()
    begun = begin_next(store, me, readers)
    while begun:
        following = begin_next(store, me, readers)
        counts.update(read(store, readers, begun))
        counts.update(settle(store))
        begun = following or begin_next(store, me, readers)  # of the last batch some may have to be tried again
    counts.update(settle(store))  # what another worker's pages held up until now
    return counts


class Underway:
    """A batch of this worker's pages that is being read, each alone in a worker process."""

    def __init__(
        self, batch: Sequence[UnreadPage], reading: Begun[ReadPage | Rejection], read_by: Mapping[int, ReadBy]
    ) -> None:
        self.batch = batch
        self.reading = reading
        self.read_by = read_by  # page id → what reads it


def begin_reading(store: Store, readers: Workers, batch: Sequence[UnreadPage]) -> Underway:
    """These pages, claimed already, on their way through the worker processes."""
    with store.engine.connect() as connection:
        rules = own_rules(store.settings, undone(connection))
        announced = entries.announcements(connection, [unread.entry_id for unread in batch])
        known = memory.memories(connection, {unread.source_id for unread in batch})
        sketch = specs.to_read_by(connection)
    spec = ReadSpec(profile=store.settings.profile, rules=rules, sketch=sketch)
    calls = [
        (store.archive, unread.place, announced[unread.entry_id], spec, known[unread.source_id]) for unread in batch
    ]
    versions = {source_id: ReadBy(spec.digest_with(site), site.version) for source_id, site in known.items()}
    reading = readers.begin(read_archived_page, calls)
    reading_specs.note(store.engine, spec, datetime.now(UTC))
    return Underway(batch, reading, {unread.id: versions[unread.source_id] for unread in batch})


def read_pages(store: Store, readers: Workers, begun: Underway) -> dict[str, int]:
    """Wait until these pages are read, and store what they gave."""
    counts = _store_results(store, begun.batch, readers.finish(begun.reading), begun.read_by)
    with store.engine.begin() as connection:
        sources = {unread.source_id for unread in begun.batch}
        counts["breaches begun"] = expectations.check_shares(connection, datetime.now(UTC), sources).breaches
    return dict(+counts)


def settle_ready(store: Store) -> dict[str, int]:
    """Settle all that is ready, in transactions of one batch each.

    Where this program cannot make fingerprints as the store's are, its own are made of all that is stored first.
    Raises ForeignSpec where those of the store are a newer program's.
    """
    limit, policy = store.settings.batch, MatchPolicy()
    counts = Counter({RENEWED: make_first(store.engine, SketchSpec(), policy, limit, datetime.now(UTC))})
    while (done := settle(store.engine, policy, datetime.now(UTC), limit)).pages:
        counts.update(done.outcomes)
        counts.update({"read again": done.reread})
    return dict(+counts)


def begin_next(store: Store, me: int, readers: Workers) -> Underway | None:
    """The next batch that this worker may have; none when nothing waits."""
    with store.engine.begin() as connection:
        batch = pages.claim_unread(connection, me, datetime.now(UTC), store.settings.batch)
    return begin_reading(store, readers, batch) if batch else None


read_batch = task(name="read batch", cache_policy=NO_CACHE)(read_pages)
settle_batch = task(name="settle", cache_policy=NO_CACHE)(settle_ready)


def _store_results(
    store: Store,
    batch: Sequence[UnreadPage],
    results: Sequence[Done[ReadPage | Rejection] | Broken],
    read_by: Mapping[int, ReadBy],
) -> Counter[str]:
    """Keep what could be read, end what could not; a page that broke stays in the queue for another try.

    read_by: page id → what read it
    """
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
                        read_spec=read_by[unread.id].spec,
                        memory_version=read.memory_version,
                        agreement=read.agreement,
                    )
                )
            case Done(value=Rejection() as rejection):
                rejected.append((unread, rejection))
            case Broken():
                counts[_fail(store, unread, result.error, read_by, now)] += 1
    counts.update(_reject(store, rejected, read_by, now))
    refused = revisions.keep_all(store.engine, readings, now)
    by_page = {unread.id: unread for unread in batch}
    counts.update(_give_up(store, by_page[page_id], error, read_by, now) for page_id, error in refused.items())
    counts.update({"read": len(readings) - len(refused)})
    return +counts


def _reject(
    store: Store, rejected: Sequence[tuple[UnreadPage, Rejection]], read_by: Mapping[int, ReadBy], now: datetime
) -> Counter[str]:
    """Close the entries of pages that are no articles; where the feed carried more than the page, that is read next."""
    by_entry = {unread.entry_id: rejection for unread, rejection in rejected if not unread.again}
    kept = keep_feed_texts(store, by_entry, now)
    left = {entry_id: rejection for entry_id, rejection in by_entry.items() if entry_id not in kept}
    again = [(unread, rejection) for unread, rejection in rejected if unread.again]
    with store.engine.begin() as connection:
        outcomes = entries.reject_all(connection, left, now)
        refused = {unread.entry_id: rejection for unread, rejection in again}
        refused_before = entries.reject_all(connection, refused, now, again=True)
        pages.mark_read(connection, {unread.id: read_by[unread.id] for unread, _ in rejected}, now)
    for unread, rejection in again:
        if unread.entry_id not in refused_before:
            _log.warning("%s read again is no article: %s; it stays as it was", unread.url, rejection.reason)
    counts = Counter(f"{outcome}: {left[entry_id].reason}" for entry_id, outcome in outcomes.items())
    return counts + Counter({"kept from the feed": len(kept), STAYED: len(again)})


def _fail(store: Store, unread: UnreadPage, error: str, read_by: Mapping[int, ReadBy], now: datetime) -> str:
    """Reading broke: another try, or the end when it has broken too often."""
    if unread.attempts + 1 >= pages.MAX_ATTEMPTS:
        return _give_up(store, unread, error, read_by, now)
    with store.engine.begin() as connection:
        pages.release(connection, unread.id)
    return "to be tried again"


def _give_up(store: Store, unread: UnreadPage, error: str, read_by: Mapping[int, ReadBy], now: datetime) -> str:
    """The page stays in the archive, its entry says what broke; the line goes on without it.

    Of a page that was read before, all stays as it was: that reading is better than none.
    """
    with store.engine.begin() as connection:
        pages.release(connection, unread.id)
        pages.mark_read(connection, {unread.id: read_by[unread.id]}, now)
        if not unread.again:
            entries.close(connection, [unread.entry_id], Outcome.QUARANTINED, now, reason="read", detail=error)
            return f"{Outcome.QUARANTINED}: read"
    _log.warning("%s cannot be read again: %s; it stays as it was", unread.url, error)
    return STAYED
