"""What analysts see: the views say what their comments promise, can be made at any time, and show nothing else."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, NOON, Told, announce, copies, fetch, keep_sources, publish
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from extract.model import Certainty, Credit, Reason, Rejection
from load import entries, views

FOLDER = files("load") / "views"
VIEWS = [name for name in views.DEFINITIONS if name != "search"]


def rows(engine, query, /, **values):
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query), values).mappings()]


def names(engine, query, /, **values):
    return [next(iter(row.values())) for row in rows(engine, query, **values)]


# --- Definitions ----------------------------------------------------------------------------------------------


def test_every_file_is_a_definition_and_opens_with_the_question_it_answers():
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}.sql" for name in views.DEFINITIONS}
    for name in views.DEFINITIONS:
        assert re.match(r"-- [A-Z].*\?\n", (FOLDER / f"{name}.sql").read_text("utf-8")), name


def test_every_view_and_column_says_what_it_means(engine):
    silent = rows(
        engine,
        """SELECT relname, attname FROM pg_class
           JOIN pg_attribute ON attrelid = pg_class.oid AND attnum >= 0 AND NOT attisdropped
           WHERE relnamespace = 'news'::regnamespace AND relkind = 'v'
             AND (col_description(pg_class.oid, attnum) IS NULL OR obj_description(pg_class.oid, 'pg_class') IS NULL)""",
    )
    assert silent == []
    assert sorted(names(engine, "SELECT viewname FROM pg_views WHERE schemaname = 'news'")) == sorted(VIEWS)
    assert names(engine, "SELECT obj_description(oid, 'pg_proc') FROM pg_proc WHERE proname = 'search'") != [None]


def test_views_can_be_made_again_and_after_they_were_dropped(engine):
    for _ in range(2):
        with engine.begin() as connection:
            connection.execute(text("COMMENT ON SCHEMA news IS 'made by hand'"))
            views.create_views(connection)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA news CASCADE"))
        views.create_views(connection)
    assert rows(engine, "SELECT * FROM news.story") == []


def test_two_processes_may_make_them_at_once(engine):
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA news CASCADE"))

    def make(_: int) -> None:
        with engine.begin() as connection:
            views.create_views(connection)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    assert rows(engine, "SELECT * FROM news.story") == []


def test_unchanged_views_do_not_wait_for_those_who_read_them(engine):
    with engine.begin() as reader, engine.begin() as connection:
        reader.execute(text("LOCK TABLE news.story IN ACCESS SHARE MODE"))
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        views.create_views(connection)


# --- Who may read ---------------------------------------------------------------------------------------------


def test_the_reader_may_read_the_views_and_nothing_else(engine):
    publish(engine, *copies("harbour-courier"))
    with engine.connect() as connection:
        connection.execute(text("SET ROLE news_reader"))
        for name in VIEWS:
            connection.execute(text(f"SELECT * FROM news.{name}"))
        assert connection.scalar(text("SELECT story_id FROM news.search('harbour')"))
        for query in ("SELECT * FROM storyfold.entry", "DELETE FROM news.story_change", "CREATE TABLE news.mine ()"):
            with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
                connection.execute(text(query))


def test_a_user_who_may_not_create_roles_gets_the_views_and_is_told(engine, monkeypatch, caplog):
    monkeypatch.setattr(views, "READER", "nobody_made_this_role")
    with engine.connect() as connection, caplog.at_level(logging.WARNING):
        connection.execute(text("DROP SCHEMA news CASCADE"))
        connection.execute(text("CREATE ROLE no_role_maker"))
        connection.execute(text(f'GRANT CREATE ON DATABASE "{engine.url.database}" TO no_role_maker'))
        connection.execute(text("GRANT USAGE ON SCHEMA storyfold TO no_role_maker"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA storyfold TO no_role_maker"))
        connection.execute(text("SET LOCAL ROLE no_role_maker"))
        views.create_views(connection)
        assert connection.execute(text("SELECT * FROM news.story")).all() == []
        connection.rollback()
    assert "CREATE ROLE nobody_made_this_role" in caplog.text


# --- What they say --------------------------------------------------------------------------------------------


def test_a_story_is_shown_by_its_canonical_article(engine):
    first, *_ = publish(engine, *copies("northline", "harbour-courier", "dailyloop"))
    (story,) = rows(engine, "SELECT * FROM news.story")
    assert (story["articles"], story["sources"], story["canonical_article_id"]) == (3, 3, first)
    assert (story["source"], story["canonical_rule"]) == ("northline", "earliest")
    assert story["text"] == "\n\n".join(HARBOUR_FIRE)
    assert story["last_published_at"] - story["first_published_at"] == timedelta(hours=1)


def test_each_copy_names_the_match_that_ties_it_to_its_story(engine):
    first, second = publish(engine, *copies("northline", "harbour-courier"))
    (tied,) = rows(engine, "SELECT * FROM news.story_article WHERE NOT is_canonical")
    assert (tied["article_id"], tied["matched_article_id"], tied["match_kind"], tied["jaccard"]) == (
        second,
        first,
        "same",
        1.0,
    )


CLONES = 300


@pytest.fixture
def wide(engine: Engine) -> Engine:
    """A store of one story of three hundred copies, each a minute after the other; by the statistics it is of three."""
    publish(engine, *copies("northline", "harbour-courier"))
    cloned = """
        WITH told AS (INSERT INTO storyfold.revision (page_id, read_spec, url, title, authors, text, extractor,
                          published_at, date_precision, fetched_at, flags, words, text_digest, agency, agency_certainty)
                      SELECT page_id, read_spec, url, title, authors, text, extractor,
                             published_at + n * interval '1 minute', 'minute', fetched_at, flags, words, text_digest,
                             CASE n % 5 WHEN 0 THEN 'AFP' WHEN 1 THEN 'dpa' END, CASE WHEN n % 5 < 2 THEN 'likely' END
                      FROM storyfold.revision, generate_series(1, :most) AS n WHERE revision.id = 1
                      RETURNING id),
        copy AS (INSERT INTO storyfold.article (url, url_key, source_id, revision_id, first_fetched_at)
                 SELECT 'https://copy.example/' || told.id, sha256(told.id::text::bytea), source_id, told.id,
                        first_fetched_at
                 FROM storyfold.article, told WHERE article.id = 1
                 RETURNING id),
        tied AS (INSERT INTO storyfold.match (left_id, right_id, kind, jaccard, jaccard_filtered, containment, facts,
                     run, inner_id, span_start, span_end, policy, matched_at)
                 SELECT copy.id - 1, copy.id, kind, jaccard, jaccard_filtered, containment, facts, run, inner_id, span_start,
                        span_end, policy, matched_at
                 FROM storyfold.match, copy WHERE left_id = 1 AND right_id = 2),
        others AS (INSERT INTO storyfold.story (id, kind, articles, canonical_id, changed_at)
                   SELECT 1000 + n, 'story', 2, 1, now() FROM generate_series(1, :most) AS n),
        joined AS (INSERT INTO storyfold.story_member (article_id, story_id, container)
                   SELECT 10000 + n, 1000 + n / 2, false FROM generate_series(2, 2 * :most) AS n)
        INSERT INTO storyfold.story_member (article_id, story_id, container) SELECT id, 1, false FROM copy"""
    with engine.begin() as connection:
        connection.execute(text(cloned), {"most": CLONES})
        connection.execute(
            text("UPDATE storyfold.story SET articles = articles + :most WHERE id = 1"), {"most": CLONES}
        )
        connection.execute(text("ANALYZE"))
    return engine


def handled(plan: dict) -> int:
    """The rows that the steps of a plan have handed on or thrown away, all their rounds together."""
    thrown = sum(plan.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Join Filter", "Index Recheck"))
    own = (plan["Actual Rows"] + thrown) * plan["Actual Loops"]
    return round(own) + sum(handled(step) for step in plan.get("Plans", []))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM news.story_article WHERE story_id = 1",
        "SELECT * FROM news.story_article WHERE article_id = 2",
        "SELECT * FROM news.story_article WHERE story_id = 1 AND place <= 3",
        "SELECT * FROM news.story WHERE id = 1",
        "SELECT story.title, place FROM news.story JOIN news.story_article AS copy ON story_id = story.id WHERE story.id = 1",
        "SELECT * FROM news.story ORDER BY last_published_at DESC NULLS LAST LIMIT 50",
    ],
)
def test_a_large_story_is_told_without_reading_all_of_it_again_for_each_copy(wide, query):
    (told,) = rows(wide, f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}")
    assert handled(told["QUERY PLAN"][0]["Plan"]) < 50 * CLONES


def test_an_article_has_its_current_text_and_former_ones_stay_on_record(engine):
    told = Told(url="https://northline.example/toll", paragraphs=BRIDGE_TOLL, cuts=["Read also: Ferries"])
    (article,) = publish(engine, told)
    later = Told(url=told.url, paragraphs=(*BRIDGE_TOLL, HARBOUR_FIRE[2]), cuts=["Read also: Boats"])
    publish(engine, later, now=NOON + timedelta(hours=1))
    revisions = rows(engine, "SELECT kind, is_current FROM news.revision ORDER BY id")
    assert revisions == [{"kind": "first", "is_current": False}, {"kind": "update", "is_current": True}]
    (current,) = rows(engine, "SELECT * FROM news.article")
    assert current["id"] == article and current["text"].endswith(HARBOUR_FIRE[2])
    cuts = rows(engine, "SELECT text, kind, rule, article_id FROM news.cut WHERE is_current")
    assert cuts == [
        {"text": "Read also: Boats", "kind": "related", "rule": "en.related.see-also", "article_id": article}
    ]


def test_pairs_are_those_that_overlap_and_not_every_candidate(engine):
    left, right = publish(engine, *copies("northline", "harbour-courier"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.match SET kind = 'different', failed = 'facts'"))
    assert rows(engine, "SELECT * FROM news.duplicate_pair") == []
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.match SET kind = 'lifted'"))
    (pair,) = rows(engine, "SELECT * FROM news.duplicate_pair")
    assert (pair["left_id"], pair["right_id"], pair["in_same_story"]) == (left, right, True)


def test_the_ledger_adds_up_by_source_and_in_total(engine):
    keep_sources(engine, "harbour-courier", "silent")
    publish(engine, *copies("harbour-courier"))
    gone, private, _ = announce(engine, "harbour-courier", *(f"https://h.example/{n}" for n in range(3)))
    (robots,) = announce(engine, "northline", "https://n.example/1")
    with engine.begin() as connection:
        for entry_id, reason in ((gone, Reason.GONE), (private, Reason.GONE), (robots, Reason.ROBOTS)):
            entries.reject(connection, entry_id, Rejection(url="", reason=reason), NOON)
    ledger = {row["source"]: row for row in rows(engine, "SELECT * FROM news.outcome_ledger")}
    assert all(row["adds_up"] for row in ledger.values())
    assert ledger["silent"]["discovered"] == 0
    courier, total = ledger["harbour-courier"], ledger[None]
    assert (courier["discovered"], courier["loaded"], courier["pending"], courier["rejected"]) == (4, 1, 1, 2)
    assert (total["discovered"], total["rejected_reasons"]) == (5, {"gone": 2, "robots": 1})


def test_outcomes_count_in_the_hour_in_which_they_came_about(engine):
    publish(engine, *copies("harbour-courier"))
    gone, _ = announce(engine, "harbour-courier", "https://h.example/1", "https://h.example/2")
    with engine.begin() as connection:
        later = NOON + timedelta(minutes=61)
        entries.reject(connection, gone, Rejection(url="", reason=Reason.GONE), later)
    counted = rows(engine, "SELECT hour, outcome, reason, entries FROM news.outcome_hour ORDER BY hour")
    assert [tuple(row.values()) for row in counted] == [
        (NOON, "loaded", None, 1),
        (NOON + timedelta(hours=1), "rejected", "gone", 1),
    ]


def test_the_backlog_has_every_queue_and_when_its_first_came(engine):
    now = datetime.now(UTC)
    keep_sources(engine, "harbour-courier")
    first, _ = announce(engine, "harbour-courier", "https://h.example/1", "https://h.example/2", now=now)
    fetch(engine, first, now=now)
    told = {row["what"]: (row["waiting"], row["since"]) for row in rows(engine, "SELECT * FROM news.backlog")}
    assert told == {
        "feeds that are due": (1, None),
        "pages to fetch": (1, now),
        "pages to read": (1, now),
        "texts to settle": (0, None),
    }


def test_source_health_counts_what_each_feed_was_first_to_announce(engine):
    keep_sources(engine, "harbour-courier", "silent")
    now = datetime.now(UTC)
    announce(engine, "harbour-courier", "https://h.example/1", now=now)
    announce(engine, "harbour-courier", "https://h.example/2", now=now - timedelta(days=3))
    announce(engine, "harbour-courier", "https://h.example/3", now=now - timedelta(days=30))
    announce(engine, "by-hand", "https://h.example/4", now=now)
    health = {row["source"]: row for row in rows(engine, "SELECT * FROM news.source_health")}
    counted = {name: (row["entries_24h"], row["entries_7d"], row["state"]) for name, row in health.items()}
    assert counted == {"harbour-courier": (1, 2, "new"), "silent": (0, 0, "new"), "by-hand": (1, 1, None)}


def test_changes_can_be_followed_by_a_cursor(engine):
    publish(engine, *copies("northline"))
    (cursor,) = names(engine, "SELECT max(id) FROM news.story_change")
    _, second = publish(engine, *copies("northline", "harbour-courier"))
    changes = rows(engine, "SELECT change, article_id FROM news.story_change WHERE id > :cursor", cursor=cursor)
    assert changes == [{"change": "joined", "article_id": second}]


def test_a_merged_story_is_shown_no_more_but_leads_to_the_living_one(engine):
    publish(engine, *copies("northline"))
    with engine.begin() as connection:
        for id_, into in ((101, 1), (102, 101), (103, 102)):  # the product keeps such chains short; the view need not
            connection.execute(
                text(
                    "INSERT INTO storyfold.story (id, kind, articles, changed_at, merged_into)"
                    " VALUES (:id, 'story', 0, now(), :into)"
                ),
                {"id": id_, "into": into},
            )
    assert names(engine, "SELECT id FROM news.story") == [1]
    assert rows(engine, "SELECT * FROM news.story_redirect ORDER BY id") == [
        {"id": id_, "living_id": 1} for id_ in (101, 102, 103)
    ]


# --- Search ---------------------------------------------------------------------------------------------------


@pytest.fixture
def searchable(engine: Engine) -> Engine:
    """A story of two copies about a fire, and one in Polish about a bridge."""
    polish = ("Most w Wierzbinie zostanie zamknięty do września. Objazd poprowadzi przez Łąki Dolne, a autobusy",) * 2
    told = Told(
        url="https://kurier.example/most",
        title="Most zamknięty",
        paragraphs=polish,
        source="kurier",
        language="pl",
        published_at=NOON + timedelta(days=1),
    )
    publish(engine, *copies("northline", "harbour-courier"), told)
    return engine


def test_search_finds_a_story_once_whatever_the_case_and_the_accents(searchable):
    (found,) = rows(searchable, "SELECT * FROM news.search('KÉSTREL')")
    assert (found["articles"], found["source"], found["title"]) == (2, "northline", Told(url="").title)
    assert [row["snippet"] for row in rows(searchable, "SELECT * FROM news.search('laki')")] != []


def test_the_snippet_shows_the_words_that_were_found(searchable):
    (found,) = rows(searchable, "SELECT * FROM news.search('ferry')")
    assert "the **ferry** to Brede" in found["snippet"] and "\n" not in found["snippet"]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("harbour fire", 1),
        ("harbour most", 0),
        ("harbour or most", 2),
        ('"Kestrel harbour"', 1),
        ('"harbour Kestrel"', 0),
        ("harbour -fire", 0),
        ("", 0),
        ("!&|(':*", 0),
    ],
)
def test_queries_are_written_as_for_a_search_engine(searchable, query, number):
    assert len(rows(searchable, "SELECT * FROM news.search(:query)", query=query)) == number


def test_search_can_be_narrowed(searchable):
    everything = "harbour or most"
    narrowed = "SELECT source FROM news.search(:query, language => 'pl')"
    assert names(searchable, narrowed, query=everything) == ["kurier"]
    recent = "SELECT source FROM news.search(:query, since => :since)"
    assert names(searchable, recent, query=everything, since=NOON + timedelta(hours=2)) == ["kurier"]
    assert len(names(searchable, "SELECT source FROM news.search(:query, 1)", query=everything)) == 1
    assert len(names(searchable, "SELECT source FROM news.search(:query, NULL)", query=everything)) == 2


def test_a_word_in_the_title_counts_for_more(engine):
    publish(
        engine,
        Told(url="https://a.example/1", title="Nothing much", paragraphs=BRIDGE_TOLL, source="a"),
        Told(url="https://b.example/2", title="Ambulances delayed", paragraphs=HARBOUR_FIRE, source="b"),
    )
    assert names(engine, "SELECT source FROM news.search('ambulances')") == ["b", "a"]


@pytest.mark.parametrize("view", ["article", "revision"])
def test_what_a_page_says_of_its_article_is_kept_and_shown(engine, view):
    labels = {
        "section": "Harbour",
        "tags": ["fire", "rope store"],
        "image": "https://harbour-courier.example/fire.jpg",
        "translator": "Ada Brook",
        "utc_offset": -210,
    }
    credit = Credit(agency="AFP", certainty=Certainty.LIKELY, evidence="signed 'AFP'")
    told = Told(url="https://harbour-courier.example/fire", credit=credit, material=["dpa"], **labels)
    publish(engine, told, Told(url="https://other.example/toll", paragraphs=BRIDGE_TOLL))
    labels |= {
        "agency": "AFP",
        "agency_certainty": "likely",
        "agency_evidence": "signed 'AFP'",
        "agency_material": ["dpa"],
    }
    shown = rows(engine, f"SELECT {', '.join(labels)} FROM news.{view} ORDER BY url")
    assert shown == [labels, dict.fromkeys(labels) | {"tags": [], "agency_material": []}]
