"""Which of a site's feeds are polled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from extract.candidates import Choice, Tried, choose, tried_out
from extract.discovery import Candidate, Found
from extract.model import FeedDocument, FeedEntry, FeedKind, SitemapRef

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def entries(numbers: Sequence[int], *, titled: bool = True, ends: datetime = NOW) -> tuple[FeedEntry, ...]:
    """Hourly ones, the smallest number the newest."""
    return tuple(
        FeedEntry(
            url=f"https://a.example/{n}", title=f"{n}" if titled else None, published_at=ends - n * timedelta(hours=1)
        )
        for n in numbers
    )


def one(
    path: str,
    announced: Sequence[FeedEntry],
    *,
    kind: FeedKind = FeedKind.FEED,
    found: Found = Found.LINK,
    title: str | None = None,
    sitemaps: Sequence[str] = (),
) -> Tried:
    url = path if "://" in path else f"https://a.example{path}"
    document = FeedDocument(
        title=title, entries=tuple(announced), sitemaps=tuple(SitemapRef(url=child) for child in sitemaps)
    )
    return tried_out(Candidate(url=url, found=found), url, kind, document, NOW)


def verdicts(*readable: Tried) -> dict[str, Choice]:
    return {choice.url.removeprefix("https://a.example"): choice for choice in choose(readable, NOW)}


def chosen(*readable: Tried) -> list[str]:
    return [url for url, choice in verdicts(*readable).items() if choice.chosen]


def test_of_mirrors_the_better_is_taken_whatever_their_order() -> None:
    feed, copy = (
        one("/feed", entries(range(20))),
        one("http://a.example/atom.xml", entries(range(1, 21)), found=Found.COMMON),
    )
    assert chosen(feed, copy) == chosen(copy, feed) == ["/feed"]
    assert "the same entries as https://a.example/feed" in verdicts(feed, copy)["http://a.example/atom.xml"].why


def test_a_sections_feed_is_left_out_when_the_main_one_carries_its_news() -> None:
    main = one("/feed", entries(range(20)))
    sport = one("/sport/feed", entries([3, 9, 17, 30, 55, 80, 100]))  # its window reaches further back
    assert chosen(main, sport) == ["/feed"]
    assert "carries its entries, too" in verdicts(main, sport)["/sport/feed"].why


def test_sections_are_taken_where_no_feed_has_all() -> None:
    politics, sport = one("/politics/feed", entries(range(0, 40, 2))), one("/sport/feed", entries(range(1, 41, 2)))
    assert sorted(chosen(politics, sport)) == ["/politics/feed", "/sport/feed"]


def test_a_tags_feed_is_left_out_beside_the_sites() -> None:
    assert chosen(one("/feed", entries(range(20))), one("/tag/floods/feed", entries(range(200, 220)))) == ["/feed"]


def test_a_news_sitemap_is_taken_beside_a_feed_that_has_less() -> None:
    sitemap = one("/news.xml", entries(range(48)), kind=FeedKind.SITEMAP, found=Found.ROBOTS)
    assert chosen(one("/feed", entries(range(0, 20, 2))), sitemap) == ["/feed", "/news.xml"]
    assert chosen(one("/feed", entries(range(48))), sitemap) == ["/feed"]


def test_archives_are_for_going_back_in_time() -> None:
    months = [f"https://a.example/sitemap-2025-{month:02}.xml" for month in range(1, 13)]
    index = one("/sitemap.xml", (), kind=FeedKind.SITEMAP, sitemaps=months)
    pages = one("/pages.xml", entries(range(500, 900), titled=False), kind=FeedKind.SITEMAP)
    found = verdicts(index, pages, one("/news.xml", entries(range(30)), kind=FeedKind.SITEMAP))
    assert [url for url, choice in found.items() if choice.chosen] == ["/news.xml"]
    assert "an index of 12 sitemaps, 12 of them by date" in found["/sitemap.xml"].why
    assert "going back in time" in found["/pages.xml"].why


def test_an_index_is_taken_when_nothing_else_is_there() -> None:
    assert chosen(one("/sitemap.xml", (), kind=FeedKind.SITEMAP, sitemaps=["https://a.example/1.xml"])) == [
        "/sitemap.xml"
    ]


def test_a_silent_feed_is_left_out_beside_a_living_one_and_taken_alone() -> None:
    silent = one("/old", entries(range(20), ends=NOW - timedelta(days=200)))
    living = one("/new", entries(range(100, 120), ends=NOW + timedelta(hours=100)))
    assert chosen(silent, living) == ["/new"]
    assert "nothing new since 2026-05" in verdicts(silent, living)["/old"].why
    assert chosen(silent) == ["/old"]


def test_a_feed_whose_links_lead_to_comments_is_known_by_them() -> None:
    said = [FeedEntry(url=f"https://a.example/1#comment-{number}") for number in range(9)]
    assert chosen(one("/feed/x", said)) == []


def test_comments_and_empty_feeds_are_never_taken() -> None:
    assert (
        chosen(
            one("/comments/feed", entries(range(9))),
            one("/empty", ()),
            one("/feed2", entries([1]), title="Comments on: A"),
        )
        == []
    )


def test_what_the_user_named_comes_first() -> None:
    named = one("/sport/feed", entries([3, 9, 17]), found=Found.GIVEN)
    assert chosen(one("/feed", entries(range(20))), named)[0] == "/sport/feed"
