"""The rule packs: what whole lines of clutter read like in each language, and where on a page they stand.

A pack is a data file (`rules/*.toml`), one a language or a few that are close, and one of no language. Equal digests
cut alike.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from extract.model import Article
from transform.lines import HANGUL, UNSPACED, bare_letters
from transform.model import CutKind, Zone

ALGORITHM = b"boilerplate 3"  # raise it with every change that cuts differently: it is part of the digest
NEUTRAL = "neutral"
LINGUA_FRANCA = "en"

# Characters. Most rules are about short lines, so that the longer a block, the fewer it is tried against; a block over
# the last length is tried against none.
LENGTHS = (160, 420, 900)


class Script(StrEnum):
    """What a pack's language is written in."""

    LATIN = "latin"
    CYRILLIC = "cyrillic"
    GREEK = "greek"
    HAN = "han"
    """With kana."""
    HANGUL = "hangul"
    ARABIC = "arabic"
    HEBREW = "hebrew"
    DEVANAGARI = "devanagari"
    THAI = "thai"


class Opening(StrEnum):
    """What falls with a heading."""

    LIST = "list"
    """Items, links and short lines after it, until the text returns."""
    PARAGRAPH = "paragraph"
    """At the tail, the one paragraph after it and short lines before that: 'About the author' and its biography."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one sort of clutter reads like, as a rule pack states it."""

    id: str  # "<pack>.<kind>.<name>"
    kind: CutKind
    zones: frozenset[Zone]
    max_length: int
    cased: bool  # matched on the text as it is shown, otherwise on its plain form
    label: bool  # matches no block that ends in a full stop, unless of two words
    mentions: tuple[str, ...]  # one of these must stand in the block; none are asked for if empty
    opens: Opening | None
    unmistakable: bool  # holds on pages of other languages, for blocks of two words or more
    pattern: str  # matches whole blocks
    sources: frozenset[str] = frozenset()  # whose pages alone it is for; empty for all
    is_foreign: bool = False  # the page at hand is of another language


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Rules in order of trial, behind what says fast that none of them matches: so it is for nearly every block.

    All patterns of a view are alternatives of one expression. Rules with mentions, whose patterns would be slow to
    fail, are tried only on blocks that have one.
    """

    plain: re.Pattern[str]
    shown: re.Pattern[str]
    mentions: tuple[tuple[str, tuple[Rule, ...]], ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RulePacks:
    """All rules there are, by pack. Equal digests cut alike."""

    packs: Mapping[str, tuple[Rule, ...]]
    scripts: Mapping[str, Script]  # that a pack's language is written in
    terms: Mapping[str, Mapping[str, str]]  # by pack, what its patterns may use
    languages: Mapping[str, tuple[str, ...]]  # a language's own packs, in order of trial
    digest: bytes
    sources: frozenset[str] = frozenset()  # that have rules of their own
    undone: Mapping[str | None, frozenset[str]] = field(default_factory=dict)  # ids by source; None for everywhere

    def rules_for(
        self, language: str | None, scripts: frozenset[Script], source: str | None = None
    ) -> tuple[Rule, ...]:
        """The language's own packs, those of no language, and of others what is unmistakable.

        Of English on every page, since page themes and widgets speak it everywhere; of all packs on a page of a
        language without its own, or of none: there only words are safe that mean nothing else in any language.
        scripts: that such a page has letters of; packs in others cannot match
        source: None for the rules of all sources, otherwise those of this one alone
        """
        themes = sorted(pack for pack in self.packs if not is_language(pack))
        own = (*self.languages.get(language or "", ()), *themes)
        others = {LINGUA_FRANCA} if language in self.languages else self._packs_in(scripts)
        foreign = (
            _foreign(rule) for pack in sorted(others - set(own)) for rule in self.packs[pack] if rule.unmistakable
        )
        rules = (*(rule for pack in own for rule in self.packs[pack]), *foreign)
        return tuple(rule for rule in rules if (source in rule.sources if source else not rule.sources))

    def undone_on(self, source: str) -> frozenset[str]:
        """The ids of rules that cut nothing on pages of this source."""
        return self.undone.get(None, frozenset()) | self.undone.get(source, frozenset())

    def _packs_in(self, scripts: frozenset[Script]) -> set[str]:
        return {pack for pack, script in self.scripts.items() if script in scripts}


def is_language(pack: str) -> bool:
    """Whether a pack is a language's, by its name: an ISO 639-1 code; any other holds on pages of every language."""
    return len(pack) == 2


@lru_cache(maxsize=1)
def read_packs() -> RulePacks:
    """The packs that come with the package."""
    digest = blake2b(ALGORITHM, digest_size=16)
    tables: dict[str, dict[str, Any]] = {}
    for resource in sorted((files("transform") / "rules").iterdir(), key=lambda resource: resource.name):
        content = resource.read_bytes()
        digest.update(resource.name.encode() + b"\0" + content + b"\0")
        tables[resource.name.removesuffix(".toml")] = tomllib.loads(content.decode())
    terms = {name: {**tables[NEUTRAL]["terms"], **table.get("terms", {})} for name, table in tables.items()}
    packs = {name: read_rules(name, table["rules"], terms[name]) for name, table in tables.items()}
    scripts = {name: Script(table.get("script", Script.LATIN)) for name, table in tables.items()}
    languages: dict[str, tuple[str, ...]] = {}
    for name, table in tables.items():
        for language in table.get("languages", [] if name == NEUTRAL else [name]):
            languages[language] = (*languages.get(language, ()), name)
    return RulePacks(
        packs=MappingProxyType(packs),
        scripts=MappingProxyType(scripts),
        terms=MappingProxyType(terms),
        languages=MappingProxyType(languages),
        digest=digest.digest(),
    )


def _foreign(rule: Rule) -> Rule:
    """The rule as it holds on pages of other languages.

    On long blocks only English is tried there: of thirty packs, that alone would take half the time of cleaning.
    """
    is_common = rule.id.startswith(f"{LINGUA_FRANCA}.")
    return replace(rule, is_foreign=True, max_length=rule.max_length if is_common else min(rule.max_length, LENGTHS[0]))


def read_rules(
    pack: str, entries: Sequence[Mapping[str, Any]], terms: Mapping[str, str], sources: frozenset[str] = frozenset()
) -> tuple[Rule, ...]:
    """The rules of a pack, as its file has them; terms: what its patterns may use."""
    return tuple(replace(_read_rule(pack, entry, terms), sources=sources) for entry in entries)


def _read_rule(pack: str, entry: Mapping[str, Any], terms: Mapping[str, str]) -> Rule:
    kind = CutKind(entry["kind"])
    cased = entry.get("cased", False)
    pattern = "|".join(spelled_out(pattern, terms) for pattern in entry["patterns"])
    return Rule(
        id=f"{pack}.{kind}.{entry['name']}",
        kind=kind,
        zones=frozenset(map(Zone, entry.get("zones", Zone))),
        max_length=entry.get("max_length", LENGTHS[0]),
        cased=cased,
        label=entry.get("label", False),
        mentions=tuple(map(bare_letters, entry.get("mentions", ()))),
        opens=Opening(entry["opens"]) if "opens" in entry else None,
        unmistakable=entry.get("unmistakable", False),
        pattern=pattern if cased else bare_letters(pattern),
    )


def spelled_out(pattern: str, terms: Mapping[str, str]) -> str:
    """A pattern with its `<terms>` put in; terms may use other terms."""
    while re.search(r"<[a-z_]+>", pattern):
        pattern = re.sub(r"<([a-z_]+)>", lambda term: f"(?:{terms[term[1]]})", pattern)
    return pattern


@lru_cache(maxsize=64)  # reading one takes a tenth of a second
def screens_for(
    packs: RulePacks, language: str | None, scripts: frozenset[Script], source: str | None = None
) -> tuple[Screen, ...]:
    """The rules for an article of this language, for blocks of each length in `LENGTHS`; see `RulePacks.rules_for`."""
    rules = packs.rules_for(language, scripts, source)
    return tuple(_screen([rule for rule in rules if rule.max_length > shorter]) for shorter in (0, *LENGTHS[:-1]))


def screens_on(packs: RulePacks, article: Article) -> tuple[tuple[Screen, ...], ...]:
    """As `screens_for`, for this article: of the rules for all, and of those of its source; without those undone."""
    known = article.language in packs.languages
    language, scripts = (article.language, frozenset[Script]()) if known else (None, scripts_of(article))
    screens = [screens_for(packs, language, scripts)]
    if article.source in packs.sources:
        screens.append(screens_for(packs, language, scripts, article.source))
    undone = packs.undone_on(article.source)
    return tuple(tuple(_without(undone, screen) for screen in one) for one in screens)


def _without(undone: frozenset[str], screen: Screen) -> Screen:
    """The screen without some rules; what it says fast may then be in vain, and need not be compiled anew."""
    if not undone:
        return screen

    def left(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if rule.id not in undone)

    mentions = tuple((word, left(rules)) for word, rules in screen.mentions)
    return replace(screen, mentions=mentions, rules=left(screen.rules))


def _screen(rules: Sequence[Rule]) -> Screen:
    def any_of(cased: bool) -> re.Pattern[str]:
        return re.compile(
            "|".join(rule.pattern for rule in rules if rule.cased is cased and not rule.mentions) or "(?!)"
        )

    words = dict.fromkeys(word for rule in rules for word in rule.mentions)
    mentions = tuple((word, tuple(rule for rule in rules if word in rule.mentions)) for word in words)
    return Screen(plain=any_of(False), shown=any_of(True), mentions=mentions, rules=tuple(rules))


_LETTERS_OF = {
    Script.CYRILLIC: re.compile("[\u0400-\u04ff]"),
    Script.GREEK: re.compile("[\u0370-\u03ff]"),
    Script.HAN: UNSPACED,
    Script.HANGUL: HANGUL,
    Script.ARABIC: re.compile("[\u0600-\u06ff]"),
    Script.HEBREW: re.compile("[\u0590-\u05ff]"),
    Script.DEVANAGARI: re.compile("[\u0900-\u097f]"),
    Script.THAI: re.compile("[\u0e00-\u0e7f]"),
}


def scripts_of(article: Article) -> frozenset[Script]:
    """The scripts that the article has letters of; Latin ones stand everywhere."""
    texts = [block.text for block in article.blocks if not block.text.isascii()]
    found = (script for script, letters in _LETTERS_OF.items() if any(map(letters.search, texts)))
    return frozenset((Script.LATIN, *found))


Finding = tuple[CutKind, str]  # with the rule's id
