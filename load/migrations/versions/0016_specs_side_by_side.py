"""Fingerprints and keys of several specs side by side: each spec has tables of its own, and the store knows its specs."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What programs up to here made their fingerprints by, and its digest; no store said so itself.
PARAMETERS = {
    "version": 2, "width": 5, "characters": 8, "letters": 15, "permutations": 128, "seed": 1, "scheme": "affine32",
    "bands": 20, "rows": 5, "lead_words": 60, "lead_width": 3, "lead_bands": 10, "lead_rows": 2, "min_words": 25,
}  # fmt: skip
DIGEST = bytes.fromhex("80d425d441092d38")
COUNTED = {"shingle_run": "position", "shingle_count": "chunk", "published_day": "day"}


def upgrade() -> None:
    _create_specs()
    digest = _digest_of_all()
    if digest is not None:
        known = json.dumps(PARAMETERS) if digest == DIGEST else None
        op.get_bind().execute(
            sa.text(
                """INSERT INTO storyfold.sketch_spec (number, digest, parameters, state, counts, begun_at, switched_at)
                   VALUES (1, :digest, CAST(:known AS jsonb), 'current', 1, now(), now())"""
            ),
            {"digest": digest, "known": known},
        )
    _part_sketches(are_any=digest is not None)
    _rename_slices()
    _count_by_spec()
    op.execute("DELETE FROM storyfold.store_state WHERE name = 'sketch_spec'")
    op.alter_column(
        "store_state",
        "name",
        comment="url_rules: those by which its keys are made; reading_spec: that by which pages are read; archive_moment: by which the last file of its archive was named, in microseconds since 1970",
        schema="storyfold",
    )


def _create_specs() -> None:
    op.create_table(
        "sketch_spec",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False, comment="names its tables"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of the SketchSpec, in every key"),
        sa.Column(
            "parameters", JSONB(), comment="of the SketchSpec; null where a program that did not keep them made it"
        ),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="current: articles are compared by it; building: it is to be; retired: it was, or was given up",
        ),
        sa.Column(
            "counts",
            sa.SmallInteger(),
            nullable=False,
            comment="spec by whose shingles its recurring phrases are counted",
        ),
        sa.Column(
            "position",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="while it is built: its fingerprints are made up to this article, in the order of their ids",
        ),
        sa.Column(
            "until",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="the last article when its building began; what is settled after that is in settled_since",
        ),
        _when("begun_at", "when its building began", nullable=False),
        _when("switched_at", "when it became current, last"),
        _when("retired_at", "when it was given up for another, last"),
        _when("dropped_at", "when its fingerprints and keys were dropped; null while they are there"),
        sa.CheckConstraint("state IN ('current', 'building', 'retired')", name=op.f("sketch_spec_state_check")),
        sa.PrimaryKeyConstraint("number", name=op.f("sketch_spec_pkey")),
        sa.UniqueConstraint("digest", name=op.f("sketch_spec_digest_key")),
        schema="storyfold",
        comment="The specs of the store's fingerprints: the one by which articles are compared, and the one to come",
    )
    op.create_index(
        "sketch_spec_state_idx",
        "sketch_spec",
        ["state"],
        unique=True,
        schema="storyfold",
        postgresql_where=sa.text("state <> 'retired'"),
    )
    op.create_table(
        "settled_since",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="in order of settling"),
        sa.Column("article_id", sa.BigInteger(), nullable=False, comment="the article"),
        sa.PrimaryKeyConstraint("id", name=op.f("settled_since_pkey")),
        schema="storyfold",
        comment="Articles that came or changed while a spec is built, and that it does not have yet",
    )


def _when(name: str, comment: str, *, nullable: bool = True) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _digest_of_all() -> bytes | None:
    """The digest of the spec that made all fingerprints; another than ours where they are of several, None for none."""
    said = op.get_bind().scalar(sa.text("SELECT value FROM storyfold.store_state WHERE name = 'sketch_spec'"))
    if said == DIGEST.hex():  # all were of it when anything was settled last; they need not be looked through
        return DIGEST
    found = [bytes(one) for one in op.get_bind().scalars(sa.text("SELECT DISTINCT spec FROM storyfold.sketch"))]
    return next((one for one in found if one != DIGEST), found[0]) if found else None


def _part_sketches(*, are_any: bool) -> None:
    op.execute(
        """ALTER TABLE storyfold.sketch DROP CONSTRAINT sketch_revision_id_fkey;
           ALTER TABLE storyfold.sketch DROP COLUMN spec;
           ALTER TABLE storyfold.sketch ADD COLUMN words integer, ADD COLUMN text_digest bytea;
           ALTER TABLE storyfold.sketch RENAME TO sketch_1;
           ALTER INDEX storyfold.sketch_pkey RENAME TO sketch_1_pkey"""
    )
    op.create_table(
        "sketch",
        sa.Column(
            "revision_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="the text; no foreign key, as it is written by COPY",
        ),
        sa.Column(
            "shingles",
            sa.LargeBinary(),
            nullable=False,
            comment="shingle hashes in text order, uint64 little-endian",
        ),
        sa.Column(
            "facts",
            sa.LargeBinary(),
            nullable=False,
            comment="hashes of numbers and names, sorted, uint64 little-endian",
        ),
        sa.Column("bands", ARRAY(sa.BigInteger()), nullable=False, comment="LSH band keys"),
        sa.Column("words", sa.Integer(), comment="as this spec counts them; null where the revision says the same"),
        sa.Column("text_digest", sa.LargeBinary(), comment="of the text as this spec compares it; null as for words"),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("sketch_pkey")),
        schema="storyfold",
        comment="Fingerprints of texts; the rows are in tables that inherit from it, one a spec: sketch_1, sketch_2, …",
    )
    for column in ("shingles", "facts", "bands"):  # hashes, which do not shrink; each spec's table has it from here
        op.execute(f"ALTER TABLE storyfold.sketch ALTER COLUMN {column} SET STORAGE EXTERNAL")
    op.execute(
        "ALTER TABLE storyfold.sketch_1 INHERIT storyfold.sketch" if are_any else "DROP TABLE storyfold.sketch_1"
    )


def _rename_slices() -> None:
    for number in op.get_bind().scalars(sa.text("SELECT number FROM storyfold.band_slice")).all():
        op.execute(f"ALTER TABLE storyfold.band_{number} RENAME TO band_1_{number}")
    op.create_table_comment(
        "band",
        "The near-duplicate index: articles that share a key are candidates; the rows are in tables that inherit"
        " from it, band_1_0, band_1_1, …, each of a spec and of a slice of 4,194,304 article ids",
        schema="storyfold",
    )


def _count_by_spec() -> None:
    for table in (*COUNTED, "stop_list"):
        op.add_column(
            table,
            sa.Column(
                "spec",
                sa.SmallInteger(),
                nullable=False,
                server_default="1",
                comment="number of the sketch_spec whose shingles they are",
            ),
            schema="storyfold",
        )
        op.alter_column(table, "spec", server_default=None, schema="storyfold")
        op.drop_constraint(f"{table}_pkey", table, schema="storyfold")
    for table, key in COUNTED.items():
        op.create_primary_key(f"{table}_pkey", table, ["spec", key], schema="storyfold")
    op.create_primary_key("stop_list_pkey", "stop_list", ["spec"], schema="storyfold")
