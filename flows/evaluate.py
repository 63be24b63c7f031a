"""eval: pages and lines that people have labelled, read by the product's own code, beside what peers make of them.

Pages go the way of all others, through a store of their own: announced, archived, read in worker processes, settled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import partial
from statistics import median

from extract.labelled import Fault, Labelled, LabelledPage, read_labelled
from extract.model import Announcement, DatePrecision, Page, Reason, Said, SourceName
from extract.peers import by_readability, by_trafilatura
from flows.isolation import Done, Processes
from flows.reading import be_quiet, read_archived_page
from flows.scratch import AtHand, Scratch, scratch_store
from flows.settings import Settings
from flows.store import Store
from load.readings import PageReadings, StoredCut, StoredReading, readings_of
from transform.read import ReadSpec, read_page, warm_up
from transform.scores import Figures, PageScore, figures, score

BATCH = 25  # pages that we and the peers read in turn: what else the machine does meanwhile falls on all of them
OURS = "storyfold"
FIRST_READ = "storyfold, as first read"
LEARN_EVERY = 100  # pages, as many as a batch of a run


class Peer(StrEnum):
    """Whom our reading is measured beside."""

    TRAFILATURA = "trafilatura"
    READABILITY = "readability-lxml"


_PEERS: Mapping[Peer, Callable[[Page], Said]] = {Peer.TRAFILATURA: by_trafilatura, Peer.READABILITY: by_readability}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer:
    """What the store makes of one labelled page."""

    file: str
    text: str = ""  # empty for a page that is no article
    title: str | None = None
    summary: str | None = None
    authors: tuple[str, ...] = ()
    date: str | None = None  # ISO 8601, in the publisher's offset
    language: str | None = None
    extractor: str | None = None
    agreement: float | None = None
    flags: tuple[str, ...] = ()
    cuts: tuple[StoredCut, ...] = ()
    rejection: str | None = None  # the reason, or the stage that gave it up
    detail: str | None = None

    @property
    def said(self) -> Said:
        return Said(text=self.text, title=self.title, authors=self.authors, date=self.date)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLabels:
    """One labelled page with all that was made of it."""

    labelled: LabelledPage
    first: PageAnswer  # as it was first read
    last: PageAnswer  # as the store holds it in the end
    peers: Mapping[Peer, Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of some labelled pages."""

    pages: tuple[ReadLabels, ...]
    left_out: tuple[Fault, ...]
    learned: bool  # what repeats on a site, on the way
    paces: Mapping[str, float]  # OURS or a peer → pages that one processor reads in a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How well one reader did."""

    reader: str
    figures: Figures
    pages_per_cpu_s: float | None  # by the median page
    speed: float | None  # as a multiple of bare trafilatura's


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How well some labelled pages are read, ours before the peers."""

    rows: tuple[Row, ...]
    languages: Mapping[str, tuple[Row, ...]]
    rejected: Mapping[str, int]  # reason → pages with an article that the store holds none of
    no_articles: int  # pages whose truth is that there is none
    taken_for_articles: int  # of them, those that the store holds one of
    left_out: tuple[Fault, ...]


# --- Reading --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Taken:
    """A labelled page that is in the store, and where."""

    labelled: LabelledPage
    key: tuple[int, bytes] | None  # entry and digest of the bytes; None when its URL is none
    peers: Mapping[Peer, Said]


def read_labels(
    labels: Labelled[LabelledPage],
    settings: Settings,
    peers: Sequence[Peer],
    *,
    learn: bool,
    done: Callable[[object], None],
) -> Reading:
    """The labelled pages in their order, each as the store and these peers read it.

    learn: whether the store learns what repeats on a site. done: told of each page. Raises PostgresUnavailable.
    """
    languages = sorted({page.language for page in labels.items if page.language})
    taken: list[_Taken] = []
    faults = list(labels.faults)
    with scratch_store(settings, partial(_warm_up, languages)) as scratch:
        for start in range(0, len(labels.items), BATCH):
            batch = labels.items[start : start + BATCH]
            taken += _take(scratch, _fetched(batch, faults), peers)
            is_due = (start + BATCH) % LEARN_EVERY == 0 or start + BATCH >= len(labels.items)
            if learn and is_due:
                scratch.learn()
            for labelled in batch:
                done(labelled)
        return Reading(
            pages=_answers(scratch.store, taken),
            left_out=tuple(faults),
            learned=learn,
            paces=_paces(scratch.readers),
        )


def _fetched(batch: Sequence[LabelledPage], faults: list[Fault]) -> list[tuple[LabelledPage, Page]]:
    """The pages with their bytes; those that cannot be had are noted."""
    now = datetime.now(UTC)
    fetched = []
    for labelled in batch:
        try:
            fetched.append((labelled, read_labelled(labelled, now)))
        except OSError as error:
            faults.append(Fault(place=labelled.file, why=f"it cannot be read: {error.strerror or error}"))
    return fetched


def _take(scratch: Scratch, fetched: Sequence[tuple[LabelledPage, Page]], peers: Sequence[Peer]) -> list[_Taken]:
    """Put these pages into the store, and let the peers read them, too."""
    held = [page for _, page in fetched]
    ids = scratch.take([AtHand(page=page) for page in held])
    said = {peer: _ask(scratch.readers, _PEERS[peer], held) for peer in peers}
    return [
        _Taken(
            labelled=labelled,
            key=(ids[page.url][0], page.digest) if page.url in ids else None,
            peers={peer: answers[number] for peer, answers in said.items()},
        )
        for number, (labelled, page) in enumerate(fetched)
    ]


def _ask(readers: Processes, peer: Callable[[Page], Said], held: Sequence[Page]) -> list[Said]:
    """What the peer says of each page: nothing of one that it breaks on."""
    results = readers.map(peer, [(page,) for page in held])
    return [result.value if isinstance(result, Done) else Said(text="") for result in results]


def _paces(readers: Processes) -> dict[str, float]:
    """By the median page: the first of a language makes its rules ready, which is most of its time."""
    taken = {str(peer): readers.cpu_s(function) for peer, function in _PEERS.items()}
    taken[OURS] = readers.cpu_s(read_archived_page)
    return {reader: 1 / median(seconds) for reader, seconds in taken.items() if seconds}


_SAMPLE = "<html><body><article><h1>The ferry</h1>" + "<p>The ferry was late again this morning.</p>" * 9


def _warm_up(languages: Sequence[str]) -> None:
    """Have all readers load what they load once a process: on few pages that would be most of their time."""
    be_quiet()
    warm_up(languages)
    page = Page(
        url="https://daily.example/2026/03/02/the-ferry",
        final_url="https://daily.example/2026/03/02/the-ferry",
        status=200,
        headers=(("Content-Type", "text/html"),),
        body=_SAMPLE.encode(),
        fetched_at=datetime.now(UTC),
    )
    read_page(page, Announcement(source=SourceName("daily")), ReadSpec())
    for peer in _PEERS.values():
        peer(page)


# --- What came of it ------------------------------------------------------------------------------------------


def _answers(store: Store, taken: Sequence[_Taken]) -> tuple[ReadLabels, ...]:
    """Every page with its first and its last text in the store."""
    with store.engine.connect() as connection:
        held = readings_of(connection, {item.key[0] for item in taken if item.key})
    no_url = PageReadings(first=None, last=None, reason=Reason.BAD_URL, detail="")
    found = [(item, held[item.key] if item.key else no_url) for item in taken]
    return tuple(
        ReadLabels(
            labelled=item.labelled,
            first=_answer(item.labelled.file, readings, readings.first),
            last=_answer(item.labelled.file, readings, readings.last),
            peers=item.peers,
        )
        for item, readings in found
    )


def _answer(file: str, readings: PageReadings, reading: StoredReading | None) -> PageAnswer:
    if reading is None:
        return PageAnswer(file=file, rejection=readings.reason, detail=readings.detail or None)
    return PageAnswer(
        file=file,
        text=reading.text,
        title=reading.title,
        summary=reading.summary,
        authors=reading.authors,
        date=_date(reading),
        language=reading.language,
        extractor=reading.extractor,
        agreement=reading.agreement,
        flags=reading.flags,
        cuts=reading.cuts,
    )


def _date(reading: StoredReading) -> str | None:
    """When it was published, as precisely as is known: in the publisher's own offset, UTC where it named none."""
    if reading.published_at is None:
        return None
    if reading.date_precision == DatePrecision.DAY:
        return reading.published_at.date().isoformat()
    return reading.published_at.astimezone(timezone(timedelta(minutes=reading.utc_offset or 0))).isoformat()


def evaluate(reading: Reading) -> Evaluation:
    """How well the pages were read: all of them, and by language where labels name one."""
    articles = [page for page in reading.pages if page.labelled.truth.text]
    others = [page for page in reading.pages if not page.labelled.truth.text]
    scores = [_scores(page, learned=reading.learned) for page in articles]
    languages = sorted({page.labelled.language for page in articles if page.labelled.language})
    return Evaluation(
        rows=_rows(scores, reading.paces),
        languages={
            language: _rows(
                [score for score, page in zip(scores, articles, strict=True) if page.labelled.language == language], {}
            )
            for language in languages
        },
        no_articles=len(others),
        taken_for_articles=sum(page.last.rejection is None for page in others),
        rejected=dict(Counter(page.last.rejection for page in articles if page.last.rejection is not None)),
        left_out=reading.left_out,
    )


def _scores(page: ReadLabels, *, learned: bool) -> dict[str, PageScore]:
    """Reader → score: ours, where the store learned as first read too, and the peers'."""
    truth = page.labelled.truth
    last = score(truth, page.last.said)
    ours = {OURS: last}
    if learned:
        is_same = page.first.said == page.last.said
        ours = {FIRST_READ: last if is_same else score(truth, page.first.said), OURS: last}
    theirs = {str(peer): score(truth, said) for peer, said in page.peers.items()}
    if Peer.READABILITY in theirs:  # it names neither authors nor a date
        theirs[Peer.READABILITY] = replace(theirs[Peer.READABILITY], title=None, authors=None, date=None)
    return ours | theirs


def _rows(scores: Sequence[Mapping[str, PageScore]], paces: Mapping[str, float]) -> tuple[Row, ...]:
    readers = list(scores[0]) if scores else []
    usual = paces.get(Peer.TRAFILATURA)
    return tuple(
        Row(
            reader=reader,
            figures=figures([page[reader] for page in scores]),
            pages_per_cpu_s=paces.get(reader),
            speed=paces[reader] / usual if usual and reader in paces else None,
        )
        for reader in readers
    )
