-- Where did a story go that I remember by its id?
CREATE OR REPLACE VIEW news.story_redirect AS
WITH RECURSIVE redirect AS (
    SELECT story.id, story.merged_into AS living_id
    FROM storyfold.story
    WHERE story.merged_into IS NOT NULL
    UNION
    SELECT redirect.id, story.merged_into
    FROM redirect
    JOIN storyfold.story ON story.id = redirect.living_id
    WHERE story.merged_into IS NOT NULL
)

SELECT redirect.id, redirect.living_id
FROM redirect
JOIN storyfold.story ON story.id = redirect.living_id
WHERE story.merged_into IS NULL;

COMMENT ON VIEW news.story_redirect IS
    'One row a story that was merged into another, with the one that carries on, however many mergers lie between.';
COMMENT ON COLUMN news.story_redirect.id IS 'Id of the story that is no more.';
COMMENT ON COLUMN news.story_redirect.living_id IS 'Id of the story that carries on (news.story.id).';
