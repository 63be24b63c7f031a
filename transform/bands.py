"""Signature → LSH band keys.

Banding: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, §3.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xxhash

from transform.model import Hashes


def band_keys(signature: npt.NDArray[np.uint32], bands: int, rows: int, *, salt: bytes) -> Hashes:
    """One 64-bit key a band; two texts with an equal key are candidates.

    signature: shape (at least bands * rows,)
    salt: tells specs and kinds of bands apart, so that their keys never meet.
    """
    if len(signature) < bands * rows:
        raise ValueError(f"a signature of {len(signature)} values has no {bands} bands of {rows} rows")
    seed = xxhash.xxh3_64_intdigest(salt)
    rows_of = signature[: bands * rows].astype("<u4").reshape(bands, rows)
    keys = (xxhash.xxh3_64_intdigest(rows_of[band].tobytes(), seed ^ band) for band in range(bands))
    return np.fromiter(keys, np.uint64, bands)
