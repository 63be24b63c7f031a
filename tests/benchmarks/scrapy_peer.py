"""The peer: Scrapy fetches the same pages under the same limits and writes their bodies gzipped. Prints its seconds.

python scrapy_peer.py PORT HOSTS PAGES_PER_HOST GAP_S FOLDER
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.resolver import CachingThreadedResolver
from twisted.internet import defer

PORT, HOSTS, PAGES = (int(argument) for argument in sys.argv[1:4])
GAP_S, FOLDER = float(sys.argv[4]), Path(sys.argv[5])


class Loopback(CachingThreadedResolver):
    """Every name is this machine."""

    def getHostByName(self, name: str, timeout: Any = None) -> Any:  # noqa: ARG002, N802
        return defer.succeed("127.0.0.1")


class Pages(scrapy.Spider):
    name = "pages"

    async def start(self) -> Any:
        for page in range(PAGES):
            for host in range(HOSTS):
                yield scrapy.Request(f"http://host{host:03}.example:{PORT}/{page}", dont_filter=True)

    def parse(self, response: Any) -> Iterator[None]:
        name = response.url.replace("/", "_").replace(":", "_")
        (FOLDER / f"{name}.gz").write_bytes(gzip.compress(response.body, compresslevel=6, mtime=0))
        yield from ()


process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": HOSTS * 2,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": GAP_S,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "ROBOTSTXT_OBEY": True,
        "DNS_RESOLVER": Loopback,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "USER_AGENT": "storyfold-benchmark/1.0",
        "COOKIES_ENABLED": False,
    }
)
crawler = process.create_crawler(Pages)
process.crawl(crawler)
process.start()
stats = crawler.stats.get_stats()
assert stats["response_received_count"] >= HOSTS * PAGES, stats
print((stats["finish_time"] - stats["start_time"]).total_seconds())  # noqa: T201
