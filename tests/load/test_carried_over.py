"""A store of before settling had narrow tables: what is settled and what waits is carried over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from planted import SPEC, Planted, planted_stream, print_of
from sqlalchemy import Engine, create_engine, text
from stored import NOW, settle_all, stories

from load import engine as store
from load import index
from load.resketch import make_first
from load.rows import to_bigints, to_bytes
from load.specs import ForeignSpec
from transform.model import ArticleId
from transform.verify import MatchPolicy, Side

FIRST, SECOND = planted_stream(seed=5, stories=2, copies=1)
OLD_VIEWS = """
    CREATE SCHEMA news;
    CREATE VIEW news.revision AS
        SELECT revision.id, revision.article_id, revision.kind, revision.id = article.revision_id AS is_current,
               source.name AS source, revision.url
        FROM storyfold.revision JOIN storyfold.article ON article.id = revision.article_id
        JOIN storyfold.source ON source.id = article.source_id;
    CREATE VIEW news.cut AS
        SELECT revision.article_id, cut.revision_id FROM storyfold.cut
        JOIN storyfold.revision ON revision.id = cut.revision_id;
    CREATE VIEW public.mine AS SELECT url, kind FROM news.revision WHERE is_current"""


@pytest.fixture
def old(bare_database_url: str) -> Iterator[Engine]:
    """One settled article and one that waits, as the third migration stored them."""
    engine = create_engine(bare_database_url)
    config = Config()
    config.set_main_option("script_location", "load:migrations")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA storyfold")
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.exec_driver_sql(OLD_VIEWS)
        connection.exec_driver_sql(
            "INSERT INTO storyfold.source (name, title, tier, active) VALUES ('made-up', 'Made up', 2, true)"
        )
    for number, item in enumerate((FIRST, SECOND), start=1):
        _store(engine, number, item)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """INSERT INTO storyfold.article (url, url_key, source_id, revision_id, first_fetched_at)
               SELECT url, '\\x01', 1, id, fetched_at FROM storyfold.revision WHERE id = 1;
               UPDATE storyfold.revision SET article_id = 1, kind = 'first' WHERE id = 1;
               UPDATE storyfold.page SET settled_at = read_at, read_spec = 'old' WHERE id = 1"""
        )
    yield engine
    engine.dispose()


def test_what_is_settled_and_what_waits_is_carried_over(old: Engine) -> None:
    store.upgrade(old)
    assert store.check(old) == []
    with old.connect() as connection:
        placed = "SELECT article_id, kind, is_current, url FROM news.revision"
        assert [tuple(row) for row in connection.execute(text(placed))] == [(1, "first", True, FIRST.url)]
        assert [tuple(row) for row in connection.execute(text("SELECT * FROM mine"))] == [(FIRST.url, "first")]
        waiting = "SELECT page_id, revision_id, entry_id, source_id, fetched_at, read_before FROM storyfold.unsettled"
        assert [tuple(row) for row in connection.execute(text(waiting))] == [(2, 2, 2, 1, NOW, False)]


def test_what_waited_is_settled_after_the_upgrade(old: Engine) -> None:
    store.upgrade(old)
    engine = store.connect(old.url.render_as_string(hide_password=False))
    settle_all(engine)
    assert [members for _, _, members in stories(engine)] == [(SECOND.url,)]
    engine.dispose()


def test_what_was_settled_is_compared_by_the_spec_of_today(old: Engine) -> None:
    with old.begin() as connection:
        connection.exec_driver_sql("UPDATE storyfold.sketch SET spec = 'former', bands = ARRAY[2^33, 2^44]")
        connection.exec_driver_sql("INSERT INTO storyfold.band (key, article_id) VALUES (2^33, 1), (2^44, 1)")
    store.upgrade(old)
    with pytest.raises(ForeignSpec, match="an older storyfold"):
        settle_all(old)
    assert make_first(old, SPEC, MatchPolicy(), 1000, NOW) == 1
    assert make_first(old, SPEC, MatchPolicy(), 1000, NOW) == 0
    settle_all(old)
    assert [members for _, _, members in stories(old)] == [(SECOND.url,)]
    with old.connect() as connection:
        copy = Side(id=ArticleId(9), day=1, print=print_of(FIRST.text))
        assert index.candidates(connection, 2, [copy], {}, 5) == [{1}]
        assert connection.scalar(text("SELECT count(*) FROM storyfold.band_2_0")) == 2 * len(copy.print.bands)


def _store(engine: Engine, number: int, item: Planted) -> None:
    print_ = print_of(item.text)
    values = {
        "url": item.url,
        "key": bytes([number]),
        "now": NOW,
        "title": item.text[:20],
        "text": item.text,
        "words": print_.words,
        "digest": print_.text_digest,
        "spec": print_.spec,
        "shingles": to_bytes(print_.shingles),
        "facts": to_bytes(print_.facts),
        "bands": to_bigints(print_.bands),
        "id": number,
    }
    statements = (
        """INSERT INTO storyfold.entry (source_id, url, url_key, host, domain, first_seen_at, last_seen_at)
           VALUES (1, :url, :key, 'a.example', 'a.example', :now, :now)""",
        """INSERT INTO storyfold.page (entry_id, source_id, url, final_url, status, headers, fetched_at, body_digest,
               body_bytes, warc_file, warc_offset, warc_length, read_at)
           VALUES (:id, 1, :url, :url, 200, '[]', :now, :key, 1, 'none', 0, 1, :now)""",
        """INSERT INTO storyfold.revision (page_id, read_spec, url, title, authors, text, extractor, fetched_at, flags,
               words, text_digest)
           VALUES (:id, 'old', :url, :title, '{}', :text, 'lines', :now, '{}', :words, :digest)""",
        """INSERT INTO storyfold.sketch (revision_id, spec, signature, shingles, facts, bands)
           VALUES (:id, :spec, '\\x00', :shingles, :facts, :bands)""",
    )
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)
