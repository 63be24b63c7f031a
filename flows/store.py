"""The open store: database, worker, archive and catalogue, for as long as a command or a flow run needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from extract.catalogue import BadSource, read_source
from extract.model import FetchPolicy, Source
from flows.settings import Settings
from load import engine as engines
from load import postgres, sources
from load.engine import Engine
from load.keys import follow_rules
from load.provenance import next_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What the lines work with."""

    engine: Engine
    settings: Settings

    @property
    def archive(self) -> str:
        return self.settings.archive_url


@contextmanager
def open_store(settings: Settings | None = None) -> Iterator[Store]:
    """The store that the settings name, its schema brought up to date; the embedded server runs while it is open.

    Raises PostgresUnavailable or StoreUnavailable, each with one sentence for the user.
    """
    settings = settings or Settings()
    with connected(settings) as engine:
        engines.upgrade(engine)
        yield Store(engine=engine, settings=settings)


@contextmanager
def connected(settings: Settings) -> Iterator[Engine]:
    """The database that the settings name, as it is; the embedded server runs while it is open.

    Raises PostgresUnavailable or StoreUnavailable, each with one sentence for the user.
    """
    with _database_url(settings) as url:
        engine = engines.connect(url)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _database_url(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    with postgres.session(settings.home.expanduser().absolute()) as url:
        yield url


def read_catalogue(folder: Path, defaults: FetchPolicy) -> tuple[Source, ...]:
    """The sources of a folder that are to be polled, by name: those whose file does not switch them off.

    Raises BadSource for the first file that cannot be read as one.
    """
    return tuple(source for source in read_sources(folder, defaults) if source.enabled)


def read_sources(folder: Path, defaults: FetchPolicy) -> tuple[Source, ...]:
    """All sources of a folder, by name; empty when there is no such folder.

    Raises BadSource for the first file that cannot be read as one.
    """
    return tuple(read_source(_text_of(path), path.stem, defaults) for path in sorted(folder.glob("*.toml")))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before it
    except OSError as error:
        raise BadSource(path.stem, f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadSource(path.stem, f"it is not written in UTF-8 (at byte {error.start})") from error


class UnknownSource(Exception):
    """A source was named that the folder does not have."""


def follow_catalogue(store: Store, names: Sequence[str]) -> dict[str, Source]:
    """Bring the store up to date with the folder of sources; answers those to be polled, by name.

    Raises UnknownSource for a name that is none of them.
    """
    folder = store.settings.sources
    catalogue = read_catalogue(folder, store.settings.fetch_policy)
    if unknown := sorted(set(names) - {source.name for source in catalogue}):
        raise UnknownSource(f"no source is called {', '.join(unknown)}: the folder {folder} has no such file")
    with store.engine.begin() as connection:
        sources.sync(connection, catalogue)
    with store.engine.begin() as connection:  # of its own: all others wait while keys are made anew
        follow_rules(connection)
    return {source.name: source for source in catalogue}


def warc_name(store: Store, now: datetime) -> str:
    """A name of its own for every file of the archive, by month; their order is that in which they were given."""
    with store.engine.begin() as connection:
        moment = next_moment(connection, now)
    return f"{moment:%Y/%m}/{moment:%Y%m%dT%H%M%S%fZ}-{uuid4().hex[:12]}.warc.gz"
