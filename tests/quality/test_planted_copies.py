"""How well stories are found in a made-up stream: pairs of articles, put together rightly and wrongly."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

from planted import planted_stream
from sqlalchemy import Engine
from stored import partition, store_stream

FLOOR = tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))["planted_copies"]


def test_planted_copies_are_found_as_well_as_before(engine: Engine) -> None:
    stream = planted_stream(seed=2026, stories=250, copies=6)
    store_stream(engine, stream)
    story = {item.url: item.story for item in stream}
    true = {pair for pair in combinations(sorted(story), 2) if story[pair[0]] == story[pair[1]]}
    found = {pair for members in partition(engine) for pair in combinations(sorted(members), 2)}
    precision, recall = len(true & found) / len(found), len(true & found) / len(true)
    assert precision >= FLOOR["precision"], precision
    assert recall >= FLOOR["recall"], recall
