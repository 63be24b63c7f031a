"""Several readings of one page, each cleaned: which of them is the article's text, and which of its edges only it saw.

Extractors fail on different pages. trafilatura takes too much of old and crowded ones, readability leaves out too much
of modern ones, so neither the longest nor the most ordinary reading is the best. The first reading stands, unless a
third sides with the second, or what only the first has is neither prose nor list nor table, or the second has all of it
and far more. Then the short blocks at the edges of the chosen one that no other has are cut.
Measured: docs/decisions/0014.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from extract.model import BlockKind
from transform.lines import reads_as_prose
from transform.model import CleanArticle, Cut, CutKind, Zone
from transform.normalize import words
from transform.structure import stems

AGREED = 0.9  # two readings that are so alike need no third: those of four pages in five
SIDES = 0.5  # of its distance from the one must a third be from the other, at most, to side with that
STRANGE = 0.1  # texts that are less alike have another matter each
JUNK = 0.1  # of the first reading: so much more than the second has of what is neither text nor seen by it
PROSE = 0.6  # of the first's prose, that a second with less junk must have to take its place
LONGER = 1.5  # times the first's prose: the second has so much if the first was cut short,
HELD = 0.85  # has this share of the first,
CLEAN = 0.2  # and at most this share of junk
HEARD = 0.5  # of the prose of a reading, that another must have to have a say about its edges
SEEN = 0.5  # share of a block's grams that another reading must have
EDGE = "structure.doubtful.edge"

_DATA = frozenset({BlockKind.ROW, BlockKind.ITEM})
_GRAM = 4  # words; fewer are shared by chance
_Gram = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Reading:
    """A cleaned reading of a page, as it is compared with others."""

    clean: CleanArticle

    @cached_property
    def words(self) -> list[list[str]]:
        """Of each block."""
        return [words(block.text) for block in self.clean.blocks]

    @cached_property
    def is_prose(self) -> list[bool]:
        return [reads_as_prose(block) for block in self.clean.blocks]

    @cached_property
    def is_data(self) -> list[bool]:
        """Rows and items without a link: a table or a list of the text."""
        return [block.kind in _DATA and not block.link_share for block in self.clean.blocks]

    @cached_property
    def as_told(self) -> float:
        """The share of the longer words of the page's title and summary that the text has; 0 where they have none."""
        told = stems((self.clean.article.title, self.clean.article.summary or ""))
        return len(told & stems(block.text for block in self.clean.blocks)) / len(told) if told else 0.0

    @cached_property
    def grams(self) -> Counter[_Gram]:
        """Runs of words through the whole text."""
        return Counter(_grams(list(chain.from_iterable(self.words))))

    @cached_property
    def known(self) -> frozenset[_Gram]:
        """The same and those of each block alone: one reading may part what another joins."""
        return frozenset(chain(self.grams, *map(_grams, self.words)))

    @property
    def size(self) -> int:
        return sum(map(len, self.words))

    @property
    def prose(self) -> int:
        """Words of its paragraphs."""
        return self.sum(self.is_prose)

    def seen(self, others: Sequence[Reading]) -> list[bool]:
        """For each block, whether another reading has it."""
        known = frozenset().union(*(other.known for other in others))
        return [_share(_grams(block), known) >= SEEN for block in self.words]

    def junk(self, seen: Sequence[bool]) -> int:
        """Words of blocks that are neither prose, data nor headings, and that the other readings have not."""
        headings = (block.kind is BlockKind.HEADING for block in self.clean.blocks)
        return self.sum(not any(block) for block in zip(seen, self.is_prose, self.is_data, headings, strict=True))

    def tables(self, seen: Sequence[bool]) -> int:
        """Words of rows without a link that the other readings have not."""
        rows = (block.kind is BlockKind.ROW for block in self.clean.blocks)
        kept = zip(seen, self.is_data, rows, strict=True)
        return self.sum(data and row and not has for has, data, row in kept)

    def sum(self, wanted: Iterable[bool]) -> int:
        """Words of the wanted blocks."""
        return sum(len(block) for block, is_wanted in zip(self.words, wanted, strict=True) if is_wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The reading that was chosen, without its doubtful edges."""

    clean: CleanArticle
    agreement: float | None  # how alike it is to the most alike of the others, 0 to 1; None when one alone was asked


def alike(one: Reading, other: Reading) -> float:
    """Share of the runs of four words that two readings have in common, 0 to 1 (Dice)."""
    both = one.grams.total() + other.grams.total()
    return 2 * (one.grams & other.grams).total() / both if both else 0.0


def agree(first: Reading, second: Reading, third: Reading | None = None, *, trim_edges: bool = True) -> Agreed:
    """The best of the readings of one page, and how far another bears it out.

    third: asked when the first two are not alike. trim_edges: whether doubtful blocks at its edges are cut.
    """
    witnesses = [other for other in (second, third) if other is not None]
    chosen = _choose(first, *[other for other in witnesses if not _strays(other, first)])
    others = [reading for reading in (first, *witnesses) if reading is not chosen]
    heard = [other for other in others if other.prose >= HEARD * chosen.prose]
    return Agreed(
        clean=_without_doubtful_edges(chosen, heard) if heard and trim_edges else chosen.clean,
        agreement=max(alike(chosen, other) for other in others),
    )


def _strays(other: Reading, first: Reading) -> bool:
    """Whether a reading is of the second article on the page, which cleaning cut from the first reading."""
    cut = [words(cut.text) for cut in first.clean.cuts if cut.kind is CutKind.OTHER_ARTICLE]
    elsewhere = frozenset(chain.from_iterable(map(_grams, cut)))
    return (
        bool(elsewhere)
        and other.sum(_share(_grams(block), elsewhere) >= SEEN for block in other.words) > other.size / 2
    )


def _choose(first: Reading, second: Reading | None = None, third: Reading | None = None) -> Reading:
    if second is None:
        return first
    if not first.size:
        return next((other for other in (second, third) if other is not None and other.prose), first)
    if third is not None:
        from_first, from_second = 1 - alike(first, third), 1 - alike(second, third)
        if from_second < SIDES * from_first:
            return first if _is_fuller(first, second, third) or _is_as_told(first, second) else second
        if from_first < SIDES * from_second:
            return first
    return second if _is_cleaner(second, first) or _is_whole(second, first) else first


def _is_fuller(first: Reading, second: Reading, third: Reading) -> bool:
    """Whether what the other two have not is tables for the most part: both leave those out."""
    seen = first.seen([second, third])
    return first.tables(seen) > first.sum(not has for has in seen) / 2


def _is_as_told(first: Reading, second: Reading) -> bool:
    """Whether the two are of different matter, and the first is of that which title and summary tell.

    On a page that goes on with other articles, two extractors may find one of those.
    """
    return alike(first, second) < STRANGE and first.as_told > second.as_told


def _is_cleaner(second: Reading, first: Reading) -> bool:
    """Whether the first reading took menus, comments or layout for text, and the second did not."""
    more = first.junk(first.seen([second])) - second.junk(second.seen([first]))
    return more > JUNK * first.size and second.prose >= PROSE * first.prose


def _is_whole(second: Reading, first: Reading) -> bool:
    """Whether the first reading was cut short: it has the text of one container, the second that of several."""
    return (
        second.prose >= LONGER * first.prose
        and first.sum(first.seen([second])) >= HELD * first.size
        and second.junk(second.seen([first])) < CLEAN * second.size
    )


def _without_doubtful_edges(reading: Reading, others: Sequence[Reading]) -> CleanArticle:
    """Between the first and the last paragraph that another has too, all stays; and so do tables and lists.

    trafilatura moves tables of the text to its end, and others leave them out.
    """
    clean, seen = reading.clean, reading.seen(others)
    sure = [index for index, (has, prose) in enumerate(zip(seen, reading.is_prose, strict=True)) if has and prose]
    if not sure:
        return clean
    edges = (index for index in range(len(seen)) if not sure[0] < index < sure[-1])
    stays = [
        has or prose or data or block.kind is BlockKind.ROW
        for has, prose, data, block in zip(seen, reading.is_prose, reading.is_data, clean.blocks, strict=True)
    ]
    doubtful = {index for index in edges if not stays[index]}
    positions = _positions(clean)
    cuts = [
        Cut(
            position=positions[index],
            text=clean.blocks[index].text,
            kind=CutKind.DOUBTFUL,
            rule=EDGE,
            zone=Zone.TOP if index < sure[0] else Zone.TAIL,
        )
        for index in doubtful
    ]
    return replace(
        clean,
        blocks=tuple(block for index, block in enumerate(clean.blocks) if index not in doubtful),
        cuts=tuple(sorted((*clean.cuts, *cuts), key=lambda cut: cut.position)),
    )


def _positions(clean: CleanArticle) -> list[int]:
    """Where the kept blocks stand in the article as extracted."""
    cut = {one.position for one in clean.cuts}
    return [position for position in range(len(clean.article.blocks)) if position not in cut]


def _grams(run: Sequence[str]) -> list[_Gram]:
    """Runs of four words; the whole where there are fewer."""
    return [tuple(run[start : start + _GRAM]) for start in range(max(len(run) - _GRAM + 1, 1))] if run else []


def _share(grams: Iterable[_Gram], known: frozenset[_Gram]) -> float:
    own = set(grams)
    return len(own & known) / len(own) if own else 1.0
