"""What lies at hand comes into the store: WARC files in place, lists of URLs as entries; each part without Prefect, then
all of it by the program.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, announce, settle_all
from programs import Program, rows
from sqlalchemy import Engine, text
from warc_files import foreign, http

from extract.files import find_files, kind_of, read_list
from extract.lists import read_table, read_url_list
from extract.model import Rejection
from extract.warc_choice import Choice
from flows.lists import announce as announce_urls
from flows.lists import choose
from flows.owners import source_name
from flows.reading import read_archived_page
from flows.settings import Settings
from flows.store import Store
from flows.warcs import WarcJob, by_domain, index_slices
from infra.newsroom.serve import Newsroom
from load import entries, pages, revisions, runs, sources
from load.engine import worker
from load.locks import lock
from load.revisions import Reading
from transform.read import ReadSpec

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGE = """<!doctype html><html lang="en"><head><title>{title}</title>{head}</head>
<body><article><h1>{title}</h1>{text}</article></body></html>"""


def article(title: str = "Rope store burns", paragraphs: Sequence[str] = HARBOUR_FIRE, head: str = "") -> bytes:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return http(PAGE.format(title=title, head=head, text=text).encode(), "Content-Type: text/html")


def records(*told: tuple[str, bytes], gzipped: bool = True, **fields: str) -> bytes:
    return foreign([("response", url, block) for url, block in told], gzipped=gzipped, **fields)


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Store:
    return Store(engine=engine, settings=Settings(home=tmp_path / "home", batch=3))


def index(store: Store, file: Path, source: str | None = None) -> dict[str, int]:
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "load", NOW)
        owners = sources.names_by_domain(connection)
    job = WarcJob(file=str(file), choice=Choice(), describe=by_domain(source, owners))
    return dict(sum(index_slices(store, run_id, job), Counter()))


def announce_list(store: Store, listing: object, source: str | None = None) -> tuple[dict[str, int], set[str]]:
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, "load", NOW)
    wanted = choose(store, [listing], source)
    return dict(announce_urls(store, run_id, wanted)), set(wanted.names)


def ingest(store: Store) -> None:
    """Read and settle every page, in this process."""
    with worker(store.engine) as me, store.engine.connect() as connection:
        unread = pages.claim_unread(connection, me, NOW, 1000)
        announced = entries.announcements(connection, [page.entry_id for page in unread])
        for page in unread:
            read = read_archived_page(store.archive, page.place, announced[page.entry_id], ReadSpec())
            if isinstance(read, Rejection):
                entries.reject(connection, page.entry_id, read, NOW)
                pages.mark_read(connection, {page.id: pages.ReadBy(b"tests")}, NOW)
            else:
                one = Reading(page_id=page.id, clean=read.clean, print=read.print, read_spec=b"tests")
                revisions.keep(connection, [one], NOW)
        connection.commit()
    settle_all(store.engine, NOW)


def ask(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


# --- WARC files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gzipped", [True, False])
def test_pages_of_a_warc_file_are_on_record_where_they_lie(store: Store, tmp_path: Path, gzipped: bool) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(
        records(*((f"https://daily.example/{n}", article(f"Fire {n}")) for n in range(7)), gzipped=gzipped)
    )
    assert index(store, file) == {"announced": 7, "new": 7}
    assert ask(store, "SELECT DISTINCT warc_file FROM storyfold.page") == [(str(file),)]
    ingest(store)
    assert ask(store, "SELECT outcome, count(*) FROM storyfold.entry GROUP BY 1") == [("loaded", 7)]
    assert list(tmp_path.rglob("*.warc*")) == [file]


def test_loading_a_warc_file_again_changes_nothing_and_says_what_is_known(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(records(*((f"https://daily.example/{n}", article(f"Fire {n}")) for n in range(4))))
    index(store, file)
    ingest(store)
    before = ask(store, "SELECT * FROM storyfold.page ORDER BY id"), ask(store, "SELECT * FROM storyfold.entry")
    assert index(store, file) == {"announced": 4, "known": 4}
    assert (
        ask(store, "SELECT * FROM storyfold.page ORDER BY id"),
        ask(store, "SELECT * FROM storyfold.entry"),
    ) == before


def test_a_second_copy_of_a_warc_file_adds_no_capture(store: Store, tmp_path: Path) -> None:
    """Also where one URL was captured several times: an older capture is no new text."""
    url, captures = "https://daily.example/fire", []
    for day, paragraphs in enumerate((HARBOUR_FIRE, BRIDGE_TOLL, HARBOUR_FIRE + BRIDGE_TOLL)):
        captures.append(records((url, article("Fire", paragraphs)), WARC_Date=f"2026-03-0{day + 1}T08:00:00Z"))
    for name in ("crawl.warc.gz", "copy.warc.gz"):
        (tmp_path / name).write_bytes(b"".join(captures))
        index(store, tmp_path / name)
        ingest(store)
    assert len(ask(store, "SELECT FROM storyfold.page")) == 3
    assert len(ask(store, "SELECT FROM storyfold.revision")) == 3


def test_a_load_that_was_killed_goes_on_where_its_last_batch_ended(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    whole = records(*((f"https://daily.example/{n}", article(f"Fire {n}")) for n in range(8)))
    file.write_bytes(whole[: len(whole) // 2])  # what the killed one had seen of it
    index(store, file)
    file.write_bytes(whole)
    index(store, file)
    found = ask(store, "SELECT url FROM storyfold.page ORDER BY warc_offset")
    assert found == [(f"https://daily.example/{n}",) for n in range(8)]


def test_one_file_is_loaded_by_one_at_a_time(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(records(("https://daily.example/a", article())))
    with store.engine.connect() as other:
        lock(other, f"load {file}")
        assert index(store, file) == {"left out: a file that another load works on": 1}
    assert index(store, file)["new"] == 1


def test_several_pages_of_one_url_are_its_revisions_in_the_order_of_time(store: Store, tmp_path: Path) -> None:
    later = (*HARBOUR_FIRE, BRIDGE_TOLL[0], BRIDGE_TOLL[1])
    old = records(("https://daily.example/fire", article()), WARC_Date="2024-05-01T08:00:00Z")
    new = records(("https://daily.example/fire", article(paragraphs=later)), WARC_Date="2024-05-02T08:00:00Z")
    same = records(("https://daily.example/fire", article(paragraphs=later)), WARC_Date="2024-05-03T08:00:00Z")
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(new + old + same)
    assert index(store, file) == {"announced": 1, "new": 1}
    ingest(store)
    assert ask(store, "SELECT kind, fetched_at::date::text FROM news.revision ORDER BY id") == [
        ("first", "2024-05-01"),
        ("update", "2024-05-02"),
    ]
    assert ask(store, "SELECT outcome FROM storyfold.entry") == [("revised",)]


def test_an_older_copy_from_an_archive_does_not_replace_what_the_web_said(store: Store, tmp_path: Path) -> None:
    for name, day, body in (("new", "2026-03-02", (*HARBOUR_FIRE, *BRIDGE_TOLL)), ("old", "2019-01-01", HARBOUR_FIRE)):
        file = tmp_path / f"{name}.warc"
        told = ("https://daily.example/fire", article(paragraphs=body))
        file.write_bytes(records(told, gzipped=False, WARC_Date=f"{day}T00:00:00Z"))
        index(store, file)
        ingest(store)
    assert ask(store, "SELECT kind FROM news.revision ORDER BY id") == [("first",), ("stale",)]


def test_what_is_no_page_is_counted_by_what_it_is(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    told = [
        ("response", "https://daily.example/gone", http(b"gone", status="404 Not Found")),
        ("response", "https://daily.example/x.png", http(b"\x89PNG\r\n\x1a\n", "Content-Type: image/png")),
        ("response", "https://daily.example/robots.txt", http(b"User-agent: *", "Content-Type: text/plain")),
        ("response", "https://daily.example/feed", http(b"<?xml version='1.0'?><rss/>", "Content-Type: text/html")),
        ("revisit", "https://daily.example/a", http(b"")),
        ("request", "https://daily.example/a", b"GET /a HTTP/1.1\r\n\r\n"),
        ("response", "https://daily.example/a", article()),
        ("response", "https://" + "x" * 300 + ".example/", article()),
        ("response", "dns:daily.example", b"daily.example. 60 IN A 192.0.2.1"),
        ("conversion", "https://daily.example/a", b"A fire broke out"),
    ]
    file.write_bytes(foreign(told, gzipped=True))
    assert index(store, file) == {
        "announced": 1,
        "new": 1,
        "left out: status 404": 1,
        "left out: image/png": 1,
        "left out: text/plain": 1,
        "left out: XML (rss)": 1,
        "left out: revisit": 1,
        "left out: bad-url": 1,
        "left out: response of dns": 1,
        "left out: conversion": 1,
    }


def test_a_page_belongs_to_the_source_that_publishes_on_its_domain(store: Store, tmp_path: Path) -> None:
    with store.engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO storyfold.source (name, title, tier, active, domains)
                    VALUES ('the-daily', 'The Daily', 1, true, '{daily.example}')""")
        )
    file = tmp_path / "crawl.warc.gz"
    urls = ["https://daily.example/a", "https://north-line.example/b", "https://weekly.example/c"]
    file.write_bytes(records(*((url, article(url)) for url in urls)))
    index(store, file)
    found = ask(store, "SELECT name, title FROM storyfold.source ORDER BY name")
    assert found == [
        ("north-line-example", "north-line.example"),
        ("the-daily", "The Daily"),
        ("weekly-example", "weekly.example"),
    ]
    assert ask(store, "SELECT count(DISTINCT source_id) FROM storyfold.page") == [(3,)]


def test_a_known_entry_keeps_its_source_also_for_pages_from_an_archive(store: Store, tmp_path: Path) -> None:
    announce(store.engine, "northline", "https://daily.example/a")
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(records(("https://daily.example/a", article())))
    assert index(store, file, "my-archive") == {"announced": 1, "known": 1}
    query = "SELECT source.name FROM storyfold.page JOIN storyfold.source ON source.id = page.source_id"
    assert ask(store, query) == [("northline",)]


def test_headers_that_postgres_refuses_cost_nothing(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crawl.warc.gz"
    block = article().replace(b"Content-Type: text/html", b"X-Odd: a\x00b\xff\r\nContent-Type: text/html", 1)
    file.write_bytes(records(("https://daily.example/a", block), ("https://daily.example/b", article())))
    assert index(store, file)["new"] == 2


def test_a_file_that_cannot_be_read_is_named(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "folder.warc").mkdir()
    assert index(store, tmp_path / "folder.warc") == {"left out: unreadable file": 1}
    assert "folder.warc" in caplog.text
    assert index(store, tmp_path / "\udcff.warc") == {"left out: unreadable file": 1}
    assert "udcff.warc" in caplog.text


# --- Lists ----------------------------------------------------------------------------------------------------


def test_a_list_is_announced_to_be_fetched_and_known_the_second_time(store: Store) -> None:
    listing = read_url_list("https://daily.example/a\nhttps://weekly.example/b\nno URL\nhttps://\xa0/\nhttps://[x/\n")
    counts, names = announce_list(store, listing)
    assert counts == {"announced": 2, "new": 2, "left out: a line without a URL": 2, "left out: bad-url": 1}
    assert names == {"daily-example", "weekly-example"}
    assert ask(store, "SELECT count(*) FROM storyfold.entry WHERE fetch_due_at IS NOT NULL") == [(2,)]
    assert announce_list(store, listing)[0]["known"] == 2


def test_a_table_says_titles_times_and_sources(store: Store) -> None:
    listing = read_table(
        "url,title,published_at,source\n"
        "https://daily.example/a,Fire,2026-03-02T09:00:00+01:00,The Daily\n"
        "https://daily.example/b,,,\n"
    )
    assert announce_list(store, listing)[1] == {"the-daily", "daily-example"}
    found = ask(
        store,
        """SELECT entry.title, entry.published_at, source.name, source.title FROM storyfold.entry
           JOIN storyfold.source ON source.id = source_id ORDER BY url""",
    )
    assert found == [
        ("Fire", datetime(2026, 3, 2, 8, tzinfo=UTC), "the-daily", "The Daily"),
        (None, None, "daily-example", "daily.example"),
    ]


def test_the_name_that_the_user_gives_stands_over_all(store: Store) -> None:
    listing = read_table("url,source\nhttps://daily.example/a,The Daily\nhttps://weekly.example/b,\n")
    assert announce_list(store, listing, "mine")[1] == {"mine"}


@pytest.mark.parametrize(
    ("written", "name"), [("The Daily – Nord", "the-daily-nord"), ("Głos", "g-os"), ("Gęś", "ges"), ("日報", "local")]
)
def test_a_source_can_be_named_by_any_text(written: str, name: str) -> None:
    assert source_name(written) == name


# --- Files ----------------------------------------------------------------------------------------------------


def test_files_are_told_apart_by_name_and_texts_by_their_lines(tmp_path: Path) -> None:
    contents = {
        "a.html": "<p>x",
        "b.txt": "A fire broke out\nhttps://daily.example/a\n",
        "c.txt": "\ufeff# my list\n\nhttps://daily.example/a  # first\nHTTP://daily.example/b\n",
        "d.urls": "https://daily.example/a",
        "e.csv": "url\nhttps://daily.example/a\n",
        "f.warc.gz": "",
        "g.WARC": "",
        "h.png": "",
        "i.txt": "",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    kinds = {name: kind_of(tmp_path / name) for name in contents}
    assert "".join((kind or "-")[0] for kind in kinds.values()) == "pplllww-p"
    assert [file.name for file in find_files(tmp_path)] == [
        "a.html", "b.txt", "c.txt", "f.warc.gz", "g.WARC", "i.txt"
    ]  # fmt: skip  # a table in a folder sends nobody to the web
    assert len(read_list(tmp_path / "c.txt").items) == 2


def test_all_of_it_by_the_program(prefect_server: str, tmp_path: Path) -> None:
    with Newsroom() as room:
        ours = {"STORYFOLD_HOME": str(tmp_path / "home"), "PREFECT_API_URL": prefect_server}
        program = Program(environment=dict(room.environment) | ours)
        crawl = tmp_path / "files" / "crawl.warc.gz"
        crawl.parent.mkdir()
        good = records(("https://elsewhere.example/fire", article("Rope store burns")))
        crawl.write_bytes(
            good + b"\x1f\x8b\x08 broken" + records(("https://elsewhere.example/toll", article("Toll", BRIDGE_TOLL)))
        )
        urls = tmp_path / "mine.csv"
        urls.write_text(
            "Link;Title;Source\nhttp://northline.example/article/ferry-kestrel-adrift-20250311;Ferry;Northline\n",
            encoding="utf-8",
        )
        process = program.start("load", str(crawl.parent), str(urls), "--json")
        printed, _ = process.communicate(timeout=200)
        assert process.returncode == 3, printed  # for the broken member
        assert f"{crawl} at byte {len(good)}" in printed.replace("\n", "")
        told = json.loads(printed[printed.index("\n{") :])
        again = program.start("load", str(urls), "--json").communicate(timeout=200)[0]
    assert (told["new"], told["left_out"], told["outcomes"]) == (3, {"damaged": 1}, {"loaded": 3})
    assert (json.loads(again)["new"], json.loads(again)["known"]) == (0, 1)
    with program.database() as connection:
        sources = rows(
            connection, "SELECT DISTINCT name FROM storyfold.source JOIN storyfold.entry ON source.id = source_id"
        )
    assert sorted(name for (name,) in sources) == ["elsewhere-example", "northline"]
