"""The image, as far as it can be looked at without building it: docs/deploy.md says what was run by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from deploying import INFRA, check_started, unknown_variables

from flows import prefect_env

ROOT = INFRA.parent
DOCKERFILE = re.sub(r"\\\n", " ", (INFRA / "Dockerfile").read_text("utf-8"))
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]


def said(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def environment() -> dict[str, str]:
    """What the last stage sets."""
    return dict(word.split("=", 1) for word in said("ENV")[-1].split())


def copied() -> list[str]:
    """What is copied from the checkout; the default of the build argument is filled in."""
    (requirements,) = {rest.partition("=")[2] for rest in said("ARG")}
    sources = [[word for word in rest.split() if not word.startswith("--chmod")][:-1] for rest in said("COPY")]
    return [
        word.replace("${REQUIREMENTS}", requirements)
        for words in sources
        if not words[0].startswith("--from")
        for word in words
    ]


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, INFRA / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_exists_and_is_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert len(copied()) == 10
    for name in copied():
        assert (ROOT / name).exists(), name
        assert any(name == one or name.startswith(f"{one}/") for one in sent), name
    assert [one for one in sent if not (ROOT / one).exists()] == []


def test_all_packages_of_the_program_are_in_it() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) <= set(copied())


@pytest.mark.parametrize("requirements", ["run", "dask"])
def test_every_requirement_has_a_hash(requirements: str) -> None:
    lines = (INFRA / "requirements" / f"{requirements}.txt").read_text("utf-8")
    pins = re.split(r"\n(?=\S)", lines.strip())
    assert len(pins) > 100 and all("==" in pin and "--hash=sha256:" in pin for pin in pins)


def test_both_stages_stand_on_the_same_version_of_python() -> None:
    (base,) = {rest.split()[0] for rest in said("FROM")}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)


def test_it_runs_as_a_numbered_user_that_is_not_root() -> None:
    user, group = said("USER")[-1].split(":")
    made = said("RUN")[-1]
    assert int(user) > 0 and f"--uid {user}" in made and f"--gid {group}" in made and f"--owner={user}" in made


def test_what_it_sets_is_known_and_as_the_command_line_sets_it() -> None:
    assert unknown_variables(environment()) == set()
    own = {name: value for name, value in prefect_env._DEFAULTS.items() if "LOGGING" not in name}
    assert {name: environment()[name] for name in own} == own


def test_its_commands_are_those_of_the_program() -> None:
    (health,) = said("HEALTHCHECK")
    check_started(json.loads(health.partition("CMD ")[2]))
    assert json.loads(said("ENTRYPOINT")[0]) == ["entrypoint.sh"]
    check_started(json.loads(said("CMD")[0]))


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--version"], "storyfold "),
        (["python", "-c", "print('of python')"], "of python"),
        (["sh", "-c", "echo of sh"], "of sh"),
    ],
)
def test_the_entrypoint_starts_storyfold_unless_another_program_is_named(words: list[str], printed: str) -> None:
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run([INFRA / "entrypoint.sh", *words], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(printed)
