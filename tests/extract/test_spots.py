"""Where the blocks of a text stand on the page they were taken from."""

from __future__ import annotations

import pytest
from lxml.html import document_fromstring

from extract.model import Place
from extract.spots import Spot, page_line, read_spots

TEXT = (
    "The ferry left the harbour at seven in the morning with all its lamps lit and the band playing on the upper deck.",
    "By noon the wind had turned, and the captain asked the passengers to come down and to leave their hats behind.",
    "Nobody was hurt, but the tuba is still being looked for, and the company has promised a reward of ten crowns.",
)
PARAGRAPHS = "".join(f"<p>{text}</p>" for text in TEXT)


def places(html: str, *texts: str) -> list[Place]:
    """The places of the three paragraphs and of further texts on a page."""
    return [spot.place for spot in read_spots(page_line(document_fromstring(html)), (*TEXT, *texts))]


def place_in(wrapped: str) -> Place:
    """The place of 'A line.' in an element amid the text."""
    head, tail = PARAGRAPHS.split("</p>", 1)
    return places(f"<div>{head}</p>{wrapped}{tail}</div>", "A line.")[-1]


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ("<figure><figcaption>A line.</figcaption></figure>", Place.CAPTION),
        ('<p class="wp-caption-text">A line.</p>', Place.CAPTION),
        ('<div class="articleByline"><span>A line.</span></div>', Place.BYLINE),
        ('<section id="comments"><p>A line.</p></section>', Place.COMMENT),
        ('<div class="komentarze"><p>A line.</p></div>', Place.COMMENT),
        ('<div class="box newsletter-box"><p>A line.</p></div>', Place.NEWSLETTER),
        ('<aside class="story__advert"><p>A line.</p></aside>', Place.ADVERT),
        ('<p class="disclaimer">A line.</p>', Place.NOTICE),
        ("<form><p>A line.</p></form>", Place.ASIDE),
        ('<div role="dialog" class="modal fade"><p>A line.</p></div>', Place.ASIDE),
        ("<p>A line.</p>", Place.TEXT),
        ('<p class="authoritative commentary captioned">A line.</p>', Place.TEXT),
    ],
)
def test_markup_names_the_place(element: str, place: Place) -> None:
    assert place_in(element) is place


@pytest.mark.parametrize("name", ["modal", "newsletter", "sponsor", "caption", "comments"])
def test_name_of_what_holds_the_text_says_nothing(name: str) -> None:
    assert set(places(f'<div class="{name}">{PARAGRAPHS}</div>')) == {Place.TEXT}
    named = PARAGRAPHS.replace("<p>", f'<p class="{name}">').replace(f'<p class="{name}">', "<p>", 1)
    if name != "comments":
        assert set(places(f"<div>{named}</div>")) == {Place.TEXT}


def test_comments_may_be_longer_than_the_article() -> None:
    remark = "I was on that ferry, and I can tell you that the band never stopped playing, whatever the captain says. "
    page = f'<div>{PARAGRAPHS}</div><div id="comments"><p>{remark * 9}</p></div>'
    assert places(page, remark * 9) == [Place.TEXT] * 3 + [Place.COMMENT]


def test_what_stands_after_the_element_of_the_text_is_below() -> None:
    page = f"<p>Monday</p><div><h2>A ferry</h2>{PARAGRAPHS}</div><div><p>Weather</p></div>"
    assert places(page, "Monday", "A ferry", "Weather") == [Place.TEXT] * 5 + [Place.BELOW]


def test_one_long_paragraph_is_not_where_the_text_is() -> None:
    page = f"<div><p>{TEXT[0] * 9}</p></div><div><p>{TEXT[1]}</p></div>"
    spots = read_spots(page_line(document_fromstring(page)), [TEXT[0] * 9, TEXT[1]])
    assert [spot.place for spot in spots] == [Place.TEXT, Place.TEXT]


def test_text_in_several_columns_is_one() -> None:
    columns = "".join(f"<td><p>{text}</p></td>" for text in TEXT)
    assert places(f"<table><tr>{columns}</tr></table>") == [Place.TEXT] * 3


def test_second_article_with_a_title_is_another() -> None:
    second = "The brass band of Gull Bay has bought a new tuba, paid for by a bazaar on the market square last Sunday."
    page = f"<article><h1>A ferry</h1>{PARAGRAPHS}</article><article><h1>A tuba</h1><p>{second}</p></article>"
    assert places(page, "A tuba", second) == [Place.TEXT] * 3 + [Place.OTHER_ARTICLE] * 2


@pytest.mark.parametrize("title", ["", "<h2>A tuba</h2>"])
def test_entries_of_a_list_are_one_article(title: str) -> None:
    entries = "".join(f"<article>{title}<p>{text}</p></article>" for text in TEXT)
    assert set(places(f"<main><h1>News of the day</h1>{entries}</main>")) == {Place.TEXT}


def test_link_share_is_counted_in_characters_of_links() -> None:
    spots = read_spots(
        page_line(document_fromstring("<p><a href='/x'>abcde</a> fghij</p><p>klm</p>")), ["abcde fghij", "klm"]
    )
    assert spots == [Spot(link_share=0.5), Spot()]


def test_text_that_is_nowhere_on_the_page_is_plain_text() -> None:
    assert read_spots(page_line(document_fromstring("<p>klm</p>")), ["abc"]) == [Spot()]


def test_marks_of_our_own_in_a_page_break_nothing() -> None:
    page = f"<div>{PARAGRAPHS}<p>\ufdd1\ufdd1 \ufdd0 one \ufdd2 two</p></div>"
    assert len(places(page, "two")) == 4
