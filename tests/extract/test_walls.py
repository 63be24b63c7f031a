"""Challenges of bot walls, told from pages. Those of each service: tests/misbehaving.py."""

from __future__ import annotations

import pytest
from misbehaving import HONEST, WALLS

from extract.walls import WALL_BYTES, wall_mark


@pytest.mark.parametrize("name", WALLS)
def test_an_article_that_shows_the_markup_of_a_wall_is_none(name: str) -> None:
    _, markup, _ = WALLS[name]
    escaped = markup.replace("&", "&amp;").replace("<", "&lt;")
    assert wall_mark((), f"<h1>How walls work</h1><pre>{escaped}</pre>".encode()) is None


def test_a_page_with_the_scripts_of_all_services_is_none() -> None:
    scripts = "<script src=/_Incapsula_Resource?SWJIYLWA=1></script><script>window._pxAppId='PX1'</script><script>window.KPSDK</script>"
    assert wall_mark((("x-datadome", "protected"), ("cf-ray", "1")), f"{HONEST}{scripts}".encode()) is None


def test_a_wall_is_named_by_its_service() -> None:
    _, markup, _ = WALLS["cloudflare"]
    assert wall_mark((), markup.encode()) == "a page of Cloudflare"
    assert wall_mark((("CF-Mitigated", "challenge"),), b"") == "cf-mitigated: challenge"


def test_a_challenge_is_a_small_page() -> None:
    _, markup, _ = WALLS["cloudflare"]
    assert wall_mark((), markup.encode() + bytes(WALL_BYTES)) is None
    assert wall_mark((), markup.encode() + b"<p>The pier was closed on Monday.</p>" * 30) is None


@pytest.mark.parametrize(
    "noise", ["<title>", "<title>" + " " * 9000, "<script>px-captcha _pxAppId", "<a" * 10 + "px-captcha _pxAppId"]
)
def test_no_page_takes_long_to_be_told_from_a_wall(noise: str) -> None:
    body = (noise * (WALL_BYTES // len(noise))).encode()
    assert wall_mark((), body) in (None, "a page of HUMAN")
