"""What kind of document a body is, whatever its Content-Type says."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from extract.charset import WIDE_OPENINGS

_MAGIC = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
}
_MAX_NULS = 16  # stray ones stand even in pages; sound, film and pictures are full of them
_XML_ROOT = re.compile(
    r"\s*(?P<xml><\?xml\b)?(?:<\?.*?\?>|<!--.*?-->|<!doctype[^>]*>|[^<])*+<(?P<root>[\w:-]+)", re.I | re.S
)
_XML_ROOTS = frozenset(["rss", "feed", "rdf:rdf", "urlset", "sitemapindex", "opml", "svg"])
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_HTML_START = re.compile(r"\s*<(?:!doctype html|html)\b", re.I)


def other_kind(body: bytes) -> str | None:
    """What the body is when it is neither HTML nor text; None for either.

    Only its beginning is looked at: feeds parsed as pages have cost others an hour.
    """
    for magic, kind in _MAGIC.items():
        if body.startswith(magic):
            return kind
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
