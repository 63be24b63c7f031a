"""Expectations on a real Postgres: what is held before it is settled, what is freed, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import a_source
from planted import Planted, planted_stream
from sqlalchemy import Engine, text
from stored import NOW, fetched, reading, stories

from extract.model import Bound, Expectations, FeedEntry, OnBreach, Reason, Rejection
from extract.warc import WarcPlace
from load import entries, expectations, pages, revisions, runs, sources
from load.engine import connect, worker
from load.settle import settle
from transform.verify import MatchPolicy

DAY = timedelta(days=1)
DATED = Expectations(dated_share=Bound(min=0.9), on_breach=OnBreach.STOP)
STREAM = planted_stream(seed=5, stories=40)
GOOD, BAD = STREAM[:30], STREAM[30:60]  # with copies of each other's texts


@pytest.fixture
def watched(engine: Engine) -> Engine:
    """A store with a source that is expected to date its articles, and one of which nothing is expected."""
    expect(engine, DATED)
    return engine


def expect(engine: Engine, value: Expectations) -> None:
    with engine.begin() as connection:
        sources.sync(connection, [replace(a_source("northline"), expect=value), a_source("harbour-courier")])


def bring(engine: Engine, name: str, stream: Sequence[Planted], now: datetime = NOW) -> list[tuple[int, Planted]]:
    """Fetched pages of this source, unread."""
    with engine.begin() as connection:
        run = runs.begin(connection, "discover", now)
        source = sources.ensure(connection, name, name)
        entries.record(connection, source, [FeedEntry(url=item.url) for item in stream], run, now)
        ids = entries.ids(connection, [item.url for item in stream])
        got = [fetched(item, ids[item.url], source) for item in stream]
        got = [replace(one, page=replace(one.page, fetched_at=now)) for one in got]
        pages.keep(connection, got, [WarcPlace(file="none", offset=0, length=1)] * len(got))
        query = "SELECT max(id) FROM storyfold.page WHERE entry_id = :id"
        return [(connection.scalar(text(query), {"id": ids[item.url]}), item) for item in stream]


def read(engine: Engine, got: Sequence[tuple[int, Planted]], now: datetime = NOW, *, dated: bool = True) -> None:
    shown = [(id_, item if dated else replace(item, published_at=None)) for id_, item in got]  # type: ignore[arg-type]
    with engine.begin() as connection:
        revisions.keep(connection, [reading(id_, item) for id_, item in shown], now)


def settle_all(engine: Engine, now: datetime = NOW) -> None:
    while settle(engine, MatchPolicy(), now, 10).pages:
        pass


def check(engine: Engine, now: datetime = NOW) -> expectations.Checked:
    with engine.begin() as connection:
        ids = list(connection.scalars(text("SELECT id FROM storyfold.source")))
        return expectations.check_shares(connection, now, ids)


def claim(engine: Engine, now: datetime = NOW) -> list[int]:
    with worker(engine) as me, engine.begin() as connection:
        return [one.id for one in pages.claim_unread(connection, me, now, 1000)]


def release(engine: Engine, now: datetime = NOW) -> int:
    with engine.begin() as connection:
        return expectations.release(connection, "northline", now)


def rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def breaches(engine: Engine) -> list[dict[str, Any]]:
    return rows(engine, "SELECT * FROM news.expectation_breach ORDER BY id")


def is_held(engine: Engine) -> bool:
    return rows(engine, "SELECT held_at FROM storyfold.source WHERE name = 'northline'")[0]["held_at"] is not None


def ledger(engine: Engine) -> dict[str | None, dict[str, Any]]:
    found = {row["source"]: row for row in rows(engine, "SELECT * FROM news.outcome_ledger")}
    assert all(row["adds_up"] for row in found.values())
    return found


def outlets(engine: Engine) -> set[str]:
    """The sources of which something is settled."""
    return {row["source"] for row in rows(engine, "SELECT DISTINCT source FROM news.article")}


def shapes(engine: Engine) -> set[tuple[str, tuple[str, ...]]]:
    """Canonical member and members of each story."""
    return {(canonical, members) for _, canonical, members in stories(engine)}


# --- What is kept of the file ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        Expectations(),
        DATED,
        Expectations(entries_per_day=Bound(min=2.5, max=90), short_share=Bound(max=0.1), languages=("en", "de")),
    ],
)
def test_expectations_come_back_from_the_store_as_they_were(engine: Engine, value: Expectations) -> None:
    expect(engine, value)
    (row,) = rows(engine, "SELECT expect FROM storyfold.source WHERE name = 'northline'")
    assert expectations.from_json(row["expect"]) == value


# --- Holding --------------------------------------------------------------------------------------------------


def test_bad_readings_are_held_before_any_is_settled_and_others_go_on(watched: Engine) -> None:
    bad = bring(watched, "northline", BAD)
    good = bring(watched, "harbour-courier", GOOD)
    read(watched, bad, dated=False)
    read(watched, good)
    settle_all(watched)
    assert outlets(watched) == {"harbour-courier"}
    (breach,) = breaches(watched)
    assert (breach["expectation"], breach["observed"], breach["ended_at"]) == ("dated_share", "0% of 30", None)
    assert is_held(watched) and breach["held_at"] is not None
    held = ledger(watched)
    assert (held["northline"]["pending"], held["harbour-courier"]["loaded"]) == (len(BAD), len(GOOD))


def test_unread_pages_of_a_held_source_hold_up_nobody(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD[:20]), dated=False)
    check(watched)
    bring(watched, "northline", BAD[20:])
    good = bring(watched, "harbour-courier", GOOD)
    assert claim(watched) == [page_id for page_id, _ in good]
    read(watched, good)
    settle_all(watched)
    assert len(rows(watched, "SELECT FROM news.article")) == len(GOOD)


def test_a_release_settles_all_that_waited_as_if_it_had_come_later(
    watched: Engine, new_database: Callable[[], str]
) -> None:
    bad, good = bring(watched, "northline", BAD), bring(watched, "harbour-courier", GOOD)
    read(watched, bad[:20], dated=False)
    check(watched)
    read(watched, good)
    settle_all(watched)
    before = shapes(watched)
    assert release(watched) == len(BAD)
    assert claim(watched) == [page_id for page_id, _ in bad[20:]]
    read(watched, bad[20:], dated=False)
    settle_all(watched)
    assert not is_held(watched) and breaches(watched)[0]["ended_at"] == NOW
    after = ledger(watched)
    assert (after[None]["pending"], after[None]["loaded"]) == (0, len(BAD) + len(GOOD))

    other = connect(new_database())
    expect(other, Expectations())
    read(other, bring(other, "harbour-courier", GOOD))
    settle_all(other)
    assert shapes(other) == before
    read(other, bring(other, "northline", BAD), dated=False)
    settle_all(other)
    assert stories(other) == stories(watched)
    other.dispose()


def test_what_came_before_a_release_is_not_held_against_it_but_what_comes_after_is(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD[:20]), dated=False)
    check(watched)
    release(watched, NOW + DAY)
    assert check(watched, NOW + DAY).held == frozenset()
    read(watched, bring(watched, "northline", GOOD[:20], NOW + 2 * DAY), NOW + 2 * DAY, dated=False)
    assert len(check(watched, NOW + 2 * DAY).held) == 1
    assert len(breaches(watched)) == 2


def test_what_was_released_is_settled_even_when_worse_comes_before_its_turn(watched: Engine) -> None:
    """A run fetches and judges anew before it settles what waited."""
    released = bring(watched, "northline", BAD[:20])
    read(watched, released, dated=False)
    check(watched)
    release(watched, NOW + DAY)
    read(watched, bring(watched, "northline", GOOD[:20], NOW + 2 * DAY), NOW + 2 * DAY, dated=False)
    settle_all(watched, NOW + 2 * DAY)
    assert is_held(watched)
    assert ledger(watched)["northline"]["loaded"] == len(released)
    assert rows(watched, "SELECT FROM storyfold.unsettled") == [{}] * 20


def test_only_a_held_source_can_be_released(watched: Engine) -> None:
    with pytest.raises(expectations.NotHeld, match="'northline' is not held"):
        release(watched)


# --- Well again -----------------------------------------------------------------------------------------------


def test_a_few_pages_a_day_show_whether_a_held_source_is_well_again(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD), dated=False)
    check(watched)
    later = bring(watched, "northline", GOOD, NOW + DAY / 2)
    assert claim(watched, NOW + DAY / 2) == []
    probes = claim(watched, NOW + DAY)
    assert len(probes) == expectations.PROBES_PER_DAY
    read(watched, [got for got in later if got[0] in probes], NOW + DAY)
    assert claim(watched, NOW + DAY) == []
    settle_all(watched, NOW + DAY)  # judges the held ones first
    assert not is_held(watched)
    read(watched, [got for got in later if got[0] not in probes], NOW + DAY)
    settle_all(watched, NOW + DAY)
    assert ledger(watched)["northline"]["loaded"] == len(BAD) + len(GOOD)
    assert [breach["ended_at"] for breach in breaches(watched)] == [NOW + DAY]


def test_a_source_that_is_still_bad_stays_held(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD), dated=False)
    check(watched)
    later = bring(watched, "northline", GOOD, NOW + DAY)
    probes = claim(watched, NOW + DAY)
    read(watched, [got for got in later if got[0] in probes], NOW + DAY, dated=False)
    settle_all(watched, NOW + DAY)
    (breach,) = breaches(watched)
    assert is_held(watched) and (breach["begun_at"], breach["seen_at"]) == (NOW, NOW + DAY)
    assert outlets(watched) == set()


def test_a_breach_that_only_warns_holds_nobody_and_is_one_row(watched: Engine) -> None:
    expect(watched, replace(DATED, on_breach=OnBreach.WARN))
    read(watched, bring(watched, "northline", BAD[:20]), dated=False)
    assert check(watched).breaches == 1
    read(watched, bring(watched, "northline", BAD[20:]), dated=False)
    assert check(watched, NOW + DAY).breaches == 0
    settle_all(watched, NOW + DAY)
    (breach,) = breaches(watched)
    assert (breach["seen_at"], breach["observed"], breach["held_at"]) == (NOW + DAY, "0% of 30", None)
    assert outlets(watched) == {"northline"}


def test_what_a_file_no_longer_expects_is_no_breach(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD), dated=False)
    check(watched)
    expect(watched, Expectations())
    settle_all(watched)
    assert not is_held(watched) and outlets(watched) == {"northline"}


def test_a_file_that_only_warns_now_frees_its_source(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD), dated=False)
    check(watched)
    expect(watched, replace(DATED, on_breach=OnBreach.WARN))
    settle_all(watched)
    assert not is_held(watched) and outlets(watched) == {"northline"}
    assert [(breach["on_breach"], breach["ended_at"]) for breach in breaches(watched)] == [("warn", None)]


def test_a_source_whose_file_is_gone_stays_held(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD), dated=False)
    check(watched)
    with watched.begin() as connection:
        sources.sync(connection, [a_source("harbour-courier")])
    settle_all(watched)
    assert is_held(watched) and outlets(watched) == set()


def test_few_readings_and_old_ones_say_nothing(watched: Engine) -> None:
    read(watched, bring(watched, "northline", BAD[:19]), dated=False)
    assert check(watched).breaches == 0
    read(watched, bring(watched, "northline", BAD[19:]), dated=False)
    assert check(watched, NOW + 8 * DAY).breaches == 0


def test_short_pages_and_foreign_languages_are_counted(watched: Engine) -> None:
    expect(watched, Expectations(short_share=Bound(max=0.1), languages=("de",)))
    got = bring(watched, "northline", BAD)
    read(watched, got[:22])  # in English
    with watched.begin() as connection:
        for page_id, item in got[22:]:
            (entry_id,) = entries.ids(connection, [item.url]).values()
            entries.reject(connection, entry_id, Rejection(url=item.url, reason=Reason.TOO_SHORT), NOW)
            pages.mark_read(connection, {page_id: pages.ReadBy(b"tests")}, NOW)
    assert check(watched).breaches == 2
    assert {row["expectation"]: row["observed"] for row in breaches(watched)} == {
        "short_share": "26.7% of 30",
        "languages": "0% of 22, the others mostly en",
    }
