"""The ledger: what is announced becomes entries, and every entry ends in one outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, select, text, update

from extract.model import FeedEntry, Reason, Rejection
from load import entries, pages, runs, sources
from load.engine import worker
from load.entries import MAX_ATTEMPTS, Outcome, Recorded
from load.tables import entry

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def connection(engine: Engine) -> object:
    with engine.begin() as opened:
        yield opened


def record(connection: Connection, *announced: FeedEntry, now: datetime = NOW, source: str = "daily") -> Recorded:
    run = runs.begin(connection, "discover", now)
    return entries.record(connection, sources.ensure(connection, source, source), announced, run, now)


def item(path: str, **fields: object) -> FeedEntry:
    return FeedEntry(url=f"https://daily.example/{path}", **fields)  # type: ignore[arg-type]


def test_new_entries_wait_to_be_fetched(connection: Connection) -> None:
    assert record(connection, item("a"), item("b")) == Recorded(new=2)
    assert entries.count_due(connection, NOW) == 2


def test_what_is_announced_again_is_known_and_stays_fresh(connection: Connection) -> None:
    record(connection, item("a"))
    later = NOW + timedelta(days=400)
    assert record(connection, item("a"), item("b"), now=later) == Recorded(new=1, known=1)
    assert connection.scalar(select(entry.c.last_seen_at).where(entry.c.url.like("%/a"))) == later


def test_one_article_under_two_tracking_urls_is_one_entry(connection: Connection) -> None:
    assert record(connection, item("a?utm_source=feed"), item("a?utm_source=mail")) == Recorded(new=1)


def test_links_that_are_no_urls_are_counted_and_hold_nothing_up(connection: Connection) -> None:
    assert record(connection, FeedEntry(url="http://"), item("a")) == Recorded(new=1, bad=1)


def test_a_later_update_reopens_an_entry_and_an_earlier_one_does_not(connection: Connection) -> None:
    record(connection, item("a", updated_at=NOW))
    close_all(connection)
    assert record(connection, item("a", updated_at=NOW - timedelta(hours=1))) == Recorded(known=1)
    assert record(connection, item("a", updated_at=NOW + timedelta(hours=1))) == Recorded(updated=1)
    assert entries.count_due(connection, NOW) == 1


def test_a_first_time_is_no_update(connection: Connection) -> None:
    record(connection, item("a"))
    close_all(connection)
    assert record(connection, item("a", updated_at=NOW)) == Recorded(known=1)


def test_text_that_postgres_refuses_is_cleaned(connection: Connection) -> None:
    record(connection, item("a", title="nul \x00 and half \ud83d a pair"))
    assert connection.scalar(select(entry.c.title)) == "nul  and half \N{REPLACEMENT CHARACTER} a pair"


def test_two_workers_claim_different_hosts(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"), item("b"), FeedEntry(url="https://other.example/c"))
    with worker(engine) as one, worker(engine) as other:
        first, second = claim(engine, one, limit=1), claim(engine, other, limit=10)
    assert len(first) == 1
    assert {url.split("/")[2] for url in second}.isdisjoint(url.split("/")[2] for url in first)


def test_hosts_take_turns(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, *(item(str(n)) for n in range(5)), FeedEntry(url="https://other.example/c"))
    with worker(engine) as me:
        assert "https://other.example/c" in claim(engine, me, limit=2)


def test_claims_of_a_dead_worker_are_free_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    with worker(engine) as dead:
        assert claim(engine, dead) == ["https://daily.example/a"]
    with worker(engine) as me:
        assert claim(engine, me) == ["https://daily.example/a"]


def test_a_claim_that_outlives_its_lease_is_free(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    with worker(engine) as slow, worker(engine) as me:
        claim(engine, slow)
        assert claim(engine, me) == []
        assert claim(engine, me, now=NOW + timedelta(hours=1)) == ["https://daily.example/a"]


def test_only_named_sources_are_claimed(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
        record(connection, FeedEntry(url="https://other.example/c"), source="other")
    with worker(engine) as me, engine.begin() as connection:
        claimed = entries.claim_due(connection, me, NOW, 10, names=["other"])
    assert [one.source for one in claimed] == ["other"]


def test_what_a_resting_source_announced_waits(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
        record(connection, FeedEntry(url="https://other.example/c"), source="other")
    with worker(engine) as me, engine.begin() as connection:
        claimed = entries.claim_due(connection, me, NOW, 10, resting=["daily"])
    assert [one.source for one in claimed] == ["other"]


def test_a_passing_fault_is_tried_again_later_and_in_the_end_quarantined(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    outcomes, now = [], NOW
    with worker(engine) as me:
        for _ in range(MAX_ATTEMPTS):
            with engine.begin() as connection:
                [claimed] = entries.claim_due(connection, me, now, 1)
                outcomes.append(entries.try_again(connection, claimed, "timed out", now, None))
                assert entries.count_due(connection, now) == 0
            now += timedelta(hours=1)
    assert outcomes == [Outcome.PENDING] * (MAX_ATTEMPTS - 1) + [Outcome.QUARANTINED]
    with engine.connect() as connection:
        assert connection.execute(select(entry.c.outcome, entry.c.reason, entry.c.detail)).one() == (
            "quarantined", "fetch", "timed out",
        )  # fmt: skip


def test_a_server_that_says_when_is_not_asked_before(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    with worker(engine) as me, engine.begin() as connection:
        [claimed] = entries.claim_due(connection, me, NOW, 1)
        entries.try_again(connection, claimed, "busy", NOW, retry_after_s=7200)
        assert entries.count_due(connection, NOW + timedelta(hours=1, minutes=59)) == 0
        assert entries.count_due(connection, NOW + timedelta(hours=2)) == 1


def test_a_hosts_pause_is_no_attempt(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    with worker(engine) as me, engine.begin() as connection:
        [claimed] = entries.claim_due(connection, me, NOW, 1)
        entries.try_again(connection, claimed, "paused", NOW, 60, asked=False)
        assert connection.scalar(select(entry.c.attempts)) == 0


def test_a_rejection_ends_an_entry_and_leaves_a_known_article_alone(connection: Connection) -> None:
    record(connection, item("a"), item("b"))
    connection.execute(update(entry).where(entry.c.url.like("%/b")).values(article_id=7))
    for id_ in connection.scalars(select(entry.c.id)).all():
        entries.reject(connection, id_, Rejection(url="", reason=Reason.GONE, detail="404"), NOW)
    found = connection.execute(select(entry.c.outcome, entry.c.reason).order_by(entry.c.url)).all()
    assert found == [("rejected", "gone"), ("unchanged", "gone")]


def test_discovered_is_the_sum_of_outcomes(connection: Connection) -> None:
    record(connection, *(item(str(n)) for n in range(9)))
    ids = list(connection.scalars(select(entry.c.id)))
    entries.close(connection, ids[:3], Outcome.LOADED, NOW)
    entries.close(connection, ids[3:5], Outcome.QUARANTINED, NOW, reason="read")
    ledger = connection.execute(text("SELECT * FROM news.outcome_ledger WHERE source = 'daily'")).one()
    assert (ledger.discovered, ledger.loaded, ledger.quarantined, ledger.pending, ledger.adds_up) == (9, 3, 2, 4, True)


def test_nothing_is_fetched_twice_while_its_page_waits_to_be_read(connection: Connection) -> None:
    record(connection, item("a"))
    entries.fetched(connection, list(connection.scalars(select(entry.c.id))))
    assert entries.count_due(connection, NOW + timedelta(days=1)) == 0
    assert pages.count_unread(connection) == 0


def claim(engine: Engine, me: int, *, limit: int = 10, now: datetime = NOW) -> list[str]:
    with engine.begin() as connection:
        return [one.url for one in entries.claim_due(connection, me, now, limit)]


def close_all(connection: Connection) -> None:
    entries.close(connection, list(connection.scalars(select(entry.c.id))), Outcome.LOADED, NOW)
