"""The catalogue, and what is remembered of each feed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from extract.model import Feed, FeedKind, FetchPolicy, PollPolicy, Source, SourceName, Validators
from load import sources
from load.engine import worker
from load.sources import DueFeed, FeedState, Poll
from load.tables import feed, source

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAILY = Source(
    name=SourceName("daily"),
    title="The Daily",
    homepage=None,
    language="en",
    country=None,
    tier=2,
    feeds=(Feed(url="https://daily.example/feed", kind=FeedKind.FEED),),
    polling=PollPolicy(),
    fetch=FetchPolicy(),
)
READ = Poll(state=FeedState.OK, validators=Validators(etag='"1"'), body_digest=b"1")


def test_the_catalogue_says_what_the_files_say(engine: Engine) -> None:
    sync(engine, DAILY)
    sync(engine, replace(DAILY, title="The Daily News", polling=PollPolicy(first_interval_s=60.0)))
    with engine.connect() as connection:
        assert connection.execute(select(source.c.title, source.c.active)).all() == [("The Daily News", True)]
        assert connection.execute(select(feed.c.interval_s)).all() == [(60.0,)]


def test_a_source_without_a_file_rests_and_keeps_its_history(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, READ)
    sync(engine)
    assert due(engine, early=True) == []
    sync(engine, DAILY)
    [known] = due(engine, early=True)
    assert known.validators.etag == '"1"'


def test_a_feed_is_due_when_its_interval_is_over_or_when_somebody_asks(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, READ)
    assert due(engine, now=NOW + timedelta(minutes=14)) == []
    assert len(due(engine, now=NOW + timedelta(minutes=14), early=True)) == 1
    assert len(due(engine, now=NOW + timedelta(minutes=15))) == 1


def test_failures_slow_a_feed_down_and_never_stop_it(engine: Engine) -> None:
    sync(engine, DAILY)
    failed = Poll(state=FeedState.FAILED, text="timed out")
    pauses = [pause_after(engine, failed) for _ in range(12)]
    assert pauses[:3] == [timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2)]
    assert pauses[-1] == timedelta(days=1)
    assert pause_after(engine, READ) == timedelta(minutes=15)


def test_unchanged_clears_no_failure(engine: Engine) -> None:
    """A 304 says that the answer is as before, not that it can be read."""
    sync(engine, DAILY)
    poll(engine, Poll(state=FeedState.FAILED, text="not a feed"))
    poll(engine, Poll(state=FeedState.UNCHANGED))
    assert state(engine) == ("failed", 1)
    poll(engine, READ)
    assert state(engine) == ("ok", 0)


def test_valid_but_empty_is_a_state_of_its_own(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, replace(READ, state=FeedState.EMPTY))
    assert state(engine) == ("empty", 0)


def test_a_server_that_says_when_is_obeyed(engine: Engine) -> None:
    sync(engine, DAILY)
    assert pause_after(engine, replace(READ, retry_after_s=7200.0)) == timedelta(hours=2)


def test_a_failure_keeps_the_validators_of_the_last_answer(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, READ)
    poll(engine, Poll(state=FeedState.FAILED, text="timed out"))
    [known] = due(engine, early=True)
    assert (known.validators.etag, known.body_digest) == ('"1"', b"1")


def test_two_workers_never_poll_the_same_feed(engine: Engine) -> None:
    sync(engine, DAILY)
    with worker(engine) as one, worker(engine) as other, engine.begin() as connection:
        assert len(sources.claim_due(connection, one, NOW)) == 1
        assert sources.claim_due(connection, other, NOW) == []


def sync(engine: Engine, *catalogue: Source) -> None:
    with engine.begin() as connection:
        sources.sync(connection, catalogue)


def due(engine: Engine, *, now: datetime = NOW, early: bool = False) -> list[DueFeed]:
    with worker(engine) as me, engine.begin() as connection:
        return sources.claim_due(connection, me, now, early=early)


def poll(engine: Engine, result: Poll) -> None:
    with engine.begin() as connection:
        sources.record_poll(connection, connection.scalar(select(feed.c.id)) or 0, result, NOW)


def pause_after(engine: Engine, result: Poll) -> timedelta:
    poll(engine, result)
    with engine.connect() as connection:
        due_at: datetime = connection.execute(select(feed.c.next_due_at)).scalar_one()
    return due_at - NOW


def state(engine: Engine) -> tuple[str, int]:
    with engine.connect() as connection:
        name, failures = connection.execute(select(feed.c.state, feed.c.failures)).one()
    return name, failures
