"""Alerts to webhooks: one POST a notice. A receiver that is dead or slow costs a run seconds, and never fails it."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import aiohttp
from yarl import URL

from load.alerts import Notice

TIMEOUT_S = 5.0  # for one answer
BUDGET_S = 10.0  # for one receiver, in one pass
ELSEWHERE = (408, 425, 429)  # of the 4xx those that say nothing about what was sent
_LABELS = {"began": "began", "ended": "is over"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one notice."""

    notice: Notice
    error: str | None = None  # None when it was accepted, or not tried
    tried: bool = True  # false when its receiver was out of reach, or had had its time, before its turn


def receiver_of(url: str) -> str:
    """What stands for a webhook in the store: its URL is a secret."""
    return blake2b(url.encode(), digest_size=16).hexdigest()


def send(notices: Sequence[Notice], urls: Mapping[str, str], user_agent: str) -> list[Sent]:
    """Post these notices, each receiver's in their order, all receivers at once; answers what became of each.

    urls: by receiver
    """
    waiting: defaultdict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        waiting[notice.receiver].append(notice)
    return asyncio.run(_send_all([(urls[name], mine) for name, mine in waiting.items()], user_agent))


async def _send_all(waiting: Sequence[tuple[str, Sequence[Notice]]], user_agent: str) -> list[Sent]:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": user_agent}) as session:
        sent = await asyncio.gather(*(_send_to(session, url, notices) for url, notices in waiting))
    return [one for each in sent for one in each]


async def _send_to(session: aiohttp.ClientSession, url: str, notices: Sequence[Notice]) -> list[Sent]:
    """Until the receiver is out of reach, or has had its time; one that refuses a notice is sent the next."""
    sent: list[Sent] = []
    end = asyncio.get_running_loop().time() + BUDGET_S
    for number, notice in enumerate(notices):
        error, is_lost = await _post(session, url, notice)
        sent.append(Sent(notice=notice, error=error))
        if is_lost or asyncio.get_running_loop().time() > end:
            return sent + [Sent(notice=left, tried=False) for left in notices[number + 1 :]]
    return sent


async def _post(session: aiohttp.ClientSession, url: str, notice: Notice) -> tuple[str | None, bool]:
    """What was wrong, if anything, and whether the next would fare no better. No error says the URL's path."""
    body = json.dumps(payload(notice), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(notice.key)}
    try:
        async with session.post(URL(url), data=body, headers=headers, allow_redirects=False) as answer:
            status = answer.status
    except TimeoutError:
        return f"no answer in {TIMEOUT_S:g} s", True
    except (aiohttp.ClientError, OSError, ValueError) as error:  # the last: names that no resolver takes
        return f"no connection ({type(error).__name__})", True
    if 200 <= status < 300:
        return None, False
    return f"answered {status}", not 400 <= status < 500 or status in ELSEWHERE


def payload(notice: Notice) -> dict[str, Any]:
    """The JSON that receivers get; `text` is what chat programs show."""
    alert = notice.alert
    about = f"[{alert.severity}] {alert.kind} {_LABELS[notice.event]}"
    ended = None if alert.ended is None else alert.ended.isoformat()
    return {
        "text": f"storyfold: {about}: {_plain(alert.message)}",
        "event": notice.event,
        "key": str(notice.key),
        "alert": {
            "id": alert.id,
            "kind": alert.kind,
            "severity": alert.severity,
            "source": alert.source,
            "subject": alert.subject,
            "message": alert.message,
            "since": alert.since.isoformat(),
            "last_seen": alert.last_seen.isoformat(),
            "ended": ended if notice.event == "ended" else None,
            "figures": alert.figures,
        },
    }


def _plain(message: str) -> str:
    """As chat programs take text for text: what the web wrote into a message is no link and calls nobody."""
    return message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
