"""What a feed carried, as a page of lower grade."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from reading import article_on

from extract.feedtext import feed_page, refusal_of
from extract.model import Announcement, Article, DateOrigin, Flag, Reason, Rejection, SourceName

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://daily.example/bridge"
TEXT = (
    "The toll on the Orrin bridge will rise from three to four crowns in April, the road authority announced after a"
    " meeting that lasted until late in the evening.\n\nCommuters may buy a monthly pass for 55 crowns."
)
TEASER = "The toll on the Orrin bridge will rise."


def refused(reason: Reason = Reason.REFUSED, detail: str = "403 Forbidden") -> Rejection:
    return Rejection(url=URL, reason=reason, detail=detail)


def test_the_first_text_that_is_long_enough_is_taken() -> None:
    page = feed_page(URL, [TEASER, TEXT], refused(), NOW)
    assert page is not None
    assert (page.body.decode(), page.fetched_at) == (TEXT, NOW)
    assert refusal_of(page) == refused()


@pytest.mark.parametrize(
    ("reason", "detail"),
    [
        *(
            (reason, "")
            for reason in (Reason.ROBOTS, Reason.OPT_OUT, Reason.GONE, Reason.NOT_ARTICLE, Reason.WRONG_TYPE)
        ),
        (Reason.REFUSED, "451 Unavailable For Legal Reasons"),
    ],
)
def test_who_does_not_want_it_used_or_has_withdrawn_it_is_heard(reason: Reason, detail: str) -> None:
    assert feed_page(URL, [TEXT], refused(reason, detail), NOW) is None


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.BOT_WALL, Reason.EMPTY, Reason.PAYWALL_TEASER])
def test_who_keeps_only_the_page_from_us_has_given_the_feed(reason: Reason) -> None:
    assert feed_page(URL, [TEXT], refused(reason), NOW) is not None


@pytest.mark.parametrize("texts", [[], [TEASER], ["", "  "]])
def test_a_few_words_are_no_article(texts: list[str]) -> None:
    assert feed_page(URL, texts, refused(), NOW) is None


def test_it_reads_as_an_article_that_says_what_it_is() -> None:
    page = feed_page(URL, [TEXT], refused(), NOW)
    announced = Announcement(
        source=SourceName("daily"), title="Bridge toll rises", summary=TEXT, published_at=NOW, origin=DateOrigin.FEED
    )
    assert page is not None
    article = article_on(page, announced)
    assert isinstance(article, Article)
    assert (article.title, article.flags, article.published_at) == ("Bridge toll rises", {Flag.FEED_TEXT}, NOW)
    assert "\n\n".join(block.text for block in article.blocks) == TEXT
    assert article.summary is None


def test_a_header_that_names_no_verdict_makes_no_such_page() -> None:
    page = feed_page(URL, [TEXT], refused(), NOW)
    assert page is not None
    object.__setattr__(page, "headers", (("X-Storyfold-Refusal", "because: of you"),))
    assert refusal_of(page) is None
