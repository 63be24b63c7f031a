-- Is my backfill done, and did it miss anything?
CREATE OR REPLACE VIEW news.backfill AS
SELECT
    run.id AS run_id,
    run.line,
    run.started_at,
    run.finished_at,
    found.entries,
    found.pending,
    found.to_fetch,
    found.loaded,
    found.unchanged,
    found.revised,
    found.rejected,
    found.quarantined,
    coalesce((run.counts ->> 'known')::bigint, 0) AS known,
    coalesce((run.counts ->> 'undated')::bigint, 0) AS undated,
    coalesce((run.counts ->> 'documents failed')::bigint, 0) AS documents_failed,
    coalesce(files.damaged, 0) AS damaged,
    coalesce(files.unfinished, 0) AS files_unfinished,
    run.finished_at IS NOT NULL AND found.pending = 0 AND coalesce(files.unfinished, 0) = 0 AS is_done
FROM storyfold.run
CROSS JOIN LATERAL (
    SELECT
        count(*) AS entries,
        count(*) FILTER (WHERE entry.outcome = 'pending') AS pending,
        count(*) FILTER (WHERE entry.fetch_due_at IS NOT NULL) AS to_fetch,
        count(*) FILTER (WHERE entry.outcome = 'loaded') AS loaded,
        count(*) FILTER (WHERE entry.outcome = 'unchanged') AS unchanged,
        count(*) FILTER (WHERE entry.outcome = 'revised') AS revised,
        count(*) FILTER (WHERE entry.outcome = 'rejected') AS rejected,
        count(*) FILTER (WHERE entry.outcome = 'quarantined') AS quarantined
    FROM storyfold.entry
    WHERE entry.found_by = run.id
) AS found
LEFT JOIN (
    SELECT
        warc_file.run_id,
        sum(warc_file.damaged)::bigint AS damaged,
        count(*) FILTER (WHERE warc_file.ended_at IS NULL) AS unfinished
    FROM storyfold.warc_file
    GROUP BY warc_file.run_id
) AS files ON files.run_id = run.id
WHERE run.line IN ('backfill', 'load');

COMMENT ON VIEW news.backfill IS
    'One row a run of backfill or load, with what became of the entries that it was the first to find: their number is '
    'the sum of the outcomes. What a run that was stopped had not found yet, the next one finds, in a row of its own.';
COMMENT ON COLUMN news.backfill.run_id IS 'Its number.';
COMMENT ON COLUMN news.backfill.line IS 'backfill or load.';
COMMENT ON COLUMN news.backfill.started_at IS 'When it began.';
COMMENT ON COLUMN news.backfill.finished_at IS
    'When all was announced; null while it looks, and for ever when it was killed.';
COMMENT ON COLUMN news.backfill.entries IS 'What it found that was not known.';
COMMENT ON COLUMN news.backfill.pending IS 'Of these, still to be fetched, read or settled.';
COMMENT ON COLUMN news.backfill.to_fetch IS 'Of these, to be fetched, or fetched anew.';
COMMENT ON COLUMN news.backfill.loaded IS 'Of these, new articles.';
COMMENT ON COLUMN news.backfill.unchanged IS 'Of these, articles that were known under another URL, or as they are.';
COMMENT ON COLUMN news.backfill.revised IS 'Of these, further texts of known articles.';
COMMENT ON COLUMN news.backfill.rejected IS 'Of these, no articles; news.outcome_ledger has reasons by source.';
COMMENT ON COLUMN news.backfill.quarantined IS 'Of these, given up after repeated errors.';
COMMENT ON COLUMN news.backfill.known IS 'What it met that the store had already; 0 until it has finished.';
COMMENT ON COLUMN news.backfill.undated IS 'What it left out, since nothing tells when it was published.';
COMMENT ON COLUMN news.backfill.documents_failed IS 'Sitemaps and feeds that could not be read: it may lack what they list.';
COMMENT ON COLUMN news.backfill.damaged IS 'Broken stretches of the WARC files that it was the last to read.';
COMMENT ON COLUMN news.backfill.files_unfinished IS 'Of those files, the ones whose end was not reached.';
COMMENT ON COLUMN news.backfill.is_done IS 'It has finished, its files too, and every entry that it found has an outcome.';
