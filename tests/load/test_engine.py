"""Connections, migrations and workers, on a real server."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, exc, make_url, text

from load import engine as store
from load.engine import StoreUnavailable

CHECKOUT = Path(__file__).parents[2]


def python(code: str, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"import sys\nfrom load import engine as store\n{code}", url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=CHECKOUT, **pipes)


def alive(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return sorted(connection.scalars(store.live_workers()))


def soon_none_alive(engine: Engine) -> bool:
    """The server takes a moment to notice that a session has ended."""
    deadline = time.monotonic() + 5
    while alive(engine) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(engine)


# Connections


@pytest.mark.parametrize("driver", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_any_postgres_url_gets_our_driver(driver: str, database_url: str) -> None:
    engine = store.connect(database_url.replace("postgresql+psycopg", driver, 1))
    assert engine.driver == "psycopg"
    engine.dispose()


def test_sessions_speak_utc_and_give_up_in_time(database_url: str) -> None:
    engine = store.connect(database_url, statement_timeout_s=0.2, lock_timeout_s=0.1)
    names = ("timezone", "statement_timeout", "lock_timeout", "application_name")
    with engine.connect() as connection:
        settings = [connection.scalar(text(f"SHOW {name}")) for name in names]
        with pytest.raises(exc.OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(5)"))
    assert settings == ["UTC", "200ms", "100ms", "storyfold"]
    engine.dispose()


def test_what_the_url_says_goes_before_our_settings(database_url: str) -> None:
    wish = {"application_name": "mine", "options": "-c lock_timeout=7s"}
    url = make_url(database_url).update_query_dict(wish).render_as_string(hide_password=False)
    engine = store.connect(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW application_name")) == "mine"
        assert connection.scalar(text("SHOW lock_timeout")) == "7s"
        assert connection.scalar(text("SHOW timezone")) == "UTC"
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "postgresql://me:secret@127.0.0.1:1/news",
            "The database 'news' on 127.0.0.1 cannot be used: Connection refused.",
        ),
        (
            "postgresql://me:secret@/news?host=/nowhere",
            "The database 'news' on /nowhere cannot be used: No such file or directory.",
        ),
        (
            "postgresql://me:secret@127.0.0.1:1/news?nonsense=1",
            "The database 'news' on 127.0.0.1 cannot be used: invalid connection option \"nonsense\".",
        ),
        ("mysql://me:secret@127.0.0.1/news", "The store needs PostgreSQL: 'mysql' is another database."),
        (
            "postgresql://me:secret@host:port/news",
            "The database URL cannot be read: it looks like postgresql://user@host/name.",
        ),
        ("news", "The database URL cannot be read: it looks like postgresql://user@host/name."),
    ],
)
def test_an_unusable_url_is_one_sentence_without_the_password(url: str, sentence: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        store.connect(url)
    assert str(caught.value) == sentence


def test_a_refusal_says_what_the_server_said(database_url: str) -> None:
    url = make_url(database_url).set(database="nosuch").render_as_string(hide_password=False)
    with pytest.raises(StoreUnavailable, match=r"'nosuch' on .* cannot be used: database \"nosuch\" does not exist\.$"):
        store.connect(url)


def test_a_lost_connection_is_store_unavailable_and_the_next_one_works(engine: Engine, server: Engine) -> None:
    with engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
        with server.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        with pytest.raises(StoreUnavailable, match="terminating connection"):
            connection.execute(text("SELECT 1"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_session_that_died_in_the_pool_is_replaced_unseen(engine: Engine, server: Engine) -> None:
    with engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    with server.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_mistake_in_a_statement_stays_a_database_error(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(exc.ProgrammingError):
        connection.execute(text("SELECT nothing"))


# Migrations


def test_migrations_lead_to_the_tables_of_the_program(engine: Engine) -> None:
    assert store.check(engine) == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    store.upgrade(engine)
    assert store.check(engine) == []


def test_two_processes_may_upgrade_at_once(bare_database_url: str) -> None:
    code = "engine = store.connect(sys.argv[1]); print('ready', flush=True); sys.stdin.read(); store.upgrade(engine)"
    processes = [python(code, bare_database_url) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait() for process in processes] == [0, 0]
    engine = store.connect(bare_database_url)
    assert store.check(engine) == []
    engine.dispose()


def test_what_differs_from_the_tables_is_listed(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE storyfold.stray (n integer)"))
        connection.execute(text("ALTER TABLE storyfold.run DROP COLUMN finished_at CASCADE, ALTER line DROP NOT NULL"))
        connection.execute(text("UPDATE storyfold.alembic_version SET version_num = 'other'"))
        connection.execute(text("CREATE TABLE public.not_ours (n integer)"))
    revision, *differences = store.check(engine)
    assert revision.startswith("upgrade from revision other to ")
    assert sorted(differences) == [
        "add_column storyfold run finished_at",
        "modify_nullable storyfold run line True False",
        "remove_table stray",
    ]


def test_a_store_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.alembic_version SET version_num = 'future'"))
    with pytest.raises(StoreUnavailable, match=r"was written by a newer storyfold \(revision future\)\.$"):
        store.upgrade(engine)


def test_alembics_own_command_reaches_the_store(database_url: str) -> None:
    command = [sys.executable, "-m", "alembic", "-x", f"url={database_url}", "check"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert "No new upgrade operations detected" in result.stdout, result.stderr


# Workers


def test_a_worker_lives_as_long_as_its_block(engine: Engine) -> None:
    with store.worker(engine) as first, store.worker(engine) as second:
        assert 0 < first < 2**31
        assert alive(engine) == sorted({first, second})
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(1, 2), pg_advisory_xact_lock(3)"))
            assert len(alive(engine)) == 2, "other locks are no workers"
    assert soon_none_alive(engine)


def test_a_killed_worker_is_dead_at_once(engine: Engine, database_url: str) -> None:
    code = "with store.worker(store.connect(sys.argv[1])) as number: print(number, flush=True); sys.stdin.read()"
    process = python(code, database_url)
    assert process.stdout is not None
    number = int(process.stdout.readline())
    assert alive(engine) == [number]
    process.kill()
    process.wait()
    assert soon_none_alive(engine)


def test_workers_of_another_database_do_not_count(engine: Engine, bare_database_url: str) -> None:
    other = create_engine(bare_database_url)
    with store.worker(other):
        assert alive(engine) == []
    other.dispose()
