"""Whose text an article is: what says so and how surely, what agencies helped, and which source is an agency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from extract.agencies import agency_behind

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "source",
        sa.Column("agency", sa.Text(), nullable=True, comment="the news agency that it is; null for one that is none"),
        schema="storyfold",
    )
    _name_agencies()
    op.add_column(
        "revision",
        sa.Column(
            "agency_certainty",
            sa.Text(),
            nullable=True,
            comment="of that, by this text's own word: likely, possible",
        ),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column("agency_evidence", sa.Text(), nullable=True, comment="what says so, in words"),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column(
            "agency_material",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="agencies whose material it says it has used",
        ),
        schema="storyfold",
    )
    # what named the agency was not kept: it was a byline, a dateline or a credit, and only rarely a weaker mark
    op.execute("UPDATE storyfold.revision SET agency_certainty = 'likely' WHERE agency IS NOT NULL")
    op.create_check_constraint(
        "revision_agency_certainty_check",
        "revision",
        "agency_certainty IN ('likely', 'possible')",
        schema="storyfold",
    )


def _name_agencies() -> None:
    """Say which of the sources are agencies, by their titles; a source's file says it with its next run."""
    source = sa.table(
        "source", sa.column("id", sa.Integer), sa.column("title", sa.Text), sa.column("agency", sa.Text),
        schema="storyfold",
    )  # fmt: skip
    connection = op.get_bind()
    for row in connection.execute(sa.select(source.c.id, source.c.title)).all():
        if agency := agency_behind(row.title):
            connection.execute(sa.update(source).where(source.c.id == row.id).values(agency=agency))
