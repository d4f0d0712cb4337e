-- name: find_password
SELECT password_hash, changed_at FROM aias.user_credentials WHERE user_id = %s

-- name: list_backends
SELECT d.name, d.region, d.endpoint, d.status
FROM aias.model_deployments d JOIN aias.model_revisions r USING (revision_id) JOIN aias.models m USING (model_id)
WHERE m.org_id IS NULL AND m.name = %s AND d.environment = %s AND d.endpoint IS NOT NULL

-- name: find_real_environment
SELECT environment FROM aias.model_deployments WHERE environment = ANY (%s) LIMIT 1

-- name: limit_statements
-- Compiling the statements of a bulk load costs more than it gives, and a merge would bring events out of the order in
-- which indexes grow.
SELECT set_config('statement_timeout', '30s', true), set_config('jit', 'off', true),
    set_config('enable_mergejoin', 'off', true)

-- name: find_run
SELECT content_sha256, row_counts, anchored_at, figures FROM aias.seed_runs WHERE (package, database) = (%s, %s)

-- name: upsert_run
-- What did not change leaves the row as it is; the anchor never changes.
INSERT INTO aias.seed_runs (package, database, content_sha256, applied_at, row_counts, anchored_at, figures)
VALUES (%(package)s, %(database)s, %(digest)s, now(), %(row_counts)s, %(anchored_at)s, %(figures)s)
ON CONFLICT (package, database) DO UPDATE
SET content_sha256 = excluded.content_sha256, applied_at = excluded.applied_at, row_counts = excluded.row_counts
WHERE (seed_runs.content_sha256, seed_runs.row_counts) IS DISTINCT FROM (excluded.content_sha256, excluded.row_counts)

-- name: delete_runs
DELETE FROM aias.seed_runs WHERE package = %s

-- name: hold_seeds
SELECT pg_advisory_xact_lock(hashtextextended('aias db seed', 0))

-- name: create_payers
CREATE TEMP TABLE IF NOT EXISTS seed_payers (payer int PRIMARY KEY, org_id uuid, api_key_id uuid, project_id uuid)
    ON COMMIT DROP

-- name: create_offers
CREATE TEMP TABLE IF NOT EXISTS seed_offers (offer int PRIMARY KEY, model_id uuid, name text, operation text, price_id uuid,
    input_pico bigint, cached_input_pico bigint, output_pico bigint) ON COMMIT DROP

-- name: create_series
CREATE TEMP TABLE IF NOT EXISTS seed_series (payer int, offer int, billable bool, series_id bigint) ON COMMIT DROP

-- name: create_made
CREATE TEMP TABLE IF NOT EXISTS seed_made ON COMMIT DROP AS SELECT 0 AS payer, 0 AS offer, event_id, occurred_at, org_id, project_id, api_key_id,
    model_id, model_requested, operation, status, http_status, error_code, duration_ms, ttft_ms, backend_ms, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, price_id, cost_pico, streamed,
    source_seq, received_at, 0::bigint AS digest
FROM aias.usage_facts WITH NO DATA

-- name: empty_made
TRUNCATE seed_made

-- name: make_events
-- Everything follows from the number of the event and the seed, through the hash functions that partitions are built
-- on, which never change. Events rise in time, so that indexes grow at their right end. OFFSET 0 keeps the planner from
-- folding the steps into one, which would compute each of them many times.
INSERT INTO seed_made
SELECT payer, offer,
    ('0' || to_hex((ms << 16) | 28672 | ((h3 >> 48) & 4095))
        || to_hex((h4 & 4611686018427387903) | (-9223372036854775807 - 1)))::uuid,
    'epoch'::timestamptz + ms * interval '1 millisecond',
    org_id, project_id, api_key_id, model_id, name, operation, status,
    CASE status WHEN 'success' THEN 200 WHEN 'error' THEN 502 WHEN 'timeout' THEN 504 WHEN 'throttled' THEN 429
        WHEN 'cancelled' THEN 499 ELSE 400 END,
    CASE status WHEN 'error' THEN 'backend_failed' WHEN 'timeout' THEN 'backend_timeout'
        WHEN 'throttled' THEN 'rate_limited' WHEN 'rejected' THEN 'invalid_request' END,
    duration_ms, ttft_ms, CASE WHEN is_served OR status IN ('error', 'timeout') THEN duration_ms * 9 / 10 END,
    input_tokens, cached_input_tokens, output_tokens,
    CASE WHEN (h2 >> 40) & 7 = 0 THEN output_tokens / 3 ELSE 0 END,
    'reported', is_served, CASE WHEN is_served THEN price_id END,
    (input_tokens - cached_input_tokens) * input_pico + cached_input_tokens * cached_input_pico
        + output_tokens * output_pico,
    is_chat AND h2 & 1 = 0, i + 1,
    least('epoch'::timestamptz + (ms + duration_ms + CASE
        WHEN ((h3 >> 32) & 65535) %% 10000 < %(late_pct)s * 100 THEN 960000 + (h4 & 4194303) ELSE 200 + (h4 & 1023) END)
        * interval '1 millisecond', %(end)s),
    h4
FROM (
    SELECT *, CASE WHEN is_served THEN ttft_ms + output_tokens * (6 + ((h3 >> 28) & 15))
            WHEN status = 'timeout' THEN 60000 ELSE 5 + (h3 & 4095) END AS duration_ms,
        CASE WHEN (h2 >> 28) & 3 = 0 THEN input_tokens * ((h2 >> 30) & 15) / 16 ELSE 0 END AS cached_input_tokens
    FROM (
        SELECT *, CASE WHEN is_served THEN 20 + ((h2 >> 4) & 2047) ELSE 0 END AS input_tokens,
            CASE WHEN is_served AND is_chat THEN 10 + ((h2 >> 16) & 1023) ELSE 0 END AS output_tokens,
            CASE WHEN is_served THEN 30 + (h3 & 511) + CASE WHEN (h3 >> 9) & 63 = 0 THEN (h3 >> 15) & 8191 ELSE 0 END END
                AS ttft_ms
        FROM (
            SELECT *, status IN ('success', 'cancelled') AS is_served, operation = 'chat' AS is_chat
            FROM (
                SELECT *, %(start_ms)s::bigint + i * %(span_ms)s::bigint / %(events)s + (h1 >> 44) %% %(slot_ms)s AS ms,
                    CASE WHEN ((h2 >> 48) & 32767) %% 10000 >= %(error_pct)s * 100 THEN 'success'
                        ELSE (ARRAY['error', 'error', 'error', 'timeout', 'throttled', 'throttled', 'cancelled',
                            'rejected'])[1 + (h2 & 7)] END AS status
                FROM (
                    SELECT i, hashint8extended(i, %(rng_seed)s) & 9223372036854775807 AS h1,
                        hashint8extended(i, %(rng_seed)s + 1) & 9223372036854775807 AS h2,
                        hashint8extended(i, %(rng_seed)s + 2) & 9223372036854775807 AS h3,
                        hashint8extended(i, %(rng_seed)s + 3) & 9223372036854775807 AS h4
                    FROM generate_series(%(first)s::bigint, %(last)s::bigint) i OFFSET 0
                ) hashed
                JOIN seed_payers ON payer = (h1 & 1048575) %% %(payers)s
                JOIN seed_offers ON offer = ((h1 >> 20) & 65535) %% %(offers)s OFFSET 0
            ) ended OFFSET 0
        ) served OFFSET 0
    ) counted OFFSET 0
) timed

-- name: insert_series
-- Each payer with each offer, billed or not, as far as they met in this batch; sorted, so that numbers are the same too.
INSERT INTO aias.usage_series (org_id, project_id, api_key_id, model_id, operation, region, currency, price_id)
SELECT org_id, project_id, api_key_id, model_id, operation, 'local', 'USD', CASE WHEN billable THEN price_id END
FROM (SELECT DISTINCT payer, offer, billable FROM seed_made) met
    JOIN seed_payers USING (payer) JOIN seed_offers USING (offer)
WHERE (payer, offer, billable) NOT IN (SELECT payer, offer, billable FROM seed_series)
ORDER BY payer, offer, billable
ON CONFLICT DO NOTHING

-- name: number_series
INSERT INTO seed_series
SELECT payer, offer, billable, series_id
FROM (SELECT DISTINCT payer, offer, billable FROM seed_made) met
    JOIN seed_payers p USING (payer) JOIN seed_offers o USING (offer)
    JOIN aias.usage_series s ON s.org_id = p.org_id AND s.model_id = o.model_id AND s.operation = o.operation
        AND s.region = 'local' AND s.currency = 'USD' AND s.project_id IS NOT DISTINCT FROM p.project_id
        AND s.api_key_id IS NOT DISTINCT FROM p.api_key_id
        AND s.price_id IS NOT DISTINCT FROM CASE WHEN billable THEN o.price_id END
WHERE (payer, offer, billable) NOT IN (SELECT payer, offer, billable FROM seed_series)

-- name: insert_receipts
INSERT INTO aias.event_receipts (event_id, org_id, digest, received_at, batch_id)
SELECT event_id, org_id, digest, received_at, %(batch_id)s FROM seed_made

-- name: offer_copies
-- Some events come a second time, as they do after a crash of a router; their receipts refuse them.
INSERT INTO aias.event_receipts (event_id, org_id, digest, received_at, batch_id)
SELECT event_id, org_id, digest, received_at, %(batch_id)s FROM seed_made
WHERE (digest & 65535) %% 10000 < %(dup_pct)s * 100 ON CONFLICT DO NOTHING

-- name: insert_facts
INSERT INTO aias.usage_facts (event_id, occurred_at, org_id, project_id, api_key_id, model_id, model_revision,
    model_requested, operation, status, http_status, error_code, duration_ms, ttft_ms, backend_ms, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, currency, price_id, cost_pico, streamed,
    attempts, route, region, client, source, source_seq, labels, latency_bucket, ttft_bucket, received_at, batch_id, late,
    cost_check, series_id)
SELECT event_id, occurred_at, org_id, project_id, api_key_id, model_id, 1,
    model_requested, operation, status, http_status, error_code, duration_ms, ttft_ms, backend_ms, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, token_source, billable, 'USD', price_id, cost_pico, streamed,
    1, 'primary', 'local', 'seed', %(source)s, source_seq, '{}', width_bucket(duration_ms - 1, %(thresholds)s::int[]),
    width_bucket(ttft_ms - 1, %(thresholds)s::int[]), received_at, %(batch_id)s,
    received_at - occurred_at > %(late_after)s, 'ok', series_id
FROM seed_made JOIN seed_series USING (payer, offer, billable)

-- name: insert_dirty_hours
INSERT INTO aias.dirty_hours (bucket_start, org_id, cause)
SELECT hour, org_id, %(batch_id)s FROM aias.source_totals WHERE source = %(source)s

-- name: insert_batch
INSERT INTO aias.ingest_batches (batch_id, source, committed_at, accepted, duplicate, late, rejected)
SELECT %(batch_id)s, %(source)s, %(end)s, count(*), count(*) FILTER (WHERE (digest & 65535) %% 10000 < %(dup_pct)s * 100),
    count(*) FILTER (WHERE received_at - occurred_at > %(late_after)s), 0
FROM seed_made
RETURNING duplicate

-- name: add_totals
INSERT INTO aias.source_totals (source, org_id, hour, requests, input_tokens, output_tokens, cost_pico, sealed, received_at)
SELECT %(source)s, org_id, date_trunc('hour', occurred_at, 'UTC'), count(*), sum(input_tokens), sum(output_tokens),
    sum(cost_pico), true, %(end)s
FROM seed_made GROUP BY 2, 3
ON CONFLICT (source, org_id, hour) DO UPDATE SET requests = source_totals.requests + excluded.requests,
    input_tokens = source_totals.input_tokens + excluded.input_tokens,
    output_tokens = source_totals.output_tokens + excluded.output_tokens,
    cost_pico = source_totals.cost_pico + excluded.cost_pico

-- name: insert_source
INSERT INTO aias.sources (source, state, highest_seq, published_seq, heartbeat_at)
VALUES (%(source)s, 'closed', %(events)s, %(events)s, %(end)s)

-- name: ensure_partitions
SELECT aias.ensure_month_partitions(%s, %s)

-- name: count_facts
SELECT count(*) FROM aias.usage_facts WHERE source = %(source)s AND occurred_at >= %(start)s AND occurred_at < %(end)s

-- name: delete_facts
WITH gone AS (
    DELETE FROM aias.usage_facts
    WHERE event_id >= aias.first_uuid(%(start)s) AND event_id < aias.first_uuid(%(end)s)
        AND occurred_at >= %(start)s AND occurred_at < %(end)s AND source = %(source)s
    RETURNING occurred_at, org_id
), dirty AS (
    INSERT INTO aias.dirty_hours (bucket_start, org_id, cause)
    SELECT DISTINCT date_trunc('hour', occurred_at, 'UTC'), org_id, %(batch_id)s::uuid FROM gone
)
SELECT count(*) FROM gone

-- name: delete_receipts
DELETE FROM aias.event_receipts
WHERE event_id >= aias.first_uuid(%(start)s) AND event_id < aias.first_uuid(%(end)s) AND batch_id = %(batch_id)s

-- name: delete_batch
DELETE FROM aias.ingest_batches WHERE batch_id = %(batch_id)s

-- name: delete_totals
DELETE FROM aias.source_totals WHERE source = %(source)s

-- name: delete_source
DELETE FROM aias.sources WHERE source = %(source)s

-- name: delete_dimension_versions
DELETE FROM aias.dim_versions WHERE subject_id = ANY (%s)

-- name: delete_dim_organizations
DELETE FROM aias.dim_organizations WHERE org_id = ANY (%s)

-- name: delete_dim_projects
DELETE FROM aias.dim_projects WHERE project_id = ANY (%s)

-- name: delete_dim_models
DELETE FROM aias.dim_models WHERE model_id = ANY (%s)

-- name: delete_dim_prices
DELETE FROM aias.dim_prices WHERE price_id = ANY (%s)

-- name: delete_dim_keys
DELETE FROM aias.dim_keys WHERE api_key_id = ANY (%s)

-- name: delete_deployments
DELETE FROM aias.model_deployments WHERE revision_id = ANY (%s) AND aias.is_seed_id(deployment_id)
