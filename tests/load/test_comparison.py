"""Two articles side by side: the verdict on record, or what would be measured now, with all that it rests on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, NOON, Told, copies, publish
from sqlalchemy import Connection, Engine, text

from load.report import items, stories
from load.report.common import UnknownItem
from load.report.comparison import Comparison, compare
from transform.passages import PassageKind
from transform.verify import MatchPolicy

TOLL = Told(url="https://northline.example/toll", paragraphs=BRIDGE_TOLL, source="northline")


@pytest.fixture
def connection(engine: Engine):
    with engine.connect() as connection:
        yield connection


def ask(connection: Connection, one: object, other: object) -> Comparison:
    return compare(connection, str(one), str(other), MatchPolicy())


def test_a_pair_that_matched_shows_its_verdict_and_what_differs(engine: Engine, connection: Connection) -> None:
    other = (
        HARBOUR_FIRE[0].replace("three stations", "four brigades"),
        HARBOUR_FIRE[1].replace("14", "40"),
        HARBOUR_FIRE[2],
    )
    left, right = publish(engine, *copies("northline"), Told(url="https://b.example/1", source="b", paragraphs=other))
    found = ask(connection, left, "https://b.example/1")
    assert (found.verdict.kind, found.verdict.failed, found.never_compared) == ("same", None, None)
    assert found.verdict.matched_at is not None and found.shared_keys > 0
    assert (found.left.own_facts, found.right.own_facts) == (("14",), ("40",))
    alone = [one.text for one in found.passages if one.kind is not PassageKind.SHARED]
    assert alone == ["three stations", "four brigades", "14", "40"]
    assert found == ask(connection, left, right)


def test_the_other_way_round_the_sides_change(engine: Engine, connection: Connection) -> None:
    left, right = publish(engine, *copies("northline"), Told(url="https://b.example/1", paragraphs=HARBOUR_FIRE[:2]))
    found, turned = ask(connection, left, right), ask(connection, right, left)
    assert (found.left, found.right) == (turned.right, turned.left)
    assert (found.extent.left, found.extent.right) == (turned.extent.right, turned.extent.left)
    assert (found.verdict.is_shorter, turned.verdict.is_shorter) == (True, False)


def test_a_pair_that_was_never_compared_is_measured_now_and_nothing_is_stored(
    engine: Engine, connection: Connection
) -> None:
    left, right = publish(engine, *copies("northline"), TOLL)
    found = ask(connection, left, right)
    assert (found.verdict.kind, found.verdict.failed, found.verdict.matched_at) == ("different", "jaccard", None)
    assert (found.never_compared, found.shared_keys) == ("no-key", 0)
    assert "Tolland" in found.left.own_facts and "55" in found.right.own_facts
    connection.rollback()
    assert connection.scalar(text("SELECT count(*) FROM storyfold.match")) == 0


def test_a_pair_that_no_key_offered_in_time_says_so(engine: Engine, connection: Connection) -> None:
    left, right = publish(engine, *copies("northline", "b"))
    with engine.begin() as writing:
        writing.execute(text("DELETE FROM storyfold.match"))
    found = ask(connection, left, right)
    assert (found.verdict.kind, found.never_compared) == ("same", "crowded-out")


def test_short_texts_are_compared_only_with_their_equals(engine: Engine, connection: Connection) -> None:
    brief = Told(url="https://b.example/1", source="b", paragraphs=["The ferry to Brede sails again."])
    left, right = publish(engine, *copies("northline"), brief)
    assert ask(connection, left, right).never_compared == "too-short"


@pytest.mark.parametrize(
    ("one", "other", "told"), [("1", "1", "same article"), ("1", "77", "'77'"), ("x y", "1", "x y")]
)
def test_two_known_articles_are_needed(engine: Engine, connection: Connection, one: str, other: str, told: str) -> None:
    publish(engine, TOLL)
    with pytest.raises(UnknownItem, match=told):
        ask(connection, one, other)


def test_why_shows_the_passages_of_each_match_and_none_of_what_failed(engine: Engine, connection: Connection) -> None:
    opening = " ".join(" ".join(HARBOUR_FIRE).split()[:48])
    template = Told(url="https://b.example/2", source="b", paragraphs=(opening, *BRIDGE_TOLL, HARBOUR_FIRE[2][:40]))
    trimmed = Told(url="https://c.example/3", source="c", paragraphs=HARBOUR_FIRE[:2])
    publish(engine, *copies("northline"), template, trimmed)
    article = items.why(connection, "1").article
    assert article
    matched = {other.source: [str(one.kind) for one in other.passages] for other in article.candidates}
    assert matched == {"c": ["shared", "left"], "b": []}


def test_a_copy_tells_what_it_changed_of_the_canonical_text(engine: Engine, connection: Connection) -> None:
    more = [*HARBOUR_FIRE, "Nobody knows why yet."]
    longer = Told(url="https://b.example/1", source="b", paragraphs=more, published_at=NOON + timedelta(hours=1))
    publish(engine, *copies("northline", "a"), longer)
    first, same, added = stories.story(connection, 1).members
    assert first.change is None
    assert same.change and (same.change.kept, same.change.left, same.change.right) == (1.0, 0, 0)
    assert added.change and (added.change.left, added.change.right) == (0, 4)
