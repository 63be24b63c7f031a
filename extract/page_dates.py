"""The times that a page names for itself, and where: the witnesses that extract.dates weighs.

The one module that knows htmldate, which finds a day anywhere on a page. That takes as long as finding the text, so it
is asked only where neither markup, feed nor URL settle the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from htmldate import find_date
from lxml.etree import XPath

from extract.dates import ZONE_ALLOWANCE, is_plausible, read_time, url_day
from extract.jsonld import strings
from extract.metadata import About, page_nodes
from extract.model import Announcement, DateOrigin

# By trust: what the newsroom's system wrote for machines, then what page templates and importers add.
_PUBLISHED_META = (
    "article:published_time og:article:published_time datepublished article:published og:published_time "
    "parsely-pub-date cxenseparse:recs:publishtime sailthru.date pubdate publishdate publish-date publish_date "
    "publication_date dcterms.issued dc.date.issued dcterms.created dc.date.created dc.date dcterms.date date"
)
_MODIFIED_META = (
    "article:modified_time og:article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified"
)
_MARKED = XPath("//*[@itemprop][@itemprop=$itemprop]")
_EAST_ASIAN_TIME = re.compile(r"(?<!\d)(?:19|20)\d\d ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일](?:\s*\d{1,2}[:：]\d\d)?")


def published_times(about: About, announced: Announcement) -> Mapping[DateOrigin, Sequence[str]]:
    """What the page and its URL say of its publication, as written, by place."""
    linked = _linked_times(about, "datePublished")
    meta = [*_meta_times(about, _PUBLISHED_META), *_microdata(about, "datePublished")]
    named_in_url = url_day(about.page.final_url)
    return {
        DateOrigin.JSON_LD: linked,
        DateOrigin.META: meta,
        DateOrigin.VISIBLE: _visible_times(about, announced, [*linked, *meta], named_in_url),
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
    marked = _MARKED(about.tree, itemprop=itemprop)
    return [text for element in marked if (text := element.get("datetime") or element.get("content"))]


def _visible_times(
    about: About, announced: Announcement, stated: Sequence[str], named_in_url: str | None
) -> Sequence[str]:
    """The <time> elements of the day that is known already, or else of the day that htmldate finds, or that day.

    Or of that day with the month in its place: a newsroom's system may have it wrong and its template right. A page has
    other <time> elements: of its comments, of other articles. htmldate answers with 1 January when it could
    read no more than a year, as of '2024年5月3日'.
    """
    days = {text[:10] for text in stated if _is_settled(text, about)}
    if announced.published_at:
        days.add(announced.published_at.date().isoformat())
    day = None if days else named_in_url or _found_day(about)
    times = [time for element in about.tree.iter("time") if (time := element.get("datetime", "").strip())]
    near = {*days, *map(_swapped, days), day}
    agreeing = [time for time in times if time[:10] in near]
    if agreeing or days:
        return agreeing
    if day and day != named_in_url and not day.endswith("-01-01"):
        return [day]
    return _EAST_ASIAN_TIME.findall(about.tree.text_content())[:1]


def _swapped(day: str) -> str:
    return f"{day[:5]}{day[8:]}-{day[5:7]}"


def _is_settled(text: str, about: About) -> bool:
    """Whether it is a time that can be believed and has its year first: others may have day and month changed over."""
    stamp = read_time(text) if text[:4].isdigit() else None
    return stamp is not None and is_plausible(stamp, about.page.fetched_at)


def _found_day(about: About) -> str | None:
    """The day of publication as htmldate finds it in markup and text, YYYY-MM-DD."""
    latest = (about.page.fetched_at + ZONE_ALLOWANCE).strftime("%Y-%m-%d")
    try:
        return find_date(about.tree, original_date=True, url=about.page.final_url, max_date=latest)
    except (ValueError, OverflowError):  # on dates that are none ('month must be in 1..12')
        return None
