"""By what pages are read: each spec on record when it is first used, so that a page's digest tells more than itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from load.tables import reading_spec, store_state

if TYPE_CHECKING:
    from transform.read import ReadSpec  # with all that reads pages: what only asks the store need not wait for that

_STATE = "reading_spec"


def note(engine: Engine, spec: ReadSpec, now: datetime) -> None:
    """Put on record that pages are read by this from now on; one small read when they have been already."""
    with engine.connect() as connection:
        if _today(connection) == spec.digest.hex() and _is_known(connection, spec):
            return
    with engine.begin() as connection:
        _write(connection, spec, now)
        call_today(connection, spec)


def call_today(connection: Connection, spec: ReadSpec) -> None:
    """Let `news.page` call those pages current that were read by this, whether any was or not."""
    if _today(connection) == spec.digest.hex():
        return
    values = {"value": spec.digest.hex()}
    statement = insert(store_state).values(name=_STATE, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def _today(connection: Connection) -> str | None:
    return connection.scalar(select(store_state.c.value).where(store_state.c.name == _STATE))


def _is_known(connection: Connection, spec: ReadSpec) -> bool:
    return connection.scalar(select(reading_spec.c.digest).where(reading_spec.c.digest == spec.digest)) is not None


def _write(connection: Connection, spec: ReadSpec, now: datetime) -> None:
    rules = spec.rules_digest
    since = select(func.min(reading_spec.c.rules_since)).where(reading_spec.c.rules == rules).scalar_subquery()
    values = {
        "digest": spec.digest,
        "version": spec.version,
        "profile": spec.profile,
        "packages": spec.packages,
        "rules": rules,
        "first_used_at": now,
        "rules_since": func.coalesce(since, literal(now)),
    }
    statement = insert(reading_spec).values(values)
    known = {name: statement.excluded[name] for name in ("version", "profile", "packages", "rules")}
    # what was in use before this was kept: its digest is there, with the first day that pages were read by it
    connection.execute(
        statement.on_conflict_do_update(index_elements=["digest"], set_=known, where=reading_spec.c.version.is_(None))
    )
