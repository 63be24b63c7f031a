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
_LINKS = ".,:/-"  # inside a number or a compound
# A word from its first capital or digit on. Those beyond the first plane are told when they are met: in a class of
# characters they would make the search ten times slower.
_PLANE = [*map(chr, range(0x10000))]
_TELLING = re.compile(
    f"[{''.join(c for c in _PLANE if c.isupper() or c.isdigit())}\U00010000-\U0010ffff]"
    rf"[^\W_]*(?:[{_LINKS}][^\W_]+)*"
)
_SENTENCE_END = re.compile(r"(?:[.!?:…。！？][\"'”’»)\]]*\s+|\n\s*|[\"“„«]\s*)$")
# Letters of scripts without spaces, where a number runs into the words around it.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_AMID_LETTERS = re.compile(rf"(\d+(?:[{_LINKS}]\d+)*)|[A-Za-z]{{2,}}")
# What stands in for capitals there: titles and terms in brackets, and Japanese foreign names.
_MARKED = re.compile("[「『《]([^「」『』《》\n]{2,20})[」』》]|[\u30a1-\u30fa\u30fc]{3,}")


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
    for match in _TELLING.finditer(text):
        start, end = match.span()
        word = text[start:end]
        if not word.isascii() and _UNSPACED.search(word):
            yield from ((_digits(found.group()), found[1] is not None) for found in _AMID_LETTERS.finditer(word))
        elif not word.isalpha() and any(map(str.isdigit, word)):
            yield _digits(text[_word_start(text, start) : end]), True
        elif word[0].isupper() and len(word) > 1:
            amid = text[start - 1 : start] == " " and text[start - 2 : start - 1].isalnum()  # as most are: a short way
            if amid or (_word_start(text, start) == start and not _begins_sentence(text, start)):
                yield word.casefold(), False
    if not text.isascii():
        yield from ((found[1] or found[0], False) for found in _MARKED.finditer(text))


def _word_start(text: str, place: int) -> int:
    """Where the word begins that this place is in."""
    while place and (text[place - 1].isalnum() or _is_link(text, place - 1)):
        place -= 1
    return place


def _is_link(text: str, place: int) -> bool:
    return text[place] in _LINKS and text[place - 1 : place].isalnum()


def _begins_sentence(text: str, start: int) -> bool:
    return _SENTENCE_END.search(text[max(start - 6, 0) : start]) is not None if start else True


def _digits(fact: str) -> str:
    """The same in one way of writing: full-width, Arabic, Thai and other figures are those of ASCII."""
    return fact if fact.isascii() else "".join(str(unicodedata.decimal(c, c)) for c in fact).casefold()


def _finalise(hashes: Hashes) -> Hashes:
    for shift, multiplier in _FMIX:
        hashes = (hashes ^ (hashes >> shift)) * multiplier
    return hashes ^ (hashes >> np.uint64(33))
