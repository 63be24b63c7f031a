"""Challenges of bot walls: pages that a service puts before the publisher's own."""

from __future__ import annotations

import re

from extract.headers import Headers, first_value

_WALL_HEADERS = (
    ("cf-mitigated", re.compile("challenge")),
    ("x-amzn-waf-action", re.compile("challenge|captcha")),
    ("x-vercel-mitigated", re.compile("challenge|deny")),
    ("sg-captcha", re.compile("challenge")),
)
# All marks of one row must be there: each alone also stands on honest pages of the same service.
_WALL_MARKS = (
    (b"<title>Just a moment...</title>", b"_cf_chl_opt"),
    (b"Request unsuccessful. Incapsula incident ID", b"_Incapsula_Resource"),
    (b"captcha-delivery.com", b"var dd="),
    (b"px-captcha", b"_pxAppId"),
    (b"<title>DDoS-Guard</title>", b"/.well-known/ddos-guard/"),
)
_WALL_BYTES = 100_000  # a challenge is a small page


def wall_mark(headers: Headers, body: bytes) -> str | None:
    """By what an answer is known for a challenge; None for one that is not."""
    for name, pattern in _WALL_HEADERS:
        if pattern.search(value := first_value(headers, name)):
            return f"{name}: {value}"
    if len(body) > _WALL_BYTES:
        return None
    return next((marks[0].decode() for marks in _WALL_MARKS if all(mark in body for mark in marks)), None)
