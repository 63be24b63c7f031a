"""Traps that other systems for news and feeds have paid for, each one a test by its name: readers, URLs, WARC files."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories import HARBOUR_FIRE, NOON, Told, announce, copies, keep_sources, publish
from reading import article_on
from sqlalchemy import Engine, text
from warc_files import foreign, http

from extract.charset import decode, mended
from extract.feeds import MAX_ENTRIES, NotAFeed, read_feed
from extract.model import Announcement, Article, Page, Reason, Rejection, SourceName
from extract.sitemaps import read_sitemap
from extract.urls import is_home_page, normalize_url
from extract.warc import ArchiveDamaged, iter_pages
from flows.run import Summary
from flows.show.common import console
from flows.show.runs import run_summary
from load import entries, runs, sources
from load.tables import entry

URL = "https://post.example/feeds/all.xml"
TELLER = Announcement(source=SourceName("post"))


def rss(items: str, head: str = "<title>The Post</title>") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'


def urlset(urls: str) -> bytes:
    spaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
        'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
    )
    return f"<urlset {spaces}>{urls}</urlset>".encode()


def page(
    body: str, url: str = "https://post.example/2026/03/02/fire", head: str = "", asked: str | None = None
) -> Page:
    document = (
        f'<!doctype html><html lang="en"><head><title>Rope store burns</title>{head}</head><body>{body}</body></html>'
    )
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Page(url=asked or url, final_url=url, status=200, headers=headers, body=document.encode(), fetched_at=NOON)


def article_markup(paragraphs: tuple[str, ...] = HARBOUR_FIRE) -> str:
    return f"<article><h1>Rope store burns</h1>{''.join(f'<p>{paragraph}</p>' for paragraph in paragraphs)}</article>"


def rejected(given: Page) -> Reason | None:
    read = article_on(given, TELLER)
    return read.reason if isinstance(read, Rejection) else None


# --- 1. Static feeds ------------------------------------------------------------------------------------------


def test_a_feed_that_lists_an_old_url_for_ever_brings_it_in_once(engine: Engine) -> None:
    """A memory that forgets old URLs takes everything in a static feed for new one day."""
    announce(engine, "post", "https://post.example/a")
    year_later = NOON + timedelta(days=365)
    with engine.begin() as connection:
        source_id = sources.ensure(connection, "post", "Post")
        run_id = runs.begin(connection, "discover", year_later)
        listed = read_feed(rss("<item><link>/a</link></item>").encode(), URL).entries
        assert entries.record(connection, source_id, listed, run_id, year_later) == entries.Recorded(known=1)
        assert connection.execute(entry.select()).one().last_seen_at == year_later


# --- 3. Bytes, not text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_feeds_are_given_to_the_parser_as_bytes(encoding: str) -> None:
    """Decoding a feed by its header first breaks UTF-16 and UTF-32."""
    document = rss("<item><title>Żółw</title><link>/a</link></item>").encode(encoding)
    assert read_feed(document, URL, "text/xml; charset=iso-8859-1").entries[0].title == "Żółw"


@pytest.mark.parametrize("declared", ["ISO-8859-1", "utf-16", "windows-1250", "nonsense"])
def test_a_wrong_declaration_does_not_garble_what_is_valid_utf_8(declared: str) -> None:
    """An XML declaration is copied from elsewhere more often than it is thought about."""
    document = rss("<item><title>Żółw</title><link>/a</link></item>").replace("UTF-8", declared).encode()
    assert read_feed(document, URL).entries[0].title == "Żółw"


@pytest.mark.parametrize(
    "littered",
    [
        "\n\n  " + rss("<item><title>A</title><link>/a</link></item>"),
        "<br />\n<b>Warning</b>: gone in <b>x.php</b><br />\n" + rss("<item><title>A</title><link>/a</link></item>"),
        rss("<item><title>\x01A\x1f</title><link>/a\x02</link></item>"),
        rss("<item><title>A</title><link>/a</link></item><item><title>B").removesuffix("</channel></rss>"),
        rss("<item><media:title>x</media:title><title>A</title><link>/a</link></item>"),
        "\ufeff" + rss("<item><title>A</title><link>/a</link></item>"),
    ],
    ids=["blank lines", "a warning of PHP", "control characters", "cut off", "undeclared namespace", "mark and declaration"],
)  # fmt: skip
def test_an_ill_formed_feed_gives_what_it_has(littered: str) -> None:
    """feedparser's `bozo` says that something is odd, and something mostly is: what counts is what can be read."""
    first = read_feed(littered.encode(), URL).entries[0]
    assert (first.url, first.title) == ("https://post.example/a", "A")


def test_a_packed_feed_file_is_unpacked() -> None:
    """feed.xml.gz arrives as a file, not as a content coding."""
    assert read_feed(gzip.compress(rss("<item><link>/a</link></item>").encode(), mtime=0), URL).entries


@pytest.mark.parametrize("body", [b"", b"\n\n", b"<html><body>Moved</body></html>", b"<!DOCTYPE html><p>x", b"null"])
def test_what_stands_where_a_feed_was_is_told_from_an_empty_feed(body: bytes) -> None:
    """Error pages and empty documents are failures; a valid feed without items is none."""
    with pytest.raises(NotAFeed):
        read_feed(body, URL)
    assert read_feed(rss("").encode(), URL).entries == ()


def test_the_first_page_of_an_atom_entry_is_its_link() -> None:
    """Atom entries have links to comments, editors, other formats and translations, in any order."""
    links = "".join(
        f"<link {attributes}/>"
        for attributes in (
            'rel="replies" href="/comments"',
            'rel="self" href="/self"',
            'rel="alternate" type="application/json" href="/json"',
            'rel="alternate" type="text/html" hreflang="de" href="/de"',
            'rel="alternate" type="text/html" href="/page"',
        )
    )
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title>{links}<id>tag:1</id></entry></feed>'
    assert read_feed(feed.encode(), URL).entries[0].url == "https://post.example/page"


def test_items_with_one_guid_are_told_apart_by_their_links() -> None:
    """Templates give every item the same guid; podcasts have one and no link."""
    document = read_feed(
        rss(
            "<item><link>/a</link><guid>1</guid></item><item><link>/b</link><guid>1</guid></item>"
            "<item><guid>1</guid><enclosure url='/a.mp3' type='audio/mpeg' length='9'/></item>"
        ).encode(),
        URL,
    )
    assert [item.url for item in document.entries] == ["https://post.example/a", "https://post.example/b"]
    assert document.left_out == 1


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("It&#8217;s", "It’s"),
        ("It&amp;#8217;s", "It’s"),
        ("It&amp;amp;#8217;s", "It’s"),
        ("<![CDATA[<b>Rock</b> &amp;amp; roll]]>", "Rock & roll"),
        ("5 &lt; 6 &amp; 7", "5 < 6 & 7"),
        ("AT&amp;amp;T", "AT&T"),
    ],
)
def test_a_title_escaped_twice_is_read_as_meant(written: str, title: str) -> None:
    """RSS does not say whether a title is text or markup, so generators escape once, twice, or not at all."""
    assert (
        read_feed(rss(f"<item><title>{written}</title><link>/a</link></item>").encode(), URL).entries[0].title == title
    )


def test_a_date_may_be_odd_without_costing_its_item() -> None:
    """CDATA around dates, none at all, figures of zero, no zone, an update before the publication."""
    dates = ["<![CDATA[ Tue, 17 Mar 2026 19:42:00 +0100 ]]>", "", "0000-00-00 00:00:00", "2026-03-17 18:42:00", "soon"]
    items = "".join(f"<item><link>/{n}</link><pubDate>{date}</pubDate></item>" for n, date in enumerate(dates))
    moment = datetime(2026, 3, 17, 18, 42, tzinfo=UTC)
    found = [item.published_at for item in read_feed(rss(items).encode(), URL).entries]
    assert found == [moment, None, None, moment, None]


# --- 4. Sitemaps ----------------------------------------------------------------------------------------------


def test_a_sitemap_of_fifty_thousand_urls_is_capped_and_the_cut_is_counted() -> None:
    """One huge document would starve all others."""
    document = read_sitemap(urlset("".join(f"<url><loc>/{n}</loc></url>" for n in range(50_000))), URL)
    assert (len(document.entries), document.left_out) == (MAX_ENTRIES, 50_000 - MAX_ENTRIES)


def test_a_plain_urlset_that_poses_as_a_news_sitemap_has_no_news() -> None:
    """It declares the namespace and lists tags, sections, and when it was written as everyone's last change."""
    stamp = "<lastmod>2026-03-02T12:00:07Z</lastmod>"
    posing = read_sitemap(urlset("".join(f"<url><loc>/tag/{n}</loc>{stamp}</url>" for n in range(50))), URL)
    assert {item.updated_at for item in posing.entries} == {None}  # else all would be fetched anew at each poll
    few = read_sitemap(urlset(f"<url><loc>/a</loc>{stamp}</url>"), URL)
    assert few.entries[0].updated_at is not None


def test_pictures_and_translations_in_a_sitemap_are_no_pages() -> None:
    """image:loc and hreflang alternates stand where a careless reader takes them for the URL."""
    document = urlset(
        "<url><image:image><image:loc>/i.jpg</image:loc></image:image></url><url><image:loc>/j.jpg</image:loc>"
        '<loc>/a</loc><xhtml:link rel="alternate" hreflang="de" href="/de/a"/></url>'
    )
    assert [item.url for item in read_sitemap(document, URL).entries] == ["https://post.example/a"]


def test_a_wide_sitemap_keeps_its_ampersands() -> None:
    """Mending bare ampersands byte by byte puts UTF-16 out of step."""
    document = urlset("<url><loc>/a?x=1&y=2</loc></url>").decode().encode("utf-16")
    assert [item.url for item in read_sitemap(document, URL).entries] == ["https://post.example/a?x=1&y=2"]


def test_comments_in_a_list_of_urls_are_no_urls() -> None:
    """Lists kept by hand have comments, also behind URLs."""
    document = read_sitemap(b"# mine\n\nhttps://post.example/a\nhttps://post.example/b # new\n", URL)
    assert [item.url[-1] for item in document.entries] == ["a", "b"]
    assert document.left_out == 0


# --- 5, 6. What is no article ---------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [rss("<item><link>/a</link></item>" * 9), urlset("<url><loc>/a</loc></url>").decode()])
def test_a_feed_or_sitemap_fetched_as_an_article_is_known_by_its_first_tag(body: str) -> None:
    """Parsed as pages, they have cost others up to an hour each."""
    given = replace(page(""), body=body.encode())
    assert rejected(given) is Reason.WRONG_TYPE


@pytest.mark.parametrize(
    "url", ["https://post.example/", "https://post.example/en/", "https://post.example/index.html"]
)
def test_a_home_page_is_no_article(url: str) -> None:
    """Feeds link to home pages, and expired articles redirect there."""
    assert is_home_page(url)
    assert rejected(page(article_markup(), url=url)) is Reason.NOT_ARTICLE


def test_a_shortened_url_is_the_article_that_it_leads_to() -> None:
    """A shortener's address looks like no article, and many of them lead to one."""
    read = article_on(page(article_markup(), asked="https://sho.rt/x"), TELLER)
    assert isinstance(read, Article) and read.url == "https://post.example/2026/03/02/fire"


# --- 7. Keys of URLs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", ["ref=2", "source=rss", "id=7", "cid=7", "sid=7", "sort=new", "page=2", "p=1&p=2"])
def test_parameters_that_may_choose_the_page_are_kept(kept: str) -> None:
    """Dropping `id`, `ref` or `source` everywhere makes one article of many."""
    assert normalize_url(f"https://post.example/a?{kept}&utm_source=x") == f"https://post.example/a?{kept}"


def test_normalising_twice_is_normalising_once() -> None:
    """Stripping that is not idempotent gives a page a new identity at each pass."""
    for url in (
        "https://post.example/a?utm_utm_source=1&amp;utm_x",
        "http://POST.example:80/%7ea/../b/?&&",
        "https://x.example/?gclid",
    ):
        assert normalize_url(normalize_url(url)) == normalize_url(url)


# --- 8. rel=canonical -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "links",
    [
        ["https://elsewhere.example/2026/03/02/fire"],
        ["https://post.example/"],
        ["https://post.example/2026/"],
        ["https://post.example/a", "https://post.example/b"],
        ["javascript:void(0)"],
        [""],
    ],
    ids=["another owner", "the home page", "the section", "several", "no address", "empty"],
)
def test_a_canonical_link_that_cannot_be_one_is_not_believed(links: list[str]) -> None:
    """One site's canonical links named twelve other articles, many name the home page."""
    head = "".join(f'<link rel="canonical" href="{link}">' for link in links)
    read = article_on(page(article_markup(), head=head), TELLER)
    assert isinstance(read, Article) and read.url == "https://post.example/2026/03/02/fire"


def test_a_canonical_link_of_the_same_owner_is_believed() -> None:
    head = '<link rel="canonical" href="/news/rope-store-burns">'
    read = article_on(page(article_markup(), head=head), TELLER)
    assert isinstance(read, Article) and read.url == "https://post.example/news/rope-store-burns"


# --- 9. One text under many URLs ------------------------------------------------------------------------------


def test_one_text_under_many_urls_of_a_host_is_one_story_of_one_source(engine: Engine) -> None:
    """A template or a broken site serves one text under thousands of URLs: it must not look like wide coverage."""
    keep_sources(engine, "post", "northline")
    publish(engine, *copies("northline"), *(Told(url=f"https://post.example/{n}", source="post") for n in range(40)))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT articles, sources FROM news.story")).all()
    assert [tuple(row) for row in found] == [(41, 2)]


# --- 11. Text that repeats itself -----------------------------------------------------------------------------


def test_a_second_article_behind_the_first_is_not_the_first_ones_text() -> None:
    """Pages that scroll on append other articles; the first one has to be told from them."""
    second = "".join(
        f"<p>The council met on Thursday, item {n} of a long agenda about the harbour road.</p>" for n in range(3)
    )
    read = article_on(
        page(article_markup() + f"<aside class='next'><article><h2>Other</h2>{second}</article></aside>"), TELLER
    )
    assert isinstance(read, Article)
    told = " ".join(block.text for block in read.blocks)
    assert HARBOUR_FIRE[0] in told and "item 2 of a long agenda" not in told


# --- 14. What Postgres refuses --------------------------------------------------------------------------------


def test_a_duplicate_in_a_feed_rolls_nothing_back(engine: Engine) -> None:
    """One duplicate key held up 213,000 articles for eight days elsewhere."""
    with engine.begin() as connection:
        source_id = sources.ensure(connection, "post", "Post")
        run_id = runs.begin(connection, "discover", NOON)
        items = "".join(f"<item><link>{link}</link></item>" for link in ("/a", "/a?utm_source=x", "/b", "/a#top", "/c"))
        listed = read_feed(rss(items).encode(), URL).entries
        assert entries.record(connection, source_id, listed, run_id, NOON).new == 3
        assert entries.record(connection, source_id, listed, run_id, NOON).known == 3


def test_titles_and_texts_of_any_length_are_kept_whole(engine: Engine) -> None:
    """varchar(255) titles are cut or refused, and a tsvector over 1 MB is an error."""
    keep_sources(engine, "post")
    title = "Fire " * 20_000
    words = tuple(" ".join(f"word{paragraph}x{n}" for n in range(3000)) for paragraph in range(60))
    publish(engine, Told(url="https://post.example/long", source="post", title=title, paragraphs=words))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT title, length(text) FROM news.article")).one()
    assert tuple(found) == (title, len("\n\n".join(words)))


# --- 16. WARC files -------------------------------------------------------------------------------------------


def test_broken_members_of_a_warc_file_cost_only_themselves(tmp_path: Path) -> None:
    """Archives of many gigabytes have a few; a reader that stops at the first loses the rest."""
    good = [foreign([("response", f"https://post.example/{n}", http(b"<p>x"))], gzipped=True) for n in range(3)]
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(good[0] + good[1][:-9] + good[2])
    damage: list[ArchiveDamaged] = []
    found = [read.url[-1] for read, _ in iter_pages(str(file), on_damage=damage.append)]
    assert (found, [fault.offset for fault in damage]) == (["0", "2"], [len(good[0])])


def test_the_time_of_a_crawl_is_not_that_of_publication(tmp_path: Path) -> None:
    """WARC-Date says when a page was fetched; a page without a date has none."""
    file = tmp_path / "crawl.warc"
    block = http(page(article_markup()).body, "Content-Type: text/html", "Last-Modified: Wed, 01 May 2019 07:00:00 GMT")
    file.write_bytes(foreign([("response", "https://post.example/fire", block)], gzipped=False))
    ((found, _),) = iter_pages(str(file))
    read = article_on(found, TELLER)
    assert isinstance(read, Article)
    assert (read.published_at, read.fetched_at) == (None, datetime(2019, 5, 1, 8, tzinfo=UTC))


# --- 20. What is known already --------------------------------------------------------------------------------


def test_a_run_says_how_much_it_knew_already(capsys: pytest.CaptureFixture[str]) -> None:
    """A cache that hides what was seen looks like loss of data."""
    facts = {"announced": 9, "new": 0, "known": 9, "updated": 0, "feeds_failed": 0, "outcomes": {}, "articles": 9}
    facts |= {
        "stories": 9,
        "largest": None,
        "largest_copies": (),
        "cut": 0,
        "new_cuts": 0,
        "elapsed_s": 1.0,
        "store": "x",
        "breaches_begun": 0,
    }
    run_summary(console(), Summary(**facts, left_out={"revisit": 2, "status 404": 1}))  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "9 entries known" in told and "Left out: revisit 2, status 404 1" in told


# --- Text that was read wrongly before ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("served", "meant"),
    [
        ("CafÃ© crÃ¨me", "Café crème"),
        ("donâ€™t â€œstopâ€\x9d", "don’t “stop”"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("Å»Ã³Å‚w", "Żółw"),
        ("It&#146;s a\x96b", "It’s a–b"),
    ],
)
def test_utf_8_that_was_encoded_twice_is_read_as_meant(served: str, meant: str) -> None:
    """A database that takes UTF-8 for Latin-1 serves it as valid UTF-8."""
    assert decode(f"<p>{served}</p>".encode(), "text/html; charset=utf-8", None) == f"<p>{meant}</p>"
    assert (
        read_feed(rss(f"<item><title>{served}</title><link>/a</link></item>").encode(), URL).entries[0].title == meant
    )


@pytest.mark.parametrize(
    "honest",
    [
        "SÃO PAULO",
        "AÇÃO",
        "CAFÉ»",
        "CAFÉ…",
        "NESTLÉ™ chocolate",
        "« ÉTÉ »",
        "Tiếng Việt: Ã, Â, Ê",
        'old pages show "Ã¤" for ä',
        "É’S",
        "https://post.example/cafÃ©",
    ],
)
def test_honest_letters_are_left_alone(honest: str) -> None:
    """'Ã' is a letter of Portuguese and Vietnamese."""
    assert mended(honest) == honest


def test_typographic_quotes_of_windows_in_a_latin_1_page_are_quotes() -> None:
    """A page that calls itself ISO 8859-1 means Windows-1252."""
    body = "<p>“Fire”, she said – it’s out</p>"
    assert decode(body.encode("cp1252"), "text/html; charset=iso-8859-1", None) == body
