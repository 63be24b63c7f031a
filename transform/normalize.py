"""Text as it is compared, never as it is shown."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

# Dropped, so that "don't", "don’t" and "dont", or a word with and without a soft hyphen, are one word. The Greek ones
# are elision signs; NFKC would turn them, and the acute accent, into a space and a stray mark.
_APOSTROPHES = "'‘’‚‛′`´＇ʹʻʼʽˈ\N{GREEK KORONIS}\N{GREEK PSILI}\N{GREEK DASIA}\N{GREEK OXIA}\N{GREEK TONOS}"
# Among them the variation selectors, which choose a glyph, as in emoji.
_INVISIBLE = "\N{SOFT HYPHEN}\N{COMBINING GRAPHEME JOINER}\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff"
_DROPPED = re.compile(f"[{_APOSTROPHES}{_INVISIBLE}]+")

_MARKS = frozenset(c for c in map(chr, range(0x300, 0x20000)) if unicodedata.category(c)[0] == "M")
_MARK = "".join(sorted(_MARKS))
_OTHER = re.compile(r"[\W_]+")  # much faster than the next, which only texts with loose marks need
# A mark stays with the letter before it, and goes with the run of other characters it stands in.
_OTHER_BUT_MARKS = re.compile(rf"(?:^|_|[^\w{_MARK}])[\W_]*")

# Thai, Lao, Myanmar, Khmer, kana, Han: written without spaces between words.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"
    "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(f"[{_UNSPACED}][{_MARK}]*|[^ {_UNSPACED}]+")


def normalize(text: str) -> str:
    """The words of a text, case folded, one space between; normalising twice is normalising once.

    Entities are resolved, compatibility forms unified (NFKC), apostrophes and invisible characters dropped; all else
    that is not a letter, mark or number of any script becomes a space.
    """
    plain = _DROPPED.sub("", unescape(text))
    plain = unicodedata.normalize("NFKC", plain).casefold()
    # Both steps may bring forth what they have just removed: ″ becomes two primes, folding undoes composition.
    plain = unicodedata.normalize("NFKC", _DROPPED.sub("", plain))
    other = _OTHER if plain.isascii() or _MARKS.isdisjoint(plain) else _OTHER_BUT_MARKS
    return other.sub(" ", plain).strip()


def words(text: str) -> list[str]:
    """The normal form, split; a character of a script written without spaces is a word of its own, marks included."""
    normal = normalize(text)
    if normal.isascii() or not _HAS_UNSPACED.search(normal):
        return normal.split()
    return _WORD.findall(normal)
