"""How many pages a second the fetcher brings, beside bare aiohttp on the same requests; run by `make bench`.

Many hosts on the loopback interface, no gap between requests, pages of 10 kB: what is measured is our own work for a
page (addresses, robots.txt, turns, opt-outs, bot walls, bounds). Ratios within one run mean more than figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from fast_publisher import PAGE, publishing

from extract.addresses import GuardedResolver
from extract.fetch import Fetcher
from extract.model import FetchPolicy, Page

HOSTS = 100
PAGES = 15  # of each
AT_ONCE = 50

Bring = Callable[[str], Awaitable[int]]


@pytest.fixture(scope="module")
def policy() -> Iterator[FetchPolicy]:
    with publishing() as port:
        yield FetchPolicy(
            gap_s=0.0, allow_networks=frozenset({"loopback"}), connect_to=(("*.example", "127.0.0.1", port),)
        )


@pytest.mark.benchmark(group=f"fetch {HOSTS * PAGES} pages of {HOSTS} hosts")
def test_fetcher(benchmark: Any, policy: FetchPolicy) -> None:
    async def run() -> None:
        async with Fetcher() as web:

            async def bring(url: str) -> int:
                page = await web.get(url, policy, article=True)
                assert isinstance(page, Page)
                return len(page.body)

            await _bring_all(bring, rules=False)

    benchmark.pedantic(lambda: asyncio.run(run()), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group=f"fetch {HOSTS * PAGES} pages of {HOSTS} hosts")
def test_bare_aiohttp(benchmark: Any, policy: FetchPolicy) -> None:
    """The same requests, with nothing done to the answers."""

    async def run() -> None:
        connector = TCPConnector(resolver=GuardedResolver(policy.allow_networks, policy.connect_to), limit=0)
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False) as session:

            async def bring(url: str) -> int:
                async with session.get(url, allow_redirects=False) as response:
                    return len(await response.read())

            await _bring_all(bring, rules=True)

    benchmark.pedantic(lambda: asyncio.run(run()), rounds=5, warmup_rounds=1)


async def _bring_all(bring: Bring, *, rules: bool) -> None:
    """Fetch every page of every host, AT_ONCE hosts at a time, each host one thing after the other.

    rules: also its robots.txt and tdmrep.json, which the fetcher asks for by itself
    """
    paths = ["/robots.txt", "/.well-known/tdmrep.json"] if rules else []
    pages = [f"/{number}.html" for number in range(PAGES)]

    async def work(hosts: Iterator[int]) -> None:
        for host in hosts:
            for path in paths:
                await bring(f"http://news-{host}.example{path}")
            for path in pages:
                assert await bring(f"http://news-{host}.example{path}") == len(PAGE)

    hosts = iter(range(HOSTS))
    await asyncio.gather(*(work(hosts) for _ in range(AT_ONCE)))
