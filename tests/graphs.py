"""Made-up articles with matches and judgements, by hand and at random, and a store that holds no more than it must."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from transform.assign import (
    Assignments,
    Change,
    Neighbourhood,
    Newcomer,
    Place,
    StoryChange,
    StoryState,
    Wanted,
    assign,
    regroup,
)
from transform.cluster import outer_of
from transform.model import ArticleId, Judgement, JudgementKind, Match, MatchKind, Member, StoryId

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPANS = ((0.0, 0.3), (0.0, 0.5), (0.35, 0.6), (0.6, 0.9))


def match(left: int, right: int, kind: MatchKind, *, inner: int | None = None, span: tuple[float, float] = (0, 1),
          containment: float = 0.9, jaccard: float = 0.5) -> Match:  # fmt: skip
    return Match(left=ArticleId(left), right=ArticleId(right), kind=kind, failed=None, jaccard=jaccard,
                 jaccard_filtered=jaccard, containment=containment, facts=1, run=20, inner=ArticleId(inner or left),
                 start=span[0], end=span[1])  # fmt: skip


def same(left: int, right: int, jaccard: float = 0.5) -> Match:
    return match(left, right, MatchKind.SAME, jaccard=jaccard)


def begins(inner: int, outer: int, containment: float = 0.9, span: tuple[float, float] = (0.0, 0.5)) -> Match:
    left, right = sorted((inner, outer))
    return match(left, right, MatchKind.CONTAINED, inner=inner, containment=containment, span=span)


def lifted(inner: int, outer: int, span: tuple[float, float]) -> Match:
    left, right = sorted((inner, outer))
    return match(left, right, MatchKind.LIFTED, inner=inner, span=span)


def member(article: int, words: int = 300, hours: int | None = None) -> Member:
    at = None if hours is None else NOON + timedelta(hours=hours)
    return Member(id=ArticleId(article), published_at=at, order_key=article.to_bytes(2), words=words, tier=2,
                  partial=False)  # fmt: skip


def ids(*articles: int) -> frozenset[ArticleId]:
    return frozenset(ArticleId(article) for article in articles)


def judged(number: int, kind: JudgementKind, articles: Iterable[int], others: Iterable[int] = ()) -> Judgement:
    return Judgement(id=number, kind=kind, articles=ids(*articles), others=ids(*others))


@dataclass
class Shelf:
    """What a store keeps. Of it, the newcomers see only what `Neighbourhood` promises, and then what they want."""

    stories: dict[StoryId, StoryState] = field(default_factory=dict)
    places: dict[ArticleId, Place] = field(default_factory=dict)
    members: dict[ArticleId, Member] = field(default_factory=dict)
    matches: dict[tuple[ArticleId, ArticleId], Match] = field(default_factory=dict)
    judgements: list[Judgement] = field(default_factory=list)
    changes: list[StoryChange] = field(default_factory=list)

    def settle(self, batch: Sequence[Newcomer]) -> Assignments:
        """Place the batch, and keep what comes of it."""
        result, whole = Wanted(articles=ids()), set[ArticleId]()
        while isinstance(result, Wanted):
            whole |= result.articles
            result = assign(batch, self.around(batch, whole))
        for newcomer in batch:
            self.members[newcomer.member.id] = newcomer.member
            self.matches.update({(m.left, m.right): m for m in newcomer.matches if m.kind != "different"})
        return self._keep(result)

    def around(self, batch: Sequence[Newcomer], wanted: Collection[ArticleId] = ()) -> Neighbourhood:
        """No more than is promised to these newcomers, and the stories of the wanted articles as wholes."""
        matched = {one for n in batch for m in n.matches if m.kind != "different" for one in (m.left, m.right)}
        known = {n.member.id for n in batch} & set(self.places)
        spanning = {outer_of(m) for n in batch for m in n.matches if m.kind in ("contained", "lifted")}
        return self._around(matched | known, known, known | spanning, wanted)

    def told(self) -> tuple[dict[StoryId, set[ArticleId]], dict[StoryId, ArticleId | None]]:
        """What a consumer is to have: the members of each story, and the canonical one of those that live."""
        shown = {story: None if state.merged_into else state.canonical for story, state in self.stories.items()}
        return {story: set(self._whole(story)) for story in self.stories}, shown

    def judge(self, judgement: Judgement) -> Assignments:
        self.judgements.append(judgement)
        return self._regroup(judgement)

    def undo(self, judgement: Judgement) -> Assignments:
        self.judgements.remove(judgement)
        return self._regroup(judgement)

    def shapes(self) -> list[list[int]]:
        """The members of the living stories."""
        return sorted(sorted(self._whole(story)) for story, state in self.stories.items() if not state.merged_into)

    def _regroup(self, judgement: Judgement) -> Assignments:
        articles = (judgement.articles | judgement.others) & set(self.places)
        result, whole = Wanted(articles=frozenset(articles)), set[ArticleId]()
        while isinstance(result, Wanted):
            whole |= result.articles
            result = regroup(articles, self._around(articles, ids(), ids(), whole), judgement.id)
        return self._keep(result)

    def _around(
        self,
        near: Iterable[ArticleId],
        known: Collection[ArticleId],
        matched: Collection[ArticleId],
        wanted: Collection[ArticleId],
    ) -> Neighbourhood:
        near = {article for article in near if article in self.places}
        whole = {self.places[article].story: self._whole(self.places[article].story) for article in wanted}
        held = {article for roster in whole.values() for article in roster}
        roots = {self.places[article].family for article in near | held} - {None}
        outer = {a.article for root in roots if (a := self.places[root].attached)}
        outer |= {self.places[article].family for article in outer} - {None}
        stories = {self.places[article].story for article in near | held | roots | outer}
        contenders = {article for story in stories for article in self.stories[story].contenders}
        matched = held | set(matched)
        return Neighbourhood(
            stories={story: self.stories[story] for story in stories},
            places={article: self.places[article] for article in near | held | roots | outer},
            members={article: self.members[article] for article in contenders | held | set(known)},
            matches=tuple(m for pair, m in self.matches.items() if not matched.isdisjoint(pair)),
            whole=whole,
            judgements=tuple(one for one in self.judgements if not held.isdisjoint(one.articles | one.others)),
        )

    def _whole(self, story: StoryId) -> frozenset[ArticleId]:
        return frozenset(article for article, place in self.places.items() if place.story == story)

    def _keep(self, result: Assignments) -> Assignments:
        """New stories are numbered on from those there are."""
        new = sorted((s.id for s in result.stories if s.id < 0), reverse=True)
        numbers = {temporary: StoryId(len(self.stories) + place) for place, temporary in enumerate(new, start=1)}
        for s in result.stories:
            into = None if s.merged_into is None else numbers.get(s.merged_into, s.merged_into)
            self.stories[numbers.get(s.id, s.id)] = replace(s, id=numbers.get(s.id, s.id), merged_into=into)
        for article, place in result.places.items():
            self.places[article] = replace(place, story=numbers.get(place.story, place.story))
        for change in result.changes:
            other = None if change.other is None else numbers.get(change.other, change.other)
            self.changes.append(replace(change, story=numbers.get(change.story, change.story), other=other))
        return result


def told_by(changes: Iterable[StoryChange]) -> tuple[dict[StoryId, set[ArticleId]], dict[StoryId, ArticleId | None]]:
    """The members of each story, and the canonical one, as a consumer has them who obeys the changes one by one."""
    held: dict[StoryId, set[ArticleId]] = {}
    shown: dict[StoryId, ArticleId | None] = {}
    for one in changes:
        if one.change in (Change.FOUNDED, Change.SPLIT):
            assert one.story not in held and one.article is not None
            held[one.story], shown[one.story] = {one.article}, one.article
        elif one.change is Change.JOINED:
            assert one.article not in held[one.story] and one.article is not None
            held[one.story].add(one.article)
        elif one.change is Change.LEFT:
            held[one.story].remove(one.article)  # type: ignore[arg-type]
        elif one.change is Change.MERGED:
            assert one.other is not None and one.articles == len(held[one.story])
            held[one.other] |= held[one.story]
            held[one.story], shown[one.story] = set(), None
        elif one.change is Change.CANONICAL:
            assert one.article in held[one.story]
            shown[one.story] = one.article
    return held, shown


@dataclass(frozen=True)
class Tale:
    """Articles that come in some order, some of them again with a changed text."""

    turns: tuple[Newcomer, ...]

    @property
    def articles(self) -> frozenset[ArticleId]:
        return frozenset(turn.member.id for turn in self.turns)

    @property
    def matches(self) -> list[Match]:
        """Those that hold in the end."""
        held = {(m.left, m.right): m for turn in self.turns for m in turn.matches if m.kind != "different"}
        return list(held.values())


@st.composite
def tales(draw: st.DrawFn, changes: int = 0) -> Tale:
    """Up to 12 articles in any order with random matches between them, and up to so many changes of texts."""
    count = draw(st.integers(2, 12))
    rng = random.Random(draw(st.integers(0, 10**6)))
    order = rng.sample(range(1, count + 1), count)
    drawn = {(a, b): _random_match(a, b, rng) for a in range(1, count + 1) for b in range(a + 1, count + 1)
             if rng.random() < 0.25}  # fmt: skip
    turns, known = [], set[int]()
    for article in order:
        known.add(article)
        mine = tuple(m for pair, m in drawn.items() if article in pair and known >= set(pair))
        turns.append(Newcomer(member=_random_member(article, rng), matches=mine))
    for _ in range(rng.randint(0, changes)):
        article = rng.choice(order)
        pairs = [(min(article, o), max(article, o)) for o in order if o != article and rng.random() < 0.25]
        mine = tuple(
            drawn[pair] if pair in drawn and rng.random() < 0.6 else _random_match(*pair, rng) for pair in pairs
        )
        turns.append(Newcomer(member=_random_member(article, rng), matches=mine))
    return Tale(tuple(turns))


def two_more(tale: Tale, rng: random.Random) -> tuple[Tale, Tale]:
    """The tale with two more articles at its end, each of which matches some of the others: told in either order."""
    known = sorted(tale.articles)
    one, other = known[-1] + 1, known[-1] + 2
    near = {new: [_random_match(old, new, rng) for old in rng.sample(known, rng.randint(1, len(known)))] for new in (one, other)}  # fmt: skip
    between = [_random_match(one, other, rng)] if rng.random() < 0.5 else []
    members = {new: _random_member(new, rng) for new in (one, other)}
    return tuple(
        Tale(
            (
                *tale.turns,
                Newcomer(member=members[first], matches=tuple(near[first])),
                Newcomer(member=members[second], matches=(*near[second], *between)),
            )
        )
        for first, second in ((one, other), (other, one))
    )


def _random_match(left: int, right: int, rng: random.Random) -> Match:
    kind = rng.choices([MatchKind.SAME, MatchKind.CONTAINED, MatchKind.LIFTED, MatchKind.DIFFERENT], (4, 4, 2, 1))[0]
    return match(left, right, kind, inner=rng.choice((left, right)), containment=rng.choice((0.6, 0.7, 0.8)),
                 span=rng.choice(SPANS), jaccard=rng.choice((0.4, 0.6, 0.8)))  # fmt: skip


def _random_member(article: int, rng: random.Random) -> Member:
    return member(article, words=rng.choice((100, 150, 200, 300)), hours=rng.choice((None, 1, 2, 3, 4)))


@st.composite
def judgements(draw: st.DrawFn, articles: frozenset[ArticleId]) -> list[Judgement]:
    """Up to four judgements about these articles, numbered in the order in which they are given."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    numbers = range(1, rng.randint(0, 4) + 1)
    return [_random_judgement(number, rng.sample(sorted(articles), len(articles)), rng) for number in numbers]


def _random_judgement(number: int, articles: Sequence[ArticleId], rng: random.Random) -> Judgement:
    kind = rng.choice(list(JudgementKind))
    if kind is JudgementKind.PIN:
        return judged(number, kind, articles[:1])
    cut, end = rng.choice(((1, 2), (1, 3), (2, 4))) if kind is JudgementKind.DIFFERENT and len(articles) > 3 else (1, 2)
    return judged(number, kind, articles[:cut], articles[cut:end])


def batches(turns: Sequence[Newcomer], rng: random.Random) -> Iterable[list[Newcomer]]:
    """The turns in batches of random size, as settling makes them: none with two turns of one article."""
    batch: list[Newcomer] = []
    for turn in turns:
        if batch and (rng.random() < 0.3 or any(turn.member.id == other.member.id for other in batch)):
            yield batch
            batch = []
        batch.append(turn)
    yield batch


def shelf_of(held: Mapping[int, Sequence[int]]) -> Shelf:
    """A store with these stories, the articles of each the same as its first."""
    shelf = Shelf()
    for articles in held.values():
        for article in articles:
            mine = () if article == articles[0] else (same(articles[0], article),)
            shelf.settle([Newcomer(member=member(article), matches=mine)])
    return shelf
