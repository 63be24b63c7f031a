"""Source files as they are written, edited and named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.catalogue import read_source
from extract.model import (
    Bound,
    Expectations,
    Feed,
    FeedKind,
    FetchPolicy,
    OnBreach,
    OptOutPolicy,
    PauseScope,
    PollPolicy,
    Source,
    SourceName,
    UrlParams,
)
from extract.source_file import MAX_NAME_CHARS, free_name, name_for, slug, source_text, title_of, with_enabled

NEWSROOM = Path(__file__).parents[2] / "infra/newsroom/sources"
WRITTEN = """\
# By hand.
title = "The Herald"  # as it calls itself

feeds = [
    "https://a.example/feed",  # all
]

[fetch]  # politely
gap_s = 5.0
"""

lines = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40)
bounds = st.none() | st.builds(Bound, min=st.none() | st.floats(0, 0.5), max=st.floats(0.5, 1))
shares = bounds
urls = st.integers(0, 99).map("https://a.example/{}".format)
minutes = st.integers(1, 5000).map(lambda number: 60.0 * number)


@st.composite
def sources(draw: st.DrawFn) -> Source:
    first = draw(minutes)
    feeds = draw(st.lists(urls, unique=True, max_size=6))
    params = draw(st.lists(st.text("abcxyz", min_size=1, max_size=5), unique=True, max_size=4))
    return Source(
        name=SourceName("a"),
        title=draw(lines),
        homepage=draw(st.none() | urls),
        language=draw(st.sampled_from([None, "pl"])),
        country=draw(st.sampled_from([None, "PL"])),
        tier=draw(st.sampled_from([1, 2, 3])),
        feeds=tuple(Feed(url=url, kind=FeedKind.FEED) for url in feeds[:3])
        + tuple(Feed(url=url, kind=FeedKind.SITEMAP) for url in feeds[3:]),
        polling=replace(
            PollPolicy(),
            first_interval_s=first,
            min_interval_s=draw(st.sampled_from([min(300.0, first), 60.0])),
            max_interval_s=draw(st.sampled_from([max(86400.0, first), 600000.0])),
        ),
        fetch=FetchPolicy(
            gap_s=draw(st.floats(0, 100)),
            concurrency=draw(st.integers(1, 16)),
            retry_after_scope=draw(st.sampled_from(PauseScope)),
            opt_out=draw(st.sampled_from(OptOutPolicy)),
            allow_networks=draw(st.frozensets(st.sampled_from(["loopback", "private"]))),
            max_redirects=draw(st.integers(0, 20)),
        ),
        expect=Expectations(
            entries_per_day=draw(bounds),
            dated_share=draw(shares),
            short_share=draw(shares),
            languages=draw(st.sampled_from([(), ("pl",), ("en", "pl")])),
            on_breach=draw(st.sampled_from(OnBreach)),
        ),
        urls=UrlParams(keep=tuple(sorted(params[:2])), drop=tuple(sorted(params[2:]))),
        enabled=draw(st.booleans()),
    )


@given(sources(), lines)
def test_what_is_written_is_read_back(source: Source, note: str) -> None:
    notes = {"title": note, "interval_minutes": note, "fetch.gap_s": note, "expect.languages": note}
    assert read_source(source_text(source, notes, opening=note), "a") == source


@pytest.mark.parametrize("path", sorted(NEWSROOM.glob("*.toml")), ids=lambda path: path.stem)
def test_files_written_by_hand_survive_the_round_trip(path: Path) -> None:
    source = read_source(path.read_text("utf-8"), path.stem)
    assert read_source(source_text(source), path.stem) == source


def test_what_holds_anyway_is_not_written() -> None:
    defaults = FetchPolicy(user_agent="me/1")
    source = replace(read_source('title = "A"\nfeeds = ["https://a.example/1"]', "a"), fetch=defaults)
    assert source_text(source, defaults=defaults) == 'title = "A"\nfeeds = ["https://a.example/1"]\n'


def test_comments_stand_behind_their_keys() -> None:
    source = read_source('title = "A"\n[expect]\nlanguages = ["pl"]', "a")
    text = source_text(source, {"expect.languages": "all of 5 samples"}, opening="Seen today.")
    assert text == '# Seen today.\ntitle = "A"\n\n[expect]\nlanguages = ["pl"]  # all of 5 samples\n'


@pytest.mark.parametrize(
    "text", [WRITTEN, WRITTEN.replace("\n", "\r\n"), "[fetch]\ngap_s = 1\n", 'fetch.gap_s = 1\ntitle = "x"']
)
def test_switching_off_and_on_again_changes_nothing_else(text: str) -> None:
    off = with_enabled(text, False)
    assert off == f"enabled = false\n{text}"
    assert with_enabled(off, False) == off
    assert with_enabled(off, True) == text == with_enabled(text, True)


def test_a_switch_in_the_middle_of_a_file_is_found() -> None:
    text = WRITTEN.replace("\nfeeds", "enabled = false # at their wish\nfeeds")
    assert not read_source(text, "a").enabled
    assert read_source(with_enabled(text, True), "a").enabled
    assert "# By hand." in with_enabled(text, True) and "# politely" in with_enabled(text, True)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.harbour-courier.example/", "harbour-courier"),
        ("https://news.glos.co.uk/feed", "glos"),
        ("http://127.0.0.1:8080/", "127-0-0-1"),
    ],
)
def test_a_source_is_named_after_its_domain(url: str, name: str) -> None:
    assert name_for(url) == name
    assert re.fullmatch("[a-z0-9-]+", name_for("https://zażółć.example/"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Głos Doliny", "glos-doliny"),
        ("Søren & Ærø", "soren-aero"),
        ("Правда", "source"),
        ("--A__b--", "a-b"),
        ("", "source"),
    ],
)
def test_letters_are_made_plain(text: str, name: str) -> None:
    assert slug(text) == name


@given(st.text(max_size=400))
def test_any_text_gives_a_title_that_a_file_may_have(text: str) -> None:
    title = title_of(text)
    if title is not None:
        source = replace(read_source('title = "A"', "a"), title=title)
        assert read_source(source_text(source), "a") == source


@given(st.lists(st.text(max_size=200), max_size=20))
def test_any_texts_give_valid_and_different_names(texts: list[str]) -> None:
    taken: set[str] = set()
    for text in texts:
        name = free_name(text, taken)
        assert name not in taken
        read_source('title = "A"', name)
        assert len(name) <= MAX_NAME_CHARS + 3
        taken.add(name)
