"""`storyfold source`: the publishers, what is polled, and whether it can be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import (
    TROUBLED,
    AsJson,
    Complaint,
    counting,
    open_store,
    plainly,
    read_settings,
    refuse_unknown,
    refuse_unstored,
    source_files,
    tell,
)

if TYPE_CHECKING:
    from extract.model import FetchPolicy, Source
    from flows.settings import Settings

source_app = typer.Typer(no_args_is_help=True, help="The publishers: what is polled, and whether it can be.")


class Network(StrEnum):
    """What --allow-network takes: the networks of extract.catalogue.NETWORKS."""

    LOOPBACK = "loopback"
    PRIVATE = "private"


AllowNetwork = Annotated[
    list[Network] | None, typer.Option(help="A network of yours that a source may be on; goes into its file.")
]
Gap = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Between two requests to a site; goes into its file.")
]


@source_app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources: those of the folder and those in the store, with what each brought."""
    from extract.mirrors import mirrors
    from flows.show import sources as show
    from load.report import sources

    settings = read_settings()
    files = source_files(settings) if settings.sources.is_dir() else ()
    with open_store(settings) as store, store.engine.connect() as connection:
        values = sources.sources(connection, files)
    tell(values, as_json, show.sources, mirrors(file for file in files if file.enabled))


@source_app.command("check")
def check_sources(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Names of source files, without '.toml'; all by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a source's robots.txt and feeds, read a few of its articles, and say what is wrong and what to do.

    Feeds that are polled twice are found, too, under whichever address. Nothing is stored.
    """
    from flows.check import check_sources as check
    from flows.show import sources as show

    settings = read_settings()
    files = source_files(settings)
    refuse_unknown(names or (), [file.name for file in files])
    wanted = [file for file in files if file.name in names] if names else [file for file in files if file.enabled]
    with counting(len(wanted), "sources looked at") as done:
        values = check(wanted, files, settings, done)
    tell(values, as_json, show.source_checks)
    if not all(value.is_well for value in values):
        raise typer.Exit(TROUBLED)


@source_app.command("add")
def add_source(
    address: Annotated[str, typer.Argument(metavar="URL", help="A home page, an article, a feed or a sitemap.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it; by default after its domain.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the file without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
    allow_network: AllowNetwork = None,
    gap: Gap = None,
    as_json: AsJson = False,
) -> None:
    """Find the feeds and sitemaps of a site, try them out, and write its source file.

    It shows what it found, why each was taken or left out, and how some articles read; rhythm and expectations are
    suggested from what it saw.
    """
    from flows import onboard, visit
    from flows.show import sources as show

    settings = read_settings()
    url = _as_address(address)
    files = source_files(settings, may_be_none=True)
    _refuse_known_site(url, name, files)
    policy = _manners(settings, allow_network or (), gap)
    pace = f"at most {visit.MAX_REQUESTS} requests, {policy.gap_s:g} s apart or as far as robots.txt asks for"
    typer.echo(f"Looking at {url}: {pace} …", err=True)
    finding = onboard.find_source(url, name, files, policy, settings)
    tell(finding, as_json, show.finding)
    if finding.source is None or finding.text is None:
        raise typer.Exit(TROUBLED)
    if dry_run:
        return
    if not (yes or _agrees(f"Write {settings.sources / finding.source.name}.toml?")):
        raise Complaint("Nothing was written: it takes a yes, or --yes.")
    _write_source(settings, finding.source.name, finding.text)


@source_app.command("import")
def import_sources(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OPML, CSV, or one URL a line.")],
    check: Annotated[
        bool, typer.Option("--check", help="Ask each feed first; look for feeds where a site is listed without.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be written.")] = False,
    allow_network: AllowNetwork = None,
    gap: Gap = None,
    as_json: AsJson = False,
) -> None:
    """Make source files of a list of feeds, one a site; those that are there already stay as they are.

    A CSV's columns may be title, url, feed, sitemap, homepage, language, country and tier, in any order.
    """
    from extract.subscriptions import read_subscriptions
    from flows import onboard
    from flows.show import sources as show

    settings = read_settings()
    try:
        listed = read_subscriptions(file.read_bytes())
    except OSError as error:
        raise Complaint(f"{file} cannot be read: {error.strerror}.") from error
    if not (listed.wanted or listed.bad):
        raise Complaint(f"{file} lists nothing: it may be OPML, CSV with a header, or one URL a line.")
    files = source_files(settings, may_be_none=True)
    with counting(len(listed.wanted) if check else 0, "sites tried") as done, plainly():
        policy = _manners(settings, allow_network or (), gap)
        result = onboard.import_sources(listed, files, policy, settings, check=check, write=not dry_run, done=done)
    tell(result, as_json, show.imported, settings.sources, is_dry=dry_run)
    if result.bad:
        raise typer.Exit(TROUBLED)


@source_app.command("disable")
def disable_sources(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of source files, without '.toml'.")],
) -> None:
    """Let sources rest: from the next pass on nothing is asked of them; their files and articles stay."""
    _switch(names, enabled=False)


@source_app.command("enable")
def enable_sources(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of source files, without '.toml'.")],
) -> None:
    """Poll sources again that were disabled."""
    _switch(names, enabled=True)


@source_app.command("release")
def release_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source that is held.")],
) -> None:
    """End the hold of a source that broke what its file expects.

    Its pages are read and settled by the next run, and what came before is not held against it.
    """
    from load import expectations

    with open_store() as store, store.engine.begin() as connection:
        refuse_unstored(connection, [name])
        pages = expectations.release(connection, name, datetime.now(UTC))
    typer.echo(f"'{name}' is released: {pages} page{'' if pages == 1 else 's'} to be read or settled by the next run.")


def _refuse_known_site(url: str, name: str | None, files: Sequence[Source]) -> None:
    """Complain where the site, or the name for it, is a source's already; with another name it may be two."""
    from extract.discovery import site_of, sites_of
    from extract.source_file import slug

    if name is not None and slug(name) != name:
        raise typer.BadParameter(f"A name has small letters, digits and '-', such as '{slug(name)}'.")
    if name in {file.name for file in files}:
        raise Complaint(f"There is a source called '{name}' already: give another --name, or edit its file.")
    owner = sites_of(files).get(site_of(url))
    if owner is not None and name is None:
        raise Complaint(
            f"{url} is of the source '{owner}': 'storyfold source check {owner}' looks at that one, "
            "--name NAME makes a second one of the same site."
        )


def _as_address(text: str) -> str:
    """The address that is meant, by https where it does not say."""
    from extract.urls import BadUrl, registrable_domain

    url = text if "://" in text else f"https://{text}"
    try:
        registrable_domain(url)
    except BadUrl as error:
        raise Complaint(f"{text} is no address: {error.why}.") from error
    if not url.lower().startswith("http"):
        raise Complaint(f"{text} is no address: no http or https URL.")
    return url


def _manners(settings: Settings, networks: Sequence[Network], gap_s: float | None) -> FetchPolicy:
    """The general manners with what was asked for."""
    policy = settings.fetch_policy
    return replace(
        policy,
        allow_networks=policy.allow_networks | {network.value for network in networks},
        gap_s=policy.gap_s if gap_s is None else gap_s,
    )


def _agrees(question: str) -> bool:
    """What the user answers; no, where nobody can."""
    return sys.stdin.isatty() and typer.confirm(question, err=True)


def _write_source(settings: Settings, name: str, text: str) -> None:
    from flows import onboard

    with plainly():
        path = onboard.write_source(settings.sources, name, text)
    typer.echo(f"Written: {path}. 'storyfold run {name}' reads it for the first time.", err=True)


def _switch(names: Sequence[str], *, enabled: bool) -> None:
    from flows import onboard

    settings = read_settings()
    refuse_unknown(names, [file.name for file in source_files(settings)])
    state = "enabled" if enabled else "disabled"
    for name in names:
        changed = onboard.switch_source(settings.sources, name, enabled=enabled)
        typer.echo(f"{name} is {state}." if changed else f"{name} was {state} already.")
