"""The decision table of revisions, row by row."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from planted import paragraphs, print_of, sentences

from transform.revision import RevisionKind, State, classify_revision, notes_correction

FETCHED = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINES = sentences(random.Random(1), 30)


def state(
    lines: list[str], *, title: str = "Bridge opens", hours: int = 0, modified_at: datetime | None = None
) -> State:
    """A text of page 2; the known one is of page 1."""
    return State(page=2, title=title, corrected=notes_correction(paragraphs(lines)), print=print_of(paragraphs(lines)), modified_at=modified_at,
                 fetched_at=FETCHED + timedelta(hours=hours))  # fmt: skip


KNOWN = replace(state(LINES), page=1)
EXTENDED = [*LINES[:29], LINES[29][:-1] + " 77123."]
NOTED = [*LINES, "", "", "Correction: An earlier version named another street."]
MENDED = [*LINES[:29], LINES[29].replace(LINES[29].split()[2], "mended")]
CORRECTED = [LINES[0], *LINES[2:]]


@pytest.mark.parametrize(
    ("known", "new", "kind"),
    [
        (None, KNOWN, RevisionKind.FIRST),
        (KNOWN, state(LINES, hours=2), RevisionKind.UNCHANGED),
        (KNOWN, state(LINES, title="Bridge opens to walkers", hours=2), RevisionKind.MINOR),
        (KNOWN, state(MENDED, hours=2), RevisionKind.MINOR),
        (KNOWN, state(CORRECTED, hours=2), RevisionKind.CORRECTION),
        (KNOWN, state(NOTED, hours=2), RevisionKind.CORRECTION),
        (KNOWN, state(EXTENDED, hours=2), RevisionKind.UPDATE),
        (KNOWN, state(LINES + sentences(random.Random(2), 6), hours=2), RevisionKind.UPDATE),
        (KNOWN, state(MENDED, hours=-2), RevisionKind.STALE),
        (KNOWN, state(LINES[:5], hours=2), RevisionKind.STALE),
        (
            replace(KNOWN, modified_at=FETCHED),
            state(MENDED, hours=2, modified_at=FETCHED - timedelta(hours=5)),
            RevisionKind.STALE,
        ),
        (
            replace(KNOWN, modified_at=FETCHED),
            state(MENDED, hours=-2, modified_at=FETCHED + timedelta(hours=1)),
            RevisionKind.MINOR,
        ),
        (KNOWN, replace(state(EXTENDED, hours=2), from_feed=True), RevisionKind.STALE),
        (replace(KNOWN, from_feed=True), state(LINES, hours=2), RevisionKind.MINOR),
        (replace(KNOWN, from_feed=True), state(LINES + sentences(random.Random(2), 6), hours=2), RevisionKind.UPDATE),
        (replace(KNOWN, from_feed=True), state(LINES[:5], hours=2), RevisionKind.STALE),
        (replace(KNOWN, from_feed=True), replace(state(LINES, hours=2), from_feed=True), RevisionKind.UNCHANGED),
        (KNOWN, replace(KNOWN, read_before=True, confirms=True), RevisionKind.UNCHANGED),
        (KNOWN, replace(KNOWN, read_before=True, title="Bridge opens to walkers"), RevisionKind.REREAD),
        (KNOWN, replace(state(LINES[:5]), page=1, read_before=True), RevisionKind.REREAD),
        (
            replace(KNOWN, page=3, fetched_at=FETCHED + timedelta(hours=1)),
            replace(state(MENDED, modified_at=FETCHED), read_before=True),
            RevisionKind.STALE,
        ),
        (replace(KNOWN, page=3), replace(state(MENDED), read_before=True), RevisionKind.STALE),
        (KNOWN, replace(state(EXTENDED, hours=2), read_before=True), RevisionKind.UPDATE),
    ],
)
def test_what_a_new_text_is_to_the_known_one(known: State | None, new: State, kind: RevisionKind) -> None:
    assert classify_revision(known, new) is kind
