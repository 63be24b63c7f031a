"""The decision table of revisions, row by row."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from planted import paragraphs, print_of, sentences

from transform.revision import RevisionKind, State, classify_revision, notes_correction

FETCHED = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINES = sentences(random.Random(1), 30)


def state(
    lines: list[str], *, title: str = "Bridge opens", hours: int = 0, modified_at: datetime | None = None
) -> State:
    """A text of page 2; the known one is of page 1."""
    return State(page=2, title=title, corrected=notes_correction(paragraphs(lines)), print=print_of(paragraphs(lines)), modified_at=modified_at,
                 fetched_at=FETCHED + timedelta(hours=hours))  # fmt: skip


KNOWN = replace(state(LINES), page=1)
EXTENDED = [*LINES[:29], LINES[29][:-1] + " 77123."]
NOTE = ["", "", "Correction: An earlier version named another street."]
MENDED = [*LINES[:29], LINES[29].replace(LINES[29].split()[2], "mended")]
CORRECTED = [LINES[0], *LINES[2:]]
MORE = sentences(random.Random(2), 6)
OTHERS = sentences(random.Random(3), 20)
CONSENT = [f"we and our partners store and read cookies on your device number {n} of many" for n in "abcdefgh"]
FULL_OF_FEED = replace(KNOWN, from_feed=True)
TEASER = replace(state(LINES[:5]), page=1, teaser=True)
SAID_LATE = replace(KNOWN, modified_at=FETCHED)


def back(hours: int = 5) -> datetime:
    return FETCHED - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("known", "new", "kind"),
    [
        # none known
        (None, KNOWN, RevisionKind.FIRST),
        # of a page read again, all as it was
        # of the known one's page, read again
        (KNOWN, replace(KNOWN, read_before=True, title="Bridge opens to walkers"), RevisionKind.REREAD),
        (KNOWN, replace(state(LINES[:5]), page=1, read_before=True), RevisionKind.REREAD),
        # from the feed, where the known one is the page's
        (KNOWN, replace(state(EXTENDED, hours=2), from_feed=True), RevisionKind.STALE),
        (KNOWN, replace(state(LINES, hours=2), from_feed=True), RevisionKind.STALE),
        # same words, same title
        (KNOWN, state(LINES, hours=2), RevisionKind.UNCHANGED),
        (FULL_OF_FEED, replace(state(LINES, hours=2), from_feed=True), RevisionKind.UNCHANGED),
        (KNOWN, replace(state(LINES, hours=2), teaser=True), RevisionKind.UNCHANGED),
        # the same, but from the page and not from the feed
        (FULL_OF_FEED, state(LINES, hours=2), RevisionKind.MINOR),
        # of an earlier page, read again
        (
            replace(KNOWN, page=3, fetched_at=FETCHED + timedelta(hours=1)),
            replace(state(MENDED, modified_at=FETCHED), read_before=True),
            RevisionKind.STALE,
        ),
        (replace(KNOWN, page=3), replace(state(MENDED), read_before=True), RevisionKind.STALE),
        (KNOWN, replace(state(EXTENDED, hours=2), read_before=True), RevisionKind.UPDATE),
        # says it is older, fetched within a day
        (SAID_LATE, state(MENDED, hours=2, modified_at=back()), RevisionKind.STALE),
        (SAID_LATE, state(MENDED, hours=23, modified_at=back()), RevisionKind.STALE),
        (SAID_LATE, state(MENDED, hours=25, modified_at=back()), RevisionKind.MINOR),
        (SAID_LATE, state(MENDED, hours=-2, modified_at=FETCHED + timedelta(hours=1)), RevisionKind.MINOR),
        (SAID_LATE, state(MENDED, hours=2), RevisionKind.MINOR),
        # fetched earlier
        (KNOWN, state(MENDED, hours=-2), RevisionKind.STALE),
        # less than a quarter of the words
        (KNOWN, state(LINES[:5], hours=2), RevisionKind.STALE),
        (FULL_OF_FEED, state(LINES[:5], hours=2), RevisionKind.STALE),
        # a teaser, no longer than the known full text
        (KNOWN, replace(state([*LINES[:20], *MORE], hours=2), teaser=True), RevisionKind.STALE),
        (TEASER, state(LINES, hours=2), RevisionKind.UPDATE),
        (TEASER, replace(state(LINES[:6], hours=2), teaser=True), RevisionKind.UPDATE),
        (KNOWN, replace(state([*LINES, *MORE], hours=2), teaser=True), RevisionKind.UPDATE),
        # less than half of the words, the beginning alone
        (KNOWN, state(LINES[:13], hours=2), RevisionKind.STALE),
        (KNOWN, state(LINES[17:], hours=2), RevisionKind.UPDATE),
        (KNOWN, state(LINES[:20], hours=2), RevisionKind.UPDATE),
        # less than half, no wording, figure or name of it
        (KNOWN, state(CONSENT, title="Before you go on", hours=2), RevisionKind.STALE),
        (KNOWN, state([*CONSENT, LINES[3]], hours=2), RevisionKind.UPDATE),
        (KNOWN, state(OTHERS, hours=2), RevisionKind.UPDATE),
        # says now that it was corrected, the words are kept
        (KNOWN, state([*LINES, *NOTE], hours=2), RevisionKind.CORRECTION),
        (replace(state(LINES[:4]), page=1), state([*LINES[:4], *NOTE], hours=2), RevisionKind.CORRECTION),
        (replace(state([*LINES, *NOTE]), page=1), state([*MENDED, *NOTE], hours=2), RevisionKind.MINOR),
        (KNOWN, state([*LINES[:10], *MORE, *NOTE], hours=2), RevisionKind.UPDATE),
        # nearly the same words, a figure or name withdrawn
        (KNOWN, state(CORRECTED, hours=2), RevisionKind.CORRECTION),
        # nearly the same words, the same figures and names
        (KNOWN, state(MENDED, hours=2), RevisionKind.MINOR),
        (KNOWN, state(LINES, title="Bridge opens to walkers", hours=2), RevisionKind.MINOR),
        # anything else
        (KNOWN, state(EXTENDED, hours=2), RevisionKind.UPDATE),
        (KNOWN, state(LINES + MORE, hours=2), RevisionKind.UPDATE),
        (FULL_OF_FEED, state(LINES + MORE, hours=2), RevisionKind.UPDATE),
    ],
)
def test_what_a_new_text_is_to_the_known_one(known: State | None, new: State, kind: RevisionKind) -> None:
    assert classify_revision(known, new) is kind


def said(text: str, hours: int = 0) -> State:
    return replace(state([], hours=hours), title="t", print=print_of(text), corrected=notes_correction(text))


BRIEF = (
    "A bus with 31 people aboard slid off the coast road near Brede on Monday evening and came to rest against a wall. "
    "Three of them were taken to hospital, said a speaker of the police, and the road stayed closed until midnight."
)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (BRIEF, BRIEF.replace("slid off", "skidded off"), RevisionKind.MINOR),
        (BRIEF, BRIEF.replace("31 people", "29 people"), RevisionKind.CORRECTION),
        (BRIEF, BRIEF.replace("31", "29").replace("Monday", "Sunday").replace("Three", "Four"), RevisionKind.CORRECTION),
        (BRIEF, BRIEF + " One of them died on Tuesday, the Brede clinic said.", RevisionKind.UPDATE),
        (
            "渡轮周二清晨被拖入港口，船上二百一十四名乘客全部安全，海岸警卫队表示，调查将于下周开始。公司将退还全部票款214张。",
            "渡轮周二清晨被拖入港口，船上二百一十四名乘客全部安全，海岸警卫队表示，调查将于下周开始。公司将退还全部票款190张。",
            RevisionKind.CORRECTION,
        ),
        (
            "أُعيدت العبّارة إلى الميناء صباح الثلاثاء بعد ست ساعات من الانجراف وعلى متنها 214 راكبا ولم يصب أحد بأذى كما قال مدير الميناء",
            "أُعيدت العبّارة إلى المرفأ صباح الثلاثاء بعد ست ساعات من الانجراف وعلى متنها 214 راكبا ولم يصب أحد بأذى كما قال مدير الميناء",
            RevisionKind.MINOR,
        ),
        (
            "Паром отбуксировали в порт утром во вторник после шести часов дрейфа, на борту было 214 человек, никто не пострадал.",
            "Паром отбуксировали в порт утром во вторник после шести часов дрейфа, на борту было 214 человек, никто не пострадал. "
            "Компания вернёт деньги за все билеты, сообщила в среду её представительница Анна Вильк.",
            RevisionKind.UPDATE,
        ),
    ],
)  # fmt: skip
def test_short_texts_and_other_scripts_are_judged_by_what_was_changed(old: str, new: str, kind: RevisionKind) -> None:
    assert classify_revision(replace(said(old), page=1), said(new, 2)) is kind


def test_a_text_that_comes_back_after_the_page_was_empty_is_unchanged() -> None:
    assert classify_revision(KNOWN, state([], hours=1)) is RevisionKind.STALE
    assert classify_revision(KNOWN, state(LINES, hours=2)) is RevisionKind.UNCHANGED


def test_a_live_blog_that_grows_is_updated_each_time() -> None:
    entries = [sentences(random.Random(seed), 3) for seed in range(10, 16)]
    known = replace(state([line for entry in entries[:3] for line in entry]), page=1)
    for number in range(4, 7):
        grown = state([line for entry in entries[:number][::-1] for line in entry], hours=number)
        assert classify_revision(known, grown) is RevisionKind.UPDATE
        known = replace(grown, page=1)


@pytest.mark.parametrize(
    "note",
    [
        "Correction: the ferry has two engines.",
        "Sprostowanie. W poprzedniej wersji podano złą datę.",
        "Korrektur: In einer früheren Fassung stand Montag.",
        "Поправка: паром назывался иначе.",
        "Rättelse: Färjan har två motorer.",
        "更正：此前版本的人数有误。",
        "訂正：人数に誤りがありました。",
        "تصحيح: ورد اسم السفينة خطأ.",
        "정정: 승객 수가 잘못되었습니다.",
    ],
)
def test_a_note_of_correction_is_known_in_many_languages(note: str) -> None:
    assert notes_correction(f"{BRIEF}\n\n{note}")
    assert not notes_correction(f"{BRIEF} He asked for a {note[:4].lower()}")
