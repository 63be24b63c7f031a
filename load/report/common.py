"""What the reads share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, text

_T = TypeVar("_T")


class UnknownItem(LookupError):
    """Nothing in the store has this id or URL: what was asked for, in one sentence for the user."""


def read(connection: Connection, make: Callable[..., _T], query: str, /, **values: object) -> tuple[_T, ...]:
    """The rows of a query, each made into a value by the names of its columns."""
    return tuple(make(**row) for row in connection.execute(text(query), values).mappings())


def texts_of(connection: Connection, article_ids: Sequence[int]) -> dict[int, str]:
    """What these articles say now."""
    query = (
        "SELECT article.id, revision.text FROM storyfold.article"
        " JOIN storyfold.revision ON revision.id = article.revision_id WHERE article.id = ANY(:ids)"
    )
    return {row.id: row.text for row in connection.execute(text(query), {"ids": list(article_ids)})}
