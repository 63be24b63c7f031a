"""Several readings of one page: which is taken for the text, what of its edges goes, and how far another bears it out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from differing import CONTAINERS, CROWDED, DAYS, HALVED, OTHER, STORY, TALK, UNSEEN, page_of, paragraphs
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.model import (
    Announcement,
    Article,
    Block,
    BlockKind,
    Extractor,
    Page,
    Profile,
    Reason,
    Rejection,
    SourceName,
)
from transform.model import CleanArticle, Cut, CutKind, Zone
from transform.read import ReadPage, ReadSpec, read_page
from transform.witnesses import Reading, agree, alike

# --- Readings ---------------------------------------------------------------------------------------------------


def reading(*texts: str, by: Extractor = Extractor.TRAFILATURA) -> Reading:
    blocks = tuple(
        Block(text=text.lstrip("#"), kind=BlockKind.HEADING if text.startswith("#") else BlockKind.PARAGRAPH)
        for text in texts
    )
    article = Article(
        url="https://post.example/news/ferry",
        source=SourceName("test"),
        title="The ferry and the tuba",
        authors=(),
        summary=None,
        blocks=blocks,
        extractor=by,
        language="en",
        published_at=None,
        date_precision=None,
        date_found_in=None,
        modified_at=None,
        fetched_at=datetime(2026, 3, 20, 12, tzinfo=UTC),
    )
    return Reading(CleanArticle(article=article, blocks=blocks, cuts=()))


def second(*texts: str) -> Reading:
    return reading(*texts, by=Extractor.READABILITY)


def third(*texts: str) -> Reading:
    return reading(*texts, by=Extractor.NEWSPAPER4K)


def texts(clean: CleanArticle) -> tuple[str, ...]:
    return tuple(block.text for block in clean.blocks)


def test_readings_of_the_same_words_are_alike_however_they_are_parted() -> None:
    assert alike(reading(*STORY), second(" ".join(STORY))) == 1.0
    assert alike(reading(*STORY), second(*OTHER)) == 0.0
    assert alike(reading(*STORY), second(*STORY[:3])) == pytest.approx(2 / 3, abs=0.05)
    assert alike(reading(), second()) == 0.0


def test_the_first_reading_stands_where_the_second_has_lost_half_of_it() -> None:
    agreed = agree(reading(*STORY), second(*STORY[:2]))
    assert texts(agreed.clean) == STORY
    assert agreed.agreement == pytest.approx(0.5, abs=0.1)


def test_the_second_wins_where_much_of_the_first_is_no_prose() -> None:
    agreed = agree(reading(*STORY, *TALK), second(*STORY[:5]))
    assert (agreed.clean.article.extractor, texts(agreed.clean)) == (Extractor.READABILITY, STORY[:5])


def test_a_reading_of_the_second_article_on_the_page_has_no_say() -> None:
    cuts = tuple(
        Cut(position=len(STORY) + number, text=text, kind=CutKind.OTHER_ARTICLE, rule="structure", zone=Zone.TAIL)
        for number, text in enumerate(OTHER)
    )
    known = reading(*STORY, *OTHER).clean
    first = Reading(replace(known, blocks=known.blocks[: len(STORY)], cuts=cuts))
    assert texts(agree(first, second(*OTHER), third(*OTHER)).clean) == STORY
    assert texts(agree(first, second(*OTHER)).clean) == STORY


def test_headings_that_only_the_first_has_are_no_reason_against_it() -> None:
    told = (STORY[0], "#How the morning of the ferry began", *STORY[1:4], "#What became of the tuba since", *STORY[4:])
    assert texts(agree(reading(*told), second(*STORY)).clean) == tuple(text.lstrip("#") for text in told)


def test_the_second_wins_where_the_first_was_cut_short() -> None:
    assert texts(agree(reading(*STORY[:3]), second(*STORY)).clean) == STORY


def test_a_longer_second_that_has_not_what_the_first_has_does_not_win() -> None:
    assert texts(agree(reading(*OTHER), second(*STORY)).clean) == OTHER


def test_a_third_that_sides_with_one_has_it_chosen() -> None:
    witness = third(*STORY[1:])
    assert texts(agree(reading(*OTHER), second(*STORY), witness).clean) == STORY
    assert texts(agree(reading(*STORY), second(*OTHER), witness).clean) == STORY
    assert agree(reading(*STORY), second(*OTHER), witness).agreement == alike(reading(*STORY), witness) > 0.8


def test_a_third_that_knows_nothing_changes_nothing() -> None:
    assert agree(reading(*STORY, *TALK), second(*STORY), third()) == agree(reading(*STORY, *TALK), second(*STORY))


def test_where_the_first_finds_nothing_another_with_prose_steps_in() -> None:
    assert texts(agree(reading(), second(*STORY)).clean) == STORY
    assert texts(agree(reading(), second(), third(*STORY)).clean) == STORY
    assert texts(agree(reading(), second(*TALK), third()).clean) == ()


def test_short_blocks_at_the_edges_that_no_other_has_are_cut_on_record() -> None:
    agreed = agree(
        reading("Harbour notes, second page", *STORY[:2], "Gulls again", *STORY[2:], TALK[3]), second(*STORY)
    )
    assert texts(agreed.clean) == (*STORY[:2], "Gulls again", *STORY[2:])
    assert [(cut.position, cut.text, cut.kind) for cut in agreed.clean.cuts] == [
        (0, "Harbour notes, second page", CutKind.DOUBTFUL),
        (8, TALK[3], CutKind.DOUBTFUL),
    ]


def test_prose_at_the_edges_stays_and_so_does_what_a_third_has_too() -> None:
    island = "Kestrel Island, Tuesday evening"
    assert texts(agree(reading(OTHER[0], *STORY), second(*STORY)).clean) == (OTHER[0], *STORY)
    assert texts(agree(reading(island, *STORY), second(*STORY), third(island, *STORY)).clean) == (island, *STORY)


def test_the_rows_of_a_table_at_the_end_stay() -> None:
    first = reading(*STORY, "Edgar Lowe | 1,512")
    row = Block(text="Edgar Lowe | 1,512", kind=BlockKind.ROW)
    clean = replace(first.clean, blocks=(*first.clean.blocks[:-1], row))
    assert texts(agree(Reading(clean), second(*STORY)).clean) == (*STORY, row.text)


def with_data(kind: BlockKind, *told: str) -> Reading:
    """The story, and before its end a table or a list of these lines."""
    clean = reading(*STORY).clean
    data = (Block(text=text, kind=kind) for text in told)
    return Reading(replace(clean, blocks=(*clean.blocks[:-1], *data, clean.blocks[-1])))


RESULTS = [f"Ward {ward} of Kestrel Island | Edgar Lowe | {ward},512 votes | Tuba List" for ward in range(1, 12)]


@pytest.mark.parametrize("kind", [BlockKind.ROW, BlockKind.ITEM])
def test_a_table_or_list_that_the_second_leaves_out_is_no_reason_against_the_first(kind: BlockKind) -> None:
    assert texts(agree(with_data(kind, *RESULTS), second(*STORY)).clean) == (*STORY[:-1], *RESULTS, STORY[-1])


def test_a_table_that_both_others_leave_out_stays() -> None:
    kept = agree(with_data(BlockKind.ROW, *RESULTS), second(*STORY), third(*STORY))
    assert texts(kept.clean) == (*STORY[:-1], *RESULTS, STORY[-1])
    assert texts(agree(reading(*STORY, *OTHER), second(*STORY), third(*STORY)).clean) == STORY


def test_a_list_of_links_is_a_menu() -> None:
    clean = with_data(BlockKind.ITEM, *RESULTS).clean
    blocks = (replace(block, link_share=1.0 if block.text in RESULTS else 0.0) for block in clean.blocks)
    assert texts(agree(Reading(replace(clean, blocks=tuple(blocks))), second(*STORY)).clean) == STORY


def test_the_first_stands_where_the_others_found_another_article_of_the_page() -> None:
    assert texts(agree(reading(*STORY), second(*OTHER), third(*OTHER)).clean) == STORY  # the title tells of a tuba
    assert texts(agree(reading(*OTHER), second(*STORY), third(*STORY)).clean) == STORY


def test_the_items_of_a_list_at_the_end_stay() -> None:
    first = reading(*STORY, "Lowe, tuba").clean
    listed = replace(first, blocks=(*first.blocks[:-1], Block(text="Lowe, tuba", kind=BlockKind.ITEM)))
    assert texts(agree(Reading(listed), second(*STORY)).clean) == (*STORY, "Lowe, tuba")


def test_one_that_has_little_of_the_text_has_no_say_about_its_edges() -> None:
    assert texts(agree(reading(*STORY, "Kestrel Island"), second(STORY[0])).clean) == (*STORY, "Kestrel Island")


TOLD = st.lists(
    st.sampled_from((*STORY, *OTHER, *TALK, "#Gulls", "汽笛一声，渡轮在早晨七点离开了港口，甲板上的乐队仍在演奏。")),
    max_size=12,
)


@given(TOLD, TOLD, st.none() | TOLD)
@settings(max_examples=150, deadline=None)
def test_whatever_is_chosen_is_one_reading_kept_or_cut_whole(
    one: list[str], two: list[str], three: list[str] | None
) -> None:
    given_ = [reading(*one), second(*two), *([] if three is None else [third(*three)])]
    agreed = agree(*given_)
    (chosen,) = [each.clean for each in given_ if each.clean.article is agreed.clean.article]
    cut = {removed.position: removed.text for removed in agreed.clean.cuts}
    kept = iter(texts(agreed.clean))
    assert [cut[i] if i in cut else next(kept) for i in range(len(chosen.blocks))] == list(texts(chosen))
    assert agreed.agreement is not None and 0.0 <= agreed.agreement <= 1.0
    assert bool(agreed.clean.blocks) == bool(chosen.blocks)
    assert agree(*(Reading(each.clean) for each in given_)) == agreed


# --- Pages ------------------------------------------------------------------------------------------------------


def read(page: Page, profile: Profile = Profile.THOROUGH) -> ReadPage:
    given_ = read_page(page, Announcement(source=SourceName("test")), ReadSpec(profile=profile))
    assert isinstance(given_, ReadPage), given_
    return given_


def told(page: Page, profile: Profile = Profile.THOROUGH) -> tuple[Extractor, tuple[str, ...]]:
    clean = read(page, profile).clean
    return clean.article.extractor, texts(clean)


def test_readers_talk_that_trafilatura_takes_for_the_text_is_left_to_it() -> None:
    assert told(CROWDED, Profile.QUICK)[1][-1] == TALK[-1]
    assert told(CROWDED) == (Extractor.READABILITY, STORY)
    assert read(CROWDED).agreement == 1.0  # the third has the same


def test_a_text_of_which_readability_has_half_is_kept_whole() -> None:
    assert told(HALVED) == (Extractor.TRAFILATURA, (*STORY[:2], "How it went on", *STORY[2:]))
    assert read(HALVED).agreement == pytest.approx(0.5, abs=0.1)


def test_a_text_in_several_containers_is_kept_whole() -> None:
    assert told(CONTAINERS, Profile.QUICK) == (Extractor.TRAFILATURA, DAYS[:14])
    assert told(CONTAINERS) == (Extractor.READABILITY, DAYS)


def test_where_trafilatura_finds_nothing_another_does() -> None:
    quick = read_page(UNSEEN, Announcement(source=SourceName("test")), ReadSpec(profile=Profile.QUICK))
    assert isinstance(quick, Rejection) and quick.reason is Reason.TOO_SHORT
    assert told(UNSEEN) == (Extractor.READABILITY, STORY)


def test_where_no_extractor_finds_an_article_there_is_none() -> None:
    menu = page_of("".join(f'<p><a href="/{text}">{text}</a></p>' for text in TALK * 4))
    refused = read_page(menu, Announcement(source=SourceName("test")), ReadSpec())
    assert isinstance(refused, Rejection) and refused.reason in (Reason.NOT_ARTICLE, Reason.TOO_SHORT)


def test_languages_whose_words_newspaper4k_cannot_tell_apart_are_read_by_two() -> None:
    chinese = (
        "渡轮早上七点离开港口，所有灯都亮着，乐队在上层甲板上演奏。",
        "中午风向转变，船长请乘客下来，把帽子留在上面。",
    ) * 4
    page = page_of(f'<div id="txt">{paragraphs(*chinese)}</div><div class="community">{paragraphs(*TALK)}</div>', "zh")
    assert read(page).clean.article.language == "zh"


def test_quick_asks_trafilatura_alone() -> None:
    quick = read(HALVED, Profile.QUICK)
    assert (quick.clean.article.extractor, quick.agreement) == (Extractor.TRAFILATURA, None)


def test_a_text_file_has_one_reading() -> None:
    page = page_of("")
    plain = Page(
        url="https://post.example/news/ferry.txt",
        final_url="https://post.example/news/ferry.txt",
        status=200,
        headers=(("content-type", "text/plain"),),
        body="\n\n".join(STORY).encode(),
        fetched_at=page.fetched_at,
    )
    assert told(plain) == (Extractor.LINES, STORY)
    assert read(plain).agreement is None


def test_each_profile_has_a_digest_of_its_own() -> None:
    assert ReadSpec(profile=Profile.QUICK).digest != ReadSpec(profile=Profile.THOROUGH).digest == ReadSpec().digest


def test_reading_is_not_changed_by_what_was_read_before() -> None:
    pages = [CROWDED, HALVED, CONTAINERS, UNSEEN]
    first = [read(page).clean for page in pages]
    again = [read(page).clean for page in reversed(pages)]
    assert first == again[::-1]


IN_A_PROCESS_OF_ITS_OWN = """
import sys
touched = []
sys.addaudithook(lambda event, args: event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") and touched.append(event))
sys.path[:0] = {path}
import test_witnesses as pages
print([pages.told(page) for page in (pages.CROWDED, pages.HALVED, pages.CONTAINERS, pages.UNSEEN)], touched)
"""


def test_another_process_reads_the_same_and_touches_neither_web_nor_home(tmp_path: Path) -> None:
    """Sets of elements are in another order there, by their addresses."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir(), temporary.mkdir()
    here = [told(page) for page in (CROWDED, HALVED, CONTAINERS, UNSEEN)]
    there = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN.format(path=[str(Path(__file__).parent), *sys.path])],
        env={"HOME": str(home), "XDG_CACHE_HOME": str(home), "TMPDIR": str(temporary), "PYTHONHASHSEED": "7"},
        cwd=temporary,
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == f"{here} []"
    assert list(home.iterdir()) == []
