"""Feed bytes as entries: RSS, RDF and Atom by feedparser, JSON Feed 1.x by a few lines of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from io import BytesIO
from typing import Any

import feedparser

from extract.charset import decode_unicode, mended
from extract.codings import GZIP_MAGIC, CodingError, undo_codings
from extract.dates import instant
from extract.model import FeedDocument, FeedEntry
from extract.text import folded, plain_text, without_controls
from extract.urls import resolve_link

MAX_ENTRIES = 1000  # of one document; archives of 50,000 items in one feed would starve the others
MAX_TAGS = 300_000  # in as many items; feedparser takes 30 µs for each, a thousand full texts have half of it
MAX_UNPACKED_BYTES = 52_428_800  # sitemaps.org: a sitemap has at most 50 MB, uncompressed; no feed has a tenth
MAX_ENTITY_CHARS = 32  # an honest feed declares characters ('&#8217;'), a bomb declares texts to multiply

_HTML_ROOT = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*+<(!doctype\s+)?html\b", re.I | re.S)
_FEED_ROOT = re.compile(rb"<(?:[\w-]+:)?(?:rss|feed|rdf)[\s>]", re.I)
_DECLARATION = re.compile(rb"<\?xml\s", re.I)
_ENTITY = re.compile(rb"<!ENTITY\s+\S+\s+(?:\"([^\"]*)|'([^']*))", re.I)
_ITEM_END = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>", re.I)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
_REFERENCE = re.compile(r"&(?:#\d{2,6}|#x[\da-f]{2,5}|amp|quot|apos|nbsp|[lr][ads]quo|[nm]dash|hellip);", re.I)


class NotAFeed(ValueError):
    """A document that is no feed or sitemap."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(url, detail)  # both, so that it survives the way out of a worker process
        self.url = url
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.detail}: {self.url}"


def read_feed(body: bytes, url: str, content_type: str | None = None) -> FeedDocument:
    """What a feed says, its links made absolute and its markup made plain text.

    The first MAX_ENTRIES items are kept, as feeds begin with the newest; the others are counted in `left_out`, as are
    items without a usable link. Raises NotAFeed.
    """
    body = unpacked(body, url)
    text = unicode_text(body)
    shown = body.decode("cp1252", "replace") if text is None else text
    if not shown.strip():
        raise NotAFeed(url, "an empty document")
    if shown.lstrip().startswith(("{", "[")):
        return _read_json_feed(shown, url)
    if text is None:
        return _read_xml_feed(body, url, content_type or "application/xml")
    return _read_xml_feed(text.encode("utf-8", "replace"), url, "application/xml; charset=utf-8")


def unpacked(body: bytes, url: str) -> bytes:
    """The body with gzip undone: a .gz document arrives as a file, not as a content coding. Raises NotAFeed."""
    if not body.startswith(GZIP_MAGIC):
        return body
    try:
        plain = undo_codings(body, "gzip", MAX_UNPACKED_BYTES)
    except CodingError as fault:
        raise NotAFeed(url, str(fault)) from fault
    if len(plain) > MAX_UNPACKED_BYTES:
        raise NotAFeed(url, f"unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    return plain


def unicode_text(body: bytes) -> str | None:
    """The document's text, mended, where it means to be Unicode; None where only its own declaration can say.

    A server's `charset=iso-8859-1` on a UTF-8 feed is a default nobody chose. One stray Windows-1252 byte would make
    feedparser read the whole feed as Windows-1252; UTF-16 that does not call itself so, as UTF-8. A single control
    character makes a document no XML.
    """
    text = decode_unicode(body)
    return None if text is None else without_controls(mended(text))


def from_declaration(body: bytes) -> bytes:
    """The document from its XML declaration on: warnings of a broken template stand before some."""
    declared = _DECLARATION.search(body, 0, 100_000)
    return body[declared.start() :] if declared else body


# --- RSS, RDF, Atom -------------------------------------------------------------------------------------------


def _read_xml_feed(body: bytes, url: str, content_type: str) -> FeedDocument:
    kept, beyond = _first_items(from_declaration(_checked(body, url)))
    if kept.count(b"<") > MAX_TAGS:
        raise NotAFeed(url, f"more than {MAX_TAGS} tags")
    try:
        parsed = _parse(kept, content_type)
    except (KeyError, ValueError, OverflowError) as fault:  # feedparser's, over garbage such as '&#xFFFFFFFF;'
        raise NotAFeed(url, f"unreadable ({fault!r})") from fault
    if not parsed.get("version"):  # `bozo` says only that something is odd, and something mostly is
        raise NotAFeed(url, "neither RSS nor Atom")
    rss = parsed["version"].startswith("rss")
    return _document(
        title=_line(_detail(parsed["feed"], "title")),
        entries=[_entry(item, url, dated_by_update=rss) for item in parsed["entries"][:MAX_ENTRIES]],
        items=len(parsed["entries"]) + beyond,
        ttl_s=_ttl_s(_str(parsed["feed"], "ttl")),
    )


def _checked(body: bytes, url: str) -> bytes:
    """The body, once it looks like a feed and declares no text to multiply (billion laughs, quadratic blow-up).

    feedparser reads any page to its end, 50 µs a tag, to find out that it is no feed. expat refuses to multiply
    entities; feedparser's fallback parser, which reads what expat refuses, does not.
    """
    beginning = body[:100_000]
    if _HTML_ROOT.match(beginning) or not _FEED_ROOT.search(beginning):
        raise NotAFeed(url, "neither RSS nor Atom")
    entities = _ENTITY.findall(body)
    if any(len(double or single) > MAX_ENTITY_CHARS for double, single in entities):
        raise NotAFeed(url, "a document type that declares long entities")
    return body


def _first_items(body: bytes) -> tuple[bytes, int]:
    """The document without the items beyond MAX_ENTRIES, and their number: parsing them would cost seconds."""
    ends = [match.end() for match in _ITEM_END.finditer(body)]
    if len(ends) <= MAX_ENTRIES:
        return body, 0
    return body[: ends[MAX_ENTRIES - 1]] + body[ends[-1] :], len(ends) - MAX_ENTRIES


def _parse(body: bytes, content_type: str) -> Any:
    """feedparser's answer. It gets a stream, since it would open bytes that are a file's name."""
    return feedparser.parse(
        BytesIO(body),
        # No Content-Location: relative links stay as they are, but for xml:base, and `resolve_link` knows more of them.
        response_headers={"content-type": content_type},
        sanitize_html=False,  # markup is taken away altogether below
        resolve_relative_uris=False,
    )


def _entry(item: Mapping[str, Any], url: str, *, dated_by_update: bool) -> FeedEntry | None:
    """One item, or None without a usable link.

    dated_by_update: RSS 1.0 has no date of its own; feedparser reads its dc:date as the time of update.
    """
    link = resolve_link(url, _link(item))
    if not link:
        return None
    published = instant(_str(item, "published"))
    updated = instant(_str(item, "updated")) if "updated" in item else None  # get() would give that of publication
    text = max((_plain(content) for content in item.get("content", ())), key=len, default="")
    summary = _line(_detail(item, "summary"))
    return FeedEntry(
        url=link,
        title=_line(_detail(item, "title")),
        summary=summary if summary != folded(text) else None,  # feedparser fills a missing one with the text
        text=text or None,
        authors=_names(author.get("name") for author in item.get("authors", ())),
        published_at=published or (updated if dated_by_update else None),
        updated_at=updated,
    )


def _link(item: Mapping[str, Any]) -> str:
    """The link to the article itself: not the counting detour, not an attachment, not a guid that is only a number."""
    alternates = (link for link in item.get("links", ()) if link.get("rel") == "alternate" and link.get("href"))
    first = min(alternates, key=_otherness, default={"href": ""})["href"]
    link = _str(item, "feedburner_origlink") or first or _str(item, "link")
    return "" if item.get("guidislink") and "//" not in link else link


def _otherness(link: Mapping[str, Any]) -> tuple[bool, bool]:
    """Orders the alternates of an Atom entry: the page, before its translations and its other formats."""
    return "html" not in link.get("type", "html"), "hreflang" in link


def _detail(item: Mapping[str, Any], field: str) -> Mapping[str, str]:
    return item.get(f"{field}_detail") or {"value": item.get(field) or ""}


def _ttl_s(minutes: str) -> float | None:
    return float(minutes) * 60 if re.fullmatch(r"\d{1,6}", minutes) else None


def _str(item: Mapping[str, Any], key: str) -> str:
    """The string under a key; empty for anything else, such as what feedparser makes of unknown attributes."""
    value = item.get(key)
    return value if isinstance(value, str) else ""


# --- JSON Feed (jsonfeed.org/version/1.1) ---------------------------------------------------------------------


def _read_json_feed(text: str, url: str) -> FeedDocument:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise NotAFeed(url, "neither XML nor JSON") from fault
    if not isinstance(feed, dict) or "jsonfeed.org/version/1" not in str(feed.get("version")):
        raise NotAFeed(url, "JSON, but no JSON Feed")
    items = [item for item in _list(feed.get("items")) if isinstance(item, dict)]
    return _document(
        title=_line({"value": _str(feed, "title")}),
        entries=[_json_entry(item, url) for item in items[:MAX_ENTRIES]],
        items=len(_list(feed.get("items"))),
    )


def _json_entry(item: Mapping[str, Any], url: str) -> FeedEntry | None:
    link = resolve_link(url, _str(item, "url") or _str(item, "external_url") or _str(item, "id"))
    if not link:
        return None
    marked_up = {"value": _str(item, "content_html"), "type": "text/html"}
    authors = [author for author in (*_list(item.get("authors")), item.get("author")) if isinstance(author, dict)]
    return FeedEntry(
        url=link,
        title=_line({"value": _str(item, "title")}),
        summary=_line({"value": _str(item, "summary")}),
        text=_plain(marked_up) or _plain({"value": _str(item, "content_text"), "type": "text/plain"}) or None,
        authors=_names(_str(author, "name") for author in authors),
        published_at=instant(_str(item, "date_published")),
        updated_at=instant(_str(item, "date_modified")),
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


# --- What both share ------------------------------------------------------------------------------------------


def _document(
    *, title: str | None, entries: Sequence[FeedEntry | None], items: int, ttl_s: float | None = None
) -> FeedDocument:
    usable = tuple(entry for entry in entries if entry)
    return FeedDocument(title=title, entries=usable, ttl_s=ttl_s, left_out=items - len(usable))


def _names(names: Iterator[str | None]) -> tuple[str, ...]:
    found = (folded(without_controls(unescape(name))) for name in names if name)
    return tuple(dict.fromkeys(name for name in found if name and "@" not in name))


def _line(content: Mapping[str, str]) -> str | None:
    """A feed's text construct on one line; what was escaped once more than its type says is undone."""
    line = _plain(content)
    return folded(unescape(line) if _REFERENCE.search(line) else line) or None


def _plain(content: Mapping[str, str]) -> str:
    """A feed's text construct as plain text, paragraphs apart by a blank line.

    RSS does not say whether a title is text or markup, so a tag makes it markup unless its type rules that out.
    """
    value = without_controls(content.get("value") or "")
    markup = content.get("type") in ("text/html", "application/xhtml+xml") or "type" not in content
    if markup and _TAG.search(value):
        return plain_text(value)
    paragraphs = re.split(r"\n\s*\n", unescape(value))
    return "\n\n".join(filter(None, map(folded, paragraphs)))
