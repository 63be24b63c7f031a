"""What a source repeats is learned from its stories in a real store, and the pages that it concerns are read again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from factories import BRIDGE_TOLL, HARBOUR_FIRE, NOON, Told, announce, fetch, reading, settle_all
from sqlalchemy import Engine, text

from load import memory, pages, revisions
from load.engine import worker
from load.memory import NotRemembered
from transform.memory import SiteMemory, segment
from transform.model import CleanArticle, Cut, CutKind, Zone

SIGNUP = "Every morning at seven: what happens in the port"
BACKGROUND = "The harbour was built in 1871 by the council of the town, which has run it ever since without a break."
SOURCE = "harbour-courier"


def ask(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def told(number: int, *more: str, own: tuple[str, ...] | None = None, source: str = SOURCE) -> Told:
    """An article of its own story, with further blocks."""
    texts = own or tuple(f"{' '.join(f'{word}{number}' for word in paragraph.split())}." for paragraph in BRIDGE_TOLL)
    return Told(url=f"https://{source}.example/{number}", source=source, title=f"Number {number}", paragraphs=(*texts, *more))  # fmt: skip


def put(engine: Engine, *articles: Told) -> None:
    """Announce, fetch and read these articles by the memory of the moment, as a reader would."""
    for one in articles:
        (entry_id,) = announce(engine, one.source, one.url, title=one.title)
        fetch(engine, entry_id, "\n".join(one.paragraphs).encode())
        PAGES[one.url] = one
    read(engine)


PAGES: dict[str, Told] = {}


def read(engine: Engine) -> list[str]:
    """Read and settle what is unread; answers its URLs."""
    with worker(engine) as me, engine.begin() as connection:
        unread = pages.claim_unread(connection, me, NOON, 1000)
        known = memory.memories(connection, {page.source_id for page in unread})
        readings = [clean(page.id, PAGES[page.url], known[page.source_id]) for page in unread]
        revisions.keep(connection, readings, NOON)
    settle_all(engine)
    return [page.url for page in unread]


def clean(page_id: int, one: Told, known: SiteMemory) -> revisions.Reading:
    kept = tuple(text for text in one.paragraphs if segment(text) not in known.segments)
    base = reading(page_id, replace(one, paragraphs=kept, cuts=()), NOON)
    blocks = reading(page_id, one, NOON).clean.article.blocks
    cuts = tuple(
        Cut(
            position=position,
            text=block.text,
            kind=CutKind.REPEATED,
            rule=f"memory.repeated.{segment(block.text).hex()}",
            zone=Zone.TAIL,
        )
        for position, block in enumerate(blocks)
        if block.text not in kept
    )
    article = replace(base.clean.article, blocks=blocks)
    done = CleanArticle(article=article, blocks=tuple(block for block in blocks if block.text in kept), cuts=cuts)
    return replace(base, clean=done, read_spec=b"rules" + known.digest, memory_version=known.version)


def learn(engine: Engine) -> list[memory.Learned]:
    """Look over what is due, read again what that concerns."""
    with engine.begin() as connection:
        found = [memory.learn_source(connection, source_id, NOON) for source_id in memory.due(connection)]
    read(engine)
    return found


def remembered(engine: Engine) -> list[tuple[Any, ...]]:
    return ask(engine, "SELECT text, stories, since_version, until_version FROM storyfold.segment ORDER BY text")


def texts(engine: Engine) -> str:
    return " ".join(text_ for (text_,) in ask(engine, "SELECT text FROM news.article ORDER BY id"))


def test_a_line_in_two_stories_is_learned_and_cut_from_both(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP), told(3))
    outcomes = ask(engine, "SELECT outcome, outcome_at FROM storyfold.entry")
    assert learn(engine) == [memory.Learned(learned=1, reopened=2)]
    assert remembered(engine) == [(SIGNUP, 2, 1, None)]
    assert SIGNUP not in texts(engine)
    assert [row[1:] for row in ask(engine, "SELECT article_id, kind, text FROM news.cut ORDER BY 1")] == [("repeated", SIGNUP)] * 2  # fmt: skip
    assert ask(engine, "SELECT outcome, outcome_at FROM storyfold.entry") == outcomes


def test_learning_again_changes_nothing(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    learn(engine)
    before = ask(engine, "SELECT * FROM storyfold.segment"), ask(engine, "SELECT * FROM storyfold.revision")
    assert learn(engine) == [memory.Learned()]  # what was read again has been settled since
    assert learn(engine) == []  # nothing is due
    assert (ask(engine, "SELECT * FROM storyfold.segment"), ask(engine, "SELECT * FROM storyfold.revision")) == before


def test_copies_of_one_text_count_once(engine: Engine) -> None:
    """One source prints one text under three addresses."""
    put(engine, *(told(n, SIGNUP, own=HARBOUR_FIRE) for n in (1, 2, 3)))
    assert ask(engine, "SELECT articles FROM news.story") == [(3,)]
    assert learn(engine) == [memory.Learned()]
    assert SIGNUP in texts(engine)


def test_a_paragraph_takes_a_story_more(engine: Engine) -> None:
    put(engine, told(1, BACKGROUND), told(2, BACKGROUND))
    learn(engine)
    assert remembered(engine) == []
    put(engine, told(3, BACKGROUND))
    learn(engine)
    assert remembered(engine) == [(BACKGROUND, 3, 1, None)]


def test_what_another_source_repeats_does_not_count(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP, source="northline"))
    learn(engine)
    assert remembered(engine) == []


def test_what_turns_out_to_stand_in_copies_is_forgotten_and_comes_back(engine: Engine) -> None:
    """Two stories become one when a third text joins them."""
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    learn(engine)
    assert SIGNUP not in texts(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.story_member SET story_id = 1"))
        connection.execute(text("INSERT INTO storyfold.unlearned VALUES (1) ON CONFLICT DO NOTHING"))
    assert learn(engine) == [memory.Learned(forgotten=1, reopened=2)]
    assert remembered(engine) == [(SIGNUP, 2, 1, 2)]
    assert texts(engine).count(SIGNUP) == 2


def test_what_is_no_longer_seen_is_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("load.memory.WINDOW", 3)
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    learn(engine)
    put(engine, told(3), told(4), told(5))
    learn(engine)
    assert remembered(engine) == [(SIGNUP, 2, 1, None)]


def test_articles_beyond_the_window_are_read_again_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("load.memory.WINDOW", 2)
    put(engine, told(1, SIGNUP), told(2), told(3, SIGNUP), told(4, SIGNUP))
    assert learn(engine) == [memory.Learned(learned=1, reopened=3)]
    assert SIGNUP not in texts(engine)


def test_round_ups_and_live_blogs_teach_nothing(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.story_member SET container = true WHERE article_id = 1"))
    learn(engine)
    assert remembered(engine) == []


def test_a_page_read_by_an_older_memory_is_read_again(engine: Engine) -> None:
    """Another worker had taken the memory before it was learned, and stored its reading after."""
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    late = told(3, SIGNUP)
    (entry_id,) = announce(engine, late.source, late.url)
    page_id = fetch(engine, entry_id, b"late")
    PAGES[late.url] = late
    with engine.begin() as connection:
        assert memory.learn_source(connection, 1, NOON).learned == 1
        revisions.keep(connection, [clean(page_id, late, SiteMemory())], NOON)
    read(engine)
    assert texts(engine).count(SIGNUP) == 1
    assert learn(engine) == [memory.Learned(reopened=1)]
    assert SIGNUP not in texts(engine)


def test_a_page_that_cannot_be_read_again_is_not_tried_for_ever(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    with engine.begin() as connection:
        assert memory.learn_source(connection, 1, NOON).reopened == 2
        pages.mark_read(connection, {1: pages.ReadBy(b"in vain", 1)}, NOON)
    read(engine)
    put(engine, told(3, SIGNUP))
    assert learn(engine) == [memory.Learned()]


def test_what_a_person_spares_is_text_until_they_take_it_back(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    learn(engine)
    digest = segment(SIGNUP)
    with engine.begin() as connection:
        assert memory.spare(connection, SOURCE, digest) == 2
        assert memory.spare(connection, SOURCE, digest) == 0
    assert read(engine) != []
    put(engine, told(3, SIGNUP))
    learn(engine)
    assert texts(engine).count(SIGNUP) == 3
    assert ask(engine, "SELECT is_remembered, is_spared FROM news.source_memory") == [(False, True)]
    with engine.begin() as connection:
        assert memory.unspare(connection, SOURCE, digest) == 3
    read(engine)
    assert SIGNUP not in texts(engine)
    assert ask(engine, "SELECT is_remembered, is_spared FROM news.source_memory") == [(True, False)]


def test_sparing_what_was_never_learned_is_refused(engine: Engine) -> None:
    put(engine, told(1))
    with engine.begin() as connection, pytest.raises(NotRemembered, match="has never learned"):
        memory.spare(connection, SOURCE, segment(SIGNUP))


def test_sources_that_wait_are_not_learned(engine: Engine) -> None:
    put(engine, told(1, SIGNUP), told(2, SIGNUP))
    with engine.begin() as connection:
        connection.execute(text("UPDATE storyfold.source SET held_at = now()"))
        assert memory.due(connection) == []


def test_what_was_seen_in_many_stories_is_not_forgotten_for_two_copies(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, *(told(n, SIGNUP) for n in range(5)))
    learn(engine)
    monkeypatch.setattr("load.memory.WINDOW", 2)
    put(engine, *(told(n, SIGNUP, own=HARBOUR_FIRE) for n in (5, 6)))
    learn(engine)
    assert remembered(engine) == [(SIGNUP, 5, 1, None)]
