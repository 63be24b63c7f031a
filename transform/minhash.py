"""Texts → fingerprints: MinHash signatures by datasketch's permutations, and the LSH keys made of them.

MinHash: Broder, On the resemblance and containment of documents, 1997. Permutations: datasketch 2, scheme affine32.
Everything is computed for many texts at once, and is the same whichever texts they are computed with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from transform.bands import band_keys, band_salts
from transform.hashes import mixed, run_hashes
from transform.model import Fingerprint, Hashes
from transform.normalize import WORD, Places, normalize
from transform.shingles import FactReader, Words, hashed_words, shingle_hashes

Signatures = npt.NDArray[np.uint32]
Permutations = npt.NDArray[np.uint32]

VERSION = 2  # of normalisation, shingling, facts and keys, as this program has them

_BATCH = 1 << 16  # characters that are worked on together: their arrays fit the processor's cache
_CELLS = 1 << 17  # permuted values at a time, for the same reason
_FMIX = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchSpec:
    """All that decides what a fingerprint looks like; its digest goes into every key and row.

    20 bands of 5 rows find pairs of Jaccard .4 with 19 %, .5 with 47 %, .6 with 80 %, .7 with 97 %; 10 lead bands of 2
    rows over the first 60 words find copies whose tail was cut and texts that were rewritten further down. 25 bands of
    5 and 5 lead bands of 3 found a fifth fewer of the heavily edited copies (docs/decisions/0017).
    """

    version: int = VERSION  # texts are compared by no other version than this program's
    width: int = 5  # words of a shingle; word 3-grams and character n-grams let templates through
    characters: int = 8  # of Chinese and Japanese that weigh as much: no spaces part their words
    letters: int = 15  # of Thai, Lao, Khmer and Myanmar that do; a letter with its marks is one
    permutations: int = 128
    seed: int = 1
    scheme: Literal["affine32"] = "affine32"
    bands: int = 20
    rows: int = 5
    lead_words: int = 60
    lead_width: int = 3
    lead_bands: int = 10
    lead_rows: int = 2
    min_words: int = 25  # shorter texts match by chance: one key, which only a text of the same words has

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever a field does."""
        return hashlib.blake2b(json.dumps(self.parameters, sort_keys=True).encode(), digest_size=8).digest()

    @property
    def parameters(self) -> dict[str, Any]:
        """All fields, as JSON takes them."""
        return asdict(self)

    @property
    def shingling(self) -> tuple[int, ...]:
        """What shingles depend on: specs that agree in it hash them alike."""
        return self.version, self.width, self.characters, self.letters

    @classmethod
    def known(cls, parameters: Mapping[str, Any], digest: bytes) -> SketchSpec | None:
        """The spec of these parameters; None where this program would not make the same of it."""
        if parameters.get("version") != VERSION or parameters.keys() != {field.name for field in fields(cls)}:
            return None
        spec = cls(**parameters)
        return spec if spec.digest == digest else None


def fingerprint(text: str, spec: SketchSpec) -> Fingerprint:
    """What the index compares of one text."""
    return fingerprints([text], spec)[0]


def fingerprints(texts: Sequence[str], spec: SketchSpec) -> list[Fingerprint]:
    """What the index compares of each text."""
    return [print_ for batch in _batches(texts) for print_ in _fingerprints(batch, spec)]


def signatures(texts: Sequence[str], spec: SketchSpec) -> Signatures:
    """The MinHash signature of each text; shape (texts, spec.permutations)."""
    made = [_sketch([normalize(text) for text in batch], spec).signatures for batch in _batches(texts)]
    return np.concatenate([np.empty((0, spec.permutations), dtype=np.uint32), *made])


def minhash(hashes: Hashes, bounds: Places, permutations: Permutations) -> Signatures:
    """The MinHash signatures of sets of 64-bit hashes, exactly datasketch's for their low 32 bits.

    bounds: where each set begins among the hashes, and where the last one ends; shape (sets + 1,)
    Returns shape (sets, permutations); all bits set for an empty set.
    """
    count = permutations.shape[1]
    found = np.full((len(bounds) - 1, count), 0xFFFFFFFF, dtype=np.uint32)
    filled = np.flatnonzero(np.diff(bounds))  # reduceat has no empty ranges
    if not len(filled):
        return found
    low = _fmix32(hashes.astype(np.uint32))
    step = max(_CELLS // len(low), 1)
    for first in range(0, count, step):
        a, b = permutations[:, first : first + step, np.newaxis]
        permuted = low * a
        permuted += b
        found[filled, first : first + step] = np.minimum.reduceat(permuted, bounds[filled], axis=1).T
    return found


def permutations(spec: SketchSpec) -> Permutations:
    """Those of datasketch: h becomes a * h + b modulo 2**32. Shape (2, spec.permutations), first a, then b."""
    from datasketch import MinHash  # with scipy, which takes a second: who makes no fingerprint need not wait for that

    made: Permutations = MinHash(num_perm=spec.permutations, seed=spec.seed, scheme=spec.scheme).permutations
    return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fixed:
    """What follows from a spec alone."""

    digest: bytes
    weights: npt.NDArray[np.int64]  # of a WORD, a LETTER, a CHARACTER
    permutations: Permutations
    text_salts: Hashes
    lead_salts: Hashes
    whole_salt: Hashes

    @property
    def word(self) -> int:
        """What a word weighs."""
        return int(self.weights[WORD])


@lru_cache(maxsize=8)
def _fixed(spec: SketchSpec) -> _Fixed:
    weights = (spec.characters * spec.letters, spec.width * spec.characters, spec.width * spec.letters)
    return _Fixed(
        digest=spec.digest,
        weights=np.array(weights),
        permutations=permutations(spec),
        text_salts=band_salts(spec.digest + b"text", spec.bands),
        lead_salts=band_salts(spec.digest + b"lead", spec.lead_bands),
        whole_salt=band_salts(spec.digest + b"whole", 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sketch:
    """What is known of some texts, one after the other."""

    words: Words
    shingles: Hashes
    bounds: Places  # where the shingles of each text begin, and where the last one's end
    signatures: Signatures


def _sketch(normals: Sequence[str], spec: SketchSpec) -> _Sketch:
    fixed = _fixed(spec)
    words = hashed_words(normals, fixed.weights)
    shingles, bounds = shingle_hashes(words, spec.width * fixed.word)
    signed = minhash(shingles, bounds, fixed.permutations)
    return _Sketch(words=words, shingles=shingles, bounds=bounds, signatures=signed)


@lru_cache(maxsize=1)
def _facts() -> FactReader:
    """One for all texts of a process: most words of the next stood in those before."""
    return FactReader()


def _fingerprints(texts: Sequence[str], spec: SketchSpec) -> Iterator[Fingerprint]:
    facts = _facts()
    normals = [normalize(text) for text in texts]
    sketch = _sketch(normals, spec)
    keys, counts, bounds = _keys(sketch, spec), sketch.words.counts.tolist(), sketch.bounds.tolist()
    for place, (text, normal) in enumerate(zip(texts, normals, strict=True)):
        yield Fingerprint(
            spec=_fixed(spec).digest,
            words=counts[place],
            text_digest=hashlib.blake2b(normal.encode(), digest_size=16).digest(),
            shingles=sketch.shingles[bounds[place] : bounds[place + 1]].copy(),  # or it would keep those of all alive
            facts=facts.hashes(text),
            bands=keys[place],
        )


def _keys(sketch: _Sketch, spec: SketchSpec) -> list[Hashes]:
    """The keys of each text: of its bands, of the whole where it is too short for these, none where it has no words."""
    words, fixed = sketch.words, _fixed(spec)
    bands = np.concatenate([band_keys(sketch.signatures, spec.rows, fixed.text_salts), _lead_keys(words, spec)], axis=1)
    whole = mixed(run_hashes(words.hashes, words.bounds[:-1], words.bounds[1:]) ^ fixed.whole_salt)
    least = spec.min_words * fixed.word
    lengths = zip(words.totals.tolist(), words.counts.tolist(), strict=True)
    return [
        (bands[place] if total >= least else whole[place : place + min(count, 1)]).copy()
        for place, (total, count) in enumerate(lengths)
    ]


def _lead_keys(words: Words, spec: SketchSpec) -> Hashes:
    fixed = _fixed(spec)
    shingles, bounds = shingle_hashes(words.opening(spec.lead_words * fixed.word), spec.lead_width * fixed.word)
    lead = minhash(shingles, bounds, fixed.permutations[:, : spec.lead_bands * spec.lead_rows])
    return band_keys(lead, spec.lead_rows, fixed.lead_salts)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in their order, of each batch so many that they are worked on in the processor's cache."""
    start = size = 0
    for place, text in enumerate(texts):
        if size + len(text) > _BATCH and place > start:
            yield texts[start:place]
            start, size = place, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]


def _fmix32(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """MurmurHash3's finaliser, by which datasketch mixes hashes before it permutes them."""
    for shift, multiplier in _FMIX:
        hashes = (hashes ^ (hashes >> np.uint32(shift))) * np.uint32(multiplier)
    return hashes ^ (hashes >> np.uint32(16))
