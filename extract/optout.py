"""What reserves a page from text and data mining or from the training of models: signals, read and never judged.

A signal is one word of where it stands and what it says: `robots:GPTBot`, `robots:ai-train=no`, `header:noai`,
`meta:tdm-reservation`, `tdmrep`, with `tdm-policy:<URL>` beside the last two where terms are offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from protego import Protego

from extract.headers import Headers
from extract.robots import Lines, Robots, product_token, rules_of

MAX_TDMREP_BYTES = 256 * 1024
MAX_TDMREP_RULES = 1000
MAX_POLICY_CHARS = 500  # of the URL of terms

AI_AGENTS: Mapping[str, str] = {
    "GPTBot": "developers.openai.com/api/docs/bots",
    "OAI-SearchBot": "developers.openai.com/api/docs/bots",
    "ChatGPT-User": "developers.openai.com/api/docs/bots",
    "ClaudeBot": "support.claude.com/en/articles/8896518",
    "Claude-SearchBot": "support.claude.com/en/articles/8896518",
    "Claude-User": "support.claude.com/en/articles/8896518",
    "anthropic-ai": "Anthropic's before ClaudeBot; still in many files",
    "Claude-Web": "Anthropic's before ClaudeBot; still in many files",
    "CCBot": "commoncrawl.org/ccbot",
    "Google-Extended": "developers.google.com/crawling/docs/crawlers-fetchers/google-common-crawlers",
    "Google-CloudVertexBot": "developers.google.com/crawling/docs/crawlers-fetchers/google-common-crawlers",
    "Applebot-Extended": "support.apple.com/119829",
    "Amazonbot": "developer.amazon.com/amazonbot",
    "Bytespider": "ByteDance, which documents none; named in most lists that publishers copy",
    "PerplexityBot": "docs.perplexity.ai/guides/bots",
    "Perplexity-User": "docs.perplexity.ai/guides/bots",
    "Meta-ExternalAgent": "developers.facebook.com/docs/sharing/webmasters/web-crawlers",
    "Meta-ExternalFetcher": "developers.facebook.com/docs/sharing/webmasters/web-crawlers",
    "FacebookBot": "developers.facebook.com/docs/sharing/webmasters/web-crawlers",
    "cohere-ai": "Cohere, which documents none; named in most lists that publishers copy",
    "cohere-training-data-crawler": "Cohere, which documents none; named in most lists that publishers copy",
    "AI2Bot": "allenai.org/crawler",
    "Diffbot": "docs.diffbot.com",
    "MistralAI-User": "docs.mistral.ai/robots",
    "DuckAssistBot": "duckduckgo.com/duckduckgo-help-pages/results/duckassistbot",
    "Omgilibot": "webz.io/bot.html",
    "Webzio-Extended": "webz.io/bot.html",
    "ImagesiftBot": "imagesift.com/about",
    "Timpibot": "timpi.io",
    "YouBot": "about.you.com/youbot",
    "PanguBot": "Huawei, which documents none; named in most lists that publishers copy",
}
"""Product tokens of crawlers and of switches for training or answering machines, and where each is described."""

_NOT_TO = re.compile(r"\b(ai-train|ai-input)\s*=\s*no\b", re.I)  # contentsignals.org; 'search' is no reservation
_FIELDS = frozenset({"x-robots-tag", "tdm-reservation", "tdm-policy"})
_NO_AI = ("noai", "noimageai", "noml")
_PICTURES_ONLY = "noimageai"
_HINTS = (b"noai", b"noimageai", b"noml", b"tdm-")
_HEAD_BYTES = 200_000  # of a page; heads with inlined styles are this long, bodies say nothing of it
_NOT_MARKUP = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1|\Z)", re.I | re.S)
_META = re.compile(r"<meta\b([^<>]{0,2000})", re.I)
_ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]{1,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one place says about mining by TDMRep (W3C Community Group report, 10 May 2024)."""

    place: str  # as the signal names it
    reserved: bool
    policy: str | None = None  # URL of the terms on which it may be done

    def signals(self) -> tuple[str, ...]:
        if not self.reserved:
            return ()
        return (self.place, *([f"tdm-policy:{self.policy}"] if self.policy else []))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TdmRule:
    """One entry of /.well-known/tdmrep.json."""

    rules: Protego  # its location, a pattern as in robots.txt: what that closes is meant
    declaration: Declaration


TdmRules = tuple[TdmRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobotsOptOuts:
    """What one robots.txt reserves."""

    groups: tuple[tuple[Protego, tuple[str, ...]], ...]  # rules, and the AI agents that they are for by name
    named: frozenset[str]  # product tokens of all groups
    content: Mapping[str, tuple[str, ...]]  # product token or '*' → signals of its Content-Signal lines

    def of(self, url: str, user_agent: str) -> tuple[str, ...]:
        """The AI agents that are kept from the URL by name, and the content signals that are meant for us.

        A group for everybody keeps no AI agent out in particular: it binds us as it binds them.
        """
        closed = (agent for rules, agents in self.groups if not rules.can_fetch(url, "*") for agent in agents)
        token = product_token(user_agent)
        said = self.content.get(token if token in self.named else "*", ())
        return (*(f"robots:{agent}" for agent in closed), *said)


def read_robots_opt_outs(robots: Robots) -> RobotsOptOuts:
    """What a robots.txt says to the AI agents that it names, and to whom it says ai-train=no."""
    named: dict[Lines, list[str]] = {}  # most files close one group to many agents, or many groups to one each
    for agent in AI_AGENTS:
        if lines := robots.lines_for(agent.lower()):
            named.setdefault(lines, []).append(agent)
    content: dict[str, tuple[str, ...]] = {}
    for group in robots.groups:
        if signals := _content_signals(group.lines):
            for token in group.agents:
                content[token] = tuple(dict.fromkeys(content.get(token, ()) + signals))
    return RobotsOptOuts(
        groups=tuple((rules_of(lines), tuple(agents)) for lines, agents in named.items()),
        named=frozenset(token for group in robots.groups for token in group.agents),
        content=content,
    )


def page_opt_outs(headers: Headers, body: bytes, rules: TdmRules, path: str) -> tuple[str, ...]:
    """What an answer says of itself, and /.well-known/tdmrep.json of its path.

    Of the places for tdm-reservation the nearest counts: the page before the header before the file.
    path: with its query, as in the request
    """
    head = _head(body)
    metas = tuple(_metas(head)) if head else ()
    lowered = ((name.lower(), value) for name, value in headers)
    fields = tuple(field for field in lowered if field[0] in _FIELDS)
    said = [
        *_no_ai("header", (value for name, value in fields if name == "x-robots-tag")),
        *_no_ai("meta", (content for name, content in metas if name == "robots")),
    ]
    declared = (
        _declared("meta:tdm-reservation", metas) or _declared("header:tdm-reservation", fields) or _ruled(rules, path)
    )
    return (*said, *(declared.signals() if declared else ()))


def reserving(signals: tuple[str, ...]) -> str | None:
    """The first signal that reserves a text; one about pictures alone does not."""
    return next((signal for signal in signals if not signal.endswith(_PICTURES_ONLY)), None)


def read_tdmrep(body: bytes) -> TdmRules:
    """The rules of a /.well-known/tdmrep.json, in their order; what has another shape says nothing."""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    rules = (_tdm_rule(entry) for entry in (listed if isinstance(listed, list) else [])[:MAX_TDMREP_RULES])
    return tuple(rule for rule in rules if rule)


def _content_signals(lines: Lines) -> tuple[str, ...]:
    said = (match[1] for name, value in lines if name == "content-signal" for match in _NOT_TO.finditer(value))
    return tuple(dict.fromkeys(f"robots:{use.lower()}=no" for use in said))


def _no_ai(place: str, values: Iterator[str]) -> list[str]:
    """`header:noai` for each such word, whichever agent it is addressed to (`otherbot: noai`)."""
    words = {word for value in values for word in re.split(r"[\s,:;]+", value.lower())}
    return [f"{place}:{word}" for word in _NO_AI if word in words]


def _declared(place: str, named: Lines) -> Declaration | None:
    values = {name: value.strip() for name, value in reversed(named)}
    return _declaration(place, values.get("tdm-reservation"), values.get("tdm-policy"))


def _ruled(rules: TdmRules, path: str) -> Declaration | None:
    """What the first rule says whose location fits."""
    return next((rule.declaration for rule in rules if not rule.rules.can_fetch(path, "*")), None)


def _tdm_rule(entry: Any) -> TdmRule | None:
    if not isinstance(entry, dict):
        return None
    location = entry.get("location")
    if not isinstance(location, str) or not location.strip() or not location.isprintable():
        return None
    reservation, policy = entry.get("tdm-reservation"), entry.get("tdm-policy")
    declared = _declaration(
        "tdmrep",
        str(reservation) if isinstance(reservation, int | str) else None,
        policy if isinstance(policy, str) else None,
    )
    return TdmRule(rules=rules_of([("disallow", location.strip())]), declaration=declared) if declared else None


def _declaration(place: str, reservation: str | None, policy: str | None) -> Declaration | None:
    """None for what is neither 0 nor 1: TDMRep has it taken for unsaid."""
    if reservation not in ("0", "1"):
        return None
    usable = policy if policy and len(policy) <= MAX_POLICY_CHARS and policy.isprintable() else None
    return Declaration(place=place, reserved=reservation == "1", policy=usable)


def _head(body: bytes) -> bytes:
    """What stands before a page's body element, where it hints at a signal; empty for nearly all pages."""
    head = body[:_HEAD_BYTES].partition(b"<body")[0].partition(b"<BODY")[0]
    small = head.lower()
    return head if any(hint in small for hint in _HINTS) else b""


def _metas(head: bytes) -> Iterator[tuple[str, str]]:
    """Names, in small letters, and contents of the meta elements."""
    for meta in _META.finditer(_NOT_MARKUP.sub("", head.decode("latin-1"))):
        found = {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(meta[1])}
        if "name" in found:
            yield found["name"].strip().lower(), unescape(found.get("content", "")).strip()
