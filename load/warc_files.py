"""How far each WARC file has been put on record: checkpoints inside the files, written with the pages before them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from load.rows import clean_text
from load.runs import RunId
from load.tables import warc_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a file has been put on record, by one choice of its pages."""

    size: int = 0  # of the file at the last look
    next_offset: int = 0
    mark: bytes | None = None  # of the bytes before it; None where nobody looked
    pages: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    ended: bool = False


def progress(connection: Connection, file: str, choice: str) -> Progress:
    """How far it has come; not at all where there is no row."""
    query = select(warc_file).where(warc_file.c.file == file, warc_file.c.filter == choice)
    row = connection.execute(query).one_or_none()
    if row is None:
        return Progress()
    return Progress(
        size=row.size_bytes,
        next_offset=row.next_offset,
        mark=row.mark,
        pages=row.pages,
        left_out=Counter(row.left_out),
        damaged=row.damaged,
        ended=row.ended_at is not None,
    )


def keep(
    connection: Connection,
    file: str,
    choice: str,
    come: Progress,
    run_id: RunId,
    now: datetime,
    *,
    trouble: str | None = None,
) -> None:
    """Remember how far it has come; in the transaction that writes its pages.

    trouble: why this look at it does not come to the end
    """
    values = {
        "size_bytes": come.size,
        "next_offset": come.next_offset,
        "mark": come.mark,
        "pages": come.pages,
        "left_out": dict(come.left_out),
        "damaged": come.damaged,
        "trouble": clean_text(trouble),
        "run_id": run_id,
        "ended_at": now if come.ended else None,
    }
    statement = insert(warc_file).values(file=file, filter=choice, begun_at=now, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["file", "filter"], set_=values))
