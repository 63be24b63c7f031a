"""Puts made-up articles into a real store by the product's own functions, and tells what stories came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from planted import print_of
from sqlalchemy import Engine, select, text

from extract.model import Article, Block, DateOrigin, DatePrecision, Extractor, FeedEntry, Page, SourceName
from extract.warc import WarcPlace
from load import entries, pages, revisions, runs, sources
from load.pages import FetchedPage
from load.revisions import Reading
from load.settle import settle
from load.tables import page
from transform.model import CleanArticle
from transform.verify import MatchPolicy

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
Stories = list[tuple[int, str, tuple[str, ...]]]


class Told(Protocol):
    """A made-up article, planted or of a stream."""

    @property
    def url(self) -> str: ...
    @property
    def outlet(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def published_at(self) -> datetime: ...


def put_pages(engine: Engine, stream: Sequence[Told]) -> list[int]:
    """The ids of one page an article, in the order of the stream; nothing is read yet."""
    with engine.begin() as connection:
        run = runs.begin(connection, "load", NOW)
        names = {item.url: item.outlet for item in stream}
        known = {
            name: sources.ensure(connection, name.lower().replace(" ", "-"), name)
            for name in sorted(set(names.values()))
        }
        owners = {url: known[name] for url, name in names.items()}
        entries.record(connection, owners, [FeedEntry(url=item.url) for item in stream], run, NOW, fetch=False)
        ids = entries.ids(connection, list(names))
        got = [fetched(item, ids[item.url], owners[item.url]) for item in stream]
        pages.keep(connection, got, [WarcPlace(file="none", offset=0, length=1)] * len(got))
        return list(connection.scalars(select(page.c.id).where(page.c.read_at.is_(None)).order_by(page.c.id)))


def keep_readings(engine: Engine, read: Iterable[tuple[int, Told]]) -> None:
    """Store what the pages said, as a worker that read them would."""
    with engine.begin() as connection:
        revisions.keep(connection, [reading(page_id, item) for page_id, item in read], NOW)


def settle_all(engine: Engine, batch: int = 100) -> None:
    while settle(engine, MatchPolicy(), NOW, batch).pages:
        pass


def store_stream(engine: Engine, stream: Sequence[Told], batch: int = 100) -> None:
    """All the way, by one worker."""
    keep_readings(engine, zip(put_pages(engine, stream), stream, strict=True))
    settle_all(engine, batch)


def stories(engine: Engine) -> Stories:
    """Every living story: its id, its canonical member and its members."""
    query = text(
        """SELECT story.id, canonical.url, array_agg(article.url ORDER BY article.url)
           FROM storyfold.story JOIN storyfold.article AS canonical ON canonical.id = story.canonical_id
           JOIN storyfold.story_member ON story_member.story_id = story.id
           JOIN storyfold.article ON article.id = story_member.article_id
           GROUP BY story.id, canonical.url ORDER BY story.id"""
    )
    with engine.connect() as connection:
        return [(story, canonical, tuple(members)) for story, canonical, members in connection.execute(query)]


def partition(engine: Engine) -> set[tuple[str, ...]]:
    return {members for _, _, members in stories(engine)}


def fetched(item: Told, entry_id: int, source_id: int) -> FetchedPage:
    body = Page(url=item.url, final_url=item.url, status=200, headers=(), body=item.text.encode(), fetched_at=NOW)
    return FetchedPage(entry_id=entry_id, source_id=source_id, page=body)


def reading(page_id: int, item: Told) -> Reading:
    article = Article(
        url=item.url,
        source=SourceName("made-up"),
        title=item.text[:40],
        authors=(),
        summary=None,
        blocks=tuple(Block(text=part) for part in item.text.split("\n\n")),
        extractor=Extractor.TRAFILATURA,
        language="en",
        published_at=item.published_at,
        date_precision=DatePrecision.SECOND,
        date_found_in=DateOrigin.META,
        modified_at=None,
        fetched_at=NOW,
    )
    clean = CleanArticle(article=article, blocks=article.blocks, cuts=())
    return Reading(page_id=page_id, clean=clean, print=print_of(item.text), read_spec=b"test")
