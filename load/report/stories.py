"""Stories with their members, and what happened to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from load.judgements import Told, of_articles
from load.report.common import UnknownItem, read, texts_of
from transform.model import ArticleId
from transform.passages import Extent, extent, passages


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One story of a list."""

    id: int
    kind: str
    title: str
    url: str
    source: str
    language: str | None
    published_at: datetime | None
    articles: int
    sources: int
    snippet: str | None = None  # the words found, between **


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One article of a story and the match that ties it there."""

    article_id: int
    source: str
    title: str
    url: str
    language: str | None
    published_at: datetime | None
    date_precision: str | None
    date_found_in: str | None
    words: int
    flags: Sequence[str]
    is_canonical: bool
    is_container: bool
    has_drifted: bool
    revisions: int
    matched_article_id: int | None
    match_kind: str | None
    jaccard: float | None
    containment: float | None
    place: int  # in the order in which they came out
    time_is_exact: bool
    seconds_behind: int | None  # the first; None where one of the times is not known
    agency: str | None
    agency_certainty: str | None
    agency_evidence: str | None
    agency_material: Sequence[str]
    is_wire_copy: bool
    change: Extent | None = None  # from the canonical article; None for that itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two articles of a story that overlap."""

    left_id: int
    right_id: int
    kind: str
    jaccard: float
    containment: float
    facts: float
    run: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One change of a story."""

    id: int
    changed_at: datetime
    change: str
    story_id: int
    article_id: int | None
    other_story_id: int | None
    detail: str | None
    articles: int | None
    judgement_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A living story with all that is known of it."""

    asked_id: int  # another id than its own when that story was merged into this one
    id: int
    kind: str
    title: str
    summary: str | None
    text: str
    url: str
    source: str
    language: str | None
    published_at: datetime | None
    articles: int
    sources: int
    first_published_at: datetime | None
    last_published_at: datetime | None
    canonical_article_id: int
    canonical_rule: str
    changed_at: datetime
    first_article_id: int
    first_source: str
    first_url: str
    first_time_is_exact: bool
    members: tuple[Member, ...]  # in the order in which they came out
    pairs: tuple[Pair, ...]
    changes: tuple[ChangeLine, ...]
    judgements: tuple[Told, ...]  # about any of its articles, also those that were taken back


_STORY_LINE = """
    SELECT story.id, story.kind, story.title, story.url, story.source, story.language, story.published_at,
           story.articles, story.sources"""
_NEWEST = f"""{_STORY_LINE}
    FROM news.story
    WHERE (CAST(:language AS text) IS NULL OR story.language = :language)
      AND (CAST(:since AS timestamptz) IS NULL OR coalesce(story.last_published_at, story.changed_at) >= :since)
    ORDER BY story.last_published_at DESC NULLS LAST, story.id DESC LIMIT :limit"""
_FOUND = f"""{_STORY_LINE}, found.snippet
    FROM news.search(:query, :limit, :language, :since) WITH ORDINALITY AS found
    JOIN news.story ON story.id = found.story_id
    ORDER BY found.ordinality"""
_LIVING = """
    SELECT story.* FROM news.story
    WHERE story.id = coalesce((SELECT living_id FROM news.story_redirect WHERE id = :id), :id)"""
_MEMBERS = """
    SELECT member.article_id, member.source, member.title, member.url, revision.language, member.published_at,
           revision.date_precision, revision.date_found_in, revision.words, revision.flags, member.is_canonical,
           member.is_container, article.drifted AS has_drifted,
           (SELECT count(*) FROM storyfold.article_revision AS told
            WHERE told.article_id = member.article_id) AS revisions,
           member.matched_article_id, member.match_kind, member.jaccard, member.containment, member.place,
           member.time_is_exact, member.seconds_behind, member.agency, member.agency_certainty, member.agency_evidence,
           member.agency_material, member.is_wire_copy
    FROM news.story_article AS member
    JOIN storyfold.article ON article.id = member.article_id
    JOIN storyfold.revision ON revision.id = article.revision_id
    WHERE member.story_id = :id ORDER BY member.place"""
_PAIRS = """
    SELECT pair.left_id, pair.right_id, pair.kind, pair.jaccard, pair.containment, pair.facts, pair.run
    FROM news.duplicate_pair AS pair
    JOIN storyfold.story_member AS member ON member.article_id = pair.left_id
    WHERE pair.in_same_story AND member.story_id = :id ORDER BY pair.left_id, pair.right_id"""
_STORY_CHANGES = """
    SELECT * FROM news.story_change
    WHERE story_id = :id OR other_story_id = :id
       OR story_id IN (SELECT redirect.id FROM news.story_redirect AS redirect WHERE redirect.living_id = :id)
    ORDER BY id"""


def list_stories(
    connection: Connection, query: str | None, limit: int, language: str | None, since: datetime | None
) -> tuple[StoryLine, ...]:
    """The stories that a search finds, the best first; without a query all of them, the newest first."""
    values = {"query": query, "limit": limit, "language": language, "since": since}
    return read(connection, StoryLine, _FOUND if query else _NEWEST, **values)


def story(connection: Connection, story_id: int) -> Story:
    """The story of this id, or the one it was merged into. Raises UnknownItem."""
    row = connection.execute(text(_LIVING), {"id": story_id}).mappings().one_or_none()
    if row is None:
        raise UnknownItem(f"There is no story {story_id}.")
    living = row["id"]
    members = read(connection, Member, _MEMBERS, id=living)
    return Story(
        **row,
        asked_id=story_id,
        members=_with_changes(connection, members),
        pairs=read(connection, Pair, _PAIRS, id=living),
        changes=read(connection, ChangeLine, _STORY_CHANGES, id=living),
        judgements=of_articles(connection, [ArticleId(member.article_id) for member in members]),
    )


_CHANGES = "SELECT * FROM news.story_change WHERE id > :since ORDER BY id LIMIT :limit"
_CHANGES_BY_ID = "SELECT * FROM news.story_change WHERE id = ANY(:ids) ORDER BY id"


def changes(connection: Connection, since: int, limit: int | None) -> Iterator[ChangeLine]:
    """The changes of stories after this one, in order; read as they are asked for."""
    streaming = connection.execution_options(stream_results=True)
    for row in streaming.execute(text(_CHANGES), {"since": since, "limit": limit}).mappings():
        yield ChangeLine(**row)


def changes_by_id(connection: Connection, ids: Collection[int]) -> tuple[ChangeLine, ...]:
    """These changes of stories, in order."""
    return read(connection, ChangeLine, _CHANGES_BY_ID, ids=list(ids))


def _with_changes(connection: Connection, members: Sequence[Member]) -> tuple[Member, ...]:
    """The members with what each has changed of the canonical text; equal texts are compared once."""
    texts = texts_of(connection, [member.article_id for member in members])
    own = next(texts[member.article_id] for member in members if member.is_canonical)
    changes = {told: extent(passages(own, told)) for told in set(texts.values())}
    return tuple(
        member if member.is_canonical else replace(member, change=changes[texts[member.article_id]])
        for member in members
    )
