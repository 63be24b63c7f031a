"""The command `backfill`: what was published before."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import (
    TROUBLED,
    AsJson,
    Complaint,
    OnAddress,
    OnTaskRunner,
    at_work,
    open_store,
    read_by,
    read_settings,
    refuse_disabled,
    refuse_unknown,
    refuse_unstored,
    source_files,
    tell,
)

if TYPE_CHECKING:
    from extract.lists import Listing
    from flows.asked import Asked
    from flows.backfill import Outlook

LARGE_S = 600.0  # on a terminal, what takes longer is asked about

Names = Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help="Only these sources; all by default.")]
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], metavar="DATE", help="As 2026-03-01.")
]


def backfill(
    names: Names = None,
    since: Day = None,
    until: Day = None,
    fill_gaps: Annotated[bool, typer.Option("--gaps", help="The coverage gaps on record, instead of a span.")] = False,
    warc: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH|URL", help="WARC files: a file, folder, pattern, fsspec URL, or list of paths."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="URL", help="What the paths of a list are relative to; its host by default.")
    ] = None,
    urls: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A list of URLs or a table with a column 'url'; - for stdin."),
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Of files and lists, only this host and those below it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Of WARC files, at most so many new entries.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what there is, and how long it takes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, however long it takes.")] = False,
    task_runner: OnTaskRunner = None,
    address: OnAddress = None,
    as_json: AsJson = False,
) -> None:
    """Bring what was published before: in a span of time, in WARC files, or on lists of URLs.

    Of a span, what sitemaps and feeds still list: those of the source's file and of its robots.txt. Of files and lists,
    what is of the span, the hosts and the sources named. What is known already is not fetched again; what nothing dates
    is left out. --since begins the span, --until ends it, without that day. It can be stopped and started again.
    """
    asked = _asked(names, _utc(since), _utc(until), fill_gaps, warc, base, urls, host, limit)
    if not (dry_run or asked.is_of_archives or asked.warcs or asked.lists):
        raise typer.BadParameter("Say what to look for: --since DATE, --gaps, --warc FILE or --urls FILE.")
    _refuse_unknown_sources(asked)
    read_by(task_runner, address)
    with at_work():
        from flows import backfill as line
        from flows.asked import BadRequest
        from flows.show import runs as show

        def approve(outlook: Outlook) -> bool:
            if not as_json:
                tell(outlook, False, show.outlook)
            return not dry_run and (yes or _is_wanted(outlook))

        try:
            result = line.backfill_asking(asked, approve)
        except BadRequest as error:
            raise Complaint(str(error)) from error
    tell(result, as_json, show.backfilled)
    if not result.matched:
        raise Complaint("Nothing in these files and lists is of the hosts and the time that were asked for.")
    if show.is_troubled(result):
        raise typer.Exit(TROUBLED)


def _asked(
    names: list[str] | None,
    since: datetime | None,
    until: datetime | None,
    fill_gaps: bool,
    warc: list[str] | None,
    base: str | None,
    urls: list[str] | None,
    host: list[str] | None,
    limit: int | None,
) -> Asked:
    """What is asked for, with its files found and its lists read."""
    from extract.files import NothingToLoad
    from extract.urls import BadUrl
    from extract.warc_choice import hosts_named
    from extract.warc_files import WarcUnavailable, find_warcs
    from flows.asked import Asked, BadRequest, check, listings

    try:
        asked = Asked(
            sources=tuple(names or ()),
            since=since,
            until=until,
            gaps=fill_gaps,
            warcs=tuple(file for name in warc or () for file in find_warcs(name, base)),
            lists=(*listings([name for name in urls or () if name != "-"]), *_from_stdin(urls)),
            hosts=hosts_named(host or ()),
            limit=limit,
        )
        check(asked)
    except BadRequest as error:
        raise typer.BadParameter(str(error)) from error
    except BadUrl as error:
        raise typer.BadParameter(f"--host takes names such as daily.example: {error}.") from error
    except (NothingToLoad, WarcUnavailable) as error:
        raise Complaint(f"{error}.") from error
    return asked


def _from_stdin(urls: list[str] | None) -> list[Listing]:
    from extract.charset import decode
    from extract.lists import read_any

    return [read_any(decode(sys.stdin.buffer.read(), "text/plain", None))] if "-" in (urls or ()) else []


def _refuse_unknown_sources(asked: Asked) -> None:
    """Archives are searched for sources that have a file; of files and lists, the store may know more sources."""
    settings = read_settings()
    files = source_files(settings) if asked.is_of_archives or settings.sources.is_dir() else ()
    refuse_disabled(asked.sources, files)
    known = [str(file.name) for file in files]
    if not asked.is_of_archives and not set(asked.sources) <= set(known):
        with open_store(settings) as store, store.engine.connect() as connection:
            refuse_unstored(connection, asked.sources)
    else:
        refuse_unknown(asked.sources, known)


def _is_wanted(outlook: Outlook) -> bool:
    """Whether it is small, nobody can be asked, or the user says so."""
    if outlook.at_least_s < LARGE_S or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return typer.confirm("Go on?", default=True, err=True)


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None
