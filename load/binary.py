"""Many integers at once to and from Postgres in its binary forms, made and read by NumPy instead of value by value.

Those of COPY BINARY and of array_send; all of them are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Connection

from load.rows import cursor

Bigints = npt.NDArray[np.int64]
_Integer = TypeVar("_Integer", np.int64, np.uint64)

_INT8, _INT8_ARRAY = 20, 1016  # oids of the types
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])
_LENGTH = np.dtype(">i4")
_ARRAY_HEADER = struct.Struct(">iiiii")  # dimensions, whether nulls occur, type, length, lower bound
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_TIMESTAMP_ZERO = datetime(2000, 1, 1, tzinfo=UTC)


def copy_columns(connection: Connection, table: str, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Append rows, a place of every column each, or the one value that it has for all. Raises DBAPIError.

    table: with its schema. columns: int64 for bigint, float64 for real, str for text, of which an empty one is null,
    void for bytes of one length
    """
    rows = _packed({name: _encoded(values) for name, values in columns.items()})
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor(connection, statement) as own, own.copy(statement.encode()) as writer:
        for part in (_COPY_HEADER, rows, _COPY_END):
            writer.write(part)


def _packed(columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The rows of a COPY: made in a table with room for the longest texts, and taken from it without what fills up."""
    layout = [part for name, values in columns.items() for part in ((f"{name} length", _LENGTH), (name, values.dtype))]
    rows = np.empty(np.broadcast(*columns.values()).shape, dtype=[("fields", ">i2"), *layout])
    rows["fields"] = len(columns)
    is_said = np.ones((len(rows), rows.itemsize), dtype=np.bool_)
    end = rows.dtype["fields"].itemsize
    for name, values in columns.items():
        begin, end = end + _LENGTH.itemsize, end + _LENGTH.itemsize + values.itemsize
        rows[name], rows[f"{name} length"] = values, values.itemsize
        if values.dtype.kind == "S":
            lengths = np.char.str_len(rows[name])
            rows[f"{name} length"] = np.where(lengths, lengths, -1)
            is_said[:, begin:end] = np.arange(values.itemsize) < lengths[:, None]
    said: bytes = rows.view(np.uint8).reshape(is_said.shape)[is_said].tobytes()
    return said


def _encoded(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As Postgres has them: big-endian, text as bytes."""
    if values.dtype.kind == "U":
        return np.char.encode(values, "utf-8")
    return values.astype({"f": ">f4", "i": ">i8"}.get(values.dtype.kind, values.dtype))


def to_timestamp(moment: datetime) -> int:
    """Microseconds since 2000, as a timestamptz has them."""
    return (moment - _TIMESTAMP_ZERO) // timedelta(microseconds=1)


def read_array(connection: Connection, query: str, **values: Bigints | int) -> Bigints:
    """The bigint[] that a query answers with, which has no nulls in it; empty where the answer is null.

    query: as psycopg takes it, with %(name)s for values. Raises DBAPIError.
    """
    with cursor(connection, query, binary=True) as own:
        own.adapters.register_dumper(np.ndarray, _ArrayDumper)
        own.execute(query.encode(), values)
        answer = own.pgresult.get_value(0, 0) if own.pgresult else None
    return from_array(answer or b"")


def from_array(sent: bytes) -> Bigints:
    """The elements of what array_send answers for a bigint[] that has no nulls in it."""
    if len(sent) < _ARRAY_HEADER.size:  # without dimensions
        return np.empty(0, dtype=np.int64)
    return np.frombuffer(sent, dtype=_ELEMENT, offset=_ARRAY_HEADER.size)["value"].astype(np.int64)


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
