"""The command that makes a store from its archive."""

from __future__ import annotations

import typer

from flows.commands.shared import TROUBLED, AsJson, Complaint, at_work, tell


def rebuild(as_json: AsJson = False) -> None:
    """Fill an empty store from its WARC archive alone: sources, entries, pages and stories. Asks nothing of the web.

    It can be stopped at any time; the next one goes on from there.
    """
    with at_work() as store:
        from flows.rebuild import CannotRebuild, check_rebuild
        from flows.rebuild import rebuild as line
        from flows.show import runs as show

        try:
            check_rebuild(store)  # before Prefect starts, which would print a traceback
            result = line()
        except CannotRebuild as error:
            raise Complaint(str(error)) from error
    tell(result, as_json, show.run_summary)
    if show.has_trouble(result.outcomes) or show.has_trouble(result.left_out):
        raise typer.Exit(TROUBLED)
