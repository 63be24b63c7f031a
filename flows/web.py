"""Fetches in flight: an event loop in a thread of its own, which nobody waits for but its own hosts.

The caller's thread puts entries in and takes answers out, a batch at a time. One fetch of a domain at a time, or as
many as its policy allows; the others of it wait here and hold nobody else up.
"""

from __future__ import annotations

import asyncio
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from extract.fetch import Fetcher, FetchFault, HostPaused, ServerBusy
from extract.model import FetchPolicy, NotModified, Page, PauseScope, Rejection
from load.entries import ClaimedEntry

OPEN_FILES = 8192  # allowed if the system lets us: kept-alive connections come on top of the fetches in flight
MAX_WAITING_BYTES = 64_000_000  # of pages fetched and not yet stored; above, no fetch begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A passing fault: the entry is tried again."""

    error: str
    retry_after_s: float | None = None
    rests: PauseScope = PauseScope.URL  # what is to be left alone for that long
    asked: bool = True  # false where a pause kept us from asking: that is no attempt


Answer = Page | NotModified | Rejection | Fault


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry and what came of asking for it."""

    item: ClaimedEntry
    answer: Answer

    @property
    def size(self) -> int:
        return len(self.answer.body) if isinstance(self.answer, Page) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSize:
    """When answers are enough for a batch: whichever comes first."""

    answers: int
    bytes: int
    age_s: float  # of the oldest


class Web:
    """Fetches on behalf of one thread; hosts keep their gap and their robots.txt for as long as it is open."""

    def __init__(self, fetches: int) -> None:
        """fetches: in flight at most, those that wait for their host's gap among them."""
        self._fetches = fetches
        self._changed = threading.Condition()  # guards what both threads touch
        self._ready: list[Answered] = []
        self._ready_bytes = 0
        self._taken_bytes = 0
        self._oldest = 0.0
        self._load: Counter[str] = Counter()
        self._enough: BatchSize | None = None
        self._broken: BaseException | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def __enter__(self) -> Self:
        _allow_open_files()
        self._thread.start()
        self._opened.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(RuntimeError):  # the loop has ended already, by a fault that the caller has been told
            self._call(self._over.set)
        self._thread.join()

    # The caller's thread

    @property
    def load(self) -> Counter[str]:
        """How many entries of each domain are under way."""
        with self._changed:
            return self._load.copy()

    def ask(self, items: Collection[tuple[ClaimedEntry, FetchPolicy]]) -> None:
        """Fetch these, all domains at once, each domain's in this order."""
        if items:
            with self._changed:
                self._load.update(item.domain for item, _ in items)
            self._call(self._begin, items)

    def take(self, enough: BatchSize, timeout_s: float, *, last: bool = False) -> list[Answered]:
        """The answers so far, once they are enough; none if they are not in time, or nothing more is under way.

        Whoever comes for more has stored what was taken before.
        last: nothing more is coming, so what there is is enough
        """
        with self._changed:
            self._taken_bytes, self._enough = 0, enough
            self._call(self._make_room)
            self._changed.wait_for(self._calls_for_us, timeout_s)
            if self._broken is not None:
                raise self._broken
            batch = self._ready[: enough.answers] if last or self._is_enough() else []
            self._ready = self._ready[len(batch) :]
            self._taken_bytes = sum(answered.size for answered in batch)
            self._ready_bytes -= self._taken_bytes
            self._oldest = time.monotonic() if batch else self._oldest
        return batch

    def _calls_for_us(self) -> bool:
        """Whether there is something to do for the caller's thread."""
        return self._broken is not None or not self._load or self._is_enough()

    def _is_enough(self) -> bool:
        enough = self._enough
        if not self._ready or enough is None:
            return False
        return (
            len(self._ready) >= enough.answers
            or self._ready_bytes >= enough.bytes
            or time.monotonic() - self._oldest >= enough.age_s
        )

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    # The loop's thread

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001  the caller's thread raises it
            self._break(error)
        finally:
            self._opened.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._slots = asyncio.Semaphore(self._fetches)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        async with Fetcher() as self._fetcher:
            self._opened.set()
            await self._over.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, items: Collection[tuple[ClaimedEntry, FetchPolicy]]) -> None:
        for item, policy in items:
            task = self._loop.create_task(self._serve(item, policy))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._break(error)

    async def _serve(self, item: ClaimedEntry, policy: FetchPolicy) -> None:
        """Fetch it in its domain's turn, while there is a slot, and room for its page."""
        turn = self._turns.setdefault(item.domain, asyncio.Semaphore(policy.concurrency))
        async with turn, self._slots:
            await self._room.wait()
            answer = await self._fetch(item.url, policy)
        self._keep(Answered(item, answer))

    async def _fetch(self, url: str, policy: FetchPolicy) -> Answer:
        try:
            return await self._fetcher.get(url, policy, article=True)
        except HostPaused as fault:
            return Fault(error=str(fault), retry_after_s=fault.retry_after_s, rests=fault.scope, asked=False)
        except ServerBusy as fault:
            rests = PauseScope.URL if fault.retry_after_s is None else policy.retry_after_scope
            return Fault(error=str(fault), retry_after_s=fault.retry_after_s, rests=rests)
        except FetchFault as fault:
            return Fault(error=str(fault), retry_after_s=fault.retry_after_s)

    def _keep(self, answered: Answered) -> None:
        with self._changed:
            if not self._ready:
                self._oldest = time.monotonic()
            self._ready.append(answered)
            self._ready_bytes += answered.size
            domain = answered.item.domain
            self._load[domain] -= 1
            if not self._load[domain]:
                del self._load[domain], self._turns[domain]
            if self._is_full():
                self._room.clear()
            if self._calls_for_us():
                self._changed.notify()

    def _make_room(self) -> None:
        with self._changed:
            if not self._is_full():
                self._room.set()

    def _is_full(self) -> bool:
        return self._ready_bytes + self._taken_bytes >= MAX_WAITING_BYTES

    def _break(self, error: BaseException) -> None:
        with self._changed:
            self._broken = error
            self._changed.notify()


def _allow_open_files() -> None:
    """Raise this process's own limit of open files, commonly 1024, towards the system's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
