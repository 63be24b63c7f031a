"""People's judgements, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.changes import change
from flows.show.common import TOP, counted, say, say_heading, when

if TYPE_CHECKING:
    from load.judgements import Effect, Told
    from load.report.stories import ChangeLine


def judgements(out: Console, values: Sequence[Told]) -> None:
    """A line a judgement, the reason below it."""
    for one in values:
        judgement(out, one)
    if not values:
        say(out, "No judgements.")


def judgements_about(out: Console, values: Sequence[Told]) -> None:
    """The judgements on an article or a story under a heading of their own, where there are any."""
    if values:
        say_heading(out, "Judged")
    for one in values:
        judgement(out, one, indent="  ")


def judgement(out: Console, value: Told, indent: str = "") -> None:
    taken = f"; taken back {when(value.undone_at)} by {value.undone_by}" if value.undone_at else ""
    about = f"  {when(value.judged_at)} by {value.judged_by}{taken}"
    say(out, (f"{indent}{value.id}  ", "cyan"), (_told(value), "bold"), about)
    if value.reason:
        say(out, f"{indent}    {value.reason}")


def judged(out: Console, effect: Effect, changes: Sequence[ChangeLine]) -> None:
    """What came of a judgement that was given or taken back."""
    for number in effect.overruled:
        say(out, f"Judgement {number} says otherwise: the later one counts.", style="yellow")
    for one in changes:
        change(out, one)
    say(out, f"Judgement {effect.judgement}: {counted(len(changes), 'change')} to stories.")


def _told(one: Told) -> str:
    articles, others = (_some([str(article) for article in side]) for side in (one.articles, one.others))
    return f"{one.kind}  {articles}" + (f" | {others}" if others else "")


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(names) - TOP
    return " ".join(names[:TOP]) + (f" and {rest} more" if rest > 0 else "")
