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

-- name: find_dirty_hour
-- Newest first, passing over buckets that another worker holds; the lock lasts as long as the transaction.
SELECT bucket_start, org_id FROM (
    SELECT DISTINCT bucket_start, org_id FROM aias.dirty_hours ORDER BY bucket_start DESC, org_id OFFSET 0
) queue
WHERE pg_try_advisory_xact_lock(hashtextextended(org_id::text || bucket_start::text, 1))
LIMIT 1

-- name: take_dirty_hour
DELETE FROM aias.dirty_hours WHERE bucket_start = %(bucket_start)s AND org_id = %(org_id)s

-- name: delete_hour
DELETE FROM aias.usage_hours WHERE bucket_start = %(bucket_start)s AND org_id = %(org_id)s

-- name: insert_hour
-- Counters and both histograms of a bucket in one pass over its facts: the first grouping set feeds the latency
-- histogram and the counters, the second the histogram of the time to first token.
WITH parts AS (
    SELECT project_id, model_id, operation, region, currency, price_id,
        GROUPING(ttft_bucket) = 1 AS is_latency,
        latency_bucket, ttft_bucket,
        count(*) AS n,
        count(*) FILTER (WHERE status = 'success') AS successes,
        count(*) FILTER (WHERE status = 'error') AS errors,
        count(*) FILTER (WHERE status = 'timeout') AS timeouts,
        count(*) FILTER (WHERE status = 'throttled') AS throttled,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE status = 'rejected') AS rejected,
        sum(input_tokens) AS input_tokens,
        sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens,
        sum(reasoning_tokens) AS reasoning_tokens,
        count(*) FILTER (WHERE billable) AS billed_requests,
        coalesce(sum(input_tokens - cached_input_tokens) FILTER (WHERE billable), 0) AS billed_input_tokens,
        coalesce(sum(cached_input_tokens) FILTER (WHERE billable), 0) AS billed_cached_input_tokens,
        coalesce(sum(output_tokens) FILTER (WHERE billable), 0) AS billed_output_tokens,
        sum(cost_pico) AS cost_pico,
        sum(duration_ms) FILTER (WHERE status = 'success') AS latency_sum_ms,
        min(duration_ms) FILTER (WHERE status = 'success') AS latency_min,
        max(duration_ms) FILTER (WHERE status = 'success') AS latency_max,
        sum(ttft_ms) FILTER (WHERE status = 'success') AS ttft_sum_ms,
        min(ttft_ms) FILTER (WHERE status = 'success') AS ttft_min,
        max(ttft_ms) FILTER (WHERE status = 'success') AS ttft_max,
        max(received_at) AS source_max_received_at
    FROM aias.usage_facts
    WHERE org_id = %(org_id)s AND occurred_at >= %(bucket_start)s AND occurred_at < %(bucket_start)s + interval '1 hour'
    GROUP BY project_id, model_id, operation, region, currency, price_id,
        GROUPING SETS ((latency_bucket), (ttft_bucket))
)
INSERT INTO aias.usage_hours (bucket_start, org_id, project_id, model_id, operation, region, currency, price_id,
    requests, successes, errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens,
    billed_output_tokens, cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id, latency_sum_ms, latency_min,
    latency_max, ttft_sum_ms, ttft_min, ttft_max, source_max_received_at)
SELECT %(bucket_start)s, %(org_id)s, project_id, model_id, operation, region, currency, price_id,
    sum(n) FILTER (WHERE is_latency),
    sum(successes) FILTER (WHERE is_latency),
    sum(errors) FILTER (WHERE is_latency),
    sum(timeouts) FILTER (WHERE is_latency),
    sum(throttled) FILTER (WHERE is_latency),
    sum(cancelled) FILTER (WHERE is_latency),
    sum(rejected) FILTER (WHERE is_latency),
    sum(input_tokens) FILTER (WHERE is_latency),
    sum(cached_input_tokens) FILTER (WHERE is_latency),
    sum(output_tokens) FILTER (WHERE is_latency),
    sum(reasoning_tokens) FILTER (WHERE is_latency),
    sum(billed_requests) FILTER (WHERE is_latency),
    sum(billed_input_tokens) FILTER (WHERE is_latency),
    sum(billed_cached_input_tokens) FILTER (WHERE is_latency),
    sum(billed_output_tokens) FILTER (WHERE is_latency),
    sum(cost_pico) FILTER (WHERE is_latency),
    coalesce(array_agg(latency_bucket ORDER BY latency_bucket) FILTER (WHERE is_latency AND successes > 0), '{}'),
    coalesce(array_agg(successes ORDER BY latency_bucket) FILTER (WHERE is_latency AND successes > 0), '{}'),
    coalesce(array_agg(ttft_bucket ORDER BY ttft_bucket)
        FILTER (WHERE NOT is_latency AND ttft_bucket IS NOT NULL AND successes > 0), '{}'),
    coalesce(array_agg(successes ORDER BY ttft_bucket)
        FILTER (WHERE NOT is_latency AND ttft_bucket IS NOT NULL AND successes > 0), '{}'),
    %(run_id)s,
    sum(latency_sum_ms) FILTER (WHERE is_latency),
    min(latency_min) FILTER (WHERE is_latency),
    max(latency_max) FILTER (WHERE is_latency),
    sum(ttft_sum_ms) FILTER (WHERE is_latency),
    min(ttft_min) FILTER (WHERE is_latency),
    max(ttft_max) FILTER (WHERE is_latency),
    max(source_max_received_at) FILTER (WHERE is_latency)
FROM parts
GROUP BY project_id, model_id, operation, region, currency, price_id

-- name: enqueue_day
INSERT INTO aias.dirty_days (bucket_start, org_id, cause)
VALUES (date_trunc('day', %(bucket_start)s::timestamptz, 'UTC'), %(org_id)s, %(run_id)s)

-- name: find_dirty_day
SELECT bucket_start, org_id FROM (
    SELECT DISTINCT bucket_start, org_id FROM aias.dirty_days ORDER BY bucket_start DESC, org_id OFFSET 0
) queue
WHERE pg_try_advisory_xact_lock(hashtextextended(org_id::text || bucket_start::text, 2))
LIMIT 1

-- name: take_dirty_day
DELETE FROM aias.dirty_days WHERE bucket_start = %(bucket_start)s AND org_id = %(org_id)s

-- name: delete_day
DELETE FROM aias.usage_days WHERE bucket_start = %(bucket_start)s AND org_id = %(org_id)s

-- name: insert_day
-- A day is the merge of its hours: counters are added, histograms are added bucket by bucket.
WITH hours AS (
    SELECT * FROM aias.usage_hours
    WHERE org_id = %(org_id)s AND bucket_start >= %(bucket_start)s AND bucket_start < %(bucket_start)s + interval '1 day'
), counts AS (
    SELECT project_id, model_id, operation, region, currency, price_id, 'latency' AS kind, u.idx, sum(u.n) AS n
    FROM hours, unnest(latency_idx, latency_n) AS u (idx, n) GROUP BY 1, 2, 3, 4, 5, 6, u.idx
    UNION ALL
    SELECT project_id, model_id, operation, region, currency, price_id, 'ttft', u.idx, sum(u.n)
    FROM hours, unnest(ttft_idx, ttft_n) AS u (idx, n) GROUP BY 1, 2, 3, 4, 5, 6, u.idx
), histograms AS (
    SELECT project_id, model_id, operation, region, currency, price_id,
        array_agg(idx ORDER BY idx) FILTER (WHERE kind = 'latency') AS latency_idx,
        array_agg(n::bigint ORDER BY idx) FILTER (WHERE kind = 'latency') AS latency_n,
        array_agg(idx ORDER BY idx) FILTER (WHERE kind = 'ttft') AS ttft_idx,
        array_agg(n::bigint ORDER BY idx) FILTER (WHERE kind = 'ttft') AS ttft_n
    FROM counts GROUP BY 1, 2, 3, 4, 5, 6
), sums AS (
    SELECT project_id, model_id, operation, region, currency, price_id,
        sum(requests) AS requests, sum(successes) AS successes, sum(errors) AS errors, sum(timeouts) AS timeouts,
        sum(throttled) AS throttled, sum(cancelled) AS cancelled, sum(rejected) AS rejected,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens,
        sum(billed_requests) AS billed_requests, sum(billed_input_tokens) AS billed_input_tokens,
        sum(billed_cached_input_tokens) AS billed_cached_input_tokens,
        sum(billed_output_tokens) AS billed_output_tokens, sum(cost_pico) AS cost_pico,
        sum(latency_sum_ms) AS latency_sum_ms, min(latency_min) AS latency_min, max(latency_max) AS latency_max,
        sum(ttft_sum_ms) AS ttft_sum_ms, min(ttft_min) AS ttft_min, max(ttft_max) AS ttft_max,
        max(source_max_received_at) AS source_max_received_at
    FROM hours GROUP BY 1, 2, 3, 4, 5, 6
)
INSERT INTO aias.usage_days (bucket_start, org_id, project_id, model_id, operation, region, currency, price_id,
    requests, successes, errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens,
    billed_output_tokens, cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id, latency_sum_ms, latency_min,
    latency_max, ttft_sum_ms, ttft_min, ttft_max, source_max_received_at)
SELECT %(bucket_start)s, %(org_id)s, s.project_id, s.model_id, s.operation, s.region, s.currency, s.price_id,
    s.requests, s.successes, s.errors, s.timeouts, s.throttled, s.cancelled, s.rejected,
    s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens,
    s.billed_requests, s.billed_input_tokens, s.billed_cached_input_tokens, s.billed_output_tokens, s.cost_pico,
    coalesce(h.latency_idx, '{}'), coalesce(h.latency_n, '{}'), coalesce(h.ttft_idx, '{}'), coalesce(h.ttft_n, '{}'),
    %(run_id)s, s.latency_sum_ms, s.latency_min, s.latency_max, s.ttft_sum_ms, s.ttft_min, s.ttft_max,
    s.source_max_received_at
FROM sums s LEFT JOIN histograms h
    ON (s.project_id, s.model_id, s.operation, s.region, s.currency, s.price_id)
        IS NOT DISTINCT FROM (h.project_id, h.model_id, h.operation, h.region, h.currency, h.price_id)

-- name: insert_rollup_run
INSERT INTO aias.rollup_runs (run_id, started_at, finished_at, hours, days, written, removed)
VALUES (%(run_id)s, %(started_at)s, clock_timestamp(), %(hours)s, %(days)s, %(written)s, %(removed)s)

-- name: count_dirty
SELECT (SELECT count(*) FROM aias.dirty_hours) + (SELECT count(*) FROM aias.dirty_days)

-- name: count_facts
SELECT count(*) FROM aias.usage_facts WHERE occurred_at >= %(start)s AND occurred_at < %(end)s

-- name: count_open_dead_letters
SELECT count(*) FROM aias.dead_letters WHERE state = 'open'

-- name: select_usage_by_day
SELECT bucket_start, requests, successes, errors, timeouts, throttled, cancelled, rejected,
    input_tokens, cached_input_tokens, output_tokens, cost_pico, currency, latency_idx, latency_n,
    m.name AS model
FROM aias.usage_days d LEFT JOIN aias.dim_models m USING (model_id)
WHERE d.org_id = %(org_id)s AND bucket_start >= %(start)s AND bucket_start < %(end)s
ORDER BY bucket_start, m.name NULLS LAST, currency

-- name: select_usage_by_hour
SELECT bucket_start, requests, successes, errors, timeouts, throttled, cancelled, rejected,
    input_tokens, cached_input_tokens, output_tokens, cost_pico, currency, latency_idx, latency_n,
    m.name AS model
FROM aias.usage_hours d LEFT JOIN aias.dim_models m USING (model_id)
WHERE d.org_id = %(org_id)s AND bucket_start >= %(start)s AND bucket_start < %(end)s
ORDER BY bucket_start, m.name NULLS LAST, currency

-- name: find_organization
SELECT org_id, slug FROM aias.dim_organizations WHERE slug = %(org)s OR org_id::text = lower(%(org)s)

-- name: list_organization_slugs
SELECT slug FROM aias.dim_organizations ORDER BY slug

-- name: reconcile_hours
-- Facts against hours, and hours against days, each as a full outer join per key; a bucket that is queued for
-- recomputation is open, not different.
WITH facts AS (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS bucket_start, org_id, project_id, model_id, operation, region, currency,
        price_id, count(*) AS requests, count(*) FILTER (WHERE status = 'success') AS successes,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens, sum(cost_pico) AS cost_pico
    FROM aias.usage_facts WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), hours AS (
    SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes,
        input_tokens, cached_input_tokens, output_tokens, cost_pico
    FROM aias.usage_hours WHERE bucket_start >= %(start)s AND bucket_start < %(end)s
)
SELECT coalesce(f.bucket_start, h.bucket_start), coalesce(f.org_id, h.org_id),
    to_jsonb(f) - 'bucket_start' - 'org_id', to_jsonb(h) - 'bucket_start' - 'org_id',
    EXISTS (SELECT FROM aias.dirty_hours q
        WHERE q.bucket_start = coalesce(f.bucket_start, h.bucket_start) AND q.org_id = coalesce(f.org_id, h.org_id))
FROM facts f FULL JOIN hours h ON f.bucket_start = h.bucket_start AND f.org_id = h.org_id
    AND f.operation = h.operation AND f.region = h.region AND f.currency = h.currency
    AND coalesce(f.project_id::text, '') = coalesce(h.project_id::text, '')
    AND coalesce(f.model_id::text, '') = coalesce(h.model_id::text, '')
    AND coalesce(f.price_id::text, '') = coalesce(h.price_id::text, '')

-- name: reconcile_days
WITH hours AS (
    SELECT date_trunc('day', bucket_start, 'UTC') AS bucket_start, org_id, project_id, model_id, operation, region, currency,
        price_id, sum(requests) AS requests, sum(successes) AS successes, sum(input_tokens) AS input_tokens,
        sum(cached_input_tokens) AS cached_input_tokens, sum(output_tokens) AS output_tokens, sum(cost_pico) AS cost_pico
    FROM aias.usage_hours WHERE bucket_start >= %(start)s AND bucket_start < %(end)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), days AS (
    SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes,
        input_tokens, cached_input_tokens, output_tokens, cost_pico
    FROM aias.usage_days WHERE bucket_start >= %(start)s AND bucket_start < %(end)s
)
SELECT coalesce(h.bucket_start, d.bucket_start), coalesce(h.org_id, d.org_id),
    to_jsonb(h) - 'bucket_start' - 'org_id', to_jsonb(d) - 'bucket_start' - 'org_id',
    EXISTS (SELECT FROM aias.dirty_days q
        WHERE q.bucket_start = coalesce(h.bucket_start, d.bucket_start) AND q.org_id = coalesce(h.org_id, d.org_id))
    OR EXISTS (SELECT FROM aias.dirty_hours q
        WHERE date_trunc('day', q.bucket_start, 'UTC') = coalesce(h.bucket_start, d.bucket_start)
            AND q.org_id = coalesce(h.org_id, d.org_id))
FROM hours h FULL JOIN days d ON h.bucket_start = d.bucket_start AND h.org_id = d.org_id
    AND h.operation = d.operation AND h.region = d.region AND h.currency = d.currency
    AND coalesce(h.project_id::text, '') = coalesce(d.project_id::text, '')
    AND coalesce(h.model_id::text, '') = coalesce(d.model_id::text, '')
    AND coalesce(h.price_id::text, '') = coalesce(d.price_id::text, '')

-- name: insert_reconcile_run
INSERT INTO aias.reconcile_runs (run_id, started_at, window_start, window_end, compared, open_buckets, differences)
VALUES (%(run_id)s, %(started_at)s, %(start)s, %(end)s, %(compared)s, %(open)s, %(differences)s)

-- name: check_costs
-- Cost recomputed from the price rows: billed facts whose stored cost is another, or whose price row is unknown.
SELECT f.event_id, f.cost_pico,
    (f.input_tokens - f.cached_input_tokens) * p.input_pico + f.cached_input_tokens * p.cached_input_pico
        + f.output_tokens * p.output_pico + p.request_pico AS expected
FROM aias.usage_facts f LEFT JOIN aias.dim_prices p USING (price_id)
WHERE f.billable AND f.occurred_at >= %(start)s AND f.occurred_at < %(end)s
    AND f.cost_pico IS DISTINCT FROM (f.input_tokens - f.cached_input_tokens) * p.input_pico
        + f.cached_input_tokens * p.cached_input_pico + f.output_tokens * p.output_pico + p.request_pico

-- name: read_organizations
SELECT org_id, slug, display_name, kind FROM aias.organizations

-- name: read_models
SELECT model_id, name FROM aias.models

-- name: read_prices
SELECT price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico, effective_from
FROM aias.model_prices

-- name: upsert_organization
INSERT INTO aias.dim_organizations (org_id, slug, display_name, kind) VALUES (%s, %s, %s, %s)
ON CONFLICT (org_id) DO UPDATE SET display_name = excluded.display_name, kind = excluded.kind

-- name: upsert_model
INSERT INTO aias.dim_models (model_id, name) VALUES (%s, %s) ON CONFLICT (model_id) DO UPDATE SET name = excluded.name

-- name: upsert_price
INSERT INTO aias.dim_prices
    (price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico, effective_from)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
