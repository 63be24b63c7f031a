"""Pure functions in worker processes, each call with a deadline: crashes, endless loops and memory stay there."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

Result = TypeVar("Result")

CALLS_PER_PROCESS = 5_000  # then it is replaced, as extractors may grow; a new one takes 1 s to read its first pages
PRELOADED = ("flows.reading", "transform.read", "extract.by_newspaper", "datasketch")
"""What reads pages is imported once, before the processes part; who starts them need not import it."""
REMEMBERED = 10_000  # calls of a function whose time is noted


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    value: Result


@dataclass(frozen=True, slots=True)
class Broken:
    """The call came to no result: deadline, crash of its process, or an error of the function."""

    error: str


class Begun(Generic[Result]):
    """Calls that are made meanwhile; `Workers.finish` waits for their results."""

    def __init__(self, wait: Callable[[], list[Done[Result] | Broken]]) -> None:
        self.wait = wait


class NoProcesses(Exception):
    """This process may have none of its own: why, in one sentence for the user."""


class Workers(Protocol):
    """Who makes calls, each alone."""

    def map(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> list[Done[Result] | Broken]:
        """One result a call, in the order of the calls; a call that breaks breaks nothing else."""

    def begin(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> Begun[Result]:
        """The calls, waiting for somebody who is free; those that were begun earlier go first."""

    def finish(self, begun: Begun[Result]) -> list[Done[Result] | Broken]:
        """One result a call, in the order of the calls, once all have come to one."""


class Processes:
    """Processes of this machine that run calls one by one each, every call alone."""

    def __init__(self, pool: ProcessPool, deadline_s: float) -> None:
        self._pool = pool
        self._deadline_s = deadline_s
        self._cpu_s: defaultdict[Callable[..., object], deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def cpu_s(self, function: Callable[..., object]) -> tuple[float, ...]:
        """The seconds of a processor that each of the last calls of the function took."""
        return tuple(self._cpu_s[function])

    def map(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> list[Done[Result] | Broken]:
        """One result a call, in the order of the calls; a call that breaks breaks nothing else."""
        return self.finish(self.begin(function, calls))

    def begin(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> Begun[Result]:
        """The calls, waiting for a process that is free; those that were begun earlier go first."""
        futures = [self._schedule(function, call) for call in calls]
        return Begun(lambda: [self._result(function, future) for future in futures])

    def finish(self, begun: Begun[Result]) -> list[Done[Result] | Broken]:
        """One result a call, in the order of the calls, once all have come to one."""
        return begun.wait()

    async def call(self, function: Callable[..., Result], *arguments: object) -> Done[Result] | Broken:
        """The result of one call; others go on meanwhile."""
        future = self._schedule(function, arguments)
        await asyncio.wait([asyncio.wrap_future(future)])
        return self._result(function, future)

    def _schedule(self, function: Callable[..., Result], arguments: tuple[object, ...]) -> Future[tuple[Result, float]]:
        future: Future[tuple[Result, float]] = self._pool.schedule(
            _timed, args=(function, *arguments), timeout=self._deadline_s
        )
        return future

    def _result(self, function: Callable[..., Result], future: Future[tuple[Result, float]]) -> Done[Result] | Broken:
        try:
            value, cpu_s = future.result()
            self._cpu_s[function].append(cpu_s)
            return Done(value)
        except TimeoutError:
            return Broken(f"took longer than {self._deadline_s:g} seconds")
        except ProcessExpired as error:
            return Broken(f"its process died: {error}")
        except Exception as error:  # noqa: BLE001 - whatever a parser raises on a page is that page's outcome
            return Broken(f"{type(error).__name__}: {error}")


def _timed(function: Callable[..., Result], *arguments: object) -> tuple[Result, float]:
    """The function's value, and the seconds of a processor that it took."""
    begun = time.process_time()
    value = function(*arguments)
    return value, time.process_time() - begun


@contextmanager
def workers(
    processes: int, deadline_s: float, *, start: Callable[[], None] | None = None, ready: str = "flows.reading"
) -> Iterator[Processes]:
    """Worker processes for as long as they are needed; they start at the first call.

    start: called in each process before its first call
    ready: module that is imported once, where they are forked from; what this program names first holds for all
    Forked from a server that has no threads: a fork of this process could inherit a held lock.
    Raises NoProcesses in a daemon, which may have none.
    """
    if multiprocessing.current_process().daemon:
        raise NoProcesses(
            "Dask's workers start processes: set DASK_DISTRIBUTED__WORKER__DAEMON=False where they start."
        )
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, ready])
    pool = ProcessPool(max_workers=processes, max_tasks=CALLS_PER_PROCESS, context=context, initializer=start)
    try:
        yield Processes(pool, deadline_s)
        pool.close()
    finally:
        pool.stop()
        pool.join()
