"""`storyfold reopen`: archived pages read again by today's rules, after a report of what that would change."""

from __future__ import annotations

import getpass
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import AsJson, Complaint, at_work, counting, open_store, tell

if TYPE_CHECKING:
    from flows.second_reading import Looks
    from flows.store import Store
    from load.report.reopening import Report


def reopen(
    where: Annotated[
        str | None, typer.Option(metavar="SQL", help="Which pages: a predicate on the columns of news.page.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Look at so many drawn pages for the report.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    stop: Annotated[bool, typer.Option("--stop", help="End what was begun: what is left stays as it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read archived pages again by today's rules: first a report of what that changes, then, if you agree, the change.

    Nothing is asked of the web. What reads the same is not written. Without a predicate it lists what was begun, and
    goes on with what was interrupted.
    """
    if where is None and (dry_run or sample or yes):
        raise typer.BadParameter("Say which pages: --where SQL.")
    if where is not None and stop:
        raise typer.BadParameter("Give --where or --stop.")
    if stop:
        _stop(as_json)
    elif where is None:
        _go_on(as_json)
    else:
        _begin(where, dry_run, yes, sample, seed, as_json)


def _begin(where: str, dry_run: bool, yes: bool, sample: int | None, seed: int, as_json: bool) -> None:
    from flows.show import reopening as show

    with open_store() as store:
        from flows.second_reading import agree

        told, looks = _look_over(store, where, sample, seed)
        if dry_run or not as_json:
            tell(told, as_json, show.report)
        if dry_run or not told.pages or not _is_wanted(yes):
            return
        number = agree(store, where, looks, told, getpass.getuser())
    _switch([number], as_json)


def _look_over(store: Store, where: str, sample: int | None, seed: int) -> tuple[Report, Looks]:
    from extract.warc import check_archive
    from flows.isolation import workers
    from flows.reading import be_quiet
    from flows.second_reading import look_over
    from load.selection import BadPredicate

    check_archive(store.archive)
    settings = store.settings
    with ExitStack() as stack:
        readers = stack.enter_context(
            workers(settings.processes, settings.read_timeout_s, start=be_quiet, ready="flows.ready")
        )
        try:
            return look_over(
                store,
                readers,
                where,
                sample=sample,
                seed=seed,
                begun=lambda total: stack.enter_context(counting(total, "pages read")),
            )
        except BadPredicate as error:
            raise Complaint(str(error)) from error


def _is_wanted(yes: bool) -> bool:
    """Whether to go on: asked of a person, and to be said beforehand by a script."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Complaint("Nothing is changed without --yes where nobody can be asked; --dry-run only reports.")
    return typer.confirm("Read these pages again, and store what changes?")


def _switch(numbers: list[int], as_json: bool) -> None:
    """Read again what is left of these, as a flow run."""
    from flows.show import reopening as show

    for number in numbers:
        with at_work():
            from flows.reopen import reopen as line

            result = line(number=number, dry_run=False)
        tell(result, as_json, show.reopened)


def _go_on(as_json: bool) -> None:
    from flows.show import reopening as show
    from load import reopening

    with open_store() as store, store.engine.connect() as connection:
        known, left = reopening.on_record(connection), reopening.open_ones(connection)
    if not left and not known and not as_json:
        typer.echo("No pages were chosen to be read again yet: 'storyfold reopen --where SQL' does that.")
    elif not (as_json and left):
        tell(known, as_json, show.on_record)
    _switch(left, as_json)


def _stop(as_json: bool) -> None:
    from flows.show import reopening as show
    from load import reopening

    with open_store() as store, store.engine.begin() as connection:
        left = reopening.open_ones(connection)
        if not left:
            raise Complaint("Nothing is being read again: there is nothing to stop.")
        reopening.end(connection, left, datetime.now(UTC), getpass.getuser())
        known = [one for one in reopening.on_record(connection) if one.id in left]
    tell(known, as_json, show.on_record)
