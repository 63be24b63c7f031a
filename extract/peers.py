"""What other extractors make of a page when they read it alone: what ours is measured beside.

Each as its users call it, on the bytes. None of it gets into the store.
"""

from __future__ import annotations

from lxml.etree import LxmlError
from readability import Document as ReadabilityDocument
from readability.readability import Unparseable
from trafilatura import bare_extraction
from trafilatura.settings import Document

from extract.charset import decode
from extract.headers import first_value
from extract.model import Page, Said
from extract.text import plain_text


def by_trafilatura(page: Page) -> Said:
    """Bare trafilatura: its defaults, with metadata and tables and without comments."""
    found = bare_extraction(
        page.body, url=page.final_url, with_metadata=True, include_comments=False, include_tables=True
    )
    if not isinstance(found, Document):
        return Said(text="")
    names = (name.strip() for name in (found.author or "").split(";"))
    return Said(text=found.text or "", title=found.title, authors=tuple(filter(None, names)), date=found.date)


def by_readability(page: Page) -> Said:
    """readability-lxml: the text alone, since it names neither authors nor a date."""
    html = decode(page.body, first_value(page.headers, "content-type"), None)
    try:
        return Said(text=plain_text(ReadabilityDocument(html).summary(html_partial=True)))
    except (Unparseable, LxmlError):
        return Said(text="")
