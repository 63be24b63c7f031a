"""Settling: the one place where articles get their place in a story.

Pages are settled in the order of their ids, whoever read them: a page waits until all before it are read. So the
stories do not depend on how many workers read, in which order they finish, or who is killed meanwhile. One transaction
holds the lock, looks at the neighbours, decides and writes; apart, two workers would open two stories for one text.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, delete, func, insert, select, update

from extract.model import Flag, UrlKey
from extract.urls import UrlRules, url_key
from load import expectations, index, memory, specs, stop_shingles, stories
from load.entries import Outcome, lead_to
from load.expectations import is_held
from load.keys import by_key, known_by, read_rules
from load.locks import lock
from load.revisions import DAY, complete, fingerprints, print_columns, print_of
from load.rows import IN_BINARY, among, copy, listed
from load.specs import StoredSpec, sketches
from load.tables import article, article_revision, entry, page, revision, unsettled
from transform.assign import Newcomer
from transform.model import ArticleId, Fingerprint, Match, MatchKind
from transform.revision import RevisionKind, State, classify_revision, notes_correction
from transform.verify import MatchPolicy, Side, Verdicts, as_matches, judge_all


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

    owner: _Owner
    row: Row[Any]
    print: Fingerprint
    former: Fingerprint | None  # of the text that the article had
    known: Row[Any] | None  # the article with its current revision
    kind: RevisionKind
    ends_entry: bool  # a page that is read again leaves its entry's outcome alone, unless it has become an article

    @property
    def leads_entry(self) -> bool:
        """Whether the entry led to the article by this page."""
        return not self.row.read_before or self.kind is RevisionKind.FIRST


def settle(engine: Engine, policy: MatchPolicy, now: datetime, limit: int) -> Settled:
    """Place the next read pages in their stories and close their entries; one writer at a time.

    limit: pages in this transaction; it does not change the stories. They may be fewer, as what is judged by one stop
    list ends where the next is due.
    Raises ForeignSpec where the store compares by fingerprints that this program does not make.
    """
    with _without_collecting(), engine.begin() as connection:
        lock(connection, "settle")
        spec = specs.in_use(connection)
        rows = _next_rows(connection, spec, min(limit, stop_shingles.room(connection, spec.counts)), now)
        return _settle_rows(connection, spec, rows, policy, now)


def settle_these(connection: Connection, page_ids: Collection[int], policy: MatchPolicy, now: datetime) -> None:
    """Place these read pages in their stories as if it were their turn; in a transaction that holds the lock.

    For one that is rolled back: it shows what settling them would change.
    """
    spec = specs.in_use(connection)
    wanted = among(unsettled.c.page_id, page_ids)
    with _without_collecting():
        while rows := _rows(connection, spec, wanted, stop_shingles.room(connection, spec.counts)):
            _settle_rows(connection, spec, rows, policy, now)


def _settle_rows(
    connection: Connection, spec: StoredSpec, rows: Sequence[Row[Any]], policy: MatchPolicy, now: datetime
) -> Settled:
    outcomes, reread = Counter[Outcome](), 0
    for turns in _taken_in_turn(connection, spec, rows):
        ids = _identify(connection, turns)
        _place(connection, spec, [turn for turn in turns if _has_new_text(turn)], ids, policy, now)
        _settle_revisions(connection, spec, turns, ids, now)
        outcomes += _close(connection, turns, ids, now)
        reread += sum(turn.kind is RevisionKind.REREAD for turn in turns)
    return Settled(pages=len(rows), outcomes=outcomes, reread=reread)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let nobody look for reference cycles in this process: a batch makes many objects, and keeps most to its end."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _taken_in_turn(connection: Connection, spec: StoredSpec, rows: Sequence[Row[Any]]) -> Iterator[list[_Turn]]:
    """The turns of these rows, up to the second of one article at a time: a change is judged by what came before.

    Each lot is to be settled before the next is asked for.
    """
    rules = read_rules(connection)
    while rows:
        owned = _before_repeat(_owners(connection, rows, rules), rows)
        yield _turns(connection, spec, owned)
        rows = rows[len(owned) :]


def _next_rows(connection: Connection, spec: StoredSpec, limit: int, now: datetime) -> Sequence[Row[Any]]:
    """The read pages whose turn it is, with their revisions; none of a source that is to be stopped for what it breaks.

    Judged under the lock, though the readers have judged before: another may have read these pages a moment ago.
    """
    expectations.check_shares(connection, now, expectations.held_sources(connection))
    while rows := _ready(connection, spec, limit):
        if not expectations.check_shares(connection, now, {row.source_id for row in rows}).held:
            break
    return rows


def _ready(connection: Connection, spec: StoredSpec, limit: int) -> Sequence[Row[Any]]:
    """The read pages that none before them holds up.

    Pages of held sources wait, and nobody waits for them: it is as if they came later.
    """
    barrier = select(func.min(page.c.id)).where(page.c.read_at.is_(None), ~is_held()).scalar_subquery()
    free = unsettled.c.page_id < func.coalesce(barrier, unsettled.c.page_id + 1)
    return _rows(connection, spec, and_(~is_held(unsettled), free), limit)


def _rows(connection: Connection, spec: StoredSpec, wanted: ColumnElement[bool], limit: int) -> Sequence[Row[Any]]:
    """The first of the queue that are wanted, with what they say, but for the text, and with a fingerprint each.

    The queue is read first and by itself: its size says nothing of the few rows that are wanted of the other tables.
    What was read before this spec was current gets its fingerprint now.
    """
    ready = (
        select(unsettled)
        .where(wanted)
        .order_by(unsettled.c.page_id)
        .limit(limit)
        .cte("ready")
        .prefix_with("MATERIALIZED")
    )
    made = sketches(spec.number)
    said = ("id", "page_id", "read_spec", "url", "title", "modified_at", "fetched_at", "flags")
    query = (
        select(
            *(revision.c[name] for name in said),
            DAY,
            *print_columns(spec),
            ready.c.entry_id,
            ready.c.source_id,
            ready.c.read_before,
        )
        .select_from(ready)
        .join(revision, revision.c.id == ready.c.revision_id)
        .outerjoin(made, made.c.revision_id == ready.c.revision_id)
        .order_by(ready.c.page_id)
    )
    rows = connection.execute(query, execution_options=IN_BINARY).all()
    if not any(row.shingles is None for row in rows):
        return rows
    complete(connection, spec, [row.id for row in rows])
    return connection.execute(query, execution_options=IN_BINARY).all()


def _turns(connection: Connection, spec: StoredSpec, owned: Sequence[tuple[_Owner, Row[Any]]]) -> list[_Turn]:
    known = _known_articles(connection, [owner.article_id for owner, _ in owned if owner.article_id is not None])
    prints = fingerprints(connection, spec, [row.revision_id for row in known.values()])
    texts = _texts(connection, [row.id for owner, row in owned if owner.article_id in known])
    ended = _ended(connection, [row.entry_id for _, row in owned if row.read_before])
    turns = []
    for owner, row in owned:
        before, print_ = known.get(owner.article_id), print_of(row)
        kind, former = RevisionKind.FIRST, None
        if before is not None:
            former = prints[before.revision_id]
            new = replace(_state(row, print_, texts[row.id]), read_before=row.read_before)
            kind = classify_revision(_state(before, former, before.text), new)
        ends = not row.read_before or (kind is RevisionKind.FIRST and row.entry_id in ended)
        turns.append(_Turn(owner=owner, row=row, print=print_, former=former, known=before, kind=kind, ends_entry=ends))
    return turns


def _owners(connection: Connection, rows: Sequence[Row[Any]], rules: UrlRules) -> list[_Owner]:
    """The article of each row: the one that its page was of before, else the one that its URL's key names."""
    former = _former(connection, [row.page_id for row in rows if row.read_before])
    keys = [url_key(row.url, rules) for row in rows]
    query = select(article.c.id, article.c.url_key, article.c.former_key).where(known_by(article, keys))
    keyed = {key: row.id for key, row in by_key(connection.execute(query).all(), keys).items()}
    return [
        _Owner(key=key, article_id=former.get(row.page_id, keyed.get(key))) for key, row in zip(keys, rows, strict=True)
    ]


def _former(connection: Connection, page_ids: Sequence[int]) -> dict[int, int]:
    """Page id → the article that it was of when it was read last; for those that were of any."""
    query = (
        select(revision.c.page_id, article_revision.c.article_id)
        .distinct(revision.c.page_id)
        .join(article_revision, article_revision.c.revision_id == revision.c.id)
        .where(among(revision.c.page_id, page_ids))
        .order_by(revision.c.page_id, revision.c.id.desc())
    )
    return {page_id: article_id for page_id, article_id in connection.execute(query)} if page_ids else {}


def _before_repeat(owners: Sequence[_Owner], rows: Sequence[Row[Any]]) -> list[tuple[_Owner, Row[Any]]]:
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
        .where(among(article.c.id, ids))
    )
    return {row.article_id: row for row in connection.execute(query)} if ids else {}


def _texts(connection: Connection, revision_ids: Collection[int]) -> dict[int, str]:
    query = select(revision.c.id, revision.c.text).where(among(revision.c.id, revision_ids))
    return {id_: text for id_, text in connection.execute(query)} if revision_ids else {}


def _ended(connection: Connection, entry_ids: Collection[int]) -> set[int]:
    """Those of these entries that have their outcome."""
    query = select(entry.c.id).where(among(entry.c.id, entry_ids), entry.c.outcome != Outcome.PENDING)
    return set(connection.scalars(query)) if entry_ids else set()


def _state(row: Row[Any], print_: Fingerprint, text: str) -> State:
    return State(
        page=row.page_id,
        title=row.title,
        print=print_,
        corrected=notes_correction(text),
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
            "url_key": turn.owner.key,
            "source_id": turn.row.source_id,
            "revision_id": turn.row.id,
            "first_fetched_at": turn.row.fetched_at,
        }
        for turn in turns
    ]
    new = select(listed(rows, [article.c[name] for name in rows[0]]))  # in their order, and so they are numbered
    returning = insert(article).from_select(list(rows[0]), new).returning(article.c.revision_id, article.c.id)
    return {revision_id: ArticleId(id_) for revision_id, id_ in connection.execute(returning).all()}


def _place(
    connection: Connection,
    spec: StoredSpec,
    turns: Sequence[_Turn],
    ids: Mapping[int, ArticleId],
    policy: MatchPolicy,
    now: datetime,
) -> None:
    """Find, judge and store the matches of the new texts, and what they make of the stories.

    What stands around is read before anything is written: each newcomer is to meet the others as they were before their
    turns.
    """
    sides = [_side(ids[turn.row.id], turn.row, turn.print) for turn in turns]
    changed = {ids[turn.row.id]: turn.former.bands for turn in turns if turn.former is not None}
    verdicts, matches = _compared(connection, spec, sides, changed, policy)
    around = stories.neighbourhood(connection, chain.from_iterable(matches), changed)
    _say_now(connection, turns, ids)
    members = stories.members(connection, [side.id for side in sides])
    newcomers = [Newcomer(member=members[side.id], matches=found) for side, found in zip(sides, matches, strict=True)]
    assignments = stories.place(connection, newcomers, around)
    stories.write(connection, assignments, now)
    memory.mark_due(connection, assignments.places.keys() | members.keys())
    new = members.keys() - changed.keys()
    stories.keep_matches(connection, verdicts, new, policy.digest, now)
    index.replace_keys(connection, spec.number, sides, changed, now)
    specs.note(connection, [side.id for side in sides])
    _mark_drifted(connection, [newcomer for newcomer in newcomers if newcomer.member.id in changed])


def _compared(
    connection: Connection, spec: StoredSpec, sides: Sequence[Side], changed: index.Changed, policy: MatchPolicy
) -> tuple[Verdicts, list[tuple[Match, ...]]]:
    """The verdicts on all newcomers and the candidates before them, and for each newcomer its matches."""
    found = index.candidates(connection, spec.number, sides, changed, policy.newest)
    fresh = {side.id for side in sides} - set(changed)
    known = _stored_sides(connection, spec, {other for others in found for other in others} - fresh)
    history = stop_shingles.history(connection, spec.counts, policy)
    stop_shingles.count(connection, spec.counts, sides, policy)
    pairs = []
    for side, others in zip(sides, found, strict=True):
        pairs += [_by_age(side, known[other]) for other in sorted(others)]
        known[side.id] = side  # whoever comes later meets its new text
    verdicts = judge_all(pairs, history, policy)
    return verdicts, _dealt_out(verdicts, [len(others) for others in found])


def _dealt_out(verdicts: Verdicts, numbers: Sequence[int]) -> list[tuple[Match, ...]]:
    """The matches among each so many verdicts."""
    is_match = verdicts["kind"] != MatchKind.DIFFERENT.value
    before = np.append(0, is_match.cumsum())[np.cumsum([0, *numbers])]
    matches = iter(as_matches(verdicts[is_match]))
    return [tuple(islice(matches, number)) for number in np.diff(before).tolist()]


def _stored_sides(connection: Connection, spec: StoredSpec, articles: Collection[ArticleId]) -> dict[ArticleId, Side]:
    """The candidates as they stand in the store."""
    made = sketches(spec.number)
    query = (
        select(
            article.c.id.label("article_id"),
            article.c.source_id,
            DAY,
            revision.c.title,
            revision.c.flags,
            *print_columns(spec),
        )
        .join(revision, revision.c.id == article.c.revision_id)
        .join(made, made.c.revision_id == article.c.revision_id)
        .where(among(article.c.id, articles))
    )
    rows = connection.execute(query, execution_options=IN_BINARY).all()
    return {ArticleId(row.article_id): _side(ArticleId(row.article_id), row, print_of(row)) for row in rows}


def _side(article_id: ArticleId, row: Row[Any], print_: Fingerprint) -> Side:
    return Side(id=article_id, day=row.day, print=print_, source=row.source_id, title=row.title, flags=row.flags)


def _by_age(side: Side, other: Side) -> tuple[Side, Side]:
    return (side, other) if side.id < other.id else (other, side)


def _say_now(connection: Connection, turns: Iterable[_Turn], ids: Mapping[int, ArticleId]) -> None:
    """Make the changed articles say what their new revisions say; one that is only read again keeps its URL."""
    rows = [
        {
            "id": ids[turn.row.id],
            "revision_id": turn.row.id,
            "url": None if turn.kind is RevisionKind.REREAD else turn.row.url,
        }
        for turn in turns
        if turn.known is not None
    ]
    if rows:
        said = listed(rows, [article.c.id, article.c.revision_id, article.c.url])
        values = {"revision_id": said.c.revision_id, "url": func.coalesce(said.c.url, article.c.url)}
        connection.execute(update(article).where(article.c.id == said.c.id).values(values))


def _mark_drifted(connection: Connection, changed: Sequence[Newcomer]) -> None:
    """Mark those whose new text matches nobody any more; they keep their story by identity."""
    alone = [one.member.id for one in changed if not one.matches]
    drifted = [article_id for article_id in alone if stories.size_of_story(connection, article_id) > 1]
    marked = update(article).where(among(article.c.id, [one.member.id for one in changed]))
    if changed:
        connection.execute(marked.values(drifted=among(article.c.id, drifted)))


def _settle_revisions(
    connection: Connection, spec: StoredSpec, turns: Sequence[_Turn], ids: Mapping[int, ArticleId], now: datetime
) -> None:
    """Say what each text was to its article; one that says nothing new is dropped, its page remains."""
    same = [turn for turn in turns if turn.kind is RevisionKind.UNCHANGED]
    if same:
        dropped = [turn.row.id for turn in same]
        made = sketches(spec.number)
        connection.execute(delete(made).where(among(made.c.revision_id, dropped)))
        connection.execute(delete(revision).where(among(revision.c.id, dropped)))
    rows = [
        {"revision_id": turn.row.id, "article_id": ids[turn.row.id], "kind": turn.kind, "settled_at": now}
        for turn in turns
        if turn.kind is not RevisionKind.UNCHANGED
    ]
    copy(connection, article_revision, rows)


def _close(
    connection: Connection, turns: Sequence[_Turn], ids: Mapping[int, ArticleId], now: datetime
) -> Counter[Outcome]:
    """Take each page out of the queue, and end its entry in the outcome that its text had; answers how many."""
    connection.execute(delete(unsettled).where(among(unsettled.c.page_id, [turn.row.page_id for turn in turns])))
    led = {turn.row.entry_id: ids[turn.row.id] for turn in turns if turn.leads_entry}
    ended = [(turn.row.entry_id, _outcome(turn.kind)) for turn in turns if turn.ends_entry]
    lead_to(connection, led, dict(ended), now)
    return Counter(outcome for _, outcome in ended)


def _outcome(kind: RevisionKind) -> Outcome:
    if kind is RevisionKind.FIRST:
        return Outcome.LOADED
    return Outcome.UNCHANGED if kind in (RevisionKind.UNCHANGED, RevisionKind.STALE) else Outcome.REVISED
