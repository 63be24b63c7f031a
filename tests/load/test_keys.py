"""Keys of URLs in the store: what happens to rows, and to those who ask for them, when the rules change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import BRIDGE_TOLL, NOON, Told, a_source, announce, publish
from sqlalchemy import Engine, func, select, update

from extract.model import FeedEntry, UrlParams
from extract.urls import COMMON_RULES, NORMALIZATION, url_key
from load import engine as engines
from load import entries, keys, runs, sources
from load.report import items
from load.tables import article, entry, store_state

SESSIONS = "https://harbour-courier.example/fire?sid="
SID_CHOOSES_NOTHING = UrlParams(drop=("sid",))


def say(engine: Engine, params: UrlParams) -> int:
    """The source's file says this of its parameters; answers how many keys changed."""
    with engine.begin() as connection:
        sources.sync(connection, [replace(a_source(), urls=params)])
    with engine.begin() as connection:
        return keys.follow_rules(connection)


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(entry))


def test_two_sessions_are_two_entries_until_the_file_says_otherwise(engine: Engine) -> None:
    say(engine, UrlParams())
    announce(engine, "harbour-courier", SESSIONS + "1")
    announce(engine, "harbour-courier", SESSIONS + "2")
    assert count(engine) == 2
    say(engine, SID_CHOOSES_NOTHING)
    first, third = announce(engine, "harbour-courier", SESSIONS + "1", SESSIONS + "3")
    assert first == third
    assert count(engine) == 2


def test_a_parameter_that_looks_like_tracking_can_choose_what_is_shown(engine: Engine) -> None:
    say(engine, UrlParams(keep=("cmpid",)))
    urls = ("https://harbour-courier.example/story?cmpid=1", "https://harbour-courier.example/story?cmpid=2")
    one, other = announce(engine, "harbour-courier", *urls)
    assert one != other


def test_the_rules_of_one_publisher_do_not_touch_another(engine: Engine) -> None:
    say(engine, SID_CHOOSES_NOTHING)
    one, other = announce(engine, "other", "https://other.example/?sid=1", "https://other.example/?sid=2")
    assert one != other


def test_a_row_is_found_by_the_key_it_had(engine: Engine) -> None:
    say(engine, UrlParams())
    (before,) = announce(engine, "harbour-courier", SESSIONS + "1")
    assert say(engine, SID_CHOOSES_NOTHING) == 1
    with engine.connect() as connection:
        row = connection.execute(select(entry.c.url_key, entry.c.former_key)).one()
        assert row.former_key == url_key(SESSIONS + "1")
        by_key = keys.by_key(
            connection.execute(select(entry).where(keys.known_by(entry, [row.former_key]))), [row.former_key]
        )
    assert by_key[row.former_key].id == before


def test_rules_that_come_back_give_the_old_keys_back(engine: Engine) -> None:
    say(engine, UrlParams())
    announce(engine, "harbour-courier", SESSIONS + "1")
    with engine.connect() as connection:
        before = connection.scalar(select(entry.c.url_key))
    assert [say(engine, SID_CHOOSES_NOTHING), say(engine, UrlParams())] == [1, 1]
    with engine.connect() as connection:
        assert connection.scalar(select(entry.c.url_key)) == before


def test_following_twice_changes_nothing(engine: Engine) -> None:
    say(engine, UrlParams())
    announce(engine, "harbour-courier", SESSIONS + "1")
    assert say(engine, SID_CHOOSES_NOTHING) == 1
    assert say(engine, SID_CHOOSES_NOTHING) == 0


def test_an_article_keeps_its_identity_when_the_rules_change(engine: Engine) -> None:
    """Its next text is a revision, not a second article."""
    say(engine, UrlParams())
    (before,) = publish(engine, Told(url=SESSIONS + "1"))
    say(engine, SID_CHOOSES_NOTHING)
    with engine.begin() as connection:
        connection.execute(update(entry).values(fetch_due_at=NOON, outcome="pending", outcome_at=None))
    (after,) = publish(engine, Told(url=SESSIONS + "9", paragraphs=BRIDGE_TOLL))
    assert after == before
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(article)) == 1
        assert items.why(connection, SESSIONS + "7").article.id == before


def test_what_was_read_under_the_old_rules_is_settled_under_the_new(engine: Engine) -> None:
    say(engine, UrlParams())
    publish(engine, Told(url=SESSIONS + "1"), Told(url=SESSIONS + "2", paragraphs=BRIDGE_TOLL))
    say(engine, SID_CHOOSES_NOTHING)
    with engine.connect() as connection:
        held = connection.execute(select(article.c.url_key).order_by(article.c.id)).scalars().all()
    assert held[0] == url_key("https://harbour-courier.example/fire")
    assert held[1] == url_key(SESSIONS + "2"), "two rows that fall together stay two"


def test_new_common_rules_reach_urls_without_a_query_too(engine: Engine) -> None:
    announce(engine, "harbour-courier", "https://harbour-courier.example/plain")
    with engine.begin() as connection:
        connection.execute(update(entry).values(url_key=b"by version 0"))
        connection.execute(update(store_state).values(value="0:before"))
        assert keys.follow_rules(connection) == 1
        row = connection.execute(select(entry.c.url_key, entry.c.former_key)).one()
    assert row == (url_key("https://harbour-courier.example/plain"), b"by version 0")


def test_the_common_rules_are_those_of_a_new_store(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(select(store_state.c.value)) == COMMON_RULES.name


def test_keys_made_by_a_newer_program_are_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(store_state).values(value=f"{NORMALIZATION + 1}:later"))
    with engine.begin() as connection, pytest.raises(keys.NewerRules):
        run = runs.begin(connection, "discover", NOON)
        source = sources.ensure(connection, "other", "Other")
        entries.record(connection, source, [FeedEntry(url="https://other.example/1")], run, NOON)
    with pytest.raises(engines.StoreUnavailable, match="was written by a newer storyfold"):
        engines.upgrade(engine)


def test_where_two_files_disagree_about_a_parameter_it_is_kept(engine: Engine) -> None:
    one = replace(a_source("one"), homepage="https://shared.example/", urls=UrlParams(drop=("sid", "p")))
    other = replace(a_source("other"), homepage="https://shared.example/en/", urls=UrlParams(keep=("sid",)))
    with engine.begin() as connection:
        sources.sync(connection, [one, other])
        rules = keys.read_rules(connection)
    assert rules.params == {"shared.example": UrlParams(keep=("sid",), drop=("p",))}
