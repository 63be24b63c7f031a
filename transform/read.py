"""One page's way from bytes to what is stored: read, cleaned, fingerprinted. Pure, and run in worker processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version

from extract.article import OpenPage, open_page, read_article, read_otherwise, why_no_article
from extract.feedtext import refusal_of
from extract.model import Announcement, Article, Extractor, Page, Profile, Reason, Rejection
from transform.boilerplate import strip_boilerplate
from transform.minhash import SketchSpec, fingerprint
from transform.model import CleanArticle, Fingerprint
from transform.packs import RulePacks, read_packs
from transform.witnesses import AGREED, Agreed, Reading, agree, alike

MIN_WORDS = 20  # what is left of a page without an article, once its boilerplate is gone, is shorter
PACKAGES = {
    Profile.QUICK: ("trafilatura",),
    Profile.THOROUGH: ("trafilatura", "readability-lxml", "newspaper4k"),
}
VERSION = 1  # of our own reading, counted up when it changes what comes out


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """What one page says, cleaned and fingerprinted."""

    clean: CleanArticle
    print: Fingerprint
    agreement: float | None = None  # of the extractors about the text, 0 to 1; None when one alone was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpec:
    """By what a page is read; equal digests read alike."""

    profile: Profile = Profile.THOROUGH
    sketch: SketchSpec = field(default_factory=SketchSpec)

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever the same page could read differently: extractors, rules or sketch changed."""
        parts = (str(VERSION), self.profile, *map(version, PACKAGES[self.profile]))
        return hashlib.blake2b(
            b"\0".join([*(part.encode() for part in parts), _packs().digest, self.sketch.digest]), digest_size=8
        ).digest()


def read_page(page: Page, announced: Announcement, spec: ReadSpec) -> ReadPage | Rejection:
    """The page's article as it goes into the store, or why there is none.

    Where a feed's text stands for a refused page and is no article either, the page stays refused.
    """
    read = _read(page, announced, spec)
    return (refusal_of(page) or read) if isinstance(read, Rejection) else read


def _read(page: Page, announced: Announcement, spec: ReadSpec) -> ReadPage | Rejection:
    opened = open_page(page, announced)
    if isinstance(opened, Rejection):
        return opened
    agreed = _agreed(opened, spec.profile)
    if rejection := why_no_article(opened, agreed.clean.article.blocks):
        return rejection
    print_ = fingerprint(agreed.clean.text, spec.sketch)
    if print_.words < MIN_WORDS:
        return Rejection(url=page.url, reason=Reason.TOO_SHORT, detail=f"{print_.words} words")
    return ReadPage(clean=agreed.clean, print=print_, agreement=agreed.agreement)


def _agreed(opened: OpenPage, profile: Profile) -> Agreed:
    """The article, cleaned, on whose text the extractors agree best: those of the profile, on a text file one."""
    article = read_article(opened)
    first = _clean(article)
    if profile is Profile.QUICK or opened.about is None:
        return Agreed(clean=first.clean, agreement=None)
    second = _clean(read_otherwise(article, opened, Extractor.READABILITY))
    if alike(first, second) >= AGREED:
        return agree(first, second)
    known = first if first.size else second
    return agree(first, second, _clean(read_otherwise(known.clean.article, opened, Extractor.NEWSPAPER4K)))


def _clean(article: Article) -> Reading:
    return Reading(strip_boilerplate(article, _packs()))


@lru_cache(maxsize=1)
def _packs() -> RulePacks:
    return read_packs()
