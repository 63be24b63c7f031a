"""People's judgements; what placing a newcomer needs of a story without reading its members; why stories changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_judgement()
    _widen_story()
    _widen_story_change()
    _release_match()


def _create_judgement() -> None:
    op.create_table(
        "judgement",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="a later one outranks an earlier one",
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="same, different, pin"),
        sa.Column("articles", sa.ARRAY(sa.BigInteger()), nullable=False, comment="whom it is about"),
        sa.Column(
            "others",
            sa.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="each of the articles is the same as, or different from, each of these; empty for a pin",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="in the words of who gave it"),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False, comment="it counts since then"),
        sa.Column("judged_by", sa.Text(), nullable=False, comment="who gave it"),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True, comment="it counts no more since then"),
        sa.Column("undone_by", sa.Text(), nullable=True, comment="who took it back"),
        sa.CheckConstraint("kind IN ('same', 'different', 'pin')", name=op.f("judgement_kind_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("judgement_pkey")),
        schema="storyfold",
        comment="A person's word on articles, which outranks what is measured; never deleted",
    )
    for column in ("articles", "others"):
        op.create_index(f"judgement_{column}_idx", "judgement", [column], schema="storyfold", postgresql_using="gin")


def _widen_story() -> None:
    op.add_column(
        "story",
        sa.Column(
            "contenders",
            sa.ARRAY(sa.BigInteger()),
            nullable=True,
            comment="the members among which the canonical one is chosen when another comes; null before that was kept",
        ),
        schema="storyfold",
    )
    op.add_column(
        "story",
        sa.Column(
            "judged",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="a judgement is about a member of it",
        ),
        schema="storyfold",
    )
    op.create_check_constraint(op.f("story_merged_into_check"), "story", "merged_into <> id", schema="storyfold")
    for column in (
        sa.Column(
            "family_id",
            sa.BigInteger(),
            nullable=True,
            comment="the first of the articles that are one text; null before that was kept",
        ),
        sa.Column(
            "attached_to",
            sa.BigInteger(),
            nullable=True,
            comment="of a family's first: the longer text that the family begins",
        ),
        sa.Column("attached_share", sa.REAL(), nullable=True, comment="and how much of the family's text that holds"),
    ):
        op.add_column("story_member", column, schema="storyfold")
    _know_single_articles()


def _know_single_articles() -> None:
    """Most stories have one article: it is its own family. Those of several are read as wholes when one joins them."""
    op.execute(
        """UPDATE storyfold.story_member SET family_id = article_id
           FROM storyfold.story WHERE story.id = story_id AND story.articles = 1"""
    )
    op.execute("UPDATE storyfold.story SET contenders = ARRAY[canonical_id] WHERE articles = 1")


def _widen_story_change() -> None:
    for column, comment, existing in (
        ("other_id", "the story merged into, split from, or gone to", "the story merged into, or split from"),
        (
            "detail",
            "the match or container that did it, or the rule that chose the article",
            "the match that joined it, or the rule that chose it",
        ),
    ):
        op.alter_column("story_change", column, comment=comment, existing_comment=existing, schema="storyfold")
    op.add_column(
        "story_change",
        sa.Column("articles", sa.Integer(), nullable=True, comment="how many a merger moved"),
        schema="storyfold",
    )
    op.add_column(
        "story_change",
        sa.Column(
            "judgement_id",
            sa.BigInteger(),
            nullable=True,
            comment="the judgement that did it, by being given or taken back",
        ),
        schema="storyfold",
    )


def _release_match() -> None:
    """Say why they are no foreign keys: a check locks the rows it looks at."""
    for column, comment, existing in (
        ("left_id", "settled earlier; no foreign key, as it is written by COPY", "settled earlier"),
        ("right_id", "the other article", None),
    ):
        op.alter_column("match", column, comment=comment, existing_comment=existing, schema="storyfold")
