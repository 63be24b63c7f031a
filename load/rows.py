"""Values as Postgres takes them: text without what it refuses, hashes as signed bigint and as bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast, overload

import numpy as np
import psycopg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Table,
    TableValuedAlias,
    any_,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.exc import DBAPIError

from transform.model import Hashes

IN_BINARY = {"in_binary": True}
"""Execution options of a query with many bytes or arrays: as text they take twice the room and three times the time."""

_REFUSED = {0: None} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


@overload
def clean_text(text: str) -> str: ...
@overload
def clean_text(text: None) -> None: ...
def clean_text(text: str | None) -> str | None:
    """The text without NUL characters, and with lone surrogates replaced: Postgres takes neither."""
    return None if text is None else text.translate(_REFUSED)


def among(column: ColumnElement[Any], ids: Collection[int]) -> ColumnElement[bool]:
    """True of rows with one of these ids: one parameter and one statement, however many they are."""
    return column == any_(literal(list(ids), ARRAY(BigInteger)))


def listed(rows: Sequence[Mapping[str, object]], columns: Iterable[Column[Any]]) -> TableValuedAlias:
    """Rows as a table of the statement, in their order, by one array a column: one statement, however many they are.

    columns: those of a table that the rows have values for, none of them an array
    """
    columns = list(columns)
    arrays = (literal([row[one.name] for row in rows], ARRAY(one.type)) for one in columns)
    named = (column(one.name, one.type) for one in columns)
    return func.unnest(*arrays).table_valued(*named, name="listed").render_derived()


def copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows by COPY, which costs a third of an INSERT of the same rows. Raises DBAPIError, as a statement does.

    rows: all with values for the same columns; a value for an identity column is taken as it is
    """
    if not rows:
        return
    names = list(rows[0])
    statement = f"COPY {table.fullname} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    with cursor(connection, statement) as own, own.copy(statement.encode()) as writer:
        writer.set_types([table.c[name].type.compile(connection.dialect).lower() for name in names])
        for row in rows:
            writer.write_row(list(row.values()))


@contextmanager
def cursor(connection: Connection, statement: str, *, binary: bool = False) -> Iterator[psycopg.Cursor]:
    """A cursor of the driver itself, for what SQLAlchemy has no way to say; errors are raised as by its statements.

    statement: that the error is to name. binary: whether answers come in binary form
    """
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    try:
        with driver.cursor(binary=binary) as own:
            yield own
    except psycopg.Error as error:
        if driver.closed:
            connection.execute(select(1))  # raises
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def next_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """As many numbers of the table's identity column, ascending; nobody else gets them."""
    sequence = func.nextval(func.pg_get_serial_sequence(table.fullname, "id"))
    numbers = select(sequence).select_from(func.generate_series(1, count).alias())
    return list(connection.scalars(numbers))


def to_bigints(hashes: Hashes) -> list[int]:
    """Unsigned 64-bit hashes as Postgres's signed ones, bit for bit."""
    signed: list[int] = hashes.view(np.int64).tolist()
    return signed


def to_bytes(values: Hashes) -> bytes:
    """Little-endian bytes of the array."""
    return values.astype("<u8", copy=False).tobytes()


def from_bytes(data: bytes) -> Hashes:
    return np.frombuffer(data, dtype="<u8").astype(np.uint64, copy=False)
