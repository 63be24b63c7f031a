"""Alerts as events of Prefect: what its automations can react to."""

from __future__ import annotations

from prefect.events import emit_event

from flows.webhooks import payload
from load.alerts import Notice


def emit(notice: Notice) -> None:
    """Send `storyfold.alert.began` or `storyfold.alert.ended`; without the figures, as an event's size has a bound."""
    alert = notice.alert
    resource = {
        "prefect.resource.id": f"storyfold.alert.{alert.id}",
        "prefect.resource.name": alert.subject,
        "storyfold.alert.kind": alert.kind,
        "storyfold.alert.severity": alert.severity,
        "storyfold.alert.source": alert.source or "",
    }
    told = payload(notice)
    del told["alert"]["figures"]
    emit_event(f"storyfold.alert.{notice.event}", resource=resource, payload=told, id=notice.key)
