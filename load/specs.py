"""The specs of the store's fingerprints: the one by which its articles are compared, and the one that is to be.

Fingerprints of two specs have nothing in common, so each spec has tables of its own, and all that settling compares is
of the current one, whatever spec a program has in mind. `load/resketch.py` builds another beside it, and switches.
Only who holds the lock of settling changes what is current or built.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, MetaData, Table, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql

from load import index, stop_shingles
from load.locks import lock
from load.rows import copy
from load.tables import SCHEMA, settled_since, sketch, sketch_spec
from transform.minhash import VERSION, SketchSpec
from transform.model import ArticleId

_KEEPING = "keep sketches"


class ForeignSpec(Exception):
    """The store's fingerprints cannot be made by this program: why, in one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpec:
    """A spec that the store knows."""

    number: int  # names its tables
    digest: bytes
    parameters: Mapping[str, Any] | None
    counts: int  # number of the spec by whose shingles its recurring phrases are counted
    position: int
    until: int

    @property
    def known(self) -> SketchSpec | None:
        """The spec itself; None where this program does not make such fingerprints."""
        return None if self.parameters is None else SketchSpec.known(self.parameters, self.digest)

    @property
    def usable(self) -> SketchSpec:
        """The spec itself. Raises ForeignSpec."""
        if (spec := self.known) is None:
            raise self.foreign()
        return spec

    def foreign(self) -> ForeignSpec:
        """What to say where this program does not make such fingerprints."""
        age = "a newer" if self.is_newer else "an older"
        return ForeignSpec(
            f"The store compares articles by fingerprints of {age} storyfold, which this one cannot make."
        )

    @property
    def is_newer(self) -> bool:
        """Whether a later program made it."""
        if self.parameters is None:
            return False
        version = self.parameters["version"]
        unheard_of = self.parameters.keys() - SketchSpec().parameters.keys()
        return version > VERSION or (version == VERSION and bool(unheard_of))


def current(connection: Connection) -> StoredSpec:
    """The spec by which articles are compared."""
    found = _in_state(connection, "current")
    if found is None:
        raise LookupError("the store has not been opened by load.engine.upgrade")
    return found


def in_use(connection: Connection) -> StoredSpec:
    """The same, to make fingerprints by. Raises ForeignSpec."""
    stored = current(connection)
    if stored.known is None:
        raise stored.foreign()
    return stored


def building(connection: Connection) -> StoredSpec | None:
    """The spec that is to be the current one."""
    return _in_state(connection, "building")


def of_digest(connection: Connection, digest: bytes) -> StoredSpec | None:
    """The spec of this digest, if the store has ever known it."""
    return _read(connection, sketch_spec.c.digest == digest)


def to_read_by(connection: Connection) -> SketchSpec:
    """By what pages are fingerprinted when they are read: by the current spec, or ours where that is beyond us.

    Settling fingerprints anew what is not of the spec that is current then.
    """
    return current(connection).known or SketchSpec()


def found(connection: Connection, spec: SketchSpec, now: datetime) -> None:
    """Let a store that knows no spec yet compare by this one."""
    if _in_state(connection, "current") is not None:
        return
    lock(connection, "settle")
    if _in_state(connection, "current") is None:
        row = {"number": 1, "digest": spec.digest, "parameters": spec.parameters, "state": "current", "counts": 1}
        connection.execute(insert(sketch_spec), row | {"begun_at": now, "switched_at": now})
        _create_tables(connection, 1)


def begin(connection: Connection, spec: SketchSpec, until: int, now: datetime) -> None:
    """Have this spec built, from the first article to this one."""
    in_use, highest = current(connection), select(func.max(sketch_spec.c.number)).scalar_subquery()
    before = of_digest(connection, spec.digest)
    number = before.number if before else connection.execute(select(highest + 1)).scalar_one()
    alike = in_use.known is not None and in_use.known.shingling == spec.shingling
    row = {
        "number": number,
        "digest": spec.digest,
        "parameters": spec.parameters,
        "state": "building",
        "counts": in_use.counts if alike else number,
        "position": 0,
        "until": until,
        "begun_at": now,
        "dropped_at": None,
    }
    statement = postgresql.insert(sketch_spec).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["number"], set_=row))
    connection.execute(delete(settled_since))
    _create_tables(connection, number)


def resume(connection: Connection, stored: StoredSpec) -> None:
    """Have this spec built again from where it was when it was given up: what was settled since is noted."""
    connection.execute(update(sketch_spec).where(sketch_spec.c.number == stored.number).values(state="building"))


def give_up(connection: Connection, now: datetime) -> None:
    """Retire the spec that is built, if any."""
    retired = {"state": "retired", "retired_at": now}
    connection.execute(update(sketch_spec).where(sketch_spec.c.state == "building").values(retired))


def move_on(connection: Connection, stored: StoredSpec, position: int) -> None:
    """The fingerprints up to this article are made."""
    connection.execute(update(sketch_spec).where(sketch_spec.c.number == stored.number).values(position=position))


def switch(connection: Connection, stored: StoredSpec, now: datetime) -> None:
    """Compare by this spec from now on, which has all that the former one has."""
    index.prepare(connection, stored.number)
    former = update(sketch_spec).where(sketch_spec.c.state == "current")
    connection.execute(former.values(state="retired", retired_at=now))
    new = update(sketch_spec).where(sketch_spec.c.number == stored.number)
    connection.execute(new.values(state="current", switched_at=now))


def retired(connection: Connection) -> list[StoredSpec]:
    """Those given up whose fingerprints and keys are still there."""
    gone = (sketch_spec.c.state == "retired") & sketch_spec.c.dropped_at.is_(None)
    rows = connection.execute(select(*_COLUMNS).where(gone).order_by(sketch_spec.c.number))
    return [StoredSpec(**row) for row in rows.mappings()]


def drop(connection: Connection, stored: StoredSpec, now: datetime) -> None:
    """Drop what a retired spec has. Nobody may write to it any more: see `wait_for_keepers`."""
    connection.execute(text(f"DROP TABLE IF EXISTS {sketches(stored.number).fullname}"))
    index.drop(connection, stored.number)
    gone = update(sketch_spec).where(sketch_spec.c.number == stored.number)
    connection.execute(gone.values(dropped_at=now))
    stop_shingles.drop_unused(connection)
    connection.execute(delete(settled_since))


def note(connection: Connection, articles: Collection[ArticleId]) -> None:
    """These articles came or changed: whatever spec there is beside the current one does not have them so."""
    beside = (sketch_spec.c.state != "current") & sketch_spec.c.dropped_at.is_(None)
    if connection.scalar(select(sketch_spec.c.number).where(beside).limit(1)) is not None:
        copy(connection, settled_since, [{"article_id": article} for article in articles])


def noted(connection: Connection, limit: int) -> list[int]:
    """The next articles that came or changed, and that are not noted any more; up to so many notes."""
    first = select(settled_since.c.id).order_by(settled_since.c.id).limit(limit)
    taken = delete(settled_since).where(settled_since.c.id.in_(first)).returning(settled_since.c.article_id)
    return list(connection.scalars(taken))


def for_keeping(connection: Connection) -> StoredSpec:
    """The current spec, whose tables stay until the transaction ends, whatever becomes of it."""
    lock(connection, _KEEPING, shared=True)
    return current(connection)


def wait_for_keepers(connection: Connection) -> None:
    """Wait until nobody writes to a spec any more that was retired before."""
    lock(connection, _KEEPING)


@cache
def sketches(number: int) -> Table:
    """The table of a spec's fingerprints."""
    return sketch.to_metadata(MetaData(), name=f"sketch_{number}")


_COLUMNS = tuple(sketch_spec.c[name] for name in ("number", "digest", "parameters", "counts", "position", "until"))


def _in_state(connection: Connection, state: str) -> StoredSpec | None:
    return _read(connection, sketch_spec.c.state == state)


def _read(connection: Connection, wanted: Any) -> StoredSpec | None:
    row = connection.execute(select(*_COLUMNS).where(wanted)).mappings().one_or_none()
    return StoredSpec(**row) if row else None


def _create_tables(connection: Connection, number: int) -> None:
    """Those that the spec does not have yet; rows of hashes, which nothing makes smaller, stay in one piece."""
    connection.execute(
        text(
            f"""CREATE TABLE IF NOT EXISTS {sketches(number).fullname} (PRIMARY KEY (revision_id))
                INHERITS ({SCHEMA}.{sketch.name})
                WITH (toast_tuple_target = 8160, autovacuum_analyze_scale_factor = 0.02)"""
        )
    )
    index.prepare(connection, number)
