from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from extract.labelled import BadLabels, Fault, labelled_lines, labelled_pages, read_labelled
from extract.model import Said

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told(folder: Path, *lines: object) -> Path:
    """The folder with these lines as its labels, dicts as JSON, and the pages that they name."""
    for line in lines:
        if isinstance(line, dict) and isinstance(line.get("file"), str):
            (folder / line["file"]).write_bytes(b"<p>The page</p>")
    content = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
    (folder / "truth.jsonl").write_bytes(b"\n".join(content))
    return folder


# --- Pages ----------------------------------------------------------------------------------------------------


def test_pages_come_with_their_truth_in_the_order_of_its_lines(tmp_path: Path) -> None:
    full = {
        "file": "2.html",
        "url": "https://daily.example/2",
        "lang": "en",
        "text": "A line\nAnother",
        "title": "The title",
        "authors": ["Ida Roe", "Tom Vale"],
        "date": "2026-03-02",
        "id": "of no matter",
    }
    bare = {"file": "1.html", "text": "", "title": None, "authors": None}
    first, second = labelled_pages(told(tmp_path, full, b"", bare)).items
    assert (first.file, first.url, first.language) == ("2.html", "https://daily.example/2", "en")
    assert first.truth == Said(
        text="A line\nAnother", title="The title", authors=("Ida Roe", "Tom Vale"), date="2026-03-02"
    )
    assert (second.file, second.url, second.truth) == ("1.html", None, Said(text=""))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"file": "1.html", "text": ', "it is no JSON: Expecting value"),
        (b'["1.html"]', "it is no JSON object"),
        (b'{"file": "caf\xe9.html"}', "it is not written in UTF-8 (at byte 13)"),
        (b"[" * 100_000, "it is no JSON that can be read: nested too deeply"),
        ({"text": "A line"}, "it has no 'file'"),
        ({"file": "1.html"}, "it has no 'text'"),
        ({"file": "1.html", "text": ["A line"]}, "its 'text' is no text"),
        ({"file": "1.html", "text": "A line", "authors": [7]}, "its 'authors' are no list of names"),
        ({"file": "0.html", "text": "A line"}, "'0.html' came before"),
        (b'{"file": "9.html", "text": "A line"}', "there is no file"),
    ],
)
def test_a_line_that_cannot_be_used_costs_only_itself(tmp_path: Path, line: object, why: str) -> None:
    labels = labelled_pages(told(tmp_path, {"file": "0.html", "text": ""}, line, {"file": "3.html", "text": ""}))
    assert [page.file for page in labels.items] == ["0.html", "3.html"]
    [fault] = labels.faults
    assert fault.place == "line 2" and fault.why.startswith(why)


def test_a_folder_without_labels_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadLabels, match=r"truth\.jsonl cannot be read: No such file"):
        labelled_pages(tmp_path)


def test_packed_and_plain_pages_are_read_alike(tmp_path: Path) -> None:
    plain, packed = labelled_pages(
        told(
            tmp_path, {"file": "1.html", "text": ""}, {"file": "2.txt.gz", "text": "", "url": "https://daily.example/2"}
        )
    ).items
    packed.path.write_bytes(gzip.compress(b"The page", mtime=0))
    assert read_labelled(plain, NOW).body == b"<p>The page</p>"
    assert read_labelled(plain, NOW).url == (tmp_path / "1.html").as_uri()
    page = read_labelled(packed, NOW)
    assert (page.body, page.url, page.headers) == (
        b"The page",
        "https://daily.example/2",
        (("Content-Type", "text/plain"),),
    )


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"The page", mtime=0)[:-4], gzip.compress(b"x" * 99, mtime=0)[:15]]
)
def test_a_damaged_file_is_an_error_of_reading(tmp_path: Path, content: bytes) -> None:
    [page] = labelled_pages(told(tmp_path, {"file": "1.html.gz", "text": ""})).items
    page.path.write_bytes(content)
    with pytest.raises(OSError):
        read_labelled(page, NOW)


# --- Lines ----------------------------------------------------------------------------------------------------


def lines_of(folder: Path, *documents: object) -> Path:
    file = folder / "documents.jsonl"
    file.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    return file


def test_labels_stand_beside_the_lines_or_with_each(tmp_path: Path) -> None:
    labels = labelled_lines(
        lines_of(
            tmp_path,
            {"id": "a", "lang": "en", "url": "https://daily.example/a", "lines": ["One", ""], "keep": [True, None]},
            {"id": "b", "lines": ["One"], "labels": [False]},
            {"id": "c", "lines": [["One", True], ["Two", False]]},
            {"id": "d", "lines": ["One", "Two"]},
            {"id": "e", "lines": []},
        )
    )
    assert [document.keep for document in labels.items] == [(True, None), (False,), (True, False), (None, None), ()]
    assert [document.lines for document in labels.items][1:3] == [("One",), ("One", "Two")]
    assert (labels.items[0].language, labels.items[0].url) == ("en", "https://daily.example/a")
    assert labels.faults == ()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"id": "b"}, "it has no list 'lines'"),
        ({"id": "b", "lines": "One"}, "it has no list 'lines'"),
        ({"id": "b", "lines": ["One", 2]}, "its 'lines' are not all text"),
        ({"id": "b", "lines": [["One", True], "Two"]}, "its 'lines' are not all text"),
        ({"id": "b", "lines": ["One"], "keep": [1]}, "its labels are no list of true and false"),
        ({"id": "b", "lines": ["One"], "keep": [True, True]}, "it has 1 lines and 2 labels"),
        ({"lines": ["One"]}, "it has no 'id'"),
        ({"id": "a", "lines": ["One"]}, "'a' came before"),
    ],
)
def test_a_document_that_cannot_be_used_costs_only_itself(tmp_path: Path, document: object, why: str) -> None:
    file = lines_of(tmp_path, {"id": "a", "lines": ["One"]}, document, {"id": "z", "lines": ["One"]})
    labels = labelled_lines(file)
    assert [item.id for item in labels.items] == ["a", "z"]
    assert labels.faults == (Fault(place="line 2", why=why),)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadLabels, match="cannot be read: No such file"):
        labelled_lines(tmp_path / "documents.jsonl")
