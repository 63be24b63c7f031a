"""I/O: one polite conditional GET → Page | NotModified | Rejection.

It knows aiohttp; but for the guard in extract.addresses, no other module does.
A verdict is a value. What passes (timeout, 503, lost connection) is a FetchFault: the caller asks again later.
"""

from __future__ import annotations

import asyncio
import errno
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import chain
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from yarl import URL

from extract.addresses import GuardedResolver, PrivateAddress, check_literal
from extract.codings import ACCEPTED, CodingError, undo_codings
from extract.headers import Headers, conditional_headers, first_value, header_texts, retry_after_s
from extract.model import FetchPolicy, NotModified, OptOutPolicy, Page, PauseScope, Reason, Rejection, Validators
from extract.optout import (
    MAX_TDMREP_BYTES,
    RobotsOptOuts,
    TdmRules,
    page_opt_outs,
    read_robots_opt_outs,
    read_tdmrep,
    reserving,
)
from extract.pacing import Pacing, Paused, Place
from extract.robots import MAX_ROBOTS_BYTES, Robots, read_robots
from extract.sniff import media_kind
from extract.urls import BadUrl, domain_of, host_of, resolve_link
from extract.walls import WALL_BYTES, wall_mark

MAX_CRAWL_DELAY_S = 60.0  # some sites say 3600, copied from an example; a site in earnest says Disallow
BUSY_PAUSE_S = 30.0  # after a 429 that does not say how long
FAILED_RULES_TTL_S = 300.0  # a robots.txt or tdmrep.json that could not be read is asked for again after this
MAX_SITES = 4096  # whose rules are kept; the one not asked for longest goes first
MAX_FIELD_BYTES = 65_536  # one header line; newsrooms' Content-Security-Policy outgrows aiohttp's 8190
MAX_HEADERS = 256
DNS_TTL_S = 60  # robots.txt and the page behind it are seconds apart
KEEP_ALIVE_S = 5.0  # for the next request after the usual gap; longer, and idle connections use up the open files

_ACCEPT = "text/html,application/xhtml+xml,application/rss+xml,application/atom+xml,application/xml;q=0.9,*/*;q=0.8"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 503})  # each means 'later' by RFC 9110 §15, RFC 8470, RFC 6585
_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})  # no word about the host

_WRONG_TYPES = re.compile(
    r"""(?: image | audio | video | font | model ) / .*
    | text / (?: css | calendar | javascript | vcard )
    | application / (?: pdf | zip | x-zip-compressed | epub\+zip | x-7z-compressed | vnd\.rar | x-rar-compressed | rtf
      | msword | postscript | wasm | javascript | x-shockwave-flash | vnd\.(?:ms-|oasis\.|openxmlformats-).* )""",
    re.VERBOSE | re.IGNORECASE,
)


class FetchFault(Exception):
    """Something that passes: the same request may succeed later."""

    def __init__(self, url: str, cause: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{cause}: {url}")
        self.url = url
        self.cause = cause
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
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
    """Nothing was asked: the host has told us to wait, or could not be reached, and the wait is not over."""

    def __init__(
        self, url: str, cause: str, retry_after_s: float | None = None, scope: PauseScope = PauseScope.HOST
    ) -> None:
        super().__init__(url, cause, retry_after_s)
        self.scope = scope  # what of the URL rests

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), (self.url, self.cause, self.retry_after_s, self.scope)


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
    read: Callable[[ClientResponse, _Call], Awaitable[bytes]]
    headers: Mapping[str, str] = field(default_factory=dict)
    obey_robots: bool = False
    minds_opt_outs: bool = False


class Fetcher:
    """Fetches pages politely; all coroutines of one event loop share it, with its gates and robots rules.

    It asks any number of hosts at once, so that a slow one holds up no other: how many, its callers decide.
    """

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._open = AsyncExitStack()
        self._sessions: dict[object, ClientSession] = {}
        self._pacing = Pacing()
        self._sites: OrderedDict[URL, _Site] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sessions.clear()
        await self._open.aclose()

    async def get(
        self,
        url: str,
        policy: FetchPolicy,
        *,
        validators: Validators | None = None,
        obey_robots: bool = True,
        article: bool = False,
    ) -> Page | NotModified | Rejection:
        """What the web answers for the URL now. Raises FetchFault where asking again later may help.

        article: whether the page is wanted for its text, so that what reserves it is minded as `policy.opt_out` says;
            a feed is read for its links
        """
        call = _Call(
            url=url,
            policy=policy,
            read=_read_page,
            headers=conditional_headers(validators),
            obey_robots=obey_robots,
            minds_opt_outs=article and policy.opt_out is not OptOutPolicy.IGNORE,
        )
        try:
            answer = await self._follow(call)
            _judge(call, answer)
            return await self._verdict(call, answer)
        except _Refused as verdict:
            return Rejection(url=url, reason=verdict.reason, detail=verdict.detail)

    async def _verdict(self, call: _Call, answer: _Answer) -> Page | NotModified:
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return NotModified(url=call.url, fetched_at=answer.fetched_at)
        return Page(
            url=call.url,
            final_url=str(answer.url),
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            fetched_at=answer.fetched_at,
            opt_outs=await self._opt_outs(call, answer) if call.minds_opt_outs else (),
        )

    async def _follow(self, call: _Call) -> _Answer:
        """The answer at the end of the redirects, each hop checked and paced like a first request."""
        target, seen = _target(call.url, call.policy), set[URL]()
        while len(seen) <= call.policy.max_redirects:
            seen.add(target)
            site = self._site(target)
            answer = await self._exchange(call, site, target, await self._admit(call, site, target))
            if answer.status not in _REDIRECTS:
                return answer
            target = _target(_location(answer), call.policy)
            if target in seen:
                raise _Refused(Reason.TOO_MANY_REDIRECTS, f"a loop at {target}")
        raise _Refused(Reason.TOO_MANY_REDIRECTS, f"more than {call.policy.max_redirects}, the next to {target}")

    def _site(self, target: URL) -> _Site:
        origin = target.origin()
        site = self._sites.get(origin)
        if site is None:
            if len(self._sites) >= MAX_SITES:
                self._sites.popitem(last=False)
            site = self._sites[origin] = _Site(origin)
        else:
            self._sites.move_to_end(origin)
        return site

    async def _admit(self, call: _Call, site: _Site, target: URL) -> float:
        """Seconds to keep between two requests to this host, where robots.txt lets us ask it at all."""
        policy = call.policy
        if not call.obey_robots:
            return policy.gap_s
        rules = await self._robots_of(call, site)
        if not rules.robots.allows(str(target), policy.user_agent):
            raise _Refused(Reason.ROBOTS, f"disallowed by {site.origin}/robots.txt")
        if call.minds_opt_outs and policy.opt_out is OptOutPolicy.OBEY:
            _refuse_reserved(rules.opt_outs.of(str(target), policy.user_agent))
        return max(policy.gap_s, min(rules.robots.crawl_delay_s(policy.user_agent) or 0.0, MAX_CRAWL_DELAY_S))

    # --- What a site says of all its pages ---

    async def _robots_of(self, call: _Call, site: _Site) -> _RobotsRules:
        """The rules of the site, asked for once per `robots_ttl_s`; those before, while it cannot say (RFC 9309 §2.4).

        Raises the fault that kept us from reading the first ones, HostPaused until they are asked for again.
        """
        if site.robots.stale():
            async with site.robots.lock:
                if site.robots.stale():
                    await self._renew_robots(call, site)
        if site.robots.value is None:
            raise HostPaused(call.url, "robots.txt could not be read", site.robots.left_s(), PauseScope.HOST)
        return site.robots.value

    async def _renew_robots(self, call: _Call, site: _Site) -> None:
        try:
            robots = await self._fetch_robots(call, site)
        except HostPaused:
            raise
        except FetchFault as fault:
            site.robots.rest(FAILED_RULES_TTL_S)
            if site.robots.value is None:
                raise type(fault)(call.url, f"robots.txt: {fault.cause}", fault.retry_after_s) from fault
        else:
            rules = _RobotsRules(robots=robots, opt_outs=read_robots_opt_outs(robots))
            site.robots.keep(rules, call.policy.robots_ttl_s)

    async def _fetch_robots(self, call: _Call, site: _Site) -> Robots:
        url = f"{site.origin}/robots.txt"
        try:
            answer = await self._follow(_Call(url=url, policy=call.policy, read=_read_robots_body))
        except _Refused as verdict:
            if verdict.reason is Reason.PRIVATE_ADDRESS:
                raise
            return read_robots(HTTPStatus.NOT_FOUND, b"")  # led astray by redirects: RFC 9309 §2.3.1.2
        robots = read_robots(answer.status, answer.body)
        if robots.unreachable:
            raise ServerError(url, _phrase(answer.status), FAILED_RULES_TTL_S)
        return robots

    async def _opt_outs(self, call: _Call, answer: _Answer) -> tuple[str, ...]:
        """What reserves the page, where that is not obeyed; there it ends as a verdict."""
        site, policy = self._site(answer.url), call.policy
        by_robots = site.robots.value.opt_outs.of(str(answer.url), policy.user_agent) if site.robots.value else ()
        tdm_rules = await self._tdm_rules_of(call, site)
        found = (*by_robots, *page_opt_outs(answer.headers, answer.body, tdm_rules, answer.url.raw_path_qs))
        if policy.opt_out is OptOutPolicy.OBEY:
            _refuse_reserved(found)
        return found

    async def _tdm_rules_of(self, call: _Call, site: _Site) -> TdmRules:
        """The rules of the site's tdmrep.json; none while it cannot be read, which keeps no page from us."""
        if site.tdm_rules.stale():
            async with site.tdm_rules.lock:
                if site.tdm_rules.stale():
                    await self._renew_tdm_rules(call, site)
        return site.tdm_rules.value or ()

    async def _renew_tdm_rules(self, call: _Call, site: _Site) -> None:
        url = f"{site.origin}/.well-known/tdmrep.json"
        asked = _Call(url=url, policy=call.policy, read=_read_tdmrep_body, obey_robots=call.obey_robots)
        try:
            answer = await self._follow(asked)
        except FetchFault:
            site.tdm_rules.rest(FAILED_RULES_TTL_S)
        except _Refused:
            site.tdm_rules.keep((), call.policy.robots_ttl_s)
        else:
            site.tdm_rules.keep(read_tdmrep(answer.body), call.policy.robots_ttl_s)

    # --- One exchange ---

    async def _exchange(self, call: _Call, site: _Site, target: URL, gap_s: float) -> _Answer:
        policy = call.policy
        place = site.place(target)
        try:
            async with self._pacing.turn(place, gap_s=gap_s, concurrency=policy.concurrency, probe_s=policy.timeout_s):
                with _named_faults(call), self._noticed(place):
                    answer = await self._ask(call, target)
                if pause_s := _pause_s(answer):
                    self._pacing.pause(place, policy.retry_after_scope, pause_s)
        except Paused as pause:
            raise HostPaused(call.url, pause.cause, pause.wait_s, pause.scope) from pause
        return answer

    @contextmanager
    def _noticed(self, place: Place) -> Iterator[None]:
        """Let the pacing know whether the host could be reached."""
        try:
            yield
        except (ClientConnectorError, ConnectionTimeoutError) as fault:
            if getattr(fault, "errno", None) not in _OUR_OWN:
                self._pacing.not_reached(place)
            raise
        except (ClientError, FetchFault):
            self._pacing.reached(place)
            raise
        self._pacing.reached(place)

    async def _ask(self, call: _Call, target: URL) -> _Answer:
        policy = call.policy
        line_bytes = min(MAX_FIELD_BYTES, policy.max_header_bytes)
        async with self._session(policy).get(
            target,
            headers={"User-Agent": policy.user_agent, **call.headers},
            allow_redirects=False,
            timeout=ClientTimeout(
                total=policy.timeout_s, connect=policy.read_timeout_s, sock_read=policy.read_timeout_s
            ),
            max_line_size=line_bytes,
            max_field_size=line_bytes,
        ) as response:
            _check_head(call, response)
            return _Answer(
                url=response.url,
                status=response.status,
                headers=header_texts(response.raw_headers),
                body=await call.read(response, call),
                fetched_at=self._clock(),
            )

    def _session(self, policy: FetchPolicy) -> ClientSession:
        """The session for a policy; connections are never shared between policies that may dial different networks."""
        dials = (policy.allow_networks, policy.connect_to)
        if dials not in self._sessions:
            self._sessions[dials] = self._opened_session(GuardedResolver(*dials))
        return self._sessions[dials]

    def _opened_session(self, resolver: GuardedResolver) -> ClientSession:
        session = ClientSession(
            connector=TCPConnector(
                resolver=resolver,
                limit=0,  # a bound on all connections would let slow hosts hold up the others
                ttl_dns_cache=DNS_TTL_S,
                keepalive_timeout=KEEP_ALIVE_S,
            ),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept": _ACCEPT, "Accept-Encoding": ACCEPTED},
            max_headers=MAX_HEADERS,
        )
        self._open.push_async_callback(resolver.close)  # aiohttp closes none that it was given
        self._open.push_async_callback(session.close)
        return session


_T = TypeVar("_T")


class _Kept(Generic[_T]):
    """Something of a site as last read; the lock lets one coroutine ask for all."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.value: _T | None = None
        self._until = float("-inf")

    def stale(self) -> bool:
        return self.left_s() <= 0

    def left_s(self) -> float:
        return self._until - time.monotonic()

    def keep(self, value: _T, ttl_s: float) -> None:
        self.value, self._until = value, time.monotonic() + ttl_s

    def rest(self, pause_s: float) -> None:
        """Keep what there is, and ask again after the pause."""
        self._until = time.monotonic() + pause_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _RobotsRules:
    robots: Robots
    opt_outs: RobotsOptOuts


class _Site:
    """One origin: whom to be polite to, and the rules it has for us."""

    def __init__(self, origin: URL) -> None:
        self.origin = str(origin)
        self._host = host_of(self.origin)
        self._domain = domain_of(self.origin)
        self.robots = _Kept[_RobotsRules]()
        self.tdm_rules = _Kept[TdmRules]()

    def place(self, target: URL) -> Place:
        return Place(url=str(target), host=self._host, domain=self._domain)


def _target(url: str, policy: FetchPolicy) -> URL:
    """The URL as aiohttp takes it, where it is one that we may dial."""
    try:
        host = host_of(url)
    except BadUrl as fault:
        raise _Refused(Reason.BAD_URL, fault.why) from fault
    if not host:
        raise _Refused(Reason.BAD_URL, "a local file")
    target = URL(url)
    if target.raw_fragment:
        target = target.with_fragment(None)
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


def _check_head(call: _Call, response: ClientResponse) -> None:
    """Nothing where the head of an answer is one that we take. Raises BadAnswer."""
    size = sum(map(len, chain.from_iterable(response.raw_headers)))
    if size > call.policy.max_header_bytes:
        raise BadAnswer(call.url, f"{size} bytes of headers")
    coding = response.headers.get("Transfer-Encoding", "chunked").strip().lower()
    if coding not in ("chunked", "identity"):
        raise BadAnswer(call.url, f"transfer coding {coding[:100]}")


async def _read_page(response: ClientResponse, call: _Call) -> bytes:
    """The body of a good answer, bounded before and after decompression; of others what may show a bot wall."""
    if 300 <= response.status < 400:
        return b""
    if not 200 <= response.status < 300:
        return await _read_excerpt(response, call)
    limit = call.policy.max_bytes
    _refuse_type(response)
    if (response.content_length or 0) > limit:
        raise _Refused(Reason.TOO_LARGE, f"{response.content_length} bytes announced")
    body = await _read_body(response, call, limit)
    if len(body) > limit:
        raise _Refused(Reason.TOO_LARGE, f"more than {limit} bytes")
    return body


async def _read_excerpt(response: ClientResponse, call: _Call) -> bytes:
    """The beginning of an error's page; empty where it fails, since the status has said enough."""
    try:
        return await _read_body(response, call, WALL_BYTES)
    except (ClientError, TimeoutError, BadAnswer):
        return b""


async def _read_robots_body(response: ClientResponse, call: _Call) -> bytes:
    return await _read_body(response, call, MAX_ROBOTS_BYTES) if 200 <= response.status < 300 else b""


async def _read_tdmrep_body(response: ClientResponse, call: _Call) -> bytes:
    return await _read_body(response, call, MAX_TDMREP_BYTES) if 200 <= response.status < 300 else b""


async def _read_body(response: ClientResponse, call: _Call, limit: int) -> bytes:
    """The body without its codings, or a little more than `limit` bytes of it; what is left stays unread.

    aiohttp's own decompression takes a gzip or brotli body that breaks off for a whole one.
    """
    connection = response.connection
    protocol = connection.protocol if connection else None  # it has a length, so that it is often 'false'
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > limit:
            response.close()
            break
    if protocol is not None and protocol.exception():
        raise BadAnswer(call.url, "more bytes than Content-Length says")
    try:
        return undo_codings(bytes(raw), ",".join(response.headers.getall("Content-Encoding", ())), limit)
    except CodingError as fault:
        raise BadAnswer(call.url, str(fault)) from fault


def _refuse_type(response: ClientResponse) -> None:
    if _WRONG_TYPES.fullmatch(response.content_type):
        raise _Refused(Reason.WRONG_TYPE, response.content_type)


def _judge(call: _Call, answer: _Answer) -> None:
    """Nothing for an answer that is a page or a 304; a verdict or a fault for any other."""
    _refuse_wall(answer)
    status = answer.status
    if status == 206:
        raise BadAnswer(call.url, f"{_phrase(status)} out of place")  # nobody asked for a part of it
    if 200 <= status < 300:
        _refuse_media(answer)
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


def _refuse_media(answer: _Answer) -> None:
    if kind := media_kind(answer.body):
        raise _Refused(Reason.WRONG_TYPE, f"a {kind}, said to be {answer.header('content-type') or 'nothing'}")


def _refuse_reserved(signals: tuple[str, ...]) -> None:
    if signal := reserving(signals):
        raise _Refused(Reason.OPT_OUT, signal)


def _refuse_wall(answer: _Answer) -> None:
    if mark := wall_mark(answer.headers, answer.body):
        raise _Refused(Reason.BOT_WALL, mark)


def _asked_wait_s(answer: _Answer) -> float | None:
    return retry_after_s(answer.header("retry-after"), answer.fetched_at)


def _pause_s(answer: _Answer) -> float:
    """How long to leave alone what the policy's `retry_after_scope` says, after this answer."""
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
