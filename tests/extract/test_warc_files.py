"""WARC files are found by what people call them, and read from elsewhere in spite of lost connections."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from range_server import file_server
from warc_files import HTML, foreign, http

from extract.files import NothingToLoad
from extract.urls import BadUrl
from extract.warc import RecordHead, read_page, scan
from extract.warc_choice import OTHER_HOST, OTHER_TIME, Choice, hosts_named
from extract.warc_files import WarcLost, WarcUnavailable, find_warcs, scan_patiently, state_of


def crawl(*names: str, gzipped: bool = True, **fields: str) -> bytes:
    told = [("response", f"http://daily.example/{name}", http(HTML + name.encode())) for name in names]
    return foreign(told, gzipped=gzipped, **fields)


def names_in(file: str, **how: object) -> list[str]:
    return [step.page.url[-1] for step in scan_patiently(file, **how) if step.page]  # type: ignore[arg-type]


# --- Which pages ---


def test_a_host_means_what_is_below_it_and_nothing_that_ends_alike() -> None:
    choice = Choice(hosts=hosts_named(["https://Daily.example/", "*.post.example"]))
    assert choice.hosts == ("daily.example", "post.example")
    urls = [
        "http://daily.example/a",
        "https://www.daily.example:8080/a",
        "https://post.example/",
        "http://mydaily.example/",
    ]
    assert [choice.is_of_hosts(url) for url in urls] == [True, True, True, False]
    with pytest.raises(BadUrl):
        hosts_named(["not a host"])


def test_the_head_alone_tells_that_a_page_is_not_wanted() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    choice = Choice(hosts=("daily.example",), since=day, until=datetime(2026, 4, 1, tzinfo=UTC))

    def why(url: str, date: datetime | None) -> str | None:
        return choice.refuse(RecordHead(kind="response", url=url, date=date))

    assert why("http://daily.example/a", day) is None
    assert why("http://daily.example/a", choice.until) == OTHER_TIME
    assert why("http://weekly.example/a", day) == OTHER_HOST
    assert why("http://daily.example/a", None) is None  # the reading says what is wrong with it


@pytest.mark.parametrize("gzipped", [True, False])
def test_what_is_not_wanted_is_passed_over_at_its_right_length(tmp_path: Path, gzipped: bool) -> None:
    long = [("response", "http://weekly.example/x", http(HTML * 4000))]
    content = crawl("a", gzipped=gzipped) + foreign(long, gzipped=gzipped) + crawl("b", gzipped=gzipped)
    (tmp_path / "c.warc").write_bytes(content)
    steps = list(scan(str(tmp_path / "c.warc"), refuse=Choice(hosts=("daily.example",)).refuse))
    assert [step.page.url[-1] if step.page else step.other for step in steps] == ["a", OTHER_HOST, "b"]
    assert steps[2].place is not None
    assert read_page("", steps[2].place).body == HTML + b"b"


# --- Which files ---


def test_files_folders_patterns_and_lists_name_warc_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.warc.gz", "2026/b.warc", "2026/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "warc.paths.gz").write_bytes(gzip.compress(b"2026/b.warc\n# none\n\nhttps://far.example/c.warc.gz\n"))
    monkeypatch.chdir(tmp_path)
    whole = [str(tmp_path / "2026/b.warc"), str(tmp_path / "a.warc.gz")]
    assert find_warcs(".") == find_warcs("**/*") == whole
    assert find_warcs("a.warc.gz") == whole[1:]
    assert find_warcs("warc.paths.gz") == [whole[0], "https://far.example/c.warc.gz"]
    assert find_warcs("warc.paths.gz", "s3://crawls/x/")[0] == "s3://crawls/x/2026/b.warc"
    for name in ("none.warc", "*.none", "2026/notes.txt/*"):
        with pytest.raises(NothingToLoad):
            find_warcs(name)


def test_other_file_systems_are_searched_too() -> None:
    for name in ("a.warc.gz", "deep/b.warc", "c.txt"):
        with fsspec.open(f"memory://crawls/{name}", "wb") as file:
            file.write(b"")
    assert find_warcs("memory://crawls") == ["memory:///crawls/a.warc.gz", "memory:///crawls/deep/b.warc"]
    assert find_warcs("memory://crawls/*.gz") == ["memory:///crawls/a.warc.gz"]


def test_a_list_on_a_server_names_files_of_that_server() -> None:
    with file_server({"/crawl/news/warc.paths.gz": gzip.compress(b"crawl/news/1.warc.gz\n")}) as server:
        found = find_warcs(f"{server.base}/crawl/news/warc.paths.gz")
        assert found == [f"{server.base}/crawl/news/1.warc.gz"]
        assert find_warcs(f"{server.base}/crawl/news/warc.paths.gz", "https://far.example/d") == [
            "https://far.example/d/crawl/news/1.warc.gz"
        ]
        with pytest.raises(WarcUnavailable, match="no such file"):
            find_warcs(f"{server.base}/none.paths")


# --- From elsewhere ---


def test_a_file_on_a_server_is_read_in_parts_and_its_pages_one_by_one() -> None:
    with file_server({"/c.warc.gz": crawl(*"abc")}) as server:
        file = f"{server.base}/c.warc.gz"
        assert state_of(file, 0).size == len(server.files["/c.warc.gz"])
        steps = list(scan_patiently(file))
        assert [step.page.url[-1] for step in steps if step.page] == ["a", "b", "c"]
        before = server.sent_bytes
        assert steps[1].place is not None
        assert read_page("", steps[1].place) == steps[1].page
        assert server.sent_bytes - before == steps[1].place.length


def test_a_lost_connection_is_taken_up_behind_the_last_record() -> None:
    pauses: list[float] = []
    with file_server({"/c.warc.gz": crawl(*"abc")}) as server:
        server.breaks = 3
        assert names_in(f"{server.base}/c.warc.gz", pause=pauses.append) == ["a", "b", "c"]
        assert pauses == [1.0, 2.0, 4.0]
        server.breaks = 1000
        with pytest.raises(WarcLost):
            names_in(f"{server.base}/c.warc.gz", pause=pauses.append)


def test_a_server_without_parts_says_so_at_once() -> None:
    with (
        file_server({"/c.warc.gz": crawl(*"abc")}, ranges=False) as server,
        pytest.raises(WarcUnavailable, match="no parts of a file"),
    ):
        state_of(f"{server.base}/c.warc.gz", 0)


def test_what_is_not_there_is_told_from_what_does_not_answer() -> None:
    with file_server({}) as server, pytest.raises(WarcUnavailable) as missing:
        state_of(f"{server.base}/c.warc.gz", 0)
    assert not isinstance(missing.value, WarcLost)
    with file_server({}) as closed:
        pass
    with pytest.raises(WarcLost):
        state_of(f"{closed.base}/c.warc.gz", 0, tries=1)
    with pytest.raises(WarcUnavailable, match="no such file"):
        state_of("/nowhere/c.warc.gz", 0)
    with pytest.raises(WarcUnavailable, match="nowhere"):
        state_of("nowhere://c.warc.gz", 0)


def test_another_file_under_the_same_name_has_another_mark(tmp_path: Path) -> None:
    file, content = tmp_path / "c.warc.gz", crawl(*"abc")
    file.write_bytes(content)
    mark = state_of(str(file), 200).mark
    file.write_bytes(content + crawl("d"))
    assert state_of(str(file), 200).mark == mark
    file.write_bytes(crawl(*"xyz"))
    assert state_of(str(file), 200).mark != mark
