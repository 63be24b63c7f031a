-- Which sources announce less, or more, than they usually do?
CREATE OR REPLACE VIEW news.source_volume AS
WITH latest AS (
    SELECT source.id AS source_id, newest.polled_at
    FROM storyfold.source
    CROSS JOIN LATERAL (
        SELECT source_hour.polled_at
        FROM storyfold.source_hour
        WHERE source_hour.source_id = source.id AND source_hour.hour > now() - interval '32 days'
        ORDER BY source_hour.hour DESC
        LIMIT 1
    ) AS newest
),

-- Days of 24 hours back from the last poll that answered: 0 is the newest.
day AS (
    SELECT
        source_hour.source_id,
        date_part('day', latest.polled_at - source_hour.polled_at)::int AS ago,
        sum(source_hour.entries)::int AS entries,
        max(source_hour.polled_at) AS polled_at
    FROM storyfold.source_hour
    INNER JOIN latest ON latest.source_id = source_hour.source_id
    WHERE source_hour.hour > now() - interval '32 days'
    GROUP BY source_hour.source_id, ago
),

-- A day says what was announced in it only where the day before was polled, too.
whole_day AS (
    SELECT
        day.*,
        day.ago BETWEEN 1 AND 28
        AND lead(day.ago) OVER (PARTITION BY day.source_id ORDER BY day.ago) = day.ago + 1 AS is_past,
        day.ago IN (7, 14, 21, 28) AS is_same_weekday
    FROM day
),

figure AS (
    SELECT
        whole_day.source_id,
        max(whole_day.polled_at) AS polled_at,
        max(whole_day.polled_at) FILTER (WHERE whole_day.ago >= 1) AS since,
        sum(whole_day.entries) FILTER (WHERE whole_day.ago = 0) AS entries,
        count(*) FILTER (WHERE whole_day.is_past) AS days,
        count(*) FILTER (WHERE whole_day.is_past AND whole_day.is_same_weekday) AS weekdays,
        sum(whole_day.entries) FILTER (WHERE whole_day.ago <= 28) AS in_all,
        min(whole_day.entries) FILTER (WHERE whole_day.is_past) AS least,
        max(whole_day.entries) FILTER (WHERE whole_day.is_past) AS most,
        min(whole_day.entries) FILTER (WHERE whole_day.is_past AND whole_day.is_same_weekday) AS least_weekday,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY whole_day.entries) FILTER (WHERE whole_day.is_past) AS middle,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY whole_day.entries)
            FILTER (WHERE whole_day.is_past AND whole_day.is_same_weekday) AS middle_weekday
    FROM whole_day
    GROUP BY whole_day.source_id
),

-- The same weekday of four weeks where at least three of the four are known, else all days.
known AS (
    SELECT
        figure.source_id,
        figure.polled_at,
        figure.since,
        figure.days,
        figure.in_all,
        figure.most,
        figure.entries,
        86400 * figure.entries / extract(epoch FROM figure.polled_at - figure.since)::double precision AS per_day,
        CASE WHEN figure.weekdays >= 3 THEN figure.least_weekday ELSE figure.least END AS least,
        CASE WHEN figure.weekdays >= 3 THEN figure.middle_weekday ELSE figure.middle END AS usual
    FROM figure
    WHERE
        figure.polled_at > now() - interval '48 hours'
        AND figure.polled_at - figure.since <= interval '50 hours'
        AND NOT EXISTS (
            SELECT FROM storyfold.coverage_gap
            INNER JOIN storyfold.feed ON feed.id = coverage_gap.feed_id
            WHERE feed.source_id = figure.source_id AND coverage_gap.until > figure.since
        )
),

-- How long it was silent at the longest between two hours with something new: for sources that are silent now.
pause AS (
    SELECT step.source_id, count(step.length) AS pauses, max(step.length) AS longest
    FROM (
        SELECT
            source_hour.source_id,
            source_hour.polled_at
            - lag(source_hour.polled_at) OVER (PARTITION BY source_hour.source_id ORDER BY source_hour.hour) AS length
        FROM known
        INNER JOIN storyfold.source_hour ON source_hour.source_id = known.source_id
        WHERE known.entries = 0 AND source_hour.entries > 0 AND source_hour.hour > now() - interval '32 days'
    ) AS step
    GROUP BY step.source_id
),

polled AS (
    SELECT feed.source_id, max(feed.last_new_at) AS last_entry_at
    FROM storyfold.feed
    GROUP BY feed.source_id
)

SELECT
    source.name AS source,
    CASE
        WHEN coalesce(figure.days, 0) < 7 THEN 'new'
        WHEN known.source_id IS NULL THEN 'unknown'
        WHEN known.in_all = 0 THEN 'silent'
        WHEN known.entries = 0 AND 2 * (sqrt(known.least + 0.375) - sqrt(0.375)) > 4 THEN 'silent'
        WHEN pause.pauses >= 8 AND known.polled_at - polled.last_entry_at > 2 * pause.longest THEN 'silent'
        WHEN
            2 * known.per_day < known.least
            AND 2 * (sqrt(known.least + 0.375) - sqrt(known.per_day + 0.375)) > 4 THEN 'low'
        WHEN
            known.per_day > 2 * known.most
            AND 2 * (sqrt(known.per_day + 0.375) - sqrt(known.most + 0.375)) > 4 THEN 'high'
        ELSE 'usual'
    END AS volume_state,
    known.per_day AS entries_per_day,
    known.since AS counted_since,
    CASE WHEN figure.days >= 7 THEN known.usual END AS usual_per_day,
    polled.last_entry_at
FROM storyfold.source
INNER JOIN polled ON polled.source_id = source.id
LEFT JOIN figure ON figure.source_id = source.id
LEFT JOIN known ON known.source_id = source.id
LEFT JOIN pause ON pause.source_id = source.id
WHERE source.active;

COMMENT ON VIEW news.source_volume IS
    'One row a source with feeds. Its last 24 hours beside the same weekday of the four weeks before, or beside all days '
    'where fewer than three of these are known. What is called low, high or silent differs by more than half, and by '
    'more than four standard deviations of a count.';
COMMENT ON COLUMN news.source_volume.source IS 'Name of the source.';
COMMENT ON COLUMN news.source_volume.volume_state IS
    'usual, low, high, silent; new until seven days are known; unknown when the last 24 hours are not: not polled well '
    'enough, or with a coverage gap.';
COMMENT ON COLUMN news.source_volume.entries_per_day IS
    'URLs that it was the first to announce per 24 hours, from counted_since to its last poll that answered; null when '
    'that is not known.';
COMMENT ON COLUMN news.source_volume.counted_since IS 'Last poll that answered 24 hours before the newest, or earlier.';
COMMENT ON COLUMN news.source_volume.usual_per_day IS
    'Median of the days that it is held beside; null until seven days are known.';
COMMENT ON COLUMN news.source_volume.last_entry_at IS 'Last poll that announced something new; null before the first.';
