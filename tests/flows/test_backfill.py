"""What a source's own archive lists of a span of time is found, and fills the gaps that polling left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from newsdesk import Newsdesk, Publisher, publisher, rss, sitemap_index, urlset
from programs import Program, rows
from sites import PARAGRAPHS, Said, Sites
from sqlalchemy import Engine
from warc_files import foreign, http

from extract.spans import Span
from flows import past
from flows.past import Plan
from flows.store import follow_catalogue
from load import runs

NOW = datetime.now(UTC)
PAGE = (
    "<!doctype html><html lang=en><head><title>Ferry to sail twice an hour</title></head><body><article>"
    f"<h1>Ferry to sail twice an hour</h1>{''.join(f'<p>{text}</p>' for text in PARAGRAPHS)}</article></body></html>"
)
MARCH = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as opened:
        yield opened


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Newsdesk:
    return Newsdesk(engine=engine, home=tmp_path)


def search(desk: Newsdesk, span: Span | None, names: Sequence[str] = ()) -> list[past.Found]:
    catalogue = follow_catalogue(desk.store, names)
    return list(past.search(past.spans_of(desk.store, catalogue, names, span), catalogue))


def plan(desk: Newsdesk, span: Span | None = MARCH) -> Plan:
    [found] = search(desk, span)
    return past.plan_for(desk.store, found)


def fill(desk: Newsdesk, span: Span | None) -> dict[str, int]:
    """Record what is found, for one source."""
    [found] = search(desk, span)
    with desk.engine.begin() as connection:
        held = past.gaps_in(connection, (), span)
        run_id = runs.begin(connection, "backfill", NOW)
    return past.record(desk.store, run_id, found, held.get(found.source.name, ()))


def urls(desk: Newsdesk) -> list[str]:
    return sorted(url.rpartition("/")[2] for (url,) in desk.rows("SELECT url FROM storyfold.entry"))


def test_an_index_leads_to_the_parts_that_can_hold_something_and_to_no_others(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/index.xml",))
    site.says("/index.xml", sitemap_index(**{"2026-03.xml": "", "2026-01.xml": "2026-06-01", "old.xml": "2026-02-01"}))
    site.says("/2026-03.xml", urlset(a="2026-03-04", b="2026-03-31T23:00:00Z", c="2026-05-01", d=""))
    told = plan(desk)
    assert (told.listed, told.new, told.undated, told.documents) == (3, 3, 0, 2)
    assert {asking.path for asking in site.asked} == {"/robots.txt", "/index.xml", "/2026-03.xml"}


def test_sitemaps_that_only_robots_txt_names_are_read(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/feed")
    site.says("/feed", rss())
    site.says("/robots.txt", f"User-agent: *\nAllow: /\nSitemap: {site.base}/all.xml\n", Content_Type="text/plain")
    site.says("/all.xml", urlset(a="2026-03-04", b=""))
    assert (plan(desk).listed, plan(desk).undated) == (1, 1)


def test_more_than_a_poll_takes_is_taken(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/all.xml",))
    site.says("/all.xml", urlset(**{f"p{n}": f"2026-03-{n % 28 + 1:02}" for n in range(3000)}))
    told = plan(desk)
    assert (told.listed, told.trouble) == (3000, ())


def test_what_is_known_is_neither_new_nor_fetched_again(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/all.xml",))
    site.says("/all.xml", urlset(a="2026-03-04", b="2026-03-05"))
    assert fill(desk, MARCH) == {"announced": 2, "new": 2, "known": 0, "undated": 0}
    desk.rows("SELECT 1 FROM storyfold.entry")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE storyfold.entry SET fetch_due_at = NULL")
    site.says("/all.xml", urlset(a="2026-03-20", b="2026-03-05", c="2026-03-06"))
    assert fill(desk, MARCH) == {"announced": 3, "new": 1, "known": 2, "undated": 0}
    assert desk.rows("SELECT count(*) FROM storyfold.entry WHERE fetch_due_at IS NOT NULL") == [(1,)]


def test_a_plan_says_what_is_wrong_and_changes_nothing(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", f"{site.base}/gone", sitemaps=(f"{site.base}/page.html",))
    site.says("/page.html", "<!doctype html><html><body>No sitemap</body></html>", Content_Type="text/html")
    told = plan(desk)
    assert (told.listed, told.documents, len(told.trouble)) == (0, 0, 2)
    assert urls(desk) == []


def test_an_index_that_names_itself_is_read_once(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/index.xml",))
    site.says("/index.xml", sitemap_index(**{"index.xml": "", "all.xml": ""}))
    site.says("/all.xml", urlset(a="2026-03-04"))
    assert plan(desk).listed == 1
    assert len(site.asked_for("/index.xml")) == 1


def miss_some(desk: Newsdesk, site: Publisher) -> None:
    """Two polls that have nothing in common, an hour apart: a gap in which the sitemap knows of two entries."""
    desk.lists("daily", f"{site.base}/feed", sitemaps=(f"{site.base}/all.xml",))
    site.says("/all.xml", urlset())
    site.says("/feed", rss("/a", published=NOW - timedelta(hours=3)))
    desk.poll()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE storyfold.feed SET last_ok_at = last_ok_at - interval '2 hours'")
    site.says("/feed", rss("/z", published=NOW - timedelta(minutes=10)))
    desk.poll()
    between = (NOW - timedelta(hours=1)).isoformat()
    site.says("/all.xml", urlset(b=between, c=between, old=(NOW - timedelta(days=3)).isoformat()))


def test_a_gap_on_record_is_filled_and_closed(desk: Newsdesk, site: Publisher) -> None:
    miss_some(desk, site)
    assert desk.rows("SELECT is_open, entries_found FROM news.coverage_gap") == [(True, None)]
    assert fill(desk, None)["new"] == 2
    assert urls(desk) == ["a", "b", "c", "z"]
    assert desk.rows("SELECT is_open, entries_found FROM news.coverage_gap") == [(False, 2)]
    assert search(desk, None) == []


def test_a_backfill_of_a_longer_span_fills_the_gaps_inside_it(desk: Newsdesk, site: Publisher) -> None:
    miss_some(desk, site)
    fill(desk, Span(NOW - timedelta(days=7), NOW))
    assert urls(desk) == ["a", "b", "c", "old", "z"]
    assert desk.rows("SELECT is_open, entries_found FROM news.coverage_gap") == [(False, 2)]


def test_a_gap_stays_open_while_nothing_can_be_read(desk: Newsdesk, site: Publisher) -> None:
    miss_some(desk, site)
    for path in ("/feed", "/all.xml"):
        site.says(path, status=500)
    fill(desk, None)
    assert desk.rows("SELECT is_open FROM news.coverage_gap") == [(True,)]


def test_the_command_shows_a_plan_then_fetches_and_settles(prefect_server: str, tmp_path: Path) -> None:
    listed = urlset(ferry="2026-03-04", later="2026-06-01")
    with Sites({"daily.example": {"/all.xml": Said(body=listed, type="application/xml"), "/ferry": PAGE}}) as sites:
        folder = tmp_path / "sources"
        folder.mkdir()
        (folder / "daily.toml").write_text(
            'title = "The Daily"\nsitemaps = ["http://daily.example/all.xml"]\n'
            '[fetch]\ngap_s = 0\nallow_networks = ["loopback"]\n'
        )
        settings = {
            "PREFECT_API_URL": prefect_server,
            "STORYFOLD_HOME": str(tmp_path / "home"),
            "STORYFOLD_SOURCES": str(folder),
            "STORYFOLD_CONNECT_TO": sites.connect_to,
        }
        storyfold = Program(environment=settings)
        span = ("--since", "2026-03-01", "--until", "2026-04-01")
        told = storyfold.run("backfill", "daily", *span, "--dry-run")
        assert "1 entry in 1 document, 1 new." in told
        assert "daily.example/ferry" not in sites.asked
        told = storyfold.run("backfill", *span)
        assert "1 new entry" in told and "1 article in 1 story" in told
        assert "Nothing new" in storyfold.run("backfill", "daily", *span)
    crawl = tmp_path / "crawl.warc.gz"
    told = [
        ("response", f"https://{host}.example/{n}", http(PAGE.encode())) for host in ("weekly", "other") for n in "ab"
    ]
    crawl.write_bytes(foreign(told, gzipped=True))
    files = ("backfill", "--warc", str(tmp_path), "--host", "weekly.example")
    told = storyfold.run(*files, "--dry-run")
    assert "1 WARC file: 0.0 MB to read" in told and "2 pages, 2 new" in told and "of another host 2" in told
    told = storyfold.run(*files)
    assert "2 new entries" in told and "of another host 2" in told
    assert "Nothing new: 2 entries known" in storyfold.run(*files)
    nothing = storyfold.start("backfill", "--warc", str(crawl), "--host", "none.example")
    told, _ = nothing.communicate(timeout=240)
    assert (nothing.returncode, "of the hosts and the time that were asked for" in " ".join(told.split())) == (1, True)
    with storyfold.database() as connection:
        found = rows(connection, "SELECT line, entries, is_done FROM news.backfill ORDER BY run_id")
    assert found == [
        ("backfill", 1, True),
        ("backfill", 0, True),
        ("backfill", 2, True),
        ("backfill", 0, True),
        ("backfill", 0, True),
    ]
