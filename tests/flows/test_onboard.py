"""Sources found, imported, checked, rested: the commands against sites on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from programs import STORYFOLD
from sites import NOW, Said, Sites, articles, feed_link, home, news_sitemap, robots, rss, sitemap_index
from typer.testing import CliRunner

from extract.catalogue import read_source
from extract.model import Bound, FeedKind, Source
from flows.check import pace_trouble
from flows.cli import app
from infra.newsroom.serve import Newsroom

HOST = "sound-post.example"
HOME = f"http://{HOST}/"
LOCAL = ("--allow-network", "loopback", "--gap", "0")
FILE = """title = "{title}"
homepage = "http://{host}/"
feeds = ["http://{host}/feed"]

[fetch]
gap_s = 0
allow_networks = ["loopback"]
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sources"


@pytest.fixture
def cli(folder: Path, tmp_path: Path) -> Run:
    """Runs a command; the hosts are those of `sites`."""

    def run(*args: object, sites: Sites | None = None, told: str | None = None) -> subprocess.CompletedProcess[str]:
        env = {
            "STORYFOLD_SOURCES": str(folder),
            "STORYFOLD_HOME": str(tmp_path / "home"),
            "STORYFOLD_PROCESSES": "1",
            "STORYFOLD_CONNECT_TO": sites.connect_to if sites else "",
        }
        result = CliRunner().invoke(app, ["source", *map(str, args)], env=env, input=told)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)

    return run


def written(folder: Path, name: str = "sound-post") -> Source:
    return read_source((folder / f"{name}.toml").read_text("utf-8"), name)


def a_site(**more: Said | str) -> dict[str, Said | str]:
    """A site as content systems make them."""
    return {
        "/": home(
            feed_link("/feed/", "The Sound Post » Feed"), feed_link("/comments/feed/", "The Sound Post » Comments Feed")
        ),
        "/feed/": rss(HOST, range(30), title="The Sound Post"),
        "/robots.txt": robots("Disallow: /admin/", f"Sitemap: {HOME}sitemap.xml"),
        "/sitemap.xml": sitemap_index(HOST, [f"/sitemap-2025-{month:02}.xml" for month in range(1, 13)]),
        **articles(range(200)),
        **{f"/{path}": said for path, said in more.items()},
    }


def a_source(folder: Path, name: str, host: str = HOST, more: str = "") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(more + FILE.format(title=name, host=host), "utf-8")


# --- add ------------------------------------------------------------------------------------------------------


def test_a_site_is_found_tried_shown_and_written(cli: Run, folder: Path) -> None:
    with Sites({HOST: a_site()}) as sites:
        result = cli("add", HOME, *LOCAL, "--yes", sites=sites)
    assert result.returncode == 0, result.stderr
    assert "at most 40 requests, 0 s apart" in result.stderr
    assert "it carries readers' comments" in result.stdout
    assert "an index of 12 sitemaps, 12 of them by date" in result.stdout
    assert result.stdout.count("  article: ") == 5 and "(meta)" in result.stdout
    assert "The ferry across the sound will sail twice an hour from the first of the month" in result.stdout
    assert len(sites.asked) <= 40 and f"{HOST}/comments/feed/" not in sites.asked
    source = written(folder)
    assert (source.title, source.homepage, source.language) == ("The Sound Post", HOME, "en")
    assert [(feed.url, feed.kind) for feed in source.feeds] == [(f"{HOME}feed/", FeedKind.FEED)]
    assert source.polling.first_interval_s == 3600.0
    assert source.expect.entries_per_day == Bound(min=6)
    assert source.expect.languages == ("en",) and source.expect.dated_share == Bound(min=0.8)
    assert source.fetch.allow_networks == {"loopback"} and source.fetch.gap_s == 0.0
    text = (folder / "sound-post.toml").read_text("utf-8")
    assert f"on {NOW:%Y-%m-%d}" in text and "# 24 entries a day" in text


def test_without_a_yes_nothing_is_written(cli: Run, folder: Path) -> None:
    with Sites({HOST: a_site()}) as sites:
        dry = cli("add", HOME, *LOCAL, "--dry-run", sites=sites)
        result = cli("add", HOME, *LOCAL, sites=sites)
    assert dry.returncode == 0 and "interval_minutes = 60" in dry.stdout
    assert result.returncode == 1 and "Nothing was written" in result.stderr and not folder.exists()


@pytest.mark.parametrize("start", ["feed/", "news/3.html", "wires/list.xml"])
def test_an_article_a_feed_and_a_sitemap_lead_to_a_source_too(cli: Run, folder: Path, start: str) -> None:
    with Sites({HOST: a_site(**{"wires/list.xml": news_sitemap(HOST, range(20))})}) as sites:
        result = cli("add", f"{HOME}{start}", *LOCAL, "--yes", "--json", sites=sites)
    assert result.returncode == 0, result.stderr
    feed = f"{HOME}{start if start.endswith(('/', 'xml')) else 'feed/'}"
    assert [one.url for one in written(folder).feeds] == [feed]
    assert written(folder).title == "The Sound Post"


def test_common_places_are_asked_where_nothing_is_named(cli: Run, folder: Path) -> None:
    with Sites(
        {
            HOST: {
                "/": home(),
                "/rss.xml": rss(HOST, range(9)),
                "/news-sitemap.xml": news_sitemap(HOST, range(30)),
                **articles(range(9)),
            }
        }
    ) as sites:
        result = cli("add", HOME, *LOCAL, "--yes", sites=sites)
    assert result.returncode == 0, result.stderr
    assert [one.url for one in written(folder).feeds] == [f"{HOME}rss.xml"]
    assert "carries its entries, too" in result.stdout
    assert f"{HOST}/atom.xml" not in sites.asked  # no more is asked once one is found


def test_a_page_of_feeds_is_followed(cli: Run, folder: Path) -> None:
    directory = home(body='<a href="/a.rss">Politics</a> <a href="/b.rss">Sport</a>')
    site = {"/": home(body='<a href="/rss">Our RSS feeds</a>'), "/rss": directory, **articles(range(40))}
    with Sites({HOST: {**site, "/a.rss": rss(HOST, range(0, 40, 2)), "/b.rss": rss(HOST, range(1, 41, 2))}}) as sites:
        assert cli("add", HOME, *LOCAL, "--yes", sites=sites).returncode == 0
    assert {one.url for one in written(folder).feeds} == {f"{HOME}a.rss", f"{HOME}b.rss"}


def test_a_news_sitemap_inside_an_index_is_found(cli: Run, folder: Path) -> None:
    site = {
        "/": home(),
        "/robots.txt": robots("Crawl-delay: 0", f"Sitemap: {HOME}index.xml"),
        "/index.xml": sitemap_index(HOST, ["/pages.xml", "/news-sitemap.xml"]),
        "/news-sitemap.xml": news_sitemap(HOST, range(30)),
        **articles(range(30)),
    }
    with Sites({HOST: site}) as sites:
        result = cli("add", HOME, *LOCAL, "--yes", sites=sites)
    assert [(one.url, one.kind) for one in written(folder).feeds] == [(f"{HOME}news-sitemap.xml", FeedKind.SITEMAP)]
    assert "an archive" in result.stdout


def test_an_index_of_sitemaps_is_taken_alone_and_its_newest_part_read(cli: Run, folder: Path) -> None:
    site = {"/": home(), "/sitemap.xml": sitemap_index(HOST, ["/1.xml"]), "/1.xml": news_sitemap(HOST, range(30))}
    with Sites({HOST: site | articles(range(9))}) as sites:
        result = cli("add", HOME, *LOCAL, "--yes", sites=sites)
    assert result.returncode == 0 and "nothing better was found" in result.stdout
    assert written(folder).polling.first_interval_s == 3600.0 and result.stdout.count("  article: ") == 5


def test_nothing_found_is_exit_code_3_and_no_file(cli: Run, folder: Path) -> None:
    with Sites({HOST: {"/": home()}}) as sites:
        result = cli("add", HOME, *LOCAL, "--yes", sites=sites)
    assert result.returncode == 3 and not folder.exists()
    assert "Nothing was found there that can be polled." in result.stdout


def test_private_addresses_are_refused_unless_allowed(cli: Run, folder: Path) -> None:
    with Sites({HOST: a_site()}) as sites:
        result = cli("add", HOME, "--yes", sites=sites)
    assert result.returncode == 3 and "private-address" in result.stdout and "--allow-network" in result.stdout
    assert sites.asked == [] and not folder.exists()


def test_a_refusal_by_robots_txt_and_a_bot_wall_are_told_with_advice(cli: Run) -> None:
    wall = Said(status=403, headers={"cf-mitigated": "challenge"})
    with Sites(
        {
            HOST: {"/": home(feed_link("/feed/")), "/feed/": rss(HOST, [1]), "/robots.txt": robots("Disallow: /feed")},
            "walled.example": {"/": wall, "/feed": wall},
        }
    ) as sites:
        refused = cli("add", HOME, *LOCAL, "--yes", sites=sites)
        walled = cli("add", "http://walled.example/", *LOCAL, "--yes", sites=sites)
    assert refused.returncode == walled.returncode == 3
    assert "The publisher does not want it fetched" in refused.stdout and f"{HOST}/feed/" not in sites.asked
    assert "bot-wall" in walled.stdout and "ask the publisher" in walled.stdout


def test_paywalls_and_silence_are_told(cli: Run, folder: Path) -> None:
    closed = {
        path: page.replace(
            "<head>",
            '<head><script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": false}</script>',
        )
        for path, page in articles(range(9)).items()
    }
    site = {"/": home(feed_link("/feed")), "/feed": rss(HOST, range(9), ends=NOW - timedelta(days=90)), **closed}
    with Sites({HOST: site}) as sites:
        result = cli("add", HOME, *LOCAL, "--yes", sites=sites)
    assert "before a paywall" in result.stdout and "90 days ago" in result.stdout
    assert written(folder).expect.entries_per_day is None


def test_a_site_that_is_a_source_already_is_named(cli: Run, folder: Path) -> None:
    a_source(folder, "the-post")
    with Sites({HOST: a_site()}) as sites:
        again = cli("add", f"http://www.{HOST}/news/1.html", "--yes", sites=sites)
        second = cli("add", HOME, *LOCAL, "--name", "second", "--dry-run", sites=sites)
        same_name = cli("add", "http://other.example/", "--name", "the-post", sites=sites)
    assert again.returncode == 1 and "is of the source 'the-post'" in again.stderr
    assert second.returncode == 3 and "the source 'the-post' polls it already" in second.stdout
    assert same_name.returncode == 1 and "already" in same_name.stderr


@pytest.mark.parametrize("address", ["nonsense here", "ftp://a.example/", "http://", "file:///etc/passwd"])
def test_what_is_no_address_is_one_sentence(cli: Run, address: str) -> None:
    result = cli("add", address)
    assert result.returncode == 1 and "is no address" in result.stderr


def test_an_outlet_of_the_newsroom_is_found_from_one_of_its_articles(folder: Path, tmp_path: Path) -> None:
    """As a user starts it."""
    with Newsroom(edition="morning") as room:
        env = {**os.environ, **room.environment} | {"STORYFOLD_SOURCES": str(folder), "STORYFOLD_HOME": str(tmp_path)}
        done = subprocess.run(
            [STORYFOLD, "source", "add", "http://harbour-courier.example/2025/03/11/kestrel-towed-home.html", *LOCAL, "--yes"],
            env=env, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    source = written(folder, "harbour-courier")
    assert source.title == "The Harbour Courier" and source.language == "en"
    assert [feed.url for feed in source.feeds] == ["http://harbour-courier.example/atom.xml"]
    assert "words, en, 2025-03-11" in done.stdout and "Written: " in done.stderr


# --- import ---------------------------------------------------------------------------------------------------


def test_a_list_becomes_files_and_says_what_it_left(cli: Run, folder: Path, tmp_path: Path) -> None:
    a_source(folder, "there", "there.example")
    before = (folder / "there.toml").read_text()
    file = tmp_path / "list.csv"
    file.write_text(
        "title,feed,language\nThe Sound Post,http://sound-post.example/feed/,en\nx,not an address,en\n"
        "Sport,http://sound-post.example/sport,en\nThere,http://there.example/feed,en\nHome,,\n"
    )
    dry = cli("import", file, "--dry-run")
    assert "1 file would be written" in dry.stdout and not (folder / "sound-post.toml").exists()
    result = cli("import", file)
    assert result.returncode == 3
    assert "line 3: not an address: no address" in result.stdout and "line 6: " in result.stdout
    assert "line 5: http://there.example/feed skipped: the source 'there' has it" in result.stdout
    assert "1 file written" in result.stdout and "2 bad lines" in result.stdout
    assert len(written(folder).feeds) == 2 and (folder / "there.toml").read_text() == before
    assert "0 files written" in cli("import", file).stdout


def test_a_checked_import_writes_only_what_works_and_looks_for_missing_feeds(
    cli: Run, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"{HOME}feed/\n{HOME}gone\n{HOME}wires.xml\nhttp://dead.example/feed\nhttp://home.example/\n")
    other = {"/": home(feed_link("/f.rss"), title="Home News"), "/f.rss": rss("home.example", range(9))}
    with Sites({HOST: a_site(**{"wires.xml": news_sitemap(HOST, range(20))}), "home.example": other}) as sites:
        refused = cli("import", file, "--check", sites=sites)
        result = cli("import", file, "--check", *LOCAL, sites=sites)
    assert refused.stdout.count("private-address") == 5
    assert result.returncode == 3
    assert (
        f"line 2: {HOME}gone: gone: 404" in result.stdout and "line 4: http://dead.example/feed: gone" in result.stdout
    )
    assert [feed.kind for feed in written(folder).feeds] == [FeedKind.FEED, FeedKind.SITEMAP]
    found = written(folder, "home")
    assert found.title == "Home News" and [feed.url for feed in found.feeds] == ["http://home.example/f.rss"]
    assert found.fetch.allow_networks == {"loopback"}
    assert sorted(path.stem for path in folder.glob("*")) == ["home", "sound-post"]


def test_a_long_list_is_imported(cli: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    lines = "".join(f'<outline text="Paper {n}" xmlUrl="https://paper-{n}.example/rss"/>' for n in range(500))
    file.write_text(f"<opml><body><outline text='All'>{lines}</outline></body></opml>")
    assert "500 files written" in cli("import", file).stdout
    assert len(list(folder.glob("*.toml"))) == 500


@pytest.mark.parametrize("content", [b"", b"\n\n", b"<opml><body/></opml>"])
def test_an_empty_list_is_told(cli: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list").write_bytes(content)
    result = cli("import", tmp_path / "list")
    assert result.returncode == 1 and "lists nothing" in result.stderr
    assert "cannot be read" in cli("import", tmp_path / "nowhere").stderr


# --- check ----------------------------------------------------------------------------------------------------


def checked(
    cli: Run, folder: Path, sites: Mapping[str, Mapping[str, Said | str]], *names: str, file: str | None = None
) -> list[Any]:
    if file is not None:
        folder.mkdir(exist_ok=True)
        (folder / "sound-post.toml").write_text(file, "utf-8")
    with Sites(sites) as served:
        return json.loads(cli("check", *names, "--json", sites=served).stdout)


def told(check: dict[str, Any]) -> str:
    """All that a check complains of, with the advice."""
    parts = [check, *check["robots"], *check["feeds"]]
    return "\n".join(f"{t['what']} {t['advice']}" for part in parts for t in part["troubles"])


def a_file(*feeds: str, kind: str = "feeds", more: str = "") -> str:
    listed = ", ".join(f'"{HOME}{feed}"' for feed in feeds)
    return f'title = "P"\n{kind} = [{listed}]\n{more}\n[fetch]\ngap_s = 0\nallow_networks = ["loopback"]\n'


def test_a_source_that_is_well_is_said_to_be(cli: Run, folder: Path) -> None:
    (check,) = checked(cli, folder, {HOST: a_site()}, file=a_file("feed/", more="interval_minutes = 60"))
    assert told(check) == "" and len(check["samples"]) == 5
    assert check["feeds"][0]["per_day"] == pytest.approx(24)


CASES: dict[str, tuple[str, Said | str, str]] = {
    "gone": ("feed", Said(status=404), "gone: 404 Not Found Look for the new address"),
    "page": (
        "feed",
        home(feed_link("/real.rss")),
        "names feeds (neither RSS nor Atom). Try http://page.example/real.rss",
    ),
    "home": (
        "feed",
        home(),
        "It is no feed: neither RSS nor Atom. See what it is in a browser; 'storyfold source add http://home",
    ),
    "kind": ("feed", news_sitemap("kind.example", range(20)), "It is a sitemap. List its address under 'sitemaps'"),
    "empty": ("feed", rss("empty.example", []), "announces nothing. Look again"),
    "silent": (
        "feed",
        rss("silent.example", range(30), ends=NOW - timedelta(days=40)),
        "40 days ago; it used to bring 24 entries a day. See whether",
    ),
    "ttl": (
        "feed",
        rss("ttl.example", range(30), ttl=240),
        "polled every 240 minutes at most; its file says 15. Set interval_minutes = 240",
    ),
    "cache": (
        "feed",
        Said(body=rss("cache.example", range(30)).body, headers={"Cache-Control": "public, max-age=3600"}),
        "polled every 60 minutes",
    ),
    "html": ("feed", Said(body=rss("html.example", range(30)).body), "served as text/html"),
    "moved": (
        "feed",
        Said(status=301, headers={"Location": "/moved/feed"}),
        "It leads to http://moved.example/moved/feed Put that address into its file.",
    ),
    "robots": ("robots.txt", robots("Disallow: /"), "robots: disallowed"),
    "slash": ("feed", Said(status=301, headers={"Location": "/feed/"}), ""),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is told of each case, all checked at once."""
    folder = tmp_path_factory.mktemp("cases")
    sites = {}
    for name, (path, said, _) in CASES.items():
        host = f"{name}.example"
        feeds = {f"/{way}": rss(host, range(30)) for way in ("feed", "feed/", "moved/feed")}
        sites[host] = feeds | articles(range(5)) | {f"/{path}": said}
        a_source(folder, name, host)
    with Sites(sites) as served:
        env = {"STORYFOLD_SOURCES": str(folder), "STORYFOLD_CONNECT_TO": served.connect_to, "STORYFOLD_PROCESSES": "1"}
        result = CliRunner().invoke(app, ["source", "check", "--json"], env=env)
    assert result.exit_code == 3
    return {check["name"]: told(check) for check in json.loads(result.stdout)}


@pytest.mark.parametrize("name", CASES)
def test_each_trouble_is_told_with_what_to_do(complaints: dict[str, str], name: str) -> None:
    expected = CASES[name][2]
    assert expected in complaints[name] and bool(expected) == bool(complaints[name])


def test_a_delay_that_leaves_too_few_requests_is_told() -> None:
    assert pace_trouble(30.0, 2880) is None and pace_trouble(0.0, 1e9) is None
    trouble = pace_trouble(1800.0, 60)
    assert trouble and "which is 48 a day; its feeds and articles need 60." in trouble.what


def test_newest_sitemaps_of_an_index_are_followed(cli: Run, folder: Path) -> None:
    site = a_site() | {
        "/sitemap.xml": sitemap_index(HOST, ["/1.xml", "/2.xml", "/3.xml"]),
        "/1.xml": news_sitemap(HOST, range(9)),
        "/2.xml": home(),
    }
    (check,) = checked(cli, folder, {HOST: site}, file=a_file("sitemap.xml", kind="sitemaps"))
    assert (check["feeds"][0]["entries"], check["feeds"][0]["sitemaps"]) == (9, 3)
    assert f"{HOME}2.xml: neither RSS nor Atom" in told(check)


def test_expectations_that_today_breaks_are_told(cli: Run, folder: Path) -> None:
    short = articles(range(30), paragraphs=["Too short."])
    expect = '[expect]\nentries_per_day = { min = 100 }\nshort_share = { max = 0.1 }\nlanguages = ["pl"]\n'
    (check,) = checked(cli, folder, {HOST: a_site()}, file=a_file("feed/", more=expect))
    assert "bring 24 entries a day; expected are at least 100" in told(check)
    assert "5 of 5 sample articles are not in pl" in told(check)
    (check,) = checked(cli, folder, {HOST: a_site() | short}, file=a_file("feed/", more=expect))
    assert "5 of 5 sample articles are too short, more than expected" in told(check)
    assert "JavaScript" in told(check)


def test_feeds_that_are_one_are_found_inside_a_source_and_across_the_catalogue(cli: Run, folder: Path) -> None:
    a_source(folder, "twin", "twin.example")
    a_source(folder, "same")
    a_source(folder, "resting", more="enabled = false\n")
    site = a_site() | {"/copy.rss": rss(HOST, range(1, 31)), "/feed": rss(HOST, range(30))}
    twin = {"/feed": rss(HOST, range(2, 31))}
    checks = checked(cli, folder, {HOST: site, "twin.example": twin}, file=a_file("feed", "copy.rss"))
    by_name = {check["name"]: told(check) for check in checks}
    assert set(by_name) == {"twin", "same", "sound-post"}  # what rests is not looked at, unless it is named
    assert "resting" not in by_name["sound-post"]
    assert f"{HOME}feed is polled by the source 'same', too" in by_name["sound-post"]
    assert f"{HOME}feed has the same entries as {HOME}copy.rss." in by_name["sound-post"]
    assert f"http://twin.example/feed has the same entries as {HOME}feed of the source 'sound-post'" in by_name["twin"]


# --- disable and enable ---------------------------------------------------------------------------------------


def test_a_source_rests_and_wakes_and_keeps_its_file(cli: Run, folder: Path) -> None:
    a_source(folder, "the-post", more="# by hand\n")
    a_source(folder, "other", "other.example")
    before = (folder / "the-post.toml").read_text()
    assert cli("disable", "the-post").stdout == "the-post is disabled.\n"
    assert cli("disable", "the-post").stdout == "the-post was disabled already.\n"
    assert not written(folder, "the-post").enabled
    result = CliRunner().invoke(app, ["run", "the-post"], env={"STORYFOLD_SOURCES": str(folder)})
    assert result.exit_code == 1 and "'storyfold source enable the-post' wakes it" in result.stderr
    assert cli("enable", "the-post").stdout == "the-post is enabled.\n"
    assert (folder / "the-post.toml").read_text() == before
    assert cli("disable", "nobody").returncode == 1


def test_the_lines_do_not_see_a_source_that_rests_and_the_list_says_so(
    cli: Run, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from extract.model import FetchPolicy
    from flows.store import read_catalogue

    a_source(folder, "the-post", more="enabled = false\n")
    a_source(folder, "other")
    a_source(folder, "third")
    assert [source.name for source in read_catalogue(folder, FetchPolicy())] == ["other", "third"]
    monkeypatch.setenv("STORYFOLD_DATABASE_URL", database_url)
    listed = cli("list").stdout
    assert "resting: 'storyfold source enable the-post' wakes it" in listed
    assert "also polled by the source 'third'" in listed and "by the source 'the-post'" not in listed
