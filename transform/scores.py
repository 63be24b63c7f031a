"""How near what is said of a page comes to what is right, by the measures of the field.

Text: 4-gram shingles with repeats, F1 of the mean precision and the mean recall over pages, as the article extraction
benchmark of Zyte reports it (article-extraction-benchmark, `evaluate.py`). A script without spaces counts one token a
character. Lines: how many of those shown stand nowhere in the truth. Metadata: equal, once case and signs
are set aside.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from extract.model import Said

WIDTH = 4  # tokens of a shingle
LEAKED_BELOW = 0.25  # share of a line's shingles in the truth; a line with fewer is none of the article's
MAX_LEAKED = 20  # a page: one page taken wholly wrong must not outweigh hundreds
LOST_BELOW = 0.5  # share of a paragraph's shingles in what is shown
LEAST_PARAGRAPH = 6  # tokens; shorter lines of the truth are not asked for
LEAST_TITLE = 15  # characters; longer ones agree with what contains them
TITLE_SHARE = 0.6  # of the longer title that the shorter must be more than

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_WORD = re.compile(r"\w+")
_BETWEEN_NAMES = re.compile(r"[;,|/]|\band\b|\bund\b|\bet\b")
_BY = re.compile(r"^(?:by|von|par|por) ")

Shingles = Counter[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageScore:
    """How one page was read."""

    precision: float | None  # None where nothing is shown
    recall: float | None  # None where nothing is right
    leaked: int  # lines, at most MAX_LEAKED
    lost: int  # paragraphs, of so many
    paragraphs: int
    title: bool | None
    authors: bool | None  # the set of names equal
    date: bool | None  # the day equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well some pages were read; a share is None where no page has a label for it."""

    pages: int
    f1: float
    precision: float
    recall: float
    leaked_lines: float  # a page
    dirty_pages: float  # share of pages with any leaked line
    lost_paragraphs: float  # share of all
    title: float | None
    authors: float | None
    date: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigures:
    """How well lines were told apart: those dropped, beside those that should be."""

    lines: int
    precision: float
    recall: float
    f1: float
    good_lines_lost: float  # share of the lines to keep


def score(truth: Said, said: Said) -> PageScore:
    """How one page was read; a part of the metadata is None where the truth does not name it."""
    precision, recall = _overlap(truth.text, said.text)
    return PageScore(
        precision=precision,
        recall=recall,
        leaked=min(MAX_LEAKED, len(leaked_lines(truth, said.text))),
        lost=len(lost_paragraphs(truth, said.text)),
        paragraphs=len(_paragraphs(truth.text)),
        title=_is_same_title(truth.title, said.title) if truth.title else None,
        authors=names(truth.authors) == names(said.authors) if truth.authors else None,
        date=truth.date[:10] == (said.date or "")[:10] if truth.date else None,
    )


def figures(scores: Sequence[PageScore]) -> Figures:
    """How well these pages were read."""
    precision = _mean([score.precision for score in scores]) or 0.0
    recall = _mean([score.recall for score in scores]) or 0.0
    return Figures(
        pages=len(scores),
        f1=_harmonic(precision, recall),
        precision=precision,
        recall=recall,
        leaked_lines=_mean([score.leaked for score in scores]) or 0.0,
        dirty_pages=_mean([score.leaked > 0 for score in scores]) or 0.0,
        lost_paragraphs=sum(score.lost for score in scores) / max(1, sum(score.paragraphs for score in scores)),
        title=_mean([score.title for score in scores]),
        authors=_mean([score.authors for score in scores]),
        date=_mean([score.date for score in scores]),
    )


def line_figures(documents: Iterable[tuple[Sequence[bool | None], Sequence[bool]]]) -> LineFigures | None:
    """Over documents, each as the lines that are to be kept and those that were; None where nobody has labelled any."""
    labels = Counter(pair for right, kept in documents for pair in zip(right, kept, strict=True) if pair[0] is not None)
    if not labels:
        return None
    dropped_rightly, dropped_wrongly = labels[False, False], labels[True, False]
    precision = dropped_rightly / max(1, dropped_rightly + dropped_wrongly)
    recall = dropped_rightly / max(1, dropped_rightly + labels[False, True])
    return LineFigures(
        lines=labels.total(),
        precision=precision,
        recall=recall,
        f1=_harmonic(precision, recall),
        good_lines_lost=dropped_wrongly / max(1, dropped_wrongly + labels[True, True]),
    )


def leaked_lines(truth: Said, shown: str) -> list[str]:
    """The lines shown that are none of the article's, nor its title."""
    right = _Text(truth.text)
    title = _folded(truth.title or "")
    foreign = [line for line in _lines(shown) if right.share_of(line) < LEAKED_BELOW]
    return [line for line in foreign if not title or _folded(line) not in (title, "")]


def lost_paragraphs(truth: Said, shown: str) -> list[str]:
    """The paragraphs of the article that are not shown."""
    seen = _Text(shown)
    return [line for line in _paragraphs(truth.text) if seen.share_of(line) < LOST_BELOW]


def names(said: Iterable[str]) -> set[str]:
    """The names of persons in some bylines, folded."""
    parts = (_BY.sub("", _folded(part)) for byline in said for part in _BETWEEN_NAMES.split(byline))
    return set(filter(None, parts))


class _Text:
    """A text in which lines are looked for, whatever their case."""

    def __init__(self, text: str) -> None:
        tokens = _tokens(text.lower())
        self._shingles = _shingles(tokens)
        self._line = " ".join(tokens)

    def share_of(self, line: str) -> float:
        """The share of the line's shingles that are in the text; a line of fewer tokens is there or not."""
        tokens = _tokens(line.lower())
        if len(tokens) < WIDTH:
            return float(" ".join(tokens) in self._line)
        shingles = _shingles(tokens)
        return sum(min(count, self._shingles[shingle]) for shingle, count in shingles.items()) / shingles.total()


def _overlap(right: str, shown: str) -> tuple[float | None, float | None]:
    """Precision and recall of a page; None where nothing is shown, or nothing is right."""
    wanted, given = _shingles(_tokens(right)), _shingles(_tokens(shown))
    shared = (wanted & given).total()
    return shared / given.total() if given else None, shared / wanted.total() if wanted else None


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _shingles(tokens: Sequence[str]) -> Shingles:
    """All runs of four tokens; of fewer tokens the one run that there is."""
    if not tokens:
        return Counter()
    return Counter(tuple(tokens[start : start + WIDTH]) for start in range(max(1, len(tokens) - WIDTH + 1)))


def _lines(text: str) -> list[str]:
    folded = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in folded if _TOKEN.search(line)]


def _paragraphs(text: str) -> list[str]:
    return [line for line in _lines(text) if len(_tokens(line)) >= LEAST_PARAGRAPH]


def _folded(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _is_same_title(right: str, said: str | None) -> bool:
    """Equal, or equal but for something short before or after it, as the name of the site."""
    shorter, longer = sorted((_folded(right), _folded(said or "")), key=len)
    if not shorter:
        return False
    is_part = len(shorter) >= LEAST_TITLE and shorter in longer and len(shorter) / len(longer) > TITLE_SHARE
    return shorter == longer or is_part


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that there are."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
