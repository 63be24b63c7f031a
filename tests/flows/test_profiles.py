"""What readers of either profile store: the text of the extractor that was chosen, its name, and how far others agree."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from differing import CONTAINERS, CROWDED, DAYS, HALVED, STORY, TALK, UNSEEN
from factories import settle_all
from sqlalchemy import Engine, text
from warc_files import foreign, http

from extract.model import Profile
from extract.warc_choice import Choice
from flows.ingest import begin_reading, read_batch
from flows.isolation import workers
from flows.reading import be_quiet
from flows.settings import Settings
from flows.store import Store
from flows.warcs import WarcJob, by_domain, index_slices
from load import pages, runs
from load.engine import worker

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
PAGES = {"containers": CONTAINERS, "crowded": CROWDED, "halved": HALVED, "unseen": UNSEEN}


def stored(engine: Engine, folder: Path, profile: Profile) -> dict[str, tuple[str, float | None, str]]:
    """Name of the page → extractor, agreement and last paragraph, of those that became articles."""
    store = Store(engine=engine, settings=Settings(home=folder, profile=profile))
    file = folder / "crawl.warc"
    answers = {name: http(page.body, "Content-Type: text/html; charset=utf-8") for name, page in PAGES.items()}
    file.write_bytes(
        foreign([("response", f"https://{name}.example/a.html", said) for name, said in answers.items()], gzipped=False)
    )
    with engine.begin() as connection:
        run_id = runs.begin(connection, "load", NOW)
    job = WarcJob(file=str(file), choice=Choice(), describe=by_domain(None, {}))
    assert list(index_slices(store, run_id, job))
    with worker(engine) as me, workers(1, 30.0, start=be_quiet) as readers:
        with engine.begin() as connection:
            claimed = pages.claim_unread(connection, me, NOW, 10)
        read_batch.fn(store, readers, begin_reading(store, readers, claimed))
    settle_all(engine, NOW)
    query = """SELECT article.source, article.extractor, article.agreement, article.text,
                      (revision.extractor, revision.agreement) IS NOT DISTINCT FROM
                      (article.extractor, article.agreement) AS revision_says_so
               FROM news.article JOIN news.revision ON revision.id = article.revision_id"""
    with engine.connect() as connection:
        rows = list(connection.execute(text(query)))
    assert all(row.revision_says_so for row in rows)
    return {
        row.source.partition("-")[0]: (row.extractor, row.agreement, row.text.rpartition("\n\n")[2]) for row in rows
    }


def test_the_thorough_profile_stores_whom_it_chose_and_how_far_another_agrees(engine: Engine, tmp_path: Path) -> None:
    assert stored(engine, tmp_path, Profile.THOROUGH) == {
        "containers": ("readability", 1.0, DAYS[-1]),
        "crowded": ("readability", 1.0, STORY[-1]),
        "halved": ("trafilatura", pytest.approx(0.5, abs=0.1), STORY[-1]),
        "unseen": ("readability", 1.0, STORY[-1]),
    }


def test_the_quick_profile_stores_what_trafilatura_found(engine: Engine, tmp_path: Path) -> None:
    assert stored(engine, tmp_path, Profile.QUICK) == {
        "containers": ("trafilatura", None, DAYS[13]),
        "crowded": ("trafilatura", None, TALK[-1]),
        "halved": ("trafilatura", None, STORY[-1]),
    }
