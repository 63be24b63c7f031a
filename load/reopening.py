"""Pages that somebody chose to be read again: what the store says of them, and how far the reading has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from extract.warc import WarcPlace
from load import pages
from load.pages import ReadBy
from load.rows import among, copy
from load.tables import (
    article,
    article_revision,
    entry,
    page,
    reopening,
    reopening_page,
    revision,
    source,
    story_member,
)

NOTHING, WAITS = "nothing", "waits"
SHOWN = 10  # of those that ended, the newest


class NothingOpen(LookupError):
    """A reopening was named, or meant, that has no pages left: one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """A page that was read to an end, and what came of its entry."""

    id: int
    entry_id: int
    source_id: int
    source: str
    url: str
    place: WarcPlace
    outcome: str
    reason: str | None
    detail: str | None
    article_id: int | None  # that its entry led to
    shown: tuple[str, str] | None  # title and text that this article has now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """One choice of pages, and how far it has come."""

    id: int
    predicate: str
    asked_by: str
    asked_at: datetime
    pages: int
    left: int
    counts: dict[str, int]
    ended_at: datetime | None
    stopped_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some pages of a reopening whose turn it is."""

    known_to_differ: tuple[int, ...]
    unknown: tuple[int, ...]  # not looked at yet


def stored_pages(connection: Connection, page_ids: Collection[int]) -> list[StoredPage]:
    """Those of these pages that are read to an end, in the order of their ids."""
    query = (
        select(
            page.c.id,
            page.c.entry_id,
            page.c.source_id,
            source.c.name.label("source"),
            page.c.url,
            page.c.warc_file,
            page.c.warc_offset,
            page.c.warc_length,
            entry.c.outcome,
            entry.c.reason,
            entry.c.detail,
            entry.c.article_id,
            revision.c.title,
            revision.c.text,
        )
        .join(entry, entry.c.id == page.c.entry_id)
        .join(source, source.c.id == page.c.source_id)
        .outerjoin(article, article.c.id == entry.c.article_id)
        .outerjoin(revision, revision.c.id == article.c.revision_id)
        .where(among(page.c.id, page_ids), page.c.read_at.is_not(None))
        .order_by(page.c.id)
    )
    return [
        StoredPage(
            id=row.id,
            entry_id=row.entry_id,
            source_id=row.source_id,
            source=row.source,
            url=row.url,
            place=WarcPlace(file=row.warc_file, offset=row.warc_offset, length=row.warc_length),
            outcome=row.outcome,
            reason=row.reason,
            detail=row.detail,
            article_id=row.article_id,
            shown=None if row.text is None else (row.title, row.text),
        )
        for row in connection.execute(query)
    ]


def stories_of(connection: Connection, page_ids: Collection[int]) -> dict[int, list[tuple[str, int]]]:
    """Page id → the article and the story that it is of by its entry; for those that have any."""
    query = (
        select(page.c.id, entry.c.article_id, story_member.c.story_id)
        .join(entry, entry.c.id == page.c.entry_id)
        .outerjoin(story_member, story_member.c.article_id == entry.c.article_id)
        .where(among(page.c.id, page_ids), entry.c.article_id.is_not(None))
    )
    return {row.id: [("article", row.article_id), ("story", row.story_id or 0)] for row in connection.execute(query)}


def begin(
    connection: Connection,
    predicate: str,
    by: str,
    page_ids: Sequence[int],
    differing: Collection[int],
    report: Mapping[str, Any],
    now: datetime,
) -> int:
    """The number of a new reopening of these pages.

    differing: those that are known to read otherwise; of the others nothing is known yet
    """
    row = {"predicate": predicate, "asked_by": by, "asked_at": now, "pages": len(page_ids), "report": dict(report)}
    number = int(connection.execute(insert(reopening).values(row).returning(reopening.c.id)).scalar_one())
    known = set(differing)
    rows = [{"reopening_id": number, "page_id": id_, "differs": id_ in known or None} for id_ in page_ids]
    copy(connection, reopening_page, rows)
    return number


def open_ones(connection: Connection) -> list[int]:
    """The numbers of those that have pages left, in the order in which they were begun."""
    return list(
        connection.scalars(select(reopening.c.id).where(reopening.c.ended_at.is_(None)).order_by(reopening.c.id))
    )


def on_record(connection: Connection) -> tuple[Reopening, ...]:
    """Those that have pages left, and the newest of the others."""
    left = select(func.count()).where(reopening_page.c.reopening_id == reopening.c.id).scalar_subquery()
    columns = [column for column in reopening.c if column.name != "report"]
    query = select(*columns, left.label("left")).order_by(reopening.c.ended_at.desc().nulls_first(), reopening.c.id)
    rows = connection.execute(query).mappings().all()
    running = sum(row["ended_at"] is None for row in rows)
    return tuple(Reopening(**row) for row in rows[: running + SHOWN])


def report_of(connection: Connection, number: int) -> dict[str, Any]:
    """What it was to change. Raises NothingOpen."""
    report = connection.scalar(
        select(reopening.c.report).where(reopening.c.id == number, reopening.c.ended_at.is_(None))
    )
    if report is None:
        raise NothingOpen(f"No reopening {number} has pages left.")
    return dict(report)


def next_slice(connection: Connection, number: int, limit: int) -> Slice:
    """The next pages, so many at most; empty when none is left."""
    query = (
        select(reopening_page.c.page_id, reopening_page.c.differs)
        .where(reopening_page.c.reopening_id == number, reopening_page.c.reopened_after.is_(None))
        .order_by(reopening_page.c.page_id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return Slice(
        known_to_differ=tuple(row.page_id for row in rows if row.differs),
        unknown=tuple(row.page_id for row in rows if not row.differs),
    )


def take(
    connection: Connection, number: int, same: Mapping[int, ReadBy], gone: Collection[int], since: datetime
) -> int:
    """Note by what pages were read that stay as they are, and be done with these, and with those that are gone.

    since: when they were looked at; those that were read after that are left alone. Answers how many were ours to take.
    """
    ended = delete(reopening_page).where(
        reopening_page.c.reopening_id == number, among(reopening_page.c.page_id, [*same, *gone])
    )
    ours = set(connection.scalars(ended.returning(reopening_page.c.page_id)))
    pages.confirm(connection, {id_: by for id_, by in same.items() if id_ in ours}, since)
    return len(ours & same.keys())


def reopen(connection: Connection, number: int, page_ids: Collection[int]) -> int:
    """Make these pages of it unread again; answers how many. What comes of them is counted by `close`."""
    newest = connection.scalar(select(func.coalesce(func.max(revision.c.id), 0)))
    ours = (
        update(reopening_page)
        .where(
            reopening_page.c.reopening_id == number,
            reopening_page.c.reopened_after.is_(None),
            among(reopening_page.c.page_id, page_ids),
        )
        .values(reopened_after=newest)
        .returning(reopening_page.c.page_id)
    )
    return pages.reopen(connection, list(connection.scalars(ours)))


def is_under_way(connection: Connection, number: int) -> bool:
    """Whether pages of it are reopened and not counted yet."""
    query = select(reopening_page.c.page_id).where(
        reopening_page.c.reopening_id == number, reopening_page.c.reopened_after.is_not(None)
    )
    return connection.scalar(query.limit(1)) is not None


def close(connection: Connection, number: int) -> Counter[str]:
    """Be done with what was reopened; what came of it, by the kinds of revisions, NOTHING, or WAITS."""
    ended = delete(reopening_page).where(
        reopening_page.c.reopening_id == number, reopening_page.c.reopened_after.is_not(None)
    )
    marks = dict(
        connection.execute(ended.returning(reopening_page.c.page_id, reopening_page.c.reopened_after)).tuples().all()
    )
    if not marks:
        return Counter()
    became = _became(connection, marks)
    waiting = set(connection.scalars(select(page.c.id).where(among(page.c.id, list(marks)), page.c.read_at.is_(None))))
    return Counter(WAITS if id_ in waiting else became.get(id_, NOTHING) for id_ in marks)


def _became(connection: Connection, marks: Mapping[int, int]) -> dict[int, str]:
    """Page id → what the text it gave since then is to its article; for those that gave one."""
    query = (
        select(revision.c.page_id, article_revision.c.kind)
        .join(article_revision, article_revision.c.revision_id == revision.c.id)
        .where(among(revision.c.page_id, list(marks)), revision.c.id > min(marks.values()))
        .order_by(revision.c.id)
    )
    return {page_id: kind for page_id, kind in connection.execute(query)}


def counts_of(connection: Connection, number: int) -> Counter[str]:
    """What came of its pages so far."""
    return Counter(connection.scalar(select(reopening.c.counts).where(reopening.c.id == number)) or {})


def count(connection: Connection, number: int, counts: Mapping[str, int]) -> None:
    """Add to what came of it."""
    connection.execute(select(reopening.c.id).where(reopening.c.id == number).with_for_update())
    total = counts_of(connection, number)
    total.update(counts)
    connection.execute(update(reopening).where(reopening.c.id == number).values(counts=dict(+total)))


def end(connection: Connection, numbers: Iterable[int], now: datetime, stopped_by: str | None = None) -> None:
    """Nothing more is read again for these: all is done, or someone stops it."""
    ids = list(numbers)
    connection.execute(delete(reopening_page).where(among(reopening_page.c.reopening_id, ids)))
    ours = update(reopening).where(among(reopening.c.id, ids), reopening.c.ended_at.is_(None))
    connection.execute(ours.values(ended_at=now, stopped_by=stopped_by))
