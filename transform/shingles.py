"""Words → the hashes by which two texts are compared: shingles for wording, facts for what is said."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import xxhash

from transform.model import Hashes

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no word's bits are lost (2**64 / golden ratio)
_FMIX = ((np.uint64(33), np.uint64(0xFF51AFD7ED558CCD)), (np.uint64(33), np.uint64(0xC4CEB9FE1A85EC53)))
_WORD = re.compile(r"[^\W_]+(?:[.,:/-][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?:^|[.!?:…。！？][\"'”’»)\]]*\s+|\n\s*|[\"“„«]\s*)$")


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
    """Sorted hashes of the text's numbers and of its capitalised words that do not merely begin a sentence.

    text: as people read it, with case and punctuation. Two template reports share their wording and differ in these.
    """
    found = {xxhash.xxh3_64_intdigest(word.encode()) for word in _facts(text)}
    return np.array(sorted(found), dtype=np.uint64)


def fact_words(text: str) -> list[str]:
    """The facts that are hashed, in text order, repeats kept: numbers, and names without case."""
    return list(_facts(text))


def _facts(text: str) -> list[str]:
    facts = []
    for match in _WORD.finditer(text):
        word = match.group()
        if not word.isalpha() and any(c.isdigit() for c in word):
            facts.append(word)
        elif word[0].isupper() and len(word) > 1 and not _begins_sentence(text, match.start()):
            facts.append(word.casefold())
    return facts


def _begins_sentence(text: str, start: int) -> bool:
    return _SENTENCE_END.search(text[max(start - 6, 0) : start]) is not None if start else True


def _finalise(hashes: Hashes) -> Hashes:
    for shift, multiplier in _FMIX:
        hashes = (hashes ^ (hashes >> shift)) * multiplier
    return hashes ^ (hashes >> np.uint64(33))
