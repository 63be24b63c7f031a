"""backfill: what lies at hand already → pages, which then go the same way as all others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow

from extract.files import find_files, read_file
from extract.model import FeedEntry, Page, Reason, Rejection
from flows.bookkeeping import on_record, show_summary
from flows.collect import archive_pages
from flows.ingest import ingest
from flows.run import Summary, as_markdown, figures_of, summarise
from flows.store import Store, open_store
from load import entries, sources
from load.pages import FetchedPage
from load.runs import RunId


@flow(name="load", validate_parameters=False)
def load_paths(paths: Sequence[Path], source: str | None = None) -> Summary:
    """Load local HTML and text files, and those in folders, through the same line from pages on.

    source: the name to load them under; else the name of each file's folder.
    """
    files = sorted({file.absolute() for path in paths for file in find_files(path)})
    with open_store() as store:
        started = datetime.now(UTC)
        before = figures_of(store.engine)
        with on_record(store, "load") as (run_id, counts):
            for name, held in _batches(files, source, store.settings.batch):
                counts.update(_load(store, run_id, name, held))
        ingest()
        result = summarise(store.engine, store.settings, counts, before, started)
    show_summary(as_markdown(result))
    return result


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
    return {"announced": len(files), "new": recorded.new, "known": recorded.known}


def _read(file: Path) -> Page | Rejection:
    try:
        return read_file(file)
    except OSError as error:
        return Rejection(url=file.as_uri(), reason=Reason.REFUSED, detail=error.strerror or str(error))


def _batches(files: Sequence[Path], source: str | None, size: int) -> Iterator[tuple[str, list[Path]]]:
    """The files of one source each, at most `size` together, in a stated order."""
    by_source: dict[str, list[Path]] = {}
    for file in files:
        by_source.setdefault(source or _source_name(file.parent), []).append(file)
    for name, held in sorted(by_source.items()):
        for start in range(0, len(held), size):
            yield name, held[start : start + size]


def _source_name(folder: Path) -> str:
    """The folder's name as a source may be called: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "local"
