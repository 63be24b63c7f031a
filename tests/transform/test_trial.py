"""A pack tried out: its examples, and what it would cut that stays today."""

from __future__ import annotations

import pytest

from extract.model import Block
from transform.boilerplate import strip_boilerplate
from transform.model import CutKind, Zone
from transform.own_rules import BadPack, OwnRules, PackText, rule_packs
from transform.trial import PROSE, by_rule, example_page, failures, new_cuts, read_examples

PACK = """
[[rules]]
name = "tides"
kind = "advert"
zones = ["tail"]
max_length = 420
patterns = ['tide tables?(?: for)? .{1,300}']

[[must_cut]]
kind = "advert"
lines = ["Tide tables for Brede"]
"""


def told(text: str) -> list[str]:
    pack = PackText(name="house", text=PACK + text)
    found = failures(read_examples(pack), rule_packs(OwnRules(packs=(pack,))), "gazette")
    return [f"{failure.zone} {failure.expected} {failure.line} {list(failure.cuts)}" for failure in found]


def test_examples_that_come_out_as_they_must_are_not_told() -> None:
    assert told("") == []
    assert told("[[must_cut]]\nkind = 'copyright'\nlines = ['© Gazette 2026']") == []


def test_examples_that_do_not_are_told_with_what_fell() -> None:
    assert told("[[must_cut]]\nkind = 'advert'\nposition = 'body'\nlines = ['Tide tables for Brede']") == [
        "body advert Tide tables for Brede []"
    ]
    assert told("[[must_cut]]\nkind = 'related'\nlines = ['Tide tables for Brede']") == [
        "tail related Tide tables for Brede ['house.advert.tides: Tide tables for Brede']"
    ]


def test_line_that_must_stay_is_tried_wherever_it_may_stand() -> None:
    pack = PackText(name="house", text='must_keep = ["Tide tables were first printed in 1833."]' + PACK)
    (failure,) = failures(read_examples(pack), rule_packs(OwnRules(packs=(pack,))), "gazette")
    assert (failure.zone, failure.expected) == (Zone.TAIL, None)


@pytest.mark.parametrize(
    "text", ["[[must_cut]]\nlines = ['x']", "[[must_cut]]\nkind = 'advertt'\nlines = ['x']", "prose = ['one']", "must_keep = 3"]
)  # fmt: skip
def test_examples_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(BadPack, match=r"^house\.toml: "):
        read_examples(PackText(name="house", text=f"{text}\n{PACK}" if "=" in text.splitlines()[0] else PACK + text))


def test_new_cuts_are_those_that_stay_today_with_their_neighbours_and_paragraphs_marked() -> None:
    paragraph = (
        "Tide tables are printed by the county every autumn, and the harbour master gives them away to all who ask."
    )
    page = example_page((*PROSE, "Advertisement", "Tide tables for Brede", paragraph), "en", "gazette")
    today = strip_boilerplate(page, rule_packs())
    then = rule_packs(OwnRules(packs=(PackText(name="house", text=PACK),)))
    cuts = new_cuts(today, strip_boilerplate(page, then))
    assert [(cut.text, cut.before, cut.after, cut.is_prose) for cut in cuts] == [
        ("Tide tables for Brede", "Advertisement", paragraph, False),
        (paragraph, "Tide tables for Brede", None, True),
    ]
    (rule,) = by_rule(cuts, 1)
    assert (rule.rule, rule.blocks, rule.articles, rule.texts) == ("house.advert.tides", 2, 1, 2)
    assert [cut.text for cut in rule.paragraphs] == [paragraph] and len(rule.examples) == 1
    assert cuts[0].kind is CutKind.ADVERT and cuts[0].zone is Zone.TAIL
    assert Block(text=paragraph) in page.blocks
