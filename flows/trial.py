"""A rule pack tried out on files, or on archived pages of the store. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from extract.files import FileKind, find_files, kind_of, read_file
from extract.model import Announcement, Rejection, SourceName
from flows.isolation import Broken, Done, workers
from flows.own_packs import own_packs
from flows.reading import be_quiet, read_archived_page
from flows.settings import Settings
from flows.store import Store
from load import entries, memory, own_rules, samples
from transform.boilerplate import strip_boilerplate
from transform.memory import BLANK, SiteMemory
from transform.own_rules import OwnRules, PackText, Undone, rule_packs
from transform.packs import RulePacks
from transform.read import ReadPage, ReadSpec, read_page
from transform.trial import Failure, NewCut, RuleTrial, by_rule, failures, new_cuts, read_examples

EXAMPLES = 5  # of what a rule would cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a pack does: to its own examples, and to pages."""

    pack: str
    rules: int
    examples: int
    failures: tuple[Failure, ...]
    read: int  # articles
    left_out: dict[str, int]  # pages that are no articles, by reason
    rules_that_cut: tuple[RuleTrial, ...]
    blocks: int
    articles: int  # of which something falls

    @property
    def is_well(self) -> bool:
        """Whether all examples come out as they must, and no paragraph would fall."""
        return not (self.failures or any(rule.paragraphs for rule in self.rules_that_cut))


def try_pack(
    pack: PackText, settings: Settings, paths: Sequence[Path], store: Store | None, names: Collection[str], limit: int
) -> Trial:
    """The pack, beside the rules that hold today: those that come with us, and the other packs of the folder.

    store: whose newest pages are read, so many of these sources, or of all. Raises BadPack, NoPacks, NothingToLoad.
    """
    others = tuple(other for other in own_packs(settings) if other.name != pack.name)
    undone = _undone(store)
    today = OwnRules(packs=others, undone=undone)
    then = rule_packs(replace(today, packs=(*others, pack)))
    own = then.packs[pack.name][len(rule_packs(today).packs.get(pack.name, ())) :]
    source = min((source for rule in own for source in rule.sources), default="rules-test")
    examples = read_examples(pack)
    spec = ReadSpec(profile=settings.profile, rules=today)
    tried = [*_read_files(paths, source, spec, settings), *_read_store(store, names, limit, spec)]
    results = [result for result, _ in tried]
    cuts = _cuts(tried, then)
    return Trial(
        pack=pack.name,
        rules=len(own),
        examples=examples.count,
        failures=failures(examples, then, source),
        read=sum(isinstance(result, ReadPage) for result in results),
        left_out=dict(Counter(_why(result) for result in results if not isinstance(result, ReadPage))),
        rules_that_cut=by_rule(cuts, EXAMPLES),
        blocks=len(cuts),
        articles=len({cut.url for cut in cuts}),
    )


Result = ReadPage | Rejection | Broken
Call = tuple[*tuple[object, ...], SiteMemory]
Tried = tuple[Result, SiteMemory]  # with the memory of its source


def _undone(store: Store | None) -> tuple[Undone, ...]:
    if store is None:
        return ()
    with store.engine.connect() as connection:
        return own_rules.undone(connection)


def _read_files(paths: Sequence[Path], source: str, spec: ReadSpec, settings: Settings) -> list[Tried]:
    announced = Announcement(source=SourceName(source))
    files = [file for path in paths for file in find_files(path) if kind_of(file) is FileKind.PAGE]
    return _read(read_page, ((read_file(file), announced, spec, BLANK) for file in files), settings)


def _read_store(store: Store | None, names: Collection[str], limit: int, spec: ReadSpec) -> list[Tried]:
    if store is None:
        return []
    with store.engine.connect() as connection:
        found = samples.newest_pages(connection, names, limit)
        announced = entries.announcements(connection, [one.entry_id for one in found])
        known = memory.memories(connection, {one.source_id for one in found})
    calls = ((store.archive, one.place, announced[one.entry_id], spec, known[one.source_id]) for one in found)
    return _read(read_archived_page, calls, store.settings)


def _read(function: Callable[..., ReadPage | Rejection], calls: Iterable[Call], settings: Settings) -> list[Tried]:
    """What each call gives, in worker processes, a batch at a time."""
    results: list[Tried] = []
    waiting = iter(calls)
    with workers(settings.processes, settings.read_timeout_s, start=be_quiet) as readers:
        while batch := list(islice(waiting, settings.batch)):
            read = readers.map(function, batch)
            values = (result.value if isinstance(result, Done) else result for result in read)
            results += zip(values, (call[-1] for call in batch), strict=True)
    return results


def _cuts(tried: Iterable[Tried], then: RulePacks) -> list[NewCut]:
    cleaned = ((result.clean, known) for result, known in tried if isinstance(result, ReadPage))
    return [cut for clean, known in cleaned for cut in new_cuts(clean, strip_boilerplate(clean.article, then, known))]


def _why(result: Result) -> str:
    return result.reason if isinstance(result, Rejection) else "cannot be read"
