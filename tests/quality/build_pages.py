"""The quality corpus: news of our own writing on pages as publishers of many kinds build them, and its truth.

    python tests/quality/build_pages.py OUT

writes OUT/truth.jsonl (one row a page: file, id, url, lang, text, title, authors, date) and OUT/<n>.html.gz, in the
order of publication: the layout that `storyfold eval extraction` reads. The same sources give the same bytes.
README.md beside this file says how sites and articles are written.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

PAGES = Path(__file__).parent / "pages"
LIST_MARK, HEADING_MARK, QUOTE_MARK, ROW_MARK, ASIDE_MARK = "- ", "## ", "> ", "| ", "@"
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
STRONG = re.compile(r"\*\*([^*]+)\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of an article's body, with its inline marks: [link](address), **strong**."""

    kind: Literal["paragraph", "heading", "list", "quote", "table", "aside"]
    lines: tuple[str, ...]  # items of a list, rows of a table; one line of all other kinds
    name: str = ""  # of an aside: what the site calls such an insert

    @property
    def text(self) -> str:
        return self.lines[0]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table; one at the head of a column of labels may be empty."""
        return [[cell.strip() for cell in line.split("|")] for line in self.lines]

    @property
    def truth(self) -> tuple[str, ...]:
        """Its lines as a reader has them; none where it is no text of the article."""
        match self.kind:
            case "aside":
                return ()
            case "table":
                return tuple(" | ".join(filter(None, row)) for row in self.rows)
        return tuple(plain(line) for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What the newsroom wrote: the body, and what a page may show around it."""

    slug: str
    site: str
    body: tuple[Block, ...]
    title: str
    published: datetime
    section: str
    standfirst: str = ""
    authors: tuple[str, ...] = ()
    updated: datetime | None = None
    photo: str = ""  # caption of the picture above the text
    credit: str = ""
    tags: tuple[str, ...] = ()
    related: tuple[str, ...] = ()  # headlines
    comments: tuple[tuple[str, str], ...] = ()  # who, what
    number: int = 0  # that the publisher's system gave it
    template: str = "page"
    followed_by: str = ""  # slug of the article that the page goes on with
    copies: str = ""  # site/slug of the wire report that it reprints
    blocks: int = 0  # of that report, how many

    @property
    def id(self) -> str:
        return f"{self.site}/{self.slug}"

    @property
    def text(self) -> str:
        """The truth: paragraphs, headings, items, quotes and rows, one a line."""
        return "\n".join(line for block in self.body for line in block.truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A publisher, as its site.toml says."""

    name: str
    title: str
    home: str
    language: str
    address: str  # of an article, a template of its own
    encoding: str = "utf-8"
    declares: str = "utf-8"  # what the page says of its encoding
    months: tuple[str, ...] = ()
    bios: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPage:
    """A page of the corpus: the article and the bytes around it."""

    site: Site
    article: Article
    url: str
    body: bytes

    def truth(self, file: str) -> dict[str, Any]:
        article = self.article
        return {
            "file": file,
            "id": article.id,
            "url": self.url,
            "lang": self.site.language,
            "text": article.text,
            "title": article.title,
            "authors": list(article.authors),
            "date": article.published.date().isoformat(),
        }


def build_pages() -> list[BuiltPage]:
    """All pages of the corpus in the order of publication."""
    sites, articles = read_sites(), read_articles()
    pages = [page_of(article, sites[article.site], articles) for article in articles.values()]
    return sorted(pages, key=lambda page: (page.article.published, page.article.id))


def write_pages(folder: Path) -> None:
    """The corpus as files: pages, and their truth in the same order."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, page in enumerate(build_pages(), start=1):
        file = f"{number:04}.html.gz"
        (folder / file).write_bytes(gzip.compress(page.body, mtime=0))
        rows.append(json.dumps(page.truth(file), ensure_ascii=False))
    (folder / "truth.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def read_sites() -> dict[str, Site]:
    """The sites by the names of their folders."""
    return {path.parent.name: read_site(path) for path in sorted(PAGES.glob("*/site.toml"))}


def read_site(path: Path) -> Site:
    return Site(name=path.parent.name, **frozen(tomllib.loads(path.read_text(encoding="utf-8"))))


def read_articles() -> dict[str, Article]:
    """All articles by 'site/slug', reprints with what they copy."""
    written = {article.id: article for article in map(read_article, sorted(PAGES.glob("*/*.md")))}
    return {name: reprinted(article, written) for name, article in written.items()}


def read_article(path: Path) -> Article:
    """The article in one file: '+++', a head in TOML, '+++', body."""
    _, head, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    blocks = tuple(block for part in body.split("\n\n") if part.strip() for block in read_blocks(part.strip()))
    return Article(slug=path.stem, site=path.parent.name, body=blocks, **frozen(tomllib.loads(head)))


def read_blocks(part: str) -> Iterator[Block]:
    """The block that a part between blank lines is; asides, one a line, are blocks of their own."""
    for mark, lines in groupby(part.splitlines(), key=mark_of):
        match mark:
            case "@":
                for name, _, text in (line[1:].partition(" ") for line in lines):
                    yield Block(kind="aside", name=name, lines=(text,))
            case "- ":
                yield Block(kind="list", lines=tuple(line[2:] for line in lines))
            case "| ":
                yield Block(
                    kind="table", lines=tuple(line.rstrip().removeprefix("|").removesuffix("|") for line in lines)
                )
            case "> ":
                yield Block(kind="quote", lines=(" ".join(line[2:] for line in lines),))
            case "## ":
                yield from (Block(kind="heading", lines=(line[3:],)) for line in lines)
            case _:
                yield Block(kind="paragraph", lines=(" ".join(lines),))


def mark_of(line: str) -> str:
    marks = (ASIDE_MARK, LIST_MARK, ROW_MARK, QUOTE_MARK, HEADING_MARK)
    return next((mark for mark in marks if line.startswith(mark)), "")


def reprinted(article: Article, written: Mapping[str, Article]) -> Article:
    """The article with the part of a wire report that it reprints above its own text."""
    if not article.copies:
        return article
    wire = [block for block in written[article.copies].body if block.kind != "aside"]
    return replace(article, body=(*wire[: article.blocks], *article.body))


def page_of(article: Article, site: Site, articles: Mapping[str, Article]) -> BuiltPage:
    """The article on its page, in the site's bytes; characters that those lack become references."""
    env = environment()
    addresses = {name: address_of(other, site) for name, other in articles.items() if other.site == site.name}
    html = env.get_template(f"{site.name}/{article.template}.html").render(
        site=site,
        article=article,
        url=addresses[article.id],
        addresses=addresses,
        earlier=earlier(article, articles.values()),
        second=articles[f"{site.name}/{article.followed_by}"] if article.followed_by else None,
    )
    return BuiltPage(
        site=site, article=article, url=addresses[article.id], body=html.encode(site.encoding, "xmlcharrefreplace")
    )


def earlier(article: Article, others: Iterable[Article]) -> list[Article]:
    """The site's articles that stood there when this one came out, newest first."""
    known = [other for other in others if other.site == article.site and other.published < article.published]
    return sorted(known, key=lambda other: other.published, reverse=True)


def address_of(article: Article, site: Site) -> str:
    return site.home + environment().from_string(site.address).render(article=article)


@cache
def environment() -> Environment:
    """Where the templates lie and what they may use: `words` for lines of a block, `as_person` for names in JSON-LD."""
    env = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"words": words, "as_person": as_person}
    env.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return env


def words(line: str) -> Markup:
    """A line as HTML, its links and strong words marked up."""
    linked = LINK.sub(r'<a href="\2">\1</a>', str(escape(line)))
    return Markup(STRONG.sub(r"<strong>\1</strong>", linked))


def plain(line: str) -> str:
    """A line as it is read, without inline marks."""
    return STRONG.sub(r"\1", LINK.sub(r"\1", line))


def as_person(name: str) -> dict[str, str]:
    """A name as JSON-LD has it."""
    return {"@type": "Person", "name": name}


def frozen(value: Any) -> Any:
    """What TOML gives, with tuples for its arrays."""
    match value:
        case dict():
            return {key: frozen(inner) for key, inner in value.items()}
        case list():
            return tuple(frozen(inner) for inner in value)
    return value


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_pages(Path(sys.argv[1]))
