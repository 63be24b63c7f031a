"""Candidate pairs → matches: what two texts share, measured exactly on their shingles and facts, and what follows.

A batch of pairs is measured at once, in flat arrays in which the pairs stand one after the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from extract.flags import holds_others
from transform.model import DIGITS, ROUNDED, ArticleId, Fingerprint, Hashes, Match, MatchKind
from transform.shingles import is_number

_Bools = npt.NDArray[np.bool_]
_Counts = npt.NDArray[np.int64]
_Shares = npt.NDArray[np.float64]

_Names = npt.NDArray[np.str_]

_DIFFERENT, _SAME, _CONTAINED, _LIFTED = (
    kind.value for kind in (MatchKind.DIFFERENT, MatchKind.SAME, MatchKind.CONTAINED, MatchKind.LIFTED)
)
MEASURED = (
    "jaccard", "jaccard_filtered", "containment", "facts", "numbers", "run", "inner", "inner_start", "start", "end",
)  # fmt: skip
VERDICT = np.dtype(
    [("left", np.int64), ("right", np.int64), ("kind", "U9"), ("failed", "U11")]
    + [(name, np.int64 if name == "inner" else np.float64) for name in MEASURED]
)
Verdicts = npt.NDArray[np.void]
"""One row a pair, its fields named as those of Match; an empty name for a test that failed is none."""

_SHINGLE_WORDS = 5  # or what weighs as much in scripts whose letters are counted
_AT_ONCE = 1000  # pairs, so that the memory they take does not grow with the batch


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPolicy:
    """When two texts are the same, when one is the beginning of the other.

    A plain Jaccard threshold fails on news: at .8 it finds 29 % of the copies, at .5 it joins template reports. What
    the tests lean on, and what they cost and gain: docs/decisions/0016.
    """

    version: int = 2
    same_jaccard: float = 0.2  # without stop-shingles; an edited copy keeps little more, two reports of one event less
    same_shingles: int = 20  # shared, or half of the shorter text: what stop-shingles leave of two templates is less
    same_start: float = 0.3  # where what they share begins: new reports before an old background are new ones
    same_late: float = 0.4  # with this resemblance it may begin later in the longer text, …
    same_anywhere: float = 0.6  # … with this in both
    part: float = 0.9  # when so much of the shorter text is in the longer, …
    part_jaccard: float = 0.3  # … and so little else is shared, it is a part: a trimmed copy, an item of a digest
    front: float = 0.35  # what ends so early in the longer text, …
    front_contained: float = 0.75  # … and is no more of the shorter one: both go on by themselves, as in a round-up
    contained: float = 0.5  # share of the shorter text
    contained_shingles: int = 12
    contained_start: float = 0.1  # a trimmed copy begins where the longer text begins; a digest's items do not
    facts: float = 0.4  # numbers and names in common
    facts_inside: float = 0.2  # that is enough where furniture of both pages brings names of its own, and …
    inside: float = 0.7  # … this much of the shorter text is in the other
    numbers: float = 0.65  # in common; templates differ in their numbers, copies in one or two of them
    number_shingles: int = 40  # shared ones that allow for one number missing: a long text may be corrected in several
    run: float = 5.0  # mean length of the shared stretches; template texts agree in short ones between their figures
    agreeing_facts: float = 0.8  # of other sources: so alike that recurring phrases are no objection, and count
    agreeing_numbers: float = 0.8  # below .75 templates agree as well
    agreeing_count: int = 3  # facts in common; two texts without any agree about nothing
    old_days: int = 7  # rare templates come back after weeks; real copies arrive within days
    old_jaccard: float = 0.7
    old_contained: float = 0.9
    old_agreeing_jaccard: float = 0.5
    old_agreeing_contained: float = 0.8
    old_end: float = 0.3  # what holds an old text and goes on for long is a round-up that begins with it
    short_days: int = (
        1  # texts too short for bands: notices repeat, so only at one time, and with facts, are they copies
    )
    window_days: int = 90
    stop_days: int = 5  # a shingle seen on this many days is template text or leftover boilerplate
    young_jaccard: float = 0.6  # while fewer than stop_days are known, no stop-shingles protect us
    sampled_bits: int = 2  # stop-shingles are counted for hashes whose low bits are zero: a quarter
    newest: int = 5  # candidates a key; 20 find no more, and uncapped keys cost N^1.4

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=8).digest()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One text of a pair; what several pairs ask of it is computed once."""

    id: ArticleId
    day: int  # publication day (or that of the fetch), days since the epoch
    print: Fingerprint
    source: int | None = None  # None is another source than any
    title: str = ""
    flags: Collection[str] = ()

    @property
    def distinct(self) -> Hashes:
        """The shingles of the text, sorted and unique."""
        return self._unique[0]

    @property
    def first_places(self) -> _Counts:
        """Where in the text each of the distinct shingles stands for the first time."""
        return self._unique[1]

    @property
    def codes(self) -> _Counts:
        """For each place of the text, which of the distinct shingles stands there."""
        return self._unique[2]

    @property
    def grain(self) -> float:
        """How many places of the text a word takes: 1 where spaces part words, more where letters are counted."""
        width = self.print.words - len(self.print.shingles) + 1  # of the last shingle
        return width / _SHINGLE_WORDS

    @cached_property
    def holds_others(self) -> bool:
        """Whether it says that it is made of other texts."""
        return holds_others(self.title, self.flags)

    @cached_property
    def _unique(self) -> tuple[Hashes, _Counts, _Counts]:
        """Distinct shingles, first places and codes; `numpy.unique` takes three times as long."""
        order = self.print.shingles.argsort()  # a stable one takes four times as long
        in_order = self.print.shingles[order]
        is_new = np.ones(len(order), dtype=np.bool_)
        np.not_equal(in_order[1:], in_order[:-1], out=is_new[1:])
        codes = np.empty(len(order), dtype=np.int64)
        codes[order] = is_new.cumsum() - 1
        firsts = is_new.nonzero()[0]
        first_places = np.minimum.reduceat(order, firsts) if len(firsts) else order
        return in_order[firsts], first_places, codes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """What the store knew when its list of recurring phrases was last renewed."""

    stop: Hashes = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    """Sampled shingle hashes seen on policy.stop_days days, sorted."""
    days: int = 0  # with articles, counted up to policy.stop_days


def counted_shingles(print_: Fingerprint, policy: MatchPolicy) -> Hashes:
    """The shingles of a text that take part in the count of days, sorted and unique."""
    return np.unique(print_.shingles[is_counted(print_.shingles, policy)])


def is_counted(shingles: Hashes, policy: MatchPolicy) -> _Bools:
    """For each shingle whether it takes part in the count of days."""
    counted: _Bools = (shingles & np.uint64((1 << policy.sampled_bits) - 1)) == 0
    return counted


def verify(left: Side, right: Side, history: History, policy: MatchPolicy) -> Match:
    """What the two texts have in common and how they relate; the same whichever of them is called left."""
    return verify_all([(left, right)], history, policy)[0]


def verify_all(pairs: Sequence[tuple[Side, Side]], history: History, policy: MatchPolicy) -> list[Match]:
    """What the two texts of each pair have in common and how they relate, in the order of the pairs.

    No pair's answer depends on the others. left: settled before right.
    """
    return as_matches(judge_all(pairs, history, policy))


def as_matches(verdicts: Verdicts) -> list[Match]:
    """The same, one by one."""
    return [
        Match(
            left=left,
            right=right,
            kind=MatchKind(kind),
            failed=failed or None,
            **dict(zip(MEASURED, rest, strict=True)),
        )
        for left, right, kind, failed, *rest in verdicts.tolist()
    ]


def judge_all(pairs: Sequence[tuple[Side, Side]], history: History, policy: MatchPolicy) -> Verdicts:
    """As `verify_all`, in one table: most candidates are different, and nobody asks for them one by one."""
    verdicts = np.zeros(len(pairs), dtype=VERDICT)
    same = np.fromiter((_is_identical(*pair) for pair in pairs), np.bool_, len(pairs))
    verdicts[same] = _identical([pairs[place] for place in same.nonzero()[0].tolist()], policy)
    different = (~same).nonzero()[0]
    for start in range(0, len(different), _AT_ONCE):
        places = different[start : start + _AT_ONCE]
        verdicts[places] = _judged([pairs[place] for place in places.tolist()], history, policy)
    return verdicts


def _is_identical(left: Side, right: Side) -> bool:
    return left.print.text_digest == right.print.text_digest


def _verdicts(pairs: Sequence[tuple[Side, Side]]) -> Verdicts:
    """Of these pairs, with nothing said of them yet."""
    verdicts = np.zeros(len(pairs), dtype=VERDICT)
    verdicts["left"] = [left.id for left, _ in pairs]
    verdicts["right"] = [right.id for _, right in pairs]
    return verdicts


def _identical(pairs: Sequence[tuple[Side, Side]], policy: MatchPolicy) -> Verdicts:
    """The verdicts on pairs that are word for word the same."""
    verdicts = _verdicts(pairs)
    verdicts["failed"] = [_failed_identical(left, right, policy) or "" for left, right in pairs]
    verdicts["kind"] = np.where(verdicts["failed"] == "", _SAME, _DIFFERENT)
    for name in ("jaccard", "jaccard_filtered", "containment", "facts", "numbers", "end"):
        verdicts[name] = 1.0
    verdicts["run"] = [left.print.words for left, _ in pairs]
    verdicts["inner"] = np.minimum(verdicts["left"], verdicts["right"])
    return verdicts


def _failed_identical(left: Side, right: Side, policy: MatchPolicy) -> str | None:
    gap_days = abs(left.day - right.day)
    if gap_days > policy.window_days:
        return "window"
    short = len(left.print.bands) <= 1  # compared as a whole or not at all
    stated = min(len(left.print.facts), len(right.print.facts)) > 0
    return "short" if short and (gap_days > policy.short_days or not stated) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measures:
    """What was measured, one place a pair; counts of distinct shingles and facts."""

    smaller: _Counts  # shingles of the inner text
    shared: _Counts
    shared_filtered: _Counts  # without stop-shingles
    jaccard: _Shares
    jaccard_filtered: _Shares
    containment: _Shares
    containment_filtered: _Shares
    facts: _Shares  # share of the smaller set that the other has too
    shared_facts: _Counts
    numbers: _Shares
    missing_numbers: _Counts  # of the smaller set
    grain: _Shares  # places that a word takes in these texts: lengths in the policy are counted in words
    run: _Shares  # in words
    start: _Shares  # where the shared part begins and ends in the outer text, as shares of its length; 1 for none
    end: _Shares
    inner_start: _Shares


def _judged(pairs: Sequence[tuple[Side, Side]], history: History, policy: MatchPolicy) -> Verdicts:
    """The verdicts on pairs that are not word for word the same."""
    nested = [(left, right) if _is_inner(left, right) else (right, left) for left, right in pairs]
    measures = _measure(nested, history.stop, policy)
    case = _Case.of(measures, pairs, history.days < policy.stop_days, policy)
    verdicts = _verdicts(pairs)
    verdicts["kind"], verdicts["failed"] = _judge(measures, case, pairs, policy)
    verdicts["inner"] = [inner.id for inner, _ in nested]
    for name in ("jaccard", "jaccard_filtered", "facts", "numbers", "run", "inner_start", "start", "end"):
        verdicts[name] = getattr(measures, name)
    verdicts["containment"] = case.containment
    for name in ROUNDED:
        verdicts[name] = verdicts[name].round(DIGITS)
    return verdicts


def _is_inner(side: Side, other: Side) -> bool:
    """The shorter text is the inner one; ids break ties, so that the answer does not depend on who asks."""
    return (len(side.print.shingles), side.id) <= (len(other.print.shingles), other.id)


def _measure(nested: Sequence[tuple[Side, Side]], stop: Hashes, policy: MatchPolicy) -> _Measures:
    """nested: the inner text of each pair, and the outer."""
    inner, outer = [pair[0] for pair in nested], [pair[1] for pair in nested]
    beside = _Rows.of([side.distinct for side in inner])
    common = _find(_Rows.of([side.distinct for side in outer]), beside)
    sizes = beside.lengths, common.rows.lengths
    plain = _resemblance(*sizes, common.rows.count(common.found))
    filtered = _without_stops(nested, plain, common, stop, policy) if len(stop) else plain
    grain = np.array([min(one.grain, other.grain) for one, other in nested])
    held = _held(outer, common)
    start, end = _span(held)
    return _Measures(
        smaller=np.minimum(*sizes),
        shared=plain.shared,
        shared_filtered=filtered.shared,
        jaccard=plain.jaccard,
        jaccard_filtered=filtered.jaccard,
        containment=plain.containment,
        containment_filtered=filtered.containment,
        **_facts(inner, outer),
        grain=grain,
        run=_mean_run(held) / grain,
        start=start,
        end=end,
        inner_start=_inner_start(inner, common),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of different lengths, one after the other: row n is values[bounds[n] : bounds[n + 1]]."""

    values: npt.NDArray[Any]
    bounds: _Counts

    @classmethod
    def of(cls, rows: Sequence[npt.NDArray[Any]]) -> _Rows:
        return cls(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))

    @property
    def lengths(self) -> _Counts:
        return np.diff(self.bounds)

    def count(self, counted: _Bools) -> _Counts:
        """How many places of each row are marked."""
        return np.diff(np.flatnonzero(counted).searchsorted(self.bounds))  # a cumulated sum takes five times as long

    def spread(self, one_a_row: _Counts) -> _Counts:
        """The row's number at each place of the row."""
        return np.repeat(one_a_row, self.lengths)


@dataclass(frozen=True, slots=True, eq=False)
class _Common:
    """What the sorted rows of one side have of the sorted rows beside them."""

    rows: _Rows
    found: _Bools  # for each value of the rows whether the row beside has it
    places: _Counts  # and where that row has it


def _find(rows: _Rows, beside: _Rows) -> _Common:
    pairs = zip(pairwise(beside.bounds.tolist()), pairwise(rows.bounds.tolist()), strict=True)
    places = np.concatenate(
        [beside.values[low:high].searchsorted(rows.values[first:last]) for (low, high), (first, last) in pairs]
    )
    inside = places < rows.spread(beside.lengths)
    places = np.where(inside, places + rows.spread(beside.bounds[:-1]), 0)
    found = inside & (beside.values[places] == rows.values) if len(beside.values) else inside
    return _Common(rows, found, places)


@dataclass(frozen=True, slots=True, eq=False)
class _Resemblance:
    jaccard: _Shares
    containment: _Shares
    shared: _Counts


def _resemblance(inner: _Counts, outer: _Counts, shared: _Counts) -> _Resemblance:
    """From the numbers of distinct shingles."""
    return _Resemblance(_share(shared, inner + outer - shared), _share(shared, np.minimum(inner, outer)), shared)


def _share(part: npt.NDArray[np.number], whole: _Counts, of_none: float = 0.0) -> _Shares:
    """The quotients; `of_none` where there is nothing to have a share of."""
    shares: _Shares = np.divide(part, whole, out=np.full(len(whole), of_none), where=whole > 0)
    return shares


def _without_stops(
    nested: Sequence[tuple[Side, Side]], plain: _Resemblance, common: _Common, stop: Hashes, policy: MatchPolicy
) -> _Resemblance:
    """The same measures without stop-shingles.

    They are taken on the sampled part of the hash space, the only part in which stop-shingles are known; a pair that
    has none of them keeps its plain measures, in which all shingles count.
    """
    kept = _kept({id(side): side for pair in nested for side in pair}, stop, policy)
    inner, outer = ([kept[id(pair[n])] for pair in nested] for n in (0, 1))
    shared = common.rows.count(common.found & np.concatenate([side.mask for side in outer]))
    sizes = np.array([side.count for side in inner]), np.array([side.count for side in outer])
    sample = _resemblance(*sizes, shared)
    touched = np.array([one.touched or other.touched for one, other in zip(inner, outer, strict=True)])
    return _Resemblance(
        np.where(touched, sample.jaccard, plain.jaccard),
        np.where(touched, sample.containment, plain.containment),
        np.where(touched, sample.shared << policy.sampled_bits, plain.shared),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    mask: _Bools  # over the distinct shingles: sampled, and no stop-shingle
    count: int
    touched: bool  # by stop-shingles


def _kept(sides: Mapping[int, Side], stop: Hashes, policy: MatchPolicy) -> dict[int, _Kept]:
    """For each text what stop-shingles leave of its sample."""
    rows = _Rows.of([side.distinct for side in sides.values()])
    sampled = is_counted(rows.values, policy)
    mask = sampled.copy()
    mask[sampled] = ~_is_among(rows.values[sampled], stop)
    counts, samples = rows.count(mask).tolist(), rows.count(sampled).tolist()
    bounds = pairwise(rows.bounds.tolist())
    return {
        key: _Kept(mask[low:high], count, count < sample)
        for key, (low, high), count, sample in zip(sides, bounds, counts, samples, strict=True)
    }


def _is_among(hashes: Hashes, known: Hashes) -> _Bools:
    """For each hash whether it is one of the known ones, which are sorted; `isin` takes five times as long."""
    places = known.searchsorted(hashes)
    places[places == len(known)] = 0
    found: _Bools = known[places] == hashes
    return found


def _facts(inner: Sequence[Side], outer: Sequence[Side]) -> dict[str, Any]:
    """Shares and counts of facts, and of the numbers among them; all of them are shared where a text states none."""
    beside = _Rows.of([side.print.facts for side in outer])
    common = _find(_Rows.of([side.print.facts for side in inner]), beside)
    shared = common.rows.count(common.found)
    odd = is_number(common.rows.values)
    shared_numbers = common.rows.count(common.found & odd)
    numbers = np.minimum(common.rows.count(odd), beside.count(is_number(beside.values)))
    return {
        "facts": _share(shared, np.minimum(common.rows.lengths, beside.lengths), 1.0),
        "shared_facts": shared,
        "numbers": _share(shared_numbers, numbers, 1.0),
        "missing_numbers": numbers - shared_numbers,
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """Which places of the outer texts hold shingles of the inner."""

    rows: _Rows
    is_held: _Bools
    places: _Counts  # of those that do, in order
    first: _Counts  # for each text the first of its own among these places, and the one after its last
    last: _Counts


def _held(outer: Sequence[Side], common: _Common) -> _Held:
    rows = _Rows.of([side.codes for side in outer])
    is_held = common.found[rows.values + rows.spread(common.rows.bounds[:-1])]
    places = np.flatnonzero(is_held)
    first, last = places.searchsorted(rows.bounds[:-1]), places.searchsorted(rows.bounds[1:])
    return _Held(rows, is_held, places, first, last)


def _mean_run(held: _Held) -> _Shares:
    """Mean length, in shingles, of the stretches of the outer text that the inner has too."""
    before = np.concatenate(([False], held.is_held[:-1]))
    before[held.rows.bounds[:-1][held.rows.lengths > 0]] = False
    return _share(held.last - held.first, held.rows.count(held.is_held & ~before))


def _span(held: _Held) -> tuple[_Shares, _Shares]:
    """Where in the outer text the shared part begins and ends, as shares of its length; 1 for none."""
    some = held.last > held.first
    start, end = held.rows.lengths.copy(), held.rows.lengths.copy()
    start[some] = held.places[held.first[some]] - held.rows.bounds[:-1][some]
    end[some] = held.places[held.last[some] - 1] + 1 - held.rows.bounds[:-1][some]
    return _share(start, held.rows.lengths, 1.0), _share(end, held.rows.lengths, 1.0)


def _inner_start(inner: Sequence[Side], common: _Common) -> _Shares:
    """Where in the inner text the shared part begins, as a share of its length; 1 for none."""
    lengths = np.array([len(side.print.shingles) for side in inner])
    start = lengths.copy()
    shared = common.rows.count(common.found)
    some = shared > 0
    if some.any():
        firsts = np.concatenate([side.first_places for side in inner])[common.places[common.found]]
        start[some] = np.minimum.reduceat(firsts, (np.cumsum(shared) - shared)[some])
    return _share(start, lengths, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """The circumstances of each pair, and what counts as shared under them."""

    young: bool  # the store, for all pairs
    gap_days: _Counts
    vouched: _Bools  # by another source, with the same numbers
    agreeing: _Bools  # and the same names
    jaccard: _Shares  # without stop-shingles, unless the texts agree
    containment: _Shares
    shared: _Counts

    @classmethod
    def of(cls, m: _Measures, pairs: Sequence[tuple[Side, Side]], young: bool, policy: MatchPolicy) -> _Case:
        other_source = np.array([left.source is None or left.source != right.source for left, right in pairs])
        vouched = other_source & (m.numbers >= policy.agreeing_numbers) & (m.shared_facts >= policy.agreeing_count)
        agreeing = vouched & (m.facts >= policy.agreeing_facts)
        return cls(
            young=young,
            gap_days=np.array([abs(left.day - right.day) for left, right in pairs]),
            vouched=vouched,
            agreeing=agreeing,
            jaccard=np.where(agreeing, np.maximum(m.jaccard, m.jaccard_filtered), m.jaccard_filtered),
            containment=np.where(agreeing, np.maximum(m.containment, m.containment_filtered), m.containment_filtered),
            shared=np.where(agreeing, np.maximum(m.shared, m.shared_filtered), m.shared_filtered),
        )

    def bound(self, policy: MatchPolicy, usual: float, old: float, old_agreeing: float) -> _Shares:
        """The threshold for each pair, by the days between its texts."""
        return np.where(self.is_old(policy), np.where(self.agreeing, old_agreeing, old), usual)

    def is_old(self, policy: MatchPolicy) -> _Bools:
        return self.gap_days > policy.old_days


def _judge(
    measures: _Measures, case: _Case, pairs: Sequence[tuple[Side, Side]], policy: MatchPolicy
) -> tuple[_Names, _Names]:
    """What each pair is, and the first test that kept a different one from being the same."""
    same = _same_tests(measures, case, policy)
    inside = np.logical_and.reduce(_inside_tests(measures, case, policy))
    front = (measures.end <= policy.front) & (case.containment < policy.front_contained)
    part = (case.containment >= policy.part) & (case.jaccard < policy.part_jaccard)
    begins = _begins(measures, case, policy) & ~front
    kinds = np.where(inside, np.where(begins, _CONTAINED, _LIFTED), _DIFFERENT)
    kinds[np.logical_and.reduce(list(same.values())) & ~(inside & (front | part))] = _SAME
    taken = _taken_over(kinds, measures, pairs, policy)
    kinds[taken] = np.where(inside[taken], _LIFTED, _DIFFERENT)
    outside = case.gap_days > policy.window_days
    kinds[outside] = _DIFFERENT
    failed = np.array(list(same))[np.argmin(list(same.values()), axis=0)]
    failed[taken] = "round-up"
    failed[outside] = "window"
    failed[kinds != _DIFFERENT] = ""
    return kinds, failed


def _same_tests(m: _Measures, case: _Case, policy: MatchPolicy) -> dict[str, _Bools]:
    return {
        "jaccard": case.jaccard
        >= case.bound(policy, policy.same_jaccard, policy.old_jaccard, policy.old_agreeing_jaccard),
        "young-store": _is_safe(m, case, policy),
        "shared": case.shared >= np.minimum(policy.same_shingles * m.grain, m.smaller / 2),
        "facts": _have_facts(m, case, policy),
        "numbers": _have_numbers(m, policy),
        "run": m.run >= policy.run,
        "start": (m.start <= policy.same_start)
        | ((m.inner_start <= policy.same_start) & (case.jaccard >= policy.same_late))
        | (m.jaccard >= policy.same_anywhere),
    }


def _inside_tests(m: _Measures, case: _Case, policy: MatchPolicy) -> list[_Bools]:
    return [
        case.containment >= case.bound(policy, policy.contained, policy.old_contained, policy.old_agreeing_contained),
        _is_safe(m, case, policy),
        case.shared >= policy.contained_shingles * m.grain,
        _have_facts(m, case, policy),
        _have_numbers(m, policy),
        m.run >= policy.run,
    ]


def _is_safe(m: _Measures, case: _Case, policy: MatchPolicy) -> _Bools:
    """Whether the pair can do without the protection of stop-shingles, where the store knows none yet."""
    return (m.jaccard >= policy.young_jaccard) | case.vouched | (not case.young)


def _have_facts(m: _Measures, case: _Case, policy: MatchPolicy) -> _Bools:
    inside = (case.containment >= policy.inside) & (m.facts >= policy.facts_inside) & (not case.young)
    return inside | (m.facts >= policy.facts)


def _have_numbers(m: _Measures, policy: MatchPolicy) -> _Bools:
    allowed = m.shared / (policy.number_shingles * m.grain)
    return (m.numbers >= policy.numbers) | (m.missing_numbers <= allowed)


def _begins(m: _Measures, case: _Case, policy: MatchPolicy) -> _Bools:
    """Whether what the outer text has of the inner is its beginning."""
    return (m.start <= policy.contained_start) & (~case.is_old(policy) | (m.end >= policy.old_end))


def _taken_over(
    kinds: _Names, m: _Measures, pairs: Sequence[tuple[Side, Side]], policy: MatchPolicy
) -> npt.NDArray[np.intp]:
    """The pairs of which one text says that it is made of others, and has taken the other over.

    Its own copies resemble it as a whole, whatever their title says.
    """
    joined = np.flatnonzero(((kinds == _SAME) | (kinds == _CONTAINED)) & (m.jaccard < policy.same_anywhere))
    return joined[[pairs[n][0].holds_others != pairs[n][1].holds_others for n in joined.tolist()]]
