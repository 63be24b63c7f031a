"""The ledger: what was announced, who fetches it, and the one outcome in which each entry ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from extract.model import Announcement, DateOrigin, FeedEntry, FeedKind, Rejection, SourceName
from extract.urls import BadUrl, UrlRules, domain_of, host_of, url_key
from load.claims import claim, free, lock_claims
from load.keys import by_key, known_by, read_rules
from load.rows import clean_text
from load.runs import RunId
from load.tables import entry, feed, source

MAX_ATTEMPTS = 5  # then the entry is quarantined, and can be replayed
FIRST_PAUSE = timedelta(minutes=1)  # before the second attempt; doubled for each further one
ENTRIES_PER_HOST = 20  # in one claim: a worker stays with a host for a while, and leaves room for others


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEntry:
    """An entry that this worker fetches."""

    id: int
    source_id: int
    source: SourceName
    url: str
    attempts: int


def record(
    connection: Connection,
    source_id: int | Mapping[str, int],
    entries: Sequence[FeedEntry],
    run_id: RunId,
    now: datetime,
    *,
    feed_id: int | None = None,
    fetch: bool = True,
) -> Recorded:
    """Keep what is new, refresh what is known, reopen what is announced as changed since.

    source_id: of all, or of each by its URL
    fetch: false for entries whose bytes are at hand already.
    """
    keyed, bad = _keyed(entries, read_rules(connection))
    known = _known(connection, list(keyed))
    fresh = {key: e for key, e in keyed.items() if key not in known}
    updated = {known[key].id: e for key, e in keyed.items() if key in known and _is_later(e, known[key])}
    new = _insert(connection, source_id, feed_id, fresh, run_id, now, fetch=fetch)
    _refresh(connection, [row.id for row in known.values()], now)
    _reopen(connection, updated, now)
    return Recorded(new=new, known=len(keyed) - new - len(updated), updated=len(updated), bad=bad)


def still_announced(connection: Connection, feed_id: int, now: datetime) -> int:
    """Remember that an unchanged feed announces what it did when it was read last; answers how many entries that is."""
    read_at = select(feed.c.last_ok_at).where(feed.c.id == feed_id).scalar_subquery()
    listed = update(entry).where(entry.c.feed_id == feed_id, entry.c.last_seen_at >= read_at)
    return connection.execute(listed.values(last_seen_at=now)).rowcount


def claim_due(
    connection: Connection, worker: int, now: datetime, limit: int, *, names: Collection[str] = ()
) -> list[ClaimedEntry]:
    """Entries to fetch now, claimed for this worker: host by host in turn, none of a host that another works on.

    names: only these sources; all when empty.
    """
    lock_claims(connection, entry)
    held = select(entry.c.host).where(entry.c.claimed_by.is_not(None), ~free(entry, now), entry.c.claimed_by != worker)
    wanted = [entry.c.fetch_due_at <= now, free(entry, now), entry.c.host.not_in(held)]
    if names:
        wanted.append(source.c.name.in_(names))
    turn = func.row_number().over(partition_by=entry.c.host, order_by=(entry.c.fetch_due_at, entry.c.id))
    ranked = (
        select(entry.c.id, entry.c.source_id, source.c.name, entry.c.url, entry.c.attempts, turn.label("turn"))
        .join(source)
        .where(and_(*wanted))
        .subquery()
    )
    query = select(ranked).where(ranked.c.turn <= ENTRIES_PER_HOST).order_by(ranked.c.turn, ranked.c.id).limit(limit)
    rows = connection.execute(query).all()
    claim(connection, entry, [row.id for row in rows], worker, now)
    return [
        ClaimedEntry(
            id=row.id, source_id=row.source_id, source=SourceName(row.name), url=row.url, attempts=row.attempts
        )
        for row in rows
    ]


def count_due(connection: Connection, now: datetime, *, names: Collection[str] = ()) -> int:
    """How many entries wait to be fetched now, claimed or not."""
    query = select(func.count()).select_from(entry.join(source)).where(entry.c.fetch_due_at <= now)
    if names:
        query = query.where(source.c.name.in_(names))
    return int(connection.execute(query).scalar_one())


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
    connection.execute(update(entry).where(entry.c.id.in_(entry_ids)).values(values))


def try_again(
    connection: Connection,
    item: ClaimedEntry,
    error: str,
    now: datetime,
    retry_after_s: float | None,
    *,
    asked: bool = True,
) -> Outcome:
    """After a passing fault: due again later, or quarantined when it has failed too often.

    asked: false where the host's own pause kept us from asking, which is no attempt.
    """
    attempts = item.attempts + asked
    if attempts >= MAX_ATTEMPTS:
        close(connection, [item.id], Outcome.QUARANTINED, now, reason="fetch", detail=error)
        return Outcome.QUARANTINED
    pause = max(FIRST_PAUSE * 2**item.attempts, timedelta(seconds=retry_after_s or 0.0))
    values = {
        "attempts": attempts,
        "fetch_due_at": now + pause,
        "detail": error,
        "claimed_by": null(),
        "claimed_until": null(),
    }
    connection.execute(update(entry).where(entry.c.id == item.id).values(values))
    return Outcome.PENDING


def reject(connection: Connection, entry_id: int, rejection: Rejection, now: datetime) -> Outcome:
    """A verdict: rejected, or unchanged where an article of this entry is in the store already and stays."""
    known = connection.execute(select(entry.c.article_id).where(entry.c.id == entry_id)).scalar()
    outcome = Outcome.REJECTED if known is None else Outcome.UNCHANGED
    close(connection, [entry_id], outcome, now, reason=rejection.reason, detail=rejection.detail)
    return outcome


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
    connection.execute(update(entry).where(entry.c.id.in_(entry_ids)).values(values))


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


def _insert(
    connection: Connection,
    source_id: int | Mapping[str, int],
    feed_id: int | None,
    fresh: dict[bytes, FeedEntry],
    run_id: RunId,
    now: datetime,
    *,
    fetch: bool,
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
        }
        for key, item in sorted(fresh.items())
    ]
    statement = insert(entry).on_conflict_do_nothing(index_elements=[entry.c.url_key]).returning(entry.c.id)
    return len(connection.execute(statement, rows).all())


def _refresh(connection: Connection, entry_ids: Sequence[int], now: datetime) -> None:
    """Remember that these are still announced: what is forgotten would be taken for new one day."""
    connection.execute(update(entry).where(entry.c.id.in_(entry_ids)).values(last_seen_at=now))


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
