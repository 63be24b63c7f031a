"""Whose text an article says it is: the agency of wire copy, and who translated it.

Both stand in fixed places: in the byline, in the dateline that opens the text ('WARSAW (Reuters) -'), in lines of their
own around it ('Source: AFP', '(PAP)', 'Translated by …'). Elsewhere an agency is mentioned and no more: a story told
'according to Reuters' or 'with AFP' is the paper's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from extract.agencies import agency_named
from extract.authors import names_in, reads_as_name, without_by
from extract.jsonld import names_of
from extract.metadata import About
from extract.model import Block
from extract.phrases import led_by

_LINE = 120  # characters; a longer block is told
_PROSE = 80  # characters of a shortest paragraph
_HEAD, _TAIL = 4, 6  # blocks at either end of a page's text

_DASH = r"\s*(?:[-–—―]|\.-|:)"
_PLACE = r"[^\W\d_](?:(?!(?<=[^\W\d_]{4})[.!?]\s)[^()\[\]（）【】/]){0,60}?"  # 'BERLIN, 3. März', 'ST. GALLEN'
_DATELINES = tuple(
    re.compile(form)
    for form in (
        rf"(?:{_PLACE}[\s,]*)?[(\[（【](?P<agency>[^()\[\]（）【】]{{2,40}})[)\]）】]{_DASH}",
        r"[(（【\[](?P<agency>[^()\[\]（）【】]{0,20}[\u3040-\u9fff]+)[)）】\]]",  # 【ロンドン共同】
        rf"{_PLACE}[.,]?\s+/(?P<agency>[^/]{{2,30}})/\.?{_DASH}?",  # МОСКВА, 3 марта. /ТАСС/.
        r"[^\W\d_][^.()]{1,40}\s[-–—]\s(?P<agency>[^.()\-–—]{2,20})\.\s",  # МОСКВА, 3 мар - РИА Новости.
        rf"[^\W\d_][^.()]{{1,30}}\.\s\d\d?\s\w+\.\s(?P<agency>\S{{2,20}}){_DASH}\s",  # Москва. 3 марта. ИНТЕРФАКС -
        r"[(（]?(?P<agency>\w{3})\w{0,12}?(?:\d{1,2}月)?\d{1,2}日[电電讯訊]",  # 新华社北京3月3日电
    )
)
_AFTER_SENTENCE = re.compile(
    r".*[.!?…。！？][\"'”’»“」]?\s*[(\[（](?P<agency>[^()\[\]（）]{2,40})[)\]）]\.?", re.DOTALL
)
_COPYRIGHT = re.compile(
    r"(?:copyright|©|\(c\))(?:\s|©|\(c\))*(?:\d{4}(?:\s*[-–]\s*\d{4})?\s*)?(?:by\s+)?(?P<agency>[^\d.,;©|]{2,40}?)"
    r"\s*(?:[.,;|]|\d{4}|all rights|alle rechte|tous droits|$)",
    re.IGNORECASE,
)
_CLAIMED = re.compile(r"\b\d{4}\b|rights|rechte|droits|derechos|diritti|direitos|\bdpa:", re.IGNORECASE)
_SIGN = re.compile(r"[a-z]{2,3}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_JOINED = re.compile(r"\s*[/,;+&]\s*|\s+(?:and|und|et|y|e|i|en|og|och|ve)\s+")


def agency_of(authors: Sequence[str], blocks: Sequence[Block]) -> str | None:
    """The agency whose text this says it is, by its name in `agencies.toml`; None where it says no such thing."""
    texts = [block.text for block in blocks]
    return next(filter(None, _agencies(authors, texts[:_HEAD], texts[: -_TAIL - 1 : -1])), None)


def _agencies(authors: Sequence[str], head: Sequence[str], tail: Sequence[str]) -> Iterator[str | None]:
    """What each place says, the surer places first; tail: from the last block on."""
    signing = [_signing(author) for author in authors]
    if all(signing):  # a paper's writer beside an agency has made the text the paper's
        yield from signing[:1]
    yield from map(_in_dateline, head)
    yield from (_all_agencies(without_by(text)) for text in head if without_by(text) != text)
    yield from map(_in_credit, (*head, *tail))
    yield from map(_alone, tail)
    if not authors:  # or it may be a picture's caption
        yield from map(_behind_sentence, [text for text in tail if len(text) > _PROSE][:1])


def _signing(author: str) -> str | None:
    """The agency that signs, alone, with the place ('AFP, Manila') or behind the name of its writer."""
    return next(filter(None, map(agency_named, (author, *author.split(",")))), None)


def _in_dateline(text: str) -> str | None:
    for form in _DATELINES:
        found = form.match(text)
        if found and (agency := _all_agencies(found["agency"]) or _behind_place(found["agency"])):
            return agency
    return None


def _in_credit(text: str) -> str | None:
    """The agency of a line that says whose text this is: 'Source: AFP', '© 2026 The Associated Press'."""
    if len(text) > _LINE:
        return None
    line = text.strip("()[]（）【】 ")
    if (copyright_ := _COPYRIGHT.match(line)) and _CLAIMED.search(line):  # else it is a picture's
        return agency_named(copyright_["agency"])
    said = led_by("source").match(line)
    return _all_agencies(said["rest"].lstrip(" ")[1:]) if said and said["rest"].lstrip(" ")[:1] in (":", "：") else None


def _alone(text: str) -> str | None:
    """The agency in a line of its own, in brackets or bare."""
    return _all_agencies(text.strip("()[]（）【】. ")) if len(text) <= _LINE else None


def _behind_sentence(text: str) -> str | None:
    """The agency in brackets behind the last sentence of the text."""
    ended = _AFTER_SENTENCE.fullmatch(text)
    return _all_agencies(ended["agency"]) if ended else None


def _all_agencies(text: str) -> str | None:
    """The first of the agencies, where nothing else is named with them but a desk's sign ('dpa/lby')."""
    first, *others = _JOINED.split(text.strip())
    agency = agency_named(first)
    return agency if all(agency_named(other) or _SIGN.fullmatch(other) for other in others) else None


def _behind_place(text: str) -> str | None:
    """The agency that a dateline in brackets ends with: 'ロンドン 3日 ロイター', 'ロンドン共同'."""
    last = text.split()[-1] if text.strip() else ""
    ends = [last, *(last[-length:] for length in range(5, 1, -1))] if _UNSPACED.search(text) else []
    return next(filter(None, map(agency_named, ends)), None)


# --- Who translated it ----------------------------------------------------------------------------------------------

_CLAUSE = re.compile(r"\s*[.;|·]\s+|\s*[|·]\s*|\s+[-–—]\s+|\s*[()\[\]（）]\s*|(?<=。)")
_NEXT_CREDIT = re.compile(r"[,;]\s*[^\W\d]+\s*[:：]")  # 'Übersetzung: Ada Brook, Redaktion: Jonas Quill'
_LONGEST = 250  # characters of a block that a translator may be named in


def translator_of(about: About, blocks: Sequence[Block]) -> str | None:
    """Who translated the text, several apart by ', '; None where nobody is named."""
    stated = names_of(about.node.get("translator"), about.graph)
    ends = [block.text for block in (*blocks[:_TAIL], *blocks[-_TAIL:]) if len(block.text) <= _LONGEST]
    clauses = (clause for text in ends for clause in (text, *_CLAUSE.split(text)))
    return ", ".join(stated) or next(filter(None, map(_translator_in, clauses)), None)


def _translator_in(clause: str) -> str | None:
    said = led_by("translator").match(clause.strip("()[]（）*_ "))
    names = list(names_in(_NEXT_CREDIT.split(said["rest"])[0])) if said and said["rest"] else []
    return ", ".join(names) if names and all(map(reads_as_name, names)) else None
