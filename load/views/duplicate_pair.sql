-- Which two articles carry the same text, and how sure are we?
CREATE OR REPLACE VIEW news.duplicate_pair AS
SELECT
    match.left_id,
    match.right_id,
    match.kind,
    left_member.story_id = right_member.story_id AS in_same_story,
    match.jaccard,
    match.jaccard_filtered,
    match.containment,
    match.facts,
    match.run,
    match.inner_id,
    match.span_start,
    match.span_end,
    left_source.name AS left_source,
    right_source.name AS right_source,
    left_article.url AS left_url,
    right_article.url AS right_url,
    match.matched_at,
    match.numbers,
    match.inner_start
FROM storyfold.match
JOIN storyfold.article AS left_article ON left_article.id = match.left_id
JOIN storyfold.article AS right_article ON right_article.id = match.right_id
JOIN storyfold.source AS left_source ON left_source.id = left_article.source_id
JOIN storyfold.source AS right_source ON right_source.id = right_article.source_id
LEFT JOIN storyfold.story_member AS left_member ON left_member.article_id = match.left_id
LEFT JOIN storyfold.story_member AS right_member ON right_member.article_id = match.right_id
WHERE match.kind <> 'different';

COMMENT ON VIEW news.duplicate_pair IS
    'One row a pair of articles whose texts were compared and found to overlap. Candidates that failed the comparison '
    'are not here; `storyfold why` shows them.';
COMMENT ON COLUMN news.duplicate_pair.left_id IS 'The article that was stored earlier (news.article.id).';
COMMENT ON COLUMN news.duplicate_pair.right_id IS 'The other article (news.article.id).';
COMMENT ON COLUMN news.duplicate_pair.kind IS
    'same (one text, edited), contained (one is the beginning of the other), lifted (one stands somewhere inside the '
    'other, as in a round-up: this joins no story).';
COMMENT ON COLUMN news.duplicate_pair.in_same_story IS 'Both belong to the same story now.';
COMMENT ON COLUMN news.duplicate_pair.jaccard IS 'Resemblance of the two texts: shared word 5-grams of all, 0 to 1.';
COMMENT ON COLUMN news.duplicate_pair.jaccard_filtered IS 'The same without phrases that recur day after day.';
COMMENT ON COLUMN news.duplicate_pair.containment IS
    'Share of the shorter text that is in the longer, 0 to 1; without phrases that recur day after day, unless the '
    'numbers and names agree.';
COMMENT ON COLUMN news.duplicate_pair.facts IS 'Share of numbers and names that the texts have in common, 0 to 1.';
COMMENT ON COLUMN news.duplicate_pair.run IS 'Mean length of the shared passages, in words.';
COMMENT ON COLUMN news.duplicate_pair.inner_id IS 'The shorter of the two articles.';
COMMENT ON COLUMN news.duplicate_pair.span_start IS 'Where the shared part begins in the longer text, 0 to 1.';
COMMENT ON COLUMN news.duplicate_pair.span_end IS 'Where the shared part ends in the longer text, 0 to 1.';
COMMENT ON COLUMN news.duplicate_pair.left_source IS 'Source of the article stored earlier.';
COMMENT ON COLUMN news.duplicate_pair.right_source IS 'Source of the other article.';
COMMENT ON COLUMN news.duplicate_pair.left_url IS 'URL of the article stored earlier.';
COMMENT ON COLUMN news.duplicate_pair.right_url IS 'URL of the other article.';
COMMENT ON COLUMN news.duplicate_pair.matched_at IS 'When they were compared.';
COMMENT ON COLUMN news.duplicate_pair.numbers IS
    'Share of the numbers that the texts have in common, 0 to 1; null for pairs compared before it was measured.';
COMMENT ON COLUMN news.duplicate_pair.inner_start IS
    'Where the shared part begins in the shorter text, 0 to 1; null for pairs compared before it was measured.';
