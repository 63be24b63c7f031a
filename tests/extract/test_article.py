"""Pages as they come, and what is read from them; one folder a case under golden/articles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from extract.article import read_article
from extract.model import Announcement, Article, DateOrigin, Flag, Page, Reason, Rejection, SourceName
from extract.urls import url_key

GOLDEN = Path(__file__).parents[1] / "golden" / "articles"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())


def page_of(case: str) -> Page:
    given = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))["page"]
    (file,) = (GOLDEN / case).glob("page.*")
    return Page(
        url=given["url"],
        final_url=given.get("final_url", given["url"]),
        status=200,
        headers=tuple(given["headers"].items()),
        body=file.read_bytes(),
        fetched_at=datetime.fromisoformat(given["fetched_at"]),
    )


def announcement_of(case: str) -> Announcement:
    given = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))["announced"]
    published = given.pop("published_at", None)
    origin = given.pop("origin", None)
    return Announcement(
        source=SourceName("test"),
        published_at=published and datetime.fromisoformat(published),
        origin=origin and DateOrigin(origin),
        **given,
    )


def outcome(read: Article | Rejection) -> dict[str, Any]:
    """An article or rejection as expected.json writes it."""
    if isinstance(read, Rejection):
        return {"rejection": read.reason, "detail": read.detail}
    return {
        "url": read.url,
        "title": read.title,
        "authors": list(read.authors),
        "summary": read.summary,
        "language": read.language,
        "published_at": read.published_at and read.published_at.isoformat(),
        "date_precision": read.date_precision,
        "date_found_in": read.date_found_in,
        "modified_at": read.modified_at and read.modified_at.isoformat(),
        "flags": sorted(read.flags),
        "blocks": [
            [block.kind, block.text, *([round(block.link_share, 2)] if block.link_share else [])]
            for block in read.blocks
        ],
    }


@pytest.mark.parametrize("case", CASES)
def test_page_reads_as_expected(case: str) -> None:
    expected = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))["outcome"]
    assert outcome(read_article(page_of(case), announcement_of(case))) == expected
