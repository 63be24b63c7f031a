-- What did people say of articles, whatever was measured?
CREATE OR REPLACE VIEW news.judgement AS
SELECT
    judgement.id,
    judgement.kind,
    judgement.articles AS article_ids,
    judgement.others AS other_article_ids,
    judgement.reason,
    judgement.judged_at,
    judgement.judged_by,
    judgement.undone_at IS NULL AS counts,
    judgement.undone_at,
    judgement.undone_by
FROM storyfold.judgement;

COMMENT ON VIEW news.judgement IS
    'One row a judgement: a person''s word on articles. It outranks what is measured, also for copies that come later; '
    'of two that contradict each other, the later one counts.';
COMMENT ON COLUMN news.judgement.id IS 'Id of the judgement: a later one has a higher one.';
COMMENT ON COLUMN news.judgement.kind IS
    'same (they belong to one story), different (the articles belong to other stories than the others) or pin (the '
    'article stands for its story).';
COMMENT ON COLUMN news.judgement.article_ids IS 'Whom it is about (news.article.id).';
COMMENT ON COLUMN news.judgement.other_article_ids IS
    'Each of the articles is the same as, or different from, each of these; empty for a pin.';
COMMENT ON COLUMN news.judgement.reason IS 'Why, in the words of who gave it; null when none was given.';
COMMENT ON COLUMN news.judgement.judged_at IS 'When it was given.';
COMMENT ON COLUMN news.judgement.judged_by IS 'Who gave it.';
COMMENT ON COLUMN news.judgement.counts IS 'It was not taken back; a later one may outrank it.';
COMMENT ON COLUMN news.judgement.undone_at IS 'When it was taken back; null while it counts.';
COMMENT ON COLUMN news.judgement.undone_by IS 'Who took it back; null while it counts.';
