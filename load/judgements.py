"""People's judgements on articles: given, taken back, and asked for. They are rows for ever.

Each takes the lock of settling, regroups the stories that it touches, and logs what that changes: so a judgement is
obeyed when the call returns, and consumers see its changes in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from load import memory, stories
from load.locks import lock
from load.rows import among
from load.tables import judgement, story, story_change, story_member
from transform.model import ArticleId, Judgement, JudgementKind


class BadJudgement(ValueError):
    """A judgement that cannot be given or taken back: one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A judgement as it is on record."""

    id: int
    kind: JudgementKind
    articles: tuple[ArticleId, ...]
    others: tuple[ArticleId, ...]  # each of the articles is the same as, or different from, each of these
    reason: str | None
    judged_at: datetime
    judged_by: str
    undone_at: datetime | None  # None while it counts
    undone_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What came of giving a judgement or taking one back."""

    judgement: int
    changes: tuple[int, ...]  # ids in news.story_change, in order
    overruled: tuple[int, ...] = ()  # earlier judgements that were obeyed until now, and are no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Who judges, when and why."""

    by: str
    at: datetime
    reason: str | None = None


def same(connection: Connection, a: ArticleId, b: ArticleId, given: Given) -> Effect:
    """The two articles belong to one story, whatever was measured. Raises BadJudgement."""
    return _judge_pair(connection, JudgementKind.SAME, a, b, given)


def different(connection: Connection, a: ArticleId, b: ArticleId, given: Given) -> Effect:
    """The two articles belong to different stories, whatever ties them together. Raises BadJudgement."""
    return _judge_pair(connection, JudgementKind.DIFFERENT, a, b, given)


def split(connection: Connection, story_id: int, articles: Collection[ArticleId], given: Given) -> Effect:
    """The articles leave the story, and stay apart from all its other members of now. Raises BadJudgement."""
    lock(connection, "settle")
    rest = _members_with(connection, story_id, articles) - set(articles)
    if not rest:
        raise BadJudgement(f"These are all the articles of story {story_id}: there is nothing to split them from.")
    return _give(connection, JudgementKind.DIFFERENT, articles, rest, given)


def pin(connection: Connection, story_id: int, article_id: ArticleId, given: Given) -> Effect:
    """The article stands for its story, as long as no other member is pinned later. Raises BadJudgement."""
    lock(connection, "settle")
    members = _members_with(connection, story_id, [article_id])
    pins = [one for one in stories.judgements_about(connection, members) if one.kind is JudgementKind.PIN]
    if pins and pins[-1].articles == {article_id}:
        raise BadJudgement(f"Judgement {pins[-1].id} says so already.")
    return _give(connection, JudgementKind.PIN, [article_id], (), given)


def undo(connection: Connection, number: int, by: str, now: datetime) -> Effect:
    """Take a judgement back: the stories are as the matches and the other judgements make them. Raises BadJudgement."""
    lock(connection, "settle")
    taken = update(judgement).where(judgement.c.id == number, judgement.c.undone_at.is_(None))
    row = connection.execute(taken.values(undone_at=now, undone_by=by).returning(judgement)).one_or_none()
    if row is None:
        known = connection.scalar(select(judgement.c.undone_at).where(judgement.c.id == number))
        raise BadJudgement(
            f"Judgement {number} was taken back at {known:%Y-%m-%d %H:%M}."
            if known
            else f"There is no judgement {number}."
        )
    return Effect(judgement=number, changes=_regroup(connection, {*row.articles, *row.others}, number, now))


def list_all(connection: Connection, *, undone: bool = False) -> tuple[Told, ...]:
    """The judgements that count, in their order; or all there ever were."""
    query = select(judgement).order_by(judgement.c.id)
    if not undone:
        query = query.where(judgement.c.undone_at.is_(None))
    return _told(connection, query)


def of_articles(connection: Connection, articles: Collection[ArticleId]) -> tuple[Told, ...]:
    """All judgements that were ever given about any of these articles, in their order."""
    return _told(connection, select(judgement).where(stories.is_about(articles)).order_by(judgement.c.id))


def of_pair(connection: Connection, a: ArticleId, b: ArticleId) -> tuple[Told, ...]:
    """All judgements that were ever given on whether these two are one story, in their order."""
    return tuple(one for one in of_articles(connection, {a}) if _relates(one, a, b))


def _told(connection: Connection, query: Select[Any]) -> tuple[Told, ...]:
    rows = connection.execute(query).mappings()
    return tuple(Told(**{**row, "articles": tuple(row["articles"]), "others": tuple(row["others"])}) for row in rows)


def _judge_pair(connection: Connection, kind: JudgementKind, a: ArticleId, b: ArticleId, given: Given) -> Effect:
    if a == b:
        raise BadJudgement("These are one article: it takes two to judge.")
    lock(connection, "settle")
    words = [one for one in stories.judgements_about(connection, {a}) if _relates(one, a, b)]
    if words and words[-1].kind is kind:
        raise BadJudgement(f"Judgement {words[-1].id} says so already.")
    return _give(connection, kind, [a], [b], given)


def _relates(one: Judgement | Told, a: ArticleId, b: ArticleId) -> bool:
    return (a in one.articles and b in one.others) or (b in one.articles and a in one.others)


def _members_with(connection: Connection, story_id: int, articles: Collection[ArticleId]) -> set[ArticleId]:
    """All members of the story; the articles are to be among them. Raises BadJudgement."""
    row = connection.execute(select(story.c.merged_into).where(story.c.id == story_id)).one_or_none()
    if row is None:
        raise BadJudgement(f"There is no story {story_id}.")
    if row.merged_into is not None:
        raise BadJudgement(f"Story {story_id} was merged into story {row.merged_into}.")
    members = connection.scalars(select(story_member.c.article_id).where(story_member.c.story_id == story_id))
    held = set(map(ArticleId, members))
    for article_id in articles:
        if article_id not in held:
            raise BadJudgement(f"Article {article_id} is not in story {story_id}.")
    return held


def _give(
    connection: Connection,
    kind: JudgementKind,
    articles: Collection[ArticleId],
    others: Collection[ArticleId],
    given: Given,
) -> Effect:
    about = {*articles, *others}
    disobeyed = _disobeyed(connection, about)
    values = {
        "kind": kind,
        "articles": sorted(articles),
        "others": sorted(others),
        "reason": given.reason,
        "judged_at": given.at,
        "judged_by": given.by,
    }
    number = connection.execute(insert(judgement).values(values).returning(judgement.c.id)).scalar_one()
    changes = _regroup(connection, about, number, given.at)
    overruled = _disobeyed(connection, about) - disobeyed
    return Effect(judgement=number, changes=changes, overruled=tuple(sorted(overruled)))


def _regroup(connection: Connection, articles: Collection[ArticleId], number: int, now: datetime) -> tuple[int, ...]:
    """The changes of stories that obeying the judgement, or no longer obeying it, makes."""
    before = connection.scalar(select(func.coalesce(func.max(story_change.c.id), 0)))
    assignments = stories.regroup(connection, articles, number)
    stories.write(connection, assignments, now)
    memory.mark_due(connection, assignments.places.keys())
    return tuple(connection.scalars(select(story_change.c.id).where(story_change.c.id > before).order_by("id")))


def _disobeyed(connection: Connection, articles: Collection[ArticleId]) -> set[int]:
    """The judgements about the stories of these articles that count, but that a later one keeps from being obeyed."""
    ids = select(story_member.c.story_id).where(among(story_member.c.article_id, articles))
    near = connection.scalars(select(story_member.c.article_id).where(story_member.c.story_id.in_(ids))).all()
    words = stories.judgements_about(connection, near)
    concerned = {article_id for one in words for article_id in one.articles | one.others}
    query = select(story_member.c.article_id, story_member.c.story_id)
    rows = connection.execute(query.where(among(story_member.c.article_id, concerned)))
    places = {ArticleId(article_id): story_id for article_id, story_id in rows}
    return {one.id for one in words if not _is_obeyed(one, places, words)}


def _is_obeyed(one: Judgement, story_of: dict[ArticleId, int], words: Iterable[Judgement]) -> bool:
    here, there = ({story_of[article_id] for article_id in side} for side in (one.articles, one.others))
    if one.kind is JudgementKind.SAME:
        return here == there
    if one.kind is JudgementKind.DIFFERENT:
        return here.isdisjoint(there)
    pins = (word for word in words if word.kind is JudgementKind.PIN)
    return one.id == max(word.id for word in pins if {story_of[article_id] for article_id in word.articles} == here)
