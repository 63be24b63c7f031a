"""A run on record: its row in the store, and its table and summary on Prefect's own page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.store import Store
from load import runs
from load.runs import RunId


@contextmanager
def on_record(store: Store, line: str) -> Iterator[tuple[RunId, Counter[str]]]:
    """A run of this line, with the counts to fill; they are stored when it ends well."""
    counts: Counter[str] = Counter()
    with store.engine.begin() as connection:
        run_id = runs.begin(connection, line, datetime.now(UTC))
    yield run_id, counts
    with store.engine.begin() as connection:
        runs.finish(connection, run_id, counts, datetime.now(UTC))
    rows = [{"outcome": name, "number": number} for name, number in counts.items()]
    create_table_artifact(rows, key=f"{line}-outcomes", description=f"What this pass of {line} came to")


def show_summary(markdown: str) -> None:
    """The summary of a whole run."""
    create_markdown_artifact(markdown, key="run-summary", description="What this run found and made of it")
