"""What others who poll feeds have paid for, one test each; the docstring says the trap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from newsdesk import Asking, Newsdesk, Publisher, Reply, publisher, rss
from sqlalchemy import Engine, text

from extract.sitemaps import MAX_ENTRIES
from load import sources

LONG_AGO = datetime.now(UTC) - timedelta(days=700)


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as opened:
        yield opened


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Newsdesk:
    return Newsdesk(engine=engine, home=tmp_path)


def forget(desk: Newsdesk) -> None:
    """As if two years had gone by since anything was seen."""
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.entry SET last_seen_at = :then"), {"then": LONG_AGO})


def lying(asking: Asking, body: str) -> Reply:
    """A server that takes any question for a change with 'no'."""
    if "if-none-match" in asking.headers:
        return Reply(status=304)
    return Reply(body=body.encode(), headers={"ETag": '"always"'})


def stale(desk: Newsdesk) -> int:
    return desk.rows("SELECT count(*) FROM storyfold.entry WHERE last_seen_at <= :then", then=LONG_AGO)[0][0]


def test_a_static_feed_never_becomes_news_again(desk: Newsdesk, site: Publisher) -> None:
    """Old URLs were forgotten though a static feed still listed them, and came in again as new.

    Each poll refreshes what the feed lists: a changed document, the same bytes, and a 304 alike.
    """
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss(*(f"/{n}" for n in range(20))), ETag='"1"')
    desk.poll()
    forget(desk)
    assert desk.poll() == {"feeds": 1, "feeds unchanged": 1, "announced": 20, "known": 20}
    assert stale(desk) == 0
    forget(desk)
    site.says("/feed", status=304)
    assert desk.poll() == {"feeds": 1, "feeds unchanged": 1, "announced": 20, "known": 20}
    assert stale(desk) == 0


def test_an_unchanged_feed_keeps_fresh_what_another_feed_found_first(desk: Newsdesk, site: Publisher) -> None:
    """As above, where two feeds list one URL and the first to find it has dropped it since."""
    desk.lists("daily", f"{site.base}/front", f"{site.base}/sport")
    site.says("/front", rss("/a", "/b"))
    desk.poll()
    site.says("/sport", rss("/a"))
    site.says("/front", rss("/b"))
    desk.poll()
    forget(desk)
    desk.poll()
    assert stale(desk) == 0


def test_a_304_does_not_turn_a_failed_feed_well(desk: Newsdesk, site: Publisher) -> None:
    """A 304 after a failure proved nothing, and showed a broken feed as healthy."""
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss("/a"), ETag='"1"')
    desk.poll()
    site.says("/feed", status=502)
    desk.poll()
    site.says("/feed", status=304)
    desk.poll()
    state, failures = desk.feed("state, failures", "/feed")
    assert (state, failures >= 1) == ("failed", True)


def test_a_feed_may_change_though_its_validators_do_not(desk: Newsdesk, site: Publisher) -> None:
    """A server that sends the same ETag for ever answered 304 for ever: now and then the whole is asked for."""
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss("/a"), ETag='"always"')
    desk.poll()
    site.replies["/feed"] = lambda asking: lying(asking, rss("/b", "/a"))
    for _ in range(30):
        if desk.poll().get("new"):
            break
    assert len(site.asked_for("/feed")) <= 26
    assert desk.rows("SELECT count(*) FROM storyfold.entry") == [(2,)]


@pytest.mark.parametrize(
    "body",
    ["<html><head><title>Not found</title></head></html>", "", "{}", "<?xml version='1.0'?><opml></opml>"],
    ids=["a page", "nothing", "other JSON", "other XML"],
)
def test_what_is_no_feed_is_a_failure_and_no_empty_feed(desk: Newsdesk, site: Publisher, body: str) -> None:
    """Feeds turned into HTML pages or empty documents and were polled on as if nothing were new."""
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", body)
    assert desk.poll()["feeds failed"] == 1
    site.says("/feed", rss())
    assert desk.poll()["feeds empty"] == 1


def test_an_endless_sitemap_starves_nobody(desk: Newsdesk, site: Publisher) -> None:
    """Sitemaps of 50,000 URLs filled the queue for days: a document brings so many at most, and says what it left."""
    desk.lists("daily", sitemaps=(f"{site.base}/all.xml",))
    locs = "".join(f"<url><loc>/{n}</loc></url>" for n in range(50_000))
    site.says("/all.xml", f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locs}</urlset>')
    assert desk.poll()["new"] == MAX_ENTRIES
    assert desk.feed("state_text", "/all.xml") == (f"{50_000 - MAX_ENTRIES} items left out",)


def test_mirrors_are_found(desk: Newsdesk, site: Publisher) -> None:
    """205 feeds of regional editions were 36: eight 'sources' on one host listed the same."""
    links = [f"/story/{n}" for n in range(8)]
    for name in ("north", "south", "east"):
        desk.lists(name, f"{site.base}/{name}")
        site.says(f"/{name}", rss(*links, f"/{name}"))
    desk.lists("another", f"{site.base}/another")
    site.says("/another", rss(*(f"/other/{n}" for n in range(8))))
    desk.poll()
    with desk.engine.connect() as connection:
        found = sources.mirrors(connection)
    assert {(m.source, m.other_source) for m in found} == {("east", "north"), ("east", "south"), ("north", "south")}
    assert {(m.alike, m.share) for m in found} == {("urls", 0.8)}


def test_a_time_that_failed_polls_left_out_is_on_record(desk: Newsdesk, site: Publisher) -> None:
    """A cursor that only goes on skips what failed, for good: the gap begins at the last reading, not the last poll."""
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss("/1", "/2", "/3"))
    desk.poll()
    [[read_at]] = desk.rows("SELECT last_ok_at FROM storyfold.feed")
    site.says("/feed", status=500)
    desk.poll()
    site.says("/feed", rss("/7", "/8", "/9"))
    assert desk.poll()["coverage gaps"] == 1
    gaps = "SELECT feed, source, since, until = found_at AND since < until, is_open FROM news.coverage_gap"
    assert desk.rows(gaps) == [(f"{site.base}/feed", "daily", read_at, True, True)]
    site.says("/feed", rss("/9", "/10", "/11"))
    desk.poll()
    assert len(desk.rows(gaps)) == 1


def test_what_is_known_already_is_told(desk: Newsdesk, site: Publisher) -> None:
    """A second run that found nothing new looked like lost data: every pass says how many it knew."""
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss("/a", "/b"))
    desk.poll()
    assert desk.poll()["known"] == 2
    site.says("/feed", rss("/b", "/a", "/c"))
    assert {"new": 1, "known": 2}.items() <= desk.poll().items()
