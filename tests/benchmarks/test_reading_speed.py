"""How many pages one processor reads in a second, beside bare trafilatura on the same pages; and what a process that
reads many takes of the memory. Run by `make bench`; the figures are in the extra info of `--benchmark-json`.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from quality.build_pages import build_pages

from extract.model import Announcement, Page, Profile, SourceName
from extract.peers import by_trafilatura
from flows.reading import be_quiet
from transform.read import ReadSpec, read_page

ROUNDS = 5
MANY = 20_000
ANNOUNCED = Announcement(source=SourceName("corpus"))


def corpus() -> list[Page]:
    """The pages of tests/quality, as if they had been fetched a moment ago."""
    now = datetime.now(UTC)
    headers = (("Content-Type", "text/html"),)
    return [
        Page(url=page.url, final_url=page.url, status=200, headers=headers, body=page.body, fetched_at=now)
        for page in build_pages()
    ]


@pytest.mark.timeout(1_800)
@pytest.mark.benchmark(group="reading")
def test_reading_beside_trafilatura(benchmark: Any) -> None:
    """All readers take each page in turn, so that what else the machine does falls on all of them."""
    be_quiet()
    pages = corpus()
    readers: dict[str, Callable[[Page], object]] = {
        "trafilatura": by_trafilatura,
        "quick": lambda page: read_page(page, ANNOUNCED, ReadSpec(profile=Profile.QUICK)),
        "thorough": lambda page: read_page(page, ANNOUNCED, ReadSpec(profile=Profile.THOROUGH)),
    }
    rounds: list[dict[str, float]] = []
    benchmark.pedantic(lambda: rounds.append(_one_round(readers, pages)), rounds=ROUNDS, warmup_rounds=1)
    taken = {name: median(seconds[name] for seconds in rounds[1:]) for name in readers}
    benchmark.extra_info.update({f"{name}_pages_per_cpu_s": len(pages) / seconds for name, seconds in taken.items()})
    for name in ("quick", "thorough"):
        shares = (seconds["trafilatura"] / seconds[name] for seconds in rounds[1:])
        benchmark.extra_info[f"{name}_of_trafilatura"] = median(shares)


def _one_round(readers: dict[str, Callable[[Page], object]], pages: list[Page]) -> dict[str, float]:
    """The seconds of a processor that each reader took."""
    seconds = dict.fromkeys(readers, 0.0)
    order = cycle([list(readers), list(readers)[::-1]])
    for page, names in zip(pages, order, strict=False):
        for name in names:
            begun = time.process_time()
            readers[name](page)
            seconds[name] += time.process_time() - begun
    return seconds


@pytest.mark.timeout(7_200)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.benchmark(group="memory of a process")
def test_memory_over_many_pages(benchmark: Any, profile: Profile) -> None:
    """No two pages are the same; in use, a process is replaced after five thousand."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        sizes = benchmark.pedantic(lambda: pool.submit(_read_many, profile).result(), rounds=1)
    benchmark.extra_info.update(megabytes_after_5000=sizes[0], megabytes_after_all=sizes[-1])
    assert sizes[-1] <= 1.1 * sizes[0], sizes


def _read_many(profile: Profile) -> list[float]:
    """Megabytes that the process takes, after every 5,000 pages."""
    be_quiet()
    spec = ReadSpec(profile=profile)
    sizes = []
    for number, page in enumerate(islice(_different(corpus()), MANY), 1):
        read_page(page, ANNOUNCED, spec)
        if number % 5_000 == 0:
            sizes.append(_megabytes())
    return sizes


def _different(pages: list[Page]) -> Iterator[Page]:
    """The pages again and again, with another sentence and another address each time."""
    for number, page in enumerate(cycle(pages)):
        body = page.body.replace(b"</p>", b" This is page %d, and no other.</p>" % number)
        yield replace(page, body=body, url=f"{page.url}?n={number}", final_url=f"{page.url}?n={number}")


def _megabytes() -> float:
    """Resident memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
