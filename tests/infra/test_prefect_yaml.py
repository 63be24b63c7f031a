"""prefect.yaml is deployed for real: what the server holds then is what the file says, and a worker runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, text

FILE = Path(__file__).parents[2] / "infra" / "prefect.yaml"
DEPLOYMENTS = {one["name"]: one for one in yaml.safe_load(FILE.read_text("utf-8"))["deployments"]}
SCHEDULED = ["discover", "collect", "ingest", "upkeep"]
PREFECT = Path(sys.executable).with_name("prefect")
POOL = "storyfold-test"

Ask = Callable[..., Any]


@pytest.fixture
def ask(prefect_server: str) -> Ask:
    """Asks the server's API: a path, and what is posted to it."""

    def asking(path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{prefect_server}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    return asking


def prefect(server: str, folder: Path, *arguments: str, **environment: str) -> str:
    """What Prefect's program printed, in an empty folder; it must end well."""
    done = subprocess.run(
        [PREFECT, *arguments],
        cwd=folder,
        env={**os.environ, "PREFECT_API_URL": server, "PREFECT_HOME": str(folder), "DO_NOT_TRACK": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_deployments_are_those_of_the_lines() -> None:
    assert list(DEPLOYMENTS) == [*SCHEDULED, "backfill", "reopen"]
    assert [name for name, one in DEPLOYMENTS.items() if one.get("schedules")] == SCHEDULED


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_an_entrypoint_is_a_flow_of_the_installed_program(name: str) -> None:
    module, _, function = DEPLOYMENTS[name]["entrypoint"].rpartition(".")
    assert getattr(import_module(module), function).name == name


def test_a_second_deployment_of_a_line_is_one_line_more() -> None:
    """As the comment in the file says."""
    (shown,) = re.findall(r"`(- \{.*\})`", FILE.read_text("utf-8"))
    told = yaml.safe_load(f"{FILE.read_text('utf-8')}\n  {shown}\n")["deployments"]
    assert told[-1] == {**DEPLOYMENTS["ingest"], "name": "ingest-beside"}


def test_schedules_are_valid() -> None:
    """Prefect's own model of the file takes any cron; its server does not."""
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    for name in SCHEDULED:
        for one in DEPLOYMENTS[name]["schedules"]:
            if "cron" in one:
                CronSchedule(cron=one["cron"], timezone=one["timezone"])
            else:
                kept = {key: one[key] for key in ("interval", "anchor_date", "timezone")}
                assert IntervalSchedule(**kept).anchor_date.tzinfo is not None


def test_it_deploys_and_a_worker_runs_it(
    prefect_server: str, ask: Ask, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    prefect(prefect_server, tmp_path, "work-pool", "create", "--type", "process", POOL)
    prefect(
        prefect_server,
        tmp_path,
        *("--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)),
        PREFECT_DEFAULT_WORK_POOL_NAME=POOL,
    )
    deployed = {one["name"]: one for one in ask("/deployments/filter") if one["work_pool_name"] == POOL}
    assert deployed.keys() == DEPLOYMENTS.keys()
    for name, one in deployed.items():
        as_written(DEPLOYMENTS[name], one)

    run = ask(f"/deployments/{deployed['upkeep']['id']}/create_flow_run", state={"type": "SCHEDULED"})
    store = {"STORYFOLD_DATABASE_URL": database_url, "STORYFOLD_HOME": str(tmp_path)}
    told = prefect(prefect_server, tmp_path, "worker", "start", "--pool", POOL, "--run-once", **store)
    (ended,) = ask("/flow_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert ended["state_type"] == "COMPLETED", told
    with engine.connect() as connection:
        finished = connection.execute(text("SELECT line FROM storyfold.run WHERE finished_at IS NOT NULL")).all()
        assert ("upkeep",) in finished  # and whatever its schedule made due meanwhile


def as_written(said: dict[str, Any], held: dict[str, Any]) -> None:
    """The server holds this deployment as the file says it."""
    assert (held["entrypoint"], held["description"], held["tags"]) == (
        said["entrypoint"],
        said["description"],
        said["tags"],
    )
    assert held["pull_steps"] in (None, []) and not held["path"]  # no place of the machine that deployed it
    limit = said["concurrency_limit"]
    assert held["global_concurrency_limit"]["limit"] == limit["limit"]
    assert held["concurrency_options"]["collision_strategy"] == limit["collision_strategy"]
    schedules = said.get("schedules", [])
    assert len(held["schedules"]) == len(schedules) and not held["paused"]
    for wanted, found in zip(schedules, held["schedules"], strict=True):
        assert (found["slug"], found["active"], found["schedule"]["timezone"]) == (wanted["slug"], True, "UTC")
        if "cron" in wanted:
            assert found["schedule"]["cron"] == wanted["cron"]
        else:
            assert found["schedule"]["interval"] == wanted["interval"]
            anchor = datetime.fromisoformat(found["schedule"]["anchor_date"].replace("Z", "+00:00"))
            assert anchor == datetime.fromisoformat(wanted["anchor_date"])
