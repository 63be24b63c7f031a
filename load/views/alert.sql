-- What should a person look at, now and before?
CREATE OR REPLACE VIEW news.alert AS
SELECT
    alert.id,
    alert.kind,
    alert.severity,
    source.name AS source,
    alert.message,
    alert.begun_at AS since,
    alert.seen_at AS last_seen,
    alert.ended_at AS ended,
    alert.figures,
    alert.subject
FROM storyfold.alert
LEFT JOIN storyfold.source ON source.id = alert.source_id;

COMMENT ON VIEW news.alert IS
    'One row an episode: it begins once, is refreshed while it lasts, and ends with its cause. Rows are never deleted.';
COMMENT ON COLUMN news.alert.id IS 'Id of the alert.';
COMMENT ON COLUMN news.alert.kind IS 'What kind of trouble, from a closed list.';
COMMENT ON COLUMN news.alert.severity IS 'warning, or error: nothing goes on there until somebody does something.';
COMMENT ON COLUMN news.alert.source IS
    'Name of the source; null for what is of no source, and where several began together.';
COMMENT ON COLUMN news.alert.message IS 'What it is, in one sentence with its numbers, as of last_seen.';
COMMENT ON COLUMN news.alert.since IS 'First check that showed it.';
COMMENT ON COLUMN news.alert.last_seen IS 'Last check that showed it.';
COMMENT ON COLUMN news.alert.ended IS 'First check that no longer showed it; null while it lasts.';
COMMENT ON COLUMN news.alert.figures IS
    'The numbers of the message as JSON; where several began together, all members, and the figures of those that last.';
COMMENT ON COLUMN news.alert.subject IS
    'What it is about: a source, with the expectation or stage; a queue; a line; a story; the first of several.';
