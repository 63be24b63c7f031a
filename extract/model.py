"""The nouns of this folder: what a publisher is, what it announced, what the web answered, what a page says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

SourceName = NewType("SourceName", str)
UrlKey = NewType("UrlKey", bytes)
"""Digest of the normalised URL, 16 bytes: the identity of an entry and of an article."""


class Reason(StrEnum):
    """Why something announced or fetched is not an article in the store: a closed list that analysts count by."""

    BAD_URL = "bad-url"
    ROBOTS = "robots"
    PRIVATE_ADDRESS = "private-address"
    GONE = "gone"
    REFUSED = "refused"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    TOO_LARGE = "too-large"
    WRONG_TYPE = "wrong-type"
    BOT_WALL = "bot-wall"
    EMPTY = "empty"
    NOT_ARTICLE = "not-article"
    TOO_SHORT = "too-short"
    PAYWALL_TEASER = "paywall-teaser"


class DateOrigin(StrEnum):
    """Where a publication time was found; earlier members are trusted over later ones."""

    JSON_LD = "json-ld"
    META = "meta"
    FEED = "feed"
    SITEMAP = "sitemap"
    VISIBLE = "visible"
    URL = "url"


class DatePrecision(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


class Flag(StrEnum):
    """What an article is besides its text; an article may bear several."""

    TEASER = "teaser"
    """Only the beginning stands on the page: the rest is behind a paywall or a log-in."""
    LIVE_BLOG = "live-blog"


class FeedKind(StrEnum):
    FEED = "feed"
    SITEMAP = "sitemap"


class BlockKind(StrEnum):
    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"
    QUOTE = "quote"
    ROW = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How politely and how much we ask of one host; a source may override each figure in its file."""

    user_agent: str = "storyfold/0.1 (news archive; +https://storyfold.example/bot)"
    gap_s: float = 2.0  # between two requests to one host; robots.txt Crawl-delay lengthens it
    timeout_s: float = 30.0  # for a whole exchange
    read_timeout_s: float = 10.0  # for one silent stretch of it
    max_bytes: int = 10_000_000  # after decompression; larger pages are not articles
    max_redirects: int = 5
    robots_ttl_s: float = 86_400.0  # RFC 9309 §2.4: no longer than a day
    allow_networks: frozenset[str] = frozenset()  # "loopback", "private": refused at connect time unless named
    connect_to: tuple[tuple[str, str, int], ...] = ()
    """(host name or '*.suffix', address, port): where to dial instead of asking DNS, as curl's --connect-to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed or sitemap of a source."""

    url: str
    kind: FeedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A publisher, as its file says."""

    name: SourceName
    title: str
    homepage: str | None
    language: str | None  # ISO 639-1: what it mostly writes in, a prior and not a verdict
    country: str | None  # ISO 3166-1 alpha-2
    tier: int  # 1 agency or paper of record, 2 ordinary, 3 aggregator: a tie-breaker for the canonical member
    feeds: tuple[Feed, ...]
    interval_s: float  # between two scheduled polls of a feed
    fetch: FetchPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One item as a feed or sitemap announced it."""

    url: str
    title: str | None = None
    summary: str | None = None  # plain text
    text: str | None = None  # full text carried by the feed, plain, paragraphs apart by a blank line
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """What one feed or sitemap says."""

    title: str | None
    entries: tuple[FeedEntry, ...]
    sitemaps: tuple[str, ...] = ()  # a sitemap index names further sitemaps
    ttl_s: float | None = None
    left_out: int = 0  # items beyond the cap, or without a usable link


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a former answer gave us to ask 'changed since?' with (RFC 9110 §13.1)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Bytes at a moment: what the web, or a local file, answered."""

    url: str  # as asked
    final_url: str  # after redirects
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes  # content codings undone
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    url: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A verdict about one item, final for this state of it."""

    url: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is known of a page before it is read: the feed's or sitemap's word, and the source's habits."""

    source: SourceName
    title: str | None = None
    summary: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    origin: DateOrigin | None = None  # FEED or SITEMAP when published_at is set
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One paragraph, heading, list item, quotation or table row of an article."""

    text: str  # one line, white space folded
    kind: BlockKind = BlockKind.PARAGRAPH
    link_share: float = 0.0  # share of its characters that are link text


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What one page says, before any cleaning."""

    url: str  # canonical, when the page names one on the same registrable domain
    key: UrlKey
    source: SourceName
    title: str
    authors: tuple[str, ...]
    summary: str | None  # standfirst; not part of the text
    blocks: tuple[Block, ...]
    language: str | None  # ISO 639-1
    published_at: datetime | None  # None when no date on the page is trusted; aware, UTC
    date_precision: DatePrecision | None
    date_found_in: DateOrigin | None
    modified_at: datetime | None
    fetched_at: datetime
    flags: frozenset[Flag] = frozenset()
