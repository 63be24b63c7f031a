"""Lists of URLs, from wherever → entries, which are then fetched like all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from extract.lists import Listed, Listing
from extract.model import FeedEntry, Reason
from extract.spans import Span, is_in
from extract.urls import BadUrl, normalize_url
from extract.warc_choice import OTHER_HOST, OTHER_TIME, Choice
from flows.owners import owner, source_name
from flows.run import LEFT_OUT
from flows.store import Store
from load import entries, sources
from load.entries import Recorded
from load.runs import RunId

UNDATED = "undated"
NO_URL = "a line without a URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the lists is wanted, source by source, and what is left out of them."""

    entries: Mapping[tuple[str, str], Sequence[FeedEntry]]  # by name and title of the source
    left_out: Counter[str]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.entries)


def choose(
    store: Store,
    lists: Sequence[Listing],
    source: str | None = None,
    choice: Choice | None = None,
    span: Span | None = None,
) -> Wanted:
    """What the lists name of these hosts and this span; of which nothing tells when, is not of the span.

    source: the name to load all of it under
    """
    with store.engine.connect() as connection:
        owners = sources.names_by_domain(connection)
    left_out = Counter({NO_URL: sum(listing.left_out for listing in lists)})
    by_source: dict[tuple[str, str], list[FeedEntry]] = {}
    for item in (item for listing in lists for item in listing.items):
        if why := _why_not(item.entry, choice or Choice(), span):
            left_out[why] += 1
        else:
            by_source.setdefault(_owner_of(item, source, owners), []).append(item.entry)
    return Wanted(entries=by_source, left_out=+left_out)


def announce(store: Store, run_id: RunId, wanted: Wanted) -> Counter[str]:
    """Put it on record, to be fetched after what is fresh. Answers counts."""
    counts = Counter({f"{LEFT_OUT}{what}": number for what, number in wanted.left_out.items()})
    for (name, title), listed in wanted.entries.items():
        for start in range(0, len(listed), store.settings.batch):
            batch = listed[start : start + store.settings.batch]
            with store.engine.begin() as connection:
                source_id = sources.ensure(connection, name, title)
                now = datetime.now(UTC)
                counts.update(counts_of(entries.record(connection, source_id, batch, run_id, now, backfill=True)))
    return +counts


def counts_of(recorded: Recorded) -> dict[str, int]:
    return {
        "announced": recorded.new + recorded.known + recorded.updated + recorded.bad,
        "new": recorded.new,
        "known": recorded.known,
        "updated": recorded.updated,
        "bad links": recorded.bad,
    }


def _why_not(entry: FeedEntry, choice: Choice, span: Span | None) -> str | None:
    try:
        normalize_url(entry.url)
    except BadUrl:
        return Reason.BAD_URL
    if not choice.is_of_hosts(entry.url):
        return OTHER_HOST
    inside = True if span is None else is_in(entry, span)
    return UNDATED if inside is None else None if inside else OTHER_TIME


def _owner_of(item: Listed, source: str | None, owners: Mapping[str, str]) -> tuple[str, str]:
    """Name and title of the source that a listed URL is loaded under."""
    if item.source and not source:
        return source_name(item.source), item.source
    return owner(item.entry.url, source, owners)
