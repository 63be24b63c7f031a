"""Written times, and which witness is believed about the publication of a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.dates import CLOCK_ALLOWANCE, instant, publication, read_time, url_day
from extract.model import Announcement, DateOrigin, DatePrecision, SourceName

FETCHED = datetime(2026, 3, 20, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = DatePrecision.SECOND, DatePrecision.MINUTE, DatePrecision.DAY
JSON_LD, META, FEED = DateOrigin.JSON_LD, DateOrigin.META, DateOrigin.FEED
SITEMAP, VISIBLE, URL = DateOrigin.SITEMAP, DateOrigin.VISIBLE, DateOrigin.URL


def announced(text: str | None = None, origin: DateOrigin = FEED) -> Announcement:
    at = text and datetime.fromisoformat(text)
    return Announcement(source=SourceName("test"), published_at=at or None, origin=origin if at else None)


# --- Reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "precision", "zone_known"),
    [
        ("2024-05-03", "2024-05-03T00:00", DAY, False),
        ("2024-05-03T10:15:20Z", "2024-05-03T10:15:20", SECOND, True),
        ("2024-05-03T10:15:20.123+02:00", "2024-05-03T08:15:20", SECOND, True),
        ("2024-05-03T10:15:20-0330", "2024-05-03T13:45:20", SECOND, True),
        ("2024-05-03T10:15+02", "2024-05-03T08:15", MINUTE, True),
        ("2024-05-03 10:15", "2024-05-03T10:15", MINUTE, False),
        ("20240503T101520Z", "2024-05-03T10:15:20", SECOND, True),
        ("2024/5/3 1:02", "2024-05-03T01:02", MINUTE, False),
        ("Fri, 03 May 2024 10:15:20 GMT", "2024-05-03T10:15:20", SECOND, True),
        ("Fri, 3 May 24 10:15:20 +0530", "2024-05-03T04:45:20", SECOND, True),
        ("Fri, 03 May 2024 10:15:20 CEST", "2024-05-03T08:15:20", SECOND, True),
        ("3 May 2024 10:15 EST", "2024-05-03T15:15", MINUTE, True),
        ("Friday 3 May 2024 10:15 GMT+2", "2024-05-03T08:15", MINUTE, True),
        ("Fri, 03 May 2024 10:15:20 XYZ", "2024-05-03T10:15:20", SECOND, False),
        ("May 3rd, 2024 at 4:05 p.m.", "2024-05-03T16:05", MINUTE, False),
        ("Sept. 5, 2023", "2023-09-05T00:00", DAY, False),
        ("Fri May  3 10:15:20 2024", "2024-05-03T10:15:20", SECOND, False),
        ("03.05.2024, 10:15 Uhr", "2024-05-03T10:15", MINUTE, False),
        ("2024年5月3日 10：15", "2024-05-03T10:15", MINUTE, False),
        ("2024년 5월 3일", "2024-05-03T00:00", DAY, False),
        ("1714731320", "2024-05-03T10:15:20", SECOND, True),
        ("1714731320000", "2024-05-03T10:15:20", SECOND, True),
        ("2024-05-03T23:59:60Z", "2024-05-03T23:59:59", SECOND, True),
        ("3 May 2024 12 comments", "2024-05-03T00:00", DAY, False),
    ],
)
def test_written_times_are_read(text: str, at: str, precision: DatePrecision, zone_known: bool) -> None:
    stamp = read_time(text)
    assert stamp is not None
    assert (stamp.at, stamp.precision, stamp.zone_known) == (
        datetime.fromisoformat(at).replace(tzinfo=UTC),
        precision,
        zone_known,
    )


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024", "2024-13-01", "2024-02-30", "31.04.2024", "0000-00-00", "May"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_time(text) is None
    assert instant(text) is None


def test_midnight_is_the_day_as_written_whatever_its_zone() -> None:
    stamp = read_time("2024-05-03T00:00:00+02:00")
    assert stamp is not None
    assert (stamp.at, stamp.precision) == (datetime(2024, 5, 3, tzinfo=UTC), DAY)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert read_time(text) is None or instant(text) is not None


@given(
    st.integers(631_152_000, 4_102_444_800).map(lambda epoch: datetime.fromtimestamp(epoch, tz=UTC)),  # 1990 to 2100
    st.integers(-12 * 4, 14 * 4),
)
def test_iso_times_keep_their_instant(at: datetime, quarters: int) -> None:
    offset = timedelta(minutes=15 * quarters)
    minutes = abs(15 * quarters)
    zone = f"{'-' if quarters < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    expected = at if at.time() == datetime.min.time() else at - offset
    assert instant(f"{at:%Y-%m-%dT%H:%M:%S}{zone}") == expected


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://post.example/2024/05/03/ferry.html", "2024-05-03"),
        ("https://post.example/2024/5/3/ferry", "2024-05-03"),
        ("https://post.example/world/2024/may/03/ferry", "2024-05-03"),
        ("https://post.example/ferry-20240503.html", "2024-05-03"),
        ("https://post.example/news/2024-05-03-ferry", "2024-05-03"),
        ("https://post.example/2024/05/ferry", None),
        ("https://post.example/article-20241399", None),
        ("https://post.example/news?day=/2024/05/03/", None),
        ("https://post.example/1714731320", None),
    ],
)
def test_day_in_a_url(url: str, day: str | None) -> None:
    assert url_day(url) == day


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2024-05-03T10:15:20Z", 0),
        ("2024-05-03T10:15:20+09:00", 540),
        ("2024-05-03T10:15:20−03:30", -210),
        ("Fri, 03 May 2024 10:15:20 CEST", 120),
        ("3 May 2024 10:15 GMT-5", -300),
        ("2024-05-03T10:15:20", None),
        ("2024-05-03T10:15:20+99:00", None),
        ("2024-05-03T10:15:20-99:00", None),
        ("1714731320", None),
        ("2024-05-03T00:00:00+09:00", None),  # a day has none
    ],
)
def test_the_offset_is_kept_as_written(text: str, minutes: int | None) -> None:
    stamp = read_time(text)
    assert stamp is not None and stamp.utc_offset == minutes


# --- Believing ----------------------------------------------------------------------------------------------------


def test_places_are_trusted_in_their_order() -> None:
    said = {
        URL: ["2026-03-01"],
        VISIBLE: ["2026-03-02T10:00:05Z"],
        META: ["2026-03-04T10:00:05Z"],
        JSON_LD: ["2026-03-05T10:00:05Z"],
    }
    feed = announced("2026-03-03T10:00:05+00:00")
    origins = []
    while said or feed.origin:
        found = publication(said, (), feed, FETCHED)
        origins.append(found.origin)
        said = {origin: texts for origin, texts in said.items() if origin is not found.origin}
        feed = announced() if found.origin is FEED else feed
    assert origins == [JSON_LD, META, FEED, VISIBLE, URL]


def test_without_witness_there_is_no_date() -> None:
    found = publication({JSON_LD: ["soon"]}, (), announced(), FETCHED)
    assert (found.published_at, found.precision, found.origin, found.modified_at) == (None, None, None, None)


@pytest.mark.parametrize("written", ["2026-03-21T12:00:00Z", "2031-01-01", "1970-01-01T00:00:01Z", "1989-12-31"])
def test_times_ahead_of_the_fetch_and_before_the_web_are_not_believed(written: str) -> None:
    found = publication({JSON_LD: [written], URL: ["2026-03-19"]}, (), announced(), FETCHED)
    assert (found.published_at, found.origin) == (datetime(2026, 3, 19, tzinfo=UTC), URL)


def test_a_fast_clock_is_forgiven() -> None:
    at = FETCHED + CLOCK_ALLOWANCE
    assert publication({META: [at.isoformat()]}, (), announced(), FETCHED).published_at == at


def test_local_time_written_as_utc_keeps_only_its_day() -> None:
    found = publication({META: ["2026-03-20T20:30:00Z"]}, (), announced(), FETCHED)  # half past eight in Tokyo
    assert (found.published_at, found.precision) == (datetime(2026, 3, 20, tzinfo=UTC), DAY)


def test_an_impossible_hour_leaves_the_day_as_the_publisher_wrote_it() -> None:
    found = publication({META: ["2026-03-21T01:30:00+08:00"]}, (), announced(), FETCHED)  # half past five, UTC
    assert (found.published_at, found.precision) == (datetime(2026, 3, 21, tzinfo=UTC), DAY)
    assert found.utc_offset is None


def test_the_offset_is_that_of_the_witness_believed() -> None:
    exact = "2026-03-10T07:30:00+09:00"
    assert publication({JSON_LD: [exact], META: ["2026-03-09T22:30:00Z"]}, (), announced(), FETCHED).utc_offset == 540
    made_exact = publication({JSON_LD: ["2026-03-10"], META: [exact]}, (), announced(), FETCHED)
    assert (made_exact.published_at, made_exact.utc_offset) == (datetime(2026, 3, 9, 22, 30, tzinfo=UTC), 540)
    assert publication({URL: ["2026-03-10"]}, (), announced(), FETCHED).utc_offset is None
    assert publication({}, (), announced("2026-03-10T17:30:04+01:00"), FETCHED).utc_offset is None  # feeds keep none


def test_day_and_month_are_swapped_in_the_publishers_own_calendar() -> None:
    said = {META: ["2026-02-03T01:30:00+09:00"], URL: ["2026-03-02"]}
    found = publication(said, (), announced(), FETCHED)
    assert (found.published_at, found.utc_offset) == (datetime(2026, 3, 1, 16, 30, tzinfo=UTC), 540)


@pytest.mark.parametrize("written", ["2026-03-10", "2026-03-10T18:30:00", "2026-03-10T00:00:00+01:00"])
def test_feed_makes_a_vague_date_of_the_same_day_exact(written: str) -> None:
    found = publication({JSON_LD: [written]}, (), announced("2026-03-10T17:30:04+00:00"), FETCHED)
    assert (found.published_at, found.precision, found.origin) == (
        datetime(2026, 3, 10, 17, 30, 4, tzinfo=UTC),
        SECOND,
        FEED,
    )


def test_feed_of_another_day_does_not_make_a_vague_date_exact() -> None:
    found = publication({JSON_LD: ["2026-03-10"]}, (), announced("2026-03-14T17:30:04+00:00"), FETCHED)
    assert (found.published_at, found.precision, found.origin) == (datetime(2026, 3, 10, tzinfo=UTC), DAY, JSON_LD)


def test_feed_does_not_overrule_an_exact_time() -> None:
    found = publication({META: ["2026-03-10T18:30:00+01:00"]}, (), announced("2026-03-10T17:55:00+00:00"), FETCHED)
    assert (found.published_at, found.origin) == (datetime(2026, 3, 10, 17, 30, tzinfo=UTC), META)


def test_midnight_of_a_sitemap_is_a_day() -> None:
    found = publication({}, (), announced("2026-03-10T00:00:00+00:00", SITEMAP), FETCHED)
    assert (found.precision, found.origin) == (DAY, SITEMAP)


def test_swapped_day_and_month_are_settled_by_a_second_witness() -> None:
    said = {META: ["2026-02-03"], URL: ["2026-03-02"]}
    found = publication(said, (), announced(), FETCHED)
    assert (found.published_at, found.origin) == (datetime(2026, 3, 2, tzinfo=UTC), META)


def test_day_and_month_stay_when_a_second_witness_agrees_or_none_confirms_the_swap() -> None:
    confirmed = {META: ["2026-02-03"], VISIBLE: ["2026-02-03"], URL: ["2026-03-02"]}
    unsettled = {META: ["2026-02-03"], URL: ["2026-01-15"]}
    for said in (confirmed, unsettled):
        assert publication(said, (), announced(), FETCHED).published_at == datetime(2026, 2, 3, tzinfo=UTC)


def test_modification_is_kept_apart_and_not_before_publication() -> None:
    said = {JSON_LD: ["2026-03-10T10:00:00Z"]}
    changed = ("2026-03-09T10:00:00Z", "2026-03-11T08:00:00+01:00", "2026-03-12T08:00:00Z")
    found = publication(said, changed, announced(), FETCHED)
    assert found.published_at == datetime(2026, 3, 10, 10, tzinfo=UTC)
    assert found.modified_at == datetime(2026, 3, 11, 7, tzinfo=UTC)


def test_a_page_that_says_only_when_it_changed_has_no_publication_time() -> None:
    found = publication({}, ("2026-03-11T08:00:00Z",), announced(), FETCHED)
    assert (found.published_at, found.modified_at) == (None, datetime(2026, 3, 11, 8, tzinfo=UTC))
