"""One outlet of the newsroom: its articles and templates → everything its web server answers in one edition.

`articles/*.md` hold what was written, a TOML head above plain paragraphs, and `<slug>.evening.md` the same article as
it stands in the evening. `article.html` and its like are the outlet's page, chrome and all; `outlet.toml` says how the
two meet.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from infra.newsroom.feeds import FORMATS, Channel, Item

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
PLACEHOLDER = re.compile(r"\$\$|\$\{?([a-z_]+)")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Edition(StrEnum):
    MORNING = "morning"
    EVENING = "evening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the web server says to one request."""

    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One text, and what its head says; a template shows of it what the outlet shows."""

    slug: str
    text: str  # blocks apart by a blank line: paragraphs, '## ' headings, '- ' lists, '> ' quotations, '| ' tables
    path: str
    headline: str
    section: str
    standfirst: str = ""
    authors: Sequence[str] = ()
    published: datetime | None = None
    updated: datetime | None = None
    feed_date: datetime | None = None  # where only the feed knows the date
    shown: str = ""  # the date in the outlet's own words
    tags: Sequence[str] = ()
    credit: str = ""
    photo: str = ""  # the caption
    related: Sequence[str] = ()  # slugs
    template: str = "article"
    announced: bool = True
    free: bool = True
    encoding: str | None = None  # of the bytes; the outlet's unless set
    meta_charset: str | None = None  # what the page claims
    header_charset: str | None = None  # what the server claims; "" for nothing

    @property
    def blocks(self) -> list[str]:
        return [block for block in self.text.split("\n\n") if block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """A piece of the outlet's own that its system drops into every article body."""

    after: int  # blocks of the text that stand before it
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Something the feed announces that is no article of this list: what the server answers to it."""

    path: str
    title: str
    published: datetime | None = None
    status: int = 200
    location: str | None = None
    file: str | None = None
    alias: bool = False  # the page of an article under another address: only announced here


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """A publisher with everything it has on its desk."""

    name: str
    folder: Path
    title: str
    homepage: str
    language: str
    feed_url: str
    format: str
    encoding: str = "utf-8"
    header_charset: str = "utf-8"
    link_suffix: str = ""
    full_text: bool = False  # the feed carries whole articles
    paywall: str = ""
    related_item: str = '<li><a href="$url">$title</a></li>'
    markup: Mapping[str, str]
    inserts: Sequence[Insert] = ()
    odd: Sequence[Odd] = ()
    bios: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return urlsplit(self.homepage).netloc

    @property
    def feed_path(self) -> str:
        return urlsplit(self.feed_url).path

    @cached_property
    def articles(self) -> Mapping[str, Article]:
        """By file name without '.md': the evening's version of a slug is 'slug.evening'."""
        return {path.name.removesuffix(".md"): read_article(path) for path in sorted(self.folder.glob("articles/*.md"))}

    def edition(self, edition: Edition) -> list[Article]:
        """The articles on show, newest first."""
        shown = {a.slug: a for name, a in self.articles.items() if not name.endswith(".evening")}
        if edition is Edition.EVENING:
            shown |= {a.slug: a for name, a in self.articles.items() if name.endswith(".evening")}
        return sorted(shown.values(), key=lambda a: (a.published or LONG_AGO, a.slug), reverse=True)

    def url(self, path: str) -> str:
        return self.homepage.rstrip("/") + path


def read_outlets() -> list[Outlet]:
    return [_read_outlet(path) for path in sorted(SOURCES.glob("*.toml"))]


def read_article(path: Path) -> Article:
    """The article in one file: '+++', a head in TOML, '+++', text."""
    _, head, text = path.read_text(encoding="utf-8").split("+++\n", 2)
    slug = path.name.removesuffix(".md").removesuffix(".evening")
    return Article(slug=slug, text=text.strip(), **tomllib.loads(head))


def _read_outlet(path: Path) -> Outlet:
    source = tomllib.loads(path.read_text(encoding="utf-8"))
    folder = HERE / "outlets" / path.stem
    make = tomllib.loads((folder / "outlet.toml").read_text(encoding="utf-8"))
    return Outlet(
        name=path.stem,
        folder=folder,
        title=source["title"],
        homepage=source["homepage"],
        language=source["language"],
        feed_url=[*source.get("feeds", ()), *source.get("sitemaps", ())][0],
        inserts=[Insert(**insert) for insert in make.pop("insert", ())],
        odd=[Odd(**odd) for odd in make.pop("odd", ())],
        **make,
    )


def answers(outlet: Outlet, edition: Edition) -> dict[str, Answer]:
    """Everything the outlet's server has, by path and query."""
    articles = outlet.edition(edition)
    known = {article.path: _article_page(article, outlet) for article in articles}
    known |= {odd.path: _odd_answer(odd, outlet) for odd in outlet.odd if not odd.alias}
    known[outlet.feed_path] = _feed(outlet, articles)
    known["/robots.txt"] = Answer(body=(outlet.folder / "robots.txt").read_bytes(), content_type="text/plain")
    known["/"] = _home(outlet, articles)
    return known


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its values; a line all of whose placeholders are empty is left out."""
    kept = []
    for line in template.splitlines():
        names = [name for name in PLACEHOLDER.findall(line) if name]
        if not names or any(values[name] for name in names):
            kept.append(line)
    return Template("\n".join(kept)).substitute(values)


def body_html(article: Article, outlet: Outlet, values: Mapping[str, str]) -> str:
    """The text in the outlet's markup, with the outlet's inserts among its blocks."""
    parts = []
    for number, block in enumerate(article.blocks, start=1):
        parts.append(block_html(block, outlet.markup))
        parts += [fill(insert.html, values) for insert in outlet.inserts if insert.after == number]
    return "\n".join(parts)


def block_html(block: str, markup: Mapping[str, str]) -> str:
    lines = [html.escape(line, quote=False) for line in block.splitlines()]
    match block[:2]:
        case "- ":
            items = "\n".join(_mark(markup["item"], line[2:]) for line in lines)
            return _mark(markup["list"], f"\n{items}\n")
        case "| ":
            return _table(lines)
        case "##":
            return _mark(markup["heading"], lines[0][3:])
        case _ if block.startswith("> "):
            return _mark(markup["quote"], block_html(block[2:], markup))
        case _:
            return _mark(markup["paragraph"], " ".join(lines))


def _mark(pattern: str, text: str) -> str:
    return Template(pattern).substitute(text=text)


def _table(lines: Iterable[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    cells = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "\n</table>"


def _article_page(article: Article, outlet: Outlet) -> Answer:
    encoding = article.encoding or outlet.encoding
    values = _page_values(article, outlet) | {"charset": article.meta_charset or encoding}
    values["body"] = body_html(article, outlet, values)
    template = (outlet.folder / f"{article.template}.html").read_text(encoding="utf-8")
    claimed = outlet.header_charset if article.header_charset is None else article.header_charset
    return Answer(
        body=fill(template, values).encode(encoding, "xmlcharrefreplace"),
        content_type="text/html" + (f"; charset={claimed}" if claimed else ""),
    )


def _page_values(article: Article, outlet: Outlet) -> dict[str, str]:
    """What a template may show: each text escaped for HTML, and under '<name>_json' as JSON."""
    plain = {
        "headline": article.headline,
        "standfirst": article.standfirst,
        "authors": ", ".join(article.authors),
        "published": _iso(article.published),
        "updated": _iso(article.updated),
        "shown": article.shown,
        "section": article.section,
        "tags": ", ".join(article.tags),
        "credit": article.credit,
        "photo": article.photo,
        "bio": " ".join(outlet.bios[author] for author in article.authors if author in outlet.bios),
        "paywall": "" if article.free else outlet.paywall,
        "url": outlet.url(article.path),
    }
    values = {name: html.escape(text) for name, text in plain.items()}
    values |= {f"{name}_json": _json(text) if text else "" for name, text in plain.items()}
    values["authors_json"] = _json([{"@type": "Person", "name": name} for name in article.authors])
    values["free"] = _json(article.free)
    values["related"] = "\n".join(_related_link(outlet.articles[slug], outlet) for slug in article.related)
    return values


def _related_link(article: Article, outlet: Outlet) -> str:
    title = html.escape(article.headline, quote=False)
    return Template(outlet.related_item).substitute(url=outlet.url(article.path), title=title)


def _odd_answer(odd: Odd, outlet: Outlet) -> Answer:
    if odd.file is not None:
        return Answer(body=(outlet.folder / odd.file).read_bytes(), content_type="application/pdf")
    location = outlet.url(odd.location) if odd.location else None
    return Answer(status=odd.status, location=location, body=f"<h1>{odd.status}</h1>".encode())


def _feed(outlet: Outlet, articles: Sequence[Article]) -> Answer:
    items = [_item(article, outlet) for article in articles if article.announced]
    items += [Item(link=outlet.url(odd.path), title=odd.title, published=odd.published) for odd in outlet.odd]
    items.sort(key=lambda item: item.published or LONG_AGO, reverse=True)
    write, content_type = FORMATS[outlet.format]
    channel = Channel(
        title=outlet.title, homepage=outlet.homepage, url=outlet.feed_url, language=outlet.language, items=items
    )
    return Answer(
        body=write(channel, outlet.encoding).encode(outlet.encoding, "xmlcharrefreplace"), content_type=content_type
    )


def _item(article: Article, outlet: Outlet) -> Item:
    full = "\n".join(block_html(block, outlet.markup) for block in article.blocks) if outlet.full_text else ""
    return Item(
        link=outlet.url(article.path) + outlet.link_suffix,
        title=article.headline,
        summary=article.standfirst or (article.blocks[0] if article.blocks else ""),
        authors=article.authors,
        published=article.published or article.feed_date,
        updated=article.updated,
        content=full,
    )


def _home(outlet: Outlet, articles: Sequence[Article]) -> Answer:
    links = "\n".join(f"<li>{_related_link(article, outlet)}</li>" for article in articles)
    values = {"title": outlet.title, "language": outlet.language, "feed": outlet.feed_url, "links": links}
    values["feed_type"] = FORMATS[outlet.format][1].partition(";")[0]
    return Answer(body=fill((HERE / "home.html").read_text(encoding="utf-8"), values).encode())


def _iso(moment: datetime | None) -> str:
    return moment.isoformat().replace("+00:00", "Z") if moment else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
