"""The blocks of an article that are not its text, found and cut, each cut on record with its rule.

Rule packs (`rules/*.toml`, one a language, and one of no language) say what whole lines of clutter read like and where
on a page they stand; the structure of the page says the rest. Nothing is looked for inside a paragraph, so an article
may write about cookies, newsletters and adverts. In doubt a block stays: a good line lost is worse than a leftover.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Any

from extract.model import Article, Block, BlockKind
from transform.model import CleanArticle, Cut, CutKind
from transform.normalize import normalize

ALGORITHM = b"boilerplate 2"  # raise it with every change that cuts differently: it is part of the digest
NEUTRAL = "neutral"
LINGUA_FRANCA = "en"

# Characters. Most rules are about short lines, so that the longer a block, the fewer it is tried against; a block over
# the last length is tried against none.
LENGTHS = (160, 420, 900)
TITLE = 15  # characters of a normal form; shorter ones are subheadings as often as titles
HEADLINE = 200  # characters; no headline of another article is longer
PROSE = 80  # characters; shorter blocks are not taken for paragraphs of the text
PROSE_UNSPACED = 20  # the same in characters of Han or kana, which say more each
UNSPACED_WORDS = 5  # so many of them are two words or more
UNSPACED_HEADLINE = range(10, 61)  # so many may be a headline, which takes five words of others


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
    digest: bytes

    def rules_for(self, language: str | None, scripts: frozenset[Script]) -> tuple[Rule, ...]:
        """The language's own pack, the neutral one, and of others what is unmistakable.

        Of English on every page, since page themes and widgets speak it everywhere; of all packs on a page of a
        language without its own, or of none: there only words are safe that mean nothing else in any language.
        scripts: that the page has letters of; packs in others cannot match
        """
        own = [pack for pack in (language, NEUTRAL) if pack is not None and pack in self.packs]
        others = {LINGUA_FRANCA} if language in self.packs else self._packs_in(scripts)
        foreign = (rule for pack in sorted(others - set(own)) for rule in self.packs[pack] if rule.unmistakable)
        return (*(rule for pack in own for rule in self.packs[pack]), *(replace(r, is_foreign=True) for r in foreign))

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
    return RulePacks(packs=MappingProxyType(packs), scripts=MappingProxyType(scripts), digest=digest.digest())


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
        mentions=tuple(map(_bare_letters, entry.get("mentions", ()))),
        opens=Opening(entry["opens"]) if "opens" in entry else None,
        unmistakable=entry.get("unmistakable", False),
        pattern=pattern if cased else _bare_letters(pattern),
    )


def _spelled_out(pattern: str, terms: Mapping[str, str]) -> str:
    """A pattern with its `<terms>` put in; terms may use other terms."""
    while re.search(r"<[a-z_]+>", pattern):
        pattern = re.sub(r"<([a-z_]+)>", lambda term: f"(?:{terms[term[1]]})", pattern)
    return pattern


@lru_cache(maxsize=64)
def _screens(packs: RulePacks, language: str | None, scripts: frozenset[Script]) -> tuple[Screen, ...]:
    """For blocks of each length in `LENGTHS`."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A block and what is asked about it again and again."""

    position: int
    block: Block
    lower: str  # the text in lower case, letters bare; empty, as the next, for blocks too long to match
    plain: str  # see `_plain`
    is_prose: bool  # a paragraph of the text, by its looks
    is_sentence: bool  # ends like one

    @property
    def is_stopped(self) -> bool:
        text = self.block.text
        return (text.endswith(".") and text.count(" ") >= 2) or (text.endswith("。") and len(text) >= UNSPACED_WORDS)

    @property
    def is_headline(self) -> bool:
        """Could be the headline of another article: those end in no full stop, though some in a question mark."""
        return not self.is_prose and (not self.is_sentence or self.block.text.endswith(("?", "!")))

    @property
    def is_linked(self) -> bool:
        return self.block.link_share >= 0.5

    @property
    def is_link(self) -> bool:
        return self.block.kind is BlockKind.PARAGRAPH and self.block.link_share > 0.95

    @property
    def is_listed(self) -> bool:
        return self.is_linked or (self.block.kind is BlockKind.ITEM and len(self.block.text) <= HEADLINE)


_KIN = tuple(
    (kin, sign)
    for sign, kins in {
        "'": "’‘‛´`",
        '"': "“”„‟«»",
        "-": "–—−‑",
        "": "\N{SOFT HYPHEN}",
        ":": "：",  # wide ones beside Han and kana
        "(": "（",
        ")": "）",
        "|": "｜",
        "/": "／",
    }.items()
    for kin in kins
)
# Letters that are written in one way and another: capitals lose their accents in Greek, Turkish has two letters i.
_LETTERS = tuple(
    (kin, letter)
    for letter, kins in {
        "е": "ё",
        "i": "ı",
        "": "\N{COMBINING DOT ABOVE}",  # what `lower` makes of İ
        "α": "ά",
        "ε": "έ",
        "η": "ή",
        "ι": "ίϊΐ",
        "ο": "ό",
        "υ": "ύϋΰ",
        "ω": "ώ",
    }.items()
    for kin in kins
)
_CORE = re.compile(r"[\w@©#](?:.*\w)?")
_CLOSING = frozenset({CutKind.COMMENT_PROMPT, CutKind.COPYRIGHT})
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*(?=\w)")
_SENTENCE = re.compile(r"[.!?…。！？؟।](?:[\"'’”»“)\]」』）】]|\[\d{1,3}\])*$")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def _line(position: int, block: Block, authors: Sequence[str]) -> Line:
    text = block.text
    lower = _bare_letters(text.lower()) if len(text) <= LENGTHS[-1] else ""
    is_sentence = bool(_SENTENCE.search(text, max(len(text) - 8, 0)))
    at_least = PROSE_UNSPACED if _is_unspaced(text, 1) else PROSE
    return Line(
        position=position,
        block=block,
        lower=lower,
        plain=_plain(lower, authors),
        is_prose=block.kind in (BlockKind.PARAGRAPH, BlockKind.QUOTE)
        and block.link_share < 0.5
        and len(text) >= (at_least if is_sentence else 3 * at_least),
        is_sentence=is_sentence,
    )


def _bare_letters(lower: str) -> str:
    if not lower.isascii():
        for kin, letter in _LETTERS:
            lower = lower.replace(kin, letter)
    return lower


def _plain(lower: str, authors: Sequence[str]) -> str:
    """Plain quotes and dashes, bare edges, and `@author` for the name of an author of the article."""
    for kin, sign in _KIN:  # many times faster than `translate`, which looks every character up
        lower = lower.replace(kin, sign)
    core = _CORE.search(lower)
    plain = core[0] if core else ""
    for author in authors:
        plain = plain.replace(author, "@author")
    return plain


_LETTERS_OF = {
    Script.CYRILLIC: re.compile("[\u0400-\u04ff]"),
    Script.GREEK: re.compile("[\u0370-\u03ff]"),
    Script.HAN: _UNSPACED,
}


def _scripts_of(article: Article) -> frozenset[Script]:
    """The scripts that the article has letters of; Latin ones stand everywhere."""
    texts = [block.text for block in article.blocks if not block.text.isascii()]
    found = (script for script, letters in _LETTERS_OF.items() if any(map(letters.search, texts)))
    return frozenset((Script.LATIN, *found))


Finding = tuple[CutKind, str]  # with the rule's id
Found = dict[int, Finding]  # by index in the lines at hand
Zones = tuple[Zone, ...]


def strip_boilerplate(article: Article, packs: RulePacks) -> CleanArticle:
    """The article's text, and what is cut from it: all blocks in order, each in one of the two.

    Clutter hides clutter: what stands before the comment form is the tail only once the form is gone. So the page is
    swept until nothing more is found, and stripping a clean article again cuts nothing.
    """
    names = (_plain(_bare_letters(name.lower()), ()) for name in article.authors)
    authors = sorted((name for name in names if " " in name or _UNSPACED.search(name)), key=len, reverse=True)
    titles = _title_forms(article.title)
    screens = _screens(packs, article.language, _scripts_of(article))

    @cache  # the sweeps ask again and again
    def match(line: Line, zones: Zones) -> Rule | None:
        return _match(line, zones, screens) or _match_sentences(line, zones, screens, authors)

    lines = [_line(position, block, authors) for position, block in enumerate(article.blocks)]
    cuts: list[Cut] = []
    while found := _sweep(lines, titles, match):
        cuts += [_cut(lines[index], finding) for index, finding in found.items()]
        lines = [line for index, line in enumerate(lines) if index not in found]
    return CleanArticle(
        article=article,
        blocks=tuple(line.block for line in lines),
        cuts=tuple(sorted(cuts, key=lambda cut: cut.position)),
    )


def _cut(line: Line, finding: Finding) -> Cut:
    kind, rule = finding
    return Cut(position=line.position, text=line.block.text, kind=kind, rule=rule)


def _sweep(lines: Sequence[Line], titles: tuple[str, ...], match: Callable[[Line, Zones], Rule | None]) -> Found:
    """What falls with these lines on the page; where two rules agree, the first one is named."""
    zones = _zones(lines)
    matched = {
        index: rule
        for index, line in enumerate(lines)
        if (rule := match(line, zones[index])) and not _is_of_the_story(rule, index, lines)
    }
    matched = {index: rule for index, rule in matched.items() if not _heads_text(rule, index, lines, zones, matched)}
    found = _repeated_titles(lines, zones, titles)
    found |= {index: (rule.kind, rule.id) for index, rule in matched.items()}
    found = _names_beside_biographies(lines, found) | _cards(lines, zones, found) | found
    for index, rule in matched.items():
        if rule.opens:
            found = _under(rule, index, lines, zones, found) | found
    found = _linked_headlines(lines, found) | found
    return _above_title(lines, zones, titles) | _below_text(lines, found) | found


def _zones(lines: Sequence[Line]) -> list[Zones]:
    """For each line the zones it stands in, see `Zone`."""
    count = [0, *accumulate(line.is_prose for line in lines)]
    extent = [0, *accumulate(len(line.block.text) if line.is_prose else 0 for line in lines)]

    def zones(index: int) -> Iterator[Zone]:
        if count[index] == 0:
            yield Zone.TOP
        if count[index] <= 1:
            yield Zone.HEAD
        if count[-1] - count[index + 1] <= 3 and 3 * extent[index] >= extent[-1]:
            yield Zone.TAIL

    return [tuple(zones(index)) or (Zone.BODY,) for index in range(len(lines))]


def _match(line: Line, zones: Zones, screens: Sequence[Screen]) -> Rule | None:
    """The first rule that matches the block where it stands."""
    text = line.block.text
    if len(text) > LENGTHS[-1]:
        return None
    screen = screens[bisect_left(LENGTHS, len(text))]
    if screen.plain.fullmatch(line.plain) or screen.shown.fullmatch(text):
        rules = screen.rules
    else:
        rules = tuple(chain.from_iterable(those for word, those in screen.mentions if word in line.lower))
    return next((rule for rule in rules if _applies(rule, line, zones)), None)


def _match_sentences(line: Line, zones: Zones, screens: Sequence[Screen], authors: Sequence[str]) -> Rule | None:
    """The rule of the first sentence, where every sentence of a short block is clutter of one kind."""
    sentences = _BETWEEN_SENTENCES.split(line.block.text) if len(line.block.text) <= LENGTHS[1] else []
    if not 2 <= len(sentences) <= 4:
        return None
    kind = first = None
    for sentence in sentences:
        rule = _match(_line(line.position, replace(line.block, text=sentence), authors), zones, screens)
        if rule is None or kind not in (None, rule.kind):
            return None
        first, kind = first or rule, rule.kind
    return first


_compiled = cache(re.compile)  # re itself keeps the last 512, and there are more rules


def _is_unspaced(text: str, at_least: int) -> bool:
    """Whether it is of Han or kana, which no spaces part, and that long."""
    return len(text) >= at_least and not text.isascii() and _UNSPACED.search(text) is not None


def _applies(rule: Rule, line: Line, zones: Zones) -> bool:
    text = line.block.text if rule.cased else line.plain
    return (
        len(line.block.text) <= rule.max_length
        and not rule.zones.isdisjoint(zones)
        and not (rule.label and line.is_stopped)
        and not (rule.is_foreign and " " not in line.plain and not _is_unspaced(line.plain, UNSPACED_WORDS))
        and _compiled(rule.pattern).fullmatch(text) is not None
    )


def _is_of_the_story(rule: Rule, index: int, lines: Sequence[Line]) -> bool:
    """Whether a biography of someone not known to be the author is of a person the text has named before."""
    if rule.kind is not CutKind.AUTHOR_BIO or not rule.cased:
        return False
    name = " ".join(lines[index].block.text.split()[:2])
    return any(name in line.block.text for line in lines[:index] if line.is_prose)


def _heads_text(
    rule: Rule, index: int, lines: Sequence[Line], zones: Sequence[Zones], matched: Mapping[int, Rule]
) -> bool:
    """Whether a word that is clutter only by its place, as 'Politics', is the heading of the next paragraph."""
    return (
        rule.label
        and Zone.BODY not in rule.zones
        and rule.kind not in (CutKind.BYLINE, CutKind.AUTHOR_BIO)
        and Zone.TOP not in zones[index]
        and index - 1 not in matched
        and any(line.is_prose for line in lines[index + 1 : index + 2])
    )


_TITLE_BREAK = re.compile(r"\s[-–—|·»]\s|[:|»]\s*")


def _title_forms(title: str) -> tuple[str, ...]:
    """The title as it may stand over the text: whole, then without its kicker, without the site's name."""
    breaks = list(_TITLE_BREAK.finditer(title))
    parts = [title[: found.start()] for found in breaks] + [title[found.end() :] for found in breaks]
    return (normalize(title), *(form for form in map(normalize, parts) if len(form) >= TITLE))


def _repeated_titles(lines: Sequence[Line], zones: Sequence[Zones], titles: tuple[str, ...]) -> Found:
    """The title standing at the head of the text, with another kicker before it too, or a line twice."""
    repeated: Found = {}
    seen = set(filter(None, titles))
    for index, line in enumerate(lines):
        if Zone.HEAD not in zones[index] or line.is_prose or len(line.block.text) > LENGTHS[-1]:
            continue
        normal = normalize(line.block.text)
        kicker = len(normal) - len(titles[0])
        if normal in seen or (len(titles[0]) >= TITLE and kicker < LENGTHS[0] and normal.endswith(f" {titles[0]}")):
            repeated[index] = (CutKind.TITLE_AGAIN, "structure.title-again.title")
        elif len(normal) >= TITLE:
            seen.add(normal)
    return repeated


def _above_title(lines: Sequence[Line], zones: Sequence[Zones], titles: tuple[str, ...]) -> Found:
    """What stands over the title, before any paragraph, is the head of the page: navigation, address, date."""
    top = [index for index, line in enumerate(lines) if Zone.TOP in zones[index] and not line.is_prose]
    title = next((index for index in top if normalize(lines[index].block.text) in titles), 0)
    return dict.fromkeys(range(title), (CutKind.SECTION_LABEL, "structure.section-label.above-title"))


def _below_text(lines: Sequence[Line], found: Found) -> Found:
    """What stands below the comment prompt or the copyright notice, when no paragraph of the article follows.

    Tables stay: the extractor moves those of the text to the end.
    """
    last = max((index for index, line in enumerate(lines) if line.is_prose and index not in found), default=len(lines))
    ends = (index for index in sorted(found) if index > last and found[index][0] in _CLOSING)
    below = range(next(ends, len(lines)) + 1, len(lines))
    fallen = (CutKind.SECTION_LABEL, "structure.section-label.below-text")
    return {index: fallen for index in below if lines[index].block.kind is not BlockKind.ROW}


def _names_beside_biographies(lines: Sequence[Line], found: Found) -> Found:
    """A name over a biography that begins with it, and what stands between the two."""
    names: Found = {}
    for index in (index for index, (kind, _) in found.items() if kind is CutKind.AUTHOR_BIO):
        for start in range(max(index - 3, 0), index):
            name = lines[start].plain
            is_name = " " in name and len(name) <= 40 and lines[index].plain.startswith((f"{name} ", f"{name}, "))
            if is_name and not any(line.is_prose for line in lines[start:index]):
                names |= dict.fromkeys(range(start, index), (CutKind.AUTHOR_BIO, "structure.author-bio.name"))
    return names


def _cards(lines: Sequence[Line], zones: Sequence[Zones], found: Found) -> Found:
    """At the tail, a headline, a paragraph that breaks off and the label of a picture: the card of another article."""
    cards: Found = {}
    for index, (kind, _) in found.items():
        if kind is CutKind.CAPTION and index >= 2 and index - 2 not in found and Zone.TAIL in zones[index - 2]:
            headline, teaser = lines[index - 2 : index]
            is_cut_off = not teaser.is_sentence or teaser.block.text.endswith(("…", "..."))
            if headline.is_headline and is_cut_off and len(teaser.block.text) >= PROSE:
                cards |= dict.fromkeys((index - 2, index - 1), (CutKind.RELATED, "structure.related.card"))
    return cards


# What ends an article: after it a lone paragraph is a teaser.
_ENDS = {CutKind.AUTHOR_BIO, CutKind.COMMENT_PROMPT, CutKind.COPYRIGHT, CutKind.TAG_LIST}
_LIST_MAX = 30  # blocks under one heading
_UNLISTED_MAX = 10  # lines of them that are neither links nor items: more are rather a text of short lines


def _under(rule: Rule, heading: int, lines: Sequence[Line], zones: Sequence[Zones], found: Found) -> Found:
    """What falls with a heading; a heading over the first paragraph of the page opens nothing."""
    if not any(line.is_prose for line in lines[:heading]):
        return {}
    if rule.opens is Opening.LIST:
        under = _list_under(heading, lines, zones, found)
    else:
        under = _paragraph_under(heading, lines)
    return dict.fromkeys(under, (rule.kind, f"{rule.id}/under"))


def _list_under(heading: int, lines: Sequence[Line], zones: Sequence[Zones], found: Found) -> list[int]:
    """Headlines, items and links, up to where the text returns: at a sentence that stands by itself."""
    is_over = any(kind in _ENDS and index < heading and Zone.TAIL in zones[index] for index, (kind, _) in found.items())
    taken: list[int] = []
    end = min(heading + 1 + _LIST_MAX, len(lines))
    for index in (index for index in range(heading + 1, end) if index not in found):
        line = lines[index]
        is_teaser = is_over and line.is_prose and not any(after.is_prose for after in lines[index + 1 : index + 2])
        if not (line.is_listed or line.is_headline or is_teaser):
            return _amid_text(taken, lines)
        taken.append(index)
    return taken if end == len(lines) else _amid_text(taken, lines)


def _amid_text(taken: list[int], lines: Sequence[Line]) -> list[int]:
    """What falls of a list that text follows: of many short lines only links and items, and not the next heading.

    That is a last line unlike the others, or marked as one. Many short lines may be a song, a table, a programme.
    """
    listed = [index for index in taken if lines[index].is_listed]
    if len(taken) - len(listed) > _UNLISTED_MAX:
        return listed
    is_heading = taken and not lines[taken[-1]].is_listed
    return taken[:-1] if is_heading and (listed or lines[taken[-1]].block.kind is BlockKind.HEADING) else taken


def _paragraph_under(heading: int, lines: Sequence[Line]) -> list[int]:
    """The next paragraph and up to two short lines before it, as a name and an office, if at most one more follows."""
    for index in range(heading + 1, min(heading + 4, len(lines))):
        if lines[index].is_sentence:
            is_last = sum(line.is_prose for line in lines[index + 1 :]) <= 1
            return list(range(heading + 1, index + 1)) if is_last else []
    return []


def _linked_headlines(lines: Sequence[Line], found: Found) -> Found:
    """Headlines of other articles between paragraphs: lines that are links for the most part.

    Only after the end of a sentence: after a heading or a colon they are the article's own list, after half a sentence
    a piece of it. A line that is all link and stands alone over a paragraph may be a subheading.
    """
    headlines: Found = {}
    for index, line in enumerate(lines):
        is_next = index - 1 in headlines
        is_after = index == 0 or index - 1 in found or (lines[index - 1].is_prose and lines[index - 1].is_sentence)
        after = lines[index + 1] if index + 1 < len(lines) else None
        heads_text = not is_next and line.is_link and after is not None and after.is_prose
        goes_on = after is not None and after.block.text[:1].islower()
        if (is_next or is_after) and _is_linked_headline(line, is_next) and not heads_text and not goes_on:
            headlines[index] = (CutKind.RELATED, "structure.related.linked-headline")
    return headlines


def _is_linked_headline(line: Line, is_next: bool) -> bool:
    """is_next: whether one stands before it; then fewer words will do, and a price may outweigh the link."""
    block = line.block
    return (
        block.kind in (BlockKind.PARAGRAPH, BlockKind.ITEM)
        and (line.is_linked or (is_next and block.kind is BlockKind.ITEM and block.link_share >= 0.25))
        and len(block.text) <= HEADLINE
        and (
            len(block.text) in UNSPACED_HEADLINE
            if _is_unspaced(block.text, 1)
            else len(block.text) >= 20 and block.text.count(" ") >= (2 if is_next else 4)
        )
        and (line.is_headline or block.text.endswith(("..", "…")))
        and not block.text.endswith((":", ","))
    )
