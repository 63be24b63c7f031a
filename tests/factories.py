"""Small builders that fill a store through the product's own functions: sources, entries, pages, articles in stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select

from extract.model import (
    Article,
    Block,
    Credit,
    DateOrigin,
    DatePrecision,
    Extractor,
    Feed,
    FeedEntry,
    FeedKind,
    FetchPolicy,
    Flag,
    Page,
    PollPolicy,
    Source,
    SourceName,
)
from extract.warc import WarcPlace
from load import entries, pages, revisions, runs, sources
from load.pages import FetchedPage
from load.revisions import Reading
from load.settle import settle
from load.tables import entry, feed, page
from transform.minhash import SketchSpec, fingerprint
from transform.model import CleanArticle, Cut, CutKind, Zone
from transform.verify import MatchPolicy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

HARBOUR_FIRE = (
    "A fire broke out early on Monday in the old rope store at the western end of Kestrel harbour and spread to two"
    " neighbouring sheds before the crews of three stations brought it under control shortly after nine.",
    "Nobody was hurt. The harbour master, Ines Tolland, said that 14 fishing boats had been moved to the outer basin"
    " in time and that the ferry to Brede would sail again from Tuesday morning.",
    "The rope store was built in 1871 and had stood empty for six years. The town council had planned to vote on its"
    " conversion into workshops at the end of the month.",
)
BRIDGE_TOLL = (
    "The toll on the Orrin bridge will rise from three to four crowns in April, the road authority announced after a"
    " meeting that lasted until late in the evening and ended with a narrow vote.",
    "Commuters who cross the bridge every day may buy a monthly pass for 55 crowns. Buses, ambulances and the vans of"
    " the postal service remain exempt, as they have been since the bridge was opened.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One article as a source tells it."""

    url: str
    title: str = "Fire destroys rope store at Kestrel harbour"
    paragraphs: Sequence[str] = HARBOUR_FIRE
    source: str = "harbour-courier"
    published_at: datetime | None = NOON
    date_precision: DatePrecision = DatePrecision.MINUTE
    language: str = "en"
    cuts: Sequence[str] = ()  # each removed from the end of the text as a link to other articles
    flags: frozenset[Flag] = frozenset()
    section: str | None = None
    tags: Sequence[str] = ()
    image: str | None = None
    credit: Credit | None = None
    material: Sequence[str] = ()
    translator: str | None = None
    utc_offset: int | None = None


def a_source(name: str = "harbour-courier", *, tier: int = 2, agency: str | None = None) -> Source:
    return Source(
        name=SourceName(name),
        title=name.replace("-", " ").title(),
        homepage=f"https://{name}.example/",
        language="en",
        country="GB",
        tier=tier,
        agency=agency,
        feeds=(Feed(url=f"https://{name}.example/feed.xml", kind=FeedKind.FEED),),
        polling=PollPolicy(),
        fetch=FetchPolicy(),
    )


def keep_sources(engine: Engine, *names: str) -> None:
    """Make these the sources that have a file."""
    with engine.begin() as connection:
        sources.sync(connection, [a_source(name) for name in names])


def announce(engine: Engine, name: str, *urls: str, title: str | None = None, now: datetime = NOON) -> list[int]:
    """The ids of the entries under which the source's feed announces these URLs; the source is made if need be."""
    with engine.begin() as connection:
        run_id = runs.begin(connection, "discover", now)
        source_id = sources.ensure(connection, name, name.title())
        feed_id = connection.scalar(select(feed.c.id).where(feed.c.source_id == source_id))
        announced = [FeedEntry(url=url, title=title, published_at=now) for url in urls]
        recorded = entries.record(connection, source_id, announced, run_id, now, feed_id=feed_id)
        runs.finish(connection, run_id, {"new": recorded.new, "known": recorded.known}, now)
        ids = entries.ids(connection, urls)
    return [ids[url] for url in urls]


def fetch(engine: Engine, entry_id: int, body: bytes = b"<p>page</p>", *, now: datetime = NOON) -> int:
    """The id of the page that the entry's URL answered with."""
    with engine.begin() as connection:
        row = connection.execute(select(entry.c.url, entry.c.source_id).where(entry.c.id == entry_id)).one()
        answer = Page(url=row.url, final_url=row.url, status=200, headers=(), body=body, fetched_at=now)
        place = WarcPlace(file="2026/03/day.warc.gz", offset=entry_id * 1000, length=len(body))
        pages.keep(connection, [FetchedPage(entry_id=entry_id, source_id=row.source_id, page=answer)], [place])
        return connection.scalar(select(func.max(page.c.id)).where(page.c.entry_id == entry_id))


def publish(engine: Engine, *told: Told, now: datetime = NOON) -> list[int]:
    """The ids of the articles, once all are announced, fetched, read and settled in their stories."""
    entry_ids = []
    for one in told:
        (entry_id,) = announce(engine, one.source, one.url, title=one.title, now=now)
        page_id = fetch(engine, entry_id, "\n".join(one.paragraphs).encode(), now=now)
        with engine.begin() as connection:
            revisions.keep(connection, [reading(page_id, one, now)], now)
        entry_ids.append(entry_id)
    settle_all(engine, now)
    with engine.connect() as connection:
        articles = {id_: article_id for id_, article_id in connection.execute(select(entry.c.id, entry.c.article_id))}
    return [articles[entry_id] for entry_id in entry_ids]


def settle_all(engine: Engine, now: datetime = NOON) -> None:
    while settle(engine, MatchPolicy(), now, 100).pages:
        pass


def copies(*names: str, gap: timedelta = timedelta(minutes=30)) -> list[Told]:
    """The same text told by each of these sources, one after the other."""
    return [
        Told(url=f"https://{name}.example/fire", source=name, published_at=NOON + number * gap)
        for number, name in enumerate(names)
    ]


def reading(page_id: int, told: Told, now: datetime) -> Reading:
    article = Article(
        url=told.url,
        source=SourceName(told.source),
        title=told.title,
        authors=("Mara Quill",),
        summary=None,
        blocks=tuple(Block(text=text) for text in (*told.paragraphs, *told.cuts)),
        extractor=Extractor.TRAFILATURA,
        language=told.language,
        published_at=told.published_at,
        date_precision=told.date_precision if told.published_at else None,
        date_found_in=DateOrigin.JSON_LD if told.published_at else None,
        modified_at=None,
        fetched_at=now,
        flags=told.flags,
        section=told.section,
        tags=tuple(told.tags),
        image=told.image,
        credit=told.credit,
        material=tuple(told.material),
        translator=told.translator,
        utc_offset=told.utc_offset,
    )
    kept = len(told.paragraphs)
    clean = CleanArticle(
        article=article,
        blocks=article.blocks[:kept],
        cuts=tuple(
            Cut(position=kept + number, text=text, kind=CutKind.RELATED, rule="en.related.see-also", zone=Zone.TAIL)
            for number, text in enumerate(told.cuts)
        ),
    )
    return Reading(page_id=page_id, clean=clean, print=fingerprint(clean.text, SketchSpec()), read_spec=b"tests")
