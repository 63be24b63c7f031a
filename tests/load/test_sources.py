"""The catalogue, and what is remembered of each feed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select, text, update

from extract.model import Feed, FeedEntry, FeedKind, FetchPolicy, PollPolicy, Source, SourceName, UrlParams, Validators
from extract.polling import Failed, NotChanged, Read, Same, Weight, Wishes
from load import entries, runs, sources
from load.engine import worker
from load.keys import follow_rules
from load.sources import DueFeed, Mirror, Poll
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
KEYS = frozenset(bytes([n]) * 16 for n in range(10))
READ = Poll(answer=Read(keys=KEYS), validators=Validators(etag='"1"'), body_digest=b"1")
TIMED_OUT = Poll(answer=Failed(Weight.PASSING), text="timed out")
GONE = Poll(answer=Failed(Weight.HARD), text="gone")


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
    pauses = [pause_after(engine, GONE) for _ in range(12)]
    assert pauses[:3] == [timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2)]
    assert pauses[-1] == timedelta(days=1)
    assert pause_after(engine, READ) == timedelta(minutes=15)


def test_the_bounds_are_those_of_the_sources_file(engine: Engine) -> None:
    sync(engine, DAILY)
    assert pause_after(engine, READ, PollPolicy(min_interval_s=7200.0)) == timedelta(hours=2)
    assert pause_after(engine, GONE, PollPolicy(max_interval_s=600.0)) == timedelta(minutes=10)


def test_unchanged_clears_no_failure(engine: Engine) -> None:
    """A 304 says that the answer is as before, not that it can be read; the same bytes say that they can."""
    sync(engine, DAILY)
    poll(engine, GONE)
    poll(engine, Poll(answer=NotChanged()))
    assert state(engine) == ("failed", 1)
    poll(engine, Poll(answer=Same()))
    assert state(engine) == ("unchanged", 0)


def test_valid_but_empty_is_a_state_of_its_own(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, replace(READ, empty=True))
    assert state(engine) == ("empty", 0)


def test_a_server_that_says_when_is_obeyed(engine: Engine) -> None:
    sync(engine, DAILY)
    busy = replace(TIMED_OUT, wishes=Wishes(retry_after_s=7200.0))
    assert pause_after(engine, busy) == timedelta(hours=2)
    assert due(engine, now=NOW + timedelta(minutes=119), early=True) == []
    assert waiting(engine) == 1
    assert len(due(engine, now=NOW + timedelta(hours=2), early=True)) == 1


def test_a_feed_that_we_did_not_ask_has_not_failed(engine: Engine) -> None:
    sync(engine, DAILY)
    [mine] = due(engine)
    with engine.begin() as connection:
        sources.not_asked(connection, mine.id, 600.0, NOW)
    assert state(engine) == ("new", 0)
    assert due(engine, now=NOW + timedelta(minutes=9), early=True) == []
    assert len(due(engine, now=NOW + timedelta(minutes=10))) == 1


def test_a_failure_keeps_the_validators_of_the_last_answer(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, READ)
    poll(engine, TIMED_OUT)
    [known] = due(engine, early=True)
    assert (known.validators.etag, known.body_digest) == ('"1"', b"1")


def test_two_workers_never_poll_the_same_feed(engine: Engine) -> None:
    sync(engine, DAILY)
    with worker(engine) as one, worker(engine) as other, engine.begin() as connection:
        assert len(sources.claim_due(connection, one, NOW)) == 1
        assert sources.claim_due(connection, other, NOW) == []


def test_what_was_polled_in_this_pass_is_not_polled_again(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, READ)
    with worker(engine) as me, engine.begin() as connection:
        assert sources.claim_due(connection, me, NOW, early=True, polled_before=NOW) == []


def test_sources_take_turns_and_busy_ones_wait(engine: Engine) -> None:
    large = replace(DAILY, name=SourceName("large"), feeds=tuple(feed_of("large", n) for n in range(20)))
    sync(engine, large, DAILY)
    with worker(engine) as me, engine.begin() as connection:
        first = sources.claim_due(connection, me, NOW, limit=4)
        assert sorted(one.source for one in first) == ["daily", "large", "large", "large"]
        rest = sources.claim_due(connection, me, NOW, busy={one.source_id for one in first})
        assert rest == []
        assert len(sources.claim_due(connection, me, NOW)) == sources.FEEDS_PER_SOURCE


def test_the_state_of_a_feed_goes_from_poll_to_poll(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, replace(READ, answer=Read(keys=KEYS, newest_at=NOW)))
    [known] = due(engine, early=True)
    assert (known.pace.listed, known.pace.newest_at, known.pace.read_at) == (KEYS, NOW, NOW)
    assert known.pace.peak_per_hour > 0


def test_a_change_of_what_urls_mean_is_no_gap(engine: Engine) -> None:
    """Keys are made anew; what the feed listed is still what it lists."""
    drops = replace(DAILY, urls=UrlParams(drop=("edition",)))
    listed = [FeedEntry(url=f"https://daily.example/{n}?edition=2") for n in range(3)]
    sync(engine, DAILY)
    poll(engine, replace(READ, answer=Read(keys=recorded(engine, listed))))
    sync(engine, drops)
    with engine.begin() as connection:
        assert follow_rules(connection) == 3
    [known] = due(engine, early=True)
    assert known.pace.listed == recorded(engine, listed) != KEYS


# --- The catalogue --------------------------------------------------------------------------------------------


def test_a_sync_that_changes_nothing_writes_nothing(engine: Engine) -> None:
    sync(engine, DAILY)
    version = text("SELECT xmin::text FROM storyfold.feed")
    with engine.connect() as connection:
        before = connection.scalar(version)
    sync(engine, DAILY)
    with engine.connect() as connection:
        assert connection.scalar(version) == before


def test_a_sync_leaves_the_rhythm_that_a_feed_has_found(engine: Engine) -> None:
    sync(engine, DAILY)
    poll(engine, READ)
    poll(engine, Poll(answer=Same()))
    sync(engine, replace(DAILY, polling=PollPolicy(first_interval_s=60.0)))
    assert feeds(engine, feed.c.interval_s) == {"https://daily.example/feed": 1350.0}


def test_workers_with_the_same_folder_may_sync_at_once(engine: Engine) -> None:
    catalogue = [replace(DAILY, name=SourceName(f"s{n}"), feeds=(feed_of(f"s{n}", 0),)) for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda order: sync(engine, *order), [catalogue, catalogue[::-1]] * 4))
    assert set(feeds(engine, feed.c.active).values()) == {True}


# --- Sitemaps of an index -------------------------------------------------------------------------------------

INDEX = replace(DAILY, feeds=(Feed(url="https://daily.example/index.xml", kind=FeedKind.SITEMAP),))
MARCH, ARCHIVE = "https://daily.example/march.xml", "https://daily.example/2019.xml"
YEARS_AGO = NOW - timedelta(days=3000)


def test_new_and_changed_sitemaps_are_due_and_old_ones_are_not_polled(engine: Engine) -> None:
    sync(engine, INDEX)
    assert names(engine, {MARCH: NOW, ARCHIVE: YEARS_AGO}) == 1
    assert claimed(engine) == [MARCH]
    assert feeds(engine, feed.c.retired_at.is_not(None))[ARCHIVE]
    done(engine, MARCH)
    assert names(engine, {MARCH: NOW, ARCHIVE: YEARS_AGO}) == 0
    assert claimed(engine) == []
    assert names(engine, {MARCH: NOW + timedelta(seconds=1), ARCHIVE: NOW}) == 2
    assert claimed(engine) == [ARCHIVE, MARCH]


def test_undated_sitemaps_have_their_own_rhythm(engine: Engine) -> None:
    sync(engine, INDEX)
    assert names(engine, {MARCH: None}) == 1
    done(engine, MARCH)
    assert names(engine, {MARCH: None}) == 0
    assert claimed(engine, NOW + timedelta(minutes=14)) == []
    assert MARCH in claimed(engine, NOW + timedelta(minutes=15))


def test_a_sitemap_that_its_index_no_longer_names_rests(engine: Engine) -> None:
    sync(engine, INDEX)
    names(engine, {MARCH: NOW, ARCHIVE: YEARS_AGO})
    names(engine, {ARCHIVE: YEARS_AGO})
    assert not feeds(engine, feed.c.active)[MARCH]
    names(engine, {MARCH: NOW, ARCHIVE: YEARS_AGO})
    assert feeds(engine, feed.c.active)[MARCH]


def test_sitemaps_follow_their_index_and_no_file(engine: Engine) -> None:
    sync(engine, INDEX)
    poll(engine, READ)
    names(engine, {MARCH: NOW})
    sync(engine, INDEX)
    assert set(feeds(engine, feed.c.active).values()) == {True}
    sync(engine)
    assert set(feeds(engine, feed.c.active).values()) == {False}
    sync(engine, INDEX)
    [index] = due(engine, early=True)
    assert (index.url, index.body_digest, index.validators) == (INDEX.feeds[0].url, None, Validators())
    names(engine, {MARCH: NOW})
    assert set(feeds(engine, feed.c.active).values()) == {True}


def test_a_sitemap_that_the_file_lists_too_is_the_files(engine: Engine) -> None:
    both = replace(INDEX, feeds=(*INDEX.feeds, Feed(url=MARCH, kind=FeedKind.SITEMAP)))
    sync(engine, both)
    assert names(engine, {MARCH: NOW, ARCHIVE: YEARS_AGO}) == 0
    names(engine, {ARCHIVE: YEARS_AGO})
    assert feeds(engine, feed.c.parent_id)[MARCH] is None and feeds(engine, feed.c.active)[MARCH]


# --- Mirrors --------------------------------------------------------------------------------------------------


def test_feeds_that_list_the_same_urls_are_mirrors(engine: Engine) -> None:
    lists(engine, "one", "https://one.example/a", "https://one.example/{}", range(10))
    lists(engine, "one", "https://one.example/b", "https://one.example/{}", range(1, 10))
    lists(engine, "one", "https://one.example/c", "https://one.example/{}", range(5, 15))
    [mirror] = found_mirrors(engine)
    assert {mirror.feed, mirror.other_feed} == {"https://one.example/a", "https://one.example/b"}
    assert (mirror.alike, mirror.share) == ("urls", 0.9)


def test_the_same_paths_or_titles_on_another_host_are_mirrors(engine: Engine) -> None:
    lists(engine, "north", "https://north.example/f", "https://north.example/2026/{}", range(8))
    lists(engine, "south", "https://south.example/f", "https://south.example/2026/{}", range(8))
    lists(engine, "named", "https://named.example/f", "https://named.example/x{}y", range(8), title="On {}")
    lists(engine, "alike", "https://alike.example/f", "https://alike.example/z{}", range(8), title="On {}")
    found = {(m.source, m.other_source): (m.alike, m.share) for m in found_mirrors(engine)}
    assert found == {("north", "south"): ("paths", 1.0), ("named", "alike"): ("titles", 1.0)}


def test_short_listings_are_alike_by_chance(engine: Engine) -> None:
    for name in ("one", "other"):
        lists(engine, name, f"https://{name}.example/f", f"https://{name}.example/{{}}", range(4))
    assert found_mirrors(engine) == ()


def recorded(engine: Engine, listed: list[FeedEntry]) -> frozenset[bytes]:
    """The keys of these entries of the first source."""
    with engine.begin() as connection:
        run_id = runs.begin(connection, "discover", NOW)
        return entries.record(connection, sources.ensure(connection, "daily", "Daily"), listed, run_id, NOW).keys


def feed_of(name: str, number: int) -> Feed:
    return Feed(url=f"https://{name}.example/{number}", kind=FeedKind.FEED)


def feeds(engine: Engine, column: Any) -> dict[str, Any]:
    with engine.connect() as connection:
        return {url: value for url, value in connection.execute(select(feed.c.url, column))}


def names(engine: Engine, named: dict[str, datetime | None]) -> int:
    """The index names these sitemaps."""
    with worker(engine) as me, engine.begin() as connection:
        [index] = [one for one in sources.claim_due(connection, me, NOW, early=True) if one.url == INDEX.feeds[0].url]
        return sources.record_sitemaps(connection, index, named, PollPolicy(), NOW, complete=True)


def claimed(engine: Engine, now: datetime = NOW) -> list[str]:
    """What a scheduled pass would ask, beside the index."""
    return sorted(one.url for one in due(engine, now=now) if one.depth)


def done(engine: Engine, url: str) -> None:
    [mine] = [one for one in due(engine) if one.url == url]
    with engine.begin() as connection:
        sources.record_poll(connection, mine, READ, PollPolicy(), NOW)


def lists(engine: Engine, name: str, url: str, entry_url: str, numbers: range, title: str = "") -> None:
    """A feed whose last document listed these entries."""
    listed = [FeedEntry(url=entry_url.format(n), title=title.format(n) or None) for n in numbers]
    with engine.begin() as connection:
        source_id = sources.ensure(connection, name, name)
        run_id = runs.begin(connection, "discover", NOW)
        keys = entries.record(connection, source_id, listed, run_id, NOW).keys
        values = {"source_id": source_id, "url": url, "kind": "feed", "active": True, "interval_s": 1.0}
        connection.execute(insert(feed).values(**values, listed=sorted(keys)))


def found_mirrors(engine: Engine) -> tuple[Mirror, ...]:
    with engine.connect() as connection:
        return sources.mirrors(connection)


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return sources.count_waiting(connection, NOW)


def sync(engine: Engine, *catalogue: Source) -> None:
    with engine.begin() as connection:
        sources.sync(connection, catalogue)


def due(engine: Engine, *, now: datetime = NOW, early: bool = False) -> list[DueFeed]:
    with worker(engine) as me, engine.begin() as connection:
        return sources.claim_due(connection, me, now, early=early)


def poll(engine: Engine, result: Poll, policy: PollPolicy = DAILY.polling) -> None:
    with engine.begin() as connection:
        connection.execute(update(feed).values(next_due_at=None, not_before=None))
    [mine] = due(engine)
    with engine.begin() as connection:
        sources.record_poll(connection, mine, result, policy, NOW)


def pause_after(engine: Engine, result: Poll, policy: PollPolicy = DAILY.polling) -> timedelta:
    poll(engine, result, policy)
    with engine.connect() as connection:
        due_at: datetime = connection.execute(select(feed.c.next_due_at)).scalar_one()
    return due_at - NOW


def state(engine: Engine) -> tuple[str, int]:
    with engine.connect() as connection:
        name, failures = connection.execute(select(feed.c.state, feed.c.failures)).one()
    return name, failures
