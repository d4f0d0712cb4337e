-- name: select_month_lines
-- One line per day and rollup key, in the order of the file: nulls last, everything else ascending.
SELECT d.bucket_start, d.org_id, o.slug AS org_slug, o.display_name AS org_name, d.project_id, NULL AS project_name,
    d.model_id, m.name AS model_name, d.operation,
    d.region, d.requests, d.successes, d.errors, d.timeouts, d.throttled, d.cancelled, d.rejected, d.input_tokens,
    d.cached_input_tokens, d.output_tokens, d.reasoning_tokens, d.billed_requests, d.billed_input_tokens,
    d.billed_cached_input_tokens, d.billed_output_tokens, d.currency, d.price_id, d.cost_pico
FROM aias.usage_days d
LEFT JOIN aias.dim_organizations o USING (org_id)
LEFT JOIN aias.dim_models m USING (model_id)
WHERE d.bucket_start >= %(start)s AND d.bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR d.org_id = %(org_id)s)
ORDER BY d.org_id, d.bucket_start, d.project_id NULLS LAST, d.model_id NULLS LAST, d.operation, d.region, d.currency,
    d.price_id NULLS LAST

-- name: sum_month
SELECT d.org_id, o.slug AS org_slug, d.currency, count(*) AS rows, sum(d.requests) AS requests,
    sum(d.input_tokens + d.output_tokens) AS total_tokens, sum(d.cost_pico) AS cost_pico
FROM aias.usage_days d LEFT JOIN aias.dim_organizations o USING (org_id)
WHERE d.bucket_start >= %(start)s AND d.bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR d.org_id = %(org_id)s)
GROUP BY d.org_id, o.slug, d.currency
ORDER BY d.org_id, d.currency
