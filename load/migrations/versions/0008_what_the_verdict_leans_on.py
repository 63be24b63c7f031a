"""Of a compared pair, which share of its numbers agrees and where the shared part begins in the shorter text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Both are null for the pairs that were judged before they were measured."""
    op.add_column(
        "match",
        sa.Column(
            "numbers",
            sa.REAL(),
            nullable=True,
            comment="overlap of the numbers among the facts; null before that was measured",
        ),
        schema="storyfold",
    )
    op.add_column(
        "match",
        sa.Column(
            "inner_start",
            sa.REAL(),
            nullable=True,
            comment="where the shared part begins in the shorter text, share of it; null before that was measured",
        ),
        schema="storyfold",
    )
    op.alter_column(
        "match",
        "containment",
        comment="of the shorter text in the longer, without stop-shingles unless numbers and names agree",
        schema="storyfold",
    )
