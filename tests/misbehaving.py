"""A publisher on the loopback interface that misbehaves in every way seen in the wild: one row a case.

Each case is a host of its own, `<name>.misbehaving.example`, reached through `FetchPolicy.connect_to`. Beside them
stands a good publisher, so that it can be shown whom the bad ones hold up:

    with serving() as publisher:
        policy = FetchPolicy(allow_networks=frozenset({"loopback"}), connect_to=publisher.connect_to)

`http://announcer.misbehaving.example/feed.xml` announces the article of every case that is one, and
`http://good-<n>.misbehaving.example/` has `feed.xml` and the articles that it announces.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from itertools import islice

import brotli
import zstandard

from extract.feeds import NotAFeed
from extract.fetch import BadAnswer, ConnectionLost, FetchFault, ServerBusy, ServerError, Timeout
from extract.model import NotModified, Page, Reason

DOMAIN = "misbehaving.example"
MAX_BYTES = 1_000_000  # the limit that the outcomes below reckon with
GOOD_HOSTS = 8
GOOD_ARTICLES = 5  # of each


class Kind(StrEnum):
    ARTICLE = "article.html"
    FEED = "feed.xml"
    SITEMAP = "sitemap.xml"


@dataclass(frozen=True)
class Asked:
    """One request."""

    host: str
    path: str
    time: int  # the how-manieth for this URL, from 0


Behaviour = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
Outcome = Reason | type[FetchFault] | type[Page] | type[NotModified]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to misbehave."""

    name: str
    says: bytes | Behaviour
    outcomes: tuple[Outcome, ...]  # what comes of asking once, twice, …, each time with the validators of the last page
    kind: Kind = Kind.ARTICLE
    entries: int | type[NotAFeed] | None = None  # what a reader makes of the last page, where that is a feed's
    wait_s: float | None = None  # what a fault says of when to come again
    slow: bool = False  # ends by one of our time limits

    @property
    def host(self) -> str:
        return f"{self.name}.{DOMAIN}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/{self.kind}"


# --- Answers --------------------------------------------------------------------------------------------------

TEXT = "The old ferry pier was closed on Monday after a survey found that four of its piles had moved. "
HTML = f"<!doctype html><html lang=en><title>Pier closed</title><article><p>{TEXT * 12}</p></article></html>".encode()


def http(body: bytes, *headers: str, status: int = 200, length: int | str | None = None) -> bytes:
    """One whole answer, its Content-Length true unless told otherwise, of type HTML unless a header says otherwise."""
    lines = [f"HTTP/1.1 {status} Phrase", "Connection: close", *headers]
    if not any(header.lower().startswith("content-type") for header in headers):
        lines.append("Content-Type: text/html; charset=utf-8")
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def head(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Connection: close", *headers]).encode() + b"\r\n\r\n"


def redirect(location: str) -> bytes:
    return http(b"", f"Location: {location}", status=302)


def rss(*items: str, encoding: str = "utf-8") -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>Harbour news</title>'
        f"<link>http://{DOMAIN}/</link>{''.join(items)}</channel></rss>"
    )


def item(number: int, link: str | None = None, guid: str | None = None) -> str:
    link = link or f"http://{DOMAIN}/{number}.html"
    return (
        f"<item><title>Zürich ferry no {number}</title><link>{link}</link><guid>{guid or link}</guid>"
        f"<pubDate>Mon, 02 Mar 2026 0{number % 10}:00:00 GMT</pubDate></item>"
    )


def feed(body: bytes | str, *headers: str, content_type: str = "application/rss+xml") -> bytes:
    encoded = body.encode() if isinstance(body, str) else body
    return http(encoded, f"Content-Type: {content_type}", *headers)


FEED = rss(item(1), item(2), item(3))


# --- Behaviours -----------------------------------------------------------------------------------------------


def drip(first: bytes, drop: bytes, every_s: float = 0.05) -> Behaviour:
    """Never silent for long, and never done."""

    async def behave(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(every_s)

    return behave


def endless(first: bytes, more: bytes) -> Behaviour:
    """As fast as it is read."""

    async def behave(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(more)
            await writer.drain()

    return behave


def in_parts(*parts: bytes, pause_s: float = 0.03) -> Behaviour:
    async def behave(_: Asked, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return behave


def reset_after(part: bytes) -> Behaviour:
    """Part of an answer, then a TCP reset."""

    async def behave(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    return behave


def in_turn(*answers: bytes) -> Behaviour:
    """The first answer to the first request, and so on; the last to all after it."""

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(asked.time, len(answers) - 1)])

    return behave


async def silent(_: Asked, writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    while not writer.transport.is_closing():
        await asyncio.sleep(0.05)


async def numbered_redirects(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """To a new place, again and again."""
    step = int(asked.path.partition("?")[2] or 0)
    writer.write(redirect(f"/{Kind.ARTICLE}?{step + 1}"))


def bomb(pack: Callable[[Iterator[bytes]], bytes]) -> bytes:
    """Twenty megabytes of nothing, packed."""
    return pack(bytes(MAX_BYTES) for _ in range(20))


def deflated(chunks: Iterator[bytes], wbits: int = 31) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    return b"".join(map(packer.compress, chunks)) + packer.flush()


def brotlied(chunks: Iterator[bytes]) -> bytes:
    packer = brotli.Compressor(quality=5)
    return b"".join(map(packer.process, chunks)) + packer.finish()


def zstandarded(chunks: Iterator[bytes], window_log: int = 20) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return b"".join(map(packer.compress, chunks)) + packer.flush()


def coded(body: bytes, coding: str) -> bytes:
    return http(body, f"Content-Encoding: {coding}")


def sitemap(urls: int) -> bytes:
    listed = "".join(f"<url><loc>http://{DOMAIN}/{n}.html</loc></url>" for n in range(urls))
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'.encode()


# --- The table ------------------------------------------------------------------------------------------------

CLOUD_METADATA = (
    "169.254.169.254", "169.254.169.254.", "2852039166", "0xa9fea9fe", "0xa9.254.43518", "0251.0376.0251.0376",
    "025177524776", "１６９.２５４.１６９.２５４", "169。254。169。254", "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]", "[::169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]", "[2001:0:a9fe:a9fe::1]", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16",
)  # fmt: skip
CLOSED_NETWORKS = (
    "10.0.0.1", "10.1", "172.16.0.1", "192.168.1.1", "192.168.257", "100.64.0.1", "169.254.1.1", "0.0.0.0", "0",
    "224.0.0.1", "255.255.255.255", "[::]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[::ffff:10.0.0.1]",
    "user:word@10.0.0.1", "10.0.0.1:8080",
)  # fmt: skip
FOREIGN_PLACES = (
    "ftp://files.example/a", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,a", "mailto:desk@a.example",
    "gopher://a.example/", "http://[fe80::1%25eth0]/", "http://[broken/", f"http://a.example/{'a' * 9000}",
)  # fmt: skip
WALLS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "cloudflare": (403, "<title>Just a moment...</title><script>window._cf_chl_opt={cvId:'3'}</script>", ()),
    "cloudflare-200": (200, "<title>Just a moment...</title><script>window._cf_chl_opt={cvId:'3'}</script>", ()),
    "cloudflare-503": (503, "<title>Just a moment...</title><script>window._cf_chl_opt={cvId:'3'}</script>", ()),
    "cloudflare-header": (403, "", ("cf-mitigated: challenge",)),
    "cloudflare-block": (403, '<div id="cf-error-details"><h1 data-translate="block_headline">Sorry</h1></div>', ()),
    "datadome": (403, "<script>var dd={'rt':'c'}</script><script src=//ct.captcha-delivery.com/c.js></script>", ()),
    "human": (403, "<script>window._pxAppId='PX1'</script><div id=px-captcha></div>", ()),
    "imperva": (200, '<iframe id="main-iframe" src="/_Incapsula_Resource?a=1">Incapsula incident ID: 1</iframe>', ()),
    "akamai": (403, "<TITLE>Access Denied</TITLE><P>https://errors.edgesuite.net/18.1</P>", ()),
    "akamai-interstitial": (
        200,
        "<meta http-equiv=refresh content='5; URL=?bm-verify=A'><script>x.open('POST','/_sec/verify?provider=interstitial')</script>",
        (),
    ),
    "aws-waf": (202, "", ("x-amzn-waf-action: challenge",)),
    "aws-waf-page": (
        405,
        "<script>window.gokuProps={};</script><script src=https://a.token.awswaf.com/a/challenge.js></script>",
        (),
    ),
    "kasada": (429, "<script>window.KPSDK={};</script><script src='/149e9513/ips.js?x=1'></script>", ()),
    "ddos-guard": (
        403,
        "<title>DDoS-Guard</title><script src=/.well-known/ddos-guard/js-challenge/index.js></script>",
        (),
    ),
    "anubis": (
        200,
        '<title>Making sure you&#39;re not a bot!</title><script id="anubis_challenge"></script><img src=/.within.website/x/cmd/anubis/static/img/pensive.webp>',
        (),
    ),
    "sucuri": (200, "<title>You are being redirected...</title><script>sucuri_cloudproxy_js=''</script>", ()),
    "vercel": (
        429,
        "<title>Vercel Security Checkpoint</title><script src=/.well-known/vercel/security/static/challenge.v2.min.js></script>",
        (),
    ),
    "f5": (200, "<title>Request Rejected</title>The requested URL was rejected. Your support ID is: 1", ()),
}
HONEST = (
    "<title>Just a moment... how bot walls work</title><p>A page with &lt;title&gt;Just a moment...&lt;/title&gt; and "
    "_cf_chl_opt, or px-captcha, or captcha-delivery.com, or Incapsula incident ID, or <code>anubis_challenge</code>."
)

_SOON = format_datetime(datetime.now(UTC) + timedelta(days=30), usegmt=True)
_LONG_AGO = "Mon, 02 Mar 2020 10:00:00 GMT"
_DAY_S = 86_400.0


def _time_cases() -> Iterator[Case]:
    for name, says in {
        "slow-drip-header": drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x"),
        "slow-drip-body": drip(head("Content-Type: text/html"), b"<p>more"),
        "slow-drip-length": drip(head("Content-Type: text/html", "Content-Length: 100000"), b"x"),
        "early-hints-for-ever": drip(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"),
        "silent": silent,
        "silent-body": in_parts(head("Content-Length: 9"), b"<p>", pause_s=30.0),
    }.items():
        yield Case(name=name, says=says, outcomes=(Timeout,), slow=True)
    refusal = b"HTTP/1.1 403 No\r\nContent-Type: text/html\r\n\r\n"
    yield Case(name="slow-drip-refusal", says=drip(refusal, b"no "), outcomes=(Reason.REFUSED,), slow=True)


def _size_cases() -> Iterator[Case]:
    cookies = [f"Set-Cookie: c{n}={'x' * 4000}" for n in range(100)]
    small = b"20\r\n<p>The pier is closed, they say.\r\n" * 1000
    yield from (
        Case(name=name, says=says, outcomes=(outcome,))
        for name, says, outcome in (
            ("endless-body", endless(head("Content-Type: text/html"), HTML * 20), Reason.TOO_LARGE),
            ("endless-chunks", endless(head("Transfer-Encoding: chunked"), small), Reason.TOO_LARGE),
            ("endless-header", endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 100), BadAnswer),
            ("endless-header-line", endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * 1000), BadAnswer),
            ("endless-status-line", endless(b"HTTP/1.1 200 ", b"O" * 1000), BadAnswer),
            ("length-of-a-terabyte", http(HTML, length=10**12), Reason.TOO_LARGE),
            ("huge-cookies", http(HTML, *cookies), BadAnswer),
            ("many-cookies", http(HTML, *cookies[:30]), Page),
        )
    )


def _coding_cases() -> Iterator[Case]:
    twice = gzip.compress(bomb(deflated), mtime=0)
    for name, body, coding in (
        ("gzip-bomb", bomb(deflated), "gzip"),
        ("deflate-bomb", bomb(lambda chunks: deflated(chunks, 15)), "deflate"),
        ("brotli-bomb", bomb(brotlied), "br"),
        ("zstd-bomb", bomb(zstandarded), "zstd"),
        ("gzip-bomb-in-gzip", twice, "gzip, gzip"),
        ("zstd-bomb-in-brotli", brotli.compress(bomb(zstandarded)), "zstd, br"),
    ):
        yield Case(name=name, says=coded(body, coding), outcomes=(Reason.TOO_LARGE,))
    nested = HTML
    for _ in range(9):
        nested = gzip.compress(nested, mtime=0)
    for name, body, coding in (
        ("gzip-cut-off", gzip.compress(HTML, mtime=0)[:-12], "gzip"),
        ("deflate-cut-off", zlib.compress(HTML)[:-12], "deflate"),
        ("brotli-cut-off", brotli.compress(HTML)[:-12], "br"),
        ("zstd-cut-off", zstandard.compress(HTML)[:-12], "zstd"),
        ("zstd-window", zstandarded(islice((HTML for _ in range(9)), 9), window_log=27), "zstd"),
        ("gzip-that-is-none", HTML, "gzip"),
        ("nested-codings", nested, ", ".join(["gzip"] * 9)),
        ("coding-not-asked-for", HTML, "compress"),
    ):
        yield Case(name=name, says=coded(body, coding), outcomes=(BadAnswer,))
    yield Case(name="coding-unheard-of", says=coded(HTML, "utf-8"), outcomes=(Page,))


def _redirect_cases() -> Iterator[Case]:
    for number, address in enumerate(CLOUD_METADATA):
        place = f"http://{address}/latest/meta-data/"
        yield Case(name=f"redirect-metadata-{number}", says=redirect(place), outcomes=(Reason.PRIVATE_ADDRESS,))
    for number, address in enumerate(CLOSED_NETWORKS):
        yield Case(
            name=f"redirect-private-{number}", says=redirect(f"//{address}/"), outcomes=(Reason.PRIVATE_ADDRESS,)
        )
    for number, place in enumerate(FOREIGN_PLACES):
        yield Case(name=f"redirect-foreign-{number}", says=redirect(place), outcomes=(Reason.BAD_URL,))
    here = f"/{Kind.ARTICLE}"
    yield from (
        Case(name=name, says=says, outcomes=(outcome,))
        for name, says, outcome in (
            ("redirect-to-itself", redirect(here), Reason.TOO_MANY_REDIRECTS),
            ("redirect-loop", in_turn(redirect(f"{here}?b"), redirect(here)), Reason.TOO_MANY_REDIRECTS),
            ("redirect-for-ever", numbered_redirects, Reason.TOO_MANY_REDIRECTS),
            ("redirect-nowhere", http(b"", status=302), Reason.REFUSED),
            ("redirect-empty", redirect(""), Reason.REFUSED),
        )
    )


def _length_cases() -> Iterator[Case]:
    chunked = head("Transfer-Encoding: chunked", "Content-Type: text/html")
    short = head("Content-Length: 20", "Content-Type: text/html").replace(b"Connection: close\r\n", b"")
    yield from (
        Case(name=name, says=says, outcomes=(outcome,))
        for name, says, outcome in (
            ("length-too-long", http(HTML, length=len(HTML) + 50), ConnectionLost),
            ("length-too-short", http(HTML, length=len(HTML) - 50), BadAnswer),
            ("length-too-short-after-head", in_parts(short, HTML), BadAnswer),
            ("length-negative", http(HTML, length=-5), BadAnswer),
            ("length-no-number", http(HTML, length="some"), BadAnswer),
            ("length-twice", http(HTML, f"Content-Length: {len(HTML)}0"), BadAnswer),
            ("length-and-chunks", http(b"3\r\n<p>\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), BadAnswer),
            ("chunk-cut-off", chunked + b"40\r\n<!doctype html>", ConnectionLost),
            ("chunks-without-end", chunked + b"3\r\n<p>\r\n", ConnectionLost),
            ("chunk-size-no-number", chunked + b"zz\r\n<p>\r\n0\r\n\r\n", BadAnswer),
            ("chunk-size-negative", chunked + b"-3\r\n<p>\r\n0\r\n\r\n", BadAnswer),
            ("chunk-size-huge", chunked + b"fffffffffffffffff\r\n<p>\r\n0\r\n\r\n", BadAnswer),
            ("chunk-longer-than-said", chunked + b"1\r\n<p>\r\n0\r\n\r\n", BadAnswer),
            ("transfer-coding-gzip", head("Transfer-Encoding: gzip, chunked") + b"3\r\n<p>\r\n0\r\n\r\n", BadAnswer),
            ("part-not-asked-for", http(HTML[:99], "Content-Range: bytes 0-98/999", status=206), BadAnswer),
            ("reset-at-once", reset_after(b""), ConnectionLost),
            ("reset-in-header", reset_after(b"HTTP/1.1 200 OK\r\nContent-Le"), ConnectionLost),
            ("reset-in-body", reset_after(http(HTML)[:-50]), ConnectionLost),
            ("closed-at-once", b"", ConnectionLost),
        )
    )


def _protocol_cases() -> Iterator[Case]:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    yield from (
        Case(name=name, says=says, outcomes=(outcome,))
        for name, says, outcome in (
            ("early-hints", hints + b"HTTP/1.1 100 Continue\r\n\r\n" + http(HTML), Page),
            ("switching-protocols", switching, BadAnswer),
            ("http-0-9", HTML, BadAnswer),
            ("http-3-7", http(HTML).replace(b"HTTP/1.1", b"HTTP/3.7"), BadAnswer),
            ("ssh", b"SSH-2.0-OpenSSH_9.9\r\n", BadAnswer),
            ("tls-alert", b"\x15\x03\x01\x00\x02\x02\x46", BadAnswer),
            ("nul-in-header", http(HTML, "X-A: a\0b"), BadAnswer),
            ("header-without-colon", http(HTML, "garbage line"), BadAnswer),
            ("status-of-four-digits", http(HTML, status=2000), BadAnswer),
            ("nul-in-body", http(HTML.replace(b"ferry", b"fer\0ry")), Page),
            ("empty", http(b""), Page),
            ("no-content", b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", Page),
            ("without-type", head(f"Content-Length: {len(HTML)}") + HTML, Page),
            ("charset-unheard-of", http(HTML, "Content-Type: text/html; charset=x-unknown-9"), Page),
        )
    )


def _status_cases() -> Iterator[Case]:
    for name, status, headers, outcome, wait_s in (
        ("busy-seconds", 429, ["Retry-After: 120"], ServerBusy, 120.0),
        ("busy-date", 429, [f"Retry-After: {_SOON}"], ServerBusy, _DAY_S),
        ("busy-past", 429, [f"Retry-After: {_LONG_AGO}"], ServerBusy, 0.0),
        ("busy-garbage", 429, ["Retry-After: soon, please"], ServerBusy, None),
        ("busy-huge", 429, [f"Retry-After: {'9' * 400}"], ServerBusy, _DAY_S),
        ("busy-negative", 429, ["Retry-After: -1"], ServerBusy, None),
        ("busy", 429, [], ServerBusy, None),
        ("unavailable-seconds", 503, ["Retry-After: 60"], ServerBusy, 60.0),
        ("unavailable", 503, [], ServerBusy, None),
        ("forbidden-for-now", 403, ["Retry-After: 60"], ServerBusy, 60.0),
        ("forbidden", 403, [], Reason.REFUSED, None),
        ("for-legal-reasons", 451, [], Reason.REFUSED, None),
        ("not-found", 404, [], Reason.GONE, None),
        ("gone", 410, [], Reason.GONE, None),
        ("server-error", 500, [], ServerError, None),
        ("status-999", 999, [], ServerError, None),
        ("status-099", "099", [], BadAnswer, None),
        ("not-modified-unasked", 304, [], BadAnswer, None),
    ):
        says = http(b"", *headers, status=status)  # type: ignore[arg-type]
        yield Case(name=name, says=says, outcomes=(outcome,), wait_s=wait_s)


def _type_cases() -> Iterator[Case]:
    for name, body, content_type, outcome in (
        ("pdf-as-html", b"%PDF-1.7\n%\xe2\xe3", "text/html", Reason.WRONG_TYPE),
        ("png-as-html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "text/html", Reason.WRONG_TYPE),
        ("webp-as-html", b"RIFF\x24\0\0\0WEBPVP8 ", "text/html", Reason.WRONG_TYPE),
        ("film-as-html", b"\0\0\0\x18ftypmp42\0\0\0\0", "text/html", Reason.WRONG_TYPE),
        ("picture", b"\xff\xd8\xff\xe0", "image/jpeg", Reason.WRONG_TYPE),
        ("html-as-picture", HTML, "image/jpeg", Reason.WRONG_TYPE),
        ("json-as-html", b'{"title": "Pier closed"}', "text/html", Page),
    ):
        yield Case(name=name, says=http(body, f"Content-Type: {content_type}"), outcomes=(outcome,))


def _wall_cases() -> Iterator[Case]:
    for name, (status, body, headers) in WALLS.items():
        says = http(f"<!doctype html><html>{body}</html>".encode(), *headers, status=status)
        yield Case(name=f"wall-{name}", says=says, outcomes=(Reason.BOT_WALL,))
    yield Case(name="wall-spoken-of", says=http(HONEST.encode(), "Server: cloudflare"), outcomes=(Page,))


def _feed_cases() -> Iterator[Case]:
    json_feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour news",
        "items": [{"id": "1", "url": f"http://{DOMAIN}/1.html", "title": "Ferry"}],
    }
    laughs = '<!DOCTYPE rss [<!ENTITY a "' + "ha" * 50 + '"><!ENTITY b "&a;&a;&a;&a;">]>'
    links = [item(1, "/one.html"), item(2, "//www.other.example/two.html"), item(3, "www.other.example/three.html")]
    not_feeds = {"html": "<!doctype html><html><title>Log in</title></html>", "empty": "", "blank": " \n"}
    for name, body, content_type, entries in (
        ("utf-16", rss(item(1), item(2), encoding="utf-16").encode("utf-16"), "application/xml", 2),
        ("utf-16-unmarked", rss(item(1), item(2), encoding="utf-16").encode("utf-16-le"), "application/xml", 2),
        ("utf-16-said-utf-8", rss(item(1), item(2)).encode("utf-16"), "application/xml; charset=utf-8", 2),
        ("latin-1-said-utf-8", FEED.encode("latin-1"), "application/xml; charset=utf-8", 3),
        ("utf-8-said-latin-1", FEED.encode(), "application/xml; charset=iso-8859-1", 3),
        ("charset-unheard-of", FEED.encode(), "application/xml; charset=x-unknown-9", 3),
        ("json-as-html", json.dumps(json_feed).encode(), "text/html", 1),
        ("same-guid", rss(item(1, guid="7"), item(2, guid="7"), item(3, guid="7")).encode(), "text/xml", 3),
        ("links", rss(*links).encode(), "text/xml", 3),
        ("without-links", rss("<item><title>Ferry</title><guid>7</guid></item>").encode(), "text/xml", 0),
        ("cut-off", FEED.encode()[:-90], "text/xml", 3),
        ("laughing", rss(item(1)).replace("<rss", f"{laughs}<rss").encode(), "text/xml", NotAFeed),
        ("nul", FEED.replace("ferry", "fer\0ry").encode(), "text/xml", 3),
        ("without-items", rss().encode(), "text/xml", 0),
        *((name, body.encode(), "application/rss+xml", NotAFeed) for name, body in not_feeds.items()),
    ):
        says = feed(body, content_type=content_type)
        yield Case(name=f"feed-{name}", says=says, outcomes=(Page,), kind=Kind.FEED, entries=entries)
    yield Case(name="feed-no-content", says=http(b"", status=204), outcomes=(Page,), kind=Kind.FEED, entries=NotAFeed)


def _repeated_cases() -> Iterator[Case]:
    """Feeds asked more than once."""
    first, second = FEED, rss(item(4))
    unavailable, not_modified = http(b"", status=503), http(b"", status=304, length=0)
    yield from (
        Case(name=name, says=in_turn(*answers), outcomes=outcomes, kind=Kind.FEED, entries=entries)
        for name, answers, outcomes, entries in (
            ("etag-new-body-same", [feed(first, 'ETag: "1"'), feed(first, 'ETag: "2"')], (Page, Page), 3),
            ("etag-same-body-new", [feed(first, 'ETag: "1"'), feed(second, 'ETag: "1"')], (Page, Page), 1),
            (
                "not-modified-after-failure",
                [feed(first, 'ETag: "1"'), unavailable, not_modified],
                (Page, ServerBusy, NotModified),
                3,
            ),
            ("feed-then-html", [feed(first, 'ETag: "1"'), http(HTML)], (Page, Page), NotAFeed),
        )
    )


def _sitemap_cases() -> Iterator[Case]:
    big = sitemap(60_000)
    for name, body, entries in (
        ("big", gzip.compress(big, mtime=0), 1000),
        ("cut-off", sitemap(10)[:-70], 9),
        ("html", HTML, NotAFeed),
        ("of-words", b"no sitemap here", NotAFeed),
    ):
        says = http(body, "Content-Type: application/xml")
        yield Case(name=f"sitemap-{name}", says=says, outcomes=(Page,), kind=Kind.SITEMAP, entries=entries)


CASES = {
    case.name: case
    for cases in (
        _time_cases, _size_cases, _coding_cases, _redirect_cases, _length_cases, _protocol_cases, _status_cases,
        _type_cases, _wall_cases, _feed_cases, _repeated_cases, _sitemap_cases,
    )
    for case in cases()
}  # fmt: skip


# --- The server -----------------------------------------------------------------------------------------------


@dataclass
class Misbehaving:
    """The server, while it runs."""

    port: int
    asked: Counter[str] = field(default_factory=Counter)  # host and path

    @property
    def connect_to(self) -> tuple[tuple[str, str, int], ...]:
        return ((f"*.{DOMAIN}", "127.0.0.1", self.port),)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            host = next(line[6:] for line in lines if line.lower().startswith("host: "))
            path = lines[0].split(" ")[1]
            said = _said(host, path)
            if isinstance(said, bytes):
                writer.write(said)
            else:
                place = (host + path).partition("?")[0]
                self.asked[place] += 1
                await said(Asked(host, path, self.asked[place] - 1), writer)
            await writer.drain()
        writer.close()


def good_urls() -> list[str]:
    return [
        f"http://good-{host}.{DOMAIN}/{number}.html" for host in range(GOOD_HOSTS) for number in range(GOOD_ARTICLES)
    ]


@contextmanager
def serving() -> Iterator[Misbehaving]:
    """The server, in a thread of its own."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    publisher = Misbehaving(port=0)

    async def run() -> None:
        server = await asyncio.start_server(publisher.serve, "127.0.0.1", 0, limit=2**20)
        publisher.port = server.sockets[0].getsockname()[1]
        started.set()

    def main() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(run())
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
        loop.close()

    thread = threading.Thread(target=main, name="misbehaving", daemon=True)
    thread.start()
    started.wait()
    try:
        yield publisher
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _said(host: str, path: str) -> bytes | Behaviour:
    name = host.removesuffix(f".{DOMAIN}")
    case = CASES.get(name)
    if case and path.partition("?")[0] == f"/{case.kind}":
        return case.says
    if name == "announcer" and path == "/feed.xml":
        articles = [case for case in CASES.values() if case.kind is Kind.ARTICLE]
        return feed(rss(*(item(number, case.url) for number, case in enumerate(articles))))
    if name.startswith("good-"):
        return _good(name, path)
    return http(b"", status=404)


def _good(name: str, path: str) -> bytes:
    numbers = {f"/{number}.html": number for number in range(GOOD_ARTICLES)}
    if path == "/feed.xml":
        return feed(rss(*(item(number, f"http://{name}.{DOMAIN}{place}") for place, number in numbers.items())))
    if path in numbers:
        return http(HTML.replace(b"Monday", f"day {numbers[path]} of {name}".encode()))
    return http(b"", status=404)
