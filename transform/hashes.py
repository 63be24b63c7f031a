"""Hashes of many things at once, as arrays: of runs of values, and of fixed rows of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import xxhash

from transform.model import Hashes
from transform.normalize import Places

_MULTIPLIER = 0x9E3779B97F4A7C15  # odd, so that it has an inverse and no bit is lost (2**64 / golden ratio)
_FMIX = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_FMIX_SHIFT = np.uint64(33)
_COMMON_BITS = 17  # more values than that are rarely hashed at once


def run_hashes(values: npt.NDArray[np.uint32] | Hashes, starts: Places, ends: Places) -> Hashes:
    """One 64-bit hash for each run of values, the same wherever the run stands.

    starts, ends: of the runs, which may overlap. A polynomial of the values, by the difference of two running sums.
    """
    powers, inverses = _powers(max(len(values).bit_length(), _COMMON_BITS))
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values * inverses[: len(values)], out=sums[1:])
    return mixed((sums[ends] - sums[starts]) * powers[starts])


def row_hashes(rows: npt.NDArray[np.uint32], salts: Hashes) -> Hashes:
    """One 64-bit hash for each row of values, of all values of the row and of the salt of its place.

    rows: shape (…, places, values). salts: one a place, shape (places,). Returns shape (…, places).
    Multilinear: Lemire and Kaser, Strongly universal string hashing is fast, 2014.
    """
    return mixed(rows.astype(np.uint64) @ _multipliers(rows.shape[-1]) + salts)


def mixed(hashes: Hashes) -> Hashes:
    """Each of the hashes with all bits depending on all others: MurmurHash3's fmix64, which is one to one."""
    for multiplier in _FMIX:
        hashes = (hashes ^ (hashes >> _FMIX_SHIFT)) * np.uint64(multiplier)
    return hashes ^ (hashes >> _FMIX_SHIFT)


@lru_cache(maxsize=8)
def _multipliers(count: int) -> Hashes:
    return np.array([xxhash.xxh3_64_intdigest(b"row", place) | 1 for place in range(count)], dtype=np.uint64)


@lru_cache(maxsize=2)
def _powers(bits: int) -> tuple[Hashes, Hashes]:
    """The first 2**bits powers of the multiplier, and of its inverse."""
    inverse = pow(_MULTIPLIER, -1, 1 << 64)
    first, second = (np.full(1 << bits, base, dtype=np.uint64) for base in (_MULTIPLIER, inverse))
    first[0] = second[0] = 1
    return np.cumprod(first), np.cumprod(second)
