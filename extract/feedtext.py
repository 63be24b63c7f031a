"""What a feed carried of an article whose page is refused: a page of its own kind, plain text of lower grade. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from extract.blocks import MIN_WORDS, count_words
from extract.headers import first_value
from extract.model import Page, Reason, Rejection
from extract.plaintext import read_lines

REFUSAL = "X-Storyfold-Refusal"
"""Our header of such a page: the verdict on the page itself, as 'reason: detail'."""

# The publisher has put these words into its feed, and only keeps the page from us. robots.txt and an opt-out speak of
# the article itself, and what is gone or no article is not brought back.
_LEAVES_THE_FEED = frozenset({Reason.REFUSED, Reason.BOT_WALL, Reason.EMPTY, Reason.PAYWALL_TEASER})
_TAKEN_DOWN = "451"  # by law: then not from the feed either


def feed_page(url: str, texts: Iterable[str], refusal: Rejection, now: datetime) -> Page | None:
    """A page of the first of these texts that is long enough for an article; None where none is, or it may not be.

    texts: plain, as the feed carried them
    """
    if refusal.reason not in _LEAVES_THE_FEED or refusal.detail.startswith(_TAKEN_DOWN):
        return None
    text = next((text for text in texts if count_words(read_lines(text)) >= MIN_WORDS), None)
    if text is None:
        return None
    return Page(
        url=url,
        final_url=url,
        status=200,
        headers=(
            ("Content-Type", "text/plain; charset=utf-8"),
            (REFUSAL, f"{refusal.reason}: {' '.join(refusal.detail.split())}"),
        ),
        body=text.encode(errors="replace"),
        fetched_at=now,
    )


def refusal_of(page: Page) -> Rejection | None:
    """The verdict on the page in whose place this one stands; None for a page that the web answered with."""
    said = first_value(page.headers, REFUSAL.lower())
    if not said:
        return None
    reason, _, detail = said.partition(": ")
    return Rejection(url=page.url, reason=Reason(reason), detail=detail) if reason in [*Reason] else None
