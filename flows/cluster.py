"""Reading on a Dask cluster: each of its workers claims, reads and stores batches by itself.

What comes back are counts: the rows are in the store by then. Settling stays with the one who asked, in the order of
the pages, so the stories are the same wherever they were read. A worker that dies has its claims void with its session:
others read what it held, and Dask begins its task anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import TaskRunner

from flows.bookkeeping import on_record
from flows.ingest import begin_next, ingest, read_pages, settle_batch
from flows.isolation import workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store, open_store
from load.engine import worker

BATCHES = 10  # of one task: it costs some tenths of a second, and its reader's start a second
TASKS_A_THREAD = 2  # one at work, and one that waits for its end
_BATCHES_READ = "batches read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where pages are read."""

    address: str | None = None  # of its scheduler; None for one of this machine, which ends with the run
    workers: int = 1  # of that one

    def task_runner(self) -> TaskRunner[Any]:
        """Prefect's way to it; needs the extra `dask`."""
        from prefect_dask.task_runners import DaskTaskRunner

        return DaskTaskRunner(address=self.address) if self.address else DaskTaskRunner(cluster_kwargs=self._local())

    def _local(self) -> dict[str, object]:
        """What the cluster of this machine is made with. Its workers speak to this run's server: none has its own."""
        import dask

        dask.config.set({"distributed.worker.daemon": False})  # they have a reader process each
        with get_client(sync_client=True) as client:
            told = {"PREFECT_API_URL": str(client.api_url)}
        return {"n_workers": self.workers, "threads_per_worker": 1, "dashboard_address": None, "env": told}


def ingest_on(cluster: Cluster | None) -> dict[str, int]:
    """What `ingest` does and answers, with the pages read on the cluster, if there is one."""
    return ingest() if cluster is None else _ingest.with_options(task_runner=cluster.task_runner())()


@flow(name="ingest on a cluster", validate_parameters=False)
def _ingest() -> dict[str, int]:
    with open_store() as store, on_record(store, "ingest") as (_, counts):
        counts.update(read_elsewhere(store))
    return dict(counts)


def read_elsewhere(store: Store) -> Counter[str]:
    """Have all that waits read by the flow's task runner, and settle it meanwhile."""
    url = store.engine.url.render_as_string(hide_password=False)
    settings = store.settings.model_copy(update={"database_url": url})
    counts: Counter[str] = Counter()
    running = {_submit(settings) for _ in range(_threads() * TASKS_A_THREAD)}
    while running:
        done = next(as_completed(list(running)))
        running.remove(done)
        told = Counter(done.result())
        if told.pop(_BATCHES_READ, 0):
            running.add(_submit(settings))
        counts.update(told)
        counts.update(settle_batch(store))
    return counts


def _threads() -> int:
    """Of all workers of the cluster together."""
    from prefect_dask.task_runners import DaskTaskRunner

    run = FlowRunContext.get()
    assert run is not None
    assert isinstance(run.task_runner, DaskTaskRunner)
    known: dict[str, int] = run.task_runner.client.nthreads()  # type: ignore[no-untyped-call]
    return max(sum(known.values()), 1)


def _submit(settings: Settings) -> PrefectFuture[dict[str, int]]:
    return read_some.submit(settings)


@task(name="read on the cluster", cache_policy=NO_CACHE)
def read_some(settings: Settings) -> dict[str, int]:
    """Claim, read and store what waits, up to BATCHES; counts, and how many batches it was."""
    counts: Counter[str] = Counter()
    with (
        open_store(settings) as store,
        worker(store.engine) as me,
        workers(1, settings.read_timeout_s, start=be_quiet, ready="flows.ready") as readers,
    ):
        while counts[_BATCHES_READ] < BATCHES and (begun := begin_next(store, me, readers)):
            counts.update(read_pages(store, readers, begun))
            counts[_BATCHES_READ] += 1
    return dict(counts)
