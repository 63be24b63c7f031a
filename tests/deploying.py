"""What the files of infra/ start and set, held against the programs that are started and set."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names
from typer.testing import CliRunner

from flows.cli import app
from flows.settings import Settings

INFRA = Path(__file__).parents[1] / "infra"
OF_OTHERS = {"DO_NOT_TRACK", "HOME", "PATH", "PGPASSWORD", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TMPDIR"}


def unknown_variables(names: Iterable[str]) -> set[str]:
    """Those that neither storyfold nor Prefect, nor what they stand on, takes."""
    ours = {f"STORYFOLD_{name.upper()}" for name in Settings.model_fields}
    return set(names) - ours - _get_valid_setting_names(PrefectSettings) - OF_OTHERS


def check_started(words: Sequence[str]) -> None:
    """The words after the image's entrypoint, or of a unit, are a command that there is, with options it has."""
    match list(words):
        case ["sh", "-euc", script]:
            for command in _commands_of(script):
                check_started(command)
        case ["prefect", *arguments]:
            _check_prefect(arguments)
        case ["storyfold", *arguments] | arguments:
            result = CliRunner().invoke(app, [*arguments, "--help"])
            assert arguments and result.exit_code == 0, result.output


def _commands_of(script: str) -> list[list[str]]:
    lines = [re.sub(r"[12]?> ?\S+", "", part).strip() for part in re.split(r"\n|\|\|", script)]
    commands = [shlex.split(line) for line in lines if line]
    assert commands and all(command[0] in ("prefect", "storyfold") for command in commands), script
    return commands


def _check_prefect(arguments: Sequence[str]) -> None:
    command = [word for word in arguments[:3] if re.fullmatch(r"[a-z-]*[a-z]", word) and not word.startswith("-")]
    options = {word for word in arguments if word.startswith("--")}
    helped = _help_of(*command)
    assert options - {"--no-prompt"} <= set(re.findall(r"--[a-z-]+", helped)), (command, options)


@cache
def _help_of(*command: str) -> str:
    prefect = Path(sys.executable).with_name("prefect")
    done = subprocess.run([prefect, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout
