"""Bytes as text: the charset of a page, settled by proof before label before guess; what was read wrongly before us is
put right where that is certain.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html import unescape
from itertools import chain

from charset_normalizer import from_bytes
from ftfy import bad_codecs  # noqa: F401  gives us the codec sloppy-windows-1252
from ftfy.badness import is_bad

from extract.language import detect_language

WIDE_OPENINGS = {  # with its mark, or with the first '<'; UTF-32 first, whose mark begins as UTF-16's does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    b"<\0\0\0": "utf-32-le",
    b"\0\0\0<": "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_META_CHARSET = re.compile(rb"<meta\b[^>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
_HTML_LANG = re.compile(rb"<html\b[^>]*?\blang\s*=\s*[\"']?([a-z]{2})", re.I)
_C1 = re.compile(r"[\x80-\x84\x86-\x9f]")  # NEL (U+0085) alone stands in texts
_NOT_PROSE = re.compile(rb"<(script|style)\b.*?(?:</\1|\Z)|<[^<>]*>", re.I | re.S)
_SAID_OF_EVERYTHING = ("utf", "iso-8859-1", "latin1", "us-ascii", "ascii")
# The label, and what is meant by it (encoding.spec.whatwg.org §4.2).
_MEANT = {
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
# What pages in a language were written in before UTF-8. Statistics mix up the Latin ones; they need none: an ISO page
# has no C1 controls, a Windows page read as ISO has them, in its quotation marks at the latest.
_LATIN = {
    language: names
    for languages, names in (
        ("pl cs sk hu sl hr bs ro sq", ("iso8859_2", "cp1250")),
        ("en de fr es it pt nl da sv no nb nn fi is ca eu gl id ms", ("cp1252",)),
        ("tr az", ("cp1254",)),
        ("lt lv et", ("cp1257",)),
    )
    for language in languages.split()
}
_OTHERS = {
    language: names
    for languages, names in (
        ("ru bg mk sr be uk kk", ("cp1251", "koi8_r", "koi8_u", "iso8859_5")),
        ("el", ("cp1253", "iso8859_7")),
        ("he", ("cp1255",)),
        ("ar fa ur", ("cp1256",)),
        ("th", ("cp874",)),
        ("vi", ("cp1258",)),
        ("ja", ("cp932", "euc_jp")),
        ("ko", ("cp949",)),
        ("zh", ("gb18030", "big5hkscs")),
    )
    for language in languages.split()
}
_ANY = tuple(dict.fromkeys(("cp1252", *chain(*_LATIN.values(), *_OTHERS.values()))))
_READ_AS_LATIN = ("latin-1", "sloppy-windows-1252")  # how UTF-8 is read wrongly; the second by ftfy
_TRAIL = "[\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]"  # the bytes 80 to BF by either
_LEFT_BEHIND = re.compile(rf"[Â-ß]{_TRAIL}|[à-ï]{_TRAIL}{{2}}|[ð-ô]{_TRAIL}{{3}}")  # one character of UTF-8, read so
_IN_A_WORD = re.compile(rf"\w(?:{_LEFT_BEHIND.pattern})|(?:{_LEFT_BEHIND.pattern})\w")
_MAYBE_LEFT_BEHIND = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]")  # in UTF-8: a tenth of the time
_C1_IN_UTF8 = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")
_PIECE = re.compile(r"[^<>\"\n]+")  # a text node, an attribute, a string of JSON
_APART = '<>"\n'  # what stands between two of them
_ADDRESS = re.compile(r"\s*[^\s/]*/\S*\s*")
_C1_REFERENCE = re.compile(r"&#(?:12[89]|1[345]\d|[xX][89][0-9a-fA-F])\b;?")
_MEANT_BY_C1 = {
    byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0) if byte != 0x85
}
_WINDOWS_1252 = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def decode(body: bytes, content_type: str, language: str | None) -> str:
    """The body of a page as text, mended where that is certain.

    What is valid UTF-8 is UTF-8. Another label holds when every byte can be read by it without a control character
    coming out; `utf-8` on what is not, and iso-8859-1, which servers say of everything, are no evidence.
    """
    return mended(_decoded(body, content_type, language))


def mended(text: str) -> str:
    """The text of a page or feed without the traces of having been read wrongly before, where they are beyond doubt.

    UTF-8 that was taken for Windows-1252 and made UTF-8 once more ('CafÃ©') is undone for a whole text node or
    attribute when all of it reads as UTF-8, ftfy's statistics agree, and it stands in a word: 'SÃO' and 'NESTLÉ™' do
    not, nor does a text that speaks of "Ã¤". Addresses stay, as theirs may be the spelling that works. C1 controls and
    references to them ('&#146;') are the Windows-1252 characters that they stand for, as browsers have it.
    """
    in_utf8 = text.encode("utf-8", "surrogatepass")
    if _MAYBE_LEFT_BEHIND.search(in_utf8):
        text = "".join(_pieces_read_rightly(text))
    if _C1_IN_UTF8.search(in_utf8):
        text = text.translate(_MEANT_BY_C1)
    return _C1_REFERENCE.sub(lambda reference: unescape(reference[0]), text)


def _pieces_read_rightly(text: str) -> Iterator[str]:
    """The text in parts, of which each piece that may have been read wrongly is one; the others are not looked at."""
    end = 0
    for found in _LEFT_BEHIND.finditer(text):
        if found.start() >= end:
            piece = _PIECE.match(text, 1 + max(end - 1, *(text.rfind(mark, end, found.start()) for mark in _APART)))
            assert piece is not None, "there is a character in it"
            yield text[end : piece.start()]
            yield _read_rightly(piece[0])
            end = piece.end()
    yield text[end:]


def _read_rightly(piece: str) -> str:
    if not (_IN_A_WORD.search(piece) and is_bad(piece)) or _ADDRESS.fullmatch(piece):
        return piece
    for codec in _READ_AS_LATIN:
        try:
            return piece.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
    return piece


def _decoded(body: bytes, content_type: str, language: str | None) -> str:
    labels = _labels(body, content_type)
    if b"\x1b$" in body and "iso-2022-jp" in labels:  # pure ASCII bytes, so valid UTF-8 as well
        return body.decode("iso2022_jp", "replace")
    if (text := decode_unicode(body)) is not None:
        return text
    prose = _prose(body)
    written_in = _html_lang(body) or language or detect_language(prose.decode("ascii", "ignore")) or ""
    for codec in (*(_MEANT.get(label, label) for label in labels), *_LATIN.get(written_in, ())):
        if (text := _cleanly_decoded(body, codec)) is not None:
            return text
    return body.decode(_likeliest(prose, _OTHERS.get(written_in, _ANY)), "replace")


def decode_unicode(body: bytes) -> str | None:
    """The text of bytes that are UTF-8, stray Windows-1252 bytes included, UTF-16 or UTF-32; None for anything else."""
    for opening, encoding in WIDE_OPENINGS.items():
        if body.startswith(opening):
            return body.decode(encoding, "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("utf-8-sig", "surrogateescape")
    strays = sum("\udc80" <= char <= "\udcff" for char in text)
    letters = sum(char > "\x7f" for char in text) - strays
    return text.translate(_WINDOWS_1252) if letters > strays else None


def _labels(body: bytes, content_type: str) -> tuple[str, ...]:
    """The charsets that header, <meta> and XML declaration name."""
    header = _CHARSET.search(content_type.lower())
    beginning = body[:4096]
    marks = (*_META_CHARSET.findall(beginning), *_XML_ENCODING.findall(beginning))
    labels = (*((header[1],) if header else ()), *(mark.decode().lower() for mark in marks))
    return tuple(label for label in dict.fromkeys(labels) if not label.startswith(_SAID_OF_EVERYTHING))


def _html_lang(body: bytes) -> str | None:
    lang = _HTML_LANG.search(body[:4096])
    return lang[1].decode().lower() if lang else None


def _cleanly_decoded(body: bytes, codec: str) -> str | None:
    try:
        text = body.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None
    return None if _C1.search(text) else text


def _likeliest(prose: bytes, candidates: tuple[str, ...]) -> str:
    """The candidate under which the text looks most like text, the first where none does."""
    best = from_bytes(prose[:20_000], cp_isolation=list(candidates)).best()
    return best.encoding if best else candidates[0]


def _prose(body: bytes) -> bytes:
    """The lines of the page that have more than ASCII, without markup, in which their letters would drown."""
    return b"\n".join(line for line in _NOT_PROSE.sub(b"\n", body).splitlines() if not line.isascii())
