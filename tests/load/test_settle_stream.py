"""Laws of settling on a stream like real news, on a real Postgres: templates, write-throughs, round-ups, live blogs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from newsstream import stream
from sqlalchemy import Engine
from stored import Stories, store_stream, stories

from load.engine import connect

FAMILIES = {"story": 50.0, "chain": 6.0, "template": 30.0, "digest": 8.0, "liveblog": 6.0}
STREAM = [item for item in stream(23, 150, per_day=20, families=FAMILIES, max_copies=12) if item.edit != "revision"]


@pytest.fixture(scope="module")
def undisturbed(new_database: Callable[[], str]) -> Stories:
    engine = connect(new_database())
    store_stream(engine, STREAM, 1000)
    found = stories(engine)
    engine.dispose()
    return found


@pytest.mark.parametrize("batch", [4, 60])
def test_ids_members_and_canonicals_do_not_depend_on_batches(engine: Engine, undisturbed: Stories, batch: int) -> None:
    store_stream(engine, STREAM, batch)
    assert stories(engine) == undisturbed
