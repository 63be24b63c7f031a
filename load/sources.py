"""The source catalogue, and the polling state of each feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, null, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from extract.model import FeedKind, Source, SourceName, Validators
from extract.urls import registrable_domain
from load.claims import claim, free, lock_claims
from load.tables import feed, source

MAX_INTERVAL = timedelta(days=1)  # feeds slow down and never die


class FeedState(StrEnum):
    OK = "ok"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFeed:
    """A claimed feed and what its last answer left."""

    id: int
    source_id: int
    source: SourceName
    url: str
    kind: FeedKind
    validators: Validators
    body_digest: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll of a feed came to."""

    state: FeedState
    text: str | None = None  # in words: the error, or what was left out
    validators: Validators = field(default_factory=Validators)
    body_digest: bytes | None = None
    new: int = 0
    retry_after_s: float = 0.0


def sync(connection: Connection, sources: Sequence[Source]) -> None:
    """Make the catalogue say what the source files say; what is no longer listed rests, and keeps its history."""
    connection.execute(update(source).values(active=False).where(source.c.active))
    connection.execute(update(feed).values(active=False).where(feed.c.active))
    if sources:
        _write_sources(connection, sources)
        _write_feeds(connection, sources)


def ensure(connection: Connection, name: str, title: str) -> int:
    """The id of a source that has no file, such as a folder loaded by hand; made when it is not there."""
    found = connection.execute(select(source.c.id).where(source.c.name == name)).scalar()
    if found is not None:
        return int(found)
    statement = insert(source).values(name=name, title=title, tier=2, active=True)
    statement = statement.on_conflict_do_update(index_elements=[source.c.name], set_={"active": true()})
    return int(connection.execute(statement.returning(source.c.id)).scalar_one())


def names_by_domain(connection: Connection) -> dict[str, str]:
    """Registrable domain → name of the source that publishes there, where it is only one."""
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for name, domains in connection.execute(select(source.c.name, source.c.domains).where(source.c.active)):
        for domain in domains:
            claims[domain].append(name)
    return {domain: names[0] for domain, names in claims.items() if len(names) == 1}


def claim_due(
    connection: Connection, worker: int, now: datetime, *, names: Collection[str] = (), early: bool = False
) -> list[DueFeed]:
    """The feeds to poll now, claimed for this worker.

    names: only these sources; all when empty. early: also feeds that are not due yet, as a person who asks expects.
    """
    lock_claims(connection, feed)
    wanted = [feed.c.active, free(feed, now)]
    if not early:
        wanted.append(or_(feed.c.next_due_at.is_(None), feed.c.next_due_at <= now))
    if names:
        wanted.append(source.c.name.in_(names))
    query = select(feed, source.c.name.label("source")).join(source).where(and_(*wanted)).order_by(feed.c.id)
    rows = connection.execute(query).all()
    claim(connection, feed, [row.id for row in rows], worker, now)
    return [
        DueFeed(
            id=row.id,
            source_id=row.source_id,
            source=SourceName(row.source),
            url=row.url,
            kind=FeedKind(row.kind),
            validators=Validators(etag=row.etag, last_modified=row.last_modified),
            body_digest=row.body_digest,
        )
        for row in rows
    ]


def record_poll(connection: Connection, feed_id: int, poll: Poll, now: datetime) -> None:
    """Store what a poll came to and when the next is due; only an answer that was read clears failures."""
    answered = poll.state is not FeedState.FAILED
    read = poll.state in (FeedState.OK, FeedState.EMPTY)
    failures = case((feed.c.failures < 16, feed.c.failures + 1), else_=16)
    values: dict[str, Any] = {
        "state": poll.state if read or not answered else case((feed.c.failures > 0, feed.c.state), else_=poll.state),
        "state_text": poll.text,
        "polls": feed.c.polls + 1,
        "failures": failures if not answered else (0 if read else feed.c.failures),
        "last_polled_at": now,
        "next_due_at": literal(now) + _pause(answered, poll.retry_after_s),
        "claimed_by": null(),
        "claimed_until": null(),
    }
    if read:
        values |= {
            "last_ok_at": now,
            "etag": poll.validators.etag,
            "last_modified": poll.validators.last_modified,
            "body_digest": poll.body_digest,
        }
    if poll.new:
        values["last_new_at"] = now
    connection.execute(update(feed).where(feed.c.id == feed_id).values(values))


def _pause(answered: bool, retry_after_s: float) -> ColumnElement[Any]:
    """The interval, doubled for every failure in a row, at most a day; never before the server wants us back."""
    slowed = feed.c.interval_s * (1 if answered else func.power(2, feed.c.failures + 1))
    seconds = func.greatest(func.least(slowed, MAX_INTERVAL.total_seconds()), retry_after_s)
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _write_sources(connection: Connection, sources: Sequence[Source]) -> None:
    rows = [
        {
            "name": s.name,
            "title": s.title,
            "homepage": s.homepage,
            "language": s.language,
            "country": s.country,
            "tier": s.tier,
            "active": True,
            "keep_params": list(s.urls.keep),
            "drop_params": list(s.urls.drop),
            "domains": _domains(s),
        }
        for s in sorted(sources, key=lambda s: s.name)
    ]
    statement = insert(source).values(rows)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=[source.c.name], set_=changed))


def _domains(source: Source) -> list[str]:
    """The registrable domains of its articles: that of its home page, or else those of its feeds."""
    urls = [source.homepage] if source.homepage else [feed.url for feed in source.feeds]
    return sorted({registrable_domain(url) for url in urls})


def _write_feeds(connection: Connection, sources: Sequence[Source]) -> None:
    ids = {name: id_ for id_, name in connection.execute(select(source.c.id, source.c.name))}
    rows = [
        {
            "source_id": ids[s.name],
            "url": f.url,
            "kind": f.kind,
            "interval_s": s.polling.first_interval_s,
            "active": True,
        }
        for s in sorted(sources, key=lambda s: s.name)
        for f in s.feeds
    ]
    if not rows:
        return
    statement = insert(feed).values(rows)
    changed = {name: statement.excluded[name] for name in ("kind", "interval_s", "active")}
    connection.execute(statement.on_conflict_do_update(index_elements=[feed.c.source_id, feed.c.url], set_=changed))
