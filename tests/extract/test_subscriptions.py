"""Lists of feeds as they are handed around, and the sources made of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.catalogue import read_source
from extract.model import FeedKind, FetchPolicy
from extract.source_file import source_text
from extract.subscriptions import Subscriptions, propose, read_subscriptions

OPML = """<?xml version="1.0" encoding="ISO-8859-2"?>
<opml version="2.0">
<head><title>Moje kanały</title></head>
<body>
<outline text="Regionalne">
  <outline text="Dolny Śląsk" title="Dolny Śląsk">
    <outline type="rss" text="Głos Doliny – Sport" xmlUrl="https://glos.example/sport/rss" htmlUrl="https://glos.example/" language="pl"/>
    <outline type="rss" text="Głos Doliny – Kultura" xmlurl="https://glos.example/kultura/rss?a=1&b=2"/>
  </outline>
</outline>
<outline type="rss" xmlUrl="feed://bez-tytulu.example/rss"/>
<outline type="rss" text="Powtórka" xmlUrl="http://www.glos.example/sport/rss/"/>
<outline type="rss" text="Zepsuty" xmlUrl="not an address"/>
<outline type="rss" text="Pusty" xmlUrl=""/>
<outline type="rss" text="Blog" xmlUrl="https://feeds.feedburner.com/AnnaPisze" htmlUrl="https://anna.example/"/>
<outline text="Anna bez strony" type="rss" xmlUrl="https://feeds.feedburner.com/Anna"/>
</body></opml>"""


def urls(listed: Subscriptions) -> list[str]:
    return [one.feed.url if one.feed else one.homepage or "" for one in listed.wanted]


def bad(listed: Subscriptions) -> list[tuple[int, str]]:
    return [(one.line, one.why) for one in listed.bad]


# --- OPML -----------------------------------------------------------------------------------------------------


def test_outlines_are_read_at_any_depth_in_any_encoding() -> None:
    listed = read_subscriptions(OPML.encode("iso-8859-2", "xmlcharrefreplace"))
    assert urls(listed) == [
        "https://glos.example/sport/rss",
        "https://glos.example/kultura/rss?a=1&b=2",
        "https://bez-tytulu.example/rss",
        "http://www.glos.example/sport/rss/",
        "https://feeds.feedburner.com/AnnaPisze",
        "https://feeds.feedburner.com/Anna",
    ]
    assert (listed.wanted[0].title, listed.wanted[0].language) == ("Głos Doliny – Sport", "pl")
    assert [line for line, _ in bad(listed)] == [13, 14]


def test_an_opml_is_read_up_to_where_it_breaks_off() -> None:
    body = OPML.encode("utf-8")
    assert (
        urls(read_subscriptions(body[: body.index(b'<outline type="rss" text="Powt')]))
        == urls(read_subscriptions(body))[:3]
    )


@pytest.mark.parametrize("opening", ["\ufeff", "\n\n", "<!-- mine -->", ""])
def test_what_stands_before_the_opml_does_no_harm(opening: str) -> None:
    body = f'{opening}<opml><body><outline xmlUrl="https://a.example/rss" text="A &nbsp; &eacute;"/></body></opml>'
    assert urls(read_subscriptions(body.encode())) == ["https://a.example/rss"]


def test_entities_are_not_multiplied_and_files_not_read() -> None:
    body = b'<!DOCTYPE o [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml><body><outline text="&a;" xmlUrl="https://a.example/1"/></body></opml>'
    assert "root" not in (read_subscriptions(body).wanted[0].title or "")


# --- Tables and lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1250"])
def test_a_table_is_read_in_any_order_of_columns_delimiter_and_encoding(mark: str, encoding: str) -> None:
    rows = [
        ["Tier", "Language", "Title", "Feed URL", "homepage", "country", "remark"],
        ["1", "pl-PL", "Głos Doliny, żółty", "https://glos.example/rss", "https://glos.example", "pl", "x"],
        ["", "", "Łącznik śląski", "lacznik.example/rss", "", "UK", ""],
    ]
    body = "\r\n".join(mark.join(f'"{cell}"' if mark in cell else cell for cell in row) for row in rows)
    first, second = read_subscriptions(body.encode(encoding)).wanted
    assert first.feed and first.feed.url == "https://glos.example/rss" and first.homepage == "https://glos.example"
    assert (first.title, first.language, first.country, first.tier) == ("Głos Doliny, żółty", "pl", "PL", 1)
    assert second.feed and second.feed.url == "https://lacznik.example/rss"
    assert (second.title, second.language, second.country, second.tier) == ("Łącznik śląski", None, "GB", None)


def test_a_list_of_urls_is_a_table_of_one_column() -> None:
    listed = read_subscriptions(
        b"# mine\n\nhttps://a.example/rss\nb.example/feed\nhttps://c.example/\nhttps://d.example/sitemap-news.xml\nno address at all\n"
    )
    assert urls(listed) == [
        "https://a.example/rss",
        "https://b.example/feed",
        "https://c.example/",
        "https://d.example/sitemap-news.xml",
    ]
    assert [one.feed.kind if one.feed else None for one in listed.wanted] == [
        FeedKind.FEED,
        FeedKind.FEED,
        None,
        FeedKind.SITEMAP,
    ]
    assert [line for line, _ in bad(listed)] == [7]


def test_a_table_without_a_header_is_understood() -> None:
    (one,) = read_subscriptions(b"The Herald;https://a.example/rss;2024\n").wanted
    assert (one.title, one.feed and one.feed.url) == ("The Herald", "https://a.example/rss")


def test_bad_parts_of_a_line_are_told_and_the_rest_is_used() -> None:
    listed = read_subscriptions(b"url,language,country,tier\nhttps://a.example/rss,Polish!,Poland,9\n,pl,,\n")
    assert urls(listed) == ["https://a.example/rss"]
    assert bad(listed) == [
        (2, "no language; left out"),
        (2, "no country; left out"),
        (2, "no tier; left out"),
        (3, "without an address"),
    ]


def test_lines_are_counted_through_quoted_line_breaks() -> None:
    listed = read_subscriptions(b'title,url\n"Two\nlines",https://a.example/1\nx,nonsense here\n')
    assert [one.line for one in listed.wanted] == [2] and [line for line, _ in bad(listed)] == [4]


@settings(deadline=None)  # the first undecidable text loads tables
@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_are_read_without_an_error(body: bytes) -> None:
    listed = read_subscriptions(body)
    proposed, _ = propose(listed.wanted, (), FetchPolicy())
    for one in proposed:
        assert read_source(source_text(one.source), one.source.name) == one.source


# --- Sources --------------------------------------------------------------------------------------------------


def test_feeds_of_one_site_become_one_source() -> None:
    proposed, skipped = propose(read_subscriptions(OPML.encode()).wanted, (), FetchPolicy())
    assert [(one.source.name, one.source.title, len(one.source.feeds)) for one in proposed] == [
        ("glos", "Głos Doliny", 2),
        ("bez-tytulu", "bez-tytulu", 1),
        ("anna", "Blog", 1),
        ("anna-bez-strony", "Anna bez strony", 1),
    ]
    assert [(one.lines, one.why) for one in skipped] == [((12,), "the same feed as in line 7")]


def test_what_the_catalogue_has_is_skipped() -> None:
    there = read_source('title = "A"\nfeeds = ["http://a.example/rss/"]', "herald")
    listed = read_subscriptions(b"https://a.example/rss\nhttps://a.example/sport/rss\nhttps://b.example/rss\n")
    proposed, skipped = propose(listed.wanted, (there,), FetchPolicy())
    assert [one.source.name for one in proposed] == ["b"]
    assert [one.why for one in skipped] == [
        "the source 'herald' has it",
        "its site is the source 'herald': add it to that file, if it brings more",
    ]


def test_names_are_different_where_domains_begin_alike() -> None:
    listed = read_subscriptions(b"https://herald.co.uk/rss\nhttps://herald.ie/rss\nhttps://herald.com/rss\n")
    proposed, _ = propose(listed.wanted, (read_source('title = "H"', "herald-2"),), FetchPolicy())
    assert [one.source.name for one in proposed] == ["herald", "herald-3", "herald-4"]


def test_thousands_of_lines_are_one_source_each() -> None:
    rows = "".join(f"Paper {n},https://paper-{n}.example/rss,en\n" for n in range(5000))
    listed = read_subscriptions(f"title,feed,language\n{rows}".encode())
    proposed, skipped = propose(listed.wanted, (), FetchPolicy())
    assert len(proposed) == 5000 and not skipped and not listed.bad


def test_feeds_in_a_broken_part_of_a_document_are_counted() -> None:
    body = (
        b'<opml><body>\n<outline text="A" xmlUrl="https://a.example/f"/>\n<outline text=B xmlUrl=https://b.example/f />\n'
        b'<outline text="C" xmlUrl="https://c.example/f"/>\n<outline text="D" xmlUrl="https://d.exa'
    )
    read = read_subscriptions(body)
    assert len(read.wanted) + 2 == 4 and "of its feeds cannot be read" in read.bad[0].why


def test_a_quotation_mark_that_nobody_closed_costs_its_line_only() -> None:
    rows = "".join(f"Paper {number},https://p{number}.example/f\n" for number in range(40))
    read = read_subscriptions(f'title,url\n"Unclosed,https://u.example/f\n{rows}'.encode())
    assert (len(read.wanted), [bad.line for bad in read.bad]) == (40, [2])
