"""upkeep: what repeats in a source is learned from its stories, and the pages that it concerns are read again.

And what the near-duplicate index has held for long enough is dropped from it; and where this program compares texts
otherwise than the store does, fingerprints for that are made, a portion each time. At its end all is looked over for
what needs a person: see `flows.alerts`.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from prefect import flow

from flows.alert_events import emit
from flows.alerts import look_around
from flows.bookkeeping import on_record
from flows.fingerprints import fingerprint_anew
from flows.ingest import Read, Settle, read_batch, read_pages, read_waiting, settle_batch, settle_ready
from flows.isolation import Workers, workers
from flows.reading import be_quiet
from flows.store import Store, open_store
from load import index, memory, resketch
from load.engine import worker
from load.locks import lock

ROUNDS = 3  # what is cut makes room for further rules; the rest is done by the next upkeep


@flow(name="upkeep", validate_parameters=False)
def upkeep() -> dict[str, int]:
    """Learn what repeats in each source that has something new, and read again what that concerns; counts of it."""
    with open_store() as store, worker(store.engine) as me:
        settings = store.settings
        with (
            on_record(store, "upkeep") as (_, counts),
            workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers,
        ):
            counts.update(keep_up(store, me, readers, read=read_batch, settle=settle_batch))
        counts.update(look_around(store, emit))
    return dict(counts)


def keep_up(
    store: Store, me: int, readers: Workers, *, read: Read = read_pages, settle: Settle = settle_ready
) -> Counter[str]:
    """What `upkeep` does, without a flow."""
    counts: Counter[str] = Counter()
    for _ in range(ROUNDS):
        learned = learn_due(store)
        counts.update(learned)
        counts.update(read_waiting(store, me, readers, read=read, settle=settle))
        if not learned["reopened"]:
            break
    counts.update(retire_slices(store))
    counts.update(fingerprint_anew(store))
    return counts


def learn_due(store: Store) -> Counter[str]:
    """Look over the sources of which something was settled, each in a transaction of its own."""
    with store.engine.connect() as connection:
        due = memory.due(connection)
    counts: Counter[str] = Counter()
    for source_id in due:
        with store.engine.begin() as connection:
            found = memory.learn_source(connection, source_id, datetime.now(UTC))
        counts.update({"learned": found.learned, "forgotten": found.forgotten, "reopened": found.reopened})
    return +counts


def retire_slices(store: Store) -> Counter[str]:
    """Drop the slices of the near-duplicate index that nothing was entered into for as long as the settings say."""
    before = datetime.now(UTC) - timedelta(days=store.settings.index_days)
    with store.engine.begin() as connection:
        resketch.lock_building(connection)
        lock(connection, "settle")
        return +Counter({"slices retired": index.retire(connection, before)})
