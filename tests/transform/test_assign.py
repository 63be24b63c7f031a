"""Identity of stories: by hand, and as laws over random matches and judgements."""

from __future__ import annotations

import random
from dataclasses import replace

from graphs import Shelf, Tale, batches, begins, judgements, lifted, member, same, shelf_of, tales, told_by, two_more
from hypothesis import given, settings
from hypothesis import strategies as st

from transform.assign import Assignments, Change, Newcomer, assign
from transform.canonical import choose
from transform.cluster import group
from transform.model import Judgement, JudgementKind, Match, StoryId

Judgements = list[Judgement]
RANDOMS = st.randoms(use_true_random=False)


def shelved(turns: list[list[Newcomer]]) -> Shelf:
    shelf = Shelf()
    for batch in turns:
        shelf.settle(batch)
    return shelf


def is_as_grouped(shelf: Shelf, tale: Tale) -> None:
    """Stories, families, containers, attachments and canonical members are those of all the articles at once."""
    whole = group(tale.articles, tale.matches, shelf.judgements)
    assert shelf.shapes() == sorted(sorted(held) for held in whole.groups)
    for article, place in shelf.places.items():
        assert place.family == whole.families[article]
        assert place.container == (article in whole.containers)
        assert place.attached == (whole.attached.get(article) if place.family == article else None)
    for story, state in shelf.stories.items():
        held = [shelf.members[article] for article, place in shelf.places.items() if place.story == story]
        times = [one.published_at for one in held if one.published_at]
        assert state.articles == len(held)
        if held and state.canonical_rule != "pinned":
            chosen = choose(held)
            assert (state.canonical, state.canonical_rule) == (chosen.canonical, chosen.rule)
        if held:
            assert state.digest == all(shelf.places[one.id].container for one in held)
            assert (state.first_published_at, state.last_published_at) == (min(times, default=None), max(times, default=None))  # fmt: skip


def stories(shelf: Shelf) -> dict[int, set[int]]:
    return {s: {a for a, place in shelf.places.items() if place.story == s} for s in shelf.stories}


def told(shelf: Shelf, since: int = 0) -> list[tuple[str, int, int | None, str]]:
    return [(str(c.change), c.story, c.article, c.detail) for c in shelf.changes[since:]]


def newcomer(article: int, *matches: Match, words: int = 300) -> Newcomer:
    return Newcomer(member=member(article, words), matches=matches)


def test_a_newcomer_without_matches_founds_a_story() -> None:
    shelf = shelved([[newcomer(5)]])
    assert stories(shelf) == {1: {5}}
    assert told(shelf) == [("founded", 1, 5, "")]


def test_the_older_id_survives_a_merger_and_the_match_that_did_it_is_told() -> None:
    shelf = shelf_of({1: [1, 2], 2: [3]})
    shelf.settle([newcomer(4, same(2, 4), same(3, 4))])
    assert stories(shelf) == {1: {1, 2, 3, 4}, 2: set()}
    assert shelf.stories[StoryId(2)].merged_into == 1
    assert told(shelf)[-2:] == [("joined", 1, 4, "same 2"), ("merged", 2, None, "same 3 4")]
    assert shelf.changes[-1].articles == 1


def test_when_a_text_turns_out_a_digest_its_story_goes_on_with_its_canonical_member() -> None:
    """Article 2 (long, hence canonical) had 1 attached; a third text shows that it holds two stories side by side."""
    shelf = shelved([[newcomer(1, words=100)], [newcomer(2, begins(1, 2, span=(0.0, 0.3)), words=500)]])
    assert stories(shelf) == {1: {1, 2}}
    seen = len(shelf.changes)
    shelf.settle([newcomer(3, lifted(3, 2, (0.5, 0.8)))])
    assert stories(shelf) == {1: {2}, 2: {1}, 3: {3}}
    assert told(shelf, seen) == [("left", 1, 1, "container 2"), ("split", 2, 1, "container 2"), ("founded", 3, 3, "")]
    assert shelf.changes[seen].other == 2


def test_the_canonical_member_changes_on_record() -> None:
    shelf = shelf_of({1: [1]})
    shelf.settle([newcomer(2, begins(1, 2), words=900)])
    assert shelf.stories[StoryId(1)].canonical == 2
    assert told(shelf)[-2:] == [("joined", 1, 2, "contained 1"), ("canonical", 1, 2, "full-length")]


def test_a_newcomer_in_a_large_story_is_placed_without_reading_the_story() -> None:
    """The neighbourhood holds the matched articles and the contenders, and nothing more is wanted."""
    shelf = shelf_of({1: list(range(1, 60))})
    around = shelf.around([one := newcomer(60, same(57, 60), same(58, 60))])
    assert len(around.members) <= 3 and len(around.places) <= 4 and not around.whole
    assert isinstance(assign([one], around), Assignments)


def test_an_older_store_learns_what_it_did_not_keep() -> None:
    """Stories written before families and contenders were kept are read as wholes once."""
    shelf = shelf_of({1: [1, 2, 3]})
    shelf.places = {article: replace(place, family=None) for article, place in shelf.places.items()}
    shelf.stories = {story: replace(state, contenders=()) for story, state in shelf.stories.items()}
    shelf.settle([newcomer(4, same(1, 4))])
    assert {place.family for place in shelf.places.values()} == {1}
    assert shelf.stories[StoryId(1)].contenders


@given(tales(changes=4), RANDOMS)
@settings(max_examples=200, deadline=None)
def test_stories_do_not_depend_on_order_or_batches(tale: Tale, rng: random.Random) -> None:
    """Placed in any order, in any batches, some changed later, the articles end as `group` groups them all at once."""
    is_as_grouped(shelved(list(batches(tale.turns, rng))), tale)


@given(tales(changes=4), RANDOMS)
@settings(max_examples=100, deadline=None)
def test_ids_canonicals_and_changes_do_not_depend_on_batches(tale: Tale, rng: random.Random) -> None:
    one_by_one = shelved([[turn] for turn in tale.turns])
    many = shelved(list(batches(tale.turns, rng)))
    assert (many.stories, many.places, many.changes) == (one_by_one.stories, one_by_one.places, one_by_one.changes)


@given(tales(), RANDOMS)
@settings(max_examples=150, deadline=None)
def test_merges_commute(tale: Tale, rng: random.Random) -> None:
    """Two newcomers leave the same stories and canonical members whichever comes first.

    They stand under the same ids too, and each former id leads to the same story, unless an article left its story or
    founded one on the way: then it depends on the order how many ids there are.
    """
    ends, happened = [], set[Change]()
    for told_so in two_more(tale, rng):
        shelf = shelved([[turn] for turn in told_so.turns[:-2]])
        seen = len(shelf.changes)
        for turn in told_so.turns[-2:]:
            shelf.settle([turn])
        happened |= {one.change for one in shelf.changes[seen:]}
        ends.append({story: living(shelf, story) for story in shelf.stories})
    assert set(ends[0].values()) == set(ends[1].values())
    if happened <= {Change.JOINED, Change.MERGED, Change.CANONICAL}:
        assert ends[0] == ends[1]


def living(shelf: Shelf, story: StoryId) -> tuple[frozenset[int], int]:
    """The members and the canonical one of the story that an id stands for."""
    state = shelf.stories[story]
    if state.merged_into is not None:
        return living(shelf, state.merged_into)
    return frozenset(stories(shelf)[story]), state.canonical


@given(tales(changes=4), RANDOMS)
@settings(max_examples=60, deadline=None)
def test_the_changes_tell_a_consumer_all_that_happened(tale: Tale, rng: random.Random) -> None:
    shelf = shelved(list(batches(tale.turns, rng)))
    assert told_by(shelf.changes) == shelf.told()


def judged_tale(tale: Tale, words: Judgements, rng: random.Random) -> Shelf:
    """The tale, told in batches, with each of the words somewhere in between, as soon as its articles are there."""
    shelf, waiting = Shelf(), list(words)
    for batch in batches(tale.turns, rng):
        shelf.settle(batch)
        while waiting and waiting[0].articles | waiting[0].others <= shelf.places.keys() and rng.random() < 0.5:
            shelf.judge(waiting.pop(0))
    for word in waiting:
        shelf.judge(word)
    return shelf


@given(st.data(), tales(changes=3), RANDOMS)
@settings(max_examples=120, deadline=None)
def test_judged_stories_do_not_depend_on_order_or_batches_either(
    data: st.DataObject, tale: Tale, rng: random.Random
) -> None:
    shelf = judged_tale(tale, data.draw(judgements(tale.articles)), rng)
    is_as_grouped(shelf, tale)
    assert told_by(shelf.changes) == shelf.told()


@given(st.data(), tales(changes=2), RANDOMS)
@settings(max_examples=80, deadline=None)
def test_what_is_taken_back_leaves_no_trace_in_the_stories(data: st.DataObject, tale: Tale, rng: random.Random) -> None:
    words = data.draw(judgements(tale.articles))
    shelf = judged_tale(tale, words, rng)
    for word in rng.sample(words, rng.randint(0, len(words))):
        shelf.undo(word)
        is_as_grouped(shelf, tale)


@given(st.data(), tales(), RANDOMS)
@settings(max_examples=60, deadline=None)
def test_the_last_word_on_two_articles_counts(data: st.DataObject, tale: Tale, rng: random.Random) -> None:
    """The latest judgement of all is obeyed whatever was measured, and whatever was judged before."""
    words = data.draw(judgements(tale.articles))
    shelf = judged_tale(tale, words, rng)
    for word in words[-1:]:
        story = {article: place.story for article, place in shelf.places.items()}
        together = {story[a] == story[b] for a in word.articles for b in word.others}
        assert together <= {word.kind is JudgementKind.SAME}
        if word.kind is JudgementKind.PIN:
            assert {shelf.stories[story[article]].canonical for article in word.articles} == word.articles
