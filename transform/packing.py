"""Things that have to do with each other kept together, in lots of a bounded size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping


def lots(marks: Mapping[int, Collection[Hashable]], size: int, most: int) -> list[list[int]]:
    """The keys in lots of some `size`; those that share a mark, also by way of others, are in one lot.

    Only what hangs together in more than `most` is parted, in the order of its keys.
    """
    packed: list[list[int]] = []
    for group in _groups(marks):
        for start in range(0, len(group), most):
            part = group[start : start + most]
            if packed and len(packed[-1]) + len(part) <= size:
                packed[-1] += part
            else:
                packed.append(part)
    return [sorted(lot) for lot in packed]


def _groups(marks: Mapping[int, Collection[Hashable]]) -> list[list[int]]:
    """Who shares a mark, each group and the groups themselves in the order of the keys."""
    parent = {key: key for key in marks}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    first: dict[Hashable, int] = {}
    for key in sorted(marks):
        for mark in marks[key]:
            left, right = sorted((root(key), root(first.setdefault(mark, key))))
            parent[right] = left
    found: defaultdict[int, list[int]] = defaultdict(list)
    for key in sorted(marks):
        found[root(key)].append(key)
    return list(found.values())
