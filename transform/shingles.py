"""Words → the hashes by which two texts are compared: shingles for wording, facts for what is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from transform.hashes import run_hashes
from transform.model import Hashes
from transform.normalize import Places, kinds, letters, word_spans

_WORD = re.compile(r"[^\W_]+(?:[.,:/-][^\W_]+)*")
_NUMBER = r"\d+(?:[.,:/-]\d+)*"
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# In a run of such letters: figures, what is written in Latin letters, and Japanese foreign names.
_INSIDE = re.compile(rf"({_NUMBER})|[A-Za-z]{{2,}}|[\u30a1-\u30fa\u30fc]{{3,}}")
_TITLED = re.compile("[「『《]([^「」『』《》\n]{2,20})[」』》]")
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"[.!?:…。！？][\"'”’»)\]]*$")
_OPENING = frozenset('"“„«')


_REMEMBERED = 1 << 16  # words; some 15 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Words:
    """The words of some texts, one text after the other."""

    hashes: Hashes
    weights: npt.NDArray[np.int64]
    bounds: Places  # where each text begins, and where the last one ends; shape (texts + 1,)

    @property
    def counts(self) -> Places:
        """How many words each text has."""
        return np.diff(self.bounds)

    @property
    def sums(self) -> npt.NDArray[np.int64]:
        """What the words before each one weigh, and all of them; shape (words + 1,)."""
        return np.concatenate([[0], np.cumsum(self.weights)])

    @property
    def totals(self) -> npt.NDArray[np.int64]:
        """What the words of each text weigh."""
        return np.diff(self.sums[self.bounds])

    def opening(self, weight: int) -> Words:
        """Of each text the first words, as many as it takes for this weight."""
        sums = self.sums
        ends = np.minimum(sums.searchsorted(sums[self.bounds[:-1]] + weight), self.bounds[1:])
        kept = np.arange(len(self.hashes)) < np.repeat(ends, self.counts)
        bounds = np.concatenate([[0], np.cumsum(ends - self.bounds[:-1])])
        return Words(hashes=self.hashes[kept], weights=self.weights[kept], bounds=bounds)


def hashed_words(normals: Sequence[str], weights: npt.NDArray[np.int64]) -> Words:
    """The words of texts in their normal forms.

    weights: of a WORD, a LETTER and a CHARACTER
    """
    texts = [letters(normal + " ") for normal in normals]
    points = np.concatenate([np.empty(0, dtype=np.uint32), *texts])
    kind = kinds(points)
    starts, ends = word_spans(kind)
    return Words(
        hashes=run_hashes(points, starts, ends),
        weights=weights[kind[starts]],
        bounds=starts.searchsorted(np.cumsum([0, *map(len, texts)])),
    )


def shingle_hashes(words: Words, weight: int) -> tuple[Hashes, Places]:
    """For each word the hash of the shortest run of words from it on that has the weight, if its text has one.

    Returns the hashes of all texts in order, and where each text's begin, and where the last one's end.
    """
    sums = words.sums
    ends = sums.searchsorted(sums[:-1] + weight)
    starts = np.flatnonzero(ends <= np.repeat(words.bounds[1:], words.counts))
    return run_hashes(words.hashes, starts, ends[starts]), starts.searchsorted(words.bounds)


def fact_hashes(text: str) -> Hashes:
    """Sorted hashes of the numbers a text states, which are odd, and of its names, which are even.

    text: as people read it, with case and punctuation. Two template reports share their wording and differ in these.
    Names are capitalised words that do not merely begin a sentence; in scripts without spaces and capitals what stands
    between 「」, 『』 or 《》, in Latin letters, or in a run of katakana.
    """
    return FactReader().hashes(text)


def fact_words(text: str) -> list[str]:
    """The facts that are hashed, in text order, repeats kept: numbers, and names without case."""
    return FactReader().words(text)


class FactReader:
    """Reads the facts of texts, and looks at each different word once, as long as it remembers it."""

    def __init__(self) -> None:
        self._first, self._amid = _Told(begins=True), _Told(begins=False)

    def hashes(self, text: str) -> Hashes:
        """What `fact_hashes` says of the text."""
        found = {_fact_hash(title, False) for title in _titles(text)}
        for told in self._read(text):
            found.update(told.hashes)
        return np.array(sorted(found), dtype=np.uint64)

    def words(self, text: str) -> list[str]:
        """What `fact_words` says of the text; titles in brackets come first."""
        return [*_titles(text), *(fact for told in self._read(text) for fact in told.facts)]

    def _read(self, text: str) -> Iterator[_Telling]:
        """What each word tells that tells something."""
        if len(self._amid) > _REMEMBERED:
            self._amid.clear()
            self._first.clear()
        for line in text.splitlines():
            told = self._first
            for word in line.split():
                telling = told[word]
                told = self._amid
                if telling is not None:
                    yield telling
                    told = self._first if telling.ends else told


def _titles(text: str) -> list[str]:
    return [] if text.isascii() else [match[1] for match in _TITLED.finditer(text)]


@dataclass(frozen=True, slots=True)
class _Telling:
    """What a word tells."""

    facts: tuple[str, ...]
    hashes: tuple[int, ...]
    ends: bool  # a sentence


class _Told(dict[str, "_Telling | None"]):
    """Word, as it stands between spaces → what it tells; None for nothing.

    begins: it begins a sentence
    """

    def __init__(self, *, begins: bool) -> None:
        self._begins = begins

    def __missing__(self, word: str) -> _Telling | None:
        found = [] if word.islower() and not _DIGIT.search(word) else list(_facts_of(word, self._begins))
        ends = not word[-1].isalnum() and _SENTENCE_END.search(word) is not None
        facts, hashes = tuple(fact for fact, _ in found), tuple(_fact_hash(*one) for one in found)
        telling = self[word] = _Telling(facts, hashes, ends) if facts or ends else None
        return telling


def is_number(facts: Hashes) -> npt.NDArray[np.bool_]:
    """For each fact whether it is a number and no name."""
    odd: npt.NDArray[np.bool_] = (facts & np.uint64(1)).astype(np.bool_)
    return odd


def _fact_hash(fact: str, number: bool) -> int:
    return xxhash.xxh3_64_intdigest(fact.encode()) & ~1 | number


def _facts_of(word: str, begins: bool) -> Iterator[tuple[str, bool]]:
    """word: as it stands between spaces. begins: it begins a sentence."""
    if word.isalpha() and word.isascii():  # most words: spares them the rest
        if word[0].isupper() and len(word) > 1 and not begins:
            yield word.casefold(), False
        return
    for match in _WORD.finditer(word):
        found = match.group()
        if not found.isascii() and _UNSPACED.search(found):
            yield from ((_digits(inner.group()), inner[1] is not None) for inner in _INSIDE.finditer(found))
        elif not found.isalpha() and _DIGIT.search(found):
            yield _digits(found), True
        elif found[0].isupper() and len(found) > 1 and not _begins_sentence(word, match.start(), begins):
            yield found.casefold(), False


def _begins_sentence(word: str, start: int, begins: bool) -> bool:
    return word[start - 1] in _OPENING if start else begins


def _digits(fact: str) -> str:
    """The same in one way of writing: full-width, Arabic, Thai and other figures are those of ASCII."""
    return fact if fact.isascii() else "".join(str(unicodedata.decimal(c, c)) for c in fact).casefold()
