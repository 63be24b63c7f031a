"""Which member stands for a story, and by which rule.

A function of the members alone, and stable in practice: it changes only when a much longer text or an earlier
trusted time turns up.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from transform.model import ArticleId, Member

FULL_LENGTH = 2 / 3  # a member this long, measured by the longest, is a full text and not a trimmed copy
_NEVER = datetime.max.replace(tzinfo=UTC)


def choose_canonical(members: Collection[Member]) -> tuple[ArticleId, str]:
    """The member that stands for the story, and the first rule that told it from the runner-up.

    Rules, in order: full text over teaser or feed text, full length over trimmed, earliest trusted time, better tier,
    longer text, key of the URL.
    """
    ranked, longest = _ranked(members)
    return ranked[0].id, _telling_rule(ranked, longest)


def contenders(members: Collection[Member]) -> tuple[ArticleId, ...]:
    """Those on whom the choice hangs: the first two in rank, and one of the longest.

    With any newcomer no longer than that, they choose as all the members would, and have the same contenders.
    """
    ranked, longest = _ranked(members)
    held = (*ranked[:2], next(member for member in ranked if member.words == longest))
    return tuple(dict.fromkeys(member.id for member in held))


def _ranked(members: Collection[Member]) -> tuple[list[Member], int]:
    """The members, best first, and the length of the longest."""
    longest = max(member.words for member in members)
    return sorted(members, key=lambda member: tuple(value for _, value in _rules(member, longest))), longest


def _telling_rule(ranked: list[Member], longest: int) -> str:
    if len(ranked) == 1:
        return "only-member"
    first, second = _rules(ranked[0], longest), _rules(ranked[1], longest)
    return next(name for (name, mine), (_, other) in zip(first, second, strict=True) if mine != other)


def _rules(member: Member, longest: int) -> tuple[tuple[str, object], ...]:
    """Named sort keys: smaller is better."""
    return (
        ("full-text", member.partial),
        ("full-length", member.words < FULL_LENGTH * longest),
        ("earliest", member.published_at or _NEVER),
        ("tier", member.tier),
        ("longest", -member.words),
        ("url-key", member.order_key),
    )
