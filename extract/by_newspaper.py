"""The body of an article as newspaper4k finds it: the witness asked when two disagree. The one module that knows it.

Only its search for the body is used, a third of its work; it downloads nothing, and what it would cache stays empty.
Pure: the tree that comes in stays as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from copy import deepcopy
from functools import cache

from lxml.html import HtmlElement, document_fromstring

with warnings.catch_warnings():  # that nltk, of which nothing is wanted here, is not installed
    warnings.simplefilter("ignore", UserWarning)
    from newspaper.cleaners import DocumentCleaner
    from newspaper.configuration import Configuration
    from newspaper.extractors.articlebody_extractor import ArticleBodyExtractor
    from newspaper.outputformatters import OutputFormatter
    from newspaper.text import StopWords

MAX_ELEMENTS = 10_000  # a second's work or two; its time grows with their square, and news pages have a thousand
_CHECKED = ("p", "pre", "td", "article", "div")  # in the order in which newspaper4k goes through them


class _Body(ArticleBodyExtractor):  # type: ignore[misc]  # newspaper4k has no types
    """newspaper4k's search, in the order of the page where it takes that of a set: by chance, in each process anew."""

    def nodes_to_check(self, doc: HtmlElement) -> list[HtmlElement]:
        nodes = _in_page_order(doc, super().nodes_to_check(doc))
        return sorted(nodes, key=lambda node: _CHECKED.index(node.tag))

    def compute_gravity_scores(self, nodes_with_text: list[HtmlElement]) -> list[HtmlElement]:
        parents = super().compute_gravity_scores(nodes_with_text)
        return _in_page_order(parents[0].getroottree().getroot(), parents) if parents else []


def _in_page_order(root: HtmlElement, nodes: Iterable[HtmlElement]) -> list[HtmlElement]:
    wanted = set(nodes)
    return [node for node in root.iter() if node in wanted]


def newspaper_body(tree: HtmlElement, language: str | None) -> HtmlElement | None:
    """The element that holds the page's text, None where newspaper4k finds none.

    It goes by the frequent words of the language, so it has no word on pages in one that it does not know, or for
    which it lacks a tokenizer (Chinese, Japanese, Korean, Thai, Hindi, …).
    """
    if language is None or not _knows(language) or sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
        return None
    try:
        return _body(deepcopy(tree), language)
    except Exception:  # noqa: BLE001 - whatever it stumbles over on a page, the other extractors have been asked
        return None


def _body(page: HtmlElement, language: str) -> HtmlElement | None:
    configuration = _configuration(language)
    found = _Body(configuration)
    found.parse(page)
    if found.top_node is None:
        return None
    cleaned = DocumentCleaner(configuration).clean(found.top_node_complemented)
    _, html = OutputFormatter(configuration).get_formatted(cleaned)
    return document_fromstring(html) if html else None


def _configuration(language: str) -> Configuration:
    configuration = Configuration()
    configuration.language = language
    return configuration


@cache
def _knows(language: str) -> bool:
    try:
        StopWords(_configuration(language).language)
    except (ValueError, ImportError):
        return False
    return True
