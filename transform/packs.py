"""The rule packs: what whole lines of clutter read like in each language, and where on a page they stand.

A pack is a data file (`rules/*.toml`), one a language or a few that are close, and one of no language. Equal digests
cut alike.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from extract.model import Article
from transform.lines import HANGUL, UNSPACED, bare_letters
from transform.model import CutKind

ALGORITHM = b"boilerplate 2"  # raise it with every change that cuts differently: it is part of the digest
NEUTRAL = "neutral"
LINGUA_FRANCA = "en"

# Characters. Most rules are about short lines, so that the longer a block, the fewer it is tried against; a block over
# the last length is tried against none.
LENGTHS = (160, 420, 900)


class Zone(StrEnum):
    """Where on the page a block stands; zones overlap, in a short article all but the body."""

    TOP = "top"
    """Before the first paragraph."""
    HEAD = "head"
    """Up to the second paragraph: the first may be the standfirst, with the byline under it."""
    BODY = "body"
    """Neither head nor tail."""
    TAIL = "tail"
    """At most three paragraphs follow, and a third of the text has passed."""


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
    languages: Mapping[str, tuple[str, ...]]  # a language's own packs, in order of trial
    digest: bytes

    def rules_for(self, language: str | None, scripts: frozenset[Script]) -> tuple[Rule, ...]:
        """The language's own packs, the neutral one, and of others what is unmistakable.

        Of English on every page, since page themes and widgets speak it everywhere; of all packs on a page of a
        language without its own, or of none: there only words are safe that mean nothing else in any language.
        scripts: that such a page has letters of; packs in others cannot match
        """
        own = (*self.languages.get(language or "", ()), NEUTRAL)
        others = {LINGUA_FRANCA} if len(own) > 1 else self._packs_in(scripts)
        foreign = (
            _foreign(rule) for pack in sorted(others - set(own)) for rule in self.packs[pack] if rule.unmistakable
        )
        return (*(rule for pack in own for rule in self.packs[pack]), *foreign)

    def _packs_in(self, scripts: frozenset[Script]) -> set[str]:
        return {pack for pack, script in self.scripts.items() if script in scripts}


@lru_cache(maxsize=1)
def read_packs() -> RulePacks:
    """The packs that come with the package."""
    digest = blake2b(ALGORITHM, digest_size=16)
    tables: dict[str, dict[str, Any]] = {}
    for resource in sorted((files("transform") / "rules").iterdir(), key=lambda resource: resource.name):
        content = resource.read_bytes()
        digest.update(resource.name.encode() + b"\0" + content + b"\0")
        tables[resource.name.removesuffix(".toml")] = tomllib.loads(content.decode())
    packs = {name: _read_pack(name, table, tables[NEUTRAL]["terms"]) for name, table in tables.items()}
    scripts = {name: Script(table.get("script", Script.LATIN)) for name, table in tables.items()}
    languages: dict[str, tuple[str, ...]] = {}
    for name, table in tables.items():
        for language in table.get("languages", [] if name == NEUTRAL else [name]):
            languages[language] = (*languages.get(language, ()), name)
    return RulePacks(
        packs=MappingProxyType(packs),
        scripts=MappingProxyType(scripts),
        languages=MappingProxyType(languages),
        digest=digest.digest(),
    )


def _foreign(rule: Rule) -> Rule:
    """The rule as it holds on pages of other languages.

    On long blocks only English is tried there: of thirty packs, that alone would take half the time of cleaning.
    """
    is_common = rule.id.startswith(f"{LINGUA_FRANCA}.")
    return replace(rule, is_foreign=True, max_length=rule.max_length if is_common else min(rule.max_length, LENGTHS[0]))


def _read_pack(pack: str, table: Mapping[str, Any], common: Mapping[str, str]) -> tuple[Rule, ...]:
    terms = {**common, **table.get("terms", {})}
    return tuple(_read_rule(pack, entry, terms) for entry in table["rules"])


def _read_rule(pack: str, entry: Mapping[str, Any], terms: Mapping[str, str]) -> Rule:
    kind = CutKind(entry["kind"])
    cased = entry.get("cased", False)
    pattern = "|".join(_spelled_out(pattern, terms) for pattern in entry["patterns"])
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


def _spelled_out(pattern: str, terms: Mapping[str, str]) -> str:
    """A pattern with its `<terms>` put in; terms may use other terms."""
    while re.search(r"<[a-z_]+>", pattern):
        pattern = re.sub(r"<([a-z_]+)>", lambda term: f"(?:{terms[term[1]]})", pattern)
    return pattern


def screens_for(packs: RulePacks, article: Article) -> tuple[Screen, ...]:
    """The rules for an article, for blocks of each length in `LENGTHS`."""
    if article.language in packs.languages:
        return _screens(packs, article.language, frozenset())
    return _screens(packs, None, scripts_of(article))


@lru_cache(maxsize=64)  # reading one takes a tenth of a second
def _screens(packs: RulePacks, language: str | None, scripts: frozenset[Script]) -> tuple[Screen, ...]:
    rules = packs.rules_for(language, scripts)
    return tuple(_screen([rule for rule in rules if rule.max_length > shorter]) for shorter in (0, *LENGTHS[:-1]))


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
