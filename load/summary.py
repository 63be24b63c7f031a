"""What a run came to and what the store holds, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from load.tables import article, cut, entry, revision, source, story, story_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    source: str
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The store in numbers, and its largest story with the members that are not its canonical one."""

    articles: int
    stories: int
    cuts: int  # from what the articles say now
    largest: tuple[int, int, str] | None  # story, number of articles, title
    copies: tuple[Copy, ...]


def outcomes_since(connection: Connection, since: datetime) -> dict[str, int]:
    """How the entries announced or closed since then stand: outcome, or 'rejected: reason' → number."""
    label = entry.c.outcome + func.coalesce(": " + entry.c.reason, "")
    recent = or_(entry.c.outcome_at >= since, and_(entry.c.outcome_at.is_(None), entry.c.last_seen_at >= since))
    rows = connection.execute(select(label, func.count()).where(recent).group_by(label).order_by(label))
    return {name: count for name, count in rows}


def figures(connection: Connection) -> Figures:
    current = article.c.revision_id == cut.c.revision_id
    largest = connection.execute(
        select(story.c.id, story.c.articles, story.c.canonical_id, revision.c.title)
        .join(article, article.c.id == story.c.canonical_id)
        .join(revision, revision.c.id == article.c.revision_id)
        .where(story.c.merged_into.is_(None))
        .order_by(story.c.articles.desc(), story.c.id)
        .limit(1)
    ).one_or_none()
    return Figures(
        articles=_count(connection, article.c.id),
        stories=connection.execute(select(func.count()).where(story.c.merged_into.is_(None))).scalar_one(),
        cuts=connection.execute(select(func.count()).select_from(cut).join(article, current)).scalar_one(),
        largest=None if largest is None else (largest.id, largest.articles, largest.title),
        copies=() if largest is None else _copies(connection, largest.id, largest.canonical_id),
    )


def _copies(connection: Connection, story_id: int, canonical_id: int) -> tuple[Copy, ...]:
    query = (
        select(source.c.title.label("source"), revision.c.title, article.c.url)
        .select_from(story_member)
        .join(article, article.c.id == story_member.c.article_id)
        .join(revision, revision.c.id == article.c.revision_id)
        .join(source, source.c.id == article.c.source_id)
        .where(story_member.c.story_id == story_id, article.c.id != canonical_id)
        .order_by(revision.c.published_at.asc().nulls_last(), article.c.id)
    )
    return tuple(Copy(source=row.source, title=row.title, url=row.url) for row in connection.execute(query))


def _count(connection: Connection, column: ColumnElement[int]) -> int:
    return int(connection.execute(select(func.count(column))).scalar_one())
