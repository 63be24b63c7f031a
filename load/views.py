"""Schema `news`: what analysts query. Views and a function, no data; made from the files in `views/`.

Kept compatible: a view may gain columns at its end, and none changes its name, its type or its meaning.
"""

from __future__ import annotations

import logging
from hashlib import blake2b
from importlib.resources import files

from sqlalchemy import Connection, text

SCHEMA = "news"
READER = "news_reader"
DEFINITIONS = (  # in this order: a view may use those before it
    "story_article",
    "story",
    "article",
    "revision",
    "cut",
    "page",
    "source_memory",
    "duplicate_pair",
    "outcome_ledger",
    "outcome_hour",
    "backlog",
    "source_volume",
    "source_health",
    "coverage_gap",
    "backfill",
    "expectation_breach",
    "alert",
    "story_change",
    "story_redirect",
    "judgement",
    "fingerprint_spec",
    "run",
    "search",
)

_LOCK = int.from_bytes(b"newsview", "big")
_log = logging.getLogger(__name__)


def create_views(connection: Connection) -> None:
    """Make schema `news` say what the files say, and let the role `news_reader` read it; nothing when it does already.

    Any number of processes may call it at once. Replacing a view waits for the queries that read it, so it is done only
    when a file has changed: the schema's comment bears the digest of the files it was made from.
    """
    definitions = [files("load").joinpath("views", f"{name}.sql").read_text("utf-8") for name in DEFINITIONS]
    comment = f"What analysts query; made from {blake2b(''.join(definitions).encode(), digest_size=8).hexdigest()}"
    if _comment(connection) == comment:
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if _comment(connection) == comment:  # another process was faster
        return
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for definition in definitions:
        connection.exec_driver_sql(definition)
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{comment}'")
    _let_read(connection)


def _comment(connection: Connection) -> str | None:
    """The schema's; None when there is no such schema.

    Read from the tables: functions such as to_regnamespace may answer from a cache that is older than the lock we hold.
    """
    query = """SELECT description FROM pg_catalog.pg_namespace
               JOIN pg_catalog.pg_description ON objoid = pg_namespace.oid AND classoid = 'pg_namespace'::regclass
               WHERE nspname = :schema"""
    return connection.execute(text(query), {"schema": SCHEMA}).scalar()


def _let_read(connection: Connection) -> None:
    """Give the role its rights on the schema, and make the role where the database user may."""
    connection.exec_driver_sql(
        f"""DO $$ BEGIN
              CREATE ROLE {READER} NOLOGIN;
            EXCEPTION
              WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
            END $$"""
    )  # roles belong to the whole server: another database of it may have made this one, even at this moment
    rights = f"GRANT USAGE ON SCHEMA {SCHEMA} TO {READER}; GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {READER}"
    if connection.scalar(text("SELECT to_regrole(:role) IS NOT NULL"), {"role": READER}):
        connection.exec_driver_sql(rights)
    else:
        _log.warning(
            "The database user may not create roles, so there is no role that reads the views and nothing else."
            " An administrator can make it: CREATE ROLE %s; %s;",
            READER,
            rights,
        )
