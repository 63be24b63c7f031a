"""One page's way from bytes to what is stored: read, cleaned, fingerprinted. Pure, and run in worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version

from extract.article import OpenPage, open_page, read_article, why_no_article
from extract.feedtext import refusal_of
from extract.model import Announcement, Page, Profile, Reason, Rejection, SourceName
from extract.text import folded
from transform.boilerplate import strip_boilerplate
from transform.memory import BLANK, SiteMemory
from transform.minhash import SketchSpec, fingerprint
from transform.model import CleanArticle, CutKind, Fingerprint
from transform.packs import RulePacks, Script, read_packs, screens_for

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

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever the same page could read differently: extractor, rules or sketch changed."""
        parts = (str(VERSION), self.profile, version("trafilatura"))
        return hashlib.blake2b(
            b"\0".join([*(part.encode() for part in parts), _packs().digest, self.sketch.digest]), digest_size=8
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
    clean = strip_boilerplate(article, _packs(), memory)
    print_ = fingerprint(clean.text, spec.sketch)
    if print_.words < MIN_WORDS:
        return Rejection(url=page.url, reason=Reason.TOO_SHORT, detail=f"{print_.words} words")
    return ReadPage(clean=clean, print=print_, memory_version=memory.version)


def keep_lines(lines: Sequence[str], language: str | None, memory: SiteMemory = BLANK) -> tuple[bool, ...]:
    """Whether each line stays when a text file of these lines is cleaned; an empty one does, and so does the title.

    An article has its title beside its text, and loses nothing with that line; bare lines have it nowhere else.
    language: ISO 639-1, what they are said to be in: a prior and not a verdict. memory: what repeats on their site
    """
    texts = [folded(line) for line in lines]
    filled = [number for number, text in enumerate(texts) if text]
    article = read_article(_text_file("\n".join(filter(None, texts)), language))
    cuts = strip_boilerplate(article, _packs(), memory).cuts
    title = next((cut for cut in cuts if cut.kind is CutKind.TITLE_AGAIN and cut.text == article.title), None)
    dropped = {filled[cut.position] for cut in cuts if cut is not title}
    return tuple(number not in dropped for number in range(len(lines)))


def _text_file(text: str, language: str | None) -> OpenPage:
    """A text as if it were a file, of which nothing is known but its language."""
    page = Page(url="", final_url="", status=200, headers=(), body=b"", fetched_at=datetime.min.replace(tzinfo=UTC))
    announced = Announcement(source=SourceName(""), language=language)
    return OpenPage(page=page, announced=announced, text=text, about=None)


def warm_up(languages: Iterable[str]) -> None:
    """Make ready what a process makes ready once: for each language some tenths of a second's work."""
    packs = _packs()
    for language in languages:
        screens_for(packs, language, frozenset((Script.LATIN, packs.scripts.get(language, Script.LATIN))))


@lru_cache(maxsize=1)
def _packs() -> RulePacks:
    return read_packs()
