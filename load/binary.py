"""Many integers at once to and from Postgres in its binary forms, made and read by NumPy instead of value by value.

Those of COPY BINARY and of array_send; all of them are big-endian.
"""

from __future__ import annotations

import struct
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Connection

from load.rows import cursor
from load.tables import SCHEMA

Bigints = npt.NDArray[np.int64]
_Integer = TypeVar("_Integer", np.int64, np.uint64)

_INT8, _INT8_ARRAY = 20, 1016  # oids of the types
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])
_ROW = np.dtype([("fields", ">i2"), ("length", ">i4"), ("value", ">i8")])
_ARRAY_HEADER = struct.Struct(">iiiii")  # dimensions, whether nulls occur, type, length, lower bound
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"


def copy_column(connection: Connection, table: str, column: str, values: Bigints) -> None:
    """Write one row a value; the table has no other columns that must be filled. Raises DBAPIError."""
    rows = np.empty(len(values), dtype=_ROW)
    rows["fields"], rows["length"], rows["value"] = 1, values.itemsize, values
    statement = f"COPY {SCHEMA}.{table} ({column}) FROM STDIN (FORMAT BINARY)"
    with cursor(connection, statement) as own, own.copy(statement.encode()) as writer:
        for part in (_COPY_HEADER, rows.tobytes(), _COPY_END):
            writer.write(part)


def read_array(connection: Connection, query: str, **values: Bigints | int) -> Bigints:
    """The bigint[] that a query answers with, which has no nulls in it; empty where the answer is null.

    query: as psycopg takes it, with %(name)s for values. Raises DBAPIError.
    """
    with cursor(connection, query, binary=True) as own:
        own.adapters.register_dumper(np.ndarray, _ArrayDumper)
        own.execute(query.encode(), values)
        answer = own.pgresult.get_value(0, 0) if own.pgresult else None
    if answer is None or len(answer) < _ARRAY_HEADER.size:  # null, or an array without dimensions
        return np.empty(0, dtype=np.int64)
    return np.frombuffer(answer, dtype=_ELEMENT, offset=_ARRAY_HEADER.size)["value"].astype(np.int64)


def distinct(values: npt.NDArray[_Integer]) -> npt.NDArray[_Integer]:
    """The values sorted, each once: numpy.unique, which hashes them, takes 75 times as long on runs that are sorted."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


class _ArrayDumper(Dumper):
    """An array of int64 as Postgres's bigint[]."""

    format = Format.BINARY
    oid = _INT8_ARRAY

    def dump(self, obj: Bigints) -> Buffer:
        elements = np.empty(len(obj), dtype=_ELEMENT)
        elements["length"], elements["value"] = obj.itemsize, obj
        return _ARRAY_HEADER.pack(1, 0, _INT8, len(obj), 1) + elements.tobytes()
