"""When two feeds are one."""

from __future__ import annotations

import pytest

from extract.catalogue import read_source
from extract.mirrors import Mirror, alike, entry_keys, feed_form, likeness, mirrors
from extract.model import FeedEntry, Source


def entries(*numbers: int) -> list[FeedEntry]:
    return [FeedEntry(url=f"https://a.example/{number}") for number in numbers]


@pytest.mark.parametrize(
    "variant",
    [
        "http://a.example/feed",
        "https://www.a.example/feed/",
        "https://A.example:443/feed?utm_source=x",
        "https://a.example/?feed=rss2",
        "https://a.example/index.php?feed=rss",
    ],
)
def test_variants_of_an_address_have_one_form(variant: str) -> None:
    assert feed_form(variant) == feed_form("https://a.example/feed")


@pytest.mark.parametrize(
    "other", ["https://a.example/feed?page=2", "https://a.example/Feed", "https://b.example/feed", "nonsense"]
)
def test_other_addresses_have_other_forms(other: str) -> None:
    assert feed_form(other) != feed_form("https://a.example/feed")


def source(name: str, *feeds: str) -> Source:
    return read_source(f'title = "{name}"\nfeeds = {list(feeds)!r}', name)


def test_sources_that_share_a_feed_are_told_of_each_other() -> None:
    shared = mirrors(
        [
            source("a", "https://a.example/feed", "https://a.example/other"),
            source("b", "https://b.example/rss", "http://www.a.example/feed/"),
            source("c", "https://c.example/rss"),
        ]
    )
    assert shared == {
        "a": (Mirror(url="https://a.example/feed", other="b", other_url="http://www.a.example/feed/"),),
        "b": (Mirror(url="http://www.a.example/feed/", other="a", other_url="https://a.example/feed"),),
    }


def test_likeness_is_the_share_of_common_entries() -> None:
    assert likeness(entry_keys(entries(1, 2, 3)), entry_keys(entries(2, 3, 4))) == 0.5
    assert likeness(frozenset(), frozenset()) == 0.0


def test_entries_without_an_identity_count_for_nothing() -> None:
    assert len(entry_keys([*entries(1), FeedEntry(url="nonsense")])) == 1


def test_feeds_with_the_same_entries_are_found_among_many() -> None:
    keys = {number: entry_keys(entries(*range(10 * number, 10 * number + 10))) for number in range(500)}
    keys[500] = entry_keys(entries(*range(70, 79)))
    assert alike(keys) == [(7, 500)]
