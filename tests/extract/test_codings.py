"""Bodies without their content codings, whole or not at all."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.codings import CodingError, undo_codings

PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}


@given(st.binary(max_size=3000), st.lists(st.sampled_from(["gzip", "deflate", "br"]), max_size=3))
def test_codings_are_undone_in_reverse(body: bytes, codings: list[str]) -> None:
    packed = body
    for coding in codings:
        packed = PACK[coding](packed)
    assert undo_codings(packed, ", ".join(codings).upper(), 10_000) == body


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "deflate", "br"]))
def test_any_bytes_are_coded_or_not(body: bytes, coding: str) -> None:
    with suppress(CodingError):
        assert len(undo_codings(body, coding, 1000)) <= 100_000


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_body_past_the_limit_is_not_decompressed_far_past_it(coding: str) -> None:
    assert 1000 < len(undo_codings(PACK[coding](bytes(10**7)), coding, 1000)) < 100_000
    assert undo_codings(PACK[coding](bytes(1000)), coding, 1000) == bytes(1000)
