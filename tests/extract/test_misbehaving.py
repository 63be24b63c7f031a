"""Every row of the misbehaving publisher's table: alone, and all at once beside a good one."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from misbehaving import CASES, MAX_BYTES, Case, Kind, Misbehaving, good_urls, serving

from extract.feeds import NotAFeed, read_feed
from extract.fetch import Fetcher, FetchFault
from extract.headers import first_value
from extract.model import FetchPolicy, NotModified, Page, Rejection, Validators
from extract.sitemaps import read_sitemap

Answer = Page | NotModified | Rejection | FetchFault
MEGABYTES = 1024 if sys.platform == "linux" else 2**20  # of ru_maxrss


@pytest.fixture(scope="module")
def publisher() -> Iterator[Misbehaving]:
    with serving() as running:
        yield running


def policy_for(publisher: Misbehaving, timeout_s: float) -> FetchPolicy:
    return FetchPolicy(
        gap_s=0.0,
        timeout_s=timeout_s,
        read_timeout_s=timeout_s / 2,
        max_bytes=MAX_BYTES,
        allow_networks=frozenset({"loopback"}),
        connect_to=publisher.connect_to,
    )


async def answers_to(web: Fetcher, case: Case, policy: FetchPolicy) -> list[Answer]:
    """What comes of asking as often as the case has outcomes, each time with the validators of the last page."""
    answers: list[Answer] = []
    validators = None
    for _ in case.outcomes:
        try:
            answer: Answer = await web.get(case.url, policy, validators=validators, article=case.kind is Kind.ARTICLE)
        except FetchFault as fault:
            answer = fault
        if isinstance(answer, Page):
            validators = Validators(etag=first_value(answer.headers, "etag") or None)
        answers.append(answer)
    return answers


def outcome_of(answer: Answer) -> object:
    return answer.reason if isinstance(answer, Rejection) else type(answer)


def entries_of(case: Case, page: Page) -> int | type[NotAFeed]:
    """What a reader of feeds makes of the page."""
    try:
        if case.kind is Kind.SITEMAP:
            return len(read_sitemap(page.body, page.final_url).entries)
        return len(read_feed(page.body, page.final_url, first_value(page.headers, "content-type")).entries)
    except NotAFeed:
        return NotAFeed


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_way_to_misbehave_has_its_named_outcome(case: Case, publisher: Misbehaving) -> None:
    policy = policy_for(publisher, 0.6 if case.slow else 20.0)
    publisher.asked.clear()

    async def ask() -> list[Answer]:
        async with Fetcher() as web:
            return await answers_to(web, case, policy)

    answers = asyncio.run(ask())
    assert tuple(map(outcome_of, answers)) == case.outcomes, answers
    last = answers[-1]
    if isinstance(last, FetchFault) and case.wait_s is not None:
        assert last.retry_after_s == pytest.approx(case.wait_s, abs=1)
    if case.entries is not None:
        page = next(answer for answer in reversed(answers) if isinstance(answer, Page))
        assert entries_of(case, page) == case.entries


def test_all_at_once_hold_up_no_good_page_and_take_little_memory(publisher: Misbehaving) -> None:
    policy = replace(policy_for(publisher, 5.0), read_timeout_s=5.0)
    publisher.asked.clear()
    done: list[str] = []

    async def ask(web: Fetcher, case: Case) -> tuple[Answer, ...]:
        answers = await answers_to(web, case, policy)
        done.append(case.name)
        return tuple(answers)

    async def ask_good(web: Fetcher, url: str) -> Answer:
        answer = await web.get(url, policy)
        done.append(url)
        return answer

    async def ask_all() -> tuple[list[tuple[Answer, ...]], list[Answer]]:
        async with Fetcher() as web:
            good = asyncio.gather(*(ask_good(web, url) for url in good_urls()))
            bad = asyncio.gather(*(ask(web, case) for case in CASES.values()))
            return list(await bad), list(await good)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bad, good = asyncio.run(ask_all())
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MEGABYTES

    assert all(isinstance(answer, Page) for answer in good)
    assert max(map(done.index, good_urls())) < min(done.index(case.name) for case in CASES.values() if case.slow)
    expected = [case.outcomes for case in CASES.values()]
    assert [tuple(map(outcome_of, answers)) for answers in bad] == expected
    assert growth < 100
