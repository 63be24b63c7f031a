from __future__ import annotations

from dataclasses import replace

from factories import BRIDGE_TOLL, HARBOUR_FIRE, NOON, Told, announce, fetch, publish, reading, settle_all
from sqlalchemy import Engine, select

from extract.model import Reason, Rejection
from load import entries, pages, revisions
from load.readings import PageReadings, readings_of
from load.tables import page

FIRE = Told(url="https://harbour-courier.example/fire", cuts=["Read also: Ferries"])


def found(engine: Engine, entry_id: int) -> list[PageReadings]:
    """What became of the entry's pages, in their order."""
    with engine.connect() as connection:
        digests = connection.scalars(select(page.c.body_digest).where(page.c.entry_id == entry_id).order_by(page.c.id))
        readings = readings_of(connection, [entry_id])
        return [readings[entry_id, digest] for digest in digests]


def entry_of(engine: Engine, told: Told) -> int:
    with engine.connect() as connection:
        return entries.ids(connection, [told.url])[told.url]


def read(engine: Engine, page_id: int, told: Told, spec: bytes = b"tests") -> None:
    with engine.begin() as connection:
        revisions.keep(connection, [replace(reading(page_id, told, NOON), read_spec=spec)], NOON)
    settle_all(engine)


def test_a_reading_is_told_with_its_cuts(engine: Engine) -> None:
    fire = replace(FIRE, utc_offset=540)
    publish(engine, fire, Told(url="https://northline.example/toll", source="northline", paragraphs=BRIDGE_TOLL))
    [held] = found(engine, entry_of(engine, FIRE))
    assert held.first == held.last and held.last is not None
    assert held.last.text == "\n\n".join(HARBOUR_FIRE)
    assert (held.last.title, held.last.authors, held.last.language) == (FIRE.title, ("Mara Quill",), "en")
    assert (held.last.published_at, held.last.utc_offset, held.last.date_precision) == (NOON, 540, "minute")
    assert [(cut.position, cut.rule, cut.text) for cut in held.last.cuts] == [
        (3, "en.related.see-also", "Read also: Ferries")
    ]
    assert held.reason == ""


def test_what_was_read_again_has_a_first_and_a_last_text(engine: Engine) -> None:
    publish(engine, FIRE)
    entry_id = entry_of(engine, FIRE)
    with engine.begin() as connection:
        [page_id] = connection.scalars(select(page.c.id).where(page.c.entry_id == entry_id))
        assert pages.reopen(connection, [page_id]) == 1
    read(engine, page_id, replace(FIRE, paragraphs=HARBOUR_FIRE[:2]), b"newer")
    [held] = found(engine, entry_id)
    assert held.first is not None and held.last is not None
    assert held.first.text == "\n\n".join(HARBOUR_FIRE)
    assert held.last.text == "\n\n".join(HARBOUR_FIRE[:2])


def test_a_page_that_says_nothing_new_has_the_text_of_its_article(engine: Engine) -> None:
    publish(engine, FIRE)
    entry_id = entry_of(engine, FIRE)
    read(engine, fetch(engine, entry_id, b"other bytes"), FIRE)
    first, second = found(engine, entry_id)
    assert second == first and second.last is not None


def test_a_page_without_an_article_has_a_reason(engine: Engine) -> None:
    (entry_id,) = announce(engine, "northline", "https://northline.example/short")
    page_id = fetch(engine, entry_id)
    with engine.begin() as connection:
        entries.reject(connection, entry_id, Rejection(url="", reason=Reason.TOO_SHORT, detail="4 words"), NOON)
        pages.mark_read(connection, {page_id: pages.ReadBy(b"tests")}, NOON)
    assert found(engine, entry_id) == [PageReadings(first=None, last=None, reason="too-short", detail="4 words")]
