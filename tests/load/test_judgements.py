"""Judgements on a real Postgres: obeyed at once and by what comes later, taken back without a trace, told in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, NOON, Told, copies, publish
from planted import sentences
from sqlalchemy import Connection, Engine, text

from load import judgements, stories
from load.judgements import BadJudgement, Effect, Given
from load.report import items
from load.report.comparison import compare
from load.report.stories import changes, story
from transform.model import ArticleId
from transform.verify import MatchPolicy

GIVEN = Given(by="mara", at=NOON, reason="I have read both")
Judge = Callable[[Connection], Effect]


def partition(engine: Engine) -> list[list[int]]:
    query = "SELECT array_agg(article_id ORDER BY article_id) FROM storyfold.story_member GROUP BY story_id ORDER BY 1"
    with engine.connect() as connection:
        return list(connection.scalars(text(query)))


def judge(engine: Engine, act: Judge) -> Effect:
    with engine.begin() as connection:
        return act(connection)


def refusal(engine: Engine, act: Judge) -> str:
    with pytest.raises(BadJudgement) as refused:
        judge(engine, act)
    return str(refused.value)


def same(a: int, b: int) -> Judge:
    return lambda connection: judgements.same(connection, ArticleId(a), ArticleId(b), GIVEN)


def different(a: int, b: int) -> Judge:
    return lambda connection: judgements.different(connection, ArticleId(a), ArticleId(b), GIVEN)


def split(story: int, *articles: int) -> Judge:
    return lambda connection: judgements.split(connection, story, [ArticleId(one) for one in articles], GIVEN)


def pin(story: int, article: int) -> Judge:
    return lambda connection: judgements.pin(connection, story, ArticleId(article), GIVEN)


def undo(number: int) -> Judge:
    return lambda connection: judgements.undo(connection, number, "mara", NOON)


def told(engine: Engine, effect: Effect) -> list[tuple[str, int, int | None, int | None, int | None]]:
    with engine.connect() as connection:
        rows = [one for one in changes(connection, 0, None) if one.id in effect.changes]
    return [(one.change, one.story_id, one.article_id, one.other_story_id, one.judgement_id) for one in rows]


@pytest.fixture
def told_apart(engine: Engine) -> Engine:
    """Articles 1 to 3 carry one text, article 4 another: stories 1 and 2."""
    toll = Told(url="https://dailyloop.example/toll", source="dailyloop", title="Toll", paragraphs=BRIDGE_TOLL)
    publish(engine, *copies("northline", "harbour-courier", "brede-post"), toll)
    return engine


def test_what_is_judged_the_same_is_one_story_and_undoing_it_restores_both(told_apart: Engine) -> None:
    effect = judge(told_apart, same(4, 2))
    assert partition(told_apart) == [[1, 2, 3, 4]]
    assert told(told_apart, effect) == [("merged", 2, None, 1, 1)]
    effect = judge(told_apart, undo(1))
    assert partition(told_apart) == [[1, 2, 3], [4]]
    assert told(told_apart, effect) == [("left", 1, 4, 3, 1), ("split", 3, 4, 1, 1)]  # a merged id stays a redirect


def test_what_is_judged_different_parts_and_later_copies_go_with_one_of_them(told_apart: Engine) -> None:
    judge(told_apart, different(1, 3))
    assert partition(told_apart) == [[1, 2], [3], [4]]  # equal ties: the older pair holds
    publish(told_apart, *copies("evening-herald", "morning-herald"))
    assert partition(told_apart) == [[1, 2, 5, 6], [3], [4]]
    judge(told_apart, undo(1))
    assert partition(told_apart) == [[1, 2, 3, 5, 6], [4]]


def test_what_is_split_off_stays_apart_from_all_that_was_there(told_apart: Engine) -> None:
    effect = judge(told_apart, split(1, 2))
    assert partition(told_apart) == [[1, 3], [2], [4]]
    assert told(told_apart, effect) == [("left", 1, 2, 3, 1), ("split", 3, 2, 1, 1)]
    publish(told_apart, *copies("evening-herald"))
    assert [2] in partition(told_apart)


def test_a_pinned_article_stands_for_its_story_until_another_is_pinned(told_apart: Engine) -> None:
    query = text("SELECT canonical_article_id, canonical_rule FROM news.story WHERE id = 1")
    publish(told_apart, *copies("evening-herald"))
    with told_apart.connect() as connection:
        before = connection.execute(query).one()
    judge(told_apart, pin(1, 3))
    publish(told_apart, *copies("morning-herald"))
    with told_apart.connect() as connection:
        assert connection.execute(query).one() == (3, "pinned")
    assert judge(told_apart, pin(1, 2)).overruled == (1,)
    judge(told_apart, undo(2))
    with told_apart.connect() as connection:
        assert connection.execute(query).one() == (3, "pinned")
    judge(told_apart, undo(1))
    with told_apart.connect() as connection:
        assert connection.execute(query).one() == before


def test_the_later_of_two_contradicting_judgements_counts_and_is_told_to_overrule(told_apart: Engine) -> None:
    judge(told_apart, same(1, 4))
    assert judge(told_apart, different(4, 1)).overruled == (1,)
    assert partition(told_apart) == [[1, 2, 3], [4]]
    assert judge(told_apart, same(1, 4)).overruled == (2,)
    assert partition(told_apart) == [[1, 2, 3, 4]]
    judge(told_apart, undo(3))
    assert partition(told_apart) == [[1, 2, 3], [4]]


def test_a_judgement_holds_when_texts_change(told_apart: Engine) -> None:
    judge(told_apart, same(4, 1))
    judge(told_apart, different(2, 3))
    grown = (*HARBOUR_FIRE, "On Tuesday the council said that it would rebuild the store as it had been in 1871.")
    again = [replace(copy, paragraphs=grown) for copy in copies("northline", "harbour-courier", "brede-post")]
    publish(told_apart, *again)
    assert partition(told_apart) == [[1, 2, 4], [3]]


def test_what_cannot_be_judged_is_refused_in_a_sentence(told_apart: Engine) -> None:
    judge(told_apart, same(1, 4))
    judge(told_apart, pin(1, 3))
    assert refusal(told_apart, same(4, 1)) == "Judgement 1 says so already."
    assert refusal(told_apart, pin(1, 3)) == "Judgement 2 says so already."
    assert refusal(told_apart, different(2, 2)) == "These are one article: it takes two to judge."
    assert refusal(told_apart, split(9, 1)) == "There is no story 9."
    assert refusal(told_apart, split(2, 4)) == "Story 2 was merged into story 1."
    assert refusal(told_apart, split(1, 1, 2, 3, 4)).startswith("These are all the articles of story 1")
    assert refusal(told_apart, pin(1, 7)) == "Article 7 is not in story 1."
    assert refusal(told_apart, undo(9)) == "There is no judgement 9."
    judge(told_apart, undo(2))
    assert refusal(told_apart, undo(2)) == "Judgement 2 was taken back at 2026-03-02 12:00."


def test_judgements_are_on_record_for_ever(told_apart: Engine) -> None:
    judge(told_apart, same(1, 4))
    judge(told_apart, undo(1))
    judge(told_apart, different(2, 3))
    with told_apart.connect() as connection:
        assert [one.id for one in judgements.list_all(connection)] == [2]
        first, second = judgements.list_all(connection, undone=True)
        assert judgements.of_articles(connection, [ArticleId(4)]) == (first,)
        assert judgements.of_pair(connection, ArticleId(4), ArticleId(1)) == (first,)
        assert judgements.of_pair(connection, ArticleId(1), ArticleId(2)) == ()
        assert items.why(connection, "4").article.judgements == (first,)
        assert compare(connection, "3", "2", MatchPolicy()).judgements == (second,)
        assert story(connection, 1).judgements == (first, second)
        assert connection.execute(text("SELECT id, counts FROM news.judgement ORDER BY id")).all() == [
            (1, False),
            (2, True),
        ]
    assert (first.articles, first.others, first.reason, first.undone_by) == ((1,), (4,), "I have read both", "mara")
    assert second.undone_at is None


def test_redirects_lead_to_the_story_that_carries_on_however_often_it_merged(told_apart: Engine) -> None:
    texts = [sentences(Random(seed), 24) for seed in range(2)]
    publish(told_apart, *[Told(url=f"https://a.example/{n}", paragraphs=lines) for n, lines in enumerate(texts)])
    assert partition(told_apart) == [[1, 2, 3], [4], [5], [6]]
    for pair in ((6, 5), (5, 4), (4, 1)):
        judge(told_apart, same(*pair))
    with told_apart.connect() as connection:
        redirects = connection.execute(text("SELECT id, living_id FROM news.story_redirect ORDER BY id")).all()
        assert redirects == [(2, 1), (3, 1), (4, 1)]
        kept = connection.scalars(text("SELECT merged_into FROM storyfold.story WHERE merged_into IS NOT NULL"))
        assert set(kept) == {1}


def test_a_consumer_misses_no_change_while_two_write(told_apart: Engine) -> None:
    """One judges and takes back, another settles; whoever reads meanwhile sees ids only above those it has seen."""
    seen: list[int] = []
    done = threading.Event()

    def settle() -> None:
        for name in ("evening-herald", "morning-herald"):
            publish(told_apart, *copies(name))

    def judge_and_undo() -> None:
        for number in range(1, 4):
            judge(told_apart, same(1, 4))
            judge(told_apart, undo(number))

    def consume() -> None:
        finished = False
        while not finished:
            finished = done.is_set()
            with told_apart.connect() as connection:
                seen.extend(one.id for one in changes(connection, seen[-1] if seen else 0, 3))

    writers = [threading.Thread(target=settle), threading.Thread(target=judge_and_undo)]
    consumer = threading.Thread(target=consume)
    for thread in (*writers, consumer):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    consumer.join()
    with told_apart.connect() as connection:
        seen.extend(one.id for one in changes(connection, seen[-1], None))
        assert seen == [one.id for one in changes(connection, 0, None)]


def test_a_store_of_an_older_version_is_regrouped_all_the_same(told_apart: Engine) -> None:
    with told_apart.begin() as connection:
        connection.execute(text("UPDATE storyfold.story_member SET family_id = NULL"))
        connection.execute(text("UPDATE storyfold.story SET contenders = NULL"))
    publish(told_apart, *copies("evening-herald"))
    assert partition(told_apart) == [[1, 2, 3, 5], [4]]
    with told_apart.connect() as connection:
        assert stories.size_of_story(connection, ArticleId(5)) == 4
        families = connection.scalars(text("SELECT family_id FROM storyfold.story_member WHERE story_id = 1"))
        assert set(families) == {1}


def test_that_two_large_stories_became_one_is_said_aloud(
    told_apart: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stories, "LARGE", 2)
    toll = Told(url="https://b.example/toll", paragraphs=BRIDGE_TOLL)
    publish(told_apart, toll)
    judge(told_apart, same(4, 1))
    judge(told_apart, undo(1))
    assert caplog.messages == []  # people know what they judge
    publish(told_apart, replace(toll, paragraphs=HARBOUR_FIRE))  # and what its former text matched still holds
    (said,) = caplog.messages
    assert said.startswith("Story 3 with 2 articles was merged into story 1: same")
