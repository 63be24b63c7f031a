"""What a page's text shows it to be once it is clean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from extract.model import Announcement, Flag, Page, Rejection, SourceName
from transform.read import ReadSpec, read_page

SENTENCE = "The harbour council voted on Tuesday evening to move the fish market to the north quay of the old town. "


@pytest.mark.parametrize(("sentences", "flags"), [(3, {Flag.SHORT}), (6, set())])
def test_a_whole_text_of_few_words_is_a_brief(sentences: int, flags: set[Flag]) -> None:
    page = Page(
        url="file:///in/market.txt",
        final_url="file:///in/market.txt",
        status=200,
        headers=(),
        body=(SENTENCE * sentences).encode(),
        fetched_at=datetime(2026, 3, 20, tzinfo=UTC),
    )
    read = read_page(page, Announcement(source=SourceName("test")), ReadSpec())
    assert not isinstance(read, Rejection)
    assert read.clean.article.flags == flags
