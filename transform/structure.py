"""What the structure of a page says of its blocks: where each stands, what is said twice, where another article begins.

No words of any language are looked at here, but how blocks compare with each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, pairwise, takewhile

from extract.model import BlockKind, Place
from transform.lines import HEADLINE, UNSPACED_WORDS, Line, is_unspaced
from transform.model import CutKind, Zone
from transform.normalize import words
from transform.packs import Finding

Found = dict[int, Finding]  # by index in the lines at hand

# What ends an article.
ENDS = frozenset({CutKind.AUTHOR_BIO, CutKind.COMMENT_PROMPT, CutKind.COPYRIGHT, CutKind.TAG_LIST})

_FALLEN: Mapping[Place, Finding] = {
    Place.CAPTION: (CutKind.CAPTION, "structure.caption.place"),
    Place.BYLINE: (CutKind.BYLINE, "structure.byline.place"),
    Place.COMMENT: (CutKind.COMMENT, "structure.comment.place"),
    Place.NEWSLETTER: (CutKind.NEWSLETTER, "structure.newsletter.place"),
    Place.ADVERT: (CutKind.ADVERT, "structure.advert.place"),
    Place.NOTICE: (CutKind.COPYRIGHT, "structure.copyright.notice"),
    Place.ASIDE: (CutKind.SECTION_LABEL, "structure.section-label.aside"),
    Place.OTHER_ARTICLE: (CutKind.OTHER_ARTICLE, "structure.other-article.markup"),
    Place.BELOW: (CutKind.SECTION_LABEL, "structure.section-label.below-element"),
}


def out_of_place(lines: Sequence[Line], found: Found) -> Found:
    """What stands in a part of the page that is not the text's, as long as a paragraph stands in that."""
    last = max((index for index, line in enumerate(lines) if _is_text(index, line, found)), default=None)
    if last is None:
        return {}
    fallen = {index: _FALLEN[line.block.place] for index, line in enumerate(lines) if line.block.place in _FALLEN}
    goes_on = range(last + 1, _end_of_prose(lines, last + 1))
    return {
        index: finding
        for index, finding in fallen.items()
        if not (lines[index].block.place is Place.BELOW and index in goes_on)
        and not (lines[index].block.place is Place.CAPTION and lines[index].block.kind is BlockKind.HEADING)
    }


def _is_text(index: int, line: Line, found: Found) -> bool:
    return line.is_prose and line.block.place is Place.TEXT and index not in found


def _end_of_prose(lines: Sequence[Line], start: int) -> int:
    """The first line from `start` on that is no paragraph: a text may go on in an element of its own."""
    return next((index for index in range(start, len(lines)) if not lines[index].is_prose), len(lines))


_SPEAKER = re.compile(r"([^\W\d][^:：.!?。！？]{0,39})[:：]\s*\S")
_TURNS = 2  # sentences of each of two, at least: a lone label is a label


def dialogue(lines: Sequence[Line]) -> frozenset[int]:
    """The sentences of an interview whose lines begin with who speaks, where one speaker follows another."""
    found = (_SPEAKER.match(line.block.text) if line.is_sentence and not line.is_linked else None for line in lines)
    speakers = [one[1] if one else "" for one in found]
    turns = Counter(speakers)
    spoken = [bool(speaker) and turns[speaker] >= _TURNS for speaker in speakers]
    changes = (
        (index, index + 1)
        for index in range(len(lines) - 1)
        if spoken[index] and spoken[index + 1] and speakers[index] != speakers[index + 1]
    )
    return frozenset(chain.from_iterable(changes))


_NAVIGATION = 0.9  # of a row's characters are links
_LINKS = 3  # so many of them below the text are no list of sources that nothing introduces


def links_below(lines: Sequence[Line], found: Found) -> Found:
    """Below the last paragraph, several links and what stands among them; not what a heading or a colon introduces."""
    last = max((index for index, line in enumerate(lines) if line.is_prose and index not in found), default=len(lines))
    below = [index for index in range(last + 1, len(lines)) if index not in found]
    start = next((at for at, index in enumerate(below) if lines[index].is_linked), len(below))
    run = list(takewhile(lambda index: not _reads_as_text(lines[index]), below[start:]))
    if sum(lines[index].is_linked for index in run) < _LINKS or _introduces(lines[run[0] - 1]):
        return {}
    return dict.fromkeys(run, (CutKind.RELATED, "structure.related.links-below"))


def linked_rows(lines: Sequence[Line]) -> Found:
    """Rows of links over the first or below the last paragraph: a table that is the page's navigation."""
    prose = [index for index, line in enumerate(lines) if line.is_prose]
    rows = (
        index
        for index, line in enumerate(lines)
        if line.block.kind is BlockKind.ROW and line.block.link_share >= _NAVIGATION
    )
    fallen = (CutKind.SECTION_LABEL, "structure.section-label.linked-row")
    return {index: fallen for index in rows if prose and not prose[0] < index < prose[-1]}


def _reads_as_text(line: Line) -> bool:
    """Whether the line, no link, is a heading, a sentence, or part of a table."""
    kind = line.block.kind
    return kind is BlockKind.ROW or (not line.is_linked and (kind is BlockKind.HEADING or line.is_sentence))


def _introduces(line: Line) -> bool:
    heads = line.block.kind is BlockKind.HEADING and not line.is_linked
    return heads or line.block.text.endswith((":", "："))


# --- What is said twice ---------------------------------------------------------------------------------------

_AGAIN: Finding = (CutKind.TEXT_AGAIN, "structure.text-again.paragraphs")
_PULLED_CHARS = 40  # of a pull quote at least; shorter ones may be names and terms
_PULLED: Finding = (CutKind.TEXT_AGAIN, "structure.text-again.pull-quote")


def text_again(lines: Sequence[Line], found: Found) -> Found:
    """Paragraphs that repeat two or more in their order, as in a second version for print, and what repeats with them.

    A lone paragraph that comes back may be the refrain of a song; only right after itself it is there twice.
    found: what falls anyhow; what it says has not been said
    """
    prose = [index for index, line in enumerate(lines) if line.is_prose and index not in found]
    texts = [lines[index].block.text for index in prose]
    before: dict[tuple[str, ...], int] = {}
    again: set[int] = set()
    for at, text in enumerate(texts):
        pair = tuple(texts[at : at + 2])
        if at and text == texts[at - 1] and prose[at] == prose[at - 1] + 1:
            again.add(prose[at])
        if before.setdefault(pair, at) < at and len(pair) == 2:
            again.update(prose[at : at + 2])
    return dict.fromkeys(_with_short_lines(again, lines, found), _AGAIN)


def _with_short_lines(again: set[int], lines: Sequence[Line], found: Found) -> set[int]:
    """The repeated paragraphs, with the lines around them that are repeated too."""
    if not again:
        return again
    seen: set[str] = set()
    repeated = []
    for index, line in enumerate(lines):
        repeated.append(line.block.text in seen)
        if index not in found:
            seen.add(line.block.text)
    whole = set(again)
    for step, order in ((1, range(len(lines))), (-1, range(len(lines) - 1, -1, -1))):
        for index in order:
            if repeated[index] and index - step in whole and not lines[index].is_prose:
                whole.add(index)
    return whole


def pull_quotes(lines: Sequence[Line], found: Found) -> Found:
    """Quotations set apart that stand word for word in a paragraph too; a heading in its words is a heading."""
    paragraphs = (line for index, line in enumerate(lines) if line.is_prose and index not in found)
    text = "\n".join(line.block.text for line in paragraphs if line.block.kind is BlockKind.PARAGRAPH)
    return {index: _PULLED for index, line in enumerate(lines) if _is_set_apart(line) and _bare(line) in text}


def _is_set_apart(line: Line) -> bool:
    return line.block.kind is BlockKind.QUOTE and len(_bare(line)) >= _PULLED_CHARS


def _bare(line: Line) -> str:
    return line.block.text.strip(" .,…\"'“”„«»‘’‚–—-")


# --- Where another article begins -----------------------------------------------------------------------------

_ARTICLE = 3  # paragraphs before another article can begin
_OTHER = 2  # paragraphs that make one
# Of the longer words of a text, the share that stands before it too. Of the second halves of 1,500 articles, 5 % have
# a tenth or less in common with the first halves, and 12 % have .15 or less; of other articles 60 % and 75 %.
_SHARED = {"signed": 0.15, "after-end": 0.1}

KindAt = Callable[[Line, tuple[Zone, ...]], CutKind | None]


def other_article(lines: Sequence[Line], title: str, kind_of: KindAt) -> Found:
    """A second article and all below it: a headline with a byline or a date, or after the end of the first, and text.

    It must speak of other matter than the first one, or it is a chapter of that.
    kind_of: what a line would be cut as if it stood in these zones
    """
    for index in (index for index, line in enumerate(lines) if _heads_article(line)):
        before, after = lines[:index], lines[index + 1 :]
        if _paragraphs(before) < _ARTICLE or _paragraphs(after) < _OTHER:
            continue
        rule = "signed" if _is_signed(after, kind_of) else "after-end" if _has_ended(before, kind_of) else None
        if rule and _shared(before, after, title) <= _SHARED[rule]:
            finding = (CutKind.OTHER_ARTICLE, f"structure.other-article.{rule}")
            return dict.fromkeys(range(index, len(lines)), finding)
    return {}


def _paragraphs(lines: Iterable[Line]) -> int:
    return sum(line.is_prose for line in lines)


def _heads_article(line: Line) -> bool:
    text = line.block.text
    return (
        line.is_headline
        and not line.is_linked
        and len(text) <= HEADLINE
        and (text.count(" ") >= 3 or is_unspaced(text, UNSPACED_WORDS))
    )


def _is_signed(after: Sequence[Line], kind_of: KindAt) -> bool:
    """Whether a byline or a date is among the next two lines, and a paragraph among the three after it."""
    for index, line in enumerate(after[:2]):
        if not line.is_prose and kind_of(line, (Zone.TOP, Zone.HEAD)) is CutKind.BYLINE:
            return any(below.is_prose for below in after[index + 1 : index + 4])
    return False


def _has_ended(before: Sequence[Line], kind_of: KindAt) -> bool:
    """Whether the end of an article stands right before."""
    return any(kind_of(line, (Zone.TAIL,)) in ENDS for line in before[-3:] if not line.is_prose)


def _shared(before: Sequence[Line], after: Sequence[Line], title: str) -> float:
    """The share of the words below that stand above."""
    said = stems(chain([title], (line.block.text for line in before)))
    more = stems(line.block.text for line in after if line.is_prose)
    return len(more & said) / len(more) if more else 1.0


def stems(texts: Iterable[str]) -> set[str]:
    """The first six letters of all longer words, and all pairs of neighbours in scripts without spaces."""
    tokens = words("\n".join(texts))
    pairs = (first + second for first, second in pairwise(tokens) if len(first) == len(second) == 1)
    return {token[:6] for token in tokens if len(token) >= 5}.union(pairs)
