"""What the files of infra/ start and set, held against the programs that are started and set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from prefect.cli._app import _app as _prefect
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names
from typer.testing import CliRunner

from flows.cli import app
from flows.settings import Settings

INFRA = Path(__file__).parents[1] / "infra"
QUIETLY = {"exit_on_error": False, "print_error": False}
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
            _prefect.parse_args([word for word in arguments if word != "--no-prompt"], **QUIETLY)
        case ["storyfold", *arguments] | arguments:
            result = CliRunner().invoke(app, [*arguments, "--help"])
            assert arguments and result.exit_code == 0, result.output


def _commands_of(script: str) -> list[list[str]]:
    lines = [re.sub(r"[12]?> ?\S+", "", part).strip() for part in re.split(r"\n|\|\|", script)]
    commands = [shlex.split(line) for line in lines if line]
    assert commands and all(command[0] in ("prefect", "storyfold") for command in commands), script
    return commands
