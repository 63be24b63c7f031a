"""What the store knows of its pages, for the archive to tell as well; and a store made from what an archive tells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from extract.model import Feed, FeedEntry, FeedKind, Page, PollPolicy, SourceName
from extract.provenance import Provenance, Publisher
from extract.warc import WarcPlace
from load import entries, pages, sources
from load.pages import FetchedPage
from load.rows import among, listed
from load.runs import RunId
from load.tables import entry, feed, run, source, store_state

_MOMENT = "archive_moment"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A page that lies in the archive, and what is told of it there."""

    page: Page
    place: WarcPlace
    known: Provenance
    by_address: bool = False  # nothing is told of it: its address alone says whose it is


def next_moment(connection: Connection, now: datetime) -> datetime:
    """The moment by which the next file of the archive is named: now, or just after the last that was given.

    So the names of a store's files are in the order of their writing, also when the clock goes back or two workers
    write at once.
    """
    statement = insert(store_state).values(name=_MOMENT, value=str((now - _EPOCH) // _TICK))
    wished, given = cast(statement.excluded.value, BigInteger), cast(store_state.c.value, BigInteger)
    later = cast(func.greatest(wished, given + 1), Text)
    statement = statement.on_conflict_do_update(index_elements=[store_state.c.name], set_={"value": later})
    return _EPOCH + int(connection.execute(statement.returning(store_state.c.value)).scalar_one()) * _TICK


def known_of(connection: Connection, entry_ids: Collection[int]) -> dict[int, Provenance]:
    """Whose these entries are and what was announced of them, by entry."""
    columns: list[Any] = [
        entry, source.c.name, source.c.title.label("publisher"), source.c.tier, source.c.homepage, source.c.language,
        source.c.country, source.c.agency, source.c.domains, source.c.keep_params, source.c.drop_params,
        feed.c.url.label("feed_url"), feed.c.kind,
    ]  # fmt: skip
    query = select(*columns).join(source, source.c.id == entry.c.source_id)
    query = query.outerjoin(feed, feed.c.id == entry.c.feed_id).where(among(entry.c.id, entry_ids))
    return {row.id: _provenance(row) for row in connection.execute(query)}


def _provenance(row: Any) -> Provenance:
    return Provenance(
        source=Publisher(
            name=SourceName(row.name),
            title=row.publisher,
            tier=row.tier,
            homepage=row.homepage,
            language=row.language,
            country=row.country,
            agency=row.agency,
            domains=tuple(row.domains),
            keep=tuple(row.keep_params),
            drop=tuple(row.drop_params),
        ),
        entry=FeedEntry(
            url=row.url,
            title=row.title,
            summary=row.summary,
            text=row.text,
            authors=tuple(row.authors),
            published_at=row.published_at,
            updated_at=row.updated_at,
        ),
        first_seen_at=row.first_seen_at,
        feed=Feed(url=row.feed_url, kind=FeedKind(row.kind)) if row.feed_url else None,
    )


# --- A store from an archive ----------------------------------------------------------------------------------


def begun_otherwise(connection: Connection) -> bool:
    """Whether something other than a rebuild has put the first into this store."""
    first = connection.scalar(select(run.c.line).order_by(run.c.id).limit(1))
    return first not in (None, "rebuild")


def feed_urls(connection: Connection) -> frozenset[str]:
    """The addresses of all feeds: what lies in the archive under one of them is no article."""
    return frozenset(connection.scalars(select(feed.c.url)))


def restore_sources(connection: Connection, found: Sequence[Archived], filed: Collection[str]) -> None:
    """Make the catalogue say what the archive says of the pages' sources, the later word of each; files go before.

    filed: names of the sources whose files have been read
    """
    for name, title in sorted({(one.known.source.name, one.known.source.title) for one in found if one.by_address}):
        sources.ensure(connection, name, title)
    told = {one.known.source.name: one.known.source for one in found if not one.by_address}
    rows = [_source_row(one) for name, one in sorted(told.items()) if name not in filed]
    if not rows:
        return
    statement = insert(source).values(rows)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=[source.c.name], set_=changed))


def _source_row(one: Publisher) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "homepage": one.homepage,
        "language": one.language,
        "country": one.country,
        "tier": one.tier,
        "agency": one.agency,
        "active": True,
        "domains": list(one.domains),
        "keep_params": list(one.keep),
        "drop_params": list(one.drop),
    }


def restore(connection: Connection, found: Sequence[Archived], run_id: RunId, now: datetime) -> int:
    """Put these pages on record where they lie, in this order, with their entries; answers how many are new to it.

    The entries' sources must be there.
    """
    source_ids = {name: id_ for id_, name in connection.execute(select(source.c.id, source.c.name))}
    told = {item.known.entry.url: item.known for item in reversed(found)}  # the first word of each
    by_url = {url: source_ids[known.source.name] for url, known in told.items()}
    announced = [replace(known.entry, updated_at=None) for known in told.values()]  # else it would be fetched anew
    entries.record(connection, by_url, announced, run_id, now, fetch=False)
    ids = entries.owners(connection, list(told))
    _restore_announcements(connection, found, ids, _restore_feeds(connection, told.values(), source_ids))
    places = {}
    for item in found:
        entry_id, source_id = ids[item.known.entry.url]
        page = replace(item.page, opt_outs=item.known.opt_outs)
        places[FetchedPage(entry_id=entry_id, source_id=source_id, page=page)] = item.place
    fresh = pages.changed(connection, list(places))
    pages.keep(connection, fresh, [places[item] for item in fresh])
    return len(fresh)


def _restore_feeds(
    connection: Connection, told: Collection[Provenance], source_ids: dict[str, int]
) -> dict[tuple[int, str], int]:
    """Source and URL → id of the feed, for those that announced something; they rest until a file lists them."""
    feeds = {(source_ids[known.source.name], known.feed.url): known.feed for known in told if known.feed}
    if not feeds:
        return {}
    rows = [
        {
            "source_id": source_id,
            "url": url,
            "kind": one.kind,
            "active": False,
            "interval_s": PollPolicy().first_interval_s,
        }
        for (source_id, url), one in sorted(feeds.items())
    ]
    connection.execute(insert(feed).values(rows).on_conflict_do_nothing())
    query = select(feed.c.id, feed.c.source_id, feed.c.url).where(feed.c.url.in_({url for _, url in feeds}))
    return {(row.source_id, row.url): row.id for row in connection.execute(query)}


def _restore_announcements(
    connection: Connection,
    found: Sequence[Archived],
    ids: dict[str, tuple[int, int]],
    feed_ids: dict[tuple[int, str], int],
) -> None:
    """Give the entries what `record` does not: by which feed, when first, and when announced as changed."""
    rows: dict[int, dict[str, Any]] = {}
    for item in found:  # a later page of an entry knows of a later change
        entry_id, source_id = ids[item.known.entry.url]
        rows[entry_id] = {
            "id": entry_id,
            "feed_id": feed_ids.get((source_id, item.known.feed.url)) if item.known.feed else None,
            "first_seen_at": item.known.first_seen_at,
            "updated_at": item.known.entry.updated_at,
        }
    columns = [entry.c.id, entry.c.feed_id, entry.c.first_seen_at, entry.c.updated_at]
    said = listed([rows[entry_id] for entry_id in sorted(rows)], columns)
    values = {
        "feed_id": func.coalesce(entry.c.feed_id, said.c.feed_id),
        "first_seen_at": func.least(entry.c.first_seen_at, said.c.first_seen_at),
        "last_seen_at": said.c.first_seen_at,
        "updated_at": func.greatest(entry.c.updated_at, said.c.updated_at),
    }
    connection.execute(update(entry).where(entry.c.id == said.c.id).values(values))
