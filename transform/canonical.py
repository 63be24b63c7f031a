"""Which member stands for a story, and by which rule.

A function of the members alone, so the order in which they come does not matter; and stable in practice: it changes
only when a much longer text, the agency's own article, or an earlier trusted time turns up.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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
    ranked = _ranked(members)
    return ranked[0].member.id, _telling_rule(ranked)


def contenders(members: Collection[Member]) -> tuple[ArticleId, ...]:
    """Those on whom the choice hangs: the first two in rank of wire copies and of others, and one of the longest.

    With any newcomer no longer than that, they choose as all the members would, and have the same contenders. For
    among wire copies, and among others, the order of two does not depend on who else there is; and the earliest of
    those that compete is the first of one or the other.
    """
    ranked = [one.member for one in _ranked(members)]
    marked, others = ([one for one in ranked if one.is_wire_copy is is_copy] for is_copy in (True, False))
    longest = min(ranked, key=lambda one: (-one.words, one.order_key))
    return tuple(dict.fromkeys(one.id for one in (*others[:2], *marked[:2], longest)))


_Rules = tuple[tuple[str, object], ...]  # named sort keys: smaller is better


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    member: Member
    rules: _Rules


def _ranked(members: Collection[Member]) -> list[_Ranked]:
    """The members, best first."""
    longest = max(member.words for member in members)
    classes = {member.id: _class(member, longest) for member in members}
    first: dict[_Rules, datetime] = {}
    for member in members:
        first[classes[member.id]] = min(member.out_by, first.get(classes[member.id], member.out_by))
    ranked = (_Ranked(member=one, rules=_rules(one, classes[one.id], first[classes[one.id]])) for one in members)
    return sorted(ranked, key=lambda one: tuple(value for _, value in one.rules))


def _telling_rule(ranked: list[_Ranked]) -> str:
    if len(ranked) == 1:
        return "only-member"
    pairs = zip(ranked[0].rules, ranked[1].rules, strict=True)
    return next(name for (name, mine), (_, other) in pairs if mine != other)


def _class(member: Member, longest: int) -> _Rules:
    """What tells members apart before their times are looked at."""
    return (
        ("full-text", member.partial),
        ("full-length", member.words < FULL_LENGTH * longest),
        ("original", not member.is_agencys_own),
    )


def _rules(member: Member, above: _Rules, first: datetime) -> _Rules:
    """Who came out within the hour of the first of its class is told apart by the mark, and only then by the time."""
    return (
        *above,
        ("earliest", member.out_by - AT_ONCE > first),
        ("unmarked", member.is_wire_copy),
        ("earliest", member.out_by),
        ("tier", member.tier),
        ("longest", -member.words),
        ("url-key", member.order_key),
    )
