"""How the store stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from load import alerts, index, resketch
from load.alerts import Alert
from load.index import IndexSize
from load.quarantine import Quarantined, Wanted, quarantined
from load.report.common import read
from load.report.sources import BREACHES, LEDGER, BreachLine, Ledger
from load.resketch import Progress

NEWEST_QUARANTINED = 10  # of status; `storyfold quarantine list` has the others


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingLine:
    """A feed whose last answers could not be read."""

    source: str
    url: str
    kind: str
    state_text: str | None
    failures: int
    last_polled_at: datetime | None
    last_ok_at: datetime | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """A source whose pages wait."""

    source: str
    held_at: datetime
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLine:
    """A source that announces more or less than it usually does."""

    source: str
    state: str
    entries_per_day: float
    usual_per_day: float
    last_entry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapLine:
    """A time in which a feed may have announced what nobody read, and no backfill has looked."""

    source: str
    feed_url: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """What one stage has quarantined, and how much of it lately."""

    stage: str
    entries: int
    entries_24h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """The newest pass of one line."""

    line: str
    started_at: datetime
    finished_at: datetime | None
    ended: str | None  # as in news.run
    error: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """What the store holds and what waits in it, at one moment."""

    sources: int
    feeds: int
    feeds_due: int
    feeds_failing: int
    feeds_retired: int
    to_fetch: int
    to_fetch_later: int
    to_read: int
    to_read_held: int  # of them, those that wait as their source is held
    to_settle: int
    articles: int
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    alerts: tuple[Alert, ...]  # open ones, as of the last check
    checked_at: datetime | None  # that check; None before the first
    queues: Queues
    index: IndexSize
    fingerprints: Progress | None  # of a spec that is built beside the one that articles are compared by
    ledger: Ledger
    runs: tuple[RunLine, ...]
    failing: tuple[FailingLine, ...]
    volumes: tuple[VolumeLine, ...]  # silent, low and high ones
    breaches: tuple[BreachLine, ...]
    held: tuple[HeldLine, ...]
    gaps: tuple[GapLine, ...]
    stages: tuple[StageLine, ...]
    quarantined: tuple[Quarantined, ...]  # the newest


_FAILING = """
    SELECT source.name AS source, feed.url, feed.kind, feed.state_text, feed.failures, feed.last_polled_at,
           feed.last_ok_at, feed.next_due_at
    FROM storyfold.feed JOIN storyfold.source ON source.id = feed.source_id
    WHERE feed.active AND source.active AND feed.failures > 0 ORDER BY feed.failures DESC, source.name, feed.url"""
_QUEUES = """
    SELECT (SELECT count(*) FROM storyfold.source WHERE active) AS sources,
           feeds.*, fetching.*, reading.*,
           (SELECT count(*) FROM storyfold.article) AS articles,
           (SELECT count(*) FROM storyfold.story WHERE merged_into IS NULL) AS stories
    FROM (SELECT count(*) FILTER (WHERE retired_at IS NULL) AS feeds,
                 count(*) FILTER (WHERE retired_at IS NULL AND (next_due_at IS NULL OR next_due_at <= now()))
                     AS feeds_due,
                 count(*) FILTER (WHERE retired_at IS NULL AND failures > 0) AS feeds_failing,
                 count(*) FILTER (WHERE retired_at IS NOT NULL) AS feeds_retired
          FROM storyfold.feed WHERE active) AS feeds,
         (SELECT count(*) FILTER (WHERE fetch_due_at <= now()) AS to_fetch,
                 count(*) FILTER (WHERE fetch_due_at > now()) AS to_fetch_later
          FROM storyfold.entry WHERE fetch_due_at IS NOT NULL) AS fetching,
         (SELECT (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL) AS to_read,
                 (SELECT count(*) FROM storyfold.page JOIN storyfold.source ON source.id = page.source_id
                  WHERE page.read_at IS NULL AND source.held_at IS NOT NULL
                    AND page.fetched_at >= coalesce(source.released_at, '-infinity')) AS to_read_held,
                 (SELECT count(*) FROM storyfold.unsettled) AS to_settle
         ) AS reading"""
_RUNS = """
    SELECT line, started_at, finished_at, ended, error, counts FROM news.run
    WHERE id IN (SELECT max(id) FROM storyfold.run GROUP BY line) ORDER BY started_at"""
_HELD = """
    SELECT source.name AS source, source.held_at, count(page.id) AS pages
    FROM storyfold.source
    LEFT JOIN (SELECT id, source_id, fetched_at FROM storyfold.page WHERE read_at IS NULL
               UNION ALL SELECT page_id, source_id, fetched_at FROM storyfold.unsettled) AS page
         ON page.source_id = source.id AND page.fetched_at >= coalesce(source.released_at, '-infinity')
    WHERE source.held_at IS NOT NULL GROUP BY source.id ORDER BY source.held_at DESC, source.name"""
_VOLUMES = """
    SELECT source, volume_state AS state, entries_per_day, usual_per_day, last_entry_at
    FROM news.source_volume WHERE volume_state IN ('silent', 'low', 'high')
    ORDER BY volume_state = 'high', usual_per_day DESC, source"""
_GAPS = """
    SELECT source.name AS source, feed.url AS feed_url, coverage_gap.since, coverage_gap.until
    FROM storyfold.coverage_gap
    JOIN storyfold.feed ON feed.id = coverage_gap.feed_id
    JOIN storyfold.source ON source.id = feed.source_id
    WHERE coverage_gap.backfilled_at IS NULL ORDER BY coverage_gap.until DESC, coverage_gap.id DESC"""
_STAGES = """
    SELECT reason AS stage, count(*) AS entries,
           count(*) FILTER (WHERE outcome_at > now() - interval '24 hours') AS entries_24h
    FROM storyfold.entry WHERE outcome = 'quarantined' GROUP BY reason ORDER BY count(*) DESC, reason"""


def status(connection: Connection) -> Status:
    """How the store stands: queues, outcomes, the newest pass of each line, and all that a person should look at."""
    (ledger,) = read(connection, Ledger, f"{LEDGER} WHERE source IS NULL")
    (queues,) = read(connection, Queues, _QUEUES)
    return Status(
        alerts=alerts.open_alerts(connection),
        checked_at=alerts.checked_at(connection),
        queues=queues,
        index=index.size(connection),
        fingerprints=resketch.progress(connection),
        ledger=ledger,
        runs=read(connection, RunLine, _RUNS),
        failing=read(connection, FailingLine, _FAILING),
        volumes=read(connection, VolumeLine, _VOLUMES),
        breaches=read(connection, BreachLine, BREACHES),
        held=read(connection, HeldLine, _HELD),
        gaps=read(connection, GapLine, _GAPS),
        stages=read(connection, StageLine, _STAGES),
        quarantined=quarantined(connection, Wanted(), NEWEST_QUARANTINED),
    )
