"""Where a page puts its article: section, tags, and the picture that stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape

from extract.jsonld import Node, is_a, listed, nodes_of, strings
from extract.metadata import About, site_names
from extract.text import folded, letters
from extract.urls import resolve_link

MAX_TAGS = 20
_TAG_CHARS = 50
_SECTION_CHARS = 60
_META_TAGS = ("news_keywords", "parsely-tags", "sailthru.tags", "dc.subject", "keywords")
_IMAGE_META = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")
# What a newsroom's system notes for itself: 'isFree:true', 'NLP Category: General', 'section=news', '_prio_3'
_NO_TAG = re.compile(r"[=<>{}_]|\w:|^[\W\d]*$|https?:|^[0-9a-f-]{16,}$|^\S+\.[a-z]{2,4}$", re.I)
_TAG_KIND = re.compile(
    r"^(?:sections?|topics?|tags?|categor(?:y|ies)|organi[sz]ations?|persons?|people|places?)/", re.I
)
_NO_SECTION = re.compile(
    r"home(?:page)?|start(?:seite)?|accueil|inicio|início|portada|hlavní strana|strona główna|главная|головна|αρχική"
    r"|ana ?sayfa|首页|首頁|ホーム|トップ|hem|hjem|forside|voorpagina|articles?|artikel|all|uncategori[sz]ed"
    r"|sin categoría|non classé|allgemein|\w+_\w+",
    re.I,
)


def read_section(about: About, title: str) -> str | None:
    """The section of the publication: by JSON-LD, <meta>, or the last but the article itself of the breadcrumbs."""
    sites = site_names(about)
    named = (
        *strings(about.node.get("articleSection")),
        *about.meta_values("article:section"),
        *about.meta_values("og:article:section"),
        *about.meta_values("section"),
        *about.meta_values("parsely-section"),
        *reversed(_breadcrumbs(about, title)),
    )
    cleaned = (re.split(r"\s*[,;|>»]\s*", unescape(name).strip(" /|>»,;"))[0] for name in named)
    return next((name for name in cleaned if _is_section(name) and letters(name) not in sites), None)


def _is_section(name: str) -> bool:
    return bool(letters(name)) and len(name) <= _SECTION_CHARS and not _NO_SECTION.fullmatch(name)


def _breadcrumbs(about: About, title: str) -> list[str]:
    """The names on the way to the page, without its own at the end."""
    trail = next((node for node in about.graph if is_a(node, "BreadcrumbList")), {})
    steps = sorted(nodes_of(trail.get("itemListElement"), about.graph), key=_position)
    names = [(strings(step.get("name")) or strings(step.get("item")) or [""])[0] for step in steps]
    titles = [letters(one) for one in (title, *about.meta_values("og:title"))]
    while names and _is_of_article(letters(names[-1]), titles):
        names.pop()
    return names


def _is_of_article(step: str, titles: Sequence[str]) -> bool:
    """Whether a step on the way, as its letters, is the article itself: its title, whole or cut off."""
    return len(step) > _SECTION_CHARS or any(title.startswith(step) and 2 * len(step) > len(title) for title in titles)


def _position(step: Node) -> float:
    written = str(step.get("position"))
    return float(written) if written.isdigit() else float("inf")


def read_tags(about: About) -> tuple[str, ...]:
    """The page's keywords, by the first that gives any: article:tag, JSON-LD, then those of <meta>.

    The later ones are the likelier the same on every page.
    """
    sites = site_names(about)
    for written in (
        about.meta_values("article:tag"),
        strings(about.node.get("keywords")),
        *map(about.meta_values, _META_TAGS),
    ):
        tags: dict[str, str] = {}
        for tag in _split(written):
            tags.setdefault(letters(tag), tag)
        if named := [tag for form, tag in tags.items() if form not in sites]:
            return tuple(named[:MAX_TAGS])
    return ()


def _split(written: Iterable[str]) -> Iterator[str]:
    for text in written:
        for part in re.split(r"\s*[,;|，、；]\s*", unescape(text)):
            tag = folded(_TAG_KIND.sub("", part)).strip(" #\"'“”.")
            if tag and len(tag) <= _TAG_CHARS and not _NO_TAG.search(tag):
                yield tag


def read_image(about: About) -> str | None:
    """The address of the picture that stands for the article; the publisher's logo does not."""
    publishers = nodes_of(about.node.get("publisher"), about.graph)
    logos = {url for node in publishers for url in _image_urls(about, node.get("logo"))}
    written = (
        *(url for name in _IMAGE_META for url in about.meta_values(name)),
        *_image_urls(about, about.node.get("image")),
        *_image_urls(about, about.node.get("thumbnailUrl")),
    )
    base = about.page.final_url
    return next((link for url in written if url not in logos and (link := resolve_link(base, url))), None)


def _image_urls(about: About, value: object) -> list[str]:
    images = listed(value, about.graph)
    return [url for image in images for key in ("url", "contentUrl", "@id") for url in strings(image, key)][:4]
