"""The store remembers of which spec its fingerprints are; until it does, they are looked through."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "store_state",
        "name",
        comment="url_rules: those by which its keys are made; sketch_spec: that of which all its fingerprints are",
        schema="storyfold",
    )
