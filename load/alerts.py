"""Alerts in the store: what a check begins, refreshes and ends, and whom that is told.

A check judges, writes and queues its notices in one transaction under a lock, so that two at once make one. Sending is
outside of it: a notice is claimed for a while, sent, and is due again later unless its receiver has accepted it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text, update

from load.alert_figures import measure
from load.locks import lock
from load.report.common import read
from load.rows import among, clean_text
from load.tables import alert, alert_notice, queue_head, source
from transform.alerts import AlertKind, AlertPolicy, Finding, Key, judge
from transform.episodes import Changes, Episode, follow

LEASE = timedelta(minutes=5)  # much longer than sending takes: then another may try
FIRST_PAUSE = timedelta(minutes=1)  # doubled with every attempt
LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One episode, as `news.alert` has it."""

    id: int
    kind: str
    severity: str
    source: str | None
    message: str
    since: datetime
    last_seen: datetime
    ended: datetime | None
    figures: Mapping[str, Any]
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """That an alert began or ended, for one receiver that has not accepted it yet."""

    id: int
    key: UUID
    event: str  # began or ended
    receiver: str
    attempts: int  # that failed
    alert: Alert


_ALERT = "SELECT id, kind, severity, source, message, since, last_seen, ended, figures, subject FROM news.alert"


def open_alerts(connection: Connection) -> tuple[Alert, ...]:
    """What is to be looked at now: errors first, the newest first."""
    return read(connection, Alert, f"{_ALERT} WHERE ended IS NULL ORDER BY severity = 'warning', since DESC, id DESC")


def newest_alerts(connection: Connection, limit: int) -> tuple[Alert, ...]:
    """The newest, also those that have ended."""
    return read(connection, Alert, f"{_ALERT} ORDER BY since DESC, id DESC LIMIT :limit", limit=limit)


def checked_at(connection: Connection) -> datetime | None:
    """The last check; None before the first."""
    query = select(func.max(queue_head.c.seen_at))
    return connection.execute(query).scalar_one()  # type: ignore[no-any-return]


# --- The check ------------------------------------------------------------------------------------------------


def check(connection: Connection, now: datetime, policy: AlertPolicy) -> Changes:
    """Measure, judge, and write what has changed."""
    lock(connection, "alerts")
    open_ = _episodes(connection)
    is_open = {Key(one.kind, member) for one in open_ for member in one.members}
    judged = judge(measure(connection, now, policy), is_open, now, policy)
    changes = follow(judged, open_, now, policy)
    _begin(connection, changes.begun, now)
    _refresh(connection, changes.refreshed, now)
    if changes.ended:
        connection.execute(update(alert).where(among(alert.c.id, changes.ended)).values(ended_at=now))
    return changes


def _episodes(connection: Connection) -> list[Episode]:
    query = select(alert).where(alert.c.ended_at.is_(None)).order_by(alert.c.id)
    return [
        Episode(
            id=row.id,
            kind=AlertKind(row.kind),
            members=frozenset(row.figures.get("members", [row.subject])),
            shared="members" in row.figures,
            begun_at=row.begun_at,
        )
        for row in connection.execute(query)
    ]


def _begin(connection: Connection, found: Sequence[Finding], now: datetime) -> None:
    if not found:
        return
    ids = _source_ids(connection, found)
    rows = [
        {
            "kind": one.kind,
            "subject": one.subject,
            "source_id": ids.get(one.source),
            "begun_at": now,
            **_shown(one, now),
        }
        for one in found
    ]
    connection.execute(insert(alert), rows)


def _refresh(connection: Connection, refreshed: Mapping[int, Finding], now: datetime) -> None:
    for id_, one in sorted(refreshed.items()):
        connection.execute(update(alert).where(alert.c.id == id_).values(_shown(one, now)))


def _shown(one: Finding, now: datetime) -> dict[str, object]:
    return {
        "severity": one.severity,
        "message": clean_text(one.message),
        "figures": dict(one.figures),
        "seen_at": now,
    }


def _source_ids(connection: Connection, found: Sequence[Finding]) -> Mapping[str | None, int]:
    names = {one.source for one in found if one.source is not None}
    return {
        name: id_
        for name, id_ in connection.execute(select(source.c.name, source.c.id).where(source.c.name.in_(names)))
    }


# --- Notices --------------------------------------------------------------------------------------------------

_BEGAN = text(
    """
    INSERT INTO storyfold.alert_notice (alert_id, event, receiver, due_at)
    SELECT alert.id, 'began', receiver.name, :now
    FROM storyfold.alert CROSS JOIN unnest(CAST(:receivers AS text[])) AS receiver (name)
    WHERE alert.ended_at IS NULL AND NOT EXISTS (
        SELECT FROM storyfold.alert_notice
        WHERE alert_notice.alert_id = alert.id AND event = 'began' AND receiver = receiver.name)
    ORDER BY alert.id"""
)
_ENDED = text(
    """
    INSERT INTO storyfold.alert_notice (alert_id, event, receiver, due_at)
    SELECT began.alert_id, 'ended', began.receiver, :now
    FROM storyfold.alert_notice AS began JOIN storyfold.alert ON alert.id = began.alert_id
    WHERE alert.ended_at IS NOT NULL AND began.event = 'began' AND began.receiver = ANY(:receivers) AND NOT EXISTS (
        SELECT FROM storyfold.alert_notice
        WHERE alert_notice.alert_id = began.alert_id AND event = 'ended' AND receiver = began.receiver)
    ORDER BY began.alert_id"""
)
_CLAIM = text(
    f"""
    WITH waiting AS (
        SELECT notice.id FROM storyfold.alert_notice AS notice
        WHERE notice.told_at IS NULL AND notice.receiver = ANY(:receivers) AND notice.due_at <= :now
          AND NOT EXISTS (
              SELECT FROM storyfold.alert_notice AS before
              WHERE before.receiver = notice.receiver AND before.alert_id = notice.alert_id
                AND before.told_at IS NULL AND before.id < notice.id AND before.due_at > :now)
        ORDER BY notice.id LIMIT :limit FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE storyfold.alert_notice SET due_at = :until FROM waiting WHERE alert_notice.id = waiting.id
        RETURNING alert_notice.*
    )
    SELECT claimed.id AS notice_id, claimed.key, claimed.event, claimed.receiver, claimed.attempts, told.*
    FROM claimed JOIN ({_ALERT}) AS told ON told.id = claimed.alert_id
    ORDER BY claimed.id"""
)


def queue_notices(connection: Connection, receivers: Collection[str], now: datetime) -> None:
    """Let these receivers be told what they have not been told: what is open, and the end of what they know of."""
    values = {"receivers": sorted(receivers), "now": now}
    lock(connection, "alerts")
    connection.execute(_BEGAN, values)
    connection.execute(_ENDED, values)


def claim_notices(connection: Connection, receivers: Collection[str], now: datetime, limit: int) -> list[Notice]:
    """Notices to send now, in order; nobody else is given them for a while. The end of an alert waits for its begin."""
    values = {"receivers": sorted(receivers), "now": now, "until": now + LEASE, "limit": limit}
    lock(connection, "alerts")
    return [
        Notice(
            id=row["notice_id"],
            key=row["key"],
            event=row["event"],
            receiver=row["receiver"],
            attempts=row["attempts"],
            alert=Alert(**{name: row[name] for name in Alert.__dataclass_fields__}),
        )
        for row in connection.execute(_CLAIM, values).mappings()
    ]


def accepted(connection: Connection, notices: Collection[Notice], now: datetime) -> None:
    ids = [notice.id for notice in notices]
    told = update(alert_notice).where(among(alert_notice.c.id, ids))
    connection.execute(told.values(told_at=now, error=None, attempts=alert_notice.c.attempts + 1))


def refused(connection: Connection, notice: Notice, error: str, now: datetime) -> None:
    """Due again later, the later the more often it has failed."""
    failed = update(alert_notice).where(alert_notice.c.id == notice.id)
    values = {"attempts": notice.attempts + 1, "error": error, "due_at": now + _pause(notice)}
    connection.execute(failed.values(values))


def put_back(connection: Connection, notice: Notice, before: Notice | None, now: datetime) -> None:
    """Not tried: due with the one before it that its receiver did not take, or at once where there was only no time."""
    waiting = update(alert_notice).where(alert_notice.c.id == notice.id)
    connection.execute(waiting.values(due_at=now + _pause(before) if before else now))


def _pause(notice: Notice) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(notice.attempts, 10)), LONGEST_PAUSE)
