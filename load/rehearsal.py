"""What new readings would change, measured and not guessed: they are kept and settled for good, and then taken back.

All that decides is what decides in settling: it runs in a transaction that holds the lock of settling and is rolled
back at its end. Numbers of revisions, articles and stories that were given meanwhile are not given again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, or_, select
from sqlalchemy.exc import DBAPIError

from load import pages, revisions
from load.locks import lock
from load.revisions import Reading
from load.rows import among
from load.settle import settle_these
from load.tables import article, article_revision, revision, story, story_change, story_member
from transform.verify import MatchPolicy


class How(StrEnum):
    """What a change of story is to an article."""

    JOINS = "joins"
    """It comes to articles that it was not with."""
    LEAVES = "leaves"
    """It goes out, to a story that is founded for it, or for it and those that go with it."""
    NEW = "new"
    """It is new, and founds a story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An article that is in another story then."""

    url: str
    article_id: int | None  # None for one that is new
    from_story: int | None
    to_story: int | None  # None for a story that is founded then
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the new readings of some pages change."""

    kinds: Mapping[int, str]  # page → what its text is to its article; without those that say nothing new
    moves: tuple[Move, ...]  # also of articles whose pages are not read again
    changes: Mapping[str, int]  # of stories, by name
    refused: Mapping[int, str]  # page → why Postgres does not take what it says


def rehearse(engine: Engine, readings: Sequence[Reading], policy: MatchPolicy, now: datetime) -> Effect:
    """What would come of these readings of settled pages; nothing of it stays."""
    ids = [one.page_id for one in readings]
    with engine.connect() as before, engine.connect() as connection, connection.begin() as transaction:
        lock(connection, "settle")
        last_change = connection.scalar(select(func.coalesce(func.max(story_change.c.id), 0))) or 0
        known = set(before.scalars(select(revision.c.id).where(among(revision.c.page_id, ids))))
        pages.reopen(connection, ids)
        refused = _keep(connection, readings, now)
        settle_these(connection, ids, policy, now)
        kinds = _kinds(connection, ids, known)
        changes = connection.execute(select(story_change).where(story_change.c.id > last_change)).all()
        effect = Effect(
            kinds={row.page_id: row.kind for row in kinds},
            moves=_moves(before, connection, {row.article_id for row in kinds}, changes),
            changes=Counter(change.change for change in changes),
            refused=refused,
        )
        transaction.rollback()
    return effect


def _keep(connection: Connection, readings: Sequence[Reading], now: datetime) -> dict[int, str]:
    try:
        with connection.begin_nested():
            revisions.keep(connection, readings, now)
    except DBAPIError as error:
        if not revisions.is_about_a_value(error):
            raise
        if len(readings) == 1:
            return {readings[0].page_id: str(error.orig)}
        return {page: why for one in readings for page, why in _keep(connection, [one], now).items()}
    return {}


def _kinds(connection: Connection, page_ids: Sequence[int], known: Collection[int]) -> list[Row[Any]]:
    """Of each text that the pages gave now: page, article, and what it is to that."""
    query = (
        select(revision.c.id, revision.c.page_id, article_revision.c.article_id, article_revision.c.kind)
        .join(article_revision, article_revision.c.revision_id == revision.c.id)
        .where(among(revision.c.page_id, page_ids))
    )
    return [row for row in connection.execute(query) if row.id not in known]


def _moves(
    before: Connection, after: Connection, articles: Collection[int], changes: Sequence[Row[Any]]
) -> tuple[Move, ...]:
    """The articles that are in another story after than before: among these, and in the stories that changed."""
    touched = {id_ for row in changes for id_ in (row.story_id, row.other_id) if id_ is not None}
    concerned = {*articles, *_members(before, (), touched), *_members(after, (), touched)}
    were, are = (_members(connection, concerned, touched) for connection in (before, after))
    told = {story_id for story_id, _ in are.values()}
    known = set(before.scalars(select(story.c.id).where(among(story.c.id, told))))
    companions = Counter(story_id for story_id, _ in are.values())
    moves = []
    for article_id, (story_id, url) in sorted(are.items()):
        was = were.get(article_id)
        if was is not None and was[0] == story_id:
            continue
        moves.append(
            Move(
                url=url,
                article_id=None if was is None else article_id,
                from_story=None if was is None else was[0],
                to_story=story_id if story_id in known else None,
                how=_how(is_new=was is None, is_founded=story_id not in known, alone=companions[story_id] == 1),
            )
        )
    return tuple(moves)


def _how(*, is_new: bool, is_founded: bool, alone: bool) -> How:
    if is_new:
        return How.NEW if alone else How.JOINS
    return How.LEAVES if is_founded or alone else How.JOINS


def _members(connection: Connection, articles: Collection[int], stories: Collection[int]) -> dict[int, tuple[int, str]]:
    """Article id → its story and its URL, of these articles and of all that are in these stories."""
    query = (
        select(story_member.c.article_id, story_member.c.story_id, article.c.url)
        .join(article, article.c.id == story_member.c.article_id)
        .where(or_(among(story_member.c.article_id, articles), among(story_member.c.story_id, stories)))
    )
    return {row.article_id: (row.story_id, row.url) for row in connection.execute(query)}
