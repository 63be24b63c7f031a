"""Sitemap bytes as entries: URL sets, news sitemaps, indexes of sitemaps, plain lists of URLs (sitemaps.org)."""

from __future__ import annotations

import gzip
import heapq
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import count

from lxml import etree

from extract.dates import instant
from extract.feeds import MAX_ENTRIES, NotAFeed, read_feed
from extract.model import FeedDocument, FeedEntry, SitemapRef
from extract.urls import resolve_link

MAX_LISTED = 50_000  # sitemaps.org: URLs of one sitemap; a backfill wants them all
MAX_UNPACKED_BYTES = 52_428_800  # sitemaps.org: a sitemap has at most 50 MB, uncompressed

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_BARE_AMPERSAND = re.compile(rb"(<!\[CDATA\[.*?\]\]>)|&(?!(?:#\d+|#x[\da-f]+|amp|lt|gt|quot|apos);)", re.I | re.S)


def read_sitemap(body: bytes, url: str, limit: int = MAX_ENTRIES) -> FeedDocument:
    """What a sitemap names, the newest first; in a document without dates, in its own order.

    limit: of the URLs, and of the sitemaps of an index. What is beyond it is counted in `left_out`, as are lines and
    elements without a usable URL. A sitemap may also be a feed, and is read as one. Raises NotAFeed.
    """
    unpacked = _unpacked(body, url).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not unpacked:
        raise NotAFeed(url, "an empty document")
    if not unpacked.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return _read_list(unpacked, url, limit)
    document = _BARE_AMPERSAND.sub(lambda match: match[1] or b"&amp;", unpacked)  # libxml2 would drop '&page=2'
    match _root(document):
        case "urlset":
            return _read_urlset(document, url, limit)
        case "sitemapindex":
            return _read_index(document, url, limit)
        case "rss" | "feed" | "RDF":
            return read_feed(unpacked, url)
        case root:
            raise NotAFeed(url, f"no sitemap: its root element is {root or 'missing'}")


def _unpacked(body: bytes, url: str) -> bytes:
    """The body with gzip undone: a .gz sitemap arrives as a file, not as a content coding."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        unpacked = gzip.GzipFile(fileobj=BytesIO(body)).read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise NotAFeed(url, f"broken gzip ({fault})") from fault
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise NotAFeed(url, f"unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    return unpacked


# --- XML ------------------------------------------------------------------------------------------------------


def _elements(document: bytes, name: str, event: str = "end") -> Iterator[etree._Element]:
    """The elements of this name in any namespace, one at a time; nothing of the document stays in memory."""
    parsing = etree.iterparse(
        BytesIO(document),
        events=(event,),
        tag=f"{{*}}{name}",
        recover=True,  # what stands before a fault is still good
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
    )
    for _, element in parsing:
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _root(document: bytes) -> str | None:
    """Local name of the document's first element."""
    try:
        first = next(_elements(document, "*", event="start"), None)
    except etree.XMLSyntaxError:
        return None
    return None if first is None else str(first.tag).rpartition("}")[2]


def _read_urlset(document: bytes, url: str, limit: int) -> FeedDocument:
    listed = map(_entry, _elements(document, "url"))
    newest, seen = _newest(listed, lambda entry: entry.updated_at or entry.published_at, limit)
    absolute = ((entry, resolve_link(url, entry.url)) for entry in newest)
    entries = tuple(replace(entry, url=link) for entry, link in absolute if link)
    return FeedDocument(title=None, entries=entries, left_out=seen - len(entries))


def _entry(element: etree._Element) -> FeedEntry:
    """One URL as it is written, not yet made absolute."""
    news = _child(element, "news")  # google.com/schemas/sitemap-news/0.9
    return FeedEntry(
        url=_child_text(element, "loc"),
        title=_child_text(news, "title") or None,
        published_at=instant(_child_text(news, "publication_date")),
        updated_at=instant(_child_text(element, "lastmod")),
    )


def _read_index(document: bytes, url: str, limit: int) -> FeedDocument:
    newest, seen = _newest(map(_entry, _elements(document, "sitemap")), lambda entry: entry.updated_at, limit)
    absolute = ((entry, resolve_link(url, entry.url)) for entry in newest)
    sitemaps = tuple(SitemapRef(url=link, modified_at=entry.updated_at) for entry, link in absolute if link)
    return FeedDocument(title=None, entries=(), sitemaps=sitemaps, left_out=seen - len(sitemaps))


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next(element.iterchildren(f"{{*}}{name}"), None)


def _child_text(element: etree._Element | None, name: str) -> str:
    child = None if element is None else _child(element, name)
    return "" if child is None else " ".join("".join(child.itertext()).split())


# --- Lists of URLs --------------------------------------------------------------------------------------------


def _read_list(document: bytes, url: str, limit: int) -> FeedDocument:
    """One URL a line, as sitemaps.org allows; the first of them up to the limit."""
    lines = [line for line in document.decode("utf-8", "replace").splitlines() if line.strip()]
    absolute = (line.strip() for line in lines if line.lstrip().startswith(("http://", "https://")))
    links = [link for link in (resolve_link(url, line) for line in absolute) if link]
    if not links:
        raise NotAFeed(url, "neither XML nor a list of URLs")
    entries = tuple(FeedEntry(url=link) for link in links[:limit])
    return FeedDocument(title=None, entries=entries, left_out=len(lines) - len(entries))


def _newest(
    listed: Iterable[FeedEntry], moment: Callable[[FeedEntry], datetime | None], limit: int
) -> tuple[list[FeedEntry], int]:
    """The newest of a list of any length, up to the limit, and that length."""
    counter = count()
    numbered = (entry for entry, _ in zip(listed, counter, strict=False))
    newest = heapq.nlargest(limit, numbered, key=lambda entry: moment(entry) or _LONG_AGO)
    return newest, next(counter)
