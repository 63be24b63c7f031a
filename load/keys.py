"""URL keys as the store has them: made by the rules of today, and found by those of before as well.

The rules are the common ones of `extract.urls` and what the source files say of their query parameters. When they
change, `follow_rules` makes all keys anew in one transaction; a row keeps the key it had as `former_key`, so whoever
still asks by it finds the row. Two rows that fall together under new rules stay two, with their histories: the key goes
to the older, and from then on whatever is announced under it goes there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from extract.model import UrlParams
from extract.urls import NORMALIZATION, UrlRules, url_key
from load.locks import lock
from load.tables import article, entry, source, store_state

_LOCK = "url keys"
_STATE = "url_rules"
_BATCH = 10_000


_LISTED = """
    UPDATE storyfold.feed SET listed = (
        SELECT array_agg(DISTINCT coalesce(entry.url_key, was.key))
        FROM unnest(feed.listed) AS was (key) LEFT JOIN storyfold.entry ON entry.former_key = was.key)
    WHERE cardinality(listed) > 0"""  # else each feed would seem to list nothing of what it did: a gap


class NewerRules(Exception):
    """The store's keys were made by a newer program: one of ours would name the same page differently."""


def read_rules(connection: Connection) -> UrlRules:
    """The rules by which keys are made; they do not change before the transaction ends. Raises NewerRules."""
    lock(connection, _LOCK, shared=True)
    if _version(_name(connection)) > NORMALIZATION:
        raise NewerRules("This store was written by a newer storyfold: upgrade this one.")
    return _said(connection)


def follow_rules(connection: Connection) -> int:
    """Bring all keys to what the source files and this program say now; answers how many changed.

    Nothing to do costs two small reads. Raises NewerRules.
    """
    if _name(connection) == _said(connection).name:
        return 0
    lock(connection, _LOCK)
    before, rules = _name(connection), _said(connection)
    if _version(before) > NORMALIZATION:
        raise NewerRules("This store was written by a newer storyfold: upgrade this one.")
    everywhere = _version(before) != NORMALIZATION
    changed = sum(_make_anew(connection, table, rules, everywhere=everywhere) for table in (entry, article))
    connection.execute(text(_LISTED))
    statement = insert(store_state).values(name=_STATE, value=rules.name)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": rules.name}))
    return changed


def known_by(table: Table, keys: Collection[bytes]) -> ColumnElement[bool]:
    """True of the rows that have one of these keys, or had it."""
    wanted = any_(literal(list(keys), ARRAY(LargeBinary)))
    return or_(table.c.url_key == wanted, table.c.former_key == wanted)


def by_key(rows: Iterable[Row[Any]], keys: Collection[bytes]) -> dict[bytes, Row[Any]]:
    """Key → the row that has it, else the one that had it.

    rows: with `url_key` and `former_key`
    """
    wanted, found = set(keys), list(rows)
    former = {row.former_key: row for row in found if row.former_key in wanted}
    return former | {row.url_key: row for row in found if row.url_key in wanted}


def _said(connection: Connection) -> UrlRules:
    """The common rules, and for each domain what the sources on it say; where two disagree, the parameter is kept."""
    query = (
        select(source.c.domains, source.c.keep_params, source.c.drop_params)
        .where(func.cardinality(source.c.keep_params + source.c.drop_params) > 0)
        .order_by(source.c.name)
    )
    params: dict[str, UrlParams] = {}
    for domains, keep, drop in connection.execute(query):
        for domain in domains:
            before = params.get(domain, UrlParams())
            kept = {*before.keep, *keep}
            dropped = {*before.drop, *drop} - kept
            params[domain] = UrlParams(keep=tuple(sorted(kept)), drop=tuple(sorted(dropped)))
    return UrlRules(params)


def _name(connection: Connection) -> str:
    """The name of the rules by which the store's keys were made."""
    return str(connection.execute(select(store_state.c.value).where(store_state.c.name == _STATE)).scalar_one())


def _version(name: str) -> int:
    return int(name.partition(":")[0])


def _make_anew(connection: Connection, table: Table, rules: UrlRules, *, everywhere: bool) -> int:
    """Give the table's rows their keys by these rules, the oldest first.

    everywhere: also rows whose URL has no query, as a change of the common rules needs
    """
    changed = 0
    for rows in _batches(connection, table, everywhere=everywhere):
        fresh: dict[bytes, int] = {}
        for row in rows:
            if (key := url_key(row.url, rules)) != row.url_key:
                fresh.setdefault(key, row.id)
        changed += _give(connection, table, fresh)
    return changed


def _give(connection: Connection, table: Table, fresh: Mapping[bytes, int]) -> int:
    """Key → row's id, as it is to be; a key that another row has stays there."""
    held = set(connection.execute(select(table.c.url_key).where(table.c.url_key.in_(fresh))).scalars())
    values = [{"row": row_id, "fresh": key} for key, row_id in fresh.items() if key not in held]
    if values:
        statement = update(table).where(table.c.id == bindparam("row"))
        connection.execute(statement.values(former_key=table.c.url_key, url_key=bindparam("fresh")), values)
    return len(values)


def _batches(connection: Connection, table: Table, *, everywhere: bool) -> Iterator[list[Row[Any]]]:
    columns: list[Column[Any]] = [table.c.id, table.c.url, table.c.url_key]
    query = select(*columns).order_by(table.c.id).limit(_BATCH)
    if not everywhere:
        query = query.where(table.c.url.contains("?"))
    last = 0
    while rows := list(connection.execute(query.where(table.c.id > last))):
        yield rows
        last = rows[-1].id
