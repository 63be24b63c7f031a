"""How fast texts become signatures and fingerprints, beside datasketch and rensa on the same texts; run by `make bench`.

Every bar starts from the text and ends at 128 permutations over its runs of five words, in processor time: so each peer is
given our words, which is the faster half of what it would have to do itself. Medians of a thousand texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time
from typing import Any

import numpy as np
import pytest
from datasketch import MinHash
from newsstream import stream
from planted import SPEC

from transform.minhash import fingerprints, signatures
from transform.normalize import normalize, words
from transform.shingles import hashed_words, shingle_hashes

rensa = pytest.importorskip("rensa")

TEXTS = [item.text for item in stream(seed=1, articles=1_000)]
WEIGHTS = np.array([120, 40, 75])


@pytest.mark.benchmark(group="1,000 texts to signatures", timer=process_time)
@pytest.mark.parametrize("batch", [1, 100, 1_000])
def test_signatures(benchmark: Any, batch: int) -> None:
    benchmark(lambda: [signatures(texts, SPEC) for texts in _batches(batch)])


@pytest.mark.benchmark(group="1,000 texts to signatures", timer=process_time)
def test_datasketch_update(benchmark: Any) -> None:
    """One call a shingle: how most of its users call it."""

    def signed(text: str) -> MinHash:
        sketch = MinHash(num_perm=SPEC.permutations)
        for shingle in _shingles(text):
            sketch.update(shingle)
        return sketch

    benchmark.pedantic(lambda: [signed(text) for text in TEXTS], rounds=1)


@pytest.mark.benchmark(group="1,000 texts to signatures", timer=process_time)
def test_datasketch_update_batch(benchmark: Any) -> None:
    def signed(text: str) -> MinHash:
        sketch = MinHash(num_perm=SPEC.permutations)
        sketch.update_batch(_shingles(text))
        return sketch

    benchmark(lambda: [signed(text) for text in TEXTS])


@pytest.mark.benchmark(group="1,000 texts to signatures", timer=process_time)
def test_datasketch_bulk(benchmark: Any) -> None:
    """Its fastest way, with its own hash."""
    benchmark(lambda: MinHash.bulk(map(_shingles, TEXTS), num_perm=SPEC.permutations))


@pytest.mark.benchmark(group="1,000 texts to signatures", timer=process_time)
def test_rensa_from_strings(benchmark: Any) -> None:
    benchmark(
        lambda: rensa.RMinHash.digest_matrix_from_token_byte_sets(
            [list(_shingles(text)) for text in TEXTS], num_perm=SPEC.permutations, seed=SPEC.seed
        )
    )


@pytest.mark.benchmark(group="1,000 texts to signatures", timer=process_time)
def test_rensa_from_our_shingles(benchmark: Any) -> None:
    """Signed by rensa, all before that by us."""

    def signed() -> object:
        made = hashed_words([normalize(text) for text in TEXTS], WEIGHTS)
        shingles, bounds = shingle_hashes(made, 600)
        return rensa.RMinHash.digest_matrix_from_flat_token_hashes(
            shingles, bounds.tolist(), num_perm=SPEC.permutations, seed=SPEC.seed
        )

    benchmark(signed)


@pytest.mark.benchmark(group="1,000 texts to fingerprints", timer=process_time)
@pytest.mark.parametrize("batch", [1, 100, 1_000])
def test_fingerprints(benchmark: Any, batch: int) -> None:
    """Signatures, facts, digests, and the keys of text and lead."""
    benchmark(lambda: [fingerprints(texts, SPEC) for texts in _batches(batch)])


def _batches(size: int) -> list[Sequence[str]]:
    return [TEXTS[start : start + size] for start in range(0, len(TEXTS), size)]


def _shingles(text: str) -> set[bytes]:
    tokens = words(text)
    return {" ".join(tokens[start : start + SPEC.width]).encode() for start in range(len(tokens) - SPEC.width + 1)}
