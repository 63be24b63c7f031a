"""What a source's own archive lists of a span of time is found, and fills the gaps that polling left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from newsdesk import Newsdesk, Publisher, publisher, rss, sitemap_index, urlset
from prefect.utilities.callables import parameter_schema
from programs import Program, rows
from sites import PARAGRAPHS, Said, Sites
from sqlalchemy import Engine
from warc_files import foreign, http

from extract.lists import read_any
from extract.spans import Span
from extract.warc_choice import Choice
from flows import past, sample
from flows.asked import Asked, BadRequest, check, listings, moment
from flows.backfill import Left, Outlook, backfill, given_for, looked_at
from flows.lists import announce, choose
from flows.past import Plan
from flows.settings import Settings
from flows.store import Store, follow_catalogue
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


def test_of_a_thousand_parts_a_broken_one_and_a_loop_cost_only_themselves(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/index.xml",))
    site.says("/index.xml", sitemap_index(**{f"part-{n}.xml": "" for n in range(1000)}))
    for n in range(1000):
        site.says(f"/part-{n}.xml", urlset(**{f"p{n}": "2026-03-04"}))
    site.says("/part-7.xml", "<!doctype html><p>Out of order", Content_Type="text/html")
    site.says("/part-8.xml", status=302, Location="/part-8.xml")
    counts = fill(desk, MARCH)
    assert (counts["new"], counts["documents failed"]) == (998, 2)
    assert desk.rows("SELECT count(*) FROM storyfold.entry WHERE backfill") == [(998,)]


def test_what_is_left_of_former_backfills_is_told_with_its_time(desk: Newsdesk, site: Publisher) -> None:
    desk.lists("daily", sitemaps=(f"{site.base}/all.xml",))
    site.says("/all.xml", urlset(**{f"p{n}": "2026-03-04" for n in range(8)}))
    fill(desk, MARCH)
    assert look(desk, Asked()).left == Left(entries=8, of=8, at_least_s=0.0)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE storyfold.entry SET fetch_due_at = NULL WHERE right(url, 2) = 'p1'")
    assert look(desk, Asked()).left == Left(entries=7, of=8, at_least_s=0.0)


def test_lists_are_chosen_from_by_host_and_time_and_known_ones_are_told(desk: Newsdesk) -> None:
    listing = read_any(
        "url,date\nhttps://www.daily.example/a,2026-03-04\nhttps://daily.example/b,2026-03-04 10:00\njunk,2026-03-04\n"
        "https://weekly.example/c,2026-03-04\nhttps://daily.example/d,2025-03-04\nhttps://daily.example/e,\n"
        "https://daily.example/2026/03/05/f,\n"
    )
    asked = Asked(lists=(listing,), hosts=("daily.example",), since=MARCH.since, until=MARCH.until)
    plan = look(desk, asked).lists
    assert plan is not None
    assert (plan.listed, plan.new, plan.at_least_s) == (3, 3, 4.0)  # the slower of two domains, at a gap of 2 s
    told = {"a line without a URL": 1, "of another host": 1, "of another time": 1, "undated": 1}
    assert plan.left_out == told
    with desk.engine.begin() as connection:
        run_id = runs.begin(connection, "backfill", NOW)
    announce(desk.store, run_id, choose(desk.store, [listing], None, Choice(hosts=asked.hosts), asked.span))
    again = look(desk, asked).lists
    assert again is not None
    assert (again.listed, again.new) == (3, 0)


def test_a_source_of_unknown_hosts_is_not_taken_for_all(desk: Newsdesk, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="on which hosts 'nobody' publishes"):
        look(desk, Asked(sources=("nobody",), warcs=(str(tmp_path / "a.warc"),)))


def test_the_plan_of_files_is_an_estimate_by_their_beginnings(
    desk: Newsdesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for name in "abcdef":
        told = [("response", f"https://daily.example/{name}{n}", http(PAGE.encode())) for n in range(10)]
        (tmp_path / f"{name}.warc.gz").write_bytes(foreign(told, gzipped=True))
        files.append(str(tmp_path / f"{name}.warc.gz"))
    plan = look(desk, Asked(warcs=(*files, str(tmp_path / "none.warc")))).files
    assert plan is not None
    assert (plan.files, plan.pages, plan.new, plan.is_estimate) == (7, 60, 60, True)  # three of six were looked at
    assert plan.trouble == (f"{tmp_path / 'none.warc'}: no such file",)
    assert plan.seconds > 0
    monkeypatch.setattr(sample, "FILES_SAMPLED", 10)
    plan = look(desk, Asked(warcs=tuple(files), limit=15)).files
    assert plan is not None
    assert (plan.pages, plan.new, plan.is_estimate) == (15, 15, False)


def test_what_would_not_count_is_refused() -> None:
    lists = (read_any("https://daily.example/a"),)
    with pytest.raises(BadRequest, match="--limit is for --warc"):
        check(Asked(lists=lists, limit=3))
    with pytest.raises(BadRequest, match="--host is for --warc and --urls"):
        check(Asked(since=MARCH.since, hosts=("daily.example",)))
    check(Asked(lists=lists, hosts=("daily.example",)))


def test_what_breaks_its_reader_delays_the_plan_no_longer_than_it_may(desk: Newsdesk, tmp_path: Path) -> None:
    """Half a million elements, one in the other, keep a parser busy for minutes."""
    store = Store(engine=desk.engine, settings=Settings(home=tmp_path, processes=1, read_timeout_s=1))
    deep = http(b"<html><body>" + b"<div>" * 500_000 + PAGE.encode())
    file, unnamed = tmp_path / "a.warc.gz", tmp_path / "b\udcff.warc.gz"
    file.write_bytes(foreign([("response", "https://daily.example/deep", deep)], gzipped=True))
    jobs = given_for(store, Asked(warcs=(str(file), str(unnamed)))).jobs
    plan = sample.sample(store, jobs, None)
    assert (plan.new, plan.seconds >= 1) == (1, True)
    assert plan.trouble == (f"the name of {str(unnamed)!r} is no text that the store can keep",)


def test_plain_values_ask_for_the_same(tmp_path: Path) -> None:
    """As Prefect's page gives them; a date without a zone is UTC."""
    assert moment("2026-03-01") == moment("2026-03-01T00:00") == moment("2026-03-01T01:00+01:00") == MARCH.since
    (tmp_path / "a.urls").write_text("https://daily.example/a\nnothing\n")
    direct, listed = listings(["https://daily.example/b", str(tmp_path / "a.urls")])
    assert [item.entry.url[-1] for item in (*direct.items, *listed.items)] == ["b", "a"]
    with pytest.raises(BadRequest, match="'soon' is no date"):
        moment("soon")
    schema = parameter_schema(backfill).properties
    assert {name: "items" in str(told) for name, told in schema.items() if name in ("sources", "since", "dry_run")} == {
        "sources": True,
        "since": False,
        "dry_run": False,
    }


def look(desk: Newsdesk, asked: Asked) -> Outlook:
    (desk.home / "sources").mkdir(exist_ok=True)
    return looked_at(desk.store, asked, given_for(desk.store, asked))[1]


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
    crawl = tmp_path / "crawls" / "crawl.warc.gz"
    crawl.parent.mkdir()
    told = [
        ("response", f"https://{host}.example/{n}", http(PAGE.encode())) for host in ("weekly", "other") for n in "ab"
    ]
    crawl.write_bytes(foreign(told, gzipped=True))
    told = storyfold.run("backfill", "--warc", str(crawl.parent), "--host", "weekly.example")
    assert "1 WARC file: 0.0 MB to read" in told and "2 pages, 2 new" in told and "of another host 2" in told
    assert "2 new entries" in told
    nothing = storyfold.start("backfill", "--warc", str(crawl), "--host", "none.example")
    told, _ = nothing.communicate(timeout=240)
    assert (nothing.returncode, "of the hosts and the time that were asked for" in " ".join(told.split())) == (1, True)
    with storyfold.database() as connection:
        found = rows(connection, "SELECT line, entries, is_done FROM news.backfill ORDER BY run_id")
    assert found == [("backfill", entries, True) for entries in (1, 0, 2, 0)]
