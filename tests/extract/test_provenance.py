"""What stands in the archive beside a page: what it says, who can read it, and what is done with other people's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warc_files import HTML, foreign, http
from warcio.archiveiterator import ArchiveIterator

from extract.model import Feed, FeedEntry, FeedKind, Page, SourceName
from extract.provenance import NotOurs, Provenance, Publisher, SampleOf, from_json, to_json
from extract.warc import WarcPlace, archive_files, iter_captures, read_page, write_pages

NOW = datetime(2026, 11, 21, 10, 15, 0, 123456, tzinfo=UTC)
NAME = "2026/11/20261121T101500123456Z-a1.warc.gz"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
TIMES = st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 made aware by hypothesis
KNOWN = st.builds(
    Provenance,
    source=st.builds(
        Publisher,
        name=TEXTS.map(SourceName),
        title=TEXTS,
        tier=st.integers(1, 3),
        language=st.none() | TEXTS,
        agency=st.none() | TEXTS,
        domains=st.lists(TEXTS, max_size=2).map(tuple),
        drop=st.lists(TEXTS, max_size=2).map(tuple),
    ),
    entry=st.builds(
        FeedEntry,
        url=TEXTS,
        title=st.none() | TEXTS,
        summary=st.none() | TEXTS,
        text=st.none() | TEXTS,
        authors=st.lists(TEXTS, max_size=2).map(tuple),
        published_at=st.none() | TIMES,
        updated_at=st.none() | TIMES,
    ),
    first_seen_at=TIMES,
    feed=st.none() | st.builds(Feed, url=TEXTS, kind=st.sampled_from(FeedKind)),
    opt_outs=st.lists(TEXTS, max_size=2).map(tuple),
)
TOLD = Provenance(
    source=Publisher(name=SourceName("daily"), title="The Daily", tier=1, domains=("daily.example",)),
    entry=FeedEntry(url="http://daily.example/0", title="A bridge reopens", published_at=NOW),
    first_seen_at=NOW,
    feed=Feed(url="http://daily.example/feed.xml", kind=FeedKind.FEED),
    opt_outs=("robots:GPTBot",),
)


def a_page(number: int = 0) -> Page:
    return Page(
        url=f"http://daily.example/{number}",
        final_url=f"https://www.daily.example/{number}",
        status=200,
        headers=(("Content-Type", "text/html"),),
        body=HTML + str(number).encode(),
        fetched_at=NOW + timedelta(microseconds=number),
    )


@given(KNOWN)
def test_what_is_told_is_read_back(known: Provenance) -> None:
    assert from_json(to_json(known)) == known


def test_what_is_empty_takes_no_room() -> None:
    bare = Provenance(
        source=Publisher(name=SourceName("a"), title="A"), entry=FeedEntry(url="http://a/"), first_seen_at=NOW
    )
    assert json.loads(to_json(bare)) == {
        "storyfold": 1,
        "source": {"name": "a", "title": "A", "tier": 2},
        "entry": {"url": "http://a/", "first_seen_at": "2026-11-21T10:15:00.123456+00:00"},
    }


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"[]",
        b"{}",
        b'{"storyfold": 2}',
        b'{"storyfold": 1}',
        b'{"storyfold": 1, "source": {"name": "a"}, "entry": {"url": "b", "first_seen_at": "2026-11-21T10:15:00Z"}}',
        b'{"storyfold": 1, "source": {"name": "a", "title": "A"}, "entry": {"url": "b", "first_seen_at": "2026-11-21"}}',
        b'{"storyfold": 1, "source": {"name": "a", "title": "A", "x": 1}, "entry": {"url": "b", "first_seen_at": "now"}}',
    ],
)
def test_any_other_json_is_refused(block: bytes) -> None:
    with pytest.raises(NotOurs):
        from_json(block)


def test_each_page_of_a_file_has_what_is_known_of_it(tmp_path: Path) -> None:
    told = [replace(TOLD, entry=replace(TOLD.entry, url=f"http://daily.example/{n}")) for n in range(2)]
    sample = SampleOf(url="http://daily.example/feed.xml")
    places = write_pages(str(tmp_path), NAME, [a_page(n) for n in range(3)], [*told, sample])
    found = list(iter_captures(str(tmp_path), NAME))
    assert [capture.page for capture in found] == [a_page(n) for n in range(3)]
    assert [capture.known for capture in found] == [*told, sample]
    assert [capture.place for capture in found] == list(places)
    behind = places[0].offset + places[0].length
    assert [capture.known for capture in iter_captures(str(tmp_path), NAME, start=behind)] == [told[1], sample]
    assert [read_page(str(tmp_path), place) for place in places] == [a_page(n) for n in range(3)]


def test_other_tools_find_a_metadata_record_that_refers_to_the_page(tmp_path: Path) -> None:
    write_pages(str(tmp_path), NAME, [a_page()], [TOLD])
    with (tmp_path / NAME).open("rb") as file:
        found = [(record.rec_headers, record.content_stream().read()) for record in ArchiveIterator(file)]
    (_, _), (page, _), (beside, block) = found
    assert beside.get_header("WARC-Type") == "metadata"
    assert beside.get_header("WARC-Refers-To") == page.get_header("WARC-Record-ID")
    assert beside.get_header("WARC-Target-URI") == page.get_header("WARC-Target-URI")
    assert json.loads(block)["entry"]["title"] == "A bridge reopens"


def test_metadata_of_other_crawlers_is_theirs(tmp_path: Path) -> None:
    record = "<urn:uuid:00000000-0000-0000-0000-000000000000>"  # of all records that `foreign` writes
    records = [
        ("response", "http://daily.example/0", http(HTML, "Content-Type: text/html")),
        ("metadata", "http://daily.example/0", b"fetchTimeMs: 12\r\n"),
    ]
    (tmp_path / "crawl.warc.gz").write_bytes(foreign(records, gzipped=True, WARC_Refers_To=record))
    (capture,) = iter_captures(str(tmp_path), "crawl.warc.gz")
    assert (capture.page.body, capture.known) == (HTML, None)
    assert capture.place == WarcPlace(file="crawl.warc.gz", offset=0, length=capture.place.length)


def test_the_files_of_an_archive_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ["2026/11/20261121T101500Z-b.warc.gz", "2026/11/20261121T101501000000Z-a.warc.gz", "2026/12/a.warc"]
    for name in reversed(names):
        write_pages(str(tmp_path), name, [])
    (tmp_path / "2026/11/.20261121T101502Z-c.warc.gz.1f.part").touch()
    (tmp_path / "notes.txt").touch()
    assert archive_files(str(tmp_path)) == archive_files(f"{tmp_path.as_uri()}/") == tuple(names)
    assert archive_files(str(tmp_path / "none")) == ()
