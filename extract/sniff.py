"""What kind of document a body is, whatever its Content-Type says."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from extract.charset import WIDE_OPENINGS
from extract.codings import GZIP_MAGIC

_MAGIC = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"PK\x03\x04": "ZIP",
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"ID3": "MP3",
    b"OggS": "Ogg",
    b"\x1aE\xdf\xa3": "WebM",
    b"wOF2": "font",
    b"{\\rtf": "RTF",
    b"\xd0\xcf\x11\xe0": "Office document",
}
_MAGIC_STARTS = tuple(_MAGIC)
_LATER_MAGIC = re.compile(rb"RIFF....(WEBP|WAVE|AVI )|....ftyp([a-zA-Z0-9]{3})", re.S)
_MAX_NULS = 16  # stray ones stand even in pages; sound, film and pictures are full of them
_XML_ROOT = re.compile(
    r"\s*(?P<xml><\?xml\b)?(?:<\?.*?\?>|<!--.*?-->|<!doctype[^>]*>|[^<])*+<(?P<root>[\w:-]+)", re.I | re.S
)
_XML_ROOTS = frozenset(["rss", "feed", "rdf:rdf", "urlset", "sitemapindex", "opml", "svg"])
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_HTML_START = re.compile(r"\s*<(?:!doctype html|html)\b", re.I)


def media_kind(body: bytes) -> str | None:
    """Which picture, sound, film, archive or document for print the body is by its signature; None for others."""
    if body.startswith(_MAGIC_STARTS):
        return next(kind for magic, kind in _MAGIC.items() if body.startswith(magic))
    later = _LATER_MAGIC.match(body)
    return (later[1] or later[2]).decode().strip() if later else None


def other_kind(body: bytes) -> str | None:
    """What the body is when it is neither HTML nor text; None for either.

    Only its beginning is looked at: feeds parsed as pages have cost others an hour.
    """
    if kind := media_kind(body):
        return kind
    if body.startswith(GZIP_MAGIC):
        return "gzip"
    if body[:1024].count(0) > _MAX_NULS and not body.startswith(tuple(WIDE_OPENINGS)):
        return "binary"
    beginning = body[:4096].replace(b"\0", b"").decode("latin-1").lstrip("ï»¿þÿ \t\r\n")
    if beginning.startswith(("{", "[{", '["')):
        return "JSON"
    match = _XML_ROOT.match(beginning)
    root = match["root"].lower() if match and beginning.startswith("<") else ""
    if root in _XML_ROOTS or (match and match["xml"] and root not in ("html", "")):
        return f"XML ({root})"
    return None


def other_than_html(body: bytes, content_type: str) -> str | None:
    """What a body is when it is no HTML, by its Content-Type or by its beginning; None for HTML."""
    named = content_type.partition(";")[0].strip().lower()
    if named in _HTML_TYPES or not named or _HTML_START.match(body[:1024].decode("latin-1").lstrip("ï»¿")):
        return other_kind(body)
    return named[:80]


def is_plain_text(text: str, content_type: str, url: str) -> bool:
    """Whether a page is plain text; servers call HTML so, too."""
    named = content_type.lower().startswith("text/plain")
    suffix = urlsplit(url).path.lower().endswith(".txt")
    return (named or suffix) and not _HTML_START.match(text)
