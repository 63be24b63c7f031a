"""discover: due feeds → what they announce → new entries in the ledger."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from extract.feeds import NotAFeed, read_feed
from extract.fetch import Fetcher, FetchFault
from extract.model import FeedDocument, FeedEntry, FeedKind, FetchPolicy, NotModified, Page, Rejection, Validators
from extract.sitemaps import read_sitemap
from flows.bookkeeping import on_record
from flows.store import Store, open_store, read_catalogue
from load import entries, expectations, sources
from load.engine import worker
from load.entries import Recorded
from load.keys import follow_rules
from load.runs import RunId
from load.sources import DueFeed, FeedState, Poll

MAX_CHILD_SITEMAPS = 50  # of one index, in one poll


@flow(name="discover", validate_parameters=False)
def discover(names: Sequence[str] = (), early: bool = False) -> dict[str, int]:
    """Poll the feeds that are due, of these sources or of all, and keep what they announce.

    early: also feeds that are not due yet. Answers counts: feeds, new, known, updated, failed, ….
    """
    with open_store() as store, worker(store.engine) as me:
        policies = _sync_sources(store, names)
        with on_record(store, "discover") as (run_id, counts):
            with store.engine.begin() as connection:
                due = sources.claim_due(connection, me, datetime.now(UTC), names=names, early=early)
            if due:
                counts.update(poll_feeds(store, run_id, due, policies))
            with store.engine.begin() as connection:
                checked = expectations.check_volumes(connection, datetime.now(UTC))
            counts.update({"breaches begun": checked.breaches})
    return dict(counts)


@task(name="poll feeds", cache_policy=NO_CACHE)
def poll_feeds(
    store: Store, run_id: RunId, due: Sequence[DueFeed], policies: Mapping[str, FetchPolicy]
) -> dict[str, int]:
    """Ask every feed, all hosts at once; store the answers in the order of the feeds."""
    answers = asyncio.run(_ask_all(due, policies))
    counts: Counter[str] = Counter()
    for feed, answer in zip(due, answers, strict=True):
        counts.update(_store_answer(store, run_id, feed, answer))
    return dict(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one feed said, or why it said nothing."""

    poll: Poll
    entries: tuple[FeedEntry, ...] = field(default=())


def _sync_sources(store: Store, names: Sequence[str]) -> dict[str, FetchPolicy]:
    """Bring the catalogue up to date with its folder; answers each source's manners."""
    catalogue = read_catalogue(store.settings.sources, store.settings.fetch_policy)
    unknown = sorted(set(names) - {source.name for source in catalogue})
    if unknown:
        raise UnknownSource(
            f"no source is called {', '.join(unknown)}: the folder {store.settings.sources} has no such file"
        )
    with store.engine.begin() as connection:
        sources.sync(connection, catalogue)
    with store.engine.begin() as connection:  # of its own: all others wait while keys are made anew
        follow_rules(connection)
    return {source.name: source.fetch for source in catalogue}


class UnknownSource(Exception):
    """A source was named that the folder does not have."""


async def _ask_all(due: Sequence[DueFeed], policies: Mapping[str, FetchPolicy]) -> list[Answer]:
    async with Fetcher() as web:
        return await asyncio.gather(*(_ask(web, feed, policies[feed.source]) for feed in due))


async def _ask(web: Fetcher, feed: DueFeed, policy: FetchPolicy) -> Answer:
    try:
        got = await web.get(feed.url, policy, validators=feed.validators)
    except FetchFault as fault:
        return Answer(poll=Poll(state=FeedState.FAILED, text=str(fault), retry_after_s=fault.retry_after_s or 0.0))
    match got:
        case NotModified():
            return Answer(poll=Poll(state=FeedState.UNCHANGED))
        case Rejection():
            return Answer(poll=Poll(state=FeedState.FAILED, text=f"{got.reason}: {got.detail}"))
    digest = hashlib.blake2b(got.body, digest_size=16).digest()
    if digest == feed.body_digest:  # validators lie: what counts is what was said
        return Answer(poll=Poll(state=FeedState.UNCHANGED))
    return await _read(web, feed, policy, got, digest)


async def _read(web: Fetcher, feed: DueFeed, policy: FetchPolicy, page: Page, digest: bytes) -> Answer:
    try:
        document = _parse(feed.kind, page)
    except NotAFeed as error:
        return Answer(poll=Poll(state=FeedState.FAILED, text=str(error)))
    found, trouble = await _children(web, policy, document)
    announced = (*document.entries, *found)
    notes = [f"{document.left_out} items left out"] if document.left_out else []
    poll = Poll(
        state=FeedState.OK if announced else FeedState.EMPTY,
        text="; ".join(notes + trouble) or None,
        validators=_validators(page),
        body_digest=None if trouble else digest,  # an index that was read in part is read again
    )
    return Answer(poll=poll, entries=announced)


async def _children(web: Fetcher, policy: FetchPolicy, index: FeedDocument) -> tuple[list[FeedEntry], list[str]]:
    """The entries of the sitemaps that an index names, and what went wrong with some."""
    found: list[FeedEntry] = []
    trouble: list[str] = []
    for url in [part.url for part in index.sitemaps[:MAX_CHILD_SITEMAPS]]:
        try:
            got = await web.get(url, policy)
            if isinstance(got, Page):
                found.extend(read_sitemap(got.body, got.final_url).entries)
            elif isinstance(got, Rejection):
                trouble.append(f"{url}: {got.reason}")
        except (FetchFault, NotAFeed) as error:
            trouble.append(str(error))
    return found, trouble


def _parse(kind: FeedKind, page: Page) -> FeedDocument:
    if kind is FeedKind.SITEMAP:
        return read_sitemap(page.body, page.final_url)
    content_type = next((value for name, value in page.headers if name.lower() == "content-type"), None)
    return read_feed(page.body, page.final_url, content_type)


def _validators(page: Page) -> Validators:
    headers = {name.lower(): value for name, value in page.headers}
    return Validators(etag=headers.get("etag"), last_modified=headers.get("last-modified"))


def _store_answer(store: Store, run_id: RunId, feed: DueFeed, answer: Answer) -> Counter[str]:
    """Entries and the feed's own state, in one transaction."""
    now = datetime.now(UTC)
    with store.engine.begin() as connection:
        recorded = entries.record(connection, feed.source_id, answer.entries, run_id, now, feed_id=feed.id)
        if answer.poll.state is FeedState.UNCHANGED:
            recorded = Recorded(known=entries.still_announced(connection, feed.id, now))
        sources.record_poll(connection, feed.id, replace(answer.poll, new=recorded.new), now)
    return Counter(
        {
            "feeds": 1,
            f"feeds {answer.poll.state}": 1,
            "announced": recorded.new + recorded.known + recorded.updated + recorded.bad,
            "new": recorded.new,
            "known": recorded.known,
            "updated": recorded.updated,
            "bad links": recorded.bad,
        }
    )
