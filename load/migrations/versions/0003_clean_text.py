"""Who read a page and how sure it is, the memory of a source, more that a page says of itself, pages read again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "cut",
        sa.Column(
            "zone",
            sa.Text(),
            nullable=True,
            comment="top, tail, head or body: where it stood when it fell; null before that was kept",
        ),
        schema="storyfold",
    )
    op.create_check_constraint("cut_zone_check", "cut", "zone IN ('top', 'tail', 'head', 'body')", schema="storyfold")
    op.create_table(
        "undone_rule",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="as in cut.rule"),
        sa.Column("source_id", sa.Integer(), nullable=True, comment="where alone it is off; null for everywhere"),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False, comment="off since then"),
        sa.Column("undone_by", sa.Text(), nullable=False, comment="who switched it off"),
        sa.Column("reason", sa.Text(), nullable=True, comment="in their words"),
        sa.Column("redone_at", sa.DateTime(timezone=True), nullable=True, comment="on again since then"),
        sa.Column("redone_by", sa.Text(), nullable=True, comment="who switched it on again"),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("undone_rule_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("undone_rule_pkey")),
        schema="storyfold",
        comment="A rule of cleaning that someone switched off, for one source or everywhere",
    )
    op.create_index(
        "undone_rule_open_idx",
        "undone_rule",
        ["rule", "source_id"],
        unique=True,
        schema="storyfold",
        postgresql_where=sa.text("redone_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "segment",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of the block as compared"),
        sa.Column("text", sa.Text(), nullable=False, comment="the block, as it stood in one article"),
        sa.Column("stories", sa.Integer(), nullable=False, comment="most distinct stories that it was seen in at once"),
        sa.Column(
            "since_version", sa.Integer(), nullable=False, comment="first version of the source's memory that has it"
        ),
        sa.Column(
            "until_version",
            sa.Integer(),
            nullable=True,
            comment="first version that no longer has it; null while it is remembered",
        ),
        sa.Column(
            "spared",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="someone said that it is text: never cut",
        ),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False, comment="when these were counted"),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("segment_source_id_fkey")),
        sa.PrimaryKeyConstraint("source_id", "digest", name=op.f("segment_pkey")),
        schema="storyfold",
        comment="The memory of a source: blocks that stand in several distinct stories of it are its boilerplate",
    )
    op.create_table(
        "unlearned",
        sa.Column("source_id", sa.Integer(), autoincrement=False, nullable=False, comment="the source"),
        sa.PrimaryKeyConstraint("source_id", name=op.f("unlearned_pkey")),
        schema="storyfold",
        comment="Sources of which something was settled since they were last looked over for what repeats",
    )
    op.add_column(
        "page",
        sa.Column(
            "read_spec",
            sa.LargeBinary(),
            nullable=True,
            comment="digest of what read it last to an end; null before the first time",
        ),
        schema="storyfold",
    )
    op.execute(
        """UPDATE storyfold.page SET read_spec = coalesce(
               (SELECT revision.read_spec FROM storyfold.revision WHERE revision.page_id = page.id
                ORDER BY revision.id DESC LIMIT 1), '')
           WHERE settled_at IS NOT NULL"""  # of a page that left no revision nobody knows any more what read it
    )
    op.add_column(
        "revision",
        sa.Column(
            "extractor",
            sa.Text(),
            nullable=True,
            comment="who found the text: trafilatura, readability, newspaper4k, lines",
        ),
        schema="storyfold",
    )
    op.execute("UPDATE storyfold.revision SET extractor = 'trafilatura'")  # nobody else found any before
    op.alter_column("revision", "extractor", nullable=False, schema="storyfold")
    op.add_column(
        "revision",
        sa.Column(
            "agreement",
            sa.REAL(),
            nullable=True,
            comment="of the extractors about the text, 0 to 1; null when one alone was asked",
        ),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column(
            "memory_version",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of the source's memory that cleaned it",
        ),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column(
            "segments",
            sa.ARRAY(sa.LargeBinary()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="its blocks as memory compares them: those of the text, and those that memory cut",
        ),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column("section", sa.Text(), nullable=True, comment="of the publication, as the page names it"),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column(
            "tags",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="keywords that the page names",
        ),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column("image", sa.Text(), nullable=True, comment="URL of the picture that stands for it"),
        schema="storyfold",
    )
    op.add_column(
        "revision",
        sa.Column("agency", sa.Text(), nullable=True, comment="whose text it says it is, when that is a news agency's"),
        schema="storyfold",
    )
    op.add_column(
        "revision", sa.Column("translator", sa.Text(), nullable=True, comment="who translated it"), schema="storyfold"
    )
    op.add_column(
        "revision",
        sa.Column(
            "utc_offset",
            sa.SmallInteger(),
            nullable=True,
            comment="minutes east of UTC that the publisher wrote; null when it wrote none",
        ),
        schema="storyfold",
    )
    op.alter_column(
        "revision",
        "flags",
        existing_type=sa.ARRAY(sa.TEXT()),
        comment="teaser, paywalled, live-blog, listing, short, feed-text",
        existing_comment="teaser, live-blog, feed-text",
        existing_nullable=False,
        schema="storyfold",
    )
    op.alter_column(
        "revision",
        "kind",
        existing_type=sa.TEXT(),
        comment="first, minor, update, correction, stale, reread; null until settled",
        existing_comment="first, minor, update, correction, stale; null until settled",
        existing_nullable=True,
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "memory_version",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of what repeats in it; see segment",
        ),
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "learned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was last looked over for what repeats",
        ),
        schema="storyfold",
    )
    op.drop_index("article_source_id_idx", "article", schema="storyfold")
    op.create_index("article_newest_idx", "article", ["source_id", "id"], schema="storyfold")
    op.alter_column(
        "run",
        "line",
        existing_type=sa.TEXT(),
        comment="discover, collect, ingest, upkeep, load, backfill",
        existing_comment="discover, collect, ingest, load, backfill",
        existing_nullable=False,
        schema="storyfold",
    )
    op.drop_constraint("revision_page_id_read_spec_key", "revision", schema="storyfold", type_="unique")
    op.create_index("revision_page_id_idx", "revision", ["page_id"], schema="storyfold")
    op.create_index(
        "revision_unsettled_idx",
        "revision",
        ["page_id"],
        unique=True,
        schema="storyfold",
        postgresql_where=sa.text("kind IS NULL"),
    )
    op.drop_constraint("revision_kind_check", "revision", schema="storyfold")
    op.create_check_constraint(
        "revision_kind_check",
        "revision",
        "kind IN ('first', 'minor', 'update', 'correction', 'stale', 'reread')",
        schema="storyfold",
    )
