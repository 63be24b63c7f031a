"""The line that polls: real answers over the loopback interface, into a real store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from newsdesk import Asking, Newsdesk, Publisher, Reply, publisher, rss, sitemap_index, urlset
from sqlalchemy import Engine

from extract.warc import WarcPlace, read_page
from flows.discover import IN_FLIGHT

NOW = datetime.now(UTC)
TODAY, LAST_YEAR = f"{NOW:%Y-%m-%d}", f"{NOW - timedelta(days=365):%Y-%m-%d}"


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as opened:
        yield opened


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Newsdesk:
    return Newsdesk(engine=engine, home=tmp_path)


def test_a_pass_counts_what_is_new_and_what_is_known(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss("/a", "/b"))
    assert desk.poll() == {"feeds": 1, "feeds ok": 1, "announced": 2, "new": 2}
    site.says("/feed", rss("/c", "/a", "/b"))
    assert desk.poll() == {"feeds": 1, "feeds ok": 1, "announced": 3, "new": 1, "known": 2}
    assert desk.poll() == {"feeds": 1, "feeds unchanged": 1, "announced": 3, "known": 3}


def test_a_scheduled_pass_leaves_alone_what_is_not_due(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss("/a"))
    desk.poll(early=False)
    assert desk.poll(early=False) == {}
    assert desk.poll(early=True)["feeds unchanged"] == 1


def test_validators_are_sent_and_not_after_a_failure(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed")
    listed = rss(*(f"/{n}" for n in range(20)))
    site.says("/feed", listed, ETag='"1"')
    desk.poll()
    desk.poll()
    site.says("/feed", status=500)
    desk.poll()
    site.says("/feed", listed, ETag='"1"')
    desk.poll()
    sent = [asking.headers.get("if-none-match") for asking in site.asked_for("/feed")]
    assert sent == [None, '"1"', '"1"', None]
    assert desk.feed("state, failures", "/feed") == ("unchanged", 0)


def test_a_server_that_asks_to_wait_is_not_asked_even_by_hand(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", status=503, Retry_After="3600")
    assert desk.poll()["feeds failed"] == 1
    assert desk.poll() == {"feeds asked to wait": 1}
    assert len(site.asked_for("/feed")) == 1


def test_a_host_that_rests_is_no_failure_of_its_other_feeds(desk: Newsdesk, site: Publisher) -> None:
    """HostPaused: we did not ask, so there is nothing to count."""
    desk.lists("daily", f"{site.base}/a", f"{site.base}/b")
    for path in ("/a", "/b"):
        site.says(path, status=429, Retry_After="3600")
    counts = desk.poll()
    assert (counts["feeds failed"], counts["feeds asked to wait"]) == (1, 2)
    assert sorted(desk.rows("SELECT polls, failures FROM storyfold.feed")) == [(0, 0), (1, 1)]


def test_an_unreadable_answer_is_archived_once_for_each_body(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", "<html><body>We are down for maintenance</body></html>")
    assert desk.poll()["feeds failed"] == 1
    desk.poll()
    [[sample]] = desk.rows("SELECT sample FROM storyfold.feed")
    assert len(list((desk.home / "warc").rglob("*.warc.gz"))) == 1
    place = WarcPlace(**{name: sample[name] for name in ("file", "offset", "length")})
    assert b"maintenance" in read_page(desk.store.archive, place).body
    site.says("/feed", rss("/a"))
    desk.poll()
    assert desk.feed("sample, state", "/feed") == (None, "ok")


def test_a_feed_that_was_readable_once_fails_softly(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/never", f"{site.base}/once")
    site.says("/once", rss("/a"))
    desk.poll()
    site.says("/once", "<html></html>")
    desk.poll()
    assert desk.feed("failures, failure_weight", "/once") == (1, 0.5)
    assert desk.feed("failures, failure_weight", "/never") == (2, 2.0)


def test_the_sitemaps_of_an_index_are_read_in_the_same_pass(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/index.xml",))
    site.says("/index.xml", sitemap_index(march=TODAY, undated="", archive=LAST_YEAR))
    site.says("/march", urlset(one=TODAY))
    site.says("/undated", urlset(two=TODAY))
    assert desk.poll() == {"feeds": 3, "feeds ok": 3, "announced": 2, "new": 2}
    assert site.asked_for("/archive") == []
    [retired] = desk.feed("retired_at IS NOT NULL AND last_polled_at IS NULL", "/archive")
    assert retired


def test_a_sitemap_is_read_again_when_its_index_tells_of_a_change(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/index.xml",))
    site.says("/index.xml", sitemap_index(march=f"{TODAY}T00:00:00Z", april=f"{TODAY}T00:00:00Z"))
    for month in ("/march", "/april"):
        site.says(month, urlset(**{f"{month[1:]}__1": TODAY}))
    desk.poll()
    site.says("/index.xml", sitemap_index(march=f"{TODAY}T00:00:00Z", april=f"{TODAY}T00:00:01Z"))
    site.says("/april", urlset(april__1=TODAY, april__2=TODAY))
    assert desk.poll() == {"feeds": 2, "feeds ok": 2, "announced": 2, "new": 1, "known": 1}
    assert (len(site.asked_for("/march")), len(site.asked_for("/april"))) == (1, 2)


def test_an_index_that_names_ever_new_indexes_ends(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/0.xml",))
    for number in range(9):
        site.says(f"/{number}.xml", sitemap_index(**{f"{number + 1}.xml": TODAY}))
    assert desk.poll()["feeds"] == 3
    assert desk.feed("state_text", "/2.xml") == ("1 sitemaps of an index too deep",)


def test_what_a_sitemap_lists_from_long_ago_is_left_to_a_backfill(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/all.xml",))
    site.says("/all.xml", urlset(new=TODAY, old=LAST_YEAR, undated=""))
    assert desk.poll() == {"feeds": 1, "feeds ok": 1, "announced": 2, "new": 2, "too old": 1}
    assert desk.feed("state_text", "/all.xml") == ("1 entries older than 30 days, left to a backfill",)
    assert desk.rows("SELECT bool_and(adds_up) FROM news.outcome_ledger") == [(True,)]
    site.says("/all.xml", urlset(newer=TODAY, new=TODAY, old=LAST_YEAR, undated=""))
    assert desk.poll()["new"] == 1


def test_a_listed_sitemap_brings_its_last_news_and_an_indexs_archive_none(desk: Newsdesk, site: Publisher) -> None:
    """Nobody writes there any more: what its file names itself is wanted, an index names what there is."""
    desk.lists("closed", sitemaps=(f"{site.base}/own.xml", f"{site.base}/index.xml"))
    site.says("/own.xml", urlset(last=LAST_YEAR, before="2009-01-01"))
    site.says("/index.xml", sitemap_index(archive=""))
    site.says("/archive", urlset(archive__last=LAST_YEAR))
    counts = desk.poll()
    assert (counts["new"], counts["too old"]) == (1, 2)


def test_a_slow_feed_holds_no_other_back(desk: Newsdesk, site: Publisher) -> None:
    """The others' entries are in the store while it is still waited for."""
    seen: list[int] = []

    def slow(_: Asking) -> Reply:
        for _wait in range(160):
            if stored := desk.rows("SELECT count(*) FROM storyfold.entry")[0][0]:
                seen.append(stored)
                break
            time.sleep(0.05)
        return Reply(body=rss("/slow").encode())

    desk.lists("slow", site.base.replace("127.0.0.1", "localhost") + "/slow")
    desk.lists("quick", f"{site.base}/quick")
    site.replies["/slow"] = slow
    site.says("/quick", rss("/quick/1"))
    assert desk.poll()["new"] == 2
    assert seen == [1]


def test_more_feeds_than_are_asked_at_once_are_all_polled(desk: Newsdesk, site: Publisher) -> None:
    for number in range(3):
        paths = [f"/{number}/{n}" for n in range(IN_FLIGHT // 3 + 10)]
        desk.lists(f"source-{number}", *(site.base + path for path in paths))
        for path in paths:
            site.says(path, rss(f"{path}/entry"))
    assert desk.poll()["new"] == 3 * (IN_FLIGHT // 3 + 10)


def test_freshness_by_cache_control_moves_the_next_poll(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed", lines="interval_minutes = 10")
    site.says("/feed", rss(*(f"/{n}" for n in range(20))), Cache_Control="max-age=1500")
    desk.poll()
    assert desk.rows("SELECT extract(epoch FROM next_due_at - last_polled_at) FROM storyfold.feed") == [(1500,)]
