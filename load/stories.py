"""Stories, their members and matches: rows ↔ the values that `transform.assign` decides on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, any_, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from extract.model import DatePrecision, Flag
from load.rows import listed
from load.tables import article, match, revision, source, story, story_change, story_member
from transform.assign import Assignments, Neighbourhood, StoryChange, StoryState
from transform.cluster import joinable
from transform.model import ArticleId, Match, MatchKind, Member, StoryId

_PARTIAL = frozenset({Flag.TEASER, Flag.FEED_TEXT})


def neighbourhood(connection: Connection, articles: Collection[ArticleId]) -> Neighbourhood:
    """The stories of these articles, and those that their members may come to join."""
    near = _stories_of(connection, articles)
    matches = _matches_of(connection, _members_of(near))
    beyond = _stories_of(connection, joinable(matches) - _members_of(near))
    matches += _matches_of(connection, _members_of(beyond))
    stories = (*near, *beyond)
    return Neighbourhood(stories=stories, members=members(connection, _members_of(stories)), matches=tuple(matches))


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
            revision.c.flags,
            revision.c.agency,
        )
        .join(revision, revision.c.id == article.c.revision_id)
        .join(source, source.c.id == article.c.source_id)
        .where(article.c.id.in_(articles))
    )
    return {ArticleId(row.id): member(row) for row in connection.execute(query)}


def member(row: Row[Any]) -> Member:
    return Member(
        id=ArticleId(row.id),
        published_at=row.published_at,
        order_key=row.url_key,
        words=row.words,
        tier=row.tier,
        partial=not _PARTIAL.isdisjoint(row.flags),
        day_only=row.date_precision == DatePrecision.DAY,
        agency=row.agency,
        source_agency=row.source_agency,
    )


def keep_matches(connection: Connection, matches: Iterable[Match], policy: bytes, now: datetime) -> None:
    """Store every verdict; a text that changed and no longer matches does not undo the match it had."""
    rows = [_match_row(match, policy, now) for _, match in sorted(_last_verdicts(matches).items())]
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


def _last_verdicts(matches: Iterable[Match]) -> dict[tuple[ArticleId, ArticleId], Match]:
    """One verdict a pair, by the same rule as in the store: two texts that changed together are judged twice."""
    verdicts: dict[tuple[ArticleId, ArticleId], Match] = {}
    for verdict in matches:
        known = verdicts.get((verdict.left, verdict.right))
        if known is None or verdict.kind is not MatchKind.DIFFERENT or known.kind is MatchKind.DIFFERENT:
            verdicts[verdict.left, verdict.right] = verdict
    return verdicts


def write(connection: Connection, assignments: Assignments, known: Mapping[ArticleId, Member], now: datetime) -> None:
    """Store the touched stories and what happened to them, in order.

    known: every member of these stories.
    """
    ids = _new_ids(connection, assignments.stories)
    states = [_renamed(state, ids) for state in assignments.stories]
    if not states:
        return
    _write_stories(connection, states, known, now)
    _write_members(connection, states)
    _write_changes(connection, assignments.changes, ids, now)


def size_of_story(connection: Connection, article_id: ArticleId) -> int:
    """How many members the story of this article has."""
    own = select(story_member.c.story_id).where(story_member.c.article_id == article_id).scalar_subquery()
    return int(connection.execute(select(story.c.articles).where(story.c.id == own)).scalar_one())


def _stories_of(connection: Connection, articles: Collection[ArticleId]) -> list[StoryState]:
    ids = select(story_member.c.story_id).where(story_member.c.article_id.in_(articles))
    query = (
        select(story_member, story.c.canonical_id, story.c.canonical_rule)
        .join(story, story.c.id == story_member.c.story_id)
        .where(story_member.c.story_id.in_(ids))
    )
    rows: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        rows[row.story_id].append(row)
    return [_story_state(StoryId(story_id), held) for story_id, held in rows.items()]


def _story_state(story_id: StoryId, rows: Sequence[Row[Any]]) -> StoryState:
    return StoryState(
        id=story_id,
        members=frozenset(ArticleId(row.article_id) for row in rows),
        canonical=ArticleId(rows[0].canonical_id),
        canonical_rule=rows[0].canonical_rule,
        containers=frozenset(ArticleId(row.article_id) for row in rows if row.container),
    )


def _members_of(stories: Iterable[StoryState]) -> set[ArticleId]:
    return {article_id for state in stories for article_id in state.members}


def _matches_of(connection: Connection, articles: Collection[ArticleId]) -> list[Match]:
    """The positive matches of these articles, with whomever."""
    ids = sorted(articles)
    sides = or_(match.c.left_id == any_(bindparam("ids")), match.c.right_id == any_(bindparam("ids")))
    query = select(match).where(match.c.kind != MatchKind.DIFFERENT, sides)
    return [_match(row) for row in connection.execute(query, {"ids": ids})]


def _match(row: Row[Any]) -> Match:
    return Match(
        left=ArticleId(row.left_id),
        right=ArticleId(row.right_id),
        kind=MatchKind(row.kind),
        failed=row.failed,
        jaccard=row.jaccard,
        jaccard_filtered=row.jaccard_filtered,
        containment=row.containment,
        facts=row.facts,
        run=row.run,
        inner=ArticleId(row.inner_id),
        start=row.span_start,
        end=row.span_end,
    )


def _match_row(measured: Match, policy: bytes, now: datetime) -> dict[str, object]:
    return {
        "left_id": measured.left,
        "right_id": measured.right,
        "kind": measured.kind,
        "failed": measured.failed,
        "jaccard": measured.jaccard,
        "jaccard_filtered": measured.jaccard_filtered,
        "containment": measured.containment,
        "facts": measured.facts,
        "run": measured.run,
        "inner_id": measured.inner,
        "span_start": measured.start,
        "span_end": measured.end,
        "policy": policy,
        "matched_at": now,
    }


def _new_ids(connection: Connection, states: Iterable[StoryState]) -> dict[StoryId, StoryId]:
    """Every story's id as stored: new stories take the next numbers in the order in which they were founded."""
    new = sorted((state.id for state in states if state.id < 0), reverse=True)
    sequence = func.nextval(func.pg_get_serial_sequence(story.fullname, "id"))
    numbers = connection.execute(select(sequence).select_from(func.generate_series(1, len(new)).alias())).scalars()
    return {temporary: StoryId(number) for temporary, number in zip(new, numbers, strict=True)}


def _renamed(state: StoryState, ids: Mapping[StoryId, StoryId]) -> StoryState:
    into = state.merged_into
    return replace(state, id=ids.get(state.id, state.id), merged_into=None if into is None else ids.get(into, into))


def _write_stories(
    connection: Connection, states: Sequence[StoryState], known: Mapping[ArticleId, Member], now: datetime
) -> None:
    rows = [_story_row(state, known, now) for state in sorted(states, key=lambda state: state.id)]
    columns = [story.c[name] for name in rows[0]]
    statement = upsert(story).from_select(list(rows[0]), select(listed(rows, columns)))
    changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=[story.c.id], set_=changed))
    for state in states:
        if state.merged_into is not None:  # whoever was merged into the loser before now follows it to the winner
            moved = update(story).where(story.c.merged_into == state.id)
            connection.execute(moved.values(merged_into=state.merged_into))


def _story_row(state: StoryState, known: Mapping[ArticleId, Member], now: datetime) -> dict[str, object]:
    times = [at for article_id in state.members if (at := known[article_id].published_at) is not None]
    digest = bool(state.members) and state.containers == state.members
    return {
        "id": state.id,
        "kind": "digest" if digest else "story",
        "canonical_id": state.canonical if state.members else None,
        "canonical_rule": state.canonical_rule if state.members else None,
        "articles": len(state.members),
        "first_published_at": min(times, default=None),
        "last_published_at": max(times, default=None),
        "changed_at": now,
        "merged_into": state.merged_into,
    }


def _write_members(connection: Connection, states: Iterable[StoryState]) -> None:
    rows = [
        {"article_id": article_id, "story_id": state.id, "container": article_id in state.containers}
        for state in states
        for article_id in state.members
    ]
    rows.sort(key=lambda row: row["article_id"])
    columns = [story_member.c.article_id, story_member.c.story_id, story_member.c.container]
    statement = upsert(story_member).from_select(columns, select(listed(rows, columns)))
    changed = {"story_id": statement.excluded.story_id, "container": statement.excluded.container}
    differs = or_(
        story_member.c.story_id != statement.excluded.story_id, story_member.c.container != statement.excluded.container
    )
    statement = statement.on_conflict_do_update(index_elements=[story_member.c.article_id], set_=changed, where=differs)
    connection.execute(statement)


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
        }
        for change in changes
    ]
    if rows:
        columns = [story_change.c[name] for name in rows[0]]
        connection.execute(insert(story_change).from_select(columns, select(listed(rows, columns))))
