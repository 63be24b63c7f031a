"""What falls by the structure of a page, and the texts of many shapes that must stay."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.model import Article, Block, BlockKind, Extractor, Flag, Place, SourceName
from transform.boilerplate import strip_boilerplate
from transform.lines import reads_as_prose
from transform.model import CleanArticle, CutKind
from transform.packs import read_packs

PACKS = read_packs()
HALL = (
    "The city council voted on Tuesday to close the old market hall, ending a debate that had divided the district.",
    "Traders who have sold fish and flowers there since the seventies learned of the vote from a letter on the door.",
    "“We would have paid higher rents,” said Ruth Adeyemi, whose stall has stood at the north entrance for decades.",
    "A petition to save the market hall has gathered nine thousand signatures, and the council is to get it in June.",
    "For now the stalls stay open until the end of October, and the last market day is to become a celebration.",
)
ROCKET = (
    "Engineers launched their smallest rocket yesterday from a barge anchored in shallow water near the equator.",
    "It carried two satellites that measure sea ice, built by students over nearly seven years of evening classes.",
    "Weather balloons had twice delayed countdown; strong winds aloft threatened to push the vehicle off its path.",
)


def article(blocks: Sequence[Block], *flags: Flag, language: str | None = "en") -> Article:
    return Article(
        url="https://gazette.example/market",
        source=SourceName("gazette"),
        title="Council closes the old market hall",
        authors=(),
        summary=None,
        blocks=tuple(blocks),
        extractor=Extractor.TRAFILATURA,
        language=language,
        published_at=None,
        date_precision=None,
        date_found_in=None,
        modified_at=None,
        fetched_at=datetime(2026, 5, 12, tzinfo=UTC),
        flags=frozenset(flags),
    )


def blocks_of(*lines: str | Block) -> list[Block]:
    return [line if isinstance(line, Block) else Block(text=line) for line in lines]


def strip(*lines: str | Block) -> CleanArticle:
    return strip_boilerplate(article(blocks_of(*lines)), PACKS)


def cuts(*lines: str | Block) -> dict[str, str]:
    """The texts cut, with their rules."""
    return {cut.text: cut.rule for cut in strip(*lines).cuts}


def heading(text: str) -> Block:
    return Block(text=text, kind=BlockKind.HEADING)


def item(text: str, link_share: float = 0.0) -> Block:
    return Block(text=text, kind=BlockKind.ITEM, link_share=link_share)


def linked(text: str) -> Block:
    return Block(text=text, link_share=1.0)


# --- places


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (Place.CAPTION, CutKind.CAPTION),
        (Place.BYLINE, CutKind.BYLINE),
        (Place.COMMENT, CutKind.COMMENT),
        (Place.NEWSLETTER, CutKind.NEWSLETTER),
        (Place.ADVERT, CutKind.ADVERT),
        (Place.NOTICE, CutKind.COPYRIGHT),
        (Place.ASIDE, CutKind.SECTION_LABEL),
        (Place.OTHER_ARTICLE, CutKind.OTHER_ARTICLE),
    ],
)
def test_block_falls_by_its_place_wherever_it_stands(place: Place, kind: CutKind) -> None:
    for text in ("Seen from the quay", ROCKET[0]):
        for position in range(len(HALL)):
            lines = [*HALL[:position], Block(text=text, place=place), *HALL[position:]]
            assert [(cut.text, cut.kind) for cut in strip(*lines).cuts] == [(text, kind)]


def test_nothing_falls_by_place_where_no_paragraph_stands_in_the_text() -> None:
    assert cuts("A word", *(Block(text=text, place=Place.COMMENT) for text in HALL)) == {}


def test_heading_in_a_caption_element_stays() -> None:
    card = replace(heading("The Grind by the canal"), place=Place.CAPTION)
    assert cuts(*HALL[:2], card, *HALL[2:]) == {}


def test_text_goes_on_in_an_element_of_its_own() -> None:
    below = [Block(text=text, place=Place.BELOW) for text in (HALL[4], "Weather", ROCKET[0])]
    assert list(cuts(*HALL[:4], *below)) == ["Weather", ROCKET[0]]


def test_links_below_the_text_fall_with_what_stands_among_them() -> None:
    below = [linked("Ten halls"), "18:51", linked("Soup"), item("17:20"), item("Why the stalls moved", 1.0)]
    assert len(cuts(*HALL, *below)) == 5


@pytest.mark.parametrize("introduction", [heading("Places to go"), "Where to find help:"])
def test_links_that_are_introduced_stay(introduction: str | Block) -> None:
    links = [item("Town archive", 1.0), item("Statistics office", 1.0), item("Building register", 1.0)]
    assert cuts(*HALL, introduction, *links) == {}


def test_row_of_links_around_the_text_is_navigation() -> None:
    row = Block(text="Home | Sport | Culture", kind=BlockKind.ROW, link_share=1.0)
    assert list(cuts(row, *HALL)) == [row.text]
    assert list(cuts(*HALL, row)) == [row.text]
    assert cuts(*HALL[:3], row, *HALL[3:]) == {}


# --- second articles

SECOND = [heading("Students send satellites into orbit"), "By Tom Okafor", *ROCKET]


def test_second_article_falls_from_its_headline_on() -> None:
    clean = strip(*HALL, *SECOND)
    assert [block.text for block in clean.blocks] == list(HALL)
    assert {cut.rule for cut in clean.cuts} == {"structure.other-article.signed"}


def test_second_article_after_the_end_of_the_first_needs_no_byline() -> None:
    clean = strip(*HALL, "Leave a comment", SECOND[0], *ROCKET)
    assert [block.text for block in clean.blocks] == list(HALL)
    assert {cut.rule for cut in clean.cuts} >= {"structure.other-article.after-end"}


def test_lines_without_markup_show_no_second_article() -> None:
    """They may be the answers in a forum."""
    lines = replace(article(blocks_of(*HALL, "Leave a comment", SECOND[0], *ROCKET)), extractor=Extractor.LINES)
    rules = {cut.rule for cut in strip_boilerplate(lines, PACKS).cuts}
    assert not any(rule.startswith("structure.other-article") for rule in rules)


def test_chapter_of_the_same_matter_stays_though_it_is_signed() -> None:
    again = "The council will vote on the petition of the market traders in June, before the stalls of the hall close."
    more = (
        "Ruth Adeyemi said the traders of the market hall had gathered signatures for their petition on the last day."
    )
    chapter = [heading("What the council says"), "By Tom Okafor", again, more]
    assert not any("other-article" in rule for rule in cuts(*HALL, *chapter).values())


def test_heading_without_byline_or_end_begins_no_other_article() -> None:
    assert cuts(*HALL, heading("Meanwhile, far from the market"), *ROCKET) == {}


def test_short_first_article_is_no_article() -> None:
    assert not any("other-article" in rule for rule in cuts(*HALL[:2], *SECOND).values())


def test_entries_of_a_live_blog_are_its_text() -> None:
    blocks = blocks_of(*HALL, *SECOND, *(Block(text=text, place=Place.OTHER_ARTICLE) for text in ROCKET))
    clean = strip_boilerplate(article(blocks, Flag.LIVE_BLOG), PACKS)
    assert not any(cut.kind is CutKind.OTHER_ARTICLE for cut in clean.cuts)


# --- what is said twice


def test_text_that_stands_twice_is_folded_to_one() -> None:
    version = [HALL[0], heading("What the traders say"), *HALL[1:]]
    clean = strip(*version, *version)
    assert list(clean.blocks) == blocks_of(*version)
    assert {cut.kind for cut in clean.cuts} == {CutKind.TEXT_AGAIN}


def test_text_that_stands_many_times_is_folded_to_one() -> None:
    assert list(strip(*HALL[:3] * 25).blocks) == blocks_of(*HALL[:3])
    assert list(strip(*HALL[:1] * 25).blocks) == blocks_of(HALL[0])


def test_refrain_stays() -> None:
    refrain = (
        "And still the river rolls along, along, and carries all our boats away, and carries home our song to stay."
    )
    assert cuts(HALL[0], refrain, HALL[1], refrain, HALL[2], refrain) == {}


def test_pull_quote_falls_and_a_quotation_said_once_stays() -> None:
    pulled = Block(text="“We would have paid higher rents,” said Ruth Adeyemi.", kind=BlockKind.QUOTE)
    once = Block(text="“Nobody ever asked any of us about the hall,” she said.", kind=BlockKind.QUOTE)
    assert list(cuts(*HALL, pulled, once)) == [pulled.text]


# --- texts of many shapes

RECIPE = [
    "This soup is what the traders cook in October, when the pumpkins are cheap and the evenings are getting long.",
    heading("Ingredients"),
    item("1 pumpkin"),
    item("2 onions"),
    item("A pinch of salt"),
    heading("Method"),
    "Cut the pumpkin into pieces as large as a thumb, and fry them in butter with the onions until they are golden.",
    "Serves four",
]
INTERVIEW = [
    "Ruth Adeyemi has sold fish in the market hall since 1974. We met her at her stall on a rainy Tuesday morning.",
    "How did you hear of it?",
    "There was a letter on the door, and that was all that any of us ever heard from the town hall about the matter.",
    "And now?",
    "Now we wait. Some of us have signed for a place in the arcade, others would rather retire than move the scales.",
    "Will you miss it?",
    "Every day.",
]
POEM = [
    "The Hall",
    "At dawn the shutters open,",
    "the fishmonger begins to sing,",
    "and nobody is listening",
    "but gulls upon the wing.",
    "At dawn the shutters open,",
    "the gulls begin to sing.",
]
RESULTS = [
    "Gull Bay won the derby on Saturday with a late goal, and leads the table by a point before the winter break.",
    "Gull Bay - Port Ellery 2:1",
    "Northwick - Sandhaven 0:0",
    "Port Ellery - Gull Bay 2:1",
    Block(text="Team | Played | Points", kind=BlockKind.ROW),
    Block(text="Gull Bay | 17 | 38", kind=BlockKind.ROW),
    Block(text="Northwick | 17 | 37", kind=BlockKind.ROW),
]
OBITUARY = [
    "Hanna Brandt, who led the choir of the market traders for forty years, died on Sunday at her home. She was 91.",
    "She is survived by her sons Paul and Emil, and by a daughter, Clara, who sings in the choir that she has led.",
    "Paul Brandt",
    "Emil Brandt",
    "Clara Brandt-Holm",
]
LAW = [
    "§ 4 Opening hours",
    "(1) The market is open on all working days from seven in the morning to six in the evening, except as in § 5.",
    "(2) The stalls are closed on public holidays.",
    "(3) The market is open on all working days from seven in the morning to six in the evening, except as in § 6.",
    "(4) The stalls are closed on public holidays.",
]
TICKER = [
    "11:42 The council begins its meeting with a minute of silence for a former mayor who died at the weekend, aged 90.",
    "11:30 The gallery is full; about two hundred traders and their families wait outside, some with drums and horns.",
    "11:15 Welcome to our live ticker.",
]


@pytest.mark.parametrize(
    "text",
    [RECIPE, INTERVIEW, POEM, RESULTS, OBITUARY, LAW, TICKER],
    ids=["recipe", "interview", "poem", "results", "obituary", "law", "ticker"],
)
@pytest.mark.parametrize("language", ["en", "de", None])
def test_text_of_any_shape_stays_whole(text: list[str | Block], language: str | None) -> None:
    for lines in (text, [*HALL, *text], [*text, *HALL]):
        assert strip_boilerplate(article(blocks_of(*lines), language=language), PACKS).cuts == ()


# --- laws

PROSE = (*HALL, *ROCKET, *(line for line in (*RECIPE, *INTERVIEW, *LAW) if isinstance(line, str)))
CLUTTER = (
    *("Leave a comment", "Read also:", "Tags: market, council", "© 2026 The River Gazette", "Share this article"),
    *("By Tom Okafor", "Advertisement", "About the author", "Students send satellites into orbit", "18:51"),
)
places = st.sampled_from([Place.TEXT] * 6 + list(Place))
page_blocks = st.lists(
    st.builds(
        Block,
        text=st.sampled_from(PROSE + CLUTTER),
        kind=st.sampled_from([BlockKind.PARAGRAPH] * 4 + list(BlockKind)),
        link_share=st.sampled_from([0.0, 0.0, 0.0, 0.6, 1.0]),
        place=places,
    ),
    max_size=25,
)


def is_prose(block: Block) -> bool:
    return block.kind is BlockKind.PARAGRAPH and block.place is Place.TEXT and reads_as_prose(block)


@settings(max_examples=150, deadline=None)
@given(page_blocks)
def test_cleaning_keeps_or_cuts_each_block_and_twice_is_once(blocks: list[Block]) -> None:
    clean = strip_boilerplate(article(blocks), PACKS)
    fallen = {cut.position: cut.text for cut in clean.cuts}
    kept = [block for position, block in enumerate(blocks) if position not in fallen]
    assert list(clean.blocks) == kept
    assert all(blocks[position].text == text for position, text in fallen.items())
    assert strip_boilerplate(article(kept), PACKS).cuts == ()


@settings(max_examples=150, deadline=None)
@given(page_blocks)
def test_article_with_a_paragraph_keeps_one(blocks: list[Block]) -> None:
    clean = strip_boilerplate(article(blocks), PACKS)
    assert any(map(is_prose, clean.blocks)) or not any(map(is_prose, blocks))


@settings(max_examples=150, deadline=None)
@given(page_blocks)
def test_paragraph_between_paragraphs_falls_for_what_it_is_not_for_its_position(blocks: list[Block]) -> None:
    clean = strip_boilerplate(article(blocks), PACKS)
    fallen = {cut.position: cut for cut in clean.cuts}
    kept = [position for position, block in enumerate(blocks) if is_prose(block) and position not in fallen]
    for position, cut in fallen.items():
        if is_prose(blocks[position]) and kept and kept[0] < position < kept[-1]:
            assert cut.kind in (CutKind.TEXT_AGAIN, CutKind.RELATED), cut


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(CLUTTER), max_size=6))
def test_clutter_at_the_tail_takes_no_paragraph_with_it(tail: list[str]) -> None:
    assert [block.text for block in strip(*HALL, *tail).blocks if reads_as_prose(block)] == list(HALL)


@settings(max_examples=30, deadline=None)
@given(st.lists(page_blocks, min_size=2, max_size=4))
def test_article_is_cleaned_alike_whatever_was_cleaned_before(pages: list[list[Block]]) -> None:
    forth = [strip_boilerplate(article(page), PACKS) for page in pages]
    back = [strip_boilerplate(article(page), PACKS) for page in reversed(pages)]
    assert forth == back[::-1]


def test_another_process_cleans_alike() -> None:
    """In one with other hashes of strings."""
    program = (
        "import json, test_structure as page;"
        "lines = [*page.HALL, 'Read also:', page.linked('Soup'), *page.SECOND, *page.HALL];"
        "print(json.dumps([(c.position, c.rule) for c in page.strip(*lines).cuts]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join([str(Path(__file__).parent), *sys.path]), "PYTHONHASHSEED": "17"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = strip(*HALL, "Read also:", linked("Soup"), *SECOND, *HALL)
    assert json.loads(run.stdout) == [[cut.position, cut.rule] for cut in here.cuts]
