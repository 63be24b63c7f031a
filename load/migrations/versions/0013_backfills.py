"""What is fresh is fetched before what is backfilled; how far each WARC file has been put on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _tell_fresh_from_backfilled()
    _remember_warc_files()
    _take_over_what_was_loaded()


def _tell_fresh_from_backfilled() -> None:
    comment = "found by a backfill, and by no feed since: of its domain, what is fresh is fetched before it"
    column: sa.Column[bool] = sa.Column(
        "backfill", sa.Boolean(), nullable=False, server_default="false", comment=comment
    )
    op.add_column("entry", column, schema="storyfold")
    op.drop_index("entry_due_idx", "entry", schema="storyfold")
    op.create_index(
        "entry_due_idx",
        "entry",
        ["domain", "backfill", "fetch_due_at", "id"],
        schema="storyfold",
        postgresql_where=sa.text("fetch_due_at IS NOT NULL"),
    )
    op.create_index("entry_found_by_idx", "entry", ["found_by"], schema="storyfold")


def _remember_warc_files() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "warc_file",
        sa.Column("file", sa.Text(), primary_key=True, comment="absolute path or URL"),
        sa.Column(
            "filter", sa.Text(), primary_key=True, comment="which of its pages are wanted, in words; empty for all"
        ),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="of the file, when it was looked at last"),
        sa.Column(
            "next_offset",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="what lies before it has been dealt with",
        ),
        sa.Column(
            "mark", sa.LargeBinary(), comment="digest of the bytes before next_offset: another file has others there"
        ),
        sa.Column("pages", sa.BigInteger(), nullable=False, server_default="0", comment="wanted ones, known or not"),
        sa.Column(
            "left_out",
            postgresql.JSONB(),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="what else it holds: how many",
        ),
        sa.Column("damaged", sa.Integer(), nullable=False, server_default="0", comment="broken stretches, leapt over"),
        sa.Column("trouble", sa.Text(), comment="why the last look at it did not come to its end, in words"),
        sa.Column(
            "run_id",
            sa.BigInteger(),
            sa.ForeignKey("storyfold.run.id", name="warc_file_run_id_fkey"),
            comment="run that looked at it last",
        ),
        sa.Column("begun_at", moment, nullable=False, comment="when it was first looked at"),
        sa.Column("ended_at", moment, comment="when its end was reached; null until then"),
        comment="How far a WARC file has been put on record, by one choice of its pages",
        schema="storyfold",
    )


def _take_over_what_was_loaded() -> None:
    """Files that were loaded before are gone on with where their last page ends; files of the archive have no rows."""
    op.execute(
        """INSERT INTO storyfold.warc_file (file, filter, size_bytes, next_offset, pages, begun_at)
           SELECT warc_file, '', max(warc_offset + warc_length), max(warc_offset + warc_length), count(*), now()
           FROM storyfold.page WHERE warc_file ~ '^(/|[A-Za-z]:[\\\\/]|[a-z0-9]+://)' GROUP BY warc_file"""
    )
