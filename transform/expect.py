"""What a source's file expects of it, held against what was counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import comb

from extract.model import Bound, Expectations

MIN_SAMPLE = 20  # fewer readings say nothing about a share
MAX_CHANCE = 0.01  # a share is broken when chance would show one so far off no more often than this
LANGUAGE_SHARE = Bound(min=0.9)  # 'nearly all': language detection errs on short texts


class Expectation(StrEnum):
    ENTRIES_PER_DAY = "entries_per_day"
    DATED_SHARE = "dated_share"
    SHORT_SHARE = "short_share"
    LANGUAGES = "languages"


class Verdict(StrEnum):
    WELL = "well"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """Too little was counted, or chance may have shown it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One expectation of a source and how it stands, in words."""

    expectation: Expectation
    verdict: Verdict
    expected: str
    observed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    part: int
    of: int

    def __str__(self) -> str:
        return f"{_percent(self.part / self.of)} of {self.of}" if self.of else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a source's newest pages gave."""

    short: Share  # of its pages, those rejected as too short
    dated: Share  # of its articles, those with a trusted date
    expected_language: Share  # of its articles whose language is known
    other_language: str | None  # the most frequent that is not expected


def judge_volume(expect: Expectations, entries_per_day: float | None) -> Iterator[Finding]:
    """Whether it announces as much as expected; the bound is meant as it stands.

    entries_per_day: None when no whole day is covered by polls
    """
    bound = expect.entries_per_day
    if bound is None:
        return
    if entries_per_day is None:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.WELL if _within(bound, entries_per_day) else Verdict.BROKEN
    yield Finding(
        expectation=Expectation.ENTRIES_PER_DAY,
        verdict=verdict,
        expected=_words(bound, "{:g}".format),
        observed="unknown" if entries_per_day is None else f"{entries_per_day:.3g}",
    )


def judge_shares(expect: Expectations, seen: Readings, broken: Collection[Expectation]) -> Iterator[Finding]:
    """Whether its pages read as expected.

    broken: those that were so before: they are until the share is back within its bounds, chance or not
    """
    if expect.dated_share:
        yield _share(Expectation.DATED_SHARE, expect.dated_share, seen.dated, broken)
    if expect.short_share:
        yield _share(Expectation.SHORT_SHARE, expect.short_share, seen.short, broken)
    if expect.languages:
        others = f", the others mostly {seen.other_language}" if seen.other_language else ""
        yield Finding(
            expectation=Expectation.LANGUAGES,
            verdict=_verdict(LANGUAGE_SHARE, seen.expected_language, known=Expectation.LANGUAGES in broken),
            expected=f"{_words(LANGUAGE_SHARE, _percent)} in {' or '.join(expect.languages)}",
            observed=f"{seen.expected_language}{others}",
        )


def _share(expectation: Expectation, bound: Bound, share: Share, broken: Collection[Expectation]) -> Finding:
    return Finding(
        expectation=expectation,
        verdict=_verdict(bound, share, known=expectation in broken),
        expected=_words(bound, _percent),
        observed=str(share),
    )


def _verdict(bound: Bound, share: Share, *, known: bool) -> Verdict:
    if share.of < MIN_SAMPLE:
        return Verdict.UNKNOWN
    if _within(bound, share.part / share.of):
        return Verdict.WELL
    return Verdict.BROKEN if known or _chance(bound, share) < MAX_CHANCE else Verdict.UNKNOWN


def _within(bound: Bound, value: float) -> bool:
    return (bound.min is None or value >= bound.min) and (bound.max is None or value <= bound.max)


def _chance(bound: Bound, share: Share) -> float:
    """How likely a source that just keeps its bound shows a share as far off as this, or further."""
    if bound.min is not None and share.part < bound.min * share.of:
        return _at_most(share.part, share.of, bound.min)
    assert bound.max is not None  # the share is outside of its bounds
    return _at_most(share.of - share.part, share.of, 1.0 - bound.max)


def _at_most(hits: int, of: int, share: float) -> float:
    """P(X ≤ hits) of the binomial distribution."""
    return sum(comb(of, k) * share**k * (1.0 - share) ** (of - k) for k in range(hits + 1))


def _words(bound: Bound, show: Callable[[float], str]) -> str:
    limits = (("at least", bound.min), ("at most", bound.max))
    return ", ".join(f"{name} {show(limit)}" for name, limit in limits if limit is not None)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
