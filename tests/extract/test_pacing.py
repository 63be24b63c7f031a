"""Turns at hosts, without a network."""

from __future__ import annotations

import asyncio

import pytest

from extract import pacing
from extract.model import PauseScope
from extract.pacing import DEAD_AFTER, Pacing, Paused, Place


def place(url: str = "http://www.daily.example/a", host: str = "www.daily.example") -> Place:
    return Place(url=url, host=host, domain="daily.example")


async def take(turns: Pacing, at: Place) -> None:
    async with turns.turn(at, gap_s=0.0, concurrency=1, probe_s=30.0):
        pass


async def waits(turns: Pacing, at: Place) -> Paused:
    with pytest.raises(Paused) as raised:
        await take(turns, at)
    return raised.value


def test_the_longest_of_several_pauses_counts() -> None:
    async def run() -> Paused:
        turns = Pacing()
        turns.pause(place(), PauseScope.DOMAIN, 60.0)
        turns.pause(place(), PauseScope.HOST, 90.0)
        turns.pause(place(), PauseScope.HOST, 20.0)
        return await waits(turns, place())

    paused = asyncio.run(run())
    assert paused.scope is PauseScope.HOST
    assert paused.wait_s == pytest.approx(90, abs=1)


def test_a_dead_host_rests_longer_with_every_failed_probe_up_to_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock is moved by hand: nobody waits for ten minutes."""
    now = 1000.0
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now)

    async def run() -> list[float]:
        nonlocal now
        turns, rests = Pacing(), []
        for _ in range(DEAD_AFTER - 1):
            turns.not_reached(place())
            await take(turns, place())
        for _ in range(7):
            turns.not_reached(place())
            rests.append((await waits(turns, place())).wait_s)
            now += rests[-1]
            async with turns.turn(place(), gap_s=0.0, concurrency=2, probe_s=30.0):
                assert (await waits(turns, place())).wait_s == 30.0  # one probe at a time
        turns.reached(place())
        await take(turns, place())
        return rests

    assert asyncio.run(run()) == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0]


def test_other_hosts_of_the_domain_live_on() -> None:
    async def run() -> None:
        turns = Pacing()
        for _ in range(DEAD_AFTER):
            turns.not_reached(place())
        await take(turns, place(host="feeds.daily.example"))
        assert (await waits(turns, place())).scope is PauseScope.HOST

    asyncio.run(run())


def test_whoever_waits_at_the_gate_of_a_host_that_dies_is_told_at_once() -> None:
    async def run() -> list[BaseException | None]:
        turns = Pacing()
        async with turns.turn(place(), gap_s=0.0, concurrency=1, probe_s=30.0):
            waiting = [asyncio.ensure_future(take(turns, place())) for _ in range(5)]
            await asyncio.sleep(0)
            for _ in range(DEAD_AFTER):
                turns.not_reached(place())
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(run())] == [Paused] * 5


def test_nothing_is_kept_of_hosts_that_were_asked_long_ago() -> None:
    async def run() -> int:
        turns = Pacing()
        for number in range(20_000):
            at = Place(url=f"http://h{number}.example/", host=f"h{number}.example", domain=f"h{number}.example")
            await take(turns, at)
            turns.pause(at, PauseScope.URL, 0.0)
        return len(turns._gates) + len(turns._pauses)

    assert asyncio.run(run()) <= 2 * 1025
