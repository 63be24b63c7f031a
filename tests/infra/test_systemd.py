"""The units are what systemd takes, and start commands that exist with settings that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deploying import INFRA, check_started, unknown_variables

FOLDER = INFRA / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
INSTALLED = "/opt/storyfold/.venv/bin/storyfold"

services = pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd's own check")
def test_systemd_has_nothing_to_say(tmp_path: Path) -> None:
    here = str(Path(sys.executable).with_name("storyfold"))
    for unit in FOLDER.iterdir():  # with a program that is there
        (tmp_path / unit.name).write_text(unit.read_text("utf-8").replace(INSTALLED, here), encoding="utf-8")
    command = ["systemd-analyze", "verify", *sorted(tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")  # an unknown key is only told


@services
def test_a_service_starts_a_command_that_exists_with_settings_that_exist(service: Path) -> None:
    (start,) = values(service, "ExecStart")
    program, *arguments = shlex.split(start)
    assert program == INSTALLED
    check_started(["storyfold", *arguments])
    assert unknown_variables(assignment.partition("=")[0] for assignment in values(service, "Environment")) == set()


@services
def test_a_service_is_no_root_and_lets_the_program_stop_its_postgres_itself(service: Path) -> None:
    assert values(service, "User") == ["storyfold"] and values(service, "KillMode") == ["mixed"]
    assert values(service, "ProtectSystem") == ["strict"] and values(service, "NoNewPrivileges") == ["yes"]


def test_both_services_are_hardened_alike_and_on_one_store() -> None:
    bodies = [
        service.read_text("utf-8").partition("User=")[2].partition("\n[Install]")[0].strip() for service in SERVICES
    ]
    assert bodies[0] == bodies[1]


def test_the_timer_starts_a_service_that_exists() -> None:
    (timer,) = FOLDER.glob("*.timer")
    assert timer.with_suffix(".service") in SERVICES
