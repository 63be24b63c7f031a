"""WARC files, wherever they lie → pages that point into them, slice by slice; each slice bears its own checkpoint."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from extract.headers import first_value
from extract.model import FeedEntry, Page, Reason
from extract.sniff import other_than_html
from extract.urls import BadUrl, normalize_url
from extract.warc import Step, WarcPlace
from extract.warc_choice import Choice
from extract.warc_files import WarcState, WarcUnavailable, scan_patiently, state_of
from flows.bookkeeping import on_record
from flows.ingest import read_batch, read_waiting, settle_batch
from flows.isolation import Workers, workers
from flows.owners import owner
from flows.reading import be_quiet
from flows.run import DAMAGED, LEFT_OUT
from flows.store import Store
from load import entries, pages, sources, warc_files
from load.engine import Connection, worker
from load.locks import try_lock
from load.pages import FetchedPage
from load.rows import clean_text
from load.runs import RunId
from load.warc_files import Progress

_log = logging.getLogger(__name__)

SLICE_RECORDS = 5_000  # a slice ends after so many, wanted or not: a checkpoint every second or two
FEW_WAITING = 300  # pages: with fewer to be read, the next slice enters; what is fresh waits for no more than these
PAUSE_S = 0.5  # while others read
UNREADABLE = "unreadable file"
IN_USE = "a file that another load works on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whose a page is, and what was announced of it."""

    owner: tuple[str, str]  # name and title of its source
    entry: FeedEntry


Describe = Callable[[Page], Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcJob:
    """A file, and which of its pages go on record as whose."""

    file: str  # absolute path or URL
    choice: Choice
    describe: Describe


def by_domain(source: str | None, owners: Mapping[str, str]) -> Describe:
    """A page's source as the user says, else the one that publishes on its domain, else one named after that.

    owners: registrable domain → source
    """

    def describe(page: Page) -> Told:
        return Told(owner=owner(page.url, source, owners), entry=FeedEntry(url=page.url))

    return describe


def index_and_read(
    store: Store, run_id: RunId, jobs: Iterable[WarcJob], counts: Counter[str], most: int | None = None
) -> None:
    """Put the files' pages on record, and read and settle them as they come: few ever wait before what is fresh.

    counts: what the indexing adds to. most: new entries of all files together
    """
    with worker(store.engine) as me, on_record(store, "ingest") as (_, read), _readers(store) as readers:

        def read_some() -> bool:
            told = read_waiting(store, me, readers, read=read_batch, settle=settle_batch)
            read.update(told)
            return bool(told)

        for told in slices_between_readings(store, run_id, jobs, read_some, most):
            counts.update(told)


def slices_between_readings(
    store: Store, run_id: RunId, jobs: Iterable[WarcJob], read_some: Callable[[], bool], most: int | None = None
) -> Iterator[Counter[str]]:
    """Counts, slice by slice; none enters while many pages wait.

    read_some: reads what waits; whether it found anything that no other worker has
    """
    left = most
    for job in jobs:
        if left == 0:
            return
        for told in index_slices(store, run_id, job, left):
            yield told
            left = None if left is None else left - told["new"]
            while _waiting(store) >= FEW_WAITING:
                if not read_some():
                    time.sleep(PAUSE_S)


def _readers(store: Store) -> AbstractContextManager[Workers]:
    return workers(store.settings.processes, store.settings.read_timeout_s, start=be_quiet, ready="flows.ready")


def _waiting(store: Store) -> int:
    with store.engine.connect() as connection:
        return pages.count_unread(connection, FEW_WAITING)


def index_slices(store: Store, run_id: RunId, job: WarcJob, most: int | None = None) -> Iterator[Counter[str]]:
    """Put the pages of a WARC file on record where they lie, from where an earlier load of it ended.

    Answers counts, slice by slice, each when it is stored: whoever stops in between can go on from there.
    most: new entries, then it rests
    """
    if clean_text(job.file) != job.file:
        _log.warning("the name of %r is no text that the store can keep", job.file)
        yield Counter({f"{LEFT_OUT}{UNREADABLE}": 1})
        return
    with store.engine.connect() as turn:  # its transaction lasts as long as the file
        if not try_lock(turn, f"load {job.file}"):
            _log.warning("another load works on %s", job.file)
            yield Counter({f"{LEFT_OUT}{IN_USE}": 1})
            return
        yield from _Indexing(store, run_id, job).slices(most)


@dataclass(slots=True)
class _Slice:
    """What has been looked at and is not stored yet."""

    found: list[tuple[Page, WarcPlace, Told]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    records: int = 0
    end: int | None = None  # None where it holds nothing whole


class _Indexing:
    """One file, whose lock is ours."""

    def __init__(self, store: Store, run_id: RunId, job: WarcJob) -> None:
        self._store = store
        self._run_id = run_id
        self._job = job
        self._source_ids: dict[tuple[str, str], int] = {}  # of the sources met so far
        with store.engine.connect() as connection:
            self._come = warc_files.progress(connection, job.file, str(job.choice))

    def slices(self, most: int | None) -> Iterator[Counter[str]]:
        """Counts, slice by slice."""
        if self._come.pages:
            yield Counter({"announced": self._come.pages, "known": self._come.pages})
        try:
            state = state_of(self._job.file, self._come.next_offset)
        except WarcUnavailable as error:
            yield self._refuse(error.why)
            return
        if why := _not_the_same(self._come, state):
            yield self._refuse(why)
        elif not (self._come.ended and state.size == self._come.size):
            self._come = replace(self._come, size=state.size, ended=False)
            yield from self._new_slices(most)

    def _new_slices(self, most: int | None) -> Iterator[Counter[str]]:
        limit = self._store.settings.batch
        wanted = Counter[str]()
        held = _Slice()
        steps = scan_patiently(self._job.file, start=self._come.next_offset, refuse=self._job.choice.refuse)
        try:
            for step in steps:
                self._take(held, step)
                room = limit if most is None else min(limit, most - wanted["new"])
                if (step.page and len(held.found) >= room) or held.records >= SLICE_RECORDS:
                    counts = self._store_slice(held)
                    wanted += counts
                    yield counts
                    held = _Slice()
                if most is not None and wanted["new"] >= most:
                    return
        except WarcUnavailable as error:
            yield self._store_slice(held)
            yield self._refuse(error.why)
            return
        yield self._end(held)

    def _take(self, held: _Slice, step: Step) -> None:
        held.records += 1
        if step.damage:
            held.damaged += 1
            _log.warning("%s", step.damage)
            return
        held.end = step.end
        if step.other:
            held.left_out[step.other] += 1
        elif step.page and step.place:
            if what := no_article(step.page):
                held.left_out[what] += 1
            else:
                held.found.append((step.page, step.place, self._job.describe(step.page)))

    def _store_slice(self, held: _Slice, *, ended: bool = False, trouble: str | None = None) -> Counter[str]:
        """Announce these pages, point to them, and move the checkpoint behind them, in one transaction."""
        now = datetime.now(UTC)
        end = self._come.next_offset if held.end is None else held.end
        come = Progress(
            size=self._come.size,
            next_offset=end,
            mark=self._mark(end),
            pages=self._come.pages + len(held.found),
            left_out=self._come.left_out + held.left_out,
            damaged=self._come.damaged + held.damaged,
            ended=ended,
        )
        with self._store.engine.begin() as connection:
            counts = self._keep(connection, held, now)
            warc_files.keep(connection, self._job.file, str(self._job.choice), come, self._run_id, now, trouble=trouble)
        self._come = come
        counts += Counter({f"{LEFT_OUT}{what}": number for what, number in held.left_out.items()})
        return counts + Counter({f"{LEFT_OUT}{DAMAGED}": held.damaged})

    def _mark(self, end: int) -> bytes | None:
        try:
            return state_of(self._job.file, end, tries=1).mark if end else None
        except WarcUnavailable:  # the reading will tell
            return None

    def _keep(self, connection: Connection, held: _Slice, now: datetime) -> Counter[str]:
        """Of several pages of one URL, in the order of their times."""
        for name in sorted({told.owner for _, _, told in held.found} - set(self._source_ids)):
            self._source_ids[name] = sources.ensure(connection, *name)
        by_url = {told.entry.url: self._source_ids[told.owner] for _, _, told in held.found}
        announced = [told.entry for _, _, told in held.found]
        recorded = entries.record(connection, by_url, announced, self._run_id, now, fetch=False, backfill=True)
        _point_to(
            connection, sorted(((page, place) for page, place, _ in held.found), key=lambda item: item[0].fetched_at)
        )
        known = recorded.known + recorded.updated
        return +Counter({"announced": recorded.new + known, "new": recorded.new, "known": known})

    def _end(self, held: _Slice) -> Counter[str]:
        """The file's end, and what is odd about it."""
        trouble = None
        nothing = self._come.next_offset == 0 and held.end is None
        if nothing:
            trouble = "it is empty" if self._come.size == 0 else "it holds no WARC record"
            _log.warning("%s: %s", self._job.file, trouble)
        counts = self._store_slice(held, ended=True, trouble=trouble)
        return counts + Counter({f"{LEFT_OUT}{UNREADABLE}": int(nothing)})

    def _refuse(self, why: str) -> Counter[str]:
        """It cannot be gone on with; what is on record of it stays."""
        _log.warning("%s: %s", self._job.file, why)
        with self._store.engine.begin() as connection:
            come, choice = replace(self._come, ended=False), str(self._job.choice)
            warc_files.keep(connection, self._job.file, choice, come, self._run_id, datetime.now(UTC), trouble=why)
        return Counter({f"{LEFT_OUT}{UNREADABLE}": 1})


def _not_the_same(come: Progress, state: WarcState) -> str | None:
    if state.size < come.next_offset:
        return f"it has changed: it ended behind byte {come.next_offset}, and is shorter now"
    if come.next_offset and come.mark not in (None, state.mark):
        return f"it has changed: before byte {come.next_offset} stands something else than was read"
    return None


def no_article(page: Page) -> str | None:
    """What a page is that can be no article."""
    what = other_than_html(page.body, first_value(page.headers, "content-type"))
    if what and not page.url.startswith("file:"):
        return what
    try:
        normalize_url(page.url)
    except BadUrl:
        return Reason.BAD_URL
    return None


def _point_to(connection: Connection, found: Sequence[tuple[Page, WarcPlace]]) -> None:
    """Keep the pages whose bytes are new; an entry stays with the source that announced it first."""
    ids = entries.owners(connection, [page.url for page, _ in found])
    places = {}
    for page, place in found:
        entry_id, source_id = ids[page.url]
        places[FetchedPage(entry_id=entry_id, source_id=source_id, page=page)] = place
    fresh = pages.changed(connection, list(places))
    pages.keep(connection, fresh, [places[item] for item in fresh])
