"""Lists of feeds as others keep them (OPML, CSV, bare URLs) → sources, one a site; every bad line is named. Pure.

listparser, the library for OPML, forgets a feed's home page and its line, and takes any encoding for Latin-1.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from lxml import etree

from extract.charset import decode, decode_unicode
from extract.discovery import is_hosted, language_code, names_news, site_of, sites_of
from extract.mirrors import feed_form
from extract.model import Feed, FeedKind, FetchPolicy, PollPolicy, Source
from extract.source_file import free_name, name_for, title_of
from extract.text import folded
from extract.urls import BadUrl, is_home_page, normalize_url

_COLUMNS = {
    "feed": ("feed", "feedurl", "rss", "rssurl", "xmlurl", "atom"),
    "sitemap": ("sitemap", "sitemapurl"),
    "homepage": ("homepage", "website", "site", "htmlurl", "home", "domain"),
    "url": ("url", "link", "address", "uri"),
    "title": ("title", "name", "publisher", "outlet", "source", "text"),
    "language": ("language", "lang"),
    "country": ("country", "countrycode"),
    "tier": ("tier",),
}
_COLUMN_OF = {name: column for column, names in _COLUMNS.items() for name in names}
_ADDRESSES = ("feed", "sitemap", "homepage", "url")
_DELIMITERS = ",;\t|"
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:#\d+|#x[\da-f]+|\w+);)", re.I)  # libxml2 would drop '&page=2'
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_LANGUAGE_TAG = re.compile(rb"[,;\t|\"]([a-z]{2})(?:-[A-Z]{2})?(?=[,;\t|\"\r\n])")  # a cell, or an attribute
_FEED_ATTRIBUTE = re.compile(r"\bxmlurl\s*=", re.I)
_FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?:)|feed:(?=//)", re.I)
_BARE_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]|$)")
_TITLE_END = re.compile(r"[\s|–—·:/,(\[-]+$")
_COUNTRIES = {"UK": "GB", "EL": "GR"}
_MIN_TITLE_CHARS = 3
MAX_ROW_LINES = 10  # a longer row of a table of feeds is a quotation mark that nobody closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One line of a list."""

    line: int
    feed: Feed | None  # None for a site whose feeds are not known
    homepage: str | None = None
    title: str | None = None
    language: str | None = None
    country: str | None = None
    tier: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line, or a part of it, that cannot be used."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriptions:
    """What a list holds."""

    wanted: tuple[Subscription, ...]
    bad: tuple[BadLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One site of the list as a source, and the lines it is made from."""

    source: Source
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something of the list that needs no new source."""

    lines: tuple[int, ...]
    url: str
    why: str


def read_subscriptions(body: bytes) -> Subscriptions:
    """What an OPML document, a CSV table or a list of URLs subscribes to. Nothing and no fault for an empty one."""
    text = _text(body)
    found: list[Subscription | BadLine] = []
    rows = _outlines(text) if text.lstrip().startswith("<") else _rows(text)
    for line, fields in rows:
        found += _subscription(line, fields)
    return Subscriptions(
        wanted=tuple(one for one in found if isinstance(one, Subscription)),
        bad=tuple(one for one in found if isinstance(one, BadLine)),
    )


def propose(
    wanted: Sequence[Subscription], catalogue: Sequence[Source], defaults: FetchPolicy
) -> tuple[tuple[Proposed, ...], tuple[Skipped, ...]]:
    """A source for each site of the list that the catalogue does not have, in the order of the list.

    defaults: the manners of all
    """
    forms = {feed_form(feed.url): source.name for source in catalogue for feed in source.feeds}
    sites = sites_of(catalogue)
    taken = {source.name for source in catalogue}
    proposed: list[Proposed] = []
    first, skipped = _each_feed_once(wanted)
    for site, lines in _by_site(first).items():
        known = [one for one in lines if one.feed and feed_form(one.feed.url) in forms]
        skipped += [_skipped(one, f"the source '{forms[feed_form(one.feed.url)]}' has it") for one in known if one.feed]
        rest = [one for one in lines if one not in known]
        if rest and site in sites:
            why = f"its site is the source '{sites[site]}': add it to that file, if it brings more"
            skipped += [_skipped(one, why) for one in rest]
        elif rest:
            source = _source(rest, taken, defaults)
            taken.add(source.name)
            proposed.append(Proposed(source=source, subscriptions=tuple(rest)))
    return tuple(proposed), tuple(skipped)


# --- Lines of a list ------------------------------------------------------------------------------------------


def _text(body: bytes) -> str:
    """The document as text, in whichever encoding; an XML declaration, which is then no longer true, is taken off."""
    text = decode_unicode(body)
    if text is None:
        tags = Counter(tag.decode() for tag in _LANGUAGE_TAG.findall(body))
        text = decode(body, "", tags.most_common(1)[0][0] if tags else None)
    return _XML_DECLARATION.sub("", _CONTROL.sub("", text).removeprefix("\ufeff"))


def _outlines(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The feeds of an OPML document: line, and fields as a table would have them."""
    lost = text[: len(text) - len(text.lstrip())].count("\n")
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True, encoding="utf-8")
    root = etree.fromstring(_BARE_AMPERSAND.sub("&amp;", text.lstrip()).encode("utf-8", "replace"), parser)
    missing = len(_FEED_ATTRIBUTE.findall(text))
    for outline in () if root is None else root.iter("{*}*"):
        fields = {key.lower(): folded(value) for key, value in outline.attrib.items()}
        if etree.QName(outline).localname.lower() == "outline" and _is_feed(fields):
            missing -= "xmlurl" in fields
            yield (
                outline.sourceline + lost,
                {
                    "feed": fields.get("xmlurl") or fields.get("url", ""),
                    "homepage": fields.get("htmlurl", ""),
                    "title": fields.get("title") or fields.get("text", ""),
                    "language": fields.get("language", ""),
                },
            )
    if missing > 0:
        fault = next((error.line for error in parser.error_log), 1)
        yield fault + lost, {"fault": f"the document is broken here, and {missing} of its feeds cannot be read"}


def _is_feed(fields: Mapping[str, str]) -> bool:
    """Whether an outline is a feed, and no folder of them."""
    return "xmlurl" in fields or fields.get("type", "").lower() in ("rss", "atom", "feed")


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The lines of a table or of a list of URLs; blank ones and comments are passed over."""
    lines, delimiter = text.splitlines(keepends=True), _delimiter(text)
    reader, before = csv.reader(lines, delimiter=delimiter), 0
    header: list[str | None] | None = None
    line = 0
    while True:
        begins = line + 1
        try:
            cells = [folded(cell) for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            line = before + reader.line_num
            yield begins, {"fault": str(error)}
            continue
        line = before + reader.line_num
        if line - begins >= MAX_ROW_LINES:
            yield begins, {"fault": "a quotation mark is not closed"}
            reader, before, line = csv.reader(lines[begins:], delimiter=delimiter), begins, begins
            continue
        if not any(cells) or cells[0].startswith("#"):
            continue
        if header is None:
            header = _header(cells)
            if header is not None:
                continue
            header = ["url"] if len(cells) == 1 else _guessed(cells)
        yield begins, {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _delimiter(text: str) -> str:
    """The mark that splits the first lines that have one most evenly; a comma where none does."""
    lines = [line for line in text.splitlines()[:20] if line.strip() and not line.startswith("#")]
    if not lines:
        return ","
    in_first = {mark: lines[0].count(mark) for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: in_first[mark])


def _header(cells: Sequence[str]) -> list[str | None] | None:
    """What each column means; None for a line that is no header."""
    names = [_COLUMN_OF.get(re.sub(r"[\W_]", "", cell.lower())) for cell in cells]
    has_address = any("://" in cell for cell in cells)
    return names if not has_address and any(name in _ADDRESSES for name in names) else None


def _guessed(cells: Sequence[str]) -> list[str | None]:
    """The columns of a table without a header: the first address is the address, the first text the title."""
    at = next((number for number, cell in enumerate(cells) if _BARE_HOST.match(cell) or "://" in cell), 0)
    title = next((number for number in range(len(cells)) if number != at), None)
    return ["url" if number == at else "title" if number == title else None for number in range(len(cells))]


def _subscription(line: int, fields: Mapping[str, str]) -> Iterator[Subscription | BadLine]:
    """The line as a subscription, and what of it is bad."""
    if "fault" in fields:
        yield BadLine(line=line, text="", why=fields["fault"])
        return
    urls: dict[str, str] = {}
    for column in _ADDRESSES:
        if written := fields.get(column, ""):
            try:
                urls[column] = _address(written)
            except BadUrl as error:
                yield BadLine(line=line, text=written[:200], why=f"no address: {error.why}")
    feed = _feed(urls)
    homepage = urls.get("homepage") or (urls.get("url") if feed is None or feed.url != urls.get("url") else None)
    if feed is None and homepage is None:
        if not any(fields.get(column) for column in _ADDRESSES):
            yield BadLine(line=line, text=" ".join(fields.values())[:200], why="without an address")
        return
    yield from _odd_values(line, fields)
    yield Subscription(
        line=line,
        feed=feed,
        homepage=homepage,
        title=title_of(fields.get("title")),
        language=language_code(fields.get("language")),
        country=_country(fields.get("country", "")),
        tier=_tier(fields.get("tier", "")),
    )


def _odd_values(line: int, fields: Mapping[str, str]) -> Iterator[BadLine]:
    """What stands in a column and does not belong there; the rest of the line is used."""
    readers = {"language": language_code, "country": _country, "tier": _tier}
    for column, read in readers.items():
        written = fields.get(column, "")
        if written and read(written) is None:
            yield BadLine(line=line, text=written[:200], why=f"no {column}; left out")


def _feed(urls: Mapping[str, str]) -> Feed | None:
    """The line's feed or sitemap; an address that is that of a whole site is none."""
    if "feed" in urls:
        return Feed(url=urls["feed"], kind=FeedKind.FEED)
    if "sitemap" in urls:
        return Feed(url=urls["sitemap"], kind=FeedKind.SITEMAP)
    url = urls.get("url")
    if url is None or is_home_page(url):
        return None
    is_sitemap = re.search(r"sitemap", url, re.I) or names_news(url)
    return Feed(url=url, kind=FeedKind.SITEMAP if is_sitemap else FeedKind.FEED)


def _address(written: str) -> str:
    """The URL that is meant: 'feed:' and a missing scheme are forgiven. Raises BadUrl."""
    url = _FEED_SCHEME.sub("", written.strip().strip("<>\"'"))
    url = f"https:{url}" if url.startswith("//") else url
    if "://" not in url and _BARE_HOST.match(url):
        url = f"https://{url}"
    if not normalize_url(url).startswith("http"):
        raise BadUrl(url, "no http or https URL")
    return url


def _country(written: str) -> str | None:
    code = _COUNTRIES.get(written.upper(), written.upper())
    return code if re.fullmatch("[A-Z]{2}", code) else None


def _tier(written: str) -> int | None:
    return int(written) if written in ("1", "2", "3") else None


# --- Sites ----------------------------------------------------------------------------------------------------


def _each_feed_once(wanted: Iterable[Subscription]) -> tuple[list[Subscription], list[Skipped]]:
    """The first line of each feed, and the others."""
    lines: dict[str, int] = {}
    kept, skipped = [], []
    for one in wanted:
        line = lines.setdefault(feed_form(one.feed.url), one.line) if one.feed else one.line
        if line == one.line:
            kept.append(one)
        else:
            skipped.append(_skipped(one, f"the same feed as in line {line}"))
    return kept, skipped


def _by_site(wanted: Iterable[Subscription]) -> dict[str, list[Subscription]]:
    """The subscriptions of each site; a home page tells the site where a host of feeds does not."""
    sites: dict[str, list[Subscription]] = {}
    for one in wanted:
        sites.setdefault(site_of(one.homepage or _url_of(one)), []).append(one)
    return sites


def _source(lines: Sequence[Subscription], taken: Collection[str], defaults: FetchPolicy) -> Source:
    homepage = _first(one.homepage for one in lines)
    address = homepage or _url_of(lines[0])
    title = _common_title([one.title for one in lines if one.title])
    name = free_name(title, taken) if title and is_hosted(address) else name_for(address, taken)
    return Source(
        name=name,
        title=title or name,
        homepage=homepage,
        language=_first(one.language for one in lines),
        country=_first(one.country for one in lines),
        tier=min((one.tier for one in lines if one.tier), default=2),
        feeds=tuple(one.feed for one in lines if one.feed),
        polling=PollPolicy(),
        fetch=defaults,
    )


def _common_title(titles: Sequence[str]) -> str | None:
    """The words that all titles of a site begin with, such as its name; the first title where they share none."""
    if not titles:
        return None
    in_turn = zip(*(title.split() for title in titles), strict=False)
    common = " ".join(words[0] for words in takewhile(lambda words: len(set(words)) == 1, in_turn))
    shared = common if common == titles[0] else _TITLE_END.sub("", common)
    return shared if len(shared) >= _MIN_TITLE_CHARS else titles[0]


def _first(values: Iterable[str | None]) -> str | None:
    return next(filter(None, values), None)


def _url_of(one: Subscription) -> str:
    return one.feed.url if one.feed else one.homepage or ""


def _skipped(one: Subscription, why: str) -> Skipped:
    return Skipped(lines=(one.line,), url=_url_of(one), why=why)
