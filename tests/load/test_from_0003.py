"""A store that the program before wrote goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from alembic import command
from alembic.config import Config
from planted import print_of
from sqlalchemy import Engine, text

from load import engine as store
from load import index, stop_shingles
from load.rows import to_bigints
from transform.model import ArticleId
from transform.verify import MatchPolicy, Side

FIRST = date(2026, 3, 2)
TEMPLATE = [8, 2**64 - 4]  # the upper half of the hashes are negative as Postgres has them
SEEN = {16: 1, 2**63 + 16: 4}  # shingle: days


def test_index_and_counts_are_carried_over(bare_database_url: str) -> None:
    engine = store.connect(bare_database_url)
    told = print_of("The ferry left at seven with its lamps lit, and the band played on the upper deck. " * 9)
    before_0004(engine, [*to_bigints(told.bands)])
    store.upgrade(engine)
    assert store.check(engine) == []
    with engine.begin() as connection:
        newcomer = Side(id=ArticleId(2**22 + 2), day=1, print=told)
        assert index.candidates(connection, 1, [newcomer], {}, 5) == [{7, 2**22 + 1}]
        assert index.size(connection).slices == 2
        known = stop_shingles.history(connection, 1, MatchPolicy())
        assert (known.stop.tolist(), known.days) == (TEMPLATE, 5)
        sightings = {
            (sighting >> 16, sighting & 0xFFFF)
            for (data,) in connection.execute(text("SELECT sightings FROM storyfold.shingle_count"))
            for sighting in np.frombuffer(data, dtype="<u8").tolist()
        }
    last = (FIRST - date(1900, 1, 1)).days + 5
    assert sightings == {(shingle >> 16, last - n) for shingle, days in SEEN.items() for n in range(days)}
    engine.dispose()


def test_runs_and_counts_of_the_former_form_go_on(bare_database_url: str) -> None:
    """Four days were counted, or wait to be; the fifth comes after the upgrade."""
    engine = store.connect(bare_database_url)
    upgrade_to(engine, "0008")
    shingles, first = np.array([2**62, 2**63, 2**40], dtype="<u8"), (FIRST - date(1900, 1, 1)).days
    counted = np.array([(int(shingle) >> 16 << 16) + first + n for shingle in shingles[:1] for n in range(3)], "<u8")
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO storyfold.shingle_count VALUES (16, :sightings)"), {"sightings": counted.tobytes()}
        )
        connection.execute(text("INSERT INTO storyfold.stop_list VALUES (3, 100, '')"))
        run = text(
            "INSERT INTO storyfold.shingle_run (texts, days, lengths, hashes) VALUES (99, :days, :lengths, :hashes)"
        )
        lengths, days = np.zeros(99, dtype="<u4"), np.full(99, first + 3, dtype="<u2")
        lengths[[5, 7]] = 2, 1
        values = {"days": days.tobytes(), "lengths": lengths.tobytes(), "hashes": shingles.tobytes()}
        connection.execute(run, values)
    store.upgrade(engine)
    assert store.check(engine) == []
    day = (FIRST - date(1970, 1, 1)).days + 4
    last = Side(id=ArticleId(1), day=day, print=replace(print_of(""), shingles=shingles.astype(np.uint64)))
    with engine.begin() as connection:
        assert stop_shingles.room(connection, 1) == 1
        stop_shingles.count(connection, 1, [last], MatchPolicy())
        assert stop_shingles.history(connection, 1, MatchPolicy()).stop.tolist() == [2**62]
        assert stop_shingles.room(connection, 1) == 100
    engine.dispose()


def before_0004(engine: Engine, bands: list[int]) -> None:
    upgrade_to(engine, "0003")
    with engine.begin() as connection:
        add_bands = text("INSERT INTO storyfold.band SELECT unnest(CAST(:keys AS bigint[])), :article")
        for article in (7, 2**22 + 1):
            connection.execute(add_bands, {"keys": bands, "article": article})
        add_shingle = text("INSERT INTO storyfold.shingle_day VALUES (:hash, :days, :day)")
        for shingle, days in {**dict.fromkeys(TEMPLATE, 6), **SEEN}.items():
            signed = to_bigints(np.array([shingle], dtype=np.uint64))[0]
            connection.execute(add_shingle, {"hash": signed, "days": days, "day": FIRST + timedelta(days=5)})
        for day in range(6):
            connection.execute(
                text("INSERT INTO storyfold.published_day VALUES (:day)"), {"day": FIRST + timedelta(days=day)}
            )


def upgrade_to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "load:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
