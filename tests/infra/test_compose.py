"""compose.yaml is valid by its schema, and says what is so: names, commands, variables, who waits for whom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploying import INFRA, check_started, unknown_variables

FILE = INFRA / "compose.yaml"
TEXT = FILE.read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "storyfold" in service["image"]]
ONCE = ["migrate", "deployments", "storyfold"]
LASTING = [name for name in SERVICES if name not in ONCE]
EXAMPLE = dict(
    line.split("=", 1)
    for line in (INFRA / ".env.example").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)


def test_it_is_valid() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", FILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_waited_for_can_come_to_what_is_waited_for(name: str) -> None:
    for other, waited in SERVICES[name].get("depends_on", {}).items():
        if waited["condition"] == "service_healthy":
            assert other in LASTING and "test" in SERVICES[other]["healthcheck"]
        else:
            assert waited["condition"] == "service_completed_successfully" and other in ONCE


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_started_again_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["deploy"]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist_with_settings_that_exist(name: str) -> None:
    service = SERVICES[name]
    check_started([word.replace("$$", "$") for word in service["command"]])
    assert unknown_variables(service["environment"]) == set()
    assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


def test_the_worker_has_all_that_the_lines_need() -> None:
    worker = SERVICES["worker"]
    assert set(worker["depends_on"]) >= {"migrate", "deployments"}
    pool = worker["command"][worker["command"].index("--pool") + 1]
    assert SERVICES["deployments"]["environment"]["PREFECT_DEFAULT_WORK_POOL_NAME"] == pool
    assert worker["deploy"]["replicas"] == "${WORKERS:-2}"


def test_every_variable_is_in_the_example_and_no_secret_has_a_value() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
    assert used == set(EXAMPLE)
    secret = {name for name in used if re.search(r"PASSWORD|AUTH", name)}
    assert len(secret) == 5 and {EXAMPLE[name] for name in secret} <= {"", "admin:"}
    assert "infra/.env" in (INFRA.parent / ".gitignore").read_text("utf-8").splitlines()


def test_what_is_mounted_exists() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith((".", "$"))}
    assert named == set(COMPOSE["volumes"])
    assert [mount for mount in mounts if mount.startswith("./") and not (INFRA / mount.split(":")[0]).exists()] == []


def test_postgres_keeps_its_data_where_version_18_puts_them() -> None:
    for name in ("store", "prefect-store"):
        assert SERVICES[name]["image"] == "postgres:18"
        assert SERVICES[name]["volumes"][0] == f"{name}:/var/lib/postgresql"


def test_the_documents_name_services_that_exist() -> None:
    told = (INFRA.parent / "docs" / "deploy.md").read_text("utf-8")
    named = re.findall(r"docker compose (?:run --rm|exec|logs --follow|up --detach --scale) ([\w-]+)", told)
    assert len(named) >= 4 and set(named) <= set(SERVICES)
