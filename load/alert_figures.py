"""The figures behind alerts, each kind by one or two queries that read what is new, and not the whole store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, case, func, select, text
from sqlalchemy.dialects.postgresql import insert

from load.engine import live_workers
from load.expectations import is_held
from load.report.common import read
from load.rows import among
from load.stories import LARGE
from load.tables import article, page, queue_head, source, unsettled
from transform.alerts import (
    AlertPolicy,
    Broken,
    FailingFeeds,
    GivenUp,
    Line,
    Measured,
    Merger,
    Placed,
    Queue,
    Volume,
)
from transform.expect import Share

LINES = ("discover", "collect", "ingest", "upkeep")
NEWEST = 50  # articles of a source that are held beside those before them
PAST = 3000  # articles before them: ten days and more of all but the largest sources
DAYS = timedelta(days=28)  # of the past that today is held beside


def measure(connection: Connection, now: datetime, policy: AlertPolicy) -> Measured:
    """All figures as they are now; remembers what stands first in the queues."""
    return Measured(
        volumes=read(connection, Volume, _VOLUMES),
        failing=read(connection, FailingFeeds, _FAILING),
        broken=read(connection, Broken, _BROKEN),
        given_up=tuple(_given_up(connection, now, policy)),
        queues=tuple(_queues(connection, now, policy)),
        lines=tuple(_lines(connection)),
        placed=tuple(_placed(connection, now, policy)),
        mergers=read(connection, Merger, _MERGERS, large=LARGE, since=now - timedelta(days=1)),
    )


_VOLUMES = """
    SELECT source, volume_state AS state, usual_per_day, last_entry_at
    FROM news.source_volume WHERE volume_state IN ('silent', 'unknown')"""
_FAILING = """
    SELECT source.name AS source, count(*) AS feeds, min(feed.failures) AS failures,
           max(feed.last_ok_at) AS last_ok_at, max(feed.last_polled_at) AS last_polled_at,
           (array_agg(feed.state_text ORDER BY feed.last_polled_at DESC))[1] AS error
    FROM storyfold.feed JOIN storyfold.source ON source.id = feed.source_id
    WHERE feed.active AND source.active AND feed.retired_at IS NULL
    GROUP BY source.id HAVING min(feed.failures) > 0"""
_BROKEN = """
    SELECT source, expectation, expected, observed, on_breach = 'stop' AS stops
    FROM news.expectation_breach WHERE ended_at IS NULL"""
_MERGERS = """
    SELECT story_change.story_id, story_change.other_id AS into, story_change.articles AS moved,
           story_change.detail AS match
    FROM storyfold.story_change
    JOIN storyfold.story AS merged ON merged.id = story_change.story_id
    JOIN storyfold.story AS kept ON kept.id = story_change.other_id
    WHERE story_change.change = 'merged' AND story_change.changed_at > :since AND story_change.judgement_id IS NULL
      AND story_change.articles >= :large AND kept.articles - story_change.articles >= :large
      AND merged.merged_into IS NOT NULL"""


# --- Quarantine -----------------------------------------------------------------------------------------------

_GIVEN_UP = text(
    """
    WITH lately AS (
        SELECT source_id, reason, count(*) AS entries, (array_agg(detail ORDER BY outcome_at DESC))[1] AS error
        FROM storyfold.entry
        WHERE outcome = 'quarantined' AND outcome_at > CAST(:now AS timestamptz) - interval '1 day'
        GROUP BY source_id, reason HAVING count(*) >= :least
    )
    SELECT source.name AS source, lately.reason AS stage, lately.entries, lately.error,
           (SELECT floor(extract(epoch FROM CAST(:now AS timestamptz) - min(hour)) / 86400) - 1
            FROM storyfold.source_hour WHERE source_hour.source_id = lately.source_id)::int AS known,
           (SELECT array_agg(floor(extract(epoch FROM CAST(:now AS timestamptz) - entry.outcome_at) / 86400)::int)
            FROM storyfold.entry
            WHERE entry.outcome = 'quarantined' AND entry.source_id = lately.source_id
              AND entry.reason = lately.reason
              AND entry.outcome_at BETWEEN CAST(:now AS timestamptz) - CAST(:days AS interval)
                                       AND CAST(:now AS timestamptz) - interval '1 day') AS ago
    FROM lately JOIN storyfold.source ON source.id = lately.source_id"""
)


def _given_up(connection: Connection, now: datetime, policy: AlertPolicy) -> Iterator[GivenUp]:
    """Of sources and stages with more than a few; how long a source is known, its polls tell."""
    values = {"now": now, "days": DAYS, "least": policy.over * policy.quarantined}
    for row in connection.execute(_GIVEN_UP, values):
        days = Counter(row.ago or ())
        known = min(row.known or 0, DAYS.days)
        yield GivenUp(
            source=row.source,
            stage=row.stage,
            lately=row.entries,
            past=tuple(days[ago] for ago in range(1, known + 1)),
            error=row.error,
        )


# --- Queues and lines -----------------------------------------------------------------------------------------

_DUE_FEEDS = text(
    """
    SELECT count(*) AS waiting, min(due.at) AS since, (array_agg(due.name ORDER BY due.at))[1] AS source,
           (SELECT max(last_polled_at) FROM storyfold.feed) AS moved_at
    FROM (SELECT source.name, greatest(coalesce(feed.next_due_at, feed.last_polled_at), feed.not_before) AS at
          FROM storyfold.feed JOIN storyfold.source ON source.id = feed.source_id
          WHERE feed.active AND source.active AND feed.retired_at IS NULL) AS due
    WHERE due.at <= :now"""
)
_DUE_ENTRIES = text(
    """
    WITH RECURSIVE turn AS (
        SELECT min(domain) AS domain FROM storyfold.entry WHERE fetch_due_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(entry.domain) FROM storyfold.entry
                WHERE entry.fetch_due_at IS NOT NULL AND entry.domain > turn.domain)
        FROM turn WHERE turn.domain IS NOT NULL
    ), oldest AS (
        SELECT due.* FROM turn CROSS JOIN LATERAL (
            SELECT entry.id, entry.domain, entry.fetch_due_at, source.name
            FROM storyfold.entry JOIN storyfold.source ON source.id = entry.source_id
            WHERE entry.domain = turn.domain AND entry.fetch_due_at <= :overdue AND source.active
              AND NOT EXISTS (SELECT FROM storyfold.pause WHERE scope = 'host' AND name = entry.host AND until > :now)
            LIMIT 1
        ) AS due
        WHERE NOT EXISTS (SELECT FROM storyfold.pause
                          WHERE scope = 'domain' AND name = turn.domain AND until > :now)
        ORDER BY due.fetch_due_at, due.id LIMIT 1
    )
    SELECT oldest.name AS source, oldest.id, oldest.domain, oldest.fetch_due_at AS since,
           (SELECT count(*) FROM storyfold.entry WHERE fetch_due_at <= :now) AS waiting,
           (SELECT max(fetched_at) FROM (SELECT fetched_at FROM storyfold.page ORDER BY id DESC LIMIT 1000) AS newest)
               AS moved_at
    FROM oldest"""
)


def _queues(connection: Connection, now: datetime, policy: AlertPolicy) -> Iterator[Queue]:
    """Those in which something waits for longer than a busy hour explains."""
    overdue = now - policy.stuck_after
    feeds = connection.execute(_DUE_FEEDS, {"now": now}).one()
    if feeds.since is not None and feeds.since <= overdue:
        yield Queue(name="discover", line="discover", first=f"a feed of {feeds.source}", **_named(feeds))
    for row in connection.execute(_DUE_ENTRIES, {"now": now, "overdue": overdue}):
        first = f"entry {row.id} of {row.source}, on {row.domain}"
        yield Queue(name="fetch", line="collect", first=first, **_named(row))
    yield from _queues_of_pages(connection, now, overdue)


def _named(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("waiting", "since", "moved_at", "source")}


def _queues_of_pages(connection: Connection, now: datetime, overdue: datetime) -> Iterator[Queue]:
    for head in _heads(connection, now):
        if head.page_id is not None and head.since <= overdue:
            yield _queue_of_page(connection, head)


def _heads(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The page that stands first in each queue, and since when it was seen there.

    Of the read pages one that is ready: behind an unread one all wait for that.
    """
    unread = connection.scalar(_first(page, page.c.id).where(page.c.read_at.is_(None)))
    ready = connection.scalar(_first(unsettled, unsettled.c.page_id))
    if None not in (unread, ready) and unread < ready:
        ready = None
    rows = [
        {"queue": name, "page_id": page_id, "since": now, "seen_at": now}
        for name, page_id in (("read", unread), ("settle", ready))
    ]
    statement = insert(queue_head)
    is_same = queue_head.c.page_id.is_not_distinct_from(statement.excluded.page_id)
    changed = {
        "page_id": statement.excluded.page_id,
        "since": case((is_same, queue_head.c.since), else_=statement.excluded.since),
        "seen_at": statement.excluded.seen_at,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=[queue_head.c.queue], set_=changed), rows)
    return connection.execute(select(queue_head).order_by(queue_head.c.queue)).all()


def _first(queue: Table, id_: ColumnElement[int]) -> Select[Any]:
    """Its first page that no hold keeps back."""
    return select(func.min(id_)).where(~is_held(queue))


def _queue_of_page(connection: Connection, head: Row[Any]) -> Queue:
    query = (
        select(source.c.name, page.c.claimed_by.in_(live_workers()).label("is_claimed"))
        .join(page, page.c.source_id == source.c.id)
        .where(page.c.id == head.page_id)
    )
    row = connection.execute(query).one()
    unread = select(func.count()).where(page.c.read_at.is_(None))
    read_ = select(func.count()).select_from(unsettled)
    to_settle = int(connection.execute(read_.where(unsettled.c.page_id > head.page_id)).scalar_one())
    is_unread = head.queue == "read"
    held = ", which a worker holds that lives" if row.is_claimed else ""
    behind = f", before {to_settle} read ones that wait to be settled" if is_unread and to_settle else ""
    return Queue(
        name=head.queue,
        line="ingest",
        waiting=int(connection.execute(unread if is_unread else read_).scalar_one()),
        first=f"page {head.page_id} of {row.name}{held}{behind}",
        since=head.since,
        moved_at=head.since,
        source=row.name,
    )


_LINES = text(
    """
    WITH lately AS (
        SELECT line, started_at, finished_at FROM storyfold.run ORDER BY id DESC LIMIT 2000
    ), ended AS (
        SELECT line, finished_at, finished_at - lag(finished_at) OVER (PARTITION BY line ORDER BY finished_at) AS pause
        FROM lately WHERE finished_at IS NOT NULL
    ), known AS (
        SELECT line, max(finished_at) AS finished_at,
               CASE WHEN count(pause) >= 3
                    THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM pause)) END AS pause_s
        FROM ended GROUP BY line
    )
    SELECT lately.line AS name, known.pause_s, known.finished_at,
           count(*) FILTER (WHERE started_at > coalesce(known.finished_at, '-infinity')) AS begun,
           count(DISTINCT date_trunc('hour', started_at))
               FILTER (WHERE started_at > coalesce(known.finished_at, '-infinity')) AS begun_hours
    FROM lately LEFT JOIN known ON known.line = lately.line
    WHERE lately.line = ANY(:lines)
    GROUP BY lately.line, known.pause_s, known.finished_at"""
)


def _lines(connection: Connection) -> Iterator[Line]:
    """As their newest runs tell."""
    alive = len(connection.execute(live_workers()).all())
    for row in connection.execute(_LINES, {"lines": list(LINES)}):
        yield Line(alive=alive, **row._mapping)


# --- Whose stories a source's articles stand in ---------------------------------------------------------------

_NEWEST = text(
    """
    SELECT newest.source_id, source.name, count(*) AS articles, min(newest.id) AS first_id,
           min(newest.first_fetched_at) AS first_at,
           array_agg(story.id) FILTER (WHERE story.canonical_id <> newest.id) AS stories,
           array_agg(story.canonical_id) FILTER (WHERE story.canonical_id <> newest.id) AS others
    FROM storyfold.source
    CROSS JOIN LATERAL (
        SELECT article.id, article.source_id, article.first_fetched_at
        FROM storyfold.article WHERE article.source_id = source.id ORDER BY article.id DESC LIMIT :newest
    ) AS newest
    JOIN storyfold.story_member ON story_member.article_id = newest.id
    JOIN storyfold.story ON story.id = story_member.story_id
    WHERE source.active AND newest.first_fetched_at > CAST(:now AS timestamptz) - interval '3 days'
    GROUP BY newest.source_id, source.name
    HAVING count(*) >= :least
       AND count(*) FILTER (WHERE story.canonical_id <> newest.id) >= CAST(:share AS float) * count(*)"""
)
_BEFORE = text(
    """
    SELECT asked.source_id, count(*) AS articles,
           count(*) FILTER (WHERE story.canonical_id <> past.id) AS swallowed
    FROM unnest(CAST(:sources AS int[]), CAST(:first_ids AS bigint[]), CAST(:first_at AS timestamptz[]))
         AS asked (source_id, first_id, first_at)
    CROSS JOIN LATERAL (
        SELECT article.id, article.first_fetched_at
        FROM storyfold.article WHERE article.source_id = asked.source_id AND article.id < asked.first_id
        ORDER BY article.id DESC LIMIT :past
    ) AS past
    JOIN storyfold.story_member ON story_member.article_id = past.id
    JOIN storyfold.story ON story.id = story_member.story_id
    WHERE past.first_fetched_at > asked.first_at - CAST(:days AS interval)
    GROUP BY asked.source_id, floor(extract(epoch FROM asked.first_at - past.first_fetched_at) / 86400)"""
)


def _placed(connection: Connection, now: datetime, policy: AlertPolicy) -> Iterator[Placed]:
    """Of the sources whose newest articles are copies more often than their past might excuse."""
    share = policy.over * policy.risen  # below that even what is open is over
    values = {"now": now, "newest": NEWEST, "least": policy.articles, "share": share}
    newest = connection.execute(_NEWEST, values).all()
    past = _before(connection, newest)
    names = _sources_of(connection, {other for row in newest for other in row.others or ()})
    for row in newest:
        if row.stories:
            story_id, in_story = Counter(row.stories).most_common(1)[0]
            other, by_other = Counter(names[id_] for id_ in row.others).most_common(1)[0]
            yield Placed(
                source=row.name,
                newest=Share(part=len(row.stories), of=row.articles),
                past=tuple(past[row.source_id]),
                story_id=story_id,
                in_story=in_story,
                other=other,
                by_other=by_other,
            )


def _before(connection: Connection, newest: Sequence[Row[Any]]) -> Mapping[int, list[Share]]:
    """Source → the shares of the days before, counted back from its newest articles."""
    values = {
        "sources": [row.source_id for row in newest],
        "first_ids": [row.first_id for row in newest],
        "first_at": [row.first_at for row in newest],
        "past": PAST,
        "days": DAYS,
    }
    days: defaultdict[int, list[Share]] = defaultdict(list)
    for row in connection.execute(_BEFORE, values) if newest else ():
        days[row.source_id].append(Share(part=row.swallowed, of=row.articles))
    return days


def _sources_of(connection: Connection, articles: Collection[int]) -> dict[int, str]:
    query = select(article.c.id, source.c.name).join(source, source.c.id == article.c.source_id)
    found = connection.execute(query.where(among(article.c.id, articles))) if articles else ()
    return {id_: name for id_, name in found}
