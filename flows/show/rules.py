"""Rule packs, what a pack would cut, and rules that are off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.common import counted, say, when

if TYPE_CHECKING:
    from flows.rule_care import PackLine, Switched
    from flows.trial import Trial
    from load.own_rules import UndoneRule
    from transform.trial import Failure, NewCut, RuleTrial

AROUND = 70  # characters shown of a block beside one that would fall


def rule_packs(out: Console, values: Sequence[PackLine]) -> None:
    """A line a pack, with its rules by kind."""
    for pack in values:
        where = f", only for {', '.join(pack.sources)}" if pack.sources else ""
        own = f" ({pack.own_rules} of them yours{where})" if pack.own_rules else ""
        about = "" if pack.is_language else ", for all languages"
        say(out, (pack.name, "bold"), f"  {counted(pack.rules, 'rule')}{own}{about}")
        say(out, "  ", (", ".join(f"{kind} {number}" for kind, number in pack.kinds.items()), "dim"))


def undone_rules(out: Console, values: Sequence[UndoneRule]) -> None:
    """A line a rule that is off."""
    for one in values:
        where = one.source or "everywhere"
        say(out, (one.rule, "bold"), f"  {where}, since {when(one.undone_at)} by {one.undone_by}")
        if one.reason:
            say(out, f"    {one.reason}")
    if not values:
        say(out, "No rule is off.")


def trial(out: Console, value: Trial) -> None:
    """What the examples came to, then what would fall, rule by rule."""
    examples = f"{counted(value.examples, 'example')}, {len(value.failures)} of them not as they must be"
    say(out, (value.pack, "bold"), f": {counted(value.rules, 'rule')}, {examples}.")
    for failure in value.failures:
        _failed_example(out, failure)
    if not (value.read or value.left_out):
        return
    rest = ", ".join(f"{reason} {number}" for reason, number in sorted(value.left_out.items()))
    say(out, f"{counted(value.read, 'article')} read{f'; no article: {rest}' if rest else ''}.")
    more = counted(value.blocks, "more block")
    say(out, f"The pack would cut {more}, of {counted(value.articles, 'article')}.")
    for rule in value.rules_that_cut:
        _rule_trial(out, rule)


def _failed_example(out: Console, failure: Failure) -> None:
    wanted = f"must fall as {failure.expected}" if failure.expected else "must stay"
    say(out, (f"  {wanted}, at the {failure.zone}: ", "red"), failure.line)
    for cut in failure.cuts:
        say(out, f"    cut by {cut}")
    if not failure.cuts:
        say(out, "    nothing was cut")


def _rule_trial(out: Console, rule: RuleTrial) -> None:
    say(out)
    told = f"  {counted(rule.blocks, 'block')} of {counted(rule.articles, 'article')}, {counted(rule.texts, 'text')}"
    say(out, (rule.rule, "bold"), told)
    for cut in rule.examples:
        _new_cut(out, cut, "green")
    if rule.paragraphs:
        say(out, (f"  Perhaps text: {counted(len(rule.paragraphs), 'paragraph')}", "red"))
    for cut in rule.paragraphs:
        _new_cut(out, cut, "red")


def _new_cut(out: Console, cut: NewCut, style: str) -> None:
    """The block between the ends of its neighbours."""
    if cut.before:
        say(out, ("           … " + cut.before[-AROUND:], "dim"))
    say(out, f"    {cut.zone:<5}  ", (cut.text, style))
    if cut.after:
        say(out, ("           " + cut.after[:AROUND] + " …", "dim"))
    say(out, (f"           {cut.url}", "dim"))


def switched(out: Console, value: Switched, *, on: bool, dry: bool) -> None:
    """What switching a rule came to."""
    where = f" on pages of {value.source}" if value.source else ""
    if not value.changed:
        say(out, f"{value.rule} is off{where} already.")
        return
    does = "cuts again" if on else "cuts nothing any more"
    say(out, (value.rule, "bold"), f" {does}{where}.")
    unchanged = " Nothing was changed." if dry else ""
    say(out, f"{counted(value.pages, 'page')} to be read again by the next ingest.{unchanged}")
