"""Bylines taken apart into names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import html

from extract.authors import names_in, read_authors, reads_as_name
from extract.bylines import shown_byline
from extract.metadata import read_about
from extract.model import Announcement, Page, SourceName


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ada Brook, Jonas Quill and Mia Lund", ["Ada Brook", "Jonas Quill", "Mia Lund"]),
        ("Von Dr. Max Reiter und Hanne Specht", ["Dr. Max Reiter", "Hanne Specht"]),
        ("par Marie Dupont et Jean d'Ormoy", ["Marie Dupont", "Jean d'Ormoy"]),
        ("Jan Nowak i Anna Wilk", ["Jan Nowak", "Anna Wilk"]),
        ("Por José Ortega y Gasset", ["José Ortega y Gasset"]),
        ("Maria & Katerina", ["Maria & Katerina"]),
        ("Di Mario Rossi e Anna Bianchi", ["Mario Rossi", "Anna Bianchi"]),
        ("Written By:Ada Brook", ["Ada Brook"]),
        ("Text: Jan Novák", ["Jan Novák"]),
        ("Автор: Иван Петров", ["Иван Петров"]),
        ("本报记者 王小明、李四", ["王小明", "李四"]),
        ("신현주 기자", ["신현주"]),
        ("文／王小明", ["王小明"]),
        ("Brook, Ada", ["Brook, Ada"]),
        ("Erik van der Berg", ["Erik van der Berg"]),
    ],
)
def test_a_byline_is_taken_apart_in_many_languages(byline: str, names: list[str]) -> None:
    assert list(names_in(byline)) == names


@pytest.mark.parametrize(
    "byline",
    [
        "Ada Brook, Senior Reporter",
        "Ada Brook, Port Ellery Bureau Chief",
        "Ada Brook, Brede",
        "Ada Brook in Brussels",
        "Ada Brook from Port Ellery",
        "Ada Brook (@adabrook)",
        "Ada Brook ada@post.example",
        "Ada Brook • March 12",
        "Ada Brook - Post Editorial Team",
        "Ada Brook Last updated 3 May",
        "Ada Brook December",
        "Ada Brook, MD, PhD",
        "Ada Brook and agencies",
        "Ada Brook and staff",
        "Ada Brook with AFP",
        "Ada Brook mit dpa",
    ],
)
def test_what_stands_around_a_name_is_cut_off(byline: str) -> None:
    assert list(names_in(byline)) == ["Ada Brook"]


@pytest.mark.parametrize(
    "byline",
    [
        "Staff and agencies",
        "Web Desk",
        "News Desk",
        "La Rédaction",
        "Redaktion",
        "admin",
        "q_admin",
        "ada.brook",
        "Dec",
    ],
)
def test_desks_logins_and_dates_are_no_names(byline: str) -> None:
    assert list(names_in(byline)) == []


def test_agencies_are_names() -> None:
    assert list(names_in("Felix Reiter und Jörg Wald, dpa")) == ["Felix Reiter", "Jörg Wald", "dpa"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Brook", True),
        ("松岡大地", True),
        ("Follow us on Twitter", False),
        ("HR", False),
        ("Ludwig van Lund", True),
    ],
)
def test_names_are_known_by_how_they_are_written(text: str, expected: bool) -> None:
    assert reads_as_name(text) is expected


# --- Bylines that a page shows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("under_title", "names"),
    [
        ('<div class="firma">di <em>Ada Torre</em></div>', "Ada Torre"),
        ("<p>door Jan van der Berg</p>", "Jan van der Berg"),
        ("<i>06/09/2025 | Γράφει: Άννα Μπρουκ</i>", "Άννα Μπρουκ"),
        ("<p>Filed 2025-09-11 11:02 by Ada Brook</p>", "Ada Brook"),
        ("<div>2025年09月05日 15:20 来源：晚报 作者：王小明 李四 字号：<a>大</a></div>", "王小明;李四"),
        ('<p class="kisha">山田花子</p>', "山田花子"),
        ("<p>von <!-- --><a href='/hanne'>Hanne Specht</a></p>", "Hanne Specht"),
        ("<p>The ferry was late.</p><div align='right'><b>Анна Река, Иван Бук</b></div>", "Анна Река;Иван Бук"),
        ("<p style='text-align: right'><b>Lê Phương</b></p>", "Lê Phương"),
    ],
)
def test_a_byline_is_found_under_the_title_or_at_the_right(under_title: str, names: str) -> None:
    for title in ("<h1>The ferry</h1>", "<h1><a>The ferry</a></h1>", "<div class='tit'>The ferry</div>"):
        page = html.document_fromstring(f"<html><body><p>By Nav Menu</p>{title}{under_title}</body></html>")
        assert shown_byline(page, "The ferry") == names


@pytest.mark.parametrize(
    "under_title",
    [
        "<p>By noon the ferry had come back, and nobody asked for the money.</p>",
        "<p>Related Articles</p><script>by = 'Ada Brook'</script>",
        "<table><tr align='right'><td>Suggested Amount</td></tr></table>",
        "<p>记者：第一个录的是什么？</p>",
        f"<p>{'The ferry was late. ' * 9}</p>" * 40 + "<p>By Ada Brook</p>",
    ],
)
def test_what_is_no_byline_names_nobody(under_title: str) -> None:
    page = html.document_fromstring(f"<html><body><h1>The ferry</h1>{under_title}</body></html>")
    assert shown_byline(page, "The ferry") is None


@pytest.mark.parametrize(
    ("author", "site", "names"),
    [
        ("Ledger Staff", "Lakeford Ledger", ()),
        ("Kamenické listy", "Kamenické listy", ()),
        ("Newsroom", "Lakeford Ledger", ()),
        ("Ada Brook", "Lakeford Ledger", ("Ada Brook",)),
        ("Ada Brook", "Ada Brook", ("Ada Brook",)),  # on a page of hers
    ],
)
def test_desks_and_papers_are_no_authors(author: str, site: str, names: tuple[str, ...]) -> None:
    page = Page(
        url="https://post.example/2026/ferry",
        final_url="https://post.example/2026/ferry",
        status=200,
        headers=(),
        body=b"",
        fetched_at=datetime(2026, 3, 20, tzinfo=UTC),
    )
    named = "" if site == author else f"<meta property='og:site_name' content='{site}'>"
    head = f"<title>The ferry - {site}</title><meta name='author' content='{author}'>{named}"
    about = read_about(page, html.document_fromstring(f"<html><head>{head}</head><body></body></html>"))
    assert read_authors(about, Announcement(source=SourceName("test")), (), lambda: None) == names
