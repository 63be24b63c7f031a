"""load: what lies at hand already → pages, or entries to be fetched, which then go the same way as all others."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar
from unicodedata import combining, normalize
from urllib.parse import unquote, urlsplit

from prefect import flow

from extract.files import FileKind, find_files, kind_of, read_file, read_list
from extract.headers import first_value
from extract.lists import Listed, Listing
from extract.model import FeedEntry, Page, Reason, Rejection
from extract.sniff import other_than_html
from extract.urls import BadUrl, normalize_url, registrable_domain
from extract.warc import ArchiveDamaged, WarcPlace, iter_pages
from flows.bookkeeping import on_record, show_summary
from flows.collect import archive_pages, collect
from flows.ingest import ingest
from flows.run import DAMAGED, LEFT_OUT, Summary, as_markdown, figures_of, summarise
from flows.store import Store, follow_catalogue, open_store
from flows.upkeep import upkeep
from load import entries, pages, sources
from load.engine import Connection
from load.entries import Recorded
from load.locks import try_lock
from load.pages import FetchedPage
from load.rows import clean_text
from load.runs import RunId

_log = logging.getLogger(__name__)
NO_NAME = "local"  # of a source of whose name no letter or digit is left

_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)


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
            for file in at_hand.warcs:
                counts.update(index_warc(store, run_id, file, source))
            listed = announce_lists(store, run_id, at_hand.lists, source)
            counts.update(listed.counts)
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
    return _counts(recorded)


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
        for batch in _in_batches(held, size):
            yield name, batch


# --- WARC files -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A page in a WARC file, and whose it is."""

    page: Page
    place: WarcPlace
    owner: tuple[str, str]  # name and title of its source


def index_warc(store: Store, run_id: RunId, file: Path, source: str | None) -> Counter[str]:
    """Put the pages of a WARC file on record where they lie, from where an earlier load of it ended."""
    if clean_text(str(file)) != str(file):
        _log.warning("the name of %r is no text that the store can keep", file)
        return Counter({f"{LEFT_OUT}{DAMAGED}": 1})
    with store.engine.connect() as turn:  # its transaction lasts as long as the file
        if not try_lock(turn, f"load {file}"):
            _log.warning("another load works on %s", file)
            return Counter({f"{LEFT_OUT}a file that another load works on": 1})
        return +_index_alone(store, run_id, file, source)


def _index_alone(store: Store, run_id: RunId, file: Path, source: str | None) -> Counter[str]:
    with store.engine.connect() as connection:
        start, known = pages.recorded_of(connection, str(file))
        owners = sources.names_by_domain(connection)
    counts = Counter({"announced": known, "known": known})
    source_ids: dict[tuple[str, str], int] = {}

    def tell(damage: ArchiveDamaged) -> None:
        counts[f"{LEFT_OUT}{DAMAGED}"] += 1
        _log.warning("%s", damage)

    def leave_out(what: str) -> None:
        counts[f"{LEFT_OUT}{what}"] += 1

    found = _articles(iter_pages(str(file), start=start, on_damage=tell, on_other=leave_out), leave_out)
    owned = (_Found(page, place, owner(page.url, source, owners)) for page, place in found)
    try:
        for batch in _in_batches(owned, store.settings.batch):
            counts.update(_keep_in_place(store, run_id, batch, source_ids))
    except OSError as error:
        tell(ArchiveDamaged(str(file), 0, error.strerror or str(error)))
    return counts


def _articles(
    found: Iterable[tuple[Page, WarcPlace]], leave_out: Callable[[str], None]
) -> Iterator[tuple[Page, WarcPlace]]:
    """The pages that may be articles; what is no HTML, or has no usable URL, is told."""
    for page, place in found:
        what = other_than_html(page.body, first_value(page.headers, "content-type"))
        if what and not page.url.startswith("file:"):
            leave_out(what)
        elif not _is_usable(page.url):
            leave_out(Reason.BAD_URL)
        else:
            yield page, place


def _is_usable(url: str) -> bool:
    try:
        return bool(normalize_url(url))
    except BadUrl:
        return False


def _keep_in_place(
    store: Store, run_id: RunId, batch: Sequence[_Found], source_ids: dict[tuple[str, str], int]
) -> dict[str, int]:
    """Announce these pages and point to them, in one transaction, those of one URL in the order of their times.

    source_ids: name and title → id, of the sources met so far
    """
    now = datetime.now(UTC)
    with store.engine.begin() as connection:
        for owner in sorted({item.owner for item in batch} - set(source_ids)):
            source_ids[owner] = sources.ensure(connection, *owner)
        announced = [FeedEntry(url=item.page.url) for item in batch]
        by_url = {item.page.url: source_ids[item.owner] for item in batch}
        recorded = entries.record(connection, by_url, announced, run_id, now, fetch=False)
        _point_to(connection, sorted(batch, key=lambda item: item.page.fetched_at))
    return _counts(recorded)


def _point_to(connection: Connection, found: Sequence[_Found]) -> None:
    """Keep the pages whose bytes are new; an entry stays with the source that announced it first."""
    ids = entries.owners(connection, [item.page.url for item in found])
    places = {}
    for item in found:
        entry_id, source_id = ids[item.page.url]
        places[FetchedPage(entry_id=entry_id, source_id=source_id, page=item.page)] = item.place
    fresh = pages.changed(connection, list(places))
    pages.keep(connection, fresh, [places[item] for item in fresh])


# --- Lists of URLs --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What lists came to: counts, and the sources to fetch from."""

    counts: Counter[str]
    names: frozenset[str]


def announce_lists(store: Store, run_id: RunId, lists: Sequence[Listing], source: str | None) -> Announced:
    """Put what the lists name on record, to be fetched."""
    with store.engine.connect() as connection:
        owners = sources.names_by_domain(connection)
    counts = Counter({f"{LEFT_OUT}a line without a URL": sum(listing.left_out for listing in lists)})
    owned: list[tuple[Listed, str, str]] = []
    for item in (item for listing in lists for item in listing.items):
        try:
            owned.append((item, *_owner_of(item, source, owners)))
        except BadUrl:
            counts[f"{LEFT_OUT}{Reason.BAD_URL}"] += 1
    by_source = _grouped(owned, lambda item: item[1:])
    for (name, title), held in by_source.items():
        for batch in _in_batches((item.entry for item, *_ in held), store.settings.batch):
            counts.update(_record(store, run_id, name, title, batch))
    return Announced(counts=+counts, names=frozenset(name for name, _ in by_source))


def _record(store: Store, run_id: RunId, name: str, title: str, announced: Sequence[FeedEntry]) -> dict[str, int]:
    with store.engine.begin() as connection:
        source_id = sources.ensure(connection, name, title)
        return _counts(entries.record(connection, source_id, announced, run_id, datetime.now(UTC)))


# --- What all share -------------------------------------------------------------------------------------------


def _owner_of(item: Listed, source: str | None, owners: Mapping[str, str]) -> tuple[str, str]:
    """Name and title of the source that a listed URL is loaded under. Raises BadUrl."""
    if item.source and not source:
        return source_name(item.source), item.source
    return owner(item.entry.url, source, owners)


def owner(url: str, source: str | None, owners: Mapping[str, str]) -> tuple[str, str]:
    """Name and title of the source that a page is loaded under: as the user says, else by its domain, else its folder.

    owners: registrable domain → source that publishes there. Raises BadUrl.
    """
    domain = registrable_domain(url)
    name = source or owners.get(domain) or source_name(domain or PurePosixPath(unquote(urlsplit(url).path)).parent.name)
    return name, name if source else domain or name


def source_name(text: str) -> str:
    """A text as a source may be called: small letters, digits, hyphens; 'daily-example' for daily.example."""
    plain = "".join(char for char in normalize("NFKD", text.lower()) if not combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or NO_NAME


def _counts(recorded: Recorded) -> dict[str, int]:
    return {
        "announced": recorded.new + recorded.known + recorded.updated + recorded.bad,
        "new": recorded.new,
        "known": recorded.known,
        "updated": recorded.updated,
        "bad links": recorded.bad,
    }


def _grouped(items: Iterable[_T], key: Callable[[_T], _K]) -> dict[_K, list[_T]]:
    """The items by key, in the order in which the keys come."""
    groups: dict[_K, list[_T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _in_batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    going = iter(items)
    while batch := list(islice(going, size)):
        yield batch
