-- How did an article change after it was published?
CREATE OR REPLACE VIEW news.revision AS
SELECT
    revision.id,
    placed.article_id,
    placed.kind,
    revision.id = article.revision_id AS is_current,
    source.name AS source,
    revision.url,
    revision.title,
    revision.authors,
    revision.summary,
    revision.text,
    revision.words,
    revision.language,
    revision.published_at,
    revision.modified_at,
    revision.fetched_at,
    revision.flags,
    revision.extractor,
    revision.agreement,
    revision.section,
    revision.tags,
    revision.image,
    revision.agency,
    revision.translator,
    revision.utc_offset,
    revision.agency_certainty,
    revision.agency_evidence,
    revision.agency_material
FROM storyfold.revision
JOIN storyfold.article_revision AS placed ON placed.revision_id = revision.id
JOIN storyfold.article ON article.id = placed.article_id
JOIN storyfold.source ON source.id = article.source_id;

COMMENT ON VIEW news.revision IS
    'One row a text that an article had. Rows are added and never changed; a page that said nothing new leaves none.';
COMMENT ON COLUMN news.revision.id IS 'Id of the revision.';
COMMENT ON COLUMN news.revision.article_id IS 'The article (news.article.id).';
COMMENT ON COLUMN news.revision.kind IS
    'What it was to the text before: first, minor (words mended), correction (nearly the same words, other figures or '
    'names), update, stale (older or emptied: kept on record, never shown), reread (the same page read by newer rules: '
    'no change by the publisher).';
COMMENT ON COLUMN news.revision.is_current IS 'It is what the article says now.';
COMMENT ON COLUMN news.revision.source IS 'Source of the article.';
COMMENT ON COLUMN news.revision.url IS 'The URL that the page called its own.';
COMMENT ON COLUMN news.revision.title IS 'Title.';
COMMENT ON COLUMN news.revision.authors IS 'Names of the authors; empty when none are named.';
COMMENT ON COLUMN news.revision.summary IS 'Standfirst; null when there is none.';
COMMENT ON COLUMN news.revision.text IS 'Text, cleaned: paragraphs, a blank line between.';
COMMENT ON COLUMN news.revision.words IS 'Words of the text; in scripts without spaces, characters.';
COMMENT ON COLUMN news.revision.language IS 'Language, ISO 639-1; null when it is not known.';
COMMENT ON COLUMN news.revision.published_at IS 'Publication time as this page said it; null when no date is trusted.';
COMMENT ON COLUMN news.revision.modified_at IS 'Time of the last change as this page said it; null when it did not.';
COMMENT ON COLUMN news.revision.fetched_at IS 'When the page was fetched.';
COMMENT ON COLUMN news.revision.flags IS 'Any of: teaser, paywalled, live-blog, listing, short, feed-text.';
COMMENT ON COLUMN news.revision.extractor IS 'Who found the text: trafilatura, readability, newspaper4k, lines.';
COMMENT ON COLUMN news.revision.agreement IS
    'How alike the text is to what the extractor nearest to it found, 0 to 1; null when one alone was asked.';
COMMENT ON COLUMN news.revision.section IS 'Section of the publication, as the page names it; null when it does not.';
COMMENT ON COLUMN news.revision.tags IS 'Keywords that the page names, 20 at most; empty when it names none.';
COMMENT ON COLUMN news.revision.image IS 'URL of the picture that stands for it; null when there is none.';
COMMENT ON COLUMN news.revision.agency IS 'News agency whose text it says it is; null when it says no such thing.';
COMMENT ON COLUMN news.revision.translator IS 'Who translated it, several apart by commas; null when nobody is named.';
COMMENT ON COLUMN news.revision.utc_offset IS
    'Minutes east of UTC that the publisher wrote; null when it wrote none.';
COMMENT ON COLUMN news.revision.agency_certainty IS
    'How sure that is by this text alone: likely, or possible; null without an agency.';
COMMENT ON COLUMN news.revision.agency_evidence IS
    'What says so, in words; null without an agency, and where it was not kept yet.';
COMMENT ON COLUMN news.revision.agency_material IS
    'News agencies whose material it says it has used in a text of its own; empty when it names none.';
