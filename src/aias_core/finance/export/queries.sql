-- name: rollup_lines
SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes, errors,
    timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustment_pico
FROM aias.{table}
WHERE bucket_start >= {start} AND bucket_start < {end} AND {filters}

-- name: statement_lines
SELECT period_start AS bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests,
    successes, errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
    reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
    adjustment_pico
FROM aias.statement_lines
WHERE month = {month} AND version = {version} AND period_start >= {start} AND period_start < {end} AND {filters}

-- name: line_filters
(%(org_id)s::uuid IS NULL OR org_id = %(org_id)s::uuid) AND org_id <> ALL (%(excluded)s::uuid[])
    AND (%(models)s::uuid[] IS NULL OR model_id = ANY (%(models)s::uuid[]))
    AND (%(projects)s::uuid[] IS NULL OR project_id = ANY (%(projects)s::uuid[]))

-- name: rollup_corrections
-- What rollups hold of adjustments of events in months that had been closed by then; what came later is not in them.
SELECT d.bucket_start, d.org_id, d.project_id, d.model_id, d.operation, d.region, d.currency,
    sum(a.cost_pico) AS correction_pico
FROM (
    SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, source_max_received_at
    FROM aias.usage_days
    WHERE bucket_start >= {start} AND bucket_start < {end} AND adjustments > 0 AND price_id IS NULL AND {filters}
) d
JOIN aias.usage_facts a ON a.kind = 'adjustment' AND a.org_id = d.org_id AND a.occurred_at >= d.bucket_start
    AND a.occurred_at < d.bucket_start + interval '24 hours' AND a.received_at <= d.source_max_received_at
    AND a.project_id IS NOT DISTINCT FROM d.project_id AND a.model_id IS NOT DISTINCT FROM d.model_id
    AND a.operation = d.operation AND a.region = d.region AND a.currency = d.currency
JOIN aias.usage_facts c ON c.event_id = a.ref_event_id AND c.org_id = a.org_id
JOIN aias.month_closes m ON m.month = date_trunc('month', c.occurred_at AT TIME ZONE 'UTC')::date AND m.version = 1
    AND m.closed_at <= a.occurred_at
GROUP BY 1, 2, 3, 4, 5, 6, 7

-- name: statement_corrections
SELECT period_start AS bucket_start, org_id, project_id, model_id, operation, region, currency, correction_pico
FROM aias.statement_lines
WHERE month = {month} AND version = {version} AND period_start >= {start} AND period_start < {end}
    AND correction_pico <> 0 AND {filters}

-- name: list_corrections
SELECT bucket_start, org_id, coalesce(project_id, {nil}), coalesce(model_id, {nil}), hashtextextended(operation, 0),
    hashtextextended(region, 0), hashtextextended(currency, 0), {nil}, correction_pico
FROM ({corrections}) corrections

-- name: monthly_lines
-- A month is the sum of its days; lines of an organization without usage stay as they are.
SELECT date_trunc('month', bucket_start, 'UTC') AS bucket_start, org_id, project_id, model_id, operation, region,
    currency, price_id, sum(requests)::bigint AS requests, sum(successes)::bigint AS successes,
    sum(errors)::bigint AS errors, sum(timeouts)::bigint AS timeouts, sum(throttled)::bigint AS throttled,
    sum(cancelled)::bigint AS cancelled, sum(rejected)::bigint AS rejected, sum(input_tokens)::bigint AS input_tokens,
    sum(cached_input_tokens)::bigint AS cached_input_tokens, sum(output_tokens)::bigint AS output_tokens,
    sum(reasoning_tokens)::bigint AS reasoning_tokens, sum(billed_requests)::bigint AS billed_requests,
    sum(billed_input_tokens)::bigint AS billed_input_tokens,
    sum(billed_cached_input_tokens)::bigint AS billed_cached_input_tokens,
    sum(billed_output_tokens)::bigint AS billed_output_tokens, sum(cost_pico) AS cost_pico,
    sum(adjustment_pico) AS adjustment_pico
FROM ({lines}) days
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8

-- name: copy_lines
-- Records of one width, in the order of the file; that order is the one of the rollups' key, so nothing is sorted.
COPY (
    SELECT bucket_start, org_id, coalesce(project_id, {nil}), coalesce(model_id, {nil}), hashtextextended(operation, 0),
        hashtextextended(region, 0), hashtextextended(currency, 0), coalesce(price_id, {nil}), requests, successes,
        errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
        reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens,
        {amounts}
    FROM ({lines}) lines
    {order}
) TO STDOUT (FORMAT binary)

-- name: file_order
ORDER BY org_id, bucket_start, project_id, model_id, operation {collation}, region {collation}, currency {collation},
    price_id

-- name: sum_statement
SELECT org_id, currency, sum(cost_pico + adjustment_pico) FROM aias.statement_lines
WHERE month = %(month)s AND version = %(version)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s::uuid)
    AND org_id <> ALL (%(excluded)s::uuid[])
GROUP BY org_id, currency

-- name: small_amounts
0::bigint, cost_pico::bigint, 0::bigint, adjustment_pico::bigint

-- name: any_amounts
div(cost_pico, 1000000000000)::bigint, mod(cost_pico, 1000000000000)::bigint,
div(adjustment_pico, 1000000000000)::bigint, mod(adjustment_pico, 1000000000000)::bigint

-- name: sum_lines
SELECT org_id, currency, operation, region, count(*), sum(requests), sum(input_tokens + output_tokens), sum(cost_pico),
    sum(adjustment_pico), greatest(max(abs(cost_pico)), max(abs(adjustment_pico))), hashtextextended(operation, 0),
    hashtextextended(region, 0), hashtextextended(currency, 0)
FROM ({lines}) lines
GROUP BY org_id, currency, operation, region
ORDER BY org_id, currency

-- name: list_closes
SELECT month, version, status, encode(content_sha256, 'hex') FROM aias.month_closes
WHERE month >= %(start)s::date AND month < %(end)s::date ORDER BY month, version

-- name: read_collation
SELECT datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') FROM pg_database WHERE datname = current_database()

-- name: read_watermark
SELECT min(complete_through) FROM aias.watermarks WHERE stage IN ('rollup_hour', 'rollup_day')

-- name: count_open_buckets
SELECT (SELECT count(*) FROM aias.dirty_hours WHERE bucket_start >= %(start)s AND bucket_start < %(end)s)
    + (SELECT count(*) FROM aias.dirty_days WHERE bucket_start >= %(start)s AND bucket_start < %(end)s)

-- name: find_reconciliation
SELECT run_id, coalesce(finished_at, started_at), differences, open_buckets FROM aias.reconcile_runs
WHERE window_start <= %(start)s AND window_end >= %(end)s ORDER BY started_at DESC LIMIT 1

-- name: list_test_organizations
SELECT org_id, slug FROM aias.dim_organizations WHERE kind = 'test' ORDER BY org_id

-- name: list_idle_organizations
-- Organizations that were there before the end of the window and have no line in it.
SELECT org_id, currency, hashtextextended(currency, 0), hashtextextended('', 0) FROM aias.dim_organizations o
WHERE kind <> 'test' AND org_id < {bound} AND NOT EXISTS (SELECT FROM ({lines}) l WHERE l.org_id = o.org_id)
ORDER BY org_id

-- name: list_names
-- What everything was called, the earlier names with the time until which they held.
SELECT 'organizations', org_id, NULL::timestamptz, slug, display_name FROM aias.dim_organizations
UNION ALL SELECT 'projects', project_id, NULL, slug, display_name FROM aias.dim_projects
UNION ALL SELECT 'models', model_id, NULL, name, name FROM aias.dim_models
UNION ALL
SELECT dimension, subject_id, valid_to, coalesce(attributes ->> 'slug', attributes ->> 'name'),
    coalesce(attributes ->> 'display_name', attributes ->> 'name')
FROM aias.dim_versions WHERE dimension IN ('organizations', 'projects', 'models')
ORDER BY 1, 2, 3 NULLS LAST

-- name: list_statement_names
-- Each name with the first line that has the next one; a name that comes back is there twice.
WITH named AS (
    SELECT 'organizations' AS kind, org_id AS id, period_start, org_slug AS slug, org_name AS name
    FROM aias.statement_lines WHERE month = %(month)s AND version = %(version)s
    UNION
    SELECT 'projects', project_id, period_start, project_name, project_name
    FROM aias.statement_lines WHERE month = %(month)s AND version = %(version)s
    UNION
    SELECT 'models', model_id, period_start, model_name, model_name
    FROM aias.statement_lines WHERE month = %(month)s AND version = %(version)s
), followed AS (
    SELECT kind, id, slug, name, lead(period_start) OVER later AS ended_at, lead(slug) OVER later AS next_slug,
        lead(name) OVER later AS next_name
    FROM named WINDOW later AS (PARTITION BY kind, id ORDER BY period_start)
)
SELECT kind, id, ended_at, slug, name FROM followed
WHERE ended_at IS NULL OR (slug, name) IS DISTINCT FROM (next_slug, next_name)
ORDER BY 1, 2, 3 NULLS LAST

-- name: list_prices
SELECT price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico,
    effective_from, org_id, list_price_id
FROM aias.dim_prices ORDER BY price_id

-- name: find_models
-- Models of everyone and, where one organization is meant, its own: never those of another one.
SELECT model_id FROM aias.dim_models
WHERE (name = %(name)s OR model_id::text = lower(%(name)s))
    AND (%(org_id)s::uuid IS NULL OR org_id IS NULL OR org_id = %(org_id)s)
ORDER BY model_id

-- name: find_projects
SELECT project_id FROM aias.dim_projects
WHERE (slug = %(name)s OR project_id::text = lower(%(name)s)) AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
ORDER BY project_id

-- name: list_labels
-- The labels of projects, the earlier ones with the time until which they held; as rows of names.
SELECT 'labels', project_id, NULL::timestamptz, nullif(labels::text, '{}'), NULL FROM aias.dim_projects
UNION ALL
SELECT 'labels', subject_id, valid_to, nullif(attributes ->> 'labels', '{}'), NULL
FROM aias.dim_versions WHERE dimension = 'projects'
ORDER BY 1, 2, 3 NULLS LAST
