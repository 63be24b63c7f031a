"""What the sources' files expect, checked on what they brought: breaches, and the hold that a breach may bring.

A held source is fetched as ever, but its pages wait unread and unsettled, and hold up nobody. What is judged is what
was fetched since it was well last, or since a person released it: nothing is held against it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import array, insert

from extract.model import Bound, Expectations, OnBreach
from load.locks import lock
from load.tables import breach, page, source, source_hour, unsettled
from transform.expect import MIN_SAMPLE, Expectation, Finding, Readings, Share, Verdict, judge_shares, judge_volume

WINDOW = timedelta(days=7)  # readings of older pages say nothing about today
NEWEST = 100  # pages of it that shares are taken of: a source that breaks shows within some twenty pages
PROBES_PER_DAY = MIN_SAMPLE  # pages of a held source that are read, unsettled, to see whether it is well again
SAME_BREACH = timedelta(days=1)  # one that comes back so soon is the same
HISTORY = timedelta(days=32)  # of polls: news.source_volume looks back so far

_BOUNDS = ("entries_per_day", "dated_share", "short_share")
_SHARES = (Expectation.DATED_SHARE, Expectation.SHORT_SHARE, Expectation.LANGUAGES)


class NotHeld(LookupError):
    """A source was to be released that is not held: one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one check changed."""

    breaches: int = 0  # begun
    held: frozenset[int] = frozenset()
    freed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A source as its file expects it, and what is broken of that."""

    id: int
    expect: Expectations
    broken: frozenset[Expectation]


# --- As JSON --------------------------------------------------------------------------------------------------


def to_json(expect: Expectations) -> dict[str, Any]:
    """What the file says, and nothing where it says nothing."""
    values: dict[str, Any] = {
        name: {limit: number for limit, number in asdict(bound).items() if number is not None}
        for name in _BOUNDS
        if (bound := getattr(expect, name)) is not None
    }
    if expect.languages:
        values["languages"] = list(expect.languages)
    if expect.on_breach is not OnBreach.WARN:
        values["on_breach"] = str(expect.on_breach)
    return values


def from_json(values: Mapping[str, Any]) -> Expectations:
    bounds = {
        name: Bound(**values[name]) for name in ("entries_per_day", "dated_share", "short_share") if name in values
    }
    return Expectations(
        **bounds,
        languages=tuple(values.get("languages", ())),
        on_breach=OnBreach(values.get("on_breach", OnBreach.WARN)),
    )


# --- The check ------------------------------------------------------------------------------------------------


def check_volumes(connection: Connection, now: datetime) -> Checked:
    """Judge how much each source announces; also forgets the polls that no judgement needs any more."""
    connection.execute(delete(source_hour).where(source_hour.c.hour < now - HISTORY))
    lock(connection, "expectations")
    judged = _judged(connection, [Expectation.ENTRIES_PER_DAY])
    volumes = _volumes(connection, [one.id for one in judged]) if judged else {}
    return _record(
        connection, judged, {one.id: [*judge_volume(one.expect, volumes.get(one.id))] for one in judged}, now
    )


def check_shares(connection: Connection, now: datetime, source_ids: Collection[int]) -> Checked:
    """Judge what the newest pages of these sources gave; of held ones, those that were read since."""
    if not _expects(connection, source_ids):
        return Checked()
    lock(connection, "expectations")
    judged = _judged(connection, _SHARES, source_ids)
    seen = _readings(connection, [one.id for one in judged], now)
    found = {one.id: [*judge_shares(one.expect, seen[one.id], one.broken)] for one in judged}
    return _record(connection, judged, found, now)


def _expects(connection: Connection, source_ids: Collection[int]) -> bool:
    """Whether any of them is judged by shares at all: most are not, and reading asks after every batch."""
    wanted = select(source.c.id).where(source.c.id.in_(source_ids), _is_judged_by(_SHARES)).limit(1)
    return connection.execute(wanted).first() is not None


def _is_judged_by(kinds: Collection[Expectation]) -> ColumnElement[bool]:
    """True of active sources whose file has such an expectation, or that still bear a breach of one."""
    broken = select(breach.c.source_id).where(breach.c.ended_at.is_(None), breach.c.expectation.in_(kinds))
    return and_(source.c.active, or_(source.c.expect.has_any(array([*kinds])), source.c.id.in_(broken)))


def _judged(
    connection: Connection, kinds: Collection[Expectation], source_ids: Collection[int] | None = None
) -> list[_Judged]:
    wanted = [_is_judged_by(kinds)] if source_ids is None else [_is_judged_by(kinds), source.c.id.in_(source_ids)]
    broken = select(breach.c.source_id, breach.c.expectation).where(
        breach.c.ended_at.is_(None), breach.c.expectation.in_(kinds)
    )
    open_ = {(source_id, Expectation(name)) for source_id, name in connection.execute(broken)}
    rows = connection.execute(select(source.c.id, source.c.expect).where(*wanted).order_by(source.c.id))
    return [
        _Judged(
            id=id_,
            expect=from_json(expect),
            broken=frozenset(kind for kind in kinds if (id_, kind) in open_),
        )
        for id_, expect in rows
    ]


def _volumes(connection: Connection, source_ids: Collection[int]) -> dict[int, float | None]:
    """Entries a day by source, where a whole day since its release is covered by polls."""
    query = text(
        """SELECT source.id, volume.entries_per_day
           FROM news.source_volume AS volume JOIN storyfold.source ON source.name = volume.source
           WHERE source.id = ANY(:ids)
             AND volume.counted_since >= coalesce(source.released_at, '-infinity')"""
    )
    return {id_: value for id_, value in connection.execute(query, {"ids": list(source_ids)})}


_READINGS = text(
    """
    SELECT source.id, count(reading.id) AS pages,
           count(*) FILTER (WHERE entry.reason = 'too-short' AND entry.outcome_at = reading.read_at) AS short,
           count(told.id) AS articles, count(told.published_at) AS dated, count(told.language) AS spoken,
           count(*) FILTER (WHERE source.expect -> 'languages' ? told.language) AS expected,
           mode() WITHIN GROUP (ORDER BY told.language)
               FILTER (WHERE NOT source.expect -> 'languages' ? told.language) AS other
    FROM storyfold.source
    LEFT JOIN LATERAL (
        SELECT page.id, page.entry_id, page.read_at
        FROM storyfold.page
        WHERE page.source_id = source.id
          AND page.read_at > coalesce(source.held_at, '-infinity')
          AND page.fetched_at > greatest(
                CAST(:since AS timestamptz), source.released_at,
                (SELECT max(breach.ended_at) FROM storyfold.breach
                 WHERE breach.source_id = source.id AND breach.expectation = ANY(:kinds)))
        ORDER BY page.fetched_at DESC, page.id DESC
        LIMIT CASE WHEN source.held_at IS NULL THEN CAST(:newest AS int) ELSE CAST(:probes AS int) END
    ) AS reading ON true
    LEFT JOIN storyfold.entry ON entry.id = reading.entry_id
    LEFT JOIN LATERAL (
        SELECT revision.id, revision.published_at, revision.language
        FROM storyfold.revision WHERE revision.page_id = reading.id ORDER BY revision.id DESC LIMIT 1
    ) AS told ON true
    WHERE source.id = ANY(:ids)
    GROUP BY source.id"""
)


def _readings(connection: Connection, source_ids: Collection[int], now: datetime) -> dict[int, Readings]:
    values = {
        "ids": list(source_ids),
        "since": now - WINDOW,
        "kinds": [*_SHARES],
        "newest": NEWEST,
        "probes": MIN_SAMPLE,
    }
    return {
        row.id: Readings(
            short=Share(part=row.short, of=row.pages),
            dated=Share(part=row.dated, of=row.articles),
            expected_language=Share(part=row.expected, of=row.spoken),
            other_language=row.other,
        )
        for row in connection.execute(_READINGS, values)
    }


# --- Breaches and holds ---------------------------------------------------------------------------------------


def _record(
    connection: Connection, judged: Iterable[_Judged], found: Mapping[int, Collection[Finding]], now: datetime
) -> Checked:
    """Begin, refresh and end breaches by what was found; hold and free their sources.

    A verdict that is unknown leaves all as it is; what a file no longer expects is not broken any more.
    """
    rows: list[dict[str, Any]] = []
    begun: list[tuple[int, Expectation]] = []
    over: list[tuple[int, Expectation]] = []
    for one in judged:
        verdicts = {finding.expectation: finding for finding in found[one.id]}
        broken = [finding for finding in verdicts.values() if finding.verdict is Verdict.BROKEN]
        rows += [_row(one, finding, now) for finding in broken]
        begun += [(one.id, finding.expectation) for finding in broken if finding.expectation not in one.broken]
        over += [
            (one.id, kind) for kind in one.broken if kind not in verdicts or verdicts[kind].verdict is Verdict.WELL
        ]
    _end(connection, over, now)
    _begin_again(connection, begun, now)
    _write(connection, rows)
    held, freed = _hold_and_free(connection, [one.id for one in judged], now)
    return Checked(breaches=len(begun), held=held, freed=freed)


def _row(one: _Judged, finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        "source_id": one.id,
        "expectation": finding.expectation,
        "expected": finding.expected,
        "observed": finding.observed,
        "on_breach": one.expect.on_breach,
        "begun_at": now,
        "seen_at": now,
    }


def _end(connection: Connection, over: Collection[tuple[int, Expectation]], now: datetime) -> None:
    if over:
        ended = update(breach).where(breach.c.ended_at.is_(None), _key().in_(over))
        connection.execute(ended.values(ended_at=now))


def _begin_again(connection: Connection, begun: Collection[tuple[int, Expectation]], now: datetime) -> None:
    """Take up those that ended a moment ago: a figure that hovers about its bound is one breach, not many."""
    if not begun:
        return
    newest = (
        select(breach.c.id)
        .join(source)
        .where(
            _key().in_(begun),
            breach.c.ended_at > func.greatest(source.c.released_at, now - SAME_BREACH),
        )
        .distinct(breach.c.source_id, breach.c.expectation)
        .order_by(breach.c.source_id, breach.c.expectation, breach.c.id.desc())
    )
    connection.execute(update(breach).where(breach.c.id.in_(newest)).values(ended_at=None))


def _write(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """One open row a source and expectation: a new one, or the one that is there refreshed."""
    if not rows:
        return
    statement = insert(breach)
    refreshed = {name: statement.excluded[name] for name in ("expected", "observed", "on_breach", "seen_at")}
    statement = statement.on_conflict_do_update(
        index_elements=[breach.c.source_id, breach.c.expectation],
        index_where=breach.c.ended_at.is_(None),
        set_=refreshed,
    )
    connection.execute(statement, rows)


def _key() -> ColumnElement[Any]:
    return tuple_(breach.c.source_id, breach.c.expectation)


def _hold_and_free(
    connection: Connection, source_ids: Collection[int], now: datetime
) -> tuple[frozenset[int], frozenset[int]]:
    """Hold those whose file says stop and that are broken, free the others; answers whom."""
    _say_what_follows(connection, source_ids)
    stopped = select(breach.c.source_id).where(breach.c.ended_at.is_(None), breach.c.on_breach == OnBreach.STOP)
    ours = update(source).where(source.c.id.in_(source_ids)).returning(source.c.id)
    hold = ours.where(source.c.held_at.is_(None), source.c.id.in_(stopped)).values(held_at=now)
    free = ours.where(source.c.held_at.is_not(None), source.c.id.not_in(stopped)).values(held_at=None)
    return frozenset(connection.scalars(hold)), frozenset(connection.scalars(free))


def _say_what_follows(connection: Connection, source_ids: Collection[int]) -> None:
    """Make open breaches follow the file where it has changed its mind about them."""
    follows = func.coalesce(source.c.expect["on_breach"].astext, str(OnBreach.WARN))
    open_ = update(breach).where(breach.c.source_id == source.c.id, breach.c.ended_at.is_(None))
    changed = open_.where(source.c.id.in_(source_ids), breach.c.on_breach != follows)
    connection.execute(changed.values(on_breach=follows))


def is_held(queue: Table = page) -> ColumnElement[bool]:
    """True of pages whose source is held; what was fetched before a person released it goes its way all the same.

    queue: pages by their `source_id` and `fetched_at`
    """
    held = select(source.c.id).where(
        source.c.id == queue.c.source_id,
        source.c.held_at.is_not(None),
        queue.c.fetched_at >= func.coalesce(source.c.released_at, text("'-infinity'::timestamptz")),
    )
    return held.correlate(queue).exists()


def held_sources(connection: Connection) -> list[int]:
    return list(connection.scalars(select(source.c.id).where(source.c.held_at.is_not(None))))


_PROBES = text(
    """
    SELECT probe.id
    FROM storyfold.source
    CROSS JOIN LATERAL (
        SELECT page.id FROM storyfold.page
        WHERE page.source_id = source.id AND page.read_at IS NULL
        ORDER BY page.fetched_at DESC, page.id DESC
        LIMIT greatest(0, :per_day * CAST(floor(extract(epoch FROM :now - source.held_at) / 86400) AS int) - (
            SELECT count(*) FROM storyfold.page
            WHERE page.source_id = source.id AND page.read_at > source.held_at
              AND page.fetched_at >= source.held_at - CAST(:window AS interval)))
    ) AS probe
    WHERE source.held_at IS NOT NULL"""
)


def probes(connection: Connection, now: datetime) -> list[int]:
    """Unread pages of held sources that are read all the same: the newest, so many for each day that they are held."""
    return list(connection.scalars(_PROBES, {"now": now, "per_day": PROBES_PER_DAY, "window": WINDOW}))


def release(connection: Connection, name: str, now: datetime) -> int:
    """End the hold of a source, as a person decides; answers how many of its pages have waited. Raises NotHeld."""
    lock(connection, "expectations")
    held = update(source).where(source.c.name == name, source.c.held_at.is_not(None))
    source_id = connection.scalar(held.values(held_at=None, released_at=now).returning(source.c.id))
    if source_id is None:
        raise NotHeld(f"'{name}' is not held: its pages are read and settled as they come.")
    open_ = update(breach).where(breach.c.source_id == source_id, breach.c.ended_at.is_(None))
    connection.execute(open_.values(ended_at=now))
    unread = select(func.count()).where(page.c.source_id == source_id, page.c.read_at.is_(None))
    read = select(func.count()).where(unsettled.c.source_id == source_id)
    return int(connection.execute(select(unread.scalar_subquery() + read.scalar_subquery())).scalar_one())
