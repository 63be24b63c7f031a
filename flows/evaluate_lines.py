"""eval lines: which lines of already extracted texts are to be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from extract.labelled import Fault, Labelled, LabelledLines
from extract.model import Page
from flows.isolation import Broken, Processes, workers
from flows.scratch import AtHand, Scratch, scratch_store
from flows.settings import Settings
from transform.memory import BLANK, SiteMemory
from transform.read import keep_lines, warm_up
from transform.scores import LineFigures, line_figures

BATCH = 200  # documents between two signs of life


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesAnswer:
    """Which lines of one document are to be kept."""

    id: str
    keep: Mapping[str, bool]  # by the line's number, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of some documents, in their order."""

    documents: tuple[LabelledLines, ...]
    answers: tuple[LinesAnswer, ...]
    left_out: tuple[Fault, ...]
    lines_per_cpu_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How well lines were told apart."""

    documents: int
    lines: int
    dropped: int
    figures: LineFigures | None  # over the labelled lines; None without any
    lines_per_cpu_s: float | None
    left_out: tuple[Fault, ...]


def read_lines(
    labels: Labelled[LabelledLines], settings: Settings, *, learn: bool, done: Callable[[object], None]
) -> Reading:
    """Every document with the lines that are to be kept; of one that cannot be read all lines stay, and it is told.

    learn: whether what repeats on a site is learned first, of documents with a URL. done: told of each document
    Raises PostgresUnavailable.
    """
    answers: list[LinesAnswer] = []
    faults = list(labels.faults)
    with _at_work(labels.items, settings, learn=learn) as (readers, memories):
        for start in range(0, len(labels.items), BATCH):
            batch = labels.items[start : start + BATCH]
            calls = [(item.lines, item.language, memories.get(item.url or "", BLANK)) for item in batch]
            for document, result in zip(batch, readers.map(keep_lines, calls), strict=True):
                if isinstance(result, Broken):
                    faults.append(Fault(place=document.id, why=f"it cannot be read: {result.error}"))
                kept = (True,) * len(document.lines) if isinstance(result, Broken) else result.value
                answers.append(LinesAnswer(id=document.id, keep={str(n): stays for n, stays in enumerate(kept, 1)}))
                done(document)
        seconds = sum(readers.cpu_s(keep_lines))
    lines = sum(len(document.lines) for document in labels.items)
    return Reading(
        documents=labels.items,
        answers=tuple(answers),
        left_out=tuple(faults),
        lines_per_cpu_s=lines / seconds if seconds else None,
    )


@contextmanager
def _at_work(
    documents: Sequence[LabelledLines], settings: Settings, *, learn: bool
) -> Iterator[tuple[Processes, Mapping[str, SiteMemory]]]:
    """Worker processes, and by URL what is remembered of its site."""
    start = partial(_warm_up, sorted({document.language for document in documents if document.language}))
    placed = [document for document in documents if document.url] if learn else []
    if not placed:
        with workers(settings.processes, settings.read_timeout_s, start=start) as readers:
            yield readers, {}
        return
    with scratch_store(settings, start) as scratch:
        yield scratch.readers, _learned(scratch, placed)


def _learned(scratch: Scratch, documents: Sequence[LabelledLines]) -> dict[str, SiteMemory]:
    """URL → what a store remembers of its site that has read these documents as text files."""
    sources: dict[str, int] = {}
    for begin in range(0, len(documents), BATCH):
        ids = scratch.take([AtHand(page=_text_file(document)) for document in documents[begin : begin + BATCH]])
        sources |= {url: source_id for url, (_, source_id) in ids.items()}
    scratch.learn()
    memories = scratch.memories(set(sources.values()))
    return {url: memories[source_id] for url, source_id in sources.items()}


def _text_file(document: LabelledLines) -> Page:
    url = document.url or ""
    return Page(
        url=url,
        final_url=url,
        status=200,
        headers=(("Content-Type", "text/plain; charset=utf-8"),),
        body="\n".join(document.lines).encode("utf-8", "replace"),
        fetched_at=datetime.now(UTC),
    )


def _warm_up(languages: Sequence[str]) -> None:
    """Have a process load what it loads once: with few documents that would be most of its time."""
    warm_up(languages)
    keep_lines(["The ferry was late again this morning."], None)


def evaluate(reading: Reading) -> Evaluation:
    """How well the labelled documents were read, and what all came to."""
    answered = zip(reading.documents, reading.answers, strict=True)
    return Evaluation(
        documents=len(reading.documents),
        lines=sum(len(answer.keep) for answer in reading.answers),
        dropped=sum(list(answer.keep.values()).count(False) for answer in reading.answers),
        figures=line_figures((document.keep, tuple(answer.keep.values())) for document, answer in answered),
        lines_per_cpu_s=reading.lines_per_cpu_s,
        left_out=reading.left_out,
    )
