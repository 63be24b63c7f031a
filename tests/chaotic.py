"""Kills what works on a store at chosen moments, holds the ledger to its law after each, and compares two stores.

Rows are compared by what they say: by URLs and texts, never by numbers, which a crash may skip.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

from generated_newsroom import GeneratedNewsroom
from sqlalchemy import Connection, create_engine, text

from load import engine as store
from load import postgres

LINES = Path(__file__).with_name("lines_without_prefect.py")
DEADLINE_S = 600.0
JITTER_S = 0.4

GATHERED = {
    "entries": """SELECT entry.url, source.name, CASE WHEN reason = 'fetch' THEN 'pending' ELSE outcome END,
                         nullif(reason, 'fetch'), article_id IS NOT NULL, entry.title, summary, published_at, updated_at
                  FROM storyfold.entry JOIN storyfold.source ON source.id = source_id ORDER BY 1""",
    "pages": """SELECT url, final_url, status, encode(body_digest, 'hex'), body_bytes FROM storyfold.page
                ORDER BY 1, 4""",
}
"""What discover and collect leave, whatever the order in which hosts answer: times of fetching and the feed that was
the first to announce are matters of that order. What fails for ever is pending or given up, as the clock has it."""

MADE = {
    "order": "SELECT url, encode(body_digest, 'hex'), read_at IS NOT NULL FROM storyfold.page ORDER BY id",
    "outcomes": "SELECT url, outcome, reason, detail FROM storyfold.entry ORDER BY url",
    "revisions": """SELECT article.url, page.url, page.fetched_at, article_revision.kind, revision.id = article.revision_id,
                           revision.title, revision.language, revision.published_at, revision.flags, revision.extractor,
                           encode(revision.text_digest, 'hex'), revision.text, revision.memory_version
                    FROM storyfold.revision JOIN storyfold.article_revision ON article_revision.revision_id = revision.id
                    JOIN storyfold.article ON article.id = article_id JOIN storyfold.page ON page.id = page_id
                    ORDER BY article.url, revision.id""",
    "cuts": """SELECT article.url, page.fetched_at, article_revision.kind, position, cut.rule, cut.text
               FROM storyfold.cut JOIN storyfold.revision ON revision.id = cut.revision_id
               JOIN storyfold.article_revision ON article_revision.revision_id = revision.id
               JOIN storyfold.article ON article.id = article_id JOIN storyfold.page ON page.id = page_id
               ORDER BY article.url, revision.id, position""",
    "memory": """SELECT source.name, encode(digest, 'hex'), text, stories, since_version, until_version
                 FROM storyfold.segment JOIN storyfold.source ON source.id = source_id ORDER BY 1, 2""",
    "matches": """SELECT one.url, other.url, kind, failed, jaccard, jaccard_filtered, containment, facts, run
                  FROM storyfold.match JOIN storyfold.article AS one ON one.id = left_id
                  JOIN storyfold.article AS other ON other.id = right_id ORDER BY 1, 2""",
    "stories": """SELECT canonical.url, canonical_rule, array_agg(article.url ORDER BY article.url)
                  FROM storyfold.story JOIN storyfold.article AS canonical ON canonical.id = canonical_id
                  JOIN storyfold.story_member ON story_id = story.id
                  JOIN storyfold.article ON article.id = article_id
                  GROUP BY story.id, canonical.url, canonical_rule ORDER BY 1""",
    "changes": """SELECT change, article.url, detail, articles FROM storyfold.story_change
                  LEFT JOIN storyfold.article ON article.id = article_id ORDER BY story_change.id""",
}
"""What ingest and upkeep make of the same pages in the same order: all of it, row by row."""

BROKEN = {
    "the ledger": "SELECT * FROM news.outcome_ledger WHERE NOT adds_up",
    "its total": """SELECT discovered FROM news.outcome_ledger WHERE source IS NULL
                    AND discovered <> (SELECT count(*) FROM storyfold.entry)""",
    "runs that ended": """SELECT id, counts FROM storyfold.run WHERE line = 'discover' AND finished_at IS NOT NULL
                          AND coalesce((counts ->> 'new')::int, 0) <>
                              (SELECT count(*) FROM storyfold.entry WHERE found_by = run.id)""",
    "stories without members": """SELECT id FROM storyfold.story WHERE merged_into IS NULL AND canonical_id NOT IN
                                  (SELECT article_id FROM storyfold.story_member WHERE story_id = story.id)""",
    "entries loaded without an article": """SELECT url FROM storyfold.entry
                                            WHERE outcome IN ('loaded', 'revised') AND article_id IS NULL""",
}
"""What must be empty at any moment."""


class Victim(StrEnum):
    WORKER = "worker"
    READER = "reader"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When to kill whom: as soon as the table has so many rows, and a little later."""

    table: str
    rows: int
    victim: Victim
    after_s: float


def moments(rng: Random, victims: Sequence[Victim], totals: Mapping[str, tuple[int, int]]) -> list[Moment]:
    """One for each victim, spread over the growth of these tables, which grow one after the other.

    totals: table → its rows before, and in the end
    """
    found = []
    for n, victim in enumerate(victims):
        place = (n + rng.random()) * len(totals) / len(victims)
        table, (before, after) = list(totals.items())[int(place)]
        rows = before + round((after - before) * (place % 1))
        found.append(Moment(table=table, rows=rows, victim=victim, after_s=rng.random() * JITTER_S))
    return found


class Worker:
    """A pass of some lines, at work."""

    def __init__(self, starter: Starter, pid: int, file: Path) -> None:
        self.pid = pid
        self._starter = starter
        self._file = file
        self._code: int | None = None

    @property
    def said(self) -> str:
        return self._file.read_text()

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self._code is None:
            told = self._starter.ask("poll", self.pid)
            self._code = None if told == "None" else int(told)
        return self._code

    def wait(self) -> int:
        end = time.monotonic() + DEADLINE_S
        while (code := self.poll()) is None:
            assert time.monotonic() < end, self.said
            time.sleep(0.02)
        return code


class Starter:
    """Starts workers that need not import anything, see tests/lines_without_prefect.py."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._count = 0
        self._process = subprocess.Popen(
            [sys.executable, str(LINES)],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, home: Path, *lines: str) -> Worker:
        self._count += 1
        file = self._folder / f"{self._count}.log"
        file.touch()
        return Worker(self, int(self.ask("start", file, home, *lines)), file)

    def ask(self, *words: object) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        """Whatever it has started is over by then."""
        self._process.communicate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A data home with a server of its own, and what works on it."""

    path: Path
    starter: Starter

    def prepare(self) -> Home:
        """Itself, with tables; what a server writes outlives its kill, though not the machine's, without being synced."""
        engine = store.connect(postgres.start(self.path))
        store.upgrade(engine)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
        engine.dispose()
        postgres.stop(self.path)
        return self

    def copied(self, path: Path) -> Home:
        """A copy with all that it holds, taken while nothing runs."""
        postgres.stop(self.path)
        subprocess.run(["cp", "-a", str(self.path), str(path)], check=True)
        return Home(path=path, starter=self.starter)

    @contextmanager
    def database(self) -> Iterator[Connection]:
        engine = create_engine(postgres.start(self.path), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def counts(self, *tables: str) -> dict[str, int]:
        return {table: self.rows(f"SELECT count(*) FROM storyfold.{table}")[0][0] for table in tables}

    def content(self, queries: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.rows(query) for name, query in queries.items()}

    def begin(self, *lines: str) -> Worker:
        return self.starter.start(self.path, *lines)

    def run(self, *lines: str) -> None:
        worker = self.begin(*lines)
        assert worker.wait() == 0, worker.said

    def run_twice(self, *lines: str) -> None:
        """Two workers that begin at the same moment."""
        with self.database():  # so neither has to start it
            workers = [self.begin(*lines), self.begin(*lines)]
            assert [one.wait() for one in workers] == [0, 0], [one.said for one in workers]
        self.check()

    def run_disturbed(self, wanted: Sequence[Moment], *lines: str, at_once: int = 1) -> Counter[Victim]:
        """Run to the end through all these kills; how many there were.

        at_once: how many workers share the work, of which the first is the one that is killed
        """
        done: Counter[Victim] = Counter()
        workers: list[Worker] = []
        for moment in wanted:
            workers = [one for one in workers if one.poll() is None]
            while len(workers) < at_once:
                workers.append(self.begin(*lines))
            if self._reached(moment, workers[0]):
                done[moment.victim] += self._kill(moment.victim, workers)
                self.check()
        for one in workers:
            one.wait()
        self.run(*lines)
        self.check()
        return done

    def _reached(self, moment: Moment, worker: Worker) -> bool:
        """Whether it came to that before the worker ended."""
        end = time.monotonic() + DEADLINE_S
        query = text(f"SELECT count(*) FROM storyfold.{moment.table}")
        with self.database() as connection:
            while worker.poll() is None and time.monotonic() < end:
                if connection.scalar(query) >= moment.rows:
                    time.sleep(moment.after_s)
                    return worker.poll() is None
                time.sleep(0.02)
        return False

    def _kill(self, victim: Victim, workers: list[Worker]) -> bool:
        """Whether there was one to kill."""
        if victim is Victim.WORKER:
            kill_all_of(workers.pop(0))
            return True
        if victim is Victim.READER:
            return kill_one_reader(workers[0].pid)
        os.kill(int((self.path / "postgres/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        while workers:
            worker = workers.pop()
            assert worker.wait() == 0 or worker.said.startswith("The database 'storyfold' on "), worker.said
        return True

    def check(self) -> None:
        """What holds at any moment: the ledger's law, and that no row points to bytes that are not there."""
        broken = {name: found for name, query in BROKEN.items() if (found := self.rows(query))}
        assert not broken, broken
        query = "SELECT warc_file, max(warc_offset + warc_length) FROM storyfold.page GROUP BY 1"
        for file, end in self.rows(query):
            assert (self.path / "warc" / file).stat().st_size >= end, file

    def end(self) -> None:
        postgres.stop(self.path)
        shutil.rmtree(self.path, ignore_errors=True)


def kill_all_of(worker: Worker) -> None:
    """Kill the worker, and see its own processes go."""
    left = descendants(worker.pid)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    end = time.monotonic() + 30
    while left & set(parents()):
        assert time.monotonic() < end, "the processes of a killed worker live on"
        time.sleep(0.02)


def kill_one_reader(worker: int) -> bool:
    """Kill a process that reads pages for the worker; false where there is none."""
    held = parents()
    below = descendants(worker)
    readers = [process for process in below if held.get(held.get(process, 0)) == worker]
    if not readers:
        return False
    os.kill(min(readers), signal.SIGKILL)
    return True


def descendants(process: int) -> set[int]:
    held = parents()
    found = {process}
    while more := {child for child, parent in held.items() if parent in found} - found:
        found |= more
    return found - {process}


def parents() -> dict[int, int]:
    """Process → its parent, of all that run."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    told = (line.split() for line in listed.stdout.splitlines())
    return {int(process): int(parent) for process, parent, state in told if not state.startswith("Z")}


# --- The whole test -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Blows:
    """Whom to kill in one edition, line by line."""

    gathering: Sequence[Victim]
    ingest: Sequence[Victim]
    upkeep: Sequence[Victim]


def endure(
    newsroom: GeneratedNewsroom, folder: Path, settings: Mapping[str, str], blows: Sequence[Blows], seed: int
) -> Counter[Victim]:
    """Read edition after edition through all these blows, two workers at once while there is more than one's work.

    Each line is compared with one that nothing disturbs: discover and collect with those of a store of their own,
    ingest and upkeep with those of a copy of the same pages, which then is that other store. Answers who was killed.
    """
    rng = Random(seed)
    starter = Starter(folder, {**newsroom.environment, **settings})
    calm, wild = (Home(path=folder / name, starter=starter).prepare() for name in ("calm", "wild"))
    killed: Counter[Victim] = Counter()
    try:
        for edition, blow in enumerate(blows):
            newsroom.publish(edition)
            killed += _gather(calm, wild, rng, blow.gathering)
            calm.end()
            calm = wild.copied(folder / f"calm-{edition}")
            killed += _make(calm, wild, rng, blow)
    finally:
        starter.end()
        calm.end()
        wild.end()
    return killed


def overlap(newsroom: GeneratedNewsroom, folder: Path, settings: Mapping[str, str]) -> None:
    """Two runs of each line at once, compared with one run on a store of its own, or on a copy of the same pages."""
    starter = Starter(folder, {**newsroom.environment, **settings})
    calm, both = (Home(path=folder / name, starter=starter).prepare() for name in ("calm", "both"))
    try:
        calm.run("discover", "collect")
        both.run_twice("discover", "collect")
        assert_same(both, calm, GATHERED)
        calm.end()
        calm = both.copied(folder / "copy")
        calm.run("ingest", "upkeep")
        both.run_twice("ingest", "upkeep")
        assert_same(both, calm, MADE | GATHERED)
    finally:
        starter.end()
        calm.end()
        both.end()


def _gather(calm: Home, wild: Home, rng: Random, victims: Sequence[Victim]) -> Counter[Victim]:
    before = calm.counts("entry", "page")
    calm.run("discover", "collect")
    after = calm.counts("entry", "page")
    wanted = moments(rng, victims, {table: (before[table], after[table]) for table in after})
    killed = wild.run_disturbed(wanted, "discover", "collect")
    assert_same(wild, calm, GATHERED)
    return killed


def _make(calm: Home, wild: Home, rng: Random, blow: Blows) -> Counter[Victim]:
    tables = ("revision", "story_change", "segment", "cut")
    grown = [calm.counts(*tables)]
    for line in ("ingest", "upkeep"):
        calm.run(line)
        grown.append(calm.counts(*tables))
    read = {table: (grown[0][table], grown[1][table]) for table in tables[:2]}
    killed = wild.run_disturbed(moments(rng, blow.ingest, read), "ingest", at_once=2)
    learned = {table: (grown[1][table], grown[2][table]) for table in tables[2:]}
    killed += wild.run_disturbed(moments(rng, blow.upkeep, learned), "upkeep")
    assert_same(wild, calm, MADE | GATHERED)
    return killed


def assert_same(wild: Home, calm: Home, queries: Mapping[str, str]) -> None:
    """All rows of these queries, in their order; names the first that differs."""
    found, expected = wild.content(queries), calm.content(queries)
    for name in queries:
        differing = [pair for pair in zip_longest(found[name], expected[name]) if pair[0] != pair[1]]
        assert not differing, (name, len(differing), differing[0])
