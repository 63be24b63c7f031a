"""robots.txt: an answer's status and bytes → what we may ask for, and how often (RFC 9309). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protego import Protego

MAX_ROBOTS_BYTES = 500 * 1024  # RFC 9309 §2.5: the least that a crawler must read; we read no more

_BLANKET_DENIAL = "User-agent: *\nDisallow: /"
_COMPATIBLE = re.compile(r"compatible;\s*([A-Za-z_-]+)")
_PRODUCT = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Robots:
    """The rules of one origin."""

    rules: Protego
    sitemaps: tuple[str, ...] = ()
    unreachable: bool = False  # the server failed to say: nothing is allowed for now (RFC 9309 §2.3.1.4)

    def allows(self, url: str, user_agent: str) -> bool:
        """Whether a crawler with this User-Agent header may ask for the URL."""
        return bool(self.rules.can_fetch(url, product_token(user_agent)))

    def crawl_delay_s(self, user_agent: str) -> float | None:
        """Seconds the publisher wants between two requests, None where it does not say."""
        delay = self.rules.crawl_delay(product_token(user_agent))
        return None if delay is None else float(delay)


def read_robots(status: int, body: bytes) -> Robots:
    """The rules that an answer to a request for /robots.txt stands for.

    A 4xx means there are none (RFC 9309 §2.3.1.3), as does a redirect that leads nowhere. 5xx means that nobody may ask
    for now; so does 429, which the RFC would have us take for consent.
    """
    if status == 429 or status >= 500:
        return Robots(rules=Protego.parse(_BLANKET_DENIAL), unreachable=True)
    if not 200 <= status < 300:
        return Robots(rules=Protego.parse(""))
    rules = Protego.parse(_whole_lines(body).decode("utf-8-sig", errors="replace"))
    return Robots(rules=rules, sitemaps=tuple(rules.sitemaps))


def product_token(user_agent: str) -> str:
    """`storyfold` from `storyfold/0.1 (+https://…)` or `Mozilla/5.0 (compatible; storyfold/0.1)` (RFC 9309 §2.2.1).

    Matching the whole header would let a group named `news` or `bot` rule us because our comment has that word.
    """
    found = _COMPATIBLE.search(user_agent)
    token = found[1] if found else (_PRODUCT.match(user_agent.lstrip()) or [""])[0]
    return token.lower()


def _whole_lines(body: bytes) -> bytes:
    """The body up to the cap, without a line that the cap cut: half an `Allow: /only/this` would allow all."""
    if len(body) <= MAX_ROBOTS_BYTES:
        return body
    return body[: body.rfind(b"\n", 0, MAX_ROBOTS_BYTES) + 1]
