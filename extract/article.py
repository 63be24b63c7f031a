"""A page as an article: its text in blocks, and what it says of itself. The one module that knows trafilatura.

A page is decoded, known for HTML or plain text, and read: its main text becomes blocks, its words about itself become
title, authors, times. What is no article leaves as a Rejection.
Pure: the same page gives the same answer, whatever was read before. So trafilatura's own deduplication, which remembers
earlier pages, stays off, and its dates are bounded by the time of the fetch, not by today.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lxml.etree import ElementDefaultClassLookup, LxmlError, XPath
from lxml.html import HtmlElement, HTMLParser, fromstring
from trafilatura import bare_extraction, load_html
from trafilatura.metadata import extract_author
from trafilatura.settings import Document
from trafilatura.utils import is_dubious_html, repair_faulty_html

from extract.authors import read_authors, stated_bylines
from extract.blocks import MIN_WORDS, count_words, heading, read_blocks, running_text
from extract.by_readability import readability_body
from extract.bylines import shown_byline
from extract.charset import decode
from extract.credits import credit_of, material_of, translator_of
from extract.dates import publication, url_day
from extract.feedtext import refusal_of
from extract.flags import is_listing, is_paywalled, read_flags
from extract.headers import first_value
from extract.labels import read_image, read_section, read_tags
from extract.language import detect_language
from extract.metadata import About, canonical_url, named_languages, read_about
from extract.model import Announcement, Article, Block, DateOrigin, Extractor, Flag, Page, Reason, Rejection
from extract.page_dates import modified_times, published_times
from extract.plaintext import read_lines
from extract.quick import first_body
from extract.sniff import is_plain_text, other_kind
from extract.spots import PageLine, page_line
from extract.summary import read_summary
from extract.title import read_title
from extract.urls import is_home_page, slug_of

_REPAIRED = 4096  # characters at the head of a page, where trafilatura looks for what the parser stumbles over
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\r"})
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_ATTRIBUTES = XPath("//@*", smart_strings=False)
_AUTHOR = re.compile(  # whatever AUTHOR_XPATHS of trafilatura ask of an element has one of these in it
    "[Aa]uthor|[Bb]yl|BBL|zuozhe|bianji|xiaobian|username|channel-name|submitted-by|posted-by|journalist-name|screenname"
    "|writer"
)
# As trafilatura's own, but that every element is the same to it, a form's as well: lxml asks a function in Python for
# the class of each element that is touched.
_PARSER = HTMLParser(collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True)
_PARSER.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))
# Characters without white space, and their share of what stands in the page's paragraphs: of short texts most.
_ENOUGH = ((1000, 0.3), (700, 0.6))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPage:
    """A page that can be read: decoded, parsed once for all extractors, its words about itself at hand."""

    page: Page
    announced: Announcement
    text: str
    about: About | None  # None for a text file
    line: PageLine = field(default_factory=PageLine)


def open_page(page: Page, announced: Announcement) -> OpenPage | Rejection:
    """The page ready to be read, or the reason why there can be no article on it.

    announced: what the feed and the source's file know of the page, a witness beside the page's own words
    """
    if not page.body.strip():
        return _rejected(page, Reason.EMPTY)
    if kind := other_kind(page.body):
        return _rejected(page, Reason.WRONG_TYPE, kind)
    content_type = first_value(page.headers, "content-type")
    text = decode(page.body, content_type, announced.language)
    if is_plain_text(text, content_type, page.final_url):
        return OpenPage(page=page, announced=announced, text=text, about=None)
    if is_home_page(page.final_url):
        return _rejected(page, Reason.NOT_ARTICLE, "a home page")
    tree = _parsed(text)
    if tree is None:
        return _rejected(page, Reason.NOT_ARTICLE, "no HTML")
    return OpenPage(page=page, announced=announced, text=text, about=read_about(page, tree), line=page_line(tree))


def read_article(opened: OpenPage, *, quick: bool = False) -> Article:
    """What the page says, as trafilatura finds it; a text file as its lines.

    quick: without trafilatura's comparison with its other extractors, where it finds enough on its own
    """
    return _read_plain(opened) if opened.about is None else _read_html(opened, opened.about, quick=quick)


def read_otherwise(article: Article, opened: OpenPage, extractor: Extractor) -> Article:
    """The article with its text as another extractor finds it on an HTML page; with no text where that finds none."""
    assert opened.about is not None, "a text file has one reading"
    tree = opened.about.tree
    body = _newspaper_body(tree, article.language) if extractor is Extractor.NEWSPAPER4K else readability_body(tree)
    blocks = () if body is None else read_blocks(body, opened.line)
    return replace(article, blocks=blocks, extractor=extractor, language=_language(opened, opened.about, blocks))


def _newspaper_body(tree: HtmlElement, language: str | None) -> HtmlElement | None:
    from extract.by_newspaper import newspaper_body  # half a second, for those alone who read pages

    return newspaper_body(tree, language)


def of_its_text(article: Article, opened: OpenPage) -> Article:
    """The article with what its own text tells of it: whose it is, who translated it, what a reader should know."""
    assert opened.about is not None, "a text file has one reading"
    credit = credit_of(article.authors, article.blocks) or article.credit
    return replace(
        article,
        credit=credit,
        material=material_of(stated_bylines(opened.about), article.blocks, credit) or article.material,
        translator=translator_of(opened.about, article.blocks) or article.translator,
        flags=read_flags(opened.about, opened.text, opened.line, article.blocks),
    )


def _read_html(opened: OpenPage, about: About, *, quick: bool) -> Article:
    page, announced = opened.page, opened.announced
    blocks = _main_text(opened, about.tree, quick=quick)
    title = read_title(about, announced) or heading(blocks) or slug_of(page.final_url)
    authors = read_authors(about, announced, blocks, lambda: _find_byline(about, title))
    published = publication(published_times(about, announced), modified_times(about), announced, page.fetched_at)
    credit = credit_of(authors, blocks)
    return Article(
        url=canonical_url(about) or page.final_url,
        source=announced.source,
        title=title,
        authors=authors,
        summary=read_summary(about, announced, title, blocks),
        section=read_section(about, title),
        tags=read_tags(about),
        image=read_image(about),
        credit=credit,
        material=material_of(stated_bylines(about), blocks, credit),
        translator=translator_of(about, blocks),
        blocks=blocks,
        extractor=Extractor.TRAFILATURA,
        language=_language(opened, about, blocks),
        published_at=published.published_at,
        utc_offset=published.utc_offset,
        date_precision=published.precision,
        date_found_in=published.origin,
        modified_at=published.modified_at,
        fetched_at=page.fetched_at,
        flags=read_flags(about, opened.text, opened.line, blocks),
    )


def _language(opened: OpenPage, about: About, blocks: Sequence[Block]) -> str | None:
    return detect_language(running_text(blocks), (*named_languages(about), opened.announced.language))


def _read_plain(opened: OpenPage) -> Article:
    page, announced = opened.page, opened.announced
    blocks = read_lines(opened.text, announced.title)
    day = url_day(page.final_url)
    published = publication({DateOrigin.URL: [day] if day else []}, (), announced, page.fetched_at)
    from_feed = refusal_of(page) is not None
    credit = credit_of(announced.authors, blocks)
    return Article(
        url=page.final_url,
        source=announced.source,
        title=announced.title or heading(blocks) or slug_of(page.final_url),
        authors=announced.authors,
        summary=announced.summary if announced.summary != opened.text else None,
        credit=credit,
        material=material_of(announced.authors, blocks, credit),
        blocks=blocks,
        extractor=Extractor.LINES,
        language=detect_language(running_text(blocks), (announced.language,)),
        published_at=published.published_at,
        utc_offset=published.utc_offset,
        date_precision=published.precision,
        date_found_in=published.origin,
        modified_at=None,
        fetched_at=page.fetched_at,
        flags=frozenset({Flag.FEED_TEXT}) if from_feed else frozenset(),
    )


def why_no_article(opened: OpenPage, blocks: Sequence[Block]) -> Rejection | None:
    """Why a page with this text is no article, None when it is one."""
    words = count_words(blocks)
    if opened.about is None:
        return _rejected(opened.page, Reason.TOO_SHORT, f"{words:.0f} words") if words < MIN_WORDS else None
    if is_listing(blocks) and not opened.about.node:
        return _rejected(opened.page, Reason.NOT_ARTICLE, "a list of links")
    if words >= MIN_WORDS:
        return None
    if is_paywalled(opened.about, opened.text, opened.line):
        return _rejected(opened.page, Reason.PAYWALL_TEASER, f"{words:.0f} words")
    return _rejected(opened.page, Reason.TOO_SHORT if blocks else Reason.NOT_ARTICLE, f"{words:.0f} words")


def _rejected(page: Page, reason: Reason, detail: str = "") -> Rejection:
    return Rejection(url=page.url, reason=reason, detail=detail)


def _find_byline(about: About, title: str) -> str | None:
    """The names in a byline that the page shows, apart by ';': where it stands by rule, or else anywhere."""
    return shown_byline(about.tree, title) or (extract_author(about.tree) if _names_an_author(about.tree) else None)


def _names_an_author(tree: HtmlElement) -> bool:
    """Whether an element is named for an author in any of trafilatura's ways; most pages that come here have none.

    Looking the page over by its rules takes ten times as long.
    """
    return _AUTHOR.search("\n".join(set(_ATTRIBUTES(tree)))) is not None or tree.find(".//author") is not None


# --- What trafilatura finds -----------------------------------------------------------------------------------


def _parsed(text: str) -> HtmlElement | None:
    """The tree that trafilatura's `load_html` makes of a page, in half its time; None where it takes it for no HTML.

    It looks through the whole page for what stands in its head, and has libxml2 read text that is not in UTF-8.
    """
    head = text.find("\n", _REPAIRED) + 1
    if not head:
        return load_html(text)
    beginning = text[:50].lower()
    markup = (repair_faulty_html(text[:head], beginning) + text[head:]).encode("utf-8", "surrogatepass")
    markup = markup.translate(None, _CONTROLS)
    for refused in _NONCHARACTERS:
        markup = markup.replace(refused, b"")
    try:
        tree = fromstring(markup, parser=_PARSER)
    except LxmlError:
        return None
    return None if is_dubious_html(beginning) and len(tree) < 2 else tree


def _main_text(opened: OpenPage, tree: HtmlElement, *, quick: bool) -> tuple[Block, ...]:
    """The page's main text, by trafilatura.

    Where that is mostly links, the wrong part of the page was taken; the precision mode often finds the right one
    (half of such pages on the sites of 2011, which make 1 %).
    """
    if quick and _is_enough(blocks := _quickly(opened, tree), opened.line):
        return blocks
    blocks = _extracted(opened, tree)
    if not is_listing(blocks):
        return blocks
    stricter = _extracted(opened, tree, favor_precision=True)
    return stricter if count_words(stricter) >= MIN_WORDS else blocks


def _quickly(opened: OpenPage, tree: HtmlElement) -> tuple[Block, ...]:
    """The text without trafilatura's comparison with its other extractors."""
    body = first_body(tree, opened.text, opened.line)
    return _extracted(opened, tree, fast=True) if body is None else read_blocks(body, opened.line)


def _is_enough(blocks: Sequence[Block], line: PageLine) -> bool:
    """Whether so much of the page was found that a comparison with other extractors would hardly change it."""
    chars = sum(len(block.text.replace(" ", "")) for block in blocks)
    in_paragraphs = line.chars_in("p")
    enough = any(chars >= max(least, share * in_paragraphs) for least, share in _ENOUGH)
    return enough and not is_listing(blocks)


def _extracted(
    opened: OpenPage, tree: HtmlElement, *, fast: bool = False, favor_precision: bool = False
) -> tuple[Block, ...]:
    """trafilatura's answer in blocks.

    Links are not asked for (`include_links`): that glues words together and costs .001 of F1; their share comes from
    the page itself.
    """
    document = bare_extraction(
        tree,
        url=opened.page.final_url,
        fast=fast,
        favor_precision=favor_precision,
        include_comments=False,
        include_tables=True,
        deduplicate=False,
        output_format="txt",  # `python` would write the text, too, which nobody asks for
    )
    return read_blocks(document.body, opened.line) if isinstance(document, Document) else ()
