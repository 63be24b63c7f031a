"""Thousands of pages through dozens of kills: `make chaos`, or `python tests/chaos/run_big.py --articles 6000 --seed 3`.

What is compared with what stands in tests/chaos/test_chaos.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[n]) for n in (1, 2)]

from chaotic import Blows, Victim, endure  # noqa: E402
from generated_newsroom import generated_newsroom  # noqa: E402

WORKER, READER, POSTGRES = Victim.WORKER, Victim.READER, Victim.POSTGRES
SETTINGS = {"STORYFOLD_BATCH": "40", "STORYFOLD_WARC_PAGES": "50", "STORYFOLD_PROCESSES": "2"}
BLOWS = (
    Blows(
        gathering=(WORKER, WORKER, POSTGRES, WORKER, WORKER, POSTGRES),
        ingest=(WORKER, READER, POSTGRES, WORKER, WORKER, READER, WORKER, POSTGRES, WORKER, WORKER),
        upkeep=(WORKER, POSTGRES, WORKER),
    ),
    Blows(
        gathering=(WORKER, POSTGRES, WORKER, WORKER),
        ingest=(WORKER, READER, WORKER, POSTGRES, WORKER, READER, WORKER, WORKER),
        upkeep=(WORKER, POSTGRES, WORKER),
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--articles", type=int, default=12_000, help="of the stream, of which the largest outlets are served"
    )
    parser.add_argument("--outlets", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sf-") as folder:
        (sources := Path(folder) / "sources").mkdir()
        with generated_newsroom(sources, seed=asked.seed, articles=asked.articles, outlets=asked.outlets) as newsroom:
            killed = endure(newsroom, Path(folder), SETTINGS, BLOWS, asked.seed)
    told = ", ".join(f"{number} of {victim}" for victim, number in killed.items())
    sys.stdout.write(f"{killed.total()} kills ({told}), all as if undisturbed, {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
