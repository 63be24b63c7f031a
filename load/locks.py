"""Named locks in the database: what must not happen twice at once, in whatever process."""

from __future__ import annotations

import zlib

from sqlalchemy import Connection, func, select

_LOCKS = 0x53464C44  # class of this project's advisory locks, "SFLD"


def lock(connection: Connection, name: str, *, shared: bool = False) -> None:
    """Hold the lock of this name until the transaction ends; one holder at a time in the whole store.

    shared: together with others who hold it so
    """
    take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    connection.execute(select(take(_LOCKS, _key(name))))


def try_lock(connection: Connection, name: str) -> bool:
    """Whether the lock of this name is ours, until the transaction ends; false where another holds it."""
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCKS, _key(name)))))


def _key(name: str) -> int:
    return zlib.crc32(name.encode()) - (1 << 31)  # advisory lock keys are signed
