-- Which stories speak of this?
CREATE OR REPLACE FUNCTION news.search(
    query text,
    max_rows integer DEFAULT 50,
    language text DEFAULT NULL,
    since timestamptz DEFAULT NULL
)
RETURNS TABLE (
    story_id bigint,
    rank real,
    title text,
    snippet text,
    url text,
    source text,
    published_at timestamptz,
    articles integer
)
LANGUAGE sql
STABLE
SECURITY DEFINER  -- who may read only news may search, too
SET search_path = pg_catalog, pg_temp
AS $$
    WITH wanted AS MATERIALIZED (
        SELECT websearch_to_tsquery('storyfold.plain', search.query) AS words
    ),

    matching AS MATERIALIZED (
        SELECT revision.id
        FROM wanted
        JOIN storyfold.revision ON revision.search @@ wanted.words
    ),

    newest AS (  -- ranking reads the words of a whole text: 30 µs each, so half a minute for a million
        SELECT article.id AS article_id, article.revision_id
        FROM matching
        JOIN storyfold.article ON article.revision_id = matching.id
        ORDER BY article.revision_id DESC
        LIMIT 10000
    ),

    hit AS (
        SELECT DISTINCT ON (member.story_id)
            member.story_id,
            revision.id AS revision_id,
            ts_rank_cd(revision.search, wanted.words, 1) AS rank  -- 1: long texts do not win by their length
        FROM newest
        JOIN storyfold.revision ON revision.id = newest.revision_id
        JOIN storyfold.story_member AS member ON member.article_id = newest.article_id
        CROSS JOIN wanted
        ORDER BY member.story_id, rank DESC, revision.id
    ),

    best AS (
        SELECT
            hit.story_id,
            hit.rank,
            hit.revision_id,
            story.articles,
            story.last_published_at,
            shown.title,
            shown.published_at,
            article.url,
            source.name AS source
        FROM hit
        JOIN storyfold.story ON story.id = hit.story_id
        JOIN storyfold.article ON article.id = story.canonical_id
        JOIN storyfold.revision AS shown ON shown.id = article.revision_id
        JOIN storyfold.source ON source.id = article.source_id
        WHERE (search.language IS NULL OR shown.language = search.language)
            AND (search.since IS NULL OR coalesce(story.last_published_at, story.changed_at) >= search.since)
        ORDER BY hit.rank DESC, story.last_published_at DESC NULLS LAST, hit.story_id
        LIMIT search.max_rows
    )

    SELECT
        best.story_id,
        best.rank,
        best.title,
        ts_headline(
            'storyfold.plain',
            regexp_replace(left(matched.text, 200000), '\s+', ' ', 'g'),
            wanted.words,
            'StartSel=**, StopSel=**, MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … "'
        ),
        best.url,
        best.source,
        best.published_at,
        best.articles
    FROM best
    JOIN storyfold.revision AS matched ON matched.id = best.revision_id
    CROSS JOIN wanted
    ORDER BY best.rank DESC, best.last_published_at DESC NULLS LAST, best.story_id
$$;

COMMENT ON FUNCTION news.search(text, integer, text, timestamptz) IS
    'Stories with an article that has these words in its title or text, the best first; case and accents do not '
    'matter. The query is written as for a search engine: words, "a phrase", -without, this or that. Title, URL, '
    'source and published_at are those of the canonical article; the snippet is from the article that matched best, '
    'the words found between **. Of more than 10,000 texts with the words, the 10,000 fetched last are ranked. '
    'max_rows: at most so many, null for all. language: only stories in it. since: only stories published, or else '
    'changed, since then.';
