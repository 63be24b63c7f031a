"""Which rules there are, which a source may want, and which cut nothing any more because someone said so."""

from __future__ import annotations

import getpass
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from flows.own_packs import own_packs
from flows.settings import Settings
from flows.store import Store
from load import memory, own_rules, pages, samples
from load.engine import Connection
from load.own_rules import MEMORY, UnknownRule
from transform.model import CutKind
from transform.own_rules import OwnRules, Undone, rule_packs
from transform.packs import Rule, RulePacks, Script, is_language, read_packs
from transform.suggest import Suggestion, pack_text, suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class PackLine:
    """A pack, and how many rules it has of each kind."""

    name: str
    is_language: bool  # otherwise it holds on pages of all
    rules: int
    own_rules: int  # of these, from the folder of own packs
    sources: tuple[str, ...]  # whose pages alone its own rules are for; empty for all
    kinds: dict[CutKind, int]


def list_packs(settings: Settings, language: str | None = None) -> tuple[PackLine, ...]:
    """All packs, with their rules; or with those that hold on pages of this language, if any do. Raises BadPack."""
    packs = rule_packs(OwnRules(packs=own_packs(settings)))
    ours = {rule.id for rules in read_packs().packs.values() for rule in rules}
    held: defaultdict[str, dict[str, Rule]] = defaultdict(dict)
    for rule in _rules(packs, language):
        held[rule.id.partition(".")[0]][rule.id] = rule
    return tuple(
        PackLine(
            name=name,
            is_language=is_language(name),
            rules=len(rules),
            own_rules=len(rules.keys() - ours),
            sources=tuple(sorted({source for rule in rules.values() for source in rule.sources})),
            kinds=dict(sorted(Counter(rule.kind for rule in rules.values()).items())),
        )
        for name, rules in sorted(held.items())
    )


def _rules(packs: RulePacks, language: str | None) -> list[Rule]:
    if language is None:
        return [rule for rules in packs.packs.values() for rule in rules]
    scripts = frozenset(Script)
    return [rule for source in (None, *packs.sources) for rule in packs.rules_for(language, scripts, source)]


# --- Suggested ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """What repeats in the newest articles of a source, as rules and as the text of a pack."""

    source: str
    articles: int
    stories: int
    rules: tuple[Suggestion, ...]
    pack: str  # empty when nothing repeats


def suggest_rules(store: Store, source: str, limit: int, at_least: int) -> Suggested:
    """Rules for what stands in so many stories of the source's newest articles, or more. Raises BadPack, NoPacks."""
    with store.engine.connect() as connection:
        texts = samples.newest_texts(connection, source, limit)
    found = suggest(texts, rule_packs(OwnRules(packs=own_packs(store.settings))), at_least)
    stories = len({text.story for text in texts})
    languages = Counter(text.language for text in texts).most_common(1)
    opening = (
        f"What repeats in {len(texts)} articles, {stories} stories, of {source}, suggested by storyfold.\n"
        "A rule takes all blocks that it matches: take out what is text, and see to the kinds, which are guessed."
    )
    pack = pack_text(found, source, languages[0][0] if languages else None, opening) if found else ""
    return Suggested(source=source, articles=len(texts), stories=stories, rules=found, pack=pack)


# --- Switched off and on --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What switching a rule came to."""

    rule: str
    source: str | None
    changed: bool  # False where it was so already
    pages: int  # that the next ingest reads again


def undo_rule(store: Store, what: Undone, reason: str | None, *, dry_run: bool) -> Switched:
    """Let a rule cut nothing any more; the articles that it cuts now are read again. Raises UnknownRule."""
    with store.engine.connect() as connection, connection.begin() as transaction:
        _refuse_unknown_rule(connection, store.settings, what.rule)
        part = _segment(what)
        changed = own_rules.undo(connection, what, getpass.getuser(), reason, datetime.now(UTC))
        if part is not None:
            again = memory.spare(connection, what.source, part)
        else:
            again = pages.reopen(connection, own_rules.pages_cut_by(connection, what) if changed else [])
        switched = _switched(what, changed, again)
        if dry_run:
            transaction.rollback()
    return switched


def redo_rule(store: Store, what: Undone, *, dry_run: bool) -> Switched:
    """Let a rule cut again; the articles that were read meanwhile are read again. Raises load.own_rules.NotUndone."""
    with store.engine.connect() as connection, connection.begin() as transaction:
        since = own_rules.redo(connection, what, getpass.getuser(), datetime.now(UTC))
        part = _segment(what)
        if part is not None:
            again = memory.unspare(connection, what.source, part)
        else:
            again = pages.reopen(connection, own_rules.pages_read_since(connection, what, since))
        switched = _switched(what, True, again)
        if dry_run:
            transaction.rollback()
    return switched


def _segment(what: Undone) -> bytes | None:
    """What the source's memory is to spare, when the rule is one of it. Raises UnknownRule."""
    name, _, digits = what.rule.partition(MEMORY)
    if name or not digits:
        return None
    if not what.source:
        raise UnknownRule(f"{what.rule} is of the memory of one source: name that with --source.")
    return bytes.fromhex(digits)


def _switched(what: Undone, changed: bool, again: int) -> Switched:
    return Switched(rule=what.rule, source=what.source or None, changed=changed, pages=again)


def _refuse_unknown_rule(connection: Connection, settings: Settings, rule: str) -> None:
    packs = rule_packs(OwnRules(packs=own_packs(settings))).packs.values()
    known = [one.id for rules in packs for one in rules]
    if rule not in known and not own_rules.has_cut(connection, rule):
        close = get_close_matches(rule, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else "'storyfold why' tells which rule cut a block."
        raise UnknownRule(f"No rule is called '{rule}', and nothing was cut by one of that name; {hint}")
