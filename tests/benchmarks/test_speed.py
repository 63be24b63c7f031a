"""How fast texts are fingerprinted, beside datasketch on the same texts; run by `make bench`.

Medians, one core. Ratios within one run mean more than the figures of one machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from datasketch import MinHash
from planted import SPEC, planted_stream, print_of

from transform.normalize import words

TEXTS = [item.text for item in planted_stream(seed=1, stories=150)]


@pytest.mark.benchmark(group="text to signature")
def test_fingerprint(benchmark: Any) -> None:
    """Ours: normalised, shingled, signed, banded, with its facts."""
    benchmark(lambda: [print_of(text) for text in TEXTS])


@pytest.mark.benchmark(group="text to signature")
def test_datasketch_bulk(benchmark: Any) -> None:
    """The peer: the same words, shingles as bytes, hashed and signed by datasketch's own bulk."""
    benchmark(lambda: MinHash.bulk((_shingles(words(text)) for text in TEXTS), num_perm=SPEC.permutations))


def _shingles(tokens: list[str]) -> Iterable[bytes]:
    return {" ".join(tokens[start : start + SPEC.width]).encode() for start in range(len(tokens) - SPEC.width + 1)}
