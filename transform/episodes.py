"""Alerts as episodes: each begins once, is refreshed while it lasts, and ends with its cause.

What begins together becomes one alert: a server with 200 sources that is down is one thing to look at, not 200. Who
shares an alert stays in it until it ends, so that nobody who comes and goes is told twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from transform.alerts import AlertKind, AlertPolicy, Finding, Judged, Key, Severity

NAMED = 10  # members in the message; the figures have all
_MANY = {
    AlertKind.SILENT_SOURCE: "{} sources have fallen silent",
    AlertKind.FAILING_SOURCE: "The feeds of {} sources cannot be read",
    AlertKind.FAILED_EXPECTATION: "{} expectations of sources' files are broken",
    AlertKind.GROWING_QUARANTINE: "{} sources and stages quarantine more than usual",
    AlertKind.STUCK_QUEUE: "{} queues are stuck",
    AlertKind.UNFINISHED_LINE: "{} lines do not run to their end",
    AlertKind.WIPED_OUT_SOURCE: "{} sources are mostly copies all at once",
    AlertKind.LARGE_MERGE: "{} large stories were merged into others",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An alert that is open."""

    id: int
    kind: AlertKind
    members: frozenset[str]  # subjects that it is about: its own, or all that ever shared it
    shared: bool
    begun_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be written: the rest stays as it is."""

    begun: tuple[Finding, ...]
    refreshed: Mapping[int, Finding]  # by the alert's id
    ended: tuple[int, ...]


def follow(judged: Judged, open_: Sequence[Episode], now: datetime, policy: AlertPolicy) -> Changes:
    """How the open alerts go on with what was found now."""
    found = {finding.key: finding for finding in judged.findings}
    lasting = {one.id: [found[key] for key in _keys(one) if key in found] for one in open_}
    over = {one.id for one in open_ if not lasting[one.id] and judged.undecided.isdisjoint(_keys(one))}
    covered = {key for one in open_ for key in _keys(one)}
    begun: list[Finding] = []
    members = {one.id: one.members for one in open_}
    for kind, fresh in _by_kind(finding for key, finding in found.items() if key not in covered).items():
        recent = [one for one in open_ if one.kind is kind and one.id not in over and _is_recent(one, now, policy)]
        if shared := next((one for one in recent if one.shared), None):
            lasting[shared.id] += fresh
            members[shared.id] = shared.members | {finding.subject for finding in fresh}
        elif len(recent) + len(fresh) >= policy.many:
            begun.append(_together(fresh, {finding.subject for finding in fresh}))
        else:
            begun += fresh
    refreshed = {
        one.id: _together(lasting[one.id], members[one.id]) if one.shared else lasting[one.id][0]
        for one in open_
        if lasting[one.id]
    }
    return Changes(begun=tuple(begun), refreshed=refreshed, ended=tuple(sorted(over)))


def _keys(episode: Episode) -> list[Key]:
    return [Key(episode.kind, member) for member in sorted(episode.members)]


def _is_recent(episode: Episode, now: datetime, policy: AlertPolicy) -> bool:
    return now - episode.begun_at < policy.together


def _by_kind(findings: Iterable[Finding]) -> Mapping[AlertKind, list[Finding]]:
    grouped: defaultdict[AlertKind, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.kind].append(finding)
    return grouped


def _together(findings: Sequence[Finding], members: Iterable[str]) -> Finding:
    """One alert of these; its figures name all that ever shared it, and of those that still do the figures of each."""
    findings = sorted(findings, key=lambda finding: finding.subject)
    first, names = findings[0], [finding.subject for finding in findings]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    what = _MANY[first.kind].format(len(names))
    told = f"{what}: {'; '.join(names[:NAMED])}{more}. The first: {first.message}"
    return Finding(
        kind=first.kind,
        subject=f"{first.subject} and others",
        message=first.message if len(names) == 1 else told,
        severity=max((finding.severity for finding in findings), key=list(Severity).index),
        figures={"members": sorted(members), "now": {one.subject: dict(one.figures) for one in findings}},
    )
