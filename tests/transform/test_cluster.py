"""Grouping and identity: by hand, and as laws over random matches."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from transform.assign import Assignments, Change, Neighbourhood, Newcomer, StoryState, assign
from transform.cluster import containers, joinable, partition
from transform.model import ArticleId, Match, MatchKind, Member, StoryId


def match(left: int, right: int, kind: MatchKind, *, inner: int | None = None, span: tuple[float, float] = (0, 1),
          containment: float = 0.9) -> Match:  # fmt: skip
    return Match(left=ArticleId(left), right=ArticleId(right), kind=kind, failed=None, jaccard=0.5, jaccard_filtered=0.5,
                 containment=containment, facts=1, run=20, inner=ArticleId(inner or left), start=span[0],
                 end=span[1])  # fmt: skip


def same(left: int, right: int) -> Match:
    return match(left, right, MatchKind.SAME)


def begins(inner: int, outer: int, containment: float = 0.9, span: tuple[float, float] = (0.0, 0.5)) -> Match:
    left, right = sorted((inner, outer))
    return match(left, right, MatchKind.CONTAINED, inner=inner, containment=containment, span=span)


def lifted(inner: int, outer: int, span: tuple[float, float]) -> Match:
    left, right = sorted((inner, outer))
    return match(left, right, MatchKind.LIFTED, inner=inner, span=span)


def groups(articles: Iterable[int], *matches: Match) -> list[list[int]]:
    return sorted(sorted(group) for group in partition({ArticleId(a) for a in articles}, matches))


def test_same_texts_join_through_each_other() -> None:
    assert groups(range(1, 5), same(1, 2), same(2, 3)) == [[1, 2, 3], [4]]


def test_a_trimmed_copy_attaches_to_the_longer_text() -> None:
    assert groups(range(1, 4), begins(2, 1)) == [[1, 2], [3]]


def test_a_trimmed_copy_attaches_to_one_story_and_joins_no_two() -> None:
    assert groups(range(1, 4), begins(3, 1, 0.7), begins(3, 2, 0.9)) == [[1], [2, 3]]


def test_a_digest_stays_alone() -> None:
    digest = [begins(1, 9, span=(0.0, 0.3)), lifted(2, 9, (0.3, 0.6)), lifted(3, 9, (0.6, 0.9))]
    assert groups([1, 2, 3, 9], *digest) == [[1], [2], [3], [9]]
    assert containers(digest) == {9}


def test_two_trims_of_one_text_make_no_digest_of_it() -> None:
    assert groups(range(1, 4), begins(2, 1, span=(0.0, 0.5)), begins(3, 1, span=(0.0, 0.4))) == [[1, 2, 3]]


def test_copies_of_a_digest_are_one_story_apart_from_what_they_hold() -> None:
    held = [lifted(inner, outer, span) for outer in (8, 9) for inner, span in ((1, (0.0, 0.4)), (2, (0.5, 0.9)))]
    assert groups([1, 2, 8, 9], same(8, 9), *held) == [[1], [2], [8, 9]]


def test_a_lifted_text_joins_nothing() -> None:
    assert groups([1, 2], lifted(1, 2, (0.4, 0.8))) == [[1], [2]]


def test_the_older_id_survives_a_merge() -> None:
    around = around_of({1: [1, 2], 2: [3]})
    result = assign([newcomer(4, same(2, 4), same(3, 4))], around)
    assert stories(result) == {1: {1, 2, 3, 4}, 2: set()}
    assert next(s for s in result.stories if s.id == 2).merged_into == 1
    assert [c.change for c in result.changes] == [Change.JOINED, Change.MERGED]


def test_when_a_text_turns_out_a_digest_its_story_goes_on_with_its_canonical_member() -> None:
    """Article 2 (long, hence canonical) had 1 attached; a third text shows that it holds two stories side by side."""
    known = begins(1, 2, span=(0.0, 0.3))
    around = Neighbourhood(
        stories=(StoryState(id=StoryId(7), members=ids(1, 2), canonical=ArticleId(2), canonical_rule="full-length"),),
        members={ArticleId(1): member(1, words=100), ArticleId(2): member(2, words=500)},
        matches=(known,),
    )
    result = assign([newcomer(3, lifted(3, 2, (0.5, 0.8)))], around)
    assert stories(result) == {7: {2}, -1: {1}, -2: {3}}
    assert Change.SPLIT in [c.change for c in result.changes]


def test_a_newcomer_without_matches_founds_a_story() -> None:
    result = assign([newcomer(5)], around_of({}))
    assert stories(result) == {-1: {5}}
    assert [c.change for c in result.changes] == [Change.FOUNDED]


def test_the_canonical_member_changes_on_record() -> None:
    around = around_of({1: [1]})
    result = assign([Newcomer(member=member(2, words=900), matches=(begins(1, 2),))], around)
    assert result.stories[0].canonical == 2
    assert [c.change for c in result.changes] == [Change.JOINED, Change.CANONICAL]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Match]]:
    """Random matches of every kind between up to 12 articles."""
    count = draw(st.integers(2, 12))
    rng = random.Random(draw(st.integers(0, 10**6)))
    pairs = [(a, b) for a in range(1, count + 1) for b in range(a + 1, count + 1) if rng.random() < 0.25]
    kinds = [MatchKind.SAME, MatchKind.CONTAINED, MatchKind.CONTAINED, MatchKind.LIFTED]
    return count, [
        match(a, b, rng.choice(kinds), inner=rng.choice((a, b)), containment=rng.choice((0.6, 0.7, 0.8)),
              span=rng.choice(((0.0, 0.3), (0.0, 0.5), (0.35, 0.6), (0.6, 0.9))))
        for a, b in pairs
    ]  # fmt: skip


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_stories_do_not_depend_on_order_or_batches(graph: tuple[int, list[Match]], rng: random.Random) -> None:
    """Placed in any order, in any batches, the articles end as `partition` groups them all at once."""
    count, matches = graph
    order = [ArticleId(a) for a in range(1, count + 1)]
    rng.shuffle(order)
    board: dict[int, StoryState] = {}
    placed: set[ArticleId] = set()
    while order:
        size = rng.randint(1, len(order))
        batch, order = order[:size], order[size:]
        board = place(board, batch, matches, placed)
    at_once = sorted(sorted(group) for group in partition({ArticleId(a) for a in range(1, count + 1)}, matches))
    assert sorted(sorted(story.members) for story in board.values() if story.members) == at_once


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_ids_and_canonicals_do_not_depend_on_batches(graph: tuple[int, list[Match]], rng: random.Random) -> None:
    """In one order, one batch and many batches give every story the same id, members and canonical member."""
    count, matches = graph
    order = [ArticleId(a) for a in range(1, count + 1)]
    whole = place({}, order, matches, set())
    many: dict[int, StoryState] = {}
    placed: set[ArticleId] = set()
    while order:
        size = rng.randint(1, len(order))
        batch, order = order[:size], order[size:]
        many = place(many, batch, matches, placed)
    assert many == whole


@given(st.integers(3, 8), st.data())
@settings(max_examples=200, deadline=None)
def test_merges_commute(count: int, data: st.DataObject) -> None:
    """Two newcomers that each join several stories leave the same ones, under the same ids, whichever comes first."""
    held = [ArticleId(number) for number in range(1, count + 1)]
    one, other = ArticleId(count + 1), ArticleId(count + 2)
    joined = {new: data.draw(st.sets(st.sampled_from(held), min_size=1)) for new in (one, other)}
    matches = [same(old, new) for new, olds in joined.items() for old in olds]
    if data.draw(st.booleans()):
        matches.append(same(one, other))
    placed: set[ArticleId] = set()
    board = place({}, held, matches, placed)
    ends = []
    for order in ([one, other], [other, one]):
        end, known = board, set(placed)
        for new in order:
            end = place(end, [new], matches, known)
        ends.append({id_: living(end, id_).members for id_ in end})
    assert ends[0] == ends[1]


def living(board: Mapping[int, StoryState], id_: int) -> StoryState:
    """The story that goes on for this one; the store redirects in one step."""
    into = board[id_].merged_into
    return board[id_] if into is None else living(board, into)


def place(
    board: dict[int, StoryState], batch: list[ArticleId], matches: list[Match], placed: set[ArticleId]
) -> dict[int, StoryState]:
    """What the store does: read the neighbourhood, assign, write with stored ids."""
    newcomers = []
    for article in batch:
        known = placed | {n.member.id for n in newcomers}
        mine = tuple(m for m in matches if article in (m.left, m.right) and {m.left, m.right} - {article} <= known)
        newcomers.append(Newcomer(member=member(article), matches=mine))
    around = neighbourhood(board, newcomers, [m for m in matches if {m.left, m.right} <= placed])
    placed.update(batch)
    return stored(board, assign(newcomers, around))


def neighbourhood(board: dict[int, StoryState], newcomers: list[Newcomer], known: list[Match]) -> Neighbourhood:
    """No more than `Neighbourhood` promises: the stories matched, and those that their members may come to join."""
    matched = {article for newcomer in newcomers for m in newcomer.matches for article in (m.left, m.right)}
    near = [story for story in board.values() if story.members & matched]
    of_near = [m for m in known if {m.left, m.right} & {a for story in near for a in story.members}]
    wider = matched | joinable(of_near)
    held = [story for story in board.values() if story.members & wider]
    articles = {article for story in held for article in story.members}
    return Neighbourhood(
        stories=tuple(held),
        members={article: member(article) for article in articles},
        matches=tuple(m for m in known if {m.left, m.right} & articles),
    )


def stored(board: dict[int, StoryState], result: Assignments) -> dict[int, StoryState]:
    """The board with the changes, new stories numbered on from those there are."""
    new = sorted((s.id for s in result.stories if s.id < 0), reverse=True)
    numbers = {temporary: StoryId(len(board) + place) for place, temporary in enumerate(new, start=1)}
    changed = {}
    for s in result.stories:
        into = None if s.merged_into is None else numbers.get(s.merged_into, s.merged_into)
        id_ = numbers.get(s.id, s.id)
        changed[id_] = StoryState(id=id_, members=s.members, canonical=s.canonical, canonical_rule=s.canonical_rule,
                                  containers=s.containers, merged_into=into)  # fmt: skip
    return {**board, **changed}


def newcomer(article: int, *matches: Match) -> Newcomer:
    return Newcomer(member=member(article), matches=matches)


def around_of(held: Mapping[int, list[int]]) -> Neighbourhood:
    return Neighbourhood(
        stories=tuple(
            StoryState(id=StoryId(story), members=ids(*articles), canonical=ArticleId(articles[0]), canonical_rule="")
            for story, articles in held.items()
        ),
        members={ArticleId(article): member(article) for articles in held.values() for article in articles},
        matches=tuple(same(articles[0], other) for articles in held.values() for other in articles[1:]),
    )


def member(article: int, words: int = 300) -> Member:
    return Member(id=ArticleId(article), published_at=None, order_key=article.to_bytes(2), words=words, tier=2,
                  partial=False)  # fmt: skip


def ids(*articles: int) -> frozenset[ArticleId]:
    return frozenset(ArticleId(article) for article in articles)


def stories(result: Assignments) -> dict[int, set[int]]:
    return {story.id: set(story.members) for story in result.stories}
