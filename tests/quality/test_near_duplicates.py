"""How well stories are found in streams of our own, held above floors: pairs, B-cubed, and what is hardest to tell."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from newsstream import Item, stream
from purestore import stories_of
from sqlalchemy import Engine
from stored import partition, store_stream

from transform.cluster_scores import ClusterFigures, cluster_figures, misplaced, reunited

FLOORS = tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))
SEED = 2026


def unrevised(items: Sequence[Item]) -> list[Item]:
    """The first text of each URL: what becomes of a later one is decided by its URL."""
    return [item for item in items if item.edit != "revision"]


MIXED = unrevised(tuple(stream(SEED, 1_500, per_day=75)))
HARD = unrevised(
    tuple(stream(SEED, 1_300, per_day=65, families={"story": 45, "template": 35, "digest": 10, "liveblog": 10}))
)
STREAMS = {
    "near_duplicates": MIXED,
    "near_duplicates_in_wrong_stories": HARD,
    "near_duplicates_full_boilerplate": unrevised(tuple(stream(SEED, 1_000, per_day=50, boilerplate=1))),
    "near_duplicates_cold_start": unrevised(tuple(stream(SEED, 1_000, per_day=250))),
}


@cache
def found_in(name: str) -> list[int]:
    return stories_of(STREAMS[name])


@pytest.mark.parametrize("name", ["near_duplicates", "near_duplicates_full_boilerplate", "near_duplicates_cold_start"])
def test_stories_are_found_as_well_as_before(name: str) -> None:
    assert_above(FLOORS[name], cluster_figures([item.cluster for item in STREAMS[name]], found_in(name)))


def test_what_only_looks_alike_stays_apart() -> None:
    """Forms filled in anew, and texts that hold other texts."""
    right, found = [item.cluster for item in HARD], found_in("near_duplicates_in_wrong_stories")
    holders = ("digest", "liveblog")
    wrong = misplaced(right, found, ["holding_others" if item.family in holders else item.family for item in HARD])
    for family, most in FLOORS["near_duplicates_in_wrong_stories"].items():
        assert wrong[family].share <= most, (family, wrong[family])


def test_copies_are_found_whatever_was_done_to_them() -> None:
    right, found = [item.cluster for item in MIXED], found_in("near_duplicates")
    edits = reunited(right, found, [None if item.edit == "origin" else item.edit for item in MIXED])
    for edit, least in FLOORS["near_duplicates_by_edit"].items():
        assert edits[edit].share >= least, (edit, edits[edit])


def test_the_store_finds_what_its_functions_find(engine: Engine) -> None:
    """The same stream by Postgres: index, settling, stories."""
    items = MIXED[:350]
    store_stream(engine, items)
    story = {url: members for members in partition(engine) for url in members}
    found = [story[item.url] for item in items]
    assert cluster_figures(stories_of(items), found).ari >= FLOORS["near_duplicates_in_postgres"]["ari"]


def assert_above(floor: dict[str, float], figures: ClusterFigures) -> None:
    assert figures.precision >= floor["precision"], figures
    assert figures.recall >= floor["recall"], figures
    assert figures.f1 >= floor["f1"], figures
    assert figures.bcubed_f1 >= floor["bcubed_f1"], figures
