-- What waits for each line, and since when?
CREATE OR REPLACE VIEW news.backlog AS
SELECT
    'discover' AS line,
    'feeds that are due' AS what,
    count(*) AS waiting,
    min(feed.next_due_at) AS since
FROM storyfold.feed
INNER JOIN storyfold.source ON source.id = feed.source_id
WHERE
    feed.active AND source.active AND feed.retired_at IS NULL
    AND (feed.next_due_at IS NULL OR feed.next_due_at <= now())
UNION ALL
SELECT 'collect', 'pages to fetch', count(*), min(entry.fetch_due_at)
FROM storyfold.entry
WHERE entry.fetch_due_at <= now()
UNION ALL
SELECT 'ingest', 'pages to read', count(*), min(page.fetched_at)
FROM storyfold.page
WHERE page.read_at IS NULL
UNION ALL
SELECT 'ingest', 'texts to settle', count(*), min(unsettled.fetched_at)
FROM storyfold.unsettled;

COMMENT ON VIEW news.backlog IS
    'One row a queue, also an empty one. While the lines run, each of them empties again and again; what grows over hours '
    'needs a look. Pages of a source that is held wait until it is well or released.';
COMMENT ON COLUMN news.backlog.line IS 'The line that works on it: discover, collect or ingest.';
COMMENT ON COLUMN news.backlog.what IS
    'What waits: feeds that are due, pages to fetch, pages to read, texts to settle.';
COMMENT ON COLUMN news.backlog.waiting IS 'How many of them.';
COMMENT ON COLUMN news.backlog.since IS
    'Of feeds and pages to fetch, when the first of them was due; of the others, when the first of their pages was '
    'fetched; null when nothing waits, or only feeds that were never polled.';
