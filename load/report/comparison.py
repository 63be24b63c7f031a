"""Two articles, whether they were ever compared or not: the verdict on record or one of now, facts and passages."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from sqlalchemy import Connection, select, text

from load import specs, stop_shingles
from load.judgements import Told, of_pair
from load.report.common import UnknownItem
from load.report.items import article_id
from load.tables import article, match, revision
from transform.minhash import fingerprints
from transform.model import ArticleId
from transform.passages import Extent, Passage, extent, passages
from transform.shingles import fact_words
from transform.verify import History, MatchPolicy, Side, verify

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NeverCompared(StrEnum):
    """Why there is no verdict on record."""

    TOO_SHORT = "too-short"
    """One has too few words: it is compared with texts that are equal to it, by nothing else."""
    NO_KEY = "no-key"
    """They share no key of the index."""
    CROWDED_OUT = "crowded-out"
    """They share a key, but newer articles stood before them: a key offers its newest ones only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One of the two articles."""

    article_id: int
    story_id: int | None
    source: str
    title: str
    url: str
    published_at: datetime | None
    date_precision: str | None
    words: int
    agency: str | None
    agency_certainty: str | None
    agency_evidence: str | None
    agency_material: tuple[str, ...]
    own_facts: tuple[str, ...] = ()  # numbers and names that the other does not have


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was measured of the pair, and what followed."""

    kind: str
    failed: str | None  # the first test that it failed, for kind different
    jaccard: float
    jaccard_filtered: float
    containment: float
    facts: float
    numbers: float | None  # None where they were not measured apart
    run: float
    span_start: float
    span_end: float
    is_shorter: bool  # the second is the shorter one
    matched_at: datetime | None  # None for what was measured now


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    left: Compared
    right: Compared
    verdict: Verdict  # on record, or of now
    never_compared: NeverCompared | None
    judgements: tuple[Told, ...]  # on whether the two are one story; also those that were taken back
    shared_keys: int  # of the index, as both stand there now
    shared_facts: int
    extent: Extent
    passages: tuple[Passage, ...]


_COMPARED = """
    SELECT article.id AS article_id, article.story_id, article.source, article.title, article.url,
           article.published_at, article.date_precision, article.words, copy.agency, copy.agency_certainty,
           copy.agency_evidence, article.agency_material, article.text
    FROM news.article LEFT JOIN news.story_article AS copy ON copy.article_id = article.id WHERE article.id = :id"""


def compare(connection: Connection, one: str, other: str, policy: MatchPolicy) -> Comparison:
    """What two articles have in common, and why they are, or are not, one text to the store.

    one, other: URLs or ids of articles
    policy: by which a pair that was never compared is measured now
    Raises UnknownItem.
    """
    ids = article_id(connection, one), article_id(connection, other)
    if ids[0] == ids[1]:
        raise UnknownItem(f"'{one}' and '{other}' are the same article, {ids[0]}.")
    (left, left_text), (right, right_text) = (_compared(connection, one) for one in ids)
    sides = _sides(connection, ids, (left_text, right_text))
    shared_keys = len(np.intersect1d(sides[0].print.bands, sides[1].print.bands))
    on_record = _on_record(connection, ids)
    found = passages(left_text, right_text)
    return Comparison(
        left=replace(left, own_facts=_own_facts(left_text, right_text)),
        right=replace(right, own_facts=_own_facts(right_text, left_text)),
        verdict=on_record or _measured(connection, sides, policy),
        never_compared=None if on_record else _why_never(sides, shared_keys),
        judgements=of_pair(connection, *ids),
        shared_keys=shared_keys,
        shared_facts=len(set(fact_words(left_text)) & set(fact_words(right_text))),
        extent=extent(found),
        passages=found,
    )


def _compared(connection: Connection, id_: int) -> tuple[Compared, str]:
    values = dict(connection.execute(text(_COMPARED), {"id": id_}).mappings().one())
    told = values.pop("text")
    return Compared(**values | {"agency_material": tuple(values["agency_material"])}), told


def _sides(connection: Connection, ids: tuple[ArticleId, ArticleId], texts: tuple[str, str]) -> tuple[Side, Side]:
    """The two as settling compares them, by what they say now."""
    query = (
        select(
            article.c.id,
            article.c.source_id,
            revision.c.published_at,
            revision.c.fetched_at,
            revision.c.title,
            revision.c.flags,
        )
        .join(revision, revision.c.id == article.c.revision_id)
        .where(article.c.id.in_(ids))
    )
    rows = {row.id: row for row in connection.execute(query)}
    prints = dict(zip(ids, fingerprints(texts, specs.to_read_by(connection)), strict=True))
    left, right = (
        Side(
            id=ArticleId(row.id),
            day=((row.published_at or row.fetched_at) - _EPOCH).days,
            print=prints[row.id],
            source=row.source_id,
            title=row.title,
            flags=row.flags,
        )
        for row in (rows[ids[0]], rows[ids[1]])
    )
    return left, right


def _on_record(connection: Connection, ids: tuple[ArticleId, ArticleId]) -> Verdict | None:
    query = select(match).where(match.c.left_id == min(ids), match.c.right_id == max(ids))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Verdict(
        kind=row.kind,
        failed=row.failed,
        jaccard=row.jaccard,
        jaccard_filtered=row.jaccard_filtered,
        containment=row.containment,
        facts=row.facts,
        numbers=row.numbers,
        run=row.run,
        span_start=row.span_start,
        span_end=row.span_end,
        is_shorter=row.inner_id == ids[1],
        matched_at=row.matched_at,
    )


def _measured(connection: Connection, sides: tuple[Side, Side], policy: MatchPolicy) -> Verdict:
    """The verdict that settling would give now."""
    earlier, later = sorted(sides, key=lambda side: side.id)
    found = verify(earlier, later, _history(connection, policy), policy)
    return Verdict(
        kind=found.kind,
        failed=found.failed,
        jaccard=found.jaccard,
        jaccard_filtered=found.jaccard_filtered,
        containment=found.containment,
        facts=found.facts,
        numbers=found.numbers,
        run=found.run,
        span_start=found.start,
        span_end=found.end,
        is_shorter=found.inner == sides[1].id,
        matched_at=None,
    )


def _history(connection: Connection, policy: MatchPolicy) -> History:
    return stop_shingles.history(connection, specs.current(connection).counts, policy)


def _why_never(sides: tuple[Side, Side], shared_keys: int) -> NeverCompared:
    if any(len(side.print.bands) <= 1 for side in sides):
        return NeverCompared.TOO_SHORT
    return NeverCompared.CROWDED_OUT if shared_keys else NeverCompared.NO_KEY


def _own_facts(told: str, other: str) -> tuple[str, ...]:
    """The numbers and names of a text that the other does not have, as they are written there."""
    alone = dict.fromkeys(fact_words(told)).keys() - set(fact_words(other))
    return tuple(_as_written(fact, told) for fact in dict.fromkeys(fact_words(told)) if fact in alone)


def _as_written(fact: str, told: str) -> str:
    found = re.search(rf"\b{re.escape(fact)}\b", told, re.IGNORECASE)
    return found[0] if found else fact
