"""Sitemaps as publishers write them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from extract.feeds import MAX_ENTRIES, MAX_UNPACKED_BYTES, NotAFeed
from extract.model import FeedEntry, SitemapRef
from extract.sitemaps import read_sitemap

URL = "https://post.example/sitemaps/news.xml"
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def urlset(inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {SPACES}>{inner}</urlset>'.encode()


def urls(document: bytes) -> list[str]:
    return [entry.url for entry in read_sitemap(document, URL).entries]


def test_news_sitemap_is_read_whole() -> None:
    document = urlset(
        "<url><loc> https://post.example/ferry </loc><lastmod>2026-03-18</lastmod>"
        "<image:image><image:loc>https://post.example/ferry.jpg</image:loc></image:image>"
        "<news:news><news:publication><news:name>The Post</news:name><news:language>en</news:language></news:publication>"
        "<news:publication_date>2026-03-17T19:42:10+01:00</news:publication_date>"
        "<news:title>Ferry &amp; tuba</news:title></news:news></url>"
    )
    assert read_sitemap(document, URL).entries == (
        FeedEntry(
            url="https://post.example/ferry",
            title="Ferry & tuba",
            published_at=datetime(2026, 3, 17, 18, 42, 10, tzinfo=UTC),
            updated_at=datetime(2026, 3, 18, tzinfo=UTC),
        ),
    )


def test_index_names_sitemaps_newest_first() -> None:
    document = read_sitemap(
        f"<sitemapindex {SPACES}><sitemap><loc>/s/1.xml</loc></sitemap>"
        "<sitemap><loc>/s/2.xml.gz</loc><lastmod>2026-01-01</lastmod></sitemap>"
        "<sitemap><loc>/s/3.xml</loc><lastmod>2026-02-01T10:00:00Z</lastmod></sitemap><sitemap/></sitemapindex>".encode(),
        URL,
    )
    assert document.sitemaps == (
        SitemapRef(url="https://post.example/s/3.xml", modified_at=datetime(2026, 2, 1, 10, tzinfo=UTC)),
        SitemapRef(url="https://post.example/s/2.xml.gz", modified_at=datetime(2026, 1, 1, tzinfo=UTC)),
        SitemapRef(url="https://post.example/s/1.xml"),
    )
    assert (document.entries, document.left_out) == ((), 1)


def test_newest_are_kept_when_there_are_too_many() -> None:
    days = [f"20{year}-{month:02}-{day:02}" for year in (24, 25) for month in range(1, 13) for day in range(1, 29)]
    pages = "".join(f"<url><loc>/{day}/{n}</loc><lastmod>{day}</lastmod></url>" for day in days for n in (1, 2))
    document = read_sitemap(urlset(pages), URL)
    assert (len(document.entries), document.left_out) == (MAX_ENTRIES, len(days) * 2 - MAX_ENTRIES)
    assert [entry.url for entry in document.entries[:3]] == [
        "https://post.example/2025-12-28/1",
        "https://post.example/2025-12-28/2",
        "https://post.example/2025-12-27/1",
    ]


def test_order_of_the_document_stands_where_nothing_is_dated() -> None:
    assert urls(urlset("<url><loc>/b</loc></url><url><loc>/a</loc></url>")) == [
        "https://post.example/b",
        "https://post.example/a",
    ]


def test_unusable_urls_are_counted() -> None:
    document = read_sitemap(urlset("<url><loc>mailto:x</loc></url><url/><url><loc>/a</loc></url>"), URL)
    assert (len(document.entries), document.left_out) == (1, 2)


def test_bare_ampersands_are_kept_and_character_data_left_alone() -> None:
    document = urlset(
        "<url><loc>/a?x=1&y=2&amp;z=3&#38;w=4</loc></url><url><loc><![CDATA[/b?x=1&y=2&amp;z=3]]></loc></url>"
    )
    assert urls(document) == ["https://post.example/a?x=1&y=2&z=3&w=4", "https://post.example/b?x=1&y=2&amp;z=3"]


def test_sitemap_without_namespace_is_read() -> None:
    assert urls(b"<urlset><url><loc>/a</loc></url></urlset>") == ["https://post.example/a"]


def test_truncated_sitemap_is_read_as_far_as_it_goes() -> None:
    assert (
        urls(urlset("<url><loc>/a</loc></url><url><loc>/b</lo").removesuffix(b"</urlset>"))[0]
        == "https://post.example/a"
    )


def test_gzip_is_undone_however_many_members_it_has() -> None:
    document = urlset("<url><loc>/a</loc></url>")
    assert urls(gzip.compress(document[:60], mtime=0) + gzip.compress(document[60:], mtime=0)) == [
        "https://post.example/a"
    ]


def test_list_of_urls_is_a_sitemap() -> None:
    document = read_sitemap(b"\xef\xbb\xbfhttps://post.example/a\r\n\r\nhttps://post.example/b\nsome words\n", URL)
    assert [entry.url for entry in document.entries] == ["https://post.example/a", "https://post.example/b"]
    assert document.left_out == 1


def test_feed_may_stand_for_a_sitemap() -> None:
    feed = b'<rss version="2.0"><channel><title>The Post</title><item><link>/a</link></item></channel></rss>'
    assert urls(feed) == ["https://post.example/a"]


def test_entities_are_not_resolved() -> None:
    for declaration in ('SYSTEM "file:///etc/hostname"', '"https://post.example/expanded"'):
        document = f"<!DOCTYPE urlset [<!ENTITY x {declaration}>]><urlset><url><loc>&x;</loc></url></urlset>"
        assert "expanded" not in "".join(urls(document.encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"some words",
        b"<!DOCTYPE html><html><body><a href='https://post.example/a'>a</a></body></html>",
        b"<!-- no root -->",
        b"<https://post.example/a>",
        b"\x1f\x8b\x08 no gzip at all",
        gzip.compress(urlset("<url><loc>/a</loc></url>"), mtime=0)[:40],
        gzip.compress(b" " * (MAX_UNPACKED_BYTES + 1), mtime=0),
        gzip.compress(b"", mtime=0),
    ],
    ids=lambda body: body[:16].decode("latin-1"),
)
def test_what_is_no_sitemap_is_refused(body: bytes) -> None:
    with pytest.raises(NotAFeed):
        read_sitemap(body, URL)
