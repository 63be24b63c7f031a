-- What changed since I last looked?
CREATE OR REPLACE VIEW news.story_change AS
SELECT
    story_change.id,
    story_change.changed_at,
    story_change.change,
    story_change.story_id,
    story_change.article_id,
    story_change.other_id AS other_story_id,
    story_change.detail,
    story_change.articles,
    story_change.judgement_id
FROM storyfold.story_change;

COMMENT ON VIEW news.story_change IS
    'One row a change of a story, in order. A consumer keeps the highest id it has seen and asks for those above it; '
    'ids become visible in their order. Whoever obeys the changes one by one has the articles of every story.';
COMMENT ON COLUMN news.story_change.id IS 'Cursor: grows with every change.';
COMMENT ON COLUMN news.story_change.changed_at IS 'When.';
COMMENT ON COLUMN news.story_change.change IS
    'founded (by article_id), joined (by article_id), left (by article_id, for other_story_id), merged (into '
    'other_story_id, with all articles it still has), split (from other_story_id, beginning with article_id), canonical '
    '(now article_id).';
COMMENT ON COLUMN news.story_change.story_id IS 'The story that changed.';
COMMENT ON COLUMN news.story_change.article_id IS 'The article it is about; null for a merger.';
COMMENT ON COLUMN news.story_change.other_story_id IS
    'The story merged into, split from, or left for; null otherwise, and for those that left before this was kept.';
COMMENT ON COLUMN news.story_change.detail IS
    'Why: for joined, the kind of the match and the article matched; for merged, the kind and the two articles that tie '
    'the stories; for left and split, the same as for joined, or container and the article that was seen to be one, or '
    'to be none; for canonical, the rule that chose it. Null where a judgement alone did it.';
COMMENT ON COLUMN news.story_change.articles IS 'How many articles a merger moved; null for other changes.';
COMMENT ON COLUMN news.story_change.judgement_id IS
    'The judgement (news.judgement.id) that did it by being given or taken back; null for what matches did.';
