"""A real Postgres and a real Prefect for the tests that need them: one server a run, one database a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from programs import wait_until
from sqlalchemy import Engine, create_engine, make_url, text

from load import engine as store
from load import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server on which tests may create databases: STORYFOLD_TEST_DATABASE_URL, or one of their own."""
    if url := os.environ.get("STORYFOLD_TEST_DATABASE_URL"):
        yield url
        return
    home = Path(tempfile.mkdtemp(prefix="storyfold-test-"))
    try:
        with postgres.session(home) as url:
            waive_durability(url)
            yield url
    finally:
        shutil.rmtree(home)


def waive_durability(url: str) -> None:
    """Creating and dropping a database forces everything to disk, several times a test."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture(scope="session")
def server(postgres_url: str) -> Iterator[Engine]:
    """Connections that create and drop databases."""
    url = make_url(postgres_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def template_database(server: Engine) -> Iterator[str]:
    """The name of a database at the newest revision, with nothing in it."""
    name = create_database(server)
    engine = store.connect(database_on(server, name))
    store.upgrade(engine)
    engine.dispose()
    yield name
    drop_database(server, name)


@pytest.fixture
def database_url(server: Engine, template_database: str) -> Iterator[str]:
    """This test's own database, migrated and empty."""
    name = create_database(server, template_database)
    yield database_on(server, name)
    drop_database(server, name)


@pytest.fixture(scope="module")
def new_database(server: Engine, template_database: str) -> Iterator[Callable[[], str]]:
    """Makes databases, migrated and empty, that live as long as the module's tests."""
    names: list[str] = []

    def make() -> str:
        names.append(create_database(server, template_database))
        return database_on(server, names[-1])

    yield make
    for name in names:
        drop_database(server, name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = store.connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def bare_database_url(server: Engine) -> Iterator[str]:
    """This test's own database, without any table."""
    name = create_database(server)
    yield database_on(server, name)
    drop_database(server, name)


def create_database(server: Engine, template: str = "template1") -> str:
    name = f"storyfold_test_{uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    return name


def drop_database(server: Engine, name: str) -> None:
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def database_on(server: Engine, name: str) -> str:
    return server.url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server, as a user would configure one; without it each run starts its own."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/api"
    assert wait_until(lambda: _is_healthy(url), server)
    yield url
    server.terminate()
    server.wait(30)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
