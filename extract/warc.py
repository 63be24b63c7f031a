"""I/O: a batch of pages as one WARC file, and pages back from any WARC file (WARC 1.1, ISO 28500:2017).

Bodies are archived with their content codings undone; the header fields that spoke of the coded body are kept under
`X-Archive-Orig-…`, as web archives do, so that every WARC reader finds a record that is true to itself. Behind the
record of a page stands, where it is known, a `metadata` record that refers to it and says whose page it is and what was
announced of it (`extract.provenance`).
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordbuilder import RecordBuilder
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser
from warcio.timeutils import datetime_to_iso_date, iso_date_to_datetime
from warcio.warcwriter import WARCWriter

from extract.codings import GZIP_MAGIC, GZIP_WBITS, CodingError, undo_codings
from extract.feedtext import refusal_of
from extract.model import Page
from extract.provenance import NotOurs, Provenance, SampleOf, from_json, to_json

GZIP_LEVEL = 6
MAX_RECORD_BYTES = 128 * 1024 * 1024  # decompressed; news pages end far below, and a bomb must not fill the memory

ASKED_URI = "X-Storyfold-Asked-URI"
"""Our field of a record's head: the URL as asked, where redirects led to another. Other readers pass over it."""
FILE_HEADER = "X-Storyfold-Header"
"""Our field, repeated: `name: value`, the headers of a page that is a local file, or that a feed's text stands for; a
`resource` record has no HTTP head."""

_ORIGINAL = "X-Archive-Orig-"
_OF_THE_CODED_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_WARC_MAGIC = b"WARC/1."
_ANY_MAGIC = re.compile(rb"\x1f\x8b\x08|WARC/1\.")
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*([0-9]{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_BLOCK = 1 << 16
_FIRST_BLOCK = 1 << 12  # of a gzip member: where nothing comes of it, none begins here
_TYPE = re.compile(rb"^warc-type:[ \t]*([a-z]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_BESIDE_PAGES = frozenset({"warcinfo", "request", "metadata"})  # they belong to pages, or to the whole file
_RECORD_ID = re.compile(rb"^warc-record-id:[ \t]*(\S+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_REFERS_TO = re.compile(rb"^warc-refers-to:[ \t]*(\S+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_WARC_ENDINGS = (".warc", ".warc.gz")
_SCHEMES = {"response": ("http://", "https://"), "resource": ("http://", "https://", "file:")}

_log = logging.getLogger(__name__)


class ArchiveDamaged(Exception):
    """A place in an archive that does not hold what it should."""

    def __init__(self, file: str, offset: int, why: str) -> None:
        super().__init__(f"{why}: {file} at byte {offset}")
        self.file = file
        self.offset = offset
        self.why = why

    def __reduce__(self) -> tuple[type[ArchiveDamaged], tuple[str, int, str]]:
        return type(self), (self.file, self.offset, self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHead:
    """What a record says of itself before its page."""

    kind: str  # 'response', 'revisit', …
    url: str
    date: datetime | None  # when it was captured; None where that cannot be read


Refuse = Callable[[RecordHead], str | None]
"""Why a page is not wanted, by its record's head alone, or None where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record of a WARC file, or a broken stretch: exactly one of page, other and damage, or none of them."""

    end: int  # a later reading goes on from here; of a broken stretch its beginning, for the file may still grow
    page: Page | None = None
    place: WarcPlace | None = None  # of the page
    known: Provenance | SampleOf | None = None  # what a record of ours beside the page says of it
    other: str | None = None  # what stands in place of a page, or why it is not wanted
    damage: ArchiveDamaged | None = None


@dataclass(frozen=True, slots=True)
class _Other:
    """A record that holds no page, and what it is instead."""

    what: str


class ArchiveUnavailable(Exception):
    """The archive's address cannot be used: why, in one sentence for the user."""


class _Damage(Exception):
    """What is wrong with the bytes at hand, before file and offset are known."""


_Record = tuple[int, int, bytes | _Other | _Damage]
"""Offset, length in the file, plain bytes or what is in their place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcPlace:
    """Where one page lies: enough for one ranged read."""

    file: str  # relative to the archive; for a foreign file its absolute path or URL
    offset: int
    length: int  # of the gzip member, or of the plain record


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A page of an archive, and what was known of it when it was archived."""

    page: Page
    place: WarcPlace
    known: Provenance | SampleOf | None = None  # None where no record of ours stands beside it


def check_archive(archive: str) -> None:
    """Nothing where the archive's address is one that can be used here. Raises ArchiveUnavailable.

    archive: a folder, or any fsspec URL
    """
    try:
        url_to_fs(archive)
    except (ImportError, ValueError) as error:
        raise ArchiveUnavailable(f"The archive {archive} cannot be used: {error}.") from error


def write_pages(
    archive: str, name: str, pages: Sequence[Page], known: Sequence[Provenance | SampleOf] = ()
) -> tuple[WarcPlace, ...]:
    """The places of the pages, in order, in a new file that is there whole or not at all.

    archive: a folder, or any fsspec URL. name: the file's path inside it. known: of each page, or of none
    Raises FileExistsError if the name was used before: places in that file would lose their pages.
    """
    builder = RecordBuilder(warc_version="1.1")
    head = {"software": "storyfold", "format": "WARC File Format 1.1"}
    warc = bytearray(_packed(builder.create_warcinfo_record(name, head)))
    places = []
    for page, told in zip_longest(pages, known):
        record = _record_of(builder, page)
        member = _packed(record)
        places.append(WarcPlace(file=name, offset=len(warc), length=len(member)))
        warc += member
        if told is not None:
            warc += _record_beside(record, told)
    _put(archive, name, bytes(warc))
    return tuple(places)


def read_page(archive: str, place: WarcPlace) -> Page:
    """The page at a place that `write_pages` or `iter_pages` gave. Raises ArchiveDamaged where there is none."""
    foreign = "://" in place.file or Path(place.file).is_absolute()
    files, path = url_to_fs(place.file if foreign else f"{archive.rstrip('/')}/{place.file}")
    try:
        packed = files.cat_file(path, start=place.offset, end=place.offset + place.length)
        record, _ = _record_at(BytesIO(packed), 0)
        page = record if isinstance(record, _Other) else _page_of(record)
    except FileNotFoundError as fault:
        raise ArchiveDamaged(path, place.offset, "no such file") from fault
    except _Damage as fault:
        raise ArchiveDamaged(path, place.offset, str(fault)) from fault
    if isinstance(page, _Other):
        raise ArchiveDamaged(path, place.offset, f"a record without a page ({page.what})")
    return page


def _pass_over(what: str) -> None:
    """Nobody wants to know."""


def iter_pages(
    path: str,
    *,
    start: int = 0,
    on_damage: Callable[[ArchiveDamaged], None] = _log.warning,
    on_other: Callable[[str], None] = _pass_over,
) -> Iterator[tuple[Page, WarcPlace]]:
    """Every page of a WARC file, ours or foreign, gzip or plain, with its place.

    A page is a `response` with a 2xx status, or a `resource`. What is broken is told to `on_damage`, once for a broken
    stretch, and reading goes on behind it. What stands in place of a page is told to `on_other`: 'revisit',
    'status 404', 'conversion'.
    start: where an earlier reading ended (offset + length of its last place).
    """
    for step in scan(path, start=start):
        if step.page and step.place:
            yield step.page, step.place
        elif step.other:
            on_other(step.other)
        elif step.damage:
            on_damage(step.damage)


def scan(path: str, *, start: int = 0, refuse: Refuse | None = None, name: str | None = None) -> Iterator[Step]:
    """Every record of a WARC file as `iter_pages` tells them, one by one, so that the reading can end at any of them.

    refuse: pages that are not wanted. They are inflated to find their end, and neither kept nor parsed.
    name: what places call the file; its absolute path or URL by default
    """
    files, inner = url_to_fs(path)
    file = name or (inner if isinstance(files, LocalFileSystem) else path)
    with files.open(inner, "rb") as stream:
        for (offset, length, record), behind in _with_the_next(_records(stream, start, refuse)):
            if isinstance(record, _Damage):
                yield Step(end=offset, damage=ArchiveDamaged(file, offset, str(record)))
                continue
            try:
                found = record if isinstance(record, _Other) else _page_of(record)
            except _Damage as damage:
                yield Step(end=offset + length, damage=ArchiveDamaged(file, offset, str(damage)))
                continue
            place = WarcPlace(file=file, offset=offset, length=length)
            known = _known_of(record, behind) if isinstance(record, bytes) else None
            yield _step(found, place, known)


def _step(found: Page | _Other, place: WarcPlace, known: Provenance | SampleOf | None) -> Step:
    end = place.offset + place.length
    if isinstance(found, _Other):
        return Step(end=end, other=None if found.what in _BESIDE_PAGES else found.what)
    if not 200 <= found.status < 300:
        return Step(end=end, other=f"status {found.status}")
    return Step(end=end, page=found, place=place, known=known)


def archive_files(archive: str) -> tuple[str, ...]:
    """The WARC files of an archive as rows name them, in the order of their names, which is that of their writing."""
    files, root = url_to_fs(archive)
    root = root.rstrip("/")
    found = (path[len(root) + 1 :] for path in files.find(root))
    return tuple(sorted(name for name in found if name.endswith(_WARC_ENDINGS)))


def iter_captures(
    archive: str,
    name: str,
    *,
    start: int = 0,
    on_damage: Callable[[ArchiveDamaged], None] = _log.warning,
    on_other: Callable[[str], None] = _pass_over,
) -> Iterator[Capture]:
    """As `iter_pages`, of a file of the archive, with what was known of each page; places name the file as rows do."""
    for step in scan(f"{archive.rstrip('/')}/{name}", start=start, name=name):
        if step.page and step.place:
            yield Capture(page=step.page, place=step.place, known=step.known)
        elif step.other:
            on_other(step.other)
        elif step.damage:
            on_damage(step.damage)


def _with_the_next(records: Iterator[_Record]) -> Iterator[tuple[_Record, bytes]]:
    """Each record, and the bytes of the one behind it; none behind the last, or what is broken or not wanted."""
    before = next(records, None)
    for record in records:
        assert before is not None
        yield before, record[2] if isinstance(record[2], bytes) else b""
        before = record
    if before is not None:
        yield before, b""


def _known_of(record: bytes, behind: bytes) -> Provenance | SampleOf | None:
    """What the record behind a page says of it, when it is one of ours that refers to it; of others it is theirs."""
    page, referred = _field(_RECORD_ID, record), _field(_REFERS_TO, behind)
    length = _field(_CONTENT_LENGTH, behind)
    if page is None or page != referred or length is None:
        return None
    begin = _end_of_head(behind)
    try:
        return from_json(behind[begin : begin + int(length)])
    except NotOurs as fault:
        _log.warning("what stands beside %s cannot be used: %s", page.decode(errors="replace"), fault)
        return None


def _field(field: re.Pattern[bytes], record: bytes) -> bytes | None:
    """The value of a field of a record's head."""
    found = field.search(record, 0, _end_of_head(record))
    return found[1] if found else None


def _end_of_head(record: bytes) -> int:
    return record.find(b"\r\n\r\n") + 4


def _packed(record: Any) -> bytes:
    """The record as one gzip member.

    warcio compresses at level 9 and in four pieces. At 6 a page takes a seventh less time and .1 % more room; in one
    piece, other threads have the interpreter meanwhile.
    """
    plain = BytesIO()
    WARCWriter(plain, gzip=False, warc_version="1.1").write_record(record)
    return gzip.compress(plain.getbuffer(), GZIP_LEVEL, mtime=0)


def _record_of(writer: RecordBuilder, page: Page) -> Any:
    fields = {"WARC-Date": datetime_to_iso_date(page.fetched_at.astimezone(UTC).replace(tzinfo=None), use_micros=True)}
    if page.url != page.final_url:
        fields[ASKED_URI] = page.url
    is_resource = page.final_url.startswith("file:") or refusal_of(page) is not None
    record = writer.create_warc_record(
        page.final_url,
        "resource" if is_resource else "response",
        payload=BytesIO(page.body),
        length=len(page.body),
        warc_headers_dict=fields,
        http_headers=None if is_resource else _http_head(page),
    )
    if is_resource:
        _add_file_headers(record, page.headers)
    return record


def _record_beside(record: Any, known: Provenance | SampleOf) -> bytes:
    """A `metadata` record, as a gzip member, that says what is known of the page of a record.

    By hand: warcio takes thrice the time for it, and would add two digests that nobody asks for.
    """
    block = to_json(known)
    page = record.rec_headers
    fields = (
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid4()}>"),
        ("WARC-Refers-To", page.get_header("WARC-Record-ID")),
        ("WARC-Target-URI", page.get_header("WARC-Target-URI")),
        ("WARC-Date", page.get_header("WARC-Date")),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(block))),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return gzip.compress(f"WARC/1.1\r\n{head}\r\n".encode() + block + b"\r\n\r\n", GZIP_LEVEL, mtime=0)


class _Utf8Head(StatusAndHeaders):  # type: ignore[misc]  # warcio has no types
    """An HTTP head in UTF-8; warcio's own percent-encodes what is not ASCII, and one could not read it back."""

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        self.headers_buff = self.to_bytes(header_filter, encoding="utf-8")


def _http_head(page: Page) -> _Utf8Head:
    phrase = next((status.phrase for status in HTTPStatus if status == page.status), "")
    headers = [(_archived(name), value) for name, value in page.headers]
    return _Utf8Head(f"{page.status} {phrase}".strip(), headers, protocol="HTTP/1.1")


def _archived(name: str) -> str:
    changed = name.lower() in _OF_THE_CODED_BODY or name.startswith(_ORIGINAL)
    return _ORIGINAL + name if changed else name


def _add_file_headers(record: Any, headers: Sequence[tuple[str, str]]) -> None:
    record.content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    for name, value in headers:
        record.rec_headers.add_header(FILE_HEADER, f"{name}: {value}")


def _put(archive: str, name: str, content: bytes) -> None:
    files, root = url_to_fs(archive)
    target = f"{root.rstrip('/')}/{name}"
    if files.exists(target):
        raise FileExistsError(target)
    if isinstance(files, LocalFileSystem):
        _put_local(Path(root), name, content)
    else:
        files.pipe_file(target, content)  # an object store shows an object when its upload is complete


def _put_local(root: Path, name: str, content: bytes) -> None:
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    for folder in list(target.parents)[: name.count("/") + 1]:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power failure; only POSIX systems let one ask for it."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _records(stream: BinaryIO, start: int, refuse: Refuse | None) -> Iterator[_Record]:
    """Each record from `start` on: its plain bytes, or what it is when nobody wants it.

    Broken stretches come once each, without a length, and are leapt over.
    """
    lost = False
    offset = _behind_blank_lines(stream, start)
    while offset is not None:
        try:
            record, length = _record_at(stream, offset, refuse)
        except _Damage as damage:
            if not lost:
                yield offset, 0, damage
            lost = True
            offset = _next_magic(stream, offset + 1)
            continue
        lost = False
        yield offset, length, record
        offset = _behind_blank_lines(stream, offset + length)


def _behind_blank_lines(stream: BinaryIO, offset: int) -> int | None:
    """Where the next record should begin, None at the end of the file; plain records have blank lines between them."""
    stream.seek(offset)
    while byte := stream.read(1):
        if byte not in b"\r\n":
            return offset
        offset += 1
    return None


def _next_magic(stream: BinaryIO, offset: int) -> int | None:
    """Where, from `offset` on, bytes stand that a record may begin with; None if nowhere."""
    stream.seek(offset)
    window = b""
    while block := stream.read(_BLOCK):
        window += block
        if found := _ANY_MAGIC.search(window):
            return offset + found.start()
        kept = window[1 - len(_WARC_MAGIC) :]
        offset += len(window) - len(kept)
        window = kept
    return None


def _record_at(stream: BinaryIO, offset: int, refuse: Refuse | None = None) -> tuple[bytes | _Other, int]:
    """The record that begins at `offset`, decompressed, or why it is refused; and its bytes in the file."""
    stream.seek(offset)
    magic = stream.read(len(_WARC_MAGIC))
    stream.seek(offset)
    if magic.startswith(GZIP_MAGIC):
        return _gzip_record(stream, refuse)
    if magic == _WARC_MAGIC:
        return _plain_record(stream, refuse)
    raise _Damage("no record begins here")


def _gzip_record(stream: BinaryIO, refuse: Refuse | None) -> tuple[bytes | _Other, int]:
    inflater = zlib.decompressobj(GZIP_WBITS)
    record, taken = bytearray(), 0
    refused: _Other | None = None
    while not inflater.eof:
        block = stream.read(_BLOCK if taken else _FIRST_BLOCK)
        if not block:
            raise _Damage("a gzip member is cut off")
        taken += len(block)
        try:
            record += inflater.decompress(block, MAX_RECORD_BYTES + 1 - len(record))
        except zlib.error as fault:
            raise _Damage(f"a gzip member is broken ({fault})") from fault
        if not record and not inflater.eof:
            raise _Damage("a gzip member has no beginning")
        _check_size(len(record))
        refused = refused or _refused(record, refuse)
        if refused:
            del record[:-1]  # what follows is inflated for its length and its check sum
    return refused or bytes(record), taken - len(inflater.unused_data)


def _refused(record: bytes | bytearray, refuse: Refuse | None) -> _Other | None:
    """Why the page of this record, or of this beginning of one, is not wanted."""
    end = record.find(b"\r\n\r\n") + 2 if refuse else 1
    if refuse is None or end < 2:
        return None
    kind = _TYPE.search(record, 0, end)
    if kind is None or kind[1].decode().lower() not in _SCHEMES:
        return None
    why = refuse(_head_of(bytes(record[:end])))
    return _Other(why) if why else None


def _head_of(head: bytes) -> RecordHead:
    lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
    fields = {name.lower(): value.strip() for name, _, value in lines}
    return RecordHead(
        kind=fields.get("warc-type", "").lower(),
        url=fields.get("warc-target-uri", "").strip("<>"),
        date=_date_or_none(fields.get("warc-date", "")),
    )


def _date_or_none(text: str) -> datetime | None:
    try:
        return _date(text)
    except _Damage:
        return None


def _plain_record(stream: BinaryIO, refuse: Refuse | None) -> tuple[bytes | _Other, int]:
    record = stream.read(_BLOCK)
    end = record.find(b"\r\n\r\n") + 4
    announced = _CONTENT_LENGTH.search(record, 0, end)
    if end < 4 or announced is None:
        raise _Damage("a record's head has no end or no Content-Length")
    length = end + int(announced[1])
    _check_size(length)
    refused = _refused(record, refuse)
    record = record[:length] + stream.read(max(length - len(record), 0))
    if len(record) < length:
        raise _Damage("a record is cut off")
    return refused or record, length


def _check_size(length: int) -> None:
    if length > MAX_RECORD_BYTES:
        raise _Damage(f"a record of more than {MAX_RECORD_BYTES} bytes")


def _page_of(record: bytes) -> Page | _Other:
    """The page that a record holds, or what it is instead."""
    kind = _TYPE.search(record, 0, record.find(b"\r\n\r\n") + 2)
    if kind and (what := kind[1].decode().lower()) in _BESIDE_PAGES:
        return _Other(what)  # half the records of a crawl, known without parsing them
    stream = BytesIO(record)
    loader = ArcWarcRecordLoader(verify_http=False, arc2warc=False)
    try:
        parsed = loader.parse_record_stream(stream, known_format="warc", no_record_parse=True)
    except (ArchiveLoadFailed, EOFError) as fault:
        raise _Damage(f"no WARC record ({fault})") from fault
    if (other := _other_than_page(parsed)) is not None:
        return other
    block = parsed.raw_stream.read()
    _check_block(parsed, block, rest=stream.read())
    read = _page_of_response if parsed.rec_type == "response" else _page_of_resource
    return read(parsed.rec_headers, block)


def _other_than_page(parsed: Any) -> _Other | None:
    """What a record is when it is no page, by its type and by the scheme of its target."""
    if parsed.rec_type not in _SCHEMES:
        return _Other(parsed.rec_type or "a record without a type")
    uri = parsed.rec_headers.get_header("WARC-Target-URI") or ""
    if uri.startswith(_SCHEMES[parsed.rec_type]):
        return None
    return _Other(f"{parsed.rec_type} of {uri.partition(':')[0][:20] or 'nothing'}")


def _check_block(parsed: Any, block: bytes, rest: bytes) -> None:
    if len(block) != parsed.length:
        raise _Damage(f"a record of {len(block)} bytes, {parsed.length} announced")
    if rest.strip(b"\r\n"):
        raise _Damage("more than one record in a gzip member: unpack the file, or compress it record by record")
    truncated = parsed.rec_headers.get_header("WARC-Truncated")
    if truncated:
        raise _Damage(f"the crawler cut this page off ({truncated})")


def _page_of_response(fields: Any, block: bytes) -> Page:
    stream = BytesIO(block)
    try:
        head = StatusAndHeadersParser([], verify=False).parse(stream)
        status = int(head.get_statuscode())
    except (EOFError, ValueError) as fault:
        raise _Damage("no HTTP status") from fault
    headers = tuple((_restored(name), value) for name, value in head.headers)
    return _page(fields, status, headers, _decoded(head, stream.read()))


def _page_of_resource(fields: Any, block: bytes) -> Page:
    own = tuple(_name_and_value(line) for name, line in fields.headers if name == FILE_HEADER)
    foreign = tuple(("Content-Type", value) for name, value in fields.headers if name.lower() == "content-type")
    return _page(fields, 200, own or foreign, block)


def _name_and_value(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.lstrip()


def _page(fields: Any, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> Page:
    final_url = fields.get_header("WARC-Target-URI")
    return Page(
        url=fields.get_header(ASKED_URI, final_url),
        final_url=final_url,
        status=status,
        headers=headers,
        body=body,
        fetched_at=_date(fields.get_header("WARC-Date", "")),
    )


def _date(text: str) -> datetime:
    try:
        date: datetime = iso_date_to_datetime(text, tz_aware=True)
    except (ValueError, TypeError, OverflowError) as fault:
        raise _Damage(f"WARC-Date {text!r}") from fault
    return date


def _restored(name: str) -> str:
    return name[len(_ORIGINAL) :] if name.startswith(_ORIGINAL) else name


def _decoded(head: StatusAndHeaders, body: bytes) -> bytes:
    """The body without the codings that its HTTP head names; many archives undid them and kept the head as it was."""
    if "chunked" in head.get_header("Transfer-Encoding", "").lower():
        body = ChunkedDataReader(BytesIO(body)).read()
    try:
        plain = undo_codings(body, head.get_header("Content-Encoding", ""), MAX_RECORD_BYTES)
    except CodingError as fault:
        if body.lstrip().startswith((b"<", b"{")):
            return body
        raise _Damage(str(fault)) from fault
    _check_size(len(plain))
    return plain
