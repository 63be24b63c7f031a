"""One item's whole history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from extract.feedtext import REFUSAL
from extract.urls import BadUrl, url_key
from load.judgements import Told, of_articles
from load.keys import read_rules
from load.report.common import UnknownItem, read, texts_of
from load.report.stories import ChangeLine
from transform.model import ArticleId
from transform.passages import Extent, Passage, extent, passages


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
    judgements: tuple[Told, ...] = ()  # also those that were taken back


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
    pages = read(connection, PageLine, _PAGES, ids=entry_ids, refusal=REFUSAL)
    replays = read(connection, ReplayLine, _REPLAYS, ids=entry_ids)
    entries = tuple(
        replace(
            entry,
            pages=tuple(page for page in pages if page.entry_id == entry.id),
            replays=tuple(replay for replay in replays if replay.entry_id == entry.id),
        )
        for entry in read(connection, EntryReport, _ENTRIES, ids=entry_ids)
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
    (article,) = read(connection, ArticleReport, _ARTICLE, id=article_id)
    revisions = read(connection, RevisionReport, _REVISIONS, id=article_id)
    return replace(
        article,
        revisions=tuple(replace(one, cuts=read(connection, CutLine, _CUTS, id=one.id)) for one in revisions),
        candidates=_with_passages(connection, article_id, read(connection, Candidate, _CANDIDATES, id=article_id)),
        changes=read(connection, ChangeLine, _ARTICLE_CHANGES, id=article_id),
        judgements=of_articles(connection, [ArticleId(article_id)]),
    )


def _with_passages(connection: Connection, article_id: int, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates, those that match with what the two texts share and what not; equal ones once."""
    matched = [other.article_id for other in candidates if other.failed is None]
    texts = texts_of(connection, [article_id, *matched])
    found = {told: passages(texts[article_id], told) for told in {texts[other] for other in matched}}
    return tuple(other if other.failed else _with(other, found[texts[other.article_id]]) for other in candidates)


def _with(other: Candidate, found: tuple[Passage, ...]) -> Candidate:
    return replace(other, passages=found, extent=extent(found))
