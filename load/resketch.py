"""Another SketchSpec, built beside the one that the store compares by, and then taken in its place.

Nothing waits for it: settling goes on by the current spec. `step` fingerprints the articles by the new one, in the
order of their ids, some in each transaction; meanwhile settling notes which articles came or changed
(`settled_since`). The transaction that makes the last of these makes the new spec current, under the lock of settling.
Stories, ids, verdicts and judgements stay as they are. Killed at any moment, it goes on where it was.

Only where this program cannot make fingerprints of the current spec is its own built before anything is settled
(`make_first`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.exc import OperationalError

from load import index, specs, stop_shingles
from load.locks import lock
from load.revisions import DAY, MEASURED, bands_of, keep_prints, sent_bands
from load.rows import IN_BINARY, among
from load.specs import StoredSpec, sketches
from load.tables import article, article_revision, revision, settled_since, sketch_spec
from transform.minhash import SketchSpec, fingerprints
from transform.model import ArticleId, Hashes
from transform.verify import MatchPolicy, Side

_MOST = 1_000_000  # where nothing says how many
PATIENCE_S = 5  # for who still reads, such as a dump, what is to be dropped: the next upkeep tries again
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one transaction came to."""

    made: int  # fingerprints
    is_last: bool  # nothing is left to do: the spec is current, or not built any more
    switched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the building of a spec is; articles, told by their ids."""

    done: int
    of: int
    since: int  # came or changed since it began, and are to be done as well
    begun_at: datetime
    first: bool  # nothing is settled before it is done


def progress(connection: Connection) -> Progress | None:
    """How far the spec is that is built, if any."""
    stored = specs.building(connection)
    if stored is None:
        return None
    since = connection.scalar(select(func.count()).select_from(settled_since)) or 0
    begun = select(sketch_spec.c.begun_at).where(sketch_spec.c.number == stored.number)
    return Progress(
        done=stored.position,
        of=stored.until,
        since=since,
        begun_at=connection.execute(begun).scalar_one(),
        first=specs.current(connection).known is None,
    )


def follow(engine: Engine, spec: SketchSpec, now: datetime) -> bool:
    """Have this spec built if the store has never known it; whether it is built.

    One that the store has left behind is not taken up again: programs of two versions would undo each other's work.
    """
    with engine.connect() as connection:
        known = specs.of_digest(connection, spec.digest)
        in_building = specs.building(connection)
    if known is None:
        return begin(engine, spec, now)
    return in_building is not None and in_building.digest == spec.digest


def begin(engine: Engine, spec: SketchSpec, now: datetime) -> bool:
    """Have this spec built, whatever the store knows of it; whether it is built.

    It goes on from what it has left in the store. Another that is built is given up, and its tables are dropped first:
    what is settled is noted for one spec alone. Where somebody reads them, this one is not begun yet.
    """
    with engine.begin() as connection:
        lock_building(connection)
        lock(connection, "settle")
        in_building = specs.building(connection)
        if in_building is not None and in_building.digest == spec.digest:
            return True
        specs.give_up(connection, now)
        if specs.current(connection).digest == spec.digest:
            return False
    drop_retired(engine, now, but=spec.digest)
    with engine.begin() as connection:
        lock_building(connection)
        lock(connection, "settle")
        return _begun(connection, spec, now)


def _begun(connection: Connection, spec: SketchSpec, now: datetime) -> bool:
    """Have this spec built if no other has tables beside the current one; whether it is built."""
    retired = specs.retired(connection)
    if specs.building(connection) is not None or any(stored.digest != spec.digest for stored in retired):
        return False
    if retired:
        specs.resume(connection, retired[0])
    else:
        specs.begin(connection, spec, connection.scalar(select(func.max(article.c.id))) or 0, now)
    return True


def step(engine: Engine, spec: SketchSpec, policy: MatchPolicy, limit: int, now: datetime) -> Step:
    """Fingerprint the next articles by the spec that is built; with the last of them it becomes current.

    limit: articles in this transaction, which holds no lock of settling but for the last of them
    """
    with engine.begin() as connection:
        lock_building(connection)
        stored = specs.building(connection)
        if stored is None or stored.digest != spec.digest:
            return Step(made=0, is_last=True)
        limit = min(limit, _room(connection, stored))
        if stored.position < stored.until:
            return Step(made=_make_next(connection, stored, policy, limit), is_last=False)
        ids = specs.noted(connection, limit)
        made = _make(connection, stored, ids, policy)
        if len(ids) == limit:
            return Step(made=made, is_last=False)
        lock(connection, "settle")
        while ids := specs.noted(connection, _room(connection, stored)):
            made += _make(connection, stored, ids, policy)
        specs.switch(connection, stored, now)
    return Step(made=made, is_last=True, switched=True)


def make_first(engine: Engine, spec: SketchSpec, policy: MatchPolicy, limit: int, now: datetime) -> int:
    """Where this program cannot make fingerprints of the current spec, build its own; how many it made.

    Nothing to do costs one small read. Raises ForeignSpec where a newer program has made the current one.
    """
    with engine.connect() as connection:
        in_use = specs.current(connection)
    if in_use.is_newer:
        raise in_use.foreign()
    if in_use.known is not None:
        return 0
    begin(engine, spec, now)
    made, is_last = 0, False
    while not is_last:
        done = step(engine, spec, policy, limit, now)
        made, is_last = made + done.made, done.is_last
    return made


def drop_retired(engine: Engine, now: datetime, but: bytes = b"") -> int:
    """Drop the tables of specs that were given up; of how many, where nobody reads them.

    but: digest of one that is to stay
    """
    with engine.begin() as connection:
        gone = [stored for stored in specs.retired(connection) if stored.digest != but]
        if gone:
            specs.wait_for_keepers(connection)
    return sum(_drop(engine, stored, now) for stored in gone)


def _drop(engine: Engine, stored: StoredSpec, now: datetime) -> bool:
    """Whether it could be dropped."""
    try:
        with engine.begin() as connection:
            lock_building(connection)
            if stored.number in {one.number for one in specs.retired(connection)}:
                connection.execute(select(func.set_config("lock_timeout", f"{PATIENCE_S}s", True)))
                specs.drop(connection, stored, now)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def lock_building(connection: Connection) -> None:
    """Hold the lock of building until the transaction ends; who wants that of settling, too, takes it after this."""
    lock(connection, "respec")


def _room(connection: Connection, stored: StoredSpec) -> int:
    """How many texts may be made until its list of recurring phrases is renewed."""
    return stop_shingles.room(connection, stored.counts) if _counts(connection, stored) else _MOST


def _counts(connection: Connection, stored: StoredSpec) -> bool:
    """Whether its recurring phrases are counted while it is built: settling counts those of the current spec."""
    return stored.counts != specs.current(connection).counts


def _make_next(connection: Connection, stored: StoredSpec, policy: MatchPolicy, limit: int) -> int:
    """Make the fingerprints of the next articles in the order of their ids; how many."""
    following = article.c.id > stored.position, article.c.id <= stored.until
    query = select(article.c.id).where(*following).order_by(article.c.id).limit(limit)
    ids = list(connection.scalars(query))
    specs.move_on(connection, stored, ids[-1] if len(ids) == limit else stored.until)
    return _make(connection, stored, ids, policy)


def _make(connection: Connection, stored: StoredSpec, ids: Collection[int], policy: MatchPolicy) -> int:
    """Make the fingerprints of what these articles say now, in place of what the spec has of them; how many."""
    query = (
        select(article.c.id.label("article_id"), revision.c.text, DAY, *MEASURED)
        .join(revision, revision.c.id == article.c.revision_id)
        .where(among(article.c.id, ids))
        .order_by(article.c.id)
    )
    rows = connection.execute(query).all() if ids else []
    if rows:
        prints = fingerprints([row.text for row in rows], stored.usable)
        sides = [
            Side(id=ArticleId(row.article_id), day=row.day, print=print_)
            for row, print_ in zip(rows, prints, strict=True)
        ]
        former = _take_former(connection, stored, [side.id for side in sides])
        keep_prints(connection, stored.number, rows, prints)
        index.build_keys(connection, stored.number, {side.id: side.print.bands for side in sides}, former)
        if _counts(connection, stored):
            stop_shingles.count(connection, stored.counts, sides, policy)
    return len(rows)


def _take_former(connection: Connection, stored: StoredSpec, ids: Collection[ArticleId]) -> dict[ArticleId, Hashes]:
    """Delete what the spec has of these articles; the keys that they may have in its index."""
    made = sketches(stored.number)
    query = (
        select(article_revision.c.article_id, made.c.revision_id, sent_bands(made))
        .join(made, made.c.revision_id == article_revision.c.revision_id)
        .where(among(article_revision.c.article_id, ids))
    )
    rows = connection.execute(query, execution_options=IN_BINARY).all()
    if rows:
        connection.execute(delete(made).where(among(made.c.revision_id, [row.revision_id for row in rows])))
    keys: defaultdict[ArticleId, list[Hashes]] = defaultdict(list)
    for row in rows:
        keys[ArticleId(row.article_id)].append(bands_of(row))
    return {article_id: np.concatenate(bands) for article_id, bands in keys.items()}
