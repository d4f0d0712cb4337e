-- name: list_versions
SELECT month, version, status, encode(content_sha256, 'hex') AS content_sha256, totals, reason, waivers, closed_by,
    approval_id, closed_at
FROM aias.month_closes WHERE %(month)s::date IS NULL OR month = %(month)s ORDER BY month, version

-- name: list_used_approvals
SELECT approval_id FROM aias.month_closes WHERE approval_id IS NOT NULL

-- name: insert_close
INSERT INTO aias.month_closes (month, version, status, totals, content_sha256, complete_through, reason, diff, waivers,
    closed_by, approval_id, closed_at)
VALUES (%(month)s, %(version)s, %(status)s, %(totals)s, decode(%(content_sha256)s, 'hex'), %(complete_through)s,
    %(reason)s, %(diff)s, %(waivers)s, %(closed_by)s, %(approval_id)s, %(closed_at)s)

-- name: create_staging
CREATE TEMP TABLE staged_lines (
    line_no int GENERATED ALWAYS AS IDENTITY, period_start timestamptz, period_end timestamptz, granularity text,
    org_id uuid, org_slug text, org_name text, project_id uuid, project_name text, model_id uuid, model_name text,
    operation text, region text, requests bigint, successes bigint, errors bigint, timeouts bigint, throttled bigint,
    cancelled bigint, rejected bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
    reasoning_tokens bigint, total_tokens bigint, billed_requests bigint, billed_input_tokens bigint,
    billed_cached_input_tokens bigint, billed_output_tokens bigint, currency char(3), price_id uuid,
    cost_exact numeric, adjustment_exact numeric, amount_exact numeric, amount numeric, month_status text,
    statement_version int
) ON COMMIT DROP

-- name: copy_staging
COPY staged_lines (period_start, period_end, granularity, org_id, org_slug, org_name, project_id, project_name, model_id,
    model_name, operation, region, requests, successes, errors, timeouts, throttled, cancelled, rejected, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, billed_requests, billed_input_tokens,
    billed_cached_input_tokens, billed_output_tokens, currency, price_id, cost_exact, adjustment_exact, amount_exact,
    amount, month_status, statement_version)
FROM STDIN (FORMAT csv)

-- name: freeze_lines
INSERT INTO aias.statement_lines (month, version, line_no, org_id, period_start, project_id, model_id, operation, region,
    currency, price_id, org_slug, org_name, project_name, model_name, requests, successes, errors, timeouts, throttled,
    cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, billed_requests,
    billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico, adjustment_pico, amount_cents,
    correction_pico)
SELECT %(month)s, %(version)s, line_no, s.org_id, period_start, s.project_id, s.model_id, coalesce(s.operation, ''),
    coalesce(s.region, ''), s.currency, price_id, org_slug, org_name, project_name, model_name, requests, successes,
    errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens,
    (cost_exact * 1000000000000)::numeric(38,0), (adjustment_exact * 1000000000000)::numeric(38,0), amount * 100,
    coalesce(correction_pico, 0)
FROM staged_lines s LEFT JOIN ({corrections}) c ON c.bucket_start = s.period_start AND c.org_id = s.org_id
    AND c.project_id IS NOT DISTINCT FROM s.project_id AND c.model_id IS NOT DISTINCT FROM s.model_id
    AND c.operation = s.operation AND c.region = coalesce(s.region, '') AND c.currency = s.currency
    AND s.price_id IS NULL

-- name: diff_lines
-- Both sides as a full outer join of their keys: lines that are missing, extra or different, with both values.
WITH frozen AS (
    SELECT period_start AS bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests,
        input_tokens, output_tokens, cost_pico, adjustment_pico
    FROM aias.statement_lines WHERE month = %(month)s AND version = %(version)s AND operation <> ''
), live AS (
    SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, input_tokens,
        output_tokens, cost_pico, adjustment_pico
    FROM aias.usage_days WHERE %(other)s::int IS NULL AND bucket_start >= %(start)s AND bucket_start < %(end)s
    UNION ALL
    SELECT period_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, input_tokens,
        output_tokens, cost_pico, adjustment_pico
    FROM aias.statement_lines WHERE month = %(month)s AND version = %(other)s AND operation <> ''
)
SELECT coalesce(f.bucket_start, l.bucket_start), coalesce(f.org_id, l.org_id), coalesce(f.project_id, l.project_id),
    coalesce(f.model_id, l.model_id), coalesce(f.operation, l.operation), coalesce(f.region, l.region),
    coalesce(f.currency, l.currency), coalesce(f.price_id, l.price_id),
    f.requests, l.requests, f.input_tokens + f.output_tokens, l.input_tokens + l.output_tokens,
    f.cost_pico + f.adjustment_pico, l.cost_pico + l.adjustment_pico
FROM frozen f FULL JOIN live l ON f.bucket_start = l.bucket_start AND f.org_id = l.org_id AND f.operation = l.operation
    AND f.region = l.region AND f.currency = l.currency
    AND coalesce(f.project_id::text, '') = coalesce(l.project_id::text, '')
    AND coalesce(f.model_id::text, '') = coalesce(l.model_id::text, '')
    AND coalesce(f.price_id::text, '') = coalesce(l.price_id::text, '')
WHERE (f.requests, f.input_tokens, f.output_tokens, f.cost_pico, f.adjustment_pico)
    IS DISTINCT FROM (l.requests, l.input_tokens, l.output_tokens, l.cost_pico, l.adjustment_pico)
ORDER BY 2, 1, 3, 4, 5, 6, 7, 8

-- name: count_unsealed
SELECT count(*) FROM aias.source_totals t LEFT JOIN aias.sources s USING (source)
WHERE t.hour >= %(start)s AND t.hour < %(end)s AND NOT t.sealed AND s.state IS DISTINCT FROM 'retired'

-- name: count_lagging_sources
SELECT count(*) FROM aias.sources
WHERE state IN ('active', 'silent')
    AND least(oldest_unpublished_at, oldest_in_flight_at, CASE WHEN state = 'silent' THEN heartbeat_at END) < %(end)s

-- name: count_unproven_costs
SELECT count(*) FROM aias.usage_facts
WHERE cost_check <> 'ok' AND kind = 'usage' AND billable AND occurred_at >= %(start)s AND occurred_at < %(end)s

-- name: list_open_letters
-- A letter is of the month of its event; where that cannot be read, of the month it came in.
SELECT received_at, payload FROM aias.dead_letters
WHERE state = 'open' AND received_at >= %(start)s AND received_at < %(latest)s

-- name: find_receipt
SELECT true FROM aias.event_receipts WHERE event_id = %(event_id)s AND org_id = %(org_id)s

-- name: find_currency
SELECT currency FROM aias.dim_organizations WHERE org_id = %(org_id)s

-- name: find_event_currency
SELECT currency FROM aias.usage_facts
WHERE event_id = %(event_id)s AND org_id = %(org_id)s AND kind = 'usage'
