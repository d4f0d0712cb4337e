-- name: count_facts
SELECT count(*) FROM aias.usage_facts WHERE occurred_at >= %(start)s AND occurred_at < %(end)s

-- name: count_open_dead_letters
SELECT count(*) FROM aias.dead_letters WHERE state = 'open'

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
