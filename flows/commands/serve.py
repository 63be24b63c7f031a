"""`storyfold serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.shared import plainly, read_settings, source_files, stopped_by_signals

PORT = 4200  # Prefect's own


def serve(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Of Prefect's page, where no server is named in PREFECT_API_URL.")
    ] = PORT,
) -> None:
    """Run the lines on their schedules, until Ctrl-C or SIGTERM.

    Feeds are polled when they are due. How often each line runs is set by STORYFOLD_DISCOVER_EVERY, _COLLECT_EVERY,
    _INGEST_EVERY and _UPKEEP_EVERY. Runs, backfills too, can be started and cancelled on Prefect's page.
    """
    from extract.warc import check_archive
    from flows.own_packs import own_rules
    from flows.prefect_env import set_defaults

    settings = read_settings()
    source_files(settings)
    with plainly(), stopped_by_signals("stopped; 'storyfold serve' goes on from here."):
        check_archive(settings.archive_url)
        own_rules(settings)
        set_defaults(settings)
        from flows.serve import serve as serve_lines

        serve_lines(settings, port, lambda page: typer.echo(f"Serving. Prefect's page: {page}. Ctrl-C ends it."))
        typer.echo("storyfold: stopped; 'storyfold serve' goes on from here.", err=True)
