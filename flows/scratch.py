"""A store of its own for the length of one measurement, with nothing in it before and nothing left after.

What is put into it goes the way of all pages: announced, archived, read in worker processes, settled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from extract.model import FeedEntry, Page
from extract.urls import BadUrl
from flows.collect import archive_pages
from flows.ingest import read_pages, read_waiting, settle_ready
from flows.isolation import Processes, workers
from flows.owners import NO_NAME, owner, source_name
from flows.settings import Settings
from flows.store import Store, open_store
from flows.upkeep import keep_up
from load import entries, memory, runs, sources
from load.engine import worker
from load.pages import FetchedPage
from load.runs import RunId
from transform.memory import SiteMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """A page that need not be fetched."""

    page: Page
    told: FeedEntry | None = None  # what was announced of it
    outlet: str | None = None  # who publishes it


@dataclass(frozen=True, slots=True)
class Scratch:
    """The store, and who works on it."""

    store: Store
    readers: Processes
    _me: int
    _run_id: RunId

    def take(self, held: Sequence[AtHand]) -> dict[str, tuple[int, int]]:
        """Put these pages into the store, read and settled; URL → ids of entry and source, where the URL is usable."""
        ids = self._announce(held)
        got = [
            FetchedPage(entry_id=ids[page.url][0], source_id=ids[page.url][1], page=page)
            for page in (one.page for one in held)
            if page.url in ids
        ]
        archive_pages(self.store, got, datetime.now(UTC))
        read_waiting(self.store, self._me, self.readers, read=read_pages, settle=settle_ready)
        return ids

    def _announce(self, held: Sequence[AtHand]) -> dict[str, tuple[int, int]]:
        owners: dict[str, tuple[str, str]] = {}
        for one in held:
            try:
                owners.setdefault(one.page.url, _owner(one))
            except BadUrl:
                continue
        told = [one.told or FeedEntry(url=one.page.url) for one in held if one.page.url in owners]
        now = datetime.now(UTC)
        with self.store.engine.begin() as connection:
            source_ids = {names: sources.ensure(connection, *names) for names in dict.fromkeys(owners.values())}
            by_url = {url: source_ids[names] for url, names in owners.items()}
            entries.record(connection, by_url, told, self._run_id, now, fetch=False)
            return entries.owners(connection, list(owners))

    def learn(self) -> None:
        """What `upkeep` does: learn what repeats in each source, and read again what that concerns."""
        keep_up(self.store, self._me, self.readers)

    def memories(self, source_ids: Collection[int]) -> dict[int, SiteMemory]:
        """Source id → what has been learned of it."""
        with self.store.engine.connect() as connection:
            return memory.memories(connection, source_ids)


def _owner(one: AtHand) -> tuple[str, str]:
    """Name and title of the source: its outlet, where that can be a name, else its domain, that of a file its folder.

    Raises BadUrl.
    """
    by_place = owner(one.page.url, None, {})
    name = source_name(one.outlet) if one.outlet else NO_NAME
    return by_place if name == NO_NAME or not one.outlet else (name, one.outlet)


@contextmanager
def scratch_store(settings: Settings, start: Callable[[], None]) -> Iterator[Scratch]:
    """An empty store in a temporary folder, with an embedded server of its own, otherwise as the settings say.

    start: called in each worker process before its first page. Raises PostgresUnavailable.
    """
    with TemporaryDirectory(prefix="storyfold-") as folder:
        home = Path(folder)
        elsewhere = {"home": home, "database_url": None, "archive": None, "sources": home / "sources"}
        with (
            open_store(settings.model_copy(update=elsewhere)) as store,
            worker(store.engine) as me,
            workers(settings.processes, settings.read_timeout_s, start=start) as readers,
        ):
            with store.engine.begin() as connection:
                run_id = runs.begin(connection, "load", datetime.now(UTC))
            yield Scratch(store, readers, me, run_id)
