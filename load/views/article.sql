-- What does each article say now, where is it from, and which story does it belong to?
CREATE OR REPLACE VIEW news.article AS
SELECT
    article.id,
    member.story_id,
    article.id = story.canonical_id AS is_canonical,
    member.container AS is_container,
    source.name AS source,
    article.url,
    revision.title,
    revision.authors,
    revision.summary,
    revision.text,
    revision.words,
    revision.language,
    revision.published_at,
    revision.date_precision,
    revision.date_found_in,
    revision.modified_at,
    article.first_fetched_at,
    revision.fetched_at,
    revision.flags,
    article.drifted AS has_drifted,
    revision.id AS revision_id,
    page.opt_outs,
    revision.extractor,
    revision.agreement,
    revision.section,
    revision.tags,
    revision.image,
    revision.agency,
    revision.translator,
    revision.utc_offset,
    CASE
        WHEN revision.agency IS NOT NULL
            THEN (SELECT copy.agency_certainty FROM news.story_article AS copy WHERE copy.article_id = article.id)
    END AS agency_certainty,
    CASE
        WHEN revision.agency IS NOT NULL
            THEN (SELECT copy.agency_evidence FROM news.story_article AS copy WHERE copy.article_id = article.id)
    END AS agency_evidence,
    revision.agency_material
FROM storyfold.article
JOIN storyfold.revision ON revision.id = article.revision_id
JOIN storyfold.page ON page.id = revision.page_id
JOIN storyfold.source ON source.id = article.source_id
LEFT JOIN storyfold.story_member AS member ON member.article_id = article.id
LEFT JOIN storyfold.story ON story.id = member.story_id;

COMMENT ON VIEW news.article IS
    'One row an article, that is, what one URL says now. Former texts are in news.revision, what was removed from the '
    'text in news.cut.';
COMMENT ON COLUMN news.article.id IS 'Id of the article.';
COMMENT ON COLUMN news.article.story_id IS 'The story it belongs to (news.story.id).';
COMMENT ON COLUMN news.article.is_canonical IS 'It stands for its story.';
COMMENT ON COLUMN news.article.is_container IS 'It holds two other texts side by side: a round-up, a live blog.';
COMMENT ON COLUMN news.article.source IS 'Name of its source, as in news.source_health.';
COMMENT ON COLUMN news.article.url IS 'The URL that the page calls its own.';
COMMENT ON COLUMN news.article.title IS 'Title.';
COMMENT ON COLUMN news.article.authors IS 'Names of the authors; empty when none are named.';
COMMENT ON COLUMN news.article.summary IS 'Standfirst; not part of the text; null when there is none.';
COMMENT ON COLUMN news.article.text IS 'Text, cleaned: paragraphs, a blank line between.';
COMMENT ON COLUMN news.article.words IS 'Words of the text; in scripts without spaces, characters.';
COMMENT ON COLUMN news.article.language IS 'Language, ISO 639-1; null when it is not known.';
COMMENT ON COLUMN news.article.published_at IS 'When it came out; null when no date on the page is trusted.';
COMMENT ON COLUMN news.article.date_precision IS 'How exact published_at is: second, minute or day.';
COMMENT ON COLUMN news.article.date_found_in IS
    'Where published_at was found: json-ld, meta, feed, sitemap, visible (in the page as it is shown) or url.';
COMMENT ON COLUMN news.article.modified_at IS 'When it was last changed, as the page says; null when it does not.';
COMMENT ON COLUMN news.article.first_fetched_at IS 'When it was fetched first.';
COMMENT ON COLUMN news.article.fetched_at IS 'When the page with this text was fetched.';
COMMENT ON COLUMN news.article.flags IS
    'Any of: teaser (only the beginning is on the page), paywalled (for subscribers, as the page says), live-blog, '
    'listing (mostly links), short (under 80 words), feed-text (the page was refused: what the feed carried).';
COMMENT ON COLUMN news.article.has_drifted IS 'Its text was changed so much that it no longer resembles its story.';
COMMENT ON COLUMN news.article.revision_id IS 'The revision that this text is (news.revision.id).';
COMMENT ON COLUMN news.article.opt_outs IS
    'Signals of its page that reserve it from text and data mining or from training; empty when there are none.';
COMMENT ON COLUMN news.article.extractor IS
    'Who found the text on the page: trafilatura, readability, newspaper4k; lines for a text file and what a feed '
    'carried.';
COMMENT ON COLUMN news.article.agreement IS
    'How alike the text is to what the extractor nearest to it found, 0 to 1; null when one alone was asked.';
COMMENT ON COLUMN news.article.section IS 'Section of the publication, as the page names it; null when it does not.';
COMMENT ON COLUMN news.article.tags IS 'Keywords that the page names, 20 at most; empty when it names none.';
COMMENT ON COLUMN news.article.image IS 'URL of the picture that stands for it; null when there is none.';
COMMENT ON COLUMN news.article.agency IS 'News agency whose text it says it is; null when it says no such thing.';
COMMENT ON COLUMN news.article.translator IS 'Who translated it, several apart by commas; null when nobody is named.';
COMMENT ON COLUMN news.article.utc_offset IS
    'Minutes east of UTC that the publisher wrote; null when it wrote none.';
COMMENT ON COLUMN news.article.agency_certainty IS
    'How sure it is that the text is that agency''s: certain, likely or possible, see news.story_article, which also '
    'knows agencies'' texts that do not say whose they are; null without an agency.';
COMMENT ON COLUMN news.article.agency_evidence IS 'What says so, in words; null without an agency.';
COMMENT ON COLUMN news.article.agency_material IS
    'News agencies whose material it says it has used in a text of its own; empty when it names none.';
