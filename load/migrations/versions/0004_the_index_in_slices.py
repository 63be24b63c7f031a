"""The near-duplicate index in slices, one number a row; stop-shingles counted beside the way of each article."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STOP_DAYS = 5  # of the only policy that there was
CHUNKS = 64


def upgrade() -> None:
    _slice_the_index()
    _create_counts()
    _carry_counts()
    op.drop_table("shingle_day", schema="storyfold")


def _slice_the_index() -> None:
    op.rename_table("band", "former_band", schema="storyfold")
    op.execute("ALTER INDEX storyfold.band_pkey RENAME TO former_band_pkey")
    op.create_table(
        "band",
        sa.Column(
            "entry",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="42 bits of a band key (hash of spec, band number and the band's rows), 22 of the article's id",
        ),
        sa.PrimaryKeyConstraint("entry", name=op.f("band_pkey")),
        schema="storyfold",
        comment="The near-duplicate index: articles that share a key are candidates; the rows are in tables that inherit from it, band_0, band_1, …, each a slice of 4,194,304 article ids",
    )
    op.create_table(
        "band_slice",
        sa.Column(
            "number", sa.Integer(), autoincrement=False, nullable=False, comment="of the slice: article id >> 22"
        ),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when an article was last entered into it",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("band_slice_pkey")),
        schema="storyfold",
        comment="The slices of the near-duplicate index",
    )
    connection = op.get_bind()
    for number in connection.scalars(sa.text("SELECT DISTINCT article_id >> 22 FROM storyfold.former_band")).all():
        table = f"storyfold.band_{number}"
        op.execute(f"CREATE TABLE {table} () INHERITS (storyfold.band) WITH (autovacuum_freeze_min_age = 0)")
        op.execute(
            f"""INSERT INTO {table} SELECT DISTINCT (key & ~4194303) | (article_id & 4194303) AS entry
                FROM storyfold.former_band WHERE article_id >> 22 = {number} ORDER BY entry"""
        )
        op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (entry)")
        op.execute(f"INSERT INTO storyfold.band_slice VALUES ({number}, now())")
    op.drop_table("former_band", schema="storyfold")


def _create_counts() -> None:
    op.create_table(
        "shingle_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False, comment="how many were settled together"),
        sa.Column(
            "days",
            sa.LargeBinary(),
            nullable=False,
            comment="of each text, uint16 little-endian, counted from 1900-01-01",
        ),
        sa.Column(
            "lengths",
            sa.LargeBinary(),
            nullable=False,
            comment="sampled shingles of each text, uint32 little-endian",
        ),
        sa.Column(
            "hashes",
            sa.LargeBinary(),
            nullable=False,
            comment="these shingles, text after text, uint64 little-endian",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("shingle_run_pkey")),
        schema="storyfold",
        comment="What was settled since the stop list was renewed, one row a batch; the next renewal takes it up",
    )
    op.create_table(
        "shingle_count",
        sa.Column(
            "chunk", sa.SmallInteger(), autoincrement=False, nullable=False, comment="highest 6 bits of the hash"
        ),
        sa.Column(
            "sightings",
            sa.LargeBinary(),
            nullable=False,
            comment="48 bits of a shingle's hash, 16 of a day on which it was seen: uint64 little-endian, sorted",
        ),
        sa.PrimaryKeyConstraint("chunk", name=op.f("shingle_count_pkey")),
        schema="storyfold",
        comment="On which days a shingle was seen, until they are enough or it is not seen again for weeks",
    )
    op.create_table(
        "stop_list",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="one more with each renewal"),
        sa.Column("due", sa.Integer(), nullable=False, comment="renewed when so many texts have been settled since"),
        sa.Column(
            "hashes",
            sa.LargeBinary(),
            nullable=False,
            comment="of template shingles, uint64 little-endian, sorted",
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("stop_list_pkey")),
        schema="storyfold",
        comment="The shingles that came back day after day, template text and leftovers: they count for nothing",
    )
    op.add_column(
        "published_day",
        sa.Column("texts", sa.BigInteger(), nullable=True, comment="settled texts of that day, as of the last renewal"),
        schema="storyfold",
    )


def _carry_counts() -> None:
    connection = op.get_bind()
    op.execute(
        """UPDATE storyfold.published_day SET texts = coalesce((
               SELECT texts FROM (SELECT (coalesce(published_at, fetched_at) AT TIME ZONE 'UTC')::date AS day,
                                         count(*) AS texts
                                  FROM storyfold.revision WHERE kind IS NOT NULL AND kind <> 'stale' GROUP BY 1) AS said
               WHERE said.day = published_day.day), 0)"""
    )
    op.alter_column("published_day", "texts", nullable=False, schema="storyfold")
    stop = [_carry_chunk(connection, chunk) for chunk in range(CHUNKS)]
    if sum(map(len, stop)):
        hashes = np.concatenate(stop).astype("<u8").tobytes()
        connection.execute(sa.text("INSERT INTO storyfold.stop_list VALUES (1, 100, :hashes)"), {"hashes": hashes})


def _carry_chunk(connection: sa.Connection, chunk: int) -> np.ndarray:
    """Write the counts of one 64th of the shingles; those that have days enough already, sorted.

    Of the days on which a shingle was seen the last one was kept, and their number: the others are put just before it.
    """
    lowest = (chunk if chunk < CHUNKS // 2 else chunk - CHUNKS) << 58  # a bigint, so the upper half comes first
    rows = connection.execute(
        sa.text(
            """SELECT hash, days, last_day - DATE '1900-01-01' FROM storyfold.shingle_day
               WHERE hash BETWEEN :lowest AND :highest ORDER BY hash"""
        ),
        {"lowest": lowest, "highest": lowest + 2**58 - 1},
    ).all()
    signed, days, last = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3).T
    hashes = np.ascontiguousarray(signed).view(np.uint64)
    enough = days >= STOP_DAYS
    before = [np.arange(count) for count in days[~enough].tolist()]
    seen = np.repeat(last[~enough], days[~enough]) - np.concatenate([np.empty(0, dtype=np.int64), *before])
    upper = np.repeat(hashes[~enough] >> np.uint64(16) << np.uint64(16), days[~enough])
    sightings = np.unique(upper | np.clip(seen, 0, 0xFFFF).astype(np.uint64)).astype("<u8").tobytes()
    if sightings:
        statement = sa.text("INSERT INTO storyfold.shingle_count VALUES (:chunk, :sightings)")
        connection.execute(statement, {"chunk": chunk, "sightings": sightings})
    return hashes[enough]
