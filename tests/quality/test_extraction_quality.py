"""How well the corpus of our own pages is read and cleaned, beside bare trafilatura; without what a store learns.

`make eval` has the same pages in a store, with all figures.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from quality.build_pages import write_pages

from extract.labelled import labelled_pages, read_labelled
from extract.model import Announcement, Page, Rejection, Said, SourceName
from extract.peers import by_trafilatura
from flows.reading import be_quiet
from transform.read import ReadSpec, read_page
from transform.scores import Figures, figures, score

FLOOR = tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))["own_pages"]


@pytest.fixture(scope="module")
def ours_and_bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[Figures, Figures]:
    be_quiet()
    folder = tmp_path_factory.mktemp("corpus")
    write_pages(folder)
    pages = [(item.truth, read_labelled(item, datetime.now(UTC))) for item in labelled_pages(folder).items]
    ours = figures([score(truth, by_storyfold(page)) for truth, page in pages])
    return ours, figures([score(truth, by_trafilatura(page)) for truth, page in pages])


def by_storyfold(page: Page) -> Said:
    read = read_page(page, Announcement(source=SourceName("corpus")), ReadSpec())
    return Said(text="" if isinstance(read, Rejection) else read.clean.text)


def test_the_text_is_read_as_well_as_before(ours_and_bare: tuple[Figures, Figures]) -> None:
    ours, bare = ours_and_bare
    assert ours.f1 >= FLOOR["f1"], ours
    assert ours.f1 - bare.f1 >= FLOOR["f1_gained"], ours_and_bare


def test_less_is_left_in_of_what_is_no_text(ours_and_bare: tuple[Figures, Figures]) -> None:
    ours, bare = ours_and_bare
    assert ours.leaked_lines <= FLOOR["leaked_lines"], ours
    assert ours.leaked_lines / bare.leaked_lines <= FLOOR["leaked_share"], ours_and_bare


def test_no_more_is_lost_of_the_text(ours_and_bare: tuple[Figures, Figures]) -> None:
    ours, bare = ours_and_bare
    assert bare.recall - ours.recall <= FLOOR["recall_lost"], ours_and_bare
