"""I/O: one polite conditional GET → Page | NotModified | Rejection.

It knows aiohttp; but for the guard in extract.addresses, no other module does.
A verdict is a value. What passes (timeout, 503, lost connection) is a FetchFault: the caller asks again later.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from yarl import URL

from extract.addresses import GuardedResolver, PrivateAddress, check_literal
from extract.codings import CodingError, undo_codings
from extract.headers import Headers, conditional_headers, first_value, header_texts, retry_after_s
from extract.model import FetchPolicy, NotModified, Page, PauseScope, Reason, Rejection, Validators
from extract.robots import MAX_ROBOTS_BYTES, Robots, read_robots
from extract.urls import BadUrl, domain_of, normalize_url, resolve_link
from extract.walls import wall_mark

MAX_CRAWL_DELAY_S = 60.0  # some sites say 3600, copied from an example; a site in earnest says Disallow
MAX_RETRY_AFTER_S = 86_400.0  # whoever asks for more is asked again after a day
BUSY_PAUSE_S = 30.0  # after a 429 that does not say how long
PATIENCE_S = 10.0  # a host's longer pause is handed back to the caller, whose lease on the entry runs on
UNREACHABLE_ROBOTS_TTL_S = 300.0  # a robots.txt that answered 5xx is asked for again after this
MAX_ROBOTS_CACHED = 4096
MAX_HEADER_BYTES = 65_536  # a line of it; newsrooms' Content-Security-Policy outgrows aiohttp's 8190
MAX_HEADERS = 256

_ACCEPT = "text/html,application/xhtml+xml,application/rss+xml,application/atom+xml,application/xml;q=0.9,*/*;q=0.8"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 503})  # each means 'later' by RFC 9110 §15, RFC 8470, RFC 6585

_WRONG_TYPES = re.compile(
    r"""(?: image | audio | video | font | model ) / .*
    | text / (?: css | calendar | javascript | vcard )
    | application / (?: pdf | zip | x-zip-compressed | epub\+zip | x-7z-compressed | vnd\.rar | x-rar-compressed | rtf
      | msword | postscript | wasm | javascript | x-shockwave-flash | vnd\.(?:ms-|oasis\.|openxmlformats-).* )""",
    re.VERBOSE | re.IGNORECASE,
)
_WRONG_SIGNATURES = (b"%PDF-", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"PK\x03\x04")


class FetchFault(Exception):
    """Something that passes: the same request may succeed later."""

    def __init__(self, url: str, cause: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{cause}: {url}")
        self.url = url
        self.cause = cause
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, float | None]]:
        return type(self), (self.url, self.cause, self.retry_after_s)


class Timeout(FetchFault):
    """No answer, or no end of it, in time."""


class ConnectionLost(FetchFault):
    """No connection, or one that broke off; also a name that does not resolve and a certificate that does not hold."""


class BadAnswer(FetchFault):
    """Bytes that are no HTTP, a header past all bounds, a coding that was not asked for."""


class ServerError(FetchFault):
    """A 5xx."""


class ServerBusy(FetchFault):
    """429, 503, or a 403 that says when to come again."""


class HostPaused(ServerBusy):
    """Nothing was asked: the host has told us to wait, and the wait is not over."""

    scope = PauseScope.DOMAIN


class _Refused(Exception):
    """A verdict on its way out of resolver and redirects; leaves this module as a Rejection."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one exchange brought; the body only where it is wanted."""

    url: URL
    status: int
    headers: Headers
    body: bytes
    fetched_at: datetime

    def header(self, name: str) -> str:
        return first_value(self.headers, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What one request carries along its redirects."""

    url: str  # as the caller asked: faults bear it, whichever hop failed
    policy: FetchPolicy
    headers: Mapping[str, str]
    obey_robots: bool
    read: Callable[[ClientResponse, _Call], Awaitable[bytes]]


class Fetcher:
    """Fetches pages politely; all coroutines of one event loop share it, with its gates and robots rules."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._sessions: dict[FetchPolicy, ClientSession] = {}
        self._gates: defaultdict[str, _Gate] = defaultdict(_Gate)
        self._robots: dict[str, _RobotsSlot] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def get(
        self, url: str, policy: FetchPolicy, *, validators: Validators | None = None, obey_robots: bool = True
    ) -> Page | NotModified | Rejection:
        """What the web answers for the URL now. Raises FetchFault where asking again later may help."""
        headers = conditional_headers(validators)
        call = _Call(url=url, policy=policy, headers=headers, obey_robots=obey_robots, read=_read_page)
        try:
            answer = await self._follow(call)
            _judge(call, answer)
        except _Refused as verdict:
            return Rejection(url=url, reason=verdict.reason, detail=verdict.detail)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return NotModified(url=url, fetched_at=answer.fetched_at)
        return Page(
            url=url,
            final_url=str(answer.url),
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            fetched_at=answer.fetched_at,
        )

    async def _follow(self, call: _Call) -> _Answer:
        """The answer at the end of the redirects, each hop checked and paced like a first request."""
        target, seen = _target(call.url, call.policy), set[URL]()
        while len(seen) <= call.policy.max_redirects:
            seen.add(target)
            answer = await self._exchange(call, target, await self._admit(call, target))
            if answer.status not in _REDIRECTS:
                return answer
            target = _target(_location(answer), call.policy)
            if target in seen:
                raise _Refused(Reason.TOO_MANY_REDIRECTS, f"a loop at {target}")
        raise _Refused(Reason.TOO_MANY_REDIRECTS, f"more than {call.policy.max_redirects}, the next to {target}")

    async def _admit(self, call: _Call, target: URL) -> float:
        """Seconds to keep between two requests to this host, where robots.txt lets us ask it at all."""
        policy = call.policy
        if not call.obey_robots:
            return policy.gap_s
        robots = await self._robots_of(call, target)
        if robots.unreachable:
            raise ServerError(call.url, "robots.txt answered an error", UNREACHABLE_ROBOTS_TTL_S)
        if not robots.allows(str(target), policy.user_agent):
            raise _Refused(Reason.ROBOTS, f"disallowed by {target.origin()}/robots.txt")
        return max(policy.gap_s, min(robots.crawl_delay_s(policy.user_agent) or 0.0, MAX_CRAWL_DELAY_S))

    async def _robots_of(self, call: _Call, target: URL) -> Robots:
        """The rules of the target's origin, asked for once per `robots_ttl_s`."""
        origin = target.origin()
        slot = self._robots_slot(str(origin))
        async with slot.lock:
            robots = slot.fresh(call.policy.robots_ttl_s)
            if robots is None:
                robots = await self._fetch_robots(call, origin)
                slot.keep(robots)
        return robots

    def _robots_slot(self, origin: str) -> _RobotsSlot:
        if origin not in self._robots and len(self._robots) >= MAX_ROBOTS_CACHED:
            del self._robots[next(iter(self._robots))]
        return self._robots.setdefault(origin, _RobotsSlot())

    async def _fetch_robots(self, call: _Call, origin: URL) -> Robots:
        asked = _Call(
            url=f"{origin}/robots.txt", policy=call.policy, headers={}, obey_robots=False, read=_read_robots_body
        )
        try:
            answer = await self._follow(asked)
        except FetchFault as fault:
            raise type(fault)(call.url, f"robots.txt: {fault.cause}", fault.retry_after_s) from fault
        except _Refused as verdict:
            if verdict.reason is Reason.PRIVATE_ADDRESS:
                raise
            return read_robots(HTTPStatus.NOT_FOUND, b"")  # led astray by redirects: RFC 9309 §2.3.1.2
        return read_robots(answer.status, answer.body)

    async def _exchange(self, call: _Call, target: URL, gap_s: float) -> _Answer:
        gate = self._gates[domain_of(str(target))]
        async with gate.turn(call.url, gap_s):
            with _named_faults(call):
                answer = await self._ask(call, target)
            gate.close_for(_pause_s(answer))
        return answer

    async def _ask(self, call: _Call, target: URL) -> _Answer:
        session = self._session(call.policy)
        async with session.get(target, headers=call.headers, allow_redirects=False) as response:
            return _Answer(
                url=response.url,
                status=response.status,
                headers=header_texts(response.raw_headers),
                body=await call.read(response, call),
                fetched_at=self._clock(),
            )

    def _session(self, policy: FetchPolicy) -> ClientSession:
        """The session for a policy; connections are never shared between policies that may dial different networks."""
        if policy not in self._sessions:
            self._sessions[policy] = ClientSession(
                connector=TCPConnector(resolver=GuardedResolver(policy)),
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,
                headers={
                    "User-Agent": policy.user_agent,
                    "Accept": _ACCEPT,
                    "Accept-Encoding": "gzip, deflate, br",
                },
                timeout=ClientTimeout(
                    total=policy.timeout_s, sock_connect=policy.read_timeout_s, sock_read=policy.read_timeout_s
                ),
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
                max_headers=MAX_HEADERS,
            )
        return self._sessions[policy]


class _Gate:
    """One host's turns: a request at a time, their starts a gap apart."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._last_start = float("-inf")
        self._closed_until = float("-inf")

    @asynccontextmanager
    async def turn(self, url: str, gap_s: float) -> AsyncIterator[None]:
        """A turn at the host. Raises HostPaused where the host itself asked for a longer wait than we have patience."""
        async with self._lock:
            now = time.monotonic()
            pause_s = self._closed_until - now
            if pause_s > PATIENCE_S:
                raise HostPaused(url, "the host asked to wait", pause_s)
            await asyncio.sleep(max(pause_s, self._last_start + gap_s - now))
            self._last_start = time.monotonic()
            yield

    def close_for(self, pause_s: float) -> None:
        self._closed_until = max(self._closed_until, time.monotonic() + pause_s)


class _RobotsSlot:
    """The rules of one origin as last read; the lock lets one coroutine ask for all."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self._robots: Robots | None = None
        self._read_at = 0.0

    def fresh(self, ttl_s: float) -> Robots | None:
        if self._robots is None:
            return None
        lifetime_s = min(ttl_s, UNREACHABLE_ROBOTS_TTL_S) if self._robots.unreachable else ttl_s
        return self._robots if time.monotonic() - self._read_at < lifetime_s else None

    def keep(self, robots: Robots) -> None:
        self._robots, self._read_at = robots, time.monotonic()


def _target(url: str, policy: FetchPolicy) -> URL:
    """The URL as aiohttp takes it, where it is one that we may dial."""
    try:
        normalize_url(url)
    except BadUrl as fault:
        raise _Refused(Reason.BAD_URL, fault.why) from fault
    target = URL(url).with_fragment(None)
    if target.scheme == "file":
        raise _Refused(Reason.BAD_URL, "a local file")
    try:
        check_literal(target.raw_host or "", policy.allow_networks)
    except PrivateAddress as fault:
        raise _Refused(Reason.PRIVATE_ADDRESS, str(fault)) from fault
    return target


def _location(answer: _Answer) -> str:
    location = answer.header("location")
    if not location:
        raise _Refused(Reason.REFUSED, f"{answer.status} without Location")
    link = resolve_link(str(answer.url), location)
    if link is None:
        raise _Refused(Reason.BAD_URL, f"redirect to {location[:200]}")
    return link


async def _read_page(response: ClientResponse, call: _Call) -> bytes:
    """The body of a good answer, bounded before and after decompression; empty for all others, which say enough."""
    if not 200 <= response.status < 300:
        return b""
    limit = call.policy.max_bytes
    _refuse_type(response)
    if (response.content_length or 0) > limit:
        raise _Refused(Reason.TOO_LARGE, f"{response.content_length} bytes announced")
    body = await _read_body(response, call, limit)
    if len(body) > limit:
        raise _Refused(Reason.TOO_LARGE, f"more than {limit} bytes")
    return body


async def _read_robots_body(response: ClientResponse, call: _Call) -> bytes:
    return await _read_body(response, call, MAX_ROBOTS_BYTES) if 200 <= response.status < 300 else b""


async def _read_body(response: ClientResponse, call: _Call, limit: int) -> bytes:
    """The body without its codings, or a little more than `limit` bytes of it; what is left stays unread.

    aiohttp's own decompression takes a gzip or brotli body that breaks off for a whole one.
    """
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > limit:
            response.close()
            break
    try:
        return undo_codings(bytes(raw), ",".join(response.headers.getall("Content-Encoding", [])), limit)
    except CodingError as fault:
        raise BadAnswer(call.url, str(fault)) from fault


def _refuse_type(response: ClientResponse) -> None:
    if _WRONG_TYPES.fullmatch(response.content_type):
        raise _Refused(Reason.WRONG_TYPE, response.content_type)


def _judge(call: _Call, answer: _Answer) -> None:
    """Nothing for an answer that is a page or a 304; a verdict or a fault for any other."""
    _refuse_wall(answer)
    status = answer.status
    if 200 <= status < 300:
        _refuse_signature(answer)
    elif status in (404, 410):
        raise _Refused(Reason.GONE, _phrase(status))
    elif status in _BUSY or (status == 403 and answer.header("retry-after")):
        raise ServerBusy(call.url, _phrase(status), _asked_wait_s(answer))
    elif status >= 500:
        raise ServerError(call.url, _phrase(status), _asked_wait_s(answer))
    elif status == 304 and call.headers:
        return
    elif status < 400:
        raise BadAnswer(call.url, f"{_phrase(status)} out of place")
    else:
        raise _Refused(Reason.REFUSED, _phrase(status))


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _refuse_signature(answer: _Answer) -> None:
    if answer.body.startswith(_WRONG_SIGNATURES):
        raise _Refused(
            Reason.WRONG_TYPE, f"begins with {answer.body[:4]!r}, said to be {answer.header('content-type')}"
        )


def _refuse_wall(answer: _Answer) -> None:
    if mark := wall_mark(answer.headers, answer.body):
        raise _Refused(Reason.BOT_WALL, mark)


def _asked_wait_s(answer: _Answer) -> float | None:
    return retry_after_s(answer.header("retry-after"), answer.fetched_at)


def _pause_s(answer: _Answer) -> float:
    """How long the whole site is left alone after this answer: Retry-After speaks for the server, not for one page."""
    if answer.status not in (403, 429, 503):
        return 0.0
    asked_s = _asked_wait_s(answer)
    if asked_s is None:
        return BUSY_PAUSE_S if answer.status == 429 else 0.0
    return asked_s


@contextmanager
def _named_faults(call: _Call) -> Iterator[None]:
    """aiohttp's exceptions as ours; the order matters, since its timeouts are connection errors too."""
    try:
        yield
    except TimeoutError as fault:
        raise Timeout(call.url, f"no answer within {call.policy.timeout_s:g} s") from fault
    except PrivateAddress as fault:
        raise _Refused(Reason.PRIVATE_ADDRESS, str(fault)) from fault
    except InvalidURL as fault:
        raise _Refused(Reason.BAD_URL, str(fault)) from fault
    except (ClientConnectionError, ClientPayloadError) as fault:
        raise ConnectionLost(call.url, _cause(fault)) from fault
    except ClientError as fault:
        raise BadAnswer(call.url, _cause(fault)) from fault


def _cause(fault: Exception) -> str:
    return f"{type(fault).__name__} {fault}".strip()[:300]
