"""Whose text an article says it is: the agency of wire copy, those that helped with it, and who translated it.

All stand in fixed places: in the byline, in the dateline that opens the text ('WARSAW (Reuters) -'), in lines of their
own around it ('Source: AFP', '(PAP)', 'Translated by …'). Elsewhere an agency is mentioned and no more. A story told
'according to Reuters' is the paper's own; so is one made 'with AFP', which has material of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from extract.agencies import agency_named
from extract.authors import names_in, reads_as_name, without_by
from extract.jsonld import names_of
from extract.metadata import About
from extract.model import Block, Certainty, Credit
from extract.phrases import led_by

_LINE = 120  # characters; a longer block is told
_PROSE = 80  # characters of a shortest paragraph
_HEAD, _TAIL = 4, 6  # blocks at either end of a page's text
_QUOTED = 40  # characters of a text's end
_INITIALS = re.compile(r"\W*(?:by\s+)?[A-Z]{2}\W*", re.IGNORECASE)

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


def credit_of(authors: Sequence[str], blocks: Sequence[Block]) -> Credit | None:
    """The agency whose text this says it is, and what says so; None where it says no such thing."""
    texts = [block.text for block in blocks]
    return next(_credits(authors, texts[:_HEAD], texts[: -_TAIL - 1 : -1]), None)


def _credits(authors: Sequence[str], head: Sequence[str], tail: Sequence[str]) -> Iterator[Credit]:
    """What each place says, the surer places first; tail: from the last block on."""
    likely, possible = Certainty.LIKELY, Certainty.POSSIBLE
    signing = [_signing(author) for author in authors]
    if all(signing):  # a paper's writer beside an agency has made the text the paper's
        yield from _credit(zip(signing, authors, strict=True), likely, "signed")
    for text in head:
        yield from _credit([_in_dateline(text)], likely, "dateline")
    bylines = [text for text in head if without_by(text) != text]
    yield from _credit(((_all_agencies(without_by(text)), text) for text in bylines), likely, "signed")
    yield from _credit(((_in_credit(text), text) for text in (*head, *tail)), likely, "credited")
    yield from _credit(((_alone(text), text) for text in tail), likely, "marked")
    if not authors:  # or it may be a picture's caption
        last = [text for text in tail if len(text) > _PROSE][:1]
        yield from _credit(((_behind_sentence(text), text[-_QUOTED:]) for text in last), possible, "ends in")


def _credit(found: Iterable[tuple[str | None, str]], certainty: Certainty, how: str) -> Iterator[Credit]:
    """The places that name an agency; two letters, standing alone, may be somebody's initials."""
    for agency, quote in found:
        if agency:
            short = how != "dateline" and _INITIALS.fullmatch(quote) is not None
            sure = Certainty.POSSIBLE if short else certainty
            yield Credit(agency=agency, certainty=sure, evidence=f"{how} '{_clipped(quote)}'")


def _clipped(quote: str) -> str:
    return quote if len(quote) <= _LINE else quote[:_LINE].rstrip() + "…"


def _signing(author: str) -> str | None:
    """The agency that signs, alone, with the place ('AFP, Manila') or behind the name of its writer."""
    return next(filter(None, map(agency_named, (author, *author.split(",")))), None)


def _in_dateline(text: str) -> tuple[str | None, str]:
    """The agency, and the dateline; none where the brackets explain the name before them: 'Associated Press (AP) -'."""
    for form in _DATELINES:
        found = form.match(text)
        if found is None or agency_named(text[: found.start("agency")].strip(" ([")):
            continue
        if agency := _all_agencies(found["agency"]) or _behind_place(found["agency"]):
            return agency, found[0].strip()
    return None, ""


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


# --- Who helped with it ---------------------------------------------------------------------------------------------

UNNAMED = "unnamed"  # agencies that a text owes material to without saying which

_BY_HAND = re.compile(
    r"\s(?:with|mit|avec|con|com|met|med|cu|z|ze|s|se)\s+(?P<by>[^.]{2,60})\.?$", re.IGNORECASE
)  # behind a name
_CONTRIBUTED = re.compile(r"(?P<by>.{2,60}?)\s+(?:also\s+)?contributed (?:to )?(?:this|reporting|the)\b.{0,30}")


def material_of(signed: Sequence[str], blocks: Sequence[Block], credit: Credit | None) -> tuple[str, ...]:
    """The agencies whose material the text says it has used, in the order in which it names them.

    signed: bylines as they are written, not taken apart
    credit: whose text it is; that agency is no helper
    """
    texts = [block.text for block in blocks]
    ends = [text for text in (*texts[:_HEAD], *texts[-_TAIL:]) if len(text) <= _LINE]
    bylines = [*signed, *(text for text in texts[:_HEAD] if len(text) <= _LINE and without_by(text) != text)]
    named = dict.fromkeys(
        [
            *(agency for text in bylines for agency in _beside(text)),
            *(agency for text in texts[:_HEAD] for agency in _beside_in_dateline(text)),
            *(agency for text in ends for agency in _helping(text)),
        ]
    )
    return tuple(agency for agency in named if credit is None or agency != credit.agency)


def _beside(byline: str) -> Iterable[str]:
    """The agencies behind a writer's name: 'Ada Brook with AFP', 'jki/dpa'."""
    if helped := _BY_HAND.search(byline):
        return _only_agencies(helped["by"])
    return _among_others(without_by(byline))


def _beside_in_dateline(text: str) -> Iterable[str]:
    """Those that a dateline names beside the paper: 'BERLIN (Post/dpa) -'."""
    found = _DATELINES[0].match(text)
    return _among_others(found["agency"]) if found else ()


def _helping(text: str) -> Iterable[str]:
    """Those of a line of its own: 'Mit Material von dpa', 'Reuters contributed to this report.', 'Quelle: jki/dpa'."""
    line = text.strip("()[]（）【】 ")
    if contributed := _CONTRIBUTED.fullmatch(line):
        return _only_agencies(contributed["by"])
    if said := led_by("source").match(line):
        return _among_others(said["rest"].lstrip(" :："))
    said = led_by("material").fullmatch(line)
    return _only_agencies(said["rest"]) if said else ()


def _only_agencies(text: str) -> Iterable[str]:
    """The agencies, where nothing else is named; those that are not called by a name count as one."""
    named = [_agency_or_agencies(part.strip(" .")) for part in _JOINED.split(text.strip(" .:"))]
    return [agency for agency in named if agency] if all(named) else ()


def _agency_or_agencies(text: str) -> str | None:
    return agency_named(text) or (UNNAMED if led_by("agencies").fullmatch(text) else None)


def _among_others(text: str) -> Iterable[str]:
    """The agencies in a list that names others, too, by a sign or a name."""
    parts = [part for part in _JOINED.split(text.strip(" .")) if part]
    named = [agency for part in parts if (agency := agency_named(part))]
    return named if named and len(named) < len(parts) else ()


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
