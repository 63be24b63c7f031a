"""Source files: what they say, and how their faults are named."""

from __future__ import annotations

import pytest

from extract.catalogue import BadSource, read_source
from extract.model import Feed, FeedKind, FetchPolicy, PollPolicy, Source, SourceName

FULL = """
title = "Głos Doliny"
homepage = "https://glos.example/"
language = "pl"
country = "PL"
tier = 1
feeds = ["https://glos.example/rss", "https://glos.example/atom"]
sitemaps = ["https://glos.example/news.xml"]
interval_minutes = 7.5

[fetch]
gap_s = 5
timeout_s = 20
read_timeout_s = 4.5
max_bytes = 2_000_000
max_redirects = 0
user_agent = "storyfold-test/1"
allow_networks = ["loopback"]
"""


def test_file_is_read_whole() -> None:
    defaults = FetchPolicy(connect_to=(("glos.example", "127.0.0.1", 8080),), robots_ttl_s=60.0)
    assert read_source(FULL, "glos-doliny", defaults) == Source(
        name=SourceName("glos-doliny"),
        title="Głos Doliny",
        homepage="https://glos.example/",
        language="pl",
        country="PL",
        tier=1,
        feeds=(
            Feed(url="https://glos.example/rss", kind=FeedKind.FEED),
            Feed(url="https://glos.example/atom", kind=FeedKind.FEED),
            Feed(url="https://glos.example/news.xml", kind=FeedKind.SITEMAP),
        ),
        polling=PollPolicy(first_interval_s=450.0),
        fetch=FetchPolicy(
            user_agent="storyfold-test/1",
            gap_s=5.0,
            timeout_s=20.0,
            read_timeout_s=4.5,
            max_bytes=2_000_000,
            max_redirects=0,
            robots_ttl_s=60.0,
            allow_networks=frozenset({"loopback"}),
            connect_to=(("glos.example", "127.0.0.1", 8080),),
        ),
    )


def test_a_title_is_enough() -> None:
    source = read_source('title = "The Post"', "post")
    assert (source.tier, source.polling, source.feeds, source.fetch) == (2, PollPolicy(), (), FetchPolicy())
    assert (source.homepage, source.language, source.country) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'title' is missing; it must be a line of text"),
        ("title = ", "no valid TOML: "),
        ('title = " "', "'title' must be a line of text, not ' '"),
        ('titel = "The Post"', "unknown key 'titel'; did you mean 'title'?"),
        ('title = "P"\nrss = []', "unknown key 'rss'; known are title, homepage, language"),
        ('title = "P"\ntier = true', "'tier' must be 1, 2 or 3, not True"),
        ('title = "P"\ntier = 4', "'tier' must be 1, 2 or 3, not 4"),
        (
            'title = "P"\nlanguage = "pol"',
            "'language' must be an ISO 639-1 code in small letters, such as 'pl', not 'pol'",
        ),
        (
            'title = "P"\ncountry = "pl"',
            "'country' must be an ISO 3166-1 alpha-2 code in capitals, such as 'PL', not 'pl'",
        ),
        (
            'title = "P"\nhomepage = "post.example"',
            "'homepage' must be an absolute http or https URL, not 'post.example'",
        ),
        ('title = "P"\nfeeds = "https://p.example"', "'feeds' must be a list of absolute http or https URLs"),
        ('title = "P"\nfeeds = ["ftp://p.example/"]', "'feeds' must be a list of absolute http or https URLs"),
        (
            'title = "P"\nfeeds = ["https://p.example/a"]\nsitemaps = ["https://P.example/a"]',
            "https://P.example/a stands twice",
        ),
        ('title = "P"\ninterval_minutes = 0', "'interval_minutes' must be a number of minutes, at least 1, not 0"),
        ('title = "P"\ninterval_minutes = nan', "'interval_minutes' must be a number of minutes, at least 1, not nan"),
        ('title = "P"\nfetch = 1', "'fetch' must be a table, not 1"),
        ('title = "P"\n[fetch]\ngap = 1', "unknown key 'fetch.gap'; did you mean 'gap_s'?"),
        ('title = "P"\n[fetch]\ngap_s = -1', "'fetch.gap_s' must be a number of seconds, 0 or more, not -1"),
        ('title = "P"\n[fetch]\nmax_bytes = 1e6', "'fetch.max_bytes' must be a whole number of bytes, at least 1000"),
        ('title = "P"\n[fetch]\nuser_agent = "a\\nb"', "'fetch.user_agent' must be a line of text"),
        (
            'title = "P"\n[fetch]\nallow_networks = ["lan"]',
            "'fetch.allow_networks' must be a list of 'loopback' and 'private'",
        ),
        ('title = "P"\n[fetch]\nconnect_to = []', "unknown key 'fetch.connect_to'"),
    ],
)
def test_every_fault_is_named_with_file_and_key(text: str, fault: str) -> None:
    with pytest.raises(BadSource) as raised:
        read_source(text, "post")
    assert str(raised.value).startswith(f"post.toml: {fault}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "The-Post", "post.example", "gazeta_pl", "głos"])
def test_file_name_must_be_a_plain_name(name: str) -> None:
    with pytest.raises(BadSource, match="small letters, digits and '-'"):
        read_source('title = "P"', name)
