"""Bodies without their content codings, whole or not at all."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from extract.codings import CodingError, undo_codings

PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}


@given(st.binary(max_size=3000), st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), max_size=3))
def test_codings_are_undone_in_reverse(body: bytes, codings: list[str]) -> None:
    packed = body
    for coding in codings:
        packed = PACK[coding](packed)
    assert undo_codings(packed, ", ".join(codings).upper(), 10_000) == body


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_any_bytes_are_coded_or_not(body: bytes, coding: str) -> None:
    with suppress(CodingError):
        assert len(undo_codings(body, coding, 1000)) <= 100_000


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_past_the_limit_is_not_decompressed_far_past_it(coding: str) -> None:
    assert 1000 < len(undo_codings(PACK[coding](bytes(10**7)), coding, 1000)) < 100_000
    assert undo_codings(PACK[coding](bytes(1000)), coding, 1000) == bytes(1000)


def test_zstd_frames_follow_each_other_and_may_not_be_cut() -> None:
    packed = zstandard.compress(b"The pier ") + zstandard.compress(b"is closed.")
    assert undo_codings(packed, "zstd", 1000) == b"The pier is closed."
    for length in range(1, len(packed)):
        with suppress(CodingError):
            assert undo_codings(packed[:length], "zstd", 1000) == b"The pier "  # the end of the first


def test_zstd_may_not_ask_for_more_memory_than_http_allows() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(CodingError, match="not compressed as said"):
        undo_codings(packer.compress(b"a" * 100) + packer.flush(), "zstd", 1000)


def test_codings_upon_codings_are_not_undone() -> None:
    with pytest.raises(CodingError, match="9 content codings"):
        undo_codings(b"", ", ".join(["gzip"] * 9), 1000)
