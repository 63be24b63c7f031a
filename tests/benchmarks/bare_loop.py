"""What the web alone costs: an aiohttp loop that fetches the same pages and does nothing with them. Prints its seconds.

python bare_loop.py PORT HOSTS PAGES_PER_HOST GAP_S
"""

from __future__ import annotations

import asyncio
import sys
import time

from aiohttp import ClientSession, TCPConnector

PORT, HOSTS, PAGES = (int(argument) for argument in sys.argv[1:4])
GAP_S = float(sys.argv[4])


async def one_host(session: ClientSession, host: int) -> None:
    for page in range(PAGES):
        began = time.monotonic()
        url = f"http://127.0.{1 + host // 200}.{1 + host % 200}:{PORT}/{page}"
        async with session.get(url, headers={"Host": f"host{host:03}.example"}) as response:
            await response.read()
        await asyncio.sleep(began + GAP_S - time.monotonic())


async def all_hosts() -> None:
    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        await asyncio.gather(*(one_host(session, host) for host in range(HOSTS)))


began = time.monotonic()
asyncio.run(all_hosts())
print(time.monotonic() - began)  # noqa: T201
