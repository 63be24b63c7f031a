"""robots.txt as RFC 9309 has it, and where crawlers in the field know better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.robots import MAX_ROBOTS_BYTES, Robots, product_token, read_robots

AGENT = "storyfold/0.1 (news archive; +https://storyfold.example/bot)"
PAGE = "https://daily.example/politics/a?page=2"


def robots(text: str) -> Robots:
    return read_robots(200, text.encode())


def test_rules_allow_and_disallow_by_the_longest_match() -> None:
    rules = robots("User-agent: *\nDisallow: /politics/\nAllow: /politics/a\nDisallow: /*.pdf$")
    assert rules.allows(PAGE, AGENT)
    assert not rules.allows("https://daily.example/politics/b", AGENT)
    assert not rules.allows("https://daily.example/a.pdf", AGENT)
    assert rules.allows("https://daily.example/", AGENT)


def test_our_own_group_outranks_the_one_for_all() -> None:
    rules = robots("User-agent: *\nDisallow: /\n\nUser-agent: StoryFold\nDisallow: /private/\nCrawl-delay: 7.5")
    assert rules.allows(PAGE, AGENT)
    assert not rules.allows("https://daily.example/private/a", AGENT)
    assert rules.crawl_delay_s(AGENT) == 7.5
    assert not rules.allows(PAGE, "otherbot/1.0")


@pytest.mark.parametrize("word", ["news", "archive", "bot", "https"])
def test_a_word_of_our_comment_is_not_our_name(word: str) -> None:
    assert robots(f"User-agent: {word}\nDisallow: /").allows(PAGE, AGENT)


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        (AGENT, "storyfold"),
        ("Mozilla/5.0 (compatible; StoryFold/0.1; +https://storyfold.example)", "storyfold"),
        ("News-Crawler_x 2", "news-crawler_x"),
        ("", ""),
    ],
)
def test_product_token(user_agent: str, token: str) -> None:
    assert product_token(user_agent) == token


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_no_rules_where_there_is_no_file(status: int) -> None:
    rules = read_robots(status, b"User-agent: *\nDisallow: /")
    assert rules.allows(PAGE, AGENT)
    assert not rules.unreachable


@pytest.mark.parametrize("status", [429, 500, 502, 503, 599])
def test_nothing_is_allowed_while_the_server_fails(status: int) -> None:
    rules = read_robots(status, b"")
    assert not rules.allows(PAGE, AGENT)
    assert rules.unreachable


def test_sitemaps_stand_outside_of_groups() -> None:
    rules = robots(
        "Sitemap: https://daily.example/a.xml\nUser-agent: x\nDisallow: /\nSitemap: https://daily.example/b.xml"
    )
    assert rules.sitemaps == ("https://daily.example/a.xml", "https://daily.example/b.xml")


def test_a_byte_order_mark_hides_no_rule() -> None:
    assert not read_robots(200, b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /").allows(PAGE, AGENT)


def test_only_the_first_500_kib_count_and_no_half_line_of_them() -> None:
    head = b"User-agent: *\nDisallow: /politics\n"
    filler = b"#" * (MAX_ROBOTS_BYTES - len(head) - len(b"\nAllow: /politics")) + b"\nAllow: /politics"
    cut = read_robots(200, head + filler + b"/only/this\nDisallow: /late\n")
    assert not cut.allows(PAGE, AGENT)
    assert cut.allows("https://daily.example/late", AGENT)


@pytest.mark.parametrize("delay", ["-1", "nan", "inf", "soon", ""])
def test_a_crawl_delay_that_is_none_is_none(delay: str) -> None:
    assert robots(f"User-agent: *\nCrawl-delay: {delay}").crawl_delay_s(AGENT) is None


def test_a_group_for_a_beginning_of_our_name_is_not_ours() -> None:
    assert robots("User-agent: story\nDisallow: /").allows(PAGE, AGENT)
    assert not robots("User-agent: StoryFold/2.0\nDisallow: /").allows(PAGE, AGENT)


def test_several_groups_of_ours_are_one_and_lines_for_the_whole_site_end_none() -> None:
    text = "User-agent: storyfold\nSitemap: /a.xml\nUser-agent: other\nDisallow: /politics\n\nuseragent: storyfold\nDisallow: /sport"
    for path in ("politics/a", "sport/a"):
        assert not robots(text).allows(f"https://daily.example/{path}", AGENT)
    assert robots(text).allows("https://daily.example/culture/a", AGENT)
    assert robots(text).sitemaps == ("/a.xml",)


def test_many_agents_before_many_rules_are_read_in_passing() -> None:
    """Half a megabyte of them would take a parser that copies the rules for each agent some minutes."""
    agents = "".join(f"User-agent: agent{number}\n" for number in range(13_000))
    text = agents + "User-agent: *\n" + "Disallow: /a*b*c\n" * 14_000
    assert robots(text).allows("https://daily.example/" + "ab" * 500, AGENT)
    assert not robots(text).allows("https://daily.example/abc", AGENT)


@pytest.mark.parametrize("line", ["a" * 400_000, "a " * 200_000, ":" * 400_000, "User-agent" + " " * 400_000])
def test_one_long_line_is_read_in_passing(line: str) -> None:
    assert not robots(f"{line}\nUser-agent: *\nDisallow: /").allows(PAGE, AGENT)


def test_a_web_page_in_its_place_is_no_rule() -> None:
    assert robots("<!doctype html><html><body><p>Disallow: everything?</p></body></html>").allows(PAGE, AGENT)


@given(st.binary(max_size=300), st.integers(200, 599))
def test_any_answer_can_be_read(body: bytes, status: int) -> None:
    rules = read_robots(status, b"User-agent: *\n" + body)
    assert isinstance(rules.allows(PAGE, AGENT), bool)
    assert (rules.crawl_delay_s(AGENT) or 0) >= 0
