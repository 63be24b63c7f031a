-- When may a feed have announced what nobody read?
CREATE OR REPLACE VIEW news.coverage_gap AS
SELECT
    feed.url AS feed,
    source.name AS source,
    coverage_gap.since,
    coverage_gap.until,
    coverage_gap.found_at,
    coverage_gap.backfilled_at,
    coverage_gap.entries_found,
    coverage_gap.backfilled_at IS NULL AS is_open
FROM storyfold.coverage_gap
INNER JOIN storyfold.feed ON feed.id = coverage_gap.feed_id
INNER JOIN storyfold.source ON source.id = feed.source_id;

COMMENT ON VIEW news.coverage_gap IS
    'One row a time after which a feed listed nothing of what it had listed before: in between entries may have come '
    'and gone. Where two readings overlap, nothing was missed.';
COMMENT ON COLUMN news.coverage_gap.feed IS 'URL of the feed or sitemap.';
COMMENT ON COLUMN news.coverage_gap.source IS 'Its source, as in news.source_health.';
COMMENT ON COLUMN news.coverage_gap.since IS 'The feed was read then.';
COMMENT ON COLUMN news.coverage_gap.until IS
    'Time of the oldest entry that it listed at its next reading; of that reading where none is dated.';
COMMENT ON COLUMN news.coverage_gap.found_at IS 'The poll that showed it.';
COMMENT ON COLUMN news.coverage_gap.backfilled_at IS 'When a backfill looked for what was missed; null when none has.';
COMMENT ON COLUMN news.coverage_gap.entries_found IS 'What that backfill found that was not known; null before it.';
COMMENT ON COLUMN news.coverage_gap.is_open IS 'No backfill has looked yet.';
