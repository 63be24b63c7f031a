"""A fetched page as the feed or sitemap that it is."""

from __future__ import annotations

from extract.feeds import MAX_ENTRIES, NotAFeed, read_feed
from extract.headers import first_value
from extract.model import FeedDocument, FeedKind, Page
from extract.sitemaps import read_sitemap


def read_as(kind: FeedKind, page: Page, limit: int = MAX_ENTRIES) -> FeedDocument:
    """What a feed or sitemap says. Raises NotAFeed.

    limit: of the URLs of a sitemap, and of the sitemaps of an index
    """
    if kind is FeedKind.SITEMAP:
        return read_sitemap(page.body, page.final_url, limit)
    return read_feed(page.body, page.final_url, first_value(page.headers, "content-type") or None)


def read_document(page: Page) -> tuple[FeedKind, FeedDocument]:
    """A feed or sitemap, and which of them it is, whatever it was taken for. Raises NotAFeed."""
    try:
        return FeedKind.FEED, read_as(FeedKind.FEED, page)
    except NotAFeed as no_feed:
        if b"<html" in page.body[:4096].lower():
            raise
        try:
            return FeedKind.SITEMAP, read_as(FeedKind.SITEMAP, page)
        except NotAFeed:
            raise no_feed from None
