"""HTTP header fields: what we send with a conditional GET, and what answers say in theirs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from extract.model import Validators

Headers = tuple[tuple[str, str], ...]

MAX_RETRY_AFTER_S = 86_400.0  # whoever asks for more is asked again after a day


def first_value(headers: Headers, name: str) -> str:
    """The first value of a header, empty where there is none.

    name: in small letters
    """
    return next((value for key, value in headers if key.lower() == name), "")


def header_texts(raw: tuple[tuple[bytes, bytes], ...]) -> Headers:
    """Names and values as text, each on one line."""
    parts = b"\n".join(part for field in raw for part in field)
    if parts.isascii() and parts.replace(b"\n", b"").decode("ascii").isprintable():  # all but a few, at once
        texts = [text.strip() for text in parts.decode("ascii").split("\n")]
        if len(texts) == 2 * len(raw):
            return tuple(zip(texts[::2], texts[1::2], strict=True))
    return tuple((_line_of(name), _line_of(value)) for name, value in raw)


def conditional_headers(validators: Validators | None) -> dict[str, str]:
    """The headers that ask for a page only if it has changed (RFC 9110 §13.1); none without validators."""
    if validators is None:
        return {}
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in named.items() if value}


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 §10.2.3), between 0 and a day; None where it says nothing."""
    value = value.strip()
    if re.fullmatch(r"[0-9]+", value):
        return min(float(value), MAX_RETRY_AFTER_S)
    date = _date(value)
    return None if date is None else min(max((date - now).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def fresh_for_s(headers: Headers, now: datetime) -> float:
    """Seconds for which an answer calls itself fresh (RFC 9111 §4.2), 0 where it does not.

    now: when the answer came
    """
    directives = _cache_control(headers)
    if "no-cache" in directives or "no-store" in directives:
        return 0.0
    age_s = _whole_seconds(first_value(headers, "age"))
    if "max-age" in directives:
        return max(_whole_seconds(directives["max-age"]) - age_s, 0.0)
    expires = _date(first_value(headers, "expires"))
    sent_at = _date(first_value(headers, "date")) or now
    return max((expires - sent_at).total_seconds() - age_s, 0.0) if expires else 0.0


def _cache_control(headers: Headers) -> dict[str, str]:
    """The directives of all Cache-Control fields, names in small letters."""
    values = ",".join(value for name, value in headers if name.lower() == "cache-control")
    pairs = (directive.partition("=") for directive in values.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _whole_seconds(value: str) -> float:
    """Delta-seconds (RFC 9111 §1.2.2); what is none is 0, as for any stale answer."""
    return float(value) if re.fullmatch(r"[0-9]{1,15}", value.strip()) else 0.0


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _line_of(raw: bytes) -> str:
    """A header's name or value on one line: UTF-8 as most servers mean it, else ISO 8859-1 as RFC 9110 §5.5 has it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("iso-8859-1")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()
