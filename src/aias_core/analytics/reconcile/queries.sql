-- name: drop_gathered
DROP TABLE IF EXISTS pg_temp.gathered_facts

-- name: drop_gathered_hours
DROP TABLE IF EXISTS pg_temp.gathered_hours

-- name: gather_hours
-- The hours of a day, compared with their facts and with their day: their marks are reckoned once.
CREATE TEMP TABLE gathered_hours ON COMMIT DROP AS
SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes, errors,
    timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustments,
    adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
    l.latency_count, l.latency_mark, t.ttft_count, t.ttft_mark
FROM aias.usage_hours h
CROSS JOIN LATERAL (SELECT sum(n) AS latency_count, sum(n * (hashint8extended(idx, 0) >> 30)) AS latency_mark
    FROM unnest(latency_idx, latency_n) AS u (idx, n)) l
CROSS JOIN LATERAL (SELECT sum(n) AS ttft_count, sum(n * (hashint8extended(idx, 0) >> 30)) AS ttft_mark
    FROM unnest(ttft_idx, ttft_n) AS u (idx, n)) t
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s

-- name: index_gathered_hours
CREATE INDEX gathered_hours_bucket_start_idx ON pg_temp.gathered_hours (bucket_start);
ANALYZE pg_temp.gathered_hours (bucket_start)

-- name: gather_facts
-- One pass over the facts for every comparison with them, by their own dimensions and not by the number of their series.
-- A histogram is told by its count and its mark, the sum of the hashes of its buckets: equal ones have equal marks, and
-- two different ones of the same count, sum and extremes have the same mark once in 2^34.
CREATE TEMP TABLE gathered_facts ON COMMIT DROP AS
SELECT date_bin('1 hour', occurred_at, 'epoch') AS bucket_start, org_id, project_id, api_key_id, model_id, operation,
    region, currency, price_id,
    count(status) AS requests,
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
    count(*) FILTER (WHERE billable AND kind = 'usage') AS billed_requests,
    sum(input_tokens - cached_input_tokens) FILTER (WHERE billable) AS billed_input_tokens,
    sum(cached_input_tokens) FILTER (WHERE billable) AS billed_cached_input_tokens,
    sum(output_tokens) FILTER (WHERE billable) AS billed_output_tokens,
    sum(cost_pico) FILTER (WHERE kind = 'usage') AS cost_pico,
    count(*) FILTER (WHERE kind = 'adjustment') AS adjustments,
    sum(cost_pico) FILTER (WHERE kind = 'adjustment') AS adjustment_pico,
    count(latency_bucket) FILTER (WHERE status = 'success') AS latency_count,
    sum(hashint8extended(latency_bucket, 0) >> 30) FILTER (WHERE status = 'success') AS latency_mark,
    sum(duration_ms) FILTER (WHERE status = 'success') AS latency_sum_ms,
    min(duration_ms) FILTER (WHERE status = 'success') AS latency_min,
    max(duration_ms) FILTER (WHERE status = 'success') AS latency_max,
    count(ttft_bucket) FILTER (WHERE status = 'success') AS ttft_count,
    sum(hashint8extended(ttft_bucket, 0) >> 30) FILTER (WHERE status = 'success') AS ttft_mark,
    sum(ttft_ms) FILTER (WHERE status = 'success') AS ttft_sum_ms,
    min(ttft_ms) FILTER (WHERE status = 'success') AS ttft_min,
    max(ttft_ms) FILTER (WHERE status = 'success') AS ttft_max,
    max(received_at) AS source_max_received_at
FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9

-- name: facts
SELECT * FROM pg_temp.gathered_facts WHERE bucket_start >= %(start)s AND bucket_start < %(end)s
    AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: hours
SELECT * FROM pg_temp.gathered_hours WHERE bucket_start >= %(start)s AND bucket_start < %(end)s
    AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: days
SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes, errors,
    timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustments,
    adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
    l.latency_count, l.latency_mark, t.ttft_count, t.ttft_mark
FROM aias.usage_days d
CROSS JOIN LATERAL (SELECT sum(n) AS latency_count, sum(n * (hashint8extended(idx, 0) >> 30)) AS latency_mark
    FROM unnest(latency_idx, latency_n) AS u (idx, n)) l
CROSS JOIN LATERAL (SELECT sum(n) AS ttft_count, sum(n * (hashint8extended(idx, 0) >> 30)) AS ttft_mark
    FROM unnest(ttft_idx, ttft_n) AS u (idx, n)) t
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: hour_keys
SELECT * FROM aias.usage_hour_keys
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: day_keys
SELECT * FROM aias.usage_day_keys
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: sealed_totals
-- What sources say of the hours that are sealed and whose facts are all stored.
SELECT t.hour AS bucket_start, t.* FROM aias.source_totals t JOIN aias.sources s USING (source)
WHERE t.hour >= %(start)s AND t.hour < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
    AND t.hour + interval '1 hour' <= s.complete_through AND t.sealed

-- name: sealed_facts
-- The facts of those hours; where a source announced no total at all they must not be there.
SELECT f.* FROM (
    SELECT date_bin('1 hour', occurred_at, 'epoch') AS bucket_start, org_id, source, count(*) AS requests,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_pico) AS cost_pico
    FROM aias.usage_facts
    WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s
        AND kind = 'usage' AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
    GROUP BY 1, 2, 3
) f JOIN aias.sources s USING (source)
LEFT JOIN aias.source_totals t ON t.source = f.source AND t.org_id = f.org_id AND t.hour = f.bucket_start
WHERE f.bucket_start + interval '1 hour' <= s.complete_through AND t.sealed IS NOT FALSE

-- name: closed_days
SELECT d.* FROM aias.usage_days d JOIN (SELECT DISTINCT month FROM aias.month_closes) c
    ON d.bucket_start >= c.month::timestamp AT TIME ZONE 'UTC' AND d.bucket_start < (c.month + interval '1 month') AT TIME ZONE 'UTC'
WHERE d.bucket_start >= %(start)s AND d.bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: statement_lines
-- The lines of the newest version of each closed month.
SELECT period_start AS bucket_start, l.* FROM aias.statement_lines l
JOIN (SELECT month, max(version) AS version FROM aias.month_closes GROUP BY month) newest USING (month, version)
WHERE period_start >= %(start)s AND period_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: open_hours
SELECT DISTINCT bucket_start, org_id FROM aias.dirty_hours WHERE bucket_start >= %(start)s AND bucket_start < %(end)s

-- name: open_days
SELECT bucket_start, org_id FROM aias.dirty_days WHERE bucket_start >= %(start)s AND bucket_start < %(end)s
UNION
SELECT date_bin('1 day', bucket_start, 'epoch'), org_id FROM aias.dirty_hours
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s

-- name: open_statements
-- Days that got events after their month was closed: they enter it through a restatement only.
SELECT d.bucket_start, d.org_id FROM aias.usage_days d
JOIN (SELECT month, max(closed_at) AS closed_at FROM aias.month_closes GROUP BY month) c
    ON d.bucket_start >= c.month::timestamp AT TIME ZONE 'UTC' AND d.bucket_start < (c.month + interval '1 month') AT TIME ZONE 'UTC'
WHERE d.bucket_start >= %(start)s AND d.bucket_start < %(end)s AND d.source_max_received_at > c.closed_at
GROUP BY 1, 2

-- name: open_sources
-- Hours of sources whose total is not sealed, or whose facts may not all be stored yet.
SELECT DISTINCT t.hour, t.org_id FROM aias.source_totals t JOIN aias.sources s USING (source)
WHERE t.hour >= %(start)s AND t.hour < %(end)s
    AND NOT (t.sealed AND t.hour + interval '1 hour' <= coalesce(s.complete_through, '-infinity'))

-- name: price_hours
-- Each line recomputed from its price row; one whose price row is not known here yet waits for it.
SELECT bucket_start, org_id, jsonb_build_object('project_id', project_id, 'model_id', model_id, 'operation', operation, 'region', region,
    'currency', currency, 'price_id', price_id), expected, cost_pico
FROM (
    SELECT h.bucket_start, h.org_id, h.project_id, h.model_id, h.operation, h.region, h.currency, price_id,
        h.cost_pico, CASE WHEN price_id IS NULL THEN 0 ELSE billed_input_tokens::numeric * input_pico
        + billed_cached_input_tokens::numeric * cached_input_pico + billed_output_tokens::numeric * output_pico
        + billed_requests::numeric * request_pico END AS expected
    FROM aias.usage_hours h LEFT JOIN aias.dim_prices p USING (price_id)
    WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (price_id IS NULL OR p.model_id IS NOT NULL)
) priced WHERE cost_pico <> expected

-- name: price_statements
SELECT period_start, org_id, jsonb_build_object('project_id', project_id, 'model_id', model_id, 'operation', operation, 'region', region,
    'currency', currency, 'price_id', price_id), expected, cost_pico
FROM (
    SELECT l.period_start, l.org_id, l.project_id, l.model_id, l.operation, l.region, l.currency, price_id,
        l.cost_pico, CASE WHEN price_id IS NULL THEN 0 ELSE billed_input_tokens::numeric * input_pico
        + billed_cached_input_tokens::numeric * cached_input_pico + billed_output_tokens::numeric * output_pico
        + billed_requests::numeric * request_pico END AS expected
    FROM aias.statement_lines l
    JOIN (SELECT month, max(version) AS version FROM aias.month_closes GROUP BY month) newest USING (month, version)
    LEFT JOIN aias.dim_prices p USING (price_id)
    WHERE period_start >= %(start)s AND period_start < %(end)s
) priced WHERE cost_pico IS DISTINCT FROM expected

-- name: count_copies
-- How many facts are beyond the first of each event, whatever their organization. The primary key begins with the event.
SELECT count(*) - count(DISTINCT event_id) FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s

-- name: list_duplicates
-- Events that are stored more than once; receipts make it impossible, and this looks all the same.
SELECT org_id, event_id, count(*) FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s
GROUP BY org_id, event_id HAVING count(*) > 1

-- name: read_retained
SELECT table_name, min(month_start) FROM aias.list_month_partitions() GROUP BY table_name

-- name: count_costs
SELECT count(*), count(*) FILTER (WHERE cost_check = 'pending'), count(*) FILTER (WHERE cost_check = 'mismatch')
FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s

-- name: count_open_dead_letters
SELECT count(*) FROM aias.dead_letters WHERE state = 'open'

-- name: enqueue_hours
INSERT INTO aias.dirty_hours (bucket_start, org_id, cause)
SELECT bucket_start, org_id, %(run_id)s FROM unnest(%(buckets)s::timestamptz[], %(orgs)s::uuid[]) AS t (bucket_start, org_id)

-- name: enqueue_days
INSERT INTO aias.dirty_days (bucket_start, org_id, cause)
SELECT bucket_start, org_id, %(run_id)s FROM unnest(%(buckets)s::timestamptz[], %(orgs)s::uuid[]) AS t (bucket_start, org_id)

-- name: set_memory
-- Compiling costs more than it saves on these statements; the groups of a part fit into memory.
SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)

-- name: insert_run
INSERT INTO aias.reconcile_runs (run_id, started_at, finished_at, window_start, window_end, scope, tolerance, trigger,
    compared, open_buckets, differences, verdict)
VALUES (%(run_id)s, %(started_at)s, clock_timestamp(), %(start)s, %(end)s, %(scope)s, %(tolerance)s, %(trigger)s,
    %(compared)s, %(open)s, %(differences)s, %(verdict)s)

-- name: insert_finding
INSERT INTO aias.reconcile_findings
    (finding_id, run_id, comparison, bucket_start, org_id, key, metric, kind, expected, found)
VALUES (%(finding_id)s, %(run_id)s, %(comparison)s, %(bucket_start)s, %(org_id)s, %(key)s, %(metric)s, %(kind)s,
    %(expected)s, %(found)s)

-- name: find_last_run
SELECT max(started_at) FROM aias.reconcile_runs WHERE trigger = %(trigger)s

-- name: lock_schedule
SELECT pg_try_advisory_lock(hashtextextended('aias reconcile', 0))

-- name: unlock_schedule
SELECT pg_advisory_unlock(hashtextextended('aias reconcile', 0))
