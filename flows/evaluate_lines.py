"""eval lines: which lines of already extracted texts are to be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from extract.labelled import Fault, Labelled, LabelledLines
from flows.isolation import Broken, workers
from flows.settings import Settings
from transform.read import keep_lines, warm_up
from transform.scores import LineFigures, line_figures

BATCH = 200  # documents between two signs of life


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesAnswer:
    """Which lines of one document are to be kept."""

    id: str
    keep: tuple[bool, ...]


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

    learn: whether what repeats on a site is learned first. done: told of each document
    """
    answers: list[LinesAnswer] = []
    faults = list(labels.faults)
    languages = sorted({document.language for document in labels.items if document.language})
    with workers(settings.processes, settings.read_timeout_s, start=partial(_warm_up, languages)) as readers:
        for start in range(0, len(labels.items), BATCH):
            batch = labels.items[start : start + BATCH]
            results = readers.map(keep_lines, [(document.lines, document.language) for document in batch])
            for document, result in zip(batch, results, strict=True):
                if isinstance(result, Broken):
                    faults.append(Fault(place=document.id, why=f"it cannot be read: {result.error}"))
                kept = (True,) * len(document.lines) if isinstance(result, Broken) else result.value
                answers.append(LinesAnswer(id=document.id, keep=kept))
                done(document)
        pace = readers.pace(keep_lines)
    lines = sum(len(document.lines) for document in labels.items)
    return Reading(
        documents=labels.items,
        answers=tuple(answers),
        left_out=tuple(faults),
        lines_per_cpu_s=pace * lines / len(labels.items) if pace else None,
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
        dropped=sum(answer.keep.count(False) for answer in reading.answers),
        figures=line_figures((document.keep, answer.keep) for document, answer in answered),
        lines_per_cpu_s=reading.lines_per_cpu_s,
        left_out=reading.left_out,
    )
