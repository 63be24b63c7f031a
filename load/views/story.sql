-- Which stories are there, what does each say, and how widely was it published?
-- Each column about the first article asks for it anew, so that whoever sorts and limits pays for the stories shown
-- only; the order is that of news.story_article. Most stories are of one article, of which there is nothing to ask.
CREATE OR REPLACE VIEW news.story AS
SELECT
    story.id,
    story.kind,
    revision.title,
    revision.summary,
    revision.text,
    article.url,
    source.name AS source,
    revision.language,
    revision.published_at,
    story.articles,
    CASE
        WHEN story.articles = 1 THEN 1
        ELSE (
            SELECT count(DISTINCT copy.source_id)
            FROM storyfold.story_member AS member
            JOIN storyfold.article AS copy ON copy.id = member.article_id
            WHERE member.story_id = story.id
        )
    END AS sources,
    CASE
        WHEN story.articles = 1 THEN story.first_published_at
        WHEN story.first_published_at <> date_trunc('day', story.first_published_at, 'UTC')
            THEN story.first_published_at
        -- perhaps a day without a time, which counts as its end
        ELSE (
            SELECT said.published_at
            FROM storyfold.story_member AS member
            JOIN storyfold.article AS copy ON copy.id = member.article_id
            JOIN storyfold.revision AS said ON said.id = copy.revision_id
            WHERE member.story_id = story.id
            ORDER BY
                said.published_at + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END,
                copy.first_fetched_at, copy.id
            LIMIT 1
        )
    END AS first_published_at,
    story.last_published_at,
    story.canonical_id AS canonical_article_id,
    story.canonical_rule,
    story.changed_at,
    CASE
        WHEN story.articles = 1 THEN article.id
        ELSE (
            SELECT copy.id
            FROM storyfold.story_member AS member
            JOIN storyfold.article AS copy ON copy.id = member.article_id
            JOIN storyfold.revision AS said ON said.id = copy.revision_id
            WHERE member.story_id = story.id
            ORDER BY
                said.published_at + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END,
                copy.first_fetched_at, copy.id
            LIMIT 1
        )
    END AS first_article_id,
    CASE
        WHEN story.articles = 1 THEN source.name
        ELSE (
            SELECT house.name
            FROM storyfold.story_member AS member
            JOIN storyfold.article AS copy ON copy.id = member.article_id
            JOIN storyfold.revision AS said ON said.id = copy.revision_id
            JOIN storyfold.source AS house ON house.id = copy.source_id
            WHERE member.story_id = story.id
            ORDER BY
                said.published_at + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END,
                copy.first_fetched_at, copy.id
            LIMIT 1
        )
    END AS first_source,
    CASE
        WHEN story.articles = 1 THEN article.url
        ELSE (
            SELECT copy.url
            FROM storyfold.story_member AS member
            JOIN storyfold.article AS copy ON copy.id = member.article_id
            JOIN storyfold.revision AS said ON said.id = copy.revision_id
            WHERE member.story_id = story.id
            ORDER BY
                said.published_at + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END,
                copy.first_fetched_at, copy.id
            LIMIT 1
        )
    END AS first_url,
    CASE
        WHEN story.articles = 1 THEN coalesce(revision.date_precision IN ('second', 'minute'), false)
        ELSE (
            SELECT coalesce(said.date_precision IN ('second', 'minute'), false)
            FROM storyfold.story_member AS member
            JOIN storyfold.article AS copy ON copy.id = member.article_id
            JOIN storyfold.revision AS said ON said.id = copy.revision_id
            WHERE member.story_id = story.id
            ORDER BY
                said.published_at + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END,
                copy.first_fetched_at, copy.id
            LIMIT 1
        )
    END AS first_time_is_exact
FROM storyfold.story
JOIN storyfold.article ON article.id = story.canonical_id
JOIN storyfold.revision ON revision.id = article.revision_id
JOIN storyfold.source ON source.id = article.source_id
WHERE story.merged_into IS NULL;

COMMENT ON VIEW news.story IS
    'One row a living story: articles that carry the same text, shown by the one that stands for them. '
    'Ids are stable; for the id of a story that was merged into another, ask news.story_redirect.';
COMMENT ON COLUMN news.story.id IS 'Stable id of the story.';
COMMENT ON COLUMN news.story.kind IS
    'story, or digest when every article of it holds other texts side by side: a round-up, a live blog.';
COMMENT ON COLUMN news.story.title IS 'Title of the canonical article.';
COMMENT ON COLUMN news.story.summary IS 'Standfirst of the canonical article; null when it has none.';
COMMENT ON COLUMN news.story.text IS 'Text of the canonical article, cleaned: paragraphs, a blank line between.';
COMMENT ON COLUMN news.story.url IS 'URL of the canonical article.';
COMMENT ON COLUMN news.story.source IS 'Source of the canonical article.';
COMMENT ON COLUMN news.story.language IS 'Language of the canonical article, ISO 639-1; null when it is not known.';
COMMENT ON COLUMN news.story.published_at IS 'When the canonical article came out; null when no date on it is trusted.';
COMMENT ON COLUMN news.story.articles IS 'Number of articles, the canonical one included.';
COMMENT ON COLUMN news.story.sources IS 'Number of sources among them.';
COMMENT ON COLUMN news.story.first_published_at IS
    'Trusted publication time of the article that came out first: of a day without a time, its beginning; null when '
    'no article has any.';
COMMENT ON COLUMN news.story.last_published_at IS 'Latest trusted publication time of an article; null when none has any.';
COMMENT ON COLUMN news.story.canonical_article_id IS 'The article that stands for the story (news.article.id).';
COMMENT ON COLUMN news.story.canonical_rule IS
    'The first rule that told it from the runner-up: only-member, full-text, full-length, original, '
    'earliest, unmarked, tier, longest, url-key, pinned.';
COMMENT ON COLUMN news.story.changed_at IS 'Last change of its articles or of the canonical one.';
COMMENT ON COLUMN news.story.first_article_id IS
    'The article that came out first (news.article.id), as news.story_article orders them.';
COMMENT ON COLUMN news.story.first_source IS 'Its source: who published the story first, of the sources that are read.';
COMMENT ON COLUMN news.story.first_url IS 'Its URL.';
COMMENT ON COLUMN news.story.first_time_is_exact IS
    'first_published_at is known to the minute; false where it is a day, or nothing.';
