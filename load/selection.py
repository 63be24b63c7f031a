"""Pages chosen by a predicate of SQL on `news.page`, which may read the views and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from load.rows import among
from load.tables import unsettled
from load.views import READER, SCHEMA

TIMEOUT_S = 300

_COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = 'news.page'::regclass AND attnum > 0 ORDER BY attnum"
_UNKNOWN_COLUMN, _NOT_ALLOWED, _TIMED_OUT = "42703", "42501", "57014"


class BadPredicate(ValueError):
    """The predicate cannot be used: why, in one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The pages of which a predicate is true."""

    predicate: str
    pages: tuple[int, ...]  # ascending
    waiting: int  # others of which it is true, that wait to be read or settled anyway


def choose(engine: Engine, predicate: str, *, timeout_s: float = TIMEOUT_S) -> Chosen:
    """The pages of which the predicate is true. Raises BadPredicate.

    It is evaluated in a transaction that cannot write, by the role that reads the views, on a connection of its own.
    """
    with engine.connect() as connection:
        connection.detach()  # closed at the end: nothing that a predicate might set lives on in the pool
        _become_reader(connection, timeout_s)
        rows = _evaluated(connection, predicate, timeout_s)
        connection.rollback()
    ended = [id_ for id_, waits in rows if not waits]
    with engine.connect() as connection:
        queued = set(connection.scalars(select(unsettled.c.page_id).where(among(unsettled.c.page_id, ended))))
    pages = tuple(id_ for id_ in ended if id_ not in queued)
    return Chosen(predicate=predicate, pages=pages, waiting=len(rows) - len(pages))


def _become_reader(connection: Connection, timeout_s: float) -> None:
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(timeout_s * 1000)}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {SCHEMA}, pg_catalog")
    try:
        connection.exec_driver_sql(f"SET LOCAL ROLE {READER}")
    except DBAPIError as error:
        user = connection.engine.url.username or "this user"
        raise BadPredicate(
            f"A predicate is evaluated by the role {READER}, and the database user may not take it: "
            f"an administrator can run GRANT {READER} TO {user}."
        ) from error


def _evaluated(connection: Connection, predicate: str, timeout_s: float) -> list[tuple[int, bool]]:
    """Page ids, each with whether it waits to be read. Raises BadPredicate."""
    told = predicate.replace("%", "%%")
    query = f"SELECT page.id, page.read_at IS NULL FROM page WHERE (\n{told}\n) ORDER BY page.id LIMIT %s"
    try:  # a statement with a parameter is one statement, whatever the predicate holds
        return [(id_, waits) for id_, waits in connection.exec_driver_sql(query, (None,))]
    except UnicodeEncodeError as error:
        raise BadPredicate("The predicate cannot be used: it is not written in UTF-8.") from error
    except DBAPIError as error:
        raise BadPredicate(_why(connection, error, timeout_s)) from error


def _why(connection: Connection, error: DBAPIError, timeout_s: float) -> str:
    state = getattr(error.orig, "sqlstate", None)
    diagnosis = getattr(error.orig, "diag", None)
    said = ((diagnosis.message_primary if diagnosis else None) or str(error.orig)).partition("\n")[0]
    if state == _TIMED_OUT:
        return f"The predicate was not evaluated in {timeout_s:g} seconds: narrow it, by source or by fetched_at."
    if state == _UNKNOWN_COLUMN:
        connection.rollback()
        return f"The predicate cannot be used: {said}; a page has {', '.join(connection.scalars(text(_COLUMNS)))}."
    if state == _NOT_ALLOWED:
        return f"The predicate cannot be used: it may read the views of schema {SCHEMA} and nothing else: {said}."
    return f"The predicate cannot be used: {said}."
