"""Words → the hashes by which two texts are compared: shingles for wording, facts for what is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from transform.model import Hashes

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no word's bits are lost (2**64 / golden ratio)
_FMIX = ((np.uint64(33), np.uint64(0xFF51AFD7ED558CCD)), (np.uint64(33), np.uint64(0xC4CEB9FE1A85EC53)))
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


def shingle_hashes(words: Sequence[str], width: int) -> Hashes:
    """One 64-bit hash for every run of `width` words, in text order; empty when there are fewer words.

    Returns shape (max(len(words) - width + 1, 0),). Polynomial over xxh3 word hashes, then MurmurHash3's fmix64.
    """
    count = len(words) - width + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    word_hashes = np.fromiter((xxhash.xxh3_64_intdigest(word.encode()) for word in words), np.uint64, len(words))
    mixed = np.zeros(count, dtype=np.uint64)
    for offset in range(width):
        mixed = mixed * _MULTIPLIER + word_hashes[offset : offset + count]
    return _finalise(mixed)


def fact_hashes(text: str) -> Hashes:
    """Sorted hashes of the numbers a text states, which are odd, and of its names, which are even.

    text: as people read it, with case and punctuation. Two template reports share their wording and differ in these.
    Names are capitalised words that do not merely begin a sentence; in scripts without spaces and capitals what stands
    between 「」, 『』 or 《》, in Latin letters, or in a run of katakana.
    """
    found = {_fact_hash(fact, number) for fact, number in _facts(text)}
    return np.array(sorted(found), dtype=np.uint64)


def is_number(facts: Hashes) -> npt.NDArray[np.bool_]:
    """For each fact whether it is a number and no name."""
    odd: npt.NDArray[np.bool_] = (facts & np.uint64(1)).astype(np.bool_)
    return odd


def _fact_hash(fact: str, number: bool) -> int:
    return xxhash.xxh3_64_intdigest(fact.encode()) & ~1 | number


def _facts(text: str) -> Iterator[tuple[str, bool]]:
    """Each fact, and whether it is a number."""
    for line in text.splitlines():
        begins = True
        for word in line.split():
            if not word.islower() or _DIGIT.search(word):
                yield from _facts_of(word, begins)
            begins = not word[-1].isalnum() and _SENTENCE_END.search(word) is not None
    for match in _TITLED.finditer(text):
        yield match[1], False


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


def _finalise(hashes: Hashes) -> Hashes:
    for shift, multiplier in _FMIX:
        hashes = (hashes ^ (hashes >> shift)) * multiplier
    return hashes ^ (hashes >> np.uint64(33))
