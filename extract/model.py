"""The nouns of this folder: what a publisher is, what it announced, what the web answered, what a page says."""

from __future__ import annotations

import hashlib
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
    OPT_OUT = "opt-out"


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
    PAYWALLED = "paywalled"
    """The page says that it is for subscribers; its text may be whole all the same."""
    LIVE_BLOG = "live-blog"
    LISTING = "listing"
    """Marked up as an article, but most of its text is links."""
    SHORT = "short"
    """A brief: whole, and yet under 80 words are left of it after cleaning."""
    FEED_TEXT = "feed-text"
    """The page was refused: the text is what the feed carried, never canonical over a full one."""


class Extractor(StrEnum):
    """Who found the text of an article on its page."""

    TRAFILATURA = "trafilatura"
    READABILITY = "readability"
    NEWSPAPER4K = "newspaper4k"
    LINES = "lines"
    """A text file, or what a feed carried: its lines as they are."""


class Profile(StrEnum):
    """How much work a page is worth."""

    THOROUGH = "thorough"
    """Several extractors, weighed against each other: for what is read as it comes."""
    QUICK = "quick"
    """trafilatura alone, on its own rules where these find enough: for millions of pages at once."""


class FeedKind(StrEnum):
    FEED = "feed"
    SITEMAP = "sitemap"


class PauseScope(StrEnum):
    """What a server means that says 'later' (RFC 9110 §10.2.3 leaves it open)."""

    URL = "url"
    HOST = "host"
    DOMAIN = "domain"
    """The registrable domain: what one owner runs."""


class OptOutPolicy(StrEnum):
    """What becomes of a page whose publisher reserves it from text and data mining, or from training."""

    IGNORE = "ignore"
    RECORD = "record"
    OBEY = "obey"


class Place(StrEnum):
    """Where a block stands on its page, by the page's markup."""

    TEXT = "text"
    """Where the text is, or where nothing tells."""
    CAPTION = "caption"
    BYLINE = "byline"
    COMMENT = "comment"
    NEWSLETTER = "newsletter"
    ADVERT = "advert"
    NOTICE = "notice"
    """A disclaimer or disclosure."""
    ASIDE = "aside"
    """A dialogue, a poll, a form, the foot of the page."""
    OTHER_ARTICLE = "other-article"
    """An article element with a title of its own, after the one that the text begins in."""
    BELOW = "below"
    """After the element that holds most of the text."""


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
    gap_s: float = 2.0  # between the starts of two requests to one domain; robots.txt Crawl-delay lengthens it
    concurrency: int = 1  # requests to one domain at the same time
    retry_after_scope: PauseScope = PauseScope.DOMAIN  # what rests when one answer says Retry-After
    timeout_s: float = 30.0  # for a whole exchange
    read_timeout_s: float = 10.0  # for one silent stretch of it
    max_bytes: int = 10_000_000  # after decompression; larger pages are not articles
    max_header_bytes: int = 262_144  # all header lines of an answer together
    max_redirects: int = 5
    opt_out: OptOutPolicy = OptOutPolicy.RECORD
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
class PollPolicy:
    """How often a feed is asked; between the bounds its own rhythm decides."""

    first_interval_s: float = 900.0  # until its rhythm is known
    min_interval_s: float = 300.0  # more often is no courtesy, whatever it publishes
    max_interval_s: float = 86_400.0  # feeds slow down and never die
    full_get_every: int = 24  # polls; then one without validators, since some servers say 304 for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a figure is expected to be; None where any will do."""

    min: float | None = None
    max: float | None = None


class OnBreach(StrEnum):
    WARN = "warn"
    STOP = "stop"
    """The source's pages wait unread until it is well again or a person releases them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What a source is when it is well; checked on every run."""

    entries_per_day: Bound | None = None
    dated_share: Bound | None = None  # of its articles, those with a trusted date
    short_share: Bound | None = None  # of its pages, those rejected as too short
    languages: tuple[str, ...] = ()  # ISO 639-1, that nearly all its articles are in; empty for any
    on_breach: OnBreach = OnBreach.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlParams:
    """What the query parameters of one publisher's URLs mean, where the common rules are wrong about them."""

    keep: tuple[str, ...] = ()  # names that choose what is shown, though they look like tracking
    drop: tuple[str, ...] = ()  # names that choose nothing, such as a session


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
    polling: PollPolicy
    fetch: FetchPolicy
    expect: Expectations = Expectations()
    urls: UrlParams = UrlParams()
    enabled: bool = True  # a source that is not rests: its file, its history and its articles stay
    agency: str | None = None  # the news agency that it is, where its title is not the name of one


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
class SitemapRef:
    """A sitemap as an index names it."""

    url: str
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """What one feed or sitemap says."""

    title: str | None
    entries: tuple[FeedEntry, ...]
    sitemaps: tuple[SitemapRef, ...] = ()  # a sitemap index names further sitemaps
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
    opt_outs: tuple[str, ...] = ()  # what reserves it: 'robots:GPTBot', 'header:tdm-reservation', 'tdmrep', …

    @property
    def digest(self) -> bytes:
        """16 bytes, equal for equal bodies."""
        return hashlib.blake2b(self.body, digest_size=16).digest()


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
class Said:
    """What someone says of a page: a person who labelled it, or a program that read it."""

    text: str  # lines; empty where there is no article
    title: str | None = None
    authors: tuple[str, ...] = ()
    date: str | None = None  # ISO 8601, of which the first ten characters, the day, are compared


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
    place: Place = Place.TEXT


class Certainty(StrEnum):
    """How sure it is that a text is a news agency's."""

    CERTAIN = "certain"
    """Two witnesses: its own word and another article of its story; or it is the agency's own article."""
    LIKELY = "likely"
    """One that seldom errs: a dateline, a byline, a credit line; or the agency published it before."""
    POSSIBLE = "possible"
    """One that may mean something else: initials, a bracket behind the last sentence, a mark on another copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Whose text an article says it is, when that is a news agency's."""

    agency: str  # by its name in extract/agencies.toml
    certainty: Certainty  # from its own word alone: never CERTAIN
    evidence: str  # what says so, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What one page says, before any cleaning."""

    url: str  # canonical, when the page names one on the same registrable domain; its key is its identity
    source: SourceName
    title: str
    authors: tuple[str, ...]
    summary: str | None  # standfirst; not part of the text
    section: str | None = None  # of the publication, as the page names it
    tags: tuple[str, ...] = ()  # keywords that the page names
    image: str | None = None  # http(s) URL of the picture that stands for it
    credit: Credit | None = None  # the agency whose text it says it is; None where it says no such thing
    material: tuple[str, ...] = ()  # agencies whose material it says it has used, the text being its own
    translator: str | None = None
    blocks: tuple[Block, ...]
    extractor: Extractor
    language: str | None  # ISO 639-1
    published_at: datetime | None  # None when no date on the page is trusted; aware, UTC
    utc_offset: int | None = None  # minutes east of UTC that the publisher wrote with it; None when it wrote none
    date_precision: DatePrecision | None
    date_found_in: DateOrigin | None
    modified_at: datetime | None
    fetched_at: datetime
    flags: frozenset[Flag] = frozenset()

    @property
    def agency(self) -> str | None:
        return self.credit.agency if self.credit else None
