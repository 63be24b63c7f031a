"""The measures of the field, on cases that can be computed by hand."""

from __future__ import annotations

import pytest

from extract.model import Said
from transform.scores import figures, leaked_lines, line_figures, lost_paragraphs, names, score

FERRY = "The ferry to Orrin was late again this morning."  # nine tokens, six shingles
TRUTH = Said(text=f"{FERRY}\nNobody knows why it was.")


def said(text: str, **more: object) -> Said:
    return Said(text=text, **more)  # type: ignore[arg-type]


# --- Text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truth", "shown", "precision", "recall"),
    [
        ("a b c d e", "a b c d e", 1.0, 1.0),
        ("a b c d e", "a b c d x", 1 / 2, 1 / 2),  # abcd, bcdx
        ("a b c d", "a b c d e f g", 1 / 4, 1.0),
        ("a b c d e f g", "a b c d", 1.0, 1 / 4),
        ("a b c d a b c d", "a b c d", 1.0, 1 / 5),  # repeats count
        ("a b c d", "a b c d a b c d", 1 / 5, 1.0),
        ("a b", "a b", 1.0, 1.0),  # too short for four: the one run that there is
        ("a b", "a b c", 0.0, 0.0),
        ("A b c d", "a b c d", 0.0, 0.0),  # case counts
        ("a, b. c – d", "a b c d", 1.0, 1.0),  # signs do not
        ("船は今朝も", "船は今朝", 1.0, 1 / 2),  # a character is a token
        ("Das Schiff 船は", "Das Schiff 船は", 1.0, 1.0),
        ("a b c d", "", None, 0.0),
        ("a b c d", "—", None, 0.0),
    ],
)
def test_text_is_compared_by_runs_of_four_tokens(
    truth: str, shown: str, precision: float | None, recall: float
) -> None:
    found = score(said(truth), said(shown))
    assert (found.precision, found.recall) == (precision, recall)


def test_f1_is_of_the_mean_precision_and_the_mean_recall() -> None:
    """Not the mean of the pages' own; a page that shows nothing counts for recall alone."""
    pages = [("a b c d", "a b c d e f g"), ("a b c d e f g", "a b c d"), ("a b c d", "")]
    found = figures([score(said(truth), said(shown)) for truth, shown in pages])
    assert found.precision == (1 / 4 + 1) / 2
    assert found.recall == pytest.approx((1 + 1 / 4 + 0) / 3)
    assert found.f1 == pytest.approx(2 * 0.625 * (5 / 12) / (0.625 + 5 / 12))


def test_without_pages_all_is_nothing() -> None:
    found = figures([])
    assert (found.pages, found.f1, found.leaked_lines, found.title) == (0, 0.0, 0.0, None)


# --- Lines ----------------------------------------------------------------------------------------------------


def test_a_line_leaks_when_less_than_a_quarter_of_it_stands_in_the_article() -> None:
    quarter = "the ferry to Orrin and some more"  # one of four shingles
    less = "the ferry to Orrin and some more words"  # one of five
    assert leaked_lines(TRUTH, f"{FERRY}\n{quarter}\n{less}\nRead also: Ferries of the north") == [
        less,
        "Read also: Ferries of the north",
    ]


def test_a_short_line_is_looked_for_as_it_is() -> None:
    assert leaked_lines(TRUTH, "late again!\nLATE\nagain late\n***\n") == ["again late"]


def test_the_title_does_not_leak() -> None:
    titled = said(TRUTH.text, title="Late: the ferry, once more")
    assert leaked_lines(titled, "LATE – The Ferry once more\nOnce more") == ["Once more"]


def test_one_page_counts_for_twenty_leaked_lines_at_most() -> None:
    shown = "\n".join(f"foreign line number {number} of many" for number in range(50))
    assert score(TRUTH, said(shown)).leaked == 20


def test_a_paragraph_is_lost_when_less_than_half_of_it_is_shown() -> None:
    half = "The ferry to Orrin was late"  # three of six shingles
    less = "The ferry to Orrin was"
    assert lost_paragraphs(TRUTH, half) == []
    assert lost_paragraphs(TRUTH, less) == [FERRY]
    assert lost_paragraphs(TRUTH, "") == [FERRY]  # the other line has five tokens: not asked for


def test_lost_paragraphs_are_a_share_of_all_and_dirty_pages_of_pages() -> None:
    found = figures([score(TRUTH, said(shown)) for shown in (FERRY, "", f"{FERRY}\nRead also: The pier", FERRY)])
    assert (found.lost_paragraphs, found.dirty_pages, found.leaked_lines) == (1 / 4, 1 / 4, 1 / 4)


# --- Metadata -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "is_right"),
    [
        ("Ferry to Orrin late again", True),
        ("FERRY to Orrin late — again", True),
        ("Ferry to Orrin late again | The Mail", True),
        ("Ferry to Orrin late again | The Harbour Mail of Orrin", False),  # less than .6 of it
        ("Ferry to Orrin", False),  # too short
        ("Another title altogether", False),
        (None, False),
        ("", False),
    ],
)
def test_a_title_may_bear_something_short_beside_it(title: str | None, is_right: bool) -> None:
    truth = said("text", title="Ferry to Orrin late again")
    assert score(truth, said("text", title=title)).title is is_right


@pytest.mark.parametrize(
    ("right", "given", "is_right"),
    [
        (("Ida Roe", "Tom Vale"), ("Tom Vale", "IDA ROE"), True),
        (("Ida Roe", "Tom Vale"), ("By Ida Roe and Tom Vale",), True),
        (("Ida Roe; Tom Vale",), ("Ida Roe", "Tom Vale"), True),
        (("Ida Roe", "Tom Vale"), ("Ida Roe",), False),
        (("Ida Roe",), (), False),
    ],
)
def test_authors_are_right_when_all_are_named_and_no_other(
    right: tuple[str, ...], given: tuple[str, ...], is_right: bool
) -> None:
    assert score(said("text", authors=right), said("text", authors=given)).authors is is_right


def test_names_are_told_apart_in_a_byline() -> None:
    assert names(["von Ida Roe und Tom Vale", "Ana Sol / Léa Brun", "Ana Sol", "—"]) == {
        "ida roe",
        "tom vale",
        "ana sol",
        "léa brun",
    }


def test_a_date_is_right_to_the_day() -> None:
    truth = said("text", date="2026-03-02")
    assert score(truth, said("text", date="2026-03-02T23:59:00+00:00")).date is True
    assert score(truth, said("text", date="2026-03-03")).date is False
    assert score(truth, said("text")).date is False


def test_what_the_truth_does_not_name_is_not_judged() -> None:
    unlabelled = score(said("text"), said("text", title="A title", authors=("Ida Roe",), date="2026-03-02"))
    assert (unlabelled.title, unlabelled.authors, unlabelled.date) == (None, None, None)
    labelled = score(said("text", title="A title"), said("text", title="A title"))
    assert figures([unlabelled, labelled]).title == 1.0
    assert figures([unlabelled]).title is None


# --- Lines that are kept or dropped ---------------------------------------------------------------------------


def test_dropped_lines_are_counted_over_all_documents() -> None:
    right = [True, True, False, False, False, None]
    kept = [True, False, False, False, True, False]
    found = line_figures([(right, kept), ([True, True], [True, True])])
    assert found is not None
    assert (found.lines, found.precision, found.recall) == (7, 2 / 3, 2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.good_lines_lost == 1 / 4


def test_lines_that_nobody_labelled_have_no_figures() -> None:
    assert line_figures([([None, None], [True, False])]) is None


def test_where_nothing_is_to_be_dropped_and_nothing_is_all_is_zero() -> None:
    found = line_figures([([True], [True])])
    assert found is not None and (found.f1, found.good_lines_lost) == (0.0, 0.0)
