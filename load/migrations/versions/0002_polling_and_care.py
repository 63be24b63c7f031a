"""Rhythm, coverage and pauses, expectations and quarantine, opt-outs, registrable domains, former keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from extract.urls import domain_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _fill_domains() -> None:
    """The registrable domain of every host, as the Public Suffix List has it."""
    connection = op.get_bind()
    hosts = connection.execute(sa.text("SELECT DISTINCT host FROM storyfold.entry")).scalars()
    domains = [{"host": host, "domain": domain_of(f"https://{host}/") if host else ""} for host in hosts]
    if domains:
        connection.execute(sa.text("UPDATE storyfold.entry SET domain = :domain WHERE host = :host"), domains)


def upgrade() -> None:
    op.create_table(
        "pause",
        sa.Column("scope", sa.Text(), nullable=False, comment="host or domain"),
        sa.Column("name", sa.Text(), nullable=False, comment="host[:port], or registrable domain[:port]"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="nothing of it is fetched before"),
        sa.CheckConstraint("scope IN ('host', 'domain')", name=op.f("pause_scope_check")),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pause_pkey")),
        schema="storyfold",
        comment="Whom nobody asks for a while: it told us to wait, or does not answer",
    )
    op.create_table(
        "store_state",
        sa.Column("name", sa.Text(), nullable=False, comment="url_rules: those by which its keys are made"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("store_state_pkey")),
        schema="storyfold",
        comment="What the store remembers of itself",
    )
    op.execute("INSERT INTO storyfold.store_state VALUES ('url_rules', '1:71857576257465c7')")  # those of 0001
    op.create_table(
        "breach",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column(
            "expectation", sa.Text(), nullable=False, comment="entries_per_day, dated_share, short_share, languages"
        ),
        sa.Column("expected", sa.Text(), nullable=False, comment="as its file says, in words"),
        sa.Column("observed", sa.Text(), nullable=False, comment="last, in words"),
        sa.Column("on_breach", sa.Text(), nullable=False, comment="warn or stop"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, comment="first check that showed it"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, comment="last check that showed it"),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="first check that no longer showed it; null while it lasts",
        ),
        sa.CheckConstraint(
            "expectation IN ('entries_per_day', 'dated_share', 'short_share', 'languages')",
            name=op.f("breach_expectation_check"),
        ),
        sa.CheckConstraint("on_breach IN ('warn', 'stop')", name=op.f("breach_on_breach_check")),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("breach_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("breach_pkey")),
        schema="storyfold",
        comment="A source is not what its file expects",
    )
    op.create_index(
        "breach_open_idx",
        "breach",
        ["source_id", "expectation"],
        unique=True,
        schema="storyfold",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("breach_source_id_idx"), "breach", ["source_id"], unique=False, schema="storyfold")
    op.create_table(
        "source_hour",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False, comment="its beginning"),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=False, comment="last poll of it that answered"),
        sa.Column("entries", sa.Integer(), nullable=False, comment="first announced by the polls of this hour"),
        sa.ForeignKeyConstraint(["source_id"], ["storyfold.source.id"], name=op.f("source_hour_source_id_fkey")),
        sa.PrimaryKeyConstraint(
            "source_id", "hour", name=op.f("source_hour_pkey"), postgresql_include=["polled_at", "entries"]
        ),
        schema="storyfold",
        comment="What the polls of a source brought in one hour; an hour without a poll that answered has no row",
    )
    op.create_table(
        "coverage_gap",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="the feed was read then"),
        sa.Column(
            "until",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="and then it listed nothing of what it had listed: in between entries may have come and gone",
        ),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, comment="when the poll showed it"),
        sa.Column(
            "backfilled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a backfill has looked for what was missed",
        ),
        sa.Column("entries_found", sa.Integer(), nullable=True, comment="by that backfill"),
        sa.ForeignKeyConstraint(["feed_id"], ["storyfold.feed.id"], name=op.f("coverage_gap_feed_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("coverage_gap_pkey")),
        sa.UniqueConstraint("feed_id", "until", name=op.f("coverage_gap_feed_id_until_key")),
        schema="storyfold",
        comment="A time in which a feed may have announced what nobody read",
    )
    op.create_index(op.f("coverage_gap_feed_id_idx"), "coverage_gap", ["feed_id"], unique=False, schema="storyfold")
    op.create_index(
        "coverage_gap_open_idx",
        "coverage_gap",
        ["feed_id"],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("backfilled_at IS NULL"),
    )
    op.create_table(
        "replay",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False, comment="that had quarantined it"),
        sa.Column("error", sa.Text(), nullable=True, comment="in words"),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, comment="that had failed"),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=False, comment="when it was given up"),
        sa.Column(
            "replayed_at", sa.DateTime(timezone=True), nullable=False, comment="when it was put back into its queue"
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["storyfold.entry.id"], name=op.f("replay_entry_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("replay_pkey")),
        schema="storyfold",
        comment="A quarantined entry that was tried once more",
    )
    op.create_index(op.f("replay_entry_id_idx"), "replay", ["entry_id"], unique=False, schema="storyfold")
    op.add_column(
        "article",
        sa.Column(
            "former_key",
            sa.LargeBinary(),
            nullable=True,
            comment="its key under the rules before; null when that is the same",
        ),
        schema="storyfold",
    )
    op.create_index(op.f("article_former_key_idx"), "article", ["former_key"], unique=False, schema="storyfold")
    op.add_column(
        "entry",
        sa.Column(
            "former_key",
            sa.LargeBinary(),
            nullable=True,
            comment="its key under the rules before; null when that is the same",
        ),
        schema="storyfold",
    )
    op.add_column(
        "entry",
        sa.Column(
            "domain", sa.Text(), nullable=True, comment="registrable domain[:port]: one worker at a time asks it"
        ),
        schema="storyfold",
    )
    _fill_domains()
    op.alter_column("entry", "domain", nullable=False, schema="storyfold")
    op.alter_column(
        "entry",
        "host",
        existing_type=sa.TEXT(),
        comment="host[:port]",
        existing_comment="host[:port]: fetched one at a time",
        existing_nullable=False,
        schema="storyfold",
    )
    op.drop_index(
        op.f("entry_due_idx"), table_name="entry", schema="storyfold", postgresql_where="(fetch_due_at IS NOT NULL)"
    )
    op.create_index(
        "entry_due_idx",
        "entry",
        ["domain", "fetch_due_at", "id"],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("fetch_due_at IS NOT NULL"),
    )
    op.drop_index(op.f("entry_outcome_idx"), table_name="entry", schema="storyfold")
    op.create_index("entry_outcome_idx", "entry", ["source_id", "outcome", "reason"], unique=False, schema="storyfold")
    op.create_index(
        "entry_claimed_idx",
        "entry",
        ["domain", "claimed_by"],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("claimed_by IS NOT NULL"),
    )
    op.create_index(op.f("entry_former_key_idx"), "entry", ["former_key"], unique=False, schema="storyfold")
    op.create_index(
        "entry_quarantined_idx",
        "entry",
        ["outcome_at"],
        unique=False,
        schema="storyfold",
        postgresql_where=sa.text("outcome = 'quarantined'"),
    )
    op.add_column(
        "feed",
        sa.Column(
            "parent_id", sa.Integer(), nullable=True, comment="sitemap index that names it; null when its file does"
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True, comment="last change by its index's word"),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "entries_per_hour",
            sa.Double(),
            nullable=True,
            comment="new entries, estimated from its documents; null before the first",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "peak_per_hour",
            sa.Double(),
            server_default="0",
            nullable=False,
            comment="most new entries between two documents, slowly forgotten",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "failure_weight",
            sa.Double(),
            server_default="0",
            nullable=False,
            comment="of these: hard 1, soft .5, passing .25",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "polls_since_full",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="polls since one without validators",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "listed",
            sa.ARRAY(sa.LargeBinary()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="URL keys of the last document that listed any",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "newest_at", sa.DateTime(timezone=True), nullable=True, comment="latest time that the last document named"
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="last answer whose bytes differed from the one before",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="polled rarely since then: it stays the same and is old; null when it lives",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "sample",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="place in the archive of the last answer that could not be read",
        ),
        schema="storyfold",
    )
    op.add_column(
        "feed",
        sa.Column(
            "not_before",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its server asked not to be asked sooner: a person's run keeps to it too",
        ),
        schema="storyfold",
    )
    op.alter_column(
        "feed",
        "active",
        existing_type=sa.BOOLEAN(),
        comment="false once the source's file, or its index, no longer lists it",
        existing_comment="false once the source's file no longer lists it",
        existing_nullable=False,
        schema="storyfold",
    )
    op.alter_column(
        "feed",
        "interval_s",
        existing_type=sa.DOUBLE_PRECISION(precision=53),
        comment="seconds between two polls, by its present rhythm",
        existing_comment="seconds between two scheduled polls",
        existing_nullable=False,
        schema="storyfold",
    )
    op.alter_column(
        "feed",
        "next_due_at",
        existing_type=postgresql.TIMESTAMP(timezone=True),
        comment="a scheduled run polls it from then on; null: at once, or never while it is retired",
        existing_comment="a scheduled run polls it from then on",
        existing_nullable=True,
        schema="storyfold",
    )
    op.create_index(op.f("feed_parent_id_idx"), "feed", ["parent_id"], unique=False, schema="storyfold")
    op.create_foreign_key(
        op.f("feed_parent_id_fkey"),
        "feed",
        "feed",
        ["parent_id"],
        ["id"],
        source_schema="storyfold",
        referent_schema="storyfold",
    )
    op.add_column(
        "page",
        sa.Column(
            "opt_outs",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="signals that reserve it from mining or training",
        ),
        schema="storyfold",
    )
    op.alter_column(
        "page",
        "warc_file",
        existing_type=sa.TEXT(),
        comment="relative to the archive; the absolute path of one that was loaded",
        existing_comment="relative to the archive",
        existing_nullable=False,
        schema="storyfold",
    )
    op.drop_index(op.f("page_source_id_idx"), table_name="page", schema="storyfold")
    op.create_index("page_source_idx", "page", ["source_id", "fetched_at"], unique=False, schema="storyfold")
    op.create_index(op.f("page_warc_file_idx"), "page", ["warc_file"], unique=False, schema="storyfold")
    op.alter_column(
        "revision",
        "flags",
        existing_type=postgresql.ARRAY(sa.TEXT()),
        comment="teaser, live-blog, feed-text",
        existing_comment="teaser, live-blog",
        existing_nullable=False,
        schema="storyfold",
    )
    op.drop_index(op.f("revision_url_key_idx"), table_name="revision", schema="storyfold")
    op.drop_column("revision", "url_key", schema="storyfold")
    op.add_column(
        "source",
        sa.Column(
            "expect",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="what its file says it is when it is well",
        ),
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "keep_params",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="[urls] keep of its file",
        ),
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "drop_params",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="[urls] drop of its file",
        ),
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "domains",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="registrable domains of its URLs",
        ),
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "held_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its pages wait unread since then: it broke an expectation; null when they do not",
        ),
        schema="storyfold",
    )
    op.add_column(
        "source",
        sa.Column(
            "released_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a person released it; what came before is not held against it",
        ),
        schema="storyfold",
    )
    op.alter_column(
        "run",
        "line",
        existing_type=sa.TEXT(),
        comment="discover, collect, ingest, load, backfill",
        existing_comment="discover, collect, ingest, load",
        existing_nullable=False,
        schema="storyfold",
    )
