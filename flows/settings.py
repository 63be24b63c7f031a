"""The environment → one frozen `Settings` → the small specs that the other folders take."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from yarl import URL

from extract.model import FetchPolicy, Profile

DEFAULT_USER_AGENT = FetchPolicy().user_agent


class BadSchedule(Exception):
    """A setting that is no schedule: why, in one sentence for the user."""


class Settings(BaseSettings):
    """What a user sets by environment variables `STORYFOLD_…`, of which an empty one sets nothing; built once, in an
    entry point.
    """

    model_config = SettingsConfigDict(env_prefix="STORYFOLD_", env_ignore_empty=True, frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: user_data_path("storyfold"), description="data home: embedded Postgres, WARC archive"
    )
    database_url: str | None = Field(default=None, description="a Postgres of your own instead of the embedded one")
    archive: str | None = Field(default=None, description="WARC archive, any fsspec URL; $STORYFOLD_HOME/warc if unset")
    sources: Path = Field(default=Path("sources"), description="folder of source files, one TOML a publisher")
    rules: Path | None = Field(default=None, description="folder of rule packs of your own, one TOML a pack")
    user_agent: str = Field(default=DEFAULT_USER_AGENT, description="how we name ourselves, with a contact")
    connect_to: str = Field(
        default="", description="'name=address:port, …': where to dial instead of asking DNS; '*.suffix' for many"
    )
    batch: int = Field(default=100, ge=1, le=10_000, description="entries or pages in one batch")
    fetches: int = Field(
        default=400, ge=1, le=10_000, description="fetches in flight, waiting for their host's gap included"
    )  # at a gap of 2 s, 200 pages a second: about what one process and half a core can take
    warc_pages: int = Field(default=500, ge=1, le=10_000, description="pages in one file of the archive")
    processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="processes that read pages")
    task_runner: Literal["dask"] | None = Field(
        default=None, description="'dask' reads pages on a cluster instead of in processes of this machine"
    )
    dask_address: str | None = Field(
        default=None, description="the cluster's scheduler, as tcp://HOST:PORT; one of this machine if unset"
    )
    profile: Profile = Field(
        default=Profile.THOROUGH, description="'thorough' weighs several extractors, 'quick' reads by one"
    )
    index_days: int = Field(
        default=400,
        ge=90,  # what the match policy still compares
        le=36_500,
        description="days that a slice of the near-duplicate index is kept after an article was last entered into it",
    )  # so what a backfill brings of the past year still meets its copies
    read_timeout_s: float = Field(default=30.0, gt=0, description="deadline for reading one page")
    discover_every: str = Field(
        default="300", description="when 'serve' polls: seconds, five fields of cron, or 'never'"
    )
    collect_every: str = Field(default="300", description="when 'serve' fetches")
    ingest_every: str = Field(default="300", description="when 'serve' reads and settles")
    upkeep_every: str = Field(default="3600", description="when 'serve' learns what repeats")
    run_hours: float = Field(
        default=12.0, gt=0, le=8760, description="hours after which 'serve' ends a run; the next goes on from there"
    )  # nothing is lost by it, so it may end what is not hung

    alert_webhook: SecretStr = Field(
        default=SecretStr(""), description="whom to tell of alerts: URLs that take a POST, apart by spaces or commas"
    )
    alert_stuck_hours: float = Field(
        default=6.0, gt=0, le=8760, description="hours for which work may wait untouched before that is an alert"
    )

    @field_validator("alert_webhook")
    @classmethod
    def _alert_webhook_can_be_read(cls, value: SecretStr) -> SecretStr:
        parse_webhooks(value.get_secret_value())
        return value

    @field_validator("connect_to")
    @classmethod
    def _connect_to_can_be_read(cls, value: str) -> str:
        parse_connect_to(value)
        return value

    @field_validator("discover_every", "collect_every", "ingest_every", "upkeep_every")
    @classmethod
    def _schedule_can_be_read(cls, value: str) -> str:
        parse_schedule(value)
        return value

    @property
    def archive_url(self) -> str:
        return self.archive or str(self.home.expanduser().absolute() / "warc")

    @property
    def alert_webhooks(self) -> tuple[str, ...]:
        return parse_webhooks(self.alert_webhook.get_secret_value())

    @property
    def fetch_policy(self) -> FetchPolicy:
        """The defaults that a source's own file overrides."""
        return FetchPolicy(user_agent=self.user_agent, connect_to=parse_connect_to(self.connect_to))


def parse_schedule(value: str) -> timedelta | str | None:
    """'300' → every 300 seconds; '*/5 * * * *' → the same by cron, as it stands; 'never' → None.

    Raises ValueError for what is none of these. Whether the fields of cron make sense is asked when they are used:
    that takes Prefect.
    """
    if value == "never":
        return None
    if len(value.split()) == 5:
        return value
    if value.isdecimal() and int(value):
        return timedelta(seconds=int(value))
    raise ValueError(f"{value!r} is neither a number of seconds, nor five fields of cron, nor 'never'")


def parse_connect_to(value: str) -> tuple[tuple[str, str, int], ...]:
    """'daily.example=127.0.0.1:8080, *.example=…' → (name, address, port) each.

    Raises ValueError for a part that does not read so.
    """
    return tuple(_one_target(part.strip()) for part in value.split(",") if part.strip())


def parse_webhooks(value: str) -> tuple[str, ...]:
    """'https://chat.example/hook, …' → each URL once.

    Raises ValueError for what is no URL; the sentence does not repeat it, as it may hold a secret.
    """
    urls = tuple(dict.fromkeys(value.replace(",", " ").split()))
    for number, url in enumerate(urls, start=1):
        if not _is_web_address(url):
            raise ValueError(f"its address number {number} does not begin with 'https://' and a host")
    return urls


def _is_web_address(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _one_target(part: str) -> tuple[str, str, int]:
    name, equals, target = part.partition("=")
    address, colon, port = target.rpartition(":")
    if not (equals and colon and name and address and port.isdigit()):
        raise ValueError(f"{part!r} does not read 'name=address:port'")
    return name, address.strip("[]"), int(port)
