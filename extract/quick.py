"""What trafilatura's first extractor finds, on pages where all else that it would do is known to change nothing.

`bare_extraction(fast=True)` goes through a page with regular expressions, each of which is tried on every element, and
writes out all its text to see how much of it was found. Here all names are asked at once whether there is anything to
be found, and the page's text is measured on the line that it is laid out on. The answer is the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from functools import lru_cache

from lxml.etree import XPath, _Element
from lxml.html import HtmlElement
from trafilatura.baseline import html2txt
from trafilatura.core import ESCALATION_MAX_LENGTH, ESCALATION_PAGE_SHARE
from trafilatura.htmlprocessing import convert_tags, tree_cleaning
from trafilatura.main_extractor import extract_content
from trafilatura.settings import Extractor
from trafilatura.xml import delete_element

from extract.spots import PageLine

_NAMES = XPath("//@id | //@class", smart_strings=False)
_FORUM = "DiscussionForumPosting"
# Whatever RAW_TREE_PRUNE_XPATH of trafilatura asks of an element has one of these in it.
_APPENDED = re.compile("mvp-post-add-|infinite-?scroll|elementor-share-buttons")
# What REMOVE_COMMENTS_AND_LISTS_XPATH asks of id and class, and of which elements.
_COMMENTS_ID = re.compile("[Cc]omment(?!ary)|comol|disqus_thread|dsq-comments")
_COMMENTS_LIST_ID = re.compile("[Cc]omment(?!ary)|comol")
_COMMENTS_CLASS = re.compile("^[Cc]omment(?!ary)|(?:article|post)-comments")
_MAYBE_COMMENTS = re.compile("omment|comol|disqus_thread")
_HOLDING = ("div", "list", "section", "details", "ol", "ul")
_LISTS = frozenset(["ol", "ul"])
_BREAKS = ("br", "hr", "pre", "summary")  # where trafilatura parts words, and the line does not


def first_body(tree: HtmlElement, markup: str, line: PageLine) -> _Element | None:
    """The body that the first extractor finds; None where trafilatura would go on from there, or goes another way.

    tree: stays as it is; markup, line: of the same page
    """
    names = "\n".join(set(_NAMES(tree)))
    if _FORUM in markup or _APPENDED.search(names):
        return None
    page = copy(tree)
    if _MAYBE_COMMENTS.search(names):
        for element in _comments(page):
            delete_element(element)
    try:
        body, text = extract_content(convert_tags(tree_cleaning(copy(page), _options()), _options()), _options())
    except (TypeError, ValueError):  # as `bare_extraction` has it
        return None
    return None if _is_little(text, page, line) else body


@lru_cache(maxsize=1)  # it reads thirteen settings, which takes half a millisecond
def _options() -> Extractor:
    return Extractor(output_format="txt", fast=True, comments=False, tables=True)


def _comments(page: HtmlElement) -> Sequence[HtmlElement]:
    """The elements that hold comments."""
    return [element for element in page.iterdescendants(_HOLDING) if _is_of_comments(element)]


def _is_of_comments(element: HtmlElement) -> bool:
    by_id = _COMMENTS_LIST_ID if element.tag in _LISTS else _COMMENTS_ID
    return bool(by_id.match(element.get("id", "")) or _COMMENTS_CLASS.search(element.get("class", "")))


def _is_little(text: str, page: HtmlElement, line: PageLine) -> bool:
    """Whether trafilatura would look for more: the text is short, for itself or beside the page's."""
    if len(text) < _options().min_extracted_size:
        return True
    enough = len(text) / ESCALATION_PAGE_SHARE
    if len(text) >= ESCALATION_MAX_LENGTH or enough >= _most_chars(page, line):
        return False
    return enough < len(html2txt(page))


def _most_chars(page: HtmlElement, line: PageLine) -> int:
    """No less than what `html2txt` makes of the page: all words, and a space behind each."""
    return len(line.text) + line.words + 2 * sum(1 for _ in page.iter(*_BREAKS))
