"""What happened to stories, and why: the words for changes, ties and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.common import say, when

if TYPE_CHECKING:
    from load.report.stories import ChangeLine

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
TIES = {"same": "the same text as", "contained": "shares its beginning with", "lifted": "shares a passage with"}


def change(out: Console, value: ChangeLine) -> None:
    """One change of a story on a line, with its number."""
    whose = "" if value.change == "merged" else f"story {value.story_id}: "
    say(out, (str(value.id), "cyan"), f"  {when(value.changed_at)}  {whose}{told_change(value)}")


def told_rule(name: str | None) -> str:
    return _RULES.get(name or "", name or "")


def told_change(change: ChangeLine) -> str:
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
    if kind not in TIES:
        return told_rule(kind)
    *left, right = articles
    return " ".join([*(f"article {one}" for one in left), TIES[kind], f"article {right}"])
