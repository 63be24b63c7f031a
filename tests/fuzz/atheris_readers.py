"""Coverage-guided fuzzing of one reader: `python tests/fuzz/atheris_readers.py READER SECONDS [FOLDER]`.

FOLDER keeps the inputs that reach new code, and those that fail; a temporary one by default. `make fuzz` runs all.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
MAX_INPUT_BYTES = 4096
TIMEOUT_S = 20  # for one input: beyond, it is taken for a hang
INSTRUMENTED = ["extract", "feedparser", "sgmllib", "protego", "warcio", "yarl", "csv", "json", "html"]

sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
with atheris.instrument_imports(include=INSTRUMENTED):
    from reader_checks import CHECKS, SEEDS


def main(reader: str, seconds: int, folder: Path) -> None:
    """Fuzz the reader for so long, from its documents in reader_checks on; the process ends with it."""
    corpus = folder / reader
    corpus.mkdir(parents=True, exist_ok=True)
    for document in SEEDS[reader]:
        (corpus / hashlib.sha1(document).hexdigest()).write_bytes(document)
    logging.disable(logging.CRITICAL)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-timeout={TIMEOUT_S}",
        f"-artifact_prefix={folder}/{reader}-",
        "-rss_limit_mb=2048",
        "-seed=1",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], CHECKS[reader])
    atheris.Fuzz()


if __name__ == "__main__":
    _, reader, seconds, *folder = sys.argv
    main(reader, int(seconds), Path(folder[0] if folder else tempfile.mkdtemp(prefix="storyfold-fuzz-")))
