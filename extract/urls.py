"""A URL's normal form, its key, its host: pure, and the only place that decides when two URLs are one.

All parsing is yarl's, the URL type that aiohttp dials with: what is compared and checked here is what is asked there.
Libraries that clean URLs for crawling (courlan, url-normalize) sort queries, merge slashes or drop `ref` and `source`:
good for a frontier, too bold for an identity.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from posixpath import normpath
from urllib.parse import quote, unquote, urljoin, urlsplit

from tld import get_fld
from yarl import URL

from extract.model import UrlKey, UrlParams

NORMALIZATION = 1
"""Version of the rules below. It goes into every key: a change of rules is a change of identity, never a silent one."""

MAX_URL_CHARS = 8192  # RFC 9110 §4.1 asks for 8000 octets; servers seldom read more

_TRACKING = re.compile(
    r"""(?: utm_ | mtm_ | matomo_ | piwik_ | pk_ | hsa_ | itm_ | __hs | at_custom ) .*
    # Click identifiers, one a visitor
    | fbclid | gclid | gclsrc | dclid | gbraid | wbraid | msclkid | yclid | ysclid | twclid | ttclid | igshid | igsh
    | li_fat_id | srsltid | epik | rb_clickid | wickedid | vero_id | vero_conv | oly_anon_id | oly_enc_id | mkt_tok
    | mc_cid | mc_eid | _hsenc | _hsmi | hsctatracking | _ga | _gl | guccounter | guce_referrer | guce_referrer_sig
    # Campaign labels of newsrooms and of their analytics
    | cmpid | ocid | smid | s_cid | xtor | wt_mc | wt\.mc_id | __twitter_impression
    | at_(?: medium | campaign | format | link_id | link_origin | link_type | ptr_name | bbc_team )
    | ns_(?: mchannel | source | campaign | linkname | fee )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Query parameters that say how a reader came, never what is shown; `ref`, `source`, `id`, `cid`, `sid` may well do."""

_UNFIT = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANK = re.compile(r"\s")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_HOST_END = re.compile(r"[/?#]")
_HOME = re.compile(r"/?(?:[a-z]{2}(?:-[a-z]{2})?/?)?(?:(?:index|home|default)(?:\.\w+)?/?)?", re.I)


@dataclass(frozen=True)
class UrlRules:
    """By which two URLs are one: the common rules, and what single publishers say of their query parameters."""

    params: Mapping[str, UrlParams] = field(default_factory=dict)  # by registrable domain

    @cached_property
    def name(self) -> str:
        """Names these rules: equal for equal rules, and only for them."""
        said = sorted((domain, one.keep, one.drop) for domain, one in self.params.items())
        return f"{NORMALIZATION}:{hashlib.blake2b(repr(said).encode(), digest_size=8).hexdigest()}"


COMMON_RULES = UrlRules()
_NO_PARAMS = UrlParams()


class BadUrl(ValueError):
    """A text that is no absolute http, https or file URL."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(url, why)  # both, so that it survives the way out of a worker process
        self.url = url
        self.why = why

    def __str__(self) -> str:
        return f"{self.why}: {self.url[:200]!r}"


def normalize_url(url: str, rules: UrlRules = COMMON_RULES) -> str:
    """The URL in normal form: two URLs with one normal form are one page.

    Evened out: case of scheme and host, IDNA, default port, dot segments, percent-encoding, the dot after a host.
    Dropped: fragment, user name, tracking parameters, and others that the rules name for its domain. Left alone: http
    or https, `www.`, order of the query, trailing slash, case of the path.
    Raises BadUrl.
    """
    parsed = _parse(url)
    if parsed.scheme == "file":
        return f"file://{normpath(parsed.raw_path)}"
    query = _essential(parsed.raw_query_string, _params(url, rules) if parsed.raw_query_string else _NO_PARAMS)
    return f"{parsed.scheme}://{_authority(parsed)}{parsed.raw_path}{'?' if query else ''}{query}"


def url_key(url: str, rules: UrlRules = COMMON_RULES) -> UrlKey:
    """Digest of the normal form: the identity of an entry and of an article. Raises BadUrl.

    http and https give one key: publishers moved from one to the other with their archives, and no newsroom serves two
    articles under one address. The URL that is asked stays as announced.
    """
    folded = re.sub(r"^http:", "https:", normalize_url(url, rules))
    version = f"url-key-{NORMALIZATION}".encode()
    return UrlKey(hashlib.blake2b(folded.encode(), digest_size=16, person=version).digest())


def host_of(url: str) -> str:
    """Host, with the port where it is not the scheme's own; empty for a local file. Raises BadUrl."""
    parsed = _parse(url)
    return "" if parsed.scheme == "file" else _authority(parsed)


@lru_cache(maxsize=1024)  # of one page it is asked several times
def registrable_domain(url: str) -> str:
    """The domain its owner registered, by the Public Suffix List; the host itself where the list knows none.

    Two blogs under one hosting domain are two owners (the list's private section). Raises BadUrl.
    """
    parsed = _parse(url)
    host = _host(parsed)
    readable = (parsed.host or "").removesuffix(".")  # the list is written in Unicode
    domain = get_fld(f"http://{_bracketed(readable)}/", fail_silently=True)
    return ".".join(host.split(".")[-domain.count(".") - 1 :]) if domain else host


def domain_of(url: str) -> str:
    """The registrable domain, with the port where it is not the scheme's own: whom to be polite to. Empty for a file.

    Raises BadUrl.
    """
    parsed = _parse(url)
    if parsed.scheme == "file":
        return ""
    return registrable_domain(url) + ("" if parsed.is_default_port() else f":{parsed.port}")


def is_home_page(url: str) -> bool:
    """Whether the URL is that of a whole site, or of its edition in one language."""
    parts = urlsplit(url)
    return parts.scheme != "file" and not parts.query and bool(_HOME.fullmatch(parts.path))


def slug_of(url: str) -> str:
    """The last part of the URL's path without its suffix, or the host of a URL without a path."""
    parts = [part for part in unquote(urlsplit(url).path).split("/") if part]
    return parts[-1].partition(".")[0] if parts else urlsplit(url).netloc


def resolve_link(base: str, link: str) -> str | None:
    """The absolute http(s) URL that a link on `base` leads to, None where it leads to none.

    Written for links as they are found: blanks around, line breaks inside, `//host/path`, `www.host/path`.
    """
    cleaned = _BLANK.sub(lambda blank: quote(blank[0]), _CONTROL.sub("", link).strip())
    if not cleaned:
        return None
    try:
        absolute = urljoin(base, _with_authority(base, cleaned))
        normal = normalize_url(absolute)
    except ValueError:  # BadUrl, or a bracket that urljoin trips over
        return None
    return absolute if normal.startswith("http") else None


def _parse(url: str) -> URL:
    if len(url) > MAX_URL_CHARS:
        raise BadUrl(url, f"longer than {MAX_URL_CHARS} characters")
    if _UNFIT.search(url):
        raise BadUrl(url, "a blank, control character or lone surrogate inside")
    try:
        parsed = URL(url)
    except (ValueError, IndexError) as fault:  # yarl's, the second over 'http://[::1]@'
        raise BadUrl(url, str(fault)) from fault
    _check_scheme_and_host(url, parsed)
    return parsed


def _check_scheme_and_host(url: str, parsed: URL) -> None:
    host = _host(parsed)
    if parsed.scheme == "file":
        if host not in ("", "localhost") or not parsed.raw_path.startswith("/"):  # RFC 8089 §2
            raise BadUrl(url, "not a local file")
    elif parsed.scheme not in ("http", "https"):
        raise BadUrl(url, "no http, https or file URL")
    elif not (_HOST.fullmatch(host) or _is_ipv6(parsed.raw_host or "")):
        raise BadUrl(url, "no usable host")


def _is_ipv6(host: str) -> bool:
    """Whether yarl took the host for an address, and left nothing behind it: no zone, and no dot as after a name."""
    return ":" in host and "%" not in host and not host.endswith(".")


def _host(parsed: URL) -> str:
    return (parsed.raw_host or "").removesuffix(".")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authority(parsed: URL) -> str:
    port = "" if parsed.is_default_port() else f":{parsed.port}"
    return _bracketed(_host(parsed)) + port


def _params(url: str, rules: UrlRules) -> UrlParams:
    return rules.params.get(registrable_domain(url), _NO_PARAMS) if rules.params else _NO_PARAMS


def _essential(query: str, params: UrlParams) -> str:
    """The query without the parameters that choose nothing."""
    return "&".join(part for part in query.split("&") if part and _chooses(part.partition("=")[0], params))


def _chooses(name: str, params: UrlParams) -> bool:
    return name in params.keep or not (name in params.drop or _TRACKING.fullmatch(name))


def _with_authority(base: str, link: str) -> str:
    """`//www.host/path` for `www.host/path`, which the letter of RFC 3986 takes for a path; any other link as it is."""
    first = _HOST_END.split(link, maxsplit=1)[0].lower()
    bare_host = (first.startswith("www.") and first.count(".") > 1) or first == urlsplit(base).netloc.lower()
    return f"//{link}" if first and bare_host else link
