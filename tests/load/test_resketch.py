"""Another SketchSpec, built beside the one that the store compares by: nothing waits, and stories keep their ids."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from planted import Planted, planted_stream
from programs import wait_until
from sqlalchemy import Connection, Engine, text
from stored import NOW, keep_readings, partition, put_pages, settle_all, store_stream, stories

from load import engine as store
from load import judgements, resketch, revisions, specs, stop_shingles
from load.engine import connect
from load.judgements import Given
from load.report.comparison import compare
from load.report.state import status
from load.resketch import begin, drop_retired, follow, make_first, progress, step
from load.settle import settle
from load.specs import ForeignSpec
from load.tables import stop_list
from transform.minhash import VERSION, SketchSpec
from transform.model import ArticleId
from transform.verify import MatchPolicy

TODAY, FORMER = SketchSpec(), SketchSpec(seed=2)
OTHER_SHINGLES = SketchSpec(seed=3, width=4)
POLICY = MatchPolicy()
RECORDS = (
    "SELECT * FROM storyfold.match ORDER BY left_id, right_id",
    "SELECT * FROM storyfold.story ORDER BY id",
    "SELECT * FROM storyfold.story_change ORDER BY id",
    "SELECT * FROM storyfold.article_revision ORDER BY revision_id",
    "SELECT url, outcome FROM storyfold.entry ORDER BY id",
    "SELECT id, words, text_digest FROM storyfold.revision ORDER BY id",
)
BUILDER = """
import sys
from datetime import UTC, datetime
from load import resketch
from load.engine import connect
from transform.minhash import SketchSpec
from transform.verify import MatchPolicy
engine, spec = connect(sys.argv[1]), SketchSpec(seed=int(sys.argv[2]))
resketch.begin(engine, spec, datetime.now(UTC))
while not resketch.step(engine, spec, MatchPolicy(), 1, datetime.now(UTC)).is_last:
    pass
"""


def ask(engine: Engine, *queries: str) -> list[list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in queries]


def numbers(engine: Engine) -> dict[str, int]:
    """State → number of the spec."""
    return dict(ask(engine, "SELECT state, number FROM storyfold.sketch_spec WHERE dropped_at IS NULL")[0])


def tables(engine: Engine) -> set[str]:
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(sketch|band)_[0-9]'"
    return {name for (name,) in ask(engine, query)[0]}


def keys(engine: Engine) -> list[tuple[Any, ...]]:
    """The keys of each article in the index of the current spec, however often they stand in it."""
    number = numbers(engine)["current"]
    return ask(engine, f"SELECT entry & 4194303, entry >> 22 FROM storyfold.band_{number}_0 ORDER BY 1, 2")[0]


def sketches(engine: Engine) -> list[tuple[Any, ...]]:
    """What each article says now, as the current spec has it."""
    number = numbers(engine)["current"]
    query = f"""SELECT article.url, shingles, facts, bands, coalesce(sketch.words, revision.words) FROM storyfold.article
                JOIN storyfold.revision ON revision.id = article.revision_id
                LEFT JOIN storyfold.sketch_{number} AS sketch ON sketch.revision_id = revision.id ORDER BY article.id"""
    return ask(engine, query)[0]


def of_story(engine: Engine) -> dict[str, int]:
    return {url: story for story, _, urls in stories(engine) for url in urls}


def build(engine: Engine, spec: SketchSpec, limit: int = 5) -> int:
    """Build it to the end; how many fingerprints were made."""
    assert begin(engine, spec, NOW)
    made, is_last = 0, False
    while not is_last:
        done = step(engine, spec, POLICY, limit, NOW)
        made, is_last = made + done.made, done.is_last
    assert done.switched
    return made


@pytest.fixture(scope="module")
def stream() -> list[Planted]:
    return planted_stream(seed=17, stories=14)


@pytest.fixture
def old(engine: Engine, stream: list[Planted]) -> Engine:
    """The first half of the stream, settled by a former spec."""
    build(engine, FORMER)
    drop_retired(engine, NOW)
    store_stream(engine, stream[: len(stream) // 2])
    return engine


def test_a_store_begins_with_the_spec_of_its_program(engine: Engine) -> None:
    assert numbers(engine) == {"current": 1}
    with engine.connect() as connection:
        assert specs.current(connection).known == TODAY
        assert progress(connection) is None
    kept = """SELECT reloptions, (SELECT string_agg(attstorage::text, '') FROM pg_attribute
                                  WHERE attrelid = sketch.oid AND attname IN ('shingles', 'facts', 'bands'))
              FROM pg_class AS sketch WHERE relname = 'sketch_1'"""
    assert ask(engine, kept)[0] == [(["toast_tuple_target=8160", "autovacuum_analyze_scale_factor=0.02"], "eee")]
    assert not follow(engine, TODAY, NOW)
    assert follow(engine, FORMER, NOW)
    assert follow(engine, FORMER, NOW)
    assert numbers(engine) == {"current": 1, "building": 2}
    assert not follow(engine, TODAY, NOW), "a program that has not been upgraded yet leaves it alone"
    assert numbers(engine) == {"current": 1, "building": 2}


def test_settling_goes_on_by_the_old_spec_while_the_new_one_is_built(
    old: Engine, stream: list[Planted], new_database: Callable[[], str]
) -> None:
    """Of three parts of a stream one comes before, one while the new spec is built, one after the switch."""
    half, late = len(stream) // 2, 3 * len(stream) // 4
    assert begin(old, TODAY, NOW)
    assert step(old, TODAY, POLICY, 5, NOW) == resketch.Step(made=5, is_last=False)
    with old.connect() as connection:
        told = status(connection).fingerprints
    assert told is not None
    assert (told.done, told.of, told.since, told.first) == (5, half, 0, False)
    changed = replace(stream[2], text=stream[2].text.rpartition("\n\n")[0])
    store_stream(old, [*stream[half:late], changed], batch=4)
    undisturbed = connect(new_database())
    build(undisturbed, FORMER)
    store_stream(undisturbed, stream[:half])
    store_stream(undisturbed, [*stream[half:late], changed])
    assert stories(old) == stories(undisturbed)
    before = ask(old, *RECORDS)
    while not step(old, TODAY, POLICY, 5, NOW).is_last:
        assert ask(old, *RECORDS[:3]) == before[:3]
    assert ask(old, *RECORDS) == before
    with old.connect() as connection:
        assert status(connection).fingerprints is None
    fresh = connect(new_database())
    store_stream(fresh, stream[:half])
    store_stream(fresh, [*stream[half:late], changed])
    assert keys(old) == keys(fresh)
    assert sketches(old) == sketches(fresh)
    store_stream(old, stream[late:])
    store_stream(fresh, stream[late:])
    assert partition(old) == partition(fresh)
    assert keys(old) == keys(fresh)
    assert of_story(old).items() >= of_story(undisturbed).items()
    undisturbed.dispose()
    fresh.dispose()


def test_what_is_left_of_the_old_spec_is_dropped_as_whole_tables(old: Engine) -> None:
    assert tables(old) == {"sketch_2", "band_2_0"}
    build(old, TODAY)
    assert numbers(old) == {"current": 1, "retired": 2}
    assert tables(old) == {"sketch_1", "band_1_0", "sketch_2", "band_2_0"}
    assert (drop_retired(old, NOW), drop_retired(old, NOW)) == (1, 0)
    assert tables(old) == {"sketch_1", "band_1_0"}
    assert store.check(old) == []


def test_what_somebody_reads_is_dropped_another_time(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    build(old, TODAY)
    monkeypatch.setattr(resketch, "PATIENCE_S", 0.1)
    with old.connect() as dump:
        dump.execute(text("SELECT count(*) FROM storyfold.sketch_2"))
        assert drop_retired(old, NOW) == 0
        assert not begin(old, OTHER_SHINGLES, NOW)
    assert begin(old, OTHER_SHINGLES, NOW)
    assert numbers(old) == {"current": 1, "building": 3}


@pytest.mark.parametrize("end", ["base", "switch"])
def test_interrupted_anywhere_it_goes_on(old: Engine, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    begin(old, TODAY, NOW)
    done = []

    def interrupted(*arguments: Any) -> None:
        done.append(arguments)
        raise KeyboardInterrupt

    name = {"base": "load.index.build_keys", "switch": "load.specs.switch"}[end]
    made = 0
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        made += step(old, TODAY, POLICY, 3, NOW).made
        patched.setattr(name, interrupted)
        while True:
            made += step(old, TODAY, POLICY, 3, NOW).made
    assert done
    assert numbers(old) == {"current": 2, "building": 1}
    while not (last := step(old, TODAY, POLICY, 3, NOW)).is_last:
        made += last.made
    assert made + last.made == ask(old, "SELECT count(*) FROM storyfold.article")[0][0][0]
    assert len(set(keys(old))) == len(keys(old))
    assert all(row[1] for row in sketches(old))


def test_two_builders_one_of_them_killed_make_one_index(old: Engine, stream: list[Planted]) -> None:
    address = old.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", BUILDER, address, "1"]
    first, second = (subprocess.Popen(command) for _ in range(2))
    assert wait_until(lambda: "sketch_1" in tables(old) and ask(old, "SELECT 1 FROM storyfold.sketch_1")[0], first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    store_stream(old, stream[len(stream) // 2 :])
    assert second.wait(60) == 0
    assert numbers(old)["current"] == 1
    assert len(set(keys(old))) == len(keys(old)) == sum(len(row[3]) for row in sketches(old))


def test_a_spec_that_changes_again_while_it_is_built_starts_over(old: Engine, stream: list[Planted]) -> None:
    begin(old, TODAY, NOW)
    step(old, TODAY, POLICY, 5, NOW)
    assert build(old, OTHER_SHINGLES) == len(stream) // 2
    assert numbers(old) == {"retired": 2, "current": 3}
    assert step(old, TODAY, POLICY, 5, NOW) == resketch.Step(made=0, is_last=True)
    assert begin(old, OTHER_SHINGLES, NOW) is False


def test_the_way_back_costs_what_came_since(
    old: Engine, stream: list[Planted], new_database: Callable[[], str]
) -> None:
    half = len(stream) // 2
    waiting = replace(stream[0], url="https://late.example/1")
    keep_readings(old, zip(put_pages(old, [waiting]), [waiting], strict=True))  # fingerprinted by the former spec
    build(old, TODAY)
    settle_all(old)
    changed = replace(stream[1], text=stream[1].text.rpartition("\n\n")[0])
    store_stream(old, [stream[half], changed])
    assert follow(old, FORMER, NOW) is False, "a program that has not been upgraded yet does not undo it"
    assert build(old, FORMER) == 3
    undisturbed = connect(new_database())
    build(undisturbed, FORMER)
    for part in (stream[:half], [waiting], [stream[half], changed]):
        store_stream(undisturbed, part)
    assert keys(old) == keys(undisturbed)
    assert sketches(old) == sketches(undisturbed)
    undisturbed.dispose()


def test_giving_a_new_spec_up_and_taking_it_again_goes_on_where_it_was(old: Engine, stream: list[Planted]) -> None:
    half = len(stream) // 2
    begin(old, TODAY, NOW)
    assert step(old, TODAY, POLICY, 5, NOW).made == 5
    assert begin(old, FORMER, NOW) is False
    assert numbers(old) == {"current": 2, "retired": 1}
    store_stream(old, stream[half:])
    assert build(old, TODAY) == len(stream) - 5


def test_what_was_read_by_another_spec_is_fingerprinted_when_it_is_settled(old: Engine, stream: list[Planted]) -> None:
    copy = replace(stream[0], url="https://late.example/1")
    keep_readings(old, zip(put_pages(old, [copy]), [copy], strict=True))  # by this program's spec, not the store's
    settle_all(old)
    assert any({copy.url, stream[0].url} <= set(members) for _, _, members in stories(old))
    assert all(row[1] for row in sketches(old))


def test_an_unchanged_page_stays_unchanged_after_the_switch(old: Engine, stream: list[Planted]) -> None:
    build(old, TODAY)
    store_stream(old, [stream[0]])
    assert dict(ask(old, RECORDS[4])[0])[stream[0].url] == "unchanged"
    assert all(row[1] for row in sketches(old))


def test_lengths_and_digests_are_those_of_the_spec(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the new spec measured texts otherwise: what revisions say stays, what is compared is new."""
    measure = resketch.fingerprints

    def otherwise(*arguments: Any) -> list[Any]:
        return [replace(one, words=one.words + 1, text_digest=b"x" * 16) for one in measure(*arguments)]

    before = ask(old, RECORDS[5])
    monkeypatch.setattr("load.resketch.fingerprints", otherwise)
    build(old, TODAY)
    assert ask(old, RECORDS[5]) == before
    with old.connect() as connection:
        told = revisions.fingerprints(connection, specs.current(connection), [1, 2])
    words = {id_: count for id_, count, _ in before[0]}
    assert {id_: print_.words - words[id_] for id_, print_ in told.items()} == {1: 1, 2: 1}
    assert {print_.text_digest for print_ in told.values()} == {b"x" * 16}


def lists(engine: Engine) -> list[tuple[Any, ...]]:
    """What is known of recurring phrases by the current spec."""
    with engine.connect() as connection:
        counts = specs.current(connection).counts
    told = ("stop_list", "shingle_run", "shingle_count", "published_day")
    queries = [
        f"SELECT to_jsonb(t) - 'spec' FROM storyfold.{name} AS t WHERE spec = {counts} ORDER BY 1" for name in told
    ]
    return [tuple(rows) for rows in ask(engine, *queries)]


@pytest.mark.parametrize(("spec", "carried_over"), [(SketchSpec(bands=10), True), (OTHER_SHINGLES, False)])
def test_recurring_phrases_are_known_after_the_switch(
    engine: Engine, new_database: Callable[[], str], spec: SketchSpec, carried_over: bool
) -> None:
    articles = planted_stream(seed=5, stories=48)
    store_stream(engine, articles)
    before = lists(engine)
    build(engine, spec, limit=30)
    drop_retired(engine, NOW)
    assert len(ask(engine, "SELECT DISTINCT spec FROM storyfold.stop_list")[0]) == 1
    with engine.connect() as connection:
        assert connection.scalar(stop_list.select().with_only_columns(stop_list.c.version)) == 1
        assert stop_shingles.history(connection, specs.current(connection).counts, POLICY).days > 0
    if carried_over:
        assert lists(engine) == before
        return
    fresh = connect(new_database())
    build(fresh, spec)
    store_stream(fresh, articles, batch=30)
    assert lists(engine)[0] == lists(fresh)[0]
    assert lists(engine)[2:] == lists(fresh)[2:]
    fresh.dispose()


def let_be_made_by(connection: Connection, version: int) -> None:
    """The store's current spec is of this version of our algorithms."""
    changed = (
        "UPDATE storyfold.sketch_spec SET parameters = parameters || jsonb_build_object('version', CAST(:v AS int))"
    )
    connection.execute(text(changed + " WHERE state = 'current'"), {"v": version})


def test_a_program_refuses_to_settle_by_fingerprints_that_a_newer_one_made(old: Engine, stream: list[Planted]) -> None:
    keep_readings(old, zip(put_pages(old, stream[-1:]), stream[-1:], strict=True))
    with old.begin() as connection:
        let_be_made_by(connection, VERSION + 1)
    before = ask(old, *RECORDS)
    for refused in (lambda: settle(old, POLICY, NOW, 10), lambda: make_first(old, TODAY, POLICY, 10, NOW)):
        with pytest.raises(ForeignSpec, match="fingerprints of a newer storyfold, which this one cannot make"):
            refused()
    assert ask(old, *RECORDS) == before
    store.upgrade(old)


def test_where_the_former_fingerprints_cannot_be_made_any_more_the_new_ones_come_first(
    old: Engine, stream: list[Planted], new_database: Callable[[], str]
) -> None:
    half = len(stream) // 2
    with old.begin() as connection:
        let_be_made_by(connection, VERSION - 1)
    keep_readings(old, zip(put_pages(old, stream[half:]), stream[half:], strict=True))
    with pytest.raises(ForeignSpec, match="an older storyfold"):
        settle_all(old)
    begin(old, TODAY, NOW)
    with old.connect() as connection:
        told = status(connection).fingerprints
    assert told is not None
    assert told.first
    assert make_first(old, TODAY, POLICY, 5, NOW) == half
    settle_all(old)
    fresh = connect(new_database())
    store_stream(fresh, stream[:half])
    store_stream(fresh, stream[half:])
    assert stories(old) == stories(fresh)
    assert keys(old) == keys(fresh)
    fresh.dispose()


def test_judgements_hold(engine: Engine, stream: list[Planted]) -> None:
    twice: Sequence[Planted] = [replace(stream[0], url=f"https://{name}.example/1") for name in ("a", "b", "c")]
    store_stream(engine, twice[:2])
    with engine.begin() as connection:
        judgements.different(connection, ArticleId(1), ArticleId(2), Given(by="mara", at=NOW))
    apart = stories(engine)
    assert len(apart) == 2
    build(engine, FORMER)
    store_stream(engine, twice[2:])
    assert sorted(len(members) for _, _, members in stories(engine)) == [1, 2]
    assert [story for story, _, _ in stories(engine)] == [story for story, _, _ in apart]


def test_two_articles_are_compared_by_the_spec_of_the_store(old: Engine) -> None:
    with old.connect() as connection:
        told = compare(connection, "1", "2", POLICY)
    build(old, TODAY)
    with old.connect() as connection:
        now = compare(connection, "1", "2", POLICY)
    assert (told.verdict, told.never_compared) == (now.verdict, now.never_compared)
