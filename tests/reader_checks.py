"""What must hold of every reader whatever bytes it gets: named errors only, bounded answers, usable values.

Shared by the property tests and the coverage-guided fuzzer: each check takes bytes, and fails by an exception.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence

import fsspec
from warc_files import HTML, chunked, foreign, http

from extract.charset import decode, mended
from extract.feeds import MAX_ENTRIES, NotAFeed, read_feed
from extract.lists import NotAList, is_url_list, read_table, read_url_list
from extract.model import FeedDocument, FeedEntry
from extract.robots import read_robots
from extract.sitemaps import read_sitemap
from extract.sniff import is_plain_text, other_kind, other_than_html
from extract.urls import BadUrl, domain_of, host_of, normalize_url, registrable_domain, resolve_link, url_key
from extract.warc import ArchiveDamaged, iter_pages, read_page

BASE = "https://post.example/feeds/all.xml"
AGENT = "storyfold/0.1 (+https://storyfold.example/bot)"


def check_feed(data: bytes) -> None:
    try:
        document = read_feed(data, BASE)
    except NotAFeed:
        return
    _check_document(document)


def check_sitemap(data: bytes) -> None:
    try:
        document = read_sitemap(data, BASE)
    except NotAFeed:
        return
    _check_document(document)


def check_robots(data: bytes) -> None:
    robots = read_robots(200, data)
    assert robots.allows(BASE, AGENT) in (True, False)
    delay = robots.crawl_delay_s(AGENT)
    assert delay is None or isinstance(delay, float)
    assert all(isinstance(url, str) for url in robots.sitemaps)


def check_url(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    link = resolve_link(BASE, text)
    if link is not None:
        assert url_key(link) and normalize_url(link).startswith("http")
    try:
        normal = normalize_url(text)
    except BadUrl:
        for function in (url_key, host_of, domain_of, registrable_domain):
            _refuses(function, text)
        return
    assert normalize_url(normal) == normal
    assert url_key(normal) == url_key(text)
    assert host_of(normal) == host_of(text) and domain_of(normal) == domain_of(text)


def check_warc(data: bytes) -> None:
    with fsspec.open("memory://fuzz.warc", "wb") as file:
        file.write(data)
    damage: list[ArchiveDamaged] = []
    others: list[str] = []
    end = 0
    for page, place in iter_pages("memory://fuzz.warc", on_damage=damage.append, on_other=others.append):
        assert end <= place.offset < place.offset + place.length <= len(data)
        end = place.offset + place.length
        assert read_page("memory://", place) == page
    assert len(damage) + len(others) <= len(data)
    assert all(0 <= fault.offset < len(data) for fault in damage)


def check_list(data: bytes) -> None:
    text = decode(data, "text/plain", None)
    lines = text.count("\n") + text.count("\r") + len(text.splitlines()) + 1
    listing = read_url_list(text)
    assert len(listing.items) + listing.left_out <= lines
    assert not is_url_list(text) or listing.items
    try:
        table = read_table(text)
    except NotAList:
        return
    assert len(table.items) + table.left_out <= lines
    for item in (*listing.items, *table.items):
        _check_entry(item.entry)


def check_charset(data: bytes) -> None:
    for language in (None, "pl", "ja"):
        text = decode(data, "text/html; charset=iso-8859-1", language)
        assert not any("\ud800" <= char <= "\udfff" for char in text)
    mended(data.decode("utf-8", "replace"))


def check_sniff(data: bytes) -> None:
    kind = other_kind(data)
    assert kind is None or 0 < len(kind) < 5000
    named = data[:40].decode("latin-1")
    other = other_than_html(data, named)
    assert other is None or other
    is_plain_text(data.decode("latin-1"), named, BASE)


def _refuses(function: Callable[[str], object], text: str) -> None:
    try:
        function(text)
    except BadUrl:
        return
    raise AssertionError(f"{function.__name__} takes what normalize_url refuses: {text!r}")


def _check_document(document: FeedDocument) -> None:
    assert len(document.entries) <= MAX_ENTRIES and len(document.sitemaps) <= MAX_ENTRIES
    assert document.left_out >= 0 and (document.ttl_s is None or document.ttl_s >= 0)
    for entry in document.entries:
        _check_entry(entry)
        assert normalize_url(entry.url).startswith("http")


def _check_entry(entry: FeedEntry) -> None:
    texts = [text for text in (entry.title, entry.summary, entry.text, *entry.authors) if text is not None]
    assert all(text.strip() and "\0" not in text for text in texts)
    assert all("\n" not in text for text in (entry.title, entry.summary) if text)
    assert all(moment.tzinfo is not None for moment in (entry.published_at, entry.updated_at) if moment)


# --- Where to begin -------------------------------------------------------------------------------------------

_ITEM = (
    "<item><title>Ferry &amp;amp; <![CDATA[<b>tuba</b>]]></title><link>/a?x=1&amp;y=2</link><guid>7</guid>"
    "<pubDate>Tue, 17 Mar 2026 19:42 CET</pubDate><dc:creator>Ada</dc:creator><description>&lt;p&gt;x&lt;/p&gt;</description>"
    "<content:encoded><![CDATA[<p>The ferry<br>left</p>]]></content:encoded><enclosure url='/x.mp3' type='audio/mpeg'/></item>"
)
_RSS = (
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE rss [<!ENTITY rsquo "&#8217;">]><rss version="2.0" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    f"<channel><title>Ż</title><ttl>30</ttl>{_ITEM}{_ITEM}</channel></rss>"
)
_ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://post.example/2026/"><title>T</title><entry>'
    '<title type="html">Ferry &amp;lt;3</title><id>tag:post.example,2026:1</id><link rel="self" href="s"/>'
    '<link rel="alternate" hreflang="en" href="ferry"/><author><name>Ada</name></author>'
    "<published>2026-03-17T19:42:10+01:00</published><updated>2026-03-18T08:00:00Z</updated></entry></feed>"
)
_RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel/>'
    '<item rdf:about="/a"><title>A</title><link>/a</link></item></rdf:RDF>'
)
_JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": 1, "url": "/a", "title": "A", "content_html": "<p>x", "authors": [{"name": "Ada"}]}],
    }
)
_URLSET = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
    "<url><loc>/a?x=1&y=2</loc><lastmod>2026-03-18</lastmod><image:image><image:loc>/i.jpg</image:loc></image:image>"
    "<news:news><news:publication_date>2026-03-17T19:42:10+01:00</news:publication_date><news:title>A</news:title>"
    "</news:news></url></urlset>"
)
_INDEX = "<sitemapindex><sitemap><loc>/s/1.xml</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"
_RECORDS = [
    ("warcinfo", "", b"software: other\r\n"),
    ("response", "https://daily.example/a", http(HTML, "Content-Type: text/html")),
    ("response", "https://daily.example/b", http(chunked(gzip.compress(HTML, mtime=0)), "Transfer-Encoding: chunked", "Content-Encoding: gzip")),
    ("revisit", "https://daily.example/a", http(b"")),
    ("resource", "file:///home/b.html", HTML),
]  # fmt: skip

CHECKS: dict[str, Callable[[bytes], None]] = {
    "feed": check_feed,
    "sitemap": check_sitemap,
    "robots": check_robots,
    "url": check_url,
    "warc": check_warc,
    "list": check_list,
    "charset": check_charset,
    "sniff": check_sniff,
}
SEEDS: dict[str, Sequence[bytes]] = {
    "feed": [text.encode() for text in (_RSS, _ATOM, _RDF, _JSON)] + [_RSS.encode("utf-16"), gzip.compress(_ATOM.encode(), mtime=0)],
    "sitemap": [text.encode() for text in (_URLSET, _INDEX, _RSS, "https://post.example/a\n# x\n")]
    + [_URLSET.encode("utf-16"), gzip.compress(_INDEX.encode(), mtime=0)],
    "robots": [b"User-agent: *\nDisallow: /a*b$\nAllow: /\nCrawl-delay: 2.5\nSitemap: https://post.example/s.xml\n"],
    "url": [
        b"https://user@WWW.Post.example:443/a/../b%7e?utm_source=x&id=2#top",
        "http://Żółw.example/ü?ref=1&&source=".encode(),
        b"file:///home/a%20b.html",
        b"//www.post.example/a",
        b"http://[::1]:8080/?q=%",
    ],
    "warc": [foreign(_RECORDS, gzipped=False), foreign(_RECORDS, gzipped=True)],
    "list": [
        b"# mine\nhttps://post.example/a  # first\n\nHTTP://post.example/b\r\n",
        b'sep=;\nURL;Title;Published at;Source\nhttps://post.example/a;"Fire; ""again""\nand more";2026-03-02;The Post\n',
        "\ufefflink\tauthors\nhttps://post.example/a\tAda; Jonas\n".encode("utf-16"),
    ],
    "charset": [
        "<html lang='pl'><meta charset=iso-8859-2><p>Źródło".encode("iso8859_2"),
        "<p>CafÃ© â€œferryâ€\x9d &#146;s".encode(),
        "<p>午前七時".encode("iso2022_jp"),
        "<p>Żółw".encode("utf-32"),
    ],
    "sniff": [HTML, _RSS.encode(), b"%PDF-1.7", b"\x89PNG\r\n", b'{"a": 1}', "<p>x".encode("utf-16")],
}  # fmt: skip


def seeds() -> Iterator[tuple[str, bytes]]:
    """Every reader's name with each of its documents."""
    for name, documents in SEEDS.items():
        for document in documents:
            yield name, document
