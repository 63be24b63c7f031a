"""Pure functions in worker processes, each call with a deadline: crashes, endless loops and memory stay there."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

Result = TypeVar("Result")

CALLS_PER_PROCESS = 1_000  # then it is replaced: extractors grow


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    value: Result


@dataclass(frozen=True, slots=True)
class Broken:
    """The call came to no result: deadline, crash of its process, or an error of the function."""

    error: str


class Workers:
    """Processes that run calls one by one each, every call alone."""

    def __init__(self, pool: ProcessPool, deadline_s: float) -> None:
        self._pool = pool
        self._deadline_s = deadline_s

    def map(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> list[Done[Result] | Broken]:
        """One result a call, in the order of the calls; a call that breaks breaks nothing else."""
        futures = [self._pool.schedule(function, args=call, timeout=self._deadline_s) for call in calls]
        return [self._result(future) for future in futures]

    async def call(self, function: Callable[..., Result], *arguments: object) -> Done[Result] | Broken:
        """The result of one call; others go on meanwhile."""
        future = self._pool.schedule(function, args=arguments, timeout=self._deadline_s)
        await asyncio.wait([asyncio.wrap_future(future)])
        return self._result(future)

    def _result(self, future: Future[Result]) -> Done[Result] | Broken:
        try:
            return Done(future.result())
        except TimeoutError:
            return Broken(f"took longer than {self._deadline_s:g} seconds")
        except ProcessExpired as error:
            return Broken(f"its process died: {error}")
        except Exception as error:  # noqa: BLE001 - whatever a parser raises on a page is that page's outcome
            return Broken(f"{type(error).__name__}: {error}")


@contextmanager
def workers(processes: int, deadline_s: float, *, start: Callable[[], None] | None = None) -> Iterator[Workers]:
    """Worker processes for as long as they are needed; they start at the first call.

    start: called in each process before its first call.
    Forked from a server that has no threads: a fork of this process could inherit a held lock.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["flows.reading"])
    pool = ProcessPool(max_workers=processes, max_tasks=CALLS_PER_PROCESS, context=context, initializer=start)
    try:
        yield Workers(pool, deadline_s)
        pool.close()
    finally:
        pool.stop()
        pool.join()
