"""Texts → fingerprints: MinHash signatures by datasketch's permutations, and the LSH keys made of them.

MinHash: Broder, On the resemblance and containment of documents, 1997. Permutations: datasketch 2, scheme affine32.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from transform.bands import band_keys
from transform.model import Fingerprint, Hashes
from transform.normalize import words
from transform.shingles import fact_hashes, shingle_hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchSpec:
    """All that decides what a fingerprint looks like; its digest goes into every key and row.

    25 bands of 5 rows find pairs of Jaccard .5 with 55 %, .6 with 87 %, .7 with 99 %; the lead bands over the first
    60 words find copies whose tail was cut (candidates of later members: .87 without, .95 with them).
    """

    version: int = 1  # of normalisation, shingling and facts
    width: int = 5  # words of a shingle; word 3-grams and character n-grams let templates through
    permutations: int = 128
    seed: int = 1
    scheme: str = "affine32"
    bands: int = 25
    rows: int = 5
    lead_words: int = 60
    lead_width: int = 3
    lead_bands: int = 5
    lead_rows: int = 3
    min_words: int = 25  # shorter texts match by chance: compared by exact digest only

    @property
    def digest(self) -> bytes:
        """8 bytes that differ whenever a field does."""
        return hashlib.blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=8).digest()


def fingerprint(text: str, spec: SketchSpec) -> Fingerprint:
    """What the index compares of one text."""
    tokens = words(text)
    shingles = shingle_hashes(tokens, spec.width)
    signature = minhash(shingles, spec)
    long_enough = len(tokens) >= spec.min_words
    return Fingerprint(
        spec=spec.digest,
        words=len(tokens),
        text_digest=hashlib.blake2b(" ".join(tokens).encode(), digest_size=16).digest(),
        shingles=shingles,
        facts=fact_hashes(text),
        bands=_all_band_keys(tokens, signature, spec) if long_enough else np.empty(0, dtype=np.uint64),
    )


def minhash(hashes: Hashes, spec: SketchSpec) -> npt.NDArray[np.uint32]:
    """The MinHash signature of a set of 64-bit hashes, exactly datasketch's for their low 32 bits.

    Returns shape (spec.permutations,); all bits set for an empty set.
    """
    sketch = _empty(spec).copy()
    sketch.update_batch(_low_bits(hashes))
    values: npt.NDArray[np.uint32] = sketch.hashvalues
    return values


def _all_band_keys(tokens: list[str], signature: npt.NDArray[np.uint32], spec: SketchSpec) -> Hashes:
    lead = minhash(shingle_hashes(tokens[: spec.lead_words], spec.lead_width), spec)
    return np.concatenate(
        [
            band_keys(signature, spec.bands, spec.rows, salt=spec.digest + b"text"),
            band_keys(lead, spec.lead_bands, spec.lead_rows, salt=spec.digest + b"lead"),
        ]
    )


def _low_bits(hashes: Hashes) -> list[int]:
    low: list[int] = np.unique(hashes & np.uint64(0xFFFFFFFF)).tolist()
    return low


@lru_cache(maxsize=8)
def _empty(spec: SketchSpec) -> MinHash:
    return MinHash(num_perm=spec.permutations, seed=spec.seed, scheme=spec.scheme, hashfunc=int)
