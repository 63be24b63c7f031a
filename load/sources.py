"""The source catalogue, and the polling state of each feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    func,
    null,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from extract.agencies import agency_behind
from extract.model import FeedKind, PollPolicy, Source, SourceName, Validators
from extract.polling import RETIRE_AFTER, Answer, Failed, NotChanged, Pace, Read, Same, Step, Wishes, after_poll
from extract.urls import registrable_domain
from load import expectations, volume
from load.claims import claim, free, lock_claims
from load.locks import lock
from load.rows import clean_text
from load.tables import feed, source

FEEDS_PER_SOURCE = 8  # in one claim: a crawl delay of a minute between them is over before the lease is
MIRROR_ENTRIES = 5  # shorter listings are alike by chance
MIRROR_SHARE = 0.8


class FeedState(StrEnum):
    OK = "ok"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFeed:
    """A claimed feed and what its last answers left."""

    id: int
    source_id: int
    source: SourceName
    url: str
    kind: FeedKind
    validators: Validators
    body_digest: bytes | None  # of the last answer that could be read
    pace: Pace
    depth: int = 0  # 1 when a sitemap index names it, 2 when that was named by another
    sampled: str | None = None  # digest, in hexadecimal, of the unreadable answer that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll of a feed came to."""

    answer: Answer
    wishes: Wishes = field(default_factory=Wishes)
    empty: bool = False  # a document that could be read and has nothing in it
    text: str | None = None  # in words: the error, or what was left out
    validators: Validators = field(default_factory=Validators)
    body_digest: bytes | None = None
    sample: Mapping[str, Any] | None = None  # where an answer that could not be read lies in the archive
    new: int = 0

    @property
    def state(self) -> FeedState:
        match self.answer:
            case Failed():
                return FeedState.FAILED
            case Read():
                return FeedState.EMPTY if self.empty else FeedState.OK
        return FeedState.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Two feeds that list the same."""

    source: str
    feed: str
    other_source: str
    other_feed: str
    alike: str  # in what: urls, paths (on other hosts), titles
    share: float  # of all that either lists, what both list

    def turned(self) -> Mirror:
        """The same, seen from the other."""
        return replace(
            self, source=self.other_source, feed=self.other_feed, other_source=self.source, other_feed=self.feed
        )


def sync(connection: Connection, sources: Sequence[Source]) -> None:
    """Make the catalogue say what the source files say; what is no longer listed rests, and keeps its history.

    Sitemaps that an index names follow their index. Rows that say so already are not touched; one writer at a time.
    """
    lock(connection, "catalogue")
    named = [s.name for s in sources]
    connection.execute(update(source).values(active=False).where(source.c.active, source.c.name.not_in(named)))
    if sources:
        _write_sources(connection, sources)
        _write_feeds(connection, sources)
    _switch_off(connection, sources)


def ensure(connection: Connection, name: str, title: str) -> int:
    """The id of a source that has no file, such as a folder loaded by hand; made when it is not there."""
    found = connection.execute(select(source.c.id).where(source.c.name == name)).scalar()
    if found is not None:
        return int(found)
    statement = insert(source).values(name=name, title=title, tier=2, agency=agency_behind(title), active=True)
    statement = statement.on_conflict_do_update(index_elements=[source.c.name], set_={"active": true()})
    return int(connection.execute(statement.returning(source.c.id)).scalar_one())


def names(connection: Connection) -> list[str]:
    """Of all sources that the store knows."""
    return list(connection.scalars(select(source.c.name).order_by(source.c.name)))


def names_by_domain(connection: Connection) -> dict[str, str]:
    """Registrable domain → name of the source that publishes there, where it is only one."""
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for name, domains in connection.execute(select(source.c.name, source.c.domains).where(source.c.active)):
        for domain in domains:
            claims[domain].append(name)
    return {domain: names[0] for domain, names in claims.items() if len(names) == 1}


def domains_of(connection: Connection, names: Collection[str]) -> dict[str, list[str]]:
    """Source → the registrable domains of its articles, for those that the store knows."""
    query = select(source.c.name, source.c.domains).where(source.c.name.in_(names))
    return {name: domains for name, domains in connection.execute(query)}


def claim_due(
    connection: Connection,
    worker: int,
    now: datetime,
    *,
    names: Collection[str] = (),
    early: bool = False,
    polled_before: datetime | None = None,
    busy: Collection[int] = (),
    limit: int = 1000,
) -> list[DueFeed]:
    """The feeds to poll now, claimed for this worker: source by source in turn, a few of each.

    names: only these sources; all when empty. early: also feeds that are not due yet, as a person who asks expects,
    but for those whose server asked us to wait, and for what an index announces. polled_before: none that were polled
    since. busy: not of these sources.
    """
    lock_claims(connection, feed)
    parent = feed.alias("parent")
    wanted = [*_pollable(now, names), _is_due(now, early=early), free(feed, now), source.c.id.not_in(busy)]
    if polled_before is not None:
        wanted.append(or_(feed.c.last_polled_at.is_(None), feed.c.last_polled_at < polled_before))
    depth = case((feed.c.parent_id.is_(None), 0), (parent.c.parent_id.is_(None), 1), else_=2)
    by_age = (feed.c.next_due_at.asc().nulls_first(), feed.c.id)
    turn = func.row_number().over(partition_by=feed.c.source_id, order_by=by_age)
    joined = feed.join(source).outerjoin(parent, parent.c.id == feed.c.parent_id)
    ranked = (
        select(feed.c.id, source.c.name, depth.label("depth"), turn.label("turn"))
        .select_from(joined)
        .where(and_(*wanted))
        .subquery()
    )
    query = (
        select(feed, ranked.c.name.label("source"), ranked.c.depth)
        .join(ranked, ranked.c.id == feed.c.id)
        .where(ranked.c.turn <= FEEDS_PER_SOURCE)
        .order_by(ranked.c.turn, *by_age)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    claim(connection, feed, [row.id for row in rows], worker, now)
    return [_due_feed(row) for row in rows]


def count_waiting(connection: Connection, now: datetime, *, names: Collection[str] = ()) -> int:
    """How many feeds are left alone because their server asked us to wait."""
    query = select(func.count()).select_from(feed.join(source)).where(*_active(names), feed.c.not_before > now)
    return int(connection.execute(query).scalar_one())


def record_poll(connection: Connection, due: DueFeed, poll: Poll, policy: PollPolicy, now: datetime) -> Step:
    """Store what a poll came to and when the next is due; answers what it means for the feed's pace."""
    step = after_poll(due.pace, poll.answer, poll.wishes, policy, now)
    still_failing = isinstance(poll.answer, NotChanged) and due.pace.failures > 0
    values: dict[str, Any] = {
        **_columns(step.pace),
        "polls": feed.c.polls + 1,
        "last_polled_at": now,
        "next_due_at": now + timedelta(seconds=step.pause_s),
        "not_before": now + timedelta(seconds=poll.wishes.retry_after_s) if poll.wishes.retry_after_s else null(),
        "claimed_by": null(),
        "claimed_until": null(),
    }
    if not still_failing:
        values |= {"state": poll.state, "state_text": clean_text(poll.text)}
    if isinstance(poll.answer, Read):
        values |= {
            "etag": clean_text(poll.validators.etag),
            "last_modified": clean_text(poll.validators.last_modified),
            "body_digest": poll.body_digest,
        }
    if isinstance(poll.answer, Read | Same):
        values["sample"] = null()
    if poll.sample is not None:
        values["sample"] = dict(poll.sample)
    if poll.new:
        values["last_new_at"] = now
    connection.execute(update(feed).where(feed.c.id == due.id).values(values))
    volume.count(connection, due.id, poll.new, now)
    return step


def not_asked(connection: Connection, feed_id: int, wait_s: float, now: datetime) -> None:
    """The host's own pause kept us from asking: no poll and no failure; it is due when the pause is over."""
    later = now + timedelta(seconds=wait_s)
    values = {"next_due_at": later, "not_before": later, "claimed_by": null(), "claimed_until": null()}
    connection.execute(update(feed).where(feed.c.id == feed_id).values(values))


def record_sitemaps(
    connection: Connection,
    index: DueFeed,
    named: Mapping[str, datetime | None],
    policy: PollPolicy,
    now: datetime,
    *,
    complete: bool,
) -> int:
    """Make the sitemaps that an index names feeds of its source; answers how many are due by that.

    named: URL → time of last change by the index's word. complete: it names no others.
    One that is new, or has changed, is due at once; one that was old when we first heard of it is put down as retired
    and left to a backfill. What the source's own file lists is left as it is.
    """
    known = {
        row.url: row
        for row in connection.execute(
            select(feed).where(feed.c.source_id == index.source_id, feed.c.url.in_(list(named)))
        )
    }
    fresh = {url: at for url, at in named.items() if url not in known}
    _insert_sitemaps(connection, index, fresh, policy, now)
    moved = [url for url, at in named.items() if url in known and _has_moved(known[url], at)]
    for url in moved:
        values = {
            "parent_id": index.id,
            "announced_at": named[url],
            "active": True,
            "next_due_at": now,
            "retired_at": None,
        }
        connection.execute(update(feed).where(feed.c.id == known[url].id).values(values))
    if complete:
        gone = update(feed).where(feed.c.parent_id == index.id, feed.c.active, feed.c.url.not_in(list(named)))
        connection.execute(gone.values(active=False))
    return len(moved) + sum(not _is_old(at, now) for at in fresh.values())


def mirrors(connection: Connection) -> tuple[Mirror, ...]:
    """The pairs of feeds of which either could be left out, most alike first.

    Compared by what their last documents listed: the same URLs, or on other hosts the same paths, or the same titles.
    """
    values = {"entries": MIRROR_ENTRIES, "share": MIRROR_SHARE}
    return tuple(Mirror(**row) for row in connection.execute(text(_MIRRORS), values).mappings())


_MIRRORS = """
    WITH mark AS (
        SELECT DISTINCT feed.id, marks.alike, marks.mark
        FROM storyfold.feed
        JOIN storyfold.source ON source.id = feed.source_id
        CROSS JOIN unnest(feed.listed) AS listed (url_key)
        JOIN storyfold.entry USING (url_key)
        CROSS JOIN LATERAL (VALUES
            ('urls', encode(entry.url_key, 'hex')),
            ('paths', nullif(regexp_replace(entry.url, '^https?://[^/]*', '', 'i'), '')),
            ('titles', nullif(lower(btrim(entry.title)), ''))
        ) AS marks (alike, mark)
        WHERE feed.active AND source.active AND feed.retired_at IS NULL AND marks.mark IS NOT NULL
    ),
    size AS (SELECT id, alike, count(*) AS marks FROM mark GROUP BY id, alike),
    common AS (
        SELECT one.id, other.id AS other_id, alike, count(*) AS marks
        FROM mark AS one JOIN mark AS other USING (alike, mark)
        WHERE one.id < other.id
        GROUP BY one.id, other.id, alike
    ),
    pair AS (
        SELECT DISTINCT ON (common.id, common.other_id) common.id, common.other_id, common.alike,
               common.marks::double precision / (one.marks + other.marks - common.marks) AS share
        FROM common
        JOIN size AS one ON one.id = common.id AND one.alike = common.alike
        JOIN size AS other ON other.id = common.other_id AND other.alike = common.alike
        WHERE least(one.marks, other.marks) >= :entries
        ORDER BY common.id, common.other_id, share DESC, common.alike DESC
    )
    SELECT one_source.name AS source, one.url AS feed, other_source.name AS other_source, other.url AS other_feed,
           pair.alike, pair.share
    FROM pair
    JOIN storyfold.feed AS one ON one.id = pair.id
    JOIN storyfold.feed AS other ON other.id = pair.other_id
    JOIN storyfold.source AS one_source ON one_source.id = one.source_id
    JOIN storyfold.source AS other_source ON other_source.id = other.source_id
    WHERE pair.share >= :share
    ORDER BY pair.share DESC, source, feed, other_source, other_feed"""


# --- Claims ---------------------------------------------------------------------------------------------------


def _active(names: Collection[str]) -> list[ColumnElement[bool]]:
    return [feed.c.active, *([source.c.name.in_(names)] if names else [source.c.active])]


def _pollable(now: datetime, names: Collection[str]) -> list[ColumnElement[bool]]:
    return [*_active(names), or_(feed.c.not_before.is_(None), feed.c.not_before <= now)]


def _is_due(now: datetime, *, early: bool) -> ColumnElement[bool]:
    never_polled = and_(feed.c.next_due_at.is_(None), feed.c.retired_at.is_(None))
    due = or_(feed.c.next_due_at <= now, never_polled)
    return or_(due, and_(feed.c.parent_id.is_(None), feed.c.retired_at.is_(None))) if early else due


def _due_feed(row: Row[Any]) -> DueFeed:
    return DueFeed(
        id=row.id,
        source_id=row.source_id,
        source=SourceName(row.source),
        url=row.url,
        kind=FeedKind(row.kind),
        validators=Validators(etag=row.etag, last_modified=row.last_modified),
        body_digest=row.body_digest,
        pace=_pace(row),
        depth=row.depth,
        sampled=(row.sample or {}).get("digest"),
    )


def _pace(row: Row[Any]) -> Pace:
    return Pace(
        interval_s=row.interval_s,
        entries_per_hour=row.entries_per_hour,
        peak_per_hour=row.peak_per_hour,
        failures=row.failures,
        failure_weight=row.failure_weight,
        polls_since_full=row.polls_since_full,
        listed=frozenset(map(bytes, row.listed)),
        read_at=row.last_ok_at,
        newest_at=row.newest_at,
        changed_at=row.changed_at,
        retired_at=row.retired_at,
        retires=row.kind == FeedKind.SITEMAP,
        announced=row.announced_at is not None,
    )


def _columns(pace: Pace) -> dict[str, Any]:
    return {
        "interval_s": pace.interval_s,
        "entries_per_hour": pace.entries_per_hour,
        "peak_per_hour": pace.peak_per_hour,
        "failures": pace.failures,
        "failure_weight": pace.failure_weight,
        "polls_since_full": pace.polls_since_full,
        "listed": sorted(pace.listed),
        "last_ok_at": pace.read_at,
        "newest_at": pace.newest_at,
        "changed_at": pace.changed_at,
        "retired_at": pace.retired_at,
    }


# --- Sitemaps of an index -------------------------------------------------------------------------------------


def _insert_sitemaps(
    connection: Connection, index: DueFeed, fresh: Mapping[str, datetime | None], policy: PollPolicy, now: datetime
) -> None:
    rows = [
        {
            "source_id": index.source_id,
            "url": url,
            "kind": FeedKind.SITEMAP,
            "active": True,
            "parent_id": index.id,
            "announced_at": at,
            "interval_s": policy.first_interval_s,
            "retired_at": now if _is_old(at, now) else None,
        }
        for url, at in fresh.items()
    ]
    if rows:
        connection.execute(insert(feed).on_conflict_do_nothing(index_elements=[feed.c.source_id, feed.c.url]), rows)


def _is_old(announced_at: datetime | None, now: datetime) -> bool:
    return announced_at is not None and announced_at < now - RETIRE_AFTER


def _has_moved(known: Row[Any], announced_at: datetime | None) -> bool:
    """The index tells of a change, or names it again after it had not. What a source file lists is not the index's."""
    if known.parent_id is None and known.active:
        return False
    if not known.active:
        return True
    return announced_at is not None and (known.announced_at is None or announced_at > known.announced_at)


# --- The files' word ------------------------------------------------------------------------------------------


def _write_sources(connection: Connection, sources: Sequence[Source]) -> None:
    rows = [
        {
            "name": s.name,
            "title": s.title,
            "homepage": s.homepage,
            "language": s.language,
            "country": s.country,
            "tier": s.tier,
            "agency": agency_behind(s.title, s.agency),
            "active": True,
            "keep_params": list(s.urls.keep),
            "drop_params": list(s.urls.drop),
            "domains": _domains(s),
            "expect": expectations.to_json(s.expect),
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
    begun = feed.c.last_ok_at.is_not(None)  # from then on its own rhythm decides
    changed: dict[str, Any] = {
        "kind": statement.excluded.kind,
        "active": true(),
        "parent_id": null(),
        "interval_s": case((begun, feed.c.interval_s), else_=statement.excluded.interval_s),
    }
    said = or_(*(feed.c[name].is_distinct_from(value) for name, value in changed.items()))
    connection.execute(
        statement.on_conflict_do_update(index_elements=[feed.c.source_id, feed.c.url], set_=changed, where=said)
    )


def _switch_off(connection: Connection, sources: Sequence[Source]) -> None:
    """Let the feeds rest that no file lists, and with an index what it names; it is read anew should it come back."""
    listed = {(s.name, f.url) for s in sources for f in s.feeds}
    active = select(feed.c.id, source.c.name, feed.c.url).join(source).where(feed.c.active, feed.c.parent_id.is_(None))
    off = [row.id for row in connection.execute(active) if (row.name, row.url) not in listed]
    while off:
        connection.execute(update(feed).where(feed.c.id.in_(off)).values(active=False))
        below = update(feed).where(feed.c.parent_id.in_(off), feed.c.active).values(active=False)
        off_below = list(connection.scalars(below.returning(feed.c.id)))
        if off_below:
            anew = {"body_digest": null(), "etag": null(), "last_modified": null()}
            connection.execute(update(feed).where(feed.c.id.in_(off)).values(anew))
        off = off_below
