"""People's judgements on articles: given, taken back, and asked for. They are rows for ever."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Connection, Row, literal, or_, select

from load.tables import judgement
from transform.model import ArticleId, Judgement, JudgementKind


def about(connection: Connection, articles: Collection[ArticleId]) -> tuple[Judgement, ...]:
    """The judgements about any of these articles that count."""
    query = select(judgement).where(judgement.c.undone_at.is_(None), _are_about(articles)).order_by(judgement.c.id)
    return tuple(_judgement(row) for row in connection.execute(query))


def _are_about(articles: Collection[ArticleId]) -> ColumnElement[bool]:
    ids = literal(sorted(articles), ARRAY(BigInteger))
    return or_(judgement.c.articles.bool_op("&&")(ids), judgement.c.others.bool_op("&&")(ids))


def _judgement(row: Row[Any]) -> Judgement:
    return Judgement(
        id=row.id,
        kind=JudgementKind(row.kind),
        articles=frozenset(map(ArticleId, row.articles)),
        others=frozenset(map(ArticleId, row.others)),
    )
