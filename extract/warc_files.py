"""I/O: WARC files wherever they lie, on this machine or behind an fsspec URL: found by name, and read in spite of lost
connections.
"""

from __future__ import annotations

import glob
import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientError, ClientResponseError
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from extract.files import WARC_ENDINGS, NothingToLoad
from extract.warc import Refuse, Step, scan

TRIES = 6  # without a record between them: half a minute with their pauses
FIRST_PAUSE_S = 1.0  # doubled for each further one, up to
LONGEST_PAUSE_S = 30.0
MARK_BYTES = 256
LIST_ENDINGS = (".paths", ".paths.gz")

_MAGIC = frozenset("*?[")


class WarcUnavailable(Exception):
    """A WARC file that cannot be read, and will not be by trying again."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file
        self.why = why


class WarcLost(WarcUnavailable):
    """A WARC file that cannot be read now: a connection that broke, a server that does not answer."""


@dataclass(frozen=True, slots=True)
class WarcState:
    """What a file is now."""

    size: int
    mark: bytes  # digest of the bytes before a place in it


def find_warcs(name: str, base: str | None = None) -> list[str]:
    """The WARC files that a name stands for, as absolute paths or URLs, sorted but for those of a list.

    name: a file, a folder, a pattern, an fsspec URL of any of these, or a list of paths (`.paths`, `.paths.gz`).
    base: what the paths of a list are relative to; the list's own host or bucket, or its folder, unless given.
    Raises NothingToLoad, WarcUnavailable.
    """
    if name.lower().endswith(LIST_ENDINGS):
        return _listed(name, base)
    found = sorted(_remote(name) if "://" in name else _local(name))
    if not found:
        raise NothingToLoad(f"{name} stands for no WARC file ({', '.join(WARC_ENDINGS)})")
    return found


def state_of(file: str, end: int, *, tries: int = TRIES) -> WarcState:
    """The size of a file, and the mark of what lies before `end`. Raises WarcUnavailable."""
    for number in range(tries - 1):
        try:
            return _state_of(file, end)
        except WarcLost:
            time.sleep(_pause_s(number))
    return _state_of(file, end)


def _state_of(file: str, end: int) -> WarcState:
    with _told(file):
        files, inner = url_to_fs(file)
        size = files.info(inner)["size"]
        if size is None or (end == 0 and size and not _gives_ranges(files, inner)):
            raise WarcUnavailable(file, "its server gives no parts of a file: download it, and name the copy")
        before = files.cat_file(inner, start=max(end - MARK_BYTES, 0), end=end) if 0 < end <= size else b""
    return WarcState(size=int(size), mark=blake2b(before, digest_size=16).digest())


def scan_patiently(
    file: str,
    *,
    start: int = 0,
    refuse: Refuse | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Step]:
    """As `extract.warc.scan`; where a connection is lost, it goes on behind the last record.

    Raises WarcUnavailable, and WarcLost after some tries in vain.
    """
    tries, told = 0, -1
    while True:
        try:
            for step in _scan(file, start, refuse):
                tries, start = 0, step.end
                if not (step.damage and step.damage.offset <= told):
                    yield step
                told = step.damage.offset if step.damage else told
            return
        except WarcLost:
            tries += 1
            if tries >= TRIES:
                raise
            pause(_pause_s(tries - 1))


def _pause_s(failures: int) -> float:
    return min(FIRST_PAUSE_S * 2.0**failures, LONGEST_PAUSE_S)


def _scan(file: str, start: int, refuse: Refuse | None) -> Iterator[Step]:
    with _told(file):
        yield from scan(file, start=start, refuse=refuse)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """What goes wrong, as what it is; fsspec's HTTP takes all of it for a missing file."""
    try:
        yield
    except (FileNotFoundError, ClientResponseError) as error:
        raise _missing(file, error) from error
    except (PermissionError, IsADirectoryError, NotADirectoryError, ImportError, ValueError) as error:
        raise WarcUnavailable(file, _words(error)) from error
    except (OSError, ClientError) as error:
        raise (WarcLost if "://" in file else WarcUnavailable)(file, _words(error)) from error


def _missing(file: str, error: Exception) -> WarcUnavailable:
    answer = error if isinstance(error, ClientResponseError) else error.__cause__
    if isinstance(answer, ClientResponseError):
        passing = answer.status >= 500 or answer.status == 429
        return (WarcLost if passing else WarcUnavailable)(file, f"{answer.status} {answer.message}".rstrip())
    if isinstance(answer, OSError | ClientError) and not isinstance(answer, FileNotFoundError):
        return WarcLost(file, _words(answer))
    return WarcUnavailable(file, "no such file")


def _words(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def _gives_ranges(files: Any, inner: str) -> bool:
    """Whether a part of the file can be had; only HTTP servers may refuse that."""
    if "http" not in files.protocol and "https" not in files.protocol:
        return True
    try:
        with files.open(inner, "rb", block_size=1) as stream:
            stream.seek(1)
            stream.read(1)
    except ValueError:  # it sends all of it instead, or cannot tell how much that is
        return False
    return True


# --- Names ----------------------------------------------------------------------------------------------------


def _local(name: str) -> list[str]:
    path = Path(name).expanduser()
    if path.is_dir():
        return [str(file.absolute()) for file in path.rglob("*") if _is_warc(file.name) and file.is_file()]
    if path.exists():
        return [str(path.absolute())]
    if not _MAGIC & set(name):
        raise NothingToLoad(f"there is no file or folder {name}")
    found = (Path(file) for file in glob.glob(str(path), recursive=True))  # noqa: PTH207 - of an absolute pattern too
    return [str(file.absolute()) for file in found if file.is_file() and _is_warc(file.name)]


def _remote(name: str) -> list[str]:
    """What a URL stands for; of HTTP that is itself, since '?' begins a query there and a folder is a page."""
    if name.lower().startswith(("http://", "https://")):
        return [name]
    with _told(name):
        files, inner = url_to_fs(name)
        if isinstance(files, LocalFileSystem):
            return _local(inner)
        several = files.glob if _MAGIC & set(inner) else files.find if files.isdir(inner) else None
        found = several(inner) if several else [inner]
    return [files.unstrip_protocol(file) for file in found if file == inner or _is_warc(file)]


def _is_warc(name: str) -> bool:
    return name.lower().endswith(WARC_ENDINGS)


def _listed(name: str, base: str | None) -> list[str]:
    """The files of a list, in its order; a line may be a URL itself."""
    with _told(name):
        files, inner = url_to_fs(name)
        raw = files.cat_file(inner)
    try:
        text = (gzip.decompress(raw) if name.lower().endswith(".gz") else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise NothingToLoad(f"{name} is no list of paths: {error}") from error
    lines = [line.strip() for line in text.splitlines()]
    found = [_joined(line, base or _base_of(name)) for line in lines if line and not line.startswith("#")]
    if not found:
        raise NothingToLoad(f"{name} lists no file")
    return list(dict.fromkeys(found))


def _base_of(name: str) -> str:
    if "://" in name:
        parts = urlsplit(name)
        return f"{parts.scheme}://{parts.netloc}/"
    return str(Path(name).absolute().parent)


def _joined(line: str, base: str) -> str:
    if "://" in line:
        return line
    if base.startswith(("http://", "https://")):
        return urljoin(f"{base.rstrip('/')}/", line.lstrip("/"))
    return f"{base.rstrip('/')}/{line.lstrip('/')}" if "://" in base else str(Path(base).absolute() / line)
