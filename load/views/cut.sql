-- Which blocks did cleaning remove, and by which rule?
CREATE OR REPLACE VIEW news.cut AS
SELECT
    placed.article_id,
    cut.revision_id,
    revision.id = article.revision_id AS is_current,
    cut.position,
    cut.kind,
    cut.rule,
    cut.text,
    source.name AS source,
    revision.language,
    revision.url,
    revision.fetched_at,
    cut.zone
FROM storyfold.cut
JOIN storyfold.revision ON revision.id = cut.revision_id
JOIN storyfold.article_revision AS placed ON placed.revision_id = revision.id
JOIN storyfold.article ON article.id = placed.article_id
JOIN storyfold.source ON source.id = article.source_id;

COMMENT ON VIEW news.cut IS
    'One row a block of a page that is not part of the stored text, as it stood on the page. Together with the text '
    'it is all that was extracted: nothing is lost.';
COMMENT ON COLUMN news.cut.article_id IS 'The article it was removed from (news.article.id).';
COMMENT ON COLUMN news.cut.revision_id IS 'The revision it was removed from (news.revision.id).';
COMMENT ON COLUMN news.cut.is_current IS 'That revision is what the article says now.';
COMMENT ON COLUMN news.cut.position IS 'Place among the blocks of the page, from 0.';
COMMENT ON COLUMN news.cut.kind IS 'What sort of block: related, newsletter, advert, caption, copyright and others.';
COMMENT ON COLUMN news.cut.rule IS 'The rule that removed it: pack, kind and name.';
COMMENT ON COLUMN news.cut.text IS 'The removed block.';
COMMENT ON COLUMN news.cut.source IS 'Source of the article.';
COMMENT ON COLUMN news.cut.language IS 'Language of the article, ISO 639-1; null when it is not known.';
COMMENT ON COLUMN news.cut.url IS 'URL of the article.';
COMMENT ON COLUMN news.cut.fetched_at IS 'When the page was fetched.';
COMMENT ON COLUMN news.cut.zone IS 'Where it stood when it fell: top before the first paragraph, tail with three or fewer to follow, head up to the second, else body; of several the first. Null where it was not kept yet.';
