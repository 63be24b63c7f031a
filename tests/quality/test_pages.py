"""The quality corpus is what it says: its truth stands on its pages, and what is not truth is not in the text."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from lxml import html
from quality.build_pages import BuiltPage, build_pages, page_of, read_articles, write_pages

LANGUAGES = {"cs", "de", "el", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "uk", "zh"}


@pytest.fixture(scope="module")
def pages() -> list[BuiltPage]:
    return build_pages()


def test_every_language_has_its_pages(pages: list[BuiltPage]) -> None:
    counts = Counter(page.site.language for page in pages)
    assert set(counts) == LANGUAGES
    assert min(counts.values()) >= 4
    assert counts["en"] >= 8
    assert len(pages) >= 64


def test_there_are_many_sites_and_several_have_pages_enough_to_be_learned_from(pages: list[BuiltPage]) -> None:
    counts = Counter(page.site.name for page in pages)
    assert len(counts) >= 14
    assert sum(count >= 5 for count in counts.values()) >= 5


def test_pages_come_in_the_order_of_publication(pages: list[BuiltPage]) -> None:
    times = [page.article.published for page in pages]
    assert times == sorted(times)


def test_the_day_of_publication_is_the_same_in_local_time_and_utc(pages: list[BuiltPage]) -> None:
    for page in pages:
        assert page.article.published.date() == page.article.published.astimezone(UTC).date(), page.article.id


def test_every_line_of_the_truth_stands_on_its_page_in_its_order(pages: list[BuiltPage]) -> None:
    for page in pages:
        shown, cursor = shown_text(page), 0
        for line in page.article.text.splitlines():
            for cell in line.split(" | "):
                cursor = shown.find(squeezed(cell), cursor)
                assert cursor >= 0, (page.article.id, cell)


def test_title_and_authors_stand_on_the_page(pages: list[BuiltPage]) -> None:
    for page in pages:
        shown = shown_text(page)
        assert squeezed(page.article.title) in shown, page.article.id
        assert all(squeezed(name) in shown for name in page.article.authors), page.article.id


def test_no_line_of_the_truth_stands_around_the_text(pages: list[BuiltPage]) -> None:
    articles = read_articles()
    for page in pages:
        asides = tuple(block for block in page.article.body if block.kind == "aside")
        around = shown_text(page_of(replace(page.article, body=asides), page.site, articles))
        for line in page.article.text.splitlines():
            assert squeezed(line) not in around, (page.article.id, line)


def test_no_line_of_the_truth_recurs_on_its_site(pages: list[BuiltPage]) -> None:
    """Or it would be boilerplate by what it does."""
    lines = Counter((page.site.name, line) for page in pages for line in set(page.article.text.splitlines()))
    assert [line for line, count in lines.items() if count > 1] == []


def test_wire_reports_are_reprinted_under_other_titles(pages: list[BuiltPage]) -> None:
    written = {page.article.id: page.article for page in pages}
    reprints = [article for article in written.values() if article.copies]
    assert len(reprints) >= 2
    for article in reprints:
        wire = written[article.copies]
        shared = set(article.text.splitlines()) & set(wire.text.splitlines())
        assert len(shared) >= 5
        assert article.title != wire.title
        assert article.published > wire.published


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    write_pages(tmp_path / "once")
    write_pages(tmp_path / "again")
    names = sorted(path.name for path in (tmp_path / "once").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def test_each_page_has_a_row_of_truth(tmp_path: Path, pages: list[BuiltPage]) -> None:
    write_pages(tmp_path)
    rows = [json.loads(row) for row in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [page.article.id for page in pages]
    assert all((tmp_path / row["file"]).exists() for row in rows)
    assert set(rows[0]) == {"file", "id", "url", "lang", "text", "title", "authors", "date"}


def shown_text(page: BuiltPage) -> str:
    """All text of the page but its head, without white space."""
    tree = html.document_fromstring(page.body.decode(page.site.encoding))
    return squeezed(" ".join(tree.body.xpath(".//text()[not(ancestor::script or ancestor::style)]")))


def squeezed(text: str) -> str:
    return "".join(text.split())
