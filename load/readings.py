"""What reading gave, page by page: the text as it was first read and as the store holds it now, and its story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from load.rows import among
from load.tables import article_revision, cut, entry, page, revision, story_member
from transform.model import ArticleId, StoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCut:
    """One block that cleaning removed."""

    position: int
    kind: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReading:
    """One text of a page."""

    title: str
    authors: tuple[str, ...]
    summary: str | None
    text: str
    language: str | None
    published_at: datetime | None
    utc_offset: int | None  # minutes east of UTC, as the publisher wrote it
    date_precision: str | None
    extractor: str
    agreement: float | None
    flags: tuple[str, ...]
    cuts: tuple[StoredCut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReadings:
    """All that became of one page."""

    first: StoredReading | None  # None for a page that is no article
    last: StoredReading | None
    reason: str  # why it is no article, or the stage that gave it up; empty for an article
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where one entry ended."""

    article: ArticleId | None  # None for a page that is no article
    story: StoryId | None
    reason: str  # why it is no article, or the stage that gave it up; empty for an article
    detail: str


def places_of(connection: Connection, entry_ids: Collection[int]) -> dict[int, Placed]:
    """Entry id → the story that its article is in."""
    query = (
        select(entry.c.id, entry.c.article_id, story_member.c.story_id, entry.c.reason, entry.c.detail)
        .outerjoin(story_member, story_member.c.article_id == entry.c.article_id)
        .where(among(entry.c.id, entry_ids))
    )
    return {
        row.id: Placed(
            article=row.article_id,
            story=row.story_id,
            reason="" if row.story_id else row.reason or "",
            detail="" if row.story_id else row.detail or "",
        )
        for row in connection.execute(query)
    }


def readings_of(connection: Connection, entry_ids: Collection[int]) -> dict[tuple[int, bytes], PageReadings]:
    """Entry id and digest of the bytes → what became of the page.

    A page that said what its article said already has no text of its own: the article's is its.
    """
    texts = _revisions(connection, entry_ids)
    query = (
        select(page.c.id, page.c.entry_id, page.c.body_digest, entry.c.article_id, entry.c.reason, entry.c.detail)
        .join(entry, entry.c.id == page.c.entry_id)
        .where(among(page.c.entry_id, entry_ids))
    )
    found = {}
    for row in connection.execute(query):
        held = texts.of_page[row.id]
        if not held and row.reason is None:
            held = texts.of_article[row.article_id]
        found[row.entry_id, row.body_digest] = PageReadings(
            first=held[0] if held else None,
            last=held[-1] if held else None,
            reason="" if held else row.reason or "",
            detail="" if held else row.detail or "",
        )
    return found


@dataclass(frozen=True, slots=True)
class _Texts:
    """Page id, and article id → its texts, in the order in which they were read."""

    of_page: defaultdict[int, list[StoredReading]]
    of_article: defaultdict[int, list[StoredReading]]


def _revisions(connection: Connection, entry_ids: Collection[int]) -> _Texts:
    articles = select(entry.c.article_id).where(among(entry.c.id, entry_ids))
    pages = select(page.c.id).where(among(page.c.entry_id, entry_ids))
    placed = article_revision
    query = select(revision, placed.c.article_id).outerjoin(placed, placed.c.revision_id == revision.c.id)
    wanted = or_(revision.c.page_id.in_(pages), placed.c.article_id.in_(articles))
    rows = connection.execute(query.where(wanted).order_by(revision.c.id)).all()
    cuts = _cuts(connection, [row.id for row in rows])
    found = _Texts(defaultdict(list), defaultdict(list))
    for row in rows:
        reading = StoredReading(
            title=row.title,
            authors=tuple(row.authors),
            summary=row.summary,
            text=row.text,
            language=row.language,
            published_at=row.published_at,
            utc_offset=row.utc_offset,
            date_precision=row.date_precision,
            extractor=row.extractor,
            agreement=row.agreement,
            flags=tuple(row.flags),
            cuts=tuple(cuts[row.id]),
        )
        found.of_page[row.page_id].append(reading)
        found.of_article[row.article_id].append(reading)
    return found


def _cuts(connection: Connection, revision_ids: Collection[int]) -> defaultdict[int, list[StoredCut]]:
    """Revision id → its cuts, in the order of the text."""
    query = select(cut).where(among(cut.c.revision_id, revision_ids)).order_by(cut.c.revision_id, cut.c.position)
    found: defaultdict[int, list[StoredCut]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.revision_id].append(StoredCut(position=row.position, kind=row.kind, rule=row.rule, text=row.text))
    return found
