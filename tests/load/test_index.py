"""The near-duplicate index on a real Postgres, beside what a dictionary of all keys would answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from planted import print_of
from sqlalchemy import Engine, select, text

from load import index
from load.tables import band_slice
from transform.model import ArticleId, Hashes
from transform.verify import Side

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SLICE = 1 << 22
EMPTY = print_of("")


class Oracle:
    """All keys of all articles, in memory."""

    def __init__(self) -> None:
        self.keys: dict[ArticleId, set[int]] = {}

    def candidates(self, side: Side, newest: int) -> set[ArticleId]:
        self.keys.pop(side.id, None)
        found: set[ArticleId] = set()
        for key in side.print.bands.tolist():
            found.update(sorted((other for other, keys in self.keys.items() if key in keys), reverse=True)[:newest])
        self.keys[side.id] = set(side.print.bands.tolist())
        return found


def side(article: int, keys: Hashes) -> Side:
    return Side(id=ArticleId(article), day=1, print=replace(EMPTY, bands=keys))


def keys_of(*numbers: int) -> Hashes:
    """Keys that differ in their upper bits, as hashes do."""
    return np.array(numbers, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def some_keys(rng: random.Random) -> Hashes:
    """Mostly of a few crowded keys; at times none, as of a short text."""
    count = rng.choice((0, 3, 8, 30))
    return keys_of(*sorted({min(int(rng.expovariate(0.05)), 300) for _ in range(count)}))


def enter(engine: Engine, sides: Sequence[Side], changed: index.Changed | None = None, now: datetime = NOW) -> None:
    with engine.begin() as connection:
        index.replace_keys(connection, 1, sides, changed or {}, now)


def found(engine: Engine, one: Side, newest: int = 5, spec: int = 1) -> set[ArticleId]:
    with engine.begin() as connection:
        return index.candidates(connection, spec, [one], {}, newest)[0]


def slices(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return sorted(connection.scalars(select(band_slice.c.number)))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("batch", [1, 13, 150])
def test_candidates_are_those_that_brute_force_finds(engine: Engine, seed: int, batch: int) -> None:
    """Articles come and change, in batches of any size, on both sides of two borders of slices."""
    rng = random.Random(seed)
    ids = [*range(SLICE - 60, SLICE + 60), *range(3 * SLICE - 15, 3 * SLICE + 15)]
    arriving = [side(article, some_keys(rng)) for article in ids]
    for place in sorted(rng.sample(range(40, 150), 40)):
        arriving.insert(place, side(rng.choice(ids[:30]), some_keys(rng)))
    oracle = Oracle()
    expected = [oracle.candidates(one, newest=3) for one in arriving]
    answers: list[set[ArticleId]] = []
    known: dict[ArticleId, Hashes] = {}
    for sides in batches(arriving, batch):
        changed = {one.id: known[one.id] for one in sides if one.id in known}
        with engine.begin() as connection:
            answers += index.candidates(connection, 1, sides, changed, newest=3)
            index.replace_keys(connection, 1, sides, changed, NOW)
        known.update({one.id: one.print.bands for one in sides})
    assert answers == expected
    assert slices(engine) == [0, 1, 2, 3]


def batches(arriving: Sequence[Side], size: int) -> list[list[Side]]:
    """As settling makes them: none has an article twice."""
    made: list[list[Side]] = [[]]
    for one in arriving:
        if len(made[-1]) == size or one.id in {other.id for other in made[-1]}:
            made.append([])
        made[-1].append(one)
    return made


def test_only_the_newest_of_a_crowded_key_are_candidates(engine: Engine) -> None:
    enter(engine, [side(n, keys_of(1)) for n in range(1, 11)])
    assert found(engine, side(11, keys_of(1))) == {6, 7, 8, 9, 10}


def test_entering_an_article_again_leaves_one_copy_of_its_keys(engine: Engine) -> None:
    enter(engine, [side(1, keys_of(1, 2))])
    enter(engine, [side(1, keys_of(2, 3))], {ArticleId(1): keys_of(1, 2)})
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM storyfold.band")) == 2
    assert [found(engine, side(2, keys_of(n))) for n in (1, 2, 3)] == [set(), {1}, {1}]


def test_a_slice_is_retired_when_nothing_was_entered_into_it_for_long(engine: Engine) -> None:
    days = [NOW - timedelta(days=days) for days in (500, 401, 399, 0)]
    for number, day in enumerate(days):
        enter(engine, [side(number * SLICE + 7, keys_of(1))], now=day)
    assert retire(engine) == 2
    assert slices(engine) == [2, 3]
    assert found(engine, side(4 * SLICE, keys_of(1))) == {2 * SLICE + 7, 3 * SLICE + 7}
    assert retire(engine) == 0


def test_the_newest_slice_stays_however_old(engine: Engine) -> None:
    enter(engine, [side(1, keys_of(1))], now=NOW - timedelta(days=5000))
    assert retire(engine) == 0
    assert found(engine, side(2, keys_of(1))) == {1}


def test_an_article_that_changes_after_its_slice_was_retired_is_a_candidate_again(engine: Engine) -> None:
    old = NOW - timedelta(days=900)
    enter(engine, [side(1, keys_of(1)), side(2, keys_of(1))], now=old)
    enter(engine, [side(SLICE, keys_of(5))])
    assert retire(engine) == 1
    assert found(engine, side(SLICE + 1, keys_of(1))) == set()
    changed = {ArticleId(1): keys_of(1)}
    with engine.begin() as connection:
        assert index.candidates(connection, 1, [side(1, keys_of(1, 5))], changed, 5) == [{SLICE}]
    enter(engine, [side(1, keys_of(1, 5))], changed)
    assert found(engine, side(SLICE + 1, keys_of(1))) == {1}
    assert retire(engine) == 0, "its slice has just been written to"


def test_an_older_moment_never_makes_a_slice_older(engine: Engine) -> None:
    enter(engine, [side(1, keys_of(1))])
    enter(engine, [side(2, keys_of(1))], now=NOW - timedelta(days=900))
    enter(engine, [side(SLICE, keys_of(1))])
    assert retire(engine) == 0


def test_keys_of_another_spec_stand_beside_the_former_ones_and_nothing_dropped_comes_back(engine: Engine) -> None:
    enter(engine, [side(1, keys_of(1))], now=NOW - timedelta(days=900))
    enter(engine, [side(number, keys_of(1)) for number in (SLICE, SLICE + 1)])
    assert retire(engine) == 1
    ids = [ArticleId(number) for number in (1, SLICE, SLICE + 1)]
    written = "SELECT number, written_at FROM storyfold.band_slice"
    with engine.begin() as connection:
        before = connection.execute(text(written)).all()
        index.build_keys(connection, 2, dict.fromkeys(ids, keys_of(2)), {})
        index.build_keys(connection, 2, {ids[1]: keys_of(3)}, {ids[1]: keys_of(2)})
        assert connection.execute(text(written)).all() == before
    assert found(engine, side(SLICE + 2, keys_of(1))) == {SLICE, SLICE + 1}
    answers = [found(engine, side(SLICE + 2, keys_of(number)), spec=2) for number in (1, 2, 3)]
    assert answers == [set(), {SLICE + 1}, {SLICE}]
    with engine.begin() as connection:
        index.drop(connection, 1)
        assert index.size(connection).slices == 1
    assert found(engine, side(SLICE + 2, keys_of(3)), spec=2) == {SLICE}


def test_what_a_crash_interrupts_leaves_no_slice(engine: Engine) -> None:
    with pytest.raises(KeyboardInterrupt), engine.begin() as connection:
        index.replace_keys(connection, 1, [side(SLICE, keys_of(1))], {}, NOW)
        raise KeyboardInterrupt
    assert slices(engine) == []
    enter(engine, [side(SLICE, keys_of(1))])
    assert found(engine, side(SLICE + 1, keys_of(1))) == {SLICE}


def test_the_size_of_the_index_is_that_of_all_its_slices(engine: Engine) -> None:
    with engine.connect() as connection:
        assert index.size(connection) == index.IndexSize(slices=0, entries=0, size_bytes=0)
    enter(engine, [side(number * SLICE + n, keys_of(*range(1, 31))) for number in (0, 1) for n in range(100)])
    with engine.begin() as connection:
        connection.execute(text("ANALYZE storyfold.band_1_0, storyfold.band_1_1"))
    with engine.connect() as connection:
        size = index.size(connection)
    assert (size.slices, size.entries) == (2, 6_000)
    assert size.size_bytes > 6_000 * 56


def retire(engine: Engine) -> int:
    with engine.begin() as connection:
        return index.retire(connection, NOW - timedelta(days=400))
