"""A store of archived pages in four languages, read by an own rule pack, and another pack by which some read otherwise.

What a page is, its number says: see `HOUSE`, `MEMBERS` and `TWICE`. All others read the same by both packs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from factories import announce, keep_sources
from sqlalchemy import Engine, text

from extract.model import Page, Profile
from flows.collect import archive_pages
from flows.ingest import read_pages, read_waiting, settle_ready
from flows.isolation import Workers
from flows.settings import Settings
from flows.store import Store
from load.engine import worker
from load.pages import FetchedPage

PERIOD = 40  # of so many pages in a row, these are special
HOUSE = (10, 14, 34)
"""Bears a line of its house that the newer pack cuts."""
MEMBERS = (7, 23)
"""The former pack takes nearly all for a notice to members: no article, until the newer one leaves it alone."""
TWICE = ((30, 31),)
"""Two sites have one text, each below many lines of its own that the newer pack cuts: two stories, then one."""
EMPTIED = (13,)
"""Nothing but lines of the house: no article by the newer pack."""

FORMER = """
[[rules]]
name = "members"
kind = "newsletter"
zones = ["top", "head", "body", "tail"]
max_length = 400
unmistakable = true
patterns = ['members only: .{1,380}']
"""
NEWER = """
[[rules]]
name = "house"
kind = "related"
zones = ["top", "head", "body", "tail"]
max_length = 400
unmistakable = true
patterns = ['house notice: .{1,380}']
"""

_SOURCES = ("harbour-courier", "northline")
_TOLD = {
    "en": (
        "{name} told the council on {day} that the {thing} would cost {n} crowns more than was planned.",
        "The repair of the {thing} near {name} will take {n} days, the office said in a letter.",
        "Some {n} people came to hear {name} speak about the {thing} and its future.",
        "Nobody was hurt when the {thing} failed on {day}, but {n} passengers had to wait, said {name}.",
    ),
    "de": (
        "{name} sagte dem Rat am {day}, dass der {thing} um {n} Kronen teurer wird als geplant.",
        "Die Reparatur am {thing} bei {name} dauert {n} Tage, wie das Amt in einem Brief mitteilte.",
        "Rund {n} Menschen kamen, um {name} über den {thing} und seine Zukunft sprechen zu hören.",
        "Niemand wurde verletzt, als der {thing} am {day} ausfiel, aber {n} Gäste mussten warten, sagte {name}.",
    ),
    "fr": (
        "{name} a dit au conseil le {day} que le {thing} coûterait {n} couronnes de plus que prévu.",
        "La réparation du {thing} près de {name} durera {n} jours, a écrit le bureau dans une lettre.",
        "Environ {n} personnes sont venues écouter {name} parler du {thing} et de son avenir.",
        "Personne n'a été blessé quand le {thing} est tombé en panne le {day}, mais {n} passagers ont attendu {name}.",
    ),
    "pl": (
        "{name} powiedział radzie w dniu {day}, że {thing} będzie kosztować o {n} koron więcej, niż planowano.",
        "Naprawa {thing} koło {name} potrwa {n} dni, jak napisał urząd w liście do mieszkańców.",
        "Około {n} osób przyszło posłuchać, jak {name} mówi o {thing} i jego przyszłości.",
        "Nikt nie ucierpiał, gdy {thing} zawiódł w dniu {day}, ale {n} pasażerów musiało czekać, mówi {name}.",
    ),
}
_SYLLABLES = ("bra", "del", "fo", "gan", "hil", "jo", "ker", "lun", "mo", "nes", "pir", "ro", "sten", "tul", "ver")
_PAGE = """<!doctype html><html lang="{language}"><head><title>{title}</title>
<meta property="article:published_time" content="2026-03-0{day}T09:00:00Z"></head>
<body><article><h1>{title}</h1>{body}</article></body></html>"""


def store_of(engine: Engine, home: Path, pages: int, readers: Workers, batch: int = 100, period: int = PERIOD) -> Store:
    """So many archived pages, read by the former pack and settled; of so many in a row, those above are special."""
    keep_sources(engine, *_SOURCES)
    store = with_pack(engine, home, FORMER, batch)
    for source_id, name in enumerate(_SOURCES, start=1):
        _fetch(store, source_id, name, [n for n in range(pages) if n % 2 == source_id - 1], period)
    ingest(store, readers)
    return store


def with_pack(engine: Engine, home: Path, pack: str, batch: int = 100) -> Store:
    """The store, from now on with this one pack of its own."""
    folder = home / "rules"
    folder.mkdir(exist_ok=True)
    (folder / "house.toml").write_text(pack, encoding="utf-8")
    settings = Settings(
        home=home, archive=str(home / "warc"), rules=folder, batch=batch, processes=1, profile=Profile.QUICK
    )
    return Store(engine=engine, settings=settings)


def ingest(store: Store, readers: Workers) -> None:
    with worker(store.engine) as me:
        read_waiting(store, me, readers, read=read_pages, settle=settle_ready)


def _fetch(store: Store, source_id: int, name: str, numbers: Sequence[int], period: int) -> None:
    now = datetime(2026, 3, 10, tzinfo=UTC)
    urls = [f"https://{name}.example/{number}" for number in numbers]
    ids = announce(store.engine, name, *urls, now=now)
    got = [
        FetchedPage(entry_id=id_, source_id=source_id, page=_page(url, number, period, now + timedelta(minutes=number)))
        for id_, url, number in zip(ids, urls, numbers, strict=True)
    ]
    archive_pages(store, got, now)


def _page(url: str, number: int, period: int, now: datetime) -> Page:
    language = list(_TOLD)[number // 2 % len(_TOLD)]
    html = _PAGE.format(
        language=language, title=_title(number), day=1 + number % 9, body=_body(number, period, language)
    )
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Page(url=url, final_url=url, status=200, headers=headers, body=html.encode(), fetched_at=now)


def _title(number: int) -> str:
    return f"{_name(Random(number + 1))} and {_name(Random(number + 2))} {number}"


def _body(number: int, period: int, language: str) -> str:
    kind, own = number % period, Random(-number - 1)
    notices = _notices(own, "House notice", 24)
    if kind in EMPTIED:
        return _paragraphs(notices)
    if kind in MEMBERS:
        return _paragraphs(_notices(own, "Members only", 8))
    for pair in TWICE:
        if kind in pair:
            return _paragraphs(notices + _sentences(Random(number - pair.index(kind)), "en", 12))
    told = _sentences(Random(number), language, 15)
    return _paragraphs(told[:12] + (notices[:1] if kind in HOUSE else []) + told[12:])


def _sentences(random: Random, language: str, count: int) -> list[str]:
    return [random.choice(_TOLD[language]).format(**_filled(random)) for _ in range(count)]


def _filled(random: Random) -> dict[str, object]:
    return {
        "name": _name(random),
        "thing": _name(random).lower(),
        "day": f"{1 + random.randrange(28)}.",
        "n": random.randrange(2, 900),
    }


def _notices(random: Random, label: str, count: int) -> list[str]:
    words = (" ".join(_name(random).lower() for _ in range(9)) for _ in range(count))
    return [f"{label}: {told} on the ferry that leaves {_name(random)} at noon." for told in words]


def _name(random: Random) -> str:
    return "".join(random.choices(_SYLLABLES, k=3)).capitalize()


def _paragraphs(told: Sequence[str]) -> str:
    return "".join(f"<p>{one}</p>" for one in told)


def state(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All that a reading could change, by table."""
    queries = {
        "page": "SELECT id, read_at, read_spec, memory_version, attempts, claimed_by FROM storyfold.page ORDER BY id",
        "entry": "SELECT id, outcome, reason, detail, article_id FROM storyfold.entry ORDER BY id",
        "article": "SELECT id, url, revision_id, drifted FROM storyfold.article ORDER BY id",
        "revision": "SELECT id, page_id, read_spec, title, text FROM storyfold.revision ORDER BY id",
        "cut": "SELECT revision_id, position, rule, text FROM storyfold.cut ORDER BY 1, 2",
        "member": "SELECT article_id, story_id FROM storyfold.story_member ORDER BY article_id",
        "story": "SELECT id, canonical_id, articles, merged_into FROM storyfold.story ORDER BY id",
        "match": "SELECT left_id, right_id, kind, jaccard FROM storyfold.match ORDER BY 1, 2",
        "change": "SELECT id, change, story_id, article_id FROM storyfold.story_change ORDER BY id",
        "band": "SELECT entry FROM storyfold.band ORDER BY 1",
        "unsettled": "SELECT page_id FROM storyfold.unsettled ORDER BY 1",
    }
    with engine.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(text(query))] for name, query in queries.items()}
