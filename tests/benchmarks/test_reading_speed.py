"""How fast pages are read, by each profile, beside trafilatura alone on the same pages; run by `make bench`.

Medians, one core, on small pages of our own. Ratios within one run mean more than the figures of one machine.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from quality.build_pages import build_pages
from trafilatura import bare_extraction

from extract.charset import decode
from extract.model import Announcement, Page, Profile, SourceName
from transform.read import ReadSpec, read_page

HEADERS = (("content-type", "text/html"),)
FETCHED_AT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    """Those of the quality corpus."""
    return [
        Page(url=page.url, final_url=page.url, status=200, headers=HEADERS, body=page.body, fetched_at=FETCHED_AT)
        for page in build_pages()
    ]


@pytest.mark.benchmark(group="read a page")
def test_trafilatura_alone(benchmark: Any, pages: list[Page]) -> None:
    """The peer: main text and metadata, from decoded HTML to one document."""
    texts = [(decode(page.body, "text/html", None), page.url) for page in pages]
    benchmark(lambda: [bare_extraction(text, url=url, with_metadata=True) for text, url in texts])


@pytest.mark.benchmark(group="read a page")
@pytest.mark.parametrize("profile", Profile)
def test_read_page(benchmark: Any, pages: list[Page], profile: Profile) -> None:
    """Ours: from bytes to a cleaned, fingerprinted article."""
    announced, spec = Announcement(source=SourceName("bench")), ReadSpec(profile=profile)
    benchmark(lambda: [read_page(page, announced, spec) for page in pages])
