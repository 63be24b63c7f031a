"""The reads behind the command line, against a store filled by the product's own functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from factories import (
    BRIDGE_TOLL,
    HARBOUR_FIRE,
    NOON,
    Told,
    a_source,
    announce,
    copies,
    fetch,
    keep_sources,
    publish,
)
from sqlalchemy import text

from extract.model import Reason, Rejection
from load import entries
from load.entries import Failure
from load.report import differences, items, progress, sources, state, stories
from load.report.common import UnknownItem
from load.report.differences import PartKind

TOLL = Told(
    url="https://northline.example/toll",
    title="Toll on Orrin bridge rises",
    paragraphs=BRIDGE_TOLL,
    source="northline",
    published_at=NOON - timedelta(days=2),
    language="de",
    cuts=["Read also: Ferries"],
)
TRIMMED = Told(
    url="https://daily.example/fire",
    source="daily",
    paragraphs=(HARBOUR_FIRE[0], HARBOUR_FIRE[1].partition(" and that the ferry")[0] + "."),
)


@pytest.fixture
def connection(engine):
    with engine.connect() as connection:
        yield connection


# --- Sources and state ----------------------------------------------------------------------------------------


def test_status_tells_what_waits_and_what_came_of_all(engine, connection):
    keep_sources(engine, "harbour-courier")
    publish(engine, *copies("harbour-courier", "northline"))
    waiting, unread, broken = announce(engine, "harbour-courier", *(f"https://h.example/{n}" for n in range(3)))
    fetch(engine, unread)
    with engine.begin() as writing:
        entries.close(writing, [broken], entries.Outcome.QUARANTINED, NOON, reason="read", detail="it broke")
    status = state.status(connection)
    queues = status.queues
    assert (queues.to_fetch, queues.to_read, queues.to_settle, queues.articles, queues.stories) == (1, 1, 0, 2, 1)
    assert (queues.feeds, queues.feeds_due, queues.feeds_failing) == (1, 1, 0)
    assert (status.ledger.discovered, status.ledger.pending, status.ledger.quarantined) == (5, 2, 1)
    assert status.ledger.adds_up
    assert [(q.url, q.stage, q.error) for q in status.quarantined] == [("https://h.example/2", "read", "it broke")]
    assert [(run.line, run.counts) for run in status.runs] == [("discover", {"known": 0, "new": 3})]
    assert waiting


def test_status_of_an_empty_store(connection):
    status = state.status(connection)
    assert (status.ledger.discovered, status.ledger.adds_up, status.runs, status.failing) == (0, True, (), ())


def test_sources_are_those_of_the_store_and_the_files_it_has_not_seen(engine, connection):
    keep_sources(engine, "gone", "harbour-courier")
    keep_sources(engine, "harbour-courier")
    publish(engine, *copies("harbour-courier"))
    lines = {line.name: line for line in sources.sources(connection, [a_source("harbour-courier"), a_source("fresh")])}
    assert list(lines) == ["fresh", "gone", "harbour-courier"]
    assert (lines["fresh"].active, lines["gone"].active) == (True, False)
    assert [feed.state for feed in lines["fresh"].feeds] == ["new"]
    assert (lines["harbour-courier"].ledger.loaded, len(lines["harbour-courier"].feeds)) == (1, 1)


def test_mirrors_are_told_of_by_both_sources(engine, connection):
    keep_sources(engine, "north", "south")
    for name in ("north", "south"):
        announce(engine, name, *(f"https://{name}.example/2026/{number}" for number in range(6)))
    with engine.begin() as writing:
        writing.execute(
            text(
                "UPDATE storyfold.feed SET listed = (SELECT array_agg(url_key) FROM storyfold.entry"
                " WHERE entry.source_id = feed.source_id)"
            )
        )
    north, south = sources.sources(connection)
    assert [(mirror.alike, mirror.other_source) for mirror in north.mirrors] == [("paths", "south")]
    assert [(mirror.alike, mirror.other_source) for mirror in south.mirrors] == [("paths", "north")]


# --- Stories --------------------------------------------------------------------------------------------------


def test_stories_come_newest_first_and_undated_ones_last(engine, connection):
    undated = Told(url="https://daily.example/x", title="Undated", paragraphs=HARBOUR_FIRE[2:] * 2, published_at=None)
    publish(engine, TOLL, undated, *copies("northline"))
    titles = [line.title for line in stories.list_stories(connection, None, 10, None, None)]
    assert titles == [Told(url="").title, TOLL.title, "Undated"]
    assert len(stories.list_stories(connection, None, 2, None, None)) == 2


def test_stories_can_be_narrowed_and_searched(engine, connection):
    publish(engine, TOLL, *copies("northline"))
    german = stories.list_stories(connection, None, 10, "de", None)
    recent = stories.list_stories(connection, None, 10, None, NOON - timedelta(days=1))
    found = stories.list_stories(connection, "ambulances", 10, "de", None)
    assert [line.title for line in german] == [line.title for line in found] == [TOLL.title]
    assert [line.source for line in recent] == ["northline"] and recent[0].snippet is None
    assert found[0].snippet and "**ambulances**" in found[0].snippet
    assert stories.list_stories(connection, "ambulances", 10, "fr", None) == ()


def test_a_story_has_its_copies_in_order_of_publication(engine, connection):
    late, early = copies("northline", "harbour-courier", gap=-timedelta(hours=1))
    publish(engine, late, early, TRIMMED)
    story = stories.story(connection, 1)
    assert [member.source for member in story.members] == ["harbour-courier", "northline", "daily"]
    assert [member.is_canonical for member in story.members] == [True, False, False]
    assert story.members[2].match_kind == "same"
    assert {pair.kind for pair in story.pairs} == {"same"}
    assert [change.change for change in story.changes] == ["founded", "joined", "canonical", "joined"]


def test_the_id_of_a_merged_story_leads_to_the_living_one(engine, connection):
    publish(engine, *copies("northline"))
    with engine.begin() as writing:
        query = (
            "INSERT INTO storyfold.story (id, kind, articles, changed_at, merged_into) VALUES (9, 'story', 0, :at, 1)"
        )
        writing.execute(text(query), {"at": NOON})
    story = stories.story(connection, 9)
    assert (story.asked_id, story.id) == (9, 1)


@pytest.mark.parametrize("story_id", [0, 99, -1, 10**30])
def test_an_unknown_story_is_told_by_its_id(connection, story_id):
    with pytest.raises(UnknownItem, match=str(story_id)):
        stories.story(connection, story_id)


# --- Difference -----------------------------------------------------------------------------------------------


def paragraphs_of(difference):
    return [(part.kind, len(part.left), len(part.right)) for part in difference.parts]


def test_a_difference_pairs_the_versions_of_a_paragraph(engine, connection):
    other = (
        "Sign up for our letter about the sea and its weather, every morning at seven.",
        HARBOUR_FIRE[0].replace("shortly after nine", "at half past ten"),
        HARBOUR_FIRE[1],
        HARBOUR_FIRE[1].replace("14 fishing boats", "40 fishing boats"),
    )
    left, right = publish(
        engine, Told(url="https://a.example/1"), Told(url="https://b.example/1", source="b", paragraphs=other)
    )
    found = differences.difference(connection, left, right)
    assert (found.left.source, found.right.source) == ("harbour-courier", "b")
    assert paragraphs_of(found) == [
        (PartKind.ADDED, 0, 1),
        (PartKind.CHANGED, 1, 1),
        (PartKind.SAME, 1, 1),
        (PartKind.REMOVED, 1, 0),
        (PartKind.ADDED, 0, 1),
    ]


def test_versions_are_found_in_scripts_without_spaces(engine, connection):
    texts = (
        "渡轮周二清晨被拖入港口，船上二百一十四名乘客全部安全，海岸警卫队表示。",
        "渡轮周二早上被拖入港口，船上二百一十四名乘客全部安全，海岸警卫队表示。",
    )
    left, right = publish(
        engine,
        *(
            Told(url=f"https://{n}.example/1", source=f"s{n}", paragraphs=[told], language="zh")
            for n, told in enumerate(texts)
        ),
    )
    assert paragraphs_of(differences.difference(connection, left, right)) == [(PartKind.CHANGED, 1, 1)]
    assert paragraphs_of(differences.difference(connection, left, left)) == [(PartKind.SAME, 1, 1)]


def test_a_difference_needs_two_known_articles(engine, connection):
    (article,) = publish(engine, TOLL)
    with pytest.raises(UnknownItem, match="no article 77"):
        differences.difference(connection, article, 77)


# --- Why ------------------------------------------------------------------------------------------------------


def test_why_tells_the_whole_way_of_an_article(engine, connection):
    keep_sources(engine, "northline")
    (article_id,) = publish(engine, TOLL)
    history = items.why(connection, TOLL.url)
    (entry,) = history.entries
    assert (entry.outcome, entry.feed_url) == ("loaded", "https://northline.example/feed.xml")
    assert [(page.status, page.warc_file) for page in entry.pages] == [(200, "2026/03/day.warc.gz")]
    article = history.article
    assert article and (article.id, article.story_id, article.is_canonical) == (article_id, 1, True)
    assert [(cut.rule, cut.text) for cut in article.revisions[0].cuts] == [
        ("en.related.see-also", "Read also: Ferries")
    ]
    assert [change.change for change in article.changes] == ["founded"]


def test_why_shows_every_candidate_with_its_scores_and_the_test_it_failed(engine, connection):
    opening = " ".join(" ".join(HARBOUR_FIRE).split()[:48])
    template = Told(url="https://b.example/2", source="b", paragraphs=(opening, *BRIDGE_TOLL, HARBOUR_FIRE[2][:40]))
    publish(engine, Told(url="https://a.example/1"), *copies("northline"), template)
    article = items.why(connection, "https://a.example/1").article
    assert article
    same, other = article.candidates
    assert (same.kind, same.failed, same.jaccard, same.story_id) == ("same", None, 1.0, 1)
    assert (other.kind, other.failed) == ("different", "young-store") and 0 < other.jaccard < 0.35


@pytest.mark.parametrize("asked", ["HTTP://northline.example:80/toll?utm_source=feed#top", "1", "article:1", "entry:1"])
def test_why_finds_an_item_by_url_and_by_id(engine, connection, asked):
    publish(engine, TOLL)
    assert items.why(connection, asked) == items.why(connection, TOLL.url)


def test_why_finds_an_article_by_the_url_of_its_own_and_by_those_that_led_to_it(engine, connection):
    publish(engine, TOLL)
    (other,) = announce(engine, "northline", "https://northline.example/short/1")
    with engine.begin() as writing:
        writing.execute(text("UPDATE storyfold.entry SET article_id = 1 WHERE id = :id"), {"id": other})
    by_own, by_other = (items.why(connection, url) for url in (TOLL.url, "https://northline.example/short/1"))
    assert len(by_own.entries) == 2 and by_other.article == by_own.article


def test_why_tells_of_what_led_to_no_article(engine, connection):
    rejected, failing = announce(engine, "northline", "https://n.example/1", "https://n.example/2")
    with engine.begin() as writing:
        entries.reject(writing, rejected, Rejection(url="", reason=Reason.TOO_SHORT, detail="12 words"), NOON)
        entries.try_again(writing, {failing: Failure(error="503 Service Unavailable", retry_after_s=None)}, NOON)
    (entry,) = items.why(connection, "https://n.example/1").entries
    assert (entry.outcome, entry.reason, entry.detail) == ("rejected", "too-short", "12 words")
    history = items.why(connection, f"entry:{failing}")
    (entry,) = history.entries
    assert history.article is None
    assert (entry.outcome, entry.attempts, entry.detail) == ("pending", 1, "503 Service Unavailable")
    assert entry.fetch_due_at == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("asked", ["99", "entry:99", "story:1", "https://nowhere.example/", "no url", "9" * 40])
def test_an_unknown_item_is_told_as_it_was_asked_for(engine, connection, asked):
    publish(engine, TOLL)
    with pytest.raises(UnknownItem, match=asked):
        items.why(connection, asked)


# --- Progress -------------------------------------------------------------------------------------------------


def test_progress_counts_from_its_mark(engine, connection):
    first, second, _ = announce(engine, "northline", *(f"https://n.example/{n}" for n in range(3)))
    fetch(engine, first)
    mark = progress.mark(connection)
    fetch(engine, second)
    connection.rollback()
    stages = {stage.name: (stage.done, stage.total) for stage in progress.progress(connection, mark)}
    assert stages == {
        "feeds polled": (0, 0),
        "pages fetched": (1, 2),
        "pages read": (0, 2),
        "pages settled": (0, 2),
    }
    assert mark.at <= datetime.now(UTC)
