"""WARC files as other crawlers write them, byte by byte."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from io import BytesIO

HTML = b"<!doctype html><title>A bridge reopens</title><p>The old bridge reopened on Friday.</p>"


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))


def foreign(records: Sequence[tuple[str, str, bytes]], *, gzipped: bool, **fields: str) -> bytes:
    """A WARC 1.0 file as other crawlers write it: record type, target, block."""
    written = BytesIO()
    for kind, uri, block in records:
        head = {"WARC-Type": kind, "WARC-Target-URI": uri, "WARC-Date": "2019-05-01T08:00:00Z"}
        head |= {"Content-Length": str(len(block)), "WARC-Record-ID": "<urn:uuid:00000000-0000-0000-0000-000000000000>"}
        head |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = ["WARC/1.0", *(f"{name}: {value}" for name, value in head.items() if value), "", ""]
        record = "\r\n".join(lines).encode() + block + b"\r\n\r\n"
        written.write(gzip.compress(record, mtime=0) if gzipped else record)
    return written.getvalue()
