"""Signatures → LSH band keys.

Banding: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, §3.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xxhash

from transform.hashes import row_hashes
from transform.model import Hashes


def band_keys(signatures: npt.NDArray[np.uint32], rows: int, salts: Hashes) -> Hashes:
    """One 64-bit key a band; two texts with an equal key are candidates.

    signatures: shape (texts, at least bands * rows). salts: of the bands. Returns shape (texts, bands).
    """
    (texts, values), bands = signatures.shape, len(salts)
    if values < bands * rows:
        raise ValueError(f"a signature of {values} values has no {bands} bands of {rows} rows")
    return row_hashes(signatures[:, : bands * rows].reshape(texts, bands, rows), salts)


def band_salts(salt: bytes, bands: int) -> Hashes:
    """What tells the keys of each band from those of all others; shape (bands,).

    salt: tells specs and kinds of bands apart, so that their keys never meet
    """
    return np.array([xxhash.xxh3_64_intdigest(salt, band) for band in range(bands)], dtype=np.uint64)
