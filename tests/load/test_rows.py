"""Rows by COPY, numbers in binary form: values of every type arrive as they are, and what goes wrong is told as of any statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from load.binary import copy_columns, read_array
from load.engine import StoreUnavailable
from load.rows import copy, next_ids
from load.tables import match, store_state, story

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
PAIR = {
    "left_id": 1,
    "right_id": 2**40,
    "kind": "different",
    "failed": None,
    "jaccard": 0.25,
    "jaccard_filtered": 0.5,
    "containment": 1.0,
    "facts": 0.0,
    "run": 7.5,
    "inner_id": 1,
    "span_start": 0.0,
    "span_end": 1.0,
    "policy": b"\x00\xff",
    "matched_at": AT,
    "numbers": 0.5,
    "inner_start": None,
}


def test_what_is_copied_is_read_again(engine: Engine) -> None:
    with engine.begin() as connection:
        copy(connection, match, [PAIR])
        assert [row._asdict() for row in connection.execute(select(match))] == [PAIR]


def test_a_refused_value_is_a_database_error_with_its_state(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(DataError) as refused:
        copy(connection, store_state, [{"name": "nul", "value": "a\x00b"}])
    assert getattr(refused.value.orig, "sqlstate", None) == "22021"
    with engine.begin() as connection, pytest.raises(IntegrityError):
        copy(connection, match, [PAIR, PAIR])


@pytest.mark.parametrize(
    "statement",
    [
        lambda connection: copy(connection, match, [PAIR]),
        lambda connection: copy_columns(connection, "storyfold.band", {"entry": np.arange(3)}),
        lambda connection: read_array(
            connection, "SELECT array_agg(one) FROM unnest(%(ids)s) AS one", ids=np.arange(3)
        ),
    ],
    ids=["copy", "copy_columns", "read_array"],
)
def test_a_lost_connection_is_told_as_the_store_being_away(
    engine: Engine, statement: Callable[[Connection], object]
) -> None:
    with pytest.raises(StoreUnavailable), engine.begin() as connection:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
        with engine.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": number})
        statement(connection)


def test_numbers_without_their_table_are_a_database_error(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(ProgrammingError):
        copy_columns(connection, "storyfold.band_without", {"entry": np.arange(3)})
    with engine.begin() as connection, pytest.raises(ProgrammingError):
        read_array(connection, "SELECT array_agg(entry) FROM storyfold.band_without")


def test_ids_are_given_once(engine: Engine) -> None:
    with engine.begin() as connection, engine.begin() as other:
        first, second, third = next_ids(connection, story, 2), next_ids(other, story, 2), next_ids(connection, story, 0)
    assert (first, second, third) == ([1, 2], [3, 4], [])
