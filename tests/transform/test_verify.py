from __future__ import annotations

import random

import numpy as np
import pytest
from planted import paragraphs, print_of, sentences

from transform.model import ArticleId, Match, MatchKind
from transform.verify import History, MatchPolicy, Side, counted_shingles, verify

POLICY = MatchPolicy()
GROWN = History(days=POLICY.stop_days)  # a store that knows template text by now

WEATHER = (
    "The regional weather office expects {sky} skies over {region} on {day}, with temperatures between {low} and {high} "
    "degrees and wind from the {wind} of up to {speed} kilometres an hour. In the evening the wind will ease and clouds "
    "will break up along the coast, while valleys further inland may see patches of mist before dawn. The office advises "
    "drivers to allow more time for the morning journey and reminds boat owners to check their moorings. Sunrise will be "
    "at {rise} and sunset at {set}. The water temperature off {town} is {water} degrees. For the days that follow the "
    "office expects little change, and a further report will be given at six in the evening as usual."
)


def test_a_text_is_the_same_as_itself() -> None:
    match = judge(text(1), text(1))
    assert (match.kind, match.jaccard, match.start, match.end) == (MatchKind.SAME, 1.0, 0.0, 1.0)


def test_a_copy_with_some_sentences_changed_is_the_same() -> None:
    lines = sentences(random.Random(2), 24)
    changed = lines[:5] + sentences(random.Random(3), 2) + lines[7:]
    assert judge(paragraphs(lines), paragraphs(changed)).kind is MatchKind.SAME


def test_the_beginning_of_a_text_is_contained_in_it() -> None:
    lines = sentences(random.Random(4), 40)
    match = judge(paragraphs(lines), paragraphs(lines[:10]))
    assert match.kind is MatchKind.CONTAINED
    assert match.inner == 2
    assert match.containment == 1.0


def test_a_text_inside_another_is_lifted() -> None:
    lines, others = sentences(random.Random(5), 12), sentences(random.Random(6), 40)
    match = judge(paragraphs(others[:20] + lines + others[20:]), paragraphs(lines))
    assert match.kind is MatchKind.LIFTED
    assert 0.3 < match.start < match.end < 0.7


def test_template_reports_with_other_figures_differ() -> None:
    north = WEATHER.format(sky="cloudy", region="Northmoor", day="Monday", low=4, high=11, wind="west", speed=35,
                           rise="6:12", set="18:03", town="Harwick", water=9)  # fmt: skip
    south = WEATHER.format(sky="clear", region="Estmere", day="Thursday", low=9, high=17, wind="south", speed=20,
                           rise="6:05", set="18:10", town="Solport", water=12)  # fmt: skip
    match = judge(north, south)
    assert match.jaccard > POLICY.same_jaccard  # the wording alone would join them
    assert (match.kind, match.failed) == (MatchKind.DIFFERENT, "facts")


def test_texts_with_nothing_in_common_differ_by_jaccard() -> None:
    match = judge(text(7), text(8))
    assert (match.kind, match.failed, match.start, match.end) == (MatchKind.DIFFERENT, "jaccard", 1.0, 1.0)


def test_a_young_store_asks_for_more_resemblance() -> None:
    lines = sentences(random.Random(9), 24)
    half = paragraphs(sentences(random.Random(11), 4) + lines[6:] + sentences(random.Random(10), 4))
    young, grown = judge(paragraphs(lines), half, History()), judge(paragraphs(lines), half, GROWN)
    assert young.kind is not MatchKind.SAME
    assert grown.kind is MatchKind.SAME


def test_after_a_week_only_close_copies_are_the_same() -> None:
    lines = sentences(random.Random(12), 24)
    edited = paragraphs(lines[:16] + sentences(random.Random(13), 8))
    assert judge(paragraphs(lines), edited, days_apart=6).kind is MatchKind.SAME
    assert judge(paragraphs(lines), edited, days_apart=8).kind is MatchKind.DIFFERENT
    assert judge(paragraphs(lines), paragraphs(lines[:-1]), days_apart=8).kind is MatchKind.SAME


def test_beyond_the_window_nothing_is_joined() -> None:
    lines = sentences(random.Random(14), 24)
    match = judge(paragraphs(lines), paragraphs(lines[:-1]), days_apart=91)
    assert (match.kind, match.failed) == (MatchKind.DIFFERENT, "window")


def test_stop_shingles_count_for_nothing() -> None:
    shared = sentences(random.Random(15), 20)
    left = paragraphs(shared + sentences(random.Random(16), 8))
    right = paragraphs(shared + sentences(random.Random(17), 8))
    assert judge(left, right).kind is MatchKind.SAME
    template = counted_shingles(print_of(paragraphs(shared)), POLICY)
    match = judge(left, right, History(stop=template, days=POLICY.stop_days))
    assert match.kind is MatchKind.DIFFERENT
    assert match.jaccard_filtered < 0.2 < match.jaccard


def test_more_shared_shingles_never_score_lower() -> None:
    lines, others = sentences(random.Random(18), 24), sentences(random.Random(19), 24)
    scores = [judge(paragraphs(lines), paragraphs(lines[:n] + others[n:])).jaccard for n in range(0, 25, 3)]
    assert scores == sorted(scores)


@pytest.mark.parametrize("seed", range(20))
def test_the_measures_do_not_depend_on_who_came_first(seed: int) -> None:
    rng = random.Random(seed)
    lines = sentences(rng, 24)
    a, b = (
        paragraphs(lines),
        paragraphs(lines[rng.randrange(6) : rng.randrange(12, 24)] + sentences(rng, rng.randrange(8))),
    )
    one, other = judge(a, b), judge(b, a)
    assert (one.kind, one.jaccard, one.containment, one.facts, one.run, one.start, one.end) == (
        other.kind, other.jaccard, other.containment, other.facts, other.run, other.start, other.end,
    )  # fmt: skip
    assert one.inner + other.inner == 3


def test_counted_shingles_are_a_quarter_of_the_hash_space() -> None:
    counted = counted_shingles(print_of(text(20, length=400)), POLICY)
    assert np.all(counted & np.uint64(3) == 0)
    assert 0.15 < len(counted) / len(np.unique(print_of(text(20, length=400)).shingles)) < 0.35


def test_the_policys_digest_changes_with_every_figure() -> None:
    assert MatchPolicy(same_jaccard=0.4).digest != POLICY.digest == MatchPolicy().digest


def text(seed: int, length: int = 24) -> str:
    return paragraphs(sentences(random.Random(seed), length))


def judge(left: str, right: str, history: History = GROWN, *, days_apart: int = 0) -> Match:
    one = Side(id=ArticleId(1), day=100, print=print_of(left))
    other = Side(id=ArticleId(2), day=100 + days_apart, print=print_of(right))
    return verify(one, other, history, POLICY)
