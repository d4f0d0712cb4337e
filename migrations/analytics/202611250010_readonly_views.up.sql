-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New views only; nothing exists that could wait

CREATE VIEW aias.readable_usage_facts WITH (security_barrier) AS
SELECT event_id, occurred_at, org_id, project_id, api_key_id, actor_id, model_id, model_revision,
    model_requested, operation, status, http_status, error_code, duration_ms, ttft_ms, backend_ms,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, currency,
    price_id, cost_pico, streamed, attempts, route, region, backend_id, client, trace_id, lease_id, source,
    source_seq, labels, latency_bucket, ttft_bucket, received_at, batch_id, late, kind, cost_check,
    ref_event_id, reason
FROM aias.usage_facts
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_usage_facts TO aias_readonly;
COMMENT ON VIEW aias.readable_usage_facts
    IS 'What people who only look may see of usage_facts, of the organization in aias.org_id';

CREATE VIEW aias.readable_source_totals WITH (security_barrier) AS
SELECT source, org_id, hour, requests, input_tokens, output_tokens, cost_pico, sealed, received_at
FROM aias.source_totals
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_source_totals TO aias_readonly;
COMMENT ON VIEW aias.readable_source_totals
    IS 'What people who only look may see of source_totals, of the organization in aias.org_id';

CREATE VIEW aias.readable_usage_hours WITH (security_barrier) AS
SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes,
    errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
    reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens,
    billed_output_tokens, cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id, adjustments,
    adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
    source_max_received_at
FROM aias.usage_hours
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_usage_hours TO aias_readonly;
COMMENT ON VIEW aias.readable_usage_hours
    IS 'What people who only look may see of usage_hours, of the organization in aias.org_id';

CREATE VIEW aias.readable_usage_hour_keys WITH (security_barrier) AS
SELECT bucket_start, org_id, project_id, api_key_id, model_id, currency, requests, successes, errors, timeouts,
    throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
    run_id, adjustments, adjustment_pico
FROM aias.usage_hour_keys
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_usage_hour_keys TO aias_readonly;
COMMENT ON VIEW aias.readable_usage_hour_keys
    IS 'What people who only look may see of usage_hour_keys, of the organization in aias.org_id';

CREATE VIEW aias.readable_usage_days WITH (security_barrier) AS
SELECT bucket_start, org_id, project_id, model_id, operation, region, currency, price_id, requests, successes,
    errors, timeouts, throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens,
    reasoning_tokens, billed_requests, billed_input_tokens, billed_cached_input_tokens,
    billed_output_tokens, cost_pico, latency_idx, latency_n, ttft_idx, ttft_n, run_id, adjustments,
    adjustment_pico, latency_sum_ms, latency_min, latency_max, ttft_sum_ms, ttft_min, ttft_max,
    source_max_received_at
FROM aias.usage_days
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_usage_days TO aias_readonly;
COMMENT ON VIEW aias.readable_usage_days
    IS 'What people who only look may see of usage_days, of the organization in aias.org_id';

CREATE VIEW aias.readable_usage_day_keys WITH (security_barrier) AS
SELECT bucket_start, org_id, project_id, api_key_id, model_id, currency, requests, successes, errors, timeouts,
    throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
    run_id, adjustments, adjustment_pico
FROM aias.usage_day_keys
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_usage_day_keys TO aias_readonly;
COMMENT ON VIEW aias.readable_usage_day_keys
    IS 'What people who only look may see of usage_day_keys, of the organization in aias.org_id';

CREATE VIEW aias.readable_reconcile_findings WITH (security_barrier) AS
SELECT finding_id, run_id, comparison, bucket_start, org_id, key, metric, kind, expected, found
FROM aias.reconcile_findings
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_reconcile_findings TO aias_readonly;
COMMENT ON VIEW aias.readable_reconcile_findings
    IS 'What people who only look may see of reconcile_findings, of the organization in aias.org_id';

CREATE VIEW aias.readable_export_jobs WITH (security_barrier) AS
SELECT job_id, org_id, requested_by, kind, format, compression, window_start, window_end, granularity, filters,
    statement_version, delivery, status, attempts, lease_holder, lease_until, fence, object_key, bytes,
    row_count, sha256, content_sha256, manifest, finished_at, expires_at, error_code, error_message,
    created_at, updated_at, row_version
FROM aias.export_jobs
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_export_jobs TO aias_readonly;
COMMENT ON VIEW aias.readable_export_jobs
    IS 'What people who only look may see of export_jobs, of the organization in aias.org_id';

CREATE VIEW aias.readable_statement_lines WITH (security_barrier) AS
SELECT month, version, line_no, org_id, period_start, project_id, model_id, operation, region, currency,
    price_id, org_slug, org_name, project_name, model_name, requests, successes, errors, timeouts,
    throttled, cancelled, rejected, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    billed_requests, billed_input_tokens, billed_cached_input_tokens, billed_output_tokens, cost_pico,
    adjustment_pico, amount_cents
FROM aias.statement_lines
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_statement_lines TO aias_readonly;
COMMENT ON VIEW aias.readable_statement_lines
    IS 'What people who only look may see of statement_lines, of the organization in aias.org_id';

CREATE VIEW aias.readable_dim_organizations WITH (security_barrier) AS
SELECT org_id, slug, display_name, kind, currency
FROM aias.dim_organizations
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_dim_organizations TO aias_readonly;
COMMENT ON VIEW aias.readable_dim_organizations
    IS 'What people who only look may see of dim_organizations, of the organization in aias.org_id';

CREATE VIEW aias.readable_dim_projects WITH (security_barrier) AS
SELECT project_id, org_id, slug, display_name, labels
FROM aias.dim_projects
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_dim_projects TO aias_readonly;
COMMENT ON VIEW aias.readable_dim_projects
    IS 'What people who only look may see of dim_projects, of the organization in aias.org_id';

CREATE VIEW aias.readable_dim_models WITH (security_barrier) AS
SELECT model_id, name, org_id
FROM aias.dim_models
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_dim_models TO aias_readonly;
COMMENT ON VIEW aias.readable_dim_models
    IS 'What people who only look may see of dim_models, of the organization in aias.org_id';

CREATE VIEW aias.readable_dim_prices WITH (security_barrier) AS
SELECT price_id, model_id, operation, currency, input_pico, cached_input_pico, output_pico, request_pico,
    effective_from, org_id, list_price_id
FROM aias.dim_prices
WHERE org_id IS NULL OR org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_dim_prices TO aias_readonly;
COMMENT ON VIEW aias.readable_dim_prices
    IS 'What people who only look may see of dim_prices, of the organization in aias.org_id';

CREATE VIEW aias.readable_dim_keys WITH (security_barrier) AS
SELECT api_key_id, org_id, name, project_id, holder_id, status
FROM aias.dim_keys
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_dim_keys TO aias_readonly;
COMMENT ON VIEW aias.readable_dim_keys
    IS 'What people who only look may see of dim_keys, of the organization in aias.org_id';

CREATE VIEW aias.readable_dim_versions WITH (security_barrier) AS
SELECT dimension, subject_id, valid_to, org_id, valid_from, attributes
FROM aias.dim_versions
WHERE org_id = nullif(current_setting('aias.org_id', true), '')::uuid;
GRANT SELECT ON aias.readable_dim_versions TO aias_readonly;
COMMENT ON VIEW aias.readable_dim_versions
    IS 'What people who only look may see of dim_versions, of the organization in aias.org_id';
