"""The fetcher against a publisher on the loopback interface that misbehaves in every way seen in the wild."""

from __future__ import annotations

import asyncio
import functools
import gzip
import itertools
import socket
import ssl
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self

import brotli
import pytest
import zstandard

from extract.fetch import (
    BadAnswer,
    ConnectionLost,
    Fetcher,
    FetchFault,
    HostPaused,
    ServerBusy,
    ServerError,
    Timeout,
)
from extract.model import FetchPolicy, NotModified, OptOutPolicy, Page, PauseScope, Reason, Rejection, Validators
from extract.pacing import DEAD_AFTER, FIRST_DEATH_S

NOW = datetime(2026, 11, 21, 10, 15, 0, 123456, tzinfo=UTC)
HTML = b"<!doctype html><title>A bridge reopens</title><p>The old bridge reopened on Friday.</p>"
MEGABYTE = 1_000_000
CODED = {
    "gzip": gzip.compress(HTML, mtime=0),
    "deflate": zlib.compress(HTML),
    "br": brotli.compress(HTML),
    "zstd": zstandard.compress(HTML),
}


@dataclass(frozen=True)
class Request:
    host: str
    path: str
    headers: dict[str, str]
    at: float


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
Says = Mapping[str, bytes | Handler]


def answer(status: int = 200, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """One HTTP answer, its Content-Length true unless told otherwise."""
    lines = [f"HTTP/1.1 {status} Phrase", "Connection: close", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def page(body: bytes = HTML, *headers: str) -> bytes:
    return answer(200, body, "Content-Type: text/html; charset=utf-8", *headers)


def redirect(location: str, status: int = 302) -> bytes:
    return answer(status, b"", f"Location: {location}")


@dataclass
class Publisher:
    """An HTTP server for every *.example host; what it says depends on host and path."""

    tls: ssl.SSLContext | None = None
    says: Says = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            request = Request(headers["host"], first.split()[1], headers, time.monotonic())
            self.requests.append(request)
            said = self.says.get(request.host + request.path, self.says.get(request.path, answer(404)))
            if isinstance(said, bytes):
                writer.write(said)
                await writer.drain()
            else:
                await said(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def policy(self, **changes: Any) -> FetchPolicy:
        policy = FetchPolicy(
            gap_s=0.0,
            timeout_s=3.0,
            read_timeout_s=2.0,
            allow_networks=frozenset({"loopback"}),
            connect_to=(("*.example", "127.0.0.1", self.port),),
        )
        return replace(policy, **changes)

    def asked(self) -> list[str]:
        return [request.host + request.path for request in self.requests]


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def one(url: str, says: Says, **changes: Any) -> Page | NotModified | Rejection:
    """What a fresh fetcher makes of one URL."""
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        return await fetcher.get(url, publisher.policy(**changes))


async def fault_of(url: str, says: Says, **changes: Any) -> FetchFault:
    with pytest.raises(FetchFault) as raised:
        await one(url, says, **changes)
    return raised.value


async def reason_of(url: str, says: Says, **changes: Any) -> Reason:
    verdict = await one(url, says, **changes)
    assert isinstance(verdict, Rejection)
    assert verdict.url == url
    return verdict.reason


# --- what a good publisher says ---


@in_loop
async def test_a_page_is_what_the_server_sent() -> None:
    says = {"/a": page(HTML, 'ETag: "1"', "X-Twice: 1", "X-Twice: ü")}
    async with Publisher(says=says) as publisher, Fetcher(clock=lambda: NOW) as fetcher:
        got = await fetcher.get("http://daily.example/a#top", publisher.policy())
    assert isinstance(got, Page)
    assert (got.url, got.final_url) == ("http://daily.example/a#top", "http://daily.example/a")
    assert (got.status, got.body, got.fetched_at) == (200, HTML, NOW)
    assert ("ETag", '"1"') in got.headers
    assert [value for name, value in got.headers if name == "X-Twice"] == ["1", "ü"]


@in_loop
async def test_requests_name_us_and_ask_for_what_we_can_decode() -> None:
    async with Publisher(says={"/a": page()}) as publisher, Fetcher() as fetcher:
        await fetcher.get("http://daily.example/a", publisher.policy(user_agent="tester/1 (+https://tester.example)"))
    assert publisher.asked() == ["daily.example/robots.txt", "daily.example/a"]
    for request in publisher.requests:
        assert request.headers["user-agent"] == "tester/1 (+https://tester.example)"
        assert request.headers["accept-encoding"] == "gzip, deflate, br, zstd"


@in_loop
async def test_an_unchanged_page_is_not_modified() -> None:
    validators = Validators(etag='W/"7"', last_modified="Fri, 20 Nov 2026 08:00:00 GMT")
    async with Publisher(says={"/feed": answer(304)}) as publisher, Fetcher(clock=lambda: NOW) as fetcher:
        got = await fetcher.get("http://daily.example/feed", publisher.policy(), validators=validators)
    assert got == NotModified(url="http://daily.example/feed", fetched_at=NOW)
    assert publisher.requests[-1].headers["if-none-match"] == 'W/"7"'
    assert publisher.requests[-1].headers["if-modified-since"] == "Fri, 20 Nov 2026 08:00:00 GMT"
    assert "if-none-match" not in publisher.requests[0].headers


@in_loop
async def test_a_304_that_nobody_asked_for_is_a_fault() -> None:
    assert isinstance(await fault_of("http://daily.example/feed", {"/feed": answer(304)}), BadAnswer)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        *CODED.items(),
        ("GZIP", gzip.compress(HTML[:40], mtime=0) + gzip.compress(HTML[40:], mtime=0)),
        ("deflate", zlib.compress(HTML)[2:-4]),
        ("gzip, br", brotli.compress(gzip.compress(HTML, mtime=0))),
        ("x-gzip", gzip.compress(HTML, mtime=0) + bytes(8)),
        ("gzip", b""),
        ("utf-8", HTML),
        ("identity", HTML),
    ],
)
@in_loop
async def test_codings_are_undone(coding: str, packed: bytes) -> None:
    got = await one("http://daily.example/a", {"/a": page(packed, f"Content-Encoding: {coding}")})
    assert isinstance(got, Page)
    assert got.body == (HTML if packed else b"")


@in_loop
async def test_cookies_are_not_kept() -> None:
    async with Publisher(says={"/a": page(HTML, "Set-Cookie: id=1; Path=/")}) as publisher, Fetcher() as fetcher:
        for _ in range(2):
            await fetcher.get("http://daily.example/a", publisher.policy())
    assert not any("cookie" in request.headers for request in publisher.requests)


@in_loop
async def test_local_files_and_no_urls_are_bad_urls() -> None:
    for url in (
        "file:///etc/hostname",
        "daily.example/a",
        "http://da ily.example/",
        "ftp://daily.example/",
        "http:///a",
    ):
        assert await reason_of(url, {}) is Reason.BAD_URL


# --- redirects ---


@in_loop
async def test_redirects_are_followed_across_hosts_with_each_hosts_robots() -> None:
    says: Says = {
        "daily.example/short": redirect("/a", 301),
        "daily.example/a": redirect("//www.daily.example/b?x=1#top", 308),
        "www.daily.example/b?x=1": page(),
    }
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        got = await fetcher.get("http://daily.example/short", publisher.policy())
    assert isinstance(got, Page)
    assert (got.url, got.final_url) == ("http://daily.example/short", "http://www.daily.example/b?x=1")
    assert publisher.asked() == [
        "daily.example/robots.txt",
        "daily.example/short",
        "daily.example/a",
        "www.daily.example/robots.txt",
        "www.daily.example/b?x=1",
    ]


@in_loop
async def test_a_redirect_to_where_robots_txt_says_no_ends_there() -> None:
    says: Says = {
        "daily.example/a": redirect("http://other.example/a"),
        "other.example/robots.txt": answer(200, b"User-agent: *\nDisallow: /"),
        "other.example/a": page(),
    }
    assert await reason_of("http://daily.example/a", says) is Reason.ROBOTS


@in_loop
async def test_a_loop_of_redirects_is_left_at_once() -> None:
    says = {"/a": redirect("/b"), "/b": redirect("/a")}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        got = await fetcher.get("http://daily.example/a", publisher.policy())
    assert isinstance(got, Rejection)
    assert got.reason is Reason.TOO_MANY_REDIRECTS
    assert publisher.asked()[1:] == ["daily.example/a", "daily.example/b"]


@in_loop
async def test_redirects_have_an_end() -> None:
    says: Says = {f"/{n}": redirect(f"/{n + 1}") for n in range(9)} | {"/9": page()}
    assert await reason_of("http://daily.example/0", says, max_redirects=3) is Reason.TOO_MANY_REDIRECTS
    assert isinstance(await one("http://daily.example/6", says, max_redirects=3), Page)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://10.0.0.1:8080/admin", Reason.PRIVATE_ADDRESS),
        ("http://[::ffff:192.168.0.1]/", Reason.PRIVATE_ADDRESS),
        ("//169.254.169.254/latest/meta-data/", Reason.PRIVATE_ADDRESS),
        ("mailto:desk@daily.example", Reason.BAD_URL),
        ("file:///etc/passwd", Reason.BAD_URL),
        ("http://[broken/", Reason.BAD_URL),
        ("", Reason.REFUSED),
    ],
)
@in_loop
async def test_redirects_lead_to_no_forbidden_place(location: str, reason: Reason) -> None:
    assert await reason_of("http://daily.example/a", {"/a": redirect(location)}) is reason


@in_loop
async def test_a_location_in_raw_bytes_is_understood() -> None:
    says: Says = {"/a": redirect("/zürich"), "/z%C3%BCrich": page()}
    assert isinstance(await one("http://daily.example/a", says), Page)


# --- robots.txt ---


@in_loop
async def test_robots_txt_is_read_once_and_obeyed() -> None:
    says = {
        "/robots.txt": answer(200, b"User-agent: storyfold\nDisallow: /private/"),
        "/a": page(),
        "/private/b": page(),
    }
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policy = publisher.policy()
        open_page, closed, forced = [
            await fetcher.get("http://daily.example/a", policy),
            await fetcher.get("http://daily.example/private/b", policy),
            await fetcher.get("http://daily.example/private/b", policy, obey_robots=False),
        ]
    assert isinstance(open_page, Page)
    assert isinstance(closed, Rejection)
    assert closed.reason is Reason.ROBOTS
    assert isinstance(forced, Page)
    assert publisher.asked() == ["daily.example/robots.txt", "daily.example/a", "daily.example/private/b"]


@in_loop
async def test_robots_txt_is_read_again_after_its_time() -> None:
    async with Publisher(says={"/a": page()}) as publisher, Fetcher() as fetcher:
        for _ in range(2):
            await fetcher.get("http://daily.example/a", publisher.policy(robots_ttl_s=0.0))
    assert publisher.asked().count("daily.example/robots.txt") == 2


@in_loop
async def test_concurrent_requests_share_one_robots_txt() -> None:
    async with Publisher(says={f"/{n}": page() for n in range(5)}) as publisher, Fetcher() as fetcher:
        await asyncio.gather(*(fetcher.get(f"http://daily.example/{n}", publisher.policy()) for n in range(5)))
    assert publisher.asked().count("daily.example/robots.txt") == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
@in_loop
async def test_no_robots_txt_means_no_rules(status: int) -> None:
    assert isinstance(await one("http://daily.example/a", {"/robots.txt": answer(status), "/a": page()}), Page)


@pytest.mark.parametrize("status", [429, 500, 503])
@in_loop
async def test_a_failing_robots_txt_forbids_for_now_and_closes_no_entry(status: int) -> None:
    says: Says = {"/robots.txt": answer(status), "/a": page()}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        with pytest.raises(ServerError) as raised:
            await fetcher.get("http://daily.example/a", publisher.policy())
        with pytest.raises(HostPaused) as paused:
            await fetcher.get("http://daily.example/a", publisher.policy())
    assert (raised.value.url, raised.value.retry_after_s) == ("http://daily.example/a", 300.0)
    assert paused.value.scope is PauseScope.HOST
    assert paused.value.retry_after_s == pytest.approx(300, abs=2)
    assert publisher.asked() == ["daily.example/robots.txt"]


@pytest.mark.parametrize("later", [answer(500), answer(200, b"User", length=999)])
@in_loop
async def test_rules_once_read_hold_while_robots_txt_fails(later: bytes) -> None:
    """RFC 9309 §2.4 lets a cached copy live past its day where robots.txt is out of reach."""
    robots = iter([answer(200, b"User-agent: *\nDisallow: /closed"), *[later] * 9])

    async def changing(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(next(robots))

    says: Says = {"/robots.txt": changing, "/open": page(), "/closed": page()}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policy = publisher.policy(robots_ttl_s=0.0)
        for _ in range(3):
            assert isinstance(await fetcher.get("http://daily.example/open", policy), Page)
            got = await fetcher.get("http://daily.example/closed", policy)
            assert isinstance(got, Rejection)
            assert got.reason is Reason.ROBOTS
    assert publisher.asked().count("daily.example/robots.txt") == 2  # then it has its five minutes


@in_loop
async def test_a_robots_txt_out_of_reach_raises_the_passing_fault() -> None:
    fault = await fault_of("http://daily.example/a", {"/robots.txt": reset, "/a": page()})
    assert isinstance(fault, ConnectionLost)
    assert (fault.url, fault.cause[:11]) == ("http://daily.example/a", "robots.txt:")


@in_loop
async def test_a_redirected_robots_txt_counts_and_a_lost_one_is_none() -> None:
    says: Says = {
        "daily.example/robots.txt": redirect("http://www.daily.example/robots.txt"),
        "www.daily.example/robots.txt": answer(200, b"User-agent: *\nDisallow: /"),
        "other.example/robots.txt": redirect("/robots.txt"),
        "/a": page(),
    }
    assert await reason_of("http://daily.example/a", says) is Reason.ROBOTS
    assert isinstance(await one("http://other.example/a", says), Page)


@in_loop
async def test_an_endless_robots_txt_is_read_to_its_cap() -> None:
    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /closed\n")
        while True:
            writer.write(b"# more\n" * 10_000)
            await writer.drain()

    says: Says = {"/robots.txt": endless, "/open": page()}
    assert isinstance(await one("http://daily.example/open", says), Page)
    assert await reason_of("http://daily.example/closed", says) is Reason.ROBOTS


@in_loop
async def test_a_crawl_delay_lengthens_the_gap() -> None:
    says: Says = {
        "/robots.txt": answer(200, b"User-agent: *\nCrawl-delay: 0.3"),
        "/a": page(),
    }
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        await fetcher.get("http://daily.example/a", publisher.policy())
    robots, article = publisher.requests
    assert article.at - robots.at >= 0.2


# --- politeness ---


@in_loop
async def test_one_host_is_asked_once_a_gap_while_others_are_not_held_up() -> None:
    async def slow(_: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(page())

    hosts = ["a.example", "b.example", "c.example"]
    async with Publisher(says={"/1": slow, "/2": slow}) as publisher, Fetcher() as fetcher:
        policy = publisher.policy(gap_s=0.3)  # as we send; a busy machine lets it arrive later
        await asyncio.gather(*(fetcher.get(f"http://{host}/{n}", policy) for host in hosts for n in (1, 2)))
    times = [[request.at for request in publisher.requests if request.host == host] for host in hosts]
    assert all(len(of_host) == 3 for of_host in times)
    assert min(later - earlier for of_host in times for earlier, later in itertools.pairwise(of_host)) >= 0.15
    assert max(first for first, _, _ in times) < min(last for _, _, last in times)


@in_loop
async def test_requests_to_one_host_never_overlap() -> None:
    under_way = 0

    async def counted(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(page())

    says: Says = {f"/{n}": counted for n in range(5)}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policies = [publisher.policy(), publisher.policy(timeout_s=2.5)]
        urls = [(f"http://daily.example/{n}", policies[n % 2]) for n in range(5)]
        pages = await asyncio.gather(*(fetcher.get(url, policy) for url, policy in urls))
    assert all(isinstance(got, Page) for got in pages)


@in_loop
async def test_a_host_that_asks_to_wait_is_left_alone() -> None:
    says: Says = {
        "/a": answer(429, b"", "Retry-After: 120"),
        "/b": page(),
        "other.example/b": page(),
    }
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policy = publisher.policy()
        with pytest.raises(ServerBusy) as busy:
            await fetcher.get("http://daily.example/a", policy)
        with pytest.raises(HostPaused) as paused:
            await fetcher.get("http://daily.example/b", policy)
        assert isinstance(await fetcher.get("http://other.example/b", policy), Page)
    assert busy.value.retry_after_s == 120
    assert paused.value.retry_after_s == pytest.approx(120, abs=2)
    assert "daily.example/b" not in publisher.asked()


@in_loop
async def test_a_short_wait_is_waited_for() -> None:
    says: Says = {"/a": answer(503, b"", "Retry-After: 1"), "/b": page()}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        with pytest.raises(ServerBusy):
            await fetcher.get("http://daily.example/a", publisher.policy())
        assert isinstance(await fetcher.get("http://daily.example/b", publisher.policy()), Page)
    assert publisher.requests[-1].at - publisher.requests[-2].at >= 0.95


@pytest.mark.parametrize(
    ("scope", "resting"),
    [
        (PauseScope.URL, ["http://a.daily.com/1"]),
        (PauseScope.HOST, ["http://a.daily.com/1", "http://a.daily.com/2"]),
        (PauseScope.DOMAIN, ["http://a.daily.com/1", "http://a.daily.com/2", "http://b.daily.com/1"]),
    ],
)
@in_loop
async def test_what_rests_after_a_retry_after_is_what_the_policy_says(scope: PauseScope, resting: list[str]) -> None:
    says: Says = {"a.daily.com/1": answer(429, b"", "Retry-After: 120"), "/1": page(), "/2": page()}
    urls = ["http://a.daily.com/1", "http://a.daily.com/2", "http://b.daily.com/1"]
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policy = publisher.policy(retry_after_scope=scope, connect_to=(("*.daily.com", "127.0.0.1", publisher.port),))
        with pytest.raises(ServerBusy):
            await fetcher.get(urls[0], policy)
        paused = []
        for url in urls:
            try:
                assert isinstance(await fetcher.get(url, policy), Page)
            except HostPaused as pause:
                assert pause.scope is scope
                paused.append(url)
    assert paused == resting


@in_loop
async def test_a_pause_of_one_url_holds_up_no_other() -> None:
    says: Says = {"/a": answer(503, b"", "Retry-After: 2"), "/b": page()}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policy = publisher.policy(retry_after_scope=PauseScope.URL)
        with pytest.raises(ServerBusy):
            await fetcher.get("http://daily.example/a", policy)
        again = asyncio.ensure_future(fetcher.get("http://daily.example/a", policy))
        await asyncio.sleep(0)
        assert isinstance(await fetcher.get("http://daily.example/b", policy), Page)
        assert not again.done()
        again.cancel()


@in_loop
async def test_a_domain_may_be_asked_several_things_at_once() -> None:
    running, most = 0, 0

    async def counted(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        writer.write(page())

    says: Says = {f"/{n}": counted for n in range(9)}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        policy = publisher.policy(concurrency=3)
        await asyncio.gather(*(fetcher.get(f"http://daily.example/{n}", policy) for n in range(9)))
    assert most == 3


@in_loop
async def test_a_request_given_up_leaves_its_turn_to_the_next() -> None:
    async with Publisher(says={"/slow": drip(0.05), "/b": page()}) as publisher, Fetcher() as fetcher:
        policy = publisher.policy()
        slow = asyncio.ensure_future(fetcher.get("http://daily.example/slow", policy))
        waiting = asyncio.ensure_future(fetcher.get("http://daily.example/slow", policy))
        while "daily.example/slow" not in publisher.asked():
            await asyncio.sleep(0.01)
        waiting.cancel()
        slow.cancel()
        assert isinstance(await fetcher.get("http://daily.example/b", policy), Page)


@in_loop
async def test_a_host_that_cannot_be_reached_is_left_alone() -> None:
    async with Fetcher() as fetcher:
        policy = FetchPolicy(
            gap_s=0.0, allow_networks=frozenset({"loopback"}), connect_to=(("daily.example", "127.0.0.1", 1),)
        )
        faults = []
        for number in range(DEAD_AFTER + 2):
            with pytest.raises(FetchFault) as raised:
                await fetcher.get(f"http://daily.example/{number}", policy, obey_robots=False)
            faults.append(raised.value)
    assert [type(fault) for fault in faults] == [ConnectionLost] * DEAD_AFTER + [HostPaused] * 2
    assert faults[-1].retry_after_s == pytest.approx(FIRST_DEATH_S, abs=2)


# --- verdicts and faults by status ---


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, Reason.GONE), (410, Reason.GONE)]
    + [(status, Reason.REFUSED) for status in (400, 401, 402, 403, 406, 451, 499)],
)
@in_loop
async def test_a_client_error_is_a_verdict(status: int, reason: Reason) -> None:
    assert await reason_of("http://daily.example/a", {"/a": answer(status, b"no")}) is reason


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait_s"),
    [
        (429, ["Retry-After: 3"], ServerBusy, 3.0),
        (429, [], ServerBusy, None),
        (503, [f"Retry-After: {format_datetime(NOW + timedelta(minutes=5), usegmt=True)}"], ServerBusy, 299.876544),
        (503, ["Retry-After: whenever"], ServerBusy, None),
        (403, ["Retry-After: 60"], ServerBusy, 60.0),
        (408, [], ServerBusy, None),
        (500, [], ServerError, None),
        (502, ["Retry-After: 9"], ServerError, 9.0),
        (530, [], ServerError, None),
    ],
)
@in_loop
async def test_a_server_error_passes(status: int, headers: list[str], kind: type, wait_s: float | None) -> None:
    says: Says = {"/a": answer(status, b"", *headers)}
    async with Publisher(says=says) as publisher, Fetcher(clock=lambda: NOW) as fetcher:
        with pytest.raises(FetchFault) as raised:
            await fetcher.get("http://daily.example/a", publisher.policy())
    assert type(raised.value) is kind
    assert raised.value.retry_after_s == wait_s
    assert str(status) in str(raised.value)


# --- hostile bodies ---


async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
    """Closes with a TCP reset in the middle of an answer."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await writer.drain()
    writer.transport.abort()


def drip(every_s: float) -> Handler:
    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n")
        for _byte in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(every_s)

    return handler


@in_loop
async def test_silence_times_out() -> None:
    fault = await fault_of("http://daily.example/a", {"/a": drip(60.0)}, read_timeout_s=0.2)
    assert isinstance(fault, Timeout)


@in_loop
async def test_a_slow_drip_times_out_though_it_is_never_silent() -> None:
    fault = await fault_of("http://daily.example/a", {"/a": drip(0.02)}, timeout_s=0.4)
    assert isinstance(fault, Timeout)


@in_loop
async def test_a_server_that_never_answers_times_out() -> None:
    async def silent(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.0)

    assert isinstance(await fault_of("http://daily.example/a", {"/a": silent}, read_timeout_s=0.2), Timeout)


@pytest.mark.parametrize(
    "broken",
    [
        answer(200, HTML, "Content-Type: text/html", length=len(HTML) + 100),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n<!doctype html><p>cut here",
        b"",
        reset,
    ],
)
@in_loop
async def test_an_answer_that_breaks_off_is_no_page(broken: bytes | Handler) -> None:
    assert isinstance(await fault_of("http://daily.example/a", {"/a": broken}), ConnectionLost)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(2000)) + b"\r\n",
        page(HTML, "Content-Encoding: dcb"),
        *(page(HTML, f"Content-Encoding: {coding}") for coding in CODED),
        *(page(coded[:-12], f"Content-Encoding: {coding}") for coding, coded in CODED.items()),
        page(gzip.compress(HTML, mtime=0), "Content-Encoding: gzip, br"),
        page(gzip.compress(b"", mtime=0) * 40_000, "Content-Encoding: gzip"),
    ],
    ids=[
        "ssh",
        "long",
        "many",
        "dictionary",
        *(f"no-{c}" for c in CODED),
        *(f"cut-{c}" for c in CODED),
        "not-twice",
        "members",
    ],
)
@in_loop
async def test_what_is_no_answer_to_our_request_is_a_fault(garbage: bytes) -> None:
    assert isinstance(await fault_of("http://daily.example/a", {"/a": garbage}), BadAnswer)


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", gzip.compress(bytes(200 * MEGABYTE), 9, mtime=0)),
        ("deflate", zlib.compress(bytes(200 * MEGABYTE), 9)),
        ("br", brotli.compress(bytes(200 * MEGABYTE), quality=5)),
        ("zstd", zstandard.compress(bytes(200 * MEGABYTE))),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(200 * MEGABYTE), 9, mtime=0), mtime=0)),
    ],
    ids=["gzip", "deflate", "br", "zstd", "gzip in gzip"],
)
@in_loop
async def test_a_compression_bomb_is_too_large_before_it_goes_off(coding: str, bomb: bytes) -> None:
    says: Says = {"/a": page(bomb, f"Content-Encoding: {coding}")}
    assert await reason_of("http://daily.example/a", says, max_bytes=MEGABYTE) is Reason.TOO_LARGE


@in_loop
async def test_an_endless_body_is_too_large() -> None:
    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"<p>more</p>" * 10_000)
            await writer.drain()

    assert await reason_of("http://daily.example/a", {"/a": endless}, max_bytes=MEGABYTE) is Reason.TOO_LARGE


@in_loop
async def test_a_body_announced_too_large_is_not_read() -> None:
    assert await reason_of("http://daily.example/a", {"/a": page(bytes(2000))}, max_bytes=1000) is Reason.TOO_LARGE
    assert isinstance(await one("http://daily.example/a", {"/a": page(b"x" * 1000)}, max_bytes=1000), Page)


@pytest.mark.parametrize(
    "kind",
    [
        "image/jpeg",
        "video/mp4",
        "Application/PDF; q=1",
        "application/zip",
        "text/css",
        "application/vnd.ms-excel",
        "font/woff2",
    ],
)
@in_loop
async def test_pictures_and_documents_are_the_wrong_type(kind: str) -> None:
    assert (
        await reason_of("http://daily.example/a", {"/a": answer(200, b"x", f"Content-Type: {kind}")})
        is Reason.WRONG_TYPE
    )


@pytest.mark.parametrize(
    "kind",
    ["text/html", "application/xhtml+xml", "application/rss+xml", "application/json", "text/plain", "application/gzip"],
)
@in_loop
async def test_pages_feeds_and_sitemaps_are_the_right_type(kind: str) -> None:
    assert isinstance(await one("http://daily.example/a", {"/a": answer(200, HTML, f"Content-Type: {kind}")}), Page)
    assert isinstance(await one("http://daily.example/a", {"/a": answer(200, HTML)}), Page)


@in_loop
async def test_a_document_said_to_be_a_page_is_the_wrong_type() -> None:
    assert await reason_of("http://daily.example/a", {"/a": page(b"%PDF-1.7 ...")}) is Reason.WRONG_TYPE


@pytest.mark.parametrize(
    "wall",
    [
        page(b"<html><title>Just a moment...</title><script>window._cf_chl_opt={}</script>"),
        answer(403, b"", "CF-Mitigated: challenge"),
        answer(202, b"", "x-amzn-waf-action: challenge"),
    ],
)
@in_loop
async def test_a_challenge_is_a_bot_wall(wall: bytes) -> None:
    assert await reason_of("http://daily.example/a", {"/a": wall}) is Reason.BOT_WALL


@pytest.mark.parametrize(
    "honest",
    [
        b"<title>Just a moment... how the crash unfolded</title><p>Minutes counted.</p>",
        b"<title>Just a moment...</title><p>A column about waiting.</p>",
        b"<title>A bridge</title><script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
    ],
)
@in_loop
async def test_a_page_that_resembles_a_challenge_is_a_page(honest: bytes) -> None:
    assert isinstance(await one("http://daily.example/a", {"/a": page(honest, "Server: cloudflare")}), Page)


# --- opt-outs ---

RESERVED = b'<!doctype html><head><meta name="robots" content="NOAI, index"></head><p>The old bridge reopened.</p>'
TDMREP = b'[{"location": "/a", "tdm-reservation": 1, "tdm-policy": "https://daily.example/terms"}]'


async def opt_outs(says: Says, **changes: Any) -> tuple[Page | NotModified | Rejection, list[str]]:
    """What comes of an article, and what was asked for."""
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        got = await fetcher.get("http://daily.example/a", publisher.policy(**changes), article=True)
        return got, publisher.asked()


@in_loop
async def test_signals_of_all_kinds_are_recorded() -> None:
    robots = b"User-agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /"
    says = {
        "/robots.txt": answer(200, robots),
        "/.well-known/tdmrep.json": answer(200, TDMREP),
        "/a": page(RESERVED, "X-Robots-Tag: noml"),
    }
    got, asked = await opt_outs(says)
    assert isinstance(got, Page)
    assert got.opt_outs == (
        "robots:GPTBot",
        "robots:ai-train=no",
        "header:noml",
        "meta:noai",
        "tdmrep",
        "tdm-policy:https://daily.example/terms",
    )
    assert asked == ["daily.example/robots.txt", "daily.example/a", "daily.example/.well-known/tdmrep.json"]


@in_loop
async def test_signals_are_ignored_where_the_policy_says_so_and_on_feeds() -> None:
    says: Says = {"/robots.txt": answer(200, b"User-agent: GPTBot\nDisallow: /"), "/a": page(RESERVED)}
    got, asked = await opt_outs(says, opt_out=OptOutPolicy.IGNORE)
    assert isinstance(got, Page)
    assert got.opt_outs == ()
    assert asked == ["daily.example/robots.txt", "daily.example/a"]
    got = await one("http://daily.example/a", says, opt_out=OptOutPolicy.OBEY)
    assert isinstance(got, Page)
    assert got.opt_outs == ()


@pytest.mark.parametrize(
    ("says", "detail"),
    [
        ({"/a": page(RESERVED)}, "meta:noai"),
        ({"/a": page(HTML, "tdm-reservation: 1")}, "header:tdm-reservation"),
        ({"/a": page(), "/.well-known/tdmrep.json": answer(200, TDMREP)}, "tdmrep"),
        ({"/a": page(), "/robots.txt": answer(200, b"User-agent: CCBot\nDisallow: /a")}, "robots:CCBot"),
    ],
)
@in_loop
async def test_signals_are_obeyed_where_the_policy_says_so(says: Says, detail: str) -> None:
    got, asked = await opt_outs(says, opt_out=OptOutPolicy.OBEY)
    assert got == Rejection(url="http://daily.example/a", reason=Reason.OPT_OUT, detail=detail)
    assert ("daily.example/a" in asked) is not detail.startswith("robots:")


@in_loop
async def test_pictures_that_are_reserved_keep_no_text_from_us() -> None:
    got, _ = await opt_outs({"/a": page(HTML, "X-Robots-Tag: noimageai")}, opt_out=OptOutPolicy.OBEY)
    assert isinstance(got, Page)
    assert got.opt_outs == ("header:noimageai",)


@pytest.mark.parametrize(
    "tdmrep",
    [
        answer(500),
        answer(404),
        answer(200, TDMREP, length=999),
        redirect("/.well-known/tdmrep.json"),
        page(b"[" * 9999),
    ],
)
@in_loop
async def test_a_tdmrep_json_that_cannot_be_read_keeps_no_page_and_is_asked_for_once(tdmrep: bytes) -> None:
    says: Says = {"/.well-known/tdmrep.json": tdmrep, "/a": page()}
    async with Publisher(says=says) as publisher, Fetcher() as fetcher:
        pages = [await fetcher.get("http://daily.example/a", publisher.policy(), article=True) for _ in range(2)]
    assert [isinstance(got, Page) and got.opt_outs for got in pages] == [(), ()]
    assert publisher.asked().count("daily.example/.well-known/tdmrep.json") == 1


# --- addresses ---


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1",
        "0", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.1.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "100.100.100.200", "168.63.129.16",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
    ],
)  # fmt: skip
@in_loop
async def test_addresses_of_our_own_network_are_refused_in_every_spelling(host: str) -> None:
    async with Fetcher() as fetcher:
        got = await fetcher.get(f"http://{host}/", FetchPolicy(gap_s=0.0))
    assert isinstance(got, Rejection)
    assert got.reason is Reason.PRIVATE_ADDRESS


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST"])
@in_loop
async def test_names_of_our_own_network_are_refused_when_they_resolve(host: str) -> None:
    async with Publisher(says={"/": page()}) as publisher, Fetcher() as fetcher:
        got = await fetcher.get(f"http://{host}:{publisher.port}/", FetchPolicy(gap_s=0.0))
    assert isinstance(got, Rejection)
    assert got.reason is Reason.PRIVATE_ADDRESS
    assert publisher.requests == []


@in_loop
async def test_a_mapped_host_needs_its_network_opened_too() -> None:
    verdict = await one("http://daily.example/a", {"/a": page()}, allow_networks=frozenset({"private"}))
    assert isinstance(verdict, Rejection)
    assert verdict.reason is Reason.PRIVATE_ADDRESS
    assert "127.0.0.1" in verdict.detail


@in_loop
async def test_robots_txt_is_no_way_around_the_address_check() -> None:
    says: Says = {"/robots.txt": redirect("http://10.0.0.1/robots.txt"), "/a": page()}
    assert await reason_of("http://daily.example/a", says) is Reason.PRIVATE_ADDRESS


@in_loop
async def test_connections_are_not_lent_to_a_stricter_policy() -> None:
    async with Publisher(says={"/a": page()}) as publisher, Fetcher() as fetcher:
        policy = publisher.policy()
        assert isinstance(await fetcher.get("http://daily.example/a", policy), Page)
        got = await fetcher.get("http://daily.example/a", replace(policy, allow_networks=frozenset()))
    assert isinstance(got, Rejection)
    assert got.reason is Reason.PRIVATE_ADDRESS


@in_loop
async def test_connect_to_matches_names_and_suffixes() -> None:
    async with Publisher(says={"/a": page()}) as publisher, Fetcher() as fetcher:
        here = ("127.0.0.1", publisher.port)
        policy = publisher.policy(
            connect_to=(("one.example", *here), ("*.press.example", *here), ("*.example", "10.0.0.1", 80))
        )
        for host in ("one.example", "ONE.example.", "press.example", "a.b.press.example"):
            assert isinstance(await fetcher.get(f"http://{host}/a", policy), Page), host
        for host in ("www.one.example", "xpress.example"):
            assert isinstance(await fetcher.get(f"http://{host}/a", policy), Rejection), host


# --- connections ---


@in_loop
async def test_no_server_and_no_such_name_are_lost_connections() -> None:
    async with Fetcher() as fetcher:
        policy = FetchPolicy(
            gap_s=0.0, allow_networks=frozenset({"loopback"}), connect_to=(("daily.example", "127.0.0.1", 1),)
        )
        for url in ("http://daily.example/", "http://no-such-name.invalid/"):
            with pytest.raises(ConnectionLost) as raised:
                await fetcher.get(url, policy)
            assert raised.value.url == url


@in_loop
async def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path, "daily.example"))
    async with Publisher(tls=tls, says={"/a": page()}) as publisher, Fetcher() as fetcher:
        with pytest.raises(ConnectionLost, match="CERTIFICATE_VERIFY_FAILED"):
            await fetcher.get("https://daily.example/a", publisher.policy())
    assert publisher.requests == []


def self_signed(folder: Path, host: str) -> Path:
    """A PEM file with a fresh key and certificate for the host."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "server.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file
