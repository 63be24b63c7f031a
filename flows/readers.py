"""Who reads pages: processes of this machine, or the workers of a cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.settings import Settings


def readers_of(settings: Settings) -> AbstractContextManager[Workers]:
    """Those that the settings name, for as long as they are needed."""
    if settings.task_runner == "dask":
        from flows.cluster import cluster

        return cluster(settings)
    return workers(settings.processes, settings.read_timeout_s, start=be_quiet, ready="flows.ready")
