"""Which member stands for a story, and by which rule.

A function of the members alone, so the order in which they come does not matter; and stable in practice: it changes
only when a much longer text, the agency's own article, or an earlier trusted time turns up.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from transform.model import ArticleId, Member

FULL_LENGTH = 2 / 3  # a member this long, measured by the longest, is a full text and not a trimmed copy
AT_ONCE = timedelta(hours=1)  # behind the first: an agency's text is printed within minutes, under whatever time


def choose_canonical(members: Collection[Member]) -> tuple[ArticleId, str]:
    """The member that stands for the story, and the first rule that told it from the runner-up.

    Rules, in order: full text over teaser or feed text, full length over trimmed, an agency's own article over all
    others, out within the hour of the first, unmarked text over wire copy, earliest trusted time, better tier, longer
    text, key of the URL. So wire copy never stands for a story of which there is a full text without such a mark that
    came out before it, or at about the same time.
    """
    longest = max(member.words for member in members)
    leading = min(_completeness(member, longest) for member in members)
    first = min(member.out_by for member in members if _completeness(member, longest) == leading)
    ranked = sorted(members, key=lambda member: tuple(value for _, value in _rules(member, longest, first)))
    return ranked[0].id, _telling_rule(ranked, longest, first)


def _telling_rule(ranked: list[Member], longest: int, first: datetime) -> str:
    if len(ranked) == 1:
        return "only-member"
    best, second = _rules(ranked[0], longest, first), _rules(ranked[1], longest, first)
    return next(name for (name, mine), (_, other) in zip(best, second, strict=True) if mine != other)


def _rules(member: Member, longest: int, first: datetime) -> tuple[tuple[str, object], ...]:
    """Named sort keys: smaller is better. A rule may take two: who is at once there is told apart by the next one."""
    partial, trimmed = _completeness(member, longest)
    return (
        ("full-text", partial),
        ("full-length", trimmed),
        ("original", not member.is_agencys_own),
        ("earliest", member.published_at is None or member.published_at - AT_ONCE > first),
        ("unmarked", member.is_wire_copy),
        ("earliest", member.out_by),
        ("tier", member.tier),
        ("longest", -member.words),
        ("url-key", member.order_key),
    )


def _completeness(member: Member, longest: int) -> tuple[bool, bool]:
    """Whether it is partial, and whether it is trimmed."""
    return member.partial, member.words < FULL_LENGTH * longest
