"""The store remembers by which moment it has named the last file of its archive, and runs may be rebuilds."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "store_state",
        "name",
        comment="url_rules: those by which its keys are made; sketch_spec: that of which all its fingerprints are; "
        "archive_moment: by which the last file of its archive was named, in microseconds since 1970",
        schema="storyfold",
    )
    op.alter_column(
        "run",
        "line",
        comment="discover, collect, ingest, upkeep, load, backfill, rebuild",
        schema="storyfold",
    )
