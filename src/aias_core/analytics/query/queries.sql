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
