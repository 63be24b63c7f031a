"""Verdicts under other thresholds: lost, won, and left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from transform.model import ArticleId, Match, MatchKind
from transform.thresholds import THRESHOLDS, judged_by, matters
from transform.verify import MatchPolicy

HELD = MatchPolicy()
BETWEEN = (HELD.same_jaccard + 0.6) / 2


def measured(jaccard: float, kind: MatchKind, *, containment: float = 0.1, failed: str | None = None) -> Match:
    return Match(left=ArticleId(1), right=ArticleId(2), kind=kind, failed=failed, jaccard=jaccard,
                 jaccard_filtered=jaccard, containment=containment, facts=1, run=20, inner=ArticleId(1), start=0,
                 end=0.9)  # fmt: skip


def test_the_policy_that_judged_leaves_every_verdict_as_it_is() -> None:
    for kind, jaccard, containment in (
        (MatchKind.SAME, 0.9, 0.9),
        (MatchKind.CONTAINED, 0.1, 0.9),
        (MatchKind.DIFFERENT, 0.9, 0.9),  # for its facts, say
        (MatchKind.DIFFERENT, 0.01, 0.01),
    ):
        assert judged_by(measured(jaccard, kind, containment=containment), HELD, HELD).kind is kind


def test_a_raised_threshold_loses_what_lies_below_it() -> None:
    stricter = replace(HELD, same_jaccard=0.6)
    assert judged_by(measured(BETWEEN, MatchKind.SAME), stricter, HELD).kind is MatchKind.DIFFERENT
    assert judged_by(measured(0.7, MatchKind.SAME), stricter, HELD).kind is MatchKind.SAME
    beginning = measured(BETWEEN, MatchKind.SAME, containment=0.95)
    assert judged_by(beginning, stricter, HELD).kind is MatchKind.CONTAINED


def test_a_lowered_threshold_wins_what_it_alone_kept_out() -> None:
    looser = replace(HELD, same_jaccard=0.05)
    between = (0.05 + HELD.same_jaccard) / 2
    assert judged_by(measured(between, MatchKind.DIFFERENT, failed="jaccard"), looser, HELD).kind is MatchKind.SAME
    other = measured(HELD.same_jaccard + 0.1, MatchKind.DIFFERENT, failed="facts")
    assert judged_by(other, looser, HELD).kind is MatchKind.DIFFERENT


@pytest.mark.parametrize("failed", ["window", "young-store"])
def test_what_was_decided_by_time_stays_so(failed: str) -> None:
    match = measured(0.1, MatchKind.DIFFERENT, failed=failed)
    assert judged_by(match, replace(HELD, same_jaccard=0.05), HELD) == match


def test_the_same_text_is_the_same_by_any_threshold() -> None:
    assert judged_by(measured(1.0, MatchKind.SAME), replace(HELD, same_jaccard=0.99), HELD).kind is MatchKind.SAME


def test_what_no_threshold_makes_a_match_does_not_matter() -> None:
    assert matters(measured(0.0, MatchKind.LIFTED))
    assert matters(measured(0.3, MatchKind.DIFFERENT))
    assert matters(measured(0.0, MatchKind.DIFFERENT, containment=0.4))
    assert not matters(measured(0.1, MatchKind.DIFFERENT, containment=0.2))


def test_thresholds_are_fields_of_the_policy() -> None:
    assert all(hasattr(HELD, name) for name in THRESHOLDS)
