"""The generator of labelled streams keeps its word: other measurements rest on it."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from newsstream import Item, stream, write_stream

from transform.normalize import words

STREAM = tuple(stream(5, 2_000))


def test_a_stream_is_drawn_from_its_seed_and_a_longer_one_begins_with_the_shorter() -> None:
    assert tuple(stream(5, 300)) == STREAM[:300]
    assert tuple(stream(6, 300)) != STREAM[:300]


def test_articles_come_in_order_of_arrival_and_none_before_it_is_published() -> None:
    arrivals = [item.fetched_at for item in STREAM]
    assert arrivals == sorted(arrivals)
    assert all(item.published_at <= item.fetched_at for item in STREAM)
    assert len({item.id for item in STREAM}) == len(STREAM)


def test_a_url_comes_again_only_as_a_revision() -> None:
    seen: dict[str, Item] = {}
    for item in STREAM:
        if item.edit == "revision":
            assert item.cluster == seen[item.url].cluster
        else:
            assert item.url not in seen
        seen[item.url] = item


def test_texts_are_as_long_as_news() -> None:
    lengths = sorted(len(item.text.split()) for item in STREAM)
    assert 200 <= median(lengths) <= 300
    assert lengths[len(lengths) // 50] >= 60
    assert lengths[-len(lengths) // 50] <= 700


def test_every_family_and_every_edit_is_there() -> None:
    assert {item.family for item in STREAM} == {
        "story", "retell", "series", "chain", "template", "digest", "liveblog",
    }  # fmt: skip
    edits = {item.edit for item in STREAM}
    assert edits >= {"exact", "light", "cut", "trim", "local", "copyedit", "update", "correct", "heavy", "ocr", "v2"}


def test_texts_of_different_stories_share_little_and_forms_much() -> None:
    plain = tuple(stream(5, 1_500, boilerplate=0))
    firsts: defaultdict[str, list[set[tuple[str, ...]]]] = defaultdict(list)
    for item in plain:
        if item.edit == "origin":
            firsts["form" if item.title.startswith("Police log") else item.family].append(_shingles(item.text))
    assert _mean_overlap(firsts["story"]) < 0.005
    assert _mean_overlap(firsts["form"]) > 0.3


def test_copies_keep_of_their_text_what_their_edit_leaves() -> None:
    plain = tuple(stream(5, 1_500, boilerplate=0, families={"story": 1}))
    origin = {item.cluster: _shingles(item.text) for item in reversed(plain) if item.edit == "origin"}
    kept: defaultdict[str, list[float]] = defaultdict(list)
    for item in plain:
        if item.edit not in ("origin", "revision") and item.cluster in origin:
            kept[item.edit].append(_jaccard(origin[item.cluster], _shingles(item.text)))
    means = {edit: round(fmean(values), 2) for edit, values in kept.items()}
    assert means["exact"] > means["light"] > 0.85, means  # not 1: some are made of an edited copy
    assert all(0.35 < means[edit] < 0.9 for edit in ("cut", "trim", "local", "copyedit", "update", "ocr")), means
    assert 0.15 < means["heavy"] < min(mean for edit, mean in means.items() if edit != "heavy"), means


def test_page_furniture_stands_around_a_text_that_stays_as_it_is() -> None:
    plain, some, all_ = (tuple(stream(5, 500, boilerplate=share)) for share in (0, 0.2, 1))
    leaks = [item.text != bare.text for item, bare in zip(some, plain, strict=True)]
    assert 0.1 < fmean(leaks) < 0.3
    for bare, item in zip(plain, all_, strict=True):
        assert (bare.id, bare.url, bare.fetched_at, bare.cluster) == (item.id, item.url, item.fetched_at, item.cluster)
        assert set(bare.text.split("\n\n")) <= set(item.text.split("\n\n"))
    assert fmean(len(item.text) for item in all_) > 1.1 * fmean(len(item.text) for item in plain)


def test_a_written_stream_is_read_back(tmp_path: Path) -> None:
    articles, truth = write_stream(tmp_path, STREAM[:50])
    with gzip.open(articles, "rt", encoding="utf-8") as lines:
        assert [json.loads(line)["text"] for line in lines] == [item.text for item in STREAM[:50]]
    with gzip.open(truth, "rt", newline="") as rows:
        assert [row["cluster"] for row in csv.DictReader(rows)] == [str(item.cluster) for item in STREAM[:50]]


def _shingles(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    return {tuple(said[place : place + 5]) for place in range(len(said) - 4)}


def _jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other)


def _mean_overlap(texts: Sequence[set[tuple[str, ...]]]) -> float:
    return fmean(_jaccard(one, other) for one, other in pairwise(texts))
