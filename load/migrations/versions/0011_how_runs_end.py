"""A run says how it ended, and whose it is: so one that was killed is told from one at work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add(
        sa.Column(
            "ended", sa.Text(), comment="done, failed, cancelled; null while it runs, and for ever when it was killed"
        )
    )
    _add(sa.Column("error", sa.Text(), comment="why it failed, in words"))
    _add(sa.Column("worker", sa.Integer(), comment="lives as long as the run does"))
    op.execute("UPDATE storyfold.run SET ended = 'done' WHERE finished_at IS NOT NULL")
    op.create_check_constraint(
        op.f("run_ended_check"), "run", "ended IN ('done', 'failed', 'cancelled')", schema="storyfold"
    )
    op.alter_column(
        "run", "line", comment="discover, collect, ingest, upkeep, load, backfill, reopen", schema="storyfold"
    )


def _add(column: sa.Column[str] | sa.Column[int]) -> None:
    op.add_column("run", column, schema="storyfold")
