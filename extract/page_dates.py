"""The times that a page names for itself, and where: the witnesses that extract.dates weighs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from extract.dates import url_day
from extract.jsonld import strings
from extract.metadata import About, page_nodes
from extract.model import DateOrigin

# By trust: what the newsroom's system wrote for machines, then what page templates and importers add.
_PUBLISHED_META = (
    "article:published_time og:article:published_time datepublished article:published og:published_time "
    "parsely-pub-date cxenseparse:recs:publishtime sailthru.date pubdate publishdate publish-date publish_date "
    "publication_date dcterms.issued dc.date.issued dcterms.created dc.date.created dc.date dcterms.date date"
)
_MODIFIED_META = (
    "article:modified_time og:article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified"
)
_EAST_ASIAN_TIME = re.compile(r"(?<!\d)(?:19|20)\d\d ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일](?:\s*\d{1,2}[:：]\d\d)?")


def published_times(about: About) -> Mapping[DateOrigin, Sequence[str]]:
    """What the page and its URL say of its publication, as written, by place."""
    named_in_url = url_day(about.page.final_url)
    return {
        DateOrigin.JSON_LD: _linked_times(about, "datePublished"),
        DateOrigin.META: [*_meta_times(about, _PUBLISHED_META), *_microdata(about, "datePublished")],
        DateOrigin.VISIBLE: _visible_times(about, named_in_url),
        DateOrigin.URL: [named_in_url] if named_in_url else [],
    }


def modified_times(about: About) -> Sequence[str]:
    """What the page says of its last change, better sources first."""
    return (
        *_linked_times(about, "dateModified"),
        *_meta_times(about, _MODIFIED_META),
        *_microdata(about, "dateModified"),
    )


def _meta_times(about: About, names: str) -> list[str]:
    return [text for name in names.split() for text in about.meta_values(name)]


def _linked_times(about: About, key: str) -> list[str]:
    return [text for node in page_nodes(about) for text in strings(node.get(key))]


def _microdata(about: About, itemprop: str) -> list[str]:
    marked = about.tree.xpath("//*[@itemprop=$itemprop]", itemprop=itemprop)
    return [text for element in marked if (text := element.get("datetime") or element.get("content"))]


def _visible_times(about: About, named_in_url: str | None) -> list[str]:
    """The <time> elements of the day that htmldate found, or that day itself.

    A page has other <time> elements: of its comments, of other articles. htmldate answers with the URL's date, when
    the URL has one, and with 1 January, when it could read no more than a year, as of '2024年5月3日'.
    """
    day = about.day or ""
    agreeing = [
        time for element in about.tree.iter("time") if (time := element.get("datetime", "").strip())[:10] == day
    ]
    if agreeing or (day and day != named_in_url and not day.endswith("-01-01")):
        return agreeing or [day]
    return _EAST_ASIAN_TIME.findall(about.tree.text_content())[:1]
