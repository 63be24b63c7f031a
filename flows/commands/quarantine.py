"""`storyfold quarantine`: what was given up, and how to try it again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from flows.commands.shared import AsJson, open_store, refuse_unstored, tell

quarantine_app = typer.Typer(no_args_is_help=True, help="What was given up after repeated errors.")

EntryIds = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Numbers of entries, as 'list' shows them.")]
OfSource = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only of this source.")]
OfStage = Annotated[str | None, typer.Option("--stage", metavar="STAGE", help="Only of this stage: fetch, read, ….")]


@quarantine_app.command("list")
def list_quarantine(
    source: OfSource = None,
    stage: OfStage = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was given up: the stage, the error, and where its page lies in the archive."""
    from flows.show import state as show
    from load import quarantine

    with open_store() as store, store.engine.connect() as connection:
        refuse_unstored(connection, [source] if source else [])
        items = quarantine.quarantined(connection, quarantine.Wanted(source=source, stage=stage), limit)
    if items or as_json:
        tell(items, as_json, show.quarantined)
    else:
        typer.echo("Nothing is quarantined.")


@quarantine_app.command("replay")
def replay_quarantine(
    ids: EntryIds = None,
    source: OfSource = None,
    stage: OfStage = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put back what was given up: the next run fetches it, or reads its page, as if for the first time.

    What had happened to it stays on record; 'storyfold why entry:ID' tells it.
    """
    from flows.show import state as show
    from load import quarantine

    if everything == bool(ids or source or stage):
        raise typer.BadParameter("Name entries, --source or --stage; or give --all alone.")
    wanted = quarantine.Wanted(ids=tuple(ids or ()), source=source, stage=stage)
    with open_store() as store, store.engine.connect() as connection, connection.begin() as transaction:
        refuse_unstored(connection, [source] if source else [])
        stages = quarantine.replay(connection, wanted, datetime.now(UTC))
        if dry_run:
            transaction.rollback()
    tell(stages, as_json, show.replayed, dry_run=dry_run)
