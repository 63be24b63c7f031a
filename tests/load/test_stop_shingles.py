"""Stop-shingles on a real Postgres, beside a plain count of days."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
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


class Counts:
    """The same by sets and dictionaries, text by text."""

    def __init__(self) -> None:
        self.days: defaultdict[int, set[int]] = defaultdict(set)
        self.stop: set[int] = set()
        self.texts: defaultdict[int, int] = defaultdict(int)
        self.waiting: list[Side] = []
        self.due = 100

    def add(self, side: Side) -> None:
        self.waiting.append(side)
        if len(self.waiting) == self.due:
            self.renew()

    def renew(self) -> None:
        days = sorted(side.day for side in self.waiting)
        today = days[len(days) // 10]
        for side in self.waiting:
            self.texts[side.day] += 1
            for shingle in sampled(side) - self.stop:
                self.days[shingle].add(side.day)
        self.stop |= {shingle for shingle, days in self.days.items() if len(days) >= POLICY.stop_days}
        for shingle, seen in list(self.days.items()):
            if shingle in self.stop or max(seen) + 7 * len(seen) < today:
                del self.days[shingle]
        self.due = max(100, sum(n for day, n in self.texts.items() if day >= today - 7) // 5)
        self.waiting = []


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
            end = begin + min(batch, stop_shingles.room(connection))
            stop_shingles.count(connection, sides[begin:end], POLICY)
        begin = end


def history(engine: Engine) -> History:
    with engine.connect() as connection:
        return stop_shingles.history(connection, POLICY)


def rows(engine: Engine) -> list[object]:
    """What renewals have left."""
    names = ("stop_list", "shingle_count", "published_day")
    with engine.connect() as connection:
        return [
            connection.scalar(text(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM storyfold.{name} AS t"))
            for name in names
        ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_stop_list_is_what_a_plain_count_says(engine: Engine, seed: int) -> None:
    counts = Counts()
    for begin, end in ((0, 90), (90, 100), (100, 350), (350, 1_000), (1_000, 1_777)):
        sides = stream(seed, 1_777)[begin:end]
        settle(engine, sides, 60)
        for side in sides:
            counts.add(side)
        assert history(engine).stop.tolist() == sorted(counts.stop)
    assert counts.stop
    with engine.connect() as connection:
        assert connection.scalar(select(stop_list.c.due)) == counts.due
        assert connection.scalar(select(func.sum(shingle_run.c.texts))) == len(counts.waiting)
        stored = connection.scalar(text("SELECT sum(octet_length(sightings)) / 8 FROM storyfold.shingle_count"))
    assert stored == sum(map(len, counts.days.values()))


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_renewals_do_not_depend_on_batches(new_database: Callable[[], str], batch: int) -> None:
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
        stop_shingles.count(connection, sides[80:100], POLICY)
        raise KeyboardInterrupt
    settle(engine, sides[80:], 50)
    assert rows(engine) == rows(undisturbed)
    undisturbed.dispose()


def test_a_young_store_knows_no_stop_shingles_and_how_few_its_days_are(engine: Engine) -> None:
    assert (len(history(engine).stop), history(engine).days) == (0, 0)
    for number, days in enumerate((0, 1, 2, 3, 4, 5, 5)):
        template = replace(EMPTY, shingles=np.array([8, 12], dtype=np.uint64))
        settle(engine, [Side(id=ArticleId(n), day=100 + number, print=template) for n in range(100)], 100)
        assert history(engine).days == days
        assert history(engine).stop.tolist() == ([8, 12] if number >= 4 else [])


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
