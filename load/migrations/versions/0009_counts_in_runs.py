"""Stop-shingles: what was settled stays in sorted runs until the counts are written anew, a stretch of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CHUNKS = 64


def upgrade() -> None:
    former = op.get_bind().execute(sa.text("SELECT * FROM storyfold.shingle_run ORDER BY id")).all()
    op.drop_table("shingle_run", schema="storyfold")
    _create_runs()
    _carry_runs(former)
    _place_counts()
    _place_the_list()


def _create_runs() -> None:
    op.create_table(
        "shingle_run",
        sa.Column(
            "position",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="how many texts were counted up to its end, in the order of settling",
        ),
        sa.Column(
            "text_days",
            sa.LargeBinary(),
            nullable=False,
            comment="of each text, uint16 little-endian, counted from 1900-01-01",
        ),
        sa.Column(
            "bounds",
            sa.ARRAY(sa.Integer()),
            nullable=False,
            comment="where in the hashes each of the 64 chunks begins, by their highest 6 bits, and where the last ends",
        ),
        sa.Column("hashes", sa.LargeBinary(), nullable=False, comment="sampled shingles, sorted, uint64 little-endian"),
        sa.Column(
            "days", sa.LargeBinary(), nullable=False, comment="on which each of them was seen, as the days of the texts"
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("shingle_run_pkey")),
        schema="storyfold",
        comment="Shingles that were settled since their counts were written, one row a batch",
    )
    op.execute(
        """ALTER TABLE storyfold.shingle_run
               ALTER COLUMN hashes SET STORAGE EXTERNAL, ALTER COLUMN days SET STORAGE EXTERNAL"""
    )  # parts of them are read


def _carry_runs(former: Sequence[sa.Row[Any]]) -> None:
    position = 0
    for row in former:
        position += row.texts
        hashes = np.frombuffer(row.hashes, dtype="<u8")
        days = np.repeat(np.frombuffer(row.days, dtype="<u2"), np.frombuffer(row.lengths, dtype="<u4"))
        order = np.argsort(hashes, kind="stable")
        values = {
            "position": position,
            "text_days": row.days,
            "bounds": np.searchsorted(hashes[order] >> np.uint64(58), np.arange(CHUNKS + 1, dtype=np.uint64)).tolist(),
            "hashes": hashes[order].tobytes(),
            "days": days[order].tobytes(),
        }
        statement = "INSERT INTO storyfold.shingle_run VALUES (:position, :text_days, :bounds, :hashes, :days)"
        op.get_bind().execute(sa.text(statement), values)


def _place_counts() -> None:
    """What there is precedes all runs, and is to be written anew as soon as its turn comes."""
    _add("shingle_count", "position", sa.BigInteger(), "the runs up to this one are in it", "0")
    as_of = "what rested for long until this day is not in it; from 1900-01-01"
    _add("shingle_count", "as_of", sa.Integer(), as_of, "0")
    op.execute("ALTER TABLE storyfold.shingle_count ALTER COLUMN sightings SET STORAGE EXTERNAL")  # hashes


def _place_the_list() -> None:
    _add("stop_list", "position", sa.BigInteger(), "how many texts were counted when it was renewed", "0")
    first = "for which shingles it is renewed then: from this chunk"
    _add("stop_list", "first_chunk", sa.SmallInteger(), first, "0")
    _add("stop_list", "end_chunk", sa.SmallInteger(), "up to this one, and without it", str(CHUNKS))
    op.execute("ALTER TABLE storyfold.stop_list ALTER COLUMN hashes SET STORAGE EXTERNAL")


def _add(table: str, name: str, kind: sa.types.TypeEngine[Any], comment: str, value: str) -> None:
    """Add a column with this value in the rows that there are, and none by default for those to come."""
    column = sa.Column(name, kind, nullable=False, server_default=value, comment=comment)
    op.add_column(table, column, schema="storyfold")
    op.alter_column(table, name, server_default=None, schema="storyfold")
