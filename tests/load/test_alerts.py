"""Alerts on a real Postgres: what each query measures, that a check writes an episode once, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factories import Told, announce, fetch, keep_sources, publish, reading
from sqlalchemy import Engine, exc, text

from extract.model import PauseScope
from load import alerts, entries, pages, revisions
from load.alerts import Alert, Notice
from load.engine import worker
from load.entries import Outcome
from transform.alerts import AlertPolicy

NOW = datetime.now(UTC)  # the views ask the database's clock
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = AlertPolicy()


@pytest.fixture
def desk(engine: Engine) -> Engine:
    """A store with two sources whose feeds were polled a moment ago, and are not due."""
    keep_sources(engine, "harbour-courier", "northline")
    run(
        engine,
        "UPDATE storyfold.feed SET next_due_at = now() + interval '99 days', last_ok_at = now(), last_polled_at = now()",
    )
    return engine


def run(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def check(engine: Engine, now: datetime = NOW) -> list[Alert]:
    """What is open after a check."""
    with engine.begin() as connection:
        alerts.check(connection, now, POLICY)
        return list(alerts.open_alerts(connection))


def kinds(engine: Engine, now: datetime = NOW) -> list[tuple[str, str | None]]:
    return [(alert.kind, alert.source) for alert in check(engine, now)]


def polled(engine: Engine, name: str, days: int, entries_per_hour: int, *, silent_hours: int = 0) -> None:
    """Hours of polls back to so many days ago; in the newest of them nothing came."""
    run(
        engine,
        """INSERT INTO storyfold.source_hour
           SELECT source.id, hour, least(hour + interval '55 minutes', now()),
                  CASE WHEN hour > now() - :silent * interval '1 hour' THEN 0 ELSE :entries END
           FROM storyfold.source, generate_series(date_trunc('hour', now()) - :days * interval '1 day', now(), interval '1 hour') AS hour
           WHERE source.name = :name""",
        name=name, days=days, entries=entries_per_hour, silent=silent_hours,
    )  # fmt: skip


def wait_for_fetching(engine: Engine, since: timedelta) -> int:
    (entry_id,) = announce(engine, "harbour-courier", "https://harbour-courier.example/1", now=NOW - since)
    return entry_id


# --- What is measured -----------------------------------------------------------------------------------------


def test_an_empty_store_has_no_alerts_and_remembers_the_check(engine: Engine) -> None:
    assert check(engine) == []
    with engine.connect() as connection:
        assert alerts.checked_at(connection) == NOW


def test_a_store_on_its_first_day_has_no_alerts(desk: Engine) -> None:
    polled(desk, "harbour-courier", 0, 3)
    publish(desk, Told(url="https://harbour-courier.example/fire"), now=NOW - HOUR)
    wait_for_fetching(desk, 20 * HOUR)
    run(desk, "UPDATE storyfold.feed SET failures = 2, last_ok_at = NULL")
    assert check(desk) == []


def test_a_silent_source(desk: Engine) -> None:
    polled(desk, "harbour-courier", 12, 2, silent_hours=30)
    polled(desk, "northline", 12, 2)
    run(desk, "UPDATE storyfold.feed SET last_new_at = now() - interval '30 hours'")
    (alert,) = check(desk)
    assert (alert.kind, alert.source) == ("silent-source", "harbour-courier")
    assert "usually 48 entries a day" in alert.message
    run(desk, "UPDATE storyfold.source_hour SET entries = 5 WHERE hour > now() - interval '2 hours'")
    assert check(desk) == []


def test_a_quiet_weekend_is_no_silence(desk: Engine) -> None:
    """A source that rests on the same two days of every week, and these are the newest."""
    polled(desk, "harbour-courier", 31, 2)
    rests = (
        "UPDATE storyfold.source_hour SET entries = 0 WHERE extract(epoch FROM now() - hour)::int % 604800 < 2 * 86400"
    )
    run(desk, rests)
    run(desk, "UPDATE storyfold.feed SET last_new_at = now() - interval '2 days'")
    assert check(desk) == []


def test_a_source_whose_feeds_fail(desk: Engine) -> None:
    run(
        desk,
        """UPDATE storyfold.feed SET failures = 8, last_ok_at = now() - interval '2 days', state_text = 'it answered 503'
           FROM storyfold.source WHERE source.id = source_id AND name = 'northline'""",
    )
    (alert,) = check(desk)
    assert (alert.kind, alert.source) == ("failing-source", "northline")
    assert alert.message.endswith("8 polls in a row: it answered 503.")
    run(desk, "UPDATE storyfold.feed SET active = false")
    assert check(desk) == []


def test_a_broken_expectation_that_stops_its_source_is_an_error(desk: Engine) -> None:
    run(
        desk,
        """INSERT INTO storyfold.breach (source_id, expectation, expected, observed, on_breach, begun_at, seen_at)
           SELECT id, 'dated_share', 'at least 90%', '12% of 100', 'stop', now(), now()
           FROM storyfold.source WHERE name = 'northline'""",
    )
    (alert,) = check(desk)
    assert (alert.kind, alert.severity) == ("failed-expectation", "error")
    assert alert.message == "northline: dated_share is 12% of 100, expected is at least 90%; its pages wait."


@pytest.mark.parametrize(("days", "before", "found"), [(20, 0, 1), (20, 25, 0), (2, 0, 0)])
def test_quarantine_that_grows(desk: Engine, days: int, before: int, found: int) -> None:
    """Beside twenty days on each of which so many were given up; or beside two."""
    polled(desk, "harbour-courier", days, 2)
    at = [NOW - HOUR] * 30 + [NOW - day * DAY - HOUR for day in range(1, 15) for _ in range(before)]
    ids = announce(desk, "harbour-courier", *(f"https://harbour-courier.example/{n}" for n in range(len(at))), now=NOW)
    with desk.begin() as connection:
        for moment in set(at):
            ended = [id_ for id_, when in zip(ids, at, strict=True) if when == moment]
            entries.close(connection, ended, Outcome.QUARANTINED, moment, reason="fetch", detail="Timeout")
    assert len(check(desk)) == found
    with desk.begin() as connection:
        entries.close(connection, ids, Outcome.REJECTED, NOW)
    assert check(desk) == []


def test_fetching_that_is_stuck_names_an_entry(desk: Engine) -> None:
    entry_id = wait_for_fetching(desk, 25 * HOUR)
    (alert,) = check(desk)
    assert (alert.kind, alert.subject, alert.severity) == ("stuck-queue", "fetch", "error")
    assert f"entry {entry_id} of harbour-courier, on harbour-courier.example" in alert.message
    assert alert.figures["waiting"] == 1


def let_it_move(engine: Engine) -> None:
    (entry_id,) = announce(engine, "northline", "https://northline.example/1", now=NOW)
    fetch(engine, entry_id, now=NOW)


def let_it_rest(engine: Engine) -> None:
    run(engine, "UPDATE storyfold.source SET active = false WHERE name = 'harbour-courier'")


def let_it_wait(scope: PauseScope) -> Callable[[Engine], None]:
    def pause(engine: Engine) -> None:
        with engine.begin() as connection:
            entries.postpone(connection, {(scope, "harbour-courier.example"): NOW + DAY}, NOW)

    return pause


@pytest.mark.parametrize(
    "happens",
    [let_it_move, let_it_rest, let_it_wait(PauseScope.HOST), let_it_wait(PauseScope.DOMAIN)],
    ids=["fetched", "resting", "host-paused", "domain-paused"],
)
def test_fetching_is_not_stuck_while_anything_is_fetched_or_nothing_may_be(
    desk: Engine, happens: Callable[[Engine], None]
) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    assert kinds(desk) == [("stuck-queue", "harbour-courier")]
    happens(desk)
    assert check(desk) == []


def test_feeds_that_nobody_polls(desk: Engine) -> None:
    """The line that should is not the one that notices."""
    run(
        desk,
        "UPDATE storyfold.feed SET next_due_at = now() - interval '2 days', last_polled_at = now() - interval '2 days'",
    )
    (alert,) = check(desk)
    assert alert.subject == "discover" and "in all" in alert.message
    run(desk, "UPDATE storyfold.feed SET last_polled_at = now() WHERE id = (SELECT min(id) FROM storyfold.feed)")
    assert check(desk) == []


def test_a_page_that_is_not_read_is_named_with_whom_it_keeps_waiting(desk: Engine) -> None:
    first, second = announce(desk, "northline", "https://northline.example/1", "https://northline.example/2", now=NOW)
    page_id, behind = fetch(desk, first, now=NOW), fetch(desk, second, now=NOW)
    with desk.begin() as connection:
        told = reading(behind, Told(url="https://northline.example/2"), NOW)
        revisions.keep(connection, [told], NOW)
    with worker(desk) as me:
        with desk.begin() as connection:
            pages.claim_unread(connection, me, NOW, 10)
        assert check(desk, NOW) == []
        assert check(desk, NOW + 20 * HOUR) == []
        (alert,) = check(desk, NOW + 25 * HOUR)
    assert (alert.subject, alert.source) == ("read", "northline")
    assert f"page {page_id} of northline, which a worker holds that lives, before 1 read ones" in alert.message
    with desk.begin() as connection:
        pages.mark_read(connection, {page_id: pages.ReadBy(b"test")}, NOW)
    assert check(desk, NOW + 26 * HOUR) == []
    (alert,) = check(desk, NOW + 51 * HOUR)
    assert alert.subject == "settle" and f"page {behind} of northline," in alert.message


def test_pages_of_a_held_source_are_not_stuck(desk: Engine) -> None:
    (entry_id,) = announce(desk, "northline", "https://northline.example/1", now=NOW)
    fetch(desk, entry_id, now=NOW)
    run(desk, "UPDATE storyfold.source SET held_at = now() - interval '9 days'")
    assert check(desk) == check(desk, NOW + 9 * DAY) == []


def test_a_line_that_dies_again_and_again(desk: Engine) -> None:
    begun = "INSERT INTO storyfold.run (line, started_at, finished_at) SELECT 'collect', now() - n * interval '1 hour', {} FROM generate_series(CAST(:first AS int), :last) AS n"
    run(desk, begun.format("now() - n * interval '1 hour' + interval '5 minutes'"), first=10, last=30)
    run(desk, begun.format("NULL"), first=0, last=8)
    (alert,) = check(desk)
    assert (alert.kind, alert.subject) == ("unfinished-line", "collect")
    assert "though it began 9 times" in alert.message
    run(desk, "UPDATE storyfold.run SET finished_at = now()")
    assert check(desk) == []


ARTICLES = """
    WITH new AS (
        INSERT INTO storyfold.article (url, url_key, source_id, revision_id, first_fetched_at)
        SELECT :name || :label || n, convert_to(:name || :label || n, 'UTF8'), source.id, 0, now() - CAST(:ago AS interval)
        FROM storyfold.source, generate_series(1, :number) AS n WHERE source.name = :name RETURNING id
    ), own AS (
        INSERT INTO storyfold.story (id, kind, canonical_id, articles, changed_at)
        SELECT id, 'story', id, 1, now() FROM new ORDER BY id OFFSET :copies
    )
    INSERT INTO storyfold.story_member (article_id, story_id, container)
    SELECT id, CASE WHEN row_number() OVER (ORDER BY id) <= :copies THEN :story ELSE id END, false FROM new"""


def articles(engine: Engine, name: str, label: str, number: int, copies: int, ago: timedelta, story: int = 1) -> None:
    """Articles of a source; the first of them are members of this story, which another article stands for."""
    values = {"name": name, "label": label, "number": number, "copies": copies, "ago": ago, "story": story}
    run(engine, ARTICLES, **values)


def test_a_source_that_is_wiped_out_by_duplicates(desk: Engine) -> None:
    articles(desk, "northline", "first", 1, 0, 40 * DAY)
    for name, copies in (("harbour-courier", 2), ("northline", 0)):
        for day in range(9, 1, -1):
            articles(desk, name, f"day-{day}-", 10, copies, day * DAY)
        articles(desk, name, "today-", 40, 36 if name == "harbour-courier" else 0, HOUR)
    (alert,) = check(desk)
    assert (alert.kind, alert.source) == ("wiped-out-source", "harbour-courier")
    assert alert.message.endswith("usually 20%; 38 of them in story 1.")
    assert alert.figures["other_source"] == "northline"
    articles(desk, "harbour-courier", "later-", 50, 8, timedelta(0))
    assert check(desk) == []


def test_a_source_that_always_was_copies_is_none(desk: Engine) -> None:
    articles(desk, "northline", "first", 1, 0, 40 * DAY)
    for day in range(9, -1, -1):
        articles(desk, "harbour-courier", f"day-{day}-", 20, 18, day * DAY)
    assert check(desk) == []


@pytest.mark.parametrize(("moved", "kept", "found"), [(30, 25, 1), (30, 4, 0), (4, 30, 0)])
def test_two_large_stories_that_became_one(desk: Engine, moved: int, kept: int, found: int) -> None:
    run(
        desk,
        """INSERT INTO storyfold.story (id, kind, articles, changed_at, merged_into)
           VALUES (3, 'story', :all, now(), NULL), (8, 'story', 0, now(), 3)""",
        all=moved + kept,
    )
    run(
        desk,
        """INSERT INTO storyfold.story_change (changed_at, change, story_id, other_id, detail, articles)
           VALUES (now(), 'merged', 8, 3, 'same 12 15', :moved)""",
        moved=moved,
    )
    assert [alert.subject for alert in check(desk)] == ["story 8"] * found
    assert check(desk, NOW + 2 * DAY) == []


# --- Episodes -------------------------------------------------------------------------------------------------


def test_an_episode_is_one_row_that_is_refreshed_and_ends(desk: Engine) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    (first,) = check(desk)
    (later,) = check(desk, NOW + HOUR)
    assert (later.id, later.since, later.last_seen) == (first.id, NOW, NOW + HOUR)
    let_it_rest(desk)
    assert check(desk, NOW + 2 * HOUR) == []
    with desk.connect() as connection:
        (ended,) = alerts.newest_alerts(connection, 10)
    assert (ended.id, ended.ended) == (first.id, NOW + 2 * HOUR)


def test_two_checks_at_once_make_one_alert(desk: Engine) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    with ThreadPoolExecutor(4) as pool:
        seen = {alert.id for found in pool.map(lambda _: check(desk), range(8)) for alert in found}
    assert len(seen) == 1


def test_the_database_itself_allows_one_open_alert_of_a_kind_and_subject(desk: Engine) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    check(desk)
    copy = """INSERT INTO storyfold.alert (kind, subject, severity, message, figures, begun_at, seen_at)
              SELECT kind, subject, severity, message, figures, begun_at, seen_at FROM storyfold.alert"""
    with pytest.raises(exc.IntegrityError, match="alert_open_idx"):
        run(desk, copy)


def test_many_sources_at_once_are_one_row(engine: Engine) -> None:
    keep_sources(engine, *(f"paper-{number:02}" for number in range(40)))
    broken = "UPDATE storyfold.feed SET failures = 9, last_ok_at = now() - interval '2 days', last_polled_at = now(), next_due_at = now()"
    run(engine, broken)
    (alert,) = check(engine)
    assert alert.source is None and alert.message.startswith(
        "The feeds of 40 sources cannot be read: paper-00; paper-01;"
    )
    assert check(engine, NOW + HOUR)[0].id == alert.id
    run(engine, "UPDATE storyfold.feed SET failures = 0")
    assert check(engine, NOW + 2 * HOUR) == []


# --- Notices --------------------------------------------------------------------------------------------------


def claimed(engine: Engine, *receivers: str, now: datetime = NOW) -> list[Notice]:
    with engine.begin() as connection:
        alerts.queue_notices(connection, receivers, now)
        return alerts.claim_notices(connection, receivers, now, 10)


def test_each_receiver_is_told_of_begin_and_end(desk: Engine) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    check(desk)
    first = claimed(desk, "a", "b")
    assert [(notice.event, notice.receiver) for notice in first] == [("began", "a"), ("began", "b")]
    with desk.begin() as connection:
        alerts.accepted(connection, first, NOW)
    assert claimed(desk, "a", "b") == []
    let_it_rest(desk)
    check(desk, NOW + HOUR)
    assert [(notice.event, notice.receiver) for notice in claimed(desk, "a", "b", "c")] == [
        ("ended", "a"),
        ("ended", "b"),
    ]


def test_what_one_worker_sends_another_is_not_given(desk: Engine) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    check(desk)
    assert len(claimed(desk, "a")) == 1
    assert claimed(desk, "a") == []
    again = claimed(desk, "a", now=NOW + HOUR)  # whoever had it died
    assert [notice.event for notice in again] == ["began"]


def test_a_refused_notice_waits_longer_each_time_and_its_end_behind_it(desk: Engine) -> None:
    wait_for_fetching(desk, 25 * HOUR)
    check(desk)
    now = NOW
    for pause in (1, 2, 4, 8):
        (notice,) = claimed(desk, "a", now=now)
        with desk.begin() as connection:
            alerts.refused(connection, notice, "answered 500", now)
        assert claimed(desk, "a", now=now + timedelta(minutes=pause, seconds=-1)) == []
        now += timedelta(minutes=pause)
    let_it_rest(desk)
    check(desk, now - HOUR / 60)
    assert claimed(desk, "a", now=now - HOUR / 60) == []
    both = claimed(desk, "a", now=now)
    assert [notice.event for notice in both] == ["began", "ended"]
    with desk.begin() as connection:
        alerts.refused(connection, both[0], "no answer", now)
        alerts.put_back(connection, both[1], both[0], now)
    assert claimed(desk, "a", now=now + HOUR / 5) == []
    assert claimed(desk, "a", now=now + HOUR) == [replace(both[0], attempts=5), both[1]]
