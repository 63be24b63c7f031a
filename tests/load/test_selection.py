"""Which pages a predicate chooses, and that it can do nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from factories import NOON, announce, copies, fetch, publish
from sqlalchemy import Engine, text

from extract.model import Reason, Rejection
from load import entries, pages, selection
from load.pages import ReadBy
from load.selection import BadPredicate, Chosen, choose

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
SECTION = OPERATIONS.read_text("utf-8").partition("\n## Reading again\n")[2].partition("\n## ")[0]
PREDICATES = re.findall(r"^\| [^|]+ \| `(.+)` \|$", SECTION, re.MULTILINE)


@pytest.fixture
def store(engine: Engine) -> Engine:
    """Three articles of three sources, and a page that was rejected."""
    publish(engine, *copies("northline", "harbour-courier", "mirror"))
    [entry_id] = announce(engine, "northline", "https://northline.example/brief")
    page_id = fetch(engine, entry_id)
    with engine.begin() as connection:
        entries.reject(connection, entry_id, Rejection(url="https://northline.example/brief", reason=Reason.TOO_SHORT), NOON)  # fmt: skip
        pages.mark_read(connection, {page_id: ReadBy(b"tests")}, NOON)
    return engine


def test_the_documents_show_a_dozen_predicates() -> None:
    assert len(PREDICATES) > 12


@pytest.mark.parametrize("predicate", PREDICATES)
def test_a_predicate_of_the_documents_can_be_used(store: Engine, predicate: str) -> None:
    assert set(choose(store, predicate).pages) <= {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("predicate", "found"),
    [
        ("true", (1, 2, 3, 4)),
        ("source = 'northline'", (1, 4)),
        ("reason = 'too-short' -- as the page says", (4,)),
        ("text ILIKE '%rope%'", (1, 2, 3)),
        ("text LIKE '%50:30::x%'", ()),
        ("language = 'en' AND words > 10 AND is_shown", (1, 2, 3)),
        ("story_id IN (SELECT id FROM news.story WHERE articles = 3)", (1, 2, 3)),
    ],
)
def test_the_pages_of_which_it_is_true_are_chosen(store: Engine, predicate: str, found: tuple[int, ...]) -> None:
    assert choose(store, predicate) == Chosen(predicate=predicate, pages=found, waiting=0)


def test_what_waits_anyway_is_counted(store: Engine) -> None:
    with store.begin() as connection:
        assert pages.reopen(connection, [1]) == 1
    assert choose(store, "source = 'northline'") == Chosen(predicate="source = 'northline'", pages=(4,), waiting=1)


@pytest.mark.parametrize(
    ("predicate", "complaint"),
    [
        ("sorce = 'x'", 'column "sorce" does not exist; a page has id, entry_id, url, host, domain, source'),
        ("id", "argument of WHERE must be type boolean"),
        ("", "syntax error"),
        ("id = = 1", "syntax error"),
        ("true /*", "unterminated /* comment"),
        ("text = '\udcff'", "not written in UTF-8"),
        ("true; DELETE FROM storyfold.page", "syntax error"),
        ("true); DELETE FROM storyfold.page; SELECT (true", "cannot insert multiple commands"),
        ("EXISTS (SELECT FROM storyfold.page)", "permission denied for schema storyfold"),
        ("nextval('storyfold.page_id_seq') > 0", "permission denied"),
        ("pg_read_file('PG_VERSION') <> ''", "permission denied for function pg_read_file"),
        ("1 / (id - id) = 1", "division by zero"),
        ("pg_sleep(9) IS NOT NULL", "not evaluated in 0.2 seconds"),
    ],
)
def test_a_predicate_that_cannot_be_used_is_one_sentence(store: Engine, predicate: str, complaint: str) -> None:
    with pytest.raises(BadPredicate, match=re.escape(complaint)) as told:
        choose(store, predicate, timeout_s=0.2)
    assert "\n" not in str(told.value)
    with store.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM storyfold.page")) == 4


def test_nothing_that_a_predicate_sets_outlives_it(store: Engine) -> None:
    choose(store, "set_config('statement_timeout', '1', false) = '1'")
    with store.connect() as connection:
        assert connection.scalar(text("SELECT current_setting('statement_timeout')")) == "10min"
        assert connection.scalar(text("SELECT current_user")) != selection.READER


def test_only_what_is_asked_of_is_joined(store: Engine) -> None:
    with store.connect() as connection:
        plan = "\n".join(connection.scalars(text("EXPLAIN SELECT id FROM news.page WHERE rules_since < '2026-10-01'")))
    assert "reading_spec" in plan
    assert not re.search("revision|article|story_member", plan)
