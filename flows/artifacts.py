"""What a run leaves on Prefect's own page: a table of its counts, and a summary in words."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.artifacts import create_markdown_artifact, create_table_artifact


def show_outcomes(line: str, counts: Mapping[str, int]) -> None:
    """A table of what one pass of a line came to."""
    rows = [{"outcome": name, "number": number} for name, number in counts.items()]
    create_table_artifact(rows, key=f"{line}-outcomes", description=f"What this pass of {line} came to")


def show_summary(markdown: str) -> None:
    """The summary of a whole run."""
    create_markdown_artifact(markdown, key="run-summary", description="What this run found and made of it")
