"""Newcomers with their matches + the stories around them → what becomes of those stories.

Newcomers are placed one after the other, each against the state its predecessors left: so one batch of a hundred and a
hundred batches of one end alike. Which articles belong together is decided by `cluster.group` alone; this module gives
the groups their identity: an id once shown goes on with the group that holds the story's canonical member.

Most newcomers found a story or join one, and change no other article's place. That is told from the places of the
articles they match, at a cost that does not grow with the story (`_Board._step`). Only where groups may change are the
touched stories grouped anew, as wholes. Both ways end as `cluster.group` says: the tests compare them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from transform.canonical import Choice, choose
from transform.cluster import Attachment, Group, Grouping, containers, group, joinable, outer_of
from transform.model import ArticleId, Judgement, JudgementKind, Match, MatchKind, Member, StoryId


class Change(StrEnum):
    FOUNDED = "founded"
    JOINED = "joined"
    LEFT = "left"
    MERGED = "merged"
    SPLIT = "split"
    CANONICAL = "canonical"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryState:
    """A story as it stands; a story without articles has been merged into another."""

    id: StoryId
    articles: int
    canonical: ArticleId
    canonical_rule: str
    contenders: tuple[ArticleId, ...]  # members among which the canonical one is chosen when another comes
    first_published_at: datetime | None = None  # of the members
    last_published_at: datetime | None = None
    digest: bool = False  # every member holds other texts side by side
    judged: bool = False  # a member is the subject of a judgement
    merged_into: StoryId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an article stands."""

    story: StoryId
    family: ArticleId | None  # the smallest id of those that are one text with it; None when that is not known
    container: bool = False  # it holds other texts side by side: a digest, a live blog
    attached: Attachment | None = None  # of a family's first article: the longer text that the family begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An article to place: a new one, or a known one whose text changed."""

    member: Member
    matches: tuple[Match, ...]  # with articles settled before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What is known of the stored stories that the newcomers may touch.

    places: of the known articles among the newcomers, of those that newcomers match, of all members of whole stories;
    with each, that of its family's first article, and of the article which that is attached to.
    stories: those of all these places.
    members: the contenders of these stories, the known ones among the newcomers, and all members of whole stories.
    matches: all positive ones of the known articles among the newcomers, of those that newcomers match but not as the
    same text, and of all members of whole stories.
    whole: the members of the stories that are known as wholes.
    judgements: those about any member of these.
    """

    stories: Mapping[StoryId, StoryState] = field(default_factory=dict)
    places: Mapping[ArticleId, Place] = field(default_factory=dict)
    members: Mapping[ArticleId, Member] = field(default_factory=dict)
    matches: tuple[Match, ...] = ()
    whole: Mapping[StoryId, frozenset[ArticleId]] = field(default_factory=dict)
    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryChange:
    change: Change
    story: StoryId
    article: ArticleId | None = None
    detail: str = ""
    other: StoryId | None = None  # the story merged into, split from, or gone to
    articles: int | None = None  # how many a merger moves
    judgement: int | None = None  # id of the judgement that did it, by being given or taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """The stories and places that are other than before, and what happened in order. Ids below zero are new stories."""

    stories: tuple[StoryState, ...]
    places: Mapping[ArticleId, Place]
    changes: tuple[StoryChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Articles whose stories must be known as wholes before the newcomers can be placed."""

    articles: frozenset[ArticleId]


def assign(newcomers: Sequence[Newcomer], around: Neighbourhood) -> Assignments | Wanted:
    """The stories after placing the newcomers, in the order given."""
    board = _Board(around)
    wanted: set[ArticleId] = set()
    for newcomer in newcomers:
        try:
            board.place(newcomer)
        except _Unknown as unknown:  # the rest are still asked what they want: one look at the store for all
            wanted |= unknown.articles
            board.waiting.add(newcomer.member.id)
    return Wanted(articles=frozenset(wanted)) if board.waiting else board.assignments()


def regroup(articles: Collection[ArticleId], around: Neighbourhood, judgement: int) -> Assignments | Wanted:
    """The stories of these articles after a judgement was given, or taken back."""
    board = _Board(around)
    try:
        board.regroup(articles, judgement)
    except _Unknown as unknown:
        return Wanted(articles=frozenset(unknown.articles))
    return board.assignments()


class _Unknown(Exception):
    """Something must be known of these articles' stories that is not."""

    def __init__(self, articles: Iterable[ArticleId]) -> None:
        super().__init__()
        self.articles = frozenset(articles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A placement that changes no other article's story."""

    story: StoryId | None  # None to found one
    family: ArticleId
    container: bool
    attached: Mapping[ArticleId, Attachment]  # families with a new best


class _Board:
    """The state between two placements."""

    def __init__(self, around: Neighbourhood) -> None:
        self.before = around.stories
        self.stories = dict(around.stories)
        self.places_before = around.places
        self.places = dict(around.places)
        self.members = dict(around.members)
        self.rosters = {story: set(held) for story, held in around.whole.items()}
        self.judgements = around.judgements
        self.matches: dict[ArticleId, dict[tuple[ArticleId, ArticleId], Match]] = defaultdict(dict)
        self.changes: list[StoryChange] = []
        self.waiting: set[ArticleId] = set()  # newcomers that could not be placed
        self._founded = 0
        self._moved: set[ArticleId] = set()
        self._record(around.matches)

    def assignments(self) -> Assignments:
        moved = {article: self.places[article] for article in self._moved}
        return Assignments(
            stories=tuple(state for state in self.stories.values() if self.before.get(state.id) != state),
            places={article: place for article, place in moved.items() if self.places_before.get(article) != place},
            changes=tuple(self.changes),
        )

    def place(self, newcomer: Newcomer) -> None:
        positive = [match for match in newcomer.matches if match.kind is not MatchKind.DIFFERENT]
        self._refuse_unplaced(newcomer.member.id, positive)
        step = self._step(newcomer.member, positive)
        self._record(positive)
        if step is not None:
            self.members[newcomer.member.id] = newcomer.member
            self._take(newcomer.member.id, step)
            return
        touched = self._touched({newcomer.member.id})
        self.members[newcomer.member.id] = newcomer.member
        self._group_anew(touched, placing={newcomer.member.id})

    def regroup(self, articles: Collection[ArticleId], judgement: int) -> None:
        self._group_anew(self._touched(articles), judgement=judgement)

    # --- The short way: a newcomer that changes no other article's story ---

    def _step(self, member: Member, positive: Sequence[Match]) -> _Step | None:
        """What placing it comes to; None when other articles may change their stories for it.

        Nobody else moves when no article becomes a container, or ceases to be one, and the newcomer ties together no
        two families or stories: then the groups are those there were, and one of them has grown by the newcomer.
        """
        own = self.places.get(member.id)
        if any(self.places[_other(match, member.id)].family is None for match in positive):
            return None
        container = self._container_as_it_is(member.id, own, positive)
        if container is None or not self._leaves_past_alone(member, own, positive):
            return None
        family = self._one_family(member.id, own, container, positive)
        if family is None:
            return None
        attached = {} if container else self._attachments(member.id, family, positive)
        homes = self._homes(own, family, attached)
        if homes is None or len(homes) > 1 or any(self.stories[story].judged for story in homes):
            return None
        return _Step(story=next(iter(homes), None), family=family, container=container, attached=attached)

    def _container_as_it_is(self, article: ArticleId, own: Place | None, positive: Sequence[Match]) -> bool | None:
        """Whether the newcomer is a container; None when its coming makes or unmakes another one, or itself."""
        inside = [match for match in positive if match.kind is not MatchKind.SAME]
        for outer in {outer_of(match) for match in inside} - {article}:
            if self._holds_others(outer, inside) != self.places[outer].container:
                return None
        container = self._holds_others(article, inside)
        return container if own is None or own.container == container else None

    def _holds_others(self, article: ArticleId, new: Sequence[Match]) -> bool:
        """Whether it is a container once these matches are known."""
        if article not in self.matches:
            mine = [match for match in new if outer_of(match) == article]
        else:
            known = self.matches[article] | {(match.left, match.right): match for match in new}
            mine = [match for match in known.values() if outer_of(match) == article]
        return len(mine) > 1 and article in containers(mine)

    def _leaves_past_alone(self, member: Member, own: Place | None, positive: Iterable[Match]) -> bool:
        """Whether all that was known of the article still holds: always so for a new one."""
        if own is None:
            return True
        known = self.matches[member.id]
        if any(_ties(known.get((match.left, match.right), match)) != _ties(match) for match in positive):
            return False
        story, former = self.stories[own.story], self.members[member.id]
        if member == former:
            return True
        ends = (story.first_published_at, story.last_published_at)
        redated = member.published_at != former.published_at and former.published_at in ends
        return member.id not in story.contenders and not redated

    def _one_family(
        self, article: ArticleId, own: Place | None, container: bool, positive: Iterable[Match]
    ) -> ArticleId | None:
        """The family that it belongs to, its own id for a new one; None when it ties several together."""
        near = [self.places[_other(match, article)] for match in positive if match.kind is MatchKind.SAME]
        if own is not None:
            near.append(own)
        families = {place.family for place in near if place.container == container}
        if len(families) > 1 or any(self.stories[place.story].judged for place in near):
            return None
        family = families.pop() if families else article
        return family if family is not None and family <= article else None  # a family bears its smallest id

    def _attachments(
        self, article: ArticleId, family: ArticleId, positive: Iterable[Match]
    ) -> dict[ArticleId, Attachment]:
        """The families for which a match of the newcomer is better than what they are attached by."""
        better: dict[ArticleId, Attachment] = {}
        for match in positive:
            other = self.places[_other(match, article)]
            if match.kind is not MatchKind.CONTAINED or other.container or other.family == family:
                continue
            inner = family if match.inner == article else other.family
            assert inner is not None
            best = better.get(inner) or self._attached(inner)
            offered = Attachment(match.containment, -outer_of(match))
            if best is None or offered > best:
                better[inner] = offered
        return better

    def _attached(self, family: ArticleId) -> Attachment | None:
        place = self.places.get(family)
        return place.attached if place is not None else None

    def _homes(
        self, own: Place | None, family: ArticleId, attached: Mapping[ArticleId, Attachment]
    ) -> set[StoryId] | None:
        """The stories that become one with the newcomer; None when a family would leave what it hangs on."""
        homes = {self.places[family].story} if family in self.places else set()
        if own is not None:
            homes.add(own.story)
        for inner, best in attached.items():
            former = self._attached(inner)
            target = self.places[best.article].family if best.article in self.places else family
            if former is not None and self.places[former.article].family != target:
                return None
            homes |= {self.places[one].story for one in (inner, best.article) if one in self.places}
        return homes

    def _take(self, article: ArticleId, step: _Step) -> None:
        known = self.places.get(article)
        story = self._found(article) if step.story is None else step.story
        if known is None:
            self._put(article, Place(story=story, family=step.family, container=step.container))
            self.rosters.get(story, set()).add(article)
        for family, best in step.attached.items():
            self._put(family, replace(self.places[family], attached=best))
        if step.story is None:
            self.rosters[story] = {article}
            self._set(self._state(story, {article}, digest=step.container))
        else:
            self._grow(self.stories[story], article, is_new=known is None)

    def _grow(self, story: StoryState, article: ArticleId, *, is_new: bool) -> None:
        """Count the article in, and choose the canonical member anew."""
        member = self.members[article]
        if is_new:
            near = {one for pair in self.matches[article] for one in pair if self.places[one].story == story.id}
            detail = self.evidence(article, near)
            self.changes.append(StoryChange(change=Change.JOINED, story=story.id, article=article, detail=detail))
        choice = self._chosen(story, member)
        times = [at for at in (story.first_published_at, story.last_published_at, member.published_at) if at]
        if choice.canonical != story.canonical:
            change = StoryChange(change=Change.CANONICAL, story=story.id, article=choice.canonical, detail=choice.rule)
            self.changes.append(change)
        self._set(
            replace(
                story,
                articles=story.articles + is_new,
                canonical=choice.canonical,
                canonical_rule=choice.rule,
                contenders=choice.contenders,
                first_published_at=min(times, default=None),
                last_published_at=max(times, default=None),
            )
        )

    def _chosen(self, story: StoryState, member: Member) -> Choice:
        """Who stands for the story with this member."""
        held = [self.members[one] for one in story.contenders if one != member.id]
        if member.words > max(self.members[one].words for one in story.contenders):
            held = [self.members[one] for one in self._roster(story.id) if one != member.id]
        return choose([*held, member])

    # --- The long way: the touched stories as wholes ---

    def _touched(self, articles: Collection[ArticleId]) -> set[StoryId]:
        """The stories whose grouping may change: the matched ones, and those that their members may come to join.

        A text that changed may also let others go, or no longer hold them back: all that is tied to those stories.
        Where judgements hold texts back, a change may travel on from story to story.
        """
        near = set(articles) | {other for article in articles for pair in self.matches[article] for other in pair}
        touched = self._stories_of(near, articles)
        is_new = self.places.keys().isdisjoint(articles)
        beyond = joinable(self._matches_among(touched, articles)) if is_new else self._tied(touched, articles)
        touched |= self._stories_of(beyond, articles)
        while any(self.stories[story].judged for story in touched) or self._judged(self._all(touched)):
            wider = touched | self._stories_of(self._tied(touched, articles), articles)
            if wider == touched:
                break
            touched = wider
        return touched

    def _tied(self, touched: Iterable[StoryId], articles: Collection[ArticleId]) -> set[ArticleId]:
        """All that matches or judgements tie to the members of these stories."""
        matches = self._matches_among(touched, articles)
        tied = {one for match in matches if match.kind is not MatchKind.LIFTED for one in (match.left, match.right)}
        same = (one for one in self._judged(self._all(touched)) if one.kind is JudgementKind.SAME)
        return tied.union(*(judgement.articles | judgement.others for judgement in same))

    def _judged(self, articles: Collection[ArticleId]) -> list[Judgement]:
        """The judgements about any of these articles."""
        return [one for one in self.judgements if not (one.articles | one.others).isdisjoint(articles)]

    def _stories_of(self, articles: Iterable[ArticleId], placing: Collection[ArticleId]) -> set[StoryId]:
        """The stories of these articles, but for those that are being placed and have none yet."""
        articles = set(articles)
        strange = {article for article in articles if article not in self.places} - set(placing)
        if strange:
            raise _Unknown(strange - self.waiting)
        touched = {self.places[article].story for article in articles if article in self.places}
        partly = {self.before[story].canonical for story in touched if story not in self.rosters}
        if partly:
            raise _Unknown(partly)
        return touched

    def _all(self, stories: Iterable[StoryId]) -> set[ArticleId]:
        return set[ArticleId]().union(*(self.rosters[story] for story in stories))

    def _matches_among(self, stories: Iterable[StoryId], articles: Iterable[ArticleId]) -> list[Match]:
        """The matches of these articles and of the members of these stories, with whomever."""
        held = self._all(stories) | set(articles)
        return list({pair: match for article in held for pair, match in self.matches[article].items()}.values())

    def _group_anew(
        self, touched: set[StoryId], placing: Collection[ArticleId] = (), judgement: int | None = None
    ) -> None:
        """Group the members of the touched stories, and those that are being placed."""
        articles = self._all(touched) | set(placing)
        grouping = group(articles, self._matches_among(touched, placing), self._judged(articles))
        named = self._name(grouping.groups, touched)
        states = {
            held: self._state(story, held, digest=held <= grouping.containers) for held, (story, *_) in named.items()
        }
        moves = _Moves(board=self, turned=self._turned(grouping), named=named, states=states, judgement=judgement)
        self.changes += moves.changes(touched)
        for held, state in states.items():
            self._settle(state, held, grouping, named[held][1:])

    def _turned(self, grouping: Grouping) -> ArticleId | None:
        """The first of the known articles that became a container, or ceased to be one."""
        known = (article for article in grouping.families if article in self.places)
        return min((a for a in known if self.places[a].container != (a in grouping.containers)), default=None)

    def _name(self, groups: frozenset[Group], touched: set[StoryId]) -> dict[Group, list[StoryId]]:
        """For each group the ids it has a claim on, oldest first: by their canonical members, or one new id."""
        claims: dict[Group, list[StoryId]] = {held: [] for held in sorted(groups, key=min)}
        home = {article: held for held in groups for article in held}
        for story in sorted(touched, key=_age):
            claims[home[self.stories[story].canonical]].append(story)
        for held in claims.values():
            if not held:
                held.append(self._new_id())
        return claims

    def _settle(self, state: StoryState, held: Group, grouping: Grouping, losers: Iterable[StoryId]) -> None:
        self._set(state)
        self.rosters[state.id] = set(held)
        for article in held:
            family = grouping.families[article]
            attached = grouping.attached.get(article) if family == article else None
            container = article in grouping.containers
            self._put(article, Place(story=state.id, family=family, container=container, attached=attached))
        for loser in losers:
            self.rosters[loser] = set()
            self._set(replace(self.stories[loser], articles=0, judged=False, merged_into=state.id))

    def _state(self, story: StoryId, held: Collection[ArticleId], *, digest: bool) -> StoryState:
        """The story with these members, all of which are known."""
        members = [self.members[article] for article in held]
        choice = choose(members)
        canonical, rule = self._pinned(held) or (choice.canonical, choice.rule)
        times = [member.published_at for member in members if member.published_at is not None]
        return StoryState(
            id=story,
            articles=len(held),
            canonical=canonical,
            canonical_rule=rule,
            contenders=choice.contenders,
            first_published_at=min(times, default=None),
            last_published_at=max(times, default=None),
            digest=digest,
            judged=bool(self._judged(held)),
        )

    def _pinned(self, held: Collection[ArticleId]) -> tuple[ArticleId, str] | None:
        """The member that a judgement makes canonical, the latest if there are several."""
        pins = [one for one in self._judged(held) if one.kind is JudgementKind.PIN]
        return (min(max(pins, key=lambda one: one.id).articles), "pinned") if pins else None

    # --- What both ways need ---

    def _refuse_unplaced(self, article: ArticleId, positive: Iterable[Match]) -> None:
        """Stop where a match is with a newcomer that could not be placed: it waits for what that one waits for."""
        if any(_other(match, article) not in self.places for match in positive):
            raise _Unknown(())

    def _record(self, matches: Iterable[Match]) -> None:
        for match in matches:
            self.matches[match.left][match.left, match.right] = match
            self.matches[match.right][match.left, match.right] = match

    def _put(self, article: ArticleId, place: Place) -> None:
        self.places[article] = place
        self._moved.add(article)

    def _set(self, state: StoryState) -> None:
        self.stories[state.id] = state

    def _roster(self, story: StoryId) -> set[ArticleId]:
        if story not in self.rosters:
            raise _Unknown({self.before[story].canonical})
        return self.rosters[story]

    def _new_id(self) -> StoryId:
        self._founded += 1
        return StoryId(-self._founded)

    def _found(self, article: ArticleId) -> StoryId:
        story = self._new_id()
        self.changes.append(StoryChange(change=Change.FOUNDED, story=story, article=article))
        return story

    def evidence(self, article: ArticleId, near: Collection[ArticleId]) -> str:
        """The best match of the article with one of those near, as 'same 33'; nothing when there is none."""
        best = _best(match for match in self.matches[article].values() if _other(match, article) in near)
        return f"{best.kind} {_other(best, article)}" if best else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """What a regrouping means for a consumer who keeps the members of each story.

    Whoever obeys the changes in order has the members right: 'left' takes one away, 'founded' and 'split' begin with
    one, 'joined' adds one, and 'merged' moves all that the story still has.
    """

    board: _Board  # as it was before
    turned: ArticleId | None  # became a container, or ceased to be one
    named: Mapping[Group, Sequence[StoryId]]  # a group's id, and those merged into it
    states: Mapping[Group, StoryState]
    judgement: int | None

    def changes(self, touched: Iterable[StoryId]) -> list[StoryChange]:
        went = {article: held for held in self.named for article in held}
        left = [change for story in sorted(touched, key=_age) for change in self._departures(story, went)]
        return left + [change for held, ids in self.named.items() for change in self._arrivals(held, ids)]

    def _departures(self, story: StoryId, went: Mapping[ArticleId, Group]) -> Iterable[StoryChange]:
        heir = went[self.board.stories[story].canonical]
        for article in sorted(self.board.rosters[story] - heir):
            other, detail = self.named[went[article]][0], self._reason(article, went[article])
            yield self._change(Change.LEFT, story, article=article, detail=detail, other=other)

    def _arrivals(self, held: Group, ids: Sequence[StoryId]) -> Iterable[StoryChange]:
        story, *losers = ids
        canonical, rule = self.states[held].canonical, self.states[held].canonical_rule
        known = self.board.stories.get(story)
        merged = {loser: held & self.board.rosters[loser] for loser in losers}
        new = held.difference(self.board.rosters.get(story, ()), *merged.values())
        if known is None:
            yield self._beginning(story, canonical, held)
            new -= {canonical}
        for article in sorted(new):
            yield self._change(Change.JOINED, story, article=article, detail=self.board.evidence(article, held))
        for loser, moved in merged.items():
            detail = self._bridge(moved, held)
            yield self._change(Change.MERGED, loser, other=story, articles=len(moved), detail=detail)
        if known is not None and known.canonical != canonical:
            yield self._change(Change.CANONICAL, story, article=canonical, detail=rule)

    def _beginning(self, story: StoryId, canonical: ArticleId, held: Group) -> StoryChange:
        former = self.board.places.get(canonical)
        if former is None:
            return self._change(Change.FOUNDED, story, article=canonical)
        detail = self._reason(canonical, held)
        return self._change(Change.SPLIT, story, article=canonical, other=former.story, detail=detail)

    def _reason(self, article: ArticleId, held: Group) -> str:
        """Why the article is no longer where it was: an article that became a container, or what holds it now."""
        return self.board.evidence(article, held) if self.turned is None else f"container {self.turned}"

    def _bridge(self, moved: Group, held: Group) -> str:
        """The best match between what a merger moves and the rest, as 'same 17 33'."""
        rest = held - moved
        best = _best(match for one in moved for match in self.board.matches[one].values() if _other(match, one) in rest)
        return f"{best.kind} {best.left} {best.right}" if best else ""

    def _change(
        self,
        change: Change,
        story: StoryId,
        *,
        article: ArticleId | None = None,
        detail: str = "",
        other: StoryId | None = None,
        articles: int | None = None,
    ) -> StoryChange:
        return StoryChange(
            change=change,
            story=story,
            article=article,
            detail=detail,
            other=other,
            articles=articles,
            judgement=self.judgement,
        )


def _best(matches: Iterable[Match]) -> Match | None:
    """The match that ties best."""
    found = (match for match in matches if match.kind is not MatchKind.LIFTED)
    return max(found, key=lambda one: (one.kind is MatchKind.SAME, one.jaccard, -one.left, -one.right), default=None)


def _other(match: Match, article: ArticleId) -> ArticleId:
    return match.left if match.right == article else match.right


def _ties(match: Match) -> tuple[object, ...]:
    """What grouping makes of a match."""
    if match.kind is MatchKind.SAME:
        return (match.kind,)
    return match.kind, match.inner, match.containment, match.start, match.end


def _age(story: StoryId) -> tuple[bool, int]:
    """Older stories first: stored ones by id, then those founded in this batch in their order."""
    return (story < 0, abs(story))
