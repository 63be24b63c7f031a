"""What a backfill is asked to bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from extract.dates import instant
from extract.files import read_list
from extract.lists import Listed, Listing
from extract.model import FeedEntry
from extract.spans import Span

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class BadRequest(ValueError):
    """What was asked for cannot be done: why, in one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a backfill is to bring."""

    sources: tuple[str, ...] = ()  # only these; of files and lists, only their hosts
    since: datetime | None = None
    until: datetime | None = None
    gaps: bool = False
    warcs: tuple[str, ...] = ()  # absolute paths and URLs
    lists: tuple[Listing, ...] = ()
    hosts: tuple[str, ...] = ()
    limit: int | None = None  # new entries of WARC files

    @property
    def is_of_archives(self) -> bool:
        """Whether the sources' own archives are searched."""
        return not (self.warcs or self.lists) and (self.gaps or self.since is not None)

    @property
    def span(self) -> Span | None:
        """Up to now at the latest; None where no time was named."""
        if self.since is None and self.until is None:
            return None
        return Span(self.since or _BEGINNING, self.until or datetime.now(UTC))


def check(asked: Asked) -> None:
    """Raises BadRequest for what contradicts itself."""
    if asked.gaps and (asked.since or asked.until or asked.warcs or asked.lists):
        raise BadRequest("Give --gaps alone, or --since and --until, --warc, or --urls.")
    if asked.until and not (asked.since or asked.warcs or asked.lists):
        raise BadRequest("Say where the span begins: --since DATE.")
    if asked.since and asked.since >= (asked.until or datetime.now(UTC)):
        raise BadRequest("--since must be before --until, and before now.")
    if asked.hosts and not (asked.warcs or asked.lists):
        raise BadRequest("--host is for --warc and --urls: name sources instead.")
    if asked.limit and not asked.warcs:
        raise BadRequest("--limit is for --warc.")


def moment(text: str | None) -> datetime | None:
    """UTC where the text names no zone. Raises BadRequest."""
    at = instant(text)
    if text and at is None:
        raise BadRequest(f"'{text}' is no date: write 2026-03-01, or 2026-03-01T10:00.")
    return at


def listings(named: Sequence[str]) -> list[Listing]:
    """Addresses, and what files list. Raises NothingToLoad."""
    urls = tuple(Listed(entry=FeedEntry(url=name)) for name in named if "://" in name)
    files = [read_list(Path(name)) for name in named if "://" not in name]
    return [Listing(items=urls), *files] if urls else files
