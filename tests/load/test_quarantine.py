"""What was given up: listed, and put back where it failed, with nothing forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import NOON, Told, announce, fetch, publish, reading, settle_all
from sqlalchemy import Engine, select, text

from load import entries, pages, quarantine, revisions
from load.engine import worker
from load.entries import MAX_ATTEMPTS, Failure, Outcome
from load.quarantine import NotQuarantined, Wanted
from load.report import items, stories
from load.tables import entry

LATER = NOON + timedelta(hours=3)
UNFETCHED, UNREAD = "https://northline.example/1", "https://harbour-courier.example/2"


@pytest.fixture
def stuck(engine: Engine) -> Engine:
    """Entry 1 failed at fetching, entry 2 of another source at reading."""
    announce(engine, "northline", UNFETCHED)
    announce(engine, "harbour-courier", UNREAD)
    fail_to_fetch(engine)
    fetch(engine, 2)
    fail_to_read(engine)
    return engine


def fail_to_fetch(engine: Engine) -> None:
    for _ in range(MAX_ATTEMPTS):
        with worker(engine) as me, engine.begin() as connection:
            (item,) = entries.claim_due(connection, me, NOON + timedelta(days=1), 9, names=["northline"])
            failure = Failure(error="503 Service Unavailable", retry_after_s=None)
            entries.try_again(connection, {item.id: failure}, NOON)


def fail_to_read(engine: Engine) -> None:
    for _ in range(pages.MAX_ATTEMPTS):
        with worker(engine) as me, engine.begin() as connection:
            (item,) = pages.claim_unread(connection, me, NOON, 9)
            pages.release(connection, item.id)
    with engine.begin() as connection:
        entries.close(connection, [2], Outcome.QUARANTINED, NOON, reason="read", detail="it hung")
        pages.mark_read(connection, {item.id: pages.ReadBy(b"tests")}, NOON)


def listed(engine: Engine, **wanted: object) -> list[tuple[int, str, int, int]]:
    with engine.connect() as connection:
        items = quarantine.quarantined(connection, Wanted(**wanted))  # type: ignore[arg-type]
        return [(item.id, item.stage, item.attempts, item.replays) for item in items]


def replay(engine: Engine, **wanted: object) -> dict[str, int]:
    with engine.begin() as connection:
        return quarantine.replay(connection, Wanted(**wanted), LATER)  # type: ignore[arg-type]


def test_what_was_given_up_is_listed_with_its_error_and_its_bytes(stuck: Engine) -> None:
    with stuck.connect() as connection:
        read, unfetched = quarantine.quarantined(connection, Wanted())
        assert len(quarantine.quarantined(connection, Wanted(), 1)) == 1
    assert (unfetched.url, unfetched.error, unfetched.attempts) == (UNFETCHED, "503 Service Unavailable", MAX_ATTEMPTS)
    assert unfetched.payload is None
    assert (read.url, read.error, read.attempts, read.since) == (UNREAD, "it hung", pages.MAX_ATTEMPTS, NOON)
    assert read.payload and read.payload.file == "2026/03/day.warc.gz"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {1, 2}),
        ({"stage": "fetch"}, {1}),
        ({"source": "harbour-courier"}, {2}),
        ({"source": "harbour-courier", "stage": "fetch"}, set()),
        ({"ids": [2]}, {2}),
    ],
)
def test_a_part_of_it_can_be_listed_and_replayed(stuck: Engine, wanted: dict[str, object], found: set[int]) -> None:
    assert {item[0] for item in listed(stuck, **wanted)} == found
    assert sum(replay(stuck, **wanted).values()) == len(found)
    assert {item[0] for item in listed(stuck)} == {1, 2} - found


def test_a_replayed_entry_is_fetched_and_a_replayed_page_read_as_for_the_first_time(stuck: Engine) -> None:
    assert replay(stuck) == {"fetch": 1, "read": 1}
    with worker(stuck) as me, stuck.begin() as connection:
        assert [one.id for one in entries.claim_due(connection, me, LATER, 9)] == [1]
        assert connection.scalar(select(entry.c.attempts).where(entry.c.id == 1)) == 0
        assert [(one.entry_id, one.attempts) for one in pages.claim_unread(connection, me, LATER, 9)] == [(2, 0)]
        total = connection.execute(text("SELECT pending, adds_up FROM news.outcome_ledger WHERE source IS NULL")).one()
    assert total == (2, True)


def test_a_replay_stays_on_record(stuck: Engine) -> None:
    replay(stuck, ids=[1])
    with stuck.connect() as connection:
        (entry,) = items.why(connection, "entry:1").entries
    (replayed,) = entry.replays
    assert (entry.outcome, entry.attempts, entry.detail, entry.fetch_due_at) == ("pending", 0, None, LATER)
    assert (replayed.stage, replayed.error, replayed.attempts) == ("fetch", "503 Service Unavailable", MAX_ATTEMPTS)
    assert (replayed.quarantined_at, replayed.replayed_at) == (NOON, LATER)


def test_what_fails_again_is_given_up_again(stuck: Engine) -> None:
    replay(stuck)
    fail_to_fetch(stuck)
    fail_to_read(stuck)
    assert sorted(listed(stuck)) == [(1, "fetch", MAX_ATTEMPTS, 1), (2, "read", pages.MAX_ATTEMPTS, 1)]


def test_a_replayed_page_settles_after_those_that_came_after_it(stuck: Engine) -> None:
    publish(stuck, Told(url="https://northline.example/3", source="northline"))
    replay(stuck, stage="read")
    told = Told(url=UNREAD)
    publish_page(stuck, told)
    with stuck.connect() as connection:
        story = stories.story(connection, 1)
        ledger = connection.execute(text("SELECT loaded, adds_up FROM news.outcome_ledger WHERE source IS NULL")).one()
    assert [member.url for member in story.members] == ["https://northline.example/3", UNREAD]
    assert ledger == (2, True)


def publish_page(engine: Engine, told: Told) -> None:
    """What the replayed page says."""
    with worker(engine) as me, engine.begin() as connection:
        (item,) = pages.claim_unread(connection, me, LATER, 9)
        revisions.keep(connection, [reading(item.id, told, NOON)], LATER)
    settle_all(engine, LATER)


def test_only_what_is_quarantined_is_replayed_and_only_once(stuck: Engine) -> None:
    publish(stuck, Told(url="https://northline.example/3", source="northline"))
    with pytest.raises(NotQuarantined, match="entry 3, 77"):
        replay(stuck, ids=[1, 3, 77])
    assert len(listed(stuck)) == 2
    assert replay(stuck, stage="fetch") == {"fetch": 1}
    assert replay(stuck, stage="fetch") == {}
