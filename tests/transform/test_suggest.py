"""Shapes found in what repeats: which lines make a rule, and which do not."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from transform.model import CutKind, Zone
from transform.own_rules import OwnRules, PackText, rule_packs
from transform.suggest import StoredText, Suggestion, pack_text, suggest
from transform.trial import PROSE, failures, read_examples

WORDS = "".join(PROSE).lower().replace(",", "").split()
HEADLINES = ("Ferry stays in port", "Brede votes", "A winter of storms", "Pier reopens at last", "Fuel bill doubles")


def tale(number: int) -> list[str]:
    """Paragraphs that no other number has."""
    random = Random(number)
    sentences = (" ".join(random.sample(WORDS, 14)) for _ in range(10))
    return [f"{number} {sentence} and so on until the evening of that day." for sentence in sentences]


def text(number: int, *lines: str, top: Sequence[str] = (), story: int | None = None) -> StoredText:
    paragraphs = "\n\n".join([*top, *tale(number), *lines])
    return StoredText(story=number if story is None else story, language="en", authors=("Edda Marsh",), text=paragraphs)


def suggested(*texts: StoredText, at_least: int = 4) -> list[Suggestion]:
    return list(suggest(texts, rule_packs(), at_least))


def test_label_before_headlines_that_differ_is_one_shape() -> None:
    (rule,) = suggested(*(text(n, f"Elsewhere on the quay: {headline}") for n, headline in enumerate(HEADLINES)))
    assert rule.pattern == "elsewhere on the quay: .{1,40}"
    assert (rule.name, rule.stories, rule.blocks, rule.is_varied) == ("elsewhere-on-the-quay", 5, 5, True)
    assert rule.zones == (Zone.TAIL,) and rule.examples[0] == "Elsewhere on the quay: Ferry stays in port"


def test_numbers_and_the_words_of_a_date_are_left_open() -> None:
    days = ("3 May", "28 May", "11 June", "9 July", "30 August")
    (rule,) = suggested(*(text(n, top=[f"Published {day} 2026 at 14:0{n}"]) for n, day in enumerate(days)))
    assert rule.pattern == r"published \d{1,4} .{1,20} \d{1,4} at \d{1,4}:\d{1,4}"
    assert rule.kind is CutKind.BYLINE and rule.zones == (Zone.TOP,)


def test_end_that_stays_the_same_is_a_shape_too_and_the_author_has_no_name() -> None:
    names = ("Tom Berg", "Ada Lund", "Ines Tolland", "Edda Marsh", "Per Holm")
    (rule,) = suggested(*(text(n, f"{name}, northern quay desk") for n, name in enumerate(names)))
    assert rule.pattern == ".{1,20} northern quay desk"


def test_copies_of_one_text_count_once() -> None:
    copies = [text(1, "Elsewhere on the quay: Brede votes", story=7) for _ in range(6)]
    assert suggested(*copies) == []
    assert suggested(*copies, *(text(n, f"Elsewhere on the quay: {n}") for n in range(2, 5)))[0].stories == 4


def test_paragraphs_are_no_shapes_though_they_begin_alike_or_are_quoted_by_several() -> None:
    statement = (
        "“We will not close the pier before the winter,” the harbour board said in a statement to the papers on Monday."
    )
    begun = [text(n, f"In a statement the board said that {tale(n + 50)[0]}", statement) for n in range(6)]
    assert suggested(*begun) == []


def test_short_sentences_are_not_taken_for_their_first_words() -> None:
    assert suggested(*(text(n, f"He said that {word} was enough.") for n, word in enumerate(HEADLINES))) == []


def test_empty_store_suggests_nothing() -> None:
    assert suggested() == [] and suggested(text(1), text(2)) == []


@pytest.mark.parametrize(
    "line", ["It's {} o'clock: tide ''' tables <b> of {} (new)", "Brede {} \\ tide [x] {}* at the quay"]
)
def test_pack_is_accepted_and_its_examples_come_out_as_they_must(line: str) -> None:
    found = suggested(*(text(n, line.format(n, headline)) for n, headline in enumerate(HEADLINES)))
    pack = PackText(name="gazette", text=pack_text(found, "gazette", "en", "Two\nlines"))
    examples = read_examples(pack)
    assert len(found) == 1 and len(examples.must_cut) == 3 and examples.language == "en"
    assert failures(examples, rule_packs(OwnRules(packs=(pack,))), "gazette") == ()
