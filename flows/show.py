"""What the commands print: values in, lines out, for people on a terminal and for pipes alike.

A line is never cut, and without a terminal never wrapped either, so that URLs stay whole. What came from the web is
printed without control characters: a title must not steer the terminal.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from extract.model import Article, Rejection, SourceName

if TYPE_CHECKING:  # what a command prints it has imported itself, and the others need not wait for it
    from extract.candidates import Choice
    from extract.mirrors import Mirror
    from extract.subscriptions import BadLine
    from flows.backfill import Backfilled
    from flows.check import FeedCheck, RobotsCheck, SourceCheck
    from flows.evaluate import Evaluation, Row
    from flows.evaluate_dedup import Evaluation as DedupEvaluation
    from flows.evaluate_dedup import Point
    from flows.evaluate_lines import Evaluation as LinesEvaluation
    from flows.looking import Sample, Trouble
    from flows.onboard import Finding, Imported
    from flows.rule_care import PackLine, Switched
    from flows.run import Summary
    from flows.trial import Trial
    from load.comparing import Compared, Comparison, Verdict
    from load.judgements import Effect, Told
    from load.own_rules import UndoneRule
    from load.quarantine import Quarantined
    from load.report import (
        ArticleReport,
        BreachLine,
        Candidate,
        ChangeLine,
        Difference,
        EntryReport,
        FailingLine,
        FeedLine,
        GapLine,
        HeldLine,
        History,
        Ledger,
        Member,
        Part,
        RevisionReport,
        SourceLine,
        Status,
        Story,
        StoryLine,
        VolumeLine,
    )
    from transform.cluster_scores import ClusterFigures, Share
    from transform.model import CleanArticle, Cut
    from transform.passages import Extent, Passage
    from transform.read import ReadPage
    from transform.trial import Failure, NewCut, RuleTrial

AROUND = 70  # characters shown of a block beside one that would fall
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
_CONTROL = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_OUTCOMES = ("pending", "loaded", "unchanged", "revised", "rejected", "quarantined")
_RULES = {
    "only-member": "the only article",
    "full-text": "a full text, where others are teasers or from a feed",
    "full-length": "a text of full length, where others are trimmed",
    "original": "the agency's own article",
    "earliest": "published first",
    "unmarked": "not marked as an agency's text, and out as early",
    "tier": "its source is of a better tier",
    "longest": "the longest text",
    "url-key": "by the order of URL keys, as nothing else tells them apart",
    "pinned": "a judgement pins it",
}
_TIES = {"same": "the same text as", "contained": "shares its beginning with", "lifted": "shares a passage with"}
_KINDS = {
    "same": "one text, edited",
    "contained": "the shorter is the beginning of the longer",
    "lifted": "the shorter stands inside the longer, which joins no story",
}
_FAILED = {
    "jaccard": "too little of their wording is the same",
    "round-up": "one says that it is made of other texts, as round-ups and live blogs are",
    "young-store": "not alike enough for a store that knows only a few days",
    "facts": "their numbers and names are others",
    "run": "they agree only in short runs of words, as reports made from one template do",
    "window": "they came out too far apart",
    "shared": "too little of their wording is the same",
    "numbers": "their numbers are others",
    "start": "what they share begins too late in both",
    "short": "the same few words, but without a fact in them, or on another day",
}
_NEVER = {
    "too-short": "one is too short: it is compared only with texts that equal it",
    "no-key": "they share no key of the index",
    "crowded-out": "newer articles stood before them in every key that they share",
}
_MARKS = {"shared": ("=", ""), "moved": ("~", "cyan"), "left": ("-", "red"), "right": ("+", "green")}
_EXPECTATIONS = {
    "entries_per_day": "entries a day",
    "dated_share": "articles with a date",
    "short_share": "pages that are too short",
    "languages": "articles in its languages",
}
_WORD = re.compile(r"\s+|[^\s]+")

TWO_COLUMNS = 80  # characters that two columns need
TOP = 10  # lines of one topic of a status

SHOWN_PASSAGES = 3  # the longest that two texts share, each with the differences around it
SHOWN_MATCHES = 5  # with their passages
PASSAGE_ENDS = (110, 60)  # characters at the beginning and the end of a longer passage

_T = TypeVar("_T")
Piece = str | tuple[str, str]  # text, or text with its style


def to_json(value: object) -> str:
    """A value as JSON, its times in ISO 8601."""
    return json.dumps(_plain(value), ensure_ascii=False, indent=2, default=_plain)


def to_json_line(value: object) -> str:
    """The same on one line."""
    return json.dumps(_plain(value), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, Mapping | Sequence) else str(value)


# --- Runs -----------------------------------------------------------------------------------------------------


def run_summary(out: Console, summary: Summary) -> None:
    """What a run found and made of it, what the store holds, and what to try next."""
    if _is_nothing_new(summary):
        _line(out, (f"Nothing new: {_count(summary.known, 'entry', 'entries')} known, nothing changed.", "bold"))
    else:
        new = f"{_count(summary.new, 'new entry', 'new entries')}, {summary.known} known, {summary.updated} updated"
        _line(out, (new, "bold"), f" in {summary.elapsed_s:.1f} s.")
        _outcomes(out, summary.outcomes)
    if summary.left_out:
        _line(out, "Left out: ", ", ".join(f"{what} {number}" for what, number in sorted(summary.left_out.items())))
    if summary.feeds_failed:
        _line(out, (f"{_count(summary.feeds_failed, 'feed')} failed: 'storyfold status' says why.", "red"))
    if summary.breaches_begun:
        broken = _count(summary.breaches_begun, "expectation is", "expectations are")
        _line(out, (f"{broken} newly broken: 'storyfold status' says which.", "red"))
    _line(out)
    _line(
        out,
        f"The store holds {_count(summary.articles, 'article')} in {_count(summary.stories, 'story', 'stories')}; ",
        f"{_count(summary.cut, 'block')} cut from their texts, {summary.new_cuts} of them now.",
    )
    _largest(out, summary)
    _line(out, "Store: ", summary.store)
    _next_commands(out, summary)


def backfilled(out: Console, value: Backfilled) -> None:
    """What the archives have, source by source; then, unless it was only a plan, what the run came to."""
    for plan in value.plans:
        spans = ", ".join(f"{_day(span.since)} to {_day(span.until)}" for span in plan.spans)
        _line(out, (plan.source, "bold"), f": {spans}")
        _line(
            out,
            f"  {_count(plan.listed, 'entry', 'entries')} in {_count(plan.documents, 'document')}, {plan.new} new",
            f"; {plan.undated} without a date left out." if plan.undated else ".",
        )
        if plan.at_least_s:
            _line(out, f"  Fetching takes at least {_duration(plan.at_least_s)}, at the pace that its file allows.")
        for trouble in plan.trouble:
            _line(out, ("  " + trouble, "red"))
    if not value.plans:
        _line(out, "There is nothing to fill.")
    if value.summary:
        _line(out)
        run_summary(out, value.summary)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if moment.time() == time() else "%Y-%m-%d %H:%M")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def counts(out: Console, line: str, values: Mapping[str, int]) -> None:
    """What one pass of a line came to."""
    told = ", ".join(f"{name} {number}" for name, number in values.items() if number)
    _line(out, (f"{line}: ", "bold"), told or "nothing to do.")


def has_trouble(outcomes: Mapping[str, int]) -> bool:
    """Whether something was quarantined, a feed failed, a file is damaged, or a source is not what its file expects."""
    troubles = ("quarantined", "feeds failed", "damaged", "breaches begun")
    return any(number and name.startswith(troubles) for name, number in outcomes.items())


def _is_nothing_new(summary: Summary) -> bool:
    touched = {name.partition(":")[0] for name, number in summary.outcomes.items() if number}
    return not (summary.new or summary.updated or touched - {"pending", "unchanged"})


def _outcomes(out: Console, outcomes: Mapping[str, int]) -> None:
    """A line an outcome, with its reasons."""
    for name in _OUTCOMES:
        reasons = {
            label.partition(": ")[2]: number
            for label, number in outcomes.items()
            if label.partition(":")[0] == name and number
        }
        if reasons:
            _line(out, f"  {name:<12}{sum(reasons.values()):>6}   ", _reasons(reasons))


def _reasons(reasons: Mapping[str, int]) -> str:
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {number}" for reason, number in ranked if reason)


def _largest(out: Console, summary: Summary) -> None:
    if not summary.largest or not summary.largest_copies:
        return
    story_id, articles, title = summary.largest
    _line(out)
    _line(out, f"The largest story, #{story_id} with {_count(articles, 'article')}: ", (title, "bold"))
    for copy in summary.largest_copies:
        _line(out, f"  {copy.source}: ", copy.title)
        _url(out, copy.url, indent=4)
    _line(out)


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
    _line(out)
    _line(out, "Try next:")
    for command, purpose in tries[:3]:
        out.print(_text(f"  {command}", (f"  # {purpose}", "dim")), soft_wrap=True)  # to be copied in one piece


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


# --- Evaluations ----------------------------------------------------------------------------------------------

_FIGURES = ("F1", "precision", "recall", "leaked", "dirty", "lost", "title", "authors", "date", "pages/s", "speed")


def evaluation(out: Console, value: Evaluation) -> None:
    """A table of all pages, one of each language, and what the figures mean."""
    _rows_of_readers(out, "", value.rows)
    for language, rows in value.languages.items() if len(value.languages) > 1 else ():
        _line(out)
        _rows_of_readers(out, f"{language}: ", rows)
    _line(out)
    if value.rejected:
        _line(out, "Articles that are not in the store: ", _reasons(value.rejected))
    if value.no_articles:
        _line(out, f"Pages without an article: {value.no_articles}, {value.taken_for_articles} of them in the store.")
    _line(out, ("leaked: lines a page that are none of the article's; dirty: pages with any; lost: paragraphs", "dim"))
    _line(out, ("pages/s: of one processor, by the median page; speed: beside trafilatura with metadata", "dim"))


def _rows_of_readers(out: Console, name: str, rows: Sequence[Row]) -> None:
    head = f"{name}{_count(rows[0].figures.pages, 'page')}" if rows else name
    _line(out, (f"{head:<26}" + "".join(f"{figure:>10}" for figure in _FIGURES), "bold"))
    for row in rows:
        found = row.figures
        cells = (
            *(f"{share:.3f}" for share in (found.f1, found.precision, found.recall)),
            f"{found.leaked_lines:.2f}",
            *(f"{share:.1%}" for share in (found.dirty_pages, found.lost_paragraphs)),
            *("" if share is None else f"{share:.1%}" for share in (found.title, found.authors, found.date)),
            "" if row.pages_per_cpu_s is None else f"{row.pages_per_cpu_s:.1f}",
            "" if row.speed is None else f"{row.speed:.2f}",
        )
        _line(out, f"{row.reader:<26}" + "".join(f"{cell:>10}" for cell in cells).rstrip())


def lines_evaluation(out: Console, value: LinesEvaluation) -> None:
    """What lines were dropped, and how rightly where someone has said."""
    documents = _count(value.documents, "document")
    pace = f", {value.lines_per_cpu_s:,.0f} a second of one processor" if value.lines_per_cpu_s else ""
    _line(out, f"{documents}, {_count(value.lines, 'line')}, {value.dropped} of them dropped{pace}.")
    if value.figures:
        found = value.figures
        dropped = f"F1 {found.f1:.3f}, precision {found.precision:.3f}, recall {found.recall:.3f}"
        _line(out, f"Of {_count(found.lines, 'labelled line')}: dropped with {dropped}.")
        _line(out, f"Good lines lost: {found.good_lines_lost:.1%}.")


def dedup_evaluation(out: Console, value: DedupEvaluation) -> None:
    """What stories came of a stream, and how rightly, where someone has said."""
    pace = f"{value.articles_per_s:,.0f} articles a second"
    _line(out, f"{_count(value.articles, 'article')} in {_count(value.stories, 'story', 'stories')}, {pace}.")
    if value.refused:
        _line(out, f"Not in the store, each a story of its own: {_reasons(value.rejected)}")
    for refused in value.refused[:TOP]:
        _line(out, f"  {refused.id}: {refused.reason}", (f" {refused.detail}", "dim"))
    if len(value.refused) > TOP:
        _line(out, f"  … and {len(value.refused) - TOP} more: --json names them all")
    if value.scores is None:
        return
    if value.labelled < value.articles:
        _line(out, f"{value.labelled} of them are labelled; the figures are theirs.")
    _grouping_figures(out, value.scores.figures)
    _share_table(out, "In a story that is mostly another's", value.scores.families)
    _share_table(out, "Copies found, by what was done to them", value.scores.edits)
    if wrong := value.scores.largest_wrong:
        _line(out)
        _line(out, f"Most wrong: a story of {len(wrong.ids)} articles, {wrong.foreign} of them another's:")
        _line(out, f"  {', '.join(wrong.ids[:TOP])}{' …' if len(wrong.ids) > TOP else ''}")
    _curve(out, value.scores.curve)


def _grouping_figures(out: Console, found: ClusterFigures) -> None:
    _line(out)
    _line(out, (f"{'':<26}{'precision':>10}{'recall':>10}{'F1':>10}", "bold"))
    rows = (
        ("pairs", found.precision, found.recall, found.f1),
        ("B-cubed", found.bcubed_precision, found.bcubed_recall, found.bcubed_f1),
    )
    for name, *shares in rows:
        _line(out, f"{name:<26}" + "".join(f"{share:>10.4f}" for share in shares))
    _line(out, f"{'adjusted Rand index':<46}{found.ari:>10.4f}")


def _share_table(out: Console, title: str, shares: Mapping[str, Share]) -> None:
    if not shares:
        return
    _line(out)
    _line(out, (title, "bold"))
    for name, found in sorted(shares.items()):
        _line(out, f"{name or '(no family)':<26}{found.share:>10.1%}   {found.hit} of {found.of}")


def _curve(out: Console, points: Sequence[Point]) -> None:
    """One table a threshold."""
    for name, held in groupby(points, lambda point: point.threshold):
        _line(out)
        _line(out, (f"{'With ' + name + ' at':<26}{'precision':>10}{'recall':>10}{'F1':>10}{'B-cubed':>10}", "bold"))
        for point in held:
            shares = (point.precision, point.recall, point.f1, point.bcubed_f1)
            mark = "  as it is" if point.is_policy else ""
            _line(out, f"{point.value:<26g}" + "".join(f"{share:>10.4f}" for share in shares) + mark)


# --- State ----------------------------------------------------------------------------------------------------


def status(out: Console, value: Status) -> None:
    q = value.queues
    retired = f", {q.feeds_retired} retired" if q.feeds_retired else ""
    feeds = f"{_count(q.feeds, 'feed')}, {q.feeds_due} due, {q.feeds_failing} failing{retired}"
    _row(out, "Sources", f"{q.sources} with {feeds}")
    held = f" ({q.to_read_held} of them held)" if q.to_read_held else ""
    waiting = f"{q.to_fetch} to fetch, {q.to_fetch_later} to fetch later, {q.to_read} to read{held}"
    _row(out, "Waiting", f"{waiting}, {q.to_settle} to settle")
    _row(out, "Announced", _ledger(value.ledger))
    if value.ledger.rejected:
        _row(out, "Rejected", _reasons(value.ledger.rejected_reasons))
    _row(out, "Store", f"{_count(q.articles, 'article')} in {_count(q.stories, 'story', 'stories')}")
    if value.index.slices:
        slices = f" in {value.index.slices} slices" if value.index.slices > 1 else ""
        size = f"{value.index.size_bytes / 1e6:,.1f} MB{slices}"
        _row(out, "Index", f"about {value.index.entries:,} keys of near-duplicates, {size}")
    for run in value.runs:
        state = "still running, or killed" if run.finished_at is None else _lasted(run.finished_at - run.started_at)
        told = ", ".join(f"{name} {number}" for name, number in run.counts.items() if number)
        _row(out, f"Last {run.line}", f"{_time(run.started_at)}, {state}{': ' if told else ''}{told}")
    _topic(out, "Failing feeds", value.failing, _failing)
    _topic(out, "Held sources, whose pages wait", value.held, _held)
    _topic(out, "Not what their files expect", value.breaches, _breach)
    _topic(out, "Out of their usual volume", value.volumes, _volume)
    _topic(out, "Gaps in coverage", value.gaps, _gap)
    _quarantine(out, value)


def _topic(out: Console, name: str, items: Sequence[_T], show: Callable[[Console, _T], None]) -> None:
    """What a person should look at, as far as a screen holds it."""
    if items:
        _line(out, (f"{name}: {len(items)}", "red"))
    for item in items[:TOP]:
        show(out, item)
    if len(items) > TOP:
        _line(out, f"  … and {len(items) - TOP} more: 'storyfold status --json' has all.")


def _failing(out: Console, feed: FailingLine) -> None:
    _line(out, f"  {feed.source}: {_count(feed.failures, 'failure')} in a row: {feed.state_text or ''}")
    _url(out, feed.url, indent=4)


def _held(out: Console, held: HeldLine) -> None:
    _line(out, f"  {held.source} since {_time(held.held_at)}, {_count(held.pages, 'page')}")


def _breach(out: Console, breach: BreachLine) -> None:
    told = f"{_EXPECTATIONS[breach.expectation]} {breach.observed}, expected {breach.expected}"
    _line(out, f"  {breach.source}: {told}; since {_time(breach.begun_at)}{_stops(breach)}")


def _stops(breach: BreachLine) -> str:
    return ", stops it" if breach.on_breach == "stop" else ""


def _volume(out: Console, volume: VolumeLine) -> None:
    figures = f"{volume.entries_per_day:.3g} entries a day, usually {volume.usual_per_day:.3g}"
    _line(out, f"  {volume.source}: {volume.state}, {figures}; the last {_time(volume.last_entry_at)}")


def _gap(out: Console, gap: GapLine) -> None:
    _line(out, f"  {gap.source}: {_time(gap.since)} to {_time(gap.until)}")
    _url(out, gap.feed_url, indent=4)


def _quarantine(out: Console, value: Status) -> None:
    if not value.stages:
        return
    stages = ", ".join(f"{line.stage} {line.entries} ({line.entries_24h} in 24 h)" for line in value.stages)
    _line(out, (f"Quarantined: {stages}", "red"))
    quarantined(out, value.quarantined)
    if (more := value.ledger.quarantined - len(value.quarantined)) > 0:
        _line(out, f"  … and {more} more: 'storyfold quarantine list' has them.")


def quarantined(out: Console, items: Sequence[Quarantined]) -> None:
    """A few lines an entry: what failed, the URL, and where its bytes lie."""
    for item in items:
        before = f", replayed {_count(item.replays, 'time')} before" if item.replays else ""
        tries = f"{_count(item.attempts, 'attempt')}{before}"
        _line(out, f"  {item.id}  {_time(item.since)} {item.source}, {item.stage}, {tries}: ", item.error or "")
        _url(out, item.url, indent=4)
        if item.payload:
            place = item.payload
            _line(out, f"    kept in {place.file}, {place.length} bytes from {place.offset}", style="dim")


def replayed(out: Console, stages: Mapping[str, int], *, dry_run: bool) -> None:
    told = ", ".join(f"{stage} {number}" for stage, number in stages.items())
    if not stages:
        _line(out, "Nothing of the kind is quarantined.")
    elif dry_run:
        _line(out, f"To be replayed: {told}. Nothing was changed.")
    else:
        _line(out, f"Replayed: {told}. The next run tries them again.")


def sources(
    out: Console, values: Sequence[SourceLine], shared: Mapping[SourceName, tuple[Mirror, ...]] | None = None
) -> None:
    """The catalogue; shared: what is also another source's feed."""
    for source in values:
        about = [source.language or "", source.country or "", f"tier {source.tier}"]
        _line(out, (source.name, "bold"), f"  {source.title}  ", (" ".join(filter(None, about)), "dim"))
        _line(out, "  ", _ledger(source.ledger))
        _source_state(out, source)
        for feed in source.feeds:
            _feed(out, feed)
        for alike in source.mirrors:
            told = f"  lists {alike.share:.0%} the same {alike.alike} as '{alike.other_source}': "
            _line(out, (told, "yellow"), f"{alike.feed} and {alike.other_feed}")
        for mirror in (shared or {}).get(SourceName(source.name), ()):
            _line(out, (f"  also polled by the source '{mirror.other}': ", "yellow"), mirror.url)
    if not values:
        _line(out, "No sources.")


def _source_state(out: Console, source: SourceLine) -> None:
    """What is to be known of a source beyond its figures."""
    if not source.enabled:
        _line(out, (f"  resting: 'storyfold source enable {source.name}' wakes it", "yellow"))
    elif not source.active:
        _line(out, ("  its file is gone: not polled", "yellow"))
    if source.held_at:
        _line(out, (f"  held since {_time(source.held_at)}: its pages wait", "red"))
    if source.volume_state in ("silent", "low", "high"):
        _line(out, (f"  {source.volume_state}: not its usual volume", "yellow"))
    for breach in source.breaches:
        told = f"{_EXPECTATIONS[breach.expectation]} {breach.observed}, expected {breach.expected}"
        _line(out, (f"  {told}", "yellow"))


def source_checks(out: Console, values: Sequence[SourceCheck]) -> None:
    for value in values:
        _line(out, (value.name, "bold"), f"  {value.title}", "" if value.enabled else "  (disabled)")
        for robots in value.robots:
            _robots_check(out, robots)
        for feed in value.feeds:
            _feed_check(out, feed)
        for sample in value.samples:
            _sample(out, sample)
        _troubles(out, value.troubles, indent=2)
        _line(out, ("  All is well." if value.is_well else "  Needs a look.", "green" if value.is_well else "red"))
    if len(values) > 1:
        well = sum(value.is_well for value in values)
        _line(out, f"{well} of {len(values)} sources are well.")


def finding(out: Console, value: Finding) -> None:
    """What was found at an address, why it is chosen or not, how it reads, and the file made of it."""
    _line(out, (value.url, "bold"), f"  looked at with {_count(value.requests, 'request')}")
    if value.crawl_delay_s:
        _line(out, f"  robots.txt asks for {value.crawl_delay_s:g} s between requests")
    for choice in value.choices[:MAX_CHOICES]:
        _choice(out, choice)
    if len(value.choices) > MAX_CHOICES:
        _line(out, f"  … and {len(value.choices) - MAX_CHOICES} more; --json has them all")
    for sample in value.samples:
        _sample(out, sample)
    _troubles(out, value.troubles, indent=2)
    if value.source and value.text:
        _heading(out, f"{value.source.name}.toml")
        for line in value.text.splitlines():
            _line(out, line)


def imported(out: Console, value: Imported, folder: Path, *, is_dry: bool) -> None:
    """What became of a list: a line for each source, and for each line that needs a look."""
    for source in value.written:
        _line(out, (source.name, "bold"), f"  {source.title}, {_count(len(source.feeds), 'feed')}")
    for skipped in value.skipped:
        _line(out, f"line {skipped.lines[0]}: {skipped.url} skipped: {skipped.why}", style="dim")
    for bad in value.bad:
        _bad_line(out, bad)
    files = _count(len(value.written), "file")
    told = f"{files} would be written to {folder}" if is_dry else f"{files} written to {folder}"
    _line(out, (f"{told}, {len(value.skipped)} skipped, {_count(len(value.bad), 'bad line')}.", "bold"))


def _bad_line(out: Console, bad: BadLine) -> None:
    _line(out, (f"line {bad.line}: ", "red"), f"{bad.text}: {bad.why}" if bad.text else bad.why)


def _choice(out: Console, choice: Choice) -> None:
    kind = f"{choice.kind}: " if choice.kind else ""
    _line(out, ("  taken  ", "green") if choice.chosen else ("  left   ", "dim"), f"{kind}{choice.why}")
    _url(out, choice.url, indent=9)
    about = [
        choice.title or "",
        choice.language or "",
        f"{_FOUND[choice.found]}",
        _count(choice.entries, "entry", "entries") if choice.entries else "",
        f"index of {_count(choice.sitemaps, 'sitemap')}" if choice.sitemaps else "",
        f"newest {_time(choice.newest)}" if choice.newest else "",
        f"{choice.per_day:.2g} a day" if choice.per_day else "",
    ]
    _line(out, "         ", (", ".join(filter(None, about)), "dim"))


def _ledger(ledger: Ledger) -> str:
    parts = " + ".join(f"{number} {name}" for name in _OUTCOMES if (number := getattr(ledger, name)))
    wrong = "" if ledger.adds_up else ", which does NOT add up"
    return f"{_count(ledger.discovered, 'entry', 'entries')}{' = ' if parts else ''}{parts}{wrong}"


def _feed(out: Console, feed: FeedLine) -> None:
    new = f"{feed.entries_24h} new in 24 h, {feed.entries_7d} in 7 days"
    _line(out, f"  {feed.kind} {feed.state}; last polled {_time(feed.last_polled_at)}; {new}")
    _url(out, feed.url, indent=4)
    if feed.state_text:
        _line(out, "    ", feed.state_text, style="red" if feed.failures else "yellow")


def _robots_check(out: Console, check: RobotsCheck) -> None:
    delay = f", asks for {check.crawl_delay_s:g} s between requests" if check.crawl_delay_s else ""
    _line(out, f"  robots.txt {'could not be read' if check.troubles and not delay else 'read'}{delay}")
    _url(out, check.url, indent=4)
    for sitemap in check.sitemaps[:MAX_SITEMAPS]:
        _line(out, "    names a sitemap that the file does not list:")
        _url(out, sitemap, indent=6)
    if len(check.sitemaps) > MAX_SITEMAPS:
        _line(out, f"    and {len(check.sitemaps) - MAX_SITEMAPS} more")
    _troubles(out, check.troubles)


def _feed_check(out: Console, check: FeedCheck) -> None:
    found = f"{_count(check.entries, 'entry', 'entries')}, newest {_time(check.newest, 'undated')}"
    rate = f", {check.per_day:.2g} a day" if check.per_day else ""
    index = f", index of {_count(check.sitemaps, 'sitemap')}, the newest read" if check.sitemaps else ""
    _line(out, f"  {check.kind}: {found}{rate}{index}")
    _url(out, check.url, indent=4)
    _troubles(out, check.troubles)


def _sample(out: Console, sample: Sample) -> None:
    _line(out, "  article: ", sample.title or "without a title")
    _url(out, sample.url, indent=4)
    if sample.words:
        dated = f"{_time(sample.published_at)} ({sample.found_in})" if sample.published_at else "no date"
        teaser = ", a teaser" if sample.is_teaser else ""
        cut = f"{_count(sample.cuts, 'block')} cut{teaser}"
        _line(out, f"    {sample.words} words, {sample.language or '??'}, {dated}, {cut}")
    if sample.first_sentence:
        _line(out, "    ", (sample.first_sentence, "italic"))
    if sample.opt_outs:
        _line(out, "    reserved by ", ", ".join(sample.opt_outs))
    _troubles(out, (sample.trouble,) if sample.trouble else ())


def _troubles(out: Console, troubles: Sequence[Trouble], indent: int = 4) -> None:
    for trouble in troubles:
        _line(out, " " * indent, (trouble.what, "yellow" if trouble.is_note else "red"), f"  {trouble.advice}")


# --- Stories --------------------------------------------------------------------------------------------------


def stories(out: Console, values: Sequence[StoryLine]) -> None:
    for value in values:
        origin = f"{value.source}, {_time(value.published_at, 'undated')}, {value.language or '??'}"
        _line(out, (f"#{value.id}  ", "cyan"), (value.title, "bold"))
        _line(out, f"    {value.kind}, {_spread(value)}; {origin}")
        _url(out, value.url, indent=4)
        if value.snippet:
            _line(out, "    ", *_marked(value.snippet))
    if not values:
        _line(out, "No stories.")


def story(out: Console, value: Story) -> None:
    """The story's text, its copies in order of publication, and what happened to it."""
    if value.asked_id != value.id:
        _line(out, f"Story {value.asked_id} was merged into story {value.id}.", style="yellow")
    _line(out, (f"#{value.id}  ", "cyan"), (value.title, "bold"))
    _line(out, f"    {value.source}, {_time(value.published_at, 'undated')}, {value.language or 'language unknown'}")
    _url(out, value.url, indent=4)
    for paragraph in value.text.split("\n\n"):
        _line(out)
        _line(out, paragraph)
    _heading(out, f"{_spread(value)}, in order of publication")
    for member in value.members:
        _member(out, member, value)
    _heading(out, "What happened")
    for change in value.changes:
        whose = f"story {change.story_id}: " if change.story_id != value.id and change.change != "merged" else ""
        _line(out, f"  {_time(change.changed_at)}  ", whose + _change(change))


def difference(out: Console, value: Difference) -> None:
    """The second text against the first: lines of the first begin with '-', of the second with '+'."""
    _line(out)
    for mark, side, style in (("-", value.left, "red"), ("+", value.right, "green")):
        told = f"article {side.article_id}, {side.source}, {_time(side.published_at, 'undated')}, {side.words} words"
        _line(out, (f"{mark} {told}", style))
        _url(out, side.url, indent=2)
    if value.left.title != value.right.title:
        _changed(out, value.left.title, value.right.title)
    for part in value.parts:
        _part(out, part)


def _spread(value: Story | StoryLine) -> str:
    return f"{_count(value.articles, 'article')} from {_count(value.sources, 'source')}"


def _member(out: Console, member: Member, story: Story) -> None:
    lag = f" (+{_lasted(timedelta(seconds=member.seconds_behind))})" if member.seconds_behind else ""
    marks = [*(["canonical: " + _rule(story.canonical_rule)] if member.is_canonical else []), *member.flags]
    marks += [name for name, is_so in (("container", member.is_container), ("drifted", member.has_drifted)) if is_so]
    _line(
        out,
        f"  {member.place}. {_published(member.published_at, member.date_precision)}{lag}  ",
        (member.source, "bold"),
        f"  article {member.article_id}, {member.words} words",
        (f"  {', '.join(marks)}" if marks else "", "green"),
    )
    _line(out, f"    {member.title}")
    _url(out, member.url, indent=4)
    for told in _whose(member):
        _line(out, f"    {told}", style="yellow")
    if member.change:
        _line(out, f"    {_change_of(member.change)}", style="dim")
    if member.matched_article_id and not member.is_canonical:
        scores = f"Jaccard {member.jaccard:.2f}, containment {member.containment:.2f}"
        tie = _TIES.get(member.match_kind or "", member.match_kind)
        _line(out, f"    {tie} article {member.matched_article_id}: {scores}", style="dim")


def _whose(item: Member | ArticleReport | Compared) -> Iterable[str]:
    """Whose text it is, how sure that is and why; and who helped."""
    if item.agency:
        yield f"text of {item.agency}, {item.agency_certainty}: {item.agency_evidence}"
    if item.agency_material:
        yield f"with material of {', '.join(item.agency_material)}"


def _change_of(change: Extent) -> str:
    """What a copy made of the canonical text."""
    if not change.left and not change.right:
        return "the canonical text, word for word"
    return f"{change.kept:.0%} of the canonical text kept, {change.left} words cut, {change.right} added"


def _rule(name: str | None) -> str:
    return _RULES.get(name or "", name or "")


def _change(change: ChangeLine) -> str:
    article = f"article {change.article_id}"
    told = {
        "founded": f"founded by {article}",
        "joined": f"{article} joined",
        "left": f"{article} left",
        "merged": f"story {change.story_id} merged into story {change.other_story_id}",
        "split": f"split from story {change.other_story_id}, with {article}",
        "canonical": f"{article} became canonical",
    }[change.change]
    if change.change == "left" and change.other_story_id is not None:
        told += f" for story {change.other_story_id}"
    by = "" if change.judgement_id is None else f", by judgement {change.judgement_id}"
    why = _cause(change.detail)
    return f"{told}{by}: {why}" if why else told + by


def _cause(detail: str | None) -> str:
    """In words: 'same 12', 'same 12 17' (for a merger), 'container 9', or the rule that chose the canonical article."""
    kind, *articles = (detail or " ").split(" ")
    if kind == "container":
        return f"article {articles[0]} holds other texts side by side"
    if kind not in _TIES:
        return _rule(kind)
    *left, right = articles
    return " ".join([*(f"article {one}" for one in left), _TIES[kind], f"article {right}"])


def _part(out: Console, part: Part) -> None:
    if part.kind == "same":
        _line(out, f"  {_count(len(part.left), 'paragraph')} the same", style="dim")
    elif part.kind == "changed":
        for left, right in zip(part.left, part.right, strict=True):
            _changed(out, left, right)
    for paragraph in part.left if part.kind == "removed" else ():
        _line(out, ("- " + paragraph, "red"))
    for paragraph in part.right if part.kind == "added" else ():
        _line(out, ("+ " + paragraph, "green"))


def _changed(out: Console, left: str, right: str) -> None:
    """Two versions of a paragraph, the words in which they differ brought out."""
    a, b = _WORD.findall(left), _WORD.findall(right)
    operations = difflib.SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes()
    _version(out, "- ", "red", [(tag == "equal", "".join(a[i:j])) for tag, i, j, _, _ in operations])
    _version(out, "+ ", "green", [(tag == "equal", "".join(b[i:j])) for tag, _, _, i, j in operations])


def _version(out: Console, mark: str, style: str, runs: Iterable[tuple[bool, str]]) -> None:
    _line(out, (mark, style), *((text, style if is_shared else f"bold reverse {style}") for is_shared, text in runs))


def _marked(snippet: str) -> list[Piece]:
    """A snippet with the words between ** brought out."""
    return [(part, "bold yellow") if n % 2 else part for n, part in enumerate(snippet.split("**"))]


# --- One item -------------------------------------------------------------------------------------------------


def history(out: Console, value: History, *, full: bool = False) -> None:
    """One item's way through the lines, in the order in which it happened.

    full: with all passages that it shares with others, and all in which they differ
    """
    for entry in value.entries:
        _entry(out, entry)
    if value.article is None:
        return
    article = value.article
    _heading(out, f"Article {article.id}")
    _line(out, "  ", (article.title, "bold"))
    _url(out, article.url, indent=2)
    exact = f" (from {article.date_found_in})" if article.published_at else ""
    published = _published(article.published_at, article.date_precision) + exact
    told = [article.source, published, f"{article.words} words", article.language or "??", *article.flags]
    _line(out, "  ", ", ".join(told))
    for whose in _whose(article):
        _line(out, f"  {whose}", style="yellow")
    for revision in article.revisions:
        _revision(out, revision)
    _candidates(out, article, full=full)
    _place(out, article)


def _entry(out: Console, entry: EntryReport) -> None:
    _heading(out, f"Entry {entry.id}")
    _url(out, entry.url, indent=2)
    _row(out, "  announced", f"{_time(entry.first_seen_at)} by {entry.source}, last {_time(entry.last_seen_at)}")
    if entry.feed_url:
        _url(out, entry.feed_url, indent=14)
    if entry.title:
        _row(out, "", f"as '{entry.title}', {_time(entry.published_at, 'undated')}")
    for page in entry.pages:
        if page.refusal:
            _row(out, "  refused", f"{_time(page.fetched_at)}: {page.refusal}")
            _row(out, "", f"what the feed carried is kept instead: {page.body_bytes} bytes, page {page.id}")
        else:
            answer = f"{page.status}, {page.body_bytes} bytes, page {page.id}"
            _row(out, "  fetched", f"{_time(page.fetched_at)}: {answer}")
        if page.final_url != page.url:
            _url(out, page.final_url, indent=14)
        _row(out, "  kept in", f"{page.warc_file}, {page.warc_length} bytes from {page.warc_offset}")
        _row(out, "  read", _time(page.read_at) if page.read_at else "not yet")
    for replay in entry.replays:
        gave_up = f"{_time(replay.quarantined_at)} at {replay.stage}, {_count(replay.attempts, 'attempt')}"
        _row(out, "  quarantined", f"{gave_up}: {replay.error or ''}")
        _row(out, "  replayed", _time(replay.replayed_at))
    if entry.held_at and entry.outcome == "pending":
        _row(out, "  held", f"{_time(entry.held_at)}: pages of {entry.source} wait unread")
    if entry.attempts:
        _row(out, "  failed", f"{_count(entry.attempts, 'attempt')}: {entry.detail or ''}")
    if entry.fetch_due_at:
        _row(out, "  due", _time(entry.fetch_due_at))
    reason = ": ".join(filter(None, (entry.reason, None if entry.attempts else entry.detail)))
    _row(out, "  outcome", f"{entry.outcome}{f' ({reason})' if reason else ''}, {_time(entry.outcome_at, 'so far')}")


def _revision(out: Console, revision: RevisionReport) -> None:
    current = ", what it says now" if revision.is_current else ""
    _line(
        out,
        f"  text {revision.id}: {revision.kind}, fetched {_time(revision.fetched_at)}, {revision.words} words, ",
        f"{_count(len(revision.cuts), 'block')} cut{current}",
    )
    for cut in revision.cuts:
        _line(out, (f"    - {cut.rule}: ", "dim"), cut.text)


def _candidates(out: Console, article: ArticleReport, *, full: bool) -> None:
    _heading(out, f"Compared with {_count(len(article.candidates), 'article') if article.candidates else 'no article'}")
    for number, other in enumerate(article.candidates):
        _candidate(out, other, article)
        if other.extent and (full or number < SHOWN_MATCHES):
            _line(out, f"    {_shares(other.extent, 'here', 'there')}")
            _passages(out, other.passages, full=full)


def _candidate(out: Console, other: Candidate, article: ArticleReport) -> None:
    style = "dim" if other.failed else "green"
    _line(out, (f"  {other.kind}", style), f"  article {other.article_id}, {other.source}: {other.title}")
    _url(out, other.url, indent=4)
    where = ", this one's" if other.story_id == article.story_id else ""
    _line(out, f"    {_published(other.published_at, other.date_precision)}, story {other.story_id}{where}")
    _line(out, f"    {_verdict(other)}")
    _line(out, f"    {_scores(other, 'that one' if other.is_shorter else 'this one')}")


def comparison(out: Console, value: Comparison, *, full: bool = False) -> None:
    """Two articles, what was measured of them, the facts that differ and the passages."""
    for mark, style, side in (("-", "red", value.left), ("+", "green", value.right)):
        published = _published(side.published_at, side.date_precision)
        where = f"article {side.article_id}, story {side.story_id}, {side.source}, {published}, {side.words} words"
        _line(out, (f"{mark} {where}", style))
        _line(out, "  ", (side.title, "bold"))
        _url(out, side.url, indent=2)
        for told in _whose(side):
            _line(out, f"  {told}", style="yellow")
    _heading(out, f"{value.verdict.kind}: {_verdict(value.verdict)}")
    if value.never_compared:
        _line(out, f"  never compared: {_NEVER[value.never_compared]}; measured now", style="yellow")
    else:
        _line(out, f"  compared {_time(value.verdict.matched_at)}")
    _line(out, f"  {_scores(value.verdict, 'the second' if value.verdict.is_shorter else 'the first')}")
    _line(out, f"  {_count(value.shared_keys, 'key')} of the index and {_count(value.shared_facts, 'fact')} in common")
    for name, side in (("first", value.left), ("second", value.right)):
        if side.own_facts:
            _line(out, f"  only the {name} has: {', '.join(side.own_facts)}")
    _heading(out, _shares(value.extent, "in the first", "in the second"))
    _passages(out, value.passages, full=full)


def _verdict(found: Candidate | Verdict) -> str:
    """What followed from what was measured, and which test decided."""
    if found.failed:
        return f"failed '{found.failed}': {_FAILED.get(found.failed, 'a test of the policy')}"
    return _KINDS.get(found.kind, found.kind)


def _scores(found: Candidate | Verdict, shorter: str) -> str:
    numbers = "" if found.numbers is None else f" (the numbers {found.numbers:.0%})"
    return (
        f"resemblance {found.jaccard:.2f}, {found.jaccard_filtered:.2f} without recurring phrases; "
        f"{found.containment:.0%} of the shorter, {shorter}, stands from {found.span_start:.0%} to "
        f"{found.span_end:.0%} of the longer; numbers and names {found.facts:.0%} the same{numbers}; "
        f"shared runs of {found.run:.1f} words"
    )


def _shares(told: Extent, left: str, right: str) -> str:
    return f"{_count(told.shared, 'word')} shared, {told.left} only {left}, {told.right} only {right}"


def _passages(out: Console, found: Sequence[Passage], *, full: bool) -> None:
    """A line a passage; unless all are wanted, the longest shared ones with what stands between them and the next."""
    shown = range(len(found)) if full else _telling(found)
    last = -1
    for number in shown:
        if number > last + 1:
            _line(out, "      …", style="dim")
        mark, style = _MARKS[found[number].kind]
        text = " ".join(found[number].text.split())
        _line(out, (f"    {mark} {text if full else _clipped(text)}", style))
        last = number
    if last + 1 < len(found):
        _line(out, "      …", style="dim")


def _telling(found: Sequence[Passage]) -> list[int]:
    """The numbers of the longest shared passages, and of those around them that only one text has."""
    words = {number: one.left.words for number, one in enumerate(found) if one.left and one.right}
    longest = sorted(words, key=lambda number: -words[number])[:SHOWN_PASSAGES]
    around = {near for number in longest for near in range(number - 2, number + 3)}
    alone = {number for number in range(len(found)) if number not in words}
    return sorted(around.intersection(alone).union(longest) if words else alone)


def _clipped(text: str) -> str:
    head, tail = PASSAGE_ENDS
    return text if len(text) <= head + tail + 3 else f"{text[:head].rstrip()} … {text[-tail:].lstrip()}"


def _place(out: Console, article: ArticleReport) -> None:
    if article.story_id is None:
        return
    _heading(out, f"Story {article.story_id}, {_count(article.story_articles or 0, 'article')}")
    who = "this article" if article.is_canonical else f"article {article.canonical_article_id}"
    _line(out, f"  canonical is {who}: {_rule(article.canonical_rule)}")
    if article.has_drifted:
        _line(out, "  the text was changed so much that it no longer resembles the story", style="yellow")
    for change in article.changes:
        _line(out, f"  {_time(change.changed_at)}  story {change.story_id}: ", _change(change))


def extraction(out: Console, read: ReadPage | Rejection) -> None:
    """What one page gives: kept blocks on the left, cut ones with rule and zone on the right; piped, one a line."""
    if isinstance(read, Rejection):
        _line(out, (f"No article: {read.reason}", "red"), f"  {read.detail}")
        return
    value, article = read.clean, read.clean.article
    _line(out, (article.title, "bold"))
    _url(out, article.url)
    found_in = f" ({article.date_found_in})" if article.date_found_in else ""
    dated = _published(article.published_at, article.date_precision) + found_in
    authors = ", ".join(article.authors) or "no author named"
    _line(out, "; ".join((dated, authors, article.language or "language unknown", *sorted(article.flags))))
    agreement = "" if read.agreement is None else f", {read.agreement:.0%} alike to what another extractor found"
    _line(out, f"text by {article.extractor}{agreement}")
    _labels(out, article)
    _line(out)
    show = _side_by_side if out.is_terminal and out.width >= TWO_COLUMNS else _one_a_line
    show(out, value)
    _line(out)
    _line(out, f"{_count(len(value.blocks), 'block')} kept, {_count(len(value.cuts), 'block')} cut.")


def _labels(out: Console, article: Article) -> None:
    """What the page says of the article beside its text, as far as it does."""
    labels = {
        "summary": article.summary,
        "section": article.section,
        "tags": ", ".join(article.tags),
        "agency": f"{article.credit.agency}, {article.credit.evidence}" if article.credit else None,
        "material of": ", ".join(article.material),
        "translator": article.translator,
        "image": article.image,
    }
    for name, text in labels.items():
        if text:
            _row(out, name, text)


def extraction_values(read: ReadPage | Rejection) -> Mapping[str, object]:
    """The same as plain values."""
    if isinstance(read, Rejection):
        return {"rejected": read.reason, "detail": read.detail, "url": read.url}
    value = read.clean
    article = asdict(value.article)
    del article["blocks"], article["source"]
    return {
        **article,
        "agency": value.article.agency,
        "agreement": read.agreement,
        "flags": sorted(value.article.flags),
        "text": value.text,
        "cuts": [asdict(cut) for cut in value.cuts],
    }


def _in_order(value: CleanArticle) -> list[tuple[int, str, Cut | None]]:
    """Position, text and, for what was cut, the cut: all blocks as they stood on the page."""
    cuts = {cut.position: cut for cut in value.cuts}
    return [(position, block.text, cuts.get(position)) for position, block in enumerate(value.article.blocks)]


def _side_by_side(out: Console, value: CleanArticle) -> None:
    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("Kept", ratio=3)
    table.add_column("Cut", ratio=2)
    for _, text, cut in _in_order(value):
        kept = _text(text) if cut is None else ""
        table.add_row(kept, "" if cut is None else _text(text, "\n", (_told(cut), "dim red")))
    out.print(table, soft_wrap=False)


def _one_a_line(out: Console, value: CleanArticle) -> None:
    for position, text, cut in _in_order(value):
        _line(out, f"{position:>4}  {'kept' if cut is None else f'CUT {_told(cut)}'}  ", text)


def _told(cut: Cut) -> str:
    """The rule, with the kind where that does not say it, and where the block stood."""
    kind = "" if f".{cut.kind}." in cut.rule else f"{cut.kind}, "
    return f"{cut.rule} ({kind}{cut.zone})"


# --- Rules ----------------------------------------------------------------------------------------------------


def rule_packs(out: Console, values: Sequence[PackLine]) -> None:
    """A line a pack, with its rules by kind."""
    for pack in values:
        where = f", only for {', '.join(pack.sources)}" if pack.sources else ""
        own = f" ({pack.own_rules} of them yours{where})" if pack.own_rules else ""
        about = "" if pack.is_language else ", for all languages"
        _line(out, (pack.name, "bold"), f"  {_count(pack.rules, 'rule')}{own}{about}")
        _line(out, "  ", (", ".join(f"{kind} {number}" for kind, number in pack.kinds.items()), "dim"))


def undone_rules(out: Console, values: Sequence[UndoneRule]) -> None:
    """A line a rule that is off."""
    for one in values:
        where = one.source or "everywhere"
        _line(out, (one.rule, "bold"), f"  {where}, since {_time(one.undone_at)} by {one.undone_by}")
        if one.reason:
            _line(out, f"    {one.reason}")
    if not values:
        _line(out, "No rule is off.")


def change(out: Console, value: ChangeLine) -> None:
    """One change of a story on a line, with its number."""
    whose = "" if value.change == "merged" else f"story {value.story_id}: "
    _line(out, (str(value.id), "cyan"), f"  {_time(value.changed_at)}  {whose}{_change(value)}")


def judgements(out: Console, values: Sequence[Told]) -> None:
    """A line a judgement, the reason below it."""
    for one in values:
        taken = f"; taken back {_time(one.undone_at)} by {one.undone_by}" if one.undone_at else ""
        _line(
            out,
            (f"{one.id}  ", "cyan"),
            (_judgement(one), "bold"),
            f"  {_time(one.judged_at)} by {one.judged_by}{taken}",
        )
        if one.reason:
            _line(out, f"    {one.reason}")
    if not values:
        _line(out, "No judgements.")


def judged(out: Console, effect: Effect, changes: Sequence[ChangeLine]) -> None:
    """What came of a judgement that was given or taken back."""
    for number in effect.overruled:
        _line(out, f"Judgement {number} says otherwise: the later one counts.", style="yellow")
    for one in changes:
        change(out, one)
    _line(out, f"Judgement {effect.judgement}: {_count(len(changes), 'change')} to stories.")


def _judgement(one: Told) -> str:
    articles, others = (_some([str(article) for article in side]) for side in (one.articles, one.others))
    return f"{one.kind}  {articles}" + (f" | {others}" if others else "")


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(names) - TOP
    return " ".join(names[:TOP]) + (f" and {rest} more" if rest > 0 else "")


def trial(out: Console, value: Trial) -> None:
    """What the examples came to, then what would fall, rule by rule."""
    examples = f"{_count(value.examples, 'example')}, {len(value.failures)} of them not as they must be"
    _line(out, (value.pack, "bold"), f": {_count(value.rules, 'rule')}, {examples}.")
    for failure in value.failures:
        _failed_example(out, failure)
    if not (value.read or value.left_out):
        return
    rest = ", ".join(f"{reason} {number}" for reason, number in sorted(value.left_out.items()))
    _line(out, f"{_count(value.read, 'article')} read{f'; no article: {rest}' if rest else ''}.")
    more = _count(value.blocks, "more block")
    _line(out, f"The pack would cut {more}, of {_count(value.articles, 'article')}.")
    for rule in value.rules_that_cut:
        _rule_trial(out, rule)


def _failed_example(out: Console, failure: Failure) -> None:
    wanted = f"must fall as {failure.expected}" if failure.expected else "must stay"
    _line(out, (f"  {wanted}, at the {failure.zone}: ", "red"), failure.line)
    for cut in failure.cuts:
        _line(out, f"    cut by {cut}")
    if not failure.cuts:
        _line(out, "    nothing was cut")


def _rule_trial(out: Console, rule: RuleTrial) -> None:
    _line(out)
    told = f"  {_count(rule.blocks, 'block')} of {_count(rule.articles, 'article')}, {_count(rule.texts, 'text')}"
    _line(out, (rule.rule, "bold"), told)
    for cut in rule.examples:
        _new_cut(out, cut, "green")
    if rule.paragraphs:
        _line(out, (f"  Perhaps text: {_count(len(rule.paragraphs), 'paragraph')}", "red"))
    for cut in rule.paragraphs:
        _new_cut(out, cut, "red")


def _new_cut(out: Console, cut: NewCut, style: str) -> None:
    """The block between the ends of its neighbours."""
    if cut.before:
        _line(out, ("           … " + cut.before[-AROUND:], "dim"))
    _line(out, f"    {cut.zone:<5}  ", (cut.text, style))
    if cut.after:
        _line(out, ("           " + cut.after[:AROUND] + " …", "dim"))
    _line(out, (f"           {cut.url}", "dim"))


def switched(out: Console, value: Switched, *, on: bool, dry: bool) -> None:
    """What switching a rule came to."""
    where = f" on pages of {value.source}" if value.source else ""
    if not value.changed:
        _line(out, f"{value.rule} is off{where} already.")
        return
    does = "cuts again" if on else "cuts nothing any more"
    _line(out, (value.rule, "bold"), f" {does}{where}.")
    unchanged = " Nothing was changed." if dry else ""
    _line(out, f"{_count(value.pages, 'page')} to be read again by the next ingest.{unchanged}")


# --- Lines ----------------------------------------------------------------------------------------------------


def console(*, stderr: bool = False) -> Console:
    """Where the commands print: no markup in what comes from the web, no colours without a terminal."""
    out = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    out.soft_wrap = not out.is_terminal
    return out


def _line(out: Console, *pieces: Piece, style: str = "") -> None:
    out.print(_text(*pieces), style=style)


def _url(out: Console, url: str, indent: int = 0) -> None:
    """A URL on a line of its own, in one piece even on a narrow terminal."""
    out.print(Text(" " * indent).append(url.translate(_CONTROL), "blue"), soft_wrap=True)


def _row(out: Console, name: str, text: str) -> None:
    out.print(Text(f"{name:<14}", "bold").append(text.translate(_CONTROL)))


def _heading(out: Console, text: str) -> None:
    _line(out)
    _line(out, (text, "bold underline"))


def _text(*pieces: Piece) -> Text:
    text = Text()
    for piece in pieces:
        content, style = piece if isinstance(piece, tuple) else (piece, "")
        text.append(content.translate(_CONTROL), style)
    return text


def _time(at: datetime | None, none: str = "never") -> str:
    return none if at is None else f"{at:%Y-%m-%d %H:%M}"


def _published(at: datetime | None, precision: str | None) -> str:
    """A publication time, as exact as it is known."""
    return f"{at:%Y-%m-%d}" if at and precision == "day" else _time(at, "undated")


def _lasted(span: timedelta) -> str:
    """'4.2 s', '3:07 h', '2 d 3:07 h'."""
    if span < timedelta(minutes=1):
        return f"{span.total_seconds():.1f} s"
    hours, minutes = divmod(span.seconds // 60, 60)
    return f"{f'{span.days} d ' if span.days else ''}{hours}:{minutes:02} h"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
