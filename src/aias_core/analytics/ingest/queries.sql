-- name: create_staging
CREATE TEMP TABLE IF NOT EXISTS staged ON COMMIT DELETE ROWS AS
SELECT
    event_id, org_id, project_id, api_key_id, model_id, operation, region, currency, price_id, kind, occurred_at,
    actor_id, model_revision, model_requested, status, http_status, error_code, duration_ms, ttft_ms, backend_ms,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, cost_pico, streamed,
    attempts, route, backend_id, client, end_user_hash, trace_id, lease_id, source, source_seq, labels,
    ref_event_id, reason, latency_bucket, ttft_bucket,
    0::bigint AS digest, 0 AS ordinal, series_id
FROM aias.usage_facts WITH NO DATA

-- name: copy_staging
COPY staged FROM STDIN (FORMAT csv, QUOTE '"', ESCAPE '\', NULL 'null')

-- name: empty_staging
TRUNCATE staged

-- name: drop_erased
-- What was erased does not come back: later or replayed events of an erased organization or user are only counted. A
-- router knows a person by their keys only. Their numbers are kept, so that they are no gaps.
WITH erased AS (
    DELETE FROM staged
    WHERE org_id IN (SELECT subject_id FROM aias.erased_subjects WHERE subject_kind = 'organization')
        OR actor_id IN (SELECT subject_id FROM aias.erased_subjects WHERE subject_kind = 'user')
        OR api_key_id IN (SELECT subject_id FROM aias.erased_subjects WHERE subject_kind = 'api_key')
    RETURNING source, source_seq, occurred_at
), noted AS (
    INSERT INTO aias.removed_events (source, source_seq, occurred_at)
    SELECT source, source_seq, occurred_at FROM erased WHERE source_seq IS NOT NULL ON CONFLICT DO NOTHING
)
SELECT count(*) FROM erased

-- name: insert_receipts
INSERT INTO aias.event_receipts (event_id, org_id, digest, received_at, batch_id)
SELECT event_id, org_id, digest, %(received_at)s, %(batch_id)s FROM staged

-- name: unless_known
ON CONFLICT DO NOTHING

-- name: list_conflicts
-- A copy that differs from the stored one is kept as a dead letter, never dropped in silence.
SELECT s.ordinal FROM staged s JOIN aias.event_receipts r USING (event_id, org_id) WHERE r.digest <> s.digest ORDER BY 1

-- name: drop_known
-- The first copy of an event wins; only events whose receipt this batch wrote go on.
DELETE FROM staged s
WHERE NOT EXISTS (
        SELECT FROM aias.event_receipts r WHERE r.event_id = s.event_id AND r.org_id = s.org_id
            AND r.batch_id = %(batch_id)s AND r.digest = s.digest)
    OR EXISTS (
        SELECT FROM staged e WHERE e.event_id = s.event_id AND e.org_id = s.org_id AND e.ordinal < s.ordinal)

-- name: insert_facts
INSERT INTO aias.usage_facts (
    event_id, org_id, project_id, api_key_id, model_id, operation, region, currency, price_id, kind, occurred_at,
    actor_id, model_revision, model_requested, status, http_status, error_code, duration_ms, ttft_ms, backend_ms,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, cost_pico, streamed,
    attempts, route, backend_id, client, end_user_hash, trace_id, lease_id, source, source_seq, labels,
    ref_event_id, reason, latency_bucket, ttft_bucket,
    series_id, received_at, batch_id, late, cost_check)
SELECT
    s.event_id, s.org_id, s.project_id, s.api_key_id, s.model_id, s.operation, s.region, s.currency, s.price_id,
    s.kind, s.occurred_at, s.actor_id, s.model_revision, s.model_requested, s.status, s.http_status, s.error_code,
    s.duration_ms, s.ttft_ms, s.backend_ms, s.input_tokens, s.cached_input_tokens, s.output_tokens,
    s.reasoning_tokens, s.token_source, s.billable, s.cost_pico, s.streamed, s.attempts, s.route, s.backend_id,
    s.client, s.end_user_hash, s.trace_id, s.lease_id, s.source, s.source_seq, s.labels, s.ref_event_id, s.reason,
    s.latency_bucket, s.ttft_bucket,
    s.series_id, %(received_at)s, %(batch_id)s, %(received_at)s - s.occurred_at > %(late_after)s,
    CASE WHEN NOT s.billable THEN 'ok' WHEN p.price_id IS NULL THEN 'pending'
        WHEN s.cost_pico = (s.input_tokens - s.cached_input_tokens) * p.input_pico
            + s.cached_input_tokens * p.cached_input_pico + s.output_tokens * p.output_pico + p.request_pico
        THEN 'ok' ELSE 'mismatch' END
FROM staged s LEFT JOIN aias.dim_prices p ON p.price_id = s.price_id

-- name: insert_dirty_hours
WITH touched AS (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS bucket_start, org_id,
        count(*) FILTER (WHERE %(received_at)s - occurred_at > %(late_after)s) AS late
    FROM staged GROUP BY 1, 2
), dirty AS (
    INSERT INTO aias.dirty_hours (bucket_start, org_id, cause) SELECT bucket_start, org_id, %(batch_id)s FROM touched
)
SELECT coalesce(sum(late), 0)::int FROM touched

-- name: insert_dead_letter
-- The same line refused again, as after a crash before the acknowledgement, stays one letter.
INSERT INTO aias.dead_letters (letter_id, reason, field, detail, payload, source, received_at, batch_id)
VALUES (%(letter_id)s, %(reason)s, %(field)s, %(detail)s, %(payload)s, %(source)s, %(received_at)s, %(batch_id)s)
ON CONFLICT (sha256(payload), reason) WHERE state = 'open' DO UPDATE
SET source = excluded.source, received_at = excluded.received_at, batch_id = excluded.batch_id

-- name: insert_batch
INSERT INTO aias.ingest_batches
    (batch_id, source, stream_seq_first, stream_seq_last, started_at, committed_at, accepted, duplicate, late, rejected)
VALUES (%(batch_id)s, %(source)s, %(first)s, %(last)s, %(received_at)s, clock_timestamp(), %(accepted)s, %(duplicate)s,
    %(late)s, %(rejected)s)

-- name: insert_series
-- A combination names its organization and key, so one of somebody who was erased is not made again.
INSERT INTO aias.usage_series (org_id, project_id, api_key_id, model_id, operation, region, currency, price_id)
SELECT * FROM unnest(%(org_id)s::uuid[], %(project_id)s::uuid[], %(api_key_id)s::uuid[], %(model_id)s::uuid[],
        %(operation)s::text[], %(region)s::text[], %(currency)s::text[], %(price_id)s::uuid[])
    AS w (org_id, project_id, api_key_id, model_id, operation, region, currency, price_id)
WHERE NOT EXISTS (
    SELECT FROM aias.erased_subjects
    WHERE (subject_kind, subject_id) IN (('organization', w.org_id), ('api_key', w.api_key_id)))
ON CONFLICT DO NOTHING
RETURNING series_id, org_id, project_id, api_key_id, model_id, operation, region, currency, price_id

-- name: list_series
-- A statement of its own, so that it sees what another worker committed while the insertion waited for it. Equality
-- with a stand-in for null can be hashed; IS NOT DISTINCT FROM can not.
SELECT s.series_id, s.org_id, s.project_id, s.api_key_id, s.model_id, s.operation, s.region, s.currency, s.price_id
FROM unnest(%(org_id)s::uuid[], %(project_id)s::uuid[], %(api_key_id)s::uuid[], %(model_id)s::uuid[],
        %(operation)s::text[], %(region)s::text[], %(currency)s::text[], %(price_id)s::uuid[])
    AS w (org_id, project_id, api_key_id, model_id, operation, region, currency, price_id)
JOIN aias.usage_series s ON s.org_id = w.org_id
    AND coalesce(s.project_id::text, '') = coalesce(w.project_id::text, '')
    AND coalesce(s.api_key_id::text, '') = coalesce(w.api_key_id::text, '')
    AND coalesce(s.model_id::text, '') = coalesce(w.model_id::text, '')
    AND coalesce(s.price_id::text, '') = coalesce(w.price_id::text, '')
    AND s.operation = w.operation AND s.region = w.region AND s.currency = w.currency

-- name: ensure_partitions
SELECT aias.ensure_month_partitions(%s, %s)

-- name: find_checkpoint
SELECT coalesce(max(stream_seq_last), 0) FROM aias.ingest_batches WHERE source = %s

-- name: list_refused
SELECT payload, reason, field, detail FROM aias.dead_letters WHERE source = %s AND received_at = %s

-- name: list_letters
SELECT letter_id, reason, field, detail, source, received_at, state FROM aias.dead_letters
WHERE state = %(state)s AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
ORDER BY received_at, letter_id LIMIT %(limit)s

-- name: count_letters
SELECT count(*) FROM aias.dead_letters
WHERE state = %(state)s AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)

-- name: show_letter
SELECT letter_id, reason, field, detail, source, received_at, batch_id, state, dropped_by, drop_reason, closed_at,
    payload
FROM aias.dead_letters WHERE letter_id = %s

-- name: lock_letter
-- One that another replay is at work on is passed over.
SELECT payload, received_at FROM aias.dead_letters WHERE letter_id = %s AND state = 'open' FOR UPDATE SKIP LOCKED

-- name: close_letter
UPDATE aias.dead_letters
SET state = %(state)s, closed_at = clock_timestamp(), dropped_by = %(dropped_by)s, drop_reason = %(drop_reason)s
WHERE letter_id = %(letter_id)s AND state = 'open'
