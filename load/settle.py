"""Settling: the one place where articles get their place in a story.

Pages are settled in the order of their ids, whoever read them: a page waits until all before it are read. So the
stories do not depend on how many workers read, in which order they finish, or who is killed meanwhile. One transaction
holds the lock, looks at the neighbours, decides and writes; apart, two workers would open two stories for one text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select, true, update

from extract.model import Flag, UrlKey
from extract.urls import UrlRules, url_key
from load import expectations, index, memory, stories
from load.entries import Outcome, close
from load.expectations import is_held
from load.keys import by_key, known_by, read_rules
from load.locks import lock
from load.pages import mark_settled
from load.revisions import contents, fingerprints, read_anew
from load.rows import listed
from load.tables import article, entry, page, revision
from transform.assign import Newcomer, assign
from transform.model import ArticleId, Fingerprint, Match, MatchKind
from transform.revision import RevisionKind, State, classify_revision, notes_correction
from transform.verify import MatchPolicy, Side, verify

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one batch came to."""

    pages: int = 0
    outcomes: Mapping[Outcome, int]  # of the entries that ended
    reread: int = 0  # articles that say something else since their page was read again


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """The article that a page is of."""

    key: UrlKey
    article_id: int | None  # None for one that is new


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One read page, and what it is to the article we know."""

    key: UrlKey
    row: Row[Any]
    print: Fingerprint
    known: Row[Any] | None  # the article with its current revision
    kind: RevisionKind

    @property
    def ends_entry(self) -> bool:
        """A page that is read again leaves its entry's outcome alone, unless it has become an article."""
        was_read = self.row.read_before is not None
        return not was_read or (self.kind is RevisionKind.FIRST and self.row.outcome != Outcome.PENDING)


def settle(engine: Engine, policy: MatchPolicy, now: datetime, limit: int) -> Settled:
    """Place the next read pages in their stories and close their entries; one writer at a time.

    limit: pages in this transaction; it does not change the stories.
    """
    with engine.begin() as connection:
        lock(connection, "settle")
        turns = _turns(connection, _next_rows(connection, limit, now))
        if not turns:
            return Settled(outcomes={})
        ids = _identify(connection, turns)
        _place(connection, [turn for turn in turns if _has_new_text(turn)], ids, policy, now)
        _settle_revisions(connection, turns, ids)
        return _close(connection, turns, ids, now)


def _next_rows(connection: Connection, limit: int, now: datetime) -> Sequence[Row[Any]]:
    """The read pages whose turn it is, with their revisions; none of a source that is to be stopped for what it breaks.

    Judged under the lock, though the readers have judged before: another may have read these pages a moment ago.
    """
    expectations.check_shares(connection, now, expectations.held_sources(connection))
    while rows := connection.execute(_ready(limit)).all():
        if not expectations.check_shares(connection, now, {row.source_id for row in rows}).held:
            break
    return rows


def _ready(limit: int) -> Select[Any]:
    """The read pages that none before them holds up, with their revisions, new and former.

    Pages of held sources wait, and nobody waits for them: it is as if they came later.
    """
    barrier = select(func.min(page.c.id)).where(page.c.read_at.is_(None), ~is_held()).scalar_subquery()
    settled = revision.alias("settled")
    former = (
        select(settled.c.id, settled.c.article_id)
        .where(settled.c.page_id == page.c.id, settled.c.kind.is_not(None))
        .order_by(settled.c.id.desc())
        .limit(1)
        .lateral("former")
    )
    return (
        select(
            revision,
            page.c.entry_id,
            page.c.source_id,
            page.c.read_spec.label("read_before"),
            entry.c.outcome,
            former.c.id.label("former_id"),
            former.c.article_id.label("former_article_id"),
        )
        .join(page, page.c.id == revision.c.page_id)
        .join(entry, entry.c.id == page.c.entry_id)
        .outerjoin(former, true())
        .where(
            page.c.read_at.is_not(None),
            page.c.settled_at.is_(None),
            revision.c.kind.is_(None),
            ~is_held(),
            page.c.id < func.coalesce(barrier, page.c.id + 1),
        )
        .order_by(page.c.id, revision.c.id)
        .limit(limit)
    )


def _turns(connection: Connection, rows: Sequence[Row[Any]]) -> list[_Turn]:
    """Up to the second of one article: a change is judged by what came before."""
    owned = _before_repeat(rows, _owners(connection, rows, read_rules(connection)))
    known = _known_articles(connection, [owner.article_id for owner, _ in owned if owner.article_id is not None])
    revised = [row.revision_id for row in known.values()]
    prints = fingerprints(connection, [row.id for _, row in owned] + revised)
    repeats = _repeats(connection, [row for _, row in owned])
    return [
        _turn(owner.key, row, known.get(owner.article_id), prints, confirms=row.id in repeats) for owner, row in owned
    ]


def _owners(connection: Connection, rows: Sequence[Row[Any]], rules: UrlRules) -> list[_Owner]:
    """The article of each row: the one that its page was of before, else the one that its URL's key names."""
    keys = [url_key(row.url, rules) for row in rows]
    query = select(article.c.id, article.c.url_key, article.c.former_key).where(known_by(article, keys))
    keyed = {key: row.id for key, row in by_key(connection.execute(query), keys).items()}
    return [
        _Owner(key=key, article_id=row.former_article_id or keyed.get(key)) for key, row in zip(keys, rows, strict=True)
    ]


def _before_repeat(rows: Sequence[Row[Any]], owners: Sequence[_Owner]) -> list[tuple[_Owner, Row[Any]]]:
    """The rows with their articles, up to the first article that comes again."""
    seen: set[int | UrlKey] = set()
    owned: list[tuple[_Owner, Row[Any]]] = []
    for owner, row in zip(owners, rows, strict=True):
        identity = owner.article_id or owner.key
        if identity in seen:
            break
        seen.add(identity)
        owned.append((owner, row))
    return owned


def _repeats(connection: Connection, rows: Sequence[Row[Any]]) -> set[int]:
    """Those of these revisions that say all that the former one of their page said, and nothing else."""
    former = {row.id: row.former_id for row in rows if row.former_id is not None}
    said = contents(connection, [*former, *former.values()]) if former else {}
    return {new for new, old in former.items() if said[new] == said[old]}


def _known_articles(connection: Connection, ids: Collection[int]) -> dict[int | None, Row[Any]]:
    query = (
        select(
            article.c.id.label("article_id"),
            article.c.revision_id,
            revision.c.page_id,
            revision.c.title,
            revision.c.text,
            revision.c.modified_at,
            revision.c.fetched_at,
            revision.c.flags,
        )
        .join(revision, revision.c.id == article.c.revision_id)
        .where(article.c.id.in_(ids))
    )
    return {row.article_id: row for row in connection.execute(query)}


def _turn(
    key: UrlKey, row: Row[Any], known: Row[Any] | None, prints: Mapping[int, Fingerprint], *, confirms: bool
) -> _Turn:
    before = None if known is None else _state(known, prints[known.revision_id])
    new = replace(_state(row, prints[row.id]), read_before=row.read_before is not None, confirms=confirms)
    return _Turn(key=key, row=row, print=prints[row.id], known=known, kind=classify_revision(before, new))


def _state(row: Row[Any], print_: Fingerprint) -> State:
    return State(
        page=row.page_id,
        title=row.title,
        print=print_,
        corrected=notes_correction(row.text),
        from_feed=Flag.FEED_TEXT in row.flags,
        teaser=Flag.TEASER in row.flags,
        modified_at=row.modified_at,
        fetched_at=row.fetched_at,
    )


def _has_new_text(turn: _Turn) -> bool:
    return turn.kind not in (RevisionKind.UNCHANGED, RevisionKind.STALE)


def _identify(connection: Connection, turns: Sequence[_Turn]) -> dict[int, ArticleId]:
    """Revision id → article id; new URLs are given articles, in the order of their pages."""
    known = {turn.row.id: ArticleId(turn.known.article_id) for turn in turns if turn.known is not None}
    return known | _found_articles(connection, [turn for turn in turns if turn.known is None])


def _found_articles(connection: Connection, turns: Sequence[_Turn]) -> dict[int, ArticleId]:
    if not turns:
        return {}
    rows = [
        {
            "url": turn.row.url,
            "url_key": turn.key,
            "source_id": turn.row.source_id,
            "revision_id": turn.row.id,
            "first_fetched_at": turn.row.fetched_at,
        }
        for turn in turns
    ]
    returning = insert(article).returning(article.c.revision_id, article.c.id, sort_by_parameter_order=True)
    return {revision_id: ArticleId(id_) for revision_id, id_ in connection.execute(returning, rows)}


def _place(
    connection: Connection, turns: Sequence[_Turn], ids: Mapping[int, ArticleId], policy: MatchPolicy, now: datetime
) -> None:
    """Find, judge and store the matches of the new texts, and what they make of the stories.

    What stands around is read before anything is written: each newcomer is to meet the others as they were before their
    turns.
    """
    sides = [Side(id=ids[turn.row.id], day=_day(turn.row), print=turn.print) for turn in turns]
    changed = {ids[turn.row.id] for turn in turns if turn.known is not None}
    matches = _matches(connection, sides, changed, policy)
    around = stories.neighbourhood(connection, _matched(matches) | changed)
    _say_now(connection, turns, ids)
    members = stories.members(connection, [side.id for side in sides])
    newcomers = [Newcomer(member=members[side.id], matches=found) for side, found in zip(sides, matches, strict=True)]
    assignments = assign(newcomers, around)
    stories.write(connection, assignments, {**around.members, **members}, now)
    memory.mark_due(connection, {article for story in assignments.stories for article in story.members} | set(members))
    stories.keep_matches(connection, (match for found in matches for match in found), policy.digest, now)
    index.replace_keys(connection, sides, changed)
    _mark_drifted(connection, [newcomer for newcomer in newcomers if newcomer.member.id in changed])


def _matches(
    connection: Connection, sides: Sequence[Side], changed: Collection[ArticleId], policy: MatchPolicy
) -> list[tuple[Match, ...]]:
    """For each newcomer its verified pairs with the candidates before it."""
    found = index.candidates(connection, sides, changed, policy.newest)
    fresh = {side.id for side in sides} - set(changed)
    known = _stored_sides(connection, {other for others in found for other in others} - fresh)
    matches = []
    for side, others, history in zip(sides, found, index.histories(connection, sides, policy), strict=True):
        pairs = (sorted((side, known[other]), key=lambda one: one.id) for other in sorted(others))
        matches.append(tuple(verify(left, right, history, policy) for left, right in pairs))
        known[side.id] = side
    return matches


def _stored_sides(connection: Connection, articles: Collection[ArticleId]) -> dict[ArticleId, Side]:
    """The candidates as they stand in the store."""
    query = (
        select(article.c.id.label("article_id"), revision.c.id, revision.c.published_at, revision.c.fetched_at)
        .join(revision, revision.c.id == article.c.revision_id)
        .where(article.c.id.in_(articles))
    )
    rows = connection.execute(query).all()
    prints = fingerprints(connection, [row.id for row in rows])
    return {
        ArticleId(row.article_id): Side(id=ArticleId(row.article_id), day=_day(row), print=prints[row.id])
        for row in rows
    }


def _matched(matches: Iterable[Iterable[Match]]) -> set[ArticleId]:
    positive = (match for found in matches for match in found if match.kind is not MatchKind.DIFFERENT)
    return {article_id for match in positive for article_id in (match.left, match.right)}


def _say_now(connection: Connection, turns: Iterable[_Turn], ids: Mapping[int, ArticleId]) -> None:
    """Make the changed articles say what their new revisions say; one that is only read again keeps its URL."""
    for turn in turns:
        if turn.known is not None:
            said = {"revision_id": turn.row.id}
            if turn.kind is not RevisionKind.REREAD:
                said["url"] = turn.row.url
            connection.execute(update(article).where(article.c.id == ids[turn.row.id]).values(said))


def _mark_drifted(connection: Connection, changed: Iterable[Newcomer]) -> None:
    """Mark those whose new text matches nobody any more; they keep their story by identity."""
    for newcomer in changed:
        alone = all(match.kind is MatchKind.DIFFERENT for match in newcomer.matches)
        drifted = alone and stories.size_of_story(connection, newcomer.member.id) > 1
        connection.execute(update(article).where(article.c.id == newcomer.member.id).values(drifted=drifted))


def _settle_revisions(connection: Connection, turns: Sequence[_Turn], ids: Mapping[int, ArticleId]) -> None:
    """Say what each text was to its article; one that says nothing new is dropped, its page remains."""
    same = [turn.row for turn in turns if turn.kind is RevisionKind.UNCHANGED]
    read_anew(connection, {row.id: row.former_id for row in same if row.former_id is not None})
    connection.execute(delete(revision).where(revision.c.id.in_([row.id for row in same])))
    rows = [
        {"id": turn.row.id, "kind": turn.kind, "article_id": ids[turn.row.id]}
        for turn in turns
        if turn.kind is not RevisionKind.UNCHANGED
    ]
    if rows:
        said = listed(rows, [revision.c.id, revision.c.kind, revision.c.article_id])
        owner = update(revision).where(revision.c.id == said.c.id)
        connection.execute(owner.values(kind=said.c.kind, article_id=said.c.article_id))


def _close(connection: Connection, turns: Sequence[_Turn], ids: Mapping[int, ArticleId], now: datetime) -> Settled:
    """End each page, and its entry in the outcome that its text had."""
    mark_settled(connection, {turn.row.page_id: turn.row.read_spec for turn in turns}, now)
    by_outcome: defaultdict[Outcome, list[_Turn]] = defaultdict(list)
    for turn in (turn for turn in turns if turn.ends_entry):
        by_outcome[_outcome(turn.kind)].append(turn)
    for outcome, closed in by_outcome.items():
        close(connection, [turn.row.entry_id for turn in closed], outcome, now)
    led = [turn for turn in turns if turn.row.read_before is None or turn.kind is RevisionKind.FIRST]
    if led:
        rows = [{"id": turn.row.entry_id, "article_id": ids[turn.row.id]} for turn in led]
        owned = listed(rows, [entry.c.id, entry.c.article_id])
        connection.execute(update(entry).where(entry.c.id == owned.c.id).values(article_id=owned.c.article_id))
    return Settled(
        pages=len(turns),
        outcomes={outcome: len(closed) for outcome, closed in by_outcome.items()},
        reread=sum(turn.kind is RevisionKind.REREAD for turn in turns),
    )


def _outcome(kind: RevisionKind) -> Outcome:
    if kind is RevisionKind.FIRST:
        return Outcome.LOADED
    return Outcome.UNCHANGED if kind in (RevisionKind.UNCHANGED, RevisionKind.STALE) else Outcome.REVISED


def _day(row: Row[Any]) -> int:
    """Day of publication, or of the fetch where no date is trusted; days since the epoch."""
    moment: datetime = row.published_at or row.fetched_at
    return (moment - _EPOCH).days
