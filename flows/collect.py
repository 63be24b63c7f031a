"""collect: entries that are due → what the web answers → pages in the archive, one row each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from extract.fetch import Fetcher, FetchFault, HostPaused
from extract.model import FetchPolicy, NotModified, Page, Rejection
from extract.warc import write_pages
from flows.bookkeeping import on_record
from flows.store import Store, open_store, read_sources
from load import entries, pages
from load.engine import Connection, worker
from load.entries import ClaimedEntry, Outcome
from load.pages import FetchedPage


@flow(name="collect", validate_parameters=False)
def collect(names: Sequence[str] = ()) -> dict[str, int]:
    """Fetch every entry that is due, of these sources or of all, batch after batch. Answers counts by what came."""
    with open_store() as store, worker(store.engine) as me:
        files = read_sources(store.settings.sources, store.settings.fetch_policy)
        policies: dict[str, FetchPolicy] = {source.name: source.fetch for source in files}
        resting = [source.name for source in files if not source.enabled]
        with on_record(store, "collect") as (_, counts), _web() as web:
            while batch := _claim(store, me, names, resting):
                counts.update(fetch_batch(store, web, batch, policies))
    return dict(counts)


@task(name="fetch batch", cache_policy=NO_CACHE)
def fetch_batch(
    store: Store, web: Web, batch: Sequence[ClaimedEntry], policies: Mapping[str, FetchPolicy]
) -> dict[str, int]:
    """Fetch these entries, all hosts at once; archive what changed and record every answer."""
    fallback = store.settings.fetch_policy
    answers = web.fetch_all([(item.url, policies.get(item.source, fallback)) for item in batch])
    return dict(_store_answers(store, batch, answers))


@dataclass(frozen=True, slots=True)
class Fault:
    """A passing fault: the entry is tried again."""

    error: str
    retry_after_s: float | None
    asked: bool  # false where the host's pause kept us from asking: that is no attempt


Answer = Page | NotModified | Rejection | Fault


class Web:
    """One fetcher for a whole run: hosts keep their gap from batch to batch, robots.txt is asked for once."""

    def __init__(self, fetcher: Fetcher, loop: asyncio.Runner) -> None:
        self._fetcher = fetcher
        self._loop = loop

    def fetch_all(self, asked: Sequence[tuple[str, FetchPolicy]]) -> list[Answer]:
        """The answers, in the order of the questions; all hosts are asked at once."""
        return self._loop.run(self._gather(asked))

    async def _gather(self, asked: Sequence[tuple[str, FetchPolicy]]) -> list[Answer]:
        return await asyncio.gather(*(self._fetch(url, policy) for url, policy in asked))

    async def _fetch(self, url: str, policy: FetchPolicy) -> Answer:
        try:
            return await self._fetcher.get(url, policy)
        except FetchFault as fault:
            return Fault(str(fault), fault.retry_after_s, asked=not isinstance(fault, HostPaused))


@contextmanager
def _web() -> Iterator[Web]:
    with asyncio.Runner() as loop:
        fetcher = loop.run(Fetcher().__aenter__())
        try:
            yield Web(fetcher, loop)
        finally:
            loop.run(fetcher.__aexit__(None, None, None))


def _claim(store: Store, me: int, names: Sequence[str], resting: Sequence[str]) -> list[ClaimedEntry]:
    now, batch = datetime.now(UTC), store.settings.batch
    with store.engine.begin() as connection:
        return entries.claim_due(connection, me, now, batch, names=names, resting=resting)


def _store_answers(store: Store, batch: Sequence[ClaimedEntry], answers: Sequence[Answer]) -> Counter[str]:
    """Archive the pages, and record every other answer."""
    got = [
        FetchedPage(entry_id=item.id, source_id=item.source_id, page=answer)
        for item, answer in zip(batch, answers, strict=True)
        if isinstance(answer, Page)
    ]
    now = datetime.now(UTC)
    fresh = archive_pages(store, got, now)
    with store.engine.begin() as connection:
        same = {item.entry_id for item in got} - fresh
        pages.close_unchanged(connection, same, now)
        counts = Counter({"fetched": len(fresh), str(Outcome.UNCHANGED): len(same)})
        for item, answer in zip(batch, answers, strict=True):
            counts.update(_store_other(connection, item, answer, now))
    return +counts


def archive_pages(store: Store, got: Sequence[FetchedPage], now: datetime) -> set[int]:
    """Put what is new into the archive, then on record; answers the entries that it was of.

    The archive first: a row never points to bytes that are not there.
    """
    with store.engine.connect() as connection:
        fresh = pages.changed(connection, got)
    if fresh:
        places = write_pages(store.archive, _warc_name(now), [item.page for item in fresh])
        with store.engine.begin() as connection:
            pages.keep(connection, fresh, places)
    return {item.entry_id for item in fresh}


def _store_other(connection: Connection, item: ClaimedEntry, answer: Answer, now: datetime) -> list[str]:
    """Record an answer that is no page; answers what to count it as."""
    match answer:
        case Rejection():
            outcome = entries.reject(connection, item.id, answer, now)
            return [f"{outcome}: {answer.reason}"]
        case Fault():
            outcome = entries.try_again(connection, item, answer.error, now, answer.retry_after_s, asked=answer.asked)
            return ["to be tried again" if outcome is Outcome.PENDING else f"{outcome}: fetch"]
        case NotModified():
            pages.close_unchanged(connection, [item.id], now)
            return [Outcome.UNCHANGED]
    return []


def _warc_name(now: datetime) -> str:
    """A name of its own for every batch, by month."""
    return f"{now:%Y/%m}/{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:12]}.warc.gz"
