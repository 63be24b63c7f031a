"""The archive gives back what it was given, survives damage, and reads other people's WARC files."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import brotli
import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from warc_files import HTML, chunked, foreign, http
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from extract import warc
from extract.feedtext import feed_page
from extract.model import Page, Reason, Rejection
from extract.warc import ArchiveDamaged, WarcPlace, iter_pages, read_page, write_pages

NOW = datetime(2026, 11, 21, 10, 15, 0, 123456, tzinfo=UTC)
NAME = "2026/11/20261121T101500Z-a1.warc.gz"


def a_page(number: int = 0, **changes: object) -> Page:
    facts: dict[str, object] = {
        "url": f"http://daily.example/{number}",
        "final_url": f"https://www.daily.example/{number}",
        "status": 200,
        "headers": (("Content-Type", "text/html"), ("X-Number", str(number))),
        "body": HTML + str(number).encode(),
        "fetched_at": NOW + timedelta(microseconds=number),
    }
    return Page(**(facts | changes))  # type: ignore[arg-type]


def read_all(path: Path | str, start: int = 0) -> tuple[list[Page], list[ArchiveDamaged]]:
    damage: list[ArchiveDamaged] = []
    pages = [page for page, _ in iter_pages(str(path), start=start, on_damage=damage.append)]
    return pages, damage


# --- our own files ---

HEADER_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True) | st.sampled_from(
    ["Content-Encoding", "content-length", "Transfer-Encoding", "X-Archive-Orig-Content-Length", "Content-Type", "ETag"]
)
HEADER_VALUES = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=40).map(str.strip)
PAGES = st.builds(
    Page,
    url=st.sampled_from(["http://daily.example/a", "https://daily.example/ü?x=<1>", "http://daily.example/#top"]),
    final_url=st.sampled_from(
        ["http://daily.example/a", "https://www.daily.example/%C3%BC", "file:///home/a%20b.html"]
    ),
    status=st.just(200),
    headers=st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=6).map(tuple),
    body=st.binary(max_size=500)
    | st.sampled_from([b"\r\n\r\nWARC/1.1\r\n", gzip.compress(HTML, mtime=0), b"0\r\n\r\n"]),
    fetched_at=st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 made aware by hypothesis
)


@given(st.lists(PAGES, max_size=4))
def test_what_is_written_is_read_back(pages: Sequence[Page]) -> None:
    archive = f"memory://round-trip/{os.urandom(8).hex()}"
    places = write_pages(archive, NAME, pages)
    assert [read_page(archive, place) for place in places] == list(pages)
    read = list(iter_pages(f"{archive}/{NAME}"))
    assert [page for page, _ in read] == list(pages)
    assert [(place.offset, place.length) for _, place in read] == [(place.offset, place.length) for place in places]


def test_a_status_past_the_registry_and_a_foreign_clock_are_kept(tmp_path: Path) -> None:
    here = timezone(timedelta(hours=5, minutes=30))
    page = a_page(status=299, fetched_at=NOW.astimezone(here))
    (place,) = write_pages(str(tmp_path), NAME, [page])
    read = read_page(str(tmp_path), place)
    assert read == page
    assert read.fetched_at.utcoffset() == timedelta(0)


def test_what_a_feed_carried_is_a_resource_without_an_http_head(tmp_path: Path) -> None:
    text = "The old bridge over the Orrin was opened to walkers again on Friday. " * 5
    refusal = Rejection(url="http://daily.example/a", reason=Reason.REFUSED, detail="403 Forbidden")
    page = feed_page("http://daily.example/a", [text], refusal, NOW)
    assert page is not None
    [place] = write_pages(str(tmp_path), NAME, [page])
    assert read_page(str(tmp_path), place) == page
    with (tmp_path / NAME).open("rb") as file:
        assert [record.rec_type for record in ArchiveIterator(file)] == ["warcinfo", "resource"]


def test_places_follow_each_other_in_a_file_named_by_the_caller(tmp_path: Path) -> None:
    places = write_pages(str(tmp_path), NAME, [a_page(n) for n in range(3)])
    assert {place.file for place in places} == {NAME}
    assert [place.offset + place.length for place in places[:-1]] == [place.offset for place in places[1:]]
    assert places[-1].offset + places[-1].length == (tmp_path / NAME).stat().st_size


def test_other_tools_read_our_files(tmp_path: Path) -> None:
    packed = (("Content-Encoding", "br"), ("Content-Length", "7"), ("Transfer-Encoding", "chunked"))
    write_pages(str(tmp_path), NAME, [a_page(1, headers=packed), a_page(2, final_url="file:///home/a.html")])
    with (tmp_path / NAME).open("rb") as file:
        found = [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read())
            for record in ArchiveIterator(file, check_digests="raise")
        ]
    assert [kind for kind, _, _ in found] == ["warcinfo", "response", "resource"]
    assert found[1][1:] == ("https://www.daily.example/1", HTML + b"1")
    assert found[2][1:] == ("file:///home/a.html", HTML + b"2")


def test_the_archive_may_be_any_file_system(tmp_path: Path) -> None:
    for archive in (str(tmp_path / "a"), (tmp_path / "b").as_uri(), "memory://archive", f"{tmp_path}/c/"):
        (place,) = write_pages(archive, NAME, [a_page()])
        assert read_page(archive, place) == a_page()


def test_an_archive_may_move(tmp_path: Path) -> None:
    (place,) = write_pages(str(tmp_path / "old"), NAME, [a_page()])
    (tmp_path / "old").rename(tmp_path / "new")
    assert read_page(str(tmp_path / "new"), place) == a_page()


def test_a_name_is_used_once(tmp_path: Path) -> None:
    (place,) = write_pages(str(tmp_path), NAME, [a_page(1)])
    with pytest.raises(FileExistsError):
        write_pages(str(tmp_path), NAME, [a_page(2)])
    assert read_page(str(tmp_path), place) == a_page(1)


def test_writers_do_not_disturb_each_other(tmp_path: Path) -> None:
    def write(number: int) -> tuple[WarcPlace, ...]:
        return write_pages(str(tmp_path), f"2026/12/{number}.warc.gz", [a_page(number), a_page(number + 100)])

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, range(16)))
    for number, places in enumerate(written):
        assert [read_page(str(tmp_path), place) for place in places] == [a_page(number), a_page(number + 100)]
    assert len(list((tmp_path / "2026/12").iterdir())) == 16


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_crash_before_the_rename_leaves_no_file(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_failure(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(step, power_failure)
    with pytest.raises(OSError, match="no space"):
        write_pages(str(tmp_path), NAME, [a_page()])
    monkeypatch.undo()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    (place,) = write_pages(str(tmp_path), NAME, [a_page()])
    assert read_page(str(tmp_path), place) == a_page()


def test_a_killed_writer_leaves_nothing_that_is_seen(tmp_path: Path) -> None:
    """Killed between the last byte and the rename, it leaves a hidden part that no reader and no name meets."""
    program = (
        "import os, pathlib, sys; from datetime import UTC, datetime; "
        "from extract.model import Page; from extract.warc import write_pages; "
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), 9); "
        "url = 'http://daily.example/a'; now = datetime.now(UTC); "
        "page = Page(url=url, final_url=url, status=200, headers=(), body=b'x', fetched_at=now); "
        f"write_pages(sys.argv[1], {NAME!r}, [page])"
    )
    root = Path(warc.__file__).parents[1]
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, check=False)
    assert killed.returncode == -9
    assert [path.name[0] for path in (tmp_path / NAME).parent.iterdir()] == ["."]
    (place,) = write_pages(str(tmp_path), NAME, [a_page()])
    assert read_page(str(tmp_path), place) == a_page()


# --- damage ---


def test_damage_names_file_and_offset(tmp_path: Path) -> None:
    places = write_pages(str(tmp_path), NAME, [a_page(n) for n in range(3)])
    whole = (tmp_path / NAME).read_bytes()
    middle = places[1]
    wrong = {
        "cut off": whole[: middle.offset + middle.length // 2],
        "gone": whole[: middle.offset],
        "overwritten": whole[: middle.offset] + bytes(middle.length) + whole[middle.offset + middle.length :],
        "flipped": whole[: middle.offset + 80] + bytes([whole[middle.offset + 80] ^ 1]) + whole[middle.offset + 81 :],
    }
    for name, content in wrong.items():
        (tmp_path / f"{name}.warc.gz").write_bytes(content)
        with pytest.raises(ArchiveDamaged) as damage:
            read_page(str(tmp_path), WarcPlace(file=f"{name}.warc.gz", offset=middle.offset, length=middle.length))
        assert damage.value.file.endswith(f"{name}.warc.gz")
        assert damage.value.offset == middle.offset


@pytest.mark.parametrize(
    ("file", "offset", "length"), [("none.warc.gz", 0, 100), (NAME, 5, 100), (NAME, 10**9, 100), (NAME, 0, 10**6)]
)
def test_a_place_without_a_page_is_damage(file: str, offset: int, length: int, tmp_path: Path) -> None:
    """The last case is the warcinfo record at the head of the file: sound, and no page."""
    write_pages(str(tmp_path), NAME, [a_page()])
    with pytest.raises(ArchiveDamaged) as damage:
        read_page(str(tmp_path), WarcPlace(file=file, offset=offset, length=length))
    assert (Path(damage.value.file), damage.value.offset) == (tmp_path / file, offset)


def test_broken_members_are_named_and_leapt_over(tmp_path: Path) -> None:
    places = write_pages(str(tmp_path), NAME, [a_page(n) for n in range(5)])
    content = bytearray((tmp_path / NAME).read_bytes())
    for broken in (places[1], places[3]):
        middle = broken.offset + broken.length // 2
        content[middle : middle + 20] = b"\x1f\x8b\x08" + bytes(17)
    (tmp_path / "broken.warc.gz").write_bytes(content)
    pages, damage = read_all(tmp_path / "broken.warc.gz")
    assert pages == [a_page(0), a_page(2), a_page(4)]
    assert [fault.offset for fault in damage] == [places[1].offset, places[3].offset]


def test_a_file_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    places = write_pages(str(tmp_path), NAME, [a_page(n) for n in range(3)])
    (tmp_path / "cut.warc.gz").write_bytes((tmp_path / NAME).read_bytes()[:-10])
    pages, damage = read_all(tmp_path / "cut.warc.gz")
    assert pages == [a_page(0), a_page(1)]
    assert [fault.offset for fault in damage] == [places[2].offset]


def test_reading_resumes_where_it_ended(tmp_path: Path) -> None:
    places = write_pages(str(tmp_path), NAME, [a_page(n) for n in range(3)])
    pages, damage = read_all(tmp_path / NAME, start=places[0].offset + places[0].length)
    assert pages == [a_page(1), a_page(2)]
    assert damage == []


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_flipped_byte_stops_the_reading(position: int, change: int) -> None:
    archive = f"memory://flipped/{os.urandom(8).hex()}"
    write_pages(archive, NAME, [a_page(n) for n in range(3)])
    with fsspec.open(f"{archive}/{NAME}", "rb") as file:
        content = bytearray(file.read())
    content[position % len(content)] ^= change
    with fsspec.open(f"{archive}/flipped.warc.gz", "wb") as file:
        file.write(content)
    pages, _ = read_all(f"{archive}/flipped.warc.gz")
    assert len(pages) >= 2
    assert set(pages) <= {a_page(n) for n in range(3)}


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"WARC/1.1\r\n", b"WARC/1.0\r\nContent-Length: 9\r\n\r\n"]),
)
def test_any_bytes_are_a_file_without_pages(content: bytes, start: bytes) -> None:
    with fsspec.open("memory://any.warc", "wb") as file:
        file.write(start + content)
    pages, _ = read_all("memory://any.warc")
    assert pages == []


def test_a_decompression_bomb_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "MAX_RECORD_BYTES", 100_000)
    bomb = foreign([("response", "http://daily.example/a", http(bytes(10**6)))], gzipped=True)
    (tmp_path / "bomb.warc.gz").write_bytes(bomb)
    pages, damage = read_all(tmp_path / "bomb.warc.gz")
    assert pages == []
    assert "100000" in damage[0].why


# --- files of others ---


@pytest.mark.parametrize("gzipped", [True, False])
def test_foreign_files_are_read_in_place(gzipped: bool, tmp_path: Path) -> None:
    records = [
        ("warcinfo", "", b"software: other\r\n"),
        ("request", "http://daily.example/a", b"GET /a HTTP/1.1\r\n\r\n"),
        ("response", "http://daily.example/a", http(HTML, "Content-Type: text/html")),
        ("response", "dns:daily.example", b"daily.example. 60 IN A 93.184.216.34"),
        ("revisit", "http://daily.example/a", http(b"")),
        ("response", "http://daily.example/moved", http(b"", "Location: /b", status="301 Moved")),
        ("response", "http://daily.example/gone", http(b"gone", status="404 Not Found")),
        ("metadata", "http://daily.example/a", b"fetchTimeMs: 7\r\n"),
        ("resource", "file:///home/b.html", HTML),
        ("response", "http://daily.example/c", http(b"", status="200")),
    ]
    file = tmp_path / ("other.warc.gz" if gzipped else "other.warc")
    file.write_bytes(foreign(records, gzipped=gzipped))
    read = list(iter_pages(str(file)))
    assert [page.url for page, _ in read] == ["http://daily.example/a", "file:///home/b.html", "http://daily.example/c"]
    assert read[0][0].headers == (("Content-Type", "text/html"),)
    assert read[0][0].fetched_at == datetime(2019, 5, 1, 8, tzinfo=UTC)
    assert [page.body for page, _ in read] == [HTML, HTML, b""]
    for page, place in read:
        assert read_page("s3://elsewhere/archive", place) == page


def test_a_relative_path_becomes_a_place_that_holds_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.warc").write_bytes(foreign([("response", "http://daily.example/a", http(HTML))], gzipped=False))
    ((page, place),) = iter_pages("other.warc")
    monkeypatch.chdir("/")
    assert read_page("warc", place) == page


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(HTML, mtime=0), ["Content-Encoding: gzip"]),
        (zlib.compress(HTML), ["Content-Encoding: deflate"]),
        (brotli.compress(HTML), ["Content-Encoding: br"]),
        (chunked(HTML), ["Transfer-Encoding: chunked"]),
        (chunked(gzip.compress(HTML, mtime=0)), ["Transfer-Encoding: chunked", "Content-Encoding: gzip"]),
        (HTML, ["Transfer-Encoding: chunked", "Content-Encoding: gzip"]),
        (HTML, ["Content-Encoding: br"]),
        (HTML, ["Content-Encoding: zstd"]),
        (HTML, ["Content-Encoding: utf-8"]),
    ],
)
def test_bodies_are_decoded_also_where_the_head_lies(body: bytes, headers: list[str], tmp_path: Path) -> None:
    block = http(body, *headers)
    (tmp_path / "a.warc.gz").write_bytes(foreign([("response", "http://daily.example/a", block)], gzipped=True))
    ((page, _),) = iter_pages(str(tmp_path / "a.warc.gz"))
    assert page.body == HTML


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (b"", {}),
        (b"no status line\r\n\r\n", {}),
        (http(gzip.compress(HTML, mtime=0)[:-12], "Content-Encoding: gzip"), {}),
        (http(HTML), {"WARC_Truncated": "length"}),
        (http(HTML), {"WARC_Date": "yesterday"}),
        (http(HTML), {"WARC_Date": ""}),
    ],
    ids=["empty", "no HTTP", "cut body", "truncated", "no date", "missing date"],
)
@pytest.mark.parametrize("gzipped", [True, False])
def test_a_broken_record_is_named_and_the_next_one_read(
    block: bytes, fields: dict[str, str], gzipped: bool, tmp_path: Path
) -> None:
    good = [("response", "http://daily.example/good", http(HTML))]
    bad = foreign([("response", "http://daily.example/bad", block)], gzipped=gzipped, **fields)
    (tmp_path / "a.warc").write_bytes(foreign(good, gzipped=gzipped) + bad + foreign(good, gzipped=gzipped))
    pages, damage = read_all(tmp_path / "a.warc")
    assert [page.url for page in pages] == ["http://daily.example/good"] * 2
    assert [fault.offset for fault in damage] == [len(foreign(good, gzipped=gzipped))]


def test_a_plain_record_with_a_wrong_length_costs_only_itself(tmp_path: Path) -> None:
    one = foreign([("response", "http://daily.example/a", http(HTML))], gzipped=False)
    wrong = one.replace(b"Content-Length: ", b"Content-Length: 9")
    (tmp_path / "a.warc").write_bytes(one + wrong + one)
    pages, damage = read_all(tmp_path / "a.warc")
    assert len(pages) == 2
    assert [fault.offset for fault in damage] == [len(one)]


def test_one_gzip_member_around_many_records_is_named(tmp_path: Path) -> None:
    records = [("response", f"http://daily.example/{n}", http(HTML)) for n in range(3)]
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(foreign(records, gzipped=False), mtime=0))
    pages, damage = read_all(tmp_path / "a.warc.gz")
    assert pages == []
    assert "more than one record" in damage[0].why


def test_files_of_warcio_itself_are_read(tmp_path: Path) -> None:
    with (tmp_path / "a.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html"), ("X-Name", "ü")], protocol="HTTP/1.0")
        for n in range(2):
            facts = {"payload": BytesIO(HTML), "length": len(HTML), "http_headers": head}
            writer.write_record(writer.create_warc_record(f"http://daily.example/{n}", "response", **facts))
    pages, damage = read_all(tmp_path / "a.warc.gz")
    assert [(page.url, page.body) for page in pages] == [(f"http://daily.example/{n}", HTML) for n in range(2)]
    assert damage == []


def test_damage_is_logged_where_nobody_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.warc").write_bytes(b"not a WARC file at all")
    assert list(iter_pages(str(tmp_path / "a.warc"))) == []
    assert "no record begins here" in caplog.text
