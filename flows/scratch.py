"""A store of its own for the length of one measurement, with nothing in it before and nothing left after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.settings import Settings
from flows.store import Store, open_store


@contextmanager
def scratch_store(settings: Settings) -> Iterator[Store]:
    """An empty store in a temporary folder, with an embedded server of its own, otherwise as the settings say.

    Raises PostgresUnavailable.
    """
    with TemporaryDirectory(prefix="storyfold-") as folder:
        home = Path(folder)
        elsewhere = {"home": home, "database_url": None, "archive": None, "sources": home / "sources"}
        with open_store(settings.model_copy(update=elsewhere)) as store:
            yield store
