"""discover: due feeds → what they announce → new entries in the ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from extract.feeds import NotAFeed
from extract.fetch import ConnectionLost, Fetcher, FetchFault, HostPaused, ServerBusy, Timeout
from extract.headers import first_value, fresh_for_s, retry_after_s
from extract.model import FeedDocument, FeedKind, NotModified, Page, Rejection, Source, Validators
from extract.polling import Failed, NotChanged, Read, Same, Weight, Wishes, wants_all
from extract.provenance import SampleOf
from extract.warc import write_pages
from flows.bookkeeping import on_record
from flows.isolation import Broken, Processes, workers
from flows.reading import be_quiet, read_feed_page
from flows.store import Store, follow_catalogue, open_store, warc_name
from load import entries, expectations, gaps, sources
from load.engine import Connection, worker
from load.entries import Recorded
from load.runs import RunId
from load.sources import DueFeed, Poll

IN_FLIGHT = 64  # feeds asked, read or stored at one moment: what they say is in memory
NEWS_DAYS = 30  # what a sitemap lists from before is its archive, which a backfill reads
MAX_DEPTH = 2  # an index, its indexes, their sitemaps; deeper ones are a maze


@flow(name="discover", validate_parameters=False)
def discover(names: Sequence[str] = (), early: bool = False) -> dict[str, int]:
    """Poll the feeds that are due, of these sources or of all, and keep what they announce.

    early: also feeds that are not due yet, but for those whose server asked us to wait.
    Answers counts: feeds, new, known, updated, feeds failed, ….
    """
    with open_store() as store, worker(store.engine) as me:
        catalogue = follow_catalogue(store, names)
        with on_record(store, "discover") as (run_id, counts):
            asked = Asked(names=tuple(names or catalogue), early=early, began_at=datetime.now(UTC))
            counts.update(poll_feeds(Polling(store=store, worker=me, run_id=run_id, asked=asked, catalogue=catalogue)))
            with store.engine.begin() as connection:
                checked = expectations.check_volumes(connection, datetime.now(UTC))
            counts.update({"breaches begun": checked.breaches})
    return dict(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which feeds one pass is about; each of them once."""

    names: tuple[str, ...]
    early: bool
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """One pass of this line."""

    store: Store
    worker: int
    run_id: RunId
    asked: Asked
    catalogue: Mapping[str, Source]


@task(name="poll feeds", cache_policy=NO_CACHE)
def poll_feeds(polling: Polling) -> dict[str, int]:
    """Ask every feed of this pass, all hosts at once, and store each answer as it comes."""
    settings = polling.store.settings
    with workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers:
        counts = asyncio.run(_poll_all(polling, readers))
    with polling.store.engine.connect() as connection:
        waiting = sources.count_waiting(connection, datetime.now(UTC), names=polling.asked.names)
    return dict(+(counts + Counter({"feeds asked to wait": waiting})))


# --- Asking ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsked:
    """The host's own pause kept us from asking."""

    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No document came, and why."""

    weight: Weight
    text: str
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document came that is no feed."""

    page: Page
    digest: bytes
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """Nothing is said that was not said before."""

    wishes: Wishes
    by_word: bool = False  # the server's only: a 304


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A document that differs from the last one."""

    document: FeedDocument
    digest: bytes
    validators: Validators
    wishes: Wishes


Got = NotAsked | Refused | Unreadable | Unchanged | Announced


async def _poll_all(polling: Polling, readers: Processes) -> Counter[str]:
    """Keep a bounded number of feeds in flight until none is due any more, those included that an index announces."""
    counts: Counter[str] = Counter()
    async with Fetcher() as web:
        asking: dict[asyncio.Task[Got], DueFeed] = {}
        while True:
            if len(asking) <= IN_FLIGHT // 2:
                busy = {feed.source_id for feed in asking.values()}
                due = await asyncio.to_thread(_claim, polling, busy, IN_FLIGHT - len(asking))
                asking |= {asyncio.create_task(_ask(polling, web, readers, feed)): feed for feed in due}
            if not asking:
                return counts
            done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            for answered in done:
                feed = asking.pop(answered)
                counts += await asyncio.to_thread(_store, polling, feed, answered.result())


def _claim(polling: Polling, busy: set[int], limit: int) -> list[DueFeed]:
    asked, now = polling.asked, datetime.now(UTC)
    with polling.store.engine.begin() as connection:
        return sources.claim_due(
            connection,
            polling.worker,
            now,
            names=asked.names,
            early=asked.early,
            polled_before=asked.began_at,
            busy=busy,
            limit=limit,
        )


async def _ask(polling: Polling, web: Fetcher, readers: Processes, feed: DueFeed) -> Got:
    source = polling.catalogue[feed.source]
    in_full = wants_all(feed.pace, source.polling, datetime.now(UTC))
    try:
        got = await web.get(feed.url, source.fetch, validators=None if in_full else feed.validators)
    except HostPaused as pause:
        return NotAsked(wait_s=pause.retry_after_s or 0.0)
    except FetchFault as fault:
        return Refused(weight=_weight(fault), text=str(fault), retry_after_s=fault.retry_after_s or 0.0)
    match got:
        case NotModified():
            return Unchanged(wishes=Wishes(), by_word=True)
        case Rejection():
            return Refused(weight=Weight.HARD, text=f"{got.reason}: {got.detail}")
    return await _read(readers, feed, got)


def _weight(fault: FetchFault) -> Weight:
    return Weight.PASSING if isinstance(fault, Timeout | ConnectionLost | ServerBusy) else Weight.SOFT


async def _read(readers: Processes, feed: DueFeed, page: Page) -> Got:
    wishes = _wishes(page)
    digest = page.digest
    if digest == feed.body_digest:  # validators lie: what counts is what was said
        return Unchanged(wishes=wishes)
    result = await readers.call(read_feed_page, feed.kind, page)
    if isinstance(result, Broken):
        return Unreadable(page=page, digest=digest, text=result.error)
    document = result.value
    if isinstance(document, NotAFeed):
        return Unreadable(page=page, digest=digest, text=str(document))
    return Announced(
        document=document,
        digest=digest,
        validators=_validators(page),
        wishes=replace(wishes, ttl_s=document.ttl_s or 0.0),
    )


def _wishes(page: Page) -> Wishes:
    return Wishes(
        fresh_for_s=fresh_for_s(page.headers, page.fetched_at),
        retry_after_s=retry_after_s(first_value(page.headers, "retry-after"), page.fetched_at) or 0.0,
    )


def _validators(page: Page) -> Validators:
    return Validators(
        etag=first_value(page.headers, "etag") or None,
        last_modified=first_value(page.headers, "last-modified") or None,
    )


# --- Storing --------------------------------------------------------------------------------------------------


def _store(polling: Polling, feed: DueFeed, got: Got) -> Counter[str]:
    """Entries, sitemaps, gap and the feed's own state, in one transaction; what could not be read is archived first."""
    now = max(datetime.now(UTC), polling.asked.began_at)  # a clock set back would have it polled again and again
    sample = _archived(polling.store, feed, got, now)
    with polling.store.engine.begin() as connection:
        match got:
            case NotAsked():
                sources.not_asked(connection, feed.id, got.wait_s, now)
                return Counter()
            case Announced():
                return _store_document(connection, polling, feed, got, now)
            case Unchanged():
                recorded = Recorded(known=entries.still_announced(connection, feed.pace.listed, now))
                poll = Poll(answer=NotChanged() if got.by_word else Same(), wishes=got.wishes)
            case Unreadable():
                recorded = Recorded()
                weight = Weight.HARD if feed.pace.read_at is None else Weight.SOFT
                poll = Poll(answer=Failed(weight), text=got.text, sample=sample)
            case Refused():
                recorded = Recorded()
                wishes = Wishes(retry_after_s=got.retry_after_s)
                poll = Poll(answer=Failed(got.weight), text=got.text, wishes=wishes)
        sources.record_poll(connection, feed, poll, polling.catalogue[feed.source].polling, now)
    return _counts(poll, recorded)


def _archived(store: Store, feed: DueFeed, got: Got, now: datetime) -> dict[str, Any] | None:
    """Where an unreadable answer lies in the archive, for somebody to look at it; None where it lies there already."""
    if not isinstance(got, Unreadable) or feed.sampled == got.digest.hex():
        return None
    [place] = write_pages(store.archive, warc_name(store, now), [got.page], [SampleOf(url=feed.url)])
    return {**asdict(place), "digest": got.digest.hex()}


def _store_document(
    connection: Connection, polling: Polling, feed: DueFeed, got: Announced, now: datetime
) -> Counter[str]:
    listed = got.document.entries
    newest_at = _newest_at(got.document)
    oldest = _oldest(feed, newest_at, now)
    recorded = entries.record(connection, feed.source_id, listed, polling.run_id, now, feed_id=feed.id, oldest=oldest)
    poll = Poll(
        answer=Read(
            keys=recorded.keys,
            published=[item.published_at for item in listed if item.published_at is not None],
            newest_at=newest_at,
            moved=_record_sitemaps(connection, polling, feed, got.document, now),
        ),
        wishes=got.wishes,
        empty=not listed and not got.document.sitemaps,
        text=_left_out(feed, got.document, recorded),
        validators=got.validators,
        body_digest=got.digest,
        new=recorded.new,
    )
    step = sources.record_poll(connection, feed, poll, polling.catalogue[feed.source].polling, now)
    if step.gap and feed.pace.read_at is not None:
        gaps.record(connection, feed.id, feed.pace.read_at, listed, now)
    return _counts(poll, recorded) + Counter({"coverage gaps": int(step.gap)})


def _newest_at(document: FeedDocument) -> datetime | None:
    """The latest time that it names."""
    times = [item.updated_at or item.published_at for item in document.entries]
    times += [ref.modified_at for ref in document.sitemaps]
    return max((at for at in times if at is not None), default=None)


def _oldest(feed: DueFeed, newest_at: datetime | None, now: datetime) -> datetime | None:
    """From when on a sitemap's entries are news: an operator who lists it wants the last that it has, today's or not.

    Of those that an index names most are archives, and an archive has no news.
    """
    if feed.kind is not FeedKind.SITEMAP or newest_at is None:
        return None
    return (now if feed.depth else min(newest_at, now)) - timedelta(days=NEWS_DAYS)


def _record_sitemaps(
    connection: Connection, polling: Polling, index: DueFeed, document: FeedDocument, now: datetime
) -> int:
    """How many of the sitemaps that it names are to be read now."""
    if not document.sitemaps or index.depth >= MAX_DEPTH:
        return 0
    named = {ref.url: ref.modified_at for ref in document.sitemaps}
    policy = polling.catalogue[index.source].polling
    return sources.record_sitemaps(connection, index, named, policy, now, complete=not document.left_out)


def _left_out(feed: DueFeed, document: FeedDocument, recorded: Recorded) -> str | None:
    notes = [
        (document.left_out, "items left out"),
        (recorded.old, f"entries older than {NEWS_DAYS} days, left to a backfill"),
        (len(document.sitemaps) if feed.depth >= MAX_DEPTH else 0, "sitemaps of an index too deep"),
    ]
    return "; ".join(f"{number} {what}" for number, what in notes if number) or None


def _counts(poll: Poll, recorded: Recorded) -> Counter[str]:
    return Counter(
        {
            "feeds": 1,
            f"feeds {poll.state}": 1,
            "announced": recorded.new + recorded.known + recorded.updated + recorded.bad,
            "new": recorded.new,
            "known": recorded.known,
            "updated": recorded.updated,
            "bad links": recorded.bad,
            "too old": recorded.old,
        }
    )
