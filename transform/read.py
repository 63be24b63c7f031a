"""One page's way from bytes to what is stored: read, cleaned, fingerprinted. Pure, and run in worker processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

from extract.article import read_article
from extract.feedtext import refusal_of
from extract.model import Announcement, Page, Reason, Rejection
from transform.boilerplate import RulePacks, read_packs, strip_boilerplate
from transform.minhash import SketchSpec, fingerprint
from transform.model import CleanArticle, Fingerprint

MIN_WORDS = 20  # what is left of a page without an article, once its boilerplate is gone, is shorter
VERSION = 1  # of our own reading, counted up when it changes what comes out


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """What one page says, cleaned and fingerprinted."""

    clean: CleanArticle
    print: Fingerprint


def read_page(page: Page, announced: Announcement, spec: SketchSpec) -> ReadPage | Rejection:
    """The page's article as it goes into the store, or why there is none.

    Where a feed's text stands for a refused page and is no article either, the page stays refused.
    """
    read = _read(page, announced, spec)
    return (refusal_of(page) or read) if isinstance(read, Rejection) else read


def _read(page: Page, announced: Announcement, spec: SketchSpec) -> ReadPage | Rejection:
    article = read_article(page, announced)
    if isinstance(article, Rejection):
        return article
    clean = strip_boilerplate(article, _packs())
    print_ = fingerprint(clean.text, spec)
    if print_.words < MIN_WORDS:
        return Rejection(url=page.url, reason=Reason.TOO_SHORT, detail=f"{print_.words} words")
    return ReadPage(clean=clean, print=print_)


def read_digest(spec: SketchSpec) -> bytes:
    """8 bytes that differ whenever the same page could read differently: extractor, rules or sketch changed."""
    parts = (str(VERSION).encode(), version("trafilatura").encode(), _packs().digest, spec.digest)
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).digest()


@lru_cache(maxsize=1)
def _packs() -> RulePacks:
    return read_packs()
