"""A backfill asks for a span of time: what lies in it, and which parts of an archive can hold something of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from extract.model import FeedEntry, SitemapRef
from extract.spans import Span, is_in, may_hold

MARCH = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
IN_MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
IN_MAY = datetime(2026, 5, 10, 12, tzinfo=UTC)


def entry(path: str = "story", **times: datetime) -> FeedEntry:
    return FeedEntry(url=f"https://post.example/{path}", **times)


@pytest.mark.parametrize(
    ("announced", "lies_in_it"),
    [
        (entry(published_at=IN_MARCH), True),
        (entry(published_at=IN_MARCH, updated_at=IN_MAY), True),
        (entry(published_at=IN_MAY), False),
        (entry("2026/03/31/story", updated_at=IN_MAY), True),
        (entry("2026/05/01/story", updated_at=IN_MARCH), False),
        (entry("2026/02/30/story"), None),
        (entry(updated_at=IN_MARCH), True),
        (entry(updated_at=IN_MAY), False),
        (entry(), None),
        (entry(published_at=MARCH.since), True),
        (entry(published_at=MARCH.until), False),
    ],
)
def test_publication_counts_then_the_url_then_the_last_change(announced: FeedEntry, lies_in_it: bool | None) -> None:
    assert is_in(announced, MARCH) is lies_in_it


@pytest.mark.parametrize(
    ("name", "modified_at", "may"),
    [
        ("sitemap-1.xml", None, True),
        ("sitemap-1.xml", IN_MAY, True),
        ("sitemap-1.xml", datetime(2026, 2, 1, tzinfo=UTC), False),
        ("sitemap-2026-03.xml", IN_MAY, True),
        ("sitemap-2026-02.xml", IN_MAY, True),  # its last hours are March somewhere
        ("sitemap-2026-01.xml", IN_MAY, False),
        ("2026/03/07/sitemap.xml", None, True),
        ("sitemap-20260307.xml", None, True),
        ("sitemap-20260507.xml", None, False),
        ("sitemap.xml?yyyy=2026&mm=03", None, True),
        ("sitemap.xml?month=2024_11", None, False),
        ("sitemap-2026-03-47.xml", None, True),
        ("sitemap-120240399.xml", None, True),  # a number, no date
    ],
)
def test_a_part_of_an_archive_is_read_when_it_can_hold_something(
    name: str, modified_at: datetime | None, may: bool
) -> None:
    assert may_hold(SitemapRef(url=f"https://post.example/{name}", modified_at=modified_at), MARCH) is may


def test_what_bears_no_date_is_of_the_month_that_its_sitemap_is_named_for() -> None:
    assert is_in(entry(), MARCH, "https://post.example/sitemap-2026-03.xml") is True
    assert is_in(entry(), MARCH, "https://post.example/sitemap-2026-05.xml") is False
    assert is_in(entry(), MARCH, "https://post.example/sitemap.xml") is None
    assert is_in(entry(updated_at=IN_MAY), MARCH, "https://post.example/sitemap-2026-03.xml") is False
