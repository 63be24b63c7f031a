"""What a source's file expects, held against figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.model import Bound, Expectations
from transform.expect import MIN_SAMPLE, Expectation, Readings, Share, Verdict, judge_shares, judge_volume

DATED = Expectations(dated_share=Bound(min=0.9))
NOTHING = Readings(
    short=Share(part=0, of=0),
    dated=Share(part=0, of=0),
    expected_language=Share(part=0, of=0),
    other_language=None,
)


def dated(part: int, of: int, *, broken: bool = False) -> Verdict:
    seen = replace(NOTHING, dated=Share(part=part, of=of))
    (finding,) = judge_shares(DATED, seen, [Expectation.DATED_SHARE] if broken else [])
    return finding.verdict


@pytest.mark.parametrize(
    ("a_day", "verdict"),
    [(None, "unknown"), (0, "broken"), (19.9, "broken"), (20, "well"), (100, "well"), (100.1, "broken")],
)
def test_a_bound_of_entries_is_meant_as_it_stands(a_day, verdict):
    (finding,) = judge_volume(Expectations(entries_per_day=Bound(min=20, max=100)), a_day)
    assert (finding.verdict, finding.expected) == (verdict, "at least 20, at most 100")


def test_what_is_not_expected_is_not_judged():
    assert [*judge_volume(Expectations(), 0.0), *judge_shares(Expectations(), NOTHING, [])] == []


@pytest.mark.parametrize(
    ("part", "of", "verdict"),
    [
        (0, MIN_SAMPLE - 1, "unknown"),  # too few
        (18, 20, "well"),
        (15, 20, "unknown"),  # by chance once in twenty-three times
        (13, 20, "broken"),
        (87, 100, "unknown"),
        (80, 100, "broken"),
    ],
)
def test_a_share_is_broken_when_chance_does_not_explain_it(part, of, verdict):
    assert dated(part, of) == verdict


def test_a_broken_share_is_broken_until_it_is_back_within_its_bounds():
    assert dated(87, 100, broken=True) is Verdict.BROKEN
    assert dated(90, 100, broken=True) is Verdict.WELL
    assert dated(5, 5, broken=True) is Verdict.UNKNOWN


@given(st.integers(0, 100), st.integers(MIN_SAMPLE, 100), st.booleans())
def test_a_better_share_never_gets_a_worse_verdict(part, of, broken):
    order = [Verdict.BROKEN, Verdict.UNKNOWN, Verdict.WELL]
    part = min(part, of - 1)
    assert order.index(dated(part, of, broken=broken)) <= order.index(dated(part + 1, of, broken=broken))


@given(st.integers(0, 60), st.integers(MIN_SAMPLE, 60), st.sampled_from([0.0, 0.05, 0.5, 0.9, 1.0]))
def test_a_greatest_share_of_short_pages_is_a_least_share_of_others(part, of, limit):
    part = min(part, of)
    short = replace(NOTHING, short=Share(part=part, of=of), dated=Share(part=of - part, of=of))
    expect = Expectations(short_share=Bound(max=limit), dated_share=Bound(min=1.0 - limit))
    most, least = judge_shares(expect, short, [])
    assert most.verdict == least.verdict


def test_languages_are_told_with_what_came_instead():
    seen = replace(NOTHING, expected_language=Share(part=20, of=40), other_language="fr")
    (finding,) = judge_shares(Expectations(languages=("en", "de")), seen, [])
    assert (finding.verdict, finding.expected) == (Verdict.BROKEN, "at least 90% in en or de")
    assert finding.observed == "50% of 40, the others mostly fr"
