"""The ledger: what was announced, who fetches it, and the one outcome in which each entry ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Row,
    Select,
    TableValuedAlias,
    Text,
    Update,
    all_,
    and_,
    any_,
    case,
    column,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from extract.model import Announcement, DateOrigin, FeedEntry, FeedKind, Flag, PauseScope, Rejection, SourceName, UrlKey
from extract.urls import BadUrl, UrlRules, domain_of, host_of, url_key
from load import claims
from load.claims import claim, free, lock_claims
from load.keys import by_key, known_by, read_rules
from load.rows import among, clean_text, listed
from load.runs import RunId
from load.tables import article, entry, feed, pause, revision, source

MAX_ATTEMPTS = 5  # then the entry is quarantined, and can be replayed
FIRST_PAUSE = timedelta(minutes=1)  # before the second attempt; doubled for each further one
ENTRIES_PER_DOMAIN = 8  # in one turn: at a gap of 2 s they last 16 s, some times longer than until the next claim


class Outcome(StrEnum):
    PENDING = "pending"
    LOADED = "loaded"
    UNCHANGED = "unchanged"
    REVISED = "revised"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of the entries of one feed document."""

    new: int = 0
    known: int = 0
    updated: int = 0  # known, and announced as changed: fetched again
    bad: int = 0  # links that are no URLs
    old: int = 0  # unknown, but too old to be news: left to a backfill
    keys: frozenset[UrlKey] = field(default=frozenset(), compare=False, repr=False)  # of all with a usable URL


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEntry:
    """An entry that this worker fetches."""

    id: int
    source_id: int
    source: SourceName
    url: str
    host: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A passing fault at fetching."""

    error: str
    retry_after_s: float | None  # as the server asked


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedText:
    """What a feed carried of an entry: its text or else its summary, or both, the fuller first."""

    source_id: int
    url: str
    texts: tuple[str, ...]


def record(
    connection: Connection,
    source_id: int | Mapping[str, int],
    entries: Sequence[FeedEntry],
    run_id: RunId,
    now: datetime,
    *,
    feed_id: int | None = None,
    fetch: bool = True,
    oldest: datetime | None = None,
    backfill: bool = False,
) -> Recorded:
    """Keep what is new, refresh what is known, reopen what is announced as changed since.

    source_id: of all, or of each by its URL
    fetch: false for entries whose bytes are at hand already. oldest: unknown entries from before are left out.
    backfill: the new ones are fetched after what is fresh. Announced without it, a known one is fresh from then on.
    """
    keyed, bad = _keyed(entries, read_rules(connection))
    known = _known(connection, list(keyed))
    unknown = {key: e for key, e in keyed.items() if key not in known}
    fresh = {key: e for key, e in unknown.items() if not _is_from_before(e, oldest)}
    updated = {known[key].id: e for key, e in keyed.items() if key in known and _is_later(e, known[key])}
    new = _insert(connection, source_id, feed_id, fresh, run_id, now, fetch=fetch, backfill=backfill)
    _refresh(connection, [row.id for row in known.values()], now, backfill=backfill)
    _reopen(connection, updated, now)
    old = len(unknown) - len(fresh)
    return Recorded(
        new=new,
        known=len(keyed) - new - len(updated) - old,
        updated=len(updated),
        bad=bad,
        old=old,
        keys=frozenset(map(UrlKey, keyed)),
    )


def still_announced(connection: Connection, listed: Collection[bytes], now: datetime) -> int:
    """Remember that an unchanged feed announces these, whoever did first; answers how many of them are entries."""
    known = _known(connection, list(listed))
    _refresh(connection, [row.id for row in known.values()], now)
    return len(known)


def claim_due(
    connection: Connection,
    worker: int,
    now: datetime,
    limit: int,
    *,
    names: Collection[str] = (),
    resting: Collection[str] = (),
    after: str = "",
    busy: Collection[str] = (),
) -> list[ClaimedEntry]:
    """Entries to fetch now, claimed for this worker: domain by domain in turn, of each those that wait longest.

    What a backfill found comes after all else of its domain. None of a domain that another worker is at, or that is
    paused. The cost grows with the domains taken, not with what is due: see docs/decisions/0012.
    names: only these sources; all when empty. resting: none of these, what they announced waits.
    after: the domain claimed last, whose successor has the next turn.
    busy: domains that have enough for now.
    """
    lock_claims(connection, entry)
    among_sources = _of_sources(names, resting)
    rows = _first_of_each(connection.execute(_due(worker, now, limit, among_sources, busy, after)))
    if after and len(rows) < limit:
        rest = _due(worker, now, limit - len(rows), among_sources, busy, "", until=after)
        rows += _first_of_each(connection.execute(rest))
    claim(connection, entry, [row.id for row in rows], worker, now)
    return [
        ClaimedEntry(
            id=row.id,
            source_id=row.source_id,
            source=SourceName(row.name),
            url=row.url,
            host=row.host,
            domain=row.domain,
        )
        for row in rows
    ]


def _first_of_each(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """At most ENTRIES_PER_DOMAIN of each domain: the fresh ones, then as many backfilled ones as have room."""
    taken: Counter[str] = Counter()
    first = []
    for row in rows:
        taken[row.domain] += 1
        if taken[row.domain] <= ENTRIES_PER_DOMAIN:
            first.append(row)
    return first


def renew(connection: Connection, worker: int, now: datetime) -> None:
    """Hold on to what this worker has claimed and not yet fetched."""
    claims.renew(connection, entry, worker, now)


def _due(
    worker: int,
    now: datetime,
    limit: int,
    among_sources: ColumnElement[bool],
    busy: Collection[str],
    after: str,
    *,
    until: str | None = None,
) -> Select[Any]:
    """The entries to claim of the domains behind `after`, up to `until`.

    Of each domain at most ENTRIES_PER_DOMAIN fresh ones, then as many backfilled ones.
    """
    turn = _turns(after, until)
    wanted = [
        entry.c.domain == turn.c.domain,
        entry.c.backfill == turn.c.backfill,
        entry.c.fetch_due_at <= now,
        free(entry, now),
        entry.c.host.not_in(_paused(PauseScope.HOST, now)),
        entry.c.source_id.in_(select(source.c.id).where(among_sources)),
    ]
    waiting = (
        select(entry.c.id, entry.c.source_id, entry.c.url, entry.c.host, entry.c.domain)
        .where(*wanted)
        .order_by(entry.c.fetch_due_at, entry.c.id)
        .limit(ENTRIES_PER_DOMAIN)
        .lateral("waiting")
    )
    return (
        select(waiting, source.c.name)
        .select_from(turn.join(waiting, true()).join(source, source.c.id == waiting.c.source_id))
        .where(
            turn.c.fetch_due_at <= now,
            turn.c.domain != all_(literal(list(busy), ARRAY(Text))),
            turn.c.domain.not_in(_held(worker, now)),
            turn.c.domain.not_in(_paused(PauseScope.DOMAIN, now)),
        )
        .limit(limit)
    )


def _turns(after: str, until: str | None) -> CTE:
    """The domains with anything to fetch, now or later, each with the earliest time: a loose index scan.

    A domain has two turns, for what is fresh and for what is backfilled. Postgres computes a recursive query no further
    than its rows are asked for.
    """

    def first_behind(domain: ColumnElement[str], backfill: ColumnElement[bool]) -> Select[Any]:
        reach = [] if until is None else [entry.c.domain <= until]
        behind = tuple_(entry.c.domain, entry.c.backfill) > tuple_(domain, backfill)
        return (
            select(entry.c.domain, entry.c.backfill, entry.c.fetch_due_at)
            .where(entry.c.fetch_due_at.is_not(None), behind, *reach)
            .order_by(entry.c.domain, entry.c.backfill, entry.c.fetch_due_at, entry.c.id)
            .limit(1)
        )

    turn = select(first_behind(literal(after), true()).subquery()).cte("turn", recursive=True)
    successor = first_behind(turn.c.domain, turn.c.backfill).correlate(turn).lateral("successor")
    return turn.union_all(select(successor).select_from(turn.join(successor, true())))


def _of_sources(names: Collection[str], resting: Collection[str] = ()) -> ColumnElement[bool]:
    """The sources with these names, all without names; but for those that rest."""
    named = source.c.name.in_(names) if names else true()
    return and_(named, source.c.name.not_in(resting))


def _held(worker: int, now: datetime) -> Select[Any]:
    """The domains that another worker is at."""
    held = (entry.c.claimed_by.is_not(None), entry.c.claimed_by != worker, ~free(entry, now))
    return select(entry.c.domain).where(*held)


def _paused(scope: PauseScope, now: datetime) -> Select[Any]:
    return select(pause.c.name).where(pause.c.scope == scope, pause.c.until > now)


def postpone(connection: Connection, pauses: Mapping[tuple[PauseScope, str], datetime], now: datetime) -> None:
    """Let nothing of these hosts and domains be claimed before the times given; what is over is forgotten.

    One row for each, whatever waits there: what is announced meanwhile waits too, and a restart forgets nothing.
    """
    connection.execute(delete(pause).where(pause.c.until <= now))
    rows = [{"scope": scope, "name": name, "until": until} for (scope, name), until in sorted(pauses.items())]
    if rows:
        statement = insert(pause)
        later = func.greatest(pause.c.until, statement.excluded.until)
        connection.execute(
            statement.on_conflict_do_update(index_elements=[pause.c.scope, pause.c.name], set_={"until": later}), rows
        )


def fetched(connection: Connection, entry_ids: Collection[int]) -> None:
    """Nothing is left to fetch of these entries; their outcome follows when their pages are read."""
    values = {
        "outcome": Outcome.PENDING,
        "outcome_at": null(),
        "reason": null(),
        "detail": null(),
        "fetch_due_at": null(),
        "claimed_by": null(),
        "claimed_until": null(),
        "attempts": 0,
    }
    connection.execute(update(entry).where(among(entry.c.id, entry_ids)).values(values))


def give_back(connection: Connection, told: Mapping[int, str]) -> None:
    """These entries were not asked for after all, for the reason told: no attempt, and due as they were."""
    rows = _values(list(told), detail=[clean_text(why) for why in told.values()])
    values = {"detail": rows.c.detail, "claimed_by": null(), "claimed_until": null()}
    connection.execute(update(entry).where(entry.c.id == rows.c.id).values(values))


def try_again(connection: Connection, failures: Mapping[int, Failure], now: datetime) -> dict[int, Outcome]:
    """After passing faults: due again later, or quarantined when it has failed too often."""
    rows = _values(
        list(failures),
        detail=[clean_text(failure.error) for failure in failures.values()],
        pause_s=[failure.retry_after_s or 0.0 for failure in failures.values()],
    )
    given_up = entry.c.attempts + 1 >= MAX_ATTEMPTS
    doubled_s = FIRST_PAUSE.total_seconds() * func.power(2, entry.c.attempts)
    pause_s = func.greatest(doubled_s, rows.c.pause_s)
    values = {
        "attempts": entry.c.attempts + 1,
        "outcome": case((given_up, Outcome.QUARANTINED), else_=Outcome.PENDING),
        "outcome_at": case((given_up, now)),
        "reason": case((given_up, "fetch")),
        "detail": rows.c.detail,
        "fetch_due_at": case((~given_up, literal(now) + func.make_interval(0, 0, 0, 0, 0, 0, pause_s))),
        "claimed_by": null(),
        "claimed_until": null(),
    }
    return _outcomes(connection, update(entry).where(entry.c.id == rows.c.id).values(values))


def reject(connection: Connection, entry_id: int, rejection: Rejection, now: datetime) -> Outcome:
    """A verdict: rejected, or unchanged where an article of this entry is in the store already and stays."""
    return reject_all(connection, {entry_id: rejection}, now)[entry_id]


def reject_all(
    connection: Connection, rejections: Mapping[int, Rejection], now: datetime, *, again: bool = False
) -> dict[int, Outcome]:
    """Verdicts on many entries: each ends as `reject` says.

    again: their pages were read once more; whatever was not rejected before keeps its outcome, and its article
    """
    rows = _values(
        list(rejections),
        reason=[rejection.reason for rejection in rejections.values()],
        detail=[clean_text(rejection.detail) or None for rejection in rejections.values()],
    )
    values = {
        "outcome": case((entry.c.article_id.is_(None), Outcome.REJECTED), else_=Outcome.UNCHANGED),
        "outcome_at": now,
        "reason": rows.c.reason,
        "detail": rows.c.detail,
        "fetch_due_at": null(),
        "claimed_by": null(),
        "claimed_until": null(),
    }
    wanted = [entry.c.id == rows.c.id, *([entry.c.outcome == Outcome.REJECTED] if again else [])]
    return _outcomes(connection, update(entry).where(*wanted).values(values))


def _values(ids: Sequence[int], **columns: Sequence[Any]) -> TableValuedAlias:
    """What differs from entry to entry, as a table: one statement serves them all."""
    kinds: dict[str, TypeEngine[Any]] = {"pause_s": Double()}
    arrays = [literal(list(values), ARRAY(kinds.get(name, Text()))) for name, values in columns.items()]
    told = func.unnest(literal(list(ids), ARRAY(BigInteger)), *arrays)
    named = (column(name, kinds.get(name, Text())) for name in columns)
    return told.table_valued("id", *named, name="told").render_derived()


def _outcomes(connection: Connection, statement: Update) -> dict[int, Outcome]:
    rows = connection.execute(statement.returning(entry.c.id, entry.c.outcome))
    return {id_: Outcome(outcome) for id_, outcome in rows}


def feed_texts(connection: Connection, entry_ids: Collection[int]) -> dict[int, FeedText]:
    """What the feed carried of these entries, but for those of which the store has a full text."""
    query = (
        select(entry.c.id, entry.c.source_id, entry.c.url, entry.c.text, entry.c.summary)
        .outerjoin(article, article.c.id == entry.c.article_id)
        .outerjoin(revision, revision.c.id == article.c.revision_id)
        .where(
            among(entry.c.id, entry_ids),
            func.coalesce(entry.c.text, entry.c.summary).is_not(None),
            or_(revision.c.id.is_(None), literal(Flag.FEED_TEXT.value) == any_(revision.c.flags)),
        )
    )
    return {
        row.id: FeedText(source_id=row.source_id, url=row.url, texts=tuple(filter(None, (row.text, row.summary))))
        for row in connection.execute(query)
    }


def close(
    connection: Connection,
    entry_ids: Collection[int],
    outcome: Outcome,
    now: datetime,
    *,
    reason: str | None = None,
    detail: str | None = None,
) -> None:
    """End these entries in an outcome; whatever claim or retry they had is over."""
    values = {
        "outcome": outcome,
        "outcome_at": now,
        "reason": reason,
        "detail": clean_text(detail) if detail else None,
        "fetch_due_at": null(),
        "claimed_by": null(),
        "claimed_until": null(),
    }
    connection.execute(update(entry).where(among(entry.c.id, entry_ids)).values(values))


def lead_to(
    connection: Connection, articles: Mapping[int, int], outcomes: Mapping[int, Outcome], now: datetime
) -> None:
    """These entries led to articles; those with an outcome end in it, the others go on as they are.

    articles, outcomes: by entry; whatever has an outcome has an article
    """
    if not articles:
        return
    rows = [
        {"id": id_, "article_id": article_id, "outcome": outcomes.get(id_)}
        for id_, article_id in sorted(articles.items())
    ]
    told = listed(rows, [entry.c.id, entry.c.article_id, entry.c.outcome])
    ended = {
        "outcome": told.c.outcome,
        "outcome_at": now,
        "reason": null(),
        "detail": null(),
        "fetch_due_at": null(),
        "claimed_by": null(),
        "claimed_until": null(),
    }
    values = {name: case((told.c.outcome.is_not(None), value), else_=entry.c[name]) for name, value in ended.items()}
    led = update(entry).where(entry.c.id == told.c.id)
    connection.execute(led.values(values).values(article_id=told.c.article_id))


def announcements(connection: Connection, entry_ids: Collection[int]) -> dict[int, Announcement]:
    """What was announced of these entries, as witnesses for reading their pages."""
    query = (
        select(entry, source.c.name, source.c.language, feed.c.kind)
        .join(source, source.c.id == entry.c.source_id)
        .outerjoin(feed, feed.c.id == entry.c.feed_id)
        .where(entry.c.id.in_(entry_ids))
    )
    return {
        row.id: Announcement(
            source=SourceName(row.name),
            title=row.title,
            summary=row.summary,
            authors=tuple(row.authors),
            published_at=row.published_at,
            origin=_origin(row.kind) if row.published_at else None,
            language=row.language,
        )
        for row in connection.execute(query)
    }


def ids(connection: Connection, urls: Collection[str]) -> dict[str, int]:
    """URL → id of its entry, for those that are in the ledger. Raises BadUrl."""
    return {url: row.id for url, row in _by_url(connection, urls).items()}


def owners(connection: Connection, urls: Collection[str]) -> dict[str, tuple[int, int]]:
    """URL → ids of its entry and of that entry's source, for those that are in the ledger. Raises BadUrl."""
    return {url: (row.id, row.source_id) for url, row in _by_url(connection, urls).items()}


def _by_url(connection: Connection, urls: Collection[str]) -> dict[str, Row[Any]]:
    rules = read_rules(connection)
    keys = {url: url_key(url, rules) for url in urls}
    known = _known(connection, list(keys.values()))
    return {url: known[key] for url, key in keys.items() if key in known}


def _origin(kind: str | None) -> DateOrigin:
    return DateOrigin.SITEMAP if kind == FeedKind.SITEMAP else DateOrigin.FEED


def _keyed(entries: Sequence[FeedEntry], rules: UrlRules) -> tuple[dict[bytes, FeedEntry], int]:
    """The entries by key of their URL, the first of each; and how many have no usable URL."""
    keyed: dict[bytes, FeedEntry] = {}
    bad = 0
    for item in entries:
        try:
            keyed.setdefault(url_key(item.url, rules), item)
        except BadUrl:
            bad += 1
    return keyed, bad


def _known(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    """Key → entry, for those that are in the ledger: its id and source, and the time of the state we know of it."""
    known_at = func.greatest(entry.c.updated_at, entry.c.published_at).label("known_at")
    query = select(entry.c.id, entry.c.source_id, entry.c.url_key, entry.c.former_key, known_at)
    return by_key(connection.execute(query.where(known_by(entry, keys))), keys)


def _is_later(announced: FeedEntry, known: Row[Any]) -> bool:
    """A first time is no change: feeds begin to state times without touching their articles."""
    return None not in (announced.updated_at, known.known_at) and announced.updated_at > known.known_at


def _is_from_before(item: FeedEntry, oldest: datetime | None) -> bool:
    dates = [at for at in (item.published_at, item.updated_at) if at is not None]
    return oldest is not None and bool(dates) and max(dates) < oldest


def _insert(
    connection: Connection,
    source_id: int | Mapping[str, int],
    feed_id: int | None,
    fresh: dict[bytes, FeedEntry],
    run_id: RunId,
    now: datetime,
    *,
    fetch: bool,
    backfill: bool,
) -> int:
    if not fresh:
        return 0
    rows = [
        {
            "source_id": source_id if isinstance(source_id, int) else source_id[item.url],
            "feed_id": feed_id,
            "url": item.url,
            "url_key": key,
            "host": host_of(item.url),
            "domain": domain_of(item.url),
            "title": clean_text(item.title),
            "summary": clean_text(item.summary),
            "text": clean_text(item.text),
            "authors": [clean_text(author) for author in item.authors],
            "published_at": item.published_at,
            "updated_at": item.updated_at,
            "first_seen_at": now,
            "last_seen_at": now,
            "fetch_due_at": now if fetch else None,
            "found_by": run_id,
            "backfill": backfill,
        }
        for key, item in sorted(fresh.items())
    ]
    statement = insert(entry).on_conflict_do_nothing(index_elements=[entry.c.url_key]).returning(entry.c.id)
    return len(connection.execute(statement, rows).all())


def _refresh(connection: Connection, entry_ids: Sequence[int], now: datetime, *, backfill: bool = False) -> None:
    """Remember that these are still announced: what is forgotten would be taken for new one day.

    Announced by a feed, what a backfill found first is as fresh as all else.
    """
    values = {"last_seen_at": now} if backfill else {"last_seen_at": now, "backfill": False}
    connection.execute(update(entry).where(entry.c.id.in_(entry_ids)).values(values))


def _reopen(connection: Connection, updated: dict[int, FeedEntry], now: datetime) -> None:
    for entry_id, item in sorted(updated.items()):
        values = {
            "updated_at": item.updated_at,
            "outcome": Outcome.PENDING,
            "outcome_at": None,
            "reason": None,
            "detail": None,
            "attempts": 0,
            "fetch_due_at": now,
        }
        not_waiting = or_(entry.c.outcome != Outcome.PENDING, entry.c.fetch_due_at.is_not(None))
        connection.execute(update(entry).where(entry.c.id == entry_id, not_waiting).values(values))
