"""What a reader should know of an article beside its text: paywall, teaser, live blog, listing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from lxml.html import HtmlElement

from extract.blocks import count_words, linked_share
from extract.jsonld import is_a
from extract.metadata import About, page_nodes
from extract.model import Block, BlockKind, Flag
from extract.phrases import led_by, says
from extract.spots import PageLine
from extract.text import folded

MAX_LINKED_SHARE = 0.6  # of the text; above, it is a listing
WHOLE_WORDS = 200  # a text for subscribers of so many words was not cut off; teasers have two or three paragraphs
_TAIL = 5  # blocks at the end of a text, where it says that the rest is not here
_SIGN_CHARS = 200  # a longer block is told, not said by the page
_BOX_CHARS = 1500  # of a paywall's box, with its offers

_HOLDERS = frozenset({Flag.LIVE_BLOG, Flag.LISTING})
_FALSE = re.compile(r"(?:https?://schema\.org/)?false", re.I)
_LIVE_ENTRY = re.compile(r"\blive-?blog\w*[-_]+(?:entry|post|update|item|event|block)\b", re.I)
_CLOCK_LED = re.compile(r"\W{0,2}(?:[01]?\d|2[0-3])[:.h][0-5]\d(?!\d|[.:/]\d)")
_PAYWALL_BOX = re.compile(r"pay-?wall|reg-?wall|subscri(?:be|ption)-(?:wall|box|prompt)", re.I)
# Words without which a page has no such element: they are looked for first, as that takes no time.
_BOX_WORDS = ("aywall", "ay-wall", "egwall", "eg-wall", "ubscription-wall", "ubscribe-wall")
_LIVE_TYPE = "schema.org/LiveBlogPosting"
_LIVE_WORDS = ("liveblog", "live-blog", "LiveBlog")
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden", re.I)
_CUT_OFF = re.compile(r"(?:…|\.\.\.|\[…\]|\[\.\.\.\])[\s\"'”’»]*$")


def read_flags(about: About, markup: str, line: PageLine, blocks: Sequence[Block]) -> frozenset[Flag]:
    """What the page and its text show it to be.

    markup: the whole page, as it was parsed; line: its text
    """
    flags = set()
    closed, ended, cut_off = is_paywalled(about, markup, line), _ends_at_a_paywall(blocks), _reads_cut_off(blocks)
    if closed or (ended and cut_off):  # a line alone may speak of comments or of another article
        flags.add(Flag.PAYWALLED)
    if [closed, ended, cut_off].count(True) >= 2:
        flags.add(Flag.TEASER)
    if _is_live_blog(about, markup, line, blocks):
        flags.add(Flag.LIVE_BLOG)
    if is_listing(blocks):
        flags.add(Flag.LISTING)
    return frozenset(flags)


def is_listing(blocks: Sequence[Block]) -> bool:
    """Whether most of the text is links."""
    return linked_share(blocks) > MAX_LINKED_SHARE


def holds_others(title: str, flags: Collection[str]) -> bool:
    """Whether an article says that it is made of other texts: a round-up, a live blog, a listing."""
    return not _HOLDERS.isdisjoint(flags) or led_by("roundup").match(folded(title)) is not None


# --- Behind a paywall -----------------------------------------------------------------------------------------------


def is_paywalled(about: About, markup: str, line: PageLine) -> bool:
    """Whether the page says that it is for subscribers: in its markup, or to its readers in a box made for that."""
    if _is_marked_closed(about):
        return True
    may_have_box = line.has_named(_PAYWALL_BOX) and any(word in markup for word in _BOX_WORDS)
    return may_have_box and any(says("paywall", text) for text in _paywall_boxes(about.tree))


def _is_marked_closed(about: About) -> bool:
    """By schema.org's isAccessibleForFree, or by Facebook's tiers."""
    free = [str(node.get("isAccessibleForFree")) for node in page_nodes(about)]
    closed = any(_FALSE.fullmatch(text) for text in (*free, *about.meta_values("isaccessibleforfree")))
    return closed or "locked" in about.meta_values("article:content_tier")


def _paywall_boxes(tree: HtmlElement) -> Iterator[str]:
    """The texts of the boxes that are named for what they do, as far as they are shown."""
    for element in tree.iter("div", "section", "aside", "p"):
        if _PAYWALL_BOX.search(f"{element.get('class', '')} {element.get('id', '')}") and not _is_hidden(element):
            text = folded(element.text_content())
            if len(text) <= _BOX_CHARS:
                yield text


def _is_hidden(element: HtmlElement) -> bool:
    return "hidden" in element.attrib or _HIDDEN.search(element.get("style", "")) is not None


def _ends_at_a_paywall(blocks: Sequence[Block]) -> bool:
    """Whether the last lines of the text say that the rest is for subscribers."""
    return any(len(block.text) <= _SIGN_CHARS and says("paywall", block.text) for block in blocks[-_TAIL:])


def _reads_cut_off(blocks: Sequence[Block]) -> bool:
    """Whether the text is that of a teaser: short, or broken off before the lines that end the page."""
    if count_words(blocks) < WHOLE_WORDS:
        return True
    return any(_CUT_OFF.search(block.text) for block in blocks[-2 * _TAIL :] if block.kind is BlockKind.PARAGRAPH)


# --- Told as it happens ---------------------------------------------------------------------------------------------


def _is_live_blog(about: About, markup: str, line: PageLine, blocks: Sequence[Block]) -> bool:
    """Whether JSON-LD or microdata says so, or the markup of three entries, or its name and timed ones."""
    if is_a(about.node, "LiveBlogPosting"):
        return True
    if _is_marked_live(about.tree, markup, line):
        return True
    return _timed_entries(blocks) >= 4 and _is_called_live(about)


def _is_marked_live(tree: HtmlElement, markup: str, line: PageLine) -> bool:
    if _LIVE_TYPE in markup and tree.xpath(f"//*[@itemtype][contains(@itemtype, '{_LIVE_TYPE}')]"):
        return True
    if not (line.has_named(_LIVE_ENTRY) and any(word in markup for word in _LIVE_WORDS)):
        return False
    entries = [e for e in tree.iter("div", "article", "li", "section") if _LIVE_ENTRY.search(e.get("class", ""))]
    return len(entries) >= 3


def _timed_entries(blocks: Sequence[Block]) -> int:
    told = (BlockKind.PARAGRAPH, BlockKind.HEADING)
    return sum(block.kind in told and _CLOCK_LED.match(block.text) is not None for block in blocks)


def _is_called_live(about: About) -> bool:
    titles = (about.tree.findtext(".//head/title") or "", *about.meta_values("og:title"), about.page.final_url)
    return any(says("live", folded(title)) for title in titles)
