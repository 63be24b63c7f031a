"""Who signed a page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from extract.jsonld import names_of
from extract.metadata import About, site_names
from extract.model import Announcement
from extract.text import folded, letters, plain_text

_NAME_SEPARATOR = re.compile(r"\s*[;|]\s*|\s+(?:/|&|and|und|et|og|och|en)\s+", re.I)
_NAME_PREFIX = re.compile(
    r"^(?:(?:written |posted |reported )?by|von|par|por|text:|aut(?:h?or|orin|eur|ore):?)\s+", re.I
)
_NO_NAME = re.compile(
    r"@|https?:|www\.|\d|^.{81}|^.?$|^(?:the )?(?:author|admin|editor|staff|guest|unknown|anonymous|redaktion)$"
    r"|^(?:january|february|march|april|may|june|july|august|september|october|november|december)$",
    re.I,
)
_DESK = re.compile(  # what follows a publisher's name where no person signed
    r"(?:staff|editors?|editorial|team|desk|newsroom|news|online|digital|redaktion|redakcja|redazione|redacción"
    r"|rédaction|reporters?|writers?|correspondents?|agency|web|gmbh|ag|kg|inc|ltd|llc|sa|co|com|org|net|the|\s)*"
)


def read_authors(about: About, announced: Announcement) -> tuple[str, ...]:
    """Who signed, people or agencies: by JSON-LD, else as trafilatura reads the page, else as announced.

    The publisher's own name is no signature.
    """
    sites = site_names(about)
    stated = names_of(about.node.get("author"), about.graph)
    for signed in (stated, (about.byline or "").split("; "), announced.authors):
        names = dict.fromkeys(name for text in signed for name in _names(text) if not _is_publisher(name, sites))
        if names:
            return tuple(names)
    return ()


def _names(text: str) -> Iterator[str]:
    """The names in a byline."""
    for part in _NAME_SEPARATOR.split(plain_text(text) if "<" in text else text):
        between_commas = part.split(",")
        whole = len(between_commas) < 2 or any(" " not in name.strip() for name in between_commas)  # 'Kowalska, Anna'
        for name in [part] if whole else between_commas:
            cleaned = _NAME_PREFIX.sub("", folded(name)).strip(" ,.-–—")
            if not _NO_NAME.search(cleaned):
                yield cleaned


def _is_publisher(name: str, sites: frozenset[str]) -> bool:
    signed = letters(name)
    return any(signed.startswith(site) and _DESK.fullmatch(signed.removeprefix(site)) for site in sites)
