"""Newcomers with their matches + the stories around them → what becomes of those stories.

Newcomers are placed one after the other, each against the state its predecessors left: so one batch of a hundred and a
hundred batches of one end alike. Which articles belong together is decided by `cluster.partition` alone; this module
gives the groups their identity: an id once shown goes on with the group that holds the story's canonical member.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from transform.canonical import choose_canonical
from transform.cluster import Group, containers, joinable, partition
from transform.model import ArticleId, Match, MatchKind, Member, StoryId


class Change(StrEnum):
    FOUNDED = "founded"
    JOINED = "joined"
    LEFT = "left"
    MERGED = "merged"
    SPLIT = "split"
    CANONICAL = "canonical"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryState:
    """A story as it stands; a story without members has been merged into another."""

    id: StoryId
    members: frozenset[ArticleId]
    canonical: ArticleId
    canonical_rule: str
    containers: frozenset[ArticleId] = frozenset()  # members that hold other texts side by side: digests, live blogs
    merged_into: StoryId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An article to place: a new one, or a known one whose text changed."""

    member: Member
    matches: tuple[Match, ...]  # with articles settled before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """The stored stories that the newcomers may touch.

    stories: those of every article a newcomer matches, and of every article that their members may come to join.
    members: all members of these stories. matches: all positive matches of these members, with whomever.
    """

    stories: tuple[StoryState, ...] = ()
    members: Mapping[ArticleId, Member]
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryChange:
    change: Change
    story: StoryId
    article: ArticleId | None = None
    detail: str = ""
    other: StoryId | None = None  # the story merged into, split from, or gone to


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """The touched stories as they are now, and what happened in order. Ids below zero are of new stories."""

    stories: tuple[StoryState, ...]
    changes: tuple[StoryChange, ...]


def assign(newcomers: Sequence[Newcomer], around: Neighbourhood) -> Assignments:
    """The stories after placing the newcomers, in the order given."""
    board = _Board(around)
    for newcomer in newcomers:
        board.place(newcomer)
    return Assignments(stories=tuple(board.changed()), changes=tuple(board.changes))


class _Board:
    """The state between two placements."""

    def __init__(self, around: Neighbourhood) -> None:
        self.before = {story.id: story for story in around.stories}
        self.stories = dict(self.before)
        self.members = dict(around.members)
        self.story_of = {article: story.id for story in around.stories for article in story.members}
        self.matches: dict[ArticleId, dict[tuple[ArticleId, ArticleId], Match]] = defaultdict(dict)
        self.changes: list[StoryChange] = []
        self.containers = frozenset[ArticleId]().union(*(story.containers for story in around.stories))
        self._founded = 0
        self._record(around.matches)

    def changed(self) -> Iterable[StoryState]:
        return (story for story in self.stories.values() if self.before.get(story.id) != story)

    def place(self, newcomer: Newcomer) -> None:
        article = newcomer.member.id
        self.members[article] = newcomer.member
        self._record(match for match in newcomer.matches if match.kind is not MatchKind.DIFFERENT)
        touched = self._touched(article)
        articles = {article}.union(*(self.stories[story].members for story in touched))
        matches = self._matches_of(articles)
        self.containers = (self.containers - articles) | (containers(matches) & articles)
        self._name(partition(articles, matches), touched, article)

    def _record(self, matches: Iterable[Match]) -> None:
        for match in matches:
            self.matches[match.left][match.left, match.right] = match
            self.matches[match.right][match.left, match.right] = match

    def _touched(self, article: ArticleId) -> set[StoryId]:
        """The stories whose grouping may change: the matched ones, and those that their members may come to join."""
        near = {article} | {other for pair in self.matches[article] for other in pair}
        touched = {self.story_of[other] for other in near if other in self.story_of}
        articles = {article}.union(*(self.stories[story].members for story in touched))
        beyond = joinable(self._matches_of(articles))
        return touched | {self.story_of[other] for other in beyond if other in self.story_of}

    def _matches_of(self, articles: Iterable[ArticleId]) -> list[Match]:
        return list({pair: match for article in articles for pair, match in self.matches[article].items()}.values())

    def _name(self, groups: frozenset[Group], touched: set[StoryId], newcomer: ArticleId) -> None:
        """Give each group the oldest of the ids it has a claim on, or a new one."""
        claims: dict[Group, list[StoryId]] = {group: [] for group in groups}
        for story in sorted(touched, key=_age):
            claims[next(group for group in groups if self.stories[story].canonical in group)].append(story)
        for group in sorted(groups, key=min):
            story = claims[group][0] if claims[group] else self._found(group, newcomer)
            self._settle(story, group, newcomer)
            for loser in claims[group][1:]:
                self._merge(loser, story)

    def _found(self, group: Group, newcomer: ArticleId) -> StoryId:
        self._founded += 1
        story = StoryId(-self._founded)
        former = self.story_of.get(min(group))
        change = Change.FOUNDED if group == {newcomer} or former is None else Change.SPLIT
        self.changes.append(StoryChange(change=change, story=story, article=min(group), other=former))
        return story

    def _settle(self, story: StoryId, group: Group, newcomer: ArticleId) -> None:
        canonical, rule = choose_canonical([self.members[article] for article in group])
        self._log_moves(story, group, newcomer)
        known = self.stories.get(story)
        if known is not None and known.canonical != canonical:
            self.changes.append(StoryChange(change=Change.CANONICAL, story=story, article=canonical, detail=rule))
        for article in group:
            self.story_of[article] = story
        self.stories[story] = StoryState(
            id=story,
            members=group,
            canonical=canonical,
            canonical_rule=rule,
            containers=group & self.containers,
        )

    def _log_moves(self, story: StoryId, group: Group, newcomer: ArticleId) -> None:
        known = self.stories.get(story)
        if newcomer in group and known is not None and newcomer not in known.members:
            self.changes.append(
                StoryChange(change=Change.JOINED, story=story, article=newcomer, detail=self._evidence(newcomer, group))
            )
        for article in sorted((known.members if known else frozenset()) - group):
            self.changes.append(StoryChange(change=Change.LEFT, story=story, article=article))

    def _evidence(self, newcomer: ArticleId, group: Group) -> str:
        matches = [m for m in self.matches[newcomer].values() if m.left in group and m.right in group]
        best = max(matches, key=lambda m: (m.kind is MatchKind.SAME, m.jaccard, -m.left), default=None)
        return f"{best.kind} {best.left if best.right == newcomer else best.right}" if best else ""

    def _merge(self, loser: StoryId, winner: StoryId) -> None:
        state = self.stories[loser]
        self.stories[loser] = StoryState(
            id=loser,
            members=frozenset(),
            canonical=state.canonical,
            canonical_rule=state.canonical_rule,
            merged_into=winner,
        )
        self.changes.append(StoryChange(change=Change.MERGED, story=loser, other=winner))


def _age(story: StoryId) -> tuple[bool, int]:
    """Older stories first: stored ones by id, then those founded in this batch in their order."""
    return (story < 0, abs(story))
