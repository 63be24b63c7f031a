"""Two texts side by side."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.common import counted, say, say_url, when

if TYPE_CHECKING:
    from load.report.differences import Difference, Part

_WORD = re.compile(r"\s+|[^\s]+")


def differences(out: Console, values: Sequence[Difference]) -> None:
    """One pair of texts after the other."""
    for value in values:
        _difference(out, value)


def _difference(out: Console, value: Difference) -> None:
    """The second text against the first: lines of the first begin with '-', of the second with '+'."""
    say(out)
    for mark, side, style in (("-", value.left, "red"), ("+", value.right, "green")):
        told = f"article {side.article_id}, {side.source}, {when(side.published_at, 'undated')}, {side.words} words"
        say(out, (f"{mark} {told}", style))
        say_url(out, side.url, indent=2)
    if value.left.title != value.right.title:
        _changed(out, value.left.title, value.right.title)
    for one in value.parts:
        part(out, one)


def part(out: Console, part: Part) -> None:
    """Paragraphs that the two texts share, or in which they differ."""
    if part.kind == "same":
        say(out, f"  {counted(len(part.left), 'paragraph')} the same", style="dim")
    elif part.kind == "changed":
        for left, right in zip(part.left, part.right, strict=True):
            _changed(out, left, right)
    for paragraph in part.left if part.kind == "removed" else ():
        say(out, ("- " + paragraph, "red"))
    for paragraph in part.right if part.kind == "added" else ():
        say(out, ("+ " + paragraph, "green"))


def _changed(out: Console, left: str, right: str) -> None:
    """Two versions of a paragraph, the words in which they differ brought out."""
    a, b = _WORD.findall(left), _WORD.findall(right)
    operations = difflib.SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes()
    _version(out, "- ", "red", [(tag == "equal", "".join(a[i:j])) for tag, i, j, _, _ in operations])
    _version(out, "+ ", "green", [(tag == "equal", "".join(b[i:j])) for tag, _, _, i, j in operations])


def _version(out: Console, mark: str, style: str, runs: Iterable[tuple[bool, str]]) -> None:
    say(out, (mark, style), *((text, style if is_shared else f"bold reverse {style}") for is_shared, text in runs))
