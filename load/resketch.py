"""Fingerprints of a former SketchSpec, made anew from the stored texts.

Fingerprints of two specs have nothing in common: copies would not find what came before a change of the spec, and an
unchanged page would look like an update. So settling begins with this, and nothing new is placed before all stored
texts, settled or waiting, are of the spec of today. Stories, verdicts and judgements stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from load import index
from load.locks import lock
from load.revisions import BANDS, bands_of, sketch_row
from load.rows import IN_BINARY, among, copy, listed
from load.tables import article, revision, sketch, store_state
from transform.minhash import SketchSpec, fingerprints
from transform.model import ArticleId, Fingerprint

_STATE = "sketch_spec"


def waiting(connection: Connection, spec: SketchSpec) -> int:
    """How many texts have a fingerprint of another spec."""
    if _is_followed(connection, spec):
        return 0
    return connection.scalar(select(func.count()).where(sketch.c.spec != spec.digest)) or 0


def renew(engine: Engine, spec: SketchSpec, limit: int) -> int:
    """Make all fingerprints anew that are of another spec, the newest first; how many.

    Nothing to do costs one small read. Interrupted, it goes on where it was when it is called again.
    limit: texts in one transaction, which holds the lock of settling: until all is done nobody has anything to settle
    """
    with engine.connect() as connection:
        if _is_followed(connection, spec):
            return 0
        newest = connection.scalar(select(func.max(sketch.c.revision_id))) or 0
    renewed = 0
    for last in range(newest, 0, -limit):
        with engine.begin() as connection:
            lock(connection, "settle")
            renewed += _renew_between(connection, last - limit + 1, last, spec)
    with engine.begin() as connection:
        statement = insert(store_state).values(name=_STATE, value=spec.digest.hex())
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": spec.digest.hex()}))
    return renewed


def _is_followed(connection: Connection, spec: SketchSpec) -> bool:
    """Whether all fingerprints are known to be of this spec."""
    return connection.scalar(select(store_state.c.value).where(store_state.c.name == _STATE)) == spec.digest.hex()


def _renew_between(connection: Connection, first: int, last: int, spec: SketchSpec) -> int:
    """Make anew what the revisions with these ids have of another spec: a span of the key is found without a search."""
    query = (
        select(revision.c.id, revision.c.text, BANDS, article.c.id.label("article_id"))
        .select_from(sketch)
        .join(revision, revision.c.id == sketch.c.revision_id)
        .outerjoin(article, article.c.revision_id == revision.c.id)
        .where(sketch.c.revision_id.between(first, last), sketch.c.spec != spec.digest)
    )
    rows = connection.execute(query, execution_options=IN_BINARY).all()
    if rows:
        prints = fingerprints([row.text for row in rows], spec)
        _replace_keys(connection, rows, prints)
        _replace_sketches(connection, rows, prints)
        _measure_anew(connection, rows, prints)
    return len(rows)


def _replace_keys(connection: Connection, rows: Sequence[Row[Any]], prints: Sequence[Fingerprint]) -> None:
    """Of what articles say now; other texts are in no index."""
    current = [(row, print_) for row, print_ in zip(rows, prints, strict=True) if row.article_id is not None]
    former = {ArticleId(row.article_id): bands_of(row) for row, _ in current}
    index.renew_keys(connection, {ArticleId(row.article_id): print_.bands for row, print_ in current}, former)


def _replace_sketches(connection: Connection, rows: Sequence[Row[Any]], prints: Sequence[Fingerprint]) -> None:
    connection.execute(delete(sketch).where(among(sketch.c.revision_id, [row.id for row in rows])))
    made = [{"revision_id": row.id} | sketch_row(print_) for row, print_ in zip(rows, prints, strict=True)]
    copy(connection, sketch, made)


def _measure_anew(connection: Connection, rows: Sequence[Row[Any]], prints: Sequence[Fingerprint]) -> None:
    """Length and digest are of the text as it is compared; a row that keeps both is not written."""
    measured = [
        {"id": row.id, "words": print_.words, "text_digest": print_.text_digest}
        for row, print_ in zip(rows, prints, strict=True)
    ]
    new = listed(measured, [revision.c.id, revision.c.words, revision.c.text_digest])
    differs = or_(revision.c.words != new.c.words, revision.c.text_digest != new.c.text_digest)
    values = {"words": new.c.words, "text_digest": new.c.text_digest}
    connection.execute(update(revision).where(revision.c.id == new.c.id, differs).values(values))
