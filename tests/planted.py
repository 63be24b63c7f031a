"""Made-up texts with planted near-copies: what clustering and the index are tested on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from transform.minhash import SketchSpec, fingerprint
from transform.model import Fingerprint

SPEC = SketchSpec()
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
_SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "je",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "ri",
    "so",
    "tu",
    "va",
    "we",
    "xi",
    "yo",
    "zu",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One made-up article and the story that it tells."""

    story: int
    url: str
    text: str
    published_at: datetime
    outlet: str = "Made up"


def sentences(rng: random.Random, count: int) -> list[str]:
    """Sentences of invented words, with a name and a number here and there."""
    return [_sentence(rng) for _ in range(count)]


def paragraphs(lines: Sequence[str]) -> str:
    return "\n\n".join(" ".join(lines[start : start + 3]) for start in range(0, len(lines), 3))


def planted_stream(seed: int, stories: int, *, copies: int = 4) -> list[Planted]:
    """Stories with up to `copies` edited copies each, a few days long, in a stated shuffled order."""
    rng = random.Random(seed)
    stream = [
        Planted(
            story=story,
            url=f"https://outlet-{copy}.example/{seed}/{story}",
            text=text,
            published_at=START + timedelta(hours=rng.randrange(60)),
        )
        for story in range(stories)
        for copy, text in enumerate(_copies(rng, rng.randint(1, copies)))
    ]
    rng.shuffle(stream)
    return stream


def print_of(text: str) -> Fingerprint:
    return fingerprint(text, SPEC)


def _copies(rng: random.Random, count: int) -> list[str]:
    """One text, and edited copies of it: trimmed, with a paragraph added, with words changed."""
    original = sentences(rng, 24)
    edits = (_trim, _add, _change)
    return [paragraphs(original)] + [paragraphs(rng.choice(edits)(rng, original)) for _ in range(count - 1)]


def _trim(rng: random.Random, lines: list[str]) -> list[str]:
    return lines[: rng.randint(len(lines) // 2, len(lines) - 1)]


def _add(rng: random.Random, lines: list[str]) -> list[str]:
    return lines + sentences(rng, 3)


def _change(rng: random.Random, lines: list[str]) -> list[str]:
    changed = list(lines)
    for place in rng.sample(range(len(lines)), 2):
        changed[place] = _sentence(rng)
    return changed


def _sentence(rng: random.Random) -> str:
    words = [_word(rng) for _ in range(rng.randint(9, 15))]
    words[rng.randrange(1, len(words))] = _word(rng).capitalize()
    words[rng.randrange(1, len(words))] = str(rng.randrange(2, 9999))
    return " ".join(words).capitalize() + "."


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4)))
