"""One item's history, and two articles compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.changes import told_change, told_rule
from flows.show.common import counted, say, say_heading, say_row, say_url, when, when_published
from flows.show.judgements import judgement, judgements_about
from flows.show.stories import whose_text

if TYPE_CHECKING:
    from load.judgements import Told
    from load.report.comparison import Comparison, Verdict
    from load.report.items import ArticleReport, Candidate, EntryReport, History, RevisionReport
    from transform.passages import Extent, Passage

SHOWN_PASSAGES = 3  # the longest that two texts share, each with the differences around it
SHOWN_MATCHES = 5  # with their passages
PASSAGE_ENDS = (110, 60)  # characters at the beginning and the end of a longer passage

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
    "shared": "what they share is too short",
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


def history(out: Console, value: History, *, full: bool = False) -> None:
    """One item's way through the lines, in the order in which it happened.

    full: with all passages that it shares with others, and all in which they differ
    """
    for entry in value.entries:
        _entry(out, entry)
    if value.article is None:
        return
    article = value.article
    say_heading(out, f"Article {article.id}")
    say(out, "  ", (article.title, "bold"))
    say_url(out, article.url, indent=2)
    exact = f" (from {article.date_found_in})" if article.published_at else ""
    published = when_published(article.published_at, article.date_precision) + exact
    told = [article.source, published, f"{article.words} words", article.language or "??", *article.flags]
    say(out, "  ", ", ".join(told))
    for whose in whose_text(article):
        say(out, f"  {whose}", style="yellow")
    for revision in article.revisions:
        _revision(out, revision)
    _candidates(out, article, full=full)
    _place(out, article)
    judgements_about(out, article.judgements)


def _entry(out: Console, entry: EntryReport) -> None:
    say_heading(out, f"Entry {entry.id}")
    say_url(out, entry.url, indent=2)
    say_row(out, "  announced", f"{when(entry.first_seen_at)} by {entry.source}, last {when(entry.last_seen_at)}")
    if entry.feed_url:
        say_url(out, entry.feed_url, indent=14)
    if entry.title:
        say_row(out, "", f"as '{entry.title}', {when(entry.published_at, 'undated')}")
    for page in entry.pages:
        if page.refusal:
            say_row(out, "  refused", f"{when(page.fetched_at)}: {page.refusal}")
            say_row(out, "", f"what the feed carried is kept instead: {page.body_bytes} bytes, page {page.id}")
        else:
            answer = f"{page.status}, {page.body_bytes} bytes, page {page.id}"
            say_row(out, "  fetched", f"{when(page.fetched_at)}: {answer}")
        if page.final_url != page.url:
            say_url(out, page.final_url, indent=14)
        say_row(out, "  kept in", f"{page.warc_file}, {page.warc_length} bytes from {page.warc_offset}")
        say_row(out, "  read", when(page.read_at) if page.read_at else "not yet")
    for replay in entry.replays:
        gave_up = f"{when(replay.quarantined_at)} at {replay.stage}, {counted(replay.attempts, 'attempt')}"
        say_row(out, "  quarantined", f"{gave_up}: {replay.error or ''}")
        say_row(out, "  replayed", when(replay.replayed_at))
    if entry.held_at and entry.outcome == "pending":
        say_row(out, "  held", f"{when(entry.held_at)}: pages of {entry.source} wait unread")
    if entry.attempts:
        say_row(out, "  failed", f"{counted(entry.attempts, 'attempt')}: {entry.detail or ''}")
    if entry.fetch_due_at:
        say_row(out, "  due", when(entry.fetch_due_at))
    reason = ": ".join(filter(None, (entry.reason, None if entry.attempts else entry.detail)))
    say_row(out, "  outcome", f"{entry.outcome}{f' ({reason})' if reason else ''}, {when(entry.outcome_at, 'so far')}")


def _revision(out: Console, revision: RevisionReport) -> None:
    current = ", what it says now" if revision.is_current else ""
    say(
        out,
        f"  text {revision.id}: {revision.kind}, fetched {when(revision.fetched_at)}, {revision.words} words, ",
        f"{counted(len(revision.cuts), 'block')} cut{current}",
    )
    for cut in revision.cuts:
        say(out, (f"    - {cut.rule}: ", "dim"), cut.text)


def _candidates(out: Console, article: ArticleReport, *, full: bool) -> None:
    others = counted(len(article.candidates), "article") if article.candidates else "no article"
    say_heading(out, f"Compared with {others}")
    for number, other in enumerate(article.candidates):
        _candidate(out, other, article)
        if other.extent and (full or number < SHOWN_MATCHES):
            say(out, f"    {_shares(other.extent, 'here', 'there')}")
            _passages(out, other.passages, full=full)


def _candidate(out: Console, other: Candidate, article: ArticleReport) -> None:
    style = "dim" if other.failed else "green"
    say(out, (f"  {other.kind}", style), f"  article {other.article_id}, {other.source}: {other.title}")
    say_url(out, other.url, indent=4)
    where = ", this one's" if other.story_id == article.story_id else ""
    say(out, f"    {when_published(other.published_at, other.date_precision)}, story {other.story_id}{where}")
    say(out, f"    {_verdict(other)}")
    say(out, f"    {_scores(other, 'that one' if other.is_shorter else 'this one')}")


def comparison(out: Console, value: Comparison, *, full: bool = False) -> None:
    """Two articles, what was measured of them, the facts that differ and the passages."""
    for mark, style, side in (("-", "red", value.left), ("+", "green", value.right)):
        published = when_published(side.published_at, side.date_precision)
        where = f"article {side.article_id}, story {side.story_id}, {side.source}, {published}, {side.words} words"
        say(out, (f"{mark} {where}", style))
        say(out, "  ", (side.title, "bold"))
        say_url(out, side.url, indent=2)
        for told in whose_text(side):
            say(out, f"  {told}", style="yellow")
    _judged(out, value.judgements)
    say_heading(out, f"{value.verdict.kind}: {_verdict(value.verdict)}")
    if value.never_compared:
        say(out, f"  never compared: {_NEVER[value.never_compared]}; measured now", style="yellow")
    else:
        say(out, f"  compared {when(value.verdict.matched_at)}")
    say(out, f"  {_scores(value.verdict, 'the second' if value.verdict.is_shorter else 'the first')}")
    say(out, f"  {counted(value.shared_keys, 'key')} of the index and {counted(value.shared_facts, 'fact')} in common")
    for name, side in (("first", value.left), ("second", value.right)):
        if side.own_facts:
            say(out, f"  only the {name} has: {', '.join(side.own_facts)}")
    say_heading(out, _shares(value.extent, "in the first", "in the second"))
    _passages(out, value.passages, full=full)


def _judged(out: Console, values: Sequence[Told]) -> None:
    """What people said of the pair; the last word that was not taken back counts."""
    if not values:
        return
    last = next((one for one in reversed(values) if one.undone_at is None), None)
    told = f"Judged {last.kind}, which outranks what is measured" if last else "Judged, and taken back"
    say_heading(out, told)
    for one in values:
        judgement(out, one, indent="  ")


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
    return f"{counted(told.shared, 'word')} shared, {told.left} only {left}, {told.right} only {right}"


def _passages(out: Console, found: Sequence[Passage], *, full: bool) -> None:
    """A line a passage; unless all are wanted, the longest shared ones with what stands between them and the next."""
    shown = range(len(found)) if full else _telling(found)
    last = -1
    for number in shown:
        if number > last + 1:
            say(out, "      …", style="dim")
        mark, style = _MARKS[found[number].kind]
        text = " ".join(found[number].text.split())
        say(out, (f"    {mark} {text if full else _clipped(text)}", style))
        last = number
    if last + 1 < len(found):
        say(out, "      …", style="dim")


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
    say_heading(out, f"Story {article.story_id}, {counted(article.story_articles or 0, 'article')}")
    who = "this article" if article.is_canonical else f"article {article.canonical_article_id}"
    say(out, f"  canonical is {who}: {told_rule(article.canonical_rule)}")
    if article.has_drifted:
        say(out, "  the text was changed so much that it no longer resembles the story", style="yellow")
    for change in article.changes:
        say(out, f"  {when(change.changed_at)}  story {change.story_id}: ", told_change(change))
