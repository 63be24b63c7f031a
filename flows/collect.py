"""collect: entries that are due → what the web answers → pages in the archive, one row each.

A stream: entries are claimed as there is room for them, fetched on a thread of their own (flows/web.py), and stored in
batches as the answers arrive. A slow host holds up nothing but itself.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from extract.feedtext import feed_page
from extract.model import FetchPolicy, NotModified, Page, PauseScope, Rejection
from extract.warc import write_pages
from flows.bookkeeping import on_record
from flows.store import Store, open_store, read_sources, warc_name
from flows.web import Answered, BatchSize, Fault, Web
from load import entries, pages
from load.claims import LEASE
from load.engine import worker
from load.entries import ENTRIES_PER_DOMAIN, ClaimedEntry, Failure, Outcome
from load.pages import FetchedPage
from load.provenance import known_of

TICK_S = 0.25  # between two looks for what is due: a domain's entries last longer, at the usual gap
RESTING_TICK_S = 2.0  # where a look has found nothing, and since then no domain has come to need more
BATCH_BYTES = 32_000_000  # of pages in one file, before compression: what is in memory twice while it is written
BATCH_AGE_S = (2.0, 60.0)  # least and most that an answer waits to be stored
BATCH_AGE_SHARE = 0.2  # of the time since the run began: files stay few, and a crash loses little


@flow(name="collect", validate_parameters=False)
def collect(names: Sequence[str] = ()) -> dict[str, int]:
    """Fetch every entry that is due, of these sources or of all. Answers counts by what came."""
    with open_store() as store, worker(store.engine) as me:
        files = read_sources(store.settings.sources, store.settings.fetch_policy)
        policies: dict[str, FetchPolicy] = {source.name: source.fetch for source in files}
        resting = [source.name for source in files if not source.enabled]
        with on_record(store, "collect") as (_, counts), Web(store.settings.fetches) as web:
            for batch in answers(store, web, Queue(store, me, names, resting), policies):
                counts.update(store_batch(store, quote(batch)))
    return dict(counts)


@task(name="store batch", cache_policy=NO_CACHE)
def store_batch(store: Store, batch: Sequence[Answered]) -> dict[str, int]:
    """Archive the pages of this batch and record every answer, each kind of them at once."""
    now = datetime.now(UTC)
    counts = _store_pages(store, batch, now)
    counts += _store_rejections(store, batch, now)
    counts += _store_faults(store, batch, now)
    return dict(counts)


# --- The stream -----------------------------------------------------------------------------------------------


def answers(store: Store, web: Web, queue: Queue, policies: Mapping[str, FetchPolicy]) -> Iterator[list[Answered]]:
    """Batches of answers, until nothing is due and nothing is under way."""
    fallback, began = store.settings.fetch_policy, time.monotonic()
    while True:
        claimed = queue.claim(web.load)
        web.ask([(item, policies.get(item.source, fallback)) for item in claimed])
        over = not claimed and not web.load
        batch = web.take(_batch_size(store, time.monotonic() - began), TICK_S, last=over)
        if batch:
            yield batch
        elif over:
            return


def _batch_size(store: Store, elapsed_s: float) -> BatchSize:
    least_s, most_s = BATCH_AGE_S
    age_s = min(max(BATCH_AGE_SHARE * elapsed_s, least_s), most_s)
    return BatchSize(answers=store.settings.warc_pages, bytes=BATCH_BYTES, age_s=age_s)


class Queue:
    """What is due, claimed bit by bit for this worker, each domain in its turn."""

    def __init__(self, store: Store, me: int, names: Sequence[str], resting: Sequence[str] = ()) -> None:
        self._store = store
        self._me = me
        self._names = names
        self._resting = resting
        self._room = store.settings.fetches * ENTRIES_PER_DOMAIN
        self._domain = ""  # claimed last
        self._looked_at = float("-inf")
        self._found_nothing = False
        self._busy: set[str] = set()  # at the last look
        self._renew_at = time.monotonic() + LEASE.total_seconds() / 3

    def claim(self, load: Counter[str]) -> list[ClaimedEntry]:
        """As many entries as there is room for, if it is time to look; at once when nothing is under way.

        load: how many entries of each domain are under way.
        """
        self._renew()
        now, busy = time.monotonic(), {domain for domain, held in load.items() if held > ENTRIES_PER_DOMAIN // 2}
        rests = self._found_nothing and busy >= self._busy
        if load and now < self._looked_at + (RESTING_TICK_S if rests else TICK_S):
            return []
        claimed = self._claim(self._room - load.total(), busy)
        self._looked_at, self._found_nothing, self._busy = now, not claimed, busy
        return claimed

    def _claim(self, room: int, busy: Collection[str]) -> list[ClaimedEntry]:
        if room <= 0:
            return []
        with self._store.engine.begin() as connection:
            claimed = entries.claim_due(
                connection,
                self._me,
                datetime.now(UTC),
                room,
                names=self._names,
                resting=self._resting,
                after=self._domain,
                busy=busy,
            )
        self._domain = claimed[-1].domain if claimed else self._domain
        return claimed

    def _renew(self) -> None:
        """Hold on to what waits for a slow host, well before the lease is over."""
        if time.monotonic() >= self._renew_at:
            with self._store.engine.begin() as connection:
                entries.renew(connection, self._me, datetime.now(UTC))
            self._renew_at = time.monotonic() + LEASE.total_seconds() / 3


# --- Storing --------------------------------------------------------------------------------------------------


def _store_pages(store: Store, batch: Sequence[Answered], now: datetime) -> Counter[str]:
    """Archive the pages that are new; the entries of the others are unchanged."""
    got = [
        FetchedPage(entry_id=one.item.id, source_id=one.item.source_id, page=one.answer)
        for one in batch
        if isinstance(one.answer, Page)
    ]
    fresh = _archive_fetched(store, got, now)
    same = {page.entry_id for page in got} - fresh
    same |= {one.item.id for one in batch if isinstance(one.answer, NotModified)}
    with store.engine.begin() as connection:
        pages.close_unchanged(connection, same, now)
    return +Counter({"fetched": len(fresh), str(Outcome.UNCHANGED): len(same)})


def _store_rejections(store: Store, batch: Sequence[Answered], now: datetime) -> Counter[str]:
    """Close the entries with a verdict, but for those of which the feed carried a text."""
    refused = {one.item.id: one.answer for one in batch if isinstance(one.answer, Rejection)}
    kept = keep_feed_texts(store, refused, now)
    left = {entry_id: rejection for entry_id, rejection in refused.items() if entry_id not in kept}
    with store.engine.begin() as connection:
        outcomes = entries.reject_all(connection, left, now)
    counts = Counter(f"{outcome}: {left[entry_id].reason}" for entry_id, outcome in outcomes.items())
    return counts + Counter({"kept from the feed": len(kept)})


def _store_faults(store: Store, batch: Sequence[Answered], now: datetime) -> Counter[str]:
    """Make due again later what failed, give back what was not asked for, and leave alone who wants to rest."""
    faults = [(one.item, one.answer) for one in batch if isinstance(one.answer, Fault)]
    if not faults:
        return Counter()
    failed = {
        item.id: Failure(error=fault.error, retry_after_s=fault.retry_after_s) for item, fault in faults if fault.asked
    }
    with store.engine.begin() as connection:
        entries.postpone(connection, _pauses(faults, now), now)
        entries.give_back(connection, {item.id: fault.error for item, fault in faults if not fault.asked})
        outcomes = entries.try_again(connection, failed, now)
    given_up = sum(outcome is Outcome.QUARANTINED for outcome in outcomes.values())
    return +Counter({"to be tried again": len(faults) - given_up, f"{Outcome.QUARANTINED}: fetch": given_up})


def _pauses(faults: Sequence[tuple[ClaimedEntry, Fault]], now: datetime) -> dict[tuple[PauseScope, str], datetime]:
    """Whom to leave alone, and until when."""
    pauses: dict[tuple[PauseScope, str], datetime] = {}
    for item, fault in faults:
        if fault.rests is not PauseScope.URL and fault.retry_after_s:
            key = fault.rests, item.host if fault.rests is PauseScope.HOST else item.domain
            pauses[key] = max(pauses.get(key, now), now + timedelta(seconds=fault.retry_after_s))
    return pauses


def keep_feed_texts(store: Store, refused: Mapping[int, Rejection], now: datetime) -> set[int]:
    """Archive what the feed carried of these entries, in place of the pages refused; answers for which there was such.

    refused: entry → verdict on its page.
    """
    if not refused:
        return set()
    with store.engine.connect() as connection:
        carried = entries.feed_texts(connection, list(refused))
    got = [
        FetchedPage(entry_id=entry_id, source_id=told.source_id, page=page)
        for entry_id, told in carried.items()
        if (page := feed_page(told.url, told.texts, refused[entry_id], now))
    ]
    return _archive_fetched(store, got, now)


def _archive_fetched(store: Store, got: Sequence[FetchedPage], now: datetime) -> set[int]:
    """As `archive_pages`, of what came just now."""
    with store.engine.connect() as connection:
        got = pages.dated(connection, got)
    return archive_pages(store, got, now)


def archive_pages(store: Store, got: Sequence[FetchedPage], now: datetime) -> set[int]:
    """Put what is new into the archive, then on record; answers the entries that it was of.

    The archive first: a row never points to bytes that are not there.
    """
    with store.engine.connect() as connection:
        fresh = pages.changed(connection, got)
        known = known_of(connection, [item.entry_id for item in fresh])
    if fresh:
        beside = [replace(known[item.entry_id], opt_outs=item.page.opt_outs) for item in fresh]
        places = write_pages(store.archive, warc_name(store, now), [item.page for item in fresh], beside)
        with store.engine.begin() as connection:
            pages.keep(connection, fresh, places)
    return {item.entry_id for item in fresh}
