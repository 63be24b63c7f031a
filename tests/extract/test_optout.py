"""What reserves a page from mining or training."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.headers import Headers
from extract.optout import page_opt_outs, read_robots_opt_outs, read_tdmrep, reserving
from extract.robots import read_robots

AGENT = "storyfold/0.1 (news archive; +https://storyfold.example/bot)"
PAGE = "https://daily.example/politics/a?page=2"


def by_robots(text: str, url: str = PAGE) -> tuple[str, ...]:
    return read_robots_opt_outs(read_robots(200, text.encode())).of(url, AGENT)


def by_page(head: str = "", headers: Headers = (), tdmrep: object = None, path: str = "/politics/a") -> tuple[str, ...]:
    body = f"<!doctype html><head><title>Pier closed</title>{head}</head><body><p>noai, noml, tdm-reservation".encode()
    return page_opt_outs(headers, body, read_tdmrep(json.dumps(tdmrep).encode()), path)


def meta(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{content}">'


def test_ai_agents_that_robots_txt_names_and_keeps_out_are_signals() -> None:
    text = "User-agent: gptbot\nUser-agent: CCBot/2.0\nDisallow: /politics\nAllow: /politics/open\n\nUser-agent: ClaudeBot\nDisallow: /sport"
    assert by_robots(text) == ("robots:GPTBot", "robots:CCBot")
    assert by_robots(text, "https://daily.example/politics/open/a") == ()
    assert by_robots(text, "https://daily.example/sport/a") == ("robots:ClaudeBot",)


def test_a_group_for_everybody_singles_nobody_out() -> None:
    assert by_robots("User-agent: *\nDisallow: /politics") == ()
    assert by_robots("User-agent: *\nDisallow: /politics\n\nUser-agent: GPTBot\nAllow: /") == ()


@pytest.mark.parametrize(
    ("text", "signals"),
    [
        ("User-Agent: *\nContent-Signal: search=yes,ai-train=no\nAllow: /", ("robots:ai-train=no",)),
        ("User-Agent: *\ncontent-signal: ai-input = no, AI-Train = No", ("robots:ai-input=no", "robots:ai-train=no")),
        ("User-Agent: *\nContent-Signal: search=no, ai-train=yes, ai-input=nothing", ()),
        ("User-Agent: *\nContent-Signal: ai-train=no\n\nUser-agent: storyfold\nAllow: /", ()),
        ("User-Agent: otherbot\nContent-Signal: ai-train=no\n\nUser-agent: *\nAllow: /", ()),
        ("# Content-Signal: ai-train=no\nContent-Signal: ai-train=no", ()),
    ],
)
def test_content_signals_count_where_they_are_meant_for_us(text: str, signals: tuple[str, ...]) -> None:
    assert by_robots(text) == signals


@pytest.mark.parametrize(
    ("headers", "signals"),
    [
        ((("X-Robots-Tag", "noindex, NoAI"),), ("header:noai",)),
        ((("x-robots-tag", "otherbot: noimageai"), ("X-Robots-Tag", "noml")), ("header:noimageai", "header:noml")),
        ((("X-Robots-Tag", "noindex, noarchive"),), ()),
        ((("TDM-Reservation", " 1 "),), ("header:tdm-reservation",)),
        (
            (("tdm-reservation", "1"), ("tdm-policy", "https://daily.example/terms")),
            ("header:tdm-reservation", "tdm-policy:https://daily.example/terms"),
        ),
        ((("tdm-reservation", "0"), ("tdm-policy", "https://daily.example/terms")), ()),
        ((("tdm-reservation", "yes"),), ()),
    ],
)
def test_signals_in_headers(headers: Headers, signals: tuple[str, ...]) -> None:
    assert by_page(headers=headers) == signals


@pytest.mark.parametrize(
    ("head", "signals"),
    [
        (meta("robots", "max-image-preview:large, noai"), ("meta:noai",)),
        ("<META content='noml' name=ROBOTS>", ("meta:noml",)),
        (meta("tdm-reservation", "1"), ("meta:tdm-reservation",)),
        (meta("description", "How noai came to be"), ()),
        (f"<!-- {meta('robots', 'noai')} -->", ()),
        (f"<script>var head = '{meta('robots', 'noai')}'</script>", ()),
        ("", ()),
    ],
)
def test_signals_in_the_head_of_a_page(head: str, signals: tuple[str, ...]) -> None:
    assert by_page(head) == signals


@pytest.mark.parametrize(
    ("location", "path", "reserved"),
    [
        ("/", "/politics/a", True),
        ("/politics/*", "/politics/a?page=2", True),
        ("/politics/a$", "/politics/a", True),
        ("/politics/a$", "/politics/ab", False),
        ("/*.pdf$", "/politics/a", False),
        ("*", "/politics/a", True),
    ],
)
def test_tdmrep_json_speaks_of_paths(location: str, path: str, reserved: bool) -> None:
    rules = [{"location": location, "tdm-reservation": 1}]
    assert by_page(tdmrep=rules, path=path) == (("tdmrep",) if reserved else ())


@pytest.mark.parametrize("policy", [7, "", "a\0b", "\ud800", "https://daily.example/" + "a" * 500])
def test_terms_that_are_no_url_are_left_out(policy: object) -> None:
    assert by_page(tdmrep=[{"location": "/", "tdm-reservation": 1, "tdm-policy": policy}]) == ("tdmrep",)


def test_the_first_rule_of_tdmrep_json_that_fits_counts() -> None:
    rules = [{"location": "/politics", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]
    assert by_page(tdmrep=rules) == ()
    assert by_page(tdmrep=rules, path="/sport/a") == ("tdmrep",)


def test_the_page_outranks_the_header_and_the_header_the_file() -> None:
    file = [{"location": "/", "tdm-reservation": 1}]
    no, yes = (("tdm-reservation", "0"),), (("tdm-reservation", "1"),)
    assert by_page(headers=no, tdmrep=file) == ()
    assert by_page(meta("tdm-reservation", "0"), yes, file) == ()
    assert by_page(meta("tdm-reservation", "1"), no) == ("meta:tdm-reservation",)


@pytest.mark.parametrize(
    "tdmrep",
    [
        None, 7, {}, {"location": "/", "tdm-reservation": 1}, [7], [[]], [{}], [{"location": 1, "tdm-reservation": 1}],
        [{"location": "/"}], [{"location": "/", "tdm-reservation": 2}], [{"location": "/", "tdm-reservation": [1]}],
        [{"location": "/\nUser-agent: x", "tdm-reservation": 1}], [{"location": "", "tdm-reservation": 1}],
        [{"location": "/\ud800", "tdm-reservation": 1}], [{"location": "/", "tdm-reservation": True}],
    ],
)  # fmt: skip
def test_a_tdmrep_json_of_another_shape_says_nothing(tdmrep: object) -> None:
    assert by_page(tdmrep=tdmrep) == ()


@pytest.mark.parametrize("body", [b"", b"<!doctype html>", b"[" * 100_000, b"\xff\xfe", b'[{"location": "/"'])
def test_what_is_no_json_says_nothing(body: bytes) -> None:
    assert read_tdmrep(body) == ()


def test_what_reserves_a_text() -> None:
    assert reserving(("header:noimageai", "robots:GPTBot")) == "robots:GPTBot"
    assert reserving(("meta:noimageai",)) is None
    assert reserving(()) is None


@given(st.binary(max_size=300), st.text(max_size=50))
def test_any_head_can_be_read(noise: bytes, value: str) -> None:
    body = b"<head><meta name=robots content='noai'" + noise
    assert isinstance(page_opt_outs((("tdm-policy", value),), body, (), "/"), tuple)


@pytest.mark.parametrize("noise", ["<meta ", "<meta " + "a" * 5000, "<meta a" + " " * 5000, "<!--", "<script>", "a='"])
def test_no_head_takes_long_to_read(noise: str) -> None:
    assert by_page("noai" + noise * (200_000 // len(noise))) == ()


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: agent{n}\n" for n in range(12_000)) + "Content-Signal: ai-train=no\n" * 9_000,
        "".join(f"User-agent: agent{n}\nContent-Signal: ai-train=no\n" for n in range(9_000)),
        "".join(f"User-agent: GPTBot\nDisallow: /{n}*a*b$\n" for n in range(9_000)),
    ],
)
def test_no_robots_txt_takes_long_to_read(text: str) -> None:
    assert by_robots(text) == ()
