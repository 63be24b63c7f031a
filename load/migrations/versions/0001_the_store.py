"""The store as it began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


PLAIN_SEARCH = """
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE TEXT SEARCH CONFIGURATION storyfold.plain (COPY = pg_catalog.simple);
DO $$
DECLARE
    home text := (SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
                  WHERE extname = 'unaccent');  -- managed servers keep their extensions in schemas of their own
BEGIN
    EXECUTE format('ALTER TEXT SEARCH CONFIGURATION storyfold.plain '
                   'ALTER MAPPING FOR hword, hword_part, word WITH %I.unaccent, pg_catalog.simple', home);
END $$;
"""


def upgrade() -> None:
    op.execute(PLAIN_SEARCH)
    op.create_table(
        "band",
        sa.Column("key", sa.BigInteger(), nullable=False, comment="hash of spec, band number and the band's rows"),
        sa.Column(
            "article_id",
            sa.BigInteger(),
            nullable=False,
            comment="not a foreign key: checked by settle, written by COPY",
        ),
        sa.PrimaryKeyConstraint("key", "article_id", name=op.f("band_pkey")),
        schema="storyfold",
        comment="The near-duplicate index: articles that share a key are candidates",
    )
    op.create_index("band_article_id_idx", "band", ["article_id"], unique=False, schema="storyfold")
    op.create_table(
        "published_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("published_day_pkey")),
        schema="storyfold",
        comment="The days of which the store holds articles: a store of few days judges pairs more strictly",
    )
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("line", sa.Text(), nullable=False, comment="discover, collect, ingest, load"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="when it began"),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null while it runs, and for ever when it was killed",
        ),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="outcomes of this run, by name",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("run_pkey")),
        schema="storyfold",
        comment="One pass of one line",
    )
    op.create_table(
        "shingle_day",
        sa.Column(
            "hash", sa.BigInteger(), nullable=False, comment="of a shingle in the counted quarter of the hash space"
        ),
        sa.Column("days", sa.SmallInteger(), nullable=False, comment="publication days on which it was seen"),
        sa.Column("last_day", sa.Date(), nullable=False, comment="the latest of them"),
        sa.PrimaryKeyConstraint("hash", name=op.f("shingle_day_pkey")),
        schema="storyfold",
        comment="How many days a shingle was seen on: template text and leftovers come back day after day",
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="the stem of its file"),
        sa.Column("title", sa.Text(), nullable=False, comment="the publisher's name"),
        sa.Column("homepage", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True, comment="ISO 639-1, what it mostly writes in"),
        sa.Column("country", sa.Text(), nullable=True, comment="ISO 3166-1 alpha-2"),
        sa.Column(
            "tier", sa.SmallInteger(), nullable=False, comment="1 agency or paper of record, 2 ordinary, 3 aggregator"
        ),
        sa.Column("active", sa.Boolean(), nullable=False, comment="false once its file is gone"),
        sa.PrimaryKeyConstraint("id", name=op.f("source_pkey")),
        sa.UniqueConstraint("name", name=op.f("source_name_key")),
        schema="storyfold",
        comment="A publisher",
    )
    op.create_table(
        "story_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="a consumer's cursor"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("change", sa.Text(), nullable=False, comment="founded, joined, left, merged, split, canonical"),
        sa.Column("story_id", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=True),
        sa.Column("other_id", sa.BigInteger(), nullable=True, comment="the story merged into, or split from"),
        sa.Column("detail", sa.Text(), nullable=True, comment="the match that joined it, or the rule that chose it"),
        sa.CheckConstraint(
            "change IN ('founded', 'joined', 'left', 'merged', 'split', 'canonical')",
            name=op.f("story_change_change_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("story_change_pkey")),
        schema="storyfold",
        comment="Every change of a story, in order",
    )
    op.create_index(
        op.f("story_change_article_id_idx"), "story_change", ["article_id"], unique=False, schema="storyfold"
    )
    op.create_index(op.f("story_change_story_id_idx"), "story_change", ["story_id"], unique=False, schema="storyfold")
    op.create_table(
        "article",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="in order of settling"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.LargeBinary(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False, comment="what it says now"),
        sa.Column("first_fetched_at", sa.DateTime(timezone=True), nullable=False, comment="of its first page"),
        sa.Column(
            "drifted",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="its text no longer resembles its story's",
        ),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("article_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("article_pkey")),
        sa.UniqueConstraint("url_key", name=op.f("article_url_key_key")),
        schema="storyfold",
        comment="What one URL says now",
    )
    op.create_index(op.f("article_revision_id_idx"), "article", ["revision_id"], unique=False, schema="storyfold")
    op.create_index(op.f("article_source_id_idx"), "article", ["source_id"], unique=False, schema="storyfold")
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="feed or sitemap"),
        sa.Column("active", sa.Boolean(), nullable=False, comment="false once the source's file no longer lists it"),
        sa.Column("interval_s", sa.Double(), nullable=False, comment="seconds between two scheduled polls"),
        sa.Column("etag", sa.Text(), nullable=True, comment="validator of the last answer"),
        sa.Column("last_modified", sa.Text(), nullable=True, comment="validator of the last answer"),
        sa.Column("body_digest", sa.LargeBinary(), nullable=True, comment="of the last answer: validators lie"),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "failures",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="since the last answer that could be read",
        ),
        sa.Column("state", sa.Text(), server_default="new", nullable=False, comment="of the last poll"),
        sa.Column("state_text", sa.Text(), nullable=True, comment="what went wrong, or what was left out, in words"),
        sa.Column(
            "next_due_at", sa.DateTime(timezone=True), nullable=True, comment="a scheduled run polls it from then on"
        ),
        sa.Column("last_polled_at", sa.DateTime(timezone=True), nullable=True, comment="last request"),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True, comment="last answer that could be read"),
        sa.Column(
            "last_new_at", sa.DateTime(timezone=True), nullable=True, comment="last poll that announced something new"
        ),
        sa.Column(
            "claimed_by",
            sa.Integer(),
            nullable=True,
            comment="worker that holds this row; void when that worker is not alive",
        ),
        sa.Column(
            "claimed_until", sa.DateTime(timezone=True), nullable=True, comment="the claim is void after this moment"
        ),
        sa.CheckConstraint("kind IN ('feed', 'sitemap')", name=op.f("feed_kind_check")),
        sa.CheckConstraint("state IN ('new', 'ok', 'unchanged', 'empty', 'failed')", name=op.f("feed_state_check")),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("feed_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("feed_pkey")),
        sa.UniqueConstraint("source_id", "url", name=op.f("feed_source_id_url_key")),
        schema="storyfold",
        comment="One feed or sitemap of a source, with its polling state",
    )
    op.create_index(op.f("feed_source_id_idx"), "feed", ["source_id"], unique=False, schema="storyfold")
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=True, comment="null for what was loaded by hand"),
        sa.Column("url", sa.Text(), nullable=False, comment="as announced first"),
        sa.Column("url_key", sa.LargeBinary(), nullable=False, comment="digest of the normalised URL"),
        sa.Column("host", sa.Text(), nullable=False, comment="host[:port]: fetched one at a time"),
        sa.Column("title", sa.Text(), nullable=True, comment="as announced"),
        sa.Column("summary", sa.Text(), nullable=True, comment="as announced"),
        sa.Column("text", sa.Text(), nullable=True, comment="full text the feed carried"),
        sa.Column(
            "authors", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment="as announced"
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True, comment="as announced"),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="as announced; a later one reopens the entry",
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False, comment="announced first"),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="announced last"),
        sa.Column(
            "fetch_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="fetched from then on; null when nothing is to be fetched",
        ),
        sa.Column(
            "attempts", sa.SmallInteger(), server_default="0", nullable=False, comment="at fetching, since last opened"
        ),
        sa.Column(
            "outcome", sa.Text(), server_default="pending", nullable=False, comment="exactly one, from a closed list"
        ),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=True,
            comment="of a rejection (extract.model.Reason), or the stage that quarantined it",
        ),
        sa.Column("detail", sa.Text(), nullable=True, comment="the reason in words, or the error"),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True, comment="when it ended so"),
        sa.Column("found_by", sa.BigInteger(), nullable=True, comment="run that announced it first"),
        sa.Column("article_id", sa.BigInteger(), nullable=True, comment="article it led to"),
        sa.Column(
            "claimed_by",
            sa.Integer(),
            nullable=True,
            comment="worker that holds this row; void when that worker is not alive",
        ),
        sa.Column(
            "claimed_until", sa.DateTime(timezone=True), nullable=True, comment="the claim is void after this moment"
        ),
        sa.CheckConstraint("(outcome = 'pending') = (outcome_at IS NULL)", name=op.f("entry_outcome_at_check")),
        sa.CheckConstraint(
            "outcome IN ('pending', 'loaded', 'unchanged', 'revised', 'rejected', 'quarantined')",
            name=op.f("entry_outcome_check"),
        ),
        sa.ForeignKeyConstraint(["feed_id"], ["storyfold.feed.id"], name=op.f("entry_feed_id_fkey")),
        sa.ForeignKeyConstraint(["found_by"], ["storyfold.run.id"], name=op.f("entry_found_by_fkey")),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("entry_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("entry_pkey")),
        sa.UniqueConstraint("url_key", name=op.f("entry_url_key_key")),
        schema="storyfold",
        comment="One URL as announced",
    )
    op.create_index(op.f("entry_article_id_idx"), "entry", ["article_id"], unique=False, schema="storyfold")
    op.create_index(
        "entry_due_idx",
        "entry",
        ["fetch_due_at"],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("fetch_due_at IS NOT NULL"),
    )
    op.create_index(op.f("entry_feed_id_idx"), "entry", ["feed_id"], unique=False, schema="storyfold")
    op.create_index(
        "entry_first_seen_at_idx", "entry", ["first_seen_at"], unique=False, schema="storyfold", postgresql_using="brin"
    )
    op.create_index(op.f("entry_found_by_idx"), "entry", ["found_by"], unique=False, schema="storyfold")
    op.create_index("entry_outcome_idx", "entry", ["source_id", "outcome"], unique=False, schema="storyfold")
    op.create_index(op.f("entry_source_id_idx"), "entry", ["source_id"], unique=False, schema="storyfold")
    op.create_table(
        "match",
        sa.Column("left_id", sa.BigInteger(), nullable=False, comment="settled earlier"),
        sa.Column("right_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="same, contained, lifted, different"),
        sa.Column("failed", sa.Text(), nullable=True, comment="the first test a candidate failed"),
        sa.Column("jaccard", sa.REAL(), nullable=False, comment="resemblance of the shingle sets"),
        sa.Column("jaccard_filtered", sa.REAL(), nullable=False, comment="without stop-shingles"),
        sa.Column(
            "containment", sa.REAL(), nullable=False, comment="of the shorter text in the longer, without stop-shingles"
        ),
        sa.Column("facts", sa.REAL(), nullable=False, comment="overlap of numbers and names"),
        sa.Column("run", sa.REAL(), nullable=False, comment="mean length of the shared runs, in words"),
        sa.Column("inner_id", sa.BigInteger(), nullable=False, comment="the shorter text"),
        sa.Column(
            "span_start",
            sa.REAL(),
            nullable=False,
            comment="where the shared part begins in the longer text, share of it",
        ),
        sa.Column("span_end", sa.REAL(), nullable=False, comment="where it ends"),
        sa.Column("policy", sa.LargeBinary(), nullable=False, comment="digest of the MatchPolicy that judged it"),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False, comment="when it was judged"),
        sa.CheckConstraint("kind IN ('same', 'contained', 'lifted', 'different')", name=op.f("match_kind_check")),
        sa.ForeignKeyConstraint(["left_id"], ["storyfold.article.id"], name=op.f("match_left_id_fkey")),
        sa.ForeignKeyConstraint(["right_id"], ["storyfold.article.id"], name=op.f("match_right_id_fkey")),
        sa.PrimaryKeyConstraint("left_id", "right_id", name=op.f("match_pkey")),
        schema="storyfold",
        comment="A candidate pair with everything measured about it",
    )
    op.create_index(op.f("match_right_id_idx"), "match", ["right_id"], unique=False, schema="storyfold")
    op.create_table(
        "story",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="story, or digest when every member holds other texts side by side",
        ),
        sa.Column("canonical_id", sa.BigInteger(), nullable=True, comment="the member that stands for it"),
        sa.Column("canonical_rule", sa.Text(), nullable=True, comment="why that one"),
        sa.Column("articles", sa.Integer(), nullable=False, comment="number of members"),
        sa.Column(
            "first_published_at", sa.DateTime(timezone=True), nullable=True, comment="earliest trusted time of a member"
        ),
        sa.Column(
            "last_published_at", sa.DateTime(timezone=True), nullable=True, comment="latest trusted time of a member"
        ),
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), nullable=False, comment="last change of its members or canonical"
        ),
        sa.Column(
            "merged_into", sa.BigInteger(), nullable=True, comment="the story that carries on; null for a living one"
        ),
        sa.CheckConstraint("kind IN ('story', 'digest')", name=op.f("story_kind_check")),
        sa.ForeignKeyConstraint(["canonical_id"], ["storyfold.article.id"], name=op.f("story_canonical_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("story_pkey")),
        schema="storyfold",
        comment="A cluster of near-duplicates with a stable id",
    )
    op.create_index(op.f("story_canonical_id_idx"), "story", ["canonical_id"], unique=False, schema="storyfold")
    op.create_index(op.f("story_merged_into_idx"), "story", ["merged_into"], unique=False, schema="storyfold")
    op.create_index(
        "story_newest_idx",
        "story",
        [sa.literal_column("last_published_at DESC NULLS LAST"), sa.literal_column("id DESC")],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_table(
        "page",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="also the order of settling"
        ),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False, comment="as asked"),
        sa.Column("final_url", sa.Text(), nullable=False, comment="after redirects"),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column(
            "headers",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="response headers, list of [name, value]",
        ),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False, comment="when the web answered"),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("warc_file", sa.Text(), nullable=False, comment="relative to the archive"),
        sa.Column("warc_offset", sa.BigInteger(), nullable=False),
        sa.Column("warc_length", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False, comment="of reading"),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="read into a revision, rejected or quarantined",
        ),
        sa.Column(
            "settled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its revision has its place in a story, or there is none to place",
        ),
        sa.Column(
            "claimed_by",
            sa.Integer(),
            nullable=True,
            comment="worker that holds this row; void when that worker is not alive",
        ),
        sa.Column(
            "claimed_until", sa.DateTime(timezone=True), nullable=True, comment="the claim is void after this moment"
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["storyfold.entry.id"], name=op.f("page_entry_id_fkey")),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("page_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("page_pkey")),
        schema="storyfold",
        comment="Bytes at a moment; the bytes themselves lie in the WARC archive",
    )
    op.create_index(op.f("page_entry_id_idx"), "page", ["entry_id"], unique=False, schema="storyfold")
    op.create_index(op.f("page_source_id_idx"), "page", ["source_id"], unique=False, schema="storyfold")
    op.create_index(
        "page_unread_idx", "page", ["id"], unique=False, schema="storyfold", postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index(
        "page_unsettled_idx",
        "page",
        ["id"],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("read_at IS NOT NULL AND settled_at IS NULL"),
    )
    op.create_table(
        "story_member",
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("story_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "container", sa.Boolean(), nullable=False, comment="holds two other texts side by side: digest or live blog"
        ),
        sa.ForeignKeyConstraint(["article_id"], ["storyfold.article.id"], name=op.f("story_member_article_id_fkey")),
        sa.ForeignKeyConstraint(["story_id"], ["storyfold.story.id"], name=op.f("story_member_story_id_fkey")),
        sa.PrimaryKeyConstraint("article_id", name=op.f("story_member_pkey")),
        schema="storyfold",
        comment="Which article belongs to which story",
    )
    op.create_index(op.f("story_member_story_id_idx"), "story_member", ["story_id"], unique=False, schema="storyfold")
    op.create_table(
        "revision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("page_id", sa.BigInteger(), nullable=False),
        sa.Column("read_spec", sa.LargeBinary(), nullable=False, comment="digest of what read the page"),
        sa.Column("article_id", sa.BigInteger(), nullable=True, comment="null until settled"),
        sa.Column(
            "kind", sa.Text(), nullable=True, comment="first, minor, update, correction, stale; null until settled"
        ),
        sa.Column("url", sa.Text(), nullable=False, comment="canonical"),
        sa.Column("url_key", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("authors", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True, comment="standfirst"),
        sa.Column("text", sa.Text(), nullable=False, comment="paragraphs, a blank line between; never shortened"),
        sa.Column("language", sa.Text(), nullable=True, comment="ISO 639-1"),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null when no date on the page is trusted",
        ),
        sa.Column("date_precision", sa.Text(), nullable=True, comment="second, minute, day"),
        sa.Column("date_found_in", sa.Text(), nullable=True, comment="json-ld, meta, feed, sitemap, visible, url"),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True, comment="as the page says"),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False, comment="of its page"),
        sa.Column("flags", sa.ARRAY(sa.Text()), nullable=False, comment="teaser, live-blog"),
        sa.Column(
            "words", sa.Integer(), nullable=False, comment="as compared: one a character in scripts without spaces"
        ),
        sa.Column("text_digest", sa.LargeBinary(), nullable=False, comment="of the text as compared"),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('storyfold.plain', title), 'A') || setweight(to_tsvector('storyfold.plain', left(text, 200000)), 'B')",
                persisted=True,
            ),
            nullable=False,
            comment="words of title and text, without accents",
        ),
        sa.CheckConstraint(
            "kind IN ('first', 'minor', 'update', 'correction', 'stale')", name=op.f("revision_kind_check")
        ),
        sa.ForeignKeyConstraint(["article_id"], ["storyfold.article.id"], name=op.f("revision_article_id_fkey")),
        sa.ForeignKeyConstraint(["page_id"], ["storyfold.page.id"], name=op.f("revision_page_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("revision_pkey")),
        sa.UniqueConstraint("page_id", "read_spec", name=op.f("revision_page_id_read_spec_key")),
        schema="storyfold",
        comment="One text of an article; append-only",
    )
    op.create_index(op.f("revision_article_id_idx"), "revision", ["article_id"], unique=False, schema="storyfold")
    op.create_index(
        "revision_search_idx", "revision", ["search"], unique=False, schema="storyfold", postgresql_using="gin"
    )
    op.create_index(op.f("revision_url_key_idx"), "revision", ["url_key"], unique=False, schema="storyfold")
    op.create_table(
        "cut",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="of the block in the article as extracted, from 0"),
        sa.Column("kind", sa.Text(), nullable=False, comment="transform.model.CutKind"),
        sa.Column("rule", sa.Text(), nullable=False, comment="<pack>.<kind>.<name>"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["storyfold.revision.id"], name=op.f("cut_revision_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("revision_id", "position", name=op.f("cut_pkey")),
        schema="storyfold",
        comment="One block that cleaning removed",
    )
    op.create_index(op.f("cut_kind_idx"), "cut", ["kind"], unique=False, schema="storyfold")
    op.create_index(op.f("cut_rule_idx"), "cut", ["rule"], unique=False, schema="storyfold")
    op.create_table(
        "sketch",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False, comment="digest of the SketchSpec that made it"),
        sa.Column("signature", sa.LargeBinary(), nullable=False, comment="MinHash values, uint32 little-endian"),
        sa.Column(
            "shingles", sa.LargeBinary(), nullable=False, comment="shingle hashes in text order, uint64 little-endian"
        ),
        sa.Column(
            "facts",
            sa.LargeBinary(),
            nullable=False,
            comment="hashes of numbers and names, sorted, uint64 little-endian",
        ),
        sa.Column("bands", sa.ARRAY(sa.BigInteger()), nullable=False, comment="LSH band keys"),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["storyfold.revision.id"], name=op.f("sketch_revision_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("sketch_pkey")),
        schema="storyfold",
        comment="Fingerprint of a revision's text",
    )
