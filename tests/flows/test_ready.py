"""What reading processes find ready."""

from __future__ import annotations

from extract.language import _identifier
from flows.ready import read_one
from transform.packs import screens_for
from transform.read import ReadPage


def test_what_a_first_page_needs_is_there_once_the_module_is_imported() -> None:
    assert _identifier.cache_info().currsize == 1
    assert screens_for.cache_info().currsize >= 1
    assert isinstance(read_one(), ReadPage)
