"""What pages say around an article, in many languages: the phrases of `phrases.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


def says(kind: str, text: str) -> bool:
    """Whether a phrase of a kind, in any language, stands in the text."""
    return _any_of(kind).search(text.lower()) is not None


@cache
def _any_of(kind: str) -> re.Pattern[str]:
    return re.compile("|".join(_alternatives(kind)))  # with IGNORECASE it would take three times as long


@cache
def led_by(kind: str) -> re.Pattern[str]:
    """A line that begins with a phrase of a kind; group `rest` is what follows it."""
    return re.compile(rf"(?:{'|'.join(_alternatives(kind))})(?P<rest>.*)", re.IGNORECASE)


def _alternatives(kind: str) -> list[str]:
    by_language: Mapping[str, Sequence[str]] = _read()[kind]
    return [pattern for patterns in by_language.values() for pattern in patterns]


@cache
def _read() -> Mapping[str, Mapping[str, Sequence[str]]]:
    return tomllib.loads((files("extract") / "phrases.toml").read_text(encoding="utf-8"))
