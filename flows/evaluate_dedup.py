"""eval dedup: articles in order of arrival go through a store of their own; what stories come of them, and how rightly.

They go the way of all others: announced by their outlets, archived as pages of plain text, read and cleaned in worker
processes, settled; and what repeats in an outlet is learned on the way.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from extract.labelled_stream import StoryLabel, StreamedArticle
from extract.model import FeedEntry, Page, Reason
from flows.reading import be_quiet
from flows.scratch import AtHand, Scratch, scratch_store
from flows.settings import Settings
from load import stories
from load.readings import Placed, places_of
from transform.cluster import partition
from transform.cluster_scores import (
    ClusterFigures,
    Share,
    cluster_figures,
    largest_wrong,
    misplaced,
    reunited,
)
from transform.model import ArticleId, Match
from transform.read import warm_up
from transform.thresholds import THRESHOLDS, judged_by, matters
from transform.verify import MatchPolicy

BATCH = 500  # articles that are put into the store at once
LEARN_EVERY = 1_000  # articles: what a run between two upkeeps brings, and what one costs is small beside reading them

_VERSION = re.compile(r"v\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An article that the store holds none of."""

    id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What stories came of some articles, in the order in which they came."""

    groups: Mapping[str, str]  # id → number of its story; of a refused article a name that no other has
    articles: Mapping[str, ArticleId]  # id → the store's article, of those that it holds
    refused: tuple[Refused, ...]
    verdicts: tuple[Match, ...]  # those that some threshold makes a match
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongStory:
    """The story with most articles that are another's."""

    ids: tuple[str, ...]
    foreign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How the figures would be with one threshold of the policy somewhere else."""

    threshold: str
    value: float
    is_policy: bool  # the value that it has
    precision: float
    recall: float
    f1: float
    bcubed_f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How rightly the labelled articles were grouped."""

    figures: ClusterFigures
    families: Mapping[str, Share]  # articles that are in a story of which most is another's
    edits: Mapping[str, Share]  # copies that are in a story with another article of theirs
    largest_wrong: WrongStory | None
    curve: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of a stream."""

    articles: int
    stories: int  # with an article that is not refused
    rejected: Mapping[str, int]  # reason → articles
    refused: tuple[Refused, ...]
    articles_per_s: float
    labelled: int
    scores: Scores | None  # None where nothing is labelled


# --- Grouping -------------------------------------------------------------------------------------------------


def group(
    articles: Iterable[StreamedArticle], settings: Settings, *, learn: bool, done: Callable[[object], None]
) -> Grouping:
    """The stories of these articles.

    Several that came under one URL are one article: all have its story.
    learn: whether the store learns what repeats in an outlet. done: told of each article. Raises PostgresUnavailable.
    """
    begun = time.monotonic()
    entries: dict[str, int | None] = {}
    batch = max(settings.batch, BATCH)
    with scratch_store(settings.model_copy(update={"batch": batch}), _get_ready) as scratch:
        for number, arrived in enumerate(_batches(articles, BATCH), 1):
            entries |= _take(scratch, arrived)
            if learn and number * BATCH % LEARN_EVERY == 0:
                scratch.learn()
            for article in arrived:
                done(article)
        if learn:
            scratch.learn()
        return _outcome(scratch, entries, time.monotonic() - begun)


def _get_ready() -> None:
    be_quiet()
    warm_up(["en"])


def _batches(articles: Iterable[StreamedArticle], size: int) -> Iterator[list[StreamedArticle]]:
    waiting = iter(articles)
    while batch := list(islice(waiting, size)):
        yield batch


def _take(scratch: Scratch, arrived: Sequence[StreamedArticle]) -> dict[str, int | None]:
    """Id → entry of the store; None where the URL is none."""
    ids = scratch.take([_at_hand(article) for article in arrived])
    return {article.id: ids[article.url][0] if article.url in ids else None for article in arrived}


def _at_hand(article: StreamedArticle) -> AtHand:
    """The article as a page of plain text, which its outlet has announced with title, author and time."""
    page = Page(
        url=article.url,
        final_url=article.url,
        status=200,
        headers=(("Content-Type", "text/plain; charset=utf-8"),),
        body=article.text.encode("utf-8", "replace"),
        fetched_at=article.fetched_at or article.published_at or datetime.now(UTC),
    )
    told = FeedEntry(
        url=article.url,
        title=article.title,
        authors=(article.byline,) if article.byline else (),
        published_at=article.published_at,
    )
    return AtHand(page=page, told=told, outlet=article.outlet)


def _outcome(scratch: Scratch, entries: Mapping[str, int | None], seconds: float) -> Grouping:
    with scratch.store.engine.connect() as connection:
        places = places_of(connection, {entry for entry in entries.values() if entry is not None})
        verdicts = tuple(filter(matters, stories.verdicts(connection)))
    no_url = Placed(article=None, story=None, reason=Reason.BAD_URL, detail="")
    found = {id_: no_url if entry is None else places[entry] for id_, entry in entries.items()}
    return Grouping(
        groups={id_: f"alone-{id_}" if place.story is None else str(place.story) for id_, place in found.items()},
        articles={id_: place.article for id_, place in found.items() if place.article is not None},
        refused=tuple(
            Refused(id=id_, reason=place.reason, detail=place.detail)
            for id_, place in found.items()
            if place.story is None
        ),
        verdicts=verdicts,
        seconds=seconds,
    )


# --- Judging --------------------------------------------------------------------------------------------------


def evaluate(grouping: Grouping, labels: Mapping[str, StoryLabel]) -> Evaluation:
    """What came of the articles, and how rightly those are grouped of which someone has said it."""
    labelled = {id_: labels[id_] for id_ in grouping.groups if id_ in labels}
    return Evaluation(
        articles=len(grouping.groups),
        stories=len(set(grouping.groups.values())) - len(grouping.refused),
        rejected=dict(Counter(refused.reason for refused in grouping.refused)),
        refused=grouping.refused,
        articles_per_s=len(grouping.groups) / grouping.seconds,
        labelled=len(labelled),
        scores=_scores(grouping, labelled) if labelled else None,
    )


def _scores(grouping: Grouping, labels: Mapping[str, StoryLabel]) -> Scores:
    right = [label.story for label in labels.values()]
    found = [grouping.groups[id_] for id_ in labels]
    families = [label.family or "" for label in labels.values()]
    return Scores(
        figures=cluster_figures(right, found),
        families=misplaced(right, found, families) if any(families) else {},
        edits=reunited(right, found, [_kind(label.edit) for label in labels.values()]),
        largest_wrong=_largest_wrong(list(labels), right, found),
        curve=tuple(_curve(grouping, labels, MatchPolicy())),
    )


def _kind(edit: str | None) -> str | None:
    """The kind of copy; None for the first of its story. All versions of a write-through are of one kind."""
    if edit is None or edit == "origin":
        return None
    return "chain" if _VERSION.fullmatch(edit) else edit


def _largest_wrong(ids: Sequence[str], right: Sequence[str], found: Sequence[str]) -> WrongStory | None:
    wrong = largest_wrong(right, found)
    if wrong is None:
        return None
    group_, foreign, _ = wrong
    return WrongStory(ids=tuple(id_ for id_, one in zip(ids, found, strict=True) if one == group_), foreign=foreign)


def _curve(grouping: Grouping, labels: Mapping[str, StoryLabel], policy: MatchPolicy) -> Iterator[Point]:
    """The figures by other thresholds, from the stored verdicts: nothing is read or compared again.

    What lower thresholds find is nearly what they would have found: other candidates would have been compared.
    """
    right = [label.story for label in labels.values()]
    for name, values in THRESHOLDS.items():
        held = getattr(policy, name)
        for value in sorted({*values, held}):
            judge = partial(judged_by, policy=replace(policy, **{name: value}), held=policy)
            figures = cluster_figures(right, _regrouped(grouping, labels, judge))
            yield Point(
                threshold=name,
                value=value,
                is_policy=value == held,
                precision=figures.precision,
                recall=figures.recall,
                f1=figures.f1,
                bcubed_f1=figures.bcubed_f1,
            )


def _regrouped(grouping: Grouping, ids: Iterable[str], judge: Callable[[Match], Match]) -> list[ArticleId | str]:
    """The group of each of these ids, were all pairs judged so."""
    known = frozenset(grouping.articles.values())
    groups = partition(known, [judge(verdict) for verdict in grouping.verdicts])
    group_of = {article: min(members) for members in groups for article in members}
    return [group_of[grouping.articles[id_]] if id_ in grouping.articles else f"alone-{id_}" for id_ in ids]
