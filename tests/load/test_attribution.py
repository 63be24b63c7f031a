"""Who published a story first, in which order it was copied, and whose text it is: what the views say of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import NOON, Told, a_source, publish
from sqlalchemy import Engine, text

from extract.model import Certainty, Credit, DatePrecision
from load import sources

MIDNIGHT = NOON.replace(hour=0)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
UNKNOWN = "which of the two came out first is not known"


def told(name: str, at: datetime | None = NOON, **said: Any) -> Told:
    return Told(url=f"https://{name}.example/fire", source=name, published_at=at, **said)


def says(agency: str = "PAP", certainty: Certainty = Certainty.LIKELY) -> Credit:
    return Credit(agency=agency, certainty=certainty, evidence=f"dateline 'BREDE ({agency}) -'")


def keep_agency(engine: Engine, name: str = "wire", agency: str = "PAP") -> None:
    with engine.begin() as connection:
        sources.sync(connection, [a_source(name, agency=agency)])


def copies(engine: Engine, *columns: str) -> dict[str, Any]:
    """By source, in the order of the copies: what the columns of news.story_article say."""
    query = f"SELECT source, {', '.join(columns)} FROM news.story_article ORDER BY story_id, place"
    with engine.connect() as connection:
        rows = connection.execute(text(query)).all()
    return {row[0]: tuple(row[1:]) if len(columns) > 1 else row[1] for row in rows}


# --- Order ----------------------------------------------------------------------------------------------------


def test_copies_stand_in_the_order_in_which_they_came_out(engine: Engine) -> None:
    publish(engine, told("late", NOON + 90 * MINUTE), told("first"), told("undated", None), told("soon", NOON + MINUTE))
    assert copies(engine, "place", "time_is_exact", "seconds_behind") == {
        "first": (1, True, 0),
        "soon": (2, True, 60),
        "late": (3, True, 5400),
        "undated": (4, False, None),
    }


def test_a_day_without_a_time_does_not_outrank_a_time_on_that_day(engine: Engine) -> None:
    day = DatePrecision.DAY
    publish(
        engine,
        told("today", MIDNIGHT, date_precision=day),
        told("noon"),
        told("yesterday", MIDNIGHT - timedelta(days=1), date_precision=day),
        told("tomorrow", NOON + timedelta(days=1)),
    )
    assert copies(engine, "time_is_exact", "seconds_behind") == {
        "yesterday": (False, None),
        "noon": (True, None),
        "today": (False, None),
        "tomorrow": (True, None),
    }
    assert first_of(engine) == ("yesterday", MIDNIGHT - timedelta(days=1), False)


def first_of(engine: Engine) -> tuple[Any, ...]:
    with engine.connect() as connection:
        query = """SELECT first_source, first_published_at, first_time_is_exact, first_article_id, first_url,
                          (SELECT url FROM news.article WHERE article.id = first_article_id) FROM news.story"""
        source, at, is_exact, _, url, own = connection.execute(text(query)).one()
    assert url == own
    return source, at, is_exact


def test_the_first_publisher_is_not_the_one_whose_date_is_only_a_day(engine: Engine) -> None:
    publish(engine, told("day", MIDNIGHT, date_precision=DatePrecision.DAY), told("noon"))
    assert first_of(engine) == ("noon", NOON, True)


def test_a_story_without_any_date_has_a_first_article_but_no_first_time(engine: Engine) -> None:
    publish(engine, told("a", None), told("b", None))
    assert first_of(engine) == ("a", None, False)


# --- Whose text -----------------------------------------------------------------------------------------------


def test_a_mark_alone_is_as_sure_as_the_mark(engine: Engine) -> None:
    publish(engine, told("post", credit=says()))
    assert copies(engine, "agency", "agency_certainty", "agency_evidence", "is_wire_copy") == {
        "post": ("PAP", "likely", "dateline 'BREDE (PAP) -'", True)
    }


def test_a_mark_and_the_agencys_own_article_are_certain(engine: Engine) -> None:
    keep_agency(engine)
    wire, _ = publish(engine, told("wire", NOON + MINUTE), told("post", credit=says(certainty=Certainty.POSSIBLE)))
    assert copies(engine, "agency", "agency_certainty", "agency_evidence", "is_wire_copy") == {
        "post": ("PAP", "certain", f"dateline 'BREDE (PAP) -'; article {wire} of wire is the agency's own", True),
        "wire": ("PAP", "certain", "its source is the agency", False),
    }


@pytest.mark.parametrize(("alone", "together"), [(Certainty.LIKELY, "certain"), (Certainty.POSSIBLE, "likely")])
def test_two_sources_that_name_the_same_agency_are_surer_than_one(
    engine: Engine, alone: Certainty, together: str
) -> None:
    publish(engine, told("post", credit=says(certainty=alone)), told("herald", credit=says(certainty=alone)))
    assert set(copies(engine, "agency_certainty").values()) == {together}


def test_an_unmarked_text_that_the_agency_published_before_is_its_copy(engine: Engine) -> None:
    keep_agency(engine)
    wire, *_ = publish(
        engine, told("wire"), told("post", NOON + MINUTE), told("early", NOON - MINUTE), told("undated", None)
    )
    own = f"article {wire} of wire is the agency's own"
    assert copies(engine, "agency", "agency_certainty", "agency_evidence", "is_wire_copy") == {
        "early": (None, None, None, False),
        "wire": ("PAP", "certain", "its source is the agency", False),
        "post": ("PAP", "likely", f"{own} and came out before", True),
        "undated": ("PAP", "possible", f"{own}; {UNKNOWN}", True),
    }


def test_an_unmarked_text_that_came_out_behind_a_marked_copy_is_possibly_one(engine: Engine) -> None:
    _, post, *_ = publish(
        engine, told("original", NOON - MINUTE), told("post", credit=says()), told("herald", NOON + MINUTE)
    )
    assert copies(engine, "agency", "agency_certainty", "agency_evidence") == {
        "original": (None, None, None),
        "post": ("PAP", "likely", "dateline 'BREDE (PAP) -'"),
        "herald": ("PAP", "possible", f"article {post} of post says so and came out before"),
    }


@pytest.mark.parametrize("at", [None, MIDNIGHT])
def test_an_unmarked_text_is_possibly_the_agencys_where_nobody_knows_which_came_first(
    engine: Engine, at: datetime | None
) -> None:
    keep_agency(engine)
    wire, *_ = publish(engine, told("wire", at, date_precision=DatePrecision.DAY), told("post"), told("herald"))
    possible = ("PAP", "possible", f"article {wire} of wire is the agency's own; {UNKNOWN}")
    said = copies(engine, "agency", "agency_certainty", "agency_evidence")
    assert (said["post"], said["herald"]) == (possible, possible)


def test_a_day_alone_tells_the_order_of_texts_of_different_days(engine: Engine) -> None:
    keep_agency(engine)
    day = DatePrecision.DAY
    wire, *_ = publish(
        engine,
        told("wire", MIDNIGHT, date_precision=day),
        told("eve", MIDNIGHT - MINUTE),
        told("next", MIDNIGHT + DAY, date_precision=day),
    )
    evidence = f"article {wire} of wire is the agency's own and came out before"
    assert copies(engine, "agency", "agency_certainty", "agency_evidence") == {
        "eve": (None, None, None),
        "wire": ("PAP", "certain", "its source is the agency"),
        "next": ("PAP", "likely", evidence),
    }


def test_of_an_agencys_own_articles_any_may_have_come_before(engine: Engine) -> None:
    """The one with a time stands first in their order, the one without may be the older."""
    keep_agency(engine)
    undated = Told(url="https://wire.example/update", source="wire", published_at=None)
    _, older, _ = publish(engine, told("wire", NOON + MINUTE), undated, told("post"))
    with engine.connect() as connection:
        query = "SELECT agency_evidence FROM news.story_article WHERE source = 'post'"
        assert connection.scalar(text(query)) == f"article {older} of wire is the agency's own; {UNKNOWN}"


def test_a_marked_copy_whose_order_is_not_known_is_not_said_to_have_come_before(engine: Engine) -> None:
    post, _ = publish(engine, told("post", credit=says()), told("undated", None))
    assert copies(engine, "agency_evidence")["undated"] == f"article {post} of post says so; {UNKNOWN}"


def test_another_agency_is_no_witness(engine: Engine) -> None:
    keep_agency(engine)
    publish(engine, told("wire", credit=says("AFP")), told("post", NOON + MINUTE, credit=says("dpa")))
    assert copies(engine, "agency", "agency_certainty", "is_wire_copy") == {
        "wire": ("AFP", "likely", True),
        "post": ("dpa", "likely", True),
    }


def test_what_one_source_says_twice_is_said_once(engine: Engine) -> None:
    twice = [Told(url=f"https://post.example/{n}", source="post", credit=says()) for n in range(2)]
    publish(engine, *twice)
    with engine.connect() as connection:
        said = connection.execute(text("SELECT DISTINCT agency_certainty FROM news.story_article")).scalars().all()
    assert said == ["likely"]


def test_a_text_of_ones_own_with_agency_material_is_no_wire_copy(engine: Engine) -> None:
    publish(engine, told("post", material=["dpa"]))
    assert copies(engine, "agency", "agency_material", "is_wire_copy") == {"post": (None, ["dpa"], False)}


def test_an_article_is_as_surely_an_agencys_as_its_story_says(engine: Engine) -> None:
    keep_agency(engine)
    wire, _ = publish(engine, told("wire"), told("post", NOON + MINUTE, credit=says()))
    query = "SELECT agency, agency_certainty, agency_evidence FROM news.article ORDER BY id"
    with engine.connect() as connection:
        assert connection.execute(text(query)).all() == [
            (None, None, None),
            ("PAP", "certain", f"dateline 'BREDE (PAP) -'; article {wire} of wire is the agency's own"),
        ]


# --- Canonical ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_agencys_own_article_stands_for_its_story_whenever_it_comes(engine: Engine, order: tuple[int, ...]) -> None:
    keep_agency(engine)
    stream = [told("post", credit=says()), told("wire", NOON + 5 * MINUTE), told("herald", NOON - MINUTE)]
    for number in order:
        publish(engine, stream[number])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT source, canonical_rule FROM news.story")).all() == [("wire", "original")]


def test_a_source_is_an_agency_by_its_file_or_by_its_title(engine: Engine) -> None:
    files = [
        a_source("wire", agency="Polska Agencja Prasowa"),
        a_source("northline", agency="Northline"),
        a_source("paper"),
    ]
    with engine.begin() as connection:
        sources.sync(connection, files)
        sources.ensure(connection, "reuters", "Reuters")
        found = connection.execute(text("SELECT name, agency FROM storyfold.source ORDER BY name")).all()
    assert found == [("northline", "Northline"), ("paper", None), ("reuters", "Reuters"), ("wire", "PAP")]
