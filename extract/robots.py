"""robots.txt: an answer's status and bytes → what we may ask for, and how often (RFC 9309). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from protego import Protego

MAX_ROBOTS_BYTES = 500 * 1024  # RFC 9309 §2.5: the least that a crawler must read; we read no more

_COMPATIBLE = re.compile(r"compatible;\s*([A-Za-z_-]+)")
_PRODUCT = re.compile(r"[A-Za-z_-]+")

Lines = tuple[tuple[str, str], ...]
"""Names of fields in small letters, and their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Agents, and the lines that are for them (RFC 9309 §2.2)."""

    agents: frozenset[str]  # product tokens in small letters
    lines: Lines


_AGENT_FIELDS = frozenset({"user-agent", "useragent", "user agent"})
_SITEMAP_FIELDS = frozenset({"sitemap", "sitemaps", "site-map"})
_NOBODY = (Group(agents=frozenset({"*"}), lines=(("disallow", "/"),)),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Robots:
    """The rules of one origin."""

    groups: tuple[Group, ...] = ()
    sitemaps: tuple[str, ...] = ()
    unreachable: bool = False  # the server failed to say: nothing is allowed for now (RFC 9309 §2.3.1.4)
    _rules: dict[str, Protego] = field(default_factory=dict, init=False)  # by User-Agent header, made when asked for

    def allows(self, url: str, user_agent: str) -> bool:
        """Whether a crawler with this User-Agent header may ask for the URL."""
        return bool(self._rules_for(user_agent).can_fetch(url, "*"))

    def crawl_delay_s(self, user_agent: str) -> float | None:
        """Seconds the publisher wants between two requests, None where it does not say."""
        delay = self._rules_for(user_agent).crawl_delay("*")
        return None if delay is None else float(delay)

    def lines_for(self, token: str) -> Lines | None:
        """The lines of all groups that name this product token; None where none does."""
        named = [group.lines for group in self.groups if token in group.agents]
        return tuple(line for lines in named for line in lines) if named else None

    def _rules_for(self, user_agent: str) -> Protego:
        """The rules of our own groups, else of those for everybody.

        protego would make a copy of the rules for each agent of a group: 30,000 agents before as many rules, which
        fit into 500 KiB, hold it up for minutes.
        """
        if user_agent not in self._rules:
            own = self.lines_for(product_token(user_agent))
            self._rules[user_agent] = rules_of(own if own is not None else self.lines_for("*") or ())
        return self._rules[user_agent]


def read_robots(status: int, body: bytes) -> Robots:
    """The rules that an answer to a request for /robots.txt stands for.

    A 4xx means there are none (RFC 9309 §2.3.1.3), as does a redirect that leads nowhere. 5xx means that nobody may ask
    for now; so does 429, which the RFC would have us take for consent.
    """
    if status == 429 or status >= 500:
        return Robots(groups=_NOBODY, unreachable=True)
    if not 200 <= status < 300:
        return Robots()
    lines = _lines(_whole_lines(body).decode("utf-8-sig", errors="replace"))
    sitemaps = tuple(value for name, value in lines if name in _SITEMAP_FIELDS and value)
    return Robots(groups=_groups(lines), sitemaps=sitemaps)


def rules_of(lines: Iterable[tuple[str, str]]) -> Protego:
    """What these lines of a group allow anybody."""
    return Protego.parse("\n".join(["User-agent: *", *(f"{name}: {value}" for name, value in lines)]))


def product_token(user_agent: str) -> str:
    """`storyfold` from `storyfold/0.1 (+https://…)` or `Mozilla/5.0 (compatible; storyfold/0.1)` (RFC 9309 §2.2.1).

    Matching the whole header would let a group named `news` or `bot` rule us because our comment has that word.
    """
    found = _COMPATIBLE.search(user_agent)
    token = found[1] if found else (_PRODUCT.match(user_agent.lstrip()) or [""])[0]
    return token.lower()


def _lines(text: str) -> Lines:
    parted = (line.partition("#")[0].partition(":") for line in text.splitlines())
    return tuple((name.strip().lower(), value.strip()) for name, colon, value in parted if colon)


def _groups(lines: Lines) -> tuple[Group, ...]:
    """The groups in their order; lines for the whole site, such as Sitemap, belong to none and end none."""
    groups: list[Group] = []
    agents: set[str] = set()
    rules: list[tuple[str, str]] = []
    for name, value in (*lines, ("user-agent", "")):
        if name in _AGENT_FIELDS:
            if rules:
                groups.append(Group(agents=frozenset(agents), lines=tuple(rules)))
                agents, rules = set(), []
            agents.add(_agent(value))
            agents.discard("")
        elif name not in _SITEMAP_FIELDS and name != "host":
            rules.append((name, value))
    return tuple(groups)


def _agent(value: str) -> str:
    """`googlebot` for `Googlebot/2.1`, `*` for `*`: some write a version, which RFC 9309 §2.2.1 has no room for."""
    return "*" if value == "*" else value.partition("/")[0].strip(" *").lower()


def _whole_lines(body: bytes) -> bytes:
    """The body up to the cap, without a line that the cap cut: half an `Allow: /only/this` would allow all."""
    if len(body) <= MAX_ROBOTS_BYTES:
        return body
    return body[: body.rfind(b"\n", 0, MAX_ROBOTS_BYTES) + 1]
