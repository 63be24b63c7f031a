"""An outlet's list of items → the bytes of a feed or sitemap, in one of the formats that publishers use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article as it is announced."""

    link: str
    title: str
    summary: str = ""
    authors: Sequence[str] = ()
    published: datetime | None = None
    updated: datetime | None = None
    content: str = ""  # HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The list, newest first, and whose it is."""

    title: str
    homepage: str
    url: str
    language: str
    items: Sequence[Item]


def rss(channel: Channel, encoding: str) -> str:
    """RSS 2.0, with authors by Dublin Core, updates by Atom and, where an item has content, content:encoded."""
    items = "\n".join(_rss_item(item) for item in channel.items)
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel>
<title>{escape(channel.title)}</title>
<link>{channel.homepage}</link>
<description>{escape(channel.title)}</description>
<language>{channel.language}</language>
<ttl>15</ttl>
{items}
</channel>
</rss>
"""


def atom(channel: Channel, encoding: str) -> str:
    """Atom, RFC 4287."""
    newest = max(moment for item in channel.items if (moment := item.updated or item.published))
    entries = "\n".join(_atom_entry(item) for item in channel.items)
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{channel.language}">
<title>{escape(channel.title)}</title>
<id>{channel.homepage}</id>
<link rel="alternate" type="text/html" href={quoteattr(channel.homepage)}/>
<link rel="self" type="application/atom+xml" href={quoteattr(channel.url)}/>
<updated>{newest.isoformat()}</updated>
{entries}
</feed>
"""


def rdf(channel: Channel, encoding: str) -> str:
    """RSS 1.0: RDF, whose items stand beside the channel and are listed in it."""
    listed = "\n".join(f"<rdf:li resource={quoteattr(item.link)}/>" for item in channel.items)
    items = "\n".join(_rdf_item(item) for item in channel.items)
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about={quoteattr(channel.url)}>
<title>{escape(channel.title)}</title>
<link>{channel.homepage}</link>
<description>{escape(channel.title)}</description>
<dc:language>{channel.language}</dc:language>
<items><rdf:Seq>
{listed}
</rdf:Seq></items>
</channel>
{items}
</rdf:RDF>
"""


def news_sitemap(channel: Channel, encoding: str) -> str:
    """A sitemap with the news extension: no summaries, no authors."""
    urls = "\n".join(_sitemap_url(item, channel) for item in channel.items)
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
{urls}
</urlset>
"""


def json_feed(channel: Channel, _encoding: str) -> str:
    """JSON Feed 1.1, which names no encoding: it is UTF-8."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": channel.homepage,
        "feed_url": channel.url,
        "language": channel.language,
        "items": [_json_item(item) for item in channel.items],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


FORMATS: Mapping[str, tuple[Callable[[Channel, str], str], str]] = {
    "rss": (rss, "application/rss+xml"),
    "atom": (atom, "application/atom+xml"),
    "rdf": (rdf, "application/rdf+xml"),
    "news-sitemap": (news_sitemap, "application/xml"),
    "json": (json_feed, "application/feed+json"),
}


def _rss_item(item: Item) -> str:
    content = f"<content:encoded><![CDATA[{item.content}]]></content:encoded>" if item.content else ""
    return _lines(
        "<item>",
        _element("title", item.title),
        _element("link", item.link),
        f'<guid isPermaLink="false">{escape(item.link.partition("?")[0])}</guid>',
        _element("pubDate", format_datetime(item.published) if item.published else ""),
        _element("atom:updated", _iso(item.updated)),
        *(_element("dc:creator", author) for author in item.authors),
        _element("description", item.summary),
        content,
        "</item>",
    )


def _atom_entry(item: Item) -> str:
    return _lines(
        "<entry>",
        _element("title", item.title),
        _element("id", item.link),
        f'<link rel="alternate" type="text/html" href={quoteattr(item.link)}/>',
        _element("published", _iso(item.published)),
        _element("updated", _iso(item.updated or item.published)),
        *(f"<author>{_element('name', author)}</author>" for author in item.authors),
        _element("summary", item.summary),
        "</entry>",
    )


def _rdf_item(item: Item) -> str:
    return _lines(
        f"<item rdf:about={quoteattr(item.link)}>",
        _element("title", item.title),
        _element("link", item.link),
        _element("description", item.summary),
        _element("dc:date", _iso(item.published)),
        *(_element("dc:creator", author) for author in item.authors),
        "</item>",
    )


def _sitemap_url(item: Item, channel: Channel) -> str:
    return _lines(
        "<url>",
        _element("loc", item.link),
        _element("lastmod", _iso(item.updated or item.published)),
        "<news:news>",
        f"<news:publication>{_element('news:name', channel.title)}{_element('news:language', channel.language)}"
        "</news:publication>",
        _element("news:publication_date", _iso(item.published)),
        _element("news:title", item.title),
        "</news:news>",
        "</url>",
    )


def _json_item(item: Item) -> dict[str, object]:
    fields = {
        "id": item.link,
        "url": item.link,
        "title": item.title,
        "summary": item.summary,
        "authors": [{"name": author} for author in item.authors],
        "date_published": _iso(item.published),
        "date_modified": _iso(item.updated),
    }
    return {name: value for name, value in fields.items() if value}


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
