"""The program as users start it: a process of its own, on a data home and a Prefect server of the test's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

from load import postgres

STORYFOLD = Path(sys.executable).with_name("storyfold")
DEADLINE_S = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The command line with its environment."""

    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        return Path(self.environment["STORYFOLD_HOME"])

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [STORYFOLD, *arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """What it printed; it must end well."""
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, printed
        return printed

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """The store's database, opened beside the program."""
        with postgres.session(self.home) as url:
            engine = create_engine(url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                yield connection
            engine.dispose()


def rows(connection: Connection, query: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(query), values)]


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str], deadline_s: float = DEADLINE_S) -> bool:
    """Whether the state was reached before the process ended."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end and process.poll() is None:
        if reached():
            return True
        time.sleep(0.02)
    return False
