"""Alerts told outside: to a real receiver on the loopback interface that accepts, fails, hangs, or is not there."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from factories import announce, keep_sources
from prefect.events import Event
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import ValidationError
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from flows import webhooks
from flows.alert_events import emit
from flows.alerts import look_around, tell
from flows.cli import app
from flows.settings import Settings
from flows.store import Store

NOW = datetime.now(UTC)
SECRET = "T0/B1/sEcReT"


@dataclass
class Receiver:
    """What was posted, and how it is answered: a status, or seconds of silence."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    status: int = 200
    silence_s: float = 0.0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{SECRET}"

    @property
    def events(self) -> list[str]:
        return [post["event"] for post in self.posts]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    shown = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(shown.silence_s)
            shown.posts.append(body)
            shown.keys.append(self.headers["Idempotency-Key"])
            self.send_response(shown.status)
            self.send_header("Location", f"{shown.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shown.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield shown
        server.shutdown()
        thread.join()


@pytest.fixture
def stuck(engine: Engine) -> Engine:
    """A store with an entry that nobody fetches."""
    keep_sources(engine, "harbour-courier")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE storyfold.feed SET next_due_at = now() + interval '9 days', last_ok_at = now()")
        )
    announce(engine, "harbour-courier", "https://harbour-courier.example/1", now=NOW - timedelta(days=2))
    return engine


@pytest.fixture
def store_with(stuck: Engine, tmp_path: Path) -> Callable[..., Store]:
    def make(*urls: str) -> Store:
        return Store(engine=stuck, settings=Settings(home=tmp_path, alert_webhook=" ".join(urls)))

    return make


def mend(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.entry SET fetch_due_at = now() + interval '1 day'"))


def try_again(engine: Engine) -> None:
    """As if the pause were over."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.alert_notice SET due_at = now() WHERE told_at IS NULL"))


def waiting(engine: Engine) -> list[tuple[int, str | None]]:
    query = "SELECT attempts, error FROM storyfold.alert_notice WHERE told_at IS NULL ORDER BY id"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_begin_and_end_are_posted_once(store_with: Callable[..., Store], receiver: Receiver) -> None:
    store = store_with(receiver.url)
    assert look_around(store) == {"alerts begun": 1}
    assert look_around(store) == {}
    mend(store.engine)
    assert look_around(store) == {"alerts ended": 1}
    assert look_around(store) == {}
    began, ended = receiver.posts
    assert (began["event"], ended["event"]) == ("began", "ended")
    assert began["text"].startswith(
        "storyfold: [error] stuck-queue began: Nothing moves in the queue 'fetch': entry 1 of"
    )
    assert ended["text"].startswith("storyfold: [error] stuck-queue is over: Nothing moves")
    assert began["alert"]["ended"] is None and ended["alert"]["ended"] is not None
    assert {"id", "kind", "severity", "source", "subject", "message", "since", "last_seen", "ended", "figures"} == set(
        began["alert"]
    )
    assert receiver.keys == [began["key"], ended["key"]] and began["key"] != ended["key"]


@pytest.mark.parametrize("status", [500, 404, 301])
def test_what_is_not_accepted_is_sent_again(
    store_with: Callable[..., Store], receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Under the same key; a redirect is not followed, and nothing told says the address."""
    store = store_with(receiver.url)
    receiver.status = status
    look_around(store)
    look_around(store)
    assert len(receiver.posts) == 1
    assert waiting(store.engine) == [(1, f"answered {status}")]
    assert f"The alert webhook on 127.0.0.1 did not accept: answered {status}" in caplog.text
    assert SECRET not in caplog.text
    receiver.status = 204
    try_again(store.engine)
    look_around(store)
    assert waiting(store.engine) == [] and len(set(receiver.keys)) == 1 and len(receiver.keys) == 2


def test_a_receiver_that_hangs_costs_one_time_limit(
    store_with: Callable[..., Store], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.2)
    receiver.silence_s = 0.6
    store = store_with(receiver.url)
    with store.engine.begin() as connection:
        for number in range(20):
            connection.execute(ANOTHER, {"subject": f"story {number}"})
    tell(store)
    receiver.silence_s = 0.0
    failed = waiting(store.engine)
    assert sorted(attempts for attempts, _ in failed) == [0] * 19 + [1]
    assert failed[0] == (1, "no answer in 0.2 s")


ANOTHER = text(
    """INSERT INTO storyfold.alert (kind, subject, severity, message, figures, begun_at, seen_at)
       VALUES ('large-merge', :subject, 'warning', '<!channel> & so on', '{}', now(), now())"""
)


def test_a_receiver_that_is_not_there_fails_nothing_and_the_other_is_told(
    store_with: Callable[..., Store], receiver: Receiver
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/{SECRET}"
    store = store_with(gone, receiver.url)
    look_around(store)
    assert receiver.events == ["began"]
    assert waiting(store.engine) == [(1, "no connection (ClientConnectorError)")]


def test_what_there_was_no_time_for_is_sent_by_the_next_pass(
    store_with: Callable[..., Store], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "BUDGET_S", 0.0)
    store = store_with(receiver.url)
    with store.engine.begin() as connection:
        for number in range(3):
            connection.execute(ANOTHER, {"subject": f"story {number}"})
    for sent in (1, 2, 3, 3):
        tell(store)
        assert len(receiver.posts) == sent
    assert [post["alert"]["subject"] for post in receiver.posts] == ["story 0", "story 1", "story 2"]


def test_text_from_the_web_is_text_in_a_chat(store_with: Callable[..., Store], receiver: Receiver) -> None:
    store = store_with(receiver.url)
    with store.engine.begin() as connection:
        connection.execute(ANOTHER, {"subject": "story 1"})
    tell(store)
    assert receiver.posts[0]["text"].endswith("&lt;!channel&gt; &amp; so on")


def test_two_workers_at_once_tell_once(store_with: Callable[..., Store], receiver: Receiver) -> None:
    store = store_with(receiver.url)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: look_around(store), range(8)))
    assert receiver.events == ["began"]


def test_a_webhook_that_is_named_later_learns_what_is_open(
    store_with: Callable[..., Store], receiver: Receiver
) -> None:
    look_around(store_with())
    look_around(store_with(receiver.url))
    assert receiver.events == ["began"]


def test_prefect_is_told_within_flows(store_with: Callable[..., Store], receiver: Receiver) -> None:
    store = store_with(receiver.url)
    told: list[str] = []
    look_around(store, lambda notice: told.append(notice.event))
    mend(store.engine)
    look_around(store)  # outside of a flow, as `storyfold alerts` does
    assert told == ["began"] and receiver.events == ["began", "ended"]
    look_around(store, lambda notice: told.append(notice.event))
    assert told == ["began", "ended"]


@pytest.fixture
def events() -> Iterator[Callable[[], list[Event]]]:
    """Ends the sending of events and answers what Prefect's client was given."""
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)

    def sent() -> list[Event]:
        EventsWorker.drain_all()
        return [event for client in AssertingEventsClient.all for event in client.events]

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        yield sent
    EventsWorker.set_client_override(None)


def test_an_event_of_prefect_names_the_alert(
    store_with: Callable[..., Store], events: Callable[[], list[Event]]
) -> None:
    look_around(store_with(), emit)
    (event,) = events()
    assert event.event == "storyfold.alert.began"
    assert event.resource.id == "storyfold.alert.1" and event.resource["storyfold.alert.kind"] == "stuck-queue"
    assert "Nothing moves in the queue 'fetch'" in event.payload["text"]


def test_the_command_lists_what_is_open_and_says_so_by_its_exit_code(
    stuck: Engine, database_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    environment = {
        "STORYFOLD_DATABASE_URL": database_url,
        "STORYFOLD_HOME": str(tmp_path),
        "STORYFOLD_ALERT_WEBHOOK": receiver.url,
    }

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, arguments, env=environment)
        return result.exit_code, result.stdout

    code, printed = run("alerts")
    assert code == 3 and printed.startswith("  stuck-queue since ") and "entry 1 of harbour-courier" in printed
    assert receiver.events == ["began"]
    code, printed = run("alerts", "--json")
    assert code == 3 and [alert["kind"] for alert in json.loads(printed)] == ["stuck-queue"]
    code, printed = run("status")
    assert code == 0 and printed.startswith("Alerts: 1\n  stuck-queue since ")
    mend(stuck)
    assert run("alerts") == (0, "Nothing needs a look.\n")
    code, printed = run("alerts", "--past")
    assert code == 0 and printed.startswith("  stuck-queue since ")
    assert run("alerts", "--json") == (0, "[]\n")


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("", ()),
        ("https://chat.example/hook", ("https://chat.example/hook",)),
        (" http://a/1, http://b/2  http://a/1", ("http://a/1", "http://b/2")),
    ],
)
def test_webhooks_are_urls_apart_by_commas_or_spaces(value: str, urls: tuple[str, ...]) -> None:
    assert Settings(alert_webhook=value).alert_webhooks == urls


@pytest.mark.parametrize("url", ["ftp://a/b", "chat.example", "http://", "http://a:port/", "https://[::1/"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(alert_webhook=url)


def test_a_webhook_is_a_secret() -> None:
    assert SECRET not in repr(Settings(alert_webhook=f"https://chat.example/{SECRET}"))
    with pytest.raises(ValidationError) as refused:
        Settings(alert_webhook=f"https://chat.example/ok ftp:/{SECRET}")
    assert (
        refused.value.errors()[0]["msg"]
        == "Value error, its address number 2 does not begin with 'https://' and a host"
    )
