-- Which feeds work, which do not, and what did each bring lately?
CREATE OR REPLACE VIEW news.source_health AS
SELECT
    source.name AS source,
    source.title,
    source.language,
    source.country,
    source.active AND coalesce(feed.active, true) AS is_active,
    feed.url AS feed_url,
    feed.kind AS feed_kind,
    feed.state,
    feed.state_text,
    feed.failures,
    feed.polls,
    feed.interval_s,
    feed.last_polled_at,
    feed.last_ok_at,
    feed.last_new_at,
    feed.next_due_at,
    coalesce(recent.day, 0) AS entries_24h,
    coalesce(recent.week, 0) AS entries_7d,
    site_index.url AS index_url,
    feed.entries_per_hour,
    feed.newest_at,
    feed.changed_at,
    feed.not_before,
    feed.retired_at,
    feed.sample,
    volume.volume_state,
    volume.entries_per_day,
    volume.usual_per_day,
    volume.last_entry_at,
    source.held_at
FROM storyfold.source
LEFT JOIN storyfold.feed ON feed.source_id = source.id
LEFT JOIN storyfold.feed AS site_index ON site_index.id = feed.parent_id
LEFT JOIN (
    SELECT
        entry.source_id,
        entry.feed_id,
        count(*) FILTER (WHERE entry.first_seen_at > now() - interval '24 hours') AS day,
        count(*) AS week
    FROM storyfold.entry
    WHERE entry.first_seen_at > now() - interval '7 days'
    GROUP BY entry.source_id, entry.feed_id
) AS recent ON recent.source_id = source.id AND recent.feed_id IS NOT DISTINCT FROM feed.id
LEFT JOIN news.source_volume AS volume ON volume.source = source.name;

COMMENT ON VIEW news.source_health IS
    'One row a feed or sitemap of a source; a source without any, such as a folder loaded by hand, has one row too.';
COMMENT ON COLUMN news.source_health.source IS 'Name of the source: the stem of its file.';
COMMENT ON COLUMN news.source_health.title IS 'Name of the publisher.';
COMMENT ON COLUMN news.source_health.language IS 'What it mostly writes in, ISO 639-1; null when its file does not say.';
COMMENT ON COLUMN news.source_health.country IS 'Its country, ISO 3166-1 alpha-2; null when its file does not say.';
COMMENT ON COLUMN news.source_health.is_active IS 'Its file still lists the feed.';
COMMENT ON COLUMN news.source_health.feed_url IS 'URL of the feed; null for a source without any.';
COMMENT ON COLUMN news.source_health.feed_kind IS 'feed or sitemap.';
COMMENT ON COLUMN news.source_health.state IS
    'What the last poll came to: new (never polled), ok, unchanged, empty (valid, without items), failed.';
COMMENT ON COLUMN news.source_health.state_text IS 'What went wrong, or was left out, in words; null when nothing.';
COMMENT ON COLUMN news.source_health.failures IS 'Failed polls since the last answer that could be read.';
COMMENT ON COLUMN news.source_health.polls IS 'Polls in all.';
COMMENT ON COLUMN news.source_health.interval_s IS 'Seconds between two polls, by its present rhythm.';
COMMENT ON COLUMN news.source_health.last_polled_at IS 'Last request; null before the first.';
COMMENT ON COLUMN news.source_health.last_ok_at IS 'Last answer that could be read.';
COMMENT ON COLUMN news.source_health.last_new_at IS 'Last poll that announced something new.';
COMMENT ON COLUMN news.source_health.next_due_at IS
    'A scheduled run polls it from then on; null means at once, or never while it is retired.';
COMMENT ON COLUMN news.source_health.entries_24h IS 'URLs that it was the first to announce in the last 24 hours.';
COMMENT ON COLUMN news.source_health.entries_7d IS 'URLs that it was the first to announce in the last 7 days.';
COMMENT ON COLUMN news.source_health.index_url IS 'The sitemap index that names it; null when its file does.';
COMMENT ON COLUMN news.source_health.entries_per_hour IS
    'New entries, estimated from its documents; null before the first, and the changes of its sitemaps for an index.';
COMMENT ON COLUMN news.source_health.newest_at IS 'Latest time that its last document named; null when it named none.';
COMMENT ON COLUMN news.source_health.changed_at IS 'Last document that differed from the one before.';
COMMENT ON COLUMN news.source_health.not_before IS
    'Its server asked not to be asked sooner; null when its last answer did not.';
COMMENT ON COLUMN news.source_health.retired_at IS
    'Polled every four weeks, or not at all, since then: a sitemap that stays the same and is old; null when it lives.';
COMMENT ON COLUMN news.source_health.sample IS
    'Place in the archive of the last answer that could not be read: file, offset, length; null once one could.';
COMMENT ON COLUMN news.source_health.volume_state IS
    'Of the whole source, all its feeds together, as in news.source_volume: new, usual, low, silent, high or unknown; null '
    'without feeds.';
COMMENT ON COLUMN news.source_health.entries_per_day IS
    'What the source announced first per 24 hours, lately; null when it was not polled well enough to know.';
COMMENT ON COLUMN news.source_health.usual_per_day IS
    'What it usually announces in 24 hours; null until seven days are known.';
COMMENT ON COLUMN news.source_health.last_entry_at IS 'Last poll of any of its feeds that announced something new.';
COMMENT ON COLUMN news.source_health.held_at IS
    'Its pages wait unread since then, as it broke an expectation of its file; null when they do not.';
