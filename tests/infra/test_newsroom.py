"""The sample newsroom is what its expected.toml says: else the end-to-end tests would prove nothing."""

from __future__ import annotations

import html
import http.client
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import pytest

from extract.model import Flag, Reason
from infra.newsroom.outlet import Article, Edition, Outlet, read_outlets
from infra.newsroom.serve import CHECKOUT, Newsroom
from transform.model import CutKind

NEWSROOM = CHECKOUT / "infra" / "newsroom"
EXPECTED = tomllib.loads((NEWSROOM / "expected.toml").read_text(encoding="utf-8"))
OUTLETS = read_outlets()
ODD_STATUS = {"gone": {404, 410}, "robots": {200}, "wrong-type": {200}, "too-short": {200}, "not-article": {200}}


@pytest.fixture(scope="module")
def serving() -> Iterator[Newsroom]:
    with Newsroom() as newsroom:
        yield newsroom


@pytest.fixture
def room(serving: Newsroom) -> Newsroom:
    serving.edition = "morning"
    return serving


def get(room: Newsroom, url: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", room.port, timeout=10)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={"Host": parts.netloc} | headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def announced(room: Newsroom, outlet: Outlet) -> set[str]:
    _, body = get(room, outlet.feed_url)
    found = re.findall(rf"http://{re.escape(outlet.host)}/[^\s\"<]+", body.decode(outlet.encoding))
    return {html.unescape(url) for url in found}


def on_desk(edition: Edition) -> dict[str, tuple[Outlet, Article]]:
    """Every article of an edition by its address."""
    return {outlet.url(a.path): (outlet, a) for outlet in OUTLETS for a in outlet.edition(edition)}


def page_text(room: Newsroom, url: str) -> str:
    """What stands on a page, read with the encoding its article really has."""
    outlet, article = on_desk(Edition(room.edition))[url]
    _, body = get(room, url)
    text = re.sub(r"<br ?/?>", " ", body.decode(article.encoding or outlet.encoding), flags=re.IGNORECASE)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return set(zip(*(words[start:] for start in range(5)), strict=False))


def jaccard(a: set[Any], b: set[Any]) -> float:
    return len(a & b) / len(a | b)


def contained(a: set[Any], b: set[Any]) -> float:
    return len(a & b) / min(len(a), len(b))


def facts(text: str) -> set[str]:
    """Numbers, and capitalised words inside sentences."""
    return set(re.findall(r"\d[\d.,:]*\d|\d|(?<=[a-zä-ü,] )[A-ZÄ-Ü]\w+", text))


# --- What is served -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.name)
def test_every_announced_address_answers_as_expected(room: Newsroom, outlet: Outlet) -> None:
    odd = {outcome["url"]: outcome for outcome in EXPECTED["outcome"]}
    addresses = announced(room, outlet)
    assert len(addresses) > 4
    for url in addresses:
        outcome = odd.get(url, {})
        response, _ = get(room, url)
        if "lands" in outcome:
            assert (response.status, response.getheader("Location")) == (301, outcome["lands"])
        else:
            assert response.status in ODD_STATUS[outcome.get("reasons", ["robots"])[0]], url


def test_all_articles_of_the_morning_are_announced(room: Newsroom) -> None:
    addresses = {url.partition("?utm_")[0] for outlet in OUTLETS for url in announced(room, outlet)}
    lands = {outcome["lands"] for outcome in EXPECTED["outcome"] if "lands" in outcome}
    assert set(on_desk(Edition.MORNING)) - addresses == lands


def test_a_host_nobody_has_is_not_found(room: Newsroom) -> None:
    response, _ = get(room, "http://no-such-paper.example/")
    assert response.status == 404


def test_a_home_page_names_the_feed_and_the_articles(room: Newsroom) -> None:
    _, body = get(room, "http://northline.example/")
    assert b'href="http://northline.example/feed.xml"' in body
    assert b"/article/ferry-kestrel-adrift-20250311" in body


@pytest.mark.parametrize("path", ["/feed.xml", "/article/ferry-kestrel-adrift-20250311"])
def test_an_unchanged_document_is_not_sent_again(room: Newsroom, path: str) -> None:
    first, _ = get(room, f"http://northline.example{path}")
    again, body = get(room, f"http://northline.example{path}", **{"If-None-Match": first.getheader("ETag") or ""})
    assert (again.status, body) == (304, b"")


def test_tracking_parameters_lead_to_the_same_page_and_others_do_not(room: Newsroom) -> None:
    plain = get(room, "http://kurier-nadbrzezny.example/artykul.php?id=5121")[1]
    assert get(room, "http://kurier-nadbrzezny.example/artykul.php?id=5121&utm_source=x")[1] == plain
    assert get(room, "http://kurier-nadbrzezny.example/artykul.php?id=5108")[1] != plain


def test_robots_txt_forbids_the_advertorial_alone(room: Newsroom) -> None:
    forbidden = {outcome["url"] for outcome in EXPECTED["outcome"] if outcome.get("reasons") == ["robots"]}
    for outlet in OUTLETS:
        robots = RobotFileParser()
        robots.parse(get(room, outlet.url("/robots.txt"))[1].decode().splitlines())
        for url in announced(room, outlet):
            assert robots.can_fetch("storyfold", url) == (url not in forbidden), url


@pytest.mark.parametrize(
    ("url", "encoding", "header", "meta"),
    [
        ("http://harbour-courier.example/2025/03/10/planning-decisions.html", "cp1252", "ISO-8859-1", "iso-8859-1"),
        ("http://kurier-nadbrzezny.example/artykul.php?id=5121", "iso-8859-2", None, "iso-8859-2"),
        ("http://kurier-nadbrzezny.example/artykul.php?id=5102", "cp1250", None, "iso-8859-2"),
        ("http://kurier-nadbrzezny.example/artykul.php?id=5097", "cp1250", "utf-8", "windows-1250"),
        ("http://kurier-nadbrzezny.example/artykul.php?id=5099", "utf-8", "iso-8859-1", "utf-8"),
        ("http://auenbote.example/auenstadt/freibad-sanierung-20880.html", "utf-8", "utf-8", "utf-8"),
    ],
)
def test_bytes_and_labels_are_as_stated(room: Newsroom, url: str, encoding: str, header: str | None, meta: str) -> None:
    response, body = get(room, url)
    _, article = on_desk(Edition.MORNING)[url]
    assert response.headers.get_param("charset") == header
    assert re.search(r'charset="?([\w-]+)', body.decode("ascii", "replace"), re.IGNORECASE)[1] == meta  # type: ignore[index]
    assert html.unescape(body.decode(encoding)).count(article.headline) > 0


# --- The editions -------------------------------------------------------------------------------------------------


def test_the_editions_differ_as_said(room: Newsroom) -> None:
    for change in EXPECTED["evening"]:
        room.edition = "morning"
        morning = page_text(room, change["url"])
        room.edition = "evening"
        evening = page_text(room, change["url"])
        assert all(line in evening and line not in morning for line in change["gains"])
        assert all(line in morning and line not in evening for line in change.get("loses", ()))
        assert change["title"] in evening


def test_new_articles_come_with_the_evening(room: Newsroom) -> None:
    new = {page["url"] for page in EXPECTED["page"] if page.get("edition") == "evening"}
    assert set(on_desk(Edition.EVENING)) - set(on_desk(Edition.MORNING)) == new
    assert {get(room, url)[0].status for url in new} == {404}
    room.edition = "evening"
    assert {get(room, url)[0].status for url in new} == {200}


def test_only_the_named_articles_change(room: Newsroom) -> None:
    named = {change["url"] for change in EXPECTED["evening"]}
    morning = {url: get(room, url)[1] for url in on_desk(Edition.MORNING)}
    room.edition = "evening"
    assert {url for url, body in morning.items() if get(room, url)[1] != body} == named


@pytest.mark.parametrize("change", EXPECTED["evening"], ids=lambda change: change["url"])
def test_feeds_and_sitemaps_tell_of_an_update(room: Newsroom, change: dict[str, Any]) -> None:
    outlet, _ = on_desk(Edition.EVENING)[change["url"]]
    updated = change["updated_at"].isoformat().encode()
    assert updated not in get(room, outlet.feed_url)[1]
    room.edition = "evening"
    _, _, announcement = get(room, outlet.feed_url)[1].partition(change["url"].encode())
    assert updated in announcement[:1500]


def test_an_outlet_turns_to_the_evening_at_the_second_poll_of_its_own_feed() -> None:
    feed, page = "http://northline.example/feed.xml", "http://northline.example/article/census-population-20250311"
    with Newsroom() as room:
        first = get(room, feed)[1]
        get(room, "http://dailyloop.example/rss")
        assert b"8.41 million inhabitants" in get(room, page)[1]
        second = get(room, feed)[1]
        assert first != second == get(room, feed)[1]
        assert b"8.14 million inhabitants" in get(room, page)[1]


# --- What is expected of it ---------------------------------------------------------------------------------------


def test_every_article_is_expected_and_nothing_else() -> None:
    refused = {outcome["url"] for outcome in EXPECTED["outcome"] if "reasons" in outcome}
    pages = [page["url"] for page in EXPECTED["page"]]
    assert len(pages) == len(set(pages))
    assert set(pages) == set(on_desk(Edition.EVENING)) - refused


def test_every_address_in_expected_is_one_of_a_page() -> None:
    pages = {page["url"] for page in EXPECTED["page"]}
    for story in EXPECTED["story"]:
        assert {story["canonical"], *story["members"], *story.get("evening", ())} <= pages
    assert {url for apart in EXPECTED["apart"] for url in apart["urls"]} <= pages
    assert {change["url"] for change in EXPECTED["evening"]} <= pages
    named = {outcome.get("lands") or outcome.get("same_as") for outcome in EXPECTED["outcome"]}
    assert named - {None} <= pages


def test_no_article_is_in_two_stories_or_joined_and_apart() -> None:
    stories = [{*story["members"], *story.get("evening", ())} for story in EXPECTED["story"]]
    assert not any(a & b for a, b in combinations(stories, 2))
    for apart in EXPECTED["apart"]:
        assert not any(len(story & set(apart["urls"])) > 1 for story in stories)


def test_expected_speaks_in_the_pipelines_terms() -> None:
    kinds = {cut["kind"] for page in EXPECTED["page"] for cut in page.get("cut", ())}
    kinds |= {line["kind"] for clutter in EXPECTED["clutter"] for line in clutter["lines"]}
    assert kinds <= {str(kind) for kind in CutKind}
    assert {r for o in EXPECTED["outcome"] for r in o.get("reasons", ())} <= {str(reason) for reason in Reason}
    assert {flag for page in EXPECTED["page"] for flag in page.get("flags", ())} <= {str(flag) for flag in Flag}


@pytest.mark.parametrize("page", EXPECTED["page"], ids=lambda page: urlsplit(page["url"]).netloc)
def test_a_page_has_what_is_expected_of_it(room: Newsroom, page: dict[str, Any]) -> None:
    room.edition = page.get("edition", "morning")
    text = page_text(room, page["url"])
    outlet, article = on_desk(Edition(room.edition))[page["url"]]
    assert page["title"] in text
    assert page["language"] == outlet.language
    assert all(line in article.text for line in page["stay"])
    assert all(line in text for line in page["stay"])
    assert all(cut["text"] in text and cut["text"] not in article.text for cut in page.get("cut", ()))


@pytest.mark.parametrize("clutter", EXPECTED["clutter"], ids=lambda clutter: clutter["source"])
def test_clutter_stands_on_most_pages_of_its_outlet_and_in_no_text(room: Newsroom, clutter: dict[str, Any]) -> None:
    desk = {url: a for url, (outlet, a) in on_desk(Edition.MORNING).items() if outlet.name == clutter["source"]}
    pages = [page_text(room, url) for url in desk]
    for line in [*(line["text"] for line in clutter["lines"]), *clutter["chrome"]]:
        assert sum(line in page for page in pages) > len(pages) / 2, line
        assert not any(line in article.text.splitlines() for article in desk.values())


def test_dates_stand_where_expected_says(room: Newsroom) -> None:
    for page in EXPECTED["page"]:
        room.edition = page.get("edition", "morning")
        _, article = on_desk(Edition(room.edition))[page["url"]]
        body = get(room, page["url"])[1]
        assert (b'"datePublished":' in body) == (page["date_on_page"] == "json-ld"), page["url"]
        assert bool(article.shown) == (page["date_on_page"] in ("json-ld", "meta", "visible"))
        assert bool(re.search(r"/2025/\d\d/\d\d/", page["url"])) or page["date_on_page"] != "url"


# --- Near-copies and look-alikes ----------------------------------------------------------------------------------


def body_of(url: str) -> str:
    """The text as it stands where the article first appears."""
    return {**on_desk(Edition.EVENING), **on_desk(Edition.MORNING)}[url][1].text


@pytest.mark.parametrize("story", EXPECTED["story"], ids=lambda story: story["name"])
def test_members_of_a_story_are_near_copies(story: dict[str, Any]) -> None:
    bodies = {url: body_of(url) for url in [*story["members"], *story.get("evening", ())]}
    assert len(set(bodies.values())) == len(bodies)
    original = shingles(bodies[story["canonical"]])
    for body in bodies.values():
        assert contained(shingles(body), original) >= 0.8


@pytest.mark.parametrize(
    "apart", [a for a in EXPECTED["apart"] if a["kind"] == "template"], ids=lambda apart: apart["why"]
)
def test_template_reports_agree_in_wording_and_differ_in_facts(apart: dict[str, Any]) -> None:
    left, right = (body_of(url) for url in apart["urls"])
    assert min(len(left.split()), len(right.split())) >= 120
    assert 0.15 <= jaccard(shingles(left), shingles(right)) <= 0.5
    assert contained(facts(left), facts(right)) < 0.5


@pytest.mark.parametrize(
    "apart", [a for a in EXPECTED["apart"] if a["kind"] == "container"], ids=lambda apart: apart["why"]
)
def test_a_container_repeats_a_passage_of_each_and_the_whole_of_none(apart: dict[str, Any]) -> None:
    container, *others = (shingles(body_of(url)) for url in apart["urls"])
    assert all(len(container & other) >= 15 and contained(container, other) < 0.5 for other in others)


@pytest.mark.parametrize(
    "apart", [a for a in EXPECTED["apart"] if a["kind"] in ("independent", "translation")], ids=lambda a: a["why"]
)
def test_reports_of_one_event_by_two_reporters_share_no_wording(apart: dict[str, Any]) -> None:
    left, right = (shingles(body_of(url)) for url in apart["urls"])
    assert len(left & right) < 5


def test_articles_of_different_stories_do_not_look_alike() -> None:
    story_of = {
        url: story["name"] for story in EXPECTED["story"] for url in [*story["members"], *story.get("evening", ())]
    }
    bodies = {url: shingles(body_of(url)) for url in on_desk(Edition.EVENING) if body_of(url)}
    for a, b in combinations(bodies, 2):
        if story_of.get(a, a) != story_of.get(b, b):
            assert jaccard(bodies[a], bodies[b]) <= 0.5, (a, b)


# --- The command --------------------------------------------------------------------------------------------------

SERVE = str(NEWSROOM / "serve.py")
FETCH_ROBOTS = """
import http.client, os
port = int(os.environ["STORYFOLD_CONNECT_TO"].removeprefix("*.example=127.0.0.1:"))
connection = http.client.HTTPConnection("127.0.0.1", port)
connection.request("GET", "/robots.txt", headers={"Host": "dailyloop.example"})
assert connection.getresponse().status == 200
"""
END_POLITELY = """
import signal, sys, time
def end(number, frame):
    fetch()
    sys.exit(5)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print("up", flush=True)
time.sleep(60)
"""


def test_a_command_gets_the_environment_and_gives_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORYFOLD_HOME", str(tmp_path))
    code = f"{FETCH_ROBOTS}\nprint(os.environ['STORYFOLD_SOURCES'], os.environ['STORYFOLD_HOME']); raise SystemExit(7)"
    done = subprocess.run([sys.executable, SERVE, "--", sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.split() == [str(NEWSROOM / "sources"), str(tmp_path)]


def test_the_data_home_is_in_the_checkout_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORYFOLD_HOME", raising=False)
    with Newsroom() as room:
        assert room.environment["STORYFOLD_HOME"] == str(CHECKOUT / ".storyfold")


def test_it_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    command = [sys.executable, "-S", SERVE, "--edition", "evening", "--", sys.executable, "-S", "-c", FETCH_ROBOTS]
    assert subprocess.run(command, cwd=tmp_path).returncode == 0


def test_a_command_that_does_not_exist_is_code_127() -> None:
    done = subprocess.run([sys.executable, SERVE, "--", "no-such-command-here"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (127, "No such file or directory: no-such-command-here\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_go_on_to_the_command_and_the_newsroom_stays_until_it_ends(number: signal.Signals) -> None:
    code = f"def fetch():\n{FETCH_ROBOTS.replace(chr(10), chr(10) + '    ')}\n{END_POLITELY}"
    command = [sys.executable, SERVE, "--", sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.wait(timeout=10) == 5


def test_alone_it_prints_the_environment_and_ends_with_a_signal() -> None:
    with subprocess.Popen([sys.executable, SERVE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        names = [re.match(r"export (\w+)='.+'\n", process.stdout.readline())[1] for _ in range(3)]  # type: ignore[index]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert names == ["STORYFOLD_SOURCES", "STORYFOLD_CONNECT_TO", "STORYFOLD_HOME"]
