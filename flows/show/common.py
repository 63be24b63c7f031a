"""How it is written: lines, URLs, times and counts; and values as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

OUTCOMES = ("pending", "loaded", "unchanged", "revised", "rejected", "quarantined")
TOP = 10  # lines of one topic, names of one list
Piece = str | tuple[str, str]  # text, or text with its style

_CONTROL = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


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


def most_first(reasons: Mapping[str, int]) -> str:
    """'gone 2, robots 1'."""
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {number}" for reason, number in ranked if reason)


def console(*, stderr: bool = False) -> Console:
    """Where the commands print: no markup in what comes from the web, no colours without a terminal."""
    out = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    out.soft_wrap = not out.is_terminal
    return out


def say(out: Console, *pieces: Piece, style: str = "") -> None:
    out.print(styled(*pieces), style=style)


def say_url(out: Console, url: str, indent: int = 0) -> None:
    """A URL on a line of its own, in one piece even on a narrow terminal."""
    out.print(Text(" " * indent).append(url.translate(_CONTROL), "blue"), soft_wrap=True)


def say_row(out: Console, name: str, text: str) -> None:
    out.print(Text(f"{name:<14}", "bold").append(text.translate(_CONTROL)))


def say_heading(out: Console, text: str) -> None:
    say(out)
    say(out, (text, "bold underline"))


def styled(*pieces: Piece) -> Text:
    text = Text()
    for piece in pieces:
        content, style = piece if isinstance(piece, tuple) else (piece, "")
        text.append(content.translate(_CONTROL), style)
    return text


def when(at: datetime | None, none: str = "never") -> str:
    return none if at is None else f"{at:%Y-%m-%d %H:%M}"


def when_published(at: datetime | None, precision: str | None) -> str:
    """A publication time, as exact as it is known."""
    return f"{at:%Y-%m-%d}" if at and precision == "day" else when(at, "undated")


def lasted(span: timedelta) -> str:
    """'4.2 s', '3:07 h', '2 d 3:07 h'."""
    if span < timedelta(minutes=1):
        return f"{span.total_seconds():.1f} s"
    hours, minutes = divmod(span.seconds // 60, 60)
    return f"{f'{span.days} d ' if span.days else ''}{hours}:{minutes:02} h"


def counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
