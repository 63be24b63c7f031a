"""`storyfold judge`: a person's word on stories, which outranks what is measured."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import AsJson, open_store, tell

if TYPE_CHECKING:
    from load.engine import Connection
    from load.judgements import Effect, Given

judge_app = typer.Typer(no_args_is_help=True, help="Your word on stories: it outranks what is measured, and lasts.")

Item = Annotated[str, typer.Argument(metavar="URL|ID", help="A URL, or the number of an article.")]
StoryId = Annotated[int, typer.Argument(metavar="STORY", help="The story's number.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it goes on record.")]


@judge_app.command("same")
def judge_same(a: Item, b: Item, reason: Reason = None, as_json: AsJson = False) -> None:
    """Two articles belong to one story, whatever was measured."""
    from load import judgements
    from load.report import items

    def give(connection: Connection, given: Given) -> Effect:
        return judgements.same(connection, items.article_id(connection, a), items.article_id(connection, b), given)

    _judge(give, reason, as_json)


@judge_app.command("different")
def judge_different(a: Item, b: Item, reason: Reason = None, as_json: AsJson = False) -> None:
    """Two articles belong to different stories.

    Where other texts tie them together, the strongest ties hold and the weakest gives way; later copies go with the one
    that they resemble more.
    """
    from load import judgements
    from load.report import items

    def give(connection: Connection, given: Given) -> Effect:
        article_ids = items.article_id(connection, a), items.article_id(connection, b)
        return judgements.different(connection, *article_ids, given)

    _judge(give, reason, as_json)


@judge_app.command("split")
def judge_split(
    story: StoryId,
    articles: Annotated[list[str], typer.Argument(metavar="URL|ID…", help="Articles of it.")],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Articles leave their story, and stay apart from all that it has now."""
    from load import judgements
    from load.report import items

    def give(connection: Connection, given: Given) -> Effect:
        leaving = [items.article_id(connection, one) for one in articles]
        return judgements.split(connection, story, leaving, given)

    _judge(give, reason, as_json)


@judge_app.command("pin")
def judge_pin(story: StoryId, article: Item, reason: Reason = None, as_json: AsJson = False) -> None:
    """An article stands for its story, until another of it is pinned."""
    from load import judgements
    from load.report import items

    def give(connection: Connection, given: Given) -> Effect:
        return judgements.pin(connection, story, items.article_id(connection, article), given)

    _judge(give, reason, as_json)


@judge_app.command("undo")
def undo_judgement(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As 'storyfold judge list' has it.")],
    as_json: AsJson = False,
) -> None:
    """Take a judgement back: the stories become what matches and other judgements make them."""
    from load import judgements

    def undo(connection: Connection, given: Given) -> Effect:
        return judgements.undo(connection, number, given.by, given.at)

    _judge(undo, None, as_json)


@judge_app.command("list")
def list_judgements(
    undone: Annotated[bool, typer.Option("--undone", help="Also those that were taken back.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the judgements that count, in the order in which they were given: a later one outranks an earlier one."""
    from flows.show import judgements as show
    from load import judgements

    with open_store() as store, store.engine.connect() as connection:
        told = judgements.list_all(connection, undone=undone)
    tell(told, as_json, show.judgements)


def _judge(judge: Callable[[Connection, Given], Effect], reason: str | None, as_json: bool) -> None:
    """Judge in one transaction, and show what came of it."""
    from flows.show import judgements as show
    from flows.show.common import console, to_json
    from load.judgements import Given
    from load.report import stories

    with open_store() as store, store.engine.begin() as connection:
        effect = judge(connection, Given(by=getpass.getuser(), at=datetime.now(UTC), reason=reason))
        changes = stories.changes_by_id(connection, effect.changes)
    values = {"judgement": effect.judgement, "overruled": effect.overruled, "changes": changes}
    typer.echo(to_json(values)) if as_json else show.judged(console(), effect, changes)
