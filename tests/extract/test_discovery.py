"""Where feeds may be: pages as publishers write them, robots.txt, and addresses that are one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.discovery import (
    COMMON_FEEDS,
    Found,
    common_candidates,
    distinct,
    is_of_comments,
    language_code,
    names_news,
    read_site_page,
    robots_candidates,
    site_of,
)
from extract.documents import read_document
from extract.feeds import NotAFeed
from extract.model import FeedKind, Page

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOME = """<!doctype html>
<html lang="pl-PL"><head>
<title>Kurier Dolny | Wiadomości z doliny</title>
<meta property="og:site_name" content="Kurier Dolny">
<link rel="alternate" type="application/rss+xml" title="Kurier Dolny &raquo; Kanał" href="/feed/">
<link rel="alternate" type="application/rss+xml" title="Kurier Dolny &raquo; Komentarze" href="/comments/feed/">
<link rel="ALTERNATE" type="application/atom+xml; charset=utf-8" hreflang="de-DE" href="https://kurier-dolny.example/de/atom">
<link rel="alternate" type="application/feed+json" href="feed.json">
<link rel="alternate" type="application/json+oembed" href="/oembed?url=x">
<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">
<link rel="alternate" hreflang="en" href="/en/">
<link rel="sitemap" type="application/xml" href="/mapa.xml">
<link rel="stylesheet" href="/feed.css">
</head><body>
<a href="/rss">RSS</a> <a href="/kanaly/sport">Sport (RSS)</a> <a href="/wiadomosci/feeding-the-birds">Karmniki</a>
<a href="https://feeds.feedburner.com/KurierDolny">Subskrybuj</a> <a href="https://elsewhere.example/rss">Inni</a>
<a href="mailto:redakcja@kurier-dolny.example">RSS</a> <a href="/?feed=rss2">kanał</a> <a>RSS</a>
<a href="/sport/index.rss">S</a> <a href="/x/atomic-energy.html">Energia atomowa</a>
</body></html>"""


def page(body: str | bytes, url: str = "https://kurier-dolny.example/", content_type: str = "text/html") -> Page:
    raw = body.encode() if isinstance(body, str) else body
    headers = (("Content-Type", content_type),)
    return Page(url=url, final_url=url, status=200, headers=headers, body=raw, fetched_at=NOW)


def test_a_home_page_names_its_feeds_by_links_and_by_anchors() -> None:
    site = read_site_page(page(HOME))
    found = [
        (candidate.url.removeprefix("https://kurier-dolny.example"), candidate.found) for candidate in site.candidates
    ]
    assert found == [
        ("/feed/", Found.LINK),
        ("/comments/feed/", Found.LINK),
        ("/de/atom", Found.LINK),
        ("/feed.json", Found.LINK),
        ("/mapa.xml", Found.LINK),
        ("/rss", Found.ANCHOR),
        ("/kanaly/sport", Found.ANCHOR),
        ("https://feeds.feedburner.com/KurierDolny", Found.ANCHOR),
        ("/sport/index.rss", Found.ANCHOR),
    ]


def test_titles_and_languages_of_links_are_kept() -> None:
    site = read_site_page(page(HOME))
    assert (site.title, site.language) == ("Kurier Dolny", "pl")
    assert site.candidates[0].title == "Kurier Dolny » Kanał"
    assert site.candidates[2].language == "de"


def test_links_are_relative_to_the_base_that_the_page_names() -> None:
    body = '<base href="https://www.kurier-dolny.example/pl/"><link rel="alternate" type="text/xml" href="rss.php">'
    assert [c.url for c in read_site_page(page(body)).candidates] == ["https://www.kurier-dolny.example/pl/rss.php"]


@pytest.mark.parametrize(
    "body", [b"", b"\0\0\0", b"<", b"\xff\xfe<\0", b"{}", b"<html></html>", b'<a href="http://[">RSS</a>']
)
def test_a_page_without_anything_names_nothing(body: bytes) -> None:
    assert read_site_page(page(body)).candidates == ()


PIECES = [
    '<a href="',
    "/rss",
    "http://[",
    '">',
    "RSS</a>",
    '<link rel="alternate" type="text/xml" href="',
    "<base href='",
    "\0",
    "é",
    "<!--",
]


@settings(deadline=None)  # the first undecidable text loads tables
@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from(PIECES), max_size=30).map(lambda pieces: "".join(pieces).encode())
)
def test_any_bytes_are_read_without_an_error(body: bytes) -> None:
    for candidate in read_site_page(page(body)).candidates:
        assert candidate.url.startswith("http")


def test_a_title_is_taken_up_to_what_adorns_it() -> None:
    assert (
        read_site_page(page("<head><title>The Daily \u202eLoop – News, sport and weather</title></head>")).title
        == "The Daily Loop"
    )


def test_sitemaps_of_news_come_first() -> None:
    named = ["/sitemap.xml", "https://a.example/sitemap-news.xml", "http://[", ""]
    assert [c.url for c in robots_candidates(named, "https://a.example/")] == [
        "https://a.example/sitemap-news.xml",
        "https://a.example/sitemap.xml",
    ]


def test_common_places_are_on_the_host_of_the_page() -> None:
    urls = [candidate.url for candidate in common_candidates("https://a.example/2026/x.html", COMMON_FEEDS)]
    assert urls[0] == "https://a.example/feed" and len(urls) == len(COMMON_FEEDS)
    assert len(distinct(common_candidates("https://a.example/", ["/feed", "/feed/", "/?feed=rss2"]))) == 1


@pytest.mark.parametrize(
    ("url", "title", "so"),
    [
        ("https://a.example/comments/feed/", None, True),
        ("https://a.example/feeds/comments/default", None, True),
        ("https://a.example/?feed=comments-rss2", None, True),
        ("https://a.example/feed", "A » Commentaires", True),
        ("https://a.example/feed", "A » Kommentar-Feed", True),
        ("https://a.example/feed", "A » Kanał z komentarzami", True),
        ("https://a.example/feed", "A » Flux", False),
        ("https://a.example/commentators/feed", None, False),
    ],
)
def test_feeds_of_comments_are_known_by_address_or_title(url: str, title: str | None, so: bool) -> None:
    assert is_of_comments(url, title) is so


@pytest.mark.parametrize(
    ("path", "so"),
    [
        ("news-sitemap.xml", True),
        ("sitemap_news.xml", True),
        ("google-news.xml", True),
        ("sitemap/news/1", True),
        ("newsletter-sitemap.xml", False),
        ("sitemap.xml", False),
    ],
)
def test_a_news_sitemap_is_known_by_its_name(path: str, so: bool) -> None:
    assert names_news(f"https://a.example/{path}") is so


def test_a_site_is_a_registrable_domain_but_at_hosts_of_feeds_one_feed() -> None:
    assert site_of("https://www.a.co.uk/x") == site_of("http://rss.a.co.uk/") == "a.co.uk"
    assert site_of("https://feeds.feedburner.com/A") != site_of("https://feeds.feedburner.com/B")


def test_languages_are_read_from_tags() -> None:
    assert [language_code(tag) for tag in ("pl-PL", "EN", "de_DE", "fil", "x", "", None)] == [
        "pl",
        "en",
        "de",
        None,
        None,
        None,
        None,
    ]


RSS = b"<rss version='2.0'><channel><title>A</title><item><link>https://a.example/1</link></item></channel></rss>"
URLSET = (
    b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>https://a.example/1</loc></url></urlset>"
)


@pytest.mark.parametrize(
    ("body", "kind"), [(RSS, FeedKind.FEED), (URLSET, FeedKind.SITEMAP), (b"https://a.example/1\n", FeedKind.SITEMAP)]
)
def test_a_document_is_what_it_is_whatever_it_is_served_as(body: bytes, kind: FeedKind) -> None:
    read, document = read_document(page(body))
    assert read is kind and [entry.url for entry in document.entries] == ["https://a.example/1"]


@pytest.mark.parametrize("body", [HOME.encode(), b"", b"plain words", b"{}"])
def test_what_is_neither_feed_nor_sitemap_is_none(body: bytes) -> None:
    with pytest.raises(NotAFeed):
        read_document(page(body))
