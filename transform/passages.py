"""Two texts → the passages that both have, and those that only one of them has.

Aligned word by word, on the words by which texts are compared: case, punctuation and white space make no difference.
Anchors are runs of words that stand once in either text (patience diff), so the cost grows with the length of the texts
and not with their product; only short stretches between anchors are compared word against word.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise

from transform.normalize import words

_WIDTHS = (5, 3)  # words of an anchor: first as wide as a shingle
_FEW = 40_000  # pairs of words that are compared one against another
_STRAY = 3  # words; a shorter common run within two rewritten stretches is chance
_NEAR = 8  # words on both sides; a longer stretch between two common runs is rewritten
_CHUNK = re.compile(r"\S+")
_ENDED = re.compile(r"[.!?…。！？][\"'”’»“」)\]]*\s*$")


class PassageKind(StrEnum):
    SHARED = "shared"
    """Stands in both texts, in the same order."""
    MOVED = "moved"
    """Stands in both, elsewhere in the second."""
    LEFT = "left"
    """Stands in the first alone."""
    RIGHT = "right"
    """Stands in the second alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A run of words of one text, counted from 0."""

    first: int
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    kind: PassageKind
    text: str  # as the first text has it; the second, where it stands there alone
    left: Place | None  # None for RIGHT
    right: Place | None  # None for LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many words two texts have in common, and how many each has alone."""

    shared: int = 0  # moved ones included
    left: int = 0
    right: int = 0

    @property
    def kept(self) -> float:
        """Share of the first text that the second has; 1 for an empty one."""
        return self.shared / (self.shared + self.left) if self.shared + self.left else 1.0


def passages(left: str, right: str) -> tuple[Passage, ...]:
    """The passages in the order of the first text; what only the second has follows what it stands behind there."""
    a, b = _Text(left), _Text(right)
    blocks = _slid(_aligned(a.words, b.words), a, b)
    moved = _moved(a.words, b.words, blocks)
    return tuple(_in_order(a, b, blocks, moved))


def extent(found: Iterable[Passage]) -> Extent:
    """The words of these passages, by who has them."""
    shared = only_left = only_right = 0
    for passage in found:
        if passage.left and passage.right:
            shared += passage.left.words
        elif passage.left:
            only_left += passage.left.words
        elif passage.right:
            only_right += passage.right.words
    return Extent(shared=shared, left=only_left, right=only_right)


# --- Words and where they stand -----------------------------------------------------------------------------------


class _Text:
    """A text with the place of each of its words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[str] = []
        spans: list[tuple[int, int]] = []
        for chunk in _CHUNK.finditer(text):
            for word, start, end in _words_of(chunk[0]):
                self.words.append(word)
                spans.append((chunk.start() + start, chunk.start() + end))
        self._cuts = [0, *(_between(text, a[1], b[0]) for a, b in pairwise(spans)), len(text)]

    def begins(self, place: int) -> int:
        """What a word begins: 2 a paragraph, 1 a sentence, 0 neither."""
        gap = self.text[self._cuts[place - 1] : self._cuts[place]] if place else "\n"
        rest = self.text[self._cuts[place] :][:2] if place < len(self.words) else "\n"
        if "\n" in rest or not place:
            return 2
        return int(_ENDED.search(gap) is not None)

    def between(self, first: int, last: int) -> str:
        """The words from the first up to, not with, the last, with the punctuation that goes with them."""
        return self.text[self._cuts[first] : self._cuts[last]].strip()


def _words_of(chunk: str) -> Iterator[tuple[str, int, int]]:
    """The words in a stretch without white space, each with its place; all of it where it cannot be told."""
    found = words(chunk)
    if len(found) == 1:
        yield found[0], 0, len(chunk)
        return
    plain, owners = "", []
    for number, char in enumerate(chunk):
        folded = unicodedata.normalize("NFKC", char).casefold()
        plain += folded
        owners += [number] * len(folded)
    place = 0
    for word in found:
        at = plain.find(word, place)
        place = at + len(word) if at >= 0 else place
        yield (word, owners[at], owners[place - 1] + 1) if at >= 0 else (word, 0, len(chunk))


def _between(text: str, end: int, start: int) -> int:
    """Where to cut between two words: before the white space, so that a full stop stays behind and a quote goes on."""
    if start < end:  # two words of a stretch that could not be told apart
        return end
    space = re.search(r"\s", text[end:start])
    return end + space.start() if space else start


# --- Alignment ----------------------------------------------------------------------------------------------------

_Block = tuple[int, int, int]  # where it begins on the left, on the right, and its words


def _aligned(left: Sequence[str], right: Sequence[str]) -> list[_Block]:
    """The runs that both have in the same order, as long as they can be, none next to another on both sides."""
    open_ = [(0, len(left), 0, len(right))]
    found: list[_Block] = []
    while open_:
        a, b, c, d = open_.pop()
        head = _common(left[a:b], right[c:d])
        tail = _common(left[a + head : b][::-1], right[c + head : d][::-1])
        found += [(a, c, head), (b - tail, d - tail, tail)]
        a, b, c, d = a + head, b - tail, c + head, d - tail
        if a == b or c == d:
            continue
        anchors = _anchors(left, right, (a, b, c, d))
        if anchors:
            open_ += _gaps(anchors, (a, b, c, d))
            found += anchors
        elif (b - a) * (d - c) <= _FEW:
            matcher = SequenceMatcher(a=left[a:b], b=right[c:d], autojunk=False)
            found += [(a + i, c + j, n) for i, j, n in matcher.get_matching_blocks()]
    return _grown(_without_strays(_joined(found), len(left), len(right)), left, right)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Words that both begin with."""
    return next((n for n, (x, y) in enumerate(zip(left, right, strict=False)) if x != y), min(len(left), len(right)))


def _anchors(left: Sequence[str], right: Sequence[str], part: tuple[int, int, int, int]) -> list[_Block]:
    """Runs that stand once in either part, in the order of both; the widest that there are."""
    a, b, c, d = part
    for width in _WIDTHS:
        ours, theirs = _once(left, a, b, width), _once(right, c, d, width)
        pairs = [(place, theirs[run]) for run, place in ours.items() if run in theirs]
        if pairs:
            return [(i, j, width) for i, j in _rising(pairs)]
    return []


def _once(text: Sequence[str], first: int, last: int, width: int) -> dict[tuple[str, ...], int]:
    """The runs of a width that stand once there, with their places, in order."""
    places: dict[tuple[str, ...], int] = {}
    repeated = set()
    for place in range(first, last - width + 1):
        run = tuple(text[place : place + width])
        if run in places:
            repeated.add(run)
        places.setdefault(run, place)
    return {run: place for run, place in places.items() if run not in repeated}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest series of pairs, ordered by their first, whose second rises, too."""
    ends: list[int] = []  # the lowest second that a series of each length ends with
    last: list[int] = []  # the pair that it ends with
    before: list[int] = []
    for number, (_, second) in enumerate(pairs):
        length = bisect_left(ends, second)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [second]
        last[length : length + 1] = [number]
    series = []
    number = last[-1]
    while number >= 0:
        series.append(pairs[number])
        number = before[number]
    return series[::-1]


def _gaps(anchors: Sequence[_Block], part: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """What lies between the anchors, and before and behind them; overlapping ones have nothing between."""
    a, b, c, d = part
    gaps = []
    for i, j, width in anchors:
        if a < i and c < j:
            gaps.append((a, i, c, j))
        a, c = i + width, j + width
    return [*gaps, *([(a, b, c, d)] if a < b and c < d else [])]


def _joined(found: Iterable[_Block]) -> list[_Block]:
    """The blocks in order, those that overlap or touch on both sides made one."""
    joined: list[_Block] = []
    for i, j, n in sorted(block for block in found if block[2]):
        if joined:
            a, c, m = joined[-1]
            if i - a == j - c and i <= a + m:
                joined[-1] = (a, c, max(m, i - a + n))
                continue
            lap = max(a + m - i, c + m - j, 0)  # of two anchors with something between them on one side only
            i, j, n = i + lap, j + lap, n - lap
        if n > 0:
            joined.append((i, j, n))
    return joined


def _without_strays(blocks: Sequence[_Block], left: int, right: int) -> list[_Block]:
    """The blocks without a word or two that two rewritten stretches happen to share."""
    around = [(0, 0, 0), *blocks, (left, right, 0)]
    far = [_distance(one, other) > _NEAR for one, other in pairwise(around)]
    apart = [(True, *far[1:-1], True)[number : number + 2] for number in range(len(blocks))]  # the ends hold nothing
    return [
        block
        for number, block in enumerate(blocks)
        if block[2] >= _STRAY or not (all(apart[number]) and any(far[number : number + 2]))
    ]


def _grown(blocks: Iterable[_Block], left: Sequence[str], right: Sequence[str]) -> list[_Block]:
    """The blocks with the words before them that both have, too, now that the strays are gone."""
    grown: list[_Block] = []
    for i, j, n in blocks:
        a, c = (grown[-1][0] + grown[-1][2], grown[-1][1] + grown[-1][2]) if grown else (0, 0)
        more = _common(left[a:i][::-1], right[c:j][::-1])
        grown.append((i - more, j - more, n + more))
    return grown


def _slid(blocks: Sequence[_Block], a: _Text, b: _Text) -> list[_Block]:
    """The blocks with what stands in one text alone moved to where it begins a sentence or a paragraph, if it can be.

    Of 'One. [Two. ]Two more.' and 'One. Two. [Two. ]more' both are right, and the first is what an editor did.
    """
    slid = list(blocks)
    for number, (one, other) in enumerate(pairwise(blocks)):
        gap_left, gap_right = other[0] - one[0] - one[2], other[1] - one[1] - one[2]
        if bool(gap_left) == bool(gap_right):
            continue
        text, end = (a, other[0]) if gap_left else (b, other[1])
        gap = gap_left or gap_right
        most = next(
            (back for back in range(slid[number][2]) if text.words[end - 1 - back] != text.words[end - 1 - back - gap]),
            slid[number][2],
        )
        back = max(range(most + 1), key=lambda back: (text.begins(end - gap - back), -back))
        i, j, n = slid[number]
        slid[number] = (i, j, n - back)
        slid[number + 1] = (other[0] - back, other[1] - back, other[2] + back)
    return [block for block in slid if block[2]]


def _distance(one: _Block, other: _Block) -> int:
    """Words between two blocks, of both texts."""
    return other[0] - one[0] - one[2] + other[1] - one[1] - one[2]


# --- What stands elsewhere ----------------------------------------------------------------------------------------


def _moved(left: Sequence[str], right: Sequence[str], blocks: Sequence[_Block]) -> list[_Block]:
    """The runs, at least as wide as an anchor, that both have outside of the blocks; in the order of the left."""
    width = _WIDTHS[0]
    free = [True] * len(right)
    for _, j, n in blocks:
        free[j : j + n] = [False] * n
    places: dict[tuple[str, ...], list[int]] = {}
    for place in range(len(right) - width + 1):
        if all(free[place : place + width]):
            places.setdefault(tuple(right[place : place + width]), []).append(place)
    moved = []
    for first, last in _holes(blocks, len(left)):
        place = first
        while place <= last - width:
            known = places.get(tuple(left[place : place + width]), ())
            at = next((one for one in known if all(free[one : one + width])), None)
            n = 0
            if at is not None:
                while place + n < last and at + n < len(right) and free[at + n] and left[place + n] == right[at + n]:
                    n += 1
                free[at : at + n] = [False] * n
                moved.append((place, at, n))
            place += n or 1
    return moved


def _holes(blocks: Sequence[_Block], length: int) -> Iterator[tuple[int, int]]:
    """The stretches of the left text that no block covers."""
    place = 0
    for i, _, n in [*blocks, (length, 0, 0)]:
        if place < i:
            yield place, i
        place = i + n


# --- Passages -----------------------------------------------------------------------------------------------------


def _in_order(a: _Text, b: _Text, blocks: Sequence[_Block], moved: Sequence[_Block]) -> Iterator[Passage]:
    placed = {j: n for _, j, n in moved}
    waiting = {i: (j, n) for i, j, n in moved}
    i = j = 0
    for left, right, n in [*blocks, (len(a.words), len(b.words), 0)]:
        yield from _alone_on_the_left(a, i, left, waiting)
        yield from _alone_on_the_right(b, j, right, placed)
        if n:
            yield _both(a, PassageKind.SHARED, left, right, n)
        i, j = left + n, right + n


def _both(a: _Text, kind: PassageKind, left: int, right: int, n: int) -> Passage:
    text = a.between(left, left + n)
    return Passage(kind=kind, text=text, left=Place(first=left, words=n), right=Place(first=right, words=n))


def _alone_on_the_left(a: _Text, first: int, last: int, moved: dict[int, tuple[int, int]]) -> Iterator[Passage]:
    """What the first text has between two blocks: what stands elsewhere in the second, and what does not."""
    while first < last:
        if first in moved:
            right, n = moved[first]
            yield _both(a, PassageKind.MOVED, first, right, n)
        else:
            n = next((place for place in range(first, last) if place in moved), last) - first
            place = Place(first=first, words=n)
            yield Passage(kind=PassageKind.LEFT, text=a.between(first, first + n), left=place, right=None)
        first += n


def _alone_on_the_right(b: _Text, first: int, last: int, moved: dict[int, int]) -> Iterator[Passage]:
    """What the second text has there and the first has nowhere."""
    while first < last:
        if n := moved.get(first, 0):
            first += n
            continue
        n = next((place for place in range(first, last) if place in moved), last) - first
        place = Place(first=first, words=n)
        yield Passage(kind=PassageKind.RIGHT, text=b.between(first, first + n), left=None, right=place)
        first += n
