"""Which pages of a WARC file, or lines of a list, are wanted: by host and by time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from extract.urls import BadUrl, host_of
from extract.warc import RecordHead

OTHER_HOST = "of another host"
OTHER_TIME = "of another time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Pages of these hosts, or of any below them, captured in this span; without either, all."""

    hosts: tuple[str, ...] = ()  # sorted
    since: datetime | None = None
    until: datetime | None = None  # without this moment

    def __str__(self) -> str:
        """In words, the same for the same choice."""
        told = [f"hosts {', '.join(self.hosts)}"] if self.hosts else []
        told += [f"{word} {at.isoformat()}" for word, at in (("since", self.since), ("until", self.until)) if at]
        return ", ".join(told)

    def refuse(self, head: RecordHead) -> str | None:
        """Why the page of this record is not wanted. What cannot be read of a head is left to the reading."""
        if not self.is_of_hosts(head.url):
            return OTHER_HOST
        early = self.since and head.date and head.date < self.since
        late = self.until and head.date and head.date >= self.until
        return OTHER_TIME if early or late else None

    def is_of_hosts(self, url: str) -> bool:
        if not self.hosts:
            return True
        try:
            host = host_of(url).partition(":")[0]
        except BadUrl:
            return False
        return any(host == wanted or host.endswith(f".{wanted}") for wanted in self.hosts)


def hosts_named(names: Iterable[str]) -> tuple[str, ...]:
    """Hosts as `Choice` takes them: '*.daily.example', 'https://daily.example/' and 'Daily.example' are one.

    Raises BadUrl.
    """
    bare = (re.sub(r"^(https?://|\*?\.)", "", name.strip(), flags=re.IGNORECASE) for name in names)
    return tuple(sorted({host_of(f"https://{name}").partition(":")[0] for name in bare}))
