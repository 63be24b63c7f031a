"""How the store stands, and what was given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from flows.show.common import TOP, counted, lasted, most_first, say, say_row, say_url, when
from flows.show.sources import told_breach, told_ledger

if TYPE_CHECKING:
    from load.alerts import Alert
    from load.quarantine import Quarantined
    from load.report.sources import BreachLine
    from load.report.state import FailingLine, GapLine, HeldLine, Status, VolumeLine
    from load.resketch import Progress

_T = TypeVar("_T")


def status(out: Console, value: Status) -> None:
    _topic(out, "Alerts", value.alerts, _alert)
    q = value.queues
    retired = f", {q.feeds_retired} retired" if q.feeds_retired else ""
    feeds = f"{counted(q.feeds, 'feed')}, {q.feeds_due} due, {q.feeds_failing} failing{retired}"
    say_row(out, "Sources", f"{q.sources} with {feeds}")
    held = f" ({q.to_read_held} of them held)" if q.to_read_held else ""
    waiting = f"{q.to_fetch} to fetch, {q.to_fetch_later} to fetch later, {q.to_read} to read{held}"
    say_row(out, "Waiting", f"{waiting}, {q.to_settle} to settle")
    say_row(out, "Announced", told_ledger(value.ledger))
    if value.ledger.rejected:
        say_row(out, "Rejected", most_first(value.ledger.rejected_reasons))
    say_row(out, "Store", f"{counted(q.articles, 'article')} in {counted(q.stories, 'story', 'stories')}")
    if value.index.slices:
        slices = f" in {value.index.slices} slices" if value.index.slices > 1 else ""
        size = f"{value.index.size_bytes / 1e6:,.1f} MB{slices}"
        say_row(out, "Index", f"about {value.index.entries:,} keys of near-duplicates, {size}")
    if value.fingerprints:
        say_row(out, "Fingerprints", told_progress(value.fingerprints))
    say_row(out, "Looked over", when(value.checked_at))
    for run in value.runs:
        state = "still running" if run.finished_at is None else lasted(run.finished_at - run.started_at)
        if run.ended not in (None, "done"):
            state = ": ".join(filter(None, (run.ended, run.error)))
        told = ", ".join(f"{name} {number}" for name, number in run.counts.items() if number)
        say_row(out, f"Last {run.line}", f"{when(run.started_at)}, {state}{': ' if told else ''}{told}")
    _topic(out, "Failing feeds", value.failing, _failing)
    _topic(out, "Held sources, whose pages wait", value.held, _held)
    _topic(out, "Not what their files expect", value.breaches, _breach)
    _topic(out, "Out of their usual volume", value.volumes, _volume)
    _topic(out, "Gaps in coverage", value.gaps, _gap)
    _quarantine(out, value)


def told_progress(value: Progress) -> str:
    """How far the fingerprints of a new spec are."""
    since = f", and {value.since:,} that came or changed since" if value.since else ""
    first = "; nothing is settled before" if value.first else ""
    return f"of the new spec: {value.done:,} of {value.of:,}{since}{first}"


def _topic(out: Console, name: str, items: Sequence[_T], show: Callable[[Console, _T], None]) -> None:
    """What a person should look at, as far as a screen holds it."""
    if items:
        say(out, (f"{name}: {len(items)}", "red"))
    for item in items[:TOP]:
        show(out, item)
    if len(items) > TOP:
        say(out, f"  … and {len(items) - TOP} more: 'storyfold status --json' has all.")


def alerts(out: Console, items: Sequence[Alert]) -> None:
    """What needs a look, and what did."""
    for alert in items:
        _alert(out, alert)
    if not items:
        say(out, "Nothing needs a look.")


def _alert(out: Console, alert: Alert) -> None:
    ended = f" to {when(alert.ended)}" if alert.ended else ""
    style = "red" if alert.severity == "error" and not alert.ended else ""
    say(out, (f"  {alert.kind}", style), f" since {when(alert.since)}{ended}: ", alert.message)


def _failing(out: Console, feed: FailingLine) -> None:
    say(out, f"  {feed.source}: {counted(feed.failures, 'failure')} in a row: {feed.state_text or ''}")
    say_url(out, feed.url, indent=4)


def _held(out: Console, held: HeldLine) -> None:
    say(out, f"  {held.source} since {when(held.held_at)}, {counted(held.pages, 'page')}")


def _breach(out: Console, breach: BreachLine) -> None:
    stops = ", stops it" if breach.on_breach == "stop" else ""
    say(out, f"  {breach.source}: {told_breach(breach)}; since {when(breach.begun_at)}{stops}")


def _volume(out: Console, volume: VolumeLine) -> None:
    figures = f"{volume.entries_per_day:.3g} entries a day, usually {volume.usual_per_day:.3g}"
    say(out, f"  {volume.source}: {volume.state}, {figures}; the last {when(volume.last_entry_at)}")


def _gap(out: Console, gap: GapLine) -> None:
    say(out, f"  {gap.source}: {when(gap.since)} to {when(gap.until)}")
    say_url(out, gap.feed_url, indent=4)


def _quarantine(out: Console, value: Status) -> None:
    if not value.stages:
        return
    stages = ", ".join(f"{line.stage} {line.entries} ({line.entries_24h} in 24 h)" for line in value.stages)
    say(out, (f"Quarantined: {stages}", "red"))
    quarantined(out, value.quarantined)
    if (more := value.ledger.quarantined - len(value.quarantined)) > 0:
        say(out, f"  … and {more} more: 'storyfold quarantine list' has them.")


def quarantined(out: Console, items: Sequence[Quarantined]) -> None:
    """A few lines an entry: what failed, the URL, and where its bytes lie."""
    for item in items:
        before = f", replayed {counted(item.replays, 'time')} before" if item.replays else ""
        tries = f"{counted(item.attempts, 'attempt')}{before}"
        say(out, f"  {item.id}  {when(item.since)} {item.source}, {item.stage}, {tries}: ", item.error or "")
        say_url(out, item.url, indent=4)
        if item.payload:
            place = item.payload
            say(out, f"    kept in {place.file}, {place.length} bytes from {place.offset}", style="dim")


def replayed(out: Console, stages: Mapping[str, int], *, dry_run: bool) -> None:
    told = ", ".join(f"{stage} {number}" for stage, number in stages.items())
    if not stages:
        say(out, "Nothing of the kind is quarantined.")
    elif dry_run:
        say(out, f"To be replayed: {told}. Nothing was changed.")
    else:
        say(out, f"Replayed: {told}. The next run tries them again.")
