"""Imported by the process that readers are forked from: what one makes ready for its first page is there in all.

That is the language model, the rules in English, tables of characters: a second's work, and memory that they share.
"""

from __future__ import annotations

from datetime import UTC, datetime

from extract.model import Announcement, Page, Rejection, SourceName
from flows.reading import be_quiet
from transform.read import ReadPage, ReadSpec, read_page

_TEXT = "".join(
    f"<p>{who} of the harbour voted on {day} to keep the ferry running through the winter, after a long debate.</p>"
    for who, day in (("The council", "Monday"), ("The pilots", "Tuesday"), ("The owners", "Friday"))
)
_BODY = f"<html lang='en'><title>Ferry</title><body><article><h1>Ferry</h1>{_TEXT}</article></body></html>"
_URL = "https://daily.example/2025/03/11/ferry.html"
_PAGE = Page(
    url=_URL,
    final_url=_URL,
    status=200,
    headers=(("Content-Type", "text/html"),),
    body=_BODY.encode(),
    fetched_at=datetime(2025, 3, 11, tzinfo=UTC),
)


def read_one() -> ReadPage | Rejection:
    """What a made-up page says."""
    return read_page(_PAGE, Announcement(source=SourceName("daily")), ReadSpec())


be_quiet()
read_one()
