"""What reading pages again would change, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console

from flows.show.common import TOP, counted, most_first, say, say_heading, say_url, when
from flows.show.differences import part

if TYPE_CHECKING:
    from flows.reopen import Reopened
    from load.reopening import Reopening
    from load.report.reopening import Change, Report

EXAMPLES = 5
PARAGRAPHS = 3  # of a run of them in an example; --json has all


def report(out: Console, value: Report) -> None:
    """The figures, and examples of what would change."""
    for line in lines(value):
        say(out, line)
    for change in value.changes[:EXAMPLES]:
        _change(out, change)
    if len(value.changes) > EXAMPLES:
        say(out)
        say(out, f"{len(value.changes) - EXAMPLES} more read otherwise: --json has them all.", style="dim")
    if value.moves:
        say_heading(out, "Stories")
    for move in value.moves[:TOP]:
        where = "a story of its own" if move.to_story is None else f"story {move.to_story}"
        came = f", from story {move.from_story}" if move.from_story else ""
        say(out, f"  {move.how} {where}{came}:")
        say_url(out, move.url, indent=4)
    if len(value.moves) > TOP:
        say(out, f"  and {len(value.moves) - TOP} more", style="dim")
    for one in value.not_read[:EXAMPLES]:
        say(out, f"Not read, {one.why}: ", style="dim")
        say_url(out, one.url, indent=2)


def lines(value: Report) -> list[str]:
    """The figures in words, a line a topic."""
    drawn = f"; {value.looked_at} of them looked at, drawn by the seed {value.seed}" if value.seed is not None else ""
    waiting = f"; {value.waiting} more wait to be read anyway" if value.waiting else ""
    told = [
        f"{counted(value.pages, 'page')} chosen{drawn}{waiting}. Read again in {lasted_s(value.elapsed_s)}.",
        f"  {value.same} read the same",
        f"  {counted(value.changed, 'article')} would say something else{_in(value.fields)}",
    ]
    if value.found:
        told.append(f"  {counted(value.found, 'page')} without an article would have one")
    if value.history:
        told.append(f"  {counted(value.history, 'former page')} read otherwise; kept as history, and not shown")
    if value.lost:
        told.append(f"  {sum(value.lost.values())} would be no article any more, and stay{_in(value.lost)}")
    if value.refused_otherwise:
        told.append(f"  {sum(value.refused_otherwise.values())} rejected otherwise{_in(value.refused_otherwise)}")
    if value.broken:
        told.append(f"  {value.broken} could not be read, and stay")
    parted = f", measured in {value.lots} lots of what has to do with each other" if value.lots > 1 else ""
    told.append(
        f"  stories: {counted(value.joins, 'article joins', 'articles join')} others, "
        f"{counted(value.leaves, 'leaves', 'leave')} theirs, "
        f"{counted(value.new, 'new one founds its', 'new ones found theirs')}{parted}"
    )
    return told


def as_markdown(value: Report) -> str:
    """The figures for Prefect's page."""
    return f"`{value.predicate}`\n\n" + "\n".join(f"- {line.strip()}" for line in lines(value))


def reopened(out: Console, value: Reopened) -> None:
    """What came of the pages that were read again."""
    say(out, ("Read again: ", "bold"), most_first(value.counts) or "nothing was left to do", ".")


def on_record(out: Console, values: Sequence[Reopening]) -> None:
    """Each reopening with what came of it."""
    for value in values:
        state = f"{value.left} left" if value.ended_at is None else f"ended {when(value.ended_at)}"
        stopped = f", stopped by {value.stopped_by}" if value.stopped_by else ""
        say(out, (f"{value.id}  ", "bold"), value.predicate)
        say(out, f"   {counted(value.pages, 'page')}, {when(value.asked_at)} by {value.asked_by}; {state}{stopped}")
        if value.counts:
            say(out, "   ", most_first(value.counts))


def lasted_s(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _in(numbers: Mapping[str, int]) -> str:
    return f": {most_first(numbers)}" if numbers else ""


def _change(out: Console, change: Change) -> None:
    say(out)
    whose = f"article {change.article_id}" if change.article_id else "a new article"
    say(out, (f"{whose}, {change.source}", "bold"), f": {', '.join(change.fields)}" if change.article_id else "")
    say_url(out, change.url, indent=2)
    for rule in change.cuts:
        say(out, f"  cut now by {rule}", style="dim")
    for rule in change.restored:
        say(out, f"  no longer cut by {rule}", style="dim")
    for field, (before, after) in change.values.items() if change.article_id else ():
        say(out, ("- ", "red"), f"{field}: {_plain(before)}")
        say(out, ("+ ", "green"), f"{field}: {_plain(after)}")
    for one in change.parts[:PARAGRAPHS]:
        part(out, replace(one, left=one.left[:PARAGRAPHS], right=one.right[:PARAGRAPHS]))
    if any(len(told) > PARAGRAPHS for one in change.parts for told in (change.parts, one.left, one.right)):
        say(out, "  …", style="dim")


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return when(value) if isinstance(value, datetime) else str(value if value is not None else "none")
