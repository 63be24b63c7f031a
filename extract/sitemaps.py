"""Sitemap bytes as entries: URL sets, news sitemaps, indexes of sitemaps, plain lists of URLs (sitemaps.org)."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import count

from lxml import etree

from extract.dates import instant
from extract.feeds import MAX_ENTRIES, NotAFeed, from_declaration, read_feed, unicode_text, unpacked
from extract.lists import read_url_list
from extract.model import FeedDocument, FeedEntry, SitemapRef
from extract.urls import resolve_link

MAX_LISTED = 50_000  # sitemaps.org: URLs of one sitemap; a backfill wants them all
LEAST_TO_COMPARE = 10  # URLs; fewer may well have changed in the same second

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_BARE_AMPERSAND = re.compile(
    rb"(<!\[CDATA\[.*?(?:\]\]>|\Z))|&(?!(?:#\d+|#x[\da-f]+|amp|lt|gt|quot|apos);)", re.I | re.S
)


def read_sitemap(body: bytes, url: str, limit: int = MAX_ENTRIES) -> FeedDocument:
    """What a sitemap names, the newest first; in a document without dates, in its own order.

    limit: of the URLs, and of the sitemaps of an index. What is beyond it is counted in `left_out`, as are lines and
    elements without a usable URL. A sitemap may also be a feed, and is read as one. Raises NotAFeed.
    """
    plain = unpacked(body, url)
    text = unicode_text(plain)
    shown = plain.decode("cp1252", "replace") if text is None else text
    if not shown.strip():
        raise NotAFeed(url, "an empty document")
    if not shown.lstrip().startswith("<"):
        return _read_list(shown, url, limit)
    document = from_declaration(plain if text is None else text.encode("utf-8", "replace"))
    document = _BARE_AMPERSAND.sub(lambda match: match[1] or b"&amp;", document)  # libxml2 would drop '&page=2'
    encoding = None if text is None else "utf-8"
    match _root(document, encoding):
        case "urlset":
            return _read_urlset(document, encoding, url, limit)
        case "sitemapindex":
            return _read_index(document, encoding, url, limit)
        case "rss" | "feed" | "RDF":
            return read_feed(plain, url)
        case root:
            raise NotAFeed(url, f"no sitemap: its root element is {root or 'missing'}")


# --- XML ------------------------------------------------------------------------------------------------------


def _elements(document: bytes, encoding: str | None, name: str, event: str = "end") -> Iterator[etree._Element]:
    """The elements of this name in any namespace, one at a time; nothing of the document stays in memory.

    encoding: None where the document's own declaration says it
    """
    parsing = etree.iterparse(
        BytesIO(document),
        events=(event,),
        tag=f"{{*}}{name}",
        encoding=encoding,
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


def _root(document: bytes, encoding: str | None) -> str | None:
    """Local name of the document's first element."""
    try:
        first = next(_elements(document, encoding, "*", event="start"), None)
    except etree.XMLSyntaxError:
        return None
    return None if first is None else str(first.tag).rpartition("}")[2]


def _read_urlset(document: bytes, encoding: str | None, url: str, limit: int) -> FeedDocument:
    listed = map(_entry, _elements(document, encoding, "url"))
    newest, seen = _newest(listed, lambda entry: entry.updated_at or entry.published_at, limit)
    absolute = ((entry, resolve_link(url, entry.url)) for entry in _without_time_of_writing(newest))
    entries = tuple(replace(entry, url=link) for entry, link in absolute if link)
    return FeedDocument(title=None, entries=entries, left_out=seen - len(entries))


def _without_time_of_writing(entries: Sequence[FeedEntry]) -> Sequence[FeedEntry]:
    """The entries without their `lastmod` where all share one second: that is when the sitemap was written.

    Believed, it would have every page fetched anew at each poll.
    """
    times = {entry.updated_at for entry in entries}
    if len(entries) < LEAST_TO_COMPARE or len(times) > 1:
        return entries
    return [replace(entry, updated_at=None) for entry in entries]


def _entry(element: etree._Element) -> FeedEntry:
    """One URL as it is written, not yet made absolute."""
    news = _child(element, "news")  # google.com/schemas/sitemap-news/0.9
    return FeedEntry(
        url=_child_text(element, "loc", _namespace(element)),  # not the <image:loc> beside it
        title=_child_text(news, "title") or None,
        published_at=instant(_child_text(news, "publication_date")),
        updated_at=instant(_child_text(element, "lastmod")),
    )


def _read_index(document: bytes, encoding: str | None, url: str, limit: int) -> FeedDocument:
    listed = map(_entry, _elements(document, encoding, "sitemap"))
    newest, seen = _newest(listed, lambda entry: entry.updated_at, limit)
    absolute = ((entry, resolve_link(url, entry.url)) for entry in newest)
    sitemaps = tuple(SitemapRef(url=link, modified_at=entry.updated_at) for entry, link in absolute if link)
    return FeedDocument(title=None, entries=(), sitemaps=sitemaps, left_out=seen - len(sitemaps))


def _child(element: etree._Element, name: str, namespace: str = "*") -> etree._Element | None:
    return next(element.iterchildren(f"{{{namespace}}}{name}"), None)


def _child_text(element: etree._Element | None, name: str, namespace: str = "*") -> str:
    child = None if element is None else _child(element, name, namespace)
    return "" if child is None else " ".join("".join(child.itertext()).split())


def _namespace(element: etree._Element) -> str:
    return etree.QName(element).namespace or ""


# --- Lists of URLs --------------------------------------------------------------------------------------------


def _read_list(text: str, url: str, limit: int) -> FeedDocument:
    """One URL a line, as sitemaps.org allows; the first of them up to the limit."""
    listing = read_url_list(text)
    links = [link for item in listing.items if (link := resolve_link(url, item.entry.url))]
    if not links:
        raise NotAFeed(url, "neither XML nor a list of URLs")
    entries = tuple(FeedEntry(url=link) for link in links[:limit])
    return FeedDocument(title=None, entries=entries, left_out=listing.left_out + len(listing.items) - len(entries))


def _newest(
    listed: Iterable[FeedEntry], moment: Callable[[FeedEntry], datetime | None], limit: int
) -> tuple[list[FeedEntry], int]:
    """The newest of a list of any length, up to the limit, and that length."""
    counter = count()
    numbered = (entry for entry, _ in zip(listed, counter, strict=False))
    newest = heapq.nlargest(limit, numbered, key=lambda entry: moment(entry) or _LONG_AGO)
    return newest, next(counter)
