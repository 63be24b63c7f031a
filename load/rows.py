"""Values as Postgres takes them: text without what it refuses, hashes as signed bigint and as bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, overload

import numpy as np
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    TableValuedAlias,
    any_,
    column,
    func,
    literal,
)

from transform.model import Hashes

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


def copy_rows(connection: Connection, target: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY, through psycopg's own cursor.

    target: a table, and in brackets those of its columns that the rows have values for
    """
    with closing(connection.connection.cursor()) as driver, driver.copy(f"COPY {target} FROM STDIN") as writer:
        for row in rows:
            writer.write_row(row)


def to_bigints(hashes: Hashes) -> list[int]:
    """Unsigned 64-bit hashes as Postgres's signed ones, bit for bit."""
    signed: list[int] = hashes.view(np.int64).tolist()
    return signed


def from_bigints(values: list[int]) -> Hashes:
    return np.array(values, dtype=np.int64).view(np.uint64)


def to_bytes(values: Hashes) -> bytes:
    """Little-endian bytes of the array."""
    return values.astype("<u8", copy=False).tobytes()


def from_bytes(data: bytes) -> Hashes:
    return np.frombuffer(data, dtype="<u8").astype(np.uint64, copy=False)
