"""The memory of sources: what repeats in their newest articles is learned, and pages that it concerns are read again.

What is remembered is a function of the store: of the newest articles of a source, as they are grouped into stories, and
of what was learned before. Learning one source is one transaction, which also reopens the pages that read otherwise
from then on; so a crash leaves a source learned with its pages reopened, or neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Connection, Integer, LargeBinary, Row, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from extract.model import Flag
from load.locks import lock
from load.pages import reopen
from load.rows import among
from load.tables import article, cut, page, revision, source, story_member, unlearned
from load.tables import segment as segments
from transform.memory import Lesson, SiteMemory, Told, learn, segment
from transform.model import CutKind

WINDOW = 200  # newest articles of a source that are looked at
CERTAIN = 5  # distinct stories; stories that become one leave no doubt about what so many had

_MEMORY_VERSION = func.coalesce(page.c.memory_version, revision.c.memory_version).label("memory_version")
"""By which a page was read last."""


class NotRemembered(LookupError):
    """A segment was named that its source has never learned: one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What looking a source over came to."""

    learned: int = 0  # segments
    forgotten: int = 0
    reopened: int = 0  # pages


def memories(connection: Connection, source_ids: Collection[int]) -> dict[int, SiteMemory]:
    """Source id → what it is remembered by now."""
    held: defaultdict[int, set[bytes]] = defaultdict(set)
    query = select(segments.c.source_id, segments.c.digest).where(
        segments.c.source_id.in_(source_ids), segments.c.until_version.is_(None)
    )
    for source_id, digest in connection.execute(query):
        held[source_id].add(digest)
    versions = connection.execute(select(source.c.id, source.c.memory_version).where(source.c.id.in_(source_ids)))
    return {id_: SiteMemory(version=version, segments=frozenset(held[id_])) for id_, version in versions}


def mark_due(connection: Connection, articles: Collection[int]) -> None:
    """The sources of these articles are to be looked over again. In a transaction that holds the lock of settling."""
    of_these = select(article.c.source_id).where(among(article.c.id, articles)).distinct()
    statement = insert(unlearned).from_select(["source_id"], of_these)
    connection.execute(statement.on_conflict_do_nothing())


def due(connection: Connection) -> list[int]:
    """The sources of which something was settled since they were looked over; not those whose pages wait."""
    query = select(unlearned.c.source_id).join(source, source.c.id == unlearned.c.source_id)
    return list(connection.scalars(query.where(source.c.held_at.is_(None)).order_by(source.c.id)))


def learn_source(connection: Connection, source_id: int, now: datetime) -> Learned:
    """Look a source over, remember what repeats and forget what does not, and reopen the pages that it concerns."""
    lock(connection, "settle")  # what it is to be looked over for is there whole, or comes later and marks it again
    if not connection.execute(delete(unlearned).where(unlearned.c.source_id == source_id)).rowcount:
        return Learned()  # another was faster
    window = _window(connection, source_id)
    lesson = learn(Told(story=row.story_id, segments=tuple(row.segments)) for row in window if not row.holds_others)
    repeated, gone = _changes(connection, source_id, lesson)
    new = _texts(connection, repeated, window)
    version = _version(connection, source_id) + bool(new or gone)
    _remember(connection, source_id, new, lesson, version, now)
    _forget(connection, source_id, gone, version)
    _refresh(connection, source_id, lesson, now)
    looked_over = update(source).where(source.c.id == source_id)
    connection.execute(looked_over.values(memory_version=version, learned_at=now))
    reopened = reopen(connection, _concerned(connection, source_id, {*new, *gone}, version, window))
    return Learned(learned=len(new), forgotten=len(gone), reopened=reopened)


def spare(connection: Connection, name: str, digest: bytes) -> int:
    """A person says that this block is text: it is never cut again. Answers how many pages are to be read again.

    Raises NotRemembered.
    """
    return _decide(connection, name, digest, spared=True)


def unspare(connection: Connection, name: str, digest: bytes) -> int:
    """Take `spare` back: the block is remembered again. Answers how many pages are to be read again.

    Raises NotRemembered.
    """
    return _decide(connection, name, digest, spared=False)


def _decide(connection: Connection, name: str, digest: bytes, *, spared: bool) -> int:
    lock(connection, "settle")
    one = select(segments.c.source_id, segments.c.spared).join(source)
    row = connection.execute(one.where(source.c.name == name, segments.c.digest == digest)).one_or_none()
    if row is None:
        raise NotRemembered(f"'{name}' has never learned a block {digest.hex()}: news.source_memory lists them.")
    if row.spared == spared:
        return 0
    version = _version(connection, row.source_id) + 1
    decided = {"spared": True, "until_version": version} if spared else _remembered_since(version)
    ours = segments.c.source_id == row.source_id, segments.c.digest == digest
    connection.execute(update(segments).where(*ours).values(decided))
    connection.execute(update(source).where(source.c.id == row.source_id).values(memory_version=version))
    window = _window(connection, row.source_id)
    return reopen(connection, _concerned(connection, row.source_id, {digest}, version, window))


def _remembered_since(version: int) -> dict[str, Any]:
    return {"spared": False, "since_version": version, "until_version": None}


def _version(connection: Connection, source_id: int) -> int:
    return int(connection.execute(select(source.c.memory_version).where(source.c.id == source_id)).scalar_one())


def _window(connection: Connection, source_id: int) -> list[Row[Any]]:
    """The newest articles of the source, in the order of settling, with what was read of them last."""
    others = or_(story_member.c.container, literal(Flag.LIVE_BLOG.value) == func.any(revision.c.flags))
    query = (
        select(
            article.c.id,
            story_member.c.story_id,
            revision.c.id.label("revision_id"),
            revision.c.page_id,
            revision.c.segments,
            _MEMORY_VERSION,
            others.label("holds_others"),
        )
        .join(revision, revision.c.id == article.c.revision_id)
        .join(page, page.c.id == revision.c.page_id)
        .join(story_member, story_member.c.article_id == article.c.id)
        .where(article.c.source_id == source_id)
        .order_by(article.c.id.desc())
        .limit(WINDOW)
    )
    return list(connection.execute(query))


def _changes(connection: Connection, source_id: int, lesson: Lesson) -> tuple[set[bytes], set[bytes]]:
    """The segments to remember from now on, and those to forget: they turned out to stand in copies of one text.

    What was once seen in many stories is kept: of a line that goes out of use, two copies may be the last to bear it.
    """
    rows = connection.execute(select(segments).where(segments.c.source_id == source_id)).all()
    remembered = {row.digest for row in rows if row.until_version is None}
    spared = {row.digest for row in rows if row.spared}
    certain = {row.digest for row in rows if row.stories >= CERTAIN}
    return set(lesson.repeated) - remembered - spared, set(lesson.copied) & remembered - certain


def _texts(connection: Connection, new: Set[bytes], window: Iterable[Row[Any]]) -> dict[bytes, str]:
    """Segment → the block as it stands in the newest article that has it."""
    bearers: dict[bytes, int] = {}
    for row in window:
        for part in new & set(row.segments):
            bearers.setdefault(part, row.revision_id)
    ids = list(set(bearers.values()))
    kept = connection.execute(select(revision.c.text).where(among(revision.c.id, ids))).scalars()
    removed = select(cut.c.text).where(among(cut.c.revision_id, ids), cut.c.kind == CutKind.REPEATED)
    blocks = [block for text in kept for block in text.split("\n\n")] + list(connection.scalars(removed))
    return {part: block for block in blocks if (part := segment(block)) in bearers}


def _remember(
    connection: Connection,
    source_id: int,
    new: Mapping[bytes, str],
    lesson: Lesson,
    version: int,
    now: datetime,
) -> None:
    rows = [
        {
            "source_id": source_id,
            "digest": part,
            "text": text,
            "stories": lesson.repeated[part],
            "since_version": version,
            "until_version": None,
            "learned_at": now,
        }
        for part, text in sorted(new.items())
    ]
    if not rows:
        return
    statement = insert(segments)
    again = {name: statement.excluded[name] for name in rows[0] if name not in ("source_id", "digest")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[segments.c.source_id, segments.c.digest], set_=again), rows
    )


def _forget(connection: Connection, source_id: int, gone: Collection[bytes], version: int) -> None:
    if gone:
        ours = update(segments).where(segments.c.source_id == source_id, segments.c.digest.in_(gone))
        connection.execute(ours.values(until_version=version))


def _refresh(connection: Connection, source_id: int, lesson: Lesson, now: datetime) -> None:
    """Note of what is remembered in how many stories it stands, where there have never been more."""
    parts, stories = list(lesson.repeated), list(lesson.repeated.values())
    pairs = func.unnest(literal(parts, ARRAY(LargeBinary)), literal(stories, ARRAY(Integer)))
    told = pairs.table_valued("digest", "stories", name="told").render_derived()
    ours = update(segments).where(segments.c.source_id == source_id, segments.c.digest == told.c.digest)
    changed = ours.where(segments.c.until_version.is_(None), segments.c.stories < told.c.stories)
    connection.execute(changed.values(stories=told.c.stories, learned_at=now))


def _concerned(
    connection: Connection, source_id: int, changed: Collection[bytes], version: int, window: Iterable[Row[Any]]
) -> set[int]:
    """The pages whose text would read otherwise by this version of the memory.

    In the window, whatever version they were read by: a reader may have had an older one at hand. Beyond it, those with
    a segment that has changed now. What counts is by which version a page was read last, also where that found the
    same, or nothing: then it is left alone until more changes.
    """
    query = select(segments.c.digest, func.greatest(segments.c.since_version, segments.c.until_version)).where(
        segments.c.source_id == source_id
    )
    changed_in = {digest: at for digest, at in connection.execute(query)}
    near = {row.page_id for row in window if any(changed_in.get(part, 0) > row.memory_version for part in row.segments)}
    if not changed:
        return near
    beyond = (
        select(revision.c.page_id)
        .join(article, article.c.revision_id == revision.c.id)
        .join(page, page.c.id == revision.c.page_id)
        .where(
            article.c.source_id == source_id,
            version > _MEMORY_VERSION,
            revision.c.segments.op("&&")(literal(list(changed), ARRAY(LargeBinary))),
        )
    )
    return near | set(connection.scalars(beyond))
