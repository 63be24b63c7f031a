"""One page's way from bytes to what is stored: read, cleaned, fingerprinted. Pure, and run in worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import metadata

from extract.article import OpenPage, of_its_text, open_page, read_article, read_otherwise, why_no_article
from extract.blocks import count_words
from extract.feedtext import refusal_of
from extract.model import Announcement, Article, Extractor, Flag, Page, Profile, Reason, Rejection, SourceName
from extract.text import folded
from transform.boilerplate import strip_boilerplate
from transform.memory import BLANK, SiteMemory
from transform.minhash import SketchSpec, fingerprint
from transform.model import CleanArticle, CutKind, Fingerprint
from transform.own_rules import OwnRules, rule_packs
from transform.packs import screens_for
from transform.witnesses import AGREED, EDGE, Agreed, Reading, agree, alike

BRIEF_WORDS = 80  # a shorter text is flagged as a brief
MIN_WORDS = 20  # what is left of a page without an article, once its boilerplate is gone, is shorter
_ALWAYS = ("trafilatura", "htmldate", "py3langid")
PACKAGES = {Profile.QUICK: _ALWAYS, Profile.THOROUGH: (*_ALWAYS, "readability-lxml", "newspaper4k")}
VERSION = 4  # of our own reading, counted up when it changes what comes out


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """What one page says, cleaned and fingerprinted."""

    clean: CleanArticle
    print: Fingerprint
    memory_version: int = 0  # of the memory that it was cleaned by
    agreement: float | None = None  # of the extractors about the text, 0 to 1; None when one alone was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpec:
    """By what a page is read; equal digests read alike.

    sketch: by which the text is fingerprinted. The digest knows nothing of it: what a page says does not depend on it,
    and fingerprints are made anew from the text.
    """

    profile: Profile = Profile.THOROUGH
    sketch: SketchSpec = field(default_factory=SketchSpec)
    rules: OwnRules = field(default_factory=OwnRules)

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever the same page could read differently: extractors or rules changed."""
        parts = (str(self.version), self.profile, *self.packages.values())
        return hashlib.blake2b(
            b"\0".join([*(part.encode() for part in parts), self.rules_digest]),
            digest_size=8,
        ).digest()

    @property
    def version(self) -> int:
        return VERSION

    @property
    def packages(self) -> dict[str, str]:
        """The extractors and what they lean on: package → version."""
        return {package: _version(package) for package in PACKAGES[self.profile]}

    @property
    def rules_digest(self) -> bytes:
        """16 bytes; equal ones cut alike."""
        return rule_packs(self.rules).digest

    def digest_with(self, memory: SiteMemory) -> bytes:
        """The digest, and after it the memory's, which is empty while nothing is remembered."""
        return self.digest + memory.digest


@cache  # it is asked for every page, and looked up on disk
def _version(package: str) -> str:
    return metadata.version(package)


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
    agreed = _agreed(opened, spec, memory)
    if rejection := why_no_article(opened, agreed.clean.article.blocks):
        return rejection
    clean = _with_brevity(agreed.clean)
    print_ = fingerprint(clean.text, spec.sketch)
    if print_.words < MIN_WORDS:
        return Rejection(url=page.url, reason=Reason.TOO_SHORT, detail=f"{print_.words} words")
    return ReadPage(clean=clean, print=print_, memory_version=memory.version, agreement=agreed.agreement)


def _agreed(opened: OpenPage, spec: ReadSpec, memory: SiteMemory) -> Agreed:
    """The article, cleaned, on whose text the extractors agree best: those of the profile, on a text file one."""
    packs = rule_packs(spec.rules)

    def clean(article: Article) -> Reading:
        return Reading(strip_boilerplate(article, packs, memory))

    article = read_article(opened, quick=spec.profile is Profile.QUICK)
    first = clean(article)
    if spec.profile is Profile.QUICK or opened.about is None:
        return Agreed(clean=first.clean, agreement=None)
    trim = EDGE not in packs.undone_on(article.source)
    second = clean(read_otherwise(article, opened, Extractor.READABILITY))
    if alike(first, second) >= AGREED:
        return agree(first, second, trim_edges=trim)
    known = first if first.size else second
    third = clean(read_otherwise(known.clean.article, opened, Extractor.NEWSPAPER4K))
    agreed = agree(first, second, third, trim_edges=trim)
    chosen = agreed.clean.article
    if chosen.extractor is article.extractor:
        return agreed
    return replace(agreed, clean=replace(agreed.clean, article=of_its_text(chosen, opened)))


def _with_brevity(clean: CleanArticle) -> CleanArticle:
    """The article, flagged as a brief where little text is left of it though it is whole."""
    if clean.article.flags & {Flag.TEASER, Flag.FEED_TEXT} or count_words(clean.blocks) >= BRIEF_WORDS:
        return clean
    return replace(clean, article=replace(clean.article, flags=clean.article.flags | {Flag.SHORT}))


def keep_lines(lines: Sequence[str], language: str | None, memory: SiteMemory = BLANK) -> tuple[bool, ...]:
    """Whether each line stays when a text file of these lines is cleaned; an empty one does, and so does the title.

    An article has its title beside its text, and loses nothing with that line; bare lines have it nowhere else.
    language: ISO 639-1, what they are said to be in: a prior and not a verdict. memory: what repeats on their site
    """
    texts = [folded(line) for line in lines]
    filled = [number for number, text in enumerate(texts) if text]
    article = read_article(_text_file("\n".join(filter(None, texts)), language))
    cuts = strip_boilerplate(article, rule_packs(), memory).cuts
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
    packs = rule_packs()
    for language in languages:
        if language in packs.languages:
            screens_for(packs, language, frozenset())
