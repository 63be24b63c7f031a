"""Rules suggested from what repeats: shapes of lines that stand in several distinct stories of one source.

A shape is a line in plain form with its numbers, addresses and one stretch of words left open: 'published \\d{1,2}
.{1,20} at …', 'read also: .{1,80}'. Of all shapes that fit, the one is taken that explains the most letters, again and
again, as miners of log templates do; so 'read also:' wins over 'read', and over each headline under it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from extract.model import Block, BlockKind
from transform.boilerplate import zones_of
from transform.lines import Line, bare_letters, line_of, plain_form
from transform.model import CutKind, Zone
from transform.packs import LENGTHS, LINGUA_FRANCA, NEUTRAL, RulePacks
from transform.patterns import fault_of

MAX_EDGE = 6  # words at the beginning and at the end of a line that a shape may fix
MAX_OPEN = 200  # characters that a shape leaves open
MAX_SHAPES = 40  # suggested of one source
MIN_LETTERS = 7  # that a shape fixes, unless it fixes a label such as 'watch:'
EXAMPLES = 3

_NUMBER, _LONG_NUMBER, _ADDRESS = "\ue000", "\ue001", "\ue002"  # stand for what differs, in a plain form
_PATTERNS = {_NUMBER: r"\d{1,4}", _LONG_NUMBER: r"\d{5,12}", _ADDRESS: r"\S{4,80}"}
_OPEN_SIGNS = re.compile(f"[{_NUMBER}{_LONG_NUMBER}{_ADDRESS}]")
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_WORD = re.compile(r"[^\W\d_]{4,}")
_SPLIT = re.compile(r"\n\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredText:
    """What an article of a store says now, and whose story it tells: copies of one text count once."""

    story: int
    language: str | None
    authors: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A rule that may be worth having; a person decides."""

    name: str
    kind: CutKind  # guessed
    zones: tuple[Zone, ...]  # where its blocks were seen; empty where they stand in the midst of the text, too
    pattern: str
    label: bool
    max_length: int
    stories: int
    blocks: int
    examples: tuple[str, ...]
    is_varied: bool  # its blocks differ; those that are always the same a source's memory learns by itself


@dataclass(frozen=True, slots=True)
class _Shape:
    """The words that a line begins and ends with; what is between is open."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    is_open: bool

    @property
    def letters(self) -> int:
        return sum(map(len, (*self.first, *self.last)))

    @property
    def is_telling(self) -> bool:
        """Fixes enough to mean something: a label with its colon, or two words and some letters."""
        if not self.is_open:
            return self.letters >= MIN_LETTERS
        label = not self.last and self.first[-1].endswith((":", "|")) and self.letters >= 4
        return label or (len(self.first) + len(self.last) >= 2 and self.letters >= MIN_LETTERS)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """A line that could be clutter, where it was seen."""

    story: int
    line: Line
    zone: Zone

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(map(_general, self.line.plain.split(" ")))

    def shapes(self, frequent: frozenset[str]) -> Iterator[_Shape]:
        """What it may be an example of; of a sentence only what fixes half of its letters.

        frequent: words that begin or end lines of enough stories
        """
        words = self.words
        count = len(words)
        yield _Shape(words, (), is_open=False)
        firsts = range(min(MAX_EDGE, count - 1) + 1) if words[0] in frequent else (0,)
        lasts = range(min(MAX_EDGE, count - 1) + 1) if words[-1] in frequent else (0,)
        for first in firsts:
            for last in lasts:
                if 0 < first + last < count:
                    yield _Shape(words[:first], words[count - last :], is_open=True)

    def may_have(self, shape: _Shape) -> bool:
        is_text = self.line.is_prose or self.line.is_sentence
        return shape.is_telling and (not is_text or 2 * shape.letters >= len(self.line.plain))


def suggest(texts: Sequence[StoredText], packs: RulePacks, at_least: int) -> tuple[Suggestion, ...]:
    """Rules for what stands in so many distinct stories or more, the most frequent first."""
    seen = [one for text in texts for one in _lines(text)]
    kinds = _words_by_kind(packs, Counter(text.language for text in texts if text.language))
    found: list[Suggestion] = []
    for shape in _shapes(seen, at_least):
        suggestion = _suggestion(shape, seen, kinds, at_least, {one.name for one in found})
        if suggestion:
            found.append(suggestion)
    return tuple(sorted(found, key=lambda one: (-one.stories, one.name)))


def _lines(text: StoredText) -> list[_Seen]:
    """The lines of a text that a rule could be about."""
    names = (plain_form(bare_letters(name.lower()), ()) for name in text.authors)
    authors = sorted((name for name in names if " " in name), key=len, reverse=True)
    lines = [line_of(at, _block(part), authors) for at, part in enumerate(filter(None, _SPLIT.split(text.text)))]
    zones = (next(zone for zone in Zone if zone in those) for those in zones_of(lines))
    return [
        _Seen(story=text.story, line=line, zone=zone)
        for line, zone in zip(lines, zones, strict=True)
        if line.plain and len(line.block.text) <= LENGTHS[1]
    ]


def _block(part: str) -> Block:
    """A part of a stored text, which has the dashes of items and no other kinds."""
    if part.startswith("- "):
        return Block(text=part[2:], kind=BlockKind.ITEM)
    return Block(text=part)


def _general(word: str) -> str:
    """A word with its numbers left open; an address or handle is open as a whole."""
    if word != "@author" and re.search(r"://|www\.|\w@|^@\w", word):
        return _ADDRESS
    return re.sub(r"\d+", lambda run: _NUMBER if len(run[0]) <= 4 else _LONG_NUMBER, word)


def _shapes(seen: Sequence[_Seen], at_least: int) -> Iterator[_Shape]:
    """The shapes of enough stories, each the best for what those before it leave unexplained."""
    frequent = _frequent(seen, at_least)
    examples: defaultdict[_Shape, list[int]] = defaultdict(list)
    for index, one in enumerate(seen):
        for shape in one.shapes(frequent):
            if one.may_have(shape):
                examples[shape].append(index)
    left = {shape: those for shape, those in examples.items() if len({seen[n].story for n in those}) >= at_least}
    explained: set[int] = set()
    for _ in range(MAX_SHAPES):
        stories = {shape: len({seen[n].story for n in those}) for shape, those in left.items()}
        left = {shape: left[shape] for shape, count in stories.items() if count >= at_least}
        if not left:
            return
        best = max(left, key=lambda shape: (stories[shape] * shape.letters, shape.letters, shape.first, shape.last))
        yield best
        explained |= set(left.pop(best))
        left = {shape: [n for n in those if n not in explained] for shape, those in left.items()}


def _frequent(seen: Iterable[_Seen], at_least: int) -> frozenset[str]:
    """The words that begin or end lines of so many stories."""
    stories: defaultdict[str, set[int]] = defaultdict(set)
    for one in seen:
        for word in (one.words[0], one.words[-1]):
            stories[word].add(one.story)
    return frozenset(word for word, those in stories.items() if len(those) >= at_least)


def _suggestion(
    shape: _Shape, seen: Sequence[_Seen], kinds: Mapping[CutKind, Mapping[str, float]], at_least: int, taken: set[str]
) -> Suggestion | None:
    """The shape as a rule; None when it would take paragraphs that are no examples of it."""
    pattern = re.compile(_pattern(shape, seen))
    if fault_of(pattern.pattern, cased=False):
        return None
    matched = [one for one in seen if pattern.fullmatch(one.line.plain)]
    label = any(one.line.is_stopped and not one.may_have(shape) for one in matched)
    matched = [one for one in matched if not (label and one.line.is_stopped)]
    stories = {one.story for one in matched}
    texts = list(dict.fromkeys(one.line.block.text for one in matched))
    prose = [one for one in matched if one.line.is_prose]
    is_quoted = prose and len(texts) == 1  # what several reports have word for word, as a statement
    if len(stories) < at_least or is_quoted or not all(one.may_have(shape) for one in prose):
        return None
    zones = {one.zone for one in matched}
    return Suggestion(
        name=_name(shape, taken),
        kind=_kind(shape, kinds),
        zones=() if Zone.BODY in zones else tuple(zone for zone in Zone if zone in zones),
        pattern=pattern.pattern,
        label=label,
        max_length=next(length for length in LENGTHS if max(map(len, texts)) <= length),
        stories=len(stories),
        blocks=len(matched),
        examples=tuple(texts[:EXAMPLES]),
        is_varied=len(texts) > 1,
    )


def _pattern(shape: _Shape, seen: Sequence[_Seen]) -> str:
    first, last = (" ".join(map(_escaped, words)) for words in (shape.first, shape.last))
    if not shape.is_open:
        return first
    edges = (len(shape.first), len(shape.last))
    opened = [
        len(" ".join(one.line.plain.split(" ")[edges[0] : len(one.words) - edges[1]]))
        for one in seen
        if one.words[: edges[0]] == shape.first and one.words[len(one.words) - edges[1] :] == shape.last
    ]
    longest = min(math.ceil(max(opened) * 1.5 / 20) * 20, MAX_OPEN)
    return " ".join(filter(None, (first, f".{{1,{longest}}}", last)))


def _escaped(word: str) -> str:
    word = _SPECIAL.sub(r"\\\g<0>", word).replace("<", "[<]")
    return _OPEN_SIGNS.sub(lambda sign: _PATTERNS[sign[0]], word)


def _name(shape: _Shape, taken: set[str]) -> str:
    """What to call it: its first words, as far as they are of Latin letters."""
    words = re.findall(r"[a-z]+", " ".join((*shape.first, *shape.last)))
    name = "-".join(words[:4]) or "shape"
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


# --- What kind it may be --------------------------------------------------------------------------------------


def _words_by_kind(packs: RulePacks, languages: Mapping[str, int]) -> dict[CutKind, dict[str, float]]:
    """For each kind of clutter the words that its rules speak of, each with how telling it is.

    That is the share of the kind's rules that have it, by how few kinds have it: long lists of words weigh little.
    """
    words: defaultdict[CutKind, list[set[str]]] = defaultdict(list)
    for pack in sorted({*languages, LINGUA_FRANCA, NEUTRAL} & packs.packs.keys()):
        for rule in packs.packs[pack]:
            words[rule.kind].append(set(_WORD.findall(rule.pattern.lower())))
    kinds = Counter(word for rules in words.values() for word in set().union(*rules))
    return {
        kind: {
            word: count / len(rules) * math.log(1 + len(words) / kinds[word])
            for word, count in sorted(Counter(word for rule in rules for word in rule).items())
        }
        for kind, rules in words.items()
    }


def _kind(shape: _Shape, kinds: Mapping[CutKind, Mapping[str, float]]) -> CutKind:
    """The kind whose rules speak in the same words; without any: numbers are a date, a label heads related articles."""
    said = _WORD.findall(" ".join((*shape.first, *shape.last)))
    scores = {kind: sum(words.get(word, 0.0) for word in said) for kind, words in kinds.items()}
    best = max(sorted(scores), key=lambda kind: scores[kind], default=None)
    if best is not None and scores[best]:
        return best
    if _OPEN_SIGNS.search(" ".join((*shape.first, *shape.last))):
        return CutKind.BYLINE
    return CutKind.RELATED if shape.is_open and not shape.last else CutKind.ADVERT


# --- As a file ------------------------------------------------------------------------------------------------


def pack_text(suggestions: Sequence[Suggestion], source: str, language: str | None, opening: str) -> str:
    """A pack of these rules for one source, with examples; opening: a comment above all."""
    head = [*(f"# {line}" for line in opening.splitlines()), f"sources = {_strings([source])}"]
    if language:
        head.append(f'language = "{language}"  # of the examples')
    return "\n\n".join(["\n".join(head), *map(_rule_text, suggestions)]) + "\n"


def _rule_text(one: Suggestion) -> str:
    same = "" if one.is_varied else "; always the same, so the source's memory may learn it by itself"
    lines = [
        f"# In {one.stories} stories, {one.blocks} blocks{same}.",
        "[[rules]]",
        f"name = {_literal(one.name)}",
        f'kind = "{one.kind}"',
        *([f"zones = {_strings(one.zones)}"] if one.zones else []),
        *(["label = true"] if one.label else []),
        *([f"max_length = {one.max_length}"] if one.max_length != LENGTHS[0] else []),
        f"patterns = [{_literal(one.pattern)}]",
    ]
    if "@author" not in one.pattern:  # whose name the page of an example does not know
        position = one.zones[0] if one.zones else Zone.BODY
        lines += ["", "[[must_cut]]", f'kind = "{one.kind}"', f'position = "{position}"']
        lines.append("\n".join(["lines = [", *(f"    {_string(text)}," for text in one.examples), "]"]))
    return "\n".join(lines)


def _literal(text: str) -> str:
    """TOML that takes backslashes as they are, where it can."""
    if "'" not in text:
        return f"'{text}'"
    return f"'''{text}'''" if "'''" not in text and not text.endswith("'") else _string(text)


def _string(text: str) -> str:
    """What JSON writes is TOML, too, but for DEL (TOML 1.0, Basic Strings)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _strings(texts: Iterable[str]) -> str:
    return f"[{', '.join(_string(str(text)) for text in texts)}]"
