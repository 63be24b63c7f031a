"""`storyfold alerts`: what needs a look, judged now."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.shared import TROUBLED, AsJson, open_store, tell

NEWEST = 50  # of those that have ended; news.alert has all


def alerts(
    past: Annotated[bool, typer.Option("--past", help=f"Those that have ended, too: the newest {NEWEST}.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the store for what needs a look, and list what is open; exit code 3 when anything is.

    What is found is stored and told to the webhooks of STORYFOLD_ALERT_WEBHOOK, as at the end of a run: called by cron,
    it notices also that nothing runs any more.
    """
    from flows.alerts import look_around
    from flows.show import state as show
    from load import alerts as stored

    with open_store() as store:
        look_around(store)
        with store.engine.connect() as connection:
            listed = stored.newest_alerts(connection, NEWEST) if past else ()
            open_ = stored.open_alerts(connection)
    ended = [alert for alert in listed if alert.ended is not None]
    tell([*open_, *ended], as_json, show.alerts)
    if open_:
        raise typer.Exit(TROUBLED)
