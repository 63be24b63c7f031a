"""The ledger: what is announced becomes entries, and every entry ends in one outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, select, text, update

from extract.model import FeedEntry, PauseScope, Reason, Rejection
from load import entries, runs, sources
from load.engine import worker
from load.entries import ENTRIES_PER_DOMAIN, MAX_ATTEMPTS, Failure, Outcome, Recorded
from load.tables import entry

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def connection(engine: Engine) -> object:
    with engine.begin() as opened:
        yield opened


def count_due(connection: Connection, now: datetime) -> int:
    """How many entries wait to be fetched then, claimed or not."""
    return int(connection.execute(select(func.count()).where(entry.c.fetch_due_at <= now)).scalar_one())


def record(connection: Connection, *announced: FeedEntry, now: datetime = NOW, source: str = "daily") -> Recorded:
    run = runs.begin(connection, "discover", now)
    return entries.record(connection, sources.ensure(connection, source, source), announced, run, now)


def item(path: str, **fields: object) -> FeedEntry:
    return FeedEntry(url=f"https://daily.example/{path}", **fields)  # type: ignore[arg-type]


def test_new_entries_wait_to_be_fetched(connection: Connection) -> None:
    assert record(connection, item("a"), item("b")) == Recorded(new=2)
    assert count_due(connection, NOW) == 2


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
    assert count_due(connection, NOW) == 1


def test_a_first_time_is_no_update(connection: Connection) -> None:
    record(connection, item("a"))
    close_all(connection)
    assert record(connection, item("a", updated_at=NOW)) == Recorded(known=1)


def test_text_that_postgres_refuses_is_cleaned(connection: Connection) -> None:
    record(connection, item("a", title="nul \x00 and half \ud83d a pair"))
    assert connection.scalar(select(entry.c.title)) == "nul  and half \N{REPLACEMENT CHARACTER} a pair"


def test_two_workers_claim_different_domains(engine: Engine) -> None:
    announced = ("https://sport.grand-kestrel.com/a", "https://www.grand-kestrel.com/b", "https://other.example/c")
    with engine.begin() as connection:
        record(connection, *(FeedEntry(url=url) for url in announced))
    with worker(engine) as one, worker(engine) as other:
        [first] = claim(engine, one, limit=1)
        assert first in announced[:2]
        assert claim(engine, other, limit=10) == [announced[2]]
        assert {first, *claim(engine, one, limit=10)} == {*announced[:2]}


def test_domains_take_turns_and_of_each_what_waits_longest_comes_first(engine: Engine) -> None:
    """However many wait of one domain, another's is asked for after a turn of them."""
    with engine.begin() as connection:
        record(connection, *(item(str(n)) for n in range(30)))
        record(connection, FeedEntry(url="https://other.example/c"), now=NOW + timedelta(seconds=1))
        record(connection, *(FeedEntry(url=f"https://a.example/{n}") for n in range(30)), now=NOW)
    domains, last = [], ""
    with worker(engine) as me, engine.begin() as connection:
        for _ in range(8):
            claimed = entries.claim_due(connection, me, NOW + timedelta(minutes=1), ENTRIES_PER_DOMAIN, after=last)
            last = claimed[-1].domain
            domains.append([one.domain for one in claimed])
            waited = [one.id for one in claimed if one.domain == "daily.example"]
            assert waited == sorted(waited)
    assert [set(names) for names in domains[:3]] == [{"a.example"}, {"daily.example"}, {"a.example", "other.example"}]
    assert sum(map(len, domains)) == 61


def test_a_domain_that_has_enough_is_passed_over(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"), FeedEntry(url="https://other.example/c"))
    with worker(engine) as me, engine.begin() as connection:
        claimed = entries.claim_due(connection, me, NOW, 10, busy=["daily.example"])
    assert [one.domain for one in claimed] == ["other.example"]


@pytest.mark.parametrize(
    ("scope", "name", "left"),
    [
        (PauseScope.DOMAIN, "grand-kestrel.com", ["https://other.example/c"]),
        (PauseScope.HOST, "sport.grand-kestrel.com", ["https://other.example/c", "https://www.grand-kestrel.com/b"]),
    ],
)
def test_who_rests_is_not_claimed_until_the_pause_is_over(
    engine: Engine, scope: PauseScope, name: str, left: list[str]
) -> None:
    """Nor is what is announced meanwhile."""
    announced = ("https://other.example/c", "https://www.grand-kestrel.com/b")
    with engine.begin() as connection:
        record(connection, *(FeedEntry(url=url) for url in announced))
        until = NOW + timedelta(hours=1)
        entries.postpone(connection, {(scope, name): until}, NOW)
        entries.postpone(connection, {(scope, name): NOW + timedelta(minutes=1)}, NOW)
        record(connection, FeedEntry(url="https://sport.grand-kestrel.com/a"))
    with worker(engine) as me:
        assert sorted(claim(engine, me, now=NOW + timedelta(minutes=59))) == left
    with worker(engine) as me:
        assert len(claim(engine, me, now=until)) == 3


def test_a_pause_that_is_over_is_forgotten(connection: Connection) -> None:
    entries.postpone(connection, {(PauseScope.HOST, "a.example"): NOW}, NOW - timedelta(hours=1))
    entries.postpone(connection, {}, NOW)
    assert connection.scalar(text("SELECT count(*) FROM storyfold.pause")) == 0


@pytest.mark.parametrize("backfill", [False, True])
def test_the_claim_reads_no_more_than_it_takes(engine: Engine, backfill: bool) -> None:
    """Its work does not grow with what is due: one turn of a domain, of 20,000 waiting entries."""
    with engine.begin() as connection:
        record(connection, item("a"))
        connection.execute(
            text(
                """INSERT INTO storyfold.entry (source_id, url, url_key, host, domain, first_seen_at, last_seen_at, fetch_due_at, backfill)
                   SELECT source_id, url || n, n::text::bytea, host, 'host' || n % 500 || '.example', :now, :now, :now, :backfill
                   FROM storyfold.entry, generate_series(1, 20000) AS n"""
            ),
            {"now": NOW, "backfill": backfill},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE storyfold.entry"))
    plan: list[str] = []

    def explain(asking: Connection, _: object, statement: str, parameters: Mapping[str, object], *__: object) -> None:
        if statement.startswith("WITH RECURSIVE"):
            explained = asking.connection.cursor().execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters)
            plan.append(explained.fetchone()[0][0]["Plan"])

    with worker(engine) as me:
        event.listen(engine, "after_cursor_execute", explain)
        assert len(claim(engine, me, limit=16)) == 16
    assert max(rows_of(plan[0])) <= 16


def backfilled(connection: Connection, *announced: FeedEntry, now: datetime = NOW) -> Recorded:
    run = runs.begin(connection, "backfill", now)
    source_id = sources.ensure(connection, "daily", "daily")
    return entries.record(connection, source_id, announced, run, now, backfill=True)


def test_of_a_domain_what_is_fresh_is_claimed_before_what_is_backfilled(engine: Engine) -> None:
    """However long the backfilled has waited; in one turn both have room, and a turn stays as long as it was."""
    with engine.begin() as connection:
        backfilled(connection, *(item(f"old/{n}") for n in range(30)), now=NOW - timedelta(days=1))
        backfilled(connection, FeedEntry(url="https://weekly.example/old"), now=NOW - timedelta(days=1))
        record(connection, *(item(f"new/{n}") for n in range(5)))
    with worker(engine) as me:
        urls = claim(engine, me, limit=100)
        assert [url.split("/")[3] for url in urls] == ["new"] * 5 + ["old"] * 3 + ["old"]
        assert urls[-1] == "https://weekly.example/old"
        assert len(claim(engine, me, limit=100)) == ENTRIES_PER_DOMAIN


def test_a_fresh_entry_that_rests_does_not_hold_up_the_backfilled(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("new"), now=NOW + timedelta(hours=1))
        backfilled(connection, item("old"))
    with worker(engine) as me:
        assert claim(engine, me) == ["https://daily.example/old"]


def test_what_a_feed_lists_too_is_fresh_from_then_on(connection: Connection) -> None:
    backfilled(connection, item("a"), item("b"))
    record(connection, item("a"), item("c"))
    backfilled(connection, item("a"), item("c"))
    found = connection.execute(select(entry.c.url, entry.c.backfill).order_by(entry.c.url))
    assert [(url[-1], flag) for url, flag in found] == [("a", False), ("b", True), ("c", False)]


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
                failed = {claimed.id: Failure(error="timed out", retry_after_s=None)}
                outcomes += entries.try_again(connection, failed, now).values()
                assert count_due(connection, now) == 0
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
        entries.try_again(connection, {claimed.id: Failure(error="busy", retry_after_s=7200)}, NOW)
        assert count_due(connection, NOW + timedelta(hours=1, minutes=59)) == 0
        assert count_due(connection, NOW + timedelta(hours=2)) == 1


def test_a_hosts_pause_is_no_attempt(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    with worker(engine) as me, engine.begin() as connection:
        [claimed] = entries.claim_due(connection, me, NOW, 1)
        entries.give_back(connection, {claimed.id: "paused"})
        assert connection.execute(select(entry.c.attempts, entry.c.detail)).one() == (0, "paused")
        assert len(entries.claim_due(connection, me, NOW, 1)) == 1


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
    assert count_due(connection, NOW + timedelta(days=1)) == 0


def test_the_pause_after_a_failure_doubles(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
        id_ = connection.scalars(select(entry.c.id)).one()
        pauses = []
        for _ in range(MAX_ATTEMPTS - 1):
            entries.try_again(connection, {id_: Failure(error="timed out", retry_after_s=None)}, NOW)
            pauses.append(connection.scalars(select(entry.c.fetch_due_at)).one() - NOW)
    assert pauses == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]


def test_renewing_holds_on_to_what_is_claimed(engine: Engine) -> None:
    with engine.begin() as connection:
        record(connection, item("a"))
    with worker(engine) as slow, worker(engine) as me:
        claim(engine, slow)
        with engine.begin() as connection:
            entries.renew(connection, slow, NOW + timedelta(minutes=10))
        assert claim(engine, me, now=NOW + timedelta(minutes=20)) == []


def rows_of(plan: Mapping[str, Any]) -> Iterator[float]:
    """How many rows each step of a plan gave, in all its rounds."""
    yield plan["Actual Rows"] * plan["Actual Loops"]
    for step in plan.get("Plans", ()):
        yield from rows_of(step)


def claim(engine: Engine, me: int, *, limit: int = 10, now: datetime = NOW) -> list[str]:
    with engine.begin() as connection:
        return [one.url for one in entries.claim_due(connection, me, now, limit)]


def close_all(connection: Connection) -> None:
    entries.close(connection, list(connection.scalars(select(entry.c.id))), Outcome.LOADED, NOW)
