"""The newest articles of the store, to try rules on: their texts as they are now, and their pages in the archive."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from extract.warc import WarcPlace
from load.tables import article, page, revision, source, story_member
from transform.suggest import StoredText


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedArticle:
    """Where the page lies that says what an article says now."""

    entry_id: int
    source_id: int
    place: WarcPlace


def newest_texts(connection: Connection, name: str, limit: int) -> tuple[StoredText, ...]:
    """What the newest articles of a source say now."""
    columns = (story_member.c.story_id.label("story"), revision.c.language, revision.c.authors, revision.c.text)
    query = _newest(select(*columns), [name], limit).join(story_member, story_member.c.article_id == article.c.id)
    return tuple(
        StoredText(story=row.story, language=row.language, authors=tuple(row.authors), text=row.text)
        for row in connection.execute(query)
    )


def newest_pages(connection: Connection, names: Collection[str], limit: int) -> tuple[ArchivedArticle, ...]:
    """The pages of the newest articles; of all sources when none is named."""
    columns = (page.c.entry_id, page.c.source_id, page.c.warc_file, page.c.warc_offset, page.c.warc_length)
    query = _newest(select(*columns), names, limit).join(page, page.c.id == revision.c.page_id)
    return tuple(
        ArchivedArticle(
            entry_id=row.entry_id,
            source_id=row.source_id,
            place=WarcPlace(file=row.warc_file, offset=row.warc_offset, length=row.warc_length),
        )
        for row in connection.execute(query)
    )


def _newest(query: Select[Any], names: Collection[str], limit: int) -> Select[Any]:
    query = query.select_from(article).join(revision, revision.c.id == article.c.revision_id)
    if names:
        query = query.join(source, source.c.id == article.c.source_id).where(source.c.name.in_(names))
    return query.order_by(article.c.id.desc()).limit(limit)
