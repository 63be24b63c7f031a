"""A page as an article: its text block by block, and what the page says of itself. The one module that knows trafilatura.

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
from itertools import groupby
from typing import Any
from urllib.parse import unquote, urlsplit

from charset_normalizer import from_bytes
from lxml import etree
from lxml.html import HtmlElement
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from trafilatura import bare_extraction, extract_metadata, load_html

from extract.dates import Publication, publication, read_time, url_day
from extract.feeds import decode_unicode, plain_text
from extract.model import Announcement, Article, Block, BlockKind, DateOrigin, Flag, Page, Reason, Rejection
from extract.urls import BadUrl, registrable_domain, resolve_link, url_key

MIN_WORDS = 25  # below, a text is a caption or a stub; it matches others by chance


def read_article(page: Page, announced: Announcement) -> Article | Rejection:
    """What the page says, or the reason why it is no article.

    announced: what the feed and the source's file know of the page; a witness for date, title, authors and language
    """
    if not page.body.strip():
        return _rejected(page, Reason.EMPTY)
    if kind := _other_kind(page.body):
        return _rejected(page, Reason.WRONG_TYPE, kind)
    text = _decoded(page, announced.language)
    if _is_plain(page, text):
        return _read_plain(page, text, announced)
    tree = load_html(text)
    if tree is None:
        return _rejected(page, Reason.NOT_ARTICLE, "no HTML")
    if _HOME.fullmatch(urlsplit(page.final_url).path) and not urlsplit(page.final_url).query:
        return _rejected(page, Reason.NOT_ARTICLE, "a home page")
    return _read_html(page, _Document(tree, page, announced))


def _rejected(page: Page, reason: Reason, detail: str = "") -> Rejection:
    return Rejection(url=page.url, reason=reason, detail=detail)
