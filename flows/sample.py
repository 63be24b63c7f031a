"""How much WARC files hold and how long that takes, judged by the beginnings of some of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from extract.model import Announcement, Page, SourceName
from extract.warc_files import WarcUnavailable, scan_patiently, state_of
from flows.isolation import workers
from flows.own_packs import own_rules
from flows.reading import be_quiet
from flows.store import Store
from flows.warcs import WarcJob, no_article, why_not_kept
from load import entries, warc_files
from load.engine import Connection
from transform.read import ReadSpec, read_page

FILES_MEASURED = 20  # of more, the others are taken to be like them: asking for a size takes a moment each
FILES_SAMPLED = 3
SAMPLE_BYTES = 4_000_000  # of each
PAGES_READ = 12

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPlan:
    """What WARC files still hold of what is wanted."""

    files: int
    ended: int  # of them, those that were read to their ends before
    left_bytes: int
    pages: int  # wanted, in what is left
    new: int  # of them, not in the ledger yet
    seconds: float  # for putting them on record and reading them
    is_estimate: bool  # false where all that is left was looked at
    left_out: dict[str, int]  # in what was looked at
    trouble: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Left:
    """A file, and what is left of it."""

    job: WarcJob
    start: int
    size: int


@dataclass(slots=True)
class _Seen:
    """What the beginnings of what is left told."""

    bytes: int = 0
    seconds: float = 0.0
    pages: int = 0
    new: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    some: list[Page] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def sample(store: Store, jobs: Sequence[WarcJob], most: int | None) -> FilesPlan:
    """What is left of these files.

    most: new entries, then it would rest
    """
    seen = _Seen()
    measured = _spread(jobs, FILES_MEASURED)
    with store.engine.connect() as connection:
        left = [found for job in measured if (found := _left_of(connection, job, seen))]
        for one in _spread(left, FILES_SAMPLED):
            _look(connection, one, seen)
    scale = len(jobs) / len(measured)
    left_bytes = sum(one.size - one.start for one in left) * scale
    share = left_bytes / seen.bytes if seen.bytes else 0.0
    new = seen.new * share if most is None else min(seen.new * share, most)
    part = new / (seen.new * share) if new else 1.0  # of what is left, up to `most`
    reading_s = new * _seconds_a_page(store, seen.some) / store.settings.processes
    return FilesPlan(
        files=len(jobs),
        ended=round((len(measured) - len(left) - len(seen.trouble)) * scale),
        left_bytes=round(left_bytes),
        pages=round(seen.pages * share * part),
        new=round(new),
        seconds=seen.seconds * share * part + reading_s,
        is_estimate=share > 1,
        left_out=dict(seen.left_out),
        trouble=tuple(seen.trouble),
    )


def _spread(items: Sequence[_T], most: int) -> list[_T]:
    """At most so many, from the first to the last at equal distances."""
    if len(items) <= most:
        return list(items)
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def _left_of(connection: Connection, job: WarcJob, seen: _Seen) -> _Left | None:
    """None of a file that was read to its end, or cannot be read."""
    if why := why_not_kept(job.file):
        seen.trouble.append(why)
        return None
    come = warc_files.progress(connection, job.file, str(job.choice))
    try:
        size = state_of(job.file, 0, tries=1).size
    except WarcUnavailable as error:
        seen.trouble.append(str(error))
        return None
    return None if come.ended and come.size == size else _Left(job, come.next_offset, size)


def _look(connection: Connection, left: _Left, seen: _Seen) -> None:
    """Read some of it, as the indexing would."""
    urls: list[str] = []
    begun, end = time.perf_counter(), left.start
    try:
        for step in scan_patiently(left.job.file, start=left.start, refuse=left.job.choice.refuse):
            end = step.end
            what = step.other or (no_article(step.page) if step.page else None)
            if what:
                seen.left_out[what] += 1
            elif step.page:
                urls.append(step.page.url)
                seen.some.extend([step.page] if len(seen.some) < PAGES_READ else [])
            if end - left.start >= SAMPLE_BYTES:
                break
        else:
            end = left.size
    except WarcUnavailable as error:
        seen.trouble.append(str(error))
    seen.seconds += time.perf_counter() - begun
    seen.bytes += end - left.start
    seen.pages += len(urls)
    seen.new += len(set(urls)) - len(entries.ids(connection, urls))


def _seconds_a_page(store: Store, some: Sequence[Page]) -> float:
    """Of a processor, for reading one, by these; one that breaks its reader takes as long as it may.

    They are strangers' pages: read in a process of their own, with the deadline that they will have.
    """
    if not some:
        return 0.0
    spec = ReadSpec(profile=store.settings.profile, rules=own_rules(store.settings))
    told = Announcement(source=SourceName("plan"))
    deadline_s = store.settings.read_timeout_s
    with workers(1, deadline_s, start=be_quiet) as reader:
        reader.map(read_page, [(some[0], told, spec)])  # extractors start slowly
        before = len(reader.cpu_s(read_page))
        reader.map(read_page, [(page, told, spec) for page in some])
        taken = reader.cpu_s(read_page)[before:]
    return (sum(taken) + (len(some) - len(taken)) * deadline_s) / len(some)
