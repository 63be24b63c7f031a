"""What the owner of a store changes about the rules: packs of their own, and rules that cut nothing any more.

A pack with the name of one that comes with us adds to it; any other adds a language, or, by a longer name, a theme that
holds on pages of all languages. Every fault of a pack is named in one sentence, before a page is read by it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from transform.model import CutKind, Zone
from transform.packs import (
    LENGTHS,
    NEUTRAL,
    Opening,
    Rule,
    RulePacks,
    Script,
    is_language,
    read_packs,
    read_rules,
    spelled_out,
)
from transform.patterns import fault_of

NOT_PACKS = frozenset({"memory", "structure"})  # whose rules are not in packs
EXAMPLES = frozenset({"language", "prose", "must_cut", "must_keep"})  # keys that cut nothing: see `transform.trial`

_NAME = re.compile(r"[a-z0-9-]+")
_TERM = re.compile(r"<([a-z_]+)>")
PACK_KEYS = ("script", "sources", "terms", "rules", *sorted(EXAMPLES))
RULE_KEYS = ("name", "kind", "zones", "max_length", "cased", "label", "mentions", "opens", "unmistakable", "patterns")


class BadPack(ValueError):
    """A rule pack that cannot be used as it stands."""

    def __init__(self, pack: str, fault: str, rule: str | None = None) -> None:
        super().__init__(pack, fault, rule)
        self.pack = pack
        self.fault = fault
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.pack}.toml{f', rule {self.rule!r}' if self.rule else ''}: {self.fault}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackText:
    """A rule pack as its file has it."""

    name: str  # the file's, without '.toml'
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Undone:
    """A rule that cuts nothing any more, on pages of one source or everywhere."""

    rule: str  # as in Cut.rule
    source: str = ""  # empty for everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRules:
    """What differs from the rules that come with us; a value that travels to the processes that read."""

    packs: tuple[PackText, ...] = ()
    undone: tuple[Undone, ...] = ()


@lru_cache(maxsize=8)
def rule_packs(own: OwnRules = OwnRules()) -> RulePacks:
    """All rules, with the changes. Raises BadPack for the first pack that cannot be used."""
    packs = read_packs()
    for text in own.packs:
        packs = _with_pack(packs, text)
    return _without_undone(packs, own.undone)


def read_table(pack: PackText) -> dict[str, Any]:
    """The pack as TOML has it, its keys known. Raises BadPack."""
    if not _NAME.fullmatch(pack.name) or pack.name in NOT_PACKS:
        why = f"'{pack.name}' is taken" if pack.name in NOT_PACKS else "use small letters, digits and '-'"
        raise BadPack(pack.name, f"a pack cannot be called so: {why}")
    try:
        table = tomllib.loads(pack.text)
    except tomllib.TOMLDecodeError as fault:
        raise BadPack(pack.name, f"no valid TOML: {fault}") from fault
    _refuse_others(pack.name, table, PACK_KEYS)
    return table


def _with_pack(packs: RulePacks, text: PackText) -> RulePacks:
    """The rules with those of one more pack."""
    name, table = text.name, read_table(text)
    sources = frozenset(_texts(name, None, "sources", table.get("sources", [])))
    terms = {**packs.terms.get(name, packs.terms[NEUTRAL]), **_terms(name, table.get("terms", {}))}
    rules = _read_rules(name, table, terms, sources)
    known = {rule.id for rules in packs.packs.values() for rule in rules}
    for rule in rules:
        if rule.id in known:
            raise BadPack(name, f"there is a rule {rule.id} already: give this one another name", rule.id)
        known.add(rule.id)
    return replace(
        packs,
        packs=MappingProxyType({**packs.packs, name: (*packs.packs.get(name, ()), *rules)}),
        scripts=MappingProxyType({**packs.scripts, name: _script(packs, name, table)}),
        terms=MappingProxyType({**packs.terms, name: terms}),
        languages=MappingProxyType({**packs.languages, **_languages(packs, name)}),
        digest=_digest(packs.digest, name, {key: value for key, value in table.items() if key not in EXAMPLES}),
        sources=packs.sources | sources,
    )


def _languages(packs: RulePacks, name: str) -> dict[str, tuple[str, ...]]:
    """The packs of the language that the pack is called by, with it."""
    known = packs.languages.get(name, ())
    return {name: known if name in known else (*known, name)} if is_language(name) else {}


def _without_undone(packs: RulePacks, undone: Collection[Undone]) -> RulePacks:
    if not undone:
        return packs
    by_source: defaultdict[str | None, set[str]] = defaultdict(set)
    for one in undone:
        by_source[one.source or None].add(one.rule)
    return replace(
        packs,
        undone=MappingProxyType({source: frozenset(rules) for source, rules in by_source.items()}),
        digest=_digest(packs.digest, "undone", sorted((one.rule, one.source) for one in undone)),
    )


def _digest(before: bytes, name: str, said: object) -> bytes:
    """16 bytes for the rules before and what is said anew; comments, spacing and examples change nothing."""
    spelled = json.dumps([name, said], sort_keys=True, default=str)
    return blake2b(before + spelled.encode(), digest_size=16).digest()


# --- What a file says -----------------------------------------------------------------------------------------


def _script(packs: RulePacks, name: str, table: Mapping[str, Any]) -> Script:
    known = packs.scripts.get(name)
    said = _one_of(name, None, "script", table.get("script", known or Script.LATIN), Script)
    if known and said != known:
        raise BadPack(name, f"'script' is {known} for this pack")
    return Script(said)


def _terms(name: str, table: Any) -> Mapping[str, str]:
    if not isinstance(table, dict) or not all(isinstance(term, str) for term in table.values()):
        raise BadPack(name, "[terms] must be a table of texts")
    if bad := next((term for term in table if not re.fullmatch("[a-z_]+", term)), None):
        raise BadPack(name, f"the term '{bad}' must be called by small letters and '_'")
    return table


def _read_rules(
    name: str, table: Mapping[str, Any], terms: Mapping[str, str], sources: frozenset[str]
) -> tuple[Rule, ...]:
    entries = table.get("rules", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadPack(name, "rules must be written as [[rules]]")
    if not entries:
        raise BadPack(name, "it has no [[rules]]")
    for number, entry in enumerate(entries, 1):
        _check_rule(name, entry, number, terms)
    return read_rules(name, entries, terms, sources)


def _check_rule(pack: str, entry: Mapping[str, Any], number: int, terms: Mapping[str, str]) -> None:
    """Raises BadPack for the first thing about a rule that cannot be."""
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadPack(pack, f"rule {number} needs a 'name' of small letters, digits and '-'")
    _refuse_others(pack, entry, RULE_KEYS, name)
    _one_of(pack, name, "kind", entry.get("kind"), CutKind)
    for zone in _texts(pack, name, "zones", entry.get("zones", ["top"])):
        _one_of(pack, name, "zones", zone, Zone)
    if "opens" in entry:
        _one_of(pack, name, "opens", entry["opens"], Opening)
    for key in ("cased", "label", "unmistakable"):
        if not isinstance(entry.get(key, False), bool):
            raise BadPack(pack, f"'{key}' must be true or false", name)
    longest = entry.get("max_length", LENGTHS[0])
    if not isinstance(longest, int) or not 0 < longest <= LENGTHS[-1]:
        raise BadPack(pack, f"'max_length' must be a number of characters, up to {LENGTHS[-1]}", name)
    _texts(pack, name, "mentions", entry.get("mentions", ["-"]))
    for pattern in _texts(pack, name, "patterns", entry.get("patterns", [])):
        if fault := _fault_of(pattern, terms, cased=entry.get("cased", False)):
            raise BadPack(pack, f"the pattern '{pattern}' cannot be used: {fault}", name)


def _fault_of(pattern: str, terms: Mapping[str, str], *, cased: bool) -> str | None:
    """What is wrong with a pattern once its terms are put in."""
    used = _terms_in(pattern, terms)
    if unknown := sorted(used - terms.keys()):
        return f"there is no term <{unknown[0]}>; there are {', '.join(sorted(terms))}"
    if any(term in _terms_in(terms[term], terms) for term in used):
        return "a term in it stands for itself"
    return fault_of(spelled_out(pattern, terms), cased=cased)


def _terms_in(pattern: str, terms: Mapping[str, str]) -> set[str]:
    """The terms that a pattern uses, by other terms too; unknown ones are among them."""
    used: set[str] = set()
    waiting = {*_TERM.findall(pattern)}
    while waiting:
        used |= waiting
        waiting = {inner for term in waiting for inner in _TERM.findall(terms.get(term, ""))} - used
    return used


def _refuse_others(pack: str, table: Mapping[str, Any], known: Sequence[str], rule: str | None = None) -> None:
    for key in table:
        if key not in known:
            raise BadPack(pack, f"unknown key '{key}'; {_nearest(key, known)}", rule)


def _one_of(pack: str, rule: str | None, key: str, value: Any, kinds: type[StrEnum]) -> str:
    known = [str(kind) for kind in kinds]
    if value not in known:
        raise BadPack(pack, f"'{key}' cannot be {value!r}; {_nearest(str(value), known)}", rule)
    return str(value)


def _nearest(given: str, known: Iterable[str]) -> str:
    close = get_close_matches(given, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else f"it may be {', '.join(known)}"


def _texts(pack: str, rule: str | None, key: str, value: Any) -> list[str]:
    """The value, a list of texts that are not empty; `sources` may be none."""
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise BadPack(pack, f"'{key}' must be a list of texts", rule)
    if not value and key != "sources":
        raise BadPack(pack, f"'{key}' must name something", rule)
    return value
