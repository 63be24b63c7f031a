"""URL keys decide what the store takes for one article: each rule has a case, and each law a property."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extract.model import UrlParams
from extract.urls import (
    COMMON_RULES,
    BadUrl,
    UrlRules,
    host_of,
    normalize_url,
    registrable_domain,
    resolve_link,
    url_key,
)

TEXT = st.text(max_size=12)
ESCAPES = st.sampled_from(["%41", "%7e", "%2F", "%2f", "%zz", "%", "%C3%A9", "%c3", "é", "字", "+", "%20", "%2B", ";"])
PIECES = st.lists(st.one_of(TEXT, ESCAPES, st.sampled_from(["..", ".", "/", "&", "=", "utm_source=", "?", "#"])))
HOSTS = st.sampled_from(
    ["daily.example", "WWW.Daily.Example.", "zürich.example", "xn--zrich-kva.example", "10.0.0.1", "[::1]"]
)
PORTS = st.sampled_from(["", ":", ":80", ":443", ":8080"])


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http", "https", "HTTP"]))
    path, query = "".join(draw(PIECES)), "".join(draw(PIECES))
    return f"{scheme}://{draw(HOSTS)}{draw(PORTS)}/{path}?{query}"


def normal_or_none(url: str) -> str | None:
    try:
        return normalize_url(url)
    except BadUrl:
        return None


@given(urls())
@example("http://daily.example/%2525?%2526=%25")
@example("file:///a//../b%7E")
def test_normalising_twice_is_normalising_once(url: str) -> None:
    normal = normal_or_none(url)
    assert normal is None or normalize_url(normal) == normal


@given(urls())
def test_a_url_and_its_normal_form_have_one_key_and_one_host(url: str) -> None:
    normal = normal_or_none(url)
    if normal is not None:
        assert url_key(url) == url_key(normal)
        assert host_of(url) == host_of(normal)
        assert registrable_domain(url) == registrable_domain(normal)


@given(urls(), urls())
def test_keys_are_equal_where_normal_forms_are(left: str, right: str) -> None:
    forms = [normal_or_none(url) for url in (left, right)]
    if None not in forms and forms[0] == forms[1]:
        assert url_key(left) == url_key(right)


@given(st.text())
def test_any_text_is_a_url_or_bad(text: str) -> None:
    for url in (text, f"http://{text}/", f"https://daily.example/{text}"):
        normal_or_none(url)
        resolve_link("https://daily.example/", url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Daily.Example:80/News?B=2&a=1#top", "http://daily.example/News?B=2&a=1"),
        ("https://daily.example:443", "https://daily.example/"),
        ("https://daily.example:80/", "https://daily.example:80/"),
        ("https://daily.example./a", "https://daily.example/a"),
        ("https://Zürich.example/ö?ä=ü", "https://xn--zrich-kva.example/%C3%B6?%C3%A4=%C3%BC"),
        ("https://daily.example/a/./b/../c//d", "https://daily.example/a/c//d"),
        ("https://daily.example/%7euser/%41%2f%e4", "https://daily.example/~user/A%2F%E4"),
        ("https://daily.example/a/", "https://daily.example/a/"),
        ("https://daily.example/a?", "https://daily.example/a"),
        ("https://reader:secret@daily.example/a", "https://daily.example/a"),
        ("https://daily.example/a?q=x+y%2Bz%20&empty=", "https://daily.example/a?q=x+y%2Bz%20&empty="),
        ("file:///home/reader/a%20b.html#end", "file:///home/reader/a%20b.html"),
        ("file://localhost/a/../b.html", "file:///b.html"),
    ],
)
def test_normal_form(url: str, normal: str) -> None:
    assert normalize_url(url) == normal


@pytest.mark.parametrize(
    "query",
    [
        "utm_source=rss",
        "UTM_Campaign=x",
        "fbclid=1",
        "gclid=2",
        "utm%5Fmedium=x",
        "at_medium=RSS",
        "xtor=RSS-1",
        "wt_mc=x",
    ],
)
def test_tracking_parameters_do_not_make_another_page(query: str) -> None:
    plain = "https://daily.example/story?id=7"
    assert normalize_url(f"https://daily.example/story?{query}&id=7") == plain
    assert normalize_url(f"https://daily.example/story?id=7&{query}") == plain
    assert normalize_url(f"https://daily.example/story?{query}") == "https://daily.example/story"


@pytest.mark.parametrize("query", ["ref=1", "source=2", "id=3", "cid=4", "sid=5", "p=6", "page=2", "gclid2=x", "at=x"])
def test_parameters_that_may_choose_the_page_stay(query: str) -> None:
    assert normalize_url(f"https://daily.example/?{query}").endswith(query)


def test_the_order_of_the_query_is_kept() -> None:
    assert url_key("https://daily.example/?a=1&b=2") != url_key("https://daily.example/?b=2&a=1")


def test_http_and_https_share_a_key_and_keep_their_url() -> None:
    assert url_key("http://daily.example/a") == url_key("https://daily.example:443/a")
    assert normalize_url("http://daily.example/a").startswith("http:")
    assert url_key("http://daily.example:8080/a") != url_key("http://daily.example/a")


def test_keys_of_this_version_of_the_rules_never_change() -> None:
    """If this fails, a rule or a library below changed: raise NORMALIZATION and migrate, or pin the library."""
    assert url_key("https://Daily.example/Ä/a?q=1&utm_source=x").hex() == "0e2c988bc5b930708f4470ec8ca1e651"
    assert url_key("file:///home/reader/page.html").hex() == "b4a61a4546586805db302fbfbc8691b8"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "daily.example/a",
        "/a",
        "mailto:desk@daily.example",
        "ftp://daily.example/",
        "http://",
        "http:///a",
        "http://daily.example:99999/",
        "http://da ily.example/",
        "http://daily.example/a b",
        "http://daily.example/a\nb",
        "http://daily.example/\ud800",
        "http://%64aily.example/",
        "http://daily..example/",
        f"http://{'a' * 64}.example/",
        "http://daily.example\\@other.example/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "file://server/share/a.html",
        "https://daily.example/" + "a" * 10_000,
    ],
)
def test_what_is_no_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(BadUrl) as refusal:
        normalize_url(url)
    assert refusal.value.url == url


def test_local_paths_have_keys(tmp_path: Path) -> None:
    page = tmp_path / "a page, ünïcode.html"
    assert url_key(page.as_uri()) == url_key(page.as_uri() + "#section")
    assert host_of(page.as_uri()) == ""


@pytest.mark.parametrize(
    ("url", "host", "domain"),
    [
        ("https://News.BBC.co.uk/x", "news.bbc.co.uk", "bbc.co.uk"),
        ("http://www.daily.example:8080/", "www.daily.example:8080", "www.daily.example"),
        ("https://desk.blogspot.com/", "desk.blogspot.com", "desk.blogspot.com"),
        ("https://a.b.公司.cn/", "a.b.xn--55qx5d.cn", "b.xn--55qx5d.cn"),
        ("http://10.0.0.1:80/", "10.0.0.1", "10.0.0.1"),
        ("http://[::1]:8080/", "[::1]:8080", "::1"),
        ("http://localhost/", "localhost", "localhost"),
        ("https://co.uk/", "co.uk", "co.uk"),
    ],
)
def test_host_and_registrable_domain(url: str, host: str, domain: str) -> None:
    assert (host_of(url), registrable_domain(url)) == (host, domain)


@pytest.mark.parametrize(
    ("link", "absolute"),
    [
        ("/politics/a", "https://daily.example/politics/a"),
        ("b.html?x=1", "https://daily.example/feeds/b.html?x=1"),
        ("?page=2", "https://daily.example/feeds/rss.xml?page=2"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("www.other.example/a", "https://www.other.example/a"),
        ("WWW.other.example", "https://WWW.other.example"),
        ("daily.example/a", "https://daily.example/a"),
        ("www.html", "https://daily.example/feeds/www.html"),
        ("other.example/a", "https://daily.example/feeds/other.example/a"),
        ("  \n http://other.example/a\n ", "http://other.example/a"),
        ("https://other.example/a\r\n  /b", "https://other.example/a%20%20/b"),
        ("https://other.example/a b\u00a0c\x00", "https://other.example/a%20b%C2%A0c"),
        ("https://other.example/ü?ref=1#top", "https://other.example/ü?ref=1#top"),
    ],
)
def test_links_lead_where_a_reader_would_get(link: str, absolute: str) -> None:
    assert resolve_link("https://daily.example/feeds/rss.xml", link) == absolute


@pytest.mark.parametrize(
    "link",
    ["", " \n", "mailto:desk@daily.example", "javascript:void(0)", "data:text/html,x", "ftp://a.example/", "tel:+1", "http://",
     "http://[bad/", "file:///etc/passwd", "https://a.example:port/", "http://a..example/"],
)  # fmt: skip
def test_links_to_no_web_page_lead_nowhere(link: str) -> None:
    assert resolve_link("https://daily.example/", link) is None


def test_a_base_that_is_no_url_still_takes_absolute_links() -> None:
    assert resolve_link("", "https://daily.example/a") == "https://daily.example/a"
    assert resolve_link("", "/a") is None
    assert resolve_link("http://[bad", "/a") is None


# --- What a publisher says of its parameters ----------------------------------------------------------------------

PUBLISHER = UrlRules({"post.example": UrlParams(keep=("cmpid",), drop=("sid",))})


def test_a_publishers_own_parameters_are_kept_and_dropped_on_its_domain_only() -> None:
    query = "story?cmpid=7&sid=9&page=2"
    assert normalize_url(f"https://post.example/{query}", PUBLISHER) == "https://post.example/story?cmpid=7&page=2"
    assert normalize_url(f"https://other.example/{query}", PUBLISHER) == "https://other.example/story?sid=9&page=2"


def test_a_publishers_rules_are_idempotent() -> None:
    once = normalize_url("https://post.example/story?sid=1&cmpid=2&utm_source=3", PUBLISHER)
    assert normalize_url(once, PUBLISHER) == once


def test_rules_are_named_by_what_they_say() -> None:
    assert UrlRules({"post.example": UrlParams(keep=("cmpid",), drop=("sid",))}).name == PUBLISHER.name
    assert len({COMMON_RULES.name, PUBLISHER.name, UrlRules({"post.example": UrlParams(drop=("sid",))}).name}) == 3
