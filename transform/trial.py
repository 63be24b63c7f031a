"""A rule pack tried out: on the examples it brings along, and on articles, beside the rules that hold now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from extract.model import Article, Block, Extractor, SourceName
from transform.boilerplate import strip_boilerplate
from transform.lines import line_of
from transform.model import CleanArticle, Cut, CutKind, Zone
from transform.own_rules import BadPack, PackText, read_table
from transform.packs import RulePacks, is_language

PROSE = (  # where a pack brings none of its own
    "The ferry company will run two more crossings a day from June, its director told the harbour board on Monday.",
    "Islanders had asked for them since the winter, when storms kept the only boat in port on nineteen days.",
    "“We could not even get to the dentist,” said Edda Marsh, who keeps the shop next to the northern landing.",
    "The second boat was built in 1998 and has served on a lake; it needs new engines before it may go to sea.",
    "Half of the cost is borne by the county, which wants the fares to stay as they are for at least three years.",
    "Two members of the board voted against the plan because nobody could tell them who would pay for the fuel.",
    "A pier at the southern end, which the storms had damaged, is to be repaired before the season begins.",
    "The first of the new crossings leaves on the second of June at dawn, and the band of the school will play.",
)
_PLACES = {Zone.TOP: 0, Zone.HEAD: 1, Zone.BODY: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What a pack says of itself: lines that must fall, each with its kind and zone, and lines that must stay."""

    language: str | None
    prose: tuple[str, ...]
    must_cut: tuple[tuple[CutKind, Zone, str], ...]
    must_keep: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.must_cut) + len(self.must_keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An example that did not come out as it must."""

    line: str
    zone: Zone
    expected: CutKind | None  # None where it must stay
    cuts: tuple[str, ...]  # "<rule>: <text>" of what fell instead


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCut:
    """A block that falls by a pack and did not before, with what stands around it."""

    rule: str
    kind: CutKind
    zone: Zone
    text: str
    before: str | None
    after: str | None
    is_prose: bool  # a paragraph by its looks: perhaps of the text
    url: str
    title: str


def read_examples(pack: PackText) -> Examples:
    """The examples in a pack's file. Raises BadPack."""
    table = read_table(pack)
    try:
        must_cut = tuple(
            (CutKind(entry["kind"]), Zone(entry.get("position", Zone.TAIL)), line)
            for entry in table.get("must_cut", [])
            for line in entry["lines"]
        )
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise BadPack(pack.name, f"[[must_cut]] needs 'kind', 'lines' and perhaps 'position': {fault}") from fault
    prose, must_keep = (_lines(pack.name, table, key) for key in ("prose", "must_keep"))
    if prose and len(prose) < len(PROSE):
        raise BadPack(pack.name, f"'prose' must be {len(PROSE)} paragraphs or more, to have a head, a body and a tail")
    language = table.get("language", pack.name if is_language(pack.name) else None)
    return Examples(language=language, prose=prose or PROSE, must_cut=must_cut, must_keep=must_keep)


def _lines(pack: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(line, str) and line for line in value):
        raise BadPack(pack, f"'{key}' must be a list of texts")
    return tuple(value)


def failures(examples: Examples, packs: RulePacks, source: str) -> tuple[Failure, ...]:
    """The examples that do not come out as they must, on pages of this source.

    A line that must fall falls alone and as its kind; one that must stay stays wherever it stands.
    """
    failed = [
        failure
        for kind, zone, line in examples.must_cut
        if (failure := _failure(examples, packs, source, line, zone, kind))
    ]
    for line in examples.must_keep:
        tried = (_failure(examples, packs, source, line, zone, None) for zone in Zone)
        failed += [failure for failure in tried if failure][:1]
    return tuple(failed)


def _failure(
    examples: Examples, packs: RulePacks, source: str, line: str, zone: Zone, expected: CutKind | None
) -> Failure | None:
    place = _PLACES.get(zone, len(examples.prose))
    page = example_page((*examples.prose[:place], line, *examples.prose[place:]), examples.language, source)
    cuts = strip_boilerplate(page, packs).cuts
    fell = [(cut.position, cut.kind) for cut in cuts]
    if fell == ([] if expected is None else [(place, expected)]):
        return None
    return Failure(line=line, zone=zone, expected=expected, cuts=tuple(f"{cut.rule}: {cut.text}" for cut in cuts))


def example_page(texts: Sequence[str], language: str | None, source: str) -> Article:
    """An article of these blocks, to try rules on."""
    return Article(
        url=f"https://{source}.example/ferry",
        source=SourceName(source),
        title="More crossings from June",
        authors=("Maria Novak",),
        summary=None,
        blocks=tuple(Block(text=text) for text in texts),
        extractor=Extractor.LINES,
        language=language,
        published_at=None,
        date_precision=None,
        date_found_in=None,
        modified_at=None,
        fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def new_cuts(now: CleanArticle, then: CleanArticle) -> tuple[NewCut, ...]:
    """What of an article falls by the rules of `then` and does not by those of `now`."""
    known = {cut.position for cut in now.cuts}
    return tuple(_new_cut(cut, now.article) for cut in then.cuts if cut.position not in known)


def _new_cut(cut: Cut, article: Article) -> NewCut:
    blocks, at = article.blocks, cut.position
    return NewCut(
        rule=cut.rule,
        kind=cut.kind,
        zone=cut.zone,
        text=cut.text,
        before=blocks[at - 1].text if at else None,
        after=blocks[at + 1].text if at + 1 < len(blocks) else None,
        is_prose=line_of(at, blocks[at], ()).is_prose,
        url=article.url,
        title=article.title,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrial:
    """What one rule would cut that stays today."""

    rule: str
    blocks: int
    articles: int
    texts: int  # that differ
    paragraphs: tuple[NewCut, ...]  # what looks like text of the article
    examples: tuple[NewCut, ...]


def by_rule(cuts: Sequence[NewCut], examples: int) -> tuple[RuleTrial, ...]:
    """The cuts summed up, the rule that cuts most first; of each so many examples, all with different texts."""
    grouped: defaultdict[str, list[NewCut]] = defaultdict(list)
    for cut in cuts:
        grouped[cut.rule].append(cut)
    trials = (
        RuleTrial(
            rule=rule,
            blocks=len(those),
            articles=len({cut.url for cut in those}),
            texts=len(different := list({cut.text: cut for cut in those}.values())),
            paragraphs=tuple(cut for cut in different if cut.is_prose),
            examples=tuple(different[:examples]),
        )
        for rule, those in grouped.items()
    )
    return tuple(sorted(trials, key=lambda trial: (-trial.blocks, trial.rule)))
