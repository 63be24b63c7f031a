-- Which articles make up a story, tied by which match, in which order did they come out, and whose text are they?
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
    tie.containment,
    copy.place,
    copy.is_exact AS time_is_exact,
    copy.seconds_behind,
    copy.agency,
    copy.agency_certainty,
    copy.agency_evidence,
    revision.agency_material,
    copy.agency IS NOT NULL AND copy.agency IS DISTINCT FROM copy.own_agency AS is_wire_copy
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
) AS tie ON true
LEFT JOIN LATERAL (
    WITH spoken AS (
        SELECT
            peer.article_id,
            author.source_id,
            house.name AS source,
            said.published_at,
            coalesce(said.date_precision IN ('second', 'minute'), false) AS is_exact,
            row_number() OVER (
                ORDER BY
                    -- a day alone does not outrank a time on that day
                    said.published_at
                    + CASE WHEN said.date_precision = 'day' THEN interval '1 day' ELSE interval '0' END NULLS LAST,
                    author.first_fetched_at, peer.article_id
            ) AS place,
            said.agency,
            said.agency_certainty,
            said.agency_evidence,
            CASE WHEN coalesce(said.agency, house.agency) = house.agency THEN house.agency END AS own_agency
        FROM storyfold.story_member AS peer
        JOIN storyfold.article AS author ON author.id = peer.article_id
        JOIN storyfold.revision AS said ON said.id = author.revision_id
        JOIN storyfold.source AS house ON house.id = author.source_id
        WHERE peer.story_id = member.story_id
    ),

    original AS (  -- the first article of each agency's own
        SELECT DISTINCT ON (own_agency) own_agency AS agency, article_id, source, place, is_exact
        FROM spoken
        WHERE own_agency IS NOT NULL
        ORDER BY own_agency, place
    ),

    marked AS (  -- the first articles that name an agency, of two sources: one of them is another than any one's
        SELECT named.*
        FROM (
            SELECT by_source.*, row_number() OVER (PARTITION BY agency ORDER BY place) AS number
            FROM (
                SELECT DISTINCT ON (agency, source_id) agency, source_id, article_id, source, place, agency_evidence
                FROM spoken
                WHERE agency IS NOT NULL AND own_agency IS NULL
                ORDER BY agency, source_id, place
            ) AS by_source
        ) AS named
        WHERE number <= 2
    )

    SELECT
        spoken.article_id,
        spoken.place,
        spoken.is_exact,
        spoken.own_agency,
        CASE
            WHEN spoken.is_exact AND first_value(spoken.is_exact) OVER in_order
                THEN extract(EPOCH FROM spoken.published_at - first_value(spoken.published_at) OVER in_order)::bigint
        END AS seconds_behind,
        coalesce(spoken.own_agency, spoken.agency, origin.agency, witness.agency) AS agency,
        CASE
            WHEN spoken.own_agency IS NOT NULL THEN 'certain'
            WHEN spoken.agency IS NOT NULL AND origin.agency IS NOT NULL THEN 'certain'
            WHEN spoken.agency IS NOT NULL AND witness.agency IS NULL THEN spoken.agency_certainty
            WHEN spoken.agency IS NOT NULL
                THEN CASE spoken.agency_certainty WHEN 'possible' THEN 'likely' ELSE 'certain' END
            WHEN origin.agency IS NOT NULL AND spoken.is_exact AND origin.is_exact THEN 'likely'
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
                || CASE WHEN spoken.agency IS NULL THEN ' and came out before' ELSE '' END
            ), ''
        ) AS agency_evidence
    FROM spoken
    LEFT JOIN LATERAL (
        SELECT original.*
        FROM original
        WHERE
            spoken.own_agency IS NULL
            AND CASE
                WHEN spoken.agency IS NULL THEN original.place < spoken.place ELSE original.agency = spoken.agency
            END
        ORDER BY original.place
        LIMIT 1
    ) AS origin ON true
    LEFT JOIN LATERAL (
        SELECT marked.*
        FROM marked
        WHERE
            spoken.own_agency IS NULL
            AND marked.source_id <> spoken.source_id
            AND CASE WHEN spoken.agency IS NULL THEN marked.place < spoken.place ELSE marked.agency = spoken.agency END
        ORDER BY marked.place
        LIMIT 1
    ) AS witness ON true
    WINDOW in_order AS (ORDER BY spoken.place)
) AS copy ON copy.article_id = member.article_id;

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
    'before; null when nothing says so.';
COMMENT ON COLUMN news.story_article.agency_certainty IS
    'How sure that is: certain (two witnesses, or the agency''s own article), likely (a byline, a dateline, a credit '
    'line, or the agency published it before), possible (initials, a mark on another copy, an order that is not known).';
COMMENT ON COLUMN news.story_article.agency_evidence IS 'What says so, in words.';
COMMENT ON COLUMN news.story_article.agency_material IS
    'News agencies whose material it says it has used in a text of its own; empty when it names none.';
COMMENT ON COLUMN news.story_article.is_wire_copy IS 'It is an agency''s text, published by another.';
