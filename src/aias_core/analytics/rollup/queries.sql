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
