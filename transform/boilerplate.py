"""The blocks of an article that are not its text, found and cut, each cut on record with its rule.

Rule packs (`transform.packs`) say what whole lines of clutter read like and where on a page they stand; the structure
of the page says the rest. Nothing is looked for inside a paragraph, so an article may write about cookies, newsletters
and adverts. In doubt a block stays: a good line lost is worse than a leftover.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import accumulate, chain

from extract.blocks import MIN_WORDS, count_words
from extract.model import Article, BlockKind, Extractor, Flag
from transform.frame import frame_of
from transform.lines import HEADLINE, PROSE, UNSPACED_WORDS, Line, bare_letters, is_unspaced, line_of, plain_form
from transform.memory import BLANK, SiteMemory, segment
from transform.model import CleanArticle, Cut, CutKind, Zone
from transform.normalize import normalize
from transform.packs import LENGTHS, Finding, Opening, Rule, RulePacks, Screen, screens_on
from transform.structure import (
    ENDS,
    Found,
    dialogue,
    linked_rows,
    links_below,
    other_article,
    out_of_place,
    pull_quotes,
    text_again,
)

TITLE = 15  # characters of a normal form; shorter ones are subheadings as often as titles
UNSPACED_HEADLINE = range(10, 61)  # characters of Han or kana that may be a headline, which takes five words of others

_CLOSING = frozenset({CutKind.COMMENT_PROMPT, CutKind.COPYRIGHT})
# What speaks to the readers of a page, so that a report may quote it.
_ADDRESSED = frozenset(
    {
        CutKind.ADBLOCK,
        CutKind.ADVERT,
        CutKind.COMMENT_PROMPT,
        CutKind.COOKIE,
        CutKind.COPYRIGHT,
        CutKind.NEWSLETTER,
        CutKind.PAYWALL,
        CutKind.SOCIAL,
    }
)
_QUOTED = re.compile(r"[“”„‟\"«»][^“”„‟\"«»]+[“”‟\"«»]|[「『][^」』]+[」』]|‘[^‘]+?’(?!\w)")
_QUOTED_WORDS = 3  # fewer are a name, of a newspaper or an app
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*(?=\w)")

Zones = tuple[Zone, ...]
Sentence = tuple[Line, Sequence[Rule]]


def strip_boilerplate(article: Article, packs: RulePacks, memory: SiteMemory = BLANK) -> CleanArticle:
    """The article's text, and what is cut from it: all blocks in order, each in one of the two.

    memory: what repeats in the article's source; not heeded where it would leave no article
    """
    clean = _strip(article, packs, memory.segments)
    vanished = memory.segments and count_words(clean.blocks) < MIN_WORDS
    return _strip(article, packs, frozenset()) if vanished else clean


def _strip(article: Article, packs: RulePacks, repeated: frozenset[bytes]) -> CleanArticle:
    """The article, cleaned.

    Clutter hides clutter: what stands before the comment form is the tail only once the form is gone. So the page is
    swept until nothing more is found, and stripping a clean article again cuts nothing.
    """
    names = (plain_form(bare_letters(name.lower()), ()) for name in article.authors)
    authors = sorted((name for name in names if " " in name or is_unspaced(name, 1)), key=len, reverse=True)
    titles = _title_forms(article.title)
    undone = packs.undone_on(article.source)
    screens = screens_on(packs, article)

    @cache  # the sweeps ask again and again, of other zones
    def chances(line: Line) -> tuple[tuple[Sequence[Rule], Sequence[Sentence]], ...]:
        return tuple((_rules_for(line, one), _sentences(line, one, authors)) for one in screens)

    @cache
    def match(line: Line, zones: Zones) -> Rule | None:
        found = (_first(rules, line, zones) or _of_all(sentences, zones) for rules, sentences in chances(line))
        return next((rule for rule in found if rule), None)

    lines = [line_of(position, block, authors) for position, block in enumerate(article.blocks)]
    known = _known(lines, titles, repeated)
    cuts: list[Cut] = []
    while found := _without(undone, _sweep(article, lines, titles, match, known, undone)):
        zones = zones_of(lines)
        cuts += [_cut(lines[index], finding, zones[index]) for index, finding in found.items()]
        lines = [line for index, line in enumerate(lines) if index not in found]
    return CleanArticle(
        article=article,
        blocks=tuple(line.block for line in lines),
        cuts=tuple(sorted(cuts, key=lambda cut: cut.position)),
    )


def _without(undone: Set[str], found: Found) -> Found:
    return {index: finding for index, finding in found.items() if finding[1] not in undone} if undone else found


def _cut(line: Line, finding: Finding, zones: Zones) -> Cut:
    kind, rule = finding
    zone = next(zone for zone in Zone if zone in zones)
    return Cut(position=line.position, text=line.block.text, kind=kind, rule=rule, zone=zone)


def _sweep(
    article: Article,
    lines: Sequence[Line],
    titles: tuple[str, ...],
    match: Callable[[Line, Zones], Rule | None],
    known: Mapping[int, bytes],
    undone: Set[str],
) -> Found:
    """What falls with these lines on the page; where two rules agree, the first one is named."""
    zones = zones_of(lines)
    spoken = dialogue(lines)
    matched = {
        index: rule
        for index, line in enumerate(lines)
        if index not in spoken
        and (rule := match(line, zones[index]))
        and not _is_of_the_story(rule, index, lines)
        and not _is_told(rule, line, zones[index])
    }
    matched = {index: rule for index, rule in matched.items() if not _heads_text(rule, index, lines, zones, matched)}
    found = _repeated_titles(lines, zones, titles)
    found |= {index: (rule.kind, rule.id) for index, rule in matched.items()}
    if structure := _without(undone, _by_structure(article, lines, found, match)):
        return structure  # goes first, as all else is judged by its neighbours
    found = _names_beside_biographies(lines, found) | _cards(lines, zones, found) | found
    for index, rule in matched.items():
        if rule.opens:
            found = _under(rule, index, lines, zones, found) | found
    found = _linked_headlines(lines, found) | found
    found = links_below(lines, found) | found
    found = _remembered(lines, known, found) | _above_title(lines, zones, titles) | _below_text(lines, found) | found
    return frame_of(lines) | found if article.extractor is Extractor.LINES else found


def _by_structure(
    article: Article, lines: Sequence[Line], found: Found, match: Callable[[Line, Zones], Rule | None]
) -> Found:
    """What falls by where it stands or by what else the page says.

    The entries of a live blog are all its text. Where there was no markup, the answers in a forum look like articles.
    """

    def kind_of(line: Line, zones: Zones) -> CutKind | None:
        rule = match(line, zones)
        return rule.kind if rule else None

    placed = out_of_place(lines, found)
    spoken_of = {index: rule for index in placed if (rule := match(lines[index], tuple(Zone)))}  # words tell more
    structure = linked_rows(lines) | placed | {index: (rule.kind, rule.id) for index, rule in spoken_of.items()}
    if Flag.LIVE_BLOG in article.flags:
        structure = {index: finding for index, finding in structure.items() if finding[0] is not CutKind.OTHER_ARTICLE}
    elif article.extractor is not Extractor.LINES:
        structure |= other_article(lines, article.title, kind_of)
    structure = pull_quotes(lines, found | structure) | structure
    return text_again(lines, found | structure) | structure


def zones_of(lines: Sequence[Line]) -> list[Zones]:
    """For each line the zones it stands in, see `Zone`."""
    count = [0, *accumulate(line.is_prose for line in lines)]
    extent = [0, *accumulate(len(line.block.text) if line.is_prose else 0 for line in lines)]

    def zones(index: int) -> Iterator[Zone]:
        if count[index] == 0:
            yield Zone.TOP
        if count[index] <= 1:
            yield Zone.HEAD
        if count[-1] - count[index + 1] <= 3 and 3 * extent[index] >= extent[-1]:
            yield Zone.TAIL

    return [tuple(zones(index)) or (Zone.BODY,) for index in range(len(lines))]


def _rules_for(line: Line, screens: Sequence[Screen]) -> Sequence[Rule]:
    """The rules among which those are that match the block, wherever it stands; mostly none."""
    text = line.block.text
    if len(text) > LENGTHS[-1]:
        return ()
    screen = screens[bisect_left(LENGTHS, len(text))]
    if screen.plain.fullmatch(line.plain) or screen.shown.fullmatch(text):
        return screen.rules
    return tuple(chain.from_iterable(those for word, those in screen.mentions if word in line.lower))


def _first(rules: Sequence[Rule], line: Line, zones: Zones) -> Rule | None:
    """The first rule that matches the block where it stands."""
    return next((rule for rule in rules if _applies(rule, line, zones)), None)


def _sentences(line: Line, screens: Sequence[Screen], authors: Sequence[str]) -> Sequence[Sentence]:
    """The sentences of a short block, each with the rules for it; none unless there are such for every one."""
    sentences = _BETWEEN_SENTENCES.split(line.block.text) if len(line.block.text) <= LENGTHS[1] else []
    found: list[Sentence] = []
    for text in sentences if 2 <= len(sentences) <= 4 else ():
        sentence = line_of(line.position, replace(line.block, text=text), authors)
        if not (rules := _rules_for(sentence, screens)):
            return ()
        found.append((sentence, rules))
    return found


def _of_all(sentences: Sequence[Sentence], zones: Zones) -> Rule | None:
    """The rule of the first sentence, where every one is clutter of one kind."""
    first = None
    for sentence, rules in sentences:
        rule = _first(rules, sentence, zones)
        if rule is None or (first and rule.kind is not first.kind):
            return None
        first = first or rule
    return first


_compiled = cache(re.compile)  # re itself keeps the last 512, and there are more rules


def _applies(rule: Rule, line: Line, zones: Zones) -> bool:
    text = line.block.text if rule.cased else line.plain
    return (
        len(line.block.text) <= rule.max_length
        and not rule.zones.isdisjoint(zones)
        and not (rule.label and line.is_stopped)
        and not (rule.is_foreign and " " not in line.plain and not is_unspaced(line.plain, UNSPACED_WORDS))
        and _compiled(rule.pattern).fullmatch(text) is not None
    )


def _is_of_the_story(rule: Rule, index: int, lines: Sequence[Line]) -> bool:
    """Whether a biography of someone not known to be the author is of a person the text has named before."""
    if rule.kind is not CutKind.AUTHOR_BIO or not rule.cased:
        return False
    name = " ".join(lines[index].block.text.split()[:2])
    return any(name in line.block.text for line in lines[:index] if line.is_prose)


def _is_told(rule: Rule, line: Line, zones: Zones) -> bool:
    """Whether a paragraph only quotes what a page says to its readers, or is longer than a headline with its call."""
    if not line.is_prose:
        return False
    if rule.kind is CutKind.RELATED:
        return line.is_stopped and not line.block.link_share and len(line.block.text) > LENGTHS[0]
    return rule.kind in _ADDRESSED and _is_quoted(rule, line, zones)


def _is_quoted(rule: Rule, line: Line, zones: Zones) -> bool:
    """Whether the rule matches no more without the quotations; a short one is a name, which any call may bear."""
    text = _QUOTED.sub(lambda quoted: "" if _says_something(quoted[0]) else quoted[0], line.block.text)
    unquoted = line_of(line.position, replace(line.block, text=" ".join(text.split())), ())
    return text != line.block.text and not _applies(rule, unquoted, zones)


def _says_something(quoted: str) -> bool:
    return quoted.count(" ") >= _QUOTED_WORDS - 1 or is_unspaced(quoted, UNSPACED_WORDS + 2)


def _heads_text(
    rule: Rule, index: int, lines: Sequence[Line], zones: Sequence[Zones], matched: Mapping[int, Rule]
) -> bool:
    """Whether a word that is clutter only by its place, as 'Politics', is the heading of the next paragraph."""
    return (
        rule.label
        and Zone.BODY not in rule.zones
        and rule.kind not in (CutKind.BYLINE, CutKind.AUTHOR_BIO)
        and Zone.TOP not in zones[index]
        and index - 1 not in matched
        and any(line.is_prose for line in lines[index + 1 : index + 2])
    )


_TITLE_BREAK = re.compile(r"\s[-–—|·»]\s|[:|»]\s*")


def _title_forms(title: str) -> tuple[str, ...]:
    """The title as it may stand over the text: whole, then without its kicker, without the site's name."""
    breaks = list(_TITLE_BREAK.finditer(title))
    parts = [title[: found.start()] for found in breaks] + [title[found.end() :] for found in breaks]
    return (normalize(title), *(form for form in map(normalize, parts) if len(form) >= TITLE))


_CLOSE = 4  # lines; a verse that comes back later is a verse


def _repeated_titles(lines: Sequence[Line], zones: Sequence[Zones], titles: tuple[str, ...]) -> Found:
    """The title standing at the head of the text, with another kicker before it too, or a line twice, close by."""
    repeated: Found = {}
    seen: dict[str, int] = {}
    for index, line in enumerate(lines):
        if Zone.HEAD not in zones[index] or line.is_prose or len(line.block.text) > LENGTHS[-1]:
            continue
        normal = normalize(line.block.text)
        kicker = len(normal) - len(titles[0])
        is_title = normal in titles and normal != ""
        if (
            is_title
            or index - seen.get(normal, -_CLOSE) < _CLOSE
            or (len(titles[0]) >= TITLE and kicker < LENGTHS[0] and normal.endswith(f" {titles[0]}"))
        ):
            repeated[index] = (CutKind.TITLE_AGAIN, "structure.title-again.title")
        elif len(normal) >= TITLE:
            seen[normal] = index
    return repeated


def _above_title(lines: Sequence[Line], zones: Sequence[Zones], titles: tuple[str, ...]) -> Found:
    """What stands over the title, before any paragraph, is the head of the page: navigation, address, date.

    Unless it is a text of short lines, as a law is: some of those end in a comma or a colon.
    """
    top = [index for index, line in enumerate(lines) if Zone.TOP in zones[index] and not line.is_prose]
    title = next((index for index in top if normalize(lines[index].block.text) in titles), 0)
    if any(line.block.text.endswith((",", ";", ":")) for line in lines[:title]):
        return {}
    return dict.fromkeys(range(title), (CutKind.SECTION_LABEL, "structure.section-label.above-title"))


def _below_text(lines: Sequence[Line], found: Found) -> Found:
    """What stands below the comment prompt or the copyright notice, when no paragraph of the article follows.

    Tables stay: the extractor moves those of the text to the end.
    """
    last = max((index for index, line in enumerate(lines) if line.is_prose and index not in found), default=len(lines))
    ends = (index for index in sorted(found) if index > last and found[index][0] in _CLOSING)
    below = range(next(ends, len(lines)) + 1, len(lines))
    fallen = (CutKind.SECTION_LABEL, "structure.section-label.below-text")
    return {index: fallen for index in below if lines[index].block.kind is not BlockKind.ROW}


def _known(lines: Sequence[Line], titles: tuple[str, ...], repeated: frozenset[bytes]) -> dict[int, bytes]:
    """Position → segment of the blocks that repeat in the source; the article's own title is not among them."""
    parts = ((line, segment(line.block.text)) for line in lines) if repeated else ()
    return {
        line.position: part for line, part in parts if part in repeated and normalize(line.block.text) not in titles
    }


def _remembered(lines: Sequence[Line], known: Mapping[int, bytes], found: Found) -> Found:
    """What repeats in the source, before and after the paragraphs that are this article's own.

    Amid them only links: a line that comes back there is as often a heading of the publisher's style.
    """
    own = [i for i, line in enumerate(lines) if line.is_prose and line.position not in known and i not in found]
    amid = range(own[0], own[-1]) if own else range(0)
    return {
        index: (CutKind.REPEATED, f"memory.repeated.{known[line.position].hex()}")
        for index, line in enumerate(lines)
        if line.position in known and (index not in amid or line.is_linked)
    }


def _names_beside_biographies(lines: Sequence[Line], found: Found) -> Found:
    """A name over a biography that begins with it, and what stands between the two."""
    names: Found = {}
    for index in (index for index, (kind, _) in found.items() if kind is CutKind.AUTHOR_BIO):
        for start in range(max(index - 3, 0), index):
            name = lines[start].plain
            is_name = " " in name and len(name) <= 40 and lines[index].plain.startswith((f"{name} ", f"{name}, "))
            if is_name and not any(line.is_prose for line in lines[start:index]):
                names |= dict.fromkeys(range(start, index), (CutKind.AUTHOR_BIO, "structure.author-bio.name"))
    return names


def _cards(lines: Sequence[Line], zones: Sequence[Zones], found: Found) -> Found:
    """At the tail, a headline, a paragraph that breaks off and the label of a picture: the card of another article."""
    cards: Found = {}
    for index, (kind, _) in found.items():
        if kind is CutKind.CAPTION and index >= 2 and index - 2 not in found and Zone.TAIL in zones[index - 2]:
            headline, teaser = lines[index - 2 : index]
            is_cut_off = not teaser.is_sentence or teaser.block.text.endswith(("…", "..."))
            if headline.is_headline and is_cut_off and len(teaser.block.text) >= PROSE:
                cards |= dict.fromkeys((index - 2, index - 1), (CutKind.RELATED, "structure.related.card"))
    return cards


_LIST_MAX = 30  # blocks under one heading
_UNLISTED_MAX = 10  # lines of them that are neither links nor items: more are rather a text of short lines


def _under(rule: Rule, heading: int, lines: Sequence[Line], zones: Sequence[Zones], found: Found) -> Found:
    """What falls with a heading; a heading over the first paragraph of the page opens nothing."""
    if not any(line.is_prose for line in lines[:heading]):
        return {}
    if rule.opens is Opening.LIST:
        under = _list_under(heading, lines, zones, found)
    else:
        under = _paragraph_under(heading, lines)
    if rule.kind is CutKind.RELATED and any(line.block.link_share for line in lines):
        under = _without_own_lines(under, lines)
    return dict.fromkeys(under, (rule.kind, f"{rule.id}/under"))


def _without_own_lines(under: list[int], lines: Sequence[Line]) -> list[int]:
    """What falls with a heading of related stories on a page whose links are known: amid the text not without a link.

    Extractors drop the links that such a heading was over, and the article's own list or question comes under it.
    """
    goes_on = any(line.is_prose for line in lines[under[-1] + 1 :]) if under else False
    return [] if goes_on and not any(lines[index].block.link_share for index in under) else under


def _list_under(heading: int, lines: Sequence[Line], zones: Sequence[Zones], found: Found) -> list[int]:
    """Headlines, items and links, up to where the text returns: at a sentence that stands by itself, or a table."""
    is_over = any(kind in ENDS and index < heading and Zone.TAIL in zones[index] for index, (kind, _) in found.items())
    taken: list[int] = []
    end = min(heading + 1 + _LIST_MAX, len(lines))
    for index in (index for index in range(heading + 1, end) if index not in found):
        line = lines[index]
        is_teaser = is_over and line.is_prose and not any(after.is_prose for after in lines[index + 1 : index + 2])
        is_data = line.block.kind is BlockKind.ROW and not line.is_linked
        if is_data or not (line.is_listed or line.is_headline or is_teaser):
            return _amid_text(taken, lines)
        taken.append(index)
    return taken if end == len(lines) else _amid_text(taken, lines)


def _amid_text(taken: list[int], lines: Sequence[Line]) -> list[int]:
    """What falls of a list that text follows: of many short lines only links and items, and not the next heading.

    That is a last line unlike the others, or marked as one. Many short lines may be a song, a table, a programme.
    """
    listed = [index for index in taken if lines[index].is_listed]
    if len(taken) - len(listed) > _UNLISTED_MAX:
        return listed
    is_heading = taken and not lines[taken[-1]].is_listed
    return taken[:-1] if is_heading and (listed or lines[taken[-1]].block.kind is BlockKind.HEADING) else taken


def _paragraph_under(heading: int, lines: Sequence[Line]) -> list[int]:
    """The next paragraph and up to two short lines before it, as a name and an office, if at most one more follows."""
    for index in range(heading + 1, min(heading + 4, len(lines))):
        if lines[index].is_sentence:
            is_last = sum(line.is_prose for line in lines[index + 1 :]) <= 1
            return list(range(heading + 1, index + 1)) if is_last else []
    return []


def _linked_headlines(lines: Sequence[Line], found: Found) -> Found:
    """Headlines of other articles between paragraphs: lines that are links for the most part.

    Only after the end of a sentence: after a heading or a colon they are the article's own list, after half a sentence
    a piece of it. A line that is all link and stands alone over a paragraph may be a subheading.
    """
    headlines: Found = {}
    for index, line in enumerate(lines):
        is_next = index - 1 in headlines
        is_after = index == 0 or index - 1 in found or (lines[index - 1].is_prose and lines[index - 1].is_sentence)
        after = lines[index + 1] if index + 1 < len(lines) else None
        heads_text = not is_next and line.is_link and after is not None and after.is_prose
        goes_on = after is not None and after.block.text[:1].islower()
        if (is_next or is_after) and _is_linked_headline(line, is_next) and not heads_text and not goes_on:
            headlines[index] = (CutKind.RELATED, "structure.related.linked-headline")
    return headlines


def _is_linked_headline(line: Line, is_next: bool) -> bool:
    """is_next: whether one stands before it; then fewer words will do, and a price may outweigh the link."""
    block = line.block
    return (
        block.kind in (BlockKind.PARAGRAPH, BlockKind.ITEM)
        and (line.is_linked or (is_next and block.kind is BlockKind.ITEM and block.link_share >= 0.25))
        and len(block.text) <= HEADLINE
        and (
            len(block.text) in UNSPACED_HEADLINE
            if is_unspaced(block.text, 1)
            else len(block.text) >= 20 and block.text.count(" ") >= (2 if is_next else 4)
        )
        and (line.is_headline or block.text.endswith(("..", "…")))
        and not block.text.endswith((":", ","))
    )
