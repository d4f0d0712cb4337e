-- name: read_snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL statement_timeout = '15s'

-- name: find_models
SELECT model_id AS id FROM aias.dim_models WHERE name = ANY(%(names)s)

-- name: find_projects
SELECT project_id AS id FROM aias.dim_projects WHERE slug = ANY(%(names)s)

-- name: find_keys
SELECT api_key_id AS id FROM aias.dim_keys WHERE name = ANY(%(names)s)

-- name: list_model_names
SELECT model_id, name FROM aias.dim_models WHERE model_id = ANY(%(ids)s)

-- name: list_project_names
SELECT project_id, slug FROM aias.dim_projects WHERE project_id = ANY(%(ids)s)

-- name: list_key_names
SELECT api_key_id, name FROM aias.dim_keys WHERE api_key_id = ANY(%(ids)s)

-- name: list_org_names
SELECT org_id, slug FROM aias.dim_organizations WHERE org_id = ANY(%(ids)s)

-- name: list_held_keys
SELECT api_key_id FROM aias.dim_keys WHERE holder_id = %(holder)s ORDER BY api_key_id

-- name: find_currency
SELECT currency FROM aias.dim_organizations WHERE %(orgs)s::uuid[] IS NULL OR org_id = ANY(%(orgs)s) ORDER BY org_id LIMIT 1

-- name: read_watermarks
SELECT min(settled_through), min(complete_through) FROM aias.watermarks WHERE stage LIKE 'rollup%%'

-- name: read_backlog
-- Hours older than the previous one are late; their facts are stored and their rollups wait.
SELECT (SELECT count(DISTINCT (bucket_start, org_id)) FROM aias.dirty_hours
        WHERE bucket_start < %(before)s AND (%(orgs)s::uuid[] IS NULL OR org_id = ANY(%(orgs)s))),
    (SELECT count(*) FROM aias.dead_letters WHERE state = 'open')

-- name: read_last_event
SELECT max(last.occurred_at) FROM aias.dim_organizations o CROSS JOIN LATERAL (
    SELECT occurred_at FROM aias.usage_facts f
    WHERE f.org_id = o.org_id AND occurred_at >= %(since)s AND kind = 'usage'
        AND (%(models)s::uuid[] IS NULL OR model_id = ANY(%(models)s))
    ORDER BY occurred_at DESC LIMIT 1
) last
WHERE %(orgs)s::uuid[] IS NULL OR o.org_id = ANY(%(orgs)s)

-- name: list_events
SELECT event_id, org_id, occurred_at, received_at, project_id, api_key_id, actor_id, model_id, model_requested,
    operation, status, http_status, error_code, duration_ms, ttft_ms, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, billable, currency, price_id, cost_pico, kind, region, backend_id, attempts,
    streamed, trace_id, late, ref_event_id, reason
FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND (occurred_at, event_id) < (%(at)s, %(event_id)s)
    AND {filters}
ORDER BY occurred_at DESC, event_id DESC
LIMIT %(limit)s

-- name: find_event
SELECT event_id, org_id, occurred_at, received_at, project_id, api_key_id, actor_id, model_id, model_requested,
    operation, status, http_status, error_code, duration_ms, ttft_ms, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, billable, currency, price_id, cost_pico, kind, region, backend_id, attempts,
    streamed, trace_id, late, ref_event_id, reason
FROM aias.usage_facts
WHERE event_id = %(event_id)s AND occurred_at >= %(start)s AND occurred_at < %(end)s AND {filters}

-- name: read_daily_spend
SELECT bucket_start, sum(cost_pico + adjustment_pico) FROM aias.{relation}
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND currency = %(currency)s AND {filters}
GROUP BY bucket_start

-- name: find_first_day
SELECT min(bucket_start) FROM aias.{relation} WHERE {filters}
