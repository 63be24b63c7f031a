"""Archived pages read once more beside the store: what that would change, and which of them say what they said before.

Without Prefect: who only wants the report need not wait for it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from extract.model import Rejection
from flows.isolation import Broken, Done, Workers
from flows.own_packs import own_rules
from flows.reading import read_archived_page
from flows.store import Store
from load import entries, memory, reading_specs, reopening, specs
from load.own_rules import undone
from load.pages import ReadBy
from load.rehearsal import Effect, rehearse
from load.reopening import StoredPage
from load.report.reopening import Report, report
from load.revisions import Reading
from load.second_look import STAYS, Look, Result, Verdict, look, said_before
from load.selection import Chosen, choose
from transform.packing import lots
from transform.read import ReadPage, ReadSpec
from transform.verify import MatchPolicy

REHEARSED = 300  # pages settled in one transaction that is rolled back: about a second in which nobody else settles
TOGETHER = 2_000  # pages that have to do with each other are not parted, up to so many
SAME = "the same"
STAYED = "no article any more, stayed"

Told = Callable[[object], None]  # called once a page that was looked at


@dataclass(frozen=True, slots=True)
class Looks:
    """The chosen pages, and those that were looked at."""

    chosen: Chosen
    seen: tuple[Look, ...]
    spec: ReadSpec  # by which
    since: datetime  # and when


def look_over(
    store: Store,
    readers: Workers,
    where: str,
    *,
    sample: int | None = None,
    seed: int = 0,
    begun: Callable[[int], Told] = lambda _: lambda _: None,
) -> tuple[Report, Looks]:
    """What reading the chosen pages again would change; nothing of it is stored. Raises BadPredicate.

    begun: told how many pages are looked at, it answers whom to tell of each
    """
    started, since = time.monotonic(), datetime.now(UTC)
    spec = reading_spec(store)
    with store.engine.begin() as connection:
        reading_specs.call_today(connection, spec)
    chosen = choose(store.engine, where)
    drawn = _drawn(chosen.pages, sample, seed)
    told = begun(len(drawn))
    seen = tuple(
        one for part in _batches(drawn, store.settings.batch) for one in look_at(store, readers, part, spec, told)
    )
    effects = _rehearsed(store, seen)
    drew = seed if len(drawn) < len(chosen.pages) else None
    return report(chosen, seen, effects, drew, time.monotonic() - started), Looks(chosen, seen, spec, since)


def reading_spec(store: Store) -> ReadSpec:
    """By what pages are read today."""
    with store.engine.connect() as connection:
        rules = own_rules(store.settings, undone(connection))
        return ReadSpec(profile=store.settings.profile, rules=rules, sketch=specs.to_read_by(connection))


def _drawn(pages: Sequence[int], sample: int | None, seed: int) -> list[int]:
    if sample is None or sample >= len(pages):
        return list(pages)
    return sorted(random.Random(seed).sample(pages, sample))


def _batches(ids: Iterable[int], size: int) -> Iterator[list[int]]:
    waiting = iter(ids)
    while batch := list(islice(waiting, size)):
        yield batch


def look_at(
    store: Store, readers: Workers, page_ids: Collection[int], spec: ReadSpec, told: Told = lambda _: None
) -> list[Look]:
    """Read these pages, each alone in a worker process, and compare what they give with what is stored."""
    with store.engine.connect() as connection:
        found = reopening.stored_pages(connection, page_ids)
        said = said_before(connection, found)
        announced = entries.announcements(connection, [one.entry_id for one in found])
        known = memory.memories(connection, {one.source_id for one in found})
    calls = [(store.archive, one.place, announced[one.entry_id], spec, known[one.source_id]) for one in found]
    results = readers.map(read_archived_page, calls)
    read_by = {source_id: ReadBy(spec.digest_with(site), site.version) for source_id, site in known.items()}
    looks = []
    for one, result in zip(found, results, strict=True):
        by = read_by[one.source_id]
        looks.append(look(one, said.get(one.id), _as_result(one, result, by), by))
        told(one)
    return looks


def _as_result(page: StoredPage, result: Done[ReadPage | Rejection] | Broken, read_by: ReadBy) -> Result:
    if isinstance(result, Broken):
        return result.error
    read = result.value
    if isinstance(read, Rejection):
        return read
    return Reading(
        page_id=page.id,
        clean=read.clean,
        print=read.print,
        read_spec=read_by.spec,
        memory_version=read.memory_version,
        agreement=read.agreement,
    )


def _rehearsed(store: Store, looks: Sequence[Look]) -> list[Effect]:
    """What settling the pages that read otherwise would change, those that have to do with each other together."""
    readings = {one.page.id: one.reading for one in looks if one.reading is not None}
    if not readings:
        return []
    with store.engine.connect() as connection:
        stories = reopening.stories_of(connection, readings)
    marks = {id_: [*stories.get(id_, ()), *one.print.bands.tolist()] for id_, one in readings.items()}
    parts = lots(marks, REHEARSED, TOGETHER)
    now = datetime.now(UTC)
    return [rehearse(store.engine, [readings[id_] for id_ in part], MatchPolicy(), now) for part in parts]


def agree(store: Store, where: str, looks: Looks, told: Report, by: str) -> int:
    """Put on record what is to be read again, and done with what is known to read the same; the reopening's number."""
    reading_specs.note(store.engine, looks.spec, looks.since)
    differing = [one.page.id for one in looks.seen if one.verdict not in STAYS]
    with store.engine.begin() as connection:
        number = reopening.begin(
            connection, where, by, looks.chosen.pages, differing, told.summary(), datetime.now(UTC)
        )
    seen = iter(looks.seen)
    while part := list(islice(seen, store.settings.batch)):
        done_with(store, number, part, [one.page.id for one in part], looks.since)
    return number


def done_with(store: Store, number: int, looks: Sequence[Look], asked: Collection[int], since: datetime) -> None:
    """Note of what stays as it is by what it was read; what waits by now is read by today's rules anyway."""
    stays = {one.page.id: one.read_by for one in looks if one.verdict in STAYS}
    gone = set(asked) - {one.page.id for one in looks}
    lost = sum(one.verdict is Verdict.LOST for one in looks)
    with store.engine.begin() as connection:
        done = reopening.take(connection, number, stays, gone, since)
        reopening.count(connection, number, {SAME: done - lost, STAYED: lost})
