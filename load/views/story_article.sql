-- Which articles make up a story, tied by which match, in which order did they come out, and whose text are they?
CREATE OR REPLACE VIEW news.story_article AS
SELECT
    member.story_id,
    member.article_id,
    member.article_id = story.canonical_id AS is_canonical,
    member.container AS is_container,
    copy.source,
    copy.url,
    copy.title,
    copy.published_at,
    tie.matched_article_id,
    tie.match_kind,
    tie.jaccard,
    tie.containment,
    copy.place,
    copy.is_exact AS time_is_exact,
    copy.seconds_behind,
    copy.agency,
    copy.agency_certainty,
    copy.agency_evidence,
    copy.agency_material,
    copy.agency IS NOT NULL AND copy.agency IS DISTINCT FROM copy.own_agency AS is_wire_copy
FROM storyfold.story
-- member leads from an article to its story; all copies of that are read at once, not again for each member
JOIN storyfold.story_member AS member ON member.story_id = story.id
JOIN LATERAL (
    WITH told AS (
        SELECT
            peer.article_id,
            author.source_id,
            author.url,
            author.first_fetched_at,
            house.name AS source,
            said.title,
            said.published_at,
            coalesce(said.date_precision IN ('second', 'minute'), false) AS is_exact,
            -- the moments between which it came out: a day alone does not outrank a time on that day
            coalesce(said.published_at, '-infinity') AS earliest,
            coalesce(
                said.published_at + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END,
                'infinity'
            ) AS latest,
            said.agency,
            said.agency_certainty,
            said.agency_evidence,
            said.agency_material,
            CASE WHEN coalesce(said.agency, house.agency) = house.agency THEN house.agency END AS own_agency
        FROM storyfold.story_member AS peer
        JOIN storyfold.article AS author ON author.id = peer.article_id
        JOIN storyfold.revision AS said ON said.id = author.revision_id
        JOIN storyfold.source AS house ON house.id = author.source_id
        WHERE peer.story_id = story.id
    ),

    spoken AS (
        SELECT
            told.*,
            row_number() OVER in_order AS place,
            first_value(CASE WHEN is_exact THEN published_at END) OVER in_order AS begun_at
        FROM told
        WINDOW in_order AS (ORDER BY latest, first_fetched_at, article_id)
    ),

    -- Each agency's own articles that came out first: at the latest, and at the earliest.
    -- Materialized, as is the next: a handful of rows, which else were sought anew for each copy.
    original AS MATERIALIZED (
        SELECT agency, article_id, source, place, earliest, latest
        FROM (
            SELECT
                own_agency AS agency,
                article_id,
                source,
                place,
                earliest,
                latest,
                row_number() OVER (PARTITION BY own_agency ORDER BY place) AS at_latest,
                row_number() OVER (PARTITION BY own_agency ORDER BY earliest, place) AS at_earliest
            FROM spoken
            WHERE own_agency IS NOT NULL
        ) AS own
        WHERE 1 IN (at_latest, at_earliest)
    ),

    -- The first articles that name an agency, of two sources: one of them is another than any one's.
    marked AS MATERIALIZED (
        SELECT named.*
        FROM (
            SELECT by_source.*, row_number() OVER (PARTITION BY agency ORDER BY place) AS number
            FROM (
                SELECT DISTINCT ON (agency, source_id) agency, source_id, article_id, source, place, latest
                FROM spoken
                WHERE agency IS NOT NULL AND own_agency IS NULL
                ORDER BY agency, source_id, place
            ) AS by_source
        ) AS named
        WHERE number <= 2
    )

    SELECT
        spoken.article_id,
        spoken.source,
        spoken.url,
        spoken.title,
        spoken.published_at,
        spoken.place,
        spoken.is_exact,
        spoken.agency_material,
        spoken.own_agency,
        CASE
            WHEN spoken.is_exact THEN extract(EPOCH FROM spoken.published_at - spoken.begun_at)::bigint
        END AS seconds_behind,
        coalesce(spoken.own_agency, spoken.agency, origin.agency, witness.agency) AS agency,
        CASE
            WHEN spoken.own_agency IS NOT NULL THEN 'certain'
            WHEN spoken.agency IS NOT NULL AND origin.agency IS NOT NULL THEN 'certain'
            WHEN spoken.agency IS NOT NULL AND witness.agency IS NULL THEN spoken.agency_certainty
            WHEN spoken.agency IS NOT NULL
                THEN CASE spoken.agency_certainty WHEN 'possible' THEN 'likely' ELSE 'certain' END
            WHEN origin.came_before THEN 'likely'
            WHEN coalesce(origin.agency, witness.agency) IS NOT NULL THEN 'possible'
        END AS agency_certainty,
        nullif(
            concat_ws(
                '; ',
                CASE
                    WHEN spoken.own_agency IS NOT NULL THEN 'its source is the agency'
                    WHEN spoken.agency IS NOT NULL THEN coalesce(spoken.agency_evidence, 'it says so')
                END,
                'article ' || coalesce(origin.article_id, witness.article_id) || ' of '
                || coalesce(origin.source, witness.source)
                || CASE
                    WHEN origin.agency IS NOT NULL THEN ' is the agency''s own'
                    WHEN spoken.agency IS NOT NULL THEN ' says so, too'
                    ELSE ' says so'
                END
                || CASE
                    WHEN spoken.agency IS NOT NULL THEN ''
                    WHEN coalesce(origin.came_before, witness.came_before) THEN ' and came out before'
                    ELSE '; which of the two came out first is not known'
                END
            ), ''
        ) AS agency_evidence
    FROM spoken
    LEFT JOIN LATERAL (
        SELECT
            original.*,
            original.place < spoken.place AND original.latest <= spoken.earliest AS came_before
        FROM original
        WHERE
            spoken.own_agency IS NULL
            AND CASE
                WHEN spoken.agency IS NULL THEN original.place < spoken.place OR original.earliest < spoken.latest
                ELSE original.agency = spoken.agency
            END
        ORDER BY original.place
        LIMIT 1
    ) AS origin ON true
    LEFT JOIN LATERAL (
        SELECT
            marked.*,
            marked.latest <= spoken.earliest AS came_before
        FROM marked
        WHERE
            spoken.own_agency IS NULL
            AND marked.source_id <> spoken.source_id
            AND CASE WHEN spoken.agency IS NULL THEN marked.place < spoken.place ELSE marked.agency = spoken.agency END
        ORDER BY marked.place
        LIMIT 1
    ) AS witness ON true
) AS copy ON copy.article_id = member.article_id
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
    WHERE
        pair.kind IN ('same', 'contained')
        -- not as a join, which may read all members again for each
        AND (SELECT other.story_id FROM storyfold.story_member AS other WHERE other.article_id = pair.other_id)
        = member.story_id
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
COMMENT ON COLUMN news.story_article.place IS
    'Place in the order in which the articles of the story came out, from 1. A day without a time counts as its end; '
    'articles without a trusted date come last, in the order in which they were fetched.';
COMMENT ON COLUMN news.story_article.time_is_exact IS
    'The time of its publication is known: false where only the day is, and where nothing is.';
COMMENT ON COLUMN news.story_article.seconds_behind IS
    'Seconds after the first article of the story; null where one of the two times is not known.';
COMMENT ON COLUMN news.story_article.agency IS
    'News agency whose text it is, by its own word, or as the agency or a copy that names it published the text '
    'before, or the agency may have; null when nothing says so.';
COMMENT ON COLUMN news.story_article.agency_certainty IS
    'How sure that is: certain (two witnesses, or the agency''s own article), likely (a byline, a dateline, a credit '
    'line, or the agency published it before), possible (initials, a mark on another copy, an order that is not known).';
COMMENT ON COLUMN news.story_article.agency_evidence IS 'What says so, in words.';
COMMENT ON COLUMN news.story_article.agency_material IS
    'News agencies whose material it says it has used in a text of its own; empty when it names none.';
COMMENT ON COLUMN news.story_article.is_wire_copy IS 'It is an agency''s text, published by another.';
