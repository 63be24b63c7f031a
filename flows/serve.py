"""serve: the lines as Prefect deployments, the four that feed the store on schedules, in one process that stays.

Each run is a process of its own, started when it is due: a run that crashes, hangs or is killed takes nothing with it.
What Prefect's server tells is believed for one thing only, that a run is due; what is done is known by the store. So
whatever ends, here or there, is started again, and goes on from what is stored.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron, Interval, Schedule
from prefect.states import Cancelling
from prefect.types.entrypoint import EntrypointType

from flows.backfill import backfill
from flows.collect import collect
from flows.discover import discover
from flows.ingest import ingest
from flows.prefect_env import folder, named_server, used
from flows.prefect_server import OwnServer, PrefectUnavailable
from flows.reopen import reopen
from flows.run import run_lines
from flows.settings import BadSchedule, Settings, parse_schedule
from flows.store import Store, open_store
from flows.upkeep import upkeep
from load import postgres

BY_HAND = (run_lines, backfill, reopen)  # started on Prefect's page, with parameters
SINCE = datetime(2024, 1, 1, tzinfo=UTC)  # intervals are counted from then, so a restart does not move them
STEP = timedelta(seconds=60)  # from one line to the next: what is discovered is collected and read soon
PREFETCH_S = 0.0  # a run is started when it is due, not before
RUNS = 8  # at once, so that whatever goes wrong, no flood of processes comes of it
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
LOOK_S = 60.0  # between two looks for runs that take too long
PAUSE_S = 5.0  # before all is started again
PREFECT_DATABASE = "prefect"
DATABASE_SETTINGS = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")

_log = logging.getLogger(__name__)


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """All lines as Prefect is told of them. Raises BadSchedule."""
    scheduled: list[tuple[Flow[..., Any], str]] = [
        (discover, settings.discover_every),
        (collect, settings.collect_every),
        (ingest, settings.ingest_every),
        (upkeep, settings.upkeep_every),
    ]
    timed = [_deployment(line, every, n * STEP) for n, (line, every) in enumerate(scheduled)]
    return timed + [_deployment(line, "never") for line in BY_HAND]


def _deployment(line: Flow[..., Any], every: str, offset: timedelta = timedelta()) -> RunnerDeployment:
    try:
        schedule = _schedule(every, offset)
        made = RunnerDeployment.from_flow(
            line,
            line.name,
            schedule=schedule,
            concurrency_limit=ONE_AT_A_TIME if schedule else None,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    except ValueError as error:  # what looked like cron and is none
        raise BadSchedule(f"STORYFOLD_{line.name.upper()}_EVERY is set wrongly: '{every}' is not cron.") from error
    made.work_pool_name = None  # named, so that one set before is taken back: runs are started here
    return made


def _schedule(every: str, offset: timedelta) -> Schedule | None:
    match parse_schedule(every):
        case timedelta() as interval:
            return Interval(interval, anchor_date=SINCE + offset)
        case str() as cron:
            return Cron(cron, timezone="UTC")
    return None


def serve(settings: Settings, port: int, ready: Callable[[str], None]) -> None:
    """Run what is due until SIGTERM or Ctrl-C; whatever else ends is started again.

    ready: called with the address of Prefect's page, once or again after all was started again.
    Raises BadSchedule, PrefectUnavailable, PostgresUnavailable or StoreUnavailable when it cannot begin.
    """
    wanted = deployments(settings)
    os.environ["PYTHONSAFEPATH"] = "1"  # a folder 'load' or 'flows' where this was started must not hide ours
    begun = False
    while True:
        try:
            with open_store(settings) as store, _prefect(store, port) as page:
                ready(page)
                begun = True
                asyncio.run(_run_due(wanted, timedelta(hours=settings.run_hours)))
                return
        except Exception:
            if not begun:
                raise
            _log.exception("Prefect's server or the database cannot be used: all is started again")
        time.sleep(PAUSE_S)


@contextmanager
def _prefect(store: Store, port: int) -> Iterator[str]:
    """The address of a server with schedules: the one that the user has named, or one of our own."""
    if api := named_server():
        with get_client(sync_client=True) as client:
            if error := client.api_healthcheck():
                raise PrefectUnavailable(f"Prefect's server {api} cannot be used: {error}.")
        yield api
        return
    server = OwnServer(port=port, log=folder(store.settings) / "server.log", page=True, environment=_database(store))
    with used(server):
        yield server.address


def _database(store: Store) -> dict[str, str]:
    """Where our own server keeps its data: beside the store in the embedded Postgres, else where Prefect would."""
    if store.settings.database_url or any(name in os.environ for name in DATABASE_SETTINGS):
        return {}
    url = store.engine.url.render_as_string(hide_password=False)
    return {DATABASE_SETTINGS[0]: postgres.beside(url, PREFECT_DATABASE, "asyncpg")}


async def _register(runner: Runner, wanted: Sequence[RunnerDeployment]) -> None:
    """Tell the server of the lines. That also drops the runs that were due while nobody served, and frees the limits:
    one held by a run whose end nobody could tell would be held for ever. Two runs at once do no harm.
    """
    async with get_client() as client:
        for one in wanted:
            made = await client.read_deployment(await runner.aadd_deployment(one))
            if made.global_concurrency_limit is not None:
                freed = GlobalConcurrencyLimitUpdate(active_slots=0)
                await client.update_global_concurrency_limit(made.global_concurrency_limit.name, freed)


async def _run_due(wanted: Sequence[RunnerDeployment], longest: timedelta) -> None:
    """Start what is due, each run a process, until a signal says stop; then end the runs too.

    longest: a scheduled line's run that takes more is ended

    Raises whatever ends Prefect's runner by itself, as when its server was away for minutes.
    """
    runner = Runner(name="storyfold", prefetch_seconds=PREFETCH_S, limit=RUNS, pause_on_shutdown=False)
    await _register(runner, wanted)
    told = asyncio.Event()
    running = asyncio.create_task(runner.start())
    await asyncio.sleep(0)  # its first step takes SIGTERM for itself
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    stopping = asyncio.create_task(told.wait())
    looking = asyncio.create_task(_end_whatever_hangs([one for one in wanted if one.schedules], longest))
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    looking.cancel()
    if told.is_set():
        await runner.astop()
    await running


async def _end_whatever_hangs(lines: Sequence[RunnerDeployment], longest: timedelta) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            await end_overdue([line.name for line in lines], datetime.now(UTC) - longest)
        except Exception as error:  # noqa: BLE001  the server may be away, and the runner says so
            _log.debug("Whether a run hangs is asked again later: %s", error)


async def end_overdue(names: Sequence[str], before: datetime) -> int:
    """Have the runner end all runs of these deployments that began before then; answers how many.

    The runner asks first, by SIGTERM, and kills what does not end within half a minute.
    """
    async with get_client() as client:
        overdue = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=list(names))),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
                start_time=FlowRunFilterStartTime(before_=before),
            ),
        )
        for run in overdue:
            _log.warning("%s takes longer than STORYFOLD_RUN_HOURS allows, and is ended", run.name)
            await client.set_flow_run_state(run.id, Cancelling(message="It took longer than any run may."), force=True)
    return len(overdue)
