"""The catalogue of sources, how they fare when they are looked at, and what is found at an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from extract.model import SourceName
from flows.show.common import OUTCOMES, counted, say, say_heading, say_url, when

if TYPE_CHECKING:
    from extract.candidates import Choice
    from extract.mirrors import Mirror
    from extract.subscriptions import BadLine
    from flows.check import FeedCheck, RobotsCheck, SourceCheck
    from flows.looking import Sample, Trouble
    from flows.onboard import Finding, Imported
    from load.report.sources import BreachLine, FeedLine, Ledger, SourceLine

MAX_CHOICES = 40  # shown of one site
MAX_SITEMAPS = 5  # shown of one robots.txt
_FOUND = {
    "given": "as you named it",
    "link": "linked by the page",
    "robots": "named by robots.txt",
    "index": "named by an index",
    "anchor": "a reader's link",
    "common": "a common place",
}
_EXPECTATIONS = {
    "entries_per_day": "entries a day",
    "dated_share": "articles with a date",
    "short_share": "pages that are too short",
    "languages": "articles in its languages",
}


def sources(
    out: Console, values: Sequence[SourceLine], shared: Mapping[SourceName, tuple[Mirror, ...]] | None = None
) -> None:
    """The catalogue; shared: what is also another source's feed."""
    for source in values:
        about = [source.language or "", source.country or "", f"tier {source.tier}"]
        say(out, (source.name, "bold"), f"  {source.title}  ", (" ".join(filter(None, about)), "dim"))
        say(out, "  ", told_ledger(source.ledger))
        _source_state(out, source)
        for feed in source.feeds:
            _feed(out, feed)
        for alike in source.mirrors:
            told = f"  lists {alike.share:.0%} the same {alike.alike} as '{alike.other_source}': "
            say(out, (told, "yellow"), f"{alike.feed} and {alike.other_feed}")
        for mirror in (shared or {}).get(SourceName(source.name), ()):
            say(out, (f"  also polled by the source '{mirror.other}': ", "yellow"), mirror.url)
    if not values:
        say(out, "No sources.")


def _source_state(out: Console, source: SourceLine) -> None:
    """What is to be known of a source beyond its figures."""
    if not source.enabled:
        say(out, (f"  resting: 'storyfold source enable {source.name}' wakes it", "yellow"))
    elif not source.active:
        say(out, ("  its file is gone: not polled", "yellow"))
    if source.held_at:
        say(out, (f"  held since {when(source.held_at)}: its pages wait", "red"))
    if source.volume_state in ("silent", "low", "high"):
        say(out, (f"  {source.volume_state}: not its usual volume", "yellow"))
    for breach in source.breaches:
        say(out, (f"  {told_breach(breach)}", "yellow"))


def source_checks(out: Console, values: Sequence[SourceCheck]) -> None:
    for value in values:
        say(out, (value.name, "bold"), f"  {value.title}", "" if value.enabled else "  (disabled)")
        for robots in value.robots:
            _robots_check(out, robots)
        for feed in value.feeds:
            _feed_check(out, feed)
        for sample in value.samples:
            _sample(out, sample)
        _troubles(out, value.troubles, indent=2)
        say(out, ("  All is well." if value.is_well else "  Needs a look.", "green" if value.is_well else "red"))
    if len(values) > 1:
        well = sum(value.is_well for value in values)
        say(out, f"{well} of {len(values)} sources are well.")


def finding(out: Console, value: Finding) -> None:
    """What was found at an address, why it is chosen or not, how it reads, and the file made of it."""
    say(out, (value.url, "bold"), f"  looked at with {counted(value.requests, 'request')}")
    if value.crawl_delay_s:
        say(out, f"  robots.txt asks for {value.crawl_delay_s:g} s between requests")
    for choice in value.choices[:MAX_CHOICES]:
        _choice(out, choice)
    if len(value.choices) > MAX_CHOICES:
        say(out, f"  … and {len(value.choices) - MAX_CHOICES} more; --json has them all")
    for sample in value.samples:
        _sample(out, sample)
    _troubles(out, value.troubles, indent=2)
    if value.source and value.text:
        say_heading(out, f"{value.source.name}.toml")
        for line in value.text.splitlines():
            say(out, line)


def imported(out: Console, value: Imported, folder: Path, *, is_dry: bool) -> None:
    """What became of a list: a line for each source, and for each line that needs a look."""
    for source in value.written:
        say(out, (source.name, "bold"), f"  {source.title}, {counted(len(source.feeds), 'feed')}")
    for skipped in value.skipped:
        say(out, f"line {skipped.lines[0]}: {skipped.url} skipped: {skipped.why}", style="dim")
    for bad in value.bad:
        _bad_line(out, bad)
    files = counted(len(value.written), "file")
    told = f"{files} would be written to {folder}" if is_dry else f"{files} written to {folder}"
    say(out, (f"{told}, {len(value.skipped)} skipped, {counted(len(value.bad), 'bad line')}.", "bold"))


def _bad_line(out: Console, bad: BadLine) -> None:
    say(out, (f"line {bad.line}: ", "red"), f"{bad.text}: {bad.why}" if bad.text else bad.why)


def _choice(out: Console, choice: Choice) -> None:
    kind = f"{choice.kind}: " if choice.kind else ""
    say(out, ("  taken  ", "green") if choice.chosen else ("  left   ", "dim"), f"{kind}{choice.why}")
    say_url(out, choice.url, indent=9)
    about = [
        choice.title or "",
        choice.language or "",
        f"{_FOUND[choice.found]}",
        counted(choice.entries, "entry", "entries") if choice.entries else "",
        f"index of {counted(choice.sitemaps, 'sitemap')}" if choice.sitemaps else "",
        f"newest {when(choice.newest)}" if choice.newest else "",
        f"{choice.per_day:.2g} a day" if choice.per_day else "",
    ]
    say(out, "         ", (", ".join(filter(None, about)), "dim"))


def told_breach(breach: BreachLine) -> str:
    return f"{_EXPECTATIONS[breach.expectation]} {breach.observed}, expected {breach.expected}"


def told_ledger(ledger: Ledger) -> str:
    parts = " + ".join(f"{number} {name}" for name in OUTCOMES if (number := getattr(ledger, name)))
    wrong = "" if ledger.adds_up else ", which does NOT add up"
    return f"{counted(ledger.discovered, 'entry', 'entries')}{' = ' if parts else ''}{parts}{wrong}"


def _feed(out: Console, feed: FeedLine) -> None:
    new = f"{feed.entries_24h} new in 24 h, {feed.entries_7d} in 7 days"
    say(out, f"  {feed.kind} {feed.state}; last polled {when(feed.last_polled_at)}; {new}")
    say_url(out, feed.url, indent=4)
    if feed.state_text:
        say(out, "    ", feed.state_text, style="red" if feed.failures else "yellow")


def _robots_check(out: Console, check: RobotsCheck) -> None:
    delay = f", asks for {check.crawl_delay_s:g} s between requests" if check.crawl_delay_s else ""
    say(out, f"  robots.txt {'could not be read' if check.troubles and not delay else 'read'}{delay}")
    say_url(out, check.url, indent=4)
    for sitemap in check.sitemaps[:MAX_SITEMAPS]:
        say(out, "    names a sitemap that the file does not list:")
        say_url(out, sitemap, indent=6)
    if len(check.sitemaps) > MAX_SITEMAPS:
        say(out, f"    and {len(check.sitemaps) - MAX_SITEMAPS} more")
    _troubles(out, check.troubles)


def _feed_check(out: Console, check: FeedCheck) -> None:
    found = f"{counted(check.entries, 'entry', 'entries')}, newest {when(check.newest, 'undated')}"
    rate = f", {check.per_day:.2g} a day" if check.per_day else ""
    index = f", index of {counted(check.sitemaps, 'sitemap')}, the newest read" if check.sitemaps else ""
    say(out, f"  {check.kind}: {found}{rate}{index}")
    say_url(out, check.url, indent=4)
    _troubles(out, check.troubles)


def _sample(out: Console, sample: Sample) -> None:
    say(out, "  article: ", sample.title or "without a title")
    say_url(out, sample.url, indent=4)
    if sample.words:
        dated = f"{when(sample.published_at)} ({sample.found_in})" if sample.published_at else "no date"
        teaser = ", a teaser" if sample.is_teaser else ""
        cut = f"{counted(sample.cuts, 'block')} cut{teaser}"
        say(out, f"    {sample.words} words, {sample.language or '??'}, {dated}, {cut}")
    if sample.first_sentence:
        say(out, "    ", (sample.first_sentence, "italic"))
    if sample.opt_outs:
        say(out, "    reserved by ", ", ".join(sample.opt_outs))
    _troubles(out, (sample.trouble,) if sample.trouble else ())


def _troubles(out: Console, troubles: Sequence[Trouble], indent: int = 4) -> None:
    for trouble in troubles:
        say(out, " " * indent, (trouble.what, "yellow" if trouble.is_note else "red"), f"  {trouble.advice}")
