"""What is wrong with a pattern that someone wrote for a rule, said before it meets a page."""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found]  # the tree of a pattern is nowhere else to be had
from collections.abc import Iterator
from typing import Any

from transform.lines import bare_letters, plain_form

WIDE = 8  # a repeat of more times may take long; one within another, for ever
MAX_WIDE = 8  # of these in a row: the packs that come with us have no more

_SAMPLES = (
    "tides 4",
    "xq-zw",
    "The ferry froze in at the quay, and nobody but the cook had seen it coming. Or had he?",
)
_REPEATS = (parser.MAX_REPEAT, parser.MIN_REPEAT, parser.POSSESSIVE_REPEAT)


def fault_of(pattern: str, *, cased: bool) -> str | None:
    """What is wrong with a pattern for whole blocks, its terms put in; None when nothing is.

    cased: it sees the block as it is shown, otherwise its plain form (`transform.lines.plain_form`)
    """
    try:
        compiled = re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"it is no regular expression: {error}"
    shape = _fault_of_shape(compiled, tree)
    return shape or _fault_of_reach(compiled) or (None if cased else _fault_of_letters(tree))


def _fault_of_shape(compiled: re.Pattern[str], tree: Any) -> str | None:
    if compiled.flags != re.UNICODE:
        return "it sets flags, such as (?i): 'cased' says whether capitals matter"
    if compiled.groups:
        return "it has a group that captures: write (?:…) for (…)"
    if _nesting(tree) > 1:
        return "it has a repeat within a repeat, which may try for ever: bound one, such as {1,5} for +"
    if _in_a_row(tree) > MAX_WIDE:
        return f"it has more than {MAX_WIDE} wide repeats, such as .*, in a row, which may try for very long"
    return None


def _fault_of_reach(compiled: re.Pattern[str]) -> str | None:
    if compiled.fullmatch(""):
        return "it matches a block without text"
    if all(map(compiled.fullmatch, _SAMPLES)):
        return "it matches any block"
    return None


def _fault_of_letters(tree: Any) -> str | None:
    """Why an alternative of it can match no plain form: a capital, a sign that plain forms have another for, an edge.

    Only letters and signs that must stand are looked at: in a class, beside others, they do no harm.
    """
    for branch in _branches(tree):
        for char in (chr(operand) for operator, operand in branch if operator is parser.LITERAL):
            if char != char.lower():
                return "it has capital letters, but sees the block in small ones: write those, or set 'cased'"
            if (plain := plain_form(bare_letters(f"a{char}a"), ())[1:-1]) != char:
                return f"it has {char}, for which a plain form has {plain or 'nothing'}"
        if branch and (edge := _bare_edge(branch)):
            return f"no plain form begins or ends with '{edge}': leave it out"
    return None


def _branches(tree: Any) -> Iterator[Any]:
    if len(tree) == 1 and tree[0][0] is parser.BRANCH:
        for branch in tree[0][1][1]:
            yield from _branches(branch)
    else:
        yield tree


def _bare_edge(branch: Any) -> str | None:
    """The sign at an edge of it that no plain form has there."""
    for (operator, operand), allowed in ((branch[0], r"[\w@©#]"), (branch[-1], r"\w")):
        if operator is parser.LITERAL and not re.fullmatch(allowed, chr(operand)):
            return chr(operand)
    return None


def _nesting(tree: Any) -> int:
    """How deep wide repeats stand in one another; possessive ones never go back."""
    depth = 0
    for operator, operand in tree:
        wide = operator in _REPEATS[:2] and operand[1] - operand[0] > WIDE
        depth = max(depth, wide + max(map(_nesting, _below(operand)), default=0))
    return depth


def _in_a_row(tree: Any) -> int:
    """How many wide repeats follow one another on the way through that has the most."""
    count = 0
    for operator, operand in tree:
        below = list(map(_in_a_row, _below(operand)))
        count += operator in _REPEATS and operand[1] - operand[0] > WIDE
        count += max(below, default=0) if operator is parser.BRANCH else sum(below)
    return count


def _below(operand: Any) -> Iterator[Any]:
    if isinstance(operand, parser.SubPattern):
        yield operand
    elif isinstance(operand, tuple | list):
        for part in operand:
            yield from _below(part)
