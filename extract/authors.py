"""Who signed a page: what its markup, its feed and its byline say, taken apart into names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from extract.agencies import agency_named
from extract.jsonld import is_a, listed, names_of, nodes_of, strings
from extract.metadata import About, named_sites, site_names
from extract.model import Announcement, Block
from extract.text import folded, letters, plain_text

_MAX_CHARS = 80  # a longer name is a sentence
_BYLINE_CHARS = 120
_META = (
    "author article:author authors byl article:byline dc.creator dcterms.creator parsely-author sailthru.author "
    "articleauthor citation_author"
)

# --- What stands around names ---------------------------------------------------------------------------------------

_BY = r"(?:by|von|par|por|door|deur|av|af|oleh)"  # before a name; 'di', 'de', 'da' and 'per' begin names too
_WRITTEN = (
    r"(?:written|posted|reported|story|words|text|texte|texto|tekst|testo|geschrieben|verfasst|veröffentlicht|publié|écrit"
    r"|escrito|publicado|scritto|skrevet|geschreven)"
)
_AUTHOR = (
    r"(?:auth?or(?:in|s|en|a|es|i)?|auteure?s?|autore|autrice|autorka|autorzy|автор[ыи]?|yazar|penulis|reporter|συντάκτης|γράφει|γράφουν"
    r"|作者|撰文|執筆|文)"
)
_BEFORE_NAME = re.compile(
    rf"^(?:this (?:post|article|story) was )?(?:{_WRITTEN}\s*(?:[:/：／]\s*|\s(?={_BY}\b)))?"
    rf"(?:{_BY}(?:\s*:\s*|\s+)|di\s+(?=\w+\s+\w)|{_AUTHOR}(?:\s*[:/：／]\s*|\s+(?=\w+\s+\w))|(?:本报|本報)?(?:记者|記者)\s*[:：]?\s*"
    r"|the author\s+)?",
    re.I,
)
_AFTER_NAME = re.compile(
    r"\s*(?:[(（<\[•·@|–—]|\s-\s|https?:|\S+@\S).*"  # handle, e-mail, dash with the paper or the office
    r"|\s+(?:last |was )?(?:updated?|published|posted|reviewed|edited|aktualisiert|veröffentlicht)\b.*"
    r"|(?<=\w)(?<!^\w)\s+(?:in|from|at|on|aus|für|à|vanuit|из)\s+(?=[A-ZÀ-ÞА-Я]).*"
    r"|\s*(?:기자|특파원|記者|记者|特派員)(?:\s.*)?$",
    re.I,
)
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_MONTH_AFTER = re.compile(rf"(?<=\w)\s+(?:on\s+)?{_MONTHS}$", re.I)

_HELPED = re.compile(r"\s+(?:with|mit|avec|con|met|med|com|s|z|z pomocą)\s+(?P<by>[^,]+)$", re.I)  # by an agency

# Between two names: always, or only where whole names stand on both sides ('Ortega y Gasset', 'Maria & Katerina').
_ALWAYS = re.compile(r"\s*[;|、]\s*|\s+/\s+|\s+(?:and|und|et)\s+", re.I)
_BETWEEN = re.compile(r"\s+(?:&|with|mit|avec|con|e|y|i|og|och|en|ve|oraz|a|и|і|й|та|και|dan|và)\s+|\s*/\s*", re.I)

_DESK_WORDS = (
    r"staff|editors?|editorial|board|team|desk|newsroom|news|online|digital|web|redaktion|redakcja|redakce|redactie"
    r"|redaksjonen|redaktionen|redazione|redacción|redação|rédaction|redaksi|редакция|редакція|reporters?|reports?"
    r"|writers?|correspondents?|contributors?|agency|agencies|agenturen?|agences?|agencias?|agenzie|agencje|agentschappen"
    r"|агентства|ajanslar|agências|wires?|services?|admin|editorin|internet|central|la|die|de|the|by|and|und|et|y|e"
)
_TITLE_PARTS = re.compile(r"\s+[-–—|·]\s+|\s*\|\s*")
_SITE_PART = 4  # letters
_DESK = re.compile(rf"(?:{_DESK_WORDS}|gmbh|ag|kg|inc|ltd|llc|sa|co|com|org|net|\s)*")  # beside a publisher's name
_DESK_ALONE = re.compile(rf"(?:(?:{_DESK_WORDS})[\s/-]*)+", re.I)
_NO_NAME = re.compile(
    r"@|https?:|www\.|^\S+\.[a-z]{2,4}$|\d|\w:\s|(?:\w+-){3}|^.?$"
    r"|^(?:the )?(?:authors?|guest|unknown|anonymous|user|name)\b"
    rf"|^(?:profile|follow|folgen)\b|admin$|^\w+_\w+$|^{_MONTHS}$",
    re.I,
)
_LOGIN = re.compile(r"[a-z]+[._][a-z.]+")
_ROLE = re.compile(  # what a person does, behind a comma
    r"\b(?:(?:co-?)?editor|(?:co-?)?author|reporter|correspondent|writer|journalist|columnist|producer|director|head|chief"
    r"|senior|staff|contribut|analyst|professor|lecturer|university|institute|fellow|founder|president|manager|expert"
    r"|attorney|specialist|member|ceo|cto|ph\.?\s?d|m\.?d\b|jr\b|sr\b"
    r"|redakteur|redaktor|korrespondent|chefredakt|leiter|volontär|journalist|mitarbeit|reporterin"
    r"|rédact|correspondant|envoyé|chef|grand reporter|chroniqueu|redactor|redacci|periodista|corresponsal|enviad"
    r"|giornalista|inviat|redattore|corrispondente|jornalista|repórter|redacteur|verslaggever|correspondente"
    r"|dziennikar|korespond|wydawca|reporterka|корреспондент|редактор|обозреватель|журналист|кореспондент|журналіст"
    r"|novinář|redaktorka|δημοσιογράφος|συντάκτη|muhabir|editör|yazar)|记者|記者|기자|編集|编辑|特派員",
    re.I,
)
_FULL_STOP = re.compile(r"(?<=\w{4})\.$")  # 'Jr.' keeps its own
_CAPITALISED = re.compile(r"(?:[A-ZÀ-ÞĀ-ŽΆ-ΫА-ЯЁЄІЇҐ][\w.’'`-]*|(?:d|l|o)['’]\w+)")
_PARTICLE = re.compile(
    r"d[aeiou]s?|dell?a?|du|l[ae]|v[ao]n|de[nr]|te[nr]|zu[mr]?|bin|ibn|[ae]l|e|y|a[fv]|st|mac", re.IGNORECASE
)
_UNSPACED_NAME = re.compile(r"[\w\s·・．.]{1,12}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def read_authors(
    about: About, announced: Announcement, blocks: Sequence[Block], find_byline: Callable[[], str | None]
) -> tuple[str, ...]:
    """Who signed, people or agencies, by the first that names any: JSON-LD, <meta>, the feed, the text, the page.

    The publisher's own name is no signature, nor is that of a desk.
    find_byline: what looks the page over for a byline, names apart by ';'; asked only when nothing else names anyone
    """
    named = frozenset[str]() if _is_own_site(about) else named_sites(about) | _site_in_title(about)
    domain = frozenset[str]() if _is_own_site(about) else site_names(about)
    for signed in _signatures(about, announced, blocks, find_byline):
        names = dict.fromkeys(name for name in signed if not _is_publisher(name, named, domain))
        if names:
            return tuple(names)
    return ()


def stated_bylines(about: About) -> list[str]:
    """The bylines of JSON-LD and <meta>, as they are written."""
    stated = names_of(about.node.get("author") or about.node.get("creator"), about.graph)
    written = [*stated, *(text for name in _META.split() for text in about.meta_values(name))]
    return [folded(text) for text in written if "://" not in text]


def _signatures(
    about: About, announced: Announcement, blocks: Sequence[Block], find_byline: Callable[[], str | None]
) -> Iterator[Iterable[str]]:
    """The names that each place gives, better places first."""
    yield _stated(about)
    meta = (text for name in _META.split() for text in about.meta_values(name))
    yield _names(filter(_is_full_name, meta))
    yield _names(announced.authors)
    yield _byline_in(blocks)
    shown = (find_byline() or "").split(";")
    yield (name for name in _names(shown) if reads_as_name(name) and not _ROLE.search(name))


def _names(texts: Iterable[str]) -> Iterator[str]:
    return (name for text in texts for name in names_in(text))


def _stated(about: About) -> Iterator[str]:
    """The names in JSON-LD; that of an organisation is not taken apart."""
    for author in listed(about.node.get("author") or about.node.get("creator"), about.graph):
        whole = isinstance(author, dict) and any("Organization" in kind for kind in strings(author.get("@type")))
        names = names_of(author, about.graph)
        yield from filter(_is_name, names) if whole else _names(names)


def _is_full_name(text: str) -> bool:
    """Whether more than a word: one alone is what somebody logs in as."""
    return " " in text or _UNSPACED.search(text) is not None


def _byline_in(blocks: Sequence[Block]) -> Sequence[str]:
    """The names in the byline that stands as a block at the head of the text: 'By Ada Brook and Jonas Quill'."""
    head = takewhile(lambda block: len(block.text) <= 2 * _BYLINE_CHARS, blocks[:5])
    for text in (block.text for block in head if len(block.text) <= _BYLINE_CHARS):
        if without_by(text) != text and (names := list(names_in(text))) and all(map(reads_as_name, names)):
            return names
    return ()


def names_in(text: str) -> Iterator[str]:
    """The names in a byline, without what stands around them."""
    for part in _ALWAYS.split(folded(plain_text(text) if "<" in text else text)):
        helped = _HELPED.search(part)
        for name in _whole_names(part[: helped.start()] if helped and agency_named(helped["by"]) else part):
            for one in _around_commas(name):
                cleaned = _bare(one)
                if _is_name(cleaned):
                    yield cleaned


def _whole_names(part: str) -> list[str]:
    """The part, taken apart where whole names stand on both sides of a word or sign that joins them."""
    names = [_bare(name) for name in _BETWEEN.split(part)]
    return names if len(names) > 1 and all(" " in name or _DESK_ALONE.fullmatch(name) for name in names) else [part]


def _around_commas(part: str) -> Iterator[str]:
    """The names in a list; 'Brook, Ada' is one, and a role, a place or a degree behind a name is none."""
    first, *others = filter(None, (piece.strip() for piece in re.split("[,，]", part))) if part.strip(" ,，") else [""]
    if not others:
        yield first
    elif not any(" " in _bare(piece) for piece in (first, *others)):
        whole = len(others) == 1 and not _UNSPACED.search(part) and not _ROLE.search(others[0])
        yield from [part] if whole else [piece for piece in (first, *others) if not _ROLE.search(piece)]
    else:
        named = (piece for piece in others if " " in piece or agency_named(piece))
        yield from (first, *takewhile(lambda piece: not _ROLE.search(piece), named))


def _bare(name: str) -> str:
    """The name without 'by' before it, and without address, office and date behind it."""
    bare = _AFTER_NAME.sub("", without_by(name.strip(" ,.-–—:")))
    if bare.count(" ") >= 2:
        bare = _MONTH_AFTER.sub("", bare)
    return _FULL_STOP.sub("", bare.strip(" ,-–—:•/"))


def _is_name(text: str) -> bool:
    return not (
        len(text) > _MAX_CHARS or _NO_NAME.search(text) or _LOGIN.fullmatch(text) or _DESK_ALONE.fullmatch(text)
    )


def without_by(text: str) -> str:
    """The byline without the word before the names, as 'by' or 'Autor:'."""
    return _BEFORE_NAME.sub("", text)


def reads_as_name(text: str) -> bool:
    """Whether it is written as the name of a person: two to five words with capitals, or a few of Han or kana."""
    words = text.split()
    if _UNSPACED.search(text):
        return _UNSPACED_NAME.fullmatch(text) is not None
    return 2 <= len(words) <= 5 and all(_PARTICLE.fullmatch(w) or _CAPITALISED.fullmatch(w) for w in words)


# --- Who is the publisher -------------------------------------------------------------------------------------------


def _is_own_site(about: About) -> bool:
    """Whether the site is that of the person who signs."""
    publishers = nodes_of(about.node.get("publisher"), about.graph)
    behind = publishers or nodes_of(about.node.get("author"), about.graph)
    return any(is_a(node, "Person") for node in behind)


def _is_publisher(name: str, named: frozenset[str], domain: frozenset[str]) -> bool:
    """Whether it is a name of the site, alone or with a desk; a name of several words may be in the domain's."""
    signed = letters(name)
    return any(_is_desk_of(signed, site) or _is_short_desk_of(name, site) for site in named) or any(
        _is_desk_of(signed, site) and not (" " in name and signed == site) for site in domain
    )


def _is_desk_of(signed: str, site: str) -> bool:
    if signed.startswith(site):
        return _DESK.fullmatch(signed.removeprefix(site)) is not None
    return len(site) > 2 and signed.endswith(site) and _DESK.fullmatch(signed.removesuffix(site)) is not None


def _is_short_desk_of(name: str, site: str) -> bool:
    """Whether a desk beside the end of the site's name: 'Ledger Staff' of the Lakeford Ledger."""
    own, _, desk = name.rpartition(" ")
    long_enough = len(own) >= _SITE_PART and len(desk) >= _SITE_PART
    return long_enough and site.endswith(letters(own)) and _DESK_ALONE.fullmatch(desk) is not None


def _site_in_title(about: About) -> frozenset[str]:
    """What the page's <title> ends in behind a dash or bar, folded to letters, unless it reads as a person's name."""
    _, *others = _TITLE_PARTS.split(folded(about.tree.findtext(".//head/title") or ""))
    return frozenset(letters(part) for part in others[-1:] if letters(part) and not reads_as_name(part))
