"""A page as an article: its text in blocks, and what it says of itself. The one module that knows trafilatura.

Pure: the same page gives the same answer, whatever was read before. So trafilatura's own deduplication, which remembers
earlier pages, stays off, and its dates are bounded by the time of the fetch, not by today.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import chain, groupby
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from charset_normalizer import from_bytes
from lxml import etree
from lxml.html import HtmlElement
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from trafilatura import bare_extraction, extract_metadata, load_html
from trafilatura.settings import Document

from extract.dates import ZONE_ALLOWANCE, Publication, publication, url_day
from extract.feeds import decode_unicode, plain_text
from extract.model import Announcement, Article, Block, BlockKind, DateOrigin, Flag, Page, Reason, Rejection
from extract.urls import registrable_domain, resolve_link, url_key

MIN_WORDS = 25  # a shorter text is a caption or a stub
MAX_LINKED_SHARE = 0.6  # of the text; above, a page without article markup is a listing


def read_article(page: Page, announced: Announcement) -> Article | Rejection:
    """What the page says, or the reason why it is no article.

    announced: what the feed and the source's file know of the page, a witness beside the page's own words
    """
    if not page.body.strip():
        return _rejected(page, Reason.EMPTY)
    if kind := _other_kind(page.body):
        return _rejected(page, Reason.WRONG_TYPE, kind)
    text = _decoded(page, announced.language)
    if _is_plain(page, text):
        return _read_plain(page, text, announced)
    if _is_home(page.final_url):
        return _rejected(page, Reason.NOT_ARTICLE, "a home page")
    tree = load_html(text)
    if tree is None:
        return _rejected(page, Reason.NOT_ARTICLE, "no HTML")
    return _read_html(page, tree, announced)


def _read_html(page: Page, tree: HtmlElement, announced: Announcement) -> Article | Rejection:
    blocks = _blocks(tree, page.final_url)
    about = _about(page, tree)
    if rejection := _verdict(page, blocks, about):
        return rejection
    url = _canonical(about) or page.final_url
    published = _publication(about, announced)
    return Article(
        url=url,
        key=url_key(url),
        source=announced.source,
        title=_title(about, announced) or _heading(blocks) or _file_name(page.final_url),
        authors=_authors(about, announced),
        summary=_summary(about) or announced.summary,
        blocks=blocks,
        language=_language(blocks, (*_named_languages(about), announced.language)),
        published_at=published.published_at,
        date_precision=published.precision,
        date_found_in=published.origin,
        modified_at=published.modified_at,
        fetched_at=page.fetched_at,
        flags=_flags(about),
    )


def _verdict(page: Page, blocks: Sequence[Block], about: _About) -> Rejection | None:
    """Why the page is no article, None when it is one."""
    if _linked_share(blocks) > MAX_LINKED_SHARE and not about.node:
        return _rejected(page, Reason.NOT_ARTICLE, "a list of links")
    words = _words(blocks)
    if words >= MIN_WORDS:
        return None
    if _is_paywalled(about):
        return _rejected(page, Reason.PAYWALL_TEASER, f"{words:.0f} words")
    return _rejected(page, Reason.TOO_SHORT if blocks else Reason.NOT_ARTICLE, f"{words:.0f} words")


def _rejected(page: Page, reason: Reason, detail: str = "") -> Rejection:
    return Rejection(url=page.url, reason=reason, detail=detail)


_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")


def _words(blocks: Iterable[Block]) -> float:
    """Number of words; where a script does not part them, two characters are one."""
    text = " ".join(block.text for block in blocks)
    return len(_WORD.findall(text)) + len(_UNSPACED.findall(text)) / 2


# --- What kind of document it is ------------------------------------------------------------------------------

_MAGIC = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
}
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # how UTF-16 begins
_MAX_NULS = 16  # stray ones stand even in pages; sound, film and pictures are full of them
_XML_ROOT = re.compile(
    r"\s*(?P<xml><\?xml\b)?(?:<\?.*?\?>|<!--.*?-->|<!doctype[^>]*>|[^<])*<(?P<root>[\w:-]+)", re.I | re.S
)
_XML_ROOTS = frozenset(["rss", "feed", "rdf:rdf", "urlset", "sitemapindex", "opml", "svg"])
_HOME = re.compile(r"/?(?:[a-z]{2}(?:-[a-z]{2})?/?)?(?:(?:index|home|default)(?:\.\w+)?/?)?", re.I)


def _other_kind(body: bytes) -> str | None:
    """What the body is when it is neither HTML nor text, whatever its Content-Type says.

    Only its beginning is looked at: feeds parsed as pages have cost others an hour.
    """
    for magic, kind in _MAGIC.items():
        if body.startswith(magic):
            return kind
    if body[:1024].count(0) > _MAX_NULS and not body.startswith(_WIDE):
        return "binary"
    beginning = body[:4096].replace(b"\0", b"").decode("latin-1").lstrip("ï»¿þÿ \t\r\n")
    if beginning.startswith(("{", "[{", '["')):
        return "JSON"
    match = _XML_ROOT.match(beginning)
    root = match["root"].lower() if match and beginning.startswith("<") else ""
    if root in _XML_ROOTS or (match and match["xml"] and root not in ("html", "")):
        return f"XML ({root})"
    return None


def _is_plain(page: Page, text: str) -> bool:
    """Whether the page is plain text; servers call HTML so, too."""
    named = _header(page, "content-type").startswith("text/plain")
    suffix = urlsplit(page.final_url).path.lower().endswith(".txt")
    return (named or suffix) and not re.match(r"\s*<(?:!doctype html|html)\b", text, re.I)


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme != "file" and not parts.query and bool(_HOME.fullmatch(parts.path))


def _header(page: Page, name: str) -> str:
    return next((value for key, value in page.headers if key.lower() == name), "").lower()


# --- Characters -----------------------------------------------------------------------------------------------

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_META_CHARSET = re.compile(rb"<meta\b[^>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
_HTML_LANG = re.compile(rb"<html\b[^>]*?\blang\s*=\s*[\"']?([a-z]{2})", re.I)
_C1 = re.compile(r"[\x80-\x84\x86-\x9f]")  # NEL (U+0085) alone stands in texts
_NOT_PROSE = re.compile(rb"<(script|style)\b.*?</\1|<[^>]*>", re.I | re.S)
_SAID_OF_EVERYTHING = ("utf", "iso-8859-1", "latin1", "us-ascii", "ascii")
# The label, and what is meant by it (encoding.spec.whatwg.org §4.2).
_MEANT = {
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
# What pages in a language were written in before UTF-8. Statistics mix up the Latin ones; they need none: an ISO page
# has no C1 controls, a Windows page read as ISO has them, in its quotation marks at the latest.
_LATIN = {
    language: codecs
    for languages, codecs in (
        ("pl cs sk hu sl hr bs ro sq", ("iso8859_2", "cp1250")),
        ("en de fr es it pt nl da sv no nb nn fi is ca eu gl id ms", ("cp1252",)),
        ("tr az", ("cp1254",)),
        ("lt lv et", ("cp1257",)),
    )
    for language in languages.split()
}
_OTHERS = {
    language: codecs
    for languages, codecs in (
        ("ru bg mk sr be uk kk", ("cp1251", "koi8_r", "koi8_u", "iso8859_5")),
        ("el", ("cp1253", "iso8859_7")),
        ("he", ("cp1255",)),
        ("ar fa ur", ("cp1256",)),
        ("th", ("cp874",)),
        ("vi", ("cp1258",)),
        ("ja", ("cp932", "euc_jp")),
        ("ko", ("cp949",)),
        ("zh", ("gb18030", "big5hkscs")),
    )
    for language in languages.split()
}
_ANY = tuple(dict.fromkeys(("cp1252", *chain(*_LATIN.values(), *_OTHERS.values()))))


def _decoded(page: Page, language: str | None) -> str:
    """The body as text, its charset settled by proof before label before guess.

    What is valid UTF-8 is UTF-8. Another label holds when every byte can be read by it without a control character
    coming out; `utf-8` on what is not, and iso-8859-1, which servers say of everything, are no evidence.
    """
    body = page.body
    labels = _labels(page)
    if b"\x1b$" in body and "iso-2022-jp" in labels:  # pure ASCII bytes, so valid UTF-8 as well
        return body.decode("iso2022_jp", "replace")
    if (text := decode_unicode(body)) is not None:
        return text
    prose = _prose(body)
    lang = _HTML_LANG.search(body[:4096])
    written_in = lang[1].decode().lower() if lang else language or _detected(prose.decode("ascii", "ignore"))
    for codec in (*(_MEANT.get(label, label) for label in labels), *_LATIN.get(written_in or "", ())):
        if (text := _cleanly_decoded(body, codec)) is not None:
            return text
    candidates = _OTHERS.get(written_in or "", _ANY)
    best = from_bytes(prose[:20_000], cp_isolation=list(candidates)).best()
    return body.decode(best.encoding if best else candidates[0], "replace")


def _labels(page: Page) -> tuple[str, ...]:
    """The charsets that header, <meta> and XML declaration name."""
    header = _CHARSET.search(_header(page, "content-type"))
    beginning = page.body[:4096]
    marks = (*_META_CHARSET.findall(beginning), *_XML_ENCODING.findall(beginning))
    labels = (*((header[1],) if header else ()), *(mark.decode().lower() for mark in marks))
    return tuple(label for label in dict.fromkeys(labels) if not label.startswith(_SAID_OF_EVERYTHING))


def _cleanly_decoded(body: bytes, codec: str) -> str | None:
    try:
        text = body.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None
    return None if _C1.search(text) else text


def _prose(body: bytes) -> bytes:
    """The lines of the page that have more than ASCII, without markup, in which their letters would drown."""
    return b"\n".join(line for line in _NOT_PROSE.sub(b"\n", body).splitlines() if not line.isascii())


# --- Text -----------------------------------------------------------------------------------------------------

# Elements of trafilatura's body (a TEI dialect) that begin and end a block, and what kind of block they make.
_BREAKS = frozenset(["body", "p", "head", "item", "quote", "list", "table", "row", "cell", "lb", "code", "div"])
_KINDS = {"head": BlockKind.HEADING, "item": BlockKind.ITEM, "quote": BlockKind.QUOTE}
_MAX_CELL_CHARS = 300  # a longer cell holds prose: its table is the page's layout
_Piece = tuple[BlockKind, str | None]  # None ends a block


def _blocks(tree: HtmlElement, url: str) -> tuple[Block, ...]:
    """The page's main text, by trafilatura.

    Where that is mostly links, the wrong part of the page was taken; the precision mode often finds the right one
    (half of such pages on the sites of 2011, which make 1 %).
    """
    blocks = _extracted(tree, url)
    if _linked_share(blocks) <= MAX_LINKED_SHARE:
        return blocks
    stricter = _extracted(tree, url, favor_precision=True)
    return stricter if _words(stricter) >= MIN_WORDS else blocks


def _linked_share(blocks: Iterable[Block]) -> float:
    """The share of a text's characters that are link text."""
    chars = sum(len(block.text) for block in blocks)
    return sum(len(block.text) * block.link_share for block in blocks) / chars if chars else 0.0


def _extracted(tree: HtmlElement, url: str, *, favor_precision: bool = False) -> tuple[Block, ...]:
    """trafilatura's answer in blocks, each with its share of links.

    Links are not asked for (`include_links`): that glues words together and costs .001 of F1; their share comes from
    the page itself.
    """
    document = bare_extraction(
        tree,
        url=url,
        favor_precision=favor_precision,
        include_comments=False,
        include_tables=True,
        deduplicate=False,
    )
    if not isinstance(document, Document):
        return ()
    texts = list(_joined(_pieces(document.body, BlockKind.PARAGRAPH)))
    shares = _link_shares(tree, [text.replace(" | ", "") if kind is BlockKind.ROW else text for kind, text in texts])
    return tuple(Block(text=t, kind=kind, link_share=share) for (kind, t), share in zip(texts, shares, strict=True))


def _pieces(element: etree._Element, kind: BlockKind) -> Iterator[_Piece]:
    """The text below an element in reading order, every part once, with the ends of blocks between."""
    if element.tag == "row" and (cells := _data_cells(element)):
        yield from ((kind, None), (BlockKind.ROW, " | ".join(cells)), (kind, None))
        return
    kind = _KINDS.get(element.tag, kind)
    if element.tag in _BREAKS:
        yield kind, None
    yield kind, element.text or ""
    for child in element:
        yield from _pieces(child, kind)
        yield kind, child.tail or ""
    if element.tag in _BREAKS:
        yield kind, None


def _data_cells(row: etree._Element) -> list[str]:
    """The texts of a row of data; none for a row that only lays out the page."""
    cells = [[text for _, text in _joined(_pieces(cell, BlockKind.ROW))] for cell in row]
    texts = [" ".join(cell) for cell in cells if cell]
    layout = len(texts) < 2 or any(len(text) > _MAX_CELL_CHARS for text in texts)
    return [] if layout else texts


def _joined(pieces: Iterable[_Piece]) -> Iterator[tuple[BlockKind, str]]:
    """Kind and text of each block, white space folded, empty ones left out."""
    for ended, group in groupby(pieces, key=lambda piece: piece[1] is None):
        parts = [] if ended else list(group)
        text = " ".join("".join(part or "" for _, part in parts).split())
        if text:
            yield next(kind for kind, part in parts if part and not part.isspace()), text


def _link_shares(tree: HtmlElement, texts: Iterable[str]) -> list[float]:
    """The share of each text's characters that are link text on the page.

    The page is laid out as one line without white space, and each text is looked for in it, onwards from the last.
    """
    page, linked = _page_line(tree)
    shares, cursor = [], 0
    for text in texts:
        wanted = _squeezed(text)
        start = page.find(wanted, cursor)
        start = page.find(wanted) if start < 0 else start
        cursor = start + len(wanted) if start >= 0 else cursor
        shares.append(linked.count(1, start, cursor) / len(wanted) if start >= 0 else 0.0)
    return shares


def _page_line(tree: HtmlElement) -> tuple[str, bytes]:
    """The page's text without white space, and as many bytes: 1 where the character is link text."""
    pieces: list[str] = []
    marks: list[bytes] = []
    depth = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if element.tag == "a":
            depth += 1 if event == "start" else -1
        text = _squeezed((element.text if event == "start" else element.tail) or "")
        if element.tag not in ("script", "style") or event == "end":
            pieces.append(text)
            marks.append((b"\1" if depth else b"\0") * len(text))
    return "".join(pieces), b"".join(marks)


def _squeezed(text: str) -> str:
    return "".join(text.split())


# --- What the page says of itself -----------------------------------------------------------------------------

_ARTICLE_TYPE = re.compile(r"\w*Article|(?:Live)?BlogPosting|SocialMediaPosting|Report")
_OTHER_PAGES = frozenset(  # keys under which a node speaks of something else
    [
        "citation",
        "comment",
        "hasPart",
        "image",
        "isPartOf",
        "itemListElement",
        "liveBlogUpdate",
        "mentions",
        "relatedLink",
        "subjectOf",
        "video",
    ]
)
_JSON_WRAPPING = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>|;\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """A page's words about itself, beside its text."""

    page: Page
    tree: HtmlElement
    meta: Mapping[str, Sequence[str]]  # <meta> contents by name, property or itemprop, in small letters
    graph: Sequence[Mapping[str, Any]]  # every JSON-LD node
    node: Mapping[str, Any]  # the JSON-LD node of the article itself, empty without one
    byline: str | None  # by trafilatura, names apart by '; '
    day: str | None  # by htmldate, YYYY-MM-DD


def _about(page: Page, tree: HtmlElement) -> _About:
    graph = tuple(_linked_data(tree))
    byline, day = _by_trafilatura(page, tree)
    return _About(
        page=page,
        tree=tree,
        meta=_meta(tree),
        graph=graph,
        node=_article_node(graph, page.final_url),
        byline=byline,
        day=day,
    )


def _by_trafilatura(page: Page, tree: HtmlElement) -> tuple[str | None, str | None]:
    """Byline and day of publication as trafilatura and its htmldate find them in markup and text."""
    dates = {
        "original_date": True,
        "extensive_search": True,
        "max_date": (page.fetched_at + ZONE_ALLOWANCE).strftime("%Y-%m-%d"),
    }
    try:
        found = extract_metadata(tree, default_url=page.final_url, date_config=dates)
    except (ValueError, OverflowError):  # htmldate, on dates that are none ('month must be in 1..12')
        return None, None
    return found.author, found.date


def _meta(tree: HtmlElement) -> dict[str, list[str]]:
    meta: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = _folded(unescape(element.get("content") or ""))  # templates escape twice
        if content:
            meta.setdefault(name.lower(), []).append(content)
    return meta


def _linked_data(tree: HtmlElement) -> Iterator[Mapping[str, Any]]:
    """Every JSON-LD node of the page, outer before inner."""
    for script in tree.iter("script"):
        if "ld+json" not in script.get("type", "").lower():
            continue
        text = _JSON_WRAPPING.sub("", script.text or "")
        try:
            yield from _nodes(json.loads(text, strict=False))  # line breaks inside strings are common
        except (json.JSONDecodeError, RecursionError):
            continue


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key not in _OTHER_PAGES:
                yield from _nodes(inner)


def _article_node(graph: Sequence[Mapping[str, Any]], url: str) -> Mapping[str, Any]:
    """The node of the page's own article: the one that names the page's URL, or the first; empty without any."""
    articles = [node for node in graph if any(map(_ARTICLE_TYPE.fullmatch, _strings(node.get("@type"))))]
    named = (node for node in articles if any(_same_path(url, link) for link in _node_links(node)))
    return next(named, articles[0] if articles else {})


def _node_links(node: Mapping[str, Any]) -> list[str]:
    return [link for key in ("url", "@id", "mainEntityOfPage") for link in _strings(node.get(key), "@id")]


def _same_path(url: str, link: str) -> bool:
    absolute = resolve_link(url, link)
    return absolute is not None and urlsplit(absolute).path.rstrip("/") == urlsplit(url).path.rstrip("/")


def _strings(value: Any, key: str = "name") -> list[str]:
    """The strings that a JSON-LD value stands for; of a node, its `key`."""
    match value:
        case str():
            return [folded] if (folded := _folded(unescape(value))) else []
        case list():
            return [text for item in value for text in _strings(item, key)]
        case dict():
            return _strings(value.get(key) or value.get("@value"), key)
    return []


def _folded(text: str) -> str:
    return " ".join(text.split())


# --- Title, authors, summary, address -------------------------------------------------------------------------

_SEPARATOR = re.compile(r"\s+[-–—|·•:»«/]+\s+|\s*\|\s*")
_PLAIN_LETTERS = str.maketrans("łøđı", "lodi")  # accents that NFKD leaves on
_INLINE = frozenset(["a", "abbr", "b", "em", "font", "i", "mark", "small", "strong", "sub", "sup", "u", "wbr"])
_NAME_SEPARATOR = re.compile(r"\s*[;|]\s*|\s+(?:/|&|and|und|et|og|och|en)\s+", re.I)
_NAME_PREFIX = re.compile(
    r"^(?:(?:written |posted |reported )?by|von|par|por|text:|aut(?:h?or|orin|eur|ore):?)\s+", re.I
)
_NO_NAME = re.compile(
    r"@|https?:|www\.|\d|^.{81}|^.?$|^(?:the )?(?:author|admin|editor|staff|guest|unknown|anonymous|redaktion)$"
    r"|^(?:january|february|march|april|may|june|july|august|september|october|november|december)$",
    re.I,
)
_DESK = re.compile(  # what follows a publisher's name where no person signed
    r"(?:staff|editors?|editorial|team|desk|newsroom|news|online|digital|redaktion|redakcja|redazione|redacción"
    r"|rédaction|reporters?|writers?|correspondents?|agency|web|gmbh|ag|kg|inc|ltd|llc|sa|co|com|org|net|the|\s)*"
)


def _title(about: _About, announced: Announcement) -> str:
    """The headline: h1 where og:title agrees, else JSON-LD's, og:title, the only h1, <title>, the announced one."""
    sites = _site_names(about)
    headings = [text for h1 in about.tree.iter("h1") if _letters(text := _spaced_text(h1)) not in sites]
    shared = [
        _without_site(text, sites) for name in ("og:title", "twitter:title") for text in _meta_values(about, name)
    ]
    agreed = (heading for heading in headings if any(_agree(heading, title) for title in shared))
    stated = _strings(about.node.get("headline"))
    only = headings if len(headings) == 1 else []
    page_title = _without_site(_folded(about.tree.findtext(".//head/title") or ""), sites)
    return next(filter(None, (*agreed, *stated, *shared, *only, page_title, *headings, announced.title)), "")


def _agree(heading: str, title: str) -> bool:
    """Whether two headlines are one: equal, or one begins or ends with the other."""
    short, long = sorted((_letters(heading), _letters(title)), key=len)
    return len(short) > len(long) / 2 and (long.startswith(short) or long.endswith(short))


def _spaced_text(element: HtmlElement) -> str:
    """An element's text, with a space between its parts: 'Kicker' and 'Headline' stand in elements of their own."""
    parts = [(element.text or "")]
    for child in element.iterdescendants():
        space = "" if child.tag in _INLINE else " "
        parts += [space, (child.text or "") if isinstance(child.tag, str) else "", space, child.tail or ""]
    return _folded("".join(parts))


def _without_site(title: str, sites: frozenset[str]) -> str:
    """A page's title without the site's name before or after it."""
    gaps = list(_SEPARATOR.finditer(title))
    for gap in reversed(gaps):
        if _letters(title[gap.end() :]) in sites:
            return _without_site(title[: gap.start()], sites)
    if gaps and _letters(title[: gaps[0].start()]) in sites:
        return title[gaps[0].end() :]
    return title


def _site_names(about: _About) -> frozenset[str]:
    """The publisher's names, folded to letters: as the page gives them, and its domain."""
    sites = [node for node in about.graph if "WebSite" in _strings(node.get("@type"))]
    domain = registrable_domain(about.page.final_url)
    names = (
        *_named(about, about.node.get("publisher")),
        *_named(about, sites),
        *_meta_values(about, "og:site_name"),
        *_meta_values(about, "application-name"),
        domain,
        domain.partition(".")[0],
    )
    return frozenset(filter(None, map(_letters, names)))


def _named(about: _About, value: Any) -> list[str]:
    """The names of what a JSON-LD value lists, references within the graph followed."""
    names: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        reference = item.get("@id") if isinstance(item, dict) and "name" not in item else None
        there = (node for node in about.graph if reference and node.get("@id") == reference and "name" in node)
        names += _strings(next(there, item))
    return names


def _letters(text: str) -> str:
    """The text's letters and digits alone, without case and accents: 'Głos Doliny' is glosdoliny."""
    plain = normalize("NFKD", text.casefold().translate(_PLAIN_LETTERS))
    return "".join(char for char in plain if char.isalnum())


def _meta_values(about: _About, name: str) -> Sequence[str]:
    return about.meta.get(name, ())


def _authors(about: _About, announced: Announcement) -> tuple[str, ...]:
    """Who signed, people or agencies: by JSON-LD, else as trafilatura reads the page, else as announced.

    The publisher's own name is no signature.
    """
    sites = _site_names(about)
    for signed in (_named(about, about.node.get("author")), (about.byline or "").split("; "), announced.authors):
        names = dict.fromkeys(name for text in signed for name in _names(text) if not _is_publisher(name, sites))
        if names:
            return tuple(names)
    return ()


def _names(text: str) -> Iterator[str]:
    """The names in a byline."""
    for part in _NAME_SEPARATOR.split(plain_text(text) if "<" in text else text):
        between_commas = part.split(",")
        whole = len(between_commas) < 2 or any(" " not in name.strip() for name in between_commas)  # 'Kowalska, Anna'
        for name in [part] if whole else between_commas:
            cleaned = _NAME_PREFIX.sub("", _folded(name)).strip(" ,.-–—")
            if not _NO_NAME.search(cleaned):
                yield cleaned


def _is_publisher(name: str, sites: frozenset[str]) -> bool:
    folded = _letters(name)
    return any(folded.startswith(site) and _DESK.fullmatch(folded.removeprefix(site)) for site in sites)


def _summary(about: _About) -> str | None:
    """The standfirst, as the page gives it to those who link to it."""
    described = (*_meta_values(about, "og:description"), *_meta_values(about, "description"))
    return next(iter((*described, *_strings(about.node.get("description")))), None)


def _canonical(about: _About) -> str | None:
    """The address that the page gives itself, when it can be one: the same owner, and no home or section page.

    Pages with several different canonical links are known; they say nothing.
    """
    url = about.page.final_url
    links = {
        link.get("href", "").strip() for link in about.tree.iter("link") if link.get("rel", "").lower() == "canonical"
    }
    named = links or set(_meta_values(about, "og:url")[:1])
    absolute = resolve_link(url, named.pop()) if len(named) == 1 else None
    if not absolute or _is_home(absolute) or registrable_domain(absolute) != registrable_domain(url):
        return None
    section = urlsplit(absolute).path.rstrip("/") + "/"
    above = urlsplit(url).path.startswith(section) and urlsplit(url).path != section
    return None if above and not urlsplit(absolute).query else absolute


def _heading(blocks: Sequence[Block]) -> str:
    return next((block.text for block in blocks if block.kind is BlockKind.HEADING), "")


def _file_name(url: str) -> str:
    """The last part of the URL's path, without its suffix."""
    parts = [part for part in unquote(urlsplit(url).path).split("/") if part]
    return parts[-1].partition(".")[0] if parts else urlsplit(url).netloc


# --- Date, language, flags ------------------------------------------------------------------------------------

# By trust: what the newsroom's system wrote for machines, then what page templates and importers add.
_PUBLISHED_META = (
    "article:published_time og:article:published_time datepublished article:published og:published_time "
    "parsely-pub-date cxenseparse:recs:publishtime sailthru.date pubdate publishdate publish-date publish_date "
    "publication_date dcterms.issued dc.date.issued dcterms.created dc.date.created dc.date dcterms.date date"
)
_MODIFIED_META = (
    "article:modified_time og:article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified"
)
_EAST_ASIAN_TIME = re.compile(r"(?<!\d)(?:19|20)\d\d ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일](?:\s*\d{1,2}[:：]\d\d)?")
_FALSE = re.compile(r"(?:https?://schema\.org/)?false", re.I)
_LIVE_ENTRY = re.compile(r"\blive-?blog\w*[-_]+(?:entry|post|update|item|event|block)\b", re.I)


def _publication(about: _About, announced: Announcement) -> Publication:
    """When the page was published, all its own witnesses heard."""
    named_in_url = url_day(about.page.final_url)
    said = {
        DateOrigin.JSON_LD: _linked_times(about, "datePublished"),
        DateOrigin.META: [*_meta_times(about, _PUBLISHED_META), *_microdata(about, "datePublished")],
        DateOrigin.VISIBLE: _visible_times(about, named_in_url),
        DateOrigin.URL: [named_in_url] if named_in_url else [],
    }
    modified = (
        *_linked_times(about, "dateModified"),
        *_meta_times(about, _MODIFIED_META),
        *_microdata(about, "dateModified"),
    )
    return publication(said, modified, announced, about.page.fetched_at)


def _meta_times(about: _About, names: str) -> list[str]:
    return [text for name in names.split() for text in _meta_values(about, name)]


def _linked_times(about: _About, key: str) -> list[str]:
    return [text for node in _page_nodes(about) for text in _strings(node.get(key))]


def _page_nodes(about: _About) -> list[Mapping[str, Any]]:
    """The JSON-LD nodes that speak of this article, then of the page that it stands on."""
    return [about.node, *(node for node in about.graph if "WebPage" in _strings(node.get("@type")))]


def _microdata(about: _About, itemprop: str) -> list[str]:
    marked = about.tree.xpath("//*[@itemprop=$itemprop]", itemprop=itemprop)
    return [text for element in marked if (text := element.get("datetime") or element.get("content"))]


def _visible_times(about: _About, named_in_url: str | None) -> list[str]:
    """The <time> elements of the day that htmldate found, or that day itself.

    A page has other <time> elements: of its comments, of other articles. htmldate answers with the URL's date, when
    the URL has one, and with 1 January, when it could read no more than a year, as of '2024年5月3日'.
    """
    day = about.day or ""
    agreeing = [
        time for element in about.tree.iter("time") if (time := element.get("datetime", "").strip())[:10] == day
    ]
    if agreeing or (day and day != named_in_url and not day.endswith("-01-01")):
        return agreeing or [day]
    return _EAST_ASIAN_TIME.findall(about.tree.text_content())[:1]


def _named_languages(about: _About) -> list[str]:
    """The languages that the page's markup names, ISO 639-1."""
    tags = (about.tree.get("lang"), *_meta_values(about, "og:locale"), *_strings(about.node.get("inLanguage")))
    return [re.split("[-_]", tag.strip().lower())[0] for tag in tags if tag]


def _flags(about: _About) -> frozenset[Flag]:
    flags = set()
    if _is_paywalled(about):
        flags.add(Flag.TEASER)
    if _is_live_blog(about):
        flags.add(Flag.LIVE_BLOG)
    return frozenset(flags)


def _is_paywalled(about: _About) -> bool:
    """Whether the page declares that the rest is for subscribers (schema.org isAccessibleForFree, Facebook's tiers)."""
    free = [str(node.get("isAccessibleForFree")) for node in _page_nodes(about)]
    closed = any(_FALSE.fullmatch(text) for text in (*free, *_meta_values(about, "isaccessibleforfree")))
    return closed or "locked" in _meta_values(about, "article:content_tier")


def _is_live_blog(about: _About) -> bool:
    """Whether JSON-LD or microdata says so, or at least three entries are marked up as a live blog's."""
    if "LiveBlogPosting" in _strings(about.node.get("@type")):
        return True
    if about.tree.xpath("//*[contains(@itemtype, 'schema.org/LiveBlogPosting')]"):
        return True
    entries = [e for e in about.tree.iter("div", "article", "li", "section") if _LIVE_ENTRY.search(e.get("class", ""))]
    return len(entries) >= 3


# What newspapers are written in, as far as the model knows it; with all its 140 labels, short English texts come out
# as Pidgin or Kikuyu. Nynorsk counts as Norwegian.
LANGUAGES = (
    "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko "
    "ky lo lt lv mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh"
)
PRIOR_WEIGHT = 10.0  # a language that the page or its source names counts so many times its likelihood in the text
_SAMPLE_CHARS = 3000
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "sh": "sr"}


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """The language model: read once a process, a second's work."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES.split())
    return identifier


def _language(blocks: Sequence[Block], named: Iterable[str | None]) -> str | None:
    return _detected(" ".join(block.text for block in blocks), (_SAME.get(name or "", name) for name in named))


def _detected(text: str, named: Iterable[str | None] = ()) -> str | None:
    """The language of a text, ISO 639-1; None when no language is more likely than all others together."""
    prior = frozenset(named)
    weighted = {
        language: likelihood * (PRIOR_WEIGHT if language in prior else 1.0)
        for language, likelihood in _identifier().rank(text[:_SAMPLE_CHARS])
    }
    best = max(weighted, key=weighted.__getitem__)
    return best if weighted[best] > sum(weighted.values()) / 2 else None


# --- Plain text -----------------------------------------------------------------------------------------------

_BULLET = re.compile(r"[-*]\s+|[•‣]\s*(?=\S)|(?=\d{1,2}[.)]\s)")  # a number stays with its text
_TITLE_LINES = 10  # a title stands among the first; menus and reading times may stand before it
_TITLE_CHARS = 200
_LEAST_TITLE_LETTERS = 6
_NO_TITLE_END = (".", ",", ";", ":", "…")


def _read_plain(page: Page, text: str, announced: Announcement) -> Article | Rejection:
    """A text file as an article: a line is a block."""
    lines = list(filter(None, map(_folded, text.splitlines())))
    title = _title_line(lines)
    blocks = tuple(_line_block(line, title) for line in lines)
    if (words := _words(blocks)) < MIN_WORDS:
        return _rejected(page, Reason.TOO_SHORT, f"{words:.0f} words")
    day = url_day(page.final_url)
    published = publication({DateOrigin.URL: [day] if day else []}, (), announced, page.fetched_at)
    return Article(
        url=page.final_url,
        key=url_key(page.final_url),
        source=announced.source,
        title=title or announced.title or _file_name(page.final_url),
        authors=announced.authors,
        summary=announced.summary,
        blocks=blocks,
        language=_language(blocks, (announced.language,)),
        published_at=published.published_at,
        date_precision=published.precision,
        date_found_in=published.origin,
        modified_at=None,
        fetched_at=page.fetched_at,
    )


def _title_line(lines: Sequence[str]) -> str | None:
    """The first line that can be a title; better, one that another line repeats, or ends with, as a breadcrumb does."""
    first = lines[:_TITLE_LINES]
    fit = [line for line in first if len(line) <= _TITLE_CHARS and not line.endswith(_NO_TITLE_END)]
    fit = [line for line in fit if len(_letters(line)) >= _LEAST_TITLE_LETTERS and not _BULLET.match(line)]
    repeated = (line for line in fit if sum(other.endswith(line) for other in first) > 1)
    return next(repeated, fit[0] if fit else None)


def _line_block(line: str, title: str | None) -> Block:
    if line == title:
        return Block(text=line, kind=BlockKind.HEADING)
    if bullet := _BULLET.match(line):
        return Block(text=line[bullet.end() :], kind=BlockKind.ITEM)
    return Block(text=line)
