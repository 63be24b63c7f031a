-- What became of everything that was announced, and does it add up?
CREATE OR REPLACE VIEW news.outcome_ledger AS
WITH by_source AS (
    SELECT entry.source_id, entry.outcome, entry.reason, count(*) AS entries
    FROM storyfold.entry
    GROUP BY entry.source_id, entry.outcome, entry.reason
),

tally AS (
    SELECT by_source.source_id, by_source.outcome, by_source.reason, by_source.entries
    FROM by_source
    UNION ALL
    SELECT NULL, by_source.outcome, by_source.reason, sum(by_source.entries)
    FROM by_source
    GROUP BY by_source.outcome, by_source.reason
),

line AS (
    SELECT source.id AS source_id, source.name AS source
    FROM storyfold.source
    UNION ALL
    SELECT NULL, NULL
),

ledger AS (
    SELECT
        line.source,
        coalesce(sum(tally.entries), 0)::bigint AS discovered,
        coalesce(sum(tally.entries) FILTER (WHERE tally.outcome = 'pending'), 0)::bigint AS pending,
        coalesce(sum(tally.entries) FILTER (WHERE tally.outcome = 'loaded'), 0)::bigint AS loaded,
        coalesce(sum(tally.entries) FILTER (WHERE tally.outcome = 'unchanged'), 0)::bigint AS unchanged,
        coalesce(sum(tally.entries) FILTER (WHERE tally.outcome = 'revised'), 0)::bigint AS revised,
        coalesce(sum(tally.entries) FILTER (WHERE tally.outcome = 'rejected'), 0)::bigint AS rejected,
        coalesce(sum(tally.entries) FILTER (WHERE tally.outcome = 'quarantined'), 0)::bigint AS quarantined,
        coalesce(
            jsonb_object_agg(coalesce(tally.reason, 'none'), tally.entries) FILTER (WHERE tally.outcome = 'rejected'),
            '{}'
        ) AS rejected_reasons
    FROM line
    LEFT JOIN tally ON tally.source_id IS NOT DISTINCT FROM line.source_id
    GROUP BY line.source_id, line.source
)

SELECT
    source,
    discovered,
    pending,
    loaded,
    unchanged,
    revised,
    rejected,
    quarantined,
    discovered = pending + loaded + unchanged + revised + rejected + quarantined AS adds_up,
    rejected_reasons
FROM ledger;

COMMENT ON VIEW news.outcome_ledger IS
    'One row a source, and one for all of them (source is null). Every announced URL ends in exactly one outcome: '
    'discovered = pending + loaded + unchanged + revised + rejected + quarantined.';
COMMENT ON COLUMN news.outcome_ledger.source IS 'Name of the source; null in the row for all of them.';
COMMENT ON COLUMN news.outcome_ledger.discovered IS 'URLs announced, each counted once.';
COMMENT ON COLUMN news.outcome_ledger.pending IS 'Of these: not fetched and read yet.';
COMMENT ON COLUMN news.outcome_ledger.loaded IS 'Of these: an article of the store.';
COMMENT ON COLUMN news.outcome_ledger.unchanged IS
    'Of these: looked at again without a new text, or another address of an article we have.';
COMMENT ON COLUMN news.outcome_ledger.revised IS 'Of these: an article whose text was changed since.';
COMMENT ON COLUMN news.outcome_ledger.rejected IS 'Of these: no article, for one of the rejected_reasons.';
COMMENT ON COLUMN news.outcome_ledger.quarantined IS 'Of these: given up after repeated errors.';
COMMENT ON COLUMN news.outcome_ledger.adds_up IS 'The outcomes add up to what was discovered. Never false.';
COMMENT ON COLUMN news.outcome_ledger.rejected_reasons IS 'Number of rejected URLs by reason, as a JSON object.';
