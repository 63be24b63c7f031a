-- By what was each page read, what came of it, and which pages are to be read again?
CREATE OR REPLACE VIEW news.page AS
SELECT
    page.id,
    page.entry_id,
    entry.url,
    entry.host,
    entry.domain,
    source.name AS source,
    page.fetched_at,
    page.final_url,
    page.status,
    entry.outcome,
    entry.reason,
    entry.detail,
    entry.article_id,
    member.story_id,
    revision.page_id = page.id AS is_shown,
    revision.title,
    revision.text,
    revision.words,
    revision.language,
    revision.published_at,
    revision.extractor,
    revision.agreement,
    revision.flags,
    page.read_at,
    encode(page.read_spec, 'hex') AS read_by,
    encode(substring(page.read_spec FOR 8), 'hex')
    = (SELECT state.value FROM storyfold.store_state AS state WHERE state.name = 'reading_spec') AS is_current,
    spec.version AS reading_version,
    spec.profile,
    spec.packages,
    encode(spec.rules, 'hex') AS rules,
    spec.rules_since,
    spec.first_used_at AS spec_since,
    coalesce(page.memory_version, revision.memory_version) AS memory_version,
    source.memory_version AS source_memory_version,
    page.body_bytes
FROM storyfold.page
JOIN storyfold.entry ON entry.id = page.entry_id
JOIN storyfold.source ON source.id = page.source_id
LEFT JOIN storyfold.reading_spec AS spec ON spec.digest = substring(page.read_spec FOR 8)
LEFT JOIN storyfold.article ON article.id = entry.article_id
LEFT JOIN storyfold.revision ON revision.id = article.revision_id
LEFT JOIN storyfold.story_member AS member ON member.article_id = entry.article_id;

COMMENT ON VIEW news.page IS
    'One row a page, that is, the bytes of one fetch. What it says of article, text and story is what holds now of the '
    'article that its URL led to. A predicate on its columns chooses what ''storyfold reopen'' reads again.';
COMMENT ON COLUMN news.page.id IS 'Id of the page.';
COMMENT ON COLUMN news.page.entry_id IS 'Its entry: what ''storyfold why entry:ID'' takes.';
COMMENT ON COLUMN news.page.url IS 'URL as announced.';
COMMENT ON COLUMN news.page.host IS 'Host of that URL.';
COMMENT ON COLUMN news.page.domain IS 'Its registrable domain.';
COMMENT ON COLUMN news.page.source IS 'Name of its source.';
COMMENT ON COLUMN news.page.fetched_at IS 'When the web answered.';
COMMENT ON COLUMN news.page.final_url IS 'URL after redirects.';
COMMENT ON COLUMN news.page.status IS 'HTTP status.';
COMMENT ON COLUMN news.page.outcome IS
    'Outcome of its entry: pending, loaded, unchanged, revised, rejected, quarantined.';
COMMENT ON COLUMN news.page.reason IS 'Why it is no article, or the stage that gave it up; null for an article.';
COMMENT ON COLUMN news.page.detail IS 'The reason in words, or the error; null when there is none.';
COMMENT ON COLUMN news.page.article_id IS 'The article that its URL led to (news.article.id); null without one.';
COMMENT ON COLUMN news.page.story_id IS 'The story of that article (news.story.id); null without one.';
COMMENT ON COLUMN news.page.is_shown IS
    'It is the page that the article is shown by, and not one before it; null without an article.';
COMMENT ON COLUMN news.page.title IS 'Title of the article; null without one.';
COMMENT ON COLUMN news.page.text IS 'Text of the article, cleaned; null without one.';
COMMENT ON COLUMN news.page.words IS 'Words of that text; null without one.';
COMMENT ON COLUMN news.page.language IS 'Language of the article, ISO 639-1; null when it is not known.';
COMMENT ON COLUMN news.page.published_at IS 'When the article came out; null when no date is trusted.';
COMMENT ON COLUMN news.page.extractor IS
    'Who found the text: trafilatura, readability, newspaper4k, lines; null without an article.';
COMMENT ON COLUMN news.page.agreement IS 'How well the extractors agree on it, as in news.article.';
COMMENT ON COLUMN news.page.flags IS 'Flags of the article, as in news.article; null without one.';
COMMENT ON COLUMN news.page.read_at IS 'When what is stored of it was read; null while it waits.';
COMMENT ON COLUMN news.page.read_by IS
    'Digest of all that it was read by, the memory of its source included; null before the first time.';
COMMENT ON COLUMN news.page.is_current IS
    'It was read by today''s extractors and rules, those of the last pass that read anything or chose what to '
    'read again. What a source repeats is not counted: upkeep reads again what that concerns.';
COMMENT ON COLUMN news.page.reading_version IS
    'Version of storyfold''s own reading; null before it was kept, and so are profile, packages and rules.';
COMMENT ON COLUMN news.page.profile IS 'Profile that it was read in: thorough or quick.';
COMMENT ON COLUMN news.page.packages IS 'Versions of the extractors, as a JSON object: package → version.';
COMMENT ON COLUMN news.page.rules IS 'Digest of the rules that cut.';
COMMENT ON COLUMN news.page.rules_since IS 'When a page was first read by these rules.';
COMMENT ON COLUMN news.page.spec_since IS 'When a page was first read by exactly these extractors and rules.';
COMMENT ON COLUMN news.page.memory_version IS 'Version of the source''s memory that it was read by.';
COMMENT ON COLUMN news.page.source_memory_version IS 'Version of the source''s memory now.';
COMMENT ON COLUMN news.page.body_bytes IS 'Size of the page.';
