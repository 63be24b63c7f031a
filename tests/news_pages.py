"""Made-up news on pages as large publishers build them, in WARC files: what backfills are tested and measured on.

    python tests/news_pages.py FOLDER --pages 50000

The articles are those of `newsstream`, with their copies, templates and revisions; on a fifth of the outlets they are
in another language. Around each stands what a site has: menus, cards, comments, scripts, JSON-LD; 40 to 120 kB in all.
The same seed gives the same pages.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from itertools import islice
from pathlib import Path
from random import Random
from zlib import crc32

from newsstream import Item, stream
from quality.build_pages import read_articles, read_sites

from extract.model import Page
from extract.warc import write_pages

PER_FILE = 5_000
LANGUAGES = ("de", "fr", "es", "pl")
NOBODY = ("", "Staff reporter", "Agencies")
GIVEN = [
    "Ada",
    "Bela",
    "Cora",
    "Dario",
    "Edda",
    "Falk",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Klara",
    "Leon",
    "Mira",
    "Nils",
    "Olga",
    "Piet",
]
FAMILY = [
    "Brook",
    "Quill",
    "Varga",
    "Ostrander",
    "Lind",
    "Moreau",
    "Santos",
    "Kowal",
    "Berger",
    "Haas",
    "Novak",
    "Rossi",
    "Tanner",
    "Weller",
]
HEADERS = (("Content-Type", "text/html; charset=utf-8"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """How an outlet builds its pages; what all of them have alike is written once."""

    language: str
    style: str  # before the names of its classes
    head: str
    top: str
    bottom: str
    nested: int  # elements around the text
    comments: int  # at most
    cards: int
    signed: bool  # every article names somebody, in JSON-LD and under its title, as three in four on today's pages do


def pages(seed: int, count: int) -> Iterator[Page]:
    """So many pages in order of arrival; a longer stream begins with the shorter one."""
    rng = Random(seed)
    recent: deque[str] = deque(["Council votes on the harbour"], maxlen=60)
    for item in stream(seed, count, boilerplate=0.0):
        site = _site(item.outlet)
        title, paragraphs = _told(item, site.language)
        if site.signed and item.byline in NOBODY:
            item = replace(item, byline=f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}")
        body = _page(item, site, title, paragraphs, list(recent), rng)
        recent.append(title)
        yield Page(url=item.url, final_url=item.url, status=200, headers=HEADERS, body=body, fetched_at=item.fetched_at)


def write_files(folder: Path, seed: int, count: int, per_file: int = PER_FILE) -> list[Path]:
    """The pages in WARC files of the folder, in order."""
    coming = pages(seed, count)
    files: list[Path] = []
    while held := list(islice(coming, per_file)):
        files.append(folder / f"{len(files):04}.warc.gz")
        write_pages(str(folder), files[-1].name, held)
    return files


def _told(item: Item, language: str) -> tuple[str, list[str]]:
    """Title and paragraphs; copies say the same in every language."""
    if language == "en":
        return item.title, item.text.split("\n\n")
    rng, words = Random(item.cluster), _words(language)
    paragraphs = [
        " ".join(
            " ".join(rng.choices(words, k=rng.randint(8, 20))).capitalize() + "." for _ in range(rng.randint(2, 4))
        )
        for _ in range(rng.randint(5, 9))
    ]
    return " ".join(rng.choices(words, k=7)).capitalize(), paragraphs


@cache
def _words(language: str) -> list[str]:
    """The words of the quality corpus's articles in a language."""
    sites = read_sites()
    texts = (one.text for one in read_articles().values() if sites[one.site].language == language)
    return [word for text in texts for word in text.lower().split() if word.isalpha()]


@cache
def _site(outlet: str) -> _Site:
    rng = Random(crc32(outlet.encode()))
    language = rng.choice(LANGUAGES) if rng.random() < 0.2 else "en"
    style = rng.choice(("c-", "m-", "post__", "td-", "tw-"))
    names = [" ".join(rng.choices(_words(language), k=2)).title() for _ in range(90)]
    return _Site(
        language=language,
        style=style,
        head=_styles(rng) + _scripts(rng),
        top=_menu(style, names),
        bottom=_footer(style, outlet, names) + _scripts(rng),
        nested=rng.randint(3, 9),
        comments=rng.choice((0, 0, 8, 20)),
        cards=rng.randint(12, 36),
        signed=rng.random() < 0.8,
    )


def _styles(rng: Random) -> str:
    rules = (
        f".c{n}-{rng.randrange(99)}{{margin:{rng.randrange(40)}px;color:#{rng.randrange(4096):03x};"
        f"text-align:{rng.choice(('left', 'right'))}}}"
        for n in range(rng.randint(80, 400))
    )
    return f"<style>{''.join(rules)}</style>"


def _scripts(rng: Random) -> str:
    """Settings that a page brings its scripts, of which no reader sees anything."""
    data = {f"slot{n}": {"id": rng.randrange(10**9), "author": "ads", "sizes": [300, 250, n]} for n in range(160)}
    return f"<script>window.__STATE__={json.dumps(data)};</script>"


def _menu(style: str, names: list[str]) -> str:
    entries = "".join(
        f'<li class="{style}nav-item {style}nav-item--{n}"><a class="{style}nav-link" href="/topics/{n}/"><span '
        f'class="{style}label">{name}</span></a></li>'
        for n, name in enumerate(names[:60])
    )
    return (
        f'<header class="{style}header" role="banner"><a class="{style}logo" href="/"><svg viewBox="0 0 9 9"><path '
        f'd="M0 0h9v9z"/></svg></a><nav class="{style}nav" aria-label="Main"><ul class="{style}menu">{entries}</ul></nav>'
        f'<form class="{style}search" action="/search"><input name="q"><button type="submit">OK</button></form></header>'
    )


def _footer(style: str, outlet: str, names: list[str]) -> str:
    links = "".join(f'<li><a href="/about/{n}">{name}</a></li>' for n, name in enumerate(names[60:]))
    return (
        f'<footer class="{style}footer"><div class="{style}footer-grid"><ul>{links}</ul></div><p class="{style}copy">'
        f"© 2026 {escape(outlet)}. All rights reserved.</p></footer>"
    )


def _page(item: Item, site: _Site, title: str, paragraphs: list[str], others: list[str], rng: Random) -> bytes:
    style = site.style
    shown = escape(title)
    time = item.published_at.isoformat()
    opened = "".join(f'<div class="{style}wrap-{n}">' for n in range(site.nested))
    text = "".join(_paragraph(n, told, style, others, rng) for n, told in enumerate(paragraphs))
    aside = _cards(site, others, rng)
    return (
        f'<!DOCTYPE html>\n<html lang="{site.language}">\n<head><meta charset="utf-8"><title>{shown} | '
        f'{escape(item.outlet)}</title><link rel="canonical" href="{item.url}"><meta property="og:title" '
        f'content="{shown}"><meta property="og:type" content="article"><meta property="og:site_name" '
        f'content="{escape(item.outlet)}"><meta property="article:published_time" content="{time}"><meta '
        f'name="description" content="{escape(paragraphs[0][:160])}">{_linked_data(item, site, title)}{site.head}</head>\n'
        f'<body class="{style}page">{site.top}\n<div class="{style}layout">{opened}<main><article class="{style}article">'
        f'<h1 class="{style}title">{shown}</h1><div class="{style}byline">{escape(item.byline)}</div><time '
        f'datetime="{time}">{time[:10]}</time><figure><img src="/img/{item.cluster}.jpg" alt=""><figcaption '
        f'class="{style}caption">{escape(paragraphs[-1][:60])}</figcaption></figure><div class="{style}body">{text}</div>'
        f"</article></main>{'</div>' * site.nested}{aside}{_comments(site, others, rng)}</div>\n{site.bottom}</body></html>"
    ).encode()


def _linked_data(item: Item, site: _Site, title: str) -> str:
    node = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": title,
        "datePublished": item.published_at.isoformat(),
        "publisher": {"@type": "Organization", "name": item.outlet},
    }
    if site.signed:
        node["author"] = {"@type": "Person", "name": item.byline}
    return f'<script type="application/ld+json">{json.dumps(node, ensure_ascii=False)}</script>'


def _paragraph(number: int, told: str, style: str, others: list[str], rng: Random) -> str:
    """A paragraph; behind some of them an advert or a link to another article."""
    words = escape(told, quote=False)
    paragraph = f'<p class="{style}text">{words}</p>\n'
    if number % 4 == 2:
        paragraph += f'<div class="{style}ad-slot" id="ad-{number}"><span>Advertisement</span></div>'
    if number % 5 == 3:
        other = escape(rng.choice(others))
        paragraph += f'<div class="{style}related-inline"><a href="/{rng.randrange(10**6)}">{other}</a></div>'
    return paragraph


def _cards(site: _Site, others: list[str], rng: Random) -> str:
    style = site.style
    cards = "".join(
        f'<div class="{style}card {style}card--{n % 3}"><a class="{style}card-link" href="/{rng.randrange(10**6)}"><div '
        f'class="{style}card-media"><picture><source srcset="/i/{n}.webp"><img loading="lazy" src="/i/{n}.jpg" alt="">'
        f'</picture></div><div class="{style}card-body"><span class="{style}kicker">News</span><h3 '
        f'class="{style}card-title">{escape(rng.choice(others))}</h3><span class="{style}meta">{n} min</span></div></a>'
        "</div>"
        for n in range(site.cards)
    )
    return f'<aside class="{style}sidebar"><h2>Most read</h2><div class="{style}grid">{cards}</div></aside>'


def _comments(site: _Site, others: list[str], rng: Random) -> str:
    style = site.style
    said = "".join(
        f'<li class="comment {style}comment" id="comment-{n}"><div class="comment-author">reader{rng.randrange(999)}</div>'
        f"<p>{escape(rng.choice(others))}? I would not have thought so, but there it is.</p>"
        f'<button class="{style}reply">Reply</button></li>'
        for n in range(rng.randint(0, site.comments))
    )
    return f'<section id="comments" class="{style}comments"><h2>Comments</h2><ol>{said}</ol></section>'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=PER_FILE)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    write_files(asked.folder, asked.seed, asked.pages)


if __name__ == "__main__":
    main()
