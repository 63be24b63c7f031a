"""Lists and tables of URLs as people and programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from extract.files import NothingToLoad, read_list
from extract.lists import Listed, NotAList, is_url_list, read_table, read_url_list
from extract.model import FeedEntry

A, B = "https://post.example/a", "https://post.example/b"


def urls(table: str) -> list[str]:
    return [item.entry.url for item in read_table(table).items]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_whatever_parts_its_cells_and_rows(delimiter: str, end: str) -> None:
    rows = [["Title", "URL"], ["Ferry", A], ["Tuba", B]]
    assert urls(end.join(delimiter.join(row) for row in rows)) == [A, B]


def test_a_row_is_read_whole() -> None:
    table = (
        "Link,Headline,Publish Date,lastmod,Byline,Description,Media Name,words\n"
        f'{A},"Ferry, ""late""\nagain",2026-03-02T09:00:00+01:00,2026-03-03,Ada Brook; Jonas Quill,Left at seven.,The Post,90\n'
    )
    entry = FeedEntry(
        url=A,
        title='Ferry, "late" again',
        summary="Left at seven.",
        authors=("Ada Brook", "Jonas Quill"),
        published_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
        updated_at=datetime(2026, 3, 3, tzinfo=UTC),
    )
    assert read_table(table).items == (Listed(entry=entry, source="The Post"),)


def test_a_hint_for_excel_a_mark_and_blank_lines_are_passed_over() -> None:
    assert urls(f"\ufeffsep=;\n\nurl;title\n\n{A};x\n") == [A]


def test_the_first_of_two_columns_that_mean_the_same_counts() -> None:
    assert urls(f"url,link\n{A},{B}\n") == [A]


@pytest.mark.parametrize("broken", ['"Ferry', 'Ferry "late"', '"Ferry" late', '"', 'a "b'])
def test_a_badly_quoted_row_keeps_its_url_and_costs_no_other(broken: str) -> None:
    assert urls(f"url,title\n{A},{broken}\n" + f"{B},Tuba\n" * 99) == [A, *[B] * 99]


def test_rows_without_a_url_are_counted() -> None:
    listing = read_table(f"url,title\n,x\n{A},y\n , \nfile:///home/a.html,z\npost.example/a,z\n")
    assert (len(listing.items), listing.left_out) == (1, 4)


@pytest.mark.parametrize("table", ["", "\n", "title,date\nx,y\n", "just words", f"{A}\n{B}\n"])
def test_a_table_without_a_column_of_urls_is_refused(table: str) -> None:
    with pytest.raises(NotAList):
        read_table(table)


@pytest.mark.parametrize(
    ("text", "is_list"),
    [
        (f"{A}\n{B}\n", True),
        (f"\ufeff# mine\n\n  {A}  # first\r\n{B}", True),
        (f"See {A}\n", False),
        (f"{A}\nA fire broke out.\n", False),
        (f"{A} {B}\n", False),
        ("# only a comment\n", False),
        ("ftp://post.example/a\n", False),
        ("", False),
    ],
)
def test_a_text_is_a_list_when_every_line_is_a_url(text: str, is_list: bool) -> None:
    assert is_url_list(text) is is_list


def test_lines_without_a_url_are_counted() -> None:
    listing = read_url_list(f"{A}\nwords\nHTTP://POST.example/x\n")
    assert ([item.entry.url for item in listing.items], listing.left_out) == ([A, "HTTP://POST.example/x"], 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1250"])
def test_a_file_is_read_in_its_charset(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(f"url;title\n{A};Żółw śpi w źródle, a łoś pływa wpław\n".encode(encoding))
    assert read_list(file).items[0].entry.title == "Żółw śpi w źródle, a łoś pływa wpław"


def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("title\nx\n", encoding="utf-8")
    with pytest.raises(NothingToLoad, match=r"mine\.csv is no list of URLs: no column is called 'url' or 'link'"):
        read_list(file)
    with pytest.raises(NothingToLoad, match=r"gone\.csv cannot be read: No such file"):
        read_list(tmp_path / "gone.csv")
