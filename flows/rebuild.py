"""rebuild: the archive alone → pages, which are read and settled as they once were. No web here."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from prefect import flow

from extract.headers import first_value
from extract.model import FeedEntry, Reason, SourceName
from extract.provenance import Provenance, Publisher, SampleOf
from extract.sniff import other_than_html
from extract.urls import BadUrl, normalize_url
from extract.warc import ArchiveDamaged, Capture, archive_files, iter_captures
from flows.bookkeeping import on_record, show_summary
from flows.ingest import ingest
from flows.owners import owner
from flows.run import DAMAGED, LEFT_OUT, Summary, as_markdown, figures_of, summarise
from flows.store import Store, follow_catalogue, open_store
from flows.upkeep import upkeep
from load import pages, provenance, sources
from load.keys import follow_rules
from load.locks import try_lock
from load.provenance import Archived
from load.runs import RunId

_log = logging.getLogger(__name__)
_SAMPLE = "answer of a feed"
_MOMENT = re.compile(r"/(\d{8}T\d{12}Z)-[0-9a-f]{12}\.warc\.gz$")


class CannotRebuild(Exception):
    """Why not, in one sentence for the user."""


@flow(name="rebuild", validate_parameters=False)
def rebuild() -> Summary:
    """Fill an empty store from its archive: sources, entries, pages where they lie, and the stories that these make.

    It goes on where an earlier one was stopped. Raises CannotRebuild.
    """
    with open_store() as store:
        check_rebuild(store)
        started = datetime.now(UTC)
        before = figures_of(store.engine)
        with on_record(store, "rebuild") as (run_id, counts):
            counts.update(record_archive(store, run_id))
        ingest()
        upkeep()
        result = summarise(store.engine, store.settings, counts, before, started)
    show_summary(as_markdown(result))
    return result


def check_rebuild(store: Store) -> None:
    """Nothing where the store may be filled from its archive. Raises CannotRebuild."""
    with store.engine.connect() as connection:
        if provenance.begun_otherwise(connection):
            raise CannotRebuild(
                "This store is in use, and a rebuild fills a new one: "
                "name a new database in STORYFOLD_DATABASE_URL, or a new STORYFOLD_HOME and this STORYFOLD_ARCHIVE."
            )
    if not archive_files(store.archive):
        raise CannotRebuild(f"There are no WARC files in the archive {store.archive}.")


def record_archive(store: Store, run_id: RunId) -> Counter[str]:
    """Put on record all pages of the archive, file by file in the order of their names; counts of them."""
    filed = follow_catalogue(store, ()) if store.settings.sources.is_dir() else {}
    counts: Counter[str] = Counter()
    with store.engine.connect() as turn:  # its transaction lasts as long as the archive
        if not try_lock(turn, "rebuild"):
            raise CannotRebuild("Another rebuild works on this store.")
        for name in archive_files(store.archive):
            counts.update(_record_file(store, run_id, name, frozenset(filed)))
    return +counts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catalogue:
    """What tells whose a page is where nothing stands beside it."""

    owners: Mapping[str, str]  # registrable domain → source
    feeds: frozenset[str]


def _record_file(store: Store, run_id: RunId, name: str, filed: frozenset[str]) -> Counter[str]:
    with store.engine.begin() as connection:
        start, known = pages.recorded_of(connection, name)
        catalogue = _Catalogue(owners=sources.names_by_domain(connection), feeds=provenance.feed_urls(connection))
        if (moment := _MOMENT.search(name)) is not None:  # so that no later file is named before it
            provenance.next_moment(connection, datetime.strptime(moment[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC))
    counts = Counter({"announced": known, "known": known})

    def tell(damage: ArchiveDamaged) -> None:
        counts[f"{LEFT_OUT}{DAMAGED}"] += 1
        _log.warning("%s", damage)

    def leave_out(what: str) -> None:
        counts[f"{LEFT_OUT}{what}"] += 1

    captures = iter_captures(store.archive, name, start=start, on_damage=tell, on_other=leave_out)
    found = (_archived(capture, catalogue) for capture in captures)
    try:
        while batch := list(islice(found, store.settings.warc_pages)):
            counts.update(f"{LEFT_OUT}{item}" for item in batch if isinstance(item, str))
            kept = [item for item in batch if isinstance(item, Archived)]
            counts.update(_restore(store, run_id, kept, filed))
    except OSError as error:
        tell(ArchiveDamaged(name, 0, error.strerror or str(error)))
    return counts


def _archived(capture: Capture, catalogue: _Catalogue) -> Archived | str:
    """The page with what is known of it; or what it is, when it is none for an article."""
    try:
        match capture.known:
            case SampleOf():
                return _SAMPLE
            case Provenance() as known:
                normalize_url(known.entry.url)
                return Archived(page=capture.page, place=capture.place, known=known)
        return _unannounced(capture, catalogue)
    except BadUrl:
        return Reason.BAD_URL


def _unannounced(capture: Capture, catalogue: _Catalogue) -> Archived | str:
    """A page beside which nothing stands, as those of former versions: its address says whose it is. Raises BadUrl."""
    page = capture.page
    if page.url in catalogue.feeds:
        return _SAMPLE
    what = other_than_html(page.body, first_value(page.headers, "content-type"))
    if what and not page.url.startswith("file:"):
        return what
    normalize_url(page.url)
    name, title = owner(page.url, None, catalogue.owners)
    known = Provenance(
        source=Publisher(name=SourceName(name), title=title),
        entry=FeedEntry(url=page.url),
        first_seen_at=page.fetched_at,
    )
    return Archived(page=page, place=capture.place, known=known, by_address=True)


def _restore(store: Store, run_id: RunId, found: Sequence[Archived], filed: frozenset[str]) -> dict[str, int]:
    """Put these pages on record; the sources first, since their files or the archive say how URLs are compared."""
    with store.engine.begin() as connection:
        provenance.restore_sources(connection, found, filed)
    with store.engine.begin() as connection:
        follow_rules(connection)
    with store.engine.begin() as connection:
        new = provenance.restore(connection, found, run_id, datetime.now(UTC))
    return {"announced": len(found), "new": new}
