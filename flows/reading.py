"""What a worker process does with one page or feed: read its bytes. Imports no Prefect."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from dateutil.parser import UnknownTimezoneWarning

from extract.documents import read_as
from extract.feeds import NotAFeed
from extract.model import Announcement, FeedDocument, FeedKind, Page, Rejection
from extract.warc import WarcPlace
from extract.warc import read_page as read_bytes
from transform.memory import BLANK, SiteMemory

if TYPE_CHECKING:
    from transform.read import ReadPage, ReadSpec


def read_archived_page(
    archive: str, place: WarcPlace, announced: Announcement, spec: ReadSpec, memory: SiteMemory = BLANK
) -> ReadPage | Rejection:
    """What the archived page says, or why it is no article.

    Raises ArchiveDamaged when its bytes are not where they should be.
    """
    from transform.read import read_page  # all extractors: who reads feeds alone need not wait for them

    return read_page(read_bytes(archive, place), announced, spec, memory)


def read_feed_page(kind: FeedKind, page: Page) -> FeedDocument | NotAFeed:
    """What a feed or sitemap says, or why it is none."""
    try:
        return read_as(kind, page)
    except NotAFeed as fault:
        return fault


def be_quiet() -> None:
    """Keep extractors from logging what is wrong with a page: its outcome says it."""
    for name in ("trafilatura", "htmldate", "courlan", "readability", "newspaper"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=UnknownTimezoneWarning)
