"""What a run, a line or a backfill came to, and what to try next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.common import OUTCOMES, counted, most_first, say, say_url, styled

if TYPE_CHECKING:
    from flows.backfill import Backfilled, Outlook
    from flows.past import Plan
    from flows.run import Summary
    from flows.sample import FilesPlan


def run_summary(out: Console, summary: Summary) -> None:
    """What a run found and made of it, what the store holds, and what to try next."""
    if _is_nothing_new(summary):
        say(out, (f"Nothing new: {counted(summary.known, 'entry', 'entries')} known, nothing changed.", "bold"))
    else:
        new = f"{counted(summary.new, 'new entry', 'new entries')}, {summary.known} known, {summary.updated} updated"
        say(out, (new, "bold"), f" in {summary.elapsed_s:.1f} s.")
        _outcomes(out, summary.outcomes)
    if summary.left_out:
        say(out, "Left out: ", ", ".join(f"{what} {number}" for what, number in sorted(summary.left_out.items())))
    if summary.feeds_failed:
        say(out, (f"{counted(summary.feeds_failed, 'feed')} failed: 'storyfold status' says why.", "red"))
    if summary.breaches_begun:
        broken = counted(summary.breaches_begun, "expectation is", "expectations are")
        say(out, (f"{broken} newly broken: 'storyfold status' says which.", "red"))
    if summary.alerts_begun:
        begun = counted(summary.alerts_begun, "new alert")
        say(out, (f"{begun}: 'storyfold alerts' says what needs a look.", "red"))
    say(out)
    say(
        out,
        f"The store holds {counted(summary.articles, 'article')} in {counted(summary.stories, 'story', 'stories')}; ",
        f"{counted(summary.cut, 'block')} cut from their texts, {summary.new_cuts} of them now.",
    )
    _largest(out, summary)
    say(out, "Store: ", summary.store)
    _next_commands(out, summary)


def outlook(out: Console, value: Outlook) -> None:
    """The plan of a backfill: what there is, and how long it takes."""
    for plan in value.plans:
        _plan(out, plan)
    if value.lists:
        lists = value.lists
        told = f": {counted(lists.listed, 'entry', 'entries')}, {lists.new} new{_left_out(lists.left_out)}."
        say(out, ("Lists of URLs", "bold"), told)
    if value.files:
        _files(out, value.files)
    if value.left:
        left = f"{value.left.entries:,} of {value.left.of:,} entries still to fetch, {_duration(value.left.at_least_s)}"
        say(out, ("Former backfills", "bold"), f": {left}.")
    if value.at_least_s > (value.files.seconds if value.files else 0.0):
        say(out, f"All of it takes at least {_duration(value.at_least_s)}: the slowest domain decides.")
    if value == type(value)():
        say(out, "There is nothing to fill.")


def _plan(out: Console, plan: Plan) -> None:
    spans = ", ".join(f"{_day(span.since)} to {_day(span.until)}" for span in plan.spans)
    say(out, (plan.source, "bold"), f": {spans}")
    say(
        out,
        f"  {counted(plan.listed, 'entry', 'entries')} in {counted(plan.documents, 'document')}, {plan.new} new",
        f"; {plan.undated} without a date left out." if plan.undated else ".",
    )
    if plan.at_least_s:
        say(out, f"  Fetching takes at least {_duration(plan.at_least_s)}, at the pace that its file allows.")
    for trouble in plan.trouble:
        say(out, ("  " + trouble, "red"))


def _files(out: Console, files: FilesPlan) -> None:
    ended = f", {files.ended} of them read before" if files.ended else ""
    size = f"{files.left_bytes / 1e6:,.1f} MB to read"
    say(out, (counted(files.files, "WARC file"), "bold"), f"{ended}: {size}")
    about = "about " if files.is_estimate else ""
    pages = f"  {about}{counted(files.pages, 'page')}, {about}{files.new} new, in {about}{_duration(files.seconds)}"
    say(out, pages, f"{_left_out(files.left_out)}.")
    if files.is_estimate:
        say(out, "  This is an estimate by the beginnings of the files.")
    for trouble in files.trouble:
        say(out, ("  " + trouble, "red"))


def _left_out(left_out: Mapping[str, int]) -> str:
    return f"; left out: {most_first(left_out)}" if left_out else ""


def backfilled(out: Console, value: Backfilled) -> None:
    """What the run came to, unless it was only a plan."""
    if value.summary:
        say(out)
        run_summary(out, value.summary)


def is_troubled(value: Backfilled) -> bool:
    """Whether some of it could not be read, or went wrong later."""
    files = value.outlook.files.trouble if value.outlook.files else ()
    done = value.summary is not None and (has_trouble(value.summary.left_out) or has_trouble(value.summary.outcomes))
    return done or bool(files) or any(plan.trouble for plan in value.outlook.plans)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if moment.time() == time() else "%Y-%m-%d %H:%M")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def counts(out: Console, values: Mapping[str, int], line: str) -> None:
    """What one pass of a line came to."""
    told = ", ".join(f"{name} {number}" for name, number in values.items() if number)
    say(out, (f"{line}: ", "bold"), told or "nothing to do.")


def has_trouble(outcomes: Mapping[str, int]) -> bool:
    """Whether something was quarantined, a feed failed, a file is damaged, a source is not what its file expects,
    or an alert began.
    """
    troubles = ("quarantined", "feeds failed", "damaged", "unreadable", "breaches begun", "alerts begun")
    return any(number and name.startswith(troubles) for name, number in outcomes.items())


def _is_nothing_new(summary: Summary) -> bool:
    touched = {name.partition(":")[0] for name, number in summary.outcomes.items() if number}
    return not (summary.new or summary.updated or touched - {"pending", "unchanged"})


def _outcomes(out: Console, outcomes: Mapping[str, int]) -> None:
    """A line an outcome, with its reasons."""
    for name in OUTCOMES:
        reasons = {
            label.partition(": ")[2]: number
            for label, number in outcomes.items()
            if label.partition(":")[0] == name and number
        }
        if reasons:
            say(out, f"  {name:<12}{sum(reasons.values()):>6}   ", most_first(reasons))


def _largest(out: Console, summary: Summary) -> None:
    if not summary.largest or not summary.largest_copies:
        return
    story_id, articles, title = summary.largest
    say(out)
    say(out, f"The largest story, #{story_id} with {counted(articles, 'article')}: ", (title, "bold"))
    for copy in summary.largest_copies:
        say(out, f"  {copy.source}: ", copy.title)
        say_url(out, copy.url, indent=4)
    say(out)


def _next_commands(out: Console, summary: Summary) -> None:
    if summary.largest is None:
        return
    sql = "SELECT title, articles FROM story ORDER BY articles DESC LIMIT 9"
    program = _program()
    story = f"{program} story {summary.largest[0]}"
    tries = [
        (f"{story} --diff", "how its copies differ") if summary.largest_copies else (story, "its text and its history"),
        *(
            (f"{program} why {shlex.quote(copy.url)}", "one copy's whole history")
            for copy in summary.largest_copies[:1]
        ),
        (f"{program} db shell -c '{sql}'", "SQL on the views"),
        (f"{program} stories", "all of them; or name words to search for"),
    ]
    say(out)
    say(out, "Try next:")
    for command, purpose in tries[:3]:
        out.print(styled(f"  {command}", (f"  # {purpose}", "dim")), soft_wrap=True)  # to be copied in one piece


def _program() -> str:
    """How this shell calls the program on this store: as it was called, with the data home where one was named."""
    called = Path(sys.argv[0])
    name = "storyfold" if called.name != "storyfold" or shutil.which("storyfold") == str(called) else _short(called)
    home = os.environ.get("STORYFOLD_HOME")
    return f"STORYFOLD_HOME={shlex.quote(_short(Path(home)))} {name}" if home else name


def _short(path: Path) -> str:
    """Relative to the working directory where it lies below that."""
    absolute = path.expanduser().absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)
