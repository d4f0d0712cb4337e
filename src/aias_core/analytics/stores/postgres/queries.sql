-- name: set_memory
-- The groups of a bucket fit into memory, so hashing beats sorting; compiling costs more than it saves here.
SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)

-- name: delete_hours
WITH lines AS (
    DELETE FROM aias.usage_hours WHERE bucket_start = %(bucket_start)s AND org_id = ANY(%(orgs)s) RETURNING 1
), keys AS (
    DELETE FROM aias.usage_hour_keys WHERE bucket_start = %(bucket_start)s AND org_id = ANY(%(orgs)s) RETURNING 1
)
SELECT (SELECT count(*) FROM lines) + (SELECT count(*) FROM keys)

-- name: insert_hours
-- One pass over the facts, grouped by a number and the end of the request; everything else works on those few rows.
-- The histograms are counted from the bucket numbers that the pass has gathered: line, kind and bucket are one number
-- (-1, the bucket of zero, is the smallest), so that one sort counts them all. The arrays name their order once more,
-- because no plan promises to keep it; that costs a rollup two to three hundredths.
WITH ends AS MATERIALIZED (
    SELECT series_id, status, billable, count(*) AS n,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens, sum(cost_pico) AS cost_pico,
        sum(duration_ms) AS latency_sum_ms, min(duration_ms) AS latency_min, max(duration_ms) AS latency_max,
        sum(ttft_ms) AS ttft_sum_ms, min(ttft_ms) AS ttft_min, max(ttft_ms) AS ttft_max,
        max(received_at) AS received_at,
        array_agg(latency_bucket) FILTER (WHERE status = 'success') AS latency,
        array_agg(ttft_bucket) FILTER (WHERE status = 'success' AND ttft_bucket IS NOT NULL) AS ttft
    FROM aias.usage_facts
    WHERE org_id = ANY(%(orgs)s) AND occurred_at >= %(bucket_start)s
        AND occurred_at < %(bucket_start)s + interval '1 hour'
    GROUP BY series_id, status, billable
), parts AS MATERIALIZED (
    SELECT dense_rank() OVER (ORDER BY org_id, project_id, model_id, operation, region, currency, price_id) AS line,
        org_id, project_id, api_key_id, model_id, operation, region, currency, price_id, ends.*
    FROM ends LEFT JOIN aias.usage_series USING (series_id)
), codes AS (
    SELECT line << 11 | bucket + 1 AS code FROM parts, unnest(latency) AS bucket
    UNION ALL
    SELECT line << 11 | 1024 | bucket + 1 FROM parts, unnest(ttft) AS bucket
), counted AS (
    SELECT code, count(*) AS n FROM (SELECT code FROM codes ORDER BY code OFFSET 0) sorted GROUP BY code
), histograms AS (
    SELECT code >> 10 AS place, array_agg((code & 1023)::smallint - 1::smallint ORDER BY code) AS idx,
        array_agg(n ORDER BY code) AS n
    FROM counted GROUP BY code >> 10
), lines AS (
    SELECT line, org_id, project_id, model_id, operation, region, currency, price_id,
        coalesce(sum(n) FILTER (WHERE status IS NOT NULL), 0) AS requests,
        coalesce(sum(n) FILTER (WHERE status = 'success'), 0) AS successes,
        coalesce(sum(n) FILTER (WHERE status = 'error'), 0) AS errors,
        coalesce(sum(n) FILTER (WHERE status = 'timeout'), 0) AS timeouts,
        coalesce(sum(n) FILTER (WHERE status = 'throttled'), 0) AS throttled,
        coalesce(sum(n) FILTER (WHERE status = 'cancelled'), 0) AS cancelled,
        coalesce(sum(n) FILTER (WHERE status = 'rejected'), 0) AS rejected,
        sum(input_tokens) AS input_tokens,
        sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens,
        sum(reasoning_tokens) AS reasoning_tokens,
        coalesce(sum(n) FILTER (WHERE billable), 0) AS billed_requests,
        coalesce(sum(input_tokens - cached_input_tokens) FILTER (WHERE billable), 0) AS billed_input_tokens,
        coalesce(sum(cached_input_tokens) FILTER (WHERE billable), 0) AS billed_cached_input_tokens,
        coalesce(sum(output_tokens) FILTER (WHERE billable), 0) AS billed_output_tokens,
        coalesce(sum(cost_pico) FILTER (WHERE status IS NOT NULL), 0) AS cost_pico,
        coalesce(sum(n) FILTER (WHERE status IS NULL), 0) AS adjustments,
        coalesce(sum(cost_pico) FILTER (WHERE status IS NULL), 0) AS adjustment_pico,
        sum(latency_sum_ms) FILTER (WHERE status = 'success') AS latency_sum_ms,
        min(latency_min) FILTER (WHERE status = 'success') AS latency_min,
        max(latency_max) FILTER (WHERE status = 'success') AS latency_max,
        sum(ttft_sum_ms) FILTER (WHERE status = 'success') AS ttft_sum_ms,
        min(ttft_min) FILTER (WHERE status = 'success') AS ttft_min,
        max(ttft_max) FILTER (WHERE status = 'success') AS ttft_max,
        max(received_at) AS source_max_received_at
    FROM parts GROUP BY line, org_id, project_id, model_id, operation, region, currency, price_id
), inserted AS (
    INSERT INTO aias.usage_hours (
        bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes,
        errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
        reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens,
        cost_pico, adjustments, adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min,
        ttft_max, source_max_received_at, latency_idx, latency_n, ttft_idx, ttft_n, run_id)
    SELECT %(bucket_start)s,
        org_id, project_id, model_id, operation, region, currency, price_id, requests, successes, errors, timeouts,
        throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
        adjustments, adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
        source_max_received_at,
        coalesce(latency.idx, '{}'), coalesce(latency.n, '{}'), coalesce(ttft.idx, '{}'), coalesce(ttft.n, '{}'),
        %(run_id)s
    FROM lines LEFT JOIN histograms latency ON latency.place = line << 1
        LEFT JOIN histograms ttft ON ttft.place = line << 1 | 1
    RETURNING 1
), inserted_keys AS (
    INSERT INTO aias.usage_hour_keys (
        bucket_start, org_id, project_id, api_key_id, model_id, currency, requests, successes, errors, timeouts,
        throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
        adjustments, adjustment_pico, run_id)
    SELECT %(bucket_start)s, org_id, project_id, api_key_id, model_id, currency,
        coalesce(sum(n) FILTER (WHERE status IS NOT NULL), 0),
        coalesce(sum(n) FILTER (WHERE status = 'success'), 0),
        coalesce(sum(n) FILTER (WHERE status = 'error'), 0),
        coalesce(sum(n) FILTER (WHERE status = 'timeout'), 0),
        coalesce(sum(n) FILTER (WHERE status = 'throttled'), 0),
        coalesce(sum(n) FILTER (WHERE status = 'cancelled'), 0),
        coalesce(sum(n) FILTER (WHERE status = 'rejected'), 0),
        sum(input_tokens),
        sum(cached_input_tokens),
        sum(output_tokens),
        sum(reasoning_tokens),
        coalesce(sum(n) FILTER (WHERE billable), 0),
        coalesce(sum(input_tokens - cached_input_tokens) FILTER (WHERE billable), 0),
        coalesce(sum(cached_input_tokens) FILTER (WHERE billable), 0),
        coalesce(sum(output_tokens) FILTER (WHERE billable), 0),
        coalesce(sum(cost_pico) FILTER (WHERE status IS NOT NULL), 0),
        coalesce(sum(n) FILTER (WHERE status IS NULL), 0),
        coalesce(sum(cost_pico) FILTER (WHERE status IS NULL), 0),
        %(run_id)s
    FROM parts GROUP BY org_id, project_id, api_key_id, model_id, currency
    RETURNING 1
)
SELECT (SELECT count(*) FROM inserted) + (SELECT count(*) FROM inserted_keys),
    (SELECT coalesce(sum(n), 0)::bigint FROM ends)

-- name: delete_days
WITH lines AS (
    DELETE FROM aias.usage_days WHERE bucket_start = %(bucket_start)s AND org_id = ANY(%(orgs)s) RETURNING 1
), keys AS (
    DELETE FROM aias.usage_day_keys WHERE bucket_start = %(bucket_start)s AND org_id = ANY(%(orgs)s) RETURNING 1
)
SELECT (SELECT count(*) FROM lines) + (SELECT count(*) FROM keys)

-- name: insert_days
-- A day is the merge of its hours: counters are added, histograms are added bucket by bucket.
WITH hours AS MATERIALIZED (
    SELECT dense_rank() OVER (ORDER BY org_id, project_id, model_id, operation, region, currency, price_id) AS line, h.*
    FROM aias.usage_hours h
    WHERE org_id = ANY(%(orgs)s) AND bucket_start >= %(bucket_start)s
        AND bucket_start < %(bucket_start)s + interval '1 day'
), codes AS (
    SELECT line << 11 | bucket + 1 AS code, n FROM hours, unnest(latency_idx, latency_n) AS u (bucket, n)
    UNION ALL
    SELECT line << 11 | 1024 | bucket + 1, n FROM hours, unnest(ttft_idx, ttft_n) AS u (bucket, n)
), counted AS (
    SELECT code, sum(n)::bigint AS n FROM (SELECT code, n FROM codes ORDER BY code OFFSET 0) sorted GROUP BY code
), histograms AS (
    SELECT code >> 10 AS place, array_agg((code & 1023)::smallint - 1::smallint ORDER BY code) AS idx,
        array_agg(n ORDER BY code) AS n
    FROM counted GROUP BY code >> 10
), lines AS (
    SELECT line, org_id, project_id, model_id, operation, region, currency, price_id,
        sum(requests) AS requests, sum(successes) AS successes, sum(errors) AS errors, sum(timeouts) AS timeouts,
        sum(throttled) AS throttled, sum(cancelled) AS cancelled, sum(rejected) AS rejected, sum(input_tokens) AS
        input_tokens, sum(cached_input_tokens) AS cached_input_tokens, sum(output_tokens) AS output_tokens,
        sum(reasoning_tokens) AS reasoning_tokens, sum(billed_requests) AS billed_requests, sum(billed_input_tokens)
        AS billed_input_tokens, sum(billed_cached_input_tokens) AS billed_cached_input_tokens,
        sum(billed_output_tokens) AS billed_output_tokens, sum(cost_pico) AS cost_pico, sum(adjustments) AS
        adjustments, sum(adjustment_pico) AS adjustment_pico, sum(latency_sum_ms) AS latency_sum_ms, min(latency_min)
        AS latency_min, max(latency_max) AS latency_max, sum(ttft_sum_ms) AS ttft_sum_ms, min(ttft_min) AS ttft_min,
        max(ttft_max) AS ttft_max, max(source_max_received_at) AS source_max_received_at
    FROM hours GROUP BY line, org_id, project_id, model_id, operation, region, currency, price_id
), inserted AS (
    INSERT INTO aias.usage_days (
        bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes,
        errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
        reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens,
        cost_pico, adjustments, adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min,
        ttft_max, source_max_received_at, latency_idx, latency_n, ttft_idx, ttft_n, run_id)
    SELECT %(bucket_start)s,
        org_id, project_id, model_id, operation, region, currency, price_id, requests, successes, errors, timeouts,
        throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
        adjustments, adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
        source_max_received_at,
        coalesce(latency.idx, '{}'), coalesce(latency.n, '{}'), coalesce(ttft.idx, '{}'), coalesce(ttft.n, '{}'),
        %(run_id)s
    FROM lines LEFT JOIN histograms latency ON latency.place = line << 1
        LEFT JOIN histograms ttft ON ttft.place = line << 1 | 1
    RETURNING 1
), inserted_keys AS (
    INSERT INTO aias.usage_day_keys (
        bucket_start, org_id, project_id, api_key_id, model_id, currency, requests, successes, errors, timeouts,
        throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
        adjustments, adjustment_pico, run_id)
    SELECT %(bucket_start)s, org_id, project_id, api_key_id, model_id, currency,
        sum(requests), sum(successes), sum(errors), sum(timeouts), sum(throttled), sum(cancelled), sum(rejected),
        sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens), sum(billed_requests),
        sum(billed_input_tokens), sum(billed_cached_input_tokens), sum(billed_output_tokens), sum(cost_pico),
        sum(adjustments), sum(adjustment_pico),
        %(run_id)s
    FROM aias.usage_hour_keys
    WHERE org_id = ANY(%(orgs)s) AND bucket_start >= %(bucket_start)s
        AND bucket_start < %(bucket_start)s + interval '1 day'
    GROUP BY org_id, project_id, api_key_id, model_id, currency
    RETURNING 1
)
SELECT (SELECT count(*) FROM inserted) + (SELECT count(*) FROM inserted_keys), 0::bigint

-- name: create_staged_hours
-- COPY does not write to tables with row security.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_hours (LIKE aias.usage_hours INCLUDING DEFAULTS) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_hour_keys (LIKE aias.usage_hour_keys INCLUDING DEFAULTS) ON COMMIT DROP

-- name: copy_staged_hours
COPY staged_hours (run_id, bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests,
    successes, errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
    reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
    adjustments, adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
    source_max_received_at, latency_idx, latency_n, ttft_idx, ttft_n)
FROM STDIN

-- name: copy_staged_hour_keys
COPY staged_hour_keys (run_id, bucket_start, org_id, project_id, api_key_id, model_id, currency, requests, successes,
    errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustments,
    adjustment_pico)
FROM STDIN

-- name: insert_staged_hours
WITH lines AS (
    INSERT INTO aias.usage_hours SELECT * FROM staged_hours RETURNING 1
), keys AS (
    INSERT INTO aias.usage_hour_keys SELECT * FROM staged_hour_keys RETURNING 1
)
SELECT (SELECT count(*) FROM lines) + (SELECT count(*) FROM keys)

-- name: forget_staged_hours
TRUNCATE staged_hours, staged_hour_keys

-- name: select_counters
-- Totals are added up from the series, so that they cannot disagree, and the rows are grouped once.
WITH series AS MATERIALIZED (
    SELECT {columns},
        sum(requests)::bigint AS requests, sum(successes)::bigint AS successes, sum(errors)::bigint AS errors,
        sum(timeouts)::bigint AS timeouts, sum(throttled)::bigint AS throttled, sum(cancelled)::bigint AS cancelled,
        sum(rejected)::bigint AS rejected, sum(input_tokens)::bigint AS input_tokens,
        sum(cached_input_tokens)::bigint AS cached_input_tokens, sum(output_tokens)::bigint AS output_tokens,
        sum(reasoning_tokens)::bigint AS reasoning_tokens, sum(cost_pico) AS cost_pico,
        sum(adjustment_pico) AS adjustment_pico
    FROM ({source}) source
    GROUP BY {columns}
    LIMIT {limit}
)
SELECT false AS is_total, * FROM series
UNION ALL
SELECT true, {totals},
    sum(requests)::bigint, sum(successes)::bigint, sum(errors)::bigint, sum(timeouts)::bigint,
    sum(throttled)::bigint, sum(cancelled)::bigint, sum(rejected)::bigint, sum(input_tokens)::bigint,
    sum(cached_input_tokens)::bigint, sum(output_tokens)::bigint, sum(reasoning_tokens)::bigint,
    sum(cost_pico), sum(adjustment_pico)
FROM series
GROUP BY {currency}

-- name: select_histograms
-- Histograms are merged by the reader: adding arrays there takes a third of the time of unnesting them here.
SELECT {columns}, latency_idx, latency_n, ttft_idx, ttft_n FROM ({source}) source

-- name: bucket_of
-- The edges come from the reader, so that there is one rule for zones.
(%(edges)s::timestamptz[])[width_bucket({}, %(edges)s::timestamptz[])]

-- name: source_rollups
SELECT {bucket} AS bucket, * FROM aias.{relation}
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND {filters}

-- name: source_facts
SELECT {bucket} AS bucket, org_id, project_id, api_key_id, model_id, operation, region, currency, status,
    (kind = 'usage')::int AS requests,
    (status IS NOT DISTINCT FROM 'success')::int AS successes,
    (status IS NOT DISTINCT FROM 'error')::int AS errors,
    (status IS NOT DISTINCT FROM 'timeout')::int AS timeouts,
    (status IS NOT DISTINCT FROM 'throttled')::int AS throttled,
    (status IS NOT DISTINCT FROM 'cancelled')::int AS cancelled,
    (status IS NOT DISTINCT FROM 'rejected')::int AS rejected,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    CASE kind WHEN 'usage' THEN cost_pico ELSE 0 END AS cost_pico,
    CASE kind WHEN 'usage' THEN 0 ELSE cost_pico END AS adjustment_pico,
    latency_bucket, ttft_bucket
FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND {filters}

-- name: count_fact_buckets
-- The same histograms as a rollup's, one row a bucket of latency.
SELECT bucket, org_id, project_id, api_key_id, model_id, operation, region, status, currency,
    CASE WHEN GROUPING(latency_bucket) = 0 THEN ARRAY[latency_bucket] ELSE '{{}}' END AS latency_idx,
    CASE WHEN GROUPING(latency_bucket) = 0 THEN ARRAY[count(*)] ELSE '{{}}' END AS latency_n,
    CASE WHEN GROUPING(ttft_bucket) = 0 AND ttft_bucket IS NOT NULL THEN ARRAY[ttft_bucket] ELSE '{{}}' END AS ttft_idx,
    CASE WHEN GROUPING(ttft_bucket) = 0 AND ttft_bucket IS NOT NULL THEN ARRAY[count(*)] ELSE '{{}}' END AS ttft_n
FROM ({source}) facts
WHERE status = 'success'
GROUP BY bucket, org_id, project_id, api_key_id, model_id, operation, region, status, currency,
    GROUPING SETS ((latency_bucket), (ttft_bucket))
