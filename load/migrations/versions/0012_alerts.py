"""Alerts: what a person should look at, who is told of it, and what stands first in the queues."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = (
    "'silent-source', 'failing-source', 'failed-expectation', 'growing-quarantine', 'stuck-queue', 'unfinished-line',"
    " 'wiped-out-source', 'large-merge'"
)


def upgrade() -> None:
    _create_alert()
    _create_alert_notice()
    _create_queue_head()
    op.create_index(
        "story_change_merged_idx",
        "story_change",
        ["changed_at"],
        schema="storyfold",
        postgresql_where=sa.text("change = 'merged'"),
    )


def _create_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="of a closed list, see transform.alerts.AlertKind"),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="what it is about; one of each kind and subject is open at a time",
        ),
        sa.Column("source_id", sa.Integer(), nullable=True, comment="null for none, and for several at once"),
        sa.Column("severity", sa.Text(), nullable=False, comment="warning or error"),
        sa.Column("message", sa.Text(), nullable=False, comment="in words, as of the last check that showed it"),
        sa.Column(
            "figures",
            postgresql.JSONB(),
            nullable=False,
            comment="the numbers behind it; of one about several, its members",
        ),
        _when("begun_at", "first check that showed it"),
        _when("seen_at", "last check that showed it"),
        _when("ended_at", "first check that no longer showed it; null while it lasts", nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("alert_kind_check")),
        sa.CheckConstraint("severity IN ('warning', 'error')", name=op.f("alert_severity_check")),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("alert_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_pkey")),
        schema="storyfold",
        comment="Something that a person should look at, one row an episode",
    )
    op.create_index(op.f("alert_source_id_idx"), "alert", ["source_id"], schema="storyfold")
    op.create_index(
        "alert_open_idx",
        "alert",
        ["kind", "subject"],
        unique=True,
        schema="storyfold",
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_alert_notice() -> None:
    op.create_table(
        "alert_notice",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="in the order in which they are sent",
        ),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False, comment="began or ended"),
        sa.Column(
            "receiver", sa.Text(), nullable=False, comment="digest of a webhook's URL, which is a secret; or prefect"
        ),
        sa.Column(
            "key",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="by which a receiver knows one that comes twice",
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        _when("due_at", "sent from then on"),
        _when("told_at", "the receiver accepted it; null until then", nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="of the last attempt, in words"),
        sa.CheckConstraint("event IN ('began', 'ended')", name=op.f("alert_notice_event_check")),
        sa.ForeignKeyConstraint(["alert_id"], ["storyfold.alert.id"], name=op.f("alert_notice_alert_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_notice_pkey")),
        sa.UniqueConstraint("alert_id", "event", "receiver", name=op.f("alert_notice_alert_id_event_receiver_key")),
        schema="storyfold",
        comment="What each receiver is told of an alert, at least once",
    )
    op.create_index(
        "alert_notice_waiting_idx",
        "alert_notice",
        ["receiver", "id"],
        schema="storyfold",
        postgresql_where=sa.text("told_at IS NULL"),
    )


def _create_queue_head() -> None:
    op.create_table(
        "queue_head",
        sa.Column("queue", sa.Text(), nullable=False, comment="read or settle"),
        sa.Column(
            "page_id",
            sa.BigInteger(),
            nullable=True,
            comment="the page that stands first in it; null while nothing in it is ready",
        ),
        _when("since", "first check that found it there"),
        _when("seen_at", "last check"),
        sa.CheckConstraint("queue IN ('read', 'settle')", name=op.f("queue_head_queue_check")),
        sa.PrimaryKeyConstraint("queue", name=op.f("queue_head_pkey")),
        schema="storyfold",
        comment="What stands first in a queue: one page for hours, and the queue is stuck",
    )


def _when(name: str, comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)
