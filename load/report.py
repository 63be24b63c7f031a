"""The reads behind the command line: rows as frozen values, one call a question. Nothing here writes.

What analysts may ask, too, is asked of the views in schema `news`; but not of two at once where a base table will do:
with more than eight tables in a join (join_collapse_limit) Postgres looks no more for the best order, and reads all.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from extract.feedtext import REFUSAL
from extract.model import Source
from extract.urls import BadUrl, url_key
from load import index
from load.index import IndexSize
from load.keys import read_rules
from load.quarantine import Quarantined, Wanted, quarantined
from load.sources import Mirror, mirrors
from transform.model import ArticleId
from transform.normalize import words
from transform.passages import Extent, Passage, extent, passages

SAME_PARAGRAPH = 0.4  # share of the words of two paragraphs that both have
NEWEST_QUARANTINED = 10  # of status; `storyfold quarantine list` has the others

_T = TypeVar("_T")
_OfSource = TypeVar("_OfSource", "FeedLine", "BreachLine", Mirror)


class UnknownItem(LookupError):
    """Nothing in the store has this id or URL: what was asked for, in one sentence for the user."""


def _read(connection: Connection, make: Callable[..., _T], query: str, /, **values: object) -> tuple[_T, ...]:
    """The rows of a query, each made into a value by the names of its columns."""
    return tuple(make(**row) for row in connection.execute(text(query), values).mappings())


# --- Sources and state ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What became of all that was announced, by one source or by all."""

    source: str | None  # None for all
    discovered: int = 0
    pending: int = 0
    loaded: int = 0
    unchanged: int = 0
    revised: int = 0
    rejected: int = 0
    quarantined: int = 0
    adds_up: bool = True
    rejected_reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """One feed and how it fares."""

    source: str
    url: str
    kind: str
    state: str = "new"
    state_text: str | None = None
    failures: int = 0
    last_polled_at: datetime | None = None
    last_new_at: datetime | None = None
    next_due_at: datetime | None = None
    entries_24h: int = 0
    entries_7d: int = 0
    volume_state: str | None = None  # of its source


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingLine:
    """A feed whose last answers could not be read."""

    source: str
    url: str
    kind: str
    state_text: str | None
    failures: int
    last_polled_at: datetime | None
    last_ok_at: datetime | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A source, what it brought, and its feeds."""

    name: str
    title: str
    language: str | None
    country: str | None
    tier: int
    active: bool  # its file is there, or it was loaded by hand
    ledger: Ledger
    feeds: tuple[FeedLine, ...]
    volume_state: str | None = None  # None without feeds
    held_at: datetime | None = None
    breaches: tuple[BreachLine, ...] = ()
    mirrors: tuple[Mirror, ...] = ()  # other feeds that list what its own do
    enabled: bool = True  # its file does not switch it off


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachLine:
    """Something that a source is not, though its file expects it."""

    source: str
    expectation: str
    expected: str
    observed: str
    on_breach: str
    begun_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """A source whose pages wait."""

    source: str
    held_at: datetime
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLine:
    """A source that announces more or less than it usually does."""

    source: str
    state: str
    entries_per_day: float
    usual_per_day: float
    last_entry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapLine:
    """A time in which a feed may have announced what nobody read, and no backfill has looked."""

    source: str
    feed_url: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """What one stage has quarantined, and how much of it lately."""

    stage: str
    entries: int
    entries_24h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """The newest pass of one line."""

    line: str
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """What the store holds and what waits in it, at one moment."""

    sources: int
    feeds: int
    feeds_due: int
    feeds_failing: int
    feeds_retired: int
    to_fetch: int
    to_fetch_later: int
    to_read: int
    to_read_held: int  # of them, those that wait as their source is held
    to_settle: int
    articles: int
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    queues: Queues
    index: IndexSize
    ledger: Ledger
    runs: tuple[RunLine, ...]
    failing: tuple[FailingLine, ...]
    volumes: tuple[VolumeLine, ...]  # silent, low and high ones
    breaches: tuple[BreachLine, ...]
    held: tuple[HeldLine, ...]
    gaps: tuple[GapLine, ...]
    stages: tuple[StageLine, ...]
    quarantined: tuple[Quarantined, ...]  # the newest


_LEDGER = "SELECT * FROM news.outcome_ledger"
_FEEDS = """
    SELECT source, feed_url AS url, feed_kind AS kind, state, state_text, failures, last_polled_at, last_new_at,
           next_due_at, entries_24h, entries_7d, volume_state
    FROM news.source_health WHERE feed_url IS NOT NULL AND is_active AND retired_at IS NULL ORDER BY source, url"""
_FAILING = """
    SELECT source.name AS source, feed.url, feed.kind, feed.state_text, feed.failures, feed.last_polled_at,
           feed.last_ok_at, feed.next_due_at
    FROM storyfold.feed JOIN storyfold.source ON source.id = feed.source_id
    WHERE feed.active AND source.active AND feed.failures > 0 ORDER BY feed.failures DESC, source.name, feed.url"""
_QUEUES = """
    SELECT (SELECT count(*) FROM storyfold.source WHERE active) AS sources,
           feeds.*, fetching.*, reading.*,
           (SELECT count(*) FROM storyfold.article) AS articles,
           (SELECT count(*) FROM storyfold.story WHERE merged_into IS NULL) AS stories
    FROM (SELECT count(*) FILTER (WHERE retired_at IS NULL) AS feeds,
                 count(*) FILTER (WHERE retired_at IS NULL AND (next_due_at IS NULL OR next_due_at <= now()))
                     AS feeds_due,
                 count(*) FILTER (WHERE retired_at IS NULL AND failures > 0) AS feeds_failing,
                 count(*) FILTER (WHERE retired_at IS NOT NULL) AS feeds_retired
          FROM storyfold.feed WHERE active) AS feeds,
         (SELECT count(*) FILTER (WHERE fetch_due_at <= now()) AS to_fetch,
                 count(*) FILTER (WHERE fetch_due_at > now()) AS to_fetch_later
          FROM storyfold.entry WHERE fetch_due_at IS NOT NULL) AS fetching,
         (SELECT (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL) AS to_read,
                 (SELECT count(*) FROM storyfold.page JOIN storyfold.source ON source.id = page.source_id
                  WHERE page.read_at IS NULL AND source.held_at IS NOT NULL
                    AND page.fetched_at >= coalesce(source.released_at, '-infinity')) AS to_read_held,
                 (SELECT count(*) FROM storyfold.unsettled) AS to_settle
         ) AS reading"""
_RUNS = """
    SELECT newest.* FROM (SELECT DISTINCT ON (line) line, started_at, finished_at, counts
                          FROM storyfold.run ORDER BY line, id DESC) AS newest ORDER BY started_at"""
_BREACHES = """
    SELECT source, expectation, expected, observed, on_breach, begun_at, seen_at
    FROM news.expectation_breach WHERE ended_at IS NULL ORDER BY begun_at DESC, id DESC"""
_HELD = """
    SELECT source.name AS source, source.held_at, count(page.id) AS pages
    FROM storyfold.source
    LEFT JOIN (SELECT id, source_id, fetched_at FROM storyfold.page WHERE read_at IS NULL
               UNION ALL SELECT page_id, source_id, fetched_at FROM storyfold.unsettled) AS page
         ON page.source_id = source.id AND page.fetched_at >= coalesce(source.released_at, '-infinity')
    WHERE source.held_at IS NOT NULL GROUP BY source.id ORDER BY source.held_at DESC, source.name"""
_VOLUMES = """
    SELECT source, volume_state AS state, entries_per_day, usual_per_day, last_entry_at
    FROM news.source_volume WHERE volume_state IN ('silent', 'low', 'high')
    ORDER BY volume_state = 'high', usual_per_day DESC, source"""
_GAPS = """
    SELECT source.name AS source, feed.url AS feed_url, coverage_gap.since, coverage_gap.until
    FROM storyfold.coverage_gap
    JOIN storyfold.feed ON feed.id = coverage_gap.feed_id
    JOIN storyfold.source ON source.id = feed.source_id
    WHERE coverage_gap.backfilled_at IS NULL ORDER BY coverage_gap.until DESC, coverage_gap.id DESC"""
_STAGES = """
    SELECT reason AS stage, count(*) AS entries,
           count(*) FILTER (WHERE outcome_at > now() - interval '24 hours') AS entries_24h
    FROM storyfold.entry WHERE outcome = 'quarantined' GROUP BY reason ORDER BY count(*) DESC, reason"""


def status(connection: Connection) -> Status:
    """How the store stands: queues, outcomes, the newest pass of each line, and all that a person should look at."""
    (ledger,) = _read(connection, Ledger, f"{_LEDGER} WHERE source IS NULL")
    (queues,) = _read(connection, Queues, _QUEUES)
    return Status(
        queues=queues,
        index=index.size(connection),
        ledger=ledger,
        runs=_read(connection, RunLine, _RUNS),
        failing=_read(connection, FailingLine, _FAILING),
        volumes=_read(connection, VolumeLine, _VOLUMES),
        breaches=_read(connection, BreachLine, _BREACHES),
        held=_read(connection, HeldLine, _HELD),
        gaps=_read(connection, GapLine, _GAPS),
        stages=_read(connection, StageLine, _STAGES),
        quarantined=quarantined(connection, Wanted(), NEWEST_QUARANTINED),
    )


def sources(connection: Connection, files: Sequence[Source] = ()) -> tuple[SourceLine, ...]:
    """The catalogue by name, as the store knows it, and with it the source files that it has not seen yet."""
    ledgers = {line.source: line for line in _read(connection, Ledger, _LEDGER)}
    feeds = _by_source(_read(connection, FeedLine, _FEEDS))
    breaches = _by_source(_read(connection, BreachLine, _BREACHES))
    pairs = mirrors(connection)
    alike = _by_source([*pairs, *(pair.turned() for pair in pairs if pair.source != pair.other_source)])
    query = "SELECT name, title, language, country, tier, active, held_at FROM storyfold.source"
    stored = {
        row["name"]: SourceLine(
            **row,
            ledger=ledgers[row["name"]],
            feeds=feeds[row["name"]],
            volume_state=next((feed.volume_state for feed in feeds[row["name"]]), None),
            breaches=breaches[row["name"]],
            mirrors=alike[row["name"]],
        )
        for row in connection.execute(text(query)).mappings()
    }
    unseen = {file.name: _unseen(file) for file in files}
    switched_off = {file.name for file in files if not file.enabled}
    lines = (unseen | stored).values()
    return tuple(
        replace(line, enabled=line.name not in switched_off) for line in sorted(lines, key=lambda each: each.name)
    )


def _by_source(lines: Iterable[_OfSource]) -> Mapping[str, tuple[_OfSource, ...]]:
    found: defaultdict[str, tuple[_OfSource, ...]] = defaultdict(tuple)
    for line in lines:
        found[line.source] += (line,)
    return found


def _unseen(file: Source) -> SourceLine:
    return SourceLine(
        name=file.name,
        title=file.title,
        language=file.language,
        country=file.country,
        tier=file.tier,
        active=True,
        ledger=Ledger(source=file.name),
        feeds=tuple(FeedLine(source=file.name, url=feed.url, kind=feed.kind) for feed in file.feeds),
    )


# --- Stories --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One story of a list."""

    id: int
    kind: str
    title: str
    url: str
    source: str
    language: str | None
    published_at: datetime | None
    articles: int
    sources: int
    snippet: str | None = None  # the words found, between **


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One article of a story and the match that ties it there."""

    article_id: int
    source: str
    title: str
    url: str
    language: str | None
    published_at: datetime | None
    date_precision: str | None
    date_found_in: str | None
    words: int
    flags: Sequence[str]
    is_canonical: bool
    is_container: bool
    has_drifted: bool
    revisions: int
    matched_article_id: int | None
    match_kind: str | None
    jaccard: float | None
    containment: float | None
    place: int  # in the order in which they came out
    time_is_exact: bool
    seconds_behind: int | None  # the first; None where one of the times is not known
    agency: str | None
    agency_certainty: str | None
    agency_evidence: str | None
    agency_material: Sequence[str]
    is_wire_copy: bool
    change: Extent | None = None  # from the canonical article; None for that itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two articles of a story that overlap."""

    left_id: int
    right_id: int
    kind: str
    jaccard: float
    containment: float
    facts: float
    run: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One change of a story."""

    id: int
    changed_at: datetime
    change: str
    story_id: int
    article_id: int | None
    other_story_id: int | None
    detail: str | None
    articles: int | None
    judgement_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A living story with all that is known of it."""

    asked_id: int  # another id than its own when that story was merged into this one
    id: int
    kind: str
    title: str
    summary: str | None
    text: str
    url: str
    source: str
    language: str | None
    published_at: datetime | None
    articles: int
    sources: int
    first_published_at: datetime | None
    last_published_at: datetime | None
    canonical_article_id: int
    canonical_rule: str
    changed_at: datetime
    first_article_id: int
    first_source: str
    first_url: str
    first_time_is_exact: bool
    members: tuple[Member, ...]  # in the order in which they came out
    pairs: tuple[Pair, ...]
    changes: tuple[ChangeLine, ...]


_STORY_LINE = """
    SELECT story.id, story.kind, story.title, story.url, story.source, story.language, story.published_at,
           story.articles, story.sources"""
_NEWEST = f"""{_STORY_LINE}
    FROM news.story
    WHERE (CAST(:language AS text) IS NULL OR story.language = :language)
      AND (CAST(:since AS timestamptz) IS NULL OR coalesce(story.last_published_at, story.changed_at) >= :since)
    ORDER BY story.last_published_at DESC NULLS LAST, story.id DESC LIMIT :limit"""
_FOUND = f"""{_STORY_LINE}, found.snippet
    FROM news.search(:query, :limit, :language, :since) WITH ORDINALITY AS found
    JOIN news.story ON story.id = found.story_id
    ORDER BY found.ordinality"""
_LIVING = """
    SELECT story.* FROM news.story
    WHERE story.id = coalesce((SELECT living_id FROM news.story_redirect WHERE id = :id), :id)"""
_MEMBERS = """
    SELECT member.article_id, member.source, member.title, member.url, revision.language, member.published_at,
           revision.date_precision, revision.date_found_in, revision.words, revision.flags, member.is_canonical,
           member.is_container, article.drifted AS has_drifted,
           (SELECT count(*) FROM storyfold.article_revision AS told
            WHERE told.article_id = member.article_id) AS revisions,
           member.matched_article_id, member.match_kind, member.jaccard, member.containment, member.place,
           member.time_is_exact, member.seconds_behind, member.agency, member.agency_certainty, member.agency_evidence,
           member.agency_material, member.is_wire_copy
    FROM news.story_article AS member
    JOIN storyfold.article ON article.id = member.article_id
    JOIN storyfold.revision ON revision.id = article.revision_id
    WHERE member.story_id = :id ORDER BY member.place"""
_PAIRS = """
    SELECT pair.left_id, pair.right_id, pair.kind, pair.jaccard, pair.containment, pair.facts, pair.run
    FROM news.duplicate_pair AS pair
    JOIN storyfold.story_member AS member ON member.article_id = pair.left_id
    WHERE pair.in_same_story AND member.story_id = :id ORDER BY pair.left_id, pair.right_id"""
_STORY_CHANGES = """
    SELECT * FROM news.story_change
    WHERE story_id = :id OR other_story_id = :id
       OR story_id IN (SELECT redirect.id FROM news.story_redirect AS redirect WHERE redirect.living_id = :id)
    ORDER BY id"""


def list_stories(
    connection: Connection, query: str | None, limit: int, language: str | None, since: datetime | None
) -> tuple[StoryLine, ...]:
    """The stories that a search finds, the best first; without a query all of them, the newest first."""
    values = {"query": query, "limit": limit, "language": language, "since": since}
    return _read(connection, StoryLine, _FOUND if query else _NEWEST, **values)


def story(connection: Connection, story_id: int) -> Story:
    """The story of this id, or the one it was merged into. Raises UnknownItem."""
    row = connection.execute(text(_LIVING), {"id": story_id}).mappings().one_or_none()
    if row is None:
        raise UnknownItem(f"There is no story {story_id}.")
    living = row["id"]
    return Story(
        **row,
        asked_id=story_id,
        members=_with_changes(connection, _read(connection, Member, _MEMBERS, id=living)),
        pairs=_read(connection, Pair, _PAIRS, id=living),
        changes=_read(connection, ChangeLine, _STORY_CHANGES, id=living),
    )


_CHANGES = "SELECT * FROM news.story_change WHERE id > :since ORDER BY id LIMIT :limit"
_CHANGES_BY_ID = "SELECT * FROM news.story_change WHERE id = ANY(:ids) ORDER BY id"


def changes(connection: Connection, since: int, limit: int | None) -> Iterator[ChangeLine]:
    """The changes of stories after this one, in order; read as they are asked for."""
    streaming = connection.execution_options(stream_results=True)
    for row in streaming.execute(text(_CHANGES), {"since": since, "limit": limit}).mappings():
        yield ChangeLine(**row)


def changes_by_id(connection: Connection, ids: Collection[int]) -> tuple[ChangeLine, ...]:
    """These changes of stories, in order."""
    return _read(connection, ChangeLine, _CHANGES_BY_ID, ids=list(ids))


def _with_changes(connection: Connection, members: Sequence[Member]) -> tuple[Member, ...]:
    """The members with what each has changed of the canonical text; equal texts are compared once."""
    texts = texts_of(connection, [member.article_id for member in members])
    own = next(texts[member.article_id] for member in members if member.is_canonical)
    changes = {told: extent(passages(own, told)) for told in set(texts.values())}
    return tuple(
        member if member.is_canonical else replace(member, change=changes[texts[member.article_id]])
        for member in members
    )


def texts_of(connection: Connection, article_ids: Sequence[int]) -> dict[int, str]:
    """What these articles say now."""
    query = (
        "SELECT article.id, revision.text FROM storyfold.article"
        " JOIN storyfold.revision ON revision.id = article.revision_id WHERE article.id = ANY(:ids)"
    )
    return {row.id: row.text for row in connection.execute(text(query), {"ids": list(article_ids)})}


# --- Two articles side by side --------------------------------------------------------------------------------


class PartKind(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    """Versions of the same paragraphs, as many on the left as on the right."""
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A run of paragraphs that the two texts share, or in which they differ."""

    kind: PartKind
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    article_id: int
    source: str
    title: str
    url: str
    published_at: datetime | None
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two articles and their texts, paragraph by paragraph."""

    left: Side
    right: Side
    parts: tuple[Part, ...]


def difference(connection: Connection, article_a: int, article_b: int) -> Difference:
    """What the second article says otherwise than the first. Raises UnknownItem."""
    (left, left_text), (right, right_text) = _side(connection, article_a), _side(connection, article_b)
    return Difference(left=left, right=right, parts=tuple(_parts(left_text.split("\n\n"), right_text.split("\n\n"))))


def _side(connection: Connection, article_id: int) -> tuple[Side, str]:
    query = (
        "SELECT id AS article_id, source, title, url, published_at, words, text FROM news.article"
        " WHERE id = :article_id"
    )
    row = connection.execute(text(query), {"article_id": article_id}).mappings().one_or_none()
    if row is None:
        raise UnknownItem(f"There is no article {article_id}.")
    values = dict(row)
    shown = values.pop("text")
    return Side(**values), shown


def _parts(left: Sequence[str], right: Sequence[str]) -> Iterator[Part]:
    """The paragraphs in order; two that share most of their words are versions of one."""
    kept = _versions(left, right)
    matcher = difflib.SequenceMatcher(a=range(len(left)), b=kept, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(left[a:b], right[c:d], strict=True)
            for same, run in groupby(pairs, lambda pair: pair[0] == pair[1]):
                olds, news = zip(*run, strict=True)
                yield Part(kind=PartKind.SAME if same else PartKind.CHANGED, left=olds, right=news)
        else:
            if a < b:
                yield Part(kind=PartKind.REMOVED, left=tuple(left[a:b]))
            if c < d:
                yield Part(kind=PartKind.ADDED, right=tuple(right[c:d]))


def _versions(left: Sequence[str], right: Sequence[str]) -> list[int]:
    """For each paragraph on the right, the index of the one on the left that it is a version of, or -1."""
    bags = [_bag(paragraph) for paragraph in left]
    found = []
    for bag in map(_bag, right):
        likeness = [len(bag & other) / len(bag | other) for other in bags]
        best = max(range(len(bags)), key=likeness.__getitem__)
        found.append(best if likeness[best] >= SAME_PARAGRAPH else -1)
    return found


def _bag(paragraph: str) -> frozenset[str]:
    """Its words; never empty."""
    return frozenset(words(paragraph)) or frozenset([paragraph])


# --- One item's history ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLine:
    """One answer of the web, and where its bytes lie."""

    id: int
    entry_id: int
    url: str
    final_url: str
    status: int
    fetched_at: datetime
    body_bytes: int
    warc_file: str
    warc_offset: int
    warc_length: int
    attempts: int
    read_at: datetime | None
    settled_at: datetime | None
    refusal: str | None  # the verdict on the page, where what the feed carried is kept in its place


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReport:
    """One URL as announced, and what became of it."""

    id: int
    source: str
    url: str
    feed_url: str | None  # None for what was loaded by hand
    title: str | None
    published_at: datetime | None
    updated_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int  # that failed, since it was last opened
    fetch_due_at: datetime | None
    outcome: str
    reason: str | None
    detail: str | None
    outcome_at: datetime | None
    held_at: datetime | None  # its source's pages wait since then
    replays: tuple[ReplayLine, ...] = ()
    pages: tuple[PageLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayLine:
    """A quarantine that was ended by a replay."""

    entry_id: int
    stage: str
    error: str | None
    attempts: int
    quarantined_at: datetime
    replayed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CutLine:
    position: int
    kind: str
    rule: str
    zone: str | None  # None where it was not kept yet
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionReport:
    """One text of an article, and what cleaning removed from it."""

    id: int
    kind: str
    is_current: bool
    title: str
    words: int
    fetched_at: datetime
    modified_at: datetime | None
    cuts: tuple[CutLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that was compared with this one."""

    article_id: int
    story_id: int | None
    source: str
    title: str
    url: str
    published_at: datetime | None
    date_precision: str | None
    kind: str
    failed: str | None  # the first test that it failed, for kind different
    jaccard: float
    jaccard_filtered: float
    containment: float
    facts: float
    numbers: float | None  # of these; None for what was compared before it was measured
    run: float
    span_start: float
    span_end: float
    is_shorter: bool
    matched_at: datetime
    extent: Extent | None = None  # of what the two texts share, where they match
    passages: tuple[Passage, ...] = ()  # of the article's text and this one's


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleReport:
    """An article with its texts, its candidates, its place in a story."""

    id: int
    url: str
    source: str
    title: str
    words: int
    language: str | None
    published_at: datetime | None
    date_precision: str | None
    date_found_in: str | None
    flags: Sequence[str]
    has_drifted: bool
    story_id: int | None
    story_articles: int | None
    is_canonical: bool | None
    canonical_article_id: int | None
    canonical_rule: str | None
    place: int | None  # among the articles of its story, in the order in which they came out
    seconds_behind: int | None
    agency: str | None
    agency_certainty: str | None
    agency_evidence: str | None
    agency_material: Sequence[str] | None
    revisions: tuple[RevisionReport, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    changes: tuple[ChangeLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that is on record about one item."""

    entries: tuple[EntryReport, ...]
    article: ArticleReport | None  # None when it led to none


_ENTRIES = """
    SELECT entry.id, source.name AS source, entry.url, feed.url AS feed_url, entry.title, entry.published_at,
           entry.updated_at, entry.first_seen_at, entry.last_seen_at, entry.attempts, entry.fetch_due_at,
           entry.outcome, entry.reason, entry.detail, entry.outcome_at, source.held_at
    FROM storyfold.entry
    JOIN storyfold.source ON source.id = entry.source_id
    LEFT JOIN storyfold.feed ON feed.id = entry.feed_id
    WHERE entry.id = ANY(:ids) ORDER BY entry.first_seen_at, entry.id"""
_PAGES = """
    SELECT id, entry_id, url, final_url, status, fetched_at, body_bytes, warc_file, warc_offset, warc_length, attempts,
           read_at,
           CASE WHEN NOT EXISTS (SELECT FROM storyfold.unsettled WHERE page_id = page.id)
                THEN coalesce((SELECT max(settled_at) FROM storyfold.revision
                               JOIN storyfold.article_revision ON revision_id = revision.id
                               WHERE revision.page_id = page.id), read_at) END AS settled_at,
           (SELECT header->>1 FROM jsonb_array_elements(headers) AS header WHERE header->>0 = :refusal) AS refusal
    FROM storyfold.page WHERE entry_id = ANY(:ids) ORDER BY id"""
_REPLAYS = """
    SELECT entry_id, stage, error, attempts, quarantined_at, replayed_at
    FROM storyfold.replay WHERE entry_id = ANY(:ids) ORDER BY id"""
_ARTICLE = """
    SELECT article.id, article.url, article.source, article.title, article.words, article.language,
           article.published_at, article.date_precision, article.date_found_in, article.flags, article.has_drifted,
           article.story_id, story.articles AS story_articles, article.is_canonical,
           story.canonical_id AS canonical_article_id, story.canonical_rule, copy.place, copy.seconds_behind,
           copy.agency, copy.agency_certainty, copy.agency_evidence, copy.agency_material
    FROM news.article LEFT JOIN storyfold.story ON story.id = article.story_id
    LEFT JOIN news.story_article AS copy ON copy.article_id = article.id WHERE article.id = :id"""
_REVISIONS = """
    SELECT id, kind, is_current, title, words, fetched_at, modified_at
    FROM news.revision WHERE article_id = :id ORDER BY id"""
_CUTS = "SELECT position, kind, rule, zone, text FROM news.cut WHERE revision_id = :id ORDER BY position"
_CANDIDATES = """
    SELECT pair.other_id AS article_id, article.story_id, article.source, article.title, article.url,
           article.published_at, article.date_precision, pair.kind, pair.failed, pair.jaccard, pair.jaccard_filtered,
           pair.containment, pair.facts, pair.numbers, pair.run, pair.span_start, pair.span_end,
           pair.inner_id = pair.other_id AS is_shorter, pair.matched_at
    FROM (SELECT right_id AS other_id, match.* FROM storyfold.match WHERE left_id = :id
          UNION ALL
          SELECT left_id, match.* FROM storyfold.match WHERE right_id = :id) AS pair
    JOIN news.article ON article.id = pair.other_id
    ORDER BY pair.kind = 'different', pair.jaccard DESC, pair.other_id"""
_ARTICLE_CHANGES = "SELECT * FROM news.story_change WHERE article_id = :id ORDER BY id"


def why(connection: Connection, url_or_id: str) -> History:
    """The whole history of one item: announced, fetched, read, cut, compared, placed.

    url_or_id: a URL as announced or as the page calls itself, the id of an article, or `entry:` and the id of an entry.
    Raises UnknownItem.
    """
    entry_ids, article_id = _locate(connection, url_or_id)
    pages = _read(connection, PageLine, _PAGES, ids=entry_ids, refusal=REFUSAL)
    replays = _read(connection, ReplayLine, _REPLAYS, ids=entry_ids)
    entries = tuple(
        replace(
            entry,
            pages=tuple(page for page in pages if page.entry_id == entry.id),
            replays=tuple(replay for replay in replays if replay.entry_id == entry.id),
        )
        for entry in _read(connection, EntryReport, _ENTRIES, ids=entry_ids)
    )
    return History(entries=entries, article=None if article_id is None else _article(connection, article_id))


def article_id(connection: Connection, url_or_id: str) -> ArticleId:
    """The id of the article that is called so, as `why` takes it. Raises UnknownItem."""
    _, found = _locate(connection, url_or_id)
    if found is None:
        raise UnknownItem(f"'{url_or_id}' has led to no article; 'storyfold why {url_or_id}' tells what came of it.")
    return ArticleId(found)


def _locate(connection: Connection, url_or_id: str) -> tuple[list[int], int | None]:
    """The ids of the entries that are or led to the item, and that of its article."""
    clue, values = _clue(connection, url_or_id)
    article_ids = "SELECT id FROM storyfold.article WHERE " + clue["article"]
    entries = f"SELECT id, article_id FROM storyfold.entry WHERE {clue['entry']} OR article_id IN ({article_ids})"
    rows = connection.execute(text(entries), values).all()
    articles = set(connection.execute(text(article_ids), values).scalars()) | {row.article_id for row in rows} - {None}
    if not rows and not articles:
        raise UnknownItem(f"Nothing in the store is called '{url_or_id}'.")
    return [row.id for row in rows], min(articles, default=None)


def _clue(connection: Connection, url_or_id: str) -> tuple[Mapping[str, str], dict[str, Any]]:
    """The conditions, by table, under which a row is the item that was asked for."""
    kind, _, number = url_or_id.rpartition(":")
    if number.isdecimal() and kind in ("", "article", "entry"):
        known = {"article": "false", "entry": "false", kind or "article": "id = :id"}
        return known, {"id": int(number)}
    try:
        key = url_key(url_or_id, read_rules(connection))
    except BadUrl as error:
        raise UnknownItem(f"'{url_or_id}' is neither an id nor a URL: {error.why}.") from error
    has_it = "(url_key = :key OR former_key = :key)"
    return {"article": has_it, "entry": has_it}, {"key": key}


def _article(connection: Connection, article_id: int) -> ArticleReport:
    (article,) = _read(connection, ArticleReport, _ARTICLE, id=article_id)
    revisions = _read(connection, RevisionReport, _REVISIONS, id=article_id)
    return replace(
        article,
        revisions=tuple(replace(one, cuts=_read(connection, CutLine, _CUTS, id=one.id)) for one in revisions),
        candidates=_with_passages(connection, article_id, _read(connection, Candidate, _CANDIDATES, id=article_id)),
        changes=_read(connection, ChangeLine, _ARTICLE_CHANGES, id=article_id),
    )


def _with_passages(connection: Connection, article_id: int, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates, those that match with what the two texts share and what not."""
    matched = [other.article_id for other in candidates if other.failed is None]
    texts = texts_of(connection, [article_id, *matched])
    found = {other: passages(texts[article_id], texts[other]) for other in matched}
    return tuple(
        other
        if other.failed
        else replace(other, passages=found[other.article_id], extent=extent(found[other.article_id]))
        for other in candidates
    )


# --- Progress -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment from which progress is counted."""

    at: datetime
    page_id: int  # the newest page then
    unread: int
    unsettled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the lines: what is done of it since a mark, by whatever worker, and what there is to do in all."""

    name: str
    done: int
    total: int


_MOVES = "source_id NOT IN (SELECT id FROM storyfold.source WHERE held_at IS NOT NULL)"
_MARK = f"""
    SELECT now() AS at, coalesce((SELECT max(id) FROM storyfold.page), 0) AS page_id,
           (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL AND {_MOVES}) AS unread,
           (SELECT count(*) FROM storyfold.unsettled WHERE {_MOVES}) AS unsettled"""
_PROGRESS = f"""
    SELECT (SELECT count(*) FROM storyfold.feed WHERE active AND last_polled_at >= :at) AS polled,
           (SELECT count(*) FROM storyfold.feed WHERE active AND claimed_until > now()) AS polling,
           (SELECT count(*) FROM storyfold.page WHERE id > :page_id AND {_MOVES}) AS fetched,
           (SELECT count(*) FROM storyfold.entry WHERE fetch_due_at <= now()) AS due,
           (SELECT count(*) FROM storyfold.page WHERE read_at IS NULL AND {_MOVES}) AS unread,
           (SELECT count(*) FROM storyfold.unsettled WHERE {_MOVES}) AS unsettled"""


def mark(connection: Connection) -> Mark:
    """This moment."""
    return _read(connection, Mark, _MARK)[0]


def progress(connection: Connection, since: Mark) -> tuple[Stage, ...]:
    """The stages of the lines, in their order."""
    now = connection.execute(text(_PROGRESS), {"at": since.at, "page_id": since.page_id}).one()
    to_read = since.unread + now.fetched
    to_settle = to_read + since.unsettled
    return (
        Stage(name="feeds polled", done=now.polled, total=now.polled + now.polling),
        Stage(name="pages fetched", done=now.fetched, total=now.fetched + now.due),
        Stage(name="pages read", done=to_read - now.unread, total=to_read),
        Stage(name="pages settled", done=to_settle - now.unread - now.unsettled, total=to_settle),
    )
