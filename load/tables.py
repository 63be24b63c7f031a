"""The tables of schema `storyfold`, each column with its meaning; what analysts query are the views in `views/`.

Times are aware and UTC. Digests and keys are bytes. 64-bit hashes are stored as signed bigint, bit for bit.
A claim (`claimed_by`, `claimed_until`) is void when its time has run out or no live session holds the worker's lock
(`engine.live_workers`), so the rows of a killed worker are free at once.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    UUID,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from transform.alerts import AlertKind

SCHEMA = "storyfold"
OUTCOMES = ("pending", "loaded", "unchanged", "revised", "rejected", "quarantined")
MAX_SEARCHED_CHARACTERS = 200_000  # a tsvector over 1 MB is an error: longer texts are searched by their beginning

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)


def one_of(column: str, *values: str) -> CheckConstraint:
    """A closed list of values for a text column."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({quoted})", name=column)


def when(name: str, comment: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def claim() -> tuple[Column[Any], Column[Any]]:
    return (
        Column("claimed_by", Integer, comment="worker that holds this row; void when that worker is not alive"),
        when("claimed_until", "the claim is void after this moment"),
    )


def counted_by() -> Column[Any]:
    comment = "number of the sketch_spec whose shingles they are"
    return Column("spec", SmallInteger, primary_key=True, autoincrement=False, comment=comment)


run = Table(
    "run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("line", Text, nullable=False, comment="discover, collect, ingest, upkeep, load, backfill, reopen, rebuild"),
    when("started_at", "when it began", nullable=False),
    when("finished_at", "null while it runs, and for ever when it was killed"),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'"), comment="outcomes of this run, by name"),
    Column("ended", Text, comment="done, failed, cancelled; null while it runs, and for ever when it was killed"),
    Column("error", Text, comment="why it failed, in words"),
    Column("worker", Integer, comment="lives as long as the run does"),
    one_of("ended", "done", "failed", "cancelled"),
    comment="One pass of one line",
)

source = Table(
    "source",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True, comment="the stem of its file"),
    Column("title", Text, nullable=False, comment="the publisher's name"),
    Column("homepage", Text),
    Column("language", Text, comment="ISO 639-1, what it mostly writes in"),
    Column("country", Text, comment="ISO 3166-1 alpha-2"),
    Column("tier", SmallInteger, nullable=False, comment="1 agency or paper of record, 2 ordinary, 3 aggregator"),
    Column("agency", Text, comment="the news agency that it is; null for one that is none"),
    Column("active", Boolean, nullable=False, comment="false once its file is gone"),
    Column(
        "expect", JSONB, nullable=False, server_default=text("'{}'"), comment="what its file says it is when it is well"
    ),
    Column("keep_params", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="[urls] keep of its file"),
    Column("drop_params", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="[urls] drop of its file"),
    Column(
        "domains", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="registrable domains of its URLs"
    ),
    when("held_at", "its pages wait unread since then: it broke an expectation; null when they do not"),
    when("released_at", "a person released it; what came before is not held against it"),
    Column("memory_version", Integer, nullable=False, server_default="0", comment="of what repeats in it; see segment"),
    when("learned_at", "when it was last looked over for what repeats"),
    comment="A publisher",
)

feed = Table(
    "feed",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("source_id", ForeignKey(source.c.id), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="feed or sitemap"),
    Column("active", Boolean, nullable=False, comment="false once the source's file, or its index, no longer lists it"),
    Column(
        "parent_id", ForeignKey("feed.id"), index=True, comment="sitemap index that names it; null when its file does"
    ),
    when("announced_at", "last change by its index's word"),
    Column("interval_s", Double, nullable=False, comment="seconds between two polls, by its present rhythm"),
    Column("entries_per_hour", Double, comment="new entries, estimated from its documents; null before the first"),
    Column(
        "peak_per_hour",
        Double,
        nullable=False,
        server_default="0",
        comment="most new entries between two documents, slowly forgotten",
    ),
    Column("etag", Text, comment="validator of the last answer"),
    Column("last_modified", Text, comment="validator of the last answer"),
    Column("body_digest", LargeBinary, comment="of the last answer: validators lie"),
    Column("polls", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0", comment="since the last answer that could be read"),
    Column(
        "failure_weight", Double, nullable=False, server_default="0", comment="of these: hard 1, soft .5, passing .25"
    ),
    Column(
        "polls_since_full", Integer, nullable=False, server_default="0", comment="polls since one without validators"
    ),
    Column(
        "listed",
        ARRAY(LargeBinary),
        nullable=False,
        server_default=text("'{}'"),
        comment="URL keys of the last document that listed any",
    ),
    when("newest_at", "latest time that the last document named"),
    when("changed_at", "last answer whose bytes differed from the one before"),
    when("retired_at", "polled rarely since then: it stays the same and is old; null when it lives"),
    Column("sample", JSONB, comment="place in the archive of the last answer that could not be read"),
    Column(
        "state",
        Text,
        nullable=False,
        server_default="new",
        comment="of the last poll",
    ),
    Column("state_text", Text, comment="what went wrong, or what was left out, in words"),
    when("next_due_at", "a scheduled run polls it from then on; null: at once, or never while it is retired"),
    when("not_before", "its server asked not to be asked sooner: a person's run keeps to it too"),
    when("last_polled_at", "last request"),
    when("last_ok_at", "last answer that could be read"),
    when("last_new_at", "last poll that announced something new"),
    *claim(),
    one_of("kind", "feed", "sitemap"),
    one_of("state", "new", "ok", "unchanged", "empty", "failed"),
    UniqueConstraint("source_id", "url"),
    comment="One feed or sitemap of a source, with its polling state",
)

entry = Table(
    "entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", ForeignKey(source.c.id), nullable=False),
    Column("feed_id", ForeignKey(feed.c.id), index=True, comment="null for what was loaded by hand"),
    Column("url", Text, nullable=False, comment="as announced first"),
    Column("url_key", LargeBinary, nullable=False, unique=True, comment="digest of the normalised URL"),
    Column("former_key", LargeBinary, comment="its key under the rules before; null when that is the same"),
    Column("host", Text, nullable=False, comment="host[:port]"),
    Column("domain", Text, nullable=False, comment="registrable domain[:port]: one worker at a time asks it"),
    Column("title", Text, comment="as announced"),
    Column("summary", Text, comment="as announced"),
    Column("text", Text, comment="full text the feed carried"),
    Column("authors", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="as announced"),
    when("published_at", "as announced"),
    when("updated_at", "as announced; a later one reopens the entry"),
    when("first_seen_at", "announced first", nullable=False),
    when("last_seen_at", "announced last", nullable=False),
    when("fetch_due_at", "fetched from then on; null when nothing is to be fetched"),
    Column("attempts", SmallInteger, nullable=False, server_default="0", comment="at fetching, since last opened"),
    Column("outcome", Text, nullable=False, server_default="pending", comment="exactly one, from a closed list"),
    Column("reason", Text, comment="of a rejection (extract.model.Reason), or the stage that quarantined it"),
    Column("detail", Text, comment="the reason in words, or the error"),
    when("outcome_at", "when it ended so"),
    Column("found_by", ForeignKey(run.c.id), comment="run that announced it first"),
    Column("article_id", BigInteger, index=True, comment="article it led to"),
    *claim(),
    Column(
        "backfill",
        Boolean,
        nullable=False,
        server_default="false",
        comment="found by a backfill, and by no feed since: of its domain, what is fresh is fetched before it",
    ),
    one_of("outcome", *OUTCOMES),
    CheckConstraint("(outcome = 'pending') = (outcome_at IS NULL)", name="outcome_at"),
    Index(
        "entry_due_idx", "domain", "backfill", "fetch_due_at", "id", postgresql_where=text("fetch_due_at IS NOT NULL")
    ),
    Index("entry_found_by_idx", "found_by"),
    Index("entry_claimed_idx", "domain", "claimed_by", postgresql_where=text("claimed_by IS NOT NULL")),
    Index("entry_former_key_idx", "former_key", postgresql_where=text("former_key IS NOT NULL")),
    Index("entry_outcome_idx", "source_id", "outcome", "reason"),
    Index("entry_first_seen_at_idx", "first_seen_at", postgresql_using="brin"),
    Index("entry_quarantined_idx", "outcome_at", postgresql_where=text("outcome = 'quarantined'")),
    comment="One URL as announced",
)

pause = Table(
    "pause",
    metadata,
    Column("scope", Text, primary_key=True, comment="host or domain"),
    Column("name", Text, primary_key=True, comment="host[:port], or registrable domain[:port]"),
    when("until", "nothing of it is fetched before", nullable=False),
    one_of("scope", "host", "domain"),
    comment="Whom nobody asks for a while: it told us to wait, or does not answer",
)

page = Table(
    "page",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="also the order of settling"),
    Column("entry_id", ForeignKey(entry.c.id), nullable=False, index=True),
    Column("source_id", ForeignKey(source.c.id), nullable=False),
    Column("url", Text, nullable=False, comment="as asked"),
    Column("final_url", Text, nullable=False, comment="after redirects"),
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSONB, nullable=False, comment="response headers, list of [name, value]"),
    when("fetched_at", "when the web answered", nullable=False),
    Column(
        "opt_outs",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="signals that reserve it from mining or training",
    ),
    Column("body_digest", LargeBinary, nullable=False),
    Column("body_bytes", Integer, nullable=False),
    Column(
        "warc_file",
        Text,
        nullable=False,
        index=True,
        comment="relative to the archive; the absolute path of one that was loaded",
    ),
    Column("warc_offset", BigInteger, nullable=False),
    Column("warc_length", Integer, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0", comment="of reading"),
    when("read_at", "read into a revision, rejected or quarantined"),
    Column("read_spec", LargeBinary, comment="digest of what read it last to an end; null before the first time"),
    *claim(),
    Column(
        "memory_version",
        Integer,
        comment="of the source's memory that read it last to an end; null before that was kept",
    ),
    Index("page_source_idx", "source_id", "fetched_at"),
    Index("page_unread_idx", "id", postgresql_where=text("read_at IS NULL")),
    comment="Bytes at a moment; the bytes themselves lie in the WARC archive",
)

warc_file = Table(
    "warc_file",
    metadata,
    Column("file", Text, primary_key=True, comment="absolute path or URL"),
    Column("filter", Text, primary_key=True, comment="which of its pages are wanted, in words; empty for all"),
    Column("size_bytes", BigInteger, nullable=False, comment="of the file, when it was looked at last"),
    Column(
        "next_offset", BigInteger, nullable=False, server_default="0", comment="what lies before it has been dealt with"
    ),
    Column("mark", LargeBinary, comment="digest of the bytes before next_offset: another file has others there"),
    Column("pages", BigInteger, nullable=False, server_default="0", comment="wanted ones, known or not"),
    Column("left_out", JSONB, nullable=False, server_default=text("'{}'"), comment="what else it holds: how many"),
    Column("damaged", Integer, nullable=False, server_default="0", comment="broken stretches, leapt over"),
    Column("trouble", Text, comment="why the last look at it did not come to its end, in words"),
    Column("run_id", ForeignKey(run.c.id), comment="run that looked at it last"),
    when("begun_at", "when it was first looked at", nullable=False),
    when("ended_at", "when its end was reached; null until then"),
    comment="How far a WARC file has been put on record, by one choice of its pages",
)

reading_spec = Table(
    "reading_spec",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="the first 8 bytes of page.read_spec"),
    Column("version", Integer, comment="of storyfold's own reading; null before it was kept, and so the next three"),
    Column("profile", Text, comment="thorough or quick"),
    Column("packages", JSONB, comment="of the extractors, as an object: name → version"),
    Column("rules", LargeBinary, comment="digest of the rules that cut"),
    when("first_used_at", "when a page was first read by it", nullable=False),
    when("rules_since", "when a page was first read by its rules", nullable=False),
    comment="By what pages were read: extractors and rules; what the source repeats comes on top",
)

reopening = Table(
    "reopening",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("predicate", Text, nullable=False, comment="SQL, as it was given"),
    Column("asked_by", Text, nullable=False, comment="who gave it"),
    when("asked_at", "the pages were chosen then", nullable=False),
    Column("pages", Integer, nullable=False, comment="that were chosen"),
    Column("report", JSONB, nullable=False, comment="what it was to change, as it was told before"),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'"), comment="what came of the pages so far"),
    when("ended_at", "all are read again, or someone stopped it; null while pages are left"),
    Column("stopped_by", Text, comment="who stopped it"),
    comment="Pages that somebody chose to be read again",
)

reopening_page = Table(
    "reopening_page",
    metadata,
    Column("reopening_id", ForeignKey(reopening.c.id), primary_key=True),
    Column("page_id", BigInteger, primary_key=True, comment="it goes once it is known what came of the page"),
    Column("differs", Boolean, comment="whether it read otherwise when it was looked at; null when it was not"),
    Column("reopened_after", BigInteger, comment="the last revision that was there when it was reopened; null before"),
    comment="The pages of a reopening that are still to be looked at, or reopened and not settled yet",
)

replay = Table(
    "replay",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entry_id", ForeignKey(entry.c.id), nullable=False, index=True),
    Column("stage", Text, nullable=False, comment="that had quarantined it"),
    Column("error", Text, comment="in words"),
    Column("attempts", SmallInteger, nullable=False, comment="that had failed"),
    when("quarantined_at", "when it was given up", nullable=False),
    when("replayed_at", "when it was put back into its queue", nullable=False),
    comment="A quarantined entry that was tried once more",
)

source_hour = Table(
    "source_hour",
    metadata,
    Column("source_id", ForeignKey(source.c.id), nullable=False),
    when("hour", "its beginning", nullable=False),
    when("polled_at", "last poll of it that answered", nullable=False),
    Column("entries", Integer, nullable=False, comment="first announced by the polls of this hour"),
    PrimaryKeyConstraint("source_id", "hour", postgresql_include=["polled_at", "entries"]),  # read without the table
    comment="What the polls of a source brought in one hour; an hour without a poll that answered has no row",
)

coverage_gap = Table(
    "coverage_gap",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("feed_id", ForeignKey(feed.c.id), nullable=False, index=True),
    when("since", "the feed was read then", nullable=False),
    when(
        "until",
        "and then it listed nothing of what it had listed: in between entries may have come and gone",
        nullable=False,
    ),
    when("found_at", "when the poll showed it", nullable=False),
    when("backfilled_at", "a backfill has looked for what was missed"),
    Column("entries_found", Integer, comment="by that backfill"),
    UniqueConstraint("feed_id", "until"),
    Index("coverage_gap_open_idx", "feed_id", postgresql_where=text("backfilled_at IS NULL")),
    comment="A time in which a feed may have announced what nobody read",
)

breach = Table(
    "breach",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", ForeignKey(source.c.id), nullable=False, index=True),
    Column("expectation", Text, nullable=False, comment="entries_per_day, dated_share, short_share, languages"),
    Column("expected", Text, nullable=False, comment="as its file says, in words"),
    Column("observed", Text, nullable=False, comment="last, in words"),
    Column("on_breach", Text, nullable=False, comment="warn or stop"),
    when("begun_at", "first check that showed it", nullable=False),
    when("seen_at", "last check that showed it", nullable=False),
    when("ended_at", "first check that no longer showed it; null while it lasts"),
    one_of("expectation", "entries_per_day", "dated_share", "short_share", "languages"),
    one_of("on_breach", "warn", "stop"),
    Index("breach_open_idx", "source_id", "expectation", unique=True, postgresql_where=text("ended_at IS NULL")),
    comment="A source is not what its file expects",
)

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False, comment="of a closed list, see transform.alerts.AlertKind"),
    Column("subject", Text, nullable=False, comment="what it is about; one of each kind and subject is open at a time"),
    Column("source_id", ForeignKey(source.c.id), index=True, comment="null for none, and for several at once"),
    Column("severity", Text, nullable=False, comment="warning or error"),
    Column("message", Text, nullable=False, comment="in words, as of the last check that showed it"),
    Column("figures", JSONB, nullable=False, comment="the numbers behind it; of one about several, its members"),
    when("begun_at", "first check that showed it", nullable=False),
    when("seen_at", "last check that showed it", nullable=False),
    when("ended_at", "first check that no longer showed it; null while it lasts"),
    one_of("kind", *AlertKind),
    one_of("severity", "warning", "error"),
    Index("alert_open_idx", "kind", "subject", unique=True, postgresql_where=text("ended_at IS NULL")),
    comment="Something that a person should look at, one row an episode",
)

alert_notice = Table(
    "alert_notice",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="in the order in which they are sent"),
    Column("alert_id", ForeignKey(alert.c.id), nullable=False),
    Column("event", Text, nullable=False, comment="began or ended"),
    Column("receiver", Text, nullable=False, comment="digest of a webhook's URL, which is a secret; or prefect"),
    Column(
        "key",
        UUID,
        nullable=False,
        server_default=text("gen_random_uuid()"),
        comment="by which a receiver knows one that comes twice",
    ),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    when("due_at", "sent from then on", nullable=False),
    when("told_at", "the receiver accepted it; null until then"),
    Column("error", Text, comment="of the last attempt, in words"),
    one_of("event", "began", "ended"),
    UniqueConstraint("alert_id", "event", "receiver"),
    Index("alert_notice_waiting_idx", "receiver", "id", postgresql_where=text("told_at IS NULL")),
    comment="What each receiver is told of an alert, at least once",
)

queue_head = Table(
    "queue_head",
    metadata,
    Column("queue", Text, primary_key=True, comment="read or settle"),
    Column("page_id", BigInteger, comment="the page that stands first in it; null while nothing in it is ready"),
    when("since", "first check that found it there", nullable=False),
    when("seen_at", "last check", nullable=False),
    one_of("queue", "read", "settle"),
    comment="What stands first in a queue: one page for hours, and the queue is stuck",
)

store_state = Table(
    "store_state",
    metadata,
    Column(
        "name",
        Text,
        primary_key=True,
        comment="url_rules: those by which its keys are made; reading_spec: that by which pages are read; "
        "archive_moment: by which the last file of its archive was named, in microseconds since 1970",
    ),
    Column("value", Text, nullable=False),
    comment="What the store remembers of itself",
)

segment = Table(
    "segment",
    metadata,
    Column("source_id", ForeignKey(source.c.id), primary_key=True),
    Column("digest", LargeBinary, primary_key=True, comment="of the block as compared"),
    Column("text", Text, nullable=False, comment="the block, as it stood in one article"),
    Column("stories", Integer, nullable=False, comment="most distinct stories that it was seen in at once"),
    Column("since_version", Integer, nullable=False, comment="first version of the source's memory that has it"),
    Column("until_version", Integer, comment="first version that no longer has it; null while it is remembered"),
    Column(
        "spared", Boolean, nullable=False, server_default="false", comment="someone said that it is text: never cut"
    ),
    when("learned_at", "when these were counted", nullable=False),
    comment="The memory of a source: blocks that stand in several distinct stories of it are its boilerplate",
)

unlearned = Table(
    "unlearned",
    metadata,
    Column("source_id", Integer, primary_key=True, autoincrement=False, comment="the source"),
    comment="Sources of which something was settled since they were last looked over for what repeats",
)

undone_rule = Table(
    "undone_rule",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("rule", Text, nullable=False, comment="as in cut.rule"),
    Column("source_id", ForeignKey(source.c.id), comment="where alone it is off; null for everywhere"),
    when("undone_at", "off since then", nullable=False),
    Column("undone_by", Text, nullable=False, comment="who switched it off"),
    Column("reason", Text, comment="in their words"),
    when("redone_at", "on again since then"),
    Column("redone_by", Text, comment="who switched it on again"),
    Index(
        "undone_rule_open_idx",
        "rule",
        "source_id",
        unique=True,
        postgresql_where=text("redone_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    ),
    comment="A rule of cleaning that someone switched off, for one source or everywhere",
)

article = Table(
    "article",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="in order of settling"),
    Column("url", Text, nullable=False),
    Column("url_key", LargeBinary, nullable=False, unique=True),
    Column("former_key", LargeBinary, comment="its key under the rules before; null when that is the same"),
    Column("source_id", ForeignKey(source.c.id), nullable=False),
    Column("revision_id", BigInteger, nullable=False, index=True, comment="what it says now"),
    when("first_fetched_at", "of its first page", nullable=False),
    Column(
        "drifted", Boolean, nullable=False, server_default="false", comment="its text no longer resembles its story's"
    ),
    Index("article_former_key_idx", "former_key", postgresql_where=text("former_key IS NOT NULL")),
    Index("article_newest_idx", "source_id", "id"),
    comment="What one URL says now",
)

revision = Table(
    "revision",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("page_id", ForeignKey(page.c.id), nullable=False),
    Column("read_spec", LargeBinary, nullable=False, comment="digest of what read the page"),
    Column("url", Text, nullable=False, comment="canonical"),
    Column("title", Text, nullable=False),
    Column("authors", ARRAY(Text), nullable=False),
    Column("summary", Text, comment="standfirst"),
    Column("text", Text, nullable=False, comment="paragraphs, a blank line between; never shortened"),
    Column(
        "extractor", Text, nullable=False, comment="who found the text: trafilatura, readability, newspaper4k, lines"
    ),
    Column("agreement", REAL, comment="of the extractors about the text, 0 to 1; null when one alone was asked"),
    Column(
        "memory_version", Integer, nullable=False, server_default="0", comment="of the source's memory that cleaned it"
    ),
    Column(
        "segments",
        ARRAY(LargeBinary),
        nullable=False,
        server_default=text("'{}'"),
        comment="its blocks as memory compares them: those of the text, and those that memory cut",
    ),
    Column("section", Text, comment="of the publication, as the page names it"),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="keywords that the page names"),
    Column("image", Text, comment="URL of the picture that stands for it"),
    Column("agency", Text, comment="whose text it says it is, when that is a news agency's"),
    Column("agency_certainty", Text, comment="of that, by this text's own word: likely, possible"),
    Column("agency_evidence", Text, comment="what says so, in words"),
    Column(
        "agency_material",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="agencies whose material it says it has used",
    ),
    Column("translator", Text, comment="who translated it"),
    Column("language", Text, comment="ISO 639-1"),
    when("published_at", "null when no date on the page is trusted"),
    Column("utc_offset", SmallInteger, comment="minutes east of UTC that the publisher wrote; null when it wrote none"),
    Column("date_precision", Text, comment="second, minute, day"),
    Column("date_found_in", Text, comment="json-ld, meta, feed, sitemap, visible, url"),
    when("modified_at", "as the page says"),
    when("fetched_at", "of its page", nullable=False),
    Column("flags", ARRAY(Text), nullable=False, comment="teaser, paywalled, live-blog, listing, short, feed-text"),
    Column("words", Integer, nullable=False, comment="as compared: one a character in scripts without spaces"),
    Column("text_digest", LargeBinary, nullable=False, comment="of the text as compared"),
    Column(
        "search",
        TSVECTOR,
        Computed(
            f"setweight(to_tsvector('{SCHEMA}.plain', title), 'A') || "
            f"setweight(to_tsvector('{SCHEMA}.plain', left(text, {MAX_SEARCHED_CHARACTERS})), 'B')",
            persisted=True,
        ),
        nullable=False,
        comment="words of title and text, without accents",
    ),
    one_of("agency_certainty", "likely", "possible"),
    Index("revision_page_id_idx", "page_id", "id"),
    Index("revision_search_idx", "search", postgresql_using="gin"),
    comment="One text of an article; append-only",
)

unsettled = Table(
    "unsettled",
    metadata,
    Column(
        "page_id", BigInteger, primary_key=True, autoincrement=False, comment="page that is read; the order of settling"
    ),
    Column("revision_id", BigInteger, nullable=False, comment="what it said"),
    Column("entry_id", BigInteger, nullable=False, comment="of the page"),
    Column("source_id", Integer, nullable=False, comment="of the page"),
    when("fetched_at", "of the page", nullable=False),
    Column("read_before", Boolean, nullable=False, comment="the page was read to an end before, by other rules"),
    comment="The queue of settling: pages that are read and whose texts have no place in a story yet",
)

article_revision = Table(
    "article_revision",
    metadata,
    Column("revision_id", BigInteger, primary_key=True, autoincrement=False, comment="the text"),
    Column("article_id", BigInteger, nullable=False, index=True, comment="the article that it is a text of"),
    Column("kind", Text, nullable=False, comment="first, minor, update, correction, stale, reread"),
    when("settled_at", "when that was decided; null of texts settled before that was kept"),
    one_of("kind", "first", "minor", "update", "correction", "stale", "reread"),
    comment="What each settled text is to its article; not foreign keys: written by settle, under its lock",
)

cut = Table(
    "cut",
    metadata,
    Column("revision_id", ForeignKey(revision.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, comment="of the block in the article as extracted, from 0"),
    Column("kind", Text, nullable=False, index=True, comment="transform.model.CutKind"),
    Column("rule", Text, nullable=False, index=True, comment="<pack>.<kind>.<name>"),
    Column("text", Text, nullable=False),
    Column("zone", Text, comment="top, tail, head or body: where it stood when it fell; null before that was kept"),
    one_of("zone", "top", "tail", "head", "body"),
    comment="One block that cleaning removed",
)

sketch_spec = Table(
    "sketch_spec",
    metadata,
    Column("number", SmallInteger, primary_key=True, autoincrement=False, comment="names its tables"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="of the SketchSpec, in every key"),
    Column("parameters", JSONB, comment="of the SketchSpec; null where a program that did not keep them made it"),
    Column(
        "state",
        Text,
        nullable=False,
        comment="current: articles are compared by it; building: it is to be; retired: it was, or was given up",
    ),
    Column("counts", SmallInteger, nullable=False, comment="spec by whose shingles its recurring phrases are counted"),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="while it is built: its fingerprints are made up to this article, in the order of their ids",
    ),
    Column(
        "until",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="the last article when its building began; what is settled after that is in settled_since",
    ),
    when("begun_at", "when its building began", nullable=False),
    when("switched_at", "when it became current, last"),
    when("retired_at", "when it was given up for another, last"),
    when("dropped_at", "when its fingerprints and keys were dropped; null while they are there"),
    one_of("state", "current", "building", "retired"),
    Index("sketch_spec_state_idx", "state", unique=True, postgresql_where=text("state <> 'retired'")),
    comment="The specs of the store's fingerprints: the one by which articles are compared, and the one to come",
)

settled_since = Table(
    "settled_since",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="in order of settling"),
    Column("article_id", BigInteger, nullable=False, comment="the article"),
    comment="Articles that came or changed while a spec is built, and that it does not have yet",
)

sketch = Table(
    "sketch",
    metadata,
    Column(
        "revision_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="the text; no foreign key, as it is written by COPY",
    ),
    Column("shingles", LargeBinary, nullable=False, comment="shingle hashes in text order, uint64 little-endian"),
    Column("facts", LargeBinary, nullable=False, comment="hashes of numbers and names, sorted, uint64 little-endian"),
    Column("bands", ARRAY(BigInteger), nullable=False, comment="LSH band keys"),
    Column("words", Integer, comment="as this spec counts them; null where the revision says the same"),
    Column("text_digest", LargeBinary, comment="of the text as this spec compares it; null as for words"),
    comment="Fingerprints of texts; the rows are in tables that inherit from it, one a spec: sketch_1, sketch_2, …",
)

band = Table(
    "band",
    metadata,
    Column(
        "entry",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="42 bits of a band key (hash of spec, band number and the band's rows), 22 of the article's id",
    ),
    comment="The near-duplicate index: articles that share a key are candidates; the rows are in tables that inherit"
    " from it, band_1_0, band_1_1, …, each of a spec and of a slice of 4,194,304 article ids",
)

band_slice = Table(
    "band_slice",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="of the slice: article id >> 22"),
    when("written_at", "when an article was last entered into it", nullable=False),
    comment="The slices of the near-duplicate index",
)

shingle_run = Table(
    "shingle_run",
    metadata,
    Column(
        "position",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="how many texts were counted up to its end, in the order of settling",
    ),
    Column(
        "text_days", LargeBinary, nullable=False, comment="of each text, uint16 little-endian, counted from 1900-01-01"
    ),
    Column(
        "bounds",
        ARRAY(Integer),
        nullable=False,
        comment="where in the hashes each of the 64 chunks begins, by their highest 6 bits, and where the last ends",
    ),
    Column("hashes", LargeBinary, nullable=False, comment="sampled shingles, sorted, uint64 little-endian"),
    Column("days", LargeBinary, nullable=False, comment="on which each of them was seen, as the days of the texts"),
    counted_by(),
    comment="Shingles that were settled since their counts were written, one row a batch",
)

shingle_count = Table(
    "shingle_count",
    metadata,
    Column("chunk", SmallInteger, primary_key=True, autoincrement=False, comment="highest 6 bits of the hash"),
    Column(
        "sightings",
        LargeBinary,
        nullable=False,
        comment="48 bits of a shingle's hash, 16 of a day on which it was seen: uint64 little-endian, sorted",
    ),
    Column("position", BigInteger, nullable=False, comment="the runs up to this one are in it"),
    Column(
        "as_of", Integer, nullable=False, comment="what rested for long until this day is not in it; from 1900-01-01"
    ),
    counted_by(),
    comment="On which days a shingle was seen, until they are enough or it is not seen again for weeks",
)

published_day = Table(
    "published_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("texts", BigInteger, nullable=False, comment="settled texts of that day, as of the last renewal"),
    counted_by(),
    comment="The days of which the store holds articles: a store of few days judges pairs more strictly",
)

stop_list = Table(
    "stop_list",
    metadata,
    Column("version", Integer, nullable=False, comment="one more with each renewal"),
    Column("due", Integer, nullable=False, comment="renewed when so many texts have been settled since"),
    Column("hashes", LargeBinary, nullable=False, comment="of template shingles, uint64 little-endian, sorted"),
    Column("position", BigInteger, nullable=False, comment="how many texts were counted when it was renewed"),
    Column(
        "first_chunk", SmallInteger, nullable=False, comment="for which shingles it is renewed then: from this chunk"
    ),
    Column("end_chunk", SmallInteger, nullable=False, comment="up to this one, and without it"),
    counted_by(),
    comment="The shingles that came back day after day, template text and leftovers: they count for nothing",
)

match = Table(
    "match",
    metadata,
    Column(
        "left_id", BigInteger, primary_key=True, comment="settled earlier; no foreign key, as it is written by COPY"
    ),
    Column("right_id", BigInteger, primary_key=True, index=True, comment="the other article"),
    Column("kind", Text, nullable=False, comment="same, contained, lifted, different"),
    Column("failed", Text, comment="the first test a candidate failed"),
    Column("jaccard", REAL, nullable=False, comment="resemblance of the shingle sets"),
    Column("jaccard_filtered", REAL, nullable=False, comment="without stop-shingles"),
    Column(
        "containment",
        REAL,
        nullable=False,
        comment="of the shorter text in the longer, without stop-shingles unless numbers and names agree",
    ),
    Column("facts", REAL, nullable=False, comment="overlap of numbers and names"),
    Column("run", REAL, nullable=False, comment="mean length of the shared runs, in words"),
    Column("inner_id", BigInteger, nullable=False, comment="the shorter text"),
    Column("span_start", REAL, nullable=False, comment="where the shared part begins in the longer text, share of it"),
    Column("span_end", REAL, nullable=False, comment="where it ends"),
    Column("policy", LargeBinary, nullable=False, comment="digest of the MatchPolicy that judged it"),
    when("matched_at", "when it was judged", nullable=False),
    Column("numbers", REAL, comment="overlap of the numbers among the facts; null before that was measured"),
    Column(
        "inner_start",
        REAL,
        comment="where the shared part begins in the shorter text, share of it; null before that was measured",
    ),
    one_of("kind", "same", "contained", "lifted", "different"),
    comment="A candidate pair with everything measured about it",
)

story = Table(
    "story",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("kind", Text, nullable=False, comment="story, or digest when every member holds other texts side by side"),
    Column("canonical_id", BigInteger, index=True, comment="the member that stands for it"),
    Column("canonical_rule", Text, comment="why that one"),
    Column("articles", Integer, nullable=False, comment="number of members"),
    when("first_published_at", "earliest trusted time of a member"),
    when("last_published_at", "latest trusted time of a member"),
    when("changed_at", "last change of its members or canonical", nullable=False),
    Column("merged_into", BigInteger, index=True, comment="the story that carries on; null for a living one"),
    Column(
        "contenders",
        ARRAY(BigInteger),
        comment="the members among which the canonical one is chosen when another comes; null before that was kept",
    ),
    Column("judged", Boolean, nullable=False, server_default="false", comment="a judgement is about a member of it"),
    one_of("kind", "story", "digest"),
    CheckConstraint("merged_into <> id", name="merged_into"),
    comment="A cluster of near-duplicates with a stable id",
)
Index(
    "story_newest_idx",
    story.c.last_published_at.desc().nulls_last(),
    story.c.id.desc(),
    postgresql_where=story.c.merged_into.is_(None),
)

story_member = Table(
    "story_member",
    metadata,
    Column("article_id", BigInteger, primary_key=True, autoincrement=False),
    Column("story_id", BigInteger, nullable=False, index=True),
    Column("container", Boolean, nullable=False, comment="holds two other texts side by side: digest or live blog"),
    Column("family_id", BigInteger, comment="the first of the articles that are one text; null before that was kept"),
    Column("attached_to", BigInteger, comment="of a family's first: the longer text that the family begins"),
    Column("attached_share", REAL, comment="and how much of the family's text that holds"),
    comment="Which article belongs to which story",
)

story_change = Table(
    "story_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="a consumer's cursor"),
    when("changed_at", "when", nullable=False),
    Column("change", Text, nullable=False, comment="founded, joined, left, merged, split, canonical"),
    Column("story_id", BigInteger, nullable=False, index=True),
    Column("article_id", BigInteger, index=True),
    Column("other_id", BigInteger, comment="the story merged into, split from, or gone to"),
    Column("detail", Text, comment="the match or container that did it, or the rule that chose the article"),
    Column("articles", Integer, comment="how many a merger moved"),
    Column("judgement_id", BigInteger, comment="the judgement that did it, by being given or taken back"),
    one_of("change", "founded", "joined", "left", "merged", "split", "canonical"),
    Index("story_change_merged_idx", "changed_at", postgresql_where=text("change = 'merged'")),
    comment="Every change of a story, in order",
)

judgement = Table(
    "judgement",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="a later one outranks an earlier one"),
    Column("kind", Text, nullable=False, comment="same, different, pin"),
    Column("articles", ARRAY(BigInteger), nullable=False, comment="whom it is about"),
    Column(
        "others",
        ARRAY(BigInteger),
        nullable=False,
        server_default=text("'{}'"),
        comment="each of the articles is the same as, or different from, each of these; empty for a pin",
    ),
    Column("reason", Text, comment="in the words of who gave it"),
    when("judged_at", "it counts since then", nullable=False),
    Column("judged_by", Text, nullable=False, comment="who gave it"),
    when("undone_at", "it counts no more since then"),
    Column("undone_by", Text, comment="who took it back"),
    one_of("kind", "same", "different", "pin"),
    comment="A person's word on articles, which outranks what is measured; never deleted",
)
Index("judgement_articles_idx", judgement.c.articles, postgresql_using="gin")
Index("judgement_others_idx", judgement.c.others, postgresql_using="gin")
