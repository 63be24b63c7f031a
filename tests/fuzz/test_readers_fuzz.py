"""Mutated documents, random bytes and tricks: no reader crashes, hangs, or fails with an error that has no name.

What must hold is in reader_checks; `make fuzz` looks further, guided by coverage. What it found stands below by name.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_checks import BASE, CHECKS, SEEDS, seeds
from warc_files import HTML, foreign, http

from extract.feeds import NotAFeed, read_feed
from extract.sniff import other_kind
from extract.text import plain_text
from extract.urls import BadUrl, normalize_url, resolve_link
from extract.warc import ArchiveDamaged, iter_pages

PATIENT = settings(max_examples=30, deadline=timedelta(seconds=20), suppress_health_check=[HealthCheck.too_slow])
TOKENS = [
    b"<", b">", b"]]>", b"<![CDATA[", b"<!--", b"&#xFFFFFFFF;", b"&#0;", b"&#xD800;", b"&bogus;", b"<!DOCTYPE x [<!ENTITY y 'z'>]>",
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\x1b$B", b"\x1f\x8b\x08", b"WARC/1.1\r\n",
    b"Content-Length: 99999999999\r\n", b"Content-Length: -1\r\n", b"\r\n\r\n", b'"', b",,,,", b"[" * 500, b'{"a":' * 500,
    b"<a>" * 500, b"<a x='" + b"y" * 5000 + b"'>", b"<item>", b"<url><loc>", b"http://[::1", b"%" * 50, b"//", b"..",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, documents: tuple[bytes, ...]) -> bytes:
    """A document with a few pieces taken out, doubled, put elsewhere, or replaced by something odd."""
    data = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        match draw(st.sampled_from(["cut", "double", "splice", "insert", "bytes", "truncate"])):
            case "cut":
                data = data[:start] + data[end:]
            case "double":
                data = data[:end] + data[start:]
            case "splice":
                data = data[:start] + draw(st.sampled_from(documents))[end:]
            case "insert":
                data = data[:start] + draw(st.sampled_from(TOKENS)) + data[start:]
            case "bytes":
                data = data[:start] + draw(st.binary(max_size=20)) + data[start:]
            case "truncate":
                data = data[:start]
    return data


ALL_SEEDS = tuple(document for _, document in seeds())


@pytest.mark.parametrize("reader", CHECKS)
def test_its_own_documents_are_read(reader: str) -> None:
    for document in SEEDS[reader]:
        CHECKS[reader](document)


@pytest.mark.parametrize("reader", CHECKS)
@PATIENT
@given(data=st.data())
def test_mutated_documents_are_read_or_refused_by_name(reader: str, data: st.DataObject) -> None:
    CHECKS[reader](data.draw(mutated(tuple(SEEDS[reader]))))


@pytest.mark.parametrize("reader", CHECKS)
@PATIENT
@given(document=mutated(ALL_SEEDS) | st.binary(max_size=300))
def test_documents_of_other_kinds_are_read_or_refused_by_name(reader: str, document: bytes) -> None:
    CHECKS[reader](document)


XML = ("feed", "sitemap")
ENDLESS = [
    (XML, b"<rss version='2.0'><channel>" + b"<item>" * 20_000),
    (XML, b"<rss version='2.0'><channel><item><title>" + b"<b>" * 50_000),
    (XML, b"<rss version='2.0' x='" + b"y" * 3_000_000 + b"'><channel/></rss>"),
    (XML, b"<!DOCTYPE rss [" + b"<!ENTITY a '&#8217;'>" * 9_000 + b"]><rss version='2.0'><channel>" + b"&a;" * 9_000),
    (XML, b"<urlset>" + b"<url>" * 50_000),
    (XML, b"<urlset><url><loc>" + b"/a" * 1_000_000),
    (XML, b"<urlset>" + b"<url><loc>/a?&&&&</loc></url>" * 5_000),
    (XML, b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 100_000),
    ((*XML, "sniff"), b" " * 2_000_000 + b"<rss"),
    ((*XML, "charset", "sniff"), b"<?xml " * 50_000),
    ((*XML, "sniff"), b"<!--" * 100_000),
    (("list", "sitemap"), b"https://post.example/a\n" * 50_000),
    (("list", "robots"), b"#" * 2_000_000),
    (("list",), b'url\n"' + b'https://post.example/a\n"' * 20_000),
    (("list",), b"url,title\n" + b'https://post.example/a,"' * 5_000),
    (("feed", "warc"), b"\x1f\x8b\x08" * 100_000),
    (("warc",), b"WARC/1.0\r\n" * 5_000),
    (("warc",), b"WARC/1.0\r\nContent-Length: 10\r\n\r\n" * 5_000),
    (("charset",), "CafÃ© ".encode() * 50_000),
    (("charset", "feed"), b"&#146;" * 50_000),
    (("charset",), b"charset=" * 100_000),
    (("robots",), b"Disallow: /" + b"*a" * 50_000),
    ((*XML, "sniff"), b"<?a?>" * 500 + b"x"),  # 2^500 ways to part it, once
    ((*XML, "sniff"), b"<!--a-->" * 500 + b"x"),
    (("feed",), b"<rss version='2.0'><channel><item><link>/a</link><title>" + b"&lt;a" * 200_000),
    (("sitemap",), b"<urlset>" + b"<![CDATA[" * 50_000),
    (("charset",), b"<script>" * 20_000 + b"\xff\xe9" * 50),
    (("charset",), b"<" * 300_000 + b"\xff\xe9" * 50),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "document"),
    [
        pytest.param(reader, document, id=f"{reader}-{document[:24].decode('latin-1')}-{number}")
        for number, (readers, document) in enumerate(ENDLESS)
        for reader in readers
    ],
)
def test_nothing_that_grows_without_end_is_followed(reader: str, document: bytes) -> None:
    """A hang would end this run by its time limit."""
    CHECKS[reader](document)


# --- What fuzzing has found -----------------------------------------------------------------------------------


def test_a_dot_behind_an_ipv6_address_is_no_host() -> None:
    """'http://[::0055.]/' had a normal form whose normal form was another."""
    with pytest.raises(BadUrl):
        normalize_url("http://[::0055.]/")


def test_a_user_before_no_host_is_no_url() -> None:
    """yarl fails over 'http://[::1]@' with an IndexError: one such link lost the whole feed."""
    assert resolve_link(BASE, "http://[::1]@") is None
    with pytest.raises(BadUrl):
        normalize_url("http://[::1]@")


def test_noncharacters_in_markup_are_taken_out() -> None:
    """lxml takes no U+FFFF, written out or as a reference: one in a summary lost the whole feed."""
    assert plain_text("<p>The \uffffferry\ufffe</p>") == "The ferry"
    assert plain_text("The&#1; ferry&#xFFFF;<br>left&#11;at seven") == "The ferry\n\nleft at seven"
    feed = "<rss version='2.0'><channel><item><link>/a</link><title>&lt;b&gt;A\uffff&lt;/b&gt;</title></item></channel></rss>"
    assert read_feed(feed.encode(), BASE).entries[0].title == "A"


@pytest.mark.parametrize("date", ["99999999999999999999-01-01T00:00:00Z", "2019-05-01T99:00:00Z"])
def test_a_warc_date_beyond_all_calendars_is_damage(date: str) -> None:
    """It stopped the reading of the whole file with an OverflowError."""
    import fsspec

    good = foreign([("response", "https://daily.example/a", http(HTML))], gzipped=False)
    bad = foreign([("response", "https://daily.example/b", http(HTML))], gzipped=False, WARC_Date=date)
    with fsspec.open("memory://calendar.warc", "wb") as file:
        file.write(bad + good)
    damage: list[ArchiveDamaged] = []
    assert len(list(iter_pages("memory://calendar.warc", on_damage=damage.append))) == 1
    assert [fault.offset for fault in damage] == [0]


def test_a_beginning_of_many_comments_is_looked_at_once() -> None:
    """The look for '<html>' tried every way to part '<!--a--><!--a-->…': a page of forty of them never came back."""
    for beginning in (b"<!--a-->" * 100, b"<?a?>" * 100):
        with pytest.raises(NotAFeed):
            read_feed(beginning + b"<p>no feed", BASE)
        assert read_feed(beginning + b"<rss version='2.0'><channel/></rss>", BASE).entries == ()
        assert other_kind(beginning + b"<urlset>") == "XML (urlset)"


def test_bytes_that_look_like_the_beginnings_of_members_are_leapt_over() -> None:
    """Each cost a block of 64 kB: 300 kB of them took half a minute."""
    CHECKS["warc"](b"\x1f\x8b\x08\x1f" * 50_000 + SEEDS["warc"][1])


def test_a_name_has_no_control_characters() -> None:
    """The author of a feed in a legacy charset kept its NULs."""
    feed = b"<rss version='2.0'><channel><item><link>/a</link><author>Ad\0a \xa5</author></item></channel></rss>"
    assert read_feed(feed, BASE).entries[0].authors == ("Ada ¥",)
