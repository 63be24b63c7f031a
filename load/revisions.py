"""What pages said: revisions with their cuts and sketches. Written once, settled later; what they say never changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Engine,
    Label,
    LargeBinary,
    Row,
    Table,
    cast,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from load.binary import from_array
from load.pages import ReadBy, lock_unread, mark_read
from load.rows import (
    IN_BINARY,
    among,
    clean_text,
    copy,
    from_bytes,
    next_ids,
    to_bigints,
    to_bytes,
)
from load.specs import StoredSpec, for_keeping, sketches
from load.tables import article_revision, cut, revision, unsettled
from transform import minhash
from transform.memory import segments_of
from transform.model import CleanArticle, Fingerprint, Hashes

HOW_READ = ("segments", "extractor", "agreement")
"""Columns that tell how a text was found, not what it says."""
_OF_THE_READING = {"page_id", "read_spec", "memory_version"}  # they differ between two readings that found the same
_OF_THE_SKETCH = {"words", "text_digest"}  # so they do between two specs of fingerprints

_PUBLISHED = func.timezone("UTC", func.coalesce(revision.c.published_at, revision.c.fetched_at))
DAY = (cast(_PUBLISHED, Date) - literal(date(1970, 1, 1), Date)).label("day")
"""Day of publication, or of the fetch where no date is trusted; days since the epoch."""
MEASURED = (revision.c.id, revision.c.words, revision.c.text_digest)
"""What a revision says of its text as it was compared when it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one page gave: the cleaned article and its fingerprint, by the spec that read it."""

    page_id: int
    clean: CleanArticle
    print: Fingerprint
    read_spec: bytes  # digest of extractors, rules and memory
    memory_version: int = 0  # of the source's memory
    agreement: float | None = None  # of the extractors about the text; None when one alone was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a page said when it was read last."""

    revision_id: int
    article_id: int
    values: Mapping[str, Any]  # by the names of the columns
    cuts: tuple[tuple[object, ...], ...]  # position, kind, rule, text


def keep(connection: Connection, readings: Sequence[Reading], now: datetime) -> None:
    """Store the readings of pages that nobody has read meanwhile; they wait for settling.

    Of a page that was read before and says the same, nothing is written but by what it was read.
    """
    unread = lock_unread(connection, [reading.page_id for reading in readings])
    ours = [reading for reading in readings if reading.page_id in unread]
    if not ours:
        return
    said = said_by(connection, [one.page_id for one in ours if unread[one.page_id].again])
    fresh = [one for one in ours if one.page_id not in said or not _repeats(connection, said[one.page_id], one)]
    ids = dict(zip((one.page_id for one in fresh), next_ids(connection, revision, len(fresh)), strict=True))
    copy(connection, revision, [{"id": ids[one.page_id]} | _revision_row(one) for one in fresh])
    copy(connection, cut, [row for one in fresh for row in _cut_rows(one, ids[one.page_id])])
    spec = for_keeping(connection)  # another may have become current since the pages were read
    prints = [(ids[one.page_id], one.print) for one in fresh if one.print.spec == spec.digest]
    copy(connection, sketches(spec.number), [{"revision_id": id_} | _sketch_row(print_) for id_, print_ in prints])
    copy(connection, unsettled, [_waiting_row(unread[one.page_id], ids[one.page_id]) for one in fresh])
    mark_read(connection, {one.page_id: ReadBy(one.read_spec, one.memory_version) for one in ours}, now)


def _repeats(connection: Connection, said: Said, reading: Reading) -> bool:
    """Whether the reading says what the page said; what it tells otherwise of how that was found is written."""
    different = differing(said, reading)
    if different - set(HOW_READ):
        return False
    if different:
        told = _revision_row(reading)
        ours = update(revision).where(revision.c.id == said.revision_id)
        connection.execute(ours.values({name: told[name] for name in different}))
    return True


def said_by(connection: Connection, page_ids: Collection[int]) -> dict[int, Said]:
    """Page id → what it said last that is settled; for those that said anything."""
    if not page_ids:
        return {}
    last = (
        select(revision.c.id, article_revision.c.article_id)
        .distinct(revision.c.page_id)
        .join(article_revision, article_revision.c.revision_id == revision.c.id)
        .where(among(revision.c.page_id, page_ids))
        .order_by(revision.c.page_id, revision.c.id.desc())
        .subquery()
    )
    stored = [column for column in revision.c if column.name != "search"]
    query = select(last.c.article_id.label("of_article"), *stored).join(last, last.c.id == revision.c.id)
    rows = connection.execute(query).mappings().all()
    cuts = _cuts_of(connection, [row["id"] for row in rows])
    return {
        row["page_id"]: Said(
            revision_id=row["id"], article_id=row["of_article"], values=dict(row), cuts=tuple(cuts[row["id"]])
        )
        for row in rows
    }


def differing(said: Said, reading: Reading) -> set[str]:
    """The columns in which the reading differs from what was said, 'cuts' among them."""
    told = _revision_row(reading)
    names = told.keys() - _OF_THE_READING - _OF_THE_SKETCH
    found = {name for name in names if not _equal(said.values[name], told[name])}
    cuts = tuple((row["position"], row["kind"], row["rule"], row["text"]) for row in _cut_rows(reading, 0))
    return found if sorted(cuts) == list(said.cuts) else found | {"cuts"}


def _equal(stored: object, told: object) -> bool:
    if isinstance(stored, float) and isinstance(told, float):
        return bool(np.float32(stored) == np.float32(told))  # as a REAL keeps it
    return stored == told


def _cuts_of(connection: Connection, revision_ids: Collection[int]) -> defaultdict[int, list[tuple[object, ...]]]:
    query = (
        select(cut.c.revision_id, cut.c.position, cut.c.kind, cut.c.rule, cut.c.text)
        .where(among(cut.c.revision_id, revision_ids))
        .order_by(cut.c.revision_id, cut.c.position)
    )
    found: defaultdict[int, list[tuple[object, ...]]] = defaultdict(list)
    for revision_id, *rest in connection.execute(query):
        found[revision_id].append(tuple(rest))
    return found


def keep_all(engine: Engine, readings: Sequence[Reading], now: datetime) -> dict[int, str]:
    """Store the readings together; if Postgres refuses a value, each alone. Page id → error of those refused."""
    try:
        with engine.begin() as connection:
            keep(connection, readings, now)
    except DBAPIError as error:
        if not is_about_a_value(error):
            raise
        return _keep_each(engine, readings, now)
    return {}


def _keep_each(engine: Engine, readings: Sequence[Reading], now: datetime) -> dict[int, str]:
    refused = {}
    for reading in readings:
        try:
            with engine.begin() as connection:
                keep(connection, [reading], now)
        except DBAPIError as error:
            if not is_about_a_value(error):
                raise
            refused[reading.page_id] = str(error.orig)
    return refused


def is_about_a_value(error: DBAPIError) -> bool:
    """SQLSTATE classes 22 (data exception) and 54 (limit exceeded); anything else is not the article's fault."""
    return str(getattr(error.orig, "sqlstate", ""))[:2] in ("22", "54")


def print_columns(spec: StoredSpec) -> tuple[ColumnElement[Any], ...]:
    """What a fingerprint is made of, of a revision and its row among the spec's sketches; asked for IN_BINARY."""
    made = sketches(spec.number)
    return (
        literal(spec.digest, LargeBinary).label("spec"),
        made.c.shingles,
        made.c.facts,
        sent_bands(made),
        func.coalesce(made.c.words, revision.c.words).label("words"),
        func.coalesce(made.c.text_digest, revision.c.text_digest).label("text_digest"),
    )


def sent_bands(made: Table) -> Label[Any]:
    """The keys of a sketch; asked for IN_BINARY."""
    return func.array_send(made.c.bands, type_=LargeBinary).label("bands")


def fingerprints(connection: Connection, spec: StoredSpec, revision_ids: Collection[int]) -> dict[int, Fingerprint]:
    """Revision id → fingerprint by this spec."""
    if not revision_ids:
        return {}
    made = sketches(spec.number)
    query = select(made.c.revision_id, *print_columns(spec)).join(revision, revision.c.id == made.c.revision_id)
    rows = connection.execute(query.where(among(made.c.revision_id, revision_ids)), execution_options=IN_BINARY)
    return {row.revision_id: print_of(row) for row in rows}


def complete(connection: Connection, spec: StoredSpec, revision_ids: Collection[int]) -> int:
    """Fingerprint by this spec those of these texts that are not, as they were read by another; how many."""
    made = sketches(spec.number)
    query = (
        select(revision.c.text, *MEASURED)
        .outerjoin(made, made.c.revision_id == revision.c.id)
        .where(among(revision.c.id, revision_ids), made.c.revision_id.is_(None))
    )
    rows = connection.execute(query).all()
    keep_prints(connection, spec.number, rows, minhash.fingerprints([row.text for row in rows], spec.usable))
    return len(rows)


def keep_prints(connection: Connection, spec: int, rows: Sequence[Row[Any]], prints: Sequence[Fingerprint]) -> None:
    """Store the fingerprints of stored texts among those of a spec.

    rows: with MEASURED. spec: its number
    """
    made = [
        {"revision_id": row.id}
        | _sketch_row(print_)
        | {
            "words": None if print_.words == row.words else print_.words,
            "text_digest": None if print_.text_digest == row.text_digest else print_.text_digest,
        }
        for row, print_ in zip(rows, prints, strict=True)
    ]
    copy(connection, sketches(spec), made)


def print_of(row: Row[Any]) -> Fingerprint:
    """The fingerprint in a row that has `print_columns`."""
    return Fingerprint(
        spec=row.spec,
        words=row.words,
        text_digest=row.text_digest,
        shingles=from_bytes(row.shingles),
        facts=from_bytes(row.facts),
        bands=bands_of(row),
    )


def bands_of(row: Row[Any]) -> Hashes:
    """The keys in a row that has `sent_bands`."""
    return from_array(row.bands).view(np.uint64)


def _sketch_row(print_: Fingerprint) -> dict[str, object]:
    """What a row of `sketch` has of this fingerprint; length and digest are in the revision."""
    return {
        "shingles": to_bytes(print_.shingles),
        "facts": to_bytes(print_.facts),
        "bands": to_bigints(print_.bands),
    }


def _cut_rows(reading: Reading, revision_id: int) -> list[dict[str, object]]:
    return [
        {
            "revision_id": revision_id,
            "position": removed.position,
            "kind": removed.kind,
            "rule": removed.rule,
            "zone": removed.zone,
            "text": clean_text(removed.text),
        }
        for removed in reading.clean.cuts
    ]


def _waiting_row(read: Row[Any], revision_id: int) -> dict[str, object]:
    return {
        "page_id": read.id,
        "revision_id": revision_id,
        "entry_id": read.entry_id,
        "source_id": read.source_id,
        "fetched_at": read.fetched_at,
        "read_before": read.again,
    }


def _revision_row(reading: Reading) -> dict[str, object]:
    article = reading.clean.article
    return {
        "page_id": reading.page_id,
        "read_spec": reading.read_spec,
        "url": clean_text(article.url),
        "title": clean_text(article.title),
        "authors": [clean_text(author) for author in article.authors],
        "summary": clean_text(article.summary),
        "section": clean_text(article.section),
        "tags": [clean_text(tag) for tag in article.tags],
        "image": clean_text(article.image),
        "agency": article.agency,
        "agency_certainty": article.credit.certainty if article.credit else None,
        "agency_evidence": clean_text(article.credit.evidence) if article.credit else None,
        "agency_material": [clean_text(agency) for agency in article.material],
        "translator": clean_text(article.translator),
        "text": clean_text(reading.clean.text),
        "extractor": article.extractor,
        "memory_version": reading.memory_version,
        "segments": list(segments_of(reading.clean)),
        "agreement": reading.agreement,
        "language": article.language,
        "published_at": article.published_at,
        "utc_offset": article.utc_offset,
        "date_precision": article.date_precision,
        "date_found_in": article.date_found_in,
        "modified_at": article.modified_at,
        "fetched_at": article.fetched_at,
        "flags": sorted(article.flags),
        "words": reading.print.words,
        "text_digest": reading.print.text_digest,
    }
