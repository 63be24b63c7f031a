"""Pages: what was fetched, where its bytes lie, who reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, TableValuedAlias, func, insert, null, or_, select, update

from extract.model import Page
from extract.warc import WarcPlace
from load.claims import claim, free, lock_claims
from load.entries import Outcome, close, fetched
from load.expectations import is_held, probes
from load.rows import among, clean_text, listed
from load.tables import page, unsettled

MAX_ATTEMPTS = 3  # at reading: then the page is quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """A page and the entry that asked for it."""

    entry_id: int
    source_id: int
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadPage:
    """A page that this worker reads; its bytes lie at `place`."""

    id: int
    entry_id: int
    source_id: int
    url: str
    place: WarcPlace
    attempts: int  # before this one
    again: bool  # it was read to an end before: its entry has its outcome


@dataclass(frozen=True, slots=True)
class ReadBy:
    """What a page was read by."""

    spec: bytes  # digest of extractors, rules, sketch and memory
    memory_version: int = 0  # of the source's memory


def changed(connection: Connection, pages: Sequence[FetchedPage]) -> list[FetchedPage]:
    """Those whose bytes differ from the last that we have of their entry, or from the one before them here.

    A capture that is on record already, as a second copy of a WARC file brings it, says nothing new wherever it stands.
    """
    if not pages:
        return []
    pages = _unrecorded(connection, pages)
    latest = (
        select(page.c.entry_id, page.c.body_digest)
        .distinct(page.c.entry_id)
        .where(among(page.c.entry_id, [item.entry_id for item in pages]))
        .order_by(page.c.entry_id, page.c.id.desc())
    )
    known = {entry_id: digest for entry_id, digest in connection.execute(latest)}
    fresh = []
    for item in pages:
        if known.get(item.entry_id) != item.page.digest:
            known[item.entry_id] = item.page.digest
            fresh.append(item)
    return fresh


def _unrecorded(connection: Connection, pages: Sequence[FetchedPage]) -> list[FetchedPage]:
    """Those that no page of their entry has the bytes and the moment of."""
    query = select(page.c.entry_id, page.c.body_digest, page.c.fetched_at).where(
        among(page.c.entry_id, [item.entry_id for item in pages]),
        page.c.fetched_at.in_({item.page.fetched_at for item in pages}),
    )
    known = {tuple(row) for row in connection.execute(query)}
    return [item for item in pages if (item.entry_id, item.page.digest, item.page.fetched_at) not in known]


def dated(connection: Connection, pages: Sequence[FetchedPage]) -> list[FetchedPage]:
    """These pages, just fetched, none dated before the last that we have of its entry.

    Where the clock was set back, what comes later would else be taken for an older copy of the page.
    """
    last = select(page.c.entry_id, func.max(page.c.fetched_at)).group_by(page.c.entry_id)
    known = dict(map(tuple, connection.execute(last.where(among(page.c.entry_id, [item.entry_id for item in pages])))))
    return [_not_before(item, known.get(item.entry_id)) for item in pages]


def _not_before(item: FetchedPage, last: datetime | None) -> FetchedPage:
    if last is None or item.page.fetched_at > last:
        return item
    return replace(item, page=replace(item.page, fetched_at=last + timedelta(microseconds=1)))


def keep(connection: Connection, pages: Sequence[FetchedPage], places: Sequence[WarcPlace]) -> None:
    """Record pages whose bytes are in the archive; their entries wait for the reading."""
    if not pages:
        return
    rows = [_row(item, place) for item, place in zip(pages, places, strict=True)]
    connection.execute(insert(page), rows)
    fetched(connection, [item.entry_id for item in pages])


def recorded_of(connection: Connection, warc_file: str) -> tuple[int, int]:
    """How far into a WARC file we have its pages on record, in bytes, and of how many entries they are."""
    end = func.coalesce(func.max(page.c.warc_offset + page.c.warc_length), 0)
    query = select(end, func.count(page.c.entry_id.distinct())).where(page.c.warc_file == warc_file)
    far, entries = connection.execute(query).one()
    return int(far), int(entries)


def close_unchanged(connection: Connection, entry_ids: Collection[int], now: datetime) -> None:
    """The web says, or the bytes show, that nothing changed since the last page of these entries."""
    if entry_ids:
        close(connection, entry_ids, Outcome.UNCHANGED, now)


def claim_unread(connection: Connection, worker: int, now: datetime, limit: int) -> list[UnreadPage]:
    """Pages to read, oldest first, claimed for this worker.

    Those of held sources wait, but for a few that show whether the source is well again.
    """
    lock_claims(connection, page)
    wanted = or_(~is_held(), page.c.id.in_(probes(connection, now)))
    query = select(page).where(page.c.read_at.is_(None), free(page, now), wanted).order_by(page.c.id).limit(limit)
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    claim(connection, page, ids, worker, now)
    return [
        UnreadPage(
            id=row.id,
            entry_id=row.entry_id,
            source_id=row.source_id,
            url=row.url,
            place=WarcPlace(file=row.warc_file, offset=row.warc_offset, length=row.warc_length),
            attempts=row.attempts,
            again=row.read_spec is not None,
        )
        for row in rows
    ]


def count_unread(connection: Connection, most: int) -> int:
    """How many pages wait to be read, but for those of held sources; counted no further than `most`."""
    waiting = select(page.c.id).where(page.c.read_at.is_(None), ~is_held()).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(waiting)).scalar_one()


def lock_unread(connection: Connection, page_ids: Collection[int]) -> dict[int, Row[Any]]:
    """Those of these pages that are unread, by id, as they stand in the queue of settling once they are read.

    Nobody else marks them before the transaction ends.
    """
    unread = select(
        page.c.id, page.c.entry_id, page.c.source_id, page.c.fetched_at, page.c.read_spec.is_not(None).label("again")
    ).where(among(page.c.id, page_ids), page.c.read_at.is_(None))
    return {row.id: row for row in connection.execute(unread.order_by(page.c.id).with_for_update())}


def mark_read(connection: Connection, read_by: Mapping[int, ReadBy], now: datetime) -> None:
    """These pages are read to an end; what one gave waits for settling while the page is in that queue.

    read_by: page id → what read it
    """
    if not read_by:
        return
    told = _told(read_by)
    values = {"read_at": now, "claimed_by": null(), "claimed_until": null()}
    connection.execute(update(page).where(page.c.id == told.c.id).values(values | _read_by(told)))


def confirm(connection: Connection, read_by: Mapping[int, ReadBy], since: datetime) -> None:
    """Note of pages that say what they said before by what they were read this time, in the moment `since`.

    Those that were read later, or wait, are left alone. The time of reading stays as it was: nothing of what is stored
    dates from this one.
    """
    if read_by:
        told = _told(read_by)
        ours = update(page).where(page.c.id == told.c.id, page.c.read_at < since)
        connection.execute(ours.values(_read_by(told)))


def _told(read_by: Mapping[int, ReadBy]) -> TableValuedAlias:
    rows = [
        {"id": page_id, "read_spec": by.spec, "memory_version": by.memory_version}
        for page_id, by in sorted(read_by.items())
    ]
    return listed(rows, [page.c.id, page.c.read_spec, page.c.memory_version])


def _read_by(told: TableValuedAlias) -> dict[str, Any]:
    return {"read_spec": told.c.read_spec, "memory_version": told.c.memory_version}


def reopen(connection: Connection, page_ids: Collection[int]) -> int:
    """Make these pages unread again, those that are settled; answers how many.

    They are claimed, read and settled like all others, in the order of their ids. Their entries keep their outcomes.
    """
    waits = select(unsettled.c.page_id).where(unsettled.c.page_id == page.c.id).correlate(page).exists()
    ended = update(page).where(among(page.c.id, page_ids), page.c.read_at.is_not(None), ~waits)
    return connection.execute(ended.values(read_at=null(), attempts=0)).rowcount


def release(connection: Connection, page_id: int) -> None:
    """Give the page back to the queue after an attempt that failed; a worker that was killed on it counts for none."""
    values = {"attempts": page.c.attempts + 1, "claimed_by": null(), "claimed_until": null()}
    connection.execute(update(page).where(page.c.id == page_id).values(values))


def _row(item: FetchedPage, place: WarcPlace) -> dict[str, object]:
    return {
        "entry_id": item.entry_id,
        "source_id": item.source_id,
        "url": item.page.url,
        "final_url": item.page.final_url,
        "status": item.page.status,
        "headers": [[clean_text(name), clean_text(value)] for name, value in item.page.headers],
        "fetched_at": item.page.fetched_at,
        "opt_outs": list(item.page.opt_outs),
        "body_digest": item.page.digest,
        "body_bytes": len(item.page.body),
        "warc_file": place.file,
        "warc_offset": place.offset,
        "warc_length": place.length,
    }
