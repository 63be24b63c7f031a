"""How near a grouping of articles comes to the right one, by the measures of the field.

Pairwise: of all pairs of articles put together, how many are right, and of all right ones, how many are found. B-cubed:
the same seen from each article, so that a large story counts once a member and not once a pair (Bagga and Baldwin,
Algorithms for scoring coreference chains, 1998). ARI: the agreement beyond what chance gives (Hubert and Arabie,
Comparing partitions, 1985). B-cubed hides one giant wrong merger that pairwise precision shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFigures:
    """How well some articles were grouped; each share from 0 to 1."""

    articles: int
    precision: float  # of the pairs put together
    recall: float
    f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    ari: float  # 1 for the same grouping, about 0 for one by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of how many."""

    hit: int
    of: int

    @property
    def share(self) -> float:
        return self.hit / self.of if self.of else 0.0


def cluster_figures(right: Sequence[Hashable], found: Sequence[Hashable]) -> ClusterFigures:
    """How well the grouping was found; both name the group of each article, in one order.

    Without a pair put together nothing is wrong, without a pair to put together nothing is missing: such shares are 1.
    """
    wanted, given = _numbered(right), _numbered(found)
    shared, wanted_of, given_of = _cells(wanted, given)
    sizes, wanted_sizes, given_sizes = shared.astype(np.float64), np.bincount(wanted), np.bincount(given)
    hits, true, put = _pairs(shared), _pairs(wanted_sizes), _pairs(given_sizes)
    precision, recall = hits / put if put else 1.0, hits / true if true else 1.0
    bcubed_precision = float((sizes / given_sizes[given_of] * sizes).sum()) / len(right) if len(right) else 1.0
    bcubed_recall = float((sizes / wanted_sizes[wanted_of] * sizes).sum()) / len(right) if len(right) else 1.0
    return ClusterFigures(
        articles=len(right),
        precision=precision,
        recall=recall,
        f1=_harmonic(precision, recall),
        bcubed_precision=bcubed_precision,
        bcubed_recall=bcubed_recall,
        bcubed_f1=_harmonic(bcubed_precision, bcubed_recall),
        ari=_adjusted(hits, true, put, len(right) * (len(right) - 1) / 2),
    )


def misplaced(right: Sequence[Hashable], found: Sequence[Hashable], kinds: Sequence[str]) -> dict[str, Share]:
    """Kind → how many of its articles are in a group most of which is another's.

    Of two that have as many articles in a group, it is that of the one that comes first.
    """
    owners = _owners(right, found)
    wrong = Counter(kind for one, group, kind in zip(right, found, kinds, strict=True) if owners[group] != one)
    return {kind: Share(hit=wrong[kind], of=total) for kind, total in Counter(kinds).items()}


def reunited(right: Sequence[Hashable], found: Sequence[Hashable], kinds: Sequence[str | None]) -> dict[str, Share]:
    """Kind → how many of its articles are grouped with another of their own, of those that have such.

    kinds: None for an article that is not asked about.
    """
    size, together = Counter(right), Counter(zip(right, found, strict=True))
    all_, hits = Counter[str](), Counter[str]()
    for one, group, kind in zip(right, found, kinds, strict=True):
        if kind is not None and size[one] > 1:
            all_[kind] += 1
            hits[kind] += together[one, group] > 1
    return {kind: Share(hit=hits[kind], of=total) for kind, total in all_.items()}


def largest_wrong(right: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[Hashable, int, int] | None:
    """The group with most articles that are not its owner's: its name, those articles, and all; None without any."""
    owners, sizes = _owners(right, found), Counter(found)
    foreign = Counter(group for one, group in zip(right, found, strict=True) if owners[group] != one)
    if not foreign:
        return None
    ((group, count),) = foreign.most_common(1)
    return group, count, sizes[group]


def _owners(right: Sequence[Hashable], found: Sequence[Hashable]) -> Mapping[Hashable, Hashable]:
    """Group → whose articles are most of it."""
    owners: dict[Hashable, Hashable] = {}
    for (group, one), _ in Counter(zip(found, right, strict=True)).most_common():
        owners.setdefault(group, one)
    return owners


def _numbered(names: Sequence[Hashable]) -> Numbers:
    """The groups of the articles as numbers from 0."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64, len(names))


def _cells(wanted: Numbers, given: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Of every pair of groups that share articles: how many, and the two groups."""
    width = int(given.max(initial=-1)) + 1
    cells, shared = np.unique(wanted * width + given, return_counts=True)
    return shared, cells // max(width, 1), cells % max(width, 1)


def _pairs(sizes: Numbers) -> float:
    """How many pairs groups of these sizes have."""
    many = sizes.astype(np.float64)
    return float((many * (many - 1) / 2).sum())


def _adjusted(hits: float, true: float, put: float, all_: float) -> float:
    expected = true * put / all_ if all_ else 0.0
    best = (true + put) / 2
    return (hits - expected) / (best - expected) if best != expected else 1.0


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
