"""The way into the store: connections, migrations, and who is at work.

In comes a database URL; out goes a SQLAlchemy engine whose sessions speak UTC and give up in time. Whoever claims rows
does so under the id of a `worker`, which lives exactly as long as its database session does.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    Integer,
    Select,
    cast,
    column,
    create_engine,
    event,
    func,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError

from load import specs
from load.keys import NewerRules, follow_rules
from load.tables import SCHEMA, metadata
from load.views import create_views
from transform.minhash import SketchSpec

__all__ = [
    "Connection",
    "Engine",
    "StoreUnavailable",
    "check",
    "configuration",
    "connect",
    "live_workers",
    "upgrade",
    "worker",
]

OLDEST_SERVER = (15,)
CONNECT_TIMEOUT_S = 10
# A peer that vanished without a word is given up after 30 + 3 × 10 s, by us and, through its settings, by the server:
# else a lost worker's locks would live for the two hours that TCP allows by default.
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
SERVER_KEEPALIVE = {f"tcp_{name}": value for name, value in KEEPALIVE.items()}

UPGRADE_LOCK = int.from_bytes(b"storyfld", "big")
WORKER_CLASS = int.from_bytes(b"fold", "big")  # the first half of a two-part advisory lock; the second is the worker


class StoreUnavailable(Exception):
    """The database cannot be reached, refuses us, or is not ours to use: why, in one sentence for the user."""


# Connections


def connect(url: str, *, statement_timeout_s: float = 600, lock_timeout_s: float = 60) -> Engine:
    """An engine on a database that has just answered.

    url: postgresql://…, with or without a driver's name.
    Raises StoreUnavailable, and so does the engine later when the server goes away.
    """
    target = _parsed(url)
    settings = {
        "timezone": "UTC",
        "statement_timeout": round(statement_timeout_s * 1000),
        "lock_timeout": round(lock_timeout_s * 1000),
        "idle_session_timeout": 0,  # a worker's session may be silent for as long as its batch takes
        **SERVER_KEEPALIVE,
    }
    engine = create_engine(target, pool_pre_ping=True, connect_args=_connect_args(target, settings))
    event.listen(engine, "handle_error", _explain)
    event.listen(engine, "connect", _send_arrays_in_binary)
    event.listen(engine, "before_cursor_execute", _answer_in_binary)
    with engine.connect():
        version = engine.dialect.server_version_info or ()
    if version < OLDEST_SERVER:
        needed, found = OLDEST_SERVER[0], ".".join(map(str, version))
        raise StoreUnavailable(f"{_name(target)} runs on PostgreSQL {found}, but {needed} or newer is needed.")
    return engine


def _send_arrays_in_binary(connection: psycopg.Connection, _record: object) -> None:
    """A list as a parameter costs a fifth so: what goes to the store in batches goes as arrays."""
    connection.adapters.register_dumper(list, ListBinaryDumper)


def _answer_in_binary(
    _connection: Connection, cursor: psycopg.Cursor, _statement: str, _values: object, context: Any, _many: bool
) -> None:
    if context is not None and context.execution_options.get("in_binary"):
        cursor.format = psycopg.pq.Format.BINARY


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the message may repeat the URL, and with it the password
        raise StoreUnavailable("The database URL cannot be read: it looks like postgresql://user@host/name.") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise StoreUnavailable(f"The store needs PostgreSQL: '{parsed.get_backend_name()}' is another database.")
    return parsed.set(drivername="postgresql+psycopg")


def _connect_args(url: URL, settings: Mapping[str, object]) -> dict[str, object]:
    """What libpq is told beyond the URL; what the URL itself says goes first."""
    ours = {"application_name": "storyfold", "connect_timeout": CONNECT_TIMEOUT_S, **KEEPALIVE}
    arguments: dict[str, object] = {name: value for name, value in ours.items() if name not in url.query}
    flags = [f"-c {name}={value}" for name, value in settings.items()]
    arguments["options"] = " ".join([*flags, str(url.query.get("options", ""))])
    return arguments


def _explain(context: ExceptionContext) -> None:
    """Raise StoreUnavailable for a connection that failed, whether made or lost."""
    lost = context.connection is None or context.is_disconnect
    told = isinstance(context.original_exception, Exception)  # no signal, which costs the connection as well
    if context.engine is None or context.is_pre_ping or not lost or not told:
        return
    message = str(context.original_exception).partition("\n")[0]
    reason = re.sub(r"^.* failed: (FATAL: +)?", "", message)  # libpq says first where it tried
    raise StoreUnavailable(f"{_name(context.engine.url)} cannot be used: {reason}.")


def _name(url: URL) -> str:
    hosts = (url.host,) if url.host else url.normalized_query.get("host", ("this machine",))
    return f"The database '{url.database}' on {' or '.join(hosts)}"


# Migrations


def upgrade(engine: Engine) -> None:
    """Bring the store's tables and views to this program's; nothing when they are there.

    Any number of processes may call it at once. All migrations happen in one transaction.
    Raises StoreUnavailable when a newer program has written the store.
    """
    config = _alembic_config()
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        found = _revision(connection)
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreUnavailable(f"{_name(engine.url)} was written by a newer storyfold (revision {found}).")
    if found != scripts.get_current_head():
        _migrate(engine, config)
    with engine.begin() as connection:
        create_views(connection)
    with engine.begin() as connection:
        specs.found(connection, SketchSpec(), datetime.now(UTC))
    _follow_rules(engine)


def _follow_rules(engine: Engine) -> None:
    """Bring the keys of URLs to this program's rules."""
    try:
        with engine.begin() as connection:
            follow_rules(connection)
    except NewerRules as error:
        raise StoreUnavailable(f"{_name(engine.url)} was written by a newer storyfold.") from error


def _migrate(engine: Engine, config: Config) -> None:
    with engine.begin() as connection:
        for limit in ("statement_timeout", "lock_timeout"):
            connection.execute(select(func.set_config(limit, "0", True)))  # for this transaction
        connection.execute(select(func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(engine: Engine) -> list[str]:
    """What a migration would still have to do to bring the database to `load.tables`; nothing when they agree."""
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    with engine.connect() as connection:
        found = _revision(connection)
        differences = compare_metadata(_migration_context(connection), metadata)
    stale = [f"upgrade from revision {found} to {head}"] if found != head else []
    return stale + [_described(difference) for difference in differences]


def configuration() -> dict[str, Any]:
    """What Alembic is told of the store, here and in `migrations/env.py`."""
    return {"version_table_schema": SCHEMA, "include_schemas": True, "include_name": _is_ours}


def _is_ours(name: str | None, kind: str, _parents: Mapping[str, str | None]) -> bool:
    """Not other schemas, and not the tables of one spec or slice: they come and go."""
    if kind == "table":
        return re.fullmatch(r"(band|sketch)(_\d+)+", name or "") is None
    return kind != "schema" or name == SCHEMA


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", "load:migrations")
    return config


def _migration_context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts=configuration())


def _revision(connection: Connection) -> str | None:
    return _migration_context(connection).get_current_revision()


def _described(difference: Any) -> str:
    """One of Alembic's differences as words: 'add_column storyfold page etag'."""
    if isinstance(difference, list):  # several changes of one column
        return "; ".join(_described(part) for part in difference)
    words = (getattr(part, "name", part) for part in difference if not isinstance(part, dict | None))
    return " ".join(str(word) for word in words)


# Workers


@contextmanager
def worker(engine: Engine) -> Iterator[int]:
    """The id under which this process claims rows, 31 bits, alive as long as the block lasts.

    It is held by a session lock on a connection of its own, so it ends with the process, however that dies.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # closed at the end, not pooled: the lock would live on in the pool
        yield _take_id(connection)


def _take_id(connection: Connection) -> int:
    while True:
        number = 1 + secrets.randbelow(2**31 - 1)
        if connection.scalar(select(func.pg_try_advisory_lock(WORKER_CLASS, number))):
            return number


def live_workers() -> Select[tuple[int]]:
    """The ids of all workers alive on this database; a claim by any other is void."""
    locks = table(
        "pg_locks",
        *map(column, ("locktype", "database", "classid", "objid", "objsubid")),
        schema="pg_catalog",
    )
    databases = table("pg_database", column("oid"), column("datname"), schema="pg_catalog")
    here = select(databases.c.oid).where(databases.c.datname == func.current_database()).scalar_subquery()
    return select(cast(locks.c.objid, Integer).label("worker")).where(
        locks.c.locktype == "advisory",
        locks.c.database == here,
        locks.c.classid == WORKER_CLASS,
        locks.c.objsubid == 2,  # the lock was taken by two 32-bit numbers
    )
