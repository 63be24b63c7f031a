"""The quick way to a page's text beside trafilatura's own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml.etree import _Element, tostring
from quality.build_pages import build_pages
from trafilatura import bare_extraction
from trafilatura.htmlprocessing import prune_unwanted_nodes
from trafilatura.settings import Document
from trafilatura.xpaths import RAW_TREE_PRUNE_XPATH, REMOVE_COMMENTS_AND_LISTS_XPATH

from extract.article import OpenPage, open_page
from extract.model import Announcement, Page, SourceName
from extract.quick import first_body

PROSE = "<p>The council of the harbour voted on Monday to keep the ferry running, its members said, after a debate.</p>"


def opened(body: bytes) -> OpenPage:
    url = "https://daily.example/2025/03/11/ferry.html"
    fetched_at = datetime(2025, 3, 12, tzinfo=UTC)
    page = Page(url=url, final_url=url, status=200, headers=(), body=body, fetched_at=fetched_at)
    found = open_page(page, Announcement(source=SourceName("daily")))
    assert isinstance(found, OpenPage)
    return found


def page_with(inside: str, prose: int = 30) -> OpenPage:
    article = f"<article><h1>Ferry</h1>{PROSE * prose}</article>"
    return opened(f"<html><head><title>Ferry</title></head><body>{article}{inside}</body></html>".encode())


def quickly(page: OpenPage) -> _Element | None:
    assert page.about is not None
    return first_body(page.about.tree, page.text, page.line)


def by_trafilatura(page: OpenPage) -> _Element | None:
    assert page.about is not None
    found = bare_extraction(page.about.tree, fast=True, include_comments=False, output_format="txt")
    return found.body if isinstance(found, Document) else None


def test_finds_what_trafilatura_finds() -> None:
    agreed = 0
    for built in build_pages()[::8]:
        page = opened(built.body)
        if (body := quickly(page)) is not None:
            theirs = by_trafilatura(page)
            assert theirs is not None
            assert tostring(body) == tostring(theirs), built.url
            agreed += 1
    assert agreed > 5


@pytest.mark.parametrize("tag", ["div", "section", "details", "ol", "ul", "p"])
@pytest.mark.parametrize(
    "named",
    [
        "id='comments'",
        "id='Comment-list'",
        "id='commentary'",
        "id='comolist'",
        "id='disqus_thread'",
        "id='dsq-comments'",
        "id='all-comments'",
        "class='comment-list wide'",
        "class='wide comment-list'",
        "class='wide article-comments'",
        "class='post-comments'",
        "class='commentary'",
    ],
)
def test_leaves_out_the_comments_that_trafilatura_leaves_out(tag: str, named: str) -> None:
    page = page_with(f"<main>{PROSE * 2}<{tag} {named}>{PROSE.replace('p>', 'div>') * 2}</{tag}></main>")
    body, theirs = quickly(page), by_trafilatura(page)
    assert body is not None
    assert theirs is not None
    assert tostring(body) == tostring(theirs)


def test_leaves_a_page_as_it_was() -> None:
    page = page_with("<div id='comments'>Well said.</div>")
    assert page.about is not None
    before = tostring(page.about.tree)
    quickly(page)
    assert tostring(page.about.tree) == before


@pytest.mark.parametrize(
    "inside",
    [
        '<script type="application/ld+json">{"@type": "DiscussionForumPosting"}</script>',
        f"<div id='mvp-post-add-box'>{PROSE}</div>",
        f"<section class='wide infinitescroll'>{PROSE}</section>",
        f"<div class='elementor-share-buttons--view'>{PROSE}</div>",
        f"<aside class='infinite-scroll'>{PROSE}</aside>",
    ],
)
def test_leaves_to_trafilatura_what_it_prunes_otherwise(inside: str) -> None:
    assert quickly(page_with(inside)) is None


@pytest.mark.parametrize(("prose", "inside"), [(1, ""), (3, f"<ul>{'<li>Ferry, tide and quay</li>' * 400}</ul>")])
def test_leaves_to_trafilatura_where_it_would_look_for_more(prose: int, inside: str) -> None:
    assert quickly(page_with(inside, prose)) is None


def test_knows_all_that_trafilatura_prunes_by() -> None:
    """What follows is written down in `extract.quick`; when it changes with an upgrade, that has to change, too."""
    pruned = "".join(one.path for one in RAW_TREE_PRUNE_XPATH)
    assert pruned.count("re:test") == 4
    assert pruned.count("contains") == 1
    assert len(REMOVE_COMMENTS_AND_LISTS_XPATH) == 1
    tree = page_with("<p class='commentary'>Well said.</p>").about
    assert tree is not None
    assert tostring(prune_unwanted_nodes(tree.tree, RAW_TREE_PRUNE_XPATH)) == tostring(tree.tree)
