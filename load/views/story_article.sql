-- Which articles make up a story, and which match ties each of them to it?
CREATE OR REPLACE VIEW news.story_article AS
SELECT
    member.story_id,
    member.article_id,
    member.article_id = story.canonical_id AS is_canonical,
    member.container AS is_container,
    source.name AS source,
    article.url,
    revision.title,
    revision.published_at,
    tie.matched_article_id,
    tie.match_kind,
    tie.jaccard,
    tie.containment
FROM storyfold.story_member AS member
JOIN storyfold.story ON story.id = member.story_id
JOIN storyfold.article ON article.id = member.article_id
JOIN storyfold.revision ON revision.id = article.revision_id
JOIN storyfold.source ON source.id = article.source_id
LEFT JOIN LATERAL (
    SELECT
        pair.other_id AS matched_article_id,
        pair.kind AS match_kind,
        pair.jaccard,
        pair.containment
    FROM (
        SELECT right_id AS other_id, kind, jaccard, containment
        FROM storyfold.match
        WHERE left_id = member.article_id
        UNION ALL
        SELECT left_id, kind, jaccard, containment
        FROM storyfold.match
        WHERE right_id = member.article_id
    ) AS pair
    JOIN storyfold.story_member AS other ON other.article_id = pair.other_id
    WHERE pair.kind IN ('same', 'contained') AND other.story_id = member.story_id
    ORDER BY pair.kind = 'same' DESC, pair.jaccard DESC, pair.other_id
    LIMIT 1
) AS tie ON true;

COMMENT ON VIEW news.story_article IS
    'One row an article of a story, with the best of the matches that tie it to the other articles there. '
    'All its matches are in news.duplicate_pair.';
COMMENT ON COLUMN news.story_article.story_id IS 'The story (news.story.id).';
COMMENT ON COLUMN news.story_article.article_id IS 'The article (news.article.id).';
COMMENT ON COLUMN news.story_article.is_canonical IS 'The article stands for the story.';
COMMENT ON COLUMN news.story_article.is_container IS 'It holds two other texts side by side: a round-up, a live blog.';
COMMENT ON COLUMN news.story_article.source IS 'Source of the article.';
COMMENT ON COLUMN news.story_article.url IS 'URL of the article.';
COMMENT ON COLUMN news.story_article.title IS 'Title of the article.';
COMMENT ON COLUMN news.story_article.published_at IS 'When it came out; null when no date on the page is trusted.';
COMMENT ON COLUMN news.story_article.matched_article_id IS
    'The article of the same story that it matches best; null when it is the only one.';
COMMENT ON COLUMN news.story_article.match_kind IS
    'same (one text, edited) or contained (one is the beginning of the other).';
COMMENT ON COLUMN news.story_article.jaccard IS 'Resemblance of the two texts, 0 to 1.';
COMMENT ON COLUMN news.story_article.containment IS 'Share of the shorter text that is in the longer, 0 to 1.';
