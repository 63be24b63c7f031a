"""Words → the hashes by which two texts are compared: shingles for wording, facts for what is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from transform.hashes import run_hashes
from transform.model import Hashes
from transform.normalize import Places, kinds, letters, word_spans

_LINKS = ".,:/-"  # inside a number or a compound
# A word from its first capital or digit on. Those beyond the first plane are told when they are met: in a class of
# characters they would make the search ten times slower.
_PLANE = [*map(chr, range(0x10000))]
_TELLING = re.compile(
    f"[{''.join(c for c in _PLANE if c.isupper() or c.isdigit())}\U00010000-\U0010ffff]"
    rf"[^\W_]*(?:[{_LINKS}][^\W_]+)*"
)
_SENTENCE_END = re.compile(r"(?:[.!?:…。！？][\"'”’»)\]]*\s+|\n\s*|[\"“„«]\s*)$")


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
    """Sorted hashes of the text's numbers and of its capitalised words that do not merely begin a sentence.

    text: as people read it, with case and punctuation. Two template reports share their wording and differ in these.
    """
    found = sorted(xxhash.xxh3_64_intdigest(word.encode()) for word in _facts(text))
    return np.array(found, dtype=np.uint64)


def _facts(text: str) -> set[str]:
    facts = set()
    for match in _TELLING.finditer(text):
        start, end = match.span()
        word = text[start:end]
        if not word.isalpha() and any(map(str.isdigit, word)):
            facts.add(text[_word_start(text, start) : end])
        elif word[0].isupper() and len(word) > 1:
            amid = text[start - 1 : start] == " " and text[start - 2 : start - 1].isalnum()  # as most are: a short way
            if amid or (_word_start(text, start) == start and not _begins_sentence(text, start)):
                facts.add(word.casefold())
    return facts


def _word_start(text: str, place: int) -> int:
    """Where the word begins that this place is in."""
    while place and (text[place - 1].isalnum() or _is_link(text, place - 1)):
        place -= 1
    return place


def _is_link(text: str, place: int) -> bool:
    return text[place] in _LINKS and text[place - 1 : place].isalnum()


def _begins_sentence(text: str, start: int) -> bool:
    return _SENTENCE_END.search(text[max(start - 6, 0) : start]) is not None if start else True
