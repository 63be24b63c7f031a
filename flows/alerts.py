"""Alerts: whether something needs a look is judged at the end of upkeep and by `storyfold alerts`, and told outside."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from yarl import URL

from flows.store import Store
from flows.webhooks import Sent, receiver_of, send
from load import alerts
from load.alerts import Notice
from transform.alerts import AlertPolicy

BEGUN = "alerts begun"
ENDED = "alerts ended"
PREFECT = "prefect"
"""The receiver that every flow is, beside the webhooks of the settings."""
AT_ONCE = 100  # notices of one pass; the rest waits for the next

Emit = Callable[[Notice], None]
"""Tells Prefect, which takes everything."""

_log = logging.getLogger(__name__)


def look_around(store: Store, emit: Emit | None = None) -> Counter[str]:
    """Check the store, and tell the receivers what they do not know yet; answers how many alerts began and ended."""
    policy = AlertPolicy(stuck_after=timedelta(hours=store.settings.alert_stuck_hours))
    with store.engine.begin() as connection:
        changes = alerts.check(connection, datetime.now(UTC), policy)
    tell(store, emit)
    return +Counter({BEGUN: len(changes.begun), ENDED: len(changes.ended)})


def tell(store: Store, emit: Emit | None = None) -> None:
    """Send what waits to the webhooks and, within a flow, to Prefect; what is not accepted waits for a later pass."""
    urls = {receiver_of(url): url for url in store.settings.alert_webhooks}
    receivers = [*urls, PREFECT] if emit else [*urls]
    if not receivers:
        return
    with store.engine.begin() as connection:
        now = datetime.now(UTC)
        alerts.queue_notices(connection, receivers, now)
        notices = alerts.claim_notices(connection, receivers, now, AT_ONCE)
    posts = [one for one in notices if one.receiver in urls]
    sent = send(posts, urls, store.settings.user_agent) if posts else []
    _note(store, [*_emit_all(notices, emit), *sent], urls)


def _emit_all(notices: Sequence[Notice], emit: Emit | None) -> Iterator[Sent]:
    for notice in notices:
        if emit and notice.receiver == PREFECT:
            emit(notice)
            yield Sent(notice=notice)


def _note(store: Store, sent: Sequence[Sent], urls: Mapping[str, str]) -> None:
    """Keep what became of the notices; a receiver that fails is named without its URL's path."""
    now = datetime.now(UTC)
    failed = {one.notice.receiver: one for one in sent if one.error is not None}
    with store.engine.begin() as connection:
        alerts.accepted(connection, [one.notice for one in sent if one.tried and one.error is None], now)
        for one in sent:
            if one.error is not None:
                alerts.refused(connection, one.notice, one.error, now)
            elif not one.tried:
                before = failed.get(one.notice.receiver)
                alerts.put_back(connection, one.notice, before.notice if before else None, now)
    for receiver, one in failed.items():
        host = URL(urls[receiver]).host
        _log.warning("The alert webhook on %s did not accept: %s; a later run tries again", host, one.error)
