"""A page that was read once more, beside what the store says of it: whether anything is to be written, and what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from extract.model import Rejection
from load.pages import ReadBy
from load.reopening import StoredPage
from load.revisions import Reading, Said, differing, said_by
from load.rows import clean_text


class Verdict(StrEnum):
    SAME = "same"
    """All that is stored of it."""
    OTHERWISE = "otherwise"
    LOST = "lost"
    """It was an article, and is none by today's rules: what is stored of it stays."""
    REFUSED_OTHERWISE = "refused-otherwise"
    """It is no article now as before, but for another reason, or in other words."""
    BROKEN = "broken"
    """It could not be read."""


STAYS = frozenset({Verdict.SAME, Verdict.LOST})
"""Then nothing is written but by what it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One page, read once more."""

    page: StoredPage
    verdict: Verdict
    read_by: ReadBy
    reading: Reading | None = None  # of one that reads otherwise
    said: Said | None = None  # what that said before
    different: frozenset[str] = frozenset()  # the columns in which the two differ, and 'cuts'
    why: str = ""  # reason of a rejection, or the error


Result = Reading | Rejection | str  # an error, in words


def said_before(connection: Connection, pages: list[StoredPage]) -> dict[int, Said]:
    """Page id → what it said; for those that said anything."""
    return said_by(connection, [page.id for page in pages])


def look(page: StoredPage, said: Said | None, result: Result, read_by: ReadBy) -> Look:
    """What the result is to what is stored."""
    if isinstance(result, str):
        return Look(page=page, verdict=Verdict.BROKEN, read_by=read_by, why=result)
    if isinstance(result, Rejection):
        return Look(page=page, verdict=_refused(page, said, result), read_by=read_by, why=result.reason)
    different = frozenset(differing(said, result)) if said else _from_shown(page, result)
    if not different:
        return Look(page=page, verdict=Verdict.SAME, read_by=read_by)
    return Look(page=page, verdict=Verdict.OTHERWISE, read_by=read_by, reading=result, said=said, different=different)


def _refused(page: StoredPage, said: Said | None, rejection: Rejection) -> Verdict:
    if said is not None:
        return Verdict.LOST
    told = (str(rejection.reason), clean_text(rejection.detail) or None)
    return (
        Verdict.REFUSED_OTHERWISE if page.outcome == "rejected" and told != (page.reason, page.detail) else Verdict.SAME
    )


def _from_shown(page: StoredPage, reading: Reading) -> frozenset[str]:
    """Of a page without a text of its own: it said nothing new when it was read, or was no article."""
    if page.shown is None:
        return frozenset({"title", "text"})
    told = clean_text(reading.clean.article.title), clean_text(reading.clean.text)
    pairs = zip(("title", "text"), page.shown, told, strict=True)
    return frozenset(name for name, before, now in pairs if before != now)
