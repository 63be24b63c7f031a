"""A changed text of a known article: what kind of change it is, and whether it replaces the text before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from transform.model import Fingerprint

NEARLY_SAME = 0.85  # resemblance of a text and itself with a sentence or two mended
KEPT_SHARE = 0.25  # a text that keeps less of its length is an emptied page and no update


_NOTE = re.compile(
    r"^\W{0,3}(?:editor's note, )?(?:correction|clarification|erratum|errata(?: corrige)?|sprostowanie|korekta|"
    r"korrektur|berichtigung|richtigstellung|rectificatif|corrección|rectificación|fe de errores|correzione|rettifica|"
    r"correctie|rectificatie|correção|oprava|исправление|поправка|уточнение)\b[^.!?\n]{0,60}[:.–—-]",
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
    read_before: bool = False  # its page was, by other rules
    confirms: bool = False  # and all that is stored of it is the same


def classify_revision(known: State | None, new: State) -> RevisionKind:
    """What the new text is to the known one.

    | new text                                           | kind       |
    |----------------------------------------------------|------------|
    | none known                                         | first      |
    | of a page read again, all as it was                | unchanged  |
    | of the known one's page, read again                | reread     |
    | from the feed, where the known one is the page's   | stale      |
    | same words, same title                             | unchanged  |
    | the same, but from the page and not from the feed  | minor      |
    | of an earlier page, read again                     | stale      |
    | fetched earlier, or says it is older               | stale      |
    | less than a quarter of the words                   | stale      |
    | nearly the same words, a figure or name withdrawn  | correction |
    | the same, and says now that it was corrected       | correction |
    | nearly the same words, the same figures and names  | minor      |
    | anything else                                      | update     |
    """
    if known is None:
        return RevisionKind.FIRST
    if new.confirms:
        return RevisionKind.UNCHANGED
    if new.page == known.page:
        return RevisionKind.REREAD
    if new.from_feed and not known.from_feed:
        return RevisionKind.STALE
    if _says_the_same(known, new):
        return RevisionKind.UNCHANGED
    if _is_older(known, new) or _is_emptied(known, new):
        return RevisionKind.STALE
    if _jaccard(known.print, new.print) < NEARLY_SAME:
        return RevisionKind.UPDATE
    if new.corrected > known.corrected or len(np.setdiff1d(known.print.facts, new.print.facts)):
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
        return new.modified_at < known.modified_at
    return new.fetched_at < known.fetched_at


def _is_emptied(known: State, new: State) -> bool:
    return new.print.words < KEPT_SHARE * known.print.words


def _jaccard(a: Fingerprint, b: Fingerprint) -> float:
    left, right = np.unique(a.shingles), np.unique(b.shingles)
    shared = len(np.intersect1d(left, right, assume_unique=True))
    union = len(left) + len(right) - shared
    return shared / union if union else 0.0
