"""`storyfold rules`: what is cut, and how to see, try, add and undo it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import (
    TROUBLED,
    AsJson,
    Complaint,
    open_store,
    plainly,
    read_settings,
    refuse_unstored,
    tell,
)

if TYPE_CHECKING:
    from flows.settings import Settings
    from flows.store import Store

rules_app = typer.Typer(no_args_is_help=True, help="What is cut from texts: see, try, add and undo rules.")

OfSource = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only on pages of this source.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]


@rules_app.command("list")
def list_rules(
    language: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="Only the rules that hold on pages in it, such as pl; those of other languages that hold there too.",
        ),
    ] = None,
    undone: Annotated[bool, typer.Option("--undone", help="The rules that someone switched off.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the packs of rules: those that come with storyfold, and those of the folder STORYFOLD_RULES."""
    from flows.rule_care import list_packs
    from flows.show import rules as show
    from load import own_rules

    if undone:
        with open_store() as store, store.engine.connect() as connection:
            off = own_rules.list_undone(connection)
        tell(off, as_json, show.undone_rules)
        return
    with plainly():
        lines = list_packs(read_settings(), language and language.lower())
    tell(lines, as_json, show.rule_packs)


@rules_app.command("test")
def test_pack(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="A rule pack, a TOML file.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="HTML and text files, and folders of them.")
    ] = None,
    on_store: Annotated[bool, typer.Option("--store", help="Try it on the newest articles of the store.")] = False,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="As --store, only of this source; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many articles of the store.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Try a pack: on the examples in it, on files, and on pages of the store.

    It says what the pack would cut that stays today, and which of that looks like paragraphs of the text. The pack may
    be one of the folder already: then it is compared with the others. Nothing is stored.
    """
    from flows.own_packs import read_pack
    from flows.show import rules as show
    from flows.trial import try_pack

    settings = read_settings()
    names = source or []
    with _readable(pack, *(paths or ())), _store_if(on_store or bool(names), settings, names) as store:
        result = try_pack(read_pack(pack), settings, paths or (), store, names, limit)
    tell(result, as_json, show.trial)
    if not result.is_well:
        raise typer.Exit(TROUBLED)


@contextmanager
def _readable(*paths: Path) -> Iterator[None]:
    """Paths that do not exist, folders without pages, and files that cannot be read, as complaints."""
    from extract.files import NothingToLoad

    for path in paths:
        if not path.exists():
            raise Complaint(f"There is no file or folder {path}.")
    try:
        with plainly():
            yield
    except NothingToLoad as error:
        raise Complaint(f"{error}.") from error
    except OSError as error:
        raise Complaint(f"{error.filename} cannot be read: {error.strerror}.") from error


@contextmanager
def _store_if(wanted: bool, settings: Settings, names: Sequence[str]) -> Iterator[Store | None]:
    """The open store, which knows these sources, if it is wanted."""
    if not wanted:
        yield None
        return
    with open_store(settings) as store:
        with store.engine.connect() as connection:
            refuse_unstored(connection, names)
        yield store


@rules_app.command("suggest")
def suggest_rules(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source with articles in the store.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the pack there instead of printing it.")
    ] = None,
    stories: Annotated[int, typer.Option(min=2, help="In so many distinct stories it must stand.")] = 4,
    limit: Annotated[int, typer.Option(min=1, help="Look at so many of the newest articles.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Suggest rules for what repeats in the texts of a source, as a pack to look over and to save.

    It looks for lines of one shape, where numbers, names or headlines differ: 'Published 12 May at 14:03',
    'Read also: …'. Copies of one text count once.
    """
    from flows.rule_care import suggest_rules as suggest
    from flows.show.common import to_json

    settings = read_settings()
    if out is not None and out.exists():
        raise Complaint(f"{out} is there already: give another --out.")
    with open_store(settings) as store:
        with store.engine.connect() as connection:
            refuse_unstored(connection, [source])
        result = suggest(store, source, limit, stories)
    if out is not None and result.pack:
        _write(out, result.pack)
        typer.echo(
            f"Written: {out}. Look it over, then try it: 'storyfold rules test {out} --source {source}'.", err=True
        )
    if as_json:
        typer.echo(to_json(result))
    elif not result.pack:
        typer.echo(f"Nothing repeats in {stories} stories or more of {source}.")
    elif out is None:
        typer.echo(result.pack, nl=False)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Complaint(f"{file} cannot be written: {error.strerror}.") from error


@rules_app.command("undo")
def undo_rule(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="As 'storyfold why' and news.cut name it.")],
    source: OfSource = None,
    why: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it goes on record.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a rule cut nothing any more; the next ingest reads the articles again that it has cut.

    'storyfold rules redo' ends it, 'storyfold rules list --undone' shows what is off.
    """
    from flows import rule_care
    from flows.show import rules as show
    from transform.own_rules import Undone

    with open_store() as store:
        with store.engine.connect() as connection:
            refuse_unstored(connection, [source] if source else [])
        result = rule_care.undo_rule(store, Undone(rule, source or ""), why, dry_run=dry_run)
    tell(result, as_json, show.switched, on=False, dry=dry_run)


@rules_app.command("redo")
def redo_rule(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule that is off.")],
    source: OfSource = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a rule cut again; the next ingest reads the articles again that were read meanwhile."""
    from flows import rule_care
    from flows.show import rules as show
    from transform.own_rules import Undone

    with open_store() as store:
        with store.engine.connect() as connection:
            refuse_unstored(connection, [source] if source else [])
        result = rule_care.redo_rule(store, Undone(rule, source or ""), dry_run=dry_run)
    tell(result, as_json, show.switched, on=True, dry=dry_run)
