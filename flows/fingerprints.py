"""Fingerprints of the program's own spec, made of all that is stored: bit by bit by upkeep, or at once. No Prefect."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from flows.store import Store
from load import resketch
from load.resketch import Progress
from transform.minhash import SketchSpec
from transform.verify import MatchPolicy

PORTION_S = 60.0  # of upkeep: in a run every quarter of an hour, a fifteenth of the time
TEXTS_AT_ONCE = 500  # who settles waits for no more than the last lot or two

RENEWED = "fingerprints made anew"
"""Of stored texts, for a program that compares texts otherwise."""
SWITCHED = "compared by new fingerprints"
"""One, when they have taken the place of the former ones."""
DROPPED = "former fingerprints dropped"
"""Specs whose fingerprints are gone, and their keys."""


def fingerprint_anew(store: Store, portion_s: float = PORTION_S) -> Counter[str]:
    """Make fingerprints of this program's spec if the store has never known it, for so long at most.

    Those of a former spec are dropped a pass later than they were given up: until then the way back is short.
    """
    begun = time.monotonic()
    counts = Counter({DROPPED: resketch.drop_retired(store.engine, datetime.now(UTC))})
    if resketch.follow(store.engine, SketchSpec(), datetime.now(UTC)):
        counts.update(_make(store, lambda _: time.monotonic() - begun < portion_s))
    return +counts


def fingerprint_all(store: Store, tell: Callable[[Progress], None]) -> Counter[str]:
    """Make fingerprints of this program's spec to the end, whatever the store has known, and drop all others.

    tell: called with how far it is
    """
    counts: Counter[str] = Counter()
    if resketch.begin(store.engine, SketchSpec(), datetime.now(UTC)):
        counts.update(_make(store, partial(_told, tell)))
    counts.update({DROPPED: resketch.drop_retired(store.engine, datetime.now(UTC))})
    return +counts


def _told(tell: Callable[[Progress], None], progress: Progress) -> bool:
    tell(progress)
    return True


def _make(store: Store, goes_on: Callable[[Progress], bool]) -> Counter[str]:
    """Make fingerprints as long as that is wanted and any are left to make."""
    counts: Counter[str] = Counter()
    while (progress := _progress(store)) and goes_on(progress):
        done = resketch.step(store.engine, SketchSpec(), MatchPolicy(), TEXTS_AT_ONCE, datetime.now(UTC))
        counts.update({RENEWED: done.made, SWITCHED: int(done.switched)})
        if done.is_last:
            break
    return counts


def _progress(store: Store) -> Progress | None:
    with store.engine.connect() as connection:
        return resketch.progress(connection)
