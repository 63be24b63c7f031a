"""Text as it is compared, never as it is shown: its normal form, and what of that is left to tell words by.

The rules are those of single characters, so they are kept in tables by code point and a text is looked up at once. Only
characters that become several, or that join the one before them, take a longer way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import chain

import numpy as np
import numpy.typing as npt

CodePoints = npt.NDArray[np.uint32]
Kinds = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

# Dropped, so that "don't", "don’t" and "dont" are one word. The Greek ones are elision signs; NFKC would turn them, and
# the acute accent, into a space and a stray mark.
_APOSTROPHES = (
    "'‘’‚‛′`´＇ʹʻʼʽʾʿˈ\N{ARMENIAN APOSTROPHE}\N{HEBREW PUNCTUATION GERESH}"
    "\N{GREEK KORONIS}\N{GREEK PSILI}\N{GREEK DASIA}\N{GREEK OXIA}\N{GREEK TONOS}"
)
# Soft hyphens, joiners, marks of direction, variation selectors (which choose a glyph, as in emoji), the tatweel, which
# makes an Arabic word wider, and the Greek iota below a vowel, which capitals have beside it or not at all.
_INVISIBLE = (
    "\N{SOFT HYPHEN}\N{COMBINING GREEK YPOGEGRAMMENI}\N{COMBINING GRAPHEME JOINER}\N{ARABIC LETTER MARK}"
    "\N{ARABIC TATWEEL}\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
)
_DROPPED = re.compile(f"[{_APOSTROPHES}{_INVISIBLE}]")

# Marks without which a word is still the same word, and which publishers leave out: accents of Latin, Greek and
# Cyrillic, points of Hebrew, vowels of Arabic, Syriac; not the vowels of India, nor the sound marks of kana.
_OPTIONAL_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u08ca-\u08e1\u08e3-\u08ff"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2cef-\u2cf1\ua66f-\ua672\ua674-\ua67d\ua69e\ua69f\ufe20-\ufe2f"
)
_OPTIONAL = re.compile(f"[{_OPTIONAL_MARKS}]")
# One letter that is typed in several ways: with a stroke or without a dot where others have an accent, and the Arabic
# letters that keyboards of different countries put in each other's place.
_ALIKE = str.maketrans(
    {
        "ł": "l",
        "đ": "d",
        "ø": "o",
        "ħ": "h",
        "ŧ": "t",
        "ı": "i",
        "\N{ARABIC LETTER ALEF WASLA}": "\N{ARABIC LETTER ALEF}",
        "\N{ARABIC LETTER ALEF MAKSURA}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}",
    }
)

# Thai, Lao, Khmer, Myanmar: letters; kana, Han: characters. Both written without spaces between words.
_LETTERS = ((0x0E00, 0x0F00), (0x1000, 0x10A0), (0xA9E0, 0xAA00), (0xAA60, 0xAA80), (0x1780, 0x1800))
_CHARACTERS = (
    *((0x3005, 0x3008), (0x3021, 0x302A), (0x3038, 0x303C), (0x3041, 0x3100), (0x31F0, 0x3200), (0x3400, 0xA000)),
    *((0xF900, 0xFB00), (0x1B000, 0x1B170), (0x20000, 0x40000)),
)

# What a code point is to the word it stands in.
WORD, LETTER, CHARACTER, MARK, SPACE = range(5)

_CODE_POINTS = 0x110000
# Han and Hangul: they stay as they are, and looking at each would take most of the time.
_THEMSELVES = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2F800), (0x30000, 0x34000))
_COMPATIBLE = range(0x2F800, 0x2FA20)  # ideographs
_LOOKED_AT = (
    range(0x3400),
    range(0xA000, 0xAC00),
    range(0xD7A4, 0xD800),
    range(0xF900, 0x20000),
    range(0x2F800, 0x2FA20),
)
_NO_CHARACTER = ("Cc", "Cn", "Co")  # control characters, and what no character has been given or ever will
_JAMO = range(0x1161, 0x1200)  # vowels and finals of Hangul, which join the letter before them
_SPACE = ord(" ")
_JOINS = 1 << 30  # flags a character that may become one with that before it
_SEVERAL = 1 << 31  # one that becomes several
_POINT = _JOINS - 1


def normalize(text: str) -> str:
    """The words of a text, case folded, one space between; normalising twice is normalising once.

    Entities are resolved, compatibility forms unified (NFKC), apostrophes and invisible characters dropped, the digits
    of all scripts made ASCII; all else that is not a letter, mark or number of any script becomes a space.
    """
    plain = unescape(text)
    tables = _tables()
    points = _points(plain)
    normal = tables.normal[points]
    if normal.max(initial=0) >= _SEVERAL:
        plain = tables.spelled_out(plain, points[normal >= _SEVERAL])
        normal = tables.normal[_points(plain)]
    if normal.max(initial=0) >= _JOINS:
        return tables.joined(plain)
    normal = normal[normal != 0]
    again = normal == _SPACE
    again[1:] &= again[:-1]
    return _text(normal[~again]).strip()


def words(text: str) -> list[str]:
    """The normal form, split; a character of a script written without spaces is a word of its own, marks included."""
    normal = normalize(text)
    if normal.isascii():
        return normal.split()
    points = _points(normal + " ")
    starts, ends = word_spans(kinds(points))
    return [normal[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def letters(normal: str) -> CodePoints:
    """The code points by which the words of a normal form are compared: without accents and what else is optional."""
    points = _points(normal)
    if normal.isascii():
        return points
    bare = _tables().bare[points]
    kept: CodePoints = bare[bare != 0]
    return kept


def kinds(points: CodePoints) -> Kinds:
    """What each code point is to the word it stands in: WORD, LETTER, CHARACTER, MARK or SPACE."""
    found: Kinds = _tables().kinds[points]
    return found


def word_spans(kinds: Kinds) -> tuple[Places, Places]:
    """Where each word starts and ends, in texts that end with a space each."""
    before = np.concatenate([np.array([SPACE], dtype=np.uint8), kinds[:-1]])
    marks = kinds == MARK
    if marks.any():
        bearers = np.maximum.accumulate(np.where(marks, 0, np.arange(len(kinds))))
        before[1:] = kinds[bearers[:-1]]
    starting = (kinds < MARK) & ((kinds | before) != WORD)
    edges = np.flatnonzero(starting | (kinds == SPACE))
    first = np.flatnonzero(starting[edges])
    return edges[first], edges[first + 1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tables:
    """What each code point becomes."""

    normal: CodePoints  # 0 where it is dropped; flagged where that is not all
    several: Mapping[int, str]
    bare: CodePoints  # of the characters of normal forms; 0 where one is dropped
    kinds: Kinds
    loose: re.Pattern[str]  # marks that follow no letter

    def spelled_out(self, text: str, points: CodePoints) -> str:
        """The text with these characters replaced by the several that they become."""
        for point in np.unique(points).tolist():
            text = text.replace(chr(point), self.several[point])
        return text

    def joined(self, text: str) -> str:
        """The normal form of a text with marks; a mark is one character with its letter where there is such a one."""
        for _ in range(2):  # what is dropped may have stood between the two
            normal = self.normal[_points(unicodedata.normalize("NFC", text))] & np.uint32(_POINT)
            text = _text(normal[normal != 0])
        return " ".join(self.loose.sub(" ", text).split())


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    """A tenth of a second's work, once a process."""
    chars = [char for char in map(chr, chain(*_LOOKED_AT)) if unicodedata.category(char) not in _NO_CHARACTER]
    marks = "".join(char for char in chars if unicodedata.category(char)[0] == "M")
    loose = re.compile(f"(?:^| )[{marks}]+")
    normal, several = _normal_forms(chars, frozenset(marks), loose)
    return _Tables(normal=normal, several=several, bare=_bare_forms(chars), kinds=_kinds(marks), loose=loose)


def _normal_forms(
    chars: Sequence[str], marks: frozenset[str], loose: re.Pattern[str]
) -> tuple[CodePoints, dict[int, str]]:
    normal = np.full(_CODE_POINTS, _SPACE, dtype=np.uint32)
    for start, stop in _THEMSELVES:
        normal[start:stop] = np.arange(start, stop)
    normal[0xE0000:0xE1000] = 0  # tags and more variation selectors
    several = {}
    for char, folded in zip(chars, _of_each(_folded, chars), strict=True):
        form = "".join(_in_words(part, marks) for part in folded)
        form = loose.sub(" ", form) if form[:1] == " " else form  # an accent that stands for itself
        if len(form.strip()) > 1:
            several[ord(char)] = form
        normal[ord(char)] = _code(form, char in marks or form in marks)
    normal[_JAMO] |= np.uint32(_JOINS)
    return normal, several


def _code(form: str, joins: bool) -> int:
    if len(form.strip()) > 1:
        return _SEVERAL
    return ord(form.strip() or form[:1]) | (_JOINS if joins else 0) if form else 0


def _folded(text: str) -> str:
    """Compatibility forms unified and case folded, character by character of a text of single ones."""
    for _ in range(2):  # a step may bring forth what the one before has removed: ″ becomes two primes
        apart = unicodedata.normalize("NFKD", _DROPPED.sub("", text))
        text = unicodedata.normalize("NFKC", _DROPPED.sub("", apart)).casefold().replace("i̇", "i")
    return unicodedata.normalize("NFKC", _DROPPED.sub("", text))


def _in_words(char: str, marks: frozenset[str]) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return char if char.isalnum() or char in marks else " "


def _bare_forms(chars: Sequence[str]) -> CodePoints:
    bare = np.arange(_CODE_POINTS, dtype=np.uint32)
    for char, form in zip(chars, _of_each(_without_options, chars), strict=True):
        if len(form) < 2:
            bare[ord(char)] = ord(form) if form else 0
    return bare


def _without_options(text: str) -> str:
    apart = _OPTIONAL.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", apart).translate(_ALIKE)


def _of_each(rule: Callable[[str], str], chars: Sequence[str]) -> list[str]:
    """The rule applied to each character alone, by one call: much faster than by many."""
    return rule("\n".join(chars)).split("\n")


def _kinds(marks: str) -> Kinds:
    table = np.full(_CODE_POINTS, WORD, dtype=np.uint8)
    for ranges, kind in ((_LETTERS, LETTER), (_CHARACTERS, CHARACTER)):
        for start, stop in ranges:
            table[start:stop] = kind
    table[[ord(mark) for mark in marks]] = MARK
    table[_SPACE] = SPACE
    return table


def _points(text: str) -> CodePoints:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _text(points: CodePoints) -> str:
    return points.astype("<u4", copy=False).tobytes().decode("utf-32-le")
