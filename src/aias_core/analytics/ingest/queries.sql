-- name: create_staging
CREATE TEMP TABLE IF NOT EXISTS staged_facts ON COMMIT DELETE ROWS AS
SELECT 0 AS ordinal, 0::bigint AS digest, event_id, occurred_at, org_id, project_id, api_key_id, actor_id, model_id,
    model_revision, model_requested, operation, status, http_status, error_code, duration_ms, ttft_ms, backend_ms,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, currency, price_id,
    cost_pico, streamed, attempts, route, region, backend_id, client, end_user_hash, trace_id, lease_id, source,
    source_seq, labels, latency_bucket, ttft_bucket, received_at, batch_id, late
FROM aias.usage_facts WITH NO DATA

-- name: insert_fresh_facts
-- The first copy of an event wins; only events with a new receipt become facts and make their hour dirty.
WITH firsts AS (
    SELECT DISTINCT ON (event_id, org_id) * FROM staged_facts ORDER BY event_id, org_id, ordinal
), fresh AS (
    INSERT INTO aias.event_receipts (event_id, org_id, digest, received_at, batch_id)
    SELECT event_id, org_id, digest, received_at, batch_id FROM firsts
    ON CONFLICT DO NOTHING
    RETURNING event_id, org_id
), facts AS (
    INSERT INTO aias.usage_facts
    SELECT f.event_id, f.occurred_at, f.org_id, f.project_id, f.api_key_id, f.actor_id, f.model_id, f.model_revision,
        f.model_requested, f.operation, f.status, f.http_status, f.error_code, f.duration_ms, f.ttft_ms, f.backend_ms,
        f.input_tokens, f.cached_input_tokens, f.output_tokens, f.reasoning_tokens, f.token_source, f.billable,
        f.currency, f.price_id, f.cost_pico, f.streamed, f.attempts, f.route, f.region, f.backend_id, f.client,
        f.end_user_hash, f.trace_id, f.lease_id, f.source, f.source_seq, f.labels, f.latency_bucket, f.ttft_bucket,
        f.received_at, f.batch_id, f.late
    FROM firsts f JOIN fresh USING (event_id, org_id)
    RETURNING org_id, occurred_at, batch_id, late
), dirty AS (
    INSERT INTO aias.dirty_hours (bucket_start, org_id, cause)
    SELECT DISTINCT date_trunc('hour', occurred_at, 'UTC'), org_id, batch_id FROM facts
)
SELECT count(*), count(*) FILTER (WHERE late) FROM facts

-- name: list_conflicts
-- A copy that differs from the stored one is kept as a dead letter, never dropped in silence.
SELECT s.ordinal FROM staged_facts s JOIN aias.event_receipts r USING (event_id, org_id) WHERE r.digest <> s.digest

-- name: insert_dead_letter
INSERT INTO aias.dead_letters (letter_id, reason, field, detail, payload, source, received_at, batch_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)

-- name: insert_batch
INSERT INTO aias.ingest_batches (batch_id, source, committed_at, accepted, duplicate, late, rejected)
VALUES (%(batch_id)s, %(source)s, now(), %(accepted)s, %(duplicate)s, %(late)s, %(rejected)s)

-- name: ensure_partitions
SELECT aias.ensure_month_partitions(%s, %s)
