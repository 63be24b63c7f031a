"""Turns at hosts: how many requests at once, how far apart, and who is left alone for a while.

It knows no HTTP. One instance serves one event loop; nothing in it grows with the number of hosts ever asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from extract.model import PauseScope

PATIENCE_S = 10.0  # a shorter pause is waited for; a longer one is handed back to the caller, who has other work
DEAD_AFTER = 3  # failed connections in a row: one may be a lost packet, two a restart
FIRST_DEATH_S = 30.0  # doubled with every failed probe
MAX_DEATH_S = 600.0  # a host that is back is found within ten minutes
_SWEEP_AT = 1024  # entries; then what has run out is dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a request asks, from the narrowest to the widest that a server may mean."""

    url: str
    host: str  # host[:port]
    domain: str  # registrable domain[:port]

    def within(self, scope: PauseScope) -> tuple[PauseScope, str]:
        return scope, getattr(self, scope.value)


class Paused(Exception):
    """No turn now: the place rests for longer than we have patience."""

    def __init__(self, scope: PauseScope, cause: str, wait_s: float) -> None:
        super().__init__(scope, cause, wait_s)
        self.scope = scope
        self.cause = cause
        self.wait_s = wait_s


class Pacing:
    """The turns of all hosts, and their pauses."""

    def __init__(self) -> None:
        self._gates: _Sparse[str, _Gate] = _Sparse()
        self._pauses: _Sparse[tuple[PauseScope, str], _Pause] = _Sparse()
        self._deaths: _Sparse[str, _Death] = _Sparse()

    @asynccontextmanager
    async def turn(self, place: Place, *, gap_s: float, concurrency: int, probe_s: float) -> AsyncIterator[None]:
        """A turn at the place: at most `concurrency` at one domain, their starts `gap_s` apart. Raises Paused.

        concurrency: while requests to a domain are under way, that of the first of them holds
        probe_s: what a request may take; a dead host gets one in that time
        """
        gate = self._gates.get(place.domain) or self._gates.put(place.domain, _Gate(concurrency))
        gate.users += 1
        try:
            await self._enter(gate, place, gap_s, probe_s)
            try:
                yield
            finally:
                gate.slots.release()
        finally:
            gate.users -= 1

    def pause(self, place: Place, scope: PauseScope, pause_s: float) -> None:
        """Let everything within the scope rest for so long."""
        key = place.within(scope)
        until = time.monotonic() + pause_s
        known = self._pauses.get(key)
        if known is None:
            self._pauses.put(key, _Pause(until))
        else:
            known.until = max(known.until, until)

    def reached(self, place: Place) -> None:
        """The host was connected to."""
        self._deaths.drop(place.host)

    def not_reached(self, place: Place) -> None:
        """No connection to the host came about; after DEAD_AFTER of them it rests, longer each time."""
        death = self._deaths.get(place.host) or self._deaths.put(place.host, _Death())
        death.count_failure()

    async def _enter(self, gate: _Gate, place: Place, gap_s: float, probe_s: float) -> None:
        """Take a slot of the gate once nothing rests; what rests holds up nobody else at the gate."""
        while True:
            await self._sit_out(place)
            await gate.slots.acquire()
            try:
                if not self._rests(place):
                    await gate.keep_gap(gap_s)
                if not self._rests(place):
                    self._begin_probe(place, probe_s)
                    return
            except BaseException:
                gate.slots.release()
                raise
            gate.slots.release()

    async def _sit_out(self, place: Place) -> None:
        """Wait for the end of all pauses. Raises Paused where that would take too long."""
        death = self._deaths.get(place.host)
        if death and (wait_s := death.left_s()) > 0:
            raise Paused(PauseScope.HOST, f"no connection in {death.failures} attempts", wait_s)
        while found := self._longest_pause(place):
            scope, wait_s = found
            if wait_s > PATIENCE_S:
                raise Paused(scope, f"the {scope} was asked to be left alone", wait_s)
            await asyncio.sleep(wait_s)

    def _rests(self, place: Place) -> bool:
        death = self._deaths.get(place.host)
        return bool((death and death.left_s() > 0) or self._longest_pause(place))

    def _longest_pause(self, place: Place) -> tuple[PauseScope, float] | None:
        if not self._pauses:
            return None
        pauses = ((scope, self._pauses.get(place.within(scope))) for scope in PauseScope)
        lasting = [(scope, pause.left_s()) for scope, pause in pauses if pause and pause.left_s() > 0]
        return max(lasting, key=lambda found: found[1], default=None)

    def _begin_probe(self, place: Place, probe_s: float) -> None:
        """Keep others from a dead host while one request finds out whether it is back."""
        if (death := self._deaths.get(place.host)) and death.failures >= DEAD_AFTER:
            death.until = time.monotonic() + probe_s


class _Lapsing(Protocol):
    def lapsed(self) -> bool:
        """Whether forgetting it changes nothing."""


_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V", bound=_Lapsing)


class _Sparse(dict[_K, _V]):
    """A dictionary that drops what has lapsed whenever it has doubled since it last did."""

    _sweep_at = _SWEEP_AT

    def put(self, key: _K, value: _V) -> _V:
        if len(self) >= self._sweep_at:
            for lapsed in [key for key, value in self.items() if value.lapsed()]:
                del self[lapsed]
            self._sweep_at = max(_SWEEP_AT, 2 * len(self))
        self[key] = value
        return value

    def drop(self, key: _K) -> None:
        self.pop(key, None)


class _Gate:
    """One domain's slots, and when the next request to it may start."""

    def __init__(self, concurrency: int) -> None:
        self.slots = asyncio.Semaphore(concurrency)
        self.users = 0
        self._last_start = float("-inf")
        self._longest_gap_s = 0.0

    async def keep_gap(self, gap_s: float) -> None:
        """Wait until a request may start, counted from the start before."""
        self._longest_gap_s = max(self._longest_gap_s, gap_s)
        now = time.monotonic()
        start = max(now, self._last_start + gap_s)
        self._last_start = start
        if start > now:
            await asyncio.sleep(start - now)
            self._last_start = max(self._last_start, time.monotonic())  # a busy loop wakes us late

    def lapsed(self) -> bool:
        return not self.users and self._last_start + self._longest_gap_s < time.monotonic()


class _Pause:
    def __init__(self, until: float) -> None:
        self.until = until

    def left_s(self) -> float:
        return self.until - time.monotonic()

    def lapsed(self) -> bool:
        return self.left_s() <= 0


class _Death:
    """Failed connections to a host, in a row."""

    def __init__(self) -> None:
        self.failures = 0
        self.until = float("-inf")

    def count_failure(self) -> None:
        self.failures += 1
        if self.failures >= DEAD_AFTER:
            doubled_s = FIRST_DEATH_S * 2.0 ** min(self.failures - DEAD_AFTER, 30)
            self.until = time.monotonic() + min(doubled_s, MAX_DEATH_S)

    def left_s(self) -> float:
        return self.until - time.monotonic()

    def lapsed(self) -> bool:
        return self.left_s() < -MAX_DEATH_S
