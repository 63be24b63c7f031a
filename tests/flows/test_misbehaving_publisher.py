"""The misbehaving publisher's whole table through the lines: each case ends in its named outcome, none holds up others."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from misbehaving import CASES, DOMAIN, GOOD_ARTICLES, GOOD_HOSTS, MAX_BYTES, Case, Kind, Misbehaving, serving
from newsdesk import Newsdesk
from sqlalchemy import text

from extract.feeds import NotAFeed
from extract.fetch import FetchFault
from extract.model import Page, Reason
from flows.collect import Queue, answers, store_batch
from flows.store import read_catalogue
from flows.web import Web
from load.engine import worker

FETCH = f"""
[fetch]
gap_s = 0
timeout_s = 6
read_timeout_s = 6
max_bytes = {MAX_BYTES}
allow_networks = ["loopback"]
"""
ARTICLES = {case.url: case for case in CASES.values() if case.kind is Kind.ARTICLE}
FEEDS = {case.url: case for case in CASES.values() if case.kind is not Kind.ARTICLE}
ON_SECOND_POLL = {
    "etag-new-body-same": "unchanged",
    "etag-same-body-new": "ok",
    "not-modified-after-failure": "failed",
    "feed-then-html": "failed",
}
MEGABYTES = 1024 if sys.platform == "linux" else 2**20  # of ru_maxrss


@pytest.fixture(scope="module")
def publisher() -> Iterator[Misbehaving]:
    with serving() as running:
        yield running


@pytest.fixture
def desk(engine: Any, tmp_path: Path, publisher: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> Newsdesk:
    pattern, address, port = publisher.connect_to[0]
    monkeypatch.setenv("STORYFOLD_CONNECT_TO", f"{pattern}={address}:{port}")
    folder = tmp_path / "sources"
    folder.mkdir()
    lists = {
        "announcer": {"feeds": [f"http://announcer.{DOMAIN}/feed.xml"]},
        "good": {"feeds": [f"http://good-{number}.{DOMAIN}/feed.xml" for number in range(GOOD_HOSTS)]},
        "odd": {
            "feeds": [case.url for case in FEEDS.values() if case.kind is Kind.FEED],
            "sitemaps": [case.url for case in FEEDS.values() if case.kind is Kind.SITEMAP],
        },
    }
    for name, urls in lists.items():
        told = "".join(f"{key} = {value}\n".replace("'", '"') for key, value in urls.items())
        (folder / f"{name}.toml").write_text(f'title = "{name}"\n{told}{FETCH}')
    return Newsdesk(engine=engine, home=tmp_path)


def test_every_case_has_its_outcome_in_the_ledger_and_none_holds_up_the_others(desk: Newsdesk) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    desk.poll()
    assert states(desk) == {case.name: state_after(case) for case in FEEDS.values()}
    desk.poll()
    assert {name: states(desk)[name] for name in ON_SECOND_POLL} == ON_SECOND_POLL
    only_announced_here(desk)

    first = True
    for _ in collected(desk):
        if first:  # the slow are still under way
            assert good_pages(desk) == GOOD_HOSTS * GOOD_ARTICLES
            assert any(desk_outcome(desk, case) == ("pending", None, 0) for case in ARTICLES.values() if case.slow)
        first = False

    found = {case.name: desk_outcome(desk, case) for case in ARTICLES.values()}
    assert found == {case.name: outcome_after(case) for case in ARTICLES.values()}
    assert desk.rows("SELECT bool_and(adds_up) FROM news.outcome_ledger") == [(True,)]
    assert desk.rows("SELECT count(*) FROM storyfold.entry WHERE claimed_by IS NOT NULL") == [(0,)]
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MEGABYTES
    assert growth < 250


def states(desk: Newsdesk) -> dict[str, str]:
    found = {url: state for url, state in desk.rows("SELECT url, state FROM storyfold.feed")}
    return {case.name: found[url] for url, case in FEEDS.items()}


def only_announced_here(desk: Newsdesk) -> None:
    """What the odd feeds list are thousands of addresses that nobody serves; this test is about those who do."""
    with desk.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE storyfold.entry SET fetch_due_at = NULL WHERE source_id ="
                " (SELECT id FROM storyfold.source WHERE name = 'odd')"
            )
        )


def collected(desk: Newsdesk) -> Iterator[dict[str, int]]:
    """What `flows.collect.collect` does, without Prefect, batch by batch."""
    store = desk.store
    policies = {str(s.name): s.fetch for s in read_catalogue(store.settings.sources, store.settings.fetch_policy)}
    with worker(desk.engine) as me, Web(store.settings.fetches) as web:
        for batch in answers(store, web, Queue(store, me, ()), policies):
            yield store_batch.fn(store, batch)


def good_pages(desk: Newsdesk) -> int:
    [(pages,)] = desk.rows("SELECT count(*) FROM storyfold.page WHERE url LIKE 'http://good-%'")
    return int(pages)


def desk_outcome(desk: Newsdesk, case: Case) -> tuple[str, str | None, int]:
    """Outcome, reason and number of pages of the case's entry; 'failed' for one that is to be tried again."""
    [(outcome, reason, attempts, pages)] = desk.rows(
        "SELECT outcome, reason, attempts, (SELECT count(*) FROM storyfold.page WHERE page.entry_id = entry.id)"
        " FROM storyfold.entry WHERE url = :url",
        url=case.url,
    )
    return ("failed" if attempts else outcome, reason, pages)


def outcome_after(case: Case) -> tuple[str, str | None, int]:
    """What the ledger says once the case was asked for: of the first of its outcomes, as nothing is asked twice."""
    outcome = case.outcomes[0]
    if isinstance(outcome, Reason):
        return "rejected", outcome.value, 0
    if issubclass(outcome, FetchFault):
        return "failed", None, 0
    return "pending", None, 1  # a page, to be read


def state_after(case: Case) -> str:
    """The feed's state after the first poll."""
    if case.outcomes[0] is not Page:
        return "failed"
    if len(case.outcomes) > 1:
        return "ok"
    if case.entries is NotAFeed:
        return "failed"
    return "ok" if case.entries else "empty"
