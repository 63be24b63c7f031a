"""Verdicts under other thresholds: what a pair would have been judged, by what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from transform.model import Match, MatchKind
from transform.verify import MatchPolicy

THRESHOLDS: Mapping[str, Sequence[float]] = {
    "same_jaccard": (0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "contained": (0.3, 0.4, 0.6, 0.7, 0.8, 0.9),
}
"""Field of the policy → values worth a look."""

_DECIDED_OTHERWISE = frozenset(["window", "young-store", "round-up"])


def matters(match: Match) -> bool:
    """Whether the match is one, or may become one by some of THRESHOLDS: most candidates never do."""
    return (
        match.kind is not MatchKind.DIFFERENT
        or match.jaccard_filtered >= min(THRESHOLDS["same_jaccard"])
        or match.containment >= min(THRESHOLDS["contained"])
    )


def judged_by(match: Match, policy: MatchPolicy, held: MatchPolicy) -> Match:
    """The match as another policy would judge it that has other values for THRESHOLDS.

    held: the policy that judged it. A verdict is lost where the measured value lies below a threshold that was raised,
    and won where a threshold that was lowered was all that stood in its way. What the tests for old pairs ask beyond
    that is not known any more, so of a lowered threshold a little too much is won.
    """
    if match.jaccard_filtered == 1.0 or match.failed in _DECIDED_OTHERWISE:
        return match
    if _is_same(match, policy, held):
        return replace(match, kind=MatchKind.SAME, failed=None)
    if _is_inside(match, policy, held):
        kind = MatchKind.CONTAINED if match.start <= policy.contained_start else MatchKind.LIFTED
        return replace(match, kind=kind, failed=None)
    return replace(match, kind=MatchKind.DIFFERENT)


def _is_same(match: Match, policy: MatchPolicy, held: MatchPolicy) -> bool:
    if match.kind is MatchKind.SAME:
        return match.jaccard_filtered >= policy.same_jaccard
    stood_in_the_way = policy.same_jaccard <= match.jaccard_filtered < held.same_jaccard
    return stood_in_the_way and match.facts >= policy.facts and match.run >= policy.run


def _is_inside(match: Match, policy: MatchPolicy, held: MatchPolicy) -> bool:
    if match.kind in (MatchKind.CONTAINED, MatchKind.LIFTED):
        return match.containment >= policy.contained
    if match.kind is MatchKind.DIFFERENT and match.containment >= held.contained:
        return False  # another test stood in the way
    passed = match.facts >= policy.facts and match.run >= policy.run
    return passed and match.containment >= policy.contained
