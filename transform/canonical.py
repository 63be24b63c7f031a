"""Which member stands for a story, and by which rule.

A function of the members alone, so the order in which they come does not matter; and stable in practice: it changes
only when a much longer text, the agency's own article, or an earlier trusted time turns up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from transform.model import ArticleId, Member

FULL_LENGTH = 2 / 3  # a member this long, measured by the longest, is a full text and not a trimmed copy
OWN_LENGTH = 1 / 2  # an agency's own article is one at this length: a longer copy has something added, or is a digest
AT_ONCE = timedelta(hours=1)  # behind the first: an agency's text is printed within minutes, under whatever time


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who stands for a story."""

    canonical: ArticleId
    rule: str  # the first that told it from the runner-up
    contenders: tuple[ArticleId, ...]  # those on whom the choice hangs


def choose(members: Collection[Member]) -> Choice:
    """The member that stands for the story, by which rule, and beside whom.

    Rules, in order: full text over teaser or feed text, full length over trimmed, an agency's own article over all
    others, out within the hour of the first, unmarked text over wire copy, earliest trusted time, better tier, longer
    text, key of the URL. So wire copy never stands for a story of which there is a full text without such a mark that
    came out before it, or at about the same time.

    Contenders are the first two in rank of wire copies and of others, and one of the longest. With any newcomer no
    longer than that, they choose as all the members would, and have the same contenders. For among wire copies, and
    among others, the order of two does not depend on who else there is; and the earliest of those that compete is the
    first of one or the other.
    """
    keys = _keys(members)
    ranked = sorted(members, key=lambda member: keys[member.id])
    marked, others = ([one.id for one in ranked if one.is_wire_copy is is_copy] for is_copy in (True, False))
    longest = min(ranked, key=lambda one: (-one.words, one.order_key))
    return Choice(
        canonical=ranked[0].id,
        rule=_telling_rule([keys[one.id] for one in ranked[:2]]),
        contenders=tuple(dict.fromkeys((*others[:2], *marked[:2], longest.id))),
    )


_RULES = ("full-text", "full-length", "original", "earliest", "unmarked", "earliest", "tier", "longest", "url-key")
_Key = tuple[Any, ...]  # what each of the rules goes by: smaller is better


def _keys(members: Collection[Member]) -> dict[ArticleId, _Key]:
    longest = max(member.words for member in members)
    out = {member.id: (_class(member, longest), member.out_by) for member in members}
    first = dict(sorted(out.values(), reverse=True))  # of each class the earliest, as it comes last
    return {
        member.id: (
            *class_,
            out_by - AT_ONCE > first[class_],
            member.is_wire_copy,
            out_by,
            member.tier,
            -member.words,
            member.order_key,
        )
        for member, (class_, out_by) in zip(members, out.values(), strict=True)
    }


def _class(member: Member, longest: int) -> tuple[bool, bool, bool]:
    """What tells members apart before their times are looked at."""
    full = OWN_LENGTH if member.is_agencys_own else FULL_LENGTH
    return member.partial, member.words < full * longest, not member.is_agencys_own


def _telling_rule(best: Sequence[_Key]) -> str:
    """best: the keys of the first two in rank, or of the only one."""
    if len(best) == 1:
        return "only-member"
    mine, other = best
    return _RULES[[one == another for one, another in zip(mine, other, strict=True)].index(False)]
