"""Calls on a Dask cluster: what processes of this machine do else, the workers of the cluster do, some calls to a task.

Claiming, storing and settling stay with the one who asks, so the stories are the same wherever pages are read. Dask
gives the tasks of a worker that dies to another. Needs the extra `dask`.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from math import ceil
from typing import Any

import dask
from distributed import get_worker
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect_dask.task_runners import DaskTaskRunner

from flows.isolation import Begun, Broken, Done, Processes, Result, Workers, workers
from flows.reading import be_quiet
from flows.settings import Settings

TASKS_A_THREAD = 2  # of one batch: who is done early takes another
MOST_CALLS = 50  # of one task, which costs some 40 ms besides

_Results = list[Done[Result] | Broken]


@contextmanager
def cluster(settings: Settings) -> Iterator[Workers]:
    """The workers of the cluster that the settings name, or of one of this machine that ends with the block."""
    address = settings.dask_address
    with DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=_local(settings)) as runner:
        yield ClusterWorkers(runner, settings.read_timeout_s)


def _local(settings: Settings) -> dict[str, object]:
    """What a cluster of this machine is made with."""
    dask.config.set({"distributed.worker.daemon": False})  # its workers have a reader process each
    return {"n_workers": settings.processes, "threads_per_worker": 1, "dashboard_address": None}


class ClusterWorkers:
    """Workers of a cluster, each with a process of its own in which calls are made alone."""

    def __init__(self, runner: DaskTaskRunner, deadline_s: float) -> None:
        self._runner = runner
        self._deadline_s = deadline_s

    def map(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> _Results[Result]:
        """One result a call, in the order of the calls; a call that breaks breaks nothing else."""
        return self.finish(self.begin(function, calls))

    def begin(self, function: Callable[..., Result], calls: Iterable[tuple[object, ...]]) -> Begun[Result]:
        """The calls, waiting for a worker that is free."""
        parts = _parts(list(calls), self._threads() * TASKS_A_THREAD)
        futures = [self._submit(function, part) for part in parts]

        def wait() -> _Results[Result]:
            return [result for future in futures for result in future.result()]

        return Begun(wait)

    def finish(self, begun: Begun[Result]) -> _Results[Result]:
        """One result a call, in the order of the calls, once all have come to one.

        Raises what kept the cluster from its work, such as a task that no worker survived: no call is to blame.
        """
        return begun.wait()

    def _threads(self) -> int:
        """Of all workers together, as they are now: clusters grow and shrink."""
        known: dict[str, int] = self._runner.client.nthreads()  # type: ignore[no-untyped-call]
        return max(sum(known.values()), 1)

    def _submit(self, function: Callable[..., Any], part: Sequence[tuple[object, ...]]) -> PrefectFuture[Any]:
        return self._runner.submit(call_all, {"part": Part(function, part), "deadline_s": self._deadline_s})


def _parts(calls: Sequence[tuple[object, ...]], number: int) -> list[Sequence[tuple[object, ...]]]:
    """The calls in so many parts, in more where they would be too large."""
    size = max(min(ceil(len(calls) / number), MOST_CALLS), 1)
    return [calls[begin : begin + size] for begin in range(0, len(calls), size)]


class Part:
    """Calls of one task. No dataclass: Prefect would look through all of it for results of other tasks."""

    def __init__(self, function: Callable[..., Any], calls: Sequence[tuple[object, ...]]) -> None:
        self.function = function
        self.calls = calls


@task(name="read on the cluster", cache_policy=NO_CACHE)
def call_all(part: Part, deadline_s: float) -> list[Done[Any] | Broken]:
    """One result a call, in the order of the calls. Raises NoProcesses where this worker may have no process."""
    return _processes(deadline_s).map(part.function, part.calls)


@cache
def _processes(deadline_s: float) -> Processes:
    """The processes beside this worker of the cluster, one for each of its threads, for as long as it lives."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(workers(get_worker().state.nthreads, deadline_s, start=be_quiet, ready="flows.ready"))
