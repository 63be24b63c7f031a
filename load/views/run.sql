-- Which runs were there, and how did each end?
CREATE OR REPLACE VIEW news.run AS
SELECT
    run.id,
    run.line,
    run.started_at,
    run.finished_at,
    CASE
        WHEN run.finished_at IS NOT NULL THEN run.ended
        WHEN NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_locks
            WHERE
                pg_locks.locktype = 'advisory'
                AND pg_locks.database = (
                    SELECT pg_database.oid FROM pg_catalog.pg_database WHERE pg_database.datname = current_database()
                )
                AND pg_locks.classid = x'666f6c64'::int  -- load.engine.WORKER_CLASS
                AND pg_locks.objsubid = 2
                AND pg_locks.objid = run.worker::oid
        ) THEN 'killed'
    END AS ended,
    run.error,
    run.counts
FROM storyfold.run;

COMMENT ON VIEW news.run IS 'One row a pass of one line; the newest has the highest id.';
COMMENT ON COLUMN news.run.id IS 'Number of the run.';
COMMENT ON COLUMN news.run.line IS 'discover, collect, ingest, upkeep, load, backfill, reopen or rebuild.';
COMMENT ON COLUMN news.run.started_at IS 'When it began.';
COMMENT ON COLUMN news.run.finished_at IS 'When it said that it ended; null while it is at work, and of one that was killed.';
COMMENT ON COLUMN news.run.ended IS
    'done, failed, cancelled, or killed, which is every end that it could not record; null while it is at work.';
COMMENT ON COLUMN news.run.error IS 'Why it failed, in words; null when it did not.';
COMMENT ON COLUMN news.run.counts IS 'What it came to, by name, as a JSON object; of one that failed, as far as it came.';
