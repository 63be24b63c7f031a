"""A block of an article and what cleaning asks about it again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from extract.model import Block, BlockKind

HEADLINE = 200  # characters; no headline of another article is longer
PROSE = 80  # characters; shorter blocks are not taken for paragraphs of the text
PROSE_UNSPACED = 20  # the same in characters of Han or kana, which say more each
PROSE_HANGUL = 40  # and of syllables
UNSPACED_WORDS = 5  # so many of them are two words or more
MATCHED = 900  # characters; longer blocks are not compared with rules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A block and what is asked about it again and again."""

    position: int
    block: Block
    lower: str  # the text in lower case, letters bare; empty, as the next, for blocks too long to match
    plain: str  # see `plain_form`
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
# Letters that are written in one way and another: capitals lose their accents in Greek, Turkish has two letters i,
# what Persian joins with a joiner may stand apart.
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
        "ș": "ş",  # Romanian with a cedilla, which Turkish has by right
        "ț": "ţ",
        "ا": "أإآ",  # Arabic and Persian, each with its own ya and kaf on keyboards
        "ي": "یى",
        "ك": "ک",
        "ه": "ةۀ",
        " ": "\N{ZERO WIDTH NON-JOINER}\N{NO-BREAK SPACE}",
    }.items()
    for kin in kins
)
_CORE = re.compile(r"[\w@©#](?:.*\w)?")
_SENTENCE = re.compile(r"[.!?…。！？؟۔।॥](?:[\"'’”»“)\]」』）】]|\[\d{1,3}\])*$")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
HANGUL = re.compile(r"[\uac00-\ud7a3]")
UNSTOPPED = re.compile(r"[\u0e00-\u0eff]")  # Thai and Lao have no full stop


def line_of(position: int, block: Block, authors: Sequence[str]) -> Line:
    """The block as a line; authors: as they stand in plain forms, the longest first."""
    lower = bare_letters(block.text.lower()) if len(block.text) <= MATCHED else ""
    return Line(
        position=position,
        block=block,
        lower=lower,
        plain=plain_form(lower, authors),
        is_prose=block.kind in (BlockKind.PARAGRAPH, BlockKind.QUOTE) and reads_as_prose(block),
        is_sentence=ends_as_sentence(block.text),
    )


def reads_as_prose(block: Block) -> bool:
    """Whether the block is long, told in sentences, and more than a link."""
    text = block.text
    at_least = PROSE_UNSPACED if is_unspaced(text, 1) else PROSE_HANGUL if HANGUL.search(text) else PROSE
    is_whole = ends_as_sentence(text) or UNSTOPPED.search(text)
    return block.link_share < 0.5 and len(text) >= (at_least if is_whole else 3 * at_least)


def ends_as_sentence(text: str) -> bool:
    """Whether the text ends as a sentence does, in any script; quotes and note marks may follow."""
    return bool(_SENTENCE.search(text, max(len(text) - 8, 0)))


def bare_letters(lower: str) -> str:
    """The text, in lower case, with one letter for those that are written in one way and another."""
    if not lower.isascii():
        for kin, letter in _LETTERS:
            lower = lower.replace(kin, letter)
    return lower


def plain_form(lower: str, authors: Sequence[str]) -> str:
    """Plain quotes and dashes, bare edges, and `@author` for the name of an author of the article."""
    for kin, sign in _KIN:  # many times faster than `translate`, which looks every character up
        lower = lower.replace(kin, sign)
    core = _CORE.search(lower)
    plain = core[0] if core else ""
    for author in authors:
        plain = plain.replace(author, "@author")
    return plain


def is_unspaced(text: str, at_least: int) -> bool:
    """Whether it is of Han or kana, which no spaces part, and that long."""
    return len(text) >= at_least and not text.isascii() and UNSPACED.search(text) is not None
