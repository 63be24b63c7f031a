"""New sources: what a site has to be polled by, tried out; lists of feeds; the files written for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from extract.candidates import Choice
from extract.documents import read_document
from extract.feeds import NotAFeed
from extract.mirrors import feed_form
from extract.model import Bound, Expectations, Feed, FetchPolicy, Page, PollPolicy, Reason, Source, SourceName
from extract.rhythm import Rhythm, read_rhythm, suggested_minutes
from extract.source_file import FileExists, name_for, source_text, with_enabled
from extract.subscriptions import BadLine, Proposed, Skipped, Subscriptions, propose
from flows.check import AT_ONCE, SAMPLES, sample_troubles, silence
from flows.looking import Look, Sample, Trouble, looking, trouble_of
from flows.settings import Settings
from flows.visit import Visit

USUAL_PART = 0.25  # of what is seen today is expected at least on any day

_NOTHING = Trouble(
    what="Nothing was found there that can be polled.",
    advice="If you know a feed of it, give that address; a site without feeds and sitemaps cannot be a source yet.",
)


_SEE_HOME = "See on its home page whether it still publishes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found at an address, and the source that is made of it."""

    url: str
    source: Source | None  # None where nothing can be polled
    text: str | None = field(repr=False)  # of the source's file
    choices: tuple[Choice, ...]
    samples: tuple[Sample, ...] = ()
    crawl_delay_s: float | None = None
    requests: int = 0
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a list of feeds."""

    written: tuple[Source, ...]  # with --dry-run: those that would be
    skipped: tuple[Skipped, ...]
    bad: tuple[BadLine, ...]


# --- One site -------------------------------------------------------------------------------------------------


def find_source(
    url: str, name: str | None, catalogue: Sequence[Source], policy: FetchPolicy, settings: Settings
) -> Finding:
    """A source for the site at this address, which may be a home page, an article, a feed or a sitemap.

    catalogue: the sources there are: what they poll is not proposed again, and their names are taken
    """
    return asyncio.run(_find_source(url, name, catalogue, policy, settings))


async def _find_source(
    url: str, name: str | None, catalogue: Sequence[Source], policy: FetchPolicy, settings: Settings
) -> Finding:
    async with looking(settings) as look:
        visit = Visit(look, policy, {feed_form(f.url): s.name for s in catalogue for f in s.feeds})
        choices = await visit.choices(url)
        chosen = [choice for choice in choices if choice.chosen]
        if not chosen:
            troubles = (*visit.troubles, _NOTHING)
            return Finding(url=url, source=None, text=None, choices=choices, requests=visit.requests, troubles=troubles)
        taken = {source.name for source in catalogue}
        source = visit.source(SourceName(name) if name else name_for(visit.homepage, taken), chosen)
        samples = await visit.samples(source, chosen)
    return _proposal(visit, source, choices, samples, settings.fetch_policy)


def _proposal(
    visit: Visit, source: Source, choices: tuple[Choice, ...], samples: tuple[Sample, ...], defaults: FetchPolicy
) -> Finding:
    """The source with rhythm, language and expectations as they were observed."""
    chosen = [choice for choice in choices if choice.chosen]
    now = datetime.now(UTC)
    rhythm = read_rhythm(visit.entries(chosen).values(), now)
    minutes = suggested_minutes(rhythm, visit.ttl_s(chosen))
    languages = Counter(sample.language for sample in samples if sample.language)
    observed = replace(
        source,
        language=languages.most_common(1)[0][0] if languages else source.language,
        polling=_polling(minutes),
        expect=_expectations(rhythm, samples, now),
    )
    notes = _notes(observed, rhythm, samples, now)
    opening = f"Proposed by 'storyfold source add' on {now:%Y-%m-%d}; the comments say what was observed then."
    return Finding(
        url=visit.homepage,
        source=observed,
        text=source_text(observed, notes, defaults, opening=opening),
        choices=choices,
        samples=samples,
        crawl_delay_s=visit.crawl_delay_s,
        requests=visit.requests,
        troubles=(*visit.troubles, *silence(rhythm, now, _SEE_HOME), *sample_troubles(samples)),
    )


def _polling(minutes: int | None) -> PollPolicy:
    usual = PollPolicy()
    first_s = usual.first_interval_s if minutes is None else 60.0 * minutes
    return replace(usual, first_interval_s=first_s)


def _expectations(rhythm: Rhythm, samples: Sequence[Sample], now: datetime) -> Expectations:
    """What is left to expect when a quarter of today's is taken for little; nothing where today tells nothing."""
    read = [sample for sample in samples if sample.is_read]
    dated = [sample for sample in read if sample.published_at]
    short = [sample for sample in samples if sample.rejected is Reason.TOO_SHORT]
    languages = sorted({sample.language for sample in read if sample.language})
    per_day = None if rhythm.has_fallen_silent(now) else rhythm.per_day
    enough = len(samples) >= SAMPLES
    return Expectations(
        entries_per_day=None if per_day is None else Bound(min=_rounded(USUAL_PART * per_day)),
        dated_share=Bound(min=0.8) if enough and len(dated) == len(read) > 0 else None,
        short_share=Bound(max=0.3) if enough and not short else None,
        languages=tuple(languages) if len(languages) == 1 and len(read) >= 3 else (),
    )


def _rounded(number: float) -> float:
    """Two digits that count."""
    return float(f"{number:.2g}")


def _notes(source: Source, rhythm: Rhythm, samples: Sequence[Sample], now: datetime) -> dict[str, str]:
    """What stands behind each key in the file."""
    read = [sample for sample in samples if sample.is_read]
    dated = sum(sample.published_at is not None for sample in read)
    in_language = sum(sample.language == source.language for sample in read)
    notes = {
        "expect.dated_share": f"{dated} of {len(read)} samples had a date",
        "expect.short_share": f"none of {len(samples)} samples was too short",
        "expect.languages": f"all of {len(read)} samples",
    }
    if in_language:
        notes["language"] = f"{in_language} of {len(read)} samples"
    if rhythm.per_day is not None:
        notes["interval_minutes"] = f"{rhythm.per_day:.2g} entries a day, the newest of {rhythm.newest:%Y-%m-%d %H:%M}"
        notes["expect.entries_per_day"] = f"a quarter of what was seen on {now:%Y-%m-%d}"
    return notes


# --- Lists ----------------------------------------------------------------------------------------------------


def import_sources(
    listed: Subscriptions,
    catalogue: Sequence[Source],
    policy: FetchPolicy,
    settings: Settings,
    *,
    check: bool,
    write: bool,
    done: Callable[[Source], None] = lambda _: None,
) -> Imported:
    """What became of each line of a list: its source's file written, or why not.

    check: ask each feed first, and look for the feeds of sites that are listed without one
    write: else it is only told what would be written
    done: is told of each source as it is tried
    """
    proposed, skipped = propose(listed.wanted, catalogue, policy)
    if check:
        found = asyncio.run(_try_sources(proposed, settings, done))
    else:
        found = [_without_feedless(one) for one in proposed]
    sources = tuple(source for source, _ in found if source)
    bad = (*listed.bad, *(line for _, lines in found for line in lines))
    for source in sources if write else ():
        write_source(settings.sources, source.name, source_text(source, defaults=settings.fetch_policy))
    return Imported(written=sources, skipped=skipped, bad=tuple(sorted(bad, key=lambda line: line.line)))


def write_source(folder: Path, name: str, text: str) -> Path:
    """The new file of a source. Raises FileExists: an existing one is never touched."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise FileExists(f"{path} is there already: give another --name, or edit that file.") from error
    return path


def switch_source(folder: Path, name: str, *, enabled: bool) -> bool:
    """Whether the source's file had to be changed for it to be, or not to be, polled."""
    path = folder / f"{name}.toml"
    text = path.read_bytes().decode("utf-8")  # line ends stay what they are
    changed = with_enabled(text, enabled)
    if changed != text:
        beside = path.with_suffix(".toml.new")
        beside.write_bytes(changed.encode("utf-8"))
        beside.replace(path)  # whole at any moment: another process may be reading the folder
    return changed != text


_Outcome = tuple[Source | None, list[BadLine]]


def _without_feedless(one: Proposed) -> _Outcome:
    if one.source.feeds:
        return one.source, []
    why = "a site without a feed; --check looks for its feeds"
    return None, [BadLine(line=sub.line, text=one.source.homepage or "", why=why) for sub in one.subscriptions]


async def _try_sources(
    proposed: Sequence[Proposed], settings: Settings, done: Callable[[Source], None]
) -> list[_Outcome]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def try_one(look: Look, one: Proposed) -> _Outcome:
        async with turns:
            tried = await (_try_feeds(look, one) if one.source.feeds else _look_for_feeds(look, one))
        done(one.source)
        return tried

    async with looking(settings) as look:
        return await asyncio.gather(*(try_one(look, one) for one in proposed))


async def _try_feeds(look: Look, one: Proposed) -> _Outcome:
    """The source with those of its feeds that can be read, each under its right kind."""
    good: list[Feed] = []
    bad: list[BadLine] = []
    for line, feed in ((sub.line, sub.feed) for sub in one.subscriptions if sub.feed):
        got = await look.get(feed.url, one.source.fetch)
        if not isinstance(got, Page):
            bad.append(BadLine(line=line, text=feed.url, why=trouble_of(got).what))
            continue
        try:
            good.append(Feed(url=feed.url, kind=read_document(got)[0]))
        except NotAFeed as error:
            bad.append(BadLine(line=line, text=feed.url, why=f"no feed: {error.detail}"))
    return (replace(one.source, feeds=tuple(good)) if good else None), bad


async def _look_for_feeds(look: Look, one: Proposed) -> _Outcome:
    visit = Visit(look, one.source.fetch)
    url = one.source.homepage or ""
    chosen = [choice for choice in await visit.choices(url) if choice.chosen]
    if not chosen:
        trouble = next(iter(visit.troubles), _NOTHING)
        return None, [BadLine(line=sub.line, text=url, why=trouble.what) for sub in one.subscriptions]
    found = visit.source(one.source.name, chosen)
    title = found.title if one.source.title == one.source.name else one.source.title
    return replace(one.source, title=title, feeds=found.feeds, language=one.source.language or found.language), []
