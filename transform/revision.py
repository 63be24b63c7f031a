"""A changed text of a known article: what kind of change it is, and whether it replaces the text before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from transform.model import Fingerprint

NEARLY_SAME = 0.85  # resemblance of a text and itself with a sentence or two mended
FEW_SHINGLES = 15  # three words mended: of a brief, they are more than NEARLY_SAME allows
HALF_SAME = 0.5  # and so much of it must be left
KEPT_SHARE = 0.25  # a text that keeps less of its length is an emptied page and no update
PART = 0.5  # one that keeps less than this is none, either, if it is the beginning alone or wholly other words
CACHED = timedelta(days=1)  # a cache answers with former pages for so long; then a publisher has mixed up its times

_NOTE = re.compile(
    r"^\W{0,3}(?:editor's note, )?(?:correction|clarification|erratum|errata(?: corrige)?|sprostowanie|korekta|"
    r"korrektur|berichtigung|richtigstellung|rectificatif|corrección|rectificación|fe de errores|correzione|rettifica|"
    r"correctie|rectificatie|correção|oprava|ispravak|исправление|поправка|уточнение|виправлення|уточнення|поправка|"
    r"διόρθωση|düzeltme|rättelse|rettelse|oikaisu|helyreigazítás|rectificare|تصحيح|정정|更正|訂正)"
    r"(?:\b|(?=[\u3040-\u9fff]))[^.!?\n。]{0,60}[:：.。–—-]",
    re.IGNORECASE | re.MULTILINE,
)


class RevisionKind(StrEnum):
    FIRST = "first"
    UNCHANGED = "unchanged"
    MINOR = "minor"
    UPDATE = "update"
    CORRECTION = "correction"
    STALE = "stale"
    """An older state of the page than the one we have, or an emptied one: kept on record, never shown."""
    REREAD = "reread"
    """The same page read by newer rules: what changed is our reading, not the article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What deciding about a change needs of one text of an article."""

    page: int  # id of its page
    title: str
    print: Fingerprint
    corrected: bool  # it says of itself that it was corrected
    modified_at: datetime | None
    fetched_at: datetime
    from_feed: bool = False  # its page was refused, and this is what the feed carried
    teaser: bool = False  # only the beginning is on the page, as that says
    read_before: bool = False  # its page was, by other rules


def classify_revision(known: State | None, new: State) -> RevisionKind:
    """What the new text is to the known one.

    | new text                                           | kind       |
    |----------------------------------------------------|------------|
    | none known                                         | first      |
    | of the known one's page, read again                | reread     |
    | from the feed, where the known one is the page's   | stale      |
    | same words, same title                             | unchanged  |
    | the same, but from the page and not from the feed  | minor      |
    | of an earlier page, read again                     | stale      |
    | says it is older, fetched within a day             | stale      |
    | fetched earlier                                    | stale      |
    | less than a quarter of the words                   | stale      |
    | a teaser, no longer than the known full text       | stale      |
    | less than half of the words, the beginning alone   | stale      |
    | less than half, no wording, figure or name of it   | stale      |
    | says now that it was corrected, the words are kept | correction |
    | nearly the same words, a figure or name withdrawn  | correction |
    | nearly the same words, the same figures and names  | minor      |
    | anything else                                      | update     |
    """
    if known is None:
        return RevisionKind.FIRST
    if new.page == known.page:
        return RevisionKind.REREAD
    if new.from_feed and not known.from_feed:
        return RevisionKind.STALE
    if _says_the_same(known, new):
        return RevisionKind.UNCHANGED
    if _is_older(known, new) or _is_less(known, new):
        return RevisionKind.STALE
    words = _Kept.of(known.print, new.print)
    if new.corrected > known.corrected and words.share >= NEARLY_SAME:
        return RevisionKind.CORRECTION
    if not words.nearly_all:
        return RevisionKind.UPDATE
    if len(np.setdiff1d(known.print.facts, new.print.facts)):
        return RevisionKind.CORRECTION
    return RevisionKind.MINOR if len(known.print.facts) == len(new.print.facts) else RevisionKind.UPDATE


def notes_correction(text: str) -> bool:
    """True when a paragraph of the text begins as a note of correction does, in any of a dozen languages."""
    return _NOTE.search(text) is not None


def _says_the_same(known: State, new: State) -> bool:
    """The same words by the same authority: what the page itself says counts for more than what the feed carried."""
    same_words = known.print.text_digest == new.print.text_digest and known.title == new.title
    return same_words and known.from_feed == new.from_feed


def _is_older(known: State, new: State) -> bool:
    if new.read_before and (new.fetched_at, new.page) < (known.fetched_at, known.page):
        return True
    if known.modified_at and new.modified_at and new.modified_at != known.modified_at:
        older = new.modified_at < known.modified_at
        if not older or new.fetched_at - known.fetched_at < CACHED:
            return older
    return new.fetched_at < known.fetched_at


def _is_less(known: State, new: State) -> bool:
    """Whether the page shows less than it did, or something else: emptied, behind a paywall, a wall in its place."""
    words, before = new.print.words, known.print.words
    if words < KEPT_SHARE * before:
        return True
    if new.teaser and not known.teaser and words <= before:
        return True
    return words < PART * before and (_is_beginning(known.print, new.print) or _is_foreign(known.print, new.print))


def _is_beginning(known: Fingerprint, new: Fingerprint) -> bool:
    """Whether the new text is what the known one begins with."""
    head = known.shingles[: len(new.shingles) + FEW_SHINGLES]
    return len(new.shingles) > 0 and float(np.isin(new.shingles, head).mean()) >= NEARLY_SAME


def _is_foreign(known: Fingerprint, new: Fingerprint) -> bool:
    shares_words = np.isin(new.shingles, known.shingles).any()
    return len(new.shingles) > 0 and not (shares_words or np.isin(new.facts, known.facts).any())


@dataclass(frozen=True, slots=True)
class _Kept:
    """How much of a text's wording another one has, and how much of its own it has beside that, in shingles."""

    shared: int
    lost: int
    added: int

    @classmethod
    def of(cls, known: Fingerprint, new: Fingerprint) -> _Kept:
        left, right = np.unique(known.shingles), np.unique(new.shingles)
        shared = len(np.intersect1d(left, right, assume_unique=True))
        return cls(shared, len(left) - shared, len(right) - shared)

    @property
    def share(self) -> float:
        """Of the known text."""
        return self.shared / (self.shared + self.lost) if self.shared else 0.0

    @property
    def nearly_all(self) -> bool:
        """A sentence or two may be other ones; of a brief, three words."""
        if max(self.lost, self.added) <= FEW_SHINGLES:
            return self.share >= HALF_SAME
        return self.shared >= NEARLY_SAME * (self.shared + self.lost + self.added)
