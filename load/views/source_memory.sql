-- What repeats in a source, and is cut from its articles for that?
CREATE OR REPLACE VIEW news.source_memory AS
SELECT
    source.name AS source,
    segment.text,
    segment.stories,
    segment.until_version IS NULL AS is_remembered,
    segment.spared AS is_spared,
    segment.since_version,
    segment.until_version,
    segment.learned_at,
    'memory.repeated.' || encode(segment.digest, 'hex') AS rule
FROM storyfold.segment
JOIN storyfold.source ON source.id = segment.source_id;

COMMENT ON VIEW news.source_memory IS
    'One row a block that stood in several distinct stories of a source. Blocks are compared without case, punctuation '
    'and white space, short ones without digits.';
COMMENT ON COLUMN news.source_memory.source IS 'Name of the source, as in news.source_health.';
COMMENT ON COLUMN news.source_memory.text IS 'The block, as it stood in one article.';
COMMENT ON COLUMN news.source_memory.stories IS
    'The most distinct stories of the source that it stood in at once, of the newest 200 articles.';
COMMENT ON COLUMN news.source_memory.is_remembered IS 'It is cut from what is read now.';
COMMENT ON COLUMN news.source_memory.is_spared IS 'A person said that it is text: it is never cut.';
COMMENT ON COLUMN news.source_memory.since_version IS 'First version of the source''s memory that has it.';
COMMENT ON COLUMN news.source_memory.until_version IS
    'First version that no longer has it; null while it is remembered.';
COMMENT ON COLUMN news.source_memory.learned_at IS 'When these were counted.';
COMMENT ON COLUMN news.source_memory.rule IS 'Names it in news.cut.rule.';
