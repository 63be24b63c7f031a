"""A large store of made-up news, built by the product's own functions: what speed at size is measured on.

    python tests/build_store.py postgresql://… --articles 1000000

One process draws the stream and records what is announced and fetched, others take fingerprints and keep the readings,
one settles: as in production, but for fetching and reading. Killed and run again it goes on where it stopped, and a
store of a hundred thousand grows into one of a million. No archive is needed: the pages point to bytes that nobody asks
for. Every ten thousand settled articles it says at what rate they were, and what an article takes in the store.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from typing import TypeVar

from newsstream import Item, stream
from sqlalchemy import Engine, func, select, text

from extract.model import Article, Block, DateOrigin, DatePrecision, Extractor, FeedEntry, Page, SourceName
from extract.warc import WarcPlace
from load import entries, pages, revisions, runs, sources
from load.engine import connect, upgrade
from load.pages import FetchedPage
from load.revisions import Reading
from load.settle import settle
from load.tables import page, unsettled
from transform.minhash import SketchSpec, fingerprints
from transform.model import CleanArticle, Fingerprint
from transform.verify import MatchPolicy

BATCH = 1_000
PER_DAY = 5_000
HEADERS = (
    ("Date", "Tue, 03 Mar 2026 10:00:00 GMT"),
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Length", "48213"),
    ("Cache-Control", "max-age=60"),
    ("ETag", '"5e1f0c7a9b3d2468"'),
    ("Vary", "Accept-Encoding"),
)
SIZES = """
    SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables
    WHERE schemaname = 'storyfold' ORDER BY 2 DESC LIMIT 8"""

_T = TypeVar("_T")
Told = tuple[int, Item]  # page id and what the page says


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What has been settled since a moment."""

    at: float  # time.perf_counter()
    settled: int


def build(engine: Engine, articles: int, *, seed: int = 1, keepers: int = 2) -> None:
    """Bring the store to so many articles of the stream; the server's own statistics are fresh at the end."""
    address = engine.url.render_as_string(hide_password=False)
    spawned = get_context("spawn")
    all_kept = spawned.Event()
    settler = spawned.Process(target=settle_all, args=(address, all_kept))
    settler.start()
    with ProcessPoolExecutor(keepers, mp_context=spawned) as pool:
        waiting: set[Future[None]] = set()
        for told in announced(engine, articles, seed):
            waiting.add(pool.submit(keep, address, told))
            waiting = drained(waiting, keepers)
        drained(waiting, 0)
    all_kept.set()
    settler.join()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def drained(waiting: set[Future[None]], most: int) -> set[Future[None]]:
    """What is left to wait for, once no more than so many are; raises what one of those that are done has raised."""
    while len(waiting) > most:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for one in done:
            one.result()
    return waiting


def announced(engine: Engine, articles: int, seed: int) -> Iterator[list[Told]]:
    """The pages to read, in batches: those that a run before this one has left unread, then new ones."""
    items = stream(seed, articles, per_day=PER_DAY)
    with engine.connect() as connection:
        known = connection.execute(select(page.c.id, page.c.read_at).order_by(page.c.id)).all()
    before = zip(known, items, strict=False)
    yield from _batches((row.id, item) for row, item in before if row.read_at is None)
    for batch in _batches(items):
        yield list(zip(announce(engine, batch), batch, strict=True))


def announce(engine: Engine, items: Sequence[Item]) -> list[int]:
    """The ids of one page an item; nothing is read yet."""
    now = items[-1].fetched_at
    with engine.begin() as connection:
        run = runs.begin(connection, "load", now)
        outlets = {item.outlet for item in items}
        ids = {outlet: sources.ensure(connection, outlet, outlet) for outlet in sorted(outlets)}
        source_of = {item.url: ids[item.outlet] for item in items}
        seen = [FeedEntry(url=item.url, title=item.title, published_at=item.published_at) for item in items]
        entries.record(connection, source_of, seen, run, now, fetch=False)
        entry_of = entries.ids(connection, list(source_of))
        fetched = [_fetched(item, entry_of[item.url], source_of[item.url]) for item in items]
        newest = connection.scalar(select(func.coalesce(func.max(page.c.id), 0)))
        place = WarcPlace(file=f"{now:%Y/%m/%d}.warc.gz", offset=0, length=9_000)
        pages.keep(connection, fetched, [place] * len(fetched))
        return list(connection.scalars(select(page.c.id).where(page.c.id > newest).order_by(page.c.id)))


def keep(address: str, told: Sequence[Told]) -> None:
    """Store what these pages say, with its fingerprints."""
    engine = connect(address)
    prints = fingerprints([item.text for _, item in told], SketchSpec())
    readings = [reading(page_id, item, print_) for (page_id, item), print_ in zip(told, prints, strict=True)]
    refused = revisions.keep_all(engine, readings, datetime.now(UTC))
    engine.dispose()
    if refused:
        raise ValueError(f"the store refused {refused}")


def reading(page_id: int, item: Item, print_: Fingerprint) -> Reading:
    blocks = tuple(Block(text=part) for part in item.text.split("\n\n"))
    article = Article(
        url=item.url,
        source=SourceName(item.outlet),
        title=item.title,
        authors=(item.byline,),
        summary=None,
        blocks=blocks,
        extractor=Extractor.TRAFILATURA,
        language="en",
        published_at=item.published_at,
        date_precision=DatePrecision.SECOND,
        date_found_in=DateOrigin.JSON_LD,
        modified_at=None,
        fetched_at=item.fetched_at,
    )
    clean = CleanArticle(article=article, blocks=blocks, cuts=())
    return Reading(page_id=page_id, clean=clean, print=print_, read_spec=b"a stream")


def settle_all(address: str, all_kept: Event) -> None:
    """Settle in batches as long as anything comes, and tell of it."""
    engine = connect(address)
    since = Progress(at=time.perf_counter(), settled=0)
    spent_s, settled = 0.0, 0
    while True:
        last = all_kept.is_set()
        if not last and _waiting(engine) < BATCH:
            time.sleep(0.2)
            continue
        begun = time.perf_counter()
        done = settle(engine, MatchPolicy(), datetime.now(UTC), BATCH).pages
        spent_s += time.perf_counter() - begun
        settled += done
        if settled >= 10 * BATCH or (last and not done):
            since = _told(engine, since, settled, spent_s)
            spent_s, settled = 0.0, 0
        if last and not done:
            break
    engine.dispose()


def _waiting(engine: Engine) -> int:
    """How many pages wait to be settled, counted no further than a batch."""
    some = select(unsettled.c.page_id).limit(BATCH).subquery()
    with engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(some)) or 0)


def _told(engine: Engine, since: Progress, settled: int, spent_s: float) -> Progress:
    now = Progress(at=time.perf_counter(), settled=since.settled + settled)
    with engine.connect() as connection:
        stored = connection.scalar(text("SELECT count(*) FROM storyfold.article")) or 0
        sizes = ", ".join(f"{name} {size // max(stored, 1)}" for name, size in connection.execute(text(SIZES)))
    rates = f"{settled / max(spent_s, 1e-9):,.0f}/s in settle, {settled / (now.at - since.at):,.0f}/s in all"
    sys.stdout.write(f"{stored:,} articles: {rates}; bytes an article: {sizes}\n")
    sys.stdout.flush()
    return now


def _fetched(item: Item, entry_id: int, source_id: int) -> FetchedPage:
    answer = Page(
        url=item.url,
        final_url=item.url,
        status=200,
        headers=HEADERS,
        body=item.text.encode(),
        fetched_at=item.fetched_at,
    )
    return FetchedPage(entry_id=entry_id, source_id=source_id, page=answer)


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", help="URL of a database of its own, empty or built by this before")
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keepers", type=int, default=2, help="processes that take fingerprints and keep readings")
    asked = parser.parse_args()
    store = connect(asked.database)
    upgrade(store)
    build(store, asked.articles, seed=asked.seed, keepers=asked.keepers)
