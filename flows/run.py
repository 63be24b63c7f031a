"""A whole run: the three lines one after the other, upkeep, and what they came to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prefect import flow

from flows.alerts import BEGUN
from flows.bookkeeping import show_summary
from flows.collect import collect
from flows.discover import discover
from flows.ingest import ingest
from flows.settings import Settings
from flows.store import open_store
from flows.upkeep import upkeep
from load import summary
from load.engine import Engine
from load.summary import Copy, Figures

LEFT_OUT = "left out: "
"""Begins the names of those counts that say what in a loaded file is neither a page nor an entry."""
DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run found and made of it, and what the store holds after it."""

    announced: int
    new: int
    known: int
    updated: int
    feeds_failed: int
    breaches_begun: int  # of what the sources' files expect
    outcomes: dict[str, int]  # of the entries that the run announced or closed: outcome, or 'rejected: reason'
    articles: int
    stories: int
    largest: tuple[int, int, str] | None  # story, number of its articles, title
    largest_copies: tuple[Copy, ...]
    cut: int  # blocks cut from all texts
    new_cuts: int  # of them by this run
    elapsed_s: float
    store: str  # the data home, or the database without its password
    left_out: dict[str, int] = field(default_factory=dict)  # of loaded files: what was no page or entry, and how often
    alerts_begun: int = 0


@flow(name="run", validate_parameters=False)
def run_lines(names: Sequence[str] = (), passes: int = 1, pause_s: float = 0.0) -> Summary:
    """Discover, collect, ingest and keep up, as often as asked; every feed is polled, due or not."""
    counts: Counter[str] = Counter()
    with open_store() as store:
        started = datetime.now(UTC)
        before = figures_of(store.engine)
        for number in range(passes):
            if number:
                time.sleep(pause_s)
            counts.update(discover(names, early=True))
            collect(names)
            counts.update(ingest())
            counts.update(upkeep())
        result = summarise(store.engine, store.settings, counts, before, started)
    show_summary(as_markdown(result))
    return result


def figures_of(engine: Engine) -> Figures:
    with engine.connect() as connection:
        return summary.figures(connection)


def as_markdown(result: Summary) -> str:
    """The summary for Prefect's page."""
    outcomes = "\n".join(f"| {name} | {number} |" for name, number in result.outcomes.items())
    largest = f"{result.largest[2]} ({result.largest[1]} articles)" if result.largest else "none"
    return (
        f"**{result.new} new**, {result.known} known, {result.updated} updated, {result.feeds_failed} feeds failed. "
        f"The store holds {result.articles} articles in {result.stories} stories; largest: {largest}.\n\n"
        f"| outcome | entries |\n|---|---|\n{outcomes}\n"
    )


def summarise(
    engine: Engine, settings: Settings, counts: Mapping[str, int], before: Figures, since: datetime
) -> Summary:
    """What came of the entries since then, and the store as it is now."""
    with engine.connect() as connection:
        after = summary.figures(connection)
        outcomes = summary.outcomes_since(connection, since)
    return Summary(
        announced=counts.get("announced", 0),
        new=counts.get("new", 0),
        known=counts.get("known", 0),
        updated=counts.get("updated", 0),
        feeds_failed=counts.get("feeds failed", 0),
        breaches_begun=counts.get("breaches begun", 0),
        alerts_begun=counts.get(BEGUN, 0),
        outcomes=outcomes,
        articles=after.articles,
        stories=after.stories,
        largest=after.largest,
        largest_copies=after.copies,
        cut=after.cuts,
        new_cuts=after.cuts - before.cuts,
        elapsed_s=(datetime.now(UTC) - since).total_seconds(),
        store=_whereabouts(engine, settings),
        left_out={name.removeprefix(LEFT_OUT): n for name, n in counts.items() if name.startswith(LEFT_OUT) and n},
    )


def _whereabouts(engine: Engine, settings: Settings) -> str:
    return engine.url.render_as_string() if settings.database_url else str(settings.home.expanduser().absolute())
