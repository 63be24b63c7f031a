-- By which fingerprints are articles compared, and how far are those of a new program?
CREATE OR REPLACE VIEW news.fingerprint_spec AS
SELECT
    sketch_spec.number,
    sketch_spec.state,
    CASE sketch_spec.state WHEN 'building' THEN sketch_spec.position END AS done,
    CASE sketch_spec.state WHEN 'building' THEN sketch_spec.until END AS articles,
    CASE sketch_spec.state
        WHEN 'building' THEN (SELECT count(*) FROM storyfold.settled_since)
    END AS since,
    sketch_spec.parameters,
    sketch_spec.begun_at,
    sketch_spec.switched_at,
    sketch_spec.retired_at,
    sketch_spec.dropped_at
FROM storyfold.sketch_spec;

COMMENT ON VIEW news.fingerprint_spec IS
    'One row for each way of making fingerprints that the store has known; one of them is current.';
COMMENT ON COLUMN news.fingerprint_spec.number IS 'In the order in which the store came to know them.';
COMMENT ON COLUMN news.fingerprint_spec.state IS
    'current: articles are compared by it; building: it is to be; retired: it was, or was given up.';
COMMENT ON COLUMN news.fingerprint_spec.done IS
    'While it is built: its fingerprints are made up to this article (news.article.id), in the order of their ids.';
COMMENT ON COLUMN news.fingerprint_spec.articles IS 'While it is built: the last article when that began.';
COMMENT ON COLUMN news.fingerprint_spec.since IS
    'While it is built: how often articles came or changed since; those are to be done as well.';
COMMENT ON COLUMN news.fingerprint_spec.parameters IS
    'All that decides what its fingerprints look like; null where a program that did not keep that made them.';
COMMENT ON COLUMN news.fingerprint_spec.begun_at IS 'When its building began.';
COMMENT ON COLUMN news.fingerprint_spec.switched_at IS 'When it became current, last.';
COMMENT ON COLUMN news.fingerprint_spec.retired_at IS 'When it was given up for another, last.';
COMMENT ON COLUMN news.fingerprint_spec.dropped_at IS
    'When its fingerprints and keys were dropped; null while they are there.';
