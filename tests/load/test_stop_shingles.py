"""Stop-shingles on a real Postgres, beside a plain count of days."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from planted import planted_stream, print_of
from sqlalchemy import Engine, func, select, text
from stored import NOW, keep_readings, put_pages

from load import stop_shingles
from load.engine import connect
from load.settle import settle as settle_pages
from load.tables import published_day, shingle_run, stop_list
from transform.model import ArticleId
from transform.verify import History, MatchPolicy, Side

POLICY = MatchPolicy()
EMPTY = print_of("")
TEMPLATE = [2**40, 2**63]

Sighting = tuple[int, int]  # shingle and day


class Counts:
    """The same by sets and dictionaries, text by text."""

    def __init__(self, stretch_texts: int) -> None:
        self.stretch_texts = stretch_texts
        self.counted = [set[Sighting]() for _ in range(64)]  # a chunk of the shingles each
        self.position = [0] * 64  # of the last text in them
        self.as_of = [-100_000] * 64
        self.stop: set[int] = set()
        self.sides: list[Side] = []
        self.renewed = 0
        self.due, self.stretch = 100, range(64)

    def add(self, side: Side) -> None:
        self.sides.append(side)
        if len(self.sides) - self.renewed == self.due:
            self.renew()

    def renew(self) -> None:
        days = sorted(side.day for side in self.sides[self.renewed :])
        today = days[len(days) // 10]
        since = min(self.position[chunk] for chunk in self.stretch)
        waiting = {(shingle, side.day) for side in self.sides[since:] for shingle in sampled(side)}
        seen = {
            chunk: self.counted[chunk] | {one for one in waiting if one[0] >> 58 == chunk} for chunk in self.stretch
        }
        days_of = {chunk: days_by_shingle(sightings) for chunk, sightings in seen.items()}
        for chunk in self.stretch:
            self.stop |= {shingle for shingle, days in days_of[chunk].items() if len(days) >= POLICY.stop_days}
        if today >= min(self.as_of[chunk] for chunk in self.stretch) + 7:
            for chunk in self.stretch:
                self.counted[chunk] = set(remembered(days_of[chunk], today))
                self.position[chunk], self.as_of[chunk] = len(self.sides), today
        self.plan(sum(side.day >= today - 7 for side in self.sides))

    def plan(self, counted: int) -> None:
        whole = max(100, counted // 5)
        width = 64 // 2 ** int(math.log2(min(max(whole // self.stretch_texts, 1), 64)))
        first = self.stretch.stop % 64
        self.stretch = range(first, min(first + width, 64))
        self.due = max(100, whole * len(self.stretch) // 64)
        self.renewed = len(self.sides)


def days_by_shingle(sightings: set[Sighting]) -> dict[int, set[int]]:
    days = defaultdict[int, set[int]](set)
    for shingle, day in sightings:
        days[shingle].add(day)
    return days


def remembered(days: dict[int, set[int]], today: int) -> Iterator[Sighting]:
    for shingle, seen in days.items():
        if len(seen) < POLICY.stop_days and max(seen) + 7 * len(seen) >= today:
            yield from ((shingle, day) for day in seen)


def sampled(side: Side) -> set[int]:
    return {shingle for shingle in side.print.shingles.tolist() if shingle % 4 == 0}


def stream(seed: int, length: int) -> list[Side]:
    """Texts of templates that come back at their own pace, and of shingles of their own; now and then an old one."""
    rng = random.Random(seed)
    templates = [[rng.getrandbits(64) for _ in range(8)] for _ in range(12)]
    sides = []
    for number in range(length):
        day = 20_000 + number // 40 - (rng.randrange(400) if rng.random() < 0.04 else 0)
        own = [rng.getrandbits(64) for _ in range(20)]
        told = [template for pace, template in enumerate(templates, start=1) if day % pace == 0]
        shingles = np.array(own + rng.choice([*told, []]), dtype=np.uint64)
        sides.append(Side(id=ArticleId(number + 1), day=day, print=replace(EMPTY, shingles=shingles)))
    return sides


def settle(engine: Engine, sides: Sequence[Side], batch: int) -> None:
    """Count them as settling does: no batch goes beyond the next renewal."""
    begin = 0
    while begin < len(sides):
        with engine.begin() as connection:
            end = begin + min(batch, stop_shingles.room(connection, 1))
            stop_shingles.count(connection, 1, sides[begin:end], POLICY)
        begin = end


def history(engine: Engine) -> History:
    with engine.connect() as connection:
        return stop_shingles.history(connection, 1, POLICY)


def rows(engine: Engine) -> list[object]:
    """What renewals have left."""
    names = ("stop_list", "shingle_count", "published_day")
    with engine.connect() as connection:
        return [
            connection.scalar(text(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM storyfold.{name} AS t"))
            for name in names
        ]


@pytest.mark.parametrize("stretch_texts", [2_000, 20])
def test_the_stop_list_is_what_a_plain_count_says(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, stretch_texts: int
) -> None:
    monkeypatch.setattr(stop_shingles, "STRETCH_TEXTS", stretch_texts)
    counts = Counts(stretch_texts)
    for begin, end in ((0, 90), (90, 100), (100, 350), (350, 1_000), (1_000, 1_777), (1_777, 2_300)):
        sides = stream(1, 2_300)[begin:end]
        settle(engine, sides, 60)
        for side in sides:
            counts.add(side)
        assert history(engine).stop.tolist() == sorted(counts.stop)
    assert counts.stop
    with engine.connect() as connection:
        assert connection.scalar(select(stop_list.c.due)) == counts.due
        assert connection.scalar(select(func.max(shingle_run.c.position))) == len(counts.sides)
        assert connection.scalar(select(func.min(shingle_run.c.position))) > min(counts.position)
        stored = connection.scalar(text("SELECT sum(octet_length(sightings)) / 8 FROM storyfold.shingle_count"))
    assert stored == sum(map(len, counts.counted))
    assert len(set(counts.position)) == (1 if stretch_texts == 2_000 else 4)


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_renewals_do_not_depend_on_batches(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(stop_shingles, "STRETCH_TEXTS", 30)
    results = []
    for size in (50, batch):
        engine = connect(new_database())
        settle(engine, stream(3, 330), size)
        results.append(rows(engine))
        engine.dispose()
    assert results[0] == results[1]


def test_a_crash_in_a_renewal_leaves_it_to_the_next_batch(engine: Engine, new_database: Callable[[], str]) -> None:
    sides = stream(4, 250)
    undisturbed = connect(new_database())
    settle(undisturbed, sides, 50)
    settle(engine, sides[:80], 50)
    with pytest.raises(KeyboardInterrupt), engine.begin() as connection:
        stop_shingles.count(connection, 1, sides[80:100], POLICY)
        raise KeyboardInterrupt
    settle(engine, sides[80:], 50)
    assert rows(engine) == rows(undisturbed)
    undisturbed.dispose()


def test_a_young_store_knows_no_stop_shingles_and_how_few_its_days_are(engine: Engine) -> None:
    assert (len(history(engine).stop), history(engine).days) == (0, 0)
    for number, days in enumerate((0, 1, 2, 3, 4, 5, 5)):
        template = replace(EMPTY, shingles=np.array(TEMPLATE, dtype=np.uint64))
        settle(engine, [Side(id=ArticleId(n), day=100 + number, print=template) for n in range(100)], 100)
        assert history(engine).days == days
        assert history(engine).stop.tolist() == (TEMPLATE if number >= 4 else [])


def test_days_that_no_calendar_has_are_taken_for_its_last(engine: Engine) -> None:
    days = (-10_000_000, -1, 0, 40_000, 10_000_000)
    shingles = replace(EMPTY, shingles=np.array([8], dtype=np.uint64))
    settle(engine, [Side(id=ArticleId(n), day=day, print=shingles) for n in range(20) for day in days], 7)
    with engine.connect() as connection:
        found = [
            day.isoformat() for day in connection.scalars(select(published_day.c.day).order_by(published_day.c.day))
        ]
    assert found == ["1900-01-01", "1969-12-31", "1970-01-01", "2079-06-06"]


def test_settling_stops_where_a_renewal_is_due(engine: Engine) -> None:
    articles = planted_stream(seed=5, stories=48)
    keep_readings(engine, zip(put_pages(engine, articles), articles, strict=True))
    settled = [settle_pages(engine, POLICY, NOW, 1_000).pages for _ in range(3)]
    assert settled == [100, len(articles) - 100, 0]
    with engine.connect() as connection:
        assert connection.scalar(select(stop_list.c.version)) == 1
