"""Packs of a user's own and rules switched off: what they change, and how their faults are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from extract.model import Article, Block, Extractor, SourceName
from transform.boilerplate import strip_boilerplate
from transform.own_rules import BadPack, OwnRules, PackText, Undone, rule_packs
from transform.packs import read_packs
from transform.patterns import fault_of
from transform.read import ReadSpec
from transform.trial import PROSE

RULE = """
[[rules]]
name = "tides"
kind = "advert"
patterns = ['tide tables? (?:for|of) .{1,60}']
"""
TIDES = "Tide tables for Brede and the Sound"


def own(*packs: tuple[str, str], undone: Sequence[Undone] = ()) -> OwnRules:
    return OwnRules(packs=tuple(PackText(name=name, text=text) for name, text in packs), undone=tuple(undone))


def cut_rules(*lines: str, own: OwnRules, language: str | None = "en", source: str = "gazette") -> list[str]:
    """The rules that cut something of eight paragraphs with these lines after them."""
    page = Article(
        url="https://gazette.example/ferry",
        source=SourceName(source),
        title="More crossings from June",
        authors=(),
        summary=None,
        blocks=tuple(Block(text=text) for text in (*PROSE, *lines)),
        extractor=Extractor.TRAFILATURA,
        language=language,
        published_at=None,
        date_precision=None,
        date_found_in=None,
        modified_at=None,
        fetched_at=datetime(2026, 5, 12, tzinfo=UTC),
    )
    return [cut.rule for cut in strip_boilerplate(page, rule_packs(own)).cuts]


# --- what packs add


def test_pack_with_the_name_of_a_language_adds_to_that_language() -> None:
    packs = own(("en", RULE))
    assert cut_rules(TIDES, "Advertisement", own=packs) == ["en.advert.tides", "en.advert.label"]
    assert cut_rules(TIDES, own=packs, language="de") == []


def test_pack_with_a_longer_name_holds_in_every_language() -> None:
    packs = own(("harbours", RULE))
    for language in ("en", "de", "eo", None):
        assert cut_rules(TIDES, own=packs, language=language) == ["harbours.advert.tides"]


def test_pack_of_a_new_language_adds_it_and_uses_the_common_terms() -> None:
    rule = "[[rules]]\nname = 'photo'\nkind = 'caption'\ncased = true\npatterns = ['Foto de <name>']"
    packs = own(("eo", rule))
    assert cut_rules("Foto de Edda Marsh", own=packs, language="eo") == ["eo.caption.photo"]
    assert cut_rules("Foto de Edda Marsh", own=packs, language="en") == []


def test_pack_for_sources_holds_on_their_pages_only() -> None:
    packs = own(("gazette", f"sources = ['gazette']{RULE}"))
    assert cut_rules(TIDES, own=packs) == ["gazette.advert.tides"]
    assert cut_rules(TIDES, own=packs, source="herald") == []


# --- what is switched off


def test_rule_that_is_undone_cuts_nothing_and_lets_the_next_one_cut() -> None:
    line = "Advertisement"
    other = "[[rules]]\nname = 'ad'\nkind = 'advert'\npatterns = ['advertisement']"
    assert cut_rules(line, own=own(undone=[Undone("en.advert.label")])) == []
    packs = own(("house", other), undone=[Undone("en.advert.label")])
    assert cut_rules(line, own=packs) == ["house.advert.ad"]


def test_rule_that_is_undone_for_one_source_cuts_on_pages_of_others() -> None:
    undone = own(undone=[Undone("en.advert.label", "gazette")])
    assert cut_rules("Advertisement", own=undone) == []
    assert cut_rules("Advertisement", own=undone, source="herald") == ["en.advert.label"]


def test_rule_of_the_structure_can_be_undone() -> None:
    lines = ("Leave a comment", "~old_wolf: In my time this was not so.")
    below = "structure.section-label.below-text"
    assert below in cut_rules(*lines, own=own())
    assert cut_rules(*lines, own=own(undone=[Undone(below)])) == ["en.comment-prompt.invite"]


# --- what they are to the digest


def test_digest_changes_with_every_rule_and_with_nothing_else() -> None:
    spec = ReadSpec()
    plain = own(("house", RULE))
    noted = own(("house", f"# a note\n{RULE}\n[[must_cut]]\nkind = 'advert'\nlines = ['{TIDES}']"))
    others = [own(), plain, own(("harbours", RULE)), own(("house", RULE.replace("60", "61")))]
    others += [own(undone=[Undone("en.advert.label")]), own(undone=[Undone("en.advert.label", "gazette")])]
    digests = [replace(spec, rules=rules).digest for rules in others]
    assert len(set(digests)) == len(digests)
    assert replace(spec, rules=noted).digest == digests[1]
    assert rule_packs(own()).digest == read_packs().digest


# --- what cannot be used


def rule(**keys: str) -> str:
    said = {"name": "'tides'", "kind": "'advert'", "patterns": "['tide tables?']", **keys}
    return "[[rules]]\n" + "\n".join(f"{key} = {value}" for key, value in said.items() if value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("House", RULE, "House.toml: a pack cannot be called so: use small letters"),
        ("memory", RULE, "memory.toml: a pack cannot be called so: 'memory' is taken"),
        ("house", "x = ", "house.toml: no valid TOML: Invalid value (at end of document)"),
        ("house", "", "house.toml: it has no [[rules]]"),
        ("house", "rules = 3", "house.toml: rules must be written as [[rules]]"),
        ("house", f"source = 'x'{RULE}", "house.toml: unknown key 'source'; did you mean 'sources'?"),
        ("house", f"sources = 'x'{RULE}", "house.toml: 'sources' must be a list of texts"),
        ("house", f"script = 'latn'{RULE}", "house.toml: 'script' cannot be 'latn'; did you mean 'latin'?"),
        ("el", f"script = 'latin'{RULE}", "el.toml: 'script' is greek for this pack"),
        ("house", f"{RULE}[terms]\nAb = 'x'", "house.toml: the term 'Ab' must be called by small letters and '_'"),
        ("house", rule(name=""), "house.toml: rule 1 needs a 'name'"),
        ("house", rule(kind="'advertt'"), "house.toml, rule 'tides': 'kind' cannot be 'advertt'; did you mean 'advert'?"),
        ("house", rule(zones="['tails']"), "rule 'tides': 'zones' cannot be 'tails'; did you mean 'tail'?"),
        ("house", rule(zone="'tail'"), "rule 'tides': unknown key 'zone'; did you mean 'zones'?"),
        ("house", rule(opens="'all'"), "'opens' cannot be 'all'; it may be list, paragraph"),
        ("house", rule(cased="1"), "'cased' must be true or false"),
        ("house", rule(max_length="5000"), "'max_length' must be a number of characters, up to 900"),
        ("house", rule(patterns="[]"), "'patterns' must name something"),
        ("house", rule(mentions="[]"), "'mentions' must name something"),
        ("house", rule(patterns="['(?:tide']"), "the pattern '(?:tide' cannot be used: it is no regular expression"),
        ("house", rule(patterns="['(tide)']"), "it has a group that captures"),
        ("house", rule(patterns="['(?i)tide']"), "it sets flags"),
        ("house", rule(patterns="['(?:[a-z]+ )+tide']"), "it has a repeat within a repeat"),
        ("house", rule(patterns="['tide" + ".*x" * 9 + "']"), "it has more than 8 wide repeats"),
        ("house", rule(patterns="['(?:tide)?']"), "it matches a block without text"),
        ("house", rule(patterns="['.{1,160}']"), "it matches any block"),
        ("house", rule(patterns="['Tide tables']"), "it has capital letters"),
        ("house", rule(patterns="['today’s tides']"), "it has ’, for which a plain form has '"),
        ("house", rule(patterns="['tide tables:']"), "no plain form begins or ends with ':'"),
        ("house", rule(patterns="['<tide>']"), "there is no term <tide>; there are "),
        ("house", rule(patterns="['<a>']") + "\n[terms]\na = '<b>'\nb = '<a>'", "a term in it stands for itself"),
        ("en", rule(name="'label'"), "en.toml, rule 'en.advert.label': there is a rule en.advert.label already"),
        ("house", rule() + "\n" + rule(), "there is a rule house.advert.tides already"),
    ],
)  # fmt: skip
def test_pack_that_cannot_be_used_is_told_in_one_sentence(name: str, text: str, told: str) -> None:
    with pytest.raises(BadPack) as fault:
        rule_packs(own((name, text)))
    assert told in str(fault.value) and "\n" not in str(fault.value)


def test_patterns_that_come_with_us_would_be_taken_from_a_user() -> None:
    rules = [rule for rules in read_packs().packs.values() for rule in rules]
    assert [(rule.id, fault) for rule in rules if (fault := fault_of(rule.pattern, cased=True))] == []
