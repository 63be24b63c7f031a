"""Claims: which worker holds which row of a queue.

A queue is a table with `claimed_by` and `claimed_until`. Who claims takes the queue's lock for the moment of choosing,
so two workers never choose the same rows, and claims are free again when their worker's session is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, or_, update

from load.engine import live_workers
from load.locks import lock
from load.rows import among

LEASE = timedelta(minutes=15)  # longer than any batch; who holds rows for longer renews in good time


def lock_claims(connection: Connection, queue: Table) -> None:
    """Hold the queue's lock until the transaction ends."""
    lock(connection, f"claim {queue.name}")


def free(queue: Table, now: datetime) -> ColumnElement[bool]:
    """True of rows that no live worker holds."""
    return or_(queue.c.claimed_by.is_(None), queue.c.claimed_until < now, queue.c.claimed_by.not_in(live_workers()))


def claim(connection: Connection, queue: Table, ids: Sequence[int], worker: int, now: datetime) -> None:
    """Give these rows to the worker."""
    if ids:
        values = {"claimed_by": worker, "claimed_until": now + LEASE}
        connection.execute(update(queue).where(among(queue.c.id, ids)).values(values))


def renew(connection: Connection, queue: Table, worker: int, now: datetime) -> None:
    """Begin the lease anew of all that the worker holds of the queue."""
    connection.execute(update(queue).where(queue.c.claimed_by == worker).values(claimed_until=now + LEASE))


def release(connection: Connection, queue: Table, worker: int) -> None:
    """Give back all that the worker holds of the queue."""
    held = queue.c.claimed_by == worker
    connection.execute(update(queue).where(held).values(claimed_by=None, claimed_until=None))
