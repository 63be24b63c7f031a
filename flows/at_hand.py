"""load: what lies at hand already → pages, or entries to be fetched, which then go the same way as all others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow

from extract.files import FileKind, find_files, kind_of, read_file, read_list
from extract.lists import Listing
from extract.model import FeedEntry, Page, Reason, Rejection
from extract.warc_choice import Choice
from flows.bookkeeping import on_record, show_summary
from flows.collect import archive_pages, collect
from flows.ingest import ingest
from flows.lists import announce, choose, counts_of
from flows.owners import source_name
from flows.run import LEFT_OUT, Summary, as_markdown, figures_of, summarise
from flows.store import Store, follow_catalogue, open_store
from flows.upkeep import upkeep
from flows.warcs import WarcJob, by_domain, index_and_read
from load import entries, sources
from load.pages import FetchedPage
from load.runs import RunId


@flow(name="load", validate_parameters=False)
def load_paths(paths: Sequence[Path], source: str | None = None) -> Summary:
    """Load HTML and text files, WARC files, and folders of them; fetch what lists of URLs name.

    source: the name to load all of it under; else the name of a file's folder, of the source that publishes on a page's
    domain, or of that domain.
    Raises NothingToLoad, before anything is stored.
    """
    at_hand = _sorted_by_kind(paths)
    with open_store() as store:
        if store.settings.sources.is_dir():
            follow_catalogue(store, ())  # it says which source publishes on a page's domain
        started = datetime.now(UTC)
        before = figures_of(store.engine)
        with on_record(store, "load") as (run_id, counts):
            counts.update(at_hand.left_out)
            for name, held in _batches(at_hand.pages, source, store.settings.batch):
                counts.update(_load(store, run_id, name, held))
            index_and_read(store, run_id, _jobs(store, at_hand.warcs, source), counts)
            listed = choose(store, at_hand.lists, source)
            counts.update(announce(store, run_id, listed))
        if listed.names:
            collect(sorted(listed.names))
        ingest()
        upkeep()
        result = summarise(store.engine, store.settings, counts, before, started)
    show_summary(as_markdown(result))
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _AtHand:
    pages: Sequence[Path]
    warcs: Sequence[Path]
    lists: Sequence[Listing]
    left_out: Counter[str]


def _sorted_by_kind(paths: Sequence[Path]) -> _AtHand:
    """The files by what they are; lists are read here, so that a bad one stops the load before it begins."""
    named = {path.absolute() for path in paths}
    kinds: defaultdict[FileKind | None, list[Path]] = defaultdict(list)
    for file in sorted({file.absolute() for path in paths for file in find_files(path)}):
        kinds[_kind_of(file)].append(file)
    lists = [file for file in kinds[FileKind.LIST] if file in named]
    unnamed = len(kinds[FileKind.LIST]) - len(lists)
    return _AtHand(
        pages=kinds[FileKind.PAGE],
        warcs=kinds[FileKind.WARC],
        lists=[read_list(file) for file in lists],
        left_out=+Counter({f"{LEFT_OUT}a list of URLs in a folder": unnamed}),
    )


def _jobs(store: Store, files: Sequence[Path], source: str | None) -> list[WarcJob]:
    """All pages of these files."""
    with store.engine.connect() as connection:
        describe = by_domain(source, sources.names_by_domain(connection))
    return [WarcJob(file=str(file), choice=Choice(), describe=describe) for file in files]


def _kind_of(file: Path) -> FileKind | None:
    try:
        return kind_of(file)
    except OSError:
        return FileKind.PAGE  # whose reading says what is wrong


# --- Files that are pages -------------------------------------------------------------------------------------


def _load(store: Store, run_id: RunId, source: str, files: Sequence[Path]) -> dict[str, int]:
    """Announce these files, and put into the archive those whose bytes are new."""
    now = datetime.now(UTC)
    read = {file.as_uri(): _read(file) for file in files}
    with store.engine.begin() as connection:
        source_id = sources.ensure(connection, source, source)
        recorded = entries.record(connection, source_id, [FeedEntry(url=url) for url in read], run_id, now, fetch=False)
        ids = entries.ids(connection, read)
        for url, page in read.items():
            if isinstance(page, Rejection):
                entries.reject(connection, ids[url], page, now)
    got = [
        FetchedPage(entry_id=ids[url], source_id=source_id, page=page)
        for url, page in read.items()
        if isinstance(page, Page)
    ]
    archive_pages(store, got, now)
    return counts_of(recorded)


def _read(file: Path) -> Page | Rejection:
    try:
        return read_file(file)
    except OSError as error:
        return Rejection(url=file.as_uri(), reason=Reason.REFUSED, detail=error.strerror or str(error))


def _batches(files: Sequence[Path], source: str | None, size: int) -> Iterator[tuple[str, list[Path]]]:
    """The files of one source each, at most `size` together, in a stated order."""
    by_source: dict[str, list[Path]] = {}
    for file in files:
        by_source.setdefault(source or source_name(file.parent.name), []).append(file)
    for name, held in sorted(by_source.items()):
        for start in range(0, len(held), size):
            yield name, held[start : start + size]
