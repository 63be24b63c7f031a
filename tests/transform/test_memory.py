"""What counts as the same block, what is learned of a source's stories, and what cleaning makes of that."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.model import Article, Block, BlockKind, Extractor, SourceName
from transform.boilerplate import strip_boilerplate
from transform.memory import BLANK, Lesson, SiteMemory, Told, learn, segment, segments_of
from transform.model import CleanArticle, CutKind
from transform.packs import read_packs
from transform.read import ReadSpec

PACKS = read_packs()
PROSE = (
    "The market hall will close at the end of the year, as the roof would cost more than the town has for repairs.",
    "Traders were told on Monday evening. Some of them have stood there for three decades and do not know where to go.",
    "The council wants to offer them places under the arches of the old viaduct, which it has begun to clear.",
)
BACKGROUND = (
    "The hall was opened in 1884 and is among the oldest buildings of iron and glass that the country has left."
)
STRAPLINE = "All that moves our valley, every day anew"


def article(*texts: str | Block, title: str = "The market hall closes") -> Article:
    return Article(
        url="https://gazette.example/market",
        source=SourceName("gazette"),
        title=title,
        authors=(),
        summary=None,
        blocks=tuple(text if isinstance(text, Block) else Block(text=text) for text in texts),
        extractor=Extractor.TRAFILATURA,
        language="en",
        published_at=None,
        date_precision=None,
        date_found_in=None,
        modified_at=None,
        fetched_at=datetime(2026, 5, 12, tzinfo=UTC),
    )


def memory_of(*texts: str) -> SiteMemory:
    return SiteMemory(version=1, segments=frozenset(map(segment, texts)))


def strip(told: Article, *repeated: str) -> CleanArticle:
    return strip_boilerplate(told, PACKS, memory_of(*repeated))


def repeated(clean: CleanArticle) -> list[str]:
    return [cut.text for cut in clean.cuts if cut.kind is CutKind.REPEATED]


# --- Segments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Follow us on Pelican", "FOLLOW US ON PELICAN!"),
        ("3 comments", "17 Comments"),
        ("Tuesday, 3.05.2026 | 17:04", "Tuesday 12 05 2026 – 9:30"),
        ("- Harbour", "Harbour"),
        (PROSE[0], PROSE[0].upper()),
    ],
)
def test_blocks_that_read_alike_are_one_segment(one: str, other: str) -> None:
    assert segment(one) == segment(other) != b""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Follow us on Pelican", "Follow us on Heron"),
        ("Tuesday, 3 May", "Wednesday, 3 May"),
        (PROSE[0], PROSE[1]),
        ("A fine of 40 crowns was paid by each of the three, and the boats were let go again on the morning after.",
         "A fine of 50 crowns was paid by each of the three, and the boats were let go again on the morning after."),
    ],
)  # fmt: skip
def test_blocks_that_do_not_are_different_ones(one: str, other: str) -> None:
    assert segment(one) != segment(other)


@pytest.mark.parametrize("text", ["", "***", "2", "- 14", "§ 3", "—"])
def test_a_number_or_a_sign_is_no_segment(text: str) -> None:
    assert segment(text) == b""


def test_an_article_has_the_segments_of_its_text_and_of_what_memory_cut_but_not_its_title() -> None:
    told = article("The Market Hall Closes", *PROSE, STRAPLINE, "Sign up for our newsletter and never miss a story.")
    own = tuple(map(segment, (*PROSE, STRAPLINE)))
    assert segments_of(strip_boilerplate(told, PACKS)) == own
    assert segments_of(strip(told, STRAPLINE)) == own


# --- Learning -------------------------------------------------------------------------------------------------


def told(*stories: tuple[int, Sequence[str]]) -> list[Told]:
    return [Told(story=story, segments=tuple(map(segment, texts))) for story, texts in stories]


def test_a_line_repeats_in_two_stories_a_paragraph_in_three() -> None:
    lesson = learn(told((1, [STRAPLINE, BACKGROUND]), (2, [STRAPLINE, BACKGROUND])))
    assert lesson.repeated == {segment(STRAPLINE): 2}
    lesson = learn(told(*((story, [STRAPLINE, BACKGROUND]) for story in (1, 2, 3))))
    assert lesson.repeated == {segment(STRAPLINE): 3, segment(BACKGROUND): 3}


def test_what_stands_in_copies_of_one_text_does_not_repeat() -> None:
    lesson = learn(told(*((7, [STRAPLINE, BACKGROUND]) for _ in range(5))))
    assert lesson == Lesson(repeated={}, copied=frozenset({segment(STRAPLINE), segment(BACKGROUND)}))


@given(st.lists(st.tuples(st.integers(1, 4), st.lists(st.sampled_from([*PROSE, STRAPLINE, "Top", "Share"]), unique=True)), max_size=8), st.randoms())  # fmt: skip
@settings(max_examples=50)
def test_the_order_of_the_articles_does_not_matter(stories: list[tuple[int, list[str]]], rng: random.Random) -> None:
    shuffled = list(stories)
    rng.shuffle(shuffled)
    assert learn(told(*stories)) == learn(told(*shuffled))


# --- Cleaning -------------------------------------------------------------------------------------------------


def test_what_is_remembered_is_cut_at_the_edges_and_the_cut_names_it() -> None:
    clean = strip(article(STRAPLINE, *PROSE, BACKGROUND), STRAPLINE, BACKGROUND)
    assert repeated(clean) == [STRAPLINE, BACKGROUND]
    assert {cut.rule for cut in clean.cuts} == {f"memory.repeated.{segment(text).hex()}" for text in (STRAPLINE, BACKGROUND)}  # fmt: skip
    assert clean.text == "\n\n".join(PROSE)


def test_a_publishers_heading_amid_the_text_stays_and_a_link_falls() -> None:
    heading = Block(text="What it means for you", kind=BlockKind.HEADING)
    link = Block(text="The valley in pictures", link_share=1.0)
    clean = strip(article(PROSE[0], heading, PROSE[1], link, PROSE[2]), heading.text, link.text)
    assert repeated(clean) == [link.text]


def test_the_title_of_the_article_is_not_repeated_boilerplate() -> None:
    series = "The question of the week"
    assert repeated(strip(article(*PROSE, series, title=series), series)) == []


def test_memory_never_makes_an_article_vanish() -> None:
    whole = article(*PROSE)
    assert strip(whole, *PROSE) == strip_boilerplate(whole, PACKS)


def test_a_rule_of_a_pack_is_named_before_memory() -> None:
    signup = "Sign up for our newsletter and never miss a story."
    [cut] = strip(article(*PROSE, signup), signup).cuts
    assert cut.kind is CutKind.NEWSLETTER


@given(st.lists(st.sampled_from([*PROSE, BACKGROUND, STRAPLINE, "Top stories", "Sign up for our newsletter", "17 May"]), max_size=9))  # fmt: skip
@settings(max_examples=60)
def test_nothing_is_lost_and_cleaning_twice_is_cleaning_once(texts: list[str]) -> None:
    told_ = article(*texts)
    clean = strip(told_, STRAPLINE, BACKGROUND, "17 May")
    assert len(clean.blocks) + len(clean.cuts) == len(told_.blocks)
    again = strip(article(*clean.blocks), STRAPLINE, BACKGROUND, "17 May")
    assert again.blocks == clean.blocks


# --- The digest of what read a page ---------------------------------------------------------------------------


def test_a_page_is_read_otherwise_only_when_what_is_remembered_has_changed() -> None:
    spec, known = ReadSpec(), memory_of(STRAPLINE)
    assert spec.digest_with(BLANK) == spec.digest
    assert spec.digest_with(known) == spec.digest_with(SiteMemory(version=9, segments=known.segments))
    assert spec.digest_with(known) != spec.digest_with(memory_of(BACKGROUND)) != spec.digest
    assert spec.digest_with(known).startswith(spec.digest)
