"""What a settled text is to its article in a narrow table of its own; the queue of settling as a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KIND = "kind IN ('first', 'minor', 'update', 'correction', 'stale', 'reread')"

REVISION_VIEW = """
CREATE OR REPLACE VIEW news.revision AS
SELECT
    revision.id,
    placed.article_id,
    placed.kind,
    revision.id = article.revision_id AS is_current,
    source.name AS source,
    revision.url,
    revision.title,
    revision.authors,
    revision.summary,
    revision.text,
    revision.words,
    revision.language,
    revision.published_at,
    revision.modified_at,
    revision.fetched_at,
    revision.flags,
    revision.extractor,
    revision.agreement,
    revision.section,
    revision.tags,
    revision.image,
    revision.agency,
    revision.translator,
    revision.utc_offset
FROM storyfold.revision
JOIN storyfold.article_revision AS placed ON placed.revision_id = revision.id
JOIN storyfold.article ON article.id = placed.article_id
JOIN storyfold.source ON source.id = article.source_id"""

CUT_VIEW = """
CREATE OR REPLACE VIEW news.cut AS
SELECT
    placed.article_id,
    cut.revision_id,
    revision.id = article.revision_id AS is_current,
    cut.position,
    cut.kind,
    cut.rule,
    cut.text,
    source.name AS source,
    revision.language,
    revision.url,
    revision.fetched_at,
    cut.zone
FROM storyfold.cut
JOIN storyfold.revision ON revision.id = cut.revision_id
JOIN storyfold.article_revision AS placed ON placed.revision_id = revision.id
JOIN storyfold.article ON article.id = placed.article_id
JOIN storyfold.source ON source.id = article.source_id"""

FREED = (  # not foreign keys any more: settle writes them under its lock, and a check locks the rows it looks at
    ("match", "match_left_id_fkey"),
    ("match", "match_right_id_fkey"),
    ("story", "story_canonical_id_fkey"),
    ("story_member", "story_member_article_id_fkey"),
    ("story_member", "story_member_story_id_fkey"),
)


def upgrade() -> None:
    _queue()
    _places()
    _slim_revisions()
    _slim_pages_and_entries()
    _free_from_checks()
    _store_side_by_side()
    _look_after()


def _queue() -> None:
    op.create_table(
        "unsettled",
        sa.Column(
            "page_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="page that is read; the order of settling",
        ),
        sa.Column("revision_id", sa.BigInteger(), nullable=False, comment="what it said"),
        sa.Column("entry_id", sa.BigInteger(), nullable=False, comment="of the page"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="of the page"),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False, comment="of the page"),
        sa.Column(
            "read_before", sa.Boolean(), nullable=False, comment="the page was read to an end before, by other rules"
        ),
        sa.PrimaryKeyConstraint("page_id", name=op.f("unsettled_pkey")),
        schema="storyfold",
        comment="The queue of settling: pages that are read and whose texts have no place in a story yet",
    )
    op.execute(
        """INSERT INTO storyfold.unsettled
           SELECT page.id, revision.id, page.entry_id, page.source_id, page.fetched_at, page.read_spec IS NOT NULL
           FROM storyfold.revision JOIN storyfold.page ON page.id = revision.page_id
           WHERE revision.kind IS NULL ORDER BY page.id"""
    )
    op.execute(
        """UPDATE storyfold.page SET read_spec = revision.read_spec
           FROM storyfold.unsettled JOIN storyfold.revision ON revision.id = unsettled.revision_id
           WHERE page.id = unsettled.page_id"""
    )


def _places() -> None:
    op.create_table(
        "article_revision",
        sa.Column("revision_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="the text"),
        sa.Column("article_id", sa.BigInteger(), nullable=False, comment="the article that it is a text of"),
        sa.Column("kind", sa.Text(), nullable=False, comment="first, minor, update, correction, stale, reread"),
        sa.Column(
            "settled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when that was decided; null of texts settled before that was kept",
        ),
        sa.CheckConstraint(KIND, name=op.f("article_revision_kind_check")),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("article_revision_pkey")),
        schema="storyfold",
        comment="What each settled text is to its article; not foreign keys: written by settle, under its lock",
    )
    op.execute(
        """INSERT INTO storyfold.article_revision (revision_id, article_id, kind)
           SELECT id, article_id, kind FROM storyfold.revision WHERE kind IS NOT NULL ORDER BY id"""
    )
    op.create_index(op.f("article_revision_article_id_idx"), "article_revision", ["article_id"], schema="storyfold")


def _slim_revisions() -> None:
    """Take from revisions what settling said of them; the views over it stay the same, and so do those built on them."""
    if op.get_bind().scalar(sa.text("SELECT to_regclass('news.revision') IS NOT NULL")):
        op.execute(REVISION_VIEW)
        op.execute(CUT_VIEW)
    op.drop_index("revision_unsettled_idx", "revision", schema="storyfold")
    op.drop_index("revision_article_id_idx", "revision", schema="storyfold")
    op.drop_column("revision", "kind", schema="storyfold")
    op.drop_column("revision", "article_id", schema="storyfold")
    op.drop_index("revision_page_id_idx", "revision", schema="storyfold")
    op.create_index("revision_page_id_idx", "revision", ["page_id", "id"], schema="storyfold")


def _slim_pages_and_entries() -> None:
    op.drop_index("page_unsettled_idx", "page", schema="storyfold")
    op.drop_column("page", "settled_at", schema="storyfold")
    op.drop_index("entry_source_id_idx", "entry", schema="storyfold")  # entry_outcome_idx begins with the same column
    op.drop_index("entry_found_by_idx", "entry", schema="storyfold")  # nothing asks by it
    for table in ("entry", "article"):
        op.drop_index(f"{table}_former_key_idx", table, schema="storyfold")
        op.create_index(
            f"{table}_former_key_idx",
            table,
            ["former_key"],
            schema="storyfold",
            postgresql_where=sa.text("former_key IS NOT NULL"),
        )


def _free_from_checks() -> None:
    for table, name in FREED:
        op.drop_constraint(name, table, schema="storyfold")


def _store_side_by_side() -> None:
    """Keep a sketch in its row: hashes do not compress, and each is read whole and alone, wherever it lies."""
    op.drop_column("sketch", "signature", schema="storyfold")  # the bands are made of it, and nothing reads it again
    op.execute(
        """ALTER TABLE storyfold.sketch SET (toast_tuple_target = 8160),
               ALTER COLUMN shingles SET STORAGE EXTERNAL, ALTER COLUMN facts SET STORAGE EXTERNAL,
               ALTER COLUMN bands SET STORAGE EXTERNAL"""
    )


def _look_after() -> None:
    """Have statistics follow what grows by thousands of rows a minute, and the queue swept while it is short."""
    for table in (
        "entry",
        "page",
        "revision",
        "sketch",
        "article",
        "article_revision",
        "match",
        "story",
        "story_member",
    ):
        op.execute(f"ALTER TABLE storyfold.{table} SET (autovacuum_analyze_scale_factor = 0.02)")
    op.execute(
        """ALTER TABLE storyfold.unsettled
           SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1)"""
    )
