"""Feeds as publishers write them: RSS, RDF, Atom, JSON Feed, and what only looks like one."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from extract.feeds import MAX_ENTRIES, NotAFeed, read_feed
from extract.model import FeedEntry

URL = "https://post.example/feeds/all.xml"


def rss(items: str, channel: str = "<title>The Post</title>", prolog: str = '<?xml version="1.0"?>') -> str:
    spaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
    )
    return f'{prolog}<rss version="2.0" {spaces}><channel>{channel}{items}</channel></rss>'


def item(inner: str = "", link: str = "/ferry") -> str:
    return f"<item><title>Ferry</title><link>{link}</link>{inner}</item>"


def only_entry(document: str | bytes) -> FeedEntry:
    (entry,) = read_feed(document.encode() if isinstance(document, str) else document, URL).entries
    return entry


def test_rss_item_is_read_whole() -> None:
    entry = only_entry(
        rss(
            "<item><title>Ferry &amp;amp; tuba</title><link>/ferry?page=1&amp;copy=2</link>"
            "<description>&lt;p&gt;The ferry left at &lt;b&gt;seven&lt;/b&gt;.&lt;/p&gt;</description>"
            "<content:encoded><![CDATA[<p>The ferry left at seven.</p><script>track()</script>"
            "<p>The tuba<br>did not &eacute;tude.</p>]]></content:encoded>"
            "<dc:creator>Ada Brook</dc:creator><dc:creator>Jonas Quill</dc:creator>"
            "<pubDate>Tue, 17 Mar 2026 19:42 CET</pubDate></item>"
        )
    )
    assert entry == FeedEntry(
        url="https://post.example/ferry?page=1&copy=2",
        title="Ferry & tuba",
        summary="The ferry left at seven.",
        text="The ferry left at seven.\n\nThe tuba\n\ndid not étude.",
        authors=("Ada Brook", "Jonas Quill"),
        published_at=datetime(2026, 3, 17, 18, 42, tzinfo=UTC),
    )


def test_channel_title_and_ttl_are_read() -> None:
    document = read_feed(rss(item(), "<title>The  Post</title><ttl>30</ttl>").encode(), URL)
    assert (document.title, document.ttl_s, document.left_out) == ("The Post", 1800.0, 0)


def test_atom_entry_is_read_whole() -> None:
    entry = only_entry(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://post.example/2026/"><title>The Post</title>'
        '<entry><title type="html">Ferry &amp;lt;3</title><id>tag:post.example,2026:1</id>'
        '<link rel="enclosure" href="a.mp3"/><link rel="alternate" href="ferry"/>'
        "<summary>Left at seven.</summary><content type='html'>&lt;p&gt;The ferry left at seven.&lt;/p&gt;</content>"
        "<author><name>Ada Brook</name><email>ada@post.example</email></author>"
        "<published>2026-03-17T19:42:10+01:00</published><updated>2026-03-18T08:00:00Z</updated></entry></feed>"
    )
    assert entry == FeedEntry(
        url="https://post.example/2026/ferry",
        title="Ferry <3",
        summary="Left at seven.",
        text="The ferry left at seven.",
        authors=("Ada Brook",),
        published_at=datetime(2026, 3, 17, 18, 42, 10, tzinfo=UTC),
        updated_at=datetime(2026, 3, 18, 8, tzinfo=UTC),
    )


def test_rdf_date_is_its_publication() -> None:
    entry = only_entry(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="/"><title>The Post</title></channel>'
        '<item rdf:about="/ferry"><title>Ferry</title><link>/ferry</link><dc:date>2026-03-17T19:42+01:00</dc:date></item>'
        "</rdf:RDF>"
    )
    assert (entry.url, entry.published_at) == ("https://post.example/ferry", datetime(2026, 3, 17, 18, 42, tzinfo=UTC))


def json_feed(*items: object, **top: Any) -> bytes:
    return json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "title": "The Post", "items": items, **top}
    ).encode()


def test_json_feed_item_is_read_whole() -> None:
    entry = only_entry(
        json_feed(
            {
                "id": "1",
                "url": "/ferry",
                "title": "Ferry",
                "summary": "Left at\nseven.",
                "content_html": "<p>The ferry</p><p>left at seven.</p>",
                "authors": [{"name": "Ada Brook"}, {"url": "https://post.example/x"}],
                "date_published": "2026-03-17T19:42:10+01:00",
                "date_modified": "2026-03-18T08:00:00Z",
            }
        )
    )
    assert entry == FeedEntry(
        url="https://post.example/ferry",
        title="Ferry",
        summary="Left at seven.",
        text="The ferry\n\nleft at seven.",
        authors=("Ada Brook",),
        published_at=datetime(2026, 3, 17, 18, 42, 10, tzinfo=UTC),
        updated_at=datetime(2026, 3, 18, 8, tzinfo=UTC),
    )


def test_json_feed_of_wrong_types_loses_only_what_is_wrong() -> None:
    odd = {
        "url": "/ferry",
        "title": 7,
        "authors": "Ada",
        "author": {"name": ["x"]},
        "date_published": 2026,
        "content_text": "a < b",
    }
    document = read_feed(json_feed(odd, "not an item", {"url": None}), URL)
    assert document.entries == (FeedEntry(url="https://post.example/ferry", text="a < b"),)
    assert document.left_out == 2


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://post.example/a", "https://post.example/a"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("www.post.example/a", "https://www.post.example/a"),
        ("\n  /a  \n", "https://post.example/a"),
    ],
)
def test_links_are_made_absolute(link: str, url: str) -> None:
    assert only_entry(rss(item(link=link))).url == url


def test_the_publishers_own_link_is_taken_before_the_counting_one() -> None:
    inner = "<feedburner:origLink>https://post.example/a</feedburner:origLink>"
    assert only_entry(rss(item(inner, link="https://feeds.example/~r/post/1"))).url == "https://post.example/a"


def test_guid_that_is_only_a_number_is_no_link() -> None:
    assert read_feed(rss("<item><guid>4711</guid></item>").encode(), URL).left_out == 1


def test_permanent_guid_is_the_link_of_an_item_without_one() -> None:
    assert only_entry(rss("<item><guid>https://post.example/a</guid></item>")).url == "https://post.example/a"


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "mailto:ada@post.example", "tag:post.example,2026:1"])
def test_items_without_a_usable_link_are_counted(link: str) -> None:
    document = read_feed(rss(item(link=link) + item()).encode(), URL)
    assert (len(document.entries), document.left_out) == (1, 1)


def test_a_huge_feed_is_cut_off_and_counted() -> None:
    many = "".join(item(link=f"/{n}") for n in range(MAX_ENTRIES * 20))
    started = time.monotonic()
    document = read_feed(rss(many).encode(), URL)
    assert (len(document.entries), document.left_out) == (MAX_ENTRIES, MAX_ENTRIES * 19)
    assert document.entries[0].url == "https://post.example/0"
    assert time.monotonic() - started < 10  # the whole of it takes feedparser more


def test_huge_json_feed_is_cut_off_and_counted() -> None:
    document = read_feed(json_feed(*({"url": f"/{n}"} for n in range(MAX_ENTRIES + 5))), URL)
    assert (len(document.entries), document.left_out) == (MAX_ENTRIES, 5)


def test_empty_feed_is_a_feed() -> None:
    assert read_feed(rss("").encode(), URL).entries == ()


def test_updated_item_without_publication_keeps_the_two_apart_in_atom() -> None:
    entry = only_entry(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/a"/><updated>2026-03-18T08:00:00Z</updated></entry></feed>'
    )
    assert (entry.published_at, entry.updated_at) == (None, datetime(2026, 3, 18, 8, tzinfo=UTC))


def test_summary_that_repeats_the_text_is_none() -> None:
    assert only_entry(rss(item("<content:encoded>Left at seven.</content:encoded>"))).summary is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("prolog", ["", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-8"?>'])
def test_unicode_feeds_in_any_dress(encoding: str, prolog: str) -> None:
    document = rss("<item><title>Żółw — 海龟</title><link>/a</link></item>", prolog=prolog)
    for content_type in (None, "text/xml", "application/rss+xml; charset=iso-8859-1"):
        (entry,) = read_feed(document.encode(encoding), URL, content_type).entries
        assert entry.title == "Żółw — 海龟"


def test_declared_legacy_encoding_is_believed() -> None:
    document = rss(
        "<item><title>Żółw</title><link>/a</link></item>", prolog='<?xml version="1.0" encoding="windows-1250"?>'
    )
    assert only_entry(document.encode("cp1250")).title == "Żółw"


def test_one_stray_byte_does_not_garble_the_feed() -> None:
    document = rss("<item><title>Żółw i sowa</title><link>/a</link><description>caf?</description></item>")
    entry = only_entry(document.encode().replace(b"caf?", b"caf\xe9"))
    assert (entry.title, entry.summary) == ("Żółw i sowa", "café")


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    entry = only_entry(
        rss("<item><title>Cats & dogs &nbsp; &copy;</title><link>/a</link>").removesuffix("</channel></rss>")
    )
    assert entry.title == "Cats & dogs ©"


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n ",
        b"\x00\x01\x02" * 40,
        b"just some words",
        b"/etc/hostname",
        b'{"version": "https://example.org/other", "items": []}',
        b"[1, 2",
        b"[" * 100_000,
        b"<!DOCTYPE html><html><body><p>rss</p></body></html>",
        b"\xef\xbb\xbf<!-- hello --><html><head><link rel='alternate' type='application/rss+xml'></head></html>",
        "<html><body>Wide page</body></html>".encode("utf-16"),
        b"<urlset><url><loc>https://post.example/a</loc></url></urlset>",
        b"<p>No page, no feed: " + b"<a href='x'>x</a> &amp; " * 200_000,
        rss("<a>" * 400_000).encode(),
        rss("<item><link>/a<&#xFFFFFFFF;</link></item>").encode(),
        rss(item(), prolog=f"<!DOCTYPE rss [{BOMB}]>").encode(),
        rss(
            "&a;" * 1000, prolog=f'<!DOCTYPE rss [<!-- {"<" * 9} {"x" * 100_000} -->\n<!ENTITY a "{"x" * 5000}">]>'
        ).encode(),
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_what_is_no_feed_is_refused_at_once(body: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(NotAFeed):
        read_feed(body, URL)
    assert time.monotonic() - started < 2


def test_declared_characters_are_no_bomb() -> None:
    prolog = '<?xml version="1.0"?>\n<!DOCTYPE rss [\n<!ENTITY rsquo "&#8217;">\n]>'
    assert only_entry(rss("<item><title>It&rsquo;s</title><link>/a</link></item>", prolog=prolog)).title == "It’s"
