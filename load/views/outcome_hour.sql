-- What came of the announced URLs in each hour, source by source?
CREATE OR REPLACE VIEW news.outcome_hour AS
SELECT
    date_trunc('hour', entry.outcome_at, 'UTC') AS hour,
    source.name AS source,
    entry.outcome,
    entry.reason,
    count(*) AS entries
FROM storyfold.entry
INNER JOIN storyfold.source ON source.id = entry.source_id
WHERE entry.outcome_at IS NOT NULL
GROUP BY date_trunc('hour', entry.outcome_at, 'UTC'), source.name, entry.outcome, entry.reason;

COMMENT ON VIEW news.outcome_hour IS
    'One row an hour, source, outcome and reason: how many URLs ended so in that hour. A URL counts where its present '
    'outcome came about; those that are pending are in news.outcome_ledger.';
COMMENT ON COLUMN news.outcome_hour.hour IS 'Beginning of the hour.';
COMMENT ON COLUMN news.outcome_hour.source IS 'Name of the source.';
COMMENT ON COLUMN news.outcome_hour.outcome IS 'loaded, unchanged, revised, rejected or quarantined.';
COMMENT ON COLUMN news.outcome_hour.reason IS
    'Why it was rejected, or the stage that gave it up; null for the other outcomes.';
COMMENT ON COLUMN news.outcome_hour.entries IS 'Number of URLs.';
