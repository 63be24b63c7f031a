"""What a page's text shows it to be once it is clean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from extract.flags import holds_others
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


@pytest.mark.parametrize(
    "title",
    [
        "Tuesday briefing: ferry sold", "News in brief", "Europe: news in brief", "5 things to know this Monday",
        "Live: storm nears the coast", "Morgenbriefing: Fähre verkauft", "Przegląd prasy", "【早报】渡轮出售",
    ],
)  # fmt: skip
def test_a_title_tells_a_text_made_of_others(title: str) -> None:
    assert holds_others(title, ())


@pytest.mark.parametrize(
    "title", ["Mayor holds briefing on flood", "Police brief reporters", "Live music returns", "Court digest case", ""]
)
def test_a_title_that_speaks_of_such_texts_is_none(title: str) -> None:
    assert not holds_others(title, ())
    assert holds_others(title, ("live-blog",))
