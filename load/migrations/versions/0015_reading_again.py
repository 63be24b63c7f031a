"""By what pages were read, as rows; and the pages that somebody chose to be read again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "storyfold"


def when(name: str, comment: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def upgrade() -> None:
    op.add_column(
        "page",
        sa.Column(
            "memory_version",
            sa.Integer(),
            comment="of the source's memory that read it last to an end; null before that was kept",
        ),
        schema=SCHEMA,
    )
    _reading_spec()
    _reopening()
    op.alter_column(
        "store_state",
        "name",
        comment="url_rules: those by which its keys are made; sketch_spec: that of which all its fingerprints are;"
        " reading_spec: that by which pages are read",
        schema=SCHEMA,
    )
    op.alter_column(
        "run", "line", comment="discover, collect, ingest, upkeep, load, backfill, reopen, rebuild", schema=SCHEMA
    )


def _reading_spec() -> None:
    """Of those in use so far only the digest is known, and since when pages were read by it."""
    op.create_table(
        "reading_spec",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="the first 8 bytes of page.read_spec"),
        sa.Column(
            "version",
            sa.Integer(),
            comment="of storyfold's own reading; null before it was kept, and so the next three",
        ),
        sa.Column("profile", sa.Text(), comment="thorough or quick"),
        sa.Column("packages", JSONB(), comment="of the extractors, as an object: name → version"),
        sa.Column("rules", sa.LargeBinary(), comment="digest of the rules that cut"),
        when("first_used_at", "when a page was first read by it", nullable=False),
        when("rules_since", "when a page was first read by its rules", nullable=False),
        sa.PrimaryKeyConstraint("digest", name="reading_spec_pkey"),
        schema=SCHEMA,
        comment="By what pages were read: extractors and rules; what the source repeats comes on top",
    )
    op.execute(
        """INSERT INTO storyfold.reading_spec (digest, first_used_at, rules_since)
           SELECT substring(read_spec FOR 8), min(read_at), min(read_at) FROM storyfold.page
           WHERE read_spec IS NOT NULL AND read_at IS NOT NULL GROUP BY 1"""
    )


def _reopening() -> None:
    op.create_table(
        "reopening",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("predicate", sa.Text(), nullable=False, comment="SQL, as it was given"),
        sa.Column("asked_by", sa.Text(), nullable=False, comment="who gave it"),
        when("asked_at", "the pages were chosen then", nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False, comment="that were chosen"),
        sa.Column("report", JSONB(), nullable=False, comment="what it was to change, as it was told before"),
        sa.Column(
            "counts",
            JSONB(),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="what came of the pages so far",
        ),
        when("ended_at", "all are read again, or someone stopped it; null while pages are left"),
        sa.Column("stopped_by", sa.Text(), comment="who stopped it"),
        sa.PrimaryKeyConstraint("id", name="reopening_pkey"),
        schema=SCHEMA,
        comment="Pages that somebody chose to be read again",
    )
    op.create_table(
        "reopening_page",
        sa.Column("reopening_id", sa.BigInteger(), nullable=False),
        sa.Column("page_id", sa.BigInteger(), nullable=False, comment="it goes once it is known what came of the page"),
        sa.Column(
            "differs",
            sa.Boolean(),
            comment="whether it read otherwise when it was looked at; null when it was not",
        ),
        sa.Column(
            "reopened_after",
            sa.BigInteger(),
            comment="the last revision that was there when it was reopened; null before",
        ),
        sa.ForeignKeyConstraint(["reopening_id"], ["storyfold.reopening.id"], name="reopening_page_reopening_id_fkey"),
        sa.PrimaryKeyConstraint("reopening_id", "page_id", name="reopening_page_pkey"),
        schema=SCHEMA,
        comment="The pages of a reopening that are still to be looked at, or reopened and not settled yet",
    )
