from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.canonical import AT_ONCE, Choice, choose
from transform.model import ArticleId, Member

DAY, SOON = timedelta(days=1), timedelta(minutes=40)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
MORNING, NOON = datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)


def member(
    article: int,
    *,
    published_at: datetime | None = MORNING,
    words: int = 400,
    tier: int = 2,
    partial: bool = False,
    day_only: bool = False,
    agency: str | None = None,
    source_agency: str | None = None,
) -> Member:
    return Member(id=ArticleId(article), published_at=published_at, order_key=bytes([article]), words=words, tier=tier,
                  partial=partial, day_only=day_only, agency=agency, source_agency=source_agency)  # fmt: skip


@pytest.mark.parametrize(
    ("best", "other", "rule"),
    [
        (member(2, published_at=NOON), member(1, partial=True), "full-text"),
        (member(2, published_at=NOON, words=600), member(1, words=300), "full-length"),
        (member(2, published_at=NOON, source_agency="PAP"), member(1), "original"),
        (member(2, words=200, source_agency="PAP"), member(1, words=390, agency="PAP"), "original"),
        (member(2, words=390), member(1, words=190, source_agency="PAP"), "full-length"),
        (member(2, published_at=NOON, agency="PAP", source_agency="PAP"), member(1, agency="PAP"), "original"),
        (member(2), member(1, published_at=NOON, agency="AFP", source_agency="PAP"), "earliest"),
        (member(2), member(1, published_at=NOON), "earliest"),
        (member(2), member(1, agency="PAP"), "unmarked"),
        (member(2, published_at=MORNING + SOON), member(1, agency="PAP", tier=1), "unmarked"),
        (member(2, agency="PAP"), member(1, published_at=NOON), "earliest"),
        (member(2, published_at=NOON), member(1, published_at=None, day_only=False), "earliest"),
        (member(2, published_at=NOON), member(1, published_at=MIDNIGHT, day_only=True), "earliest"),
        (member(2, published_at=MIDNIGHT, day_only=True), member(1, published_at=NOON + DAY), "earliest"),
        (member(2), member(1, published_at=None), "earliest"),
        (member(2, tier=1), member(1), "tier"),
        (member(2, words=410), member(1), "longest"),
        (member(1), member(2), "url-key"),
    ],
)
def test_each_rule_decides_where_those_before_agree(best: Member, other: Member, rule: str) -> None:
    for order in ([best, other], [other, best]):
        choice = choose(order)
        assert (choice.canonical, choice.rule) == (best.id, rule)


def test_a_slightly_longer_text_does_not_unseat_the_earliest() -> None:
    assert choose([member(1, words=400), member(2, published_at=NOON, words=550)]).canonical == 1


def test_the_choice_does_not_depend_on_the_order_of_members() -> None:
    members = [member(1, tier=3), member(2, words=900), member(3, partial=True), member(4, published_at=NOON)]
    assert len({choose(order) for order in permutations(members)}) == 1


def test_a_single_member_stands_for_itself() -> None:
    assert choose([member(9)]) == Choice(canonical=ArticleId(9), rule="only-member", contenders=(ArticleId(9),))


MEMBERS = st.lists(
    st.builds(
        member,
        st.integers(0, 255),
        published_at=st.sampled_from([None, MORNING, MORNING + timedelta(seconds=5), MORNING + SOON, NOON]),
        words=st.sampled_from([200, 390, 400]),
        tier=st.sampled_from([1, 2]),
        partial=st.booleans(),
        agency=st.sampled_from([None, None, "PAP"]),
        source_agency=st.sampled_from([None, None, None, "PAP"]),
        day_only=st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.id,
)


@given(MEMBERS, st.randoms(use_true_random=False))
def test_members_that_come_in_any_order_end_with_the_same_one(members, random):
    ended = choose(members)
    random.shuffle(members)
    for number in range(1, len(members)):
        choose(members[:number])
    assert choose(members) == ended


@given(MEMBERS)
def test_wire_copy_never_stands_for_a_full_unmarked_text_that_came_out_as_early(members):
    stands = next(one for one in members if one.id == choose(members).canonical)
    if stands.is_wire_copy and not stands.partial:
        longest = max(one.words for one in members)
        rivals = [one for one in members if not (one.is_wire_copy or one.partial) and 3 * one.words >= 2 * longest]
        assert all(one.published_at is None or one.out_by - AT_ONCE > stands.out_by for one in rivals)


@given(MEMBERS, MEMBERS)
def test_with_whoever_comes_the_contenders_choose_as_all_the_members_would(members, newcomers):
    longest = max(one.words for one in members)
    known = {one.id: one for one in members}
    held = choose(members).contenders
    for newcomer in newcomers:
        if newcomer.id not in known and newcomer.words <= longest:
            known[newcomer.id] = newcomer
            choice = choose([known[one] for one in (*held, newcomer.id)])
            held = choice.contenders
            assert choice == choose(known.values())
