"""Fingerprints of a former spec: made anew before anything is settled, so that a change of the spec changes no story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from planted import Planted, planted_stream
from sqlalchemy import Engine, text
from stored import NOW, keep_readings, put_pages, settle_all, store_stream, stories

from load import judgements, resketch
from load.engine import connect
from load.judgements import Given
from load.report.comparison import compare
from load.resketch import renew, waiting
from transform.minhash import SketchSpec
from transform.model import ArticleId
from transform.verify import MatchPolicy

TODAY, FORMER = SketchSpec(), SketchSpec(seed=2)
INDEX = "SELECT entry FROM storyfold.band ORDER BY entry"
SKETCHES = "SELECT * FROM storyfold.sketch ORDER BY revision_id"
MEASURES = "SELECT id, words, text_digest FROM storyfold.revision ORDER BY id"
RECORDS = (
    "SELECT * FROM storyfold.match ORDER BY left_id, right_id",
    "SELECT * FROM storyfold.story ORDER BY id",
    "SELECT * FROM storyfold.article_revision ORDER BY revision_id",
    "SELECT url, outcome FROM storyfold.entry ORDER BY id",
)


def ask(engine: Engine, *queries: str) -> list[list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in queries]


def behind(engine: Engine) -> int:
    with engine.connect() as connection:
        return waiting(connection, TODAY)


@pytest.fixture(scope="module")
def stream() -> list[Planted]:
    return planted_stream(seed=17, stories=14)


@pytest.fixture
def old(engine: Engine, stream: list[Planted]) -> Engine:
    """The first half of the stream, settled; its fingerprints are of a former spec, which measured texts otherwise."""
    store_stream(engine, stream[: len(stream) // 2])
    renew(engine, FORMER, 1000)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE storyfold.revision SET words = words + 1, text_digest = '\\x00' || text_digest")
        )
    return engine


def test_a_change_of_the_spec_changes_no_story(
    old: Engine, stream: list[Planted], new_database: Callable[[], str]
) -> None:
    half = len(stream) // 2
    assert behind(old) == half
    assert renew(old, TODAY, 5) == half
    assert (behind(old), renew(old, TODAY, 5)) == (0, 0)
    store_stream(old, stream[half:])
    undisturbed = connect(new_database())
    store_stream(undisturbed, stream[:half])
    store_stream(undisturbed, stream[half:])
    assert stories(old) == stories(undisturbed)
    assert len(stories(old)) < len(stream)
    told = (INDEX, SKETCHES, MEASURES, *RECORDS[2:])
    assert ask(old, *told) == ask(undisturbed, *told)
    undisturbed.dispose()


def test_what_is_on_record_stays_as_it_was(old: Engine) -> None:
    before = ask(old, *RECORDS)
    renew(old, TODAY, 5)
    assert ask(old, *RECORDS) == before


def test_killed_between_batches_or_within_one_it_goes_on(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, done = behind(old), []

    def measure_some(*arguments: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(arguments)
        measure_anew(*arguments)

    measure_anew = resketch._measure_anew
    with monkeypatch.context() as patched:
        patched.setattr("load.resketch._measure_anew", measure_some)
        with pytest.raises(KeyboardInterrupt):
            renew(old, TODAY, 3)
    assert 0 < behind(old) < whole
    assert renew(old, TODAY, 3) == whole - 6
    assert ask(old, "SELECT count(DISTINCT spec), count(*) FROM storyfold.sketch") == [[(1, whole)]]


def test_what_waits_to_be_settled_is_made_anew_as_well(old: Engine, stream: list[Planted]) -> None:
    copy = replace(stream[0], url="https://late.example/1")
    renew(old, TODAY, 1000)
    keep_readings(old, zip(put_pages(old, [copy]), [copy], strict=True))
    renew(old, FORMER, 1000)  # it was read before the upgrade
    assert renew(old, TODAY, 1000) == len(stream) // 2 + 1
    settle_all(old)
    assert any({copy.url, stream[0].url} <= set(members) for _, _, members in stories(old))


def test_an_unchanged_page_stays_unchanged_and_a_changed_one_leaves_no_former_keys(
    old: Engine, stream: list[Planted]
) -> None:
    renew(old, TODAY, 1000)
    changed = replace(stream[1], text=stream[1].text.rpartition("\n\n")[0])
    store_stream(old, [stream[0], changed])
    outcomes = dict(ask(old, RECORDS[3])[0])
    assert (outcomes[stream[0].url], outcomes[changed.url]) == ("unchanged", "revised")
    keys = "SELECT sum(cardinality(bands)) FROM storyfold.article JOIN storyfold.sketch USING (revision_id)"
    assert ask(old, keys) == ask(old, "SELECT count(*) FROM storyfold.band")


def test_judgements_hold(engine: Engine, stream: list[Planted]) -> None:
    twice = [replace(stream[0], url=f"https://{name}.example/1") for name in ("a", "b", "c")]
    store_stream(engine, twice[:2])
    with engine.begin() as connection:
        judgements.different(connection, ArticleId(1), ArticleId(2), Given(by="mara", at=NOW))
    apart = stories(engine)
    assert len(apart) == 2
    renew(engine, FORMER, 1000)
    renew(engine, TODAY, 1000)
    store_stream(engine, twice[2:])
    assert sorted(len(members) for _, _, members in stories(engine)) == [1, 2]
    assert [story for story, _, _ in stories(engine)] == [story for story, _, _ in apart]


def test_two_articles_are_compared_by_the_spec_of_today(old: Engine) -> None:
    with old.connect() as connection:
        told = compare(connection, "1", "2", MatchPolicy())
    renew(old, TODAY, 1000)
    with old.connect() as connection:
        now = compare(connection, "1", "2", MatchPolicy())
    assert (told.shared_keys, told.verdict, told.never_compared) == (now.shared_keys, now.verdict, now.never_compared)
