"""Stories: lists, one with its copies, and what happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.changes import TIES, told_change, told_rule
from flows.show.common import Piece, counted, lasted, say, say_heading, say_url, when, when_published
from flows.show.judgements import judgements_about

if TYPE_CHECKING:
    from load.report.comparison import Compared
    from load.report.items import ArticleReport
    from load.report.stories import Member, Story, StoryLine
    from transform.passages import Extent


def stories(out: Console, values: Sequence[StoryLine]) -> None:
    for value in values:
        origin = f"{value.source}, {when(value.published_at, 'undated')}, {value.language or '??'}"
        say(out, (f"#{value.id}  ", "cyan"), (value.title, "bold"))
        say(out, f"    {value.kind}, {_spread(value)}; {origin}")
        say_url(out, value.url, indent=4)
        if value.snippet:
            say(out, "    ", *_marked(value.snippet))
    if not values:
        say(out, "No stories.")


def story(out: Console, value: Story) -> None:
    """The story's text, its copies in order of publication, and what happened to it."""
    if value.asked_id != value.id:
        say(out, f"Story {value.asked_id} was merged into story {value.id}.", style="yellow")
    say(out, (f"#{value.id}  ", "cyan"), (value.title, "bold"))
    say(out, f"    {value.source}, {when(value.published_at, 'undated')}, {value.language or 'language unknown'}")
    say_url(out, value.url, indent=4)
    for paragraph in value.text.split("\n\n"):
        say(out)
        say(out, paragraph)
    say_heading(out, f"{_spread(value)}, in order of publication")
    for member in value.members:
        _member(out, member, value)
    say_heading(out, "What happened")
    for change in value.changes:
        whose = f"story {change.story_id}: " if change.story_id != value.id and change.change != "merged" else ""
        say(out, f"  {when(change.changed_at)}  ", whose + told_change(change))
    judgements_about(out, value.judgements)


def _spread(value: Story | StoryLine) -> str:
    return f"{counted(value.articles, 'article')} from {counted(value.sources, 'source')}"


def _member(out: Console, member: Member, story: Story) -> None:
    lag = f" (+{lasted(timedelta(seconds=member.seconds_behind))})" if member.seconds_behind else ""
    marks = [*(["canonical: " + told_rule(story.canonical_rule)] if member.is_canonical else []), *member.flags]
    marks += [name for name, is_so in (("container", member.is_container), ("drifted", member.has_drifted)) if is_so]
    say(
        out,
        f"  {member.place}. {when_published(member.published_at, member.date_precision)}{lag}  ",
        (member.source, "bold"),
        f"  article {member.article_id}, {member.words} words",
        (f"  {', '.join(marks)}" if marks else "", "green"),
    )
    say(out, f"    {member.title}")
    say_url(out, member.url, indent=4)
    for told in whose_text(member):
        say(out, f"    {told}", style="yellow")
    if member.change:
        say(out, f"    {_change_of(member.change)}", style="dim")
    if member.matched_article_id and not member.is_canonical:
        scores = f"Jaccard {member.jaccard:.2f}, containment {member.containment:.2f}"
        tie = TIES.get(member.match_kind or "", member.match_kind)
        say(out, f"    {tie} article {member.matched_article_id}: {scores}", style="dim")


def whose_text(item: Member | ArticleReport | Compared) -> Iterable[str]:
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


def _marked(snippet: str) -> list[Piece]:
    """A snippet with the words between ** brought out."""
    return [(part, "bold yellow") if n % 2 else part for n, part in enumerate(snippet.split("**"))]
