"""Prefect's settings as storyfold wants them: defaults in the environment, set before Prefect is first imported.

Whatever the user has set already stays. Each has its reason:
- analytics off and DO_NOT_TRACK: no call leaves the machine by itself
- ephemeral start-up 180 s: the server takes 15 s on an idle machine, more than the default 20 s on a busy one
- recorder batches of 100: with the default of 1 a server that ends with its run loses task runs, and the next waits
- leases in files: a server that keeps in memory who holds a limit forgets it when it is started again
- runs older than two weeks go, with their logs and artifacts: by default they stay for ever, and `serve` makes nine
  hundred a day; what they came to is in the store
- a look every five seconds for runs that are due, not every ten

And the server: the one that the user names, in PREFECT_API_URL or in Prefect's profile, or one of our own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.prefect_server import OwnServer, free_port, running
from flows.settings import Settings

_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(14 * 24 * 3600),
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_RUNNER_POLL_FREQUENCY": "5",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "CRITICAL",  # errors come out of the flow, and are told once
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "CRITICAL",
}


def set_defaults(settings: Settings) -> None:
    """Set what the environment leaves open; Prefect keeps its own data in the data home."""
    home = folder(settings)
    home.mkdir(parents=True, exist_ok=True)  # Prefect makes it only where its parent is there
    os.environ.setdefault("PREFECT_HOME", str(home))
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def folder(settings: Settings) -> Path:
    """Where Prefect's own data are."""
    return settings.home.expanduser().absolute() / "prefect"


def named_server() -> str | None:
    """The API of the server that the user has named; the defaults must be set."""
    from prefect.settings import PREFECT_API_URL

    return PREFECT_API_URL.value() or None


@contextmanager
def at_hand(settings: Settings) -> Iterator[None]:
    """Prefect, ready to run flows: on the server that the user has named, or on one that ends with the block.

    Raises PrefectUnavailable.
    """
    set_defaults(settings)
    if named_server():
        yield
        return
    with used(OwnServer(port=free_port(), log=folder(settings) / "server.log", page=False)):
        yield


@contextmanager
def used(server: OwnServer) -> Iterator[None]:
    """A server of our own that runs and is the one that Prefect asks, here and in processes started from here.

    Raises PrefectUnavailable.
    """
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"] = server.api
    refresh_global_settings_context()
    try:
        with running(server):
            yield
    finally:
        del os.environ["PREFECT_API_URL"]
        refresh_global_settings_context()
