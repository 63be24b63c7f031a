-- What changed since I last looked?
CREATE OR REPLACE VIEW news.story_change AS
SELECT
    story_change.id,
    story_change.changed_at,
    story_change.change,
    story_change.story_id,
    story_change.article_id,
    story_change.other_id AS other_story_id,
    story_change.detail
FROM storyfold.story_change;

COMMENT ON VIEW news.story_change IS
    'One row a change of a story, in order. A consumer keeps the highest id it has seen and asks for those above it; '
    'ids become visible in their order.';
COMMENT ON COLUMN news.story_change.id IS 'Cursor: grows with every change.';
COMMENT ON COLUMN news.story_change.changed_at IS 'When.';
COMMENT ON COLUMN news.story_change.change IS
    'founded (by article_id), joined (by article_id), left (by article_id), merged (into other_story_id), split (from '
    'other_story_id), canonical (now article_id).';
COMMENT ON COLUMN news.story_change.story_id IS 'The story that changed.';
COMMENT ON COLUMN news.story_change.article_id IS 'The article it is about; null for a merger.';
COMMENT ON COLUMN news.story_change.other_story_id IS 'The story merged into or split from; null otherwise.';
COMMENT ON COLUMN news.story_change.detail IS
    'For joined, the kind of the match and the article matched; for canonical, the rule that chose it.';
