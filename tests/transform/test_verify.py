from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import paragraphs, print_of, sentences

from transform.model import ArticleId, Match, MatchKind
from transform.verify import History, MatchPolicy, Side, counted_shingles, verify, verify_all

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


def test_a_new_report_before_an_old_background_is_another_story() -> None:
    background = sentences(random.Random(21), 16)
    left = paragraphs(_without_figures(sentences(random.Random(22), 12)) + background)
    right = paragraphs(_without_figures(sentences(random.Random(23), 12)) + background)
    match = judge(left, right)
    assert match.jaccard > 2 * POLICY.same_jaccard  # the wording alone would join them
    assert match.kind is MatchKind.LIFTED
    assert min(match.start, match.inner_start) > POLICY.same_start


def test_reports_that_differ_in_most_of_their_numbers_differ() -> None:
    lines = [
        f"The {name} fund closed at a price that its owners called fair." for name in ["Avon", "Brent", "Cam", "Dee"]
    ]
    left, right = ("".join(f"{line} It rose by {n + 7 * i} points. " for i, line in enumerate(lines)) for n in (11, 52))
    match = judge(left, right)
    assert (match.kind, match.failed, match.numbers) == (MatchKind.DIFFERENT, "numbers", 0.0)


def test_copies_whose_numbers_and_names_agree_are_the_same_whatever_recurs() -> None:
    """A story that is copied for days teaches the store its own phrases as if they were a template's."""
    lines = sentences(random.Random(24), 20)
    left, right = paragraphs(lines), paragraphs([*lines[:-2], *sentences(random.Random(25), 2)])
    known = History(stop=counted_shingles(print_of(left), POLICY), days=POLICY.stop_days)
    assert judge(left, right, known, sources=(1, 2)).kind is MatchKind.SAME
    assert judge(left, right, known, sources=(1, 1)).kind is MatchKind.DIFFERENT


def test_what_one_source_repeats_makes_no_copies_of_each_other_in_a_young_store() -> None:
    furniture = sentences(random.Random(26), 12)
    left = paragraphs(furniture + sentences(random.Random(27), 8))
    right = paragraphs(furniture + sentences(random.Random(28), 8))
    assert judge(left, right, History(), sources=(1, 1)).failed == "young-store"


def test_an_old_text_with_which_a_round_up_begins_is_lifted() -> None:
    item = sentences(random.Random(29), 10)
    round_up = paragraphs(item + sentences(random.Random(30), 50))
    assert judge(round_up, paragraphs(item), days_apart=1).kind is MatchKind.CONTAINED
    assert judge(round_up, paragraphs(item), days_apart=20).kind is MatchKind.LIFTED


def test_the_opening_of_a_text_with_which_a_round_up_begins_is_lifted() -> None:
    report = _without_figures(sentences(random.Random(31), 16))
    round_up = sentences(random.Random(32), 1) + report[:10] + sentences(random.Random(33), 30)
    match = judge(paragraphs(round_up), paragraphs(report))
    assert match.end < POLICY.front
    assert match.kind is MatchKind.LIFTED


def test_equal_notices_are_copies_only_where_they_state_facts_at_one_time() -> None:
    notice, brief = "no text is available for this story yet", "Flood warning for 14 villages along the Tarn."
    assert judge(brief, brief, days_apart=1).kind is MatchKind.SAME
    assert judge(brief, brief, days_apart=2).failed == "short"
    assert judge(notice, notice).failed == "short"


def test_texts_too_short_for_a_shingle_differ() -> None:
    match = judge("Flood warning", "Storm warning")
    assert (match.kind, match.failed, match.start, match.inner_start) == (MatchKind.DIFFERENT, "jaccard", 1.0, 1.0)


def test_what_says_that_it_is_a_round_up_takes_over_and_is_no_copy() -> None:
    """The same pair is a trimmed copy and its text, or the first item of a round-up: the title tells."""
    item, rest = text(60, length=8), text(61, length=20)
    short, long_ = print_of(item), print_of(item + "\n\n" + rest)
    plain = Side(id=ArticleId(1), day=100, source=1, title="Ferry sold in Wesham", print=short)

    def kind(title: str, flags: tuple[str, ...] = ()) -> MatchKind:
        return verify(plain, Side(id=ArticleId(2), day=100, title=title, flags=flags, print=long_), GROWN, POLICY).kind

    assert kind("Wesham ferry sold at last") is MatchKind.CONTAINED
    assert kind("Friday briefing: ferry sold") is kind("Live: ferries and more") is MatchKind.LIFTED
    assert kind("Wesham ferry sold at last", ("live-blog",)) is MatchKind.LIFTED


def test_a_round_up_joins_its_copy_under_another_title_and_other_round_ups() -> None:
    whole = text(62, length=28)
    titles = (("Morning briefing: ferries", "Ferries sold"), ("Morning briefing: ferries", "News in brief"))
    texts = ((whole, whole + " Read more."), (text(63, length=8), text(63, length=8) + "\n\n" + text(64, length=20)))
    kinds = [
        verify(
            *(
                Side(id=ArticleId(n), day=100, title=title, print=print_of(told))
                for n, (title, told) in enumerate(zip(*pair, strict=True))
            ),
            GROWN,
            POLICY,
        ).kind
        for pair in zip(titles, texts, strict=True)
    ]
    assert kinds == [MatchKind.SAME, MatchKind.CONTAINED]


def test_no_pairs_have_no_matches() -> None:
    assert verify_all([], GROWN, POLICY) == []


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[tuple[Side, Side]], History]:
    """Pairs of texts that share sentences, few or many, some of them short, old, repetitive or known to recur."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    known = sentences(rng, 12)
    sides = [
        Side(
            id=ArticleId(n),
            day=100 + rng.choice((0, 1, 9, 95)),
            source=rng.choice((None, 1, 2)),
            print=print_of(" ".join(rng.choice(known) for _ in range(rng.choice((0, 1, 4, 15))))),
        )
        for n in range(draw(st.integers(2, 8)))
    ]
    pairs = [(rng.choice(sides), rng.choice(sides)) for _ in range(draw(st.integers(1, 12)))]
    stop = counted_shingles(print_of(" ".join(known[: rng.choice((0, 2, 6))])), POLICY)
    return pairs, History(stop=stop, days=rng.choice((0, 2, POLICY.stop_days)))


@given(batches())
@settings(max_examples=150, deadline=None)
def test_a_batch_is_judged_as_its_pairs_one_by_one(batch: tuple[list[tuple[Side, Side]], History]) -> None:
    pairs, history = batch
    together = verify_all(pairs, history, POLICY)
    assert together == [verify(left, right, history, POLICY) for left, right in pairs]
    for match, swapped in zip(together, verify_all([pair[::-1] for pair in pairs], history, POLICY), strict=True):
        assert match == replace(swapped, left=match.left, right=match.right)


@given(batches())
@settings(max_examples=100, deadline=None)
def test_the_measures_are_those_of_plain_sets(batch: tuple[list[tuple[Side, Side]], History]) -> None:
    """The definitions, written out with sets."""
    pairs, history = batch
    for (left, right), match in zip(pairs, verify_all(pairs, history, POLICY), strict=True):
        if left.print.text_digest == right.print.text_digest:
            continue
        inner, outer = (left, right) if match.inner == left.id else (right, left)
        one, other = (side.print.shingles.tolist() for side in (inner, outer))
        shared = set(one) & set(other)
        assert match.jaccard == rounded(len(shared) / max(len(set(one) | set(other)), 1))
        held = [place for place, value in enumerate(other) if value in shared]
        stretches = sum(place - 1 not in held for place in held)
        assert match.run == (len(held) / stretches if stretches else 0.0) / min(inner.grain, outer.grain)
        span = (held[0] / len(other), (held[-1] + 1) / len(other)) if held else (1.0, 1.0)
        assert (match.start, match.end) == (rounded(span[0]), rounded(span[1]))
        mine = [place for place, value in enumerate(one) if value in shared]
        assert match.inner_start == (mine[0] / len(one) if mine else 1.0)


def rounded(measure: float) -> float:
    return round(measure, 6)  # as a match keeps it


def test_counted_shingles_are_a_quarter_of_the_hash_space() -> None:
    counted = counted_shingles(print_of(text(20, length=400)), POLICY)
    assert np.all(counted & np.uint64(3) == 0)
    assert 0.15 < len(counted) / len(np.unique(print_of(text(20, length=400)).shingles)) < 0.35


def test_the_policys_digest_changes_with_every_figure() -> None:
    assert MatchPolicy(same_jaccard=0.4).digest != POLICY.digest == MatchPolicy().digest


def _without_figures(lines: list[str]) -> list[str]:
    return [" ".join(word for word in line.split() if word.isalpha()) + "." for line in lines]


def text(seed: int, length: int = 24) -> str:
    return paragraphs(sentences(random.Random(seed), length))


def judge(
    left: str,
    right: str,
    history: History = GROWN,
    *,
    days_apart: int = 0,
    sources: tuple[int | None, int | None] = (None, None),
) -> Match:
    one = Side(id=ArticleId(1), day=100, source=sources[0], print=print_of(left))
    other = Side(id=ArticleId(2), day=100 + days_apart, source=sources[1], print=print_of(right))
    return verify(one, other, history, POLICY)
