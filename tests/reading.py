"""A page read the way that tests look at: one page, its announcement, its article or why there is none."""

from __future__ import annotations

from extract.article import open_page, read_article, why_no_article
from extract.model import Announcement, Article, Page, Rejection


def article_on(page: Page, announced: Announcement) -> Article | Rejection:
    """What trafilatura finds on the page, before any cleaning."""
    opened = open_page(page, announced)
    if isinstance(opened, Rejection):
        return opened
    article = read_article(opened)
    return why_no_article(opened, article.blocks) or article
