"""Stories, their members and matches: rows ↔ the values that `transform.assign` decides on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    Text,
    any_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from extract.model import DatePrecision, Flag
from load.binary import copy_columns, to_timestamp
from load.rows import among, listed, next_ids
from load.tables import article, judgement, match, revision, source, story, story_change, story_member
from transform.assign import (
    Assignments,
    Neighbourhood,
    Newcomer,
    Place,
    StoryChange,
    StoryState,
    Wanted,
    assign,
)
from transform.assign import regroup as grouped_anew
from transform.cluster import Attachment, joinable, outer_of
from transform.model import ArticleId, Judgement, JudgementKind, Match, MatchKind, Member, StoryId
from transform.verify import MEASURED, VERDICT, Verdicts, as_matches

LARGE = 20  # articles: that two stories of so many turn out to be one is rare, and worth a look

_log = logging.getLogger(__name__)
_PARTIAL = literal([Flag.TEASER.value, Flag.FEED_TEXT.value], ARRAY(Text))
_FIELDS = VERDICT.names or ()  # as those of Match
_COLUMNS = {"left": "left_id", "right": "right_id", "inner": "inner_id", "start": "span_start", "end": "span_end"}
_MATCH = tuple(match.c[_COLUMNS.get(name, name)] for name in _FIELDS)


def neighbourhood(connection: Connection, matches: Iterable[Match], changed: Collection[ArticleId]) -> Neighbourhood:
    """What is known around newcomers with these matches; of the stories as wholes, nothing yet.

    changed: those of the newcomers that have their place already
    """
    positive = [match for match in matches if match.kind is not MatchKind.DIFFERENT]
    near = {article_id for match in positive for article_id in (match.left, match.right)} | set(changed)
    spanning = {outer_of(match) for match in positive if match.kind is not MatchKind.SAME}
    places = _places(connection, near)
    stories = _stories(connection, {place.story for place in places.values()})
    contenders = {article_id for state in stories.values() for article_id in state.contenders}
    return Neighbourhood(
        stories=stories,
        places=places,
        members=members(connection, contenders | set(changed)),
        matches=tuple(_matches_of(connection, spanning | set(changed))),
    )


def place(connection: Connection, newcomers: Sequence[Newcomer], around: Neighbourhood) -> Assignments:
    """What becomes of the stories when the newcomers are placed, in their order; stored by `write`."""
    while isinstance(result := assign(newcomers, around), Wanted):
        around = _widened(connection, around, result.articles)
    return result


def regroup(connection: Connection, articles: Collection[ArticleId], judgement: int) -> Assignments:
    """What becomes of the stories of these articles by a judgement that was given, or taken back."""
    around = _widened(connection, Neighbourhood(), articles)
    while isinstance(result := grouped_anew(articles, around, judgement), Wanted):
        around = _widened(connection, around, result.articles)
    return result


def members(connection: Connection, articles: Collection[ArticleId]) -> dict[ArticleId, Member]:
    """What deciding needs to know of these articles, as their current revisions say it."""
    query = (
        select(
            article.c.id,
            article.c.url_key,
            source.c.tier,
            source.c.agency.label("source_agency"),
            revision.c.published_at,
            revision.c.date_precision,
            revision.c.words,
            revision.c.flags.bool_op("&&")(_PARTIAL).label("partial"),
            revision.c.agency,
        )
        .join(revision, revision.c.id == article.c.revision_id)
        .join(source, source.c.id == article.c.source_id)
        .where(among(article.c.id, articles))
    )
    return {ArticleId(row.id): member(row) for row in connection.execute(query).all()}


def member(row: Row[Any]) -> Member:
    return Member(
        id=ArticleId(row.id),
        published_at=row.published_at,
        order_key=row.url_key,
        words=row.words,
        tier=row.tier,
        partial=row.partial,
        day_only=row.date_precision == DatePrecision.DAY,
        agency=row.agency,
        source_agency=row.source_agency,
    )


def judgements_about(connection: Connection, articles: Collection[ArticleId]) -> tuple[Judgement, ...]:
    """The judgements about any of these articles that count, in their order."""
    query = select(judgement).where(judgement.c.undone_at.is_(None), is_about(articles)).order_by(judgement.c.id)
    return tuple(
        Judgement(
            id=row.id,
            kind=JudgementKind(row.kind),
            articles=frozenset(map(ArticleId, row.articles)),
            others=frozenset(map(ArticleId, row.others)),
        )
        for row in connection.execute(query)
    )


def is_about(articles: Collection[ArticleId]) -> ColumnElement[bool]:
    """True of judgements about any of these articles."""
    ids = literal(sorted(articles), ARRAY(BigInteger))
    return or_(judgement.c.articles.bool_op("&&")(ids), judgement.c.others.bool_op("&&")(ids))


def keep_matches(
    connection: Connection, verdicts: Verdicts, new: Collection[ArticleId], policy: bytes, now: datetime
) -> None:
    """Store every verdict; a text that changed and no longer matches does not undo the match it had.

    new: articles that come with these verdicts, so that no pair with one of them is stored yet
    """
    verdicts, ids = _last(verdicts), np.fromiter(new, np.int64, len(new))
    is_fresh = np.isin(verdicts["left"], ids) | np.isin(verdicts["right"], ids)
    _copy_matches(connection, verdicts[is_fresh], policy, now)
    _replace_matches(connection, [_match_row(one, policy, now) for one in as_matches(verdicts[~is_fresh])])


def _copy_matches(connection: Connection, verdicts: Verdicts, policy: bytes, now: datetime) -> None:
    """Append them, column by column: there are several for each newcomer."""
    columns = {_COLUMNS.get(name, name): verdicts[name] for name in _FIELDS}
    same_for_all = {"policy": np.array(np.void(policy)), "matched_at": np.array(to_timestamp(now))}
    copy_columns(connection, match.fullname, columns | same_for_all)


def _replace_matches(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    columns = [match.c[name] for name in rows[0]]
    statement = upsert(match).from_select(list(rows[0]), select(listed(rows, columns)))
    changed = {name: statement.excluded[name] for name in rows[0] if name not in ("left_id", "right_id")}
    positive = or_(statement.excluded.kind != MatchKind.DIFFERENT, match.c.kind == MatchKind.DIFFERENT)
    statement = statement.on_conflict_do_update(
        index_elements=[match.c.left_id, match.c.right_id], set_=changed, where=positive
    )
    connection.execute(statement)


def verdicts(connection: Connection) -> Iterator[Match]:
    """Every stored verdict, candidates that failed included, one by one."""
    for row in connection.execute(select(*_MATCH).execution_options(yield_per=10_000)):
        yield _match(row)


def _last(verdicts: Verdicts) -> Verdicts:
    """One verdict a pair, by the same rule as in the store: two texts that changed together are judged twice."""
    left, right = verdicts["left"], verdicts["right"]
    order = np.lexsort((verdicts["kind"] != MatchKind.DIFFERENT.value, right, left))
    left, right = left[order], right[order]
    goes_on = np.append((left[1:] == left[:-1]) & (right[1:] == right[:-1]), False)[: len(order)]
    last: Verdicts = verdicts[order[~goes_on]]
    return last


def write(connection: Connection, assignments: Assignments, now: datetime) -> None:
    """Store the stories and places that are other than before, and what happened to them, in order."""
    ids = _new_ids(connection, assignments.stories)
    _write_stories(connection, [_renamed(state, ids) for state in assignments.stories], now)
    _write_places(connection, assignments.places, ids)
    _write_changes(connection, assignments.changes, ids, now)
    _warn(assignments, ids)


def size_of_story(connection: Connection, article_id: ArticleId) -> int:
    """How many members the story of this article has."""
    own = select(story_member.c.story_id).where(story_member.c.article_id == article_id).scalar_subquery()
    return int(connection.execute(select(story.c.articles).where(story.c.id == own)).scalar_one())


# --- Reading what is around ---


def _widened(connection: Connection, around: Neighbourhood, articles: Collection[ArticleId]) -> Neighbourhood:
    """The same, with the stories of these articles as wholes, and those that their members may come to join.

    What was known already stays as it is: newcomers whose turn is still to come have changed in the store since.
    """
    near = _whole(connection, articles)
    assert not near.keys() <= around.whole.keys(), "asked again for what is known"
    matches = _matches_of(connection, _members_of(near))
    beyond = _whole(connection, joinable(matches) - _members_of(near))
    matches += _matches_of(connection, _members_of(beyond))
    whole = {**around.whole, **near, **beyond}
    held = _members_of(whole)
    places = {**_places(connection, held), **around.places}
    missing = {place.story for place in places.values()} - around.stories.keys()
    return Neighbourhood(
        stories={**_stories(connection, missing), **around.stories},
        places=places,
        members={**members(connection, held - around.members.keys()), **around.members},
        matches=(*around.matches, *matches),
        whole=whole,
        judgements=judgements_about(connection, held),
    )


def _whole(connection: Connection, articles: Collection[ArticleId]) -> dict[StoryId, frozenset[ArticleId]]:
    """The stories of these articles with all their members."""
    ids = select(story_member.c.story_id).where(among(story_member.c.article_id, articles))
    query = (
        select(story_member.c.story_id, func.array_agg(story_member.c.article_id))
        .where(story_member.c.story_id.in_(ids))
        .group_by(story_member.c.story_id)
    )
    return {StoryId(id_): frozenset(map(ArticleId, held)) for id_, held in connection.execute(query)}


def _places(connection: Connection, articles: Collection[ArticleId]) -> dict[ArticleId, Place]:
    """Where these articles stand, and the first of their families, and those that these are attached to."""
    near = select(story_member).where(among(story_member.c.article_id, articles)).cte("near")
    first = select(story_member).where(story_member.c.article_id.in_(select(near.c.family_id))).cte("first")
    outer = select(story_member).where(story_member.c.article_id.in_(select(first.c.attached_to)))
    rows = connection.execute(union(select(near), select(first), outer)).all()
    return {ArticleId(row.article_id): _place(row) for row in rows}


def _place(row: Row[Any]) -> Place:
    return Place(
        story=StoryId(row.story_id),
        family=row.family_id,
        container=row.container,
        attached=None if row.attached_to is None else Attachment(row.attached_share, -row.attached_to),
    )


def _stories(connection: Connection, ids: Collection[StoryId]) -> dict[StoryId, StoryState]:
    rows = connection.execute(select(story).where(among(story.c.id, ids))).all()
    return {StoryId(row.id): _story_state(row) for row in rows}


def _story_state(row: Row[Any]) -> StoryState:
    return StoryState(
        id=StoryId(row.id),
        articles=row.articles,
        canonical=ArticleId(row.canonical_id),
        canonical_rule=row.canonical_rule,
        contenders=tuple(row.contenders or ()),
        first_published_at=row.first_published_at,
        last_published_at=row.last_published_at,
        digest=row.kind == "digest",
        judged=row.judged,
    )


def _members_of(whole: Mapping[StoryId, frozenset[ArticleId]]) -> set[ArticleId]:
    return {article_id for held in whole.values() for article_id in held}


def _matches_of(connection: Connection, articles: Collection[ArticleId]) -> list[Match]:
    """The positive matches of these articles, with whomever."""
    if not articles:
        return []
    ids = sorted(articles)
    sides = or_(match.c.left_id == any_(bindparam("ids")), match.c.right_id == any_(bindparam("ids")))
    query = select(*_MATCH).where(match.c.kind != MatchKind.DIFFERENT, sides)
    return [_match(row) for row in connection.execute(query, {"ids": ids}).all()]


def _match(row: Row[Any]) -> Match:
    """row: with what _MATCH has"""
    left, right, kind, failed, *measured = row
    return Match(
        left=left,
        right=right,
        kind=MatchKind(kind),
        failed=failed,
        **dict(zip(MEASURED, measured, strict=True)),
    )


# --- Writing ---


def _match_row(measured: Match, policy: bytes, now: datetime) -> dict[str, object]:
    return {_COLUMNS.get(name, name): getattr(measured, name) for name in _FIELDS} | {
        "policy": policy,
        "matched_at": now,
    }


def _new_ids(connection: Connection, states: Iterable[StoryState]) -> dict[StoryId, StoryId]:
    """New stories' ids as stored: they take the next numbers in the order in which they were founded."""
    new = sorted((state.id for state in states if state.id < 0), reverse=True)
    if not new:
        return {}
    numbers = next_ids(connection, story, len(new))
    return {temporary: StoryId(number) for temporary, number in zip(new, numbers, strict=True)}


def _renamed(state: StoryState, ids: Mapping[StoryId, StoryId]) -> StoryState:
    into = state.merged_into
    return replace(state, id=ids.get(state.id, state.id), merged_into=None if into is None else ids.get(into, into))


def _write_stories(connection: Connection, states: Sequence[StoryState], now: datetime) -> None:
    if not states:
        return
    rows = [_story_row(state, now) for state in sorted(states, key=lambda state: state.id)]
    columns = [Column("contenders", Text) if name == "contenders" else story.c[name] for name in rows[0]]
    given = listed(rows, columns)
    values = [cast(one, ARRAY(BigInteger)) if one.name == "contenders" else one for one in given.c]
    statement = upsert(story).from_select(list(rows[0]), select(*values))
    changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=[story.c.id], set_=changed))
    for state in states:
        if state.merged_into is not None:  # whoever was merged into the loser before now follows it to the winner
            moved = update(story).where(story.c.merged_into == state.id)
            connection.execute(moved.values(merged_into=state.merged_into))


def _story_row(state: StoryState, now: datetime) -> dict[str, object]:
    lives = state.merged_into is None
    return {
        "id": state.id,
        "kind": "digest" if state.digest and lives else "story",
        "canonical_id": state.canonical if lives else None,
        "canonical_rule": state.canonical_rule if lives else None,
        "articles": state.articles,
        "first_published_at": state.first_published_at if lives else None,
        "last_published_at": state.last_published_at if lives else None,
        "changed_at": now,
        "merged_into": state.merged_into,
        "contenders": f"{{{','.join(map(str, state.contenders))}}}" if lives else None,
        "judged": state.judged,
    }


def _write_places(connection: Connection, places: Mapping[ArticleId, Place], ids: Mapping[StoryId, StoryId]) -> None:
    rows = [
        {
            "article_id": article_id,
            "story_id": ids.get(place.story, place.story),
            "container": place.container,
            "family_id": place.family,
            "attached_to": place.attached.article if place.attached else None,
            "attached_share": place.attached.share if place.attached else None,
        }
        for article_id, place in sorted(places.items())
    ]
    if rows:
        columns = [story_member.c[name] for name in rows[0]]
        statement = upsert(story_member).from_select(list(rows[0]), select(listed(rows, columns)))
        changed = {name: statement.excluded[name] for name in rows[0] if name != "article_id"}
        connection.execute(statement.on_conflict_do_update(index_elements=[story_member.c.article_id], set_=changed))


def _write_changes(
    connection: Connection, changes: Sequence[StoryChange], ids: Mapping[StoryId, StoryId], now: datetime
) -> None:
    rows = [
        {
            "changed_at": now,
            "change": change.change,
            "story_id": ids.get(change.story, change.story),
            "article_id": change.article,
            "other_id": None if change.other is None else ids.get(change.other, change.other),
            "detail": change.detail or None,
            "articles": change.articles,
            "judgement_id": change.judgement,
        }
        for change in changes
    ]
    if rows:
        columns = [story_change.c[name] for name in rows[0]]
        connection.execute(insert(story_change).from_select(columns, select(listed(rows, columns))))


def _warn(assignments: Assignments, ids: Mapping[StoryId, StoryId]) -> None:
    """Say aloud which large stories measurement has made one: a single wrong match may have done it."""
    size = {state.id: state.articles for state in assignments.stories}
    for change in assignments.changes:
        moved, other = change.articles or 0, change.other
        if other is None or change.judgement is not None or min(moved, size.get(other, 0) - moved) < LARGE:
            continue
        _log.warning(
            "Story %s with %s articles was merged into story %s: %s. If that is wrong, 'storyfold judge' parts them.",
            ids.get(change.story, change.story),
            moved,
            ids.get(other, other),
            change.detail,
        )
