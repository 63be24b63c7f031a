"""HTTP's content codings undone, with an eye on bombs and on bodies that break off (RFC 9110 §8.4)."""

from __future__ import annotations

import zlib

import brotli
import zstandard

ACCEPTED = "gzip, deflate, br, zstd"
GZIP_MAGIC = b"\x1f\x8b\x08"
GZIP_WBITS = 16 + zlib.MAX_WBITS  # for zlib: with gzip's head and checksum
_MAX_MEMBERS = 64  # of one gzip body; each costs a copy of the rest
_MAX_CODINGS = 4  # one over the other; two are a server's mistake, more are an attack
_ZSTD_WINDOW_BYTES = 8 * 2**20  # RFC 9659 §3: the largest that this coding may ask for
_OTHER_CODINGS = frozenset({"compress", "x-compress", "dcb", "dcz"})


class CodingError(ValueError):
    """A body that is not coded as its head says, or in a way that nobody asked for."""


def undo_codings(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The body without its content codings (RFC 9110 §8.4); longer than `limit` means that it goes on.

    Never decompresses far past `limit`. Words that are no codings ('utf-8', 'none') are passed over, as browsers do.
    Raises CodingError, also for a body that ends too early: half an article must not pass for one.
    """
    codings = content_encoding.lower().split(",") if content_encoding else []
    if len(codings) > _MAX_CODINGS:
        raise CodingError(f"{len(codings)} content codings")
    for coding in reversed(codings):
        body = _undone(coding.strip(), body, limit) if body else body
    return body


def _undone(coding: str, body: bytes, limit: int) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return _inflated(body, limit, GZIP_WBITS)
    if coding == "deflate":  # with zlib's head by RFC 9110 §8.4.1.2, without it by some servers
        return _inflated(body, limit, zlib.MAX_WBITS if body[0] & 0x0F == 8 else -zlib.MAX_WBITS)
    if coding == "br":
        return _unbrotlied(body, limit)
    if coding == "zstd":
        return _unzstded(body, limit)
    if coding in _OTHER_CODINGS:
        raise CodingError(f"content coding {coding}")
    return body


def _inflated(body: bytes, limit: int, wbits: int) -> bytes:
    plain = b""
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(wbits)
        try:
            plain += inflater.decompress(body, limit + 1 - len(plain))
        except zlib.error as fault:
            raise CodingError(f"a body that is not compressed as said ({fault})") from fault
        if len(plain) > limit:
            return plain
        if not inflater.eof:
            raise CodingError("a compressed body is cut off")
        body = inflater.unused_data
        if not body.startswith(GZIP_MAGIC):  # padding, which some servers leave behind
            return plain
    raise CodingError(f"more than {_MAX_MEMBERS} gzip members")


def _unbrotlied(body: bytes, limit: int) -> bytes:
    decompressor = brotli.Decompressor()
    plain = bytearray()
    try:
        plain += decompressor.process(body, output_buffer_limit=limit + 1)
        while not decompressor.is_finished() and len(plain) <= limit:
            more = decompressor.process(b"", output_buffer_limit=limit + 1)
            if not more:
                raise CodingError("a compressed body is cut off")
            plain += more
    except brotli.error as fault:
        raise CodingError(f"a body that is not compressed as said ({fault})") from fault
    return bytes(plain)


def _unzstded(body: bytes, limit: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    try:
        with decompressor.stream_reader(body, read_across_frames=True) as reader:
            plain = reader.read(limit + 1)
        if len(plain) <= limit and not _is_whole(decompressor, body):
            raise CodingError("a compressed body is cut off")
    except zstandard.ZstdError as fault:
        raise CodingError(f"a body that is not compressed as said ({fault})") from fault
    return plain


def _is_whole(decompressor: zstandard.ZstdDecompressor, body: bytes) -> bool:
    """Whether zstd frames end where the body does: the stream reader takes a cut one for a whole one.

    body: known to decompress to no more than we take
    """
    for _ in range(_MAX_MEMBERS):
        inflater = decompressor.decompressobj()
        inflater.decompress(body)
        if not inflater.eof:
            return False
        body = inflater.unused_data
        if not body:
            return True
    raise CodingError(f"more than {_MAX_MEMBERS} zstd frames")
