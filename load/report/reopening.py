"""What reading pages again would change: counted, and shown with the words and the rules that make the difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from load.rehearsal import Effect, How, Move
from load.report.differences import Part, PartKind, parts_of
from load.revisions import HOW_READ, Reading
from load.second_look import Look, Verdict
from load.selection import Chosen
from transform.revision import RevisionKind

NAMES = {"published_at": "date"}  # what a column is called for people
SHORT = ("title", "authors", "language", "published_at", "flags", "extractor")  # shown with both values


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One page that reads otherwise."""

    page_id: int
    article_id: int | None  # None for one that is new
    source: str
    url: str
    kind: str  # what the new text is to the article
    fields: tuple[str, ...]  # in which the two readings differ
    values: dict[str, tuple[Any, Any]]  # before and after, of the short ones
    cuts: tuple[str, ...]  # rules that cut something now that stood there
    restored: tuple[str, ...]  # rules that had cut something which stands there now
    parts: tuple[Part, ...]  # of the text, where the two differ


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """A page that is no article now, or could not be read: all stays as it was."""

    page_id: int
    url: str
    source: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What reading the chosen pages again would change."""

    predicate: str
    pages: int  # chosen
    waiting: int  # others, that are read by today's rules anyway
    looked_at: int
    seed: int | None  # of the draw, where not all were looked at
    same: int
    changed: int  # articles that would say something else
    fields: dict[str, int]  # of these: in what, and how many
    found: int  # pages without an article that would have one
    history: int  # former pages: their new text would be kept, and not shown
    lost: dict[str, int]  # reason → articles that today's rules do not read: they stay as they are
    refused_otherwise: dict[str, int]  # 'reason → reason' → rejections
    broken: int
    joins: int  # articles that would come to others
    leaves: int
    new: int  # new articles with a story of their own
    story_changes: dict[str, int]  # by name, as in news.story_change
    lots: int  # into which the changed pages were parted to measure this; one sees all of them together
    elapsed_s: float
    changes: tuple[Change, ...]
    moves: tuple[Move, ...]
    not_read: tuple[NotRead, ...]

    def summary(self) -> dict[str, Any]:
        """Its figures, without the pages."""
        listed = ("changes", "moves", "not_read")
        return {name: value for name, value in asdict(self).items() if name not in listed}


def report(
    chosen: Chosen, looks: Sequence[Look], effects: Sequence[Effect], seed: int | None, elapsed_s: float
) -> Report:
    """The report on pages that were looked at; effects: what settling those that read otherwise came to."""
    kinds = {page: kind for effect in effects for page, kind in effect.kinds.items()}
    refused = {page: why for effect in effects for page, why in effect.refused.items()}
    changes = tuple(
        _change(look, look.reading, kinds[look.page.id])
        for look in looks
        if look.reading is not None and look.page.id in kinds
    )
    shown = [change for change in changes if change.kind not in (RevisionKind.FIRST, RevisionKind.STALE)]
    by = Counter(look.verdict for look in looks)
    moves = tuple(move for effect in effects for move in effect.moves)
    hows = Counter(move.how for move in moves)
    return Report(
        predicate=chosen.predicate,
        pages=len(chosen.pages),
        waiting=chosen.waiting,
        looked_at=len(looks),
        seed=seed,
        same=by[Verdict.SAME] + by[Verdict.OTHERWISE] - len(changes) - len(refused),
        changed=len(shown),
        fields=_ranked(field for change in shown for field in change.fields),
        found=sum(change.kind == RevisionKind.FIRST for change in changes),
        history=sum(change.kind == RevisionKind.STALE for change in changes),
        lost=_ranked(look.why for look in looks if look.verdict is Verdict.LOST),
        refused_otherwise=_ranked(
            f"{look.page.reason} → {look.why}" for look in looks if look.verdict is Verdict.REFUSED_OTHERWISE
        ),
        broken=by[Verdict.BROKEN] + len(refused),
        joins=hows[How.JOINS],
        leaves=hows[How.LEAVES],
        new=hows[How.NEW],
        story_changes=dict(sum((Counter(effect.changes) for effect in effects), Counter())),
        lots=len(effects),
        elapsed_s=elapsed_s,
        changes=changes,
        moves=moves,
        not_read=_not_read(looks, refused),
    )


def _ranked(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _not_read(looks: Sequence[Look], refused: Mapping[int, str]) -> tuple[NotRead, ...]:
    whys = {look.page.id: look.why for look in looks if look.verdict in (Verdict.LOST, Verdict.BROKEN)}
    whys.update(refused)
    return tuple(
        NotRead(page_id=one.page.id, url=one.page.url, source=one.page.source, why=whys[one.page.id])
        for one in looks
        if one.page.id in whys
    )


def _change(look: Look, reading: Reading, kind: str) -> Change:
    before, after = _before(look), _after(reading)
    fields = sorted(NAMES.get(name, name) for name in look.different if name not in HOW_READ)
    were, are = _cut_blocks(look, reading)
    return Change(
        page_id=look.page.id,
        article_id=look.said.article_id if look.said else look.page.article_id,
        source=look.page.source,
        url=look.page.url,
        kind=kind,
        fields=tuple(fields),
        values={NAMES.get(name, name): (before.get(name), after[name]) for name in SHORT if name in look.different},
        cuts=tuple(sorted({rule for rule, _ in are - were})),
        restored=tuple(sorted({rule for rule, _ in were - are})),
        parts=_parts(before.get("text"), after["text"]),
    )


def _before(look: Look) -> Mapping[str, Any]:
    if look.said:
        return look.said.values
    return dict(zip(("title", "text"), look.page.shown, strict=True)) if look.page.shown else {}


def _after(reading: Reading) -> dict[str, Any]:
    article = reading.clean.article
    return {
        "title": article.title,
        "text": reading.clean.text,
        "authors": list(article.authors),
        "language": article.language,
        "published_at": article.published_at,
        "flags": sorted(article.flags),
        "extractor": article.extractor,
    }


def _cut_blocks(look: Look, reading: Reading) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """What was cut before, and what is now: rule and block each."""
    was = {(str(rule), str(text)) for _, _, rule, text in look.said.cuts} if look.said else set()
    return was, {(cut.rule, cut.text) for cut in reading.clean.cuts}


def _parts(before: str | None, after: str) -> tuple[Part, ...]:
    """Only where the texts differ; none of a new one."""
    if before is None or before == after:
        return ()
    return tuple(part for part in parts_of(before.split("\n\n"), after.split("\n\n")) if part.kind is not PartKind.SAME)
