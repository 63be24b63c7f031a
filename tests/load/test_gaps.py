"""Coverage gaps: what is written down, and what analysts see of it."""

from __future__ import annotations

from datetime import timedelta

from factories import NOON, keep_sources
from sqlalchemy import Engine, select, text

from extract.model import FeedEntry
from load import gaps
from load.tables import feed

HOUR = timedelta(hours=1)


def record(engine: Engine, *listed: FeedEntry) -> None:
    with engine.begin() as connection:
        feed_id = connection.scalars(select(feed.c.id)).one()
        gaps.record(connection, feed_id, NOON - 9 * HOUR, listed, NOON)


def shown(engine: Engine) -> list[tuple[object, ...]]:
    query = "SELECT feed, source, since, until, found_at, backfilled_at, entries_found, is_open FROM news.coverage_gap"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_gap_ends_with_the_oldest_entry_listed_now(engine: Engine) -> None:
    keep_sources(engine, "daily")
    record(engine, *(FeedEntry(url=f"https://daily.example/{n}", published_at=NOON - n * HOUR) for n in range(4)))
    assert shown(engine) == [
        ("https://daily.example/feed.xml", "daily", NOON - 9 * HOUR, NOON - 3 * HOUR, NOON, None, None, True)
    ]


def test_dates_from_before_the_gap_and_missing_ones_do_not_count(engine: Engine) -> None:
    keep_sources(engine, "daily")
    record(engine, FeedEntry(url="https://daily.example/pinned", published_at=NOON - 900 * HOUR))
    assert [row[3] for row in shown(engine)] == [NOON]


def test_a_gap_is_recorded_once(engine: Engine) -> None:
    keep_sources(engine, "daily")
    for _ in range(2):
        record(engine, FeedEntry(url="https://daily.example/a"))
    assert len(shown(engine)) == 1
