"""A newsroom of a hundred pages, read through kills of all that takes part, ends as if nothing had been.

Discover and collect are compared as sets, for the order in which hosts answer is theirs: all entries with outcome,
reason and announcement, all pages by URL and bytes. Ingest and upkeep are compared row by row and in their order, on
two copies of the same pages: outcomes, texts, kinds of revisions, cuts, what is remembered of sources, verdicts,
stories with members and canonicals, the log of changes. After each kill the ledger adds up, and no row points to bytes
that are not there. `make chaos` runs this, and the same with thousands of pages.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from chaotic import Blows, Victim, endure, overlap
from generated_newsroom import generated_newsroom

WORKER, READER, POSTGRES = Victim.WORKER, Victim.READER, Victim.POSTGRES
SETTINGS = {
    "STORYFOLD_BATCH": "8",
    "STORYFOLD_WARC_PAGES": "10",
    "STORYFOLD_PROCESSES": "2",
    "STORYFOLD_PROFILE": "quick",
}
BLOWS = (Blows(gathering=(WORKER, POSTGRES), ingest=(WORKER, READER, POSTGRES), upkeep=(WORKER,)),)


@pytest.mark.slow
@pytest.mark.timeout(1200)  # it starts some twenty processes: slow where many others want the processor
def test_killed_at_any_moment_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    with (
        generated_newsroom(tmp_path, seed=11, articles=420, outlets=5) as newsroom,
        tempfile.TemporaryDirectory(prefix="sf-") as folder,  # short: a socket's path has its limits
    ):
        killed = endure(newsroom, Path(folder), SETTINGS, BLOWS, seed=5)
    assert killed[WORKER] >= 2
    assert killed[POSTGRES] >= 1


@pytest.mark.slow
def test_two_runs_of_each_line_at_once_leave_what_one_leaves(tmp_path: Path) -> None:
    with (
        generated_newsroom(tmp_path, seed=12, articles=120, outlets=3) as newsroom,
        tempfile.TemporaryDirectory(prefix="sf-") as folder,
    ):
        overlap(newsroom, Path(folder), SETTINGS)
