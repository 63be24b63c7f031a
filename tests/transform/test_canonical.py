from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest

from transform.canonical import choose_canonical
from transform.model import ArticleId, Member

MORNING, NOON = datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)


def member(
    article: int,
    *,
    published_at: datetime | None = MORNING,
    words: int = 400,
    tier: int = 2,
    partial: bool = False,
) -> Member:
    return Member(id=ArticleId(article), published_at=published_at, order_key=bytes([article]), words=words, tier=tier,
                  partial=partial)  # fmt: skip


@pytest.mark.parametrize(
    ("best", "other", "rule"),
    [
        (member(2, published_at=NOON), member(1, partial=True), "full-text"),
        (member(2, published_at=NOON, words=600), member(1, words=300), "full-length"),
        (member(2), member(1, published_at=NOON), "earliest"),
        (member(2), member(1, published_at=None), "earliest"),
        (member(2, tier=1), member(1), "tier"),
        (member(2, words=410), member(1), "longest"),
        (member(1), member(2), "url-key"),
    ],
)
def test_each_rule_decides_where_those_before_agree(best: Member, other: Member, rule: str) -> None:
    assert choose_canonical([best, other]) == (best.id, rule)
    assert choose_canonical([other, best]) == (best.id, rule)


def test_a_slightly_longer_text_does_not_unseat_the_earliest() -> None:
    assert choose_canonical([member(1, words=400), member(2, published_at=NOON, words=550)])[0] == 1


def test_the_choice_does_not_depend_on_the_order_of_members() -> None:
    members = [member(1, tier=3), member(2, words=900), member(3, partial=True), member(4, published_at=NOON)]
    assert len({choose_canonical(order) for order in permutations(members)}) == 1


def test_a_single_member_stands_for_itself() -> None:
    assert choose_canonical([member(9)]) == (9, "only-member")
