-- Which sources are, or were, not what their files expect?
CREATE OR REPLACE VIEW news.expectation_breach AS
SELECT
    breach.id,
    source.name AS source,
    breach.expectation,
    breach.expected,
    breach.observed,
    breach.on_breach,
    breach.begun_at,
    breach.seen_at,
    breach.ended_at,
    CASE WHEN breach.ended_at IS NULL AND breach.on_breach = 'stop' THEN source.held_at END AS held_at
FROM storyfold.breach
INNER JOIN storyfold.source ON source.id = breach.source_id;

COMMENT ON VIEW news.expectation_breach IS
    'One row a time in which a source was not what [expect] of its file says. Rows are never deleted.';
COMMENT ON COLUMN news.expectation_breach.id IS 'Id of the breach.';
COMMENT ON COLUMN news.expectation_breach.source IS 'Name of the source.';
COMMENT ON COLUMN news.expectation_breach.expectation IS
    'What is broken: entries_per_day, dated_share, short_share or languages.';
COMMENT ON COLUMN news.expectation_breach.expected IS 'What its file expects, in words.';
COMMENT ON COLUMN news.expectation_breach.observed IS 'What was counted last while it was broken, in words.';
COMMENT ON COLUMN news.expectation_breach.on_breach IS
    'warn, or stop: its pages wait unread until it is well or released.';
COMMENT ON COLUMN news.expectation_breach.begun_at IS 'First check that showed it.';
COMMENT ON COLUMN news.expectation_breach.seen_at IS 'Last check that showed it.';
COMMENT ON COLUMN news.expectation_breach.ended_at IS 'When it was well again or released; null while it lasts.';
COMMENT ON COLUMN news.expectation_breach.held_at IS
    'Since when the source is held for it and perhaps others; null when it is not.';
