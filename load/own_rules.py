"""Rules that someone switched off: on record with who and why, and which pages are to be read again for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from load.tables import article, cut, page, revision, source, undone_rule
from transform.own_rules import Undone

MEMORY = "memory.repeated."  # then a segment, in hexadecimal digits


class NotUndone(LookupError):
    """A rule is to be switched on that is not off: one sentence for the user."""


class UnknownRule(LookupError):
    """No rule is called so, and nothing was ever cut by one: one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneRule:
    """A rule that is off, and who wanted it so."""

    rule: str
    source: str | None  # None for everywhere
    undone_at: datetime
    undone_by: str
    reason: str | None


def undone(connection: Connection) -> tuple[Undone, ...]:
    """The rules that are off, as cleaning takes them; what a source's memory is to spare, it spares by itself."""
    off = (Undone(one.rule, one.source or "") for one in list_undone(connection))
    return tuple(one for one in off if not one.rule.startswith(MEMORY))


def list_undone(connection: Connection) -> tuple[UndoneRule, ...]:
    """The rules that are off, in order of their names."""
    query = (
        select(
            undone_rule.c.rule,
            source.c.name.label("source"),
            undone_rule.c.undone_at,
            undone_rule.c.undone_by,
            undone_rule.c.reason,
        )
        .outerjoin(source, source.c.id == undone_rule.c.source_id)
        .where(undone_rule.c.redone_at.is_(None))
        .order_by(undone_rule.c.rule, source.c.name.nulls_first())
    )
    return tuple(UndoneRule(**row) for row in connection.execute(query).mappings())


def undo(connection: Connection, what: Undone, by: str, reason: str | None, now: datetime) -> bool:
    """Switch a rule off; False when it is already."""
    row = {"rule": what.rule, "source_id": _source_id(what), "undone_at": now, "undone_by": by, "reason": reason}
    statement = upsert(undone_rule).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(undone_rule.c.id)).first() is not None


def redo(connection: Connection, what: Undone, by: str, now: datetime) -> datetime:
    """Switch a rule on again; answers since when it was off. Raises NotUndone."""
    statement = update(undone_rule).where(_open(what)).values(redone_at=now, redone_by=by)
    since: datetime | None = connection.scalar(statement.returning(undone_rule.c.undone_at))
    if since is None:
        raise NotUndone(f"{what.rule} is not off{_elsewhere(connection, what.rule)}.")
    return since


def has_cut(connection: Connection, rule: str) -> bool:
    """Whether the rule has ever cut anything that is on record."""
    return connection.scalar(select(cut.c.position).where(_by(rule)).limit(1)) is not None


def pages_cut_by(connection: Connection, what: Undone) -> list[int]:
    """The pages of articles that the rule cuts now, also what stood under its headings."""
    query = select(revision.c.page_id).distinct().join(cut, cut.c.revision_id == revision.c.id)
    return _current(connection, query.where(_by(what.rule)), what)


def pages_read_since(connection: Connection, what: Undone, since: datetime) -> list[int]:
    """The pages of articles that were read while the rule was off: what it would cut, only reading them tells."""
    query = select(revision.c.page_id).join(page, page.c.id == revision.c.page_id)
    return _current(connection, query.where(page.c.read_at >= since), what)


def _current(connection: Connection, query: Select[tuple[int]], what: Undone) -> list[int]:
    """Those of a query's pages that say what an article says now, of the source that is meant."""
    query = query.join(article, article.c.revision_id == revision.c.id)
    if what.source:
        query = query.join(source, source.c.id == article.c.source_id).where(source.c.name == what.source)
    return sorted(connection.scalars(query))


def _by(rule: str) -> ColumnElement[bool]:
    return or_(cut.c.rule == rule, cut.c.rule == f"{rule}/under")


def _open(what: Undone) -> ColumnElement[bool]:
    where = undone_rule.c.source_id == _source_id(what) if what.source else undone_rule.c.source_id.is_(None)
    return and_(undone_rule.c.rule == what.rule, undone_rule.c.redone_at.is_(None), where)


def _source_id(what: Undone) -> ScalarSelect[int] | None:
    return select(source.c.id).where(source.c.name == what.source).scalar_subquery() if what.source else None


def _elsewhere(connection: Connection, rule: str) -> str:
    """Where else it is off, in words."""
    places = [one.source or "everywhere" for one in list_undone(connection) if one.rule == rule]
    return f" there, but for {', '.join(places)}" if places else ""
