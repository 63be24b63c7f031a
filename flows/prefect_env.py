"""Prefect's settings as storyfold wants them: defaults in the environment, set before Prefect is first imported.

Whatever the user has set already stays. Each has its reason:
- analytics off and DO_NOT_TRACK: no call leaves the machine by itself
- ephemeral start-up 180 s: the server takes 15 s on an idle machine, more than the default 20 s on a busy one
- recorder batches of 100: with the default of 1 an ephemeral server loses task runs at exit, and the next flow waits
"""

from __future__ import annotations

import os

from flows.settings import Settings

_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "CRITICAL",  # errors come out of the flow, and are told once
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "CRITICAL",
}


def set_defaults(settings: Settings) -> None:
    """Set what the environment leaves open; Prefect keeps its own data in the data home."""
    home = settings.home.expanduser().absolute() / "prefect"
    home.mkdir(parents=True, exist_ok=True)  # Prefect makes it only where its parent is there
    os.environ.setdefault("PREFECT_HOME", str(home))
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
