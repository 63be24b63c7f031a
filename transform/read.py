"""One page's way from bytes to what is stored: read, cleaned, fingerprinted. Pure, and run in worker processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from extract.article import open_page, read_article, why_no_article
from extract.blocks import count_words
from extract.feedtext import refusal_of
from extract.model import Announcement, Flag, Page, Profile, Reason, Rejection
from transform.boilerplate import strip_boilerplate
from transform.memory import BLANK, SiteMemory
from transform.minhash import SketchSpec, fingerprint
from transform.model import CleanArticle, Fingerprint
from transform.own_rules import OwnRules, rule_packs

BRIEF_WORDS = 80  # a shorter text is flagged as a brief
MIN_WORDS = 20  # what is left of a page without an article, once its boilerplate is gone, is shorter
VERSION = 1  # of our own reading, counted up when it changes what comes out


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """What one page says, cleaned and fingerprinted."""

    clean: CleanArticle
    print: Fingerprint
    memory_version: int = 0  # of the memory that it was cleaned by


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpec:
    """By what a page is read; equal digests read alike."""

    profile: Profile = Profile.THOROUGH
    sketch: SketchSpec = field(default_factory=SketchSpec)
    rules: OwnRules = field(default_factory=OwnRules)

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever the same page could read differently: extractor, rules or sketch changed."""
        parts = (str(VERSION), self.profile, version("trafilatura"))
        return hashlib.blake2b(
            b"\0".join([*(part.encode() for part in parts), rule_packs(self.rules).digest, self.sketch.digest]),
            digest_size=8,
        ).digest()

    def digest_with(self, memory: SiteMemory) -> bytes:
        """The digest, and after it the memory's, which is empty while nothing is remembered."""
        return self.digest + memory.digest


def read_page(page: Page, announced: Announcement, spec: ReadSpec, memory: SiteMemory = BLANK) -> ReadPage | Rejection:
    """The page's article as it goes into the store, or why there is none.

    memory: what repeats in the page's source
    Where a feed's text stands for a refused page and is no article either, the page stays refused.
    """
    read = _read(page, announced, spec, memory)
    return (refusal_of(page) or read) if isinstance(read, Rejection) else read


def _read(page: Page, announced: Announcement, spec: ReadSpec, memory: SiteMemory) -> ReadPage | Rejection:
    opened = open_page(page, announced)
    if isinstance(opened, Rejection):
        return opened
    article = read_article(opened)
    if rejection := why_no_article(opened, article.blocks):
        return rejection
    clean = _with_brevity(strip_boilerplate(article, rule_packs(spec.rules), memory))
    print_ = fingerprint(clean.text, spec.sketch)
    if print_.words < MIN_WORDS:
        return Rejection(url=page.url, reason=Reason.TOO_SHORT, detail=f"{print_.words} words")
    return ReadPage(clean=clean, print=print_, memory_version=memory.version)


def _with_brevity(clean: CleanArticle) -> CleanArticle:
    """The article, flagged as a brief where little text is left of it though it is whole."""
    if clean.article.flags & {Flag.TEASER, Flag.FEED_TEXT} or count_words(clean.blocks) >= BRIEF_WORDS:
        return clean
    return replace(clean, article=replace(clean.article, flags=clean.article.flags | {Flag.SHORT}))
